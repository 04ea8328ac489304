from odoo import fields, models


class QualiopiDropoutReason(models.Model):
    """Why a learner stopped (R15)."""

    _name = 'qualiopi.dropout.reason'
    _description = "Dropout Reason"
    _inherit = ['qualiopi.list.mixin']

    is_job = fields.Boolean(
        "Found a job",
        help="Counted among the dropouts and shown apart: the learner found work.",
    )
    is_personal = fields.Boolean(
        "Personal Reason",
        help="Health or disability: outside the quality officers it prints as “personal reason”.",
    )
