"""Follow-up of an entry: what is to be done by when, and who hears of it when it is late."""

from datetime import timedelta

from odoo import api, models

from .qualiopi_followup_mixin import Step

# Calendar days after which an answered entry is closed, and its author asked whether it is solved.
_CLOSE_DAYS = 7
_ASK_DAYS = 14


class QualiopiComplaint(models.Model):
    _inherit = 'qualiopi.complaint'

    _followup_fields = frozenset({
        'nature', 'severity_id', 'category_id', 'channel_id', 'received_on', 'user_id', 'partner_id', 'email_from',
        'ack_date', 'ack_message', 'ack_impossible_reason', 'cause_ids', 'analysis_date', 'finding_ids',
        'correction', 'correction_for', 'decision', 'response', 'response_date', 'response_impossible_reason',
        'verdict', 'closed_on', 'cancelled_on', 'state',
    })

    @api.depends('is_just_received', 'state', 'ack_deadline', 'ack_timeliness', 'analysis_deadline', 'analysis_date',
                 'response_deadline', 'response_timeliness', 'severity_id', 'verdict', 'correction')
    def _compute_followup_on(self):
        # Nothing can be late that nobody was asked for yet.
        waiting = self.filtered('is_just_received')
        waiting.followup_on = False
        return super(QualiopiComplaint, self - waiting)._compute_followup_on()

    def _followup_steps(self):
        """Acknowledge, analyse, answer, ask whether it is solved, close (RNQ V10, indicator 31)."""
        with_cause = self._with_cause()
        # What a new entry's causes decide besides is computed here, where they are known.
        self.mapped('analysis_date')
        return {complaint: complaint._own_steps(complaint in with_cause) for complaint in self}

    def _own_steps(self, has_cause):
        steps = []
        owner = self.user_id
        local = self.company_id._qualiopi_local_date
        if self.state == 'cancelled' or self.is_imported:
            return steps
        if self.state != 'closed':
            if self.ack_timeliness == 'pending':
                steps.append(Step('acknowledge', owner, local(self.ack_deadline)))
            if self.nature != 'safeguarding' and not has_cause and self.analysis_deadline:
                steps.append(Step('analyse', owner, local(self.analysis_deadline)))
            if self.response_timeliness == 'pending':
                steps.append(Step('answer', owner, local(self.response_deadline)))
        if self.nature == 'complaint' and self.response_date and not self.verdict and (
            self.partner_id or self.email_from
        ):
            # Courtesy, after all is said: it does not escalate.
            steps.append(Step('ask', owner, local(self.response_date) + timedelta(days=_ASK_DAYS), False))
        return steps

    def _followup_last_step(self):
        end = self.response_deadline or self.analysis_deadline
        if self._is_ended() or not end:
            return None
        due = self.company_id._qualiopi_local_date(end) + timedelta(days=_CLOSE_DAYS)
        return Step('close', self.user_id, due)

    def _followup_escalation_days(self):
        return self.severity_id.escalation_days or super()._followup_escalation_days()

    def _followup_escalates_at_once(self):
        return (
            self.severity_id.level == 'critical' or self.category_id.is_escalated or self.channel_id.is_escalated
        )

    def _followup_recorded_on(self):
        return self.received_date or super()._followup_recorded_on()
