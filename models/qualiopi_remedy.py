from odoo import models


class QualiopiRemedy(models.Model):
    """What is granted to the complainant with the decision (R9)."""

    _name = 'qualiopi.remedy'
    _description = "Complaint Remedy"
    _inherit = ['qualiopi.list.mixin']
