from datetime import timedelta

from odoo import SUPERUSER_ID, api, fields, models
from odoo.exceptions import AccessError, UserError

from .mail_passage import ENTRY_MODEL
from .mail_reader import MailReader

_KEPT_DAYS = 90
_PREVIEW_LENGTH = 5000
_GC_BATCH = 10_000
_WAITING = ('automatic', 'held', 'failed', 'duplicate')
_DONE = ('recorded', 'automatic', 'dismissed')


class QualiopiIncomingMail(models.Model):
    """What came by mail: recorded, or why not. Nothing that arrives is lost or doubled."""

    _name = 'qualiopi.incoming.mail'
    _description = "Incoming Mail"
    _order = 'date desc, id desc'
    _rec_name = 'subject'
    _check_company_auto = True

    state = fields.Selection([
        ('recorded', "Recorded"),
        ('automatic', "Automatic"),
        ('held', "Held back"),
        ('failed', "Failed"),
        ('duplicate', "Known message number"),
        ('dismissed', "Set aside"),
    ], required=True, readonly=True, default='recorded', index=True)
    reason = fields.Selection([
        ('entry', "New entry"),
        ('answer', "Answer, in the discussion of its record"),
        ('bounce', "Report of a mail server"),
        ('reply', "Automatic reply"),
        ('list', "Mailing list or bulk mail"),
        ('own', "From one of our own addresses"),
        ('loop', "Too many mails of this sender in a short time"),
        ('refused', "The address accepts known senders only"),
        ('number', "Same message number as another mail, but another text"),
        ('error', "Could not be recorded"),
        ('released', "Made an entry by hand"),
    ], readonly=True)
    date = fields.Datetime("Received on", required=True, readonly=True, default=fields.Datetime.now)
    subject = fields.Char(readonly=True)
    sender_name = fields.Char("Sender", readonly=True)
    email_from = fields.Char("E-mail", readonly=True)
    company_id = fields.Many2one('res.company', required=True, readonly=True, index=True, ondelete='cascade')
    channel_id = fields.Many2one('qualiopi.channel', readonly=True, ondelete='set null', check_company=True)
    event_id = fields.Many2one(
        'event.event', "Session", readonly=True, ondelete='set null', index='btree_not_null', check_company=True,
    )
    nature = fields.Selection(selection=lambda self: self._selection_nature(), readonly=True)
    complaint_id = fields.Many2one(
        'qualiopi.complaint', "Register entry", readonly=True, ondelete='set null', index='btree_not_null',
        check_company=True,
    )
    is_confidential = fields.Boolean(compute='_compute_is_confidential', store=True)
    is_private = fields.Boolean(readonly=True, export_string_translation=False)
    original = fields.Binary("Original message", attachment=True, readonly=True)
    original_name = fields.Char(compute='_compute_original_name')
    preview = fields.Text("Text", compute='_compute_preview')
    error = fields.Text(readonly=True)
    key = fields.Char(required=True, readonly=True, groups='base.group_system')
    fingerprint = fields.Char(readonly=True, groups='base.group_system')

    _key_uniq = models.UniqueIndex('(key, company_id)', "This message was received already.")

    @api.model
    def _selection_nature(self):
        return self.env[ENTRY_MODEL]._fields['nature']._description_selection(self.env)

    @api.depends('complaint_id.is_confidential', 'nature', 'is_private')
    def _compute_is_confidential(self):
        for mail in self:
            mail.is_confidential = (
                mail.is_private or mail.complaint_id.is_confidential
                or not mail.complaint_id and mail.nature == 'safeguarding'
            )

    def _compute_original_name(self):
        for mail in self:
            mail.original_name = mail.env._("original message %s", mail.id) + '.eml'

    def _compute_preview(self):
        for mail in self:
            # sudo: the original of a mail that the user may read
            raw = mail.sudo()._raw_original() if mail.id else b''
            mail.preview = MailReader(raw).text[:_PREVIEW_LENGTH] if raw else False

    # === BY HAND === #

    def _check_hand(self):
        self.check_access('read')
        user = self.env.user
        if not any(user.has_group(f'qualiopi.group_{group}') for group in ('officer', 'confidential')):
            raise AccessError(self.env._("Only a quality officer decides on incoming mails."))
        for mail in self:
            if mail.state not in _WAITING:
                raise UserError(self.env._("\"%s\" was dealt with already.", mail.subject or mail.email_from or ''))

    def action_record(self):
        """Make an entry of mails that were held back or left aside. No acknowledgement leaves by itself.

        :return: the window of the entries
        :raise UserError: when the mail was dealt with before
        """
        self._check_hand()
        entries = self.env[ENTRY_MODEL]
        # sudo: the entry is made as if the mail had come in, once the user's right was checked
        for row in self.sudo().with_user(SUPERUSER_ID):
            if not row.original:
                raise UserError(self.env._("The original of this mail is no longer there."))
            entry = row._make_entry_of(MailReader(row._raw_original()))
            entries |= entry
        return self.env[ENTRY_MODEL]._open_records(entries.with_env(self.env), self.env._("Register"))

    def _make_entry_of(self, mail):
        entry = self.env[ENTRY_MODEL]._make_from_mail(mail, self)
        entry._note_receipt(mail)
        self.write({'state': 'recorded', 'reason': 'released', 'complaint_id': entry.id, 'error': False})
        # The entry keeps it from now on.
        self._original_attachment().unlink()
        self.invalidate_recordset(['original'])
        return entry

    def _original_attachment(self):
        return self.env['ir.attachment'].search([
            ('res_model', '=', self._name), ('res_field', '=', 'original'), ('res_id', '=', self.id),
        ])

    def _raw_original(self):
        # Screens ask for sizes instead of contents.
        return self.with_context(bin_size=False)._original_attachment()[:1].raw or b''

    def action_dismiss(self):
        """Set mails aside that need no entry; they are deleted after a while.

        :raise UserError: when the mail was dealt with before
        """
        self._check_hand()
        # sudo: the list is the program's, once the user's right was checked
        self.sudo().write({'state': 'dismissed'})
        return True

    def action_view_complaint(self):
        """Open the entry that the mail has become or belongs to."""
        self.ensure_one()
        return self.env[ENTRY_MODEL]._open_records(self.complaint_id, self.env._("Register"))

    @api.autovacuum
    def _gc_mails(self):
        """Automatic mails, and lines whose entry keeps the original, go after 90 days; what waits for
        somebody stays."""
        limit = self.env.cr.now() - timedelta(days=_KEPT_DAYS)
        # sudo: the cleaning job is nobody's
        self.sudo().search([('state', 'in', _DONE), ('date', '<', limit)], limit=_GC_BATCH).unlink()
