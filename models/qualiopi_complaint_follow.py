"""What the page of an entry shows to its author or to somebody with whom it is shared, and what they add there.

All of it works on the entry as superuser, opened by _follow_open() or _portal_open(), and gives plain values:
nothing of the team's own work is among them."""

from odoo import api, fields, models
from odoo.fields import Domain
from odoo.tools import email_normalize, formataddr, plaintext2html
from odoo.tools.sql import escape_psql

from .qualiopi_complaint_verdict import VERDICT_ANSWERS

FOLLOW_TEXT_LENGTH = 10000
_TITLE_LENGTH = 70
_ANSWERED_STEPS = ('received', 'acknowledged', 'examined', 'answered', 'closed')
_INSTANT_STEPS = ('received', 'examined', 'closed')
_ACTIVITY = 'qualiopi.activity_type_message'
_SUBTYPE = 'qualiopi.mail_message_subtype_complainant'


class QualiopiEvidence(models.Model):
    _inherit = 'qualiopi.evidence'

    # Only these are handed out on the portal; for the program alone, so that nothing else slips in.
    is_received = fields.Boolean(groups=fields.NO_ACCESS, export_string_translation=False)
    sender_id = fields.Many2one(
        'res.partner', readonly=True, groups=fields.NO_ACCESS, export_string_translation=False,
    )


