"""Entries that come by mail, and answers to them."""

import logging
from datetime import timedelta

from odoo import api, fields, models
from odoo.fields import Domain
from odoo.tools import html2plaintext, plaintext2html
from odoo.tools.sql import escape_psql

from .mail_reader import TEXT_LENGTH
from .qualiopi_list_mixin import shipped_id

_logger = logging.getLogger(__name__)

# How long after its end a session is what a learner writes about.
_SESSION_DAYS = 90
# Older stamps of the receiving server are somebody's joke or a mailbox that was moved.
_STAMP_DAYS = 30


class QualiopiGuardedMixin(models.AbstractModel):
    _inherit = 'qualiopi.guarded.mixin'

    def message_update(self, msg_dict, update_vals=None):
        """An answer by mail goes into the discussion, also of a closed record; what nobody can vouch for is
        a note, and its owner is asked to read it (quality.md, C4)."""
        passage = self._qualiopi_passage()
        if passage:
            self._take_answer(msg_dict, passage)
        return super().message_update(msg_dict, update_vals)

    def _take_answer(self, msg_dict, passage):
        self.ensure_one()
        is_known = self._is_known_sender(passage.mail.sender[1]) and not self._has_inner_author(passage.mail)
        # Whoever wrote the message that is answered is not notified for it: the record's people are.
        msg_dict.pop('parent_id', None)
        msg_dict['is_internal'] = not is_known
        if not is_known or self._is_ended():
            self._ask_to_read()
        row = passage.rows.get(self.company_id.id)
        if row:
            row.write({'state': 'recorded', 'reason': 'answer'})

    def _is_known_sender(self, address):
        """Whether answers from the address are shown to the followers as they come."""
        return False

    def _has_inner_author(self, mail):
        # sudo: whether the address is an employee's
        return bool(mail.sender[1]) and bool(self.env['res.users'].sudo().search_count([
            ('partner_id.email_normalized', '=', mail.sender[1]), ('share', '=', False),
        ], limit=1))

    def _ask_to_read(self):
        """One activity for the owner, or the quality lead, however many answers wait."""
        for record in self:
            # sudo: the quality lead and the language of the company
            company = record.company_id.sudo()
            summary = record.with_context(
                lang=company.partner_id.lang or record.env.lang
            ).env._("Read the answer received by e-mail")
            users = record[record._owner_field] or company.qualiopi_manager_id
            user = record._filter_audience(users)[:1] or record._filter_audience(company.qualiopi_manager_id)[:1]
            if user and summary not in record.activity_ids.mapped('summary'):
                record.activity_schedule('mail.mail_activity_data_todo', summary=summary, user_id=user.id)

    def _note_answer(self, mail):
        """Put an answer into the discussion by ourselves, as a note."""
        self._ask_to_read()
        self._post_note(mail, mail.text)

    def _post_note(self, mail, text):
        name, address = mail.sender
        self.with_context(mail_post_autofollow_author_skip=True).message_post(
            body=plaintext2html(text), author_id=False, email_from=address or name or '?',
            message_type='email', subtype_xmlid='mail.mt_note',
            **({'message_id': mail.message_id} if mail.message_id else {}),
        )

    def message_post(self, **kwargs):
        if self._qualiopi_passage():
            # Writing to us does not make anybody a follower.
            self = self.with_context(mail_post_autofollow_author_skip=True)
        return super().message_post(**kwargs)


