"""Feedback campaigns of the sessions, which follow their dates, and of the courses, which hold the rules."""

import pytz

from odoo import api, fields, models

from .event_event import _GROUPS

_MOVING = {'date_begin', 'date_end', 'date_tz', 'active', 'kanban_state', 'course_id'}


class EventEvent(models.Model):
    _inherit = 'event.event'

    campaign_ids = fields.One2many('qualiopi.feedback.campaign', 'event_id', "Feedback campaigns", groups=_GROUPS)
    campaign_count = fields.Integer(
        "Number of feedback campaigns", compute='_compute_register_counts', groups=_GROUPS,
    )

    @api.depends('campaign_ids')
    def _compute_register_counts(self):
        return super()._compute_register_counts()

    def _qualiopi_counted(self):
        return {**super()._qualiopi_counted(), 'campaign_count': ('qualiopi.feedback.campaign', 'event_id')}

    def _qualiopi_local_day(self, moment):
        """Day of one of the session's moments in its own time zone.

        :rtype: date
        """
        self.ensure_one()
        return pytz.utc.localize(moment).astimezone(pytz.timezone(self.date_tz or 'UTC')).date()

    def write(self, vals):
        result = super().write(vals)
        if _MOVING & vals.keys():
            # sudo: the campaigns follow the session, whoever moves it
            campaigns = self.env['qualiopi.feedback.campaign'].sudo().search([
                ('event_id', 'in', self.ids), ('is_imported', '=', False),
                '|', ('state', 'in', ('planned', 'running')), ('is_stopped_by_session', '=', True),
            ])
            campaigns._follow_sessions()
            campaigns._followup_sync()
        return result

    def unlink(self):
        # sudo: what was planned by itself and asked nobody does not keep a session from being deleted
        untouched = self.env['qualiopi.feedback.campaign'].sudo().search([
            ('event_id', 'in', self.ids), ('is_automatic', '=', True), ('invite_ids', '=', False),
            ('evidence_ids', '=', False),
        ])
        for campaign in untouched:
            if not campaign.cancelled_on:
                campaign._cancel(campaign.env._("The session was deleted."))
        untouched._as_server().write({'event_id': False, 'is_automatic': False})
        untouched._followup_sync()
        return super().unlink()

    def action_view_campaigns(self):
        """Open the feedback campaigns of the session.

        :return: a window action
        :rtype: dict
        """
        return self._qualiopi_event_window('qualiopi.feedback.campaign', self.env._("Feedback campaigns"))


class QualiopiCourse(models.Model):
    _inherit = 'qualiopi.course'

    feedback_rule_ids = fields.One2many('qualiopi.feedback.rule', 'course_id', "Feedback rules", copy=True)
    campaign_count = fields.Integer("Number of feedback campaigns", compute='_compute_campaign_count')

    @api.depends_context('uid', 'allowed_company_ids')
    def _compute_campaign_count(self):
        counts = dict(self.env['qualiopi.feedback.campaign']._read_group(
            [('course_id', 'in', self.ids)], ['course_id'], ['__count'],
        )) if self.env['qualiopi.feedback.campaign'].has_access('read') else {}
        for course in self:
            course.campaign_count = counts.get(course._origin, 0)

    def action_view_campaigns(self):
        """Open the feedback campaigns of the course.

        :return: a window action
        :rtype: dict
        """
        self.ensure_one()
        return {
            **self.env['ir.actions.act_window']._for_xml_id('qualiopi.qualiopi_feedback_campaign_action'),
            'domain': [('course_id', '=', self.id)],
            'context': {'default_course_id': self.id},
        }
