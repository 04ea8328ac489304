from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.tools import ormcache

from ..models.qualiopi_guarded_mixin import is_meaningful


class QualiopiSafeguardingReport(models.TransientModel):
    _name = 'qualiopi.safeguarding.report'
    _description = "Report a Serious Situation"

    company_id = fields.Many2one('res.company', required=True, default=lambda self: self.env.company)
    is_offered = fields.Boolean(compute='_compute_is_offered')
    category_id = fields.Many2one(
        'qualiopi.category', "What it is about", domain=[('is_confidential', '=', True)],
    )
    description = fields.Text("What happened")
    received_on = fields.Datetime("Told on", required=True, default=fields.Datetime.now)
    event_id = fields.Many2one('event.event', "Session")
    contact_name = fields.Char("Who is concerned")
    is_anonymous = fields.Boolean("The person wants to stay anonymous")
    reference = fields.Char(readonly=True)

    @api.depends('company_id')
    def _compute_is_offered(self):
        for report in self:
            report.is_offered = self._has_audience(report.company_id)

    @api.model
    def _has_audience(self, company):
        """Whether somebody in the confidential group would read a report (design, rule 8)."""
        return self._has_members(company.id)

    @api.model
    @ormcache('company_id')
    def _has_members(self, company_id):
        # Odoo empties the cache when a user, a user's groups or companies change.
        group = self.env['ir.model.data']._xmlid_to_res_id('qualiopi.group_confidential')
        # sudo: who is in the group is asked, not shown
        return bool(self.env['res.users'].sudo().search_count([
            ('all_group_ids', 'in', group), ('active', '=', True), ('company_ids', 'in', company_id),
        ], limit=1))

    def action_confirm(self):
        """Record the report for the confidential group and answer with its reference only.

        :raise UserError: without a text, or while nobody is there to read it
        """
        self.ensure_one()
        if self.company_id not in self.env.companies or not self._has_audience(self.company_id):
            raise UserError(self.env._(
                "Nobody is in charge of confidential reports here yet. Call 17 (police) in an emergency,"
                " 119 for a child in danger, 3919 for violence against women, or the Défenseur des droits."
            ))
        if not is_meaningful(self.description):
            raise UserError(self.env._("Say in a few words what happened."))
        # sudo: a declarant hands the report over and does not see it again
        complaint = self.env['qualiopi.complaint'].sudo().with_context(mail_create_nosubscribe=True).create({
            'nature': 'safeguarding',
            'company_id': self.company_id.id,
            'category_id': self.category_id.id,
            'name': self.category_id.name or self.env._("Safeguarding report"),
            'description': self.description.strip(),
            'received_on': self.received_on,
            'event_id': self.event_id.id,
            'contact_name': self.contact_name,
            'is_anonymous': self.is_anonymous,
            'channel_id': False,
            'user_id': False,
        })
        reference = complaint.reference
        # What was typed does not stay in a table of its own.
        self.write({'description': False, 'contact_name': False, 'event_id': False, 'reference': reference})
        return {
            'type': 'ir.actions.act_window',
            'name': self.env._("Report recorded"),
            'res_model': self._name,
            'res_id': self.id,
            'views': [(False, 'form')],
            'target': 'new',
        }
