from . import (
    qualiopi_action_inform,
    qualiopi_action_postpone,
    qualiopi_action_tell,
    qualiopi_check_verdict,
    qualiopi_complaint_merge,
    qualiopi_complaint_restrict,
    qualiopi_print,
    qualiopi_reason,
    qualiopi_safeguarding_report,
    qualiopi_self_check,
)
