from odoo import fields, models


class QualiopiDropoutReason(models.Model):
    """Why a learner stopped (R15)."""

    _name = 'qualiopi.dropout.reason'
    _description = "Dropout Reason"
    _inherit = ['qualiopi.list.mixin']

    is_personal = fields.Boolean(
        "Personal Reason",
        help="Health or disability: outside the quality officers it prints as “personal reason”.",
    )
