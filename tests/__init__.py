from . import (
    test_configuration,
    test_sessions,
    test_working_days,
)
