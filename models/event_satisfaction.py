from odoo import api, fields, models

_GROUPS = 'qualiopi.group_officer,qualiopi.group_auditor'


class EventEvent(models.Model):
    _inherit = 'event.event'

    feedback_figure_ids = fields.One2many(
        'qualiopi.feedback.campaign', compute='_compute_satisfaction', string="Appreciations", groups=_GROUPS,
    )
    has_feedback = fields.Boolean(compute='_compute_satisfaction', groups=_GROUPS, export_string_translation=False)
    satisfaction_text = fields.Char("Satisfaction", compute='_compute_satisfaction', groups=_GROUPS)

    @api.depends_context('uid', 'allowed_company_ids')
    def _compute_satisfaction(self):
        """Campaigns of the session with their figures; the button shows what beneficiaries said of the training."""
        campaigns = self.env['qualiopi.feedback.campaign'].search([
            ('event_id', 'in', self.ids), ('state', 'in', ('running', 'done')),
        ], order='date_from, id')
        by_event = campaigns.grouped('event_id')
        beneficiary = self.env.ref('qualiopi.stakeholder_beneficiary', raise_if_not_found=False)
        asked = campaigns.filtered(
            lambda campaign: campaign.stakeholder_id == beneficiary and campaign.moment == 'hot')
        figures = asked._figures_by(lambda campaign: campaign.event_id)
        texts = self.env['qualiopi.satisfaction.report']._texts
        for event in self:
            own = by_event.get(event._origin, campaigns.browse())
            event.feedback_figure_ids = own
            event.has_feedback = bool(own)
            event.satisfaction_text = texts(figures.get(event._origin) or asked._no_figures())['satisfaction_text']

    def action_view_satisfaction(self):
        """Open the figures of the session's campaigns.

        :return: a window action
        :rtype: dict
        """
        self.ensure_one()
        action = self.env['ir.actions.act_window']._for_xml_id('qualiopi.qualiopi_satisfaction_report_action')
        return {**action, 'domain': [('event_id', '=', self.id)], 'context': {}}
