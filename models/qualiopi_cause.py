from odoo import models


class QualiopiCause(models.Model):
    """A root cause, chosen when an entry or a finding is analysed (R7)."""

    _name = 'qualiopi.cause'
    _description = "Root Cause"
    _inherit = ['qualiopi.list.mixin']
