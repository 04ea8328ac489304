from . import (
    test_access,
    test_action,
    test_check,
    test_complaint_lifecycle,
    test_configuration,
    test_finding,
    test_lock,
    test_multi_company,
    test_numbers,
    test_reports,
    test_sessions,
    test_working_days,
)
