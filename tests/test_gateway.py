import csv
import email.message
import email.policy
from datetime import timedelta
from pathlib import Path
from unittest.mock import patch

from odoo import Command
from odoo.exceptions import AccessError, ValidationError
from odoo.fields import Datetime
from odoo.tests import tagged
from odoo.tools import file_open, file_path, mute_logger

from .common import QualiopiCase

_LOGGED = (
    'odoo.addons.qualiopi.models.qualiopi_incoming_mail_process',
    'odoo.addons.qualiopi.models.qualiopi_complaint_mail', 'odoo.addons.mail.models.mail_thread',
)


class GatewayCase(QualiopiCase):
    """Raw messages through Odoo's own gateway, to an address of the provider's."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        domains = cls.env['mail.alias.domain']
        cls.domain = domains.create({
            'name': 'provider.example', 'bounce_alias': 'bounce', 'catchall_alias': 'catchall',
            'company_ids': [Command.set(cls.company.ids)],
        })
        cls.other_domain = domains.create({
            'name': 'other.example', 'company_ids': [Command.set(cls.other_company.ids)],
        })
        # The language of what is written by ourselves.
        (cls.company | cls.other_company).partner_id.lang = 'en_US'
        cls.company._set_complaint_address('reclamation')
        cls.other_company._set_complaint_address('reclamation')
        cls.channel = cls.company._qualiopi_address_channel()
        cls.address = 'reclamation@provider.example'

    def raw(self, body="La salle était froide.", **headers):
        """A message; a header that is None is left out."""
        headers = {
            'From': 'Learner <stranger@example.com>', 'To': self.address, 'Subject': "Salle froide",
            'Message-ID': f'<{self._testMethodName}@example.com>', **{
                name.replace('_', '-'): value for name, value in headers.items()
            },
        }
        lines = [f'{name}: {value}' for name, value in headers.items() if value is not None]
        if 'Content-Type' not in headers:
            lines += ['MIME-Version: 1.0', 'Content-Type: text/plain; charset=utf-8']
        content = body if isinstance(body, bytes) else body.encode()
        return '\r\n'.join(lines).encode() + b'\r\n\r\n' + content

    def with_files(self, files, **headers):
        """A message with attachments, built by Python's own library."""
        message = email.message.EmailMessage(policy=email.policy.SMTP)
        values = {
            'From': 'Learner <stranger@example.com>', 'To': self.address, 'Subject': "Avec des fichiers",
            'Message-ID': f'<{self._testMethodName}@example.com>', **headers,
        }
        for name, value in values.items():
            message[name] = value
        message.set_content("Voir les fichiers joints.")
        for name, content, kind in files:
            main, __, sub = kind.partition('/')
            message.add_attachment(content, maintype=main, subtype=sub, filename=name)
        return message.as_bytes()

    def deliver(self, raw, model=None):
        """Deliver a raw message as a mail server does; returns the entries that it has made."""
        before = self.env['qualiopi.complaint'].sudo().search([])
        with mute_logger(*_LOGGED):
            self.env['mail.thread'].message_process(model, raw)
        self.env.flush_all()
        self.env.invalidate_all()
        return self.env['qualiopi.complaint'].sudo().search([]) - before

    def lines(self, **domain):
        """The lines of the list of incoming mails."""
        return self.env['qualiopi.incoming.mail'].sudo().search([(name, '=', value) for name, value in domain.items()])


