from . import (
    test_sessions,
    test_working_days,
)
