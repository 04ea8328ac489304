import ast
import logging
from datetime import timedelta
from typing import NamedTuple

from psycopg2.errors import UniqueViolation

from odoo import SUPERUSER_ID, api, fields, models
from odoo.exceptions import AccessError, UserError
from odoo.fields import Domain
from odoo.tools import SQL, ormcache

from .mail_reader import MailReader
from .qualiopi_guarded_mixin import QualiopiGuardedMixin
from .qualiopi_list_mixin import shipped_id

_logger = logging.getLogger(__name__)

_MODEL = 'qualiopi.complaint'
_KEPT_DAYS = 90
_PREVIEW_LENGTH = 5000
_GC_BATCH = 10_000
_WAITING = ('automatic', 'held', 'failed', 'duplicate')
_DONE = ('recorded', 'automatic', 'dismissed')


class Target(NamedTuple):
    """Where a mail goes: values of the entry to be made by company id, or the record that it answers; whether
    it goes to other applications too; whether its sender is one of our own addresses."""

    places: dict
    record: models.Model = None
    has_others: bool = False
    is_own_sender: bool = False


class Passage:
    """One mail of ours on its way through Odoo's gateway, and what becomes of it."""

    def __init__(self, mail, rows, has_others):
        """
        :param MailReader mail: the message
        :param dict rows: its line in the list of incoming mails, by company id; a company whose line is not
            there has had the message before
        """
        self.mail = mail
        self.rows = rows
        self.has_others = has_others
        self.is_routed = False
        self.own_addresses = {}
        self.outcome = None
        self.entry_ids = []

    @staticmethod
    def is_ours(env, model):
        return model in env and isinstance(env[model], QualiopiGuardedMixin)

    def own_routes(self, env, routes):
        """The routes as they are followed: ours once a company, in nobody's name, and counted by the loop
        limit also without an alias (quality.md, G4)."""
        kept, by_company = [], {}
        for route in routes or ():
            model, thread_id, values, __, alias = route
            if not self.is_ours(env, model):
                kept.append(route)
            elif thread_id:
                if self.rows:
                    kept.append((model, thread_id, values, SUPERUSER_ID, alias))
            elif model == _MODEL:
                place = env['qualiopi.incoming.mail']._place_of(values, alias)
                company = place['company_id']
                if company in self.rows and (company not in by_company or place['event_id']):
                    by_company[company] = (model, 0, values, SUPERUSER_ID, alias)
        return kept + list(by_company.values())


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
        return self.env[_MODEL]._fields['nature']._description_selection(self.env)

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

    # === WHERE A MAIL GOES === #

    @api.model
    def _target_of(self, mail, model, thread_id, custom_values):
        """Whether a mail is for the registers, asked of its headers alone, as Odoo's routing will.

        :param MailReader mail: the message
        :param model: the model that the mail server's settings name for what has no address of ours
        :return: Target, or None
        """
        # sudo: addresses and messages are looked up for the gateway, whoever runs it
        env = self.sudo().env
        complete, local = self._own_addresses()
        is_ours = any(address in complete or address.partition('@')[0] in local for address in mail.recipients)
        if not is_ours and not mail.references and model != _MODEL:
            return None
        record = None
        if mail.references:
            message = env['mail.message'].search([('message_id', 'in', mail.references)], limit=1, order='id desc')
            if message.res_id and Passage.is_ours(env, message.model):
                record = env[message.model].browse(message.res_id).exists()
        if not is_ours and not record and model != _MODEL:
            return None
        sender = mail.sender[1]
        known = env['mail.alias'].search(
            Domain('alias_full_name', 'in', [*mail.recipients, sender or ''])
            | Domain('alias_incoming_local', '=', True)
            & Domain('alias_name', 'in', [address.partition('@')[0] for address in mail.recipients])
        ) if mail.recipients else env['mail.alias']
        aliases = known.filtered(
            lambda alias: alias.alias_full_name in mail.recipients or alias.alias_incoming_local
        )
        is_own_sender = bool(sender) and sender in known.mapped('alias_full_name')
        own = aliases.filtered(lambda alias: alias.alias_model_id.id == env['ir.model']._get_id(_MODEL))
        others = bool(aliases - own)
        # An answer that names an address of another register is a forward to it, as Odoo sees it.
        if record and not others and not (own and record._name != _MODEL):
            return Target({record.company_id.id: {}}, record, is_own_sender=is_own_sender)
        if own:
            places = {}
            for alias in own:
                place = self._place_of(alias._qualiopi_defaults(), alias)
                if place['event_id'] or place['company_id'] not in places:
                    places[place['company_id']] = place
            return Target(places, has_others=others, is_own_sender=is_own_sender)
        if not aliases and model == _MODEL:
            record = env[_MODEL].browse(thread_id or []).exists()
            place = self._place_of(custom_values, None)
            return Target({record.company_id.id or place['company_id']: place}, record or None)
        return None

    @api.model
    def _place_of(self, values, alias):
        """Company, channel, session and nature of an entry that comes to an address; nothing else is taken
        from its default values.

        :param values: default values of the address
        :param alias: the address
        :rtype: dict
        """
        values = values if isinstance(values, dict) else {}
        # sudo: the place of an entry is looked up for a stranger
        env = self.sudo().env
        channel = env['qualiopi.channel'].browse(_as_id(values.get('channel_id')))
        if not channel:
            channel = channel.browse(_as_id(shipped_id(env, 'channel_email')))
        if alias and alias.alias_parent_model_id.id == env['ir.model']._get_id(channel._name):
            channel = channel.browse(alias.alias_parent_thread_id)
        event = env['event.event'].browse(_as_id(values.get('event_id'))).exists()
        company = (
            channel.company_id or env['res.company'].browse(_as_id(values.get('company_id')))
            or event.company_id or self.env.company
        )
        if event.company_id and event.company_id != company:
            event = event.browse()
        nature = values.get('nature')
        known = env[_MODEL]._fields['nature'].get_values(env)
        return {
            'company_id': company.id, 'channel_id': channel.id, 'event_id': event.id,
            'nature': nature if nature in known else 'complaint',
        }

    @api.model
    @ormcache()
    def _own_addresses(self):
        """Addresses of the registers, and what stands before the @ of those that hold for every domain; cached,
        since the mails of all other applications pass here.

        :rtype: tuple[frozenset[str], frozenset[str]]
        """
        # sudo: addresses are looked up for the gateway, whoever runs it
        aliases = self.sudo().env['mail.alias'].search([('alias_model_id.model', '=', _MODEL)])
        return (
            frozenset(aliases.mapped('alias_full_name')),
            frozenset(aliases.filtered('alias_incoming_local').mapped('alias_name')),
        )

    @api.model
    @ormcache()
    def _sending_addresses(self):
        """Addresses that Odoo itself writes from, cached.

        :rtype: frozenset[str]
        """
        # sudo: addresses are looked up for the gateway, whoever runs it
        domains = self.sudo().env['mail.alias.domain'].search(Domain('name', '!=', False))
        return frozenset(
            domain[name] for domain in domains for name in ('bounce_email', 'catchall_email', 'default_from_email')
            if domain[name]
        )

    # === THE WAY THROUGH === #

    @api.model
    def _process(self, mail, target, process):
        """Bring a mail to where it belongs; whatever goes wrong on the way, its original is kept.

        :param MailReader mail: the message
        :param Target target: where it goes
        :param process: Odoo's own gateway, called with the passage
        :return: the id of the record, or False
        :rtype: int | bool
        """
        # sudo: the gateway acts for a stranger
        incoming = self.sudo().with_user(SUPERUSER_ID).with_context(mail_notrack=True)
        rows = {}
        for company_id, place in target.places.items():
            row = incoming._open(mail, company_id, place, target.record)
            if row:
                rows[company_id] = row
        passage = Passage(mail, rows, target.has_others)
        is_own = target.is_own_sender or mail.sender[1] in self._sending_addresses()
        robot = mail.robot or (is_own and 'own')
        if robot:
            for row in rows.values():
                row._put('automatic', robot, mail)
            passage.rows = {}
            # Odoo itself marks the letters that came back, and serves other applications.
            if not rows or robot != 'bounce' and not target.has_others:
                return False
        elif not rows and not target.has_others:
            return False
        result = False
        try:
            with self.env.cr.savepoint():
                result = process(passage)
        except Exception:
            if not passage.rows:
                raise
            _logger.exception("Qualiopi: mail %s went another way, since Odoo's failed", mail.message_id)
            passage.entry_ids = []
            passage.outcome = None
            passage.is_routed = True
            self.env.invalidate_all()
            for row in passage.rows.values():
                row.write({'complaint_id': False, 'reason': False})
        for row in passage.rows.values():
            if not row.reason:
                result = row._end(mail, passage, target) or result
        thanks = any(row.company_id.qualiopi_auto_acknowledge for row in passage.rows.values())
        if passage.entry_ids and thanks and not mail.is_no_reply:
            self._thank(passage.entry_ids, mail)
        # Never None, which XML-RPC cannot carry: the mail server would take the mail for refused.
        return result or False

    def _end(self, mail, passage, target):
        """What becomes of a mail that Odoo's gateway has neither recorded nor answered."""
        self.ensure_one()
        if passage.outcome:
            self._put(*passage.outcome, mail)
        elif not passage.is_routed:
            # Odoo has seen the number before: on one of its own mails, or in another application.
            self._put('duplicate', 'number', mail)
        elif target.record:
            return self._note_anyway(mail, target.record)
        else:
            entry = self._record(mail)
            passage.entry_ids += entry.ids
            return entry.id
        return False

    @api.model
    def _open(self, mail, company_id, place, record):
        """The line of a mail, made before anything else: the database takes each message once.

        :return: the line; empty when the message was received before, be it at this instant by another worker
        """
        name, address = mail.sender
        complaint = record if record and record._name == _MODEL else None
        values = {
            **place, 'company_id': company_id, 'key': mail.key, 'fingerprint': mail.fingerprint,
            'subject': mail.subject, 'sender_name': name, 'email_from': address,
            'complaint_id': complaint.id if complaint else None,
            'is_private': bool(record and not complaint and record.is_confidential),
            'is_confidential': bool(record and record.is_confidential or place.get('nature') == 'safeguarding'),
        }
        try:
            return self._insert(values)
        except UniqueViolation:
            found = self.search([('key', '=', mail.key), ('company_id', '=', company_id)], limit=1).fingerprint
            if not found:
                # Another worker's line is not seen in this transaction.
                with self.pool.cursor() as cr:
                    cr.execute(
                        "SELECT fingerprint FROM qualiopi_incoming_mail WHERE key = %s AND company_id = %s",
                        [mail.key, company_id],
                    )
                    found = (cr.fetchone() or [mail.fingerprint])[0]
            self.new(values)._come_again(mail, found)
            return self.browse()

    @api.model
    def _insert(self, values):
        """Insert a line by SQL: a worker that comes too late is no error to be logged.

        :param dict values: values of columns
        :return: the line
        :raise UniqueViolation: when the message has its line
        """
        now = self.env.cr.now()
        values = {
            **{name: value or None for name, value in values.items()},
            'state': 'recorded', 'date': fields.Datetime.now(),
            'is_private': bool(values['is_private']), 'is_confidential': bool(values['is_confidential']),
            'create_uid': self.env.uid, 'write_uid': self.env.uid, 'create_date': now, 'write_date': now,
        }
        columns = SQL(', ').join(map(SQL.identifier, values))
        with self.env.cr.savepoint(flush=False):
            self.env.cr.execute(SQL(
                "INSERT INTO qualiopi_incoming_mail (%s) VALUES %s RETURNING id", columns, tuple(values.values()),
            ), log_exceptions=False)
            row = self.browse(self.env.cr.fetchone()[0])
        row._update_cache({**values, 'reason': False, 'error': False}, validate=False)
        return row

    def _come_again(self, mail, fingerprint):
        """A message number that is known: the same mail is left, another one is kept to be looked at."""
        if fingerprint == mail.fingerprint:
            _logger.info("Qualiopi: mail %s was delivered again, and is recorded once", mail.message_id)
            return
        name, address = mail.sender
        values = {
            'company_id': self.company_id.id, 'channel_id': self.channel_id.id, 'event_id': self.event_id.id,
            'nature': self.nature, 'key': f'{mail.key}:{mail.fingerprint}', 'fingerprint': mail.fingerprint,
            'subject': mail.subject, 'sender_name': name, 'email_from': address,
            'is_private': self.is_confidential, 'is_confidential': self.is_confidential,
        }
        try:
            row = self._insert(values)
        except UniqueViolation:
            _logger.info("Qualiopi: mail %s was delivered again, and is kept once", mail.message_id)
        else:
            row._put('duplicate', 'number', mail)

    def _put(self, state, reason, mail):
        """Say what became of the mail, and keep its original."""
        self.ensure_one()
        _logger.info("Qualiopi: mail %s is kept as %s (%s)", mail.message_id, state, reason)
        self.write({'state': state, 'reason': reason})
        self.env['ir.attachment'].create({
            'name': 'original', 'res_model': self._name, 'res_field': 'original', 'res_id': self.id,
            'raw': mail.raw, 'mimetype': 'message/rfc822', 'company_id': self.company_id.id,
        })
        self.invalidate_recordset(['original'])

    def _record(self, mail):
        """Make the entry ourselves, with less and less of what could be the cause of a failure.

        :return: the entry as superuser; empty when it could not be made, and the original is kept
        """
        self.ensure_one()
        complaints = self.env[_MODEL]
        for minimal in (False, True):
            try:
                with self.env.cr.savepoint():
                    entry = complaints._make_from_mail(mail, self, minimal=minimal)
                    entry._note_receipt(mail)
                    self.write({'state': 'recorded', 'reason': 'entry', 'complaint_id': entry.id})
                return entry
            except Exception as error:
                self.env.invalidate_all()
                _logger.exception("Qualiopi: mail %s could not be recorded", mail.message_id)
                reason = str(error)
        self._put('failed', 'error', mail)
        self.error = reason[:2000]
        return complaints

    def _note_anyway(self, mail, record):
        """Put an answer into the discussion that Odoo's gateway could not put there."""
        self.ensure_one()
        record = record.with_env(self.env)
        try:
            with self.env.cr.savepoint():
                record._note_answer(mail)
                self.write({'state': 'recorded', 'reason': 'answer'})
            return record.id
        except Exception as error:
            self.env.invalidate_all()
            _logger.exception("Qualiopi: answer %s could not be kept with its record", mail.message_id)
            self._put('failed', 'error', mail)
            self.error = str(error)[:2000]
            return False

    @api.model
    def _thank(self, ids, mail):
        try:
            with self.env.cr.savepoint():
                # sudo: the door acts for a stranger
                self.env[_MODEL].sudo().with_user(SUPERUSER_ID).browse(ids)._thank()
        except Exception:
            self.env.invalidate_all()
            _logger.exception("Qualiopi: the sender of mail %s could not be thanked", mail.message_id)

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
        entries = self.env[_MODEL]
        # sudo: the entry is made as if the mail had come in, once the user's right was checked
        for row in self.sudo().with_user(SUPERUSER_ID):
            if not row.original:
                raise UserError(self.env._("The original of this mail is no longer there."))
            entry = row._make_entry_of(MailReader(row._raw_original()))
            entries |= entry
        return self.env[_MODEL]._open_records(entries.with_env(self.env), self.env._("Register"))

    def _make_entry_of(self, mail):
        entry = self.env[_MODEL]._make_from_mail(mail, self)
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
        return self.env[_MODEL]._open_records(self.complaint_id, self.env._("Register"))

    @api.autovacuum
    def _gc_mails(self):
        """Automatic mails, and lines whose entry keeps the original, go after 90 days; what waits for
        somebody stays."""
        limit = self.env.cr.now() - timedelta(days=_KEPT_DAYS)
        # sudo: the cleaning job is nobody's
        self.sudo().search([('state', 'in', _DONE), ('date', '<', limit)], limit=_GC_BATCH).unlink()


