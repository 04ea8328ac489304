"""Written confirmation of what was said: a complaint is written, so what came by telephone or in person is
sent to its author, who confirms or corrects it, or is confirmed on paper (RNQ, indicator 31)."""

from datetime import timedelta

from odoo import api, fields, models
from odoo.exceptions import UserError, ValidationError
from odoo.tools.misc import consteq, hmac

from .qualiopi_followup_mixin import Step
from .qualiopi_guarded_mixin import is_meaningful

CONFIRMATION_LINK_DAYS = 90
CONFIRMATION_LENGTH = 5000


class QualiopiComplaint(models.Model):
    _inherit = 'qualiopi.complaint'

    written_confirmation = fields.Selection([
        ('pending', "To be asked for"),
        ('sent', "Sent, no answer yet"),
        ('confirmed', "Confirmed"),
        ('impossible', "Refused or impossible"),
    ], compute='_compute_written_confirmation', store=True, copy=False,
        help="A complaint is written: what was said on the telephone or in person is confirmed in writing.")
    confirmation_sent_on = fields.Datetime("Sent for confirmation on", readonly=True, copy=False)
    confirmation_text = fields.Text("Text sent for confirmation", readonly=True, copy=False)
    confirmation_date = fields.Date("Confirmed in writing on", copy=False, tracking=True)
    confirmation_means = fields.Selection([
        ('link', "By its author, with the link of the letter"),
        ('paper', "On paper"),
    ], "Confirmed how", compute='_compute_confirmation_means', store=True, copy=False)
    confirmation_by_link = fields.Boolean(readonly=True, copy=False, export_string_translation=False)
    confirmation_correction = fields.Text(
        "As its author puts it", readonly=True, copy=False,
        help="What the author corrected or added when confirming. The text as noted stays.",
    )
    confirmation_impossible_reason = fields.Char("No written confirmation because", copy=False, tracking=True)

    # Composed with those of the other files, whatever their order.
    @property
    def _server_fields(self):
        return super()._server_fields | {
            'confirmation_sent_on', 'confirmation_text', 'confirmation_by_link', 'confirmation_correction',
        }

    @property
    def _followup_fields(self):
        return super()._followup_fields | {
            'confirmation_sent_on', 'confirmation_date', 'confirmation_impossible_reason',
        }

    # === COMPUTES AND CONSTRAINTS === #

    # A channel that is edited later does not rewrite what was asked for.
    @api.depends('nature', 'channel_id', 'text_origin', 'is_imported', 'confirmation_sent_on', 'confirmation_date',
                 'confirmation_impossible_reason')
    def _compute_written_confirmation(self):
        for complaint in self:
            if complaint.confirmation_date:
                state = 'confirmed'
            elif complaint.confirmation_impossible_reason:
                state = 'impossible'
            elif not complaint._is_oral():
                state = False
            else:
                state = 'sent' if complaint.confirmation_sent_on else 'pending'
            complaint.written_confirmation = state

    @api.depends('confirmation_date', 'confirmation_by_link')
    def _compute_confirmation_means(self):
        for complaint in self:
            means = 'link' if complaint.confirmation_by_link else 'paper'
            complaint.confirmation_means = complaint.confirmation_date and means

    def _is_oral(self):
        """Whether the complaint was told, not written, and noted by somebody of the house."""
        self.ensure_one()
        return bool(
            self.nature == 'complaint' and self.text_origin == 'staff' and not self.is_imported
            and self.channel_id._cached_value('needs_written_confirmation')
        )

    @api.constrains('confirmation_date', 'confirmation_by_link', 'evidence_ids')
    def _check_confirmation_date(self):
        """What was confirmed on paper has its paper."""
        today = fields.Date.context_today(self)
        for complaint in self.filtered(lambda c: c.confirmation_date and not c.is_imported):
            # sudo: the paper counts, also where the user may not read it
            if not complaint.confirmation_by_link and not complaint.sudo().evidence_ids:
                raise ValidationError(self.env._(
                    "Add the paper that confirms %s, or a photo of it, to its evidence.", complaint.reference,
                ))
            if complaint.confirmation_date > today:
                raise ValidationError(self.env._(
                    "The written confirmation of %s lies in the future.", complaint.reference,
                ))

    @api.constrains('confirmation_impossible_reason')
    def _check_confirmation_impossible_reason(self):
        for complaint in self.filtered('confirmation_impossible_reason'):
            if not is_meaningful(complaint.confirmation_impossible_reason):
                raise ValidationError(self.env._("Say in words why there is no written confirmation."))

    # === FOLLOW-UP === #

    def _own_steps(self, has_cause):
        steps = super()._own_steps(has_cause)
        is_open = not self._is_ended() and not self.response_date
        if self.written_confirmation == 'pending' and is_open and self.letter_address:
            # Nothing is held back by it: it does not escalate, and ends with the answer.
            steps.append(Step('confirm', self.user_id, self.company_id._qualiopi_local_date(self.ack_deadline), False))
        return steps

    # === LETTER === #

    def action_send_confirmation(self):
        """Send the text as noted to the complainant, who confirms or corrects it on a page of their own.

        :raise UserError: when it needs none, has one, was sent today, or may not leave by mail
        """
        self._check_letter()
        for complaint in self:
            if complaint.is_confidential:
                raise UserError(self.env._(
                    "The text of %s is confidential and does not leave by mail: have it confirmed on paper.",
                    complaint.reference,
                ))
        self._check_letter_address()
        self._lock_for_letter()
        now = fields.Datetime.now()
        for complaint in self:
            if complaint.written_confirmation == 'confirmed':
                raise UserError(self.env._("%s is confirmed in writing already.", complaint.reference))
            if not complaint._is_oral():
                raise UserError(self.env._("%s came in writing: there is nothing to confirm.", complaint.reference))
            if complaint.confirmation_sent_on and now - complaint.confirmation_sent_on < timedelta(days=1):
                raise UserError(self.env._(
                    "%s was sent for confirmation today already: leave some time to answer.", complaint.reference,
                ))
            text = (complaint.description or complaint.name or '').strip()
            if not is_meaningful(text):
                raise UserError(self.env._("Note first what was said: there is nothing to confirm yet."))
            complaint._as_server().write({'confirmation_sent_on': now, 'confirmation_text': text})
            complaint._send_letter('confirmation')
        return {'type': 'ir.actions.act_window_close'}

    def action_confirm_on_paper(self):
        """The window where a confirmation on paper is recorded, or why there is none."""
        self.ensure_one()
        return self._treat_window('confirmation', self.env._("Written confirmation of %s", self.reference))

    def _with_current_links(self, body):
        body = super()._with_current_links(body)
        return self._with_current_link(body, 'confirm', self._confirmation_token())

    def _confirmation_token(self):
        """Secret of the link: nothing to steal in the database, void as soon as the address is corrected."""
        self.ensure_one()
        # sudo: the key that signs is the database's
        return hmac(self.sudo().env, 'qualiopi-confirmation', (self.id, self.sudo().letter_address or ''))

    def _confirmation_url(self):
        """Address of the page where the complainant confirms.

        :rtype: str
        """
        self.ensure_one()
        return f'{self.get_base_url()}/qualiopi/confirm/{self.id}/{self._confirmation_token()}'

    def _confirmation_link_state(self, token):
        """What the link opens.

        :param str token: what came with the address
        :return: open, settled, expired, or None when there is nothing to open
        """
        self.ensure_one()
        # Compared first, so that the answer takes as long whatever is wrong.
        if not consteq(self._confirmation_token().encode(), token.encode()):
            return None
        sent = self.confirmation_sent_on
        if not sent or self.is_imported or self.is_confidential or self.state == 'cancelled':
            return None
        if self.confirmation_date:
            return 'settled'
        return 'expired' if sent + timedelta(days=CONFIRMATION_LINK_DAYS) < fields.Datetime.now() else 'open'

    def _record_confirmation(self, correction):
        """Record that the author confirms the text; what they correct stands beside it, never in its place.

        :param str correction: their own words, or nothing when all is right
        """
        self.ensure_one()
        self.lock_for_update(allow_referencing=True)
        self.invalidate_recordset(['confirmation_date'])
        if self.confirmation_date:
            return
        correction = (correction or '').strip() or False
        self._as_server().write({
            'confirmation_by_link': True,
            'confirmation_date': self.company_id._qualiopi_local_date(fields.Datetime.now()),
            'confirmation_correction': correction,
            'confirmation_impossible_reason': False,
        })
        self._followup_sync()
        if not correction:
            self._log_texts({self.id: self.env._("The complainant confirms the text as noted.")})
            return
        text = self.env._("The complainant corrects or completes the text:\n%s", correction)
        if not self.user_id:
            self._log_texts({self.id: text})
            return
        self.message_post(
            body=text, partner_ids=self.user_id.partner_id.ids, subtype_xmlid='mail.mt_note',
            author_id=self._letter_partner().id or None,
        )