@tagged('post_install', '-at_install')
class TestGateway(GatewayCase):
    """E-mails become entries: once, whole, in nobody's name (RNQ, indicator 31; quality.md, C1 to C5)."""

    # === WHAT AN ENTRY GETS === #

    def test_entry(self):
        complaint = self.deliver(self.raw("Bonjour,\r\n\r\nLa salle était froide.\r\n> texte cité\r\n"))
        self.assertRecordValues(complaint, [{
            'name': "Salle froide", 'description': "Bonjour,\n\nLa salle était froide.\n> texte cité",
            'contact_name': "Learner", 'email_from': 'stranger@example.com', 'text_origin': 'mail',
            'company_id': self.company.id, 'channel_id': self.channel.id, 'state': 'received',
            'partner_id': False, 'event_id': False, 'create_uid': self.env.ref('base.user_root').id,
        }])
        original = complaint.evidence_ids
        self.assertRecordValues(original, [{'is_original': True, 'mimetype': 'message/rfc822', 'type': 'file'}])
        self.assertIn(b'La salle', original.sudo().env['ir.attachment'].search([
            ('res_model', '=', original._name), ('res_field', '=', 'file'), ('res_id', '=', original.id),
        ]).raw)
        self.assertTrue(original.sha256)
        self.assertRecordValues(self.lines(), [{'state': 'recorded', 'complaint_id': complaint.id, 'original': False}])

    def test_partner_when_unique(self):
        raw = self.raw(From='"Another name" <LEARNER@example.com>')
        complaint = self.deliver(raw)
        self.assertEqual(complaint.partner_id, self.customer)
        self.assertEqual(complaint.contact_name, "Another name")
        self.assertEqual(self.customer.name, "Test Learner")
        # The session that runs now knows the learner.
        self.assertEqual(complaint.registration_id, self.registration)
        self.assertEqual(complaint.event_id, self.event)
        self.assertEqual(complaint.stakeholder_id, self.env.ref('qualiopi.stakeholder_beneficiary'))

    def test_no_guess(self):
        """Two partners, two sessions: nobody is chosen; and no partner is ever made."""
        self.env['res.partner'].create({'name': "Twin", 'email': 'learner@example.com'})
        self._make_registration(self._make_event(self.company))
        count = self.env['res.partner'].with_context(active_test=False).search_count([])
        complaint = self.deliver(self.raw(From='learner@example.com'))
        self.assertFalse(complaint.partner_id or complaint.registration_id or complaint.event_id)
        self.assertEqual(self.env['res.partner'].with_context(active_test=False).search_count([]), count)

    def test_old_session_is_not_meant(self):
        self.event.write({'date_begin': '2026-05-01 08:00:00', 'date_end': '2026-05-02 08:00:00'})
        self.assertFalse(self.deliver(self.raw(From='learner@example.com')).event_id)

    def test_address_of_a_session(self):
        event = self._make_event(self.company, date_begin='2025-01-01 08:00:00', date_end='2025-01-02 08:00:00')
        registration = self._make_registration(event)
        self.assertIs(event.complaint_address, False)
        with self.assertRaises(AccessError):
            event.with_user(self.declarant).action_create_complaint_address()
        event.with_user(self.officer).action_create_complaint_address()
        self.assertEqual(event.complaint_address, f'session-{event.id}@provider.example')
        complaint = self.deliver(self.raw(To=event.complaint_address, From='learner@example.com'))
        self.assertEqual(complaint.event_id, event)
        self.assertEqual(complaint.registration_id, registration)
        # To both addresses of a company: one entry, about the session.
        both = self.deliver(self.raw(To=f'{self.address}, {event.complaint_address}', Message_ID='<both@x.example>'))
        self.assertEqual(len(both), 1)
        self.assertEqual(both.event_id, event)

    def test_two_companies(self):
        complaints = self.deliver(self.raw(To=f'{self.address}, reclamation@other.example'))
        self.assertEqual(complaints.company_id, self.company | self.other_company)
        self.assertEqual(len(complaints), 2)
        mine = self.lines(company_id=self.company.id)
        self.assertEqual(self.model_as('qualiopi.incoming.mail', self.officer).search([]), mine)
        self.assertFalse(self.model_as('qualiopi.incoming.mail', self.declarant).has_access('read'))

    def test_files(self):
        png = bytes.fromhex('89504e470d0a1a0a') + b'0' * 50
        complaint = self.deliver(self.with_files([
            ('photo.png', png, 'image/png'), ('page.html', b'<html><script>x</script></html>', 'text/html'),
            ('winmail.dat', b'\x78\x9f\x3e\x22' + b'\0' * 40, 'application/ms-tnef'),
        ]))
        pieces = complaint.evidence_ids
        self.assertEqual(sorted(pieces.filtered(lambda p: not p.is_original).mapped('file_name')), ['photo.png'])
        self.assertEqual(complaint.description, "Voir les fichiers joints.")
        notes = ' '.join(complaint.message_ids.mapped('body'))
        self.assertIn('page.html', notes)
        self.assertIn('winmail.dat', notes)
        # In the discussion nothing of it stands twice.
        self.assertFalse(complaint.message_ids.attachment_ids)

    def test_original_stays(self):
        complaint = self.deliver(self.raw())
        with self.assertRefused("not withdrawn"):
            complaint.evidence_ids.with_user(self.officer).unlink()
        with self.assertRefused("filled in by the program"):
            self.add_statement(complaint.with_user(self.officer), is_original=True)
        piece = self.add_statement(complaint.with_user(self.officer))
        with self.assertRefused("filled in by the program"):
            piece.write({'is_original': True})
        with self.assertRefused("never edited"):
            complaint.with_user(self.officer).write({'description': "Another text"})

    def test_large(self):
        raw = self.with_files([('film.mp4', b'\0' * (22 * 1024 * 1024), 'video/mp4')])
        self.assertGreater(len(raw), 29 * 1024 * 1024)
        complaint = self.deliver(raw)
        self.assertEqual(complaint.evidence_ids.mapped('size'), [len(raw)])

    def test_many_recipients_and_long_text(self):
        people = ', '.join(f'person{number}@example.org' for number in range(1000))
        complaint = self.deliver(self.raw("mot " * 50_000, Cc=people))
        self.assertEqual(len(complaint), 1)
        self.assertEqual(len(complaint.description), 100_000)
        self.assertIn("100000 characters", ' '.join(complaint.message_ids.mapped('body')))

    def test_moment_of_the_server(self):
        stamp = 'from a by b; Fri, 20 Nov 2026 09:00:00 +0100'
        complaint = self.deliver(self.raw(Received=stamp))
        self.assertEqual(complaint.received_on, Datetime.to_datetime('2026-11-20 08:00:00'))
        future = 'from a by b; Fri, 20 Nov 2027 09:00:00 +0100'
        complaint = self.deliver(self.raw(Received=future, Message_ID='<future@x.example>'))
        self.assertEqual(complaint.received_on, Datetime.now())

    def test_hostile_text(self):
        payload = "<script>alert(1)</script> {{7*7}} ${7*7} <t t-out='7*7'/> \u202egnp.exe"
        complaint = self.deliver(self.raw(payload, Subject='<img src=x onerror=alert(1)>'))
        self.assertEqual(complaint.description, payload.replace('\u202e', ''))
        self.assertNotIn('<img', ' '.join(complaint.message_ids.mapped('body')))
        html = self.deliver(self.raw(
            f'<html><body><p>Bonjour</p>{payload}<img src="http://tracker.example/x.png"></body></html>',
            Content_Type='text/html; charset=utf-8', Message_ID='<html@x.example>',
        ))
        self.assertIn("Bonjour", html.description)
        self.assertNotIn("<script", html.description)
        self.assertNotIn('tracker', ' '.join(html.message_ids.mapped('body')))

    # === ONCE === #

    def test_same_message_twice(self):
        """Delivered again, be it by another server: one entry (C1)."""
        self.assertEqual(len(self.deliver(self.raw())), 1)
        self.assertFalse(self.deliver(b'Received: from b\r\n' + self.raw()))
        self.assertEqual(len(self.lines()), 1)

    def test_without_message_id(self):
        raw = self.raw(Message_ID=None)
        self.assertEqual(len(self.deliver(raw)), 1)
        self.assertFalse(self.deliver(raw))
        self.assertEqual(len(self.deliver(self.raw("Autre texte", Message_ID=None))), 1)

    def test_same_number_other_text(self):
        """Somebody who takes another's number does not silence it."""
        self.deliver(self.raw())
        for __ in range(2):
            self.assertFalse(self.deliver(self.raw("Un autre message")))
        row = self.lines(state='duplicate')
        self.assertEqual(len(row), 1)
        row.with_user(self.officer).action_record()
        self.assertEqual(row.complaint_id.description, "Un autre message")

    def test_number_known_to_odoo(self):
        """What an employee has sent by Odoo itself, with us in copy, waits to be looked at."""
        self.customer.message_post(body="Mail", message_id=f'<{self._testMethodName}@example.com>')
        self.assertFalse(self.deliver(self.raw()))
        self.assertEqual(self.lines().mapped('state'), ['duplicate'])

    # === ROBOTS AND LOOPS === #

    def test_robots(self):
        """No entry, no letter: the mail stands in the list with its original (C3, G5)."""
        self.company.qualiopi_auto_acknowledge = True
        mails = self.env['mail.mail'].search_count([])
        for number, (headers, reason) in enumerate((
            ({'Auto_Submitted': 'auto-replied'}, 'reply'), ({'Auto_Submitted': 'auto-generated; x=1'}, 'reply'),
            ({'Precedence': 'bulk'}, 'list'), ({'List_Id': '<list.example.com>'}, 'list'),
            ({'X_Autoreply': 'yes'}, 'reply'), ({'Return_Path': '<>'}, 'reply'),
            ({'From': 'MAILER-DAEMON@mx.example.com'}, 'bounce'), ({'From': self.address}, 'own'),
            ({'From': 'catchall@provider.example'}, 'own'), ({'Subject': "Réponse automatique : absente"}, 'reply'),
        )):
            self.assertFalse(self.deliver(self.raw(Message_ID=f'<{number}@robot.example>', **headers)), headers)
            self.assertRecordValues(self.lines()[0], [{'state': 'automatic', 'reason': reason}])
            self.assertTrue(self.lines()[0].original)
        self.assertEqual(self.env['mail.mail'].search_count([]), mails)
        # What a person writes is no robot's.
        for subject in ("Absence du formateur", "Automatique, ce chauffage ?"):
            raw = self.raw(Subject=subject, Auto_Submitted='no', Message_ID=f'<{subject[:4]}@x.example>')
            self.assertTrue(self.deliver(raw))

    def test_release_by_hand(self):
        self.company.qualiopi_auto_acknowledge = True
        self.deliver(self.raw(Precedence='list'))
        row = self.lines().with_user(self.officer)
        # As the web client reads it.
        self.assertEqual(row.with_context(bin_size=True).preview, "La salle était froide.")
        with self.assertDenied():
            row.with_user(self.declarant).action_record()
        with self.assertDenied():
            row.with_user(self.officer).write({'state': 'recorded'})
        action = row.action_record()
        complaint = self.env['qualiopi.complaint'].browse(action['res_id'])
        self.assertEqual(complaint.description, "La salle était froide.")
        self.assertFalse(complaint.ack_date)
        self.assertTrue(complaint.evidence_ids.is_original)
        self.assertFalse(row.original)
        with self.assertRefused("dealt with already"):
            row.action_record()

    def test_set_aside_and_purge(self):
        self.deliver(self.raw(Precedence='list'))
        row = self.lines()
        self.deliver(self.raw(Message_ID='<other@x>'))
        self.deliver(self.raw(Message_ID='<other@x>', Subject="Un autre"))
        self.lines().write({'date': self.env.cr.now() - timedelta(days=91)})
        self.env['qualiopi.incoming.mail']._gc_mails()
        self.assertFalse(row.exists())
        waiting = self.lines()
        self.assertEqual(waiting.mapped('state'), ['duplicate'])
        waiting.with_user(self.officer).action_dismiss()
        self.env['qualiopi.incoming.mail']._gc_mails()
        self.assertFalse(waiting.exists())
        self.assertTrue(self.env['qualiopi.complaint'].search([('name', '=', "Salle froide")]).evidence_ids)

    def test_flood(self):
        """Odoo's loop limit holds the rest back; it is kept, and one refusal a day leaves (G4, C2)."""
        made = self.env['qualiopi.complaint']
        mails = self.env['mail.mail'].search_count([])
        for number in range(25):
            made += self.deliver(self.raw(Message_ID=f'<{number}@flood.example>'))
        self.assertEqual(len(made), 20)
        held = self.lines(state='held')
        self.assertEqual(held.mapped('reason'), ['loop'] * 5)
        self.assertTrue(all(row.original for row in held))
        self.assertEqual(self.env['mail.mail'].search_count([]) - mails, 1)
        held.with_user(self.officer).action_record()
        self.assertEqual(len(held.complaint_id), 5)
        with mute_logger(*_LOGGED):
            answer = self.env['mail.thread'].message_process(None, self.raw(Message_ID='<last@flood.example>'))
        self.assertIs(answer, False, "XML-RPC carries no None: the mail server would take the mail for refused")

    def test_flood_without_alias(self):
        """Also where the mail server's settings name the model instead of an address (G4)."""
        messages = [self.raw(To='any@where.example', Message_ID=f'<{number}@f.example>') for number in range(22)]
        made = sum(len(self.deliver(raw, 'qualiopi.complaint')) for raw in messages)
        self.assertEqual(made, 20)
        self.assertEqual(len(self.lines(state='held')), 2)

    def test_acknowledgement(self):
        """One a day for an address, marked as automatic; none for addresses that nobody reads."""
        self.company.qualiopi_auto_acknowledge = True
        first = self.deliver(self.raw())
        second = self.deliver(self.raw(Message_ID='<second@x>'))
        third = self.deliver(self.raw(Message_ID='<third@x>', From='no-reply@shop.example'))
        self.assertTrue(first.ack_sent_on)
        self.assertFalse(second.ack_sent_on or third.ack_sent_on)
        mail = self.env['mail.mail'].search([('model', '=', first._name), ('res_id', '=', first.id)])
        self.assertEqual(len(mail), 1)
        self.assertIn('auto-replied', str(mail.headers))
        self.assertNotIn("froide", f'{mail.subject} {mail.body_html}')

    def test_ping_pong(self):
        """A robot that answers each acknowledgement hears nothing more (C2)."""
        self.company.qualiopi_auto_acknowledge = True
        complaint = self.deliver(self.raw())
        letter = complaint.message_ids.filtered(lambda m: m.message_type == 'email_outgoing')
        for number in range(30):
            self.assertFalse(self.deliver(self.raw(
                "Merci pour votre message", Subject=f"Re: {letter.subject}", In_Reply_To=letter.message_id,
                Message_ID=f'<{number}@pong.example>', Auto_Submitted='auto-replied',
            )))
        self.assertEqual(self.env['mail.mail'].search_count([('res_id', '=', complaint.id)]), 1)
        self.assertEqual(len(self.lines(state='automatic', complaint_id=complaint.id)), 30)

    def test_bounced_letter_shows(self):
        """The report of a mail server marks the letter that did not arrive, as Odoo does."""
        self.company.qualiopi_auto_acknowledge = True
        complaint = self.deliver(self.raw())
        letter = complaint.message_ids.filtered(lambda m: m.message_type == 'email_outgoing')
        report = (
            'Content-Type: multipart/report; report-type=delivery-status; boundary="B"\r\n'
            'From: MAILER-DAEMON@mx.example\r\nTo: bounce@provider.example, reclamation@provider.example\r\n'
            'Subject: Undelivered\r\nMessage-ID: <dsn@mx.example>\r\n\r\n'
            '--B\r\nContent-Type: text/plain\r\n\r\nNo such mailbox\r\n'
            '--B\r\nContent-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; mx\r\n\r\n'
            'Final-Recipient: rfc822; stranger@example.com\r\nAction: failed\r\nStatus: 5.1.1\r\n'
            f'\r\n--B\r\nContent-Type: message/rfc822\r\n\r\nMessage-ID: {letter.message_id}\r\nSubject: x\r\n\r\nx\r\n'
            '--B--\r\n'
        ).encode()
        self.assertFalse(self.deliver(report))
        self.assertTrue(complaint.has_letter_failure)
        self.assertEqual(self.lines(reason='bounce').state, 'automatic')

    # === ANSWERS === #

    def _answered(self, **values):
        complaint = self.deliver(self.raw(From='learner@example.com', Message_ID='<first@x.example>'))
        complaint.user_id = self.officer
        return complaint

    def _answer(self, complaint, body="Une précision", **headers):
        target = complaint.message_ids.filtered('message_id')[:1]
        self.flush_tracking()
        before = complaint.message_ids
        self.deliver(self.raw(body, In_Reply_To=target.message_id, **{'From': 'learner@example.com', **headers}))
        return (complaint.message_ids - before).filtered(lambda message: message.message_type == 'email')

    def test_answer(self):
        complaint = self._answered()
        count = self.env['qualiopi.complaint'].search_count([])
        message = self._answer(complaint)
        self.assertEqual(self.env['qualiopi.complaint'].search_count([]), count)
        self.assertIn("Une précision", message.body)
        self.assertEqual(message.author_id, self.customer)
        self.assertFalse(message.subtype_id.internal)
        self.assertIn(self.officer.partner_id, message.notified_partner_ids)
        self.assertNotIn(self.customer, complaint.message_partner_ids)
        # The same answer again changes nothing.
        self.assertFalse(self._answer(complaint))

    def test_answer_reads_as_it_was_written(self):
        complaint = self._answered()
        text = self._answer(complaint)
        self.assertIn('<pre>', text.body)
        rich = self._answer(
            complaint, "<p>Une <b>autre</b> précision</p><script>alert(1)</script>",
            Message_ID='<rich@x.example>', Content_Type='text/html; charset=utf-8',
        )
        self.assertIn('<b>autre</b>', rich.body)
        self.assertNotIn('&lt;', text.body + rich.body)
        self.assertNotIn('script', rich.body)

    def test_answer_to_a_closed_entry(self):
        """It is noted, the entry stays closed, and its owner is asked to read it (C4)."""
        complaint = self._answered()
        complaint.with_user(self.officer).write(self.closing_values())
        complaint.with_user(self.officer).action_close()
        for number in range(2):
            self.assertTrue(self._answer(complaint, Message_ID=f'<late{number}@x.example>'))
        self.assertEqual(complaint.state, 'closed')
        asked = complaint.activity_ids.filtered(lambda a: not a.qualiopi_step)
        self.assertEqual(asked.user_id, self.officer)
        self.assertEqual(len(asked), 1)

    def test_forged_employee(self):
        """A mail in an employee's name makes and answers nothing in it (C4)."""
        complaint = self.deliver(self.raw(From=self.manager.email_formatted))
        self.assertEqual(complaint.create_uid, self.env.ref('base.user_root'))
        self.assertNotIn(self.manager.partner_id, complaint.message_ids.author_id)
        complaint.user_id = self.officer
        complaint.partner_id = self.customer
        message = self._answer(complaint, From=self.manager.email_formatted, Message_ID='<forged@x.example>')
        self.assertFalse(message.author_id)
        self.assertTrue(message.subtype_id.internal)
        self.assertFalse(message.notified_partner_ids)
        self.assertIn(self.officer, complaint.activity_ids.filtered(lambda a: not a.qualiopi_step).user_id)

    def test_forged_answer_to_a_confidential_entry(self):
        complaint = self.make_confidential(email_from='victim@example.com', user_id=self.confidential.id)
        letter = complaint.message_post(body="Written to the victim", message_type='email_outgoing')
        mails = self.env['mail.mail'].search_count([])
        self.deliver(self.raw(
            "Parlez !", From=self.officer.email_formatted, In_Reply_To=letter.message_id, Message_ID='<f@x.example>',
        ))
        message = complaint.message_ids.filtered(lambda message: message.message_type == 'email')
        self.assertIn("Parlez", message.body)
        self.assertFalse(message.author_id)
        self.assertTrue(message.subtype_id.internal)
        self.assertEqual(self.env['mail.mail'].search_count([]), mails)
        self.assertFalse(complaint.message_partner_ids - self.confidential.partner_id)
        # Nor does the list of mails tell others.
        self.assertFalse(self.model_as('qualiopi.incoming.mail', self.officer).search([]))
        self.assertTrue(self.model_as('qualiopi.incoming.mail', self.confidential).search([]))

    def test_answer_to_a_finding(self):
        """Findings and actions are answered by note, too, and in nobody's name."""
        finding = self.make_finding(user_id=self.officer.id)
        note = finding.message_post(body="Question")
        self.deliver(self.raw(
            "Réponse", To='catchall@provider.example', From=self.manager.email_formatted, In_Reply_To=note.message_id,
        ))
        message = finding.message_ids.filtered(lambda message: message.message_type == 'email')
        self.assertFalse(message.author_id)
        self.assertTrue(message.subtype_id.internal)
        self.assertIn("Réponse", message.body)

    def test_becomes_confidential(self):
        """A mail whose entry becomes confidential leaves the list of the others."""
        complaint = self.deliver(self.raw())
        self.assertTrue(self.model_as('qualiopi.incoming.mail', self.officer).search([]))
        complaint.with_user(self.env.ref('base.user_root')).nature = 'safeguarding'
        self.env.flush_all()
        self.assertFalse(self.model_as('qualiopi.incoming.mail', self.officer).search([]))
        self.assertTrue(self.model_as('qualiopi.incoming.mail', self.confidential).search([]))

    # === NEVER LOST === #

    def test_gateway_fails(self):
        """Whatever Odoo or we stumble on, there is an entry with the original (G6)."""
        complaints = type(self.env['qualiopi.complaint'])
        for number, name in enumerate(('_known_of_sender', '_moment_of', '_attach_uploads', 'message_post')):
            def fail(*args, **kwargs):
                raise RuntimeError("Broken on purpose")
            raw = self.with_files([('a.txt', b'text', 'text/plain')], **{'Message-ID': f'<{number}@broken.example>'})
            patched = patch.object(complaints, name, fail, create=True)
            with patched:
                made = self.deliver(raw)
            if name == 'message_post':
                # Not even a note can be written: the original waits in the list.
                self.assertFalse(made)
                self.assertTrue(self.lines(state='failed').original)
                self.lines(state='failed').with_user(self.officer).action_record()
                continue
            self.assertEqual(made.description, "Voir les fichiers joints.", name)
            self.assertTrue(made.evidence_ids.filtered('is_original'), name)

    def test_other_application_is_left_alone(self):
        """Mails of others go their way as ever, known to nobody here."""
        partner_model = self.env['ir.model']._get('res.partner')
        self.env['mail.alias'].create({
            'alias_name': 'contacts', 'alias_model_id': partner_model.id, 'alias_domain_id': self.domain.id,
        })
        self.assertFalse(self.deliver(self.raw(To='contacts@provider.example')))
        self.assertTrue(self.env['res.partner'].search([('name', '=', "Salle froide")]))
        self.assertFalse(self.lines())
        # To both: each gets its own.
        made = self.deliver(self.raw(
            To=f'contacts@provider.example, {self.address}', Subject="Pour les deux", Message_ID='<both@x>'))
        self.assertEqual(len(made), 1)
        partner = self.env['res.partner'].search([('name', '=', "Pour les deux")])
        self.assertIn("froide", ' '.join(partner.message_ids.mapped('body')))

    def test_refused_by_the_address(self):
        self.channel.sudo().alias_id.alias_contact = 'partners'
        self.assertFalse(self.deliver(self.raw()))
        self.assertRecordValues(self.lines(), [{'state': 'held', 'reason': 'refused'}])
        self.assertTrue(self.deliver(self.raw(From='learner@example.com', Message_ID='<known@x>')))

    # === ADDRESSES === #

    def test_address_of_the_company(self):
        channels = self.model_as('qualiopi.channel', self.manager)
        self.assertEqual(self.company.qualiopi_complaint_address, self.address)
        settings = self.model_as('qualiopi.settings', self.manager).create({})
        self.assertEqual(settings.complaint_alias_name, 'reclamation')
        settings.complaint_alias_name = 'Qualité@ignored.example'
        settings.action_save()
        self.company.invalidate_recordset()
        self.assertEqual(self.company.qualiopi_complaint_address, 'qualite@provider.example')
        self.assertEqual(self.company._qualiopi_address_channel(), self.channel)
        with self.assertRaises(ValidationError):
            channels.create({'name': "Nowhere", 'alias_name': 'nowhere'})
        self.assertTrue(self.deliver(self.raw(To='qualite@provider.example')))

    def test_session_goes_with_its_address(self):
        event = self._make_event(self.company)
        event.action_create_complaint_address()
        alias = event.complaint_alias_id
        event.unlink()
        self.assertFalse(alias.exists())


