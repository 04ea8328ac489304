from . import (
    ir_actions_report,
    qualiopi_report,
    qualiopi_report_list,
    report_register,
    report_plan,
    report_findings,
    report_traceability,
    report_complaint,
    report_action,
    qualiopi_xlsx,
    import_template,
)
