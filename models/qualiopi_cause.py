from odoo import fields, models


class QualiopiCause(models.Model):
    """A root cause, chosen when an entry or a finding is analysed (R7)."""

    _name = 'qualiopi.cause'
    _description = "Root Cause"
    _inherit = ['qualiopi.list.mixin']

    is_undetermined = fields.Boolean(
        "Not a cause yet", help="Keeps the place of a cause until it is found: closing still asks for one.",
    )