def _as_id(value):
    return [value] if isinstance(value, int) and value > 0 else []


class MailAliasDomain(models.Model):
    _name = 'mail.alias.domain'
    _inherit = ['mail.alias.domain', 'qualiopi.cached.mixin']

    @api.model
    def _find_aliases(self, email_list):
        """Odoo asks again and again which addresses of one mail are its own: for a mail of ours, once."""
        passage = self.env['mail.thread']._qualiopi_passage()
        if not passage:
            return super()._find_aliases(email_list)
        known = passage.own_addresses
        if any(address not in known for address in email_list):
            asked = {*email_list, *passage.mail.recipients, passage.mail.sender[1]}
            found = super()._find_aliases(list(asked))
            known.update((address, address in found) for address in asked)
        return [address for address in email_list if known[address]]


class MailAlias(models.Model):
    _name = 'mail.alias'
    _inherit = ['mail.alias', 'qualiopi.cached.mixin']
    _cached_fields = frozenset({'alias_name', 'alias_domain_id', 'alias_incoming_local', 'alias_model_id'})

    def _cached_rows(self):
        own = self.env['ir.model']._get_id(_MODEL)
        return self.filtered(lambda alias: alias.alias_model_id.id == own)

    def _qualiopi_defaults(self):
        """Default values of the address."""
        self.ensure_one()
        try:
            return dict(ast.literal_eval(self.alias_defaults))
        except (ValueError, SyntaxError, TypeError):
            return {}