class QualiopiComplaint(models.Model):
    _inherit = 'qualiopi.complaint'

    # === WHAT IS SHOWN === #

    def _follow_values(self, partner=None):
        """Values of the page.

        :param partner: who reads with a portal account; None by the private link, which is the author's
        :rtype: dict
        """
        self.ensure_one()
        is_author = partner is None or partner == self.partner_id
        state = self._follow_state()
        values = {
            'id': self.id,
            'reference': self.reference,
            'received_date': self.received_date,
            'company_name': self.company_id.name,
            'is_confidential': self.is_confidential,
            'is_author': is_author,
            'state': state,
            'state_label': self._follow_labels()[state],
            'steps': self._follow_steps(state),
            'is_ended': self._is_ended(),
        }
        if self.is_confidential:
            # Somebody else may look at the screen (design, rule 8).
            return values
        is_given = self._is_response_given()
        return {
            **values,
            'nature': dict(self._fields['nature']._description_selection(self.env))[self.nature],
            'description': self.description or '',
            'remedy_requested': self.remedy_requested or '',
            'session': self.event_id.name or '',
            'ack_date': self._letter_day('ack_date'),
            **self._follow_deadline(is_given),
            'response': self.response if is_given else '',
            'response_date': self._letter_day('response_date') if is_given else False,
            'decision': self._letter_decision() if is_given else '',
            'mediator': is_given and is_author and self.stakeholder_id.is_individual
            and self.company_id.qualiopi_mediator or '',
            'mediator_contact': self.company_id.qualiopi_mediator_contact or '',
            'files': self._follow_files(partner),
            'messages': self._follow_messages(partner),
            'verdict': self.verdict if is_author and self._has_current_verdict() else False,
            'verdict_comment': self.verdict_comment or '' if is_author else '',
            'verdict_last_day': is_author and self._verdict_last_day(),
            'may_judge': is_author and self._may_judge(),
        }

    def _follow_deadline(self, is_given):
        """The day of the response as long as it is promised, and whether it has passed without one."""
        day = self.state != 'cancelled' and not is_given and self._letter_day('response_deadline')
        is_over = bool(day) and day < self._verdict_today()
        # Past its day, a response that was given another way is neither promised nor late.
        return {'response_deadline': day if not (is_over and self.response_date) else False, 'is_late': is_over}

    def _follow_title(self):
        """The beginning of what was written; never the title, which is the team's."""
        line = '' if self.is_confidential else ' '.join((self.description or '').split())
        return line if len(line) <= _TITLE_LENGTH else line[:_TITLE_LENGTH].rstrip() + '…'

    @api.model
    def _follow_labels(self):
        """How far an entry is, in words for its author."""
        return {
            'received': self.env._("Received"),
            'acknowledged': self.env._("Receipt confirmed"),
            'examined': self.env._("Being examined"),
            'answered': self.env._("Answered"),
            'closed': self.env._("Closed"),
            'cancelled': self.env._("Not pursued"),
            'merged': self.env._("Goes on with another file"),
        }

    def _follow_state(self):
        if self.duplicate_of_id:
            return 'merged'
        if self.state == 'answered':
            # A response that has not left is still being worked on.
            is_told = self._is_response_given() or self.response_impossible_reason
            return 'answered' if is_told else 'examined'
        return 'examined' if self.state in ('analysis', 'treatment') else self.state

    def _follow_steps(self, state):
        keys = _ANSWERED_STEPS if self.has_response_steps else _INSTANT_STEPS
        if state not in keys:
            return []
        labels = self._follow_labels()
        return [
            {'label': labels[key], 'is_done': keys.index(key) <= keys.index(state), 'is_current': key == state}
            for key in keys
        ]

    def _is_response_given(self):
        """Whether the response has left: its text is typed before."""
        return bool(self.response and self.response_date) and bool(
            self.response_sent_on or self.state == 'closed' or not self.letter_address
            # Who was asked about it, or has judged it, has it.
            or self.verdict_requested_on or self.verdict in VERDICT_ANSWERS
        )

    def _may_judge(self):
        """Whether the author may say now whether it is solved."""
        if self.nature != 'complaint' or self.is_confidential or self.is_imported or not self._is_response_given():
            return False
        last_day = self._verdict_last_day()
        return self.state in ('answered', 'closed') and not (last_day and last_day < self._verdict_today())

    def _follow_messages_domain(self, partner):
        """Messages that somebody from outside wrote or received: neither notes nor what the team writes to
        others."""
        own = partner if partner is not None else self.partner_id
        alternatives = []
        if own:
            alternatives += [Domain('author_id', '=', own.id), Domain('notified_partner_ids', 'in', own.ids)]
        if partner is None or partner == self.partner_id:
            alternatives += [
                Domain('subtype_id', '=', self.env.ref('qualiopi.mail_message_subtype_letter').id),
                Domain('subtype_id', '=', self.env.ref(_SUBTYPE).id) & Domain('author_id', '=', False),
            ]
            if self.letter_address:
                address = escape_psql(self.letter_address)
                alternatives += [
                    Domain('author_id', '=', False) & (
                        Domain('email_from', '=ilike', address) | Domain('email_from', '=ilike', f'%<{address}>')
                    ),
                ]
        return (
            Domain('model', '=', self._name) & Domain('res_id', 'in', self.ids)
            & Domain('message_type', 'in', ('comment', 'email', 'email_outgoing'))
            & Domain('is_internal', '=', False)
            & Domain('subtype_id', '!=', False) & Domain('subtype_id.internal', '=', False)
            & Domain.OR(alternatives or [Domain.FALSE])
        )

    def _follow_messages_found(self, partner):
        return self.env['mail.message'].search(self._follow_messages_domain(partner), order='id')

    def _follow_messages(self, partner):
        own = partner if partner is not None else self.partner_id
        letter = self.env.ref('qualiopi.mail_message_subtype_letter')
        return [{
            'date': message.date,
            'is_own': not message.author_id or message.author_id == own,
            'is_letter': message.subtype_id == letter,
            'subject': message.subject or '',
            'author': message.author_id.name or '',
            'body': message.body,
            'files': [self._follow_file_values(file) for file in message.attachment_ids],
        } for message in self._follow_messages_found(partner)]

    @staticmethod
    def _follow_file_values(attachment, name=None):
        return {'id': attachment.id, 'name': name or attachment.name, 'size': attachment.file_size}

    def _follow_evidence(self, partner):
        """Evidence that the reader has handed in."""
        is_author = partner is None or partner == self.partner_id
        senders = [False, self.partner_id.id] if is_author else partner.ids
        return self.evidence_ids.filtered(lambda piece: piece.is_received and piece.sender_id.id in senders)

    def _follow_evidence_files(self, partner):
        evidence = self._follow_evidence(partner)
        files = self.env['ir.attachment'].search([
            ('res_model', '=', 'qualiopi.evidence'), ('res_field', '=', 'file'), ('res_id', 'in', evidence.ids),
        ])
        return {file: evidence.browse(file.res_id).file_name for file in files}

    def _follow_files(self, partner):
        return [
            self._follow_file_values(file, name) for file, name in self._follow_evidence_files(partner).items()
        ]

    def _follow_file(self, attachment_id, partner=None):
        """A file that the page offers: what its reader handed in, or received with a message.

        :param int attachment_id: from outside
        :param partner: see _follow_values()
        :return: the attachment and its name; empty for any other file
        """
        nothing = self.env['ir.attachment'], ''
        if self.is_confidential:
            return nothing
        offered = {file: name or file.name for file, name in self._follow_evidence_files(partner).items()}
        offered.update({file: file.name for file in self._follow_messages_found(partner).attachment_ids})
        return next(((file, name) for file, name in offered.items() if file.id == attachment_id), nothing)

    # === WHAT IS ADDED === #

    def _attach_uploads(self, files):
        known = self.evidence_ids
        refused = super()._attach_uploads(files)
        # sudo: marks what the program itself has just kept
        received = self.sudo().evidence_ids - known.sudo()
        received.write({'is_received': True, 'sender_id': self.env.context.get('qualiopi_sender')})
        return refused

    def _follow_write(self, text, files, partner=None):
        """Add a message and files of somebody from outside; a closed entry notes them and stays closed.

        :param str text: plain text, may be empty where there are files
        :param list files: (name, bytes) as they came
        :param partner: who writes with a portal account; None by the private link
        :return: the files that were not kept, as (name, reason)
        :rtype: list[tuple[str, str]]
        """
        self.ensure_one()
        attachments = []
        if self._is_ended():
            # Evidence of a closed record is complete; what comes later stays with its message.
            attachments, refused = self._check_uploads(files)
        else:
            sender = partner.id if partner is not None else False
            refused = self.with_context(qualiopi_sender=sender)._attach_uploads(files)
        if not text and len(refused) == len(files):
            return refused
        recipients = self._filter_audience(self.user_id | self.message_partner_ids.user_ids)
        self.with_context(mail_create_nosubscribe=True, mail_post_autofollow=False).message_post(
            body=plaintext2html(text or self.env._("Files were added.")),
            author_id=partner.id if partner is not None else False,
            email_from=partner.email_formatted if partner is not None else self._follow_email_from(),
            message_type='comment',
            subtype_xmlid=_SUBTYPE,
            partner_ids=recipients.partner_id.ids,
            notify_skip_followers=True,
            attachments=attachments,
        )
        self._remind_to_read()
        return refused

    def _follow_email_from(self):
        """Sender of what is written by the private link, who has no account."""
        name = not self.is_anonymous and self.contact_name or self.env._("Author of %s", self.reference)
        company = self.company_id
        own = email_normalize(company.email or '') or email_normalize(self.env.user.email or '')
        return formataddr((name, self.letter_address or own or 'noreply@localhost'))

    def _remind_to_read(self):
        """One activity until somebody has read it, also on a closed entry."""
        kind = self.env.ref(_ACTIVITY, raise_if_not_found=False)
        if not kind or self.activity_ids.filtered(lambda activity: activity.activity_type_id == kind):
            return
        group = self.env.ref('qualiopi.group_confidential').all_user_ids if self.is_confidential else self.user_id
        readers = next(filter(None, map(
            self._filter_audience, (self.user_id, self.company_id.qualiopi_manager_id, group),
        )), self.user_id)
        if readers:
            self.activity_schedule(activity_type_id=kind.id, user_id=readers[0].id)

    # === NEW ENTRY === #

    @api.model
    def _portal_sessions(self, user):
        """Sessions in which a portal user takes part, or which they have booked for others.

        :param user: the portal user
        :return: registrations, one a session, the latest first, as superuser
        """
        # sudo: about the user's own account
        user = user.sudo()
        mine = Domain('partner_id', '=', user.partner_id.id)
        if login := email_normalize(user.login or ''):
            # The contact alone is found by an address, which its owner may change.
            mine |= Domain('learner_id', '=', user.partner_id.id) & Domain('email', '=ilike', escape_psql(login))
        # sudo: portal users have no right on registrations; only their own are found, and the names of their
        # sessions shown
        found = self.env['event.registration'].sudo().search(
            Domain('company_id', 'in', user.company_ids.ids) & Domain('state', '!=', 'cancel') & mine,
            order='id desc', limit=200,
        )
        first = {}
        for registration in found:
            first.setdefault(registration.event_id.id, registration.id)
        return found.browse(first.values())
