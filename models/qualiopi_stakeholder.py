from odoo import fields, models


class QualiopiStakeholder(models.Model):
    """Who speaks: a type of stakeholder in the services (R5)."""

    _name = 'qualiopi.stakeholder'
    _description = "Stakeholder Type"
    _inherit = ['qualiopi.list.mixin']

    is_individual = fields.Boolean(
        "Individual Customer",
        help="May turn to the consumer mediator: the response mentions this recourse.",
    )
