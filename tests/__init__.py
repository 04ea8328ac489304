from . import (
    test_action,
    test_complaint_lifecycle,
    test_configuration,
<<<<<<< HEAD
    test_loop_on_core_events,
=======
    test_finding,
>>>>>>> 97dd3db3c08ffe624e3ee22745ed627e2e48132d
    test_numbers,
    test_reports,
    test_sessions,
    test_working_days,
)
