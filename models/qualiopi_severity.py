from odoo import fields, models


class QualiopiSeverity(models.Model):
    """How grave an entry is, and the delays that the provider sets itself for it (R6)."""

    _name = 'qualiopi.severity'
    _description = "Complaint Severity"
    _inherit = ['qualiopi.list.mixin']

    level = fields.Selection(
        [('minor', "Minor"), ('major', "Major"), ('critical', "Critical")],
        required=True,
        default='minor',
    )
    ack_days = fields.Integer(
        "Acknowledgement (Working Days)", required=True, default=2, aggregator=None
    )
    analysis_days = fields.Integer(
        "Analysis (Working Days)", required=True, default=10, aggregator=None
    )
    response_days = fields.Integer(
        "Response (Working Days)", required=True, default=15, aggregator=None
    )
    check_days = fields.Integer(
        "Effectiveness Check (Days)",
        required=True,
        default=90,
        aggregator=None,
        help="Calendar days between an action's due date and the check of its effectiveness.",
    )
    escalation_days = fields.Integer(
        "Escalation (Working Days)",
        required=True,
        default=5,
        aggregator=None,
        help="Working days past due before the quality lead hears of it.",
    )
    color = fields.Integer()

    _days_check = models.Constraint(
        'CHECK(ack_days > 0 AND analysis_days > 0 AND response_days > 0 AND check_days > 0)',
        "Each delay is at least one day.",
    )
    _escalation_days_check = models.Constraint(
        'CHECK(escalation_days > 0)', "An escalation comes at least one day after the step is due.",
    )
