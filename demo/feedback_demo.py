"""The demo data's answers, given through the questionnaires as people would, without a mail."""

from datetime import datetime, time, timedelta

from odoo import api, models


class QualiopiFeedbackCampaign(models.Model):
    _inherit = 'qualiopi.feedback.campaign'

    @api.model
    def _demo_campaign(self, xml_name, answers, *, reminded=0, is_over=True, **values):
        """Ask the persons of a session by its rule, and answer for them. No mail is made.

        :param str xml_name: external id of the campaign, without module
        :param list answers: see ``_demo_answer``
        :param int reminded: how many of those who have not answered were reminded
        :param bool is_over: end the campaign
        :param values: the session, the stakeholder and the moment, and what differs from the rule
        """
        event = self.env['event.event'].browse(values['event_id'])
        rules = self.env['qualiopi.feedback.rule'].search([('company_id', '=', event.company_id.id)])
        rule = rules._applying(event).filtered(
            lambda rule: (rule.stakeholder_id.id, rule.moment) == (values['stakeholder_id'], values['moment']))
        # The questionnaire of indicator 33 has its own campaign beside that of the rule.
        by_rule = rule and 'survey_id' not in values
        campaign = self._as_server().create({
            **(rule._campaign_values(event) if by_rule else {}), 'user_id': self._automatic_owner(event).id, **values,
        })
        self.env['ir.model.data']._update_xmlids([
            {'xml_id': f'qualiopi.{xml_name}', 'record': campaign, 'noupdate': True}])
        campaign.state = 'running'
        campaign._sync_invites()
        invites = campaign.invite_ids.filtered(lambda invite: invite.state == 'waiting')
        invites.write({'state': 'sent', 'sent_on': campaign.date_from})
        by_partner = invites.grouped('partner_id')
        for person, *answer in answers:
            campaign._demo_answer(by_partner[self.env.ref(f'qualiopi.demo_{person}')], *answer)
        silent = invites.filtered(lambda invite: invite.state == 'sent')[:reminded]
        silent.write({
            'reminder_number': 1, 'last_reminder': campaign.date_from + timedelta(days=campaign.reminder_days),
        })
        if is_over:
            campaign.state = 'done'
            # The urn of an anonymous campaign was opened on its last day.
            campaign.answer_ids.filtered('is_anonymous').answered_on = campaign.date_to
        campaign._followup_sync()

    def _demo_answer(self, invite, scores, said=None, days=2, is_paper=False):
        """Answer the questionnaire.

        :param str scores: a digit for each satisfaction question, in their order
        :param dict said: by number of the question, the text, the recommendation, or which choice
        :param int days: after the invitation
        """
        answer = invite._open_answer(is_paper=is_paper)
        questions = self.survey_id.question_ids
        replies = dict(said or {})
        asked = [
            number for number, question in enumerate(questions, start=1) if question.qualiopi_use == 'satisfaction']
        replies.update(zip(asked, scores, strict=True))
        vals_list = []
        for number, question in enumerate(questions, start=1):
            kind, reply = question.question_type, replies.get(number)
            if kind == 'simple_choice' and reply:
                kind, reply = 'suggestion', question.suggested_answer_ids[reply - 1].id
            # 0 on a scale is an answer, of which Odoo makes text as well.
            vals_list.append(answer._get_line_answer_values(question, str(reply) if reply is not None else None, kind))
        self.env['survey.user_input.line'].create(vals_list)
        answer._mark_done()
        day = self.date_from + timedelta(days=days)
        answer.write({
            'answered_on': day,
            'start_datetime': datetime.combine(day, time(16, 12)), 'end_datetime': datetime.combine(day, time(16, 17)),
        })

    def _demo_read(self, user_id, days=5):
        """Note that the comments were read some days after the end."""
        for campaign in self:
            day = campaign.date_to + timedelta(days=days)
            campaign.answer_ids.user_input_line_ids.filtered(lambda line: line.qualiopi_use == 'free').write(
                {'analysed_by_id': user_id, 'analysed_on': day})
            campaign.analysed_on = day
            campaign._as_server().analysed_by_id = user_id
