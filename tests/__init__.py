from . import (
    test_action,
    test_complaint_lifecycle,
    test_configuration,
    test_finding,
    test_letters,
    test_loop_on_core_events,
    test_numbers,
    test_reports,
    test_sessions,
    test_working_days,
)