@tagged('post_install', '-at_install')
class TestAwkwardMessages(GatewayCase):
    """A collection of awkward messages, written for this project, each with what must come of it."""

    def test_collection(self):
        # All come from one sender, whom Odoo would hold back after twenty.
        self.env['ir.config_parameter'].set_param('mail.gateway.loop.threshold', 1000)
        with file_open('qualiopi/tests/data/gateway/expected.csv') as file:
            expected = list(csv.DictReader(file))
        self.assertGreaterEqual(len(expected), 60)
        files = set()
        for row in expected:
            files.add(row['file'])
            with self.subTest(row['file']), file_open(f'qualiopi/tests/data/gateway/{row["file"]}', 'rb') as file:
                made = self.deliver(file.read())
                self._check(row, made)
        with self.subTest("nothing is left out"):
            folder = Path(file_path('qualiopi/tests/data/gateway/expected.csv')).parent
            self.assertEqual({path.name for path in folder.glob('*.eml')}, files)

    def _check(self, row, made):
        line = self.lines()[:1]
        self.assertEqual(line.state, row['state'])
        self.assertEqual(len(made), 1 if row['state'] == 'recorded' else 0)
        if row['reason']:
            self.assertEqual(line.reason, row['reason'])
        if row['sender']:
            self.assertEqual(line.email_from, row['sender'])
        if not made:
            self.assertTrue(line.original)
            return
        self.assertEqual(made.name or '', row['subject'])
        self.assertTrue(row['text'])
        self.assertIn(row['text'], made.description)
        self.assertTrue(made.evidence_ids.filtered('is_original').size)
        pieces = made.evidence_ids.filtered(lambda piece: not piece.is_original)
        self.assertEqual(len(pieces), int(row['files'] or 0), pieces.mapped('file_name'))
        if row['names']:
            self.assertEqual('; '.join(sorted(pieces.mapped('file_name'))), row['names'])
