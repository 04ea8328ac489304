"""The acknowledgement: one letter names all that waits at the same address (RNQ, indicator 31)."""

from odoo import fields, models
from odoo.exceptions import UserError
from odoo.tools import html2plaintext
from odoo.tools.sql import escape_psql


class QualiopiComplaint(models.Model):
    _inherit = 'qualiopi.complaint'

    ack_sent_on = fields.Datetime("Acknowledgement sent on", readonly=True, copy=False)

    # Composed with those of the other files, whatever their order.
    @property
    def _server_fields(self):
        return super()._server_fields | {'ack_sent_on'}

    def action_send_acknowledgement(self):
        """Queue the acknowledgement, and record its date and text (RNQ, indicator 31). One letter names all that
        came from the same address and waits.

        :raise UserError: when it was sent before or may not be sent; without an address, offers to say why
        """
        self._check_letter()
        self._check_letter_address('ack')
        self._lock_for_letter()
        named = self.browse()
        for complaint in self:
            if complaint in named:
                continue
            if complaint.ack_sent_on:
                raise UserError(self.env._("The acknowledgement of %s was sent already.", complaint.reference))
            others = complaint._waiting_with() - named
            others._lock_for_letter()
            named += complaint._send_acknowledgement(others=others)
        return True

    def _waiting_with(self):
        """Entries that wait for their acknowledgement at the same address, as far as the user may send it; what
        is confidential shares no letter."""
        self.ensure_one()
        if self.is_confidential or self.is_anonymous:
            return self.browse()
        waiting = self.search([
            ('company_id', '=', self.company_id.id), ('id', '!=', self.id), ('is_confidential', '=', False),
            ('email_from', 'ilike', escape_psql(self.letter_address)), ('ack_timeliness', '=', 'pending'),
            ('ack_date', '=', False), ('state', 'not in', ('closed', 'cancelled')),
        ], order='received_on, id')
        return waiting.filtered(lambda other: (
            other.letter_address == self.letter_address and other._awaits_acknowledgement()
            and (self.env.su or other.may_treat) and other.has_access('write')
        ))

    def _send_acknowledgement(self, is_automatic=False, others=None):
        """Send the acknowledgement of the entry, and of those beside it that the letter names.

        :return: the entries that were acknowledged
        """
        now = fields.Datetime.now()
        others = others if others is not None else self.browse()
        message = self._send_letter('ack', is_automatic=is_automatic, qualiopi_others=others.ids)
        text = html2plaintext(message.body).strip()
        # A template of the company's own may name one number only.
        named = self + others.filtered(lambda other: other.reference in text)
        for complaint in named:
            values = {
                # Who was thanked on the telephone before stays acknowledged since then.
                'ack_date': complaint.ack_date or now,
                'ack_message': complaint.ack_message or text,
                'ack_impossible_reason': False,
            }
            if is_automatic:
                values['ack_user_id'] = False
            complaint.write(values)
        named._as_server().write({'ack_sent_on': now})
        (named - self)._log_texts({
            other.id: self.env._("Acknowledged by the letter of %s.", self.reference) for other in named - self
        })
        return named

    def _queue_acknowledgement(self):
        """Queue the acknowledgement of entries that came by mail, form or portal, once each; for the doors,
        never for create(). What hinders one is noted in its chatter and leaves the others alone.

        :return: the entries whose acknowledgement was queued
        """
        # sudo: the door acts for a stranger, on the entry that it has just recorded
        waiting = self.sudo().filtered(lambda complaint: complaint._awaits_acknowledgement())
        locked = waiting.try_lock_for_update(allow_referencing=True)
        locked.invalidate_recordset(['ack_sent_on', 'ack_date'])
        queued = self.browse()
        for complaint in locked.filtered(lambda complaint: complaint._awaits_acknowledgement()):
            try:
                with self.env.cr.savepoint():
                    complaint._send_acknowledgement(is_automatic=True)
            except UserError as error:
                complaint._log_texts({complaint.id: self.env._(
                    "The acknowledgement was not sent: %s", error,
                )})
            else:
                queued += complaint
        return queued.with_env(self.env)

    def _awaits_acknowledgement(self):
        return bool(
            self.has_response_steps and self.letter_address and not self.is_imported and not self._is_ended()
            and not self.ack_sent_on and not self.ack_date and not self.ack_impossible_reason
        )

    def _letter_others(self):
        """The other entries that the same acknowledgement answers, for its template."""
        self.ensure_one()
        return self.browse(self.env.context.get('qualiopi_others') or ())
