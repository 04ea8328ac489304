"""The way of an e-mail to its record: taken once, recorded whatever goes wrong, and never lost."""

import logging

from psycopg2.errors import UniqueViolation

from odoo import SUPERUSER_ID, api, fields, models
from odoo.tools import SQL

from .mail_passage import ENTRY_MODEL, Passage

_logger = logging.getLogger(__name__)


class QualiopiIncomingMail(models.Model):
    _inherit = 'qualiopi.incoming.mail'

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
        complaint = record if record and record._name == ENTRY_MODEL else None
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
        complaints = self.env[ENTRY_MODEL]
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
                self.env[ENTRY_MODEL].sudo().with_user(SUPERUSER_ID).browse(ids)._thank()
        except Exception:
            self.env.invalidate_all()
            _logger.exception("Qualiopi: the sender of mail %s could not be thanked", mail.message_id)
