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
        campaigns = self.env['qualiopi.feedback.campaign'].search_fetch([
            ('event_id', 'in', self.ids), ('state', 'in', ('running', 'done')),
        ], [
            'event_id', 'stakeholder_id', 'moment', 'company_id', 'user_id', 'state', 'is_sealed', 'threshold',
            'is_anonymous', 'is_released', 'asked_count', 'is_confidential', 'cancelled_on',
        ], order='date_from, id')
        # The block beside the button reads the figures of each campaign: they are computed here, once and together.
        campaigns.mapped('satisfaction_text')
        by_event = campaigns.grouped('event_id')
        beneficiary = self.env['ir.model.data']._xmlid_to_res_id(
            'qualiopi.stakeholder_beneficiary', raise_if_not_found=False)
        for event in self:
            own = by_event.get(event._origin, campaigns.browse())
            event.feedback_figure_ids = own
            event.has_feedback = bool(own)
            asked = own.filtered(
                lambda campaign: campaign.stakeholder_id.id == beneficiary and campaign.moment == 'hot')
            event.satisfaction_text = asked.satisfaction_text if len(asked) == 1 else asked._satisfaction_text()

    def action_view_satisfaction(self):
        """Open the figures of the session's campaigns.

        :return: a window action
        :rtype: dict
        """
        self.ensure_one()
        action = self.env['ir.actions.act_window']._for_xml_id('qualiopi.qualiopi_satisfaction_report_action')
        return {**action, 'domain': [('event_id', '=', self.id)], 'context': {}}
