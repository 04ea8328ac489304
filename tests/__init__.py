from . import (
    test_complaint_lifecycle,
    test_configuration,
    test_numbers,
    test_reports,
    test_sessions,
    test_working_days,
)
