"""The response, and what its author says of it: whether it is solved (R9, R10)."""

from datetime import timedelta

from odoo import fields, models
from odoo.exceptions import UserError
from odoo.tools.misc import consteq, hmac

# The link of the verdict lives as long as a quarter; an answer may be changed for two weeks.
VERDICT_LINK_DAYS = 90
VERDICT_CHANGE_DAYS = 14
VERDICT_COMMENT_LENGTH = 2000
# Each change of mind is told to the entry's owner.
HOURLY_VERDICTS = 10
VERDICT_ANSWERS = ('yes', 'partly', 'no')


class QualiopiComplaint(models.Model):
    _inherit = 'qualiopi.complaint'

    response_sent_on = fields.Datetime("Response sent on", readonly=True, copy=False)
    verdict_requested_on = fields.Datetime("Verdict asked for on", readonly=True, copy=False)

    # Composed with those of the other files, whatever their order.
    @property
    def _server_fields(self):
        return super()._server_fields | {'response_sent_on', 'verdict_requested_on'}

    # === RESPONSE === #

    def action_send_response(self):
        """Queue the response, with the recourse to the mediator for individuals (RNQ, indicator 31).

        :return: the window of the response when its text is still missing
        :raise UserError: when it was sent before or may not be sent; without an address, offers to say why
        """
        self.ensure_one()
        self._check_letter()
        self._check_letter_address('response')
        if not self.response:
            return self.action_respond()
        self._lock_for_letter()
        if self.response_sent_on:
            raise UserError(self.env._(
                "The response of %s was sent already. To add something, write from the discussion below.",
                self.reference,
            ))
        now = fields.Datetime.now()
        # The date that typing the text has set gives way to that of the letter.
        self.write({'response_date': now, 'response_impossible_reason': False})
        self._send_letter('response')
        self._as_server().write({'response_sent_on': now})
        return {'type': 'ir.actions.act_window_close'}

    # === VERDICT === #

    def action_request_verdict(self):
        """Queue the question whether it is solved, with the links that answer it (R10).

        :raise UserError: before the response, when it was asked today or answered yes, without an address
        """
        self._check_letter()
        self._check_letter_address()
        self._lock_for_letter()
        now = fields.Datetime.now()
        for complaint in self:
            if complaint.state not in ('answered', 'closed'):
                raise UserError(self.env._(
                    "Answer %s first: then its author can say whether it is solved.", complaint.reference,
                ))
            if complaint.verdict == 'yes':
                raise UserError(self.env._("The author of %s said that it is solved.", complaint.reference))
            asked = complaint.verdict_requested_on
            if asked and now - asked < timedelta(days=1):
                raise UserError(self.env._(
                    "The author of %s was asked today already: leave some time to answer.", complaint.reference,
                ))
            # The date first: with it the link is open.
            complaint._as_server().write({'verdict_requested_on': now})
            complaint._send_letter('verdict')
        return True

    def _verdict_token(self):
        """Secret of the verdict's link: nothing to steal in the database, and void as soon as the address is
        corrected."""
        self.ensure_one()
        # sudo: the key that signs is the database's
        return hmac(self.sudo().env, 'qualiopi-verdict', (self.id, self.sudo().letter_address or ''))

    def _verdict_url(self, answer):
        """Address of the page where the complainant answers, with an answer chosen.

        :param str answer: yes, partly or no
        :rtype: str
        """
        self.ensure_one()
        return f'{self.get_base_url()}/qualiopi/verdict/{self.id}/{self._verdict_token()}?answer={answer}'

    def _verdict_link_state(self, token):
        """What the link of a verdict opens.

        :param str token: what came with the address
        :return: open, settled (answered some time ago), expired, or None when there is nothing to open
        """
        self.ensure_one()
        asked = self.verdict_requested_on
        # Compared first, so that the answer takes as long whatever is wrong.
        if not consteq(self._verdict_token().encode(), token.encode()):
            return None
        if not asked or self.is_imported or self.state == 'cancelled':
            return None
        if asked + timedelta(days=VERDICT_LINK_DAYS) < fields.Datetime.now():
            return 'expired'
        last_day = self._verdict_last_day()
        return 'settled' if last_day and last_day < self._verdict_today() else 'open'

    def _verdict_today(self):
        return self.company_id._qualiopi_local_date(fields.Datetime.now())

    def _has_current_verdict(self):
        """Whether the complainant's answer is one to the last question."""
        return (
            self.verdict in VERDICT_ANSWERS and bool(self.verdict_date)
            and self.verdict_date >= self._letter_day('verdict_requested_on')
        )

    def _verdict_last_day(self):
        """Until when the answer given may be changed; False without an answer."""
        return self._has_current_verdict() and self.verdict_date + timedelta(days=VERDICT_CHANGE_DAYS)

    def _record_verdict(self, answer, comment):
        """Record what the complainant answered; "not solved" reopens (design, rule 5).

        :param str answer: yes, partly or no
        :param str comment: their words, or nothing
        """
        self.ensure_one()
        comment = (comment or '').strip() or False
        if self._has_current_verdict() and (self.verdict, self.verdict_comment or False) == (answer, comment):
            return
        was_closed = self.state == 'closed'
        self.write({'verdict': answer, 'verdict_date': self._verdict_today(), 'verdict_comment': comment})
        labels = dict(self._fields['verdict']._description_selection(self.env))
        text = self.env._("The complainant answers: %s.", labels[answer])
        if comment:
            text = f'{text}\n{comment}'
        if answer == 'yes' or not self.user_id:
            self._log_texts({self.id: text})
            return
        if was_closed:
            text = self.env._("%s\nThe entry is open again.", text)
        # Its owner hears of it: what is not solved waits for somebody.
        self.message_post(
            body=text, partner_ids=self.user_id.partner_id.ids, subtype_xmlid='mail.mt_note',
            author_id=self._letter_partner().id or None,
        )

    def _with_current_links(self, body):
        body = super()._with_current_links(body)
        return self._with_current_link(body, 'verdict', self._verdict_token())
