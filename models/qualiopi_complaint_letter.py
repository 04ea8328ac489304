"""Letters of an entry: to whom and in which language they go, how they leave, and those that did not arrive."""

import re
from base64 import b64decode

from markupsafe import Markup

from odoo import SUPERUSER_ID, api, fields, models
from odoo.exceptions import UserError
from odoo.fields import Domain
from odoo.tools import email_normalize, formataddr

from ..exceptions import GateError

_FAILED = ('exception', 'bounce')
_TEMPLATES = {
    'ack': 'qualiopi.mail_template_acknowledgement',
    'response': 'qualiopi.mail_template_response',
    'verdict': 'qualiopi.mail_template_verdict',
    'action': 'qualiopi.mail_template_action_done',
    'confirmation': 'qualiopi.mail_template_confirmation',
}
# What out-of-office robots and other registers respect, so that no two machines thank each other.
_AUTOMATIC = {'Auto-Submitted': 'auto-replied', 'X-Auto-Response-Suppress': 'All'}


class QualiopiComplaint(models.Model):
    _inherit = 'qualiopi.complaint'

    letter_address = fields.Char("Letters go to", compute='_compute_letter_address')
    has_letter_failure = fields.Boolean(
        "Letter not sent", compute='_compute_letter_failure', search='_search_has_letter_failure',
    )
    letter_failure = fields.Text("Why the letter was not sent", compute='_compute_letter_failure')
    is_mediator_missing = fields.Boolean(compute='_compute_is_mediator_missing', export_string_translation=False)

    # === WHO RECEIVES, AND IN WHICH LANGUAGE === #

    @api.depends('is_anonymous', 'email_from', 'partner_id.email')
    def _compute_letter_address(self):
        for complaint in self:
            complaint.letter_address = not complaint.is_anonymous and (
                email_normalize(complaint.email_from or '', strict=False)
                # sudo: the complainant's address shows to whoever reads the entry
                or complaint.sudo().partner_id.email_normalized
            )

    @api.depends('stakeholder_id.is_individual', 'company_id.qualiopi_mediator')
    def _compute_is_mediator_missing(self):
        for complaint in self:
            complaint.is_mediator_missing = (
                # sudo: whether the company has a mediator is asked, not shown
                complaint.stakeholder_id.is_individual and not complaint.company_id.sudo().qualiopi_mediator
            )

    def _letter_partner(self):
        """The complainant's partner, when it is the one who reads the mails of the address; employees read
        theirs in Odoo, and a letter is to be a mail."""
        # sudo: who reads the letter is the program's to find, whatever the user may read of the contact
        partner = self.sudo().partner_id
        is_reader = partner.active and partner.partner_share and partner.email_normalized == self.letter_address
        return partner if is_reader else partner.browse()

    def _allowed_addresses(self):
        # sudo: the address is compared, not shown
        return super()._allowed_addresses() | {self.sudo().letter_address or ''}

    def _letter_partner_to(self):
        """Recipient of the templates that is a partner.

        :return: id of a partner, or an empty text
        :rtype: str
        """
        self.ensure_one()
        return str(self._letter_partner().id or '')

    def _letter_email_to(self):
        """Recipient of the templates that is no partner.

        :return: name and address, or an empty text
        :rtype: str
        """
        self.ensure_one()
        if not self.letter_address or self._letter_partner():
            return ''
        name = '' if self._is_letter_automatic() else self.contact_name
        return formataddr((name or '', self.letter_address))

    def _letter_lang(self):
        """Language of the recipient, else of the company, else French.

        :return: code of a language that is switched on
        :rtype: str
        """
        self.ensure_one()
        codes = {code for code, __ in self.env['res.lang'].get_installed()}
        # sudo: languages alone are read of the contact and of the company
        record = self.sudo()
        wishes = (
            record.partner_id.lang, record.sender_lang, record.company_id.partner_id.lang, 'fr_FR', self.env.lang,
        )
        return next((code for code in wishes if code in codes), 'en_US')

    def _letter_name(self):
        """The recipient's name, as the letters greet it; nothing of a stranger's in a letter that no person has
        decided to send."""
        self.ensure_one()
        if self._is_letter_automatic():
            return ''
        # sudo: the letter greets the contact by the name that the entry shows
        return self.sudo().partner_id.name or self.contact_name or ''

    def _is_letter_automatic(self):
        return bool(self.env.context.get('qualiopi_automatic'))

    def _letter_day(self, name):
        """Day of one of the entry's moments in the company's time zone, for the letters.

        :param str name: name of a Datetime field
        :rtype: date
        """
        self.ensure_one()
        return self[name] and self.company_id._qualiopi_local_date(self[name])

    def _letter_decision(self):
        """The decision in words, in the language of the letter."""
        self.ensure_one()
        return dict(self._fields['decision']._description_selection(self.env)).get(self.decision) or ''

    # === LINKS === #

    def _with_stand_in(self):
        """The entry, empty when there is none, and the one to compare the token of a link with: itself, else any
        other, so that a missing entry takes as long as a wrong token."""
        found = self.exists()
        return found, found or self.search([], order='id', limit=1)

    # === SENDING === #

    def _check_letter(self):
        """Refuse a letter that may not leave, or that the user may not send.

        :raise UserError: says why, and what to do instead
        """
        self.check_access('write')
        for complaint in self:
            record = complaint.reference
            if not self.env.su and not complaint.may_treat:
                raise UserError(self.env._(
                    "The letters of %s are sent by its owner or the quality team.", record,
                ))
            if complaint.is_imported:
                raise UserError(self.env._(
                    "%s was taken over from the former register: no letter leaves from it.", record,
                ))
            if complaint.state == 'cancelled':
                raise UserError(self.env._("%s is cancelled: no letter leaves from it.", record))
            if not complaint.has_response_steps:
                raise UserError(self.env._("A difficulty or an unforeseen event has no letters."))

    def _check_letter_address(self, step=None):
        """Refuse without an address, and offer to record that the step is impossible."""
        for complaint in self.filtered(lambda c: not c.letter_address):
            message = self.env._(
                "There is no e-mail address to send the letter of %s to. Fill it in, give the answer another"
                " way and record it, or say why it is impossible.", complaint.reference,
            )
            if step is None or complaint._is_ended():
                raise UserError(message)
            raise GateError(
                message, complaint._treat_window('respond' if step == 'response' else 'treat'),
                self.env._("Say why"),
            )

    def _letter_template(self, kind):
        template = self.env.ref(_TEMPLATES[kind], raise_if_not_found=False)
        if not template:
            raise UserError(self.env._(
                "The mail template of this letter was deleted. Ask your administrator to update the Qualiopi"
                " module, which brings it back, or write from the discussion below and record the date."
            ))
        return template

    def _send_letter(self, kind, is_automatic=False, **context):
        """Queue a letter; it stays in the chatter as evidence, word for word.

        :param str kind: see _TEMPLATES
        :param bool is_automatic: no person has decided to send it
        :param context: what the template reads in ``ctx``
        :return: the message
        """
        self.ensure_one()
        template = self._letter_template(kind).with_context(qualiopi_automatic=is_automatic, **context)
        values = template._generate_template(self.ids, (
            'subject', 'body_html', 'email_from', 'email_to', 'email_cc', 'partner_to', 'reply_to',
            'attachment_ids', 'report_template_ids', 'mail_server_id',
        ))[self.id]
        addresses = ', '.join(filter(None, [values.get('email_to'), values.get('email_cc')]))
        if not addresses and not values.get('partner_ids'):
            raise UserError(self.env._("The mail template \"%s\" names no recipient.", template.name))
        extra = {name: values[name] for name in ('reply_to', 'mail_server_id') if values.get(name)}
        if is_automatic:
            extra['mail_headers'] = _AUTOMATIC
        return self._post_letter(
            body=Markup(values['body_html'] or ''),  # noqa: S704 sanitized by its field and by message_post
            subject=values['subject'],
            email_from=values.get('email_from') or None,
            partner_ids=values.get('partner_ids') or [],
            outgoing_email_to=addresses,
            email_layout_xmlid=template.email_layout_xmlid,
            attachment_ids=values.get('attachment_ids') or [],
            attachments=[(name, b64decode(data)) for name, data in values.get('attachments') or []],
            **extra,
        )

    def _post_letter(self, **values):
        """Post a letter to its recipients alone: followers read it in the chatter."""
        self.ensure_one()
        lang = self._letter_lang()
        user = self.env.user
        # Who handles a confidential report is not named to whoever reads the mailbox.
        by_company = self.is_confidential or user.share or user.id == SUPERUSER_ID
        # sudo: the company signs as a contact that the user need not see
        author = self.company_id.sudo().partner_id if by_company else user.partner_id
        queue = self.with_context(mail_notify_force_send=False, mail_post_autofollow=False)
        message = queue.message_post(
            author_id=author.id,
            # A type that the chatter does not let its author rewrite.
            message_type='email_outgoing',
            subtype_xmlid='qualiopi.mail_message_subtype_letter',
            force_email_lang=lang,
            # Of the record, the envelope gives the number alone: its subject stays inside.
            force_record_name=self.reference,
            model_description=self.with_context(lang=lang)._letter_description(),
            mail_auto_delete=False,
            notify_author=True,
            notify_skip_followers=True,
            **values,
        )
        queue_cron = self.env.ref('mail.ir_cron_mail_scheduler_action', raise_if_not_found=False)
        if queue_cron:
            # sudo: the queue of mails is nobody's
            queue_cron.sudo()._trigger()
        return message

    def _letter_description(self):
        return self.env._("file")

    def _lock_for_letter(self):
        """Lock the entry, so that two clicks or two workers do not send one letter twice."""
        self.lock_for_update(allow_referencing=True)
        self.invalidate_recordset(['ack_sent_on', 'ack_date', 'response_sent_on', 'verdict_requested_on'])

    # === LETTERS THAT DID NOT ARRIVE === #

    def _failed_letters_domain(self):
        subtype = self.env.ref('qualiopi.mail_message_subtype_letter', raise_if_not_found=False)
        return (
            Domain('notification_status', 'in', _FAILED)
            & Domain('mail_message_id.model', '=', self._name)
            & Domain('mail_message_id.subtype_id', '=', subtype.id if subtype else 0)
        )

    def _failed_letters(self):
        """Notifications of letters that did not leave or came back, as superuser."""
        domain = self._failed_letters_domain() & Domain('mail_message_id.res_id', 'in', self.ids)
        # sudo: what became of a mail shows to whoever may read the entry
        return self.env['mail.notification'].sudo().search(domain, order='id')

    def _compute_letter_failure(self):
        failed = self._failed_letters() if self.ids else self.env['mail.notification']
        reasons = dict(self.env['mail.notification']._fields['failure_type']._description_selection(self.env))
        texts = {}
        for notification in failed:
            address = notification.res_partner_id.email or notification.mail_email_address or ''
            reason = notification.failure_reason or reasons.get(notification.failure_type) or ''
            text = ': '.join(filter(None, [address, reason.strip()]))
            texts.setdefault(notification.mail_message_id.res_id, []).append(text)
        for complaint in self:
            found = texts.get(complaint._origin.id)
            complaint.has_letter_failure = bool(found)
            complaint.letter_failure = '\n'.join(dict.fromkeys(found)) if found else False

    def _search_has_letter_failure(self, operator, value):
        if operator != 'in':
            return NotImplemented
        # sudo: only the ids of entries come out, and the rules of the entries follow
        failed = self.env['mail.notification'].sudo().search(self._failed_letters_domain())
        return Domain('id', 'in', failed.mail_message_id.mapped('res_id'))

    def action_resend_letters(self):
        """Send the letters again that did not leave, to the address that the entry has now.

        :raise UserError: without an address, or when none has failed
        """
        self.ensure_one()
        self._check_letter()
        self._check_letter_address()
        self._lock_for_letter()
        failed = self._failed_letters()
        if not failed:
            raise UserError(self.env._("No letter of %s waits to be sent again.", self.reference))
        messages = failed.mail_message_id
        failed.mail_mail_id.filtered(lambda mail: mail.state == 'exception').cancel()
        failed.write({'notification_status': 'canceled'})
        for message in messages:
            body = self._with_current_links(str(message.body))
            self._post_letter(
                body=Markup(body),  # noqa: S704 the body of a message is sanitized
                subject=message.subject,
                email_from=message.email_from,
                partner_ids=self._letter_partner().ids,
                outgoing_email_to=self._letter_email_to(),
                email_layout_xmlid=message.email_layout_xmlid,
                attachment_ids=message.attachment_ids.ids,
                **({'reply_to': message.reply_to} if message.reply_to else {}),
            )
        return True

    def _with_current_links(self, body):
        """The text of a letter with links for the address that the entry has now: those for another one no
        longer open."""
        return body

    def _with_current_link(self, body, page, token):
        return re.sub(rf'(/qualiopi/{page}/{self.id}/)\w+', rf'\g<1>{token}', body)

    def _without_confidential(self):
        return self.filtered(lambda complaint: not complaint.is_confidential)