class QualiopiComplaint(models.Model):
    _inherit = 'qualiopi.complaint'

    @api.model
    def message_new(self, msg_dict, custom_values=None):
        """An entry from a mail (RNQ, indicator 31): its text as it came, its files and the whole message as
        evidence; whoever wrote it, and about which session, where that is certain."""
        passage = self._qualiopi_passage()
        if not passage:
            complaint = super().message_new(msg_dict, {
                'description': html2plaintext(msg_dict.get('body') or ''), **(custom_values or {}),
            })
            if self.env.su:
                # A gateway delivered it; somebody who calls this by hand has typed it.
                complaint._as_server().text_origin = 'mail'
            return complaint
        place = self.env['qualiopi.incoming.mail']._place_of(custom_values, None)
        company_id = place['company_id'] if place['company_id'] in passage.rows else next(iter(passage.rows))
        row = passage.rows[company_id]
        complaint = self._make_from_mail(passage.mail, row)
        row.write({'state': 'recorded', 'reason': 'entry', 'complaint_id': complaint.id})
        passage.entry_ids.append(complaint.id)
        # The discussion refers to the entry, which holds the text and the files once.
        msg_dict.update(body=plaintext2html(complaint._receipt_text(passage.mail)), attachments=[], is_internal=True)
        return complaint

    @api.model
    def _make_from_mail(self, mail, row, minimal=False):
        """Record a mail.

        :param MailReader mail: the message
        :param row: its line in the list of incoming mails
        :param bool minimal: only what cannot fail: the text, who says to have written it, the original
        :return: the entry as superuser; the one that was made before when the mail is the same
        """
        company = row.company_id
        lang = company._qualiopi_lang()
        self = self.with_context(lang=lang)
        name, address = mail.sender
        values = {
            'text_origin': 'mail',
            'nature': row.nature or 'complaint',
            'description': mail.text or self.env._("(The e-mail has no text that can be read: see the original.)"),
            'contact_name': name or address,
            'email_from': address,
        }
        subject = mail.subject or not mail.text and self.env._("E-mail without text")
        if subject:
            values['name'] = subject
        if not minimal:
            values.update(channel_id=row.channel_id.id, received_on=self._moment_of(mail))
            values.update(self._known_of_sender(mail, row))
        key = f'mail:{row.key}:{company.id}'
        complaint = self._receive(company, values, key)
        if not complaint:
            # sudo: the entry that the same mail has made before
            return self.sudo().search([('intake_key', '=', key)], limit=1)
        complaint = complaint.with_context(lang=lang)
        self.env['qualiopi.evidence']._add_original(complaint, mail.raw)
        if not minimal:
            complaint._keep_files(mail)
        return complaint

    @api.model
    def _moment_of(self, mail):
        """When the receiving server took the mail; now, where it does not say or says something odd."""
        now = fields.Datetime.now()
        moment = mail.arrived
        if moment and now - timedelta(days=_STAMP_DAYS) < moment <= now:
            return moment.replace(microsecond=0)
        return now

    @api.model
    def _known_of_sender(self, mail, row):
        """Partner, learner and session, where there is exactly one: a guess would be worse than none. A mail
        never makes or changes a partner."""
        values = {'event_id': row.event_id.id}
        address = mail.sender[1]
        if not address:
            return values
        company = row.company_id
        # sudo: people are looked up for a stranger, who is told nothing of it
        env = self.sudo().env
        partners = env['res.partner'].search([
            ('email_normalized', '=', address), ('company_id', 'in', [False, *company.parent_ids.ids]),
        ], limit=2, order='id')
        if len(partners) == 1:
            values['partner_id'] = partners.id
        now = fields.Datetime.now()
        session = Domain('event_id', '=', row.event_id.id) if row.event_id else (
            Domain('event_id.date_begin', '<=', now)
            & Domain('event_id.date_end', '>=', now - timedelta(days=_SESSION_DAYS))
        )
        registrations = env['event.registration'].search(
            session & Domain('email', '=ilike', escape_psql(address))
            & Domain('company_id', '=', company.id) & Domain('state', '!=', 'cancel'),
            limit=2, order='id',
        )
        if len(registrations) == 1:
            values.update(registration_id=registrations.id, event_id=registrations.event_id.id)
            values['stakeholder_id'] = shipped_id(env, 'stakeholder_beneficiary')
        return values

    def _keep_files(self, mail):
        """Keep the files as evidence; what is refused stays in the original, and the entry says so."""
        notes = []
        if mail.files:
            try:
                with self.env.cr.savepoint():
                    refused = self._attach_uploads(mail.files)
            except Exception:
                self.env.invalidate_all()
                _logger.exception("Qualiopi: files of mail %s stay in its original only", mail.message_id)
                refused = [(name, self.env._("could not be read")) for name, __ in mail.files]
            if refused:
                notes.append(self.env._("These files are kept in the original message only:"))
                notes += [self.env._("%(file)s: %(reason)s", file=name, reason=reason) for name, reason in refused[:20]]
        if mail.is_cut:
            notes.append(self.env._(
                "The text is longer than %s characters: the rest is in the original message.", TEXT_LENGTH,
            ))
        if notes:
            self._log_texts({self.id: '\n'.join(notes)})

    def _receipt_text(self, mail):
        self.ensure_one()
        name, address = mail.sender
        sender = ' '.join(filter(None, [name, address and f'<{address}>'])) or self.env._("an unknown sender")
        return self.env._(
            "Received by e-mail from %s. The text is in the entry; the files and the original message are among"
            " its evidence.", sender,
        )

    def _note_receipt(self, mail):
        """Say in the discussion that the entry came by mail, so that answers find it."""
        for complaint in self:
            complaint._post_note(mail, complaint._receipt_text(mail))

    def _is_known_sender(self, address):
        # sudo: the gateway asks; only yes or no comes out
        record = self.sudo()
        return bool(address) and address in (record.letter_address, record.partner_id.email_normalized)
