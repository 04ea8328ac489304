from odoo import api, fields, models
from odoo.tools import ormcache


class QualiopiStakeholder(models.Model):
    """Who speaks: a type of stakeholder in the services (R5)."""

    _name = 'qualiopi.stakeholder'
    _description = "Stakeholder Type"
    _inherit = ['qualiopi.list.mixin']

    is_individual = fields.Boolean(
        "Individual Customer",
        help="May turn to the consumer mediator: the response mentions this recourse.",
    )

    @api.model
    @ormcache('company_id', 'self.env.lang')
    def _published(self, company_id):
        """The list as the public form offers it; costs no query once it is cached.

        :param int company_id: whose form it is
        :return: (id, name in the language of the context)
        :rtype: tuple[tuple[int, str]]
        """
        # sudo: the list is published with the form
        found = self.sudo().search([('company_id', 'in', (False, company_id))])
        return tuple((stakeholder.id, stakeholder.name) for stakeholder in found)
