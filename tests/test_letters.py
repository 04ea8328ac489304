import re
import socket
from datetime import timedelta
from unittest.mock import patch

from freezegun import freeze_time

from odoo import fields
from odoo.exceptions import UserError
from odoo.tests import HttpCase, tagged
from odoo.tools import format_date, mute_logger

from odoo.addons.base.models.ir_mail_server import IrMail_Server

from .common import TODAY, QualiopiCase

REPLY = """From: Test Learner <learner@example.com>
To: catchall@letters.example.com
Subject: Re: your message
Message-ID: <reply-%(key)s@example.com>
In-Reply-To: %(parent)s
References: %(parent)s
Content-Type: text/plain; charset=utf-8

Thank you, the room is warm now.
"""


class LettersCase(QualiopiCase):

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        for code in ('en_US', 'fr_FR'):
            cls.env['res.lang']._activate_lang(code)
        cls.company.write({'email': 'quality@provider.example.com'})
        cls.company.partner_id.lang = 'fr_FR'
        cls.customer.lang = 'en_US'
        cls.individual = cls.env['qualiopi.stakeholder'].create({'name': "Individual", 'is_individual': True})
        cls.firm = cls.env['qualiopi.stakeholder'].create({'name': "Firm"})
        for kind in ('acknowledgement', 'response', 'verdict', 'action_done'):
            template = cls.env.ref(f'qualiopi.mail_template_{kind}')
            template.with_context(lang='fr_FR').subject = f"[fr] {kind} {{{{ object.reference }}}}"

    def make_letter_complaint(self, user=None, **values):
        return self.make_complaint(user, **{'partner_id': self.customer.id, **values})

    def make_answered(self, **values):
        complaint = self.make_letter_complaint(
            **{'response': "The heating was repaired.\nSorry for that.", 'decision': 'founded', **values})
        complaint.action_send_response()
        return complaint

    def letters(self, complaint):
        return complaint.sudo().message_ids.filtered(
            lambda m: m.subtype_id == self.env.ref('qualiopi.mail_message_subtype_letter')
        ).sorted('id')

    def mails(self, messages):
        return self.env['mail.mail'].sudo().search([('mail_message_id', 'in', messages.ids)])

    def assertLetter(self, complaint, subject, partner=None, address=None):
        """Exactly one letter, queued as a mail to exactly this recipient; returns the mail."""
        letter = self.letters(complaint)
        self.assertEqual(len(letter), 1)
        self.assertRegex(letter.subject, subject)
        mail = self.mails(letter)
        self.assertEqual(len(mail), 1, "one letter is one mail")
        self.assertEqual((mail.state, mail.auto_delete), ('outgoing', False))
        self.assertEqual(mail.recipient_ids, partner or self.env['res.partner'])
        self.assertEqual(mail.email_to or False, address or False)
        self.assertFalse(mail.email_cc)
        self.assertEqual((letter.model, letter.res_id), ('qualiopi.complaint', complaint.id))
        return mail

    @mute_logger('odoo.addons.mail.models.mail_mail')
    def send_without_server(self, mails):
        """The queue is run with a mail server that does not answer."""
        with socket.socket() as probe:
            probe.bind(('127.0.0.1', 0))
            port = probe.getsockname()[1]
        self.env['ir.mail_server'].create({
            'name': "Down", 'smtp_host': '127.0.0.1', 'smtp_port': port, 'smtp_encryption': 'none',
        })
        # Odoo opens no connection in tests; here the real one is tried, and refused.
        with patch.object(IrMail_Server, '_disable_send', return_value=False):
            mails.send()


@tagged('post_install', '-at_install')
@freeze_time(TODAY)
class TestAcknowledgement(LettersCase):

    def test_recipient_subject_language_and_body(self):
        complaint = self.make_letter_complaint(severity_id=self.minor.id)
        complaint.action_send_acknowledgement()
        mail = self.assertLetter(complaint, r"^We have received your message \(REG/2026/", self.customer)
        body = str(mail.mail_message_id.body)
        self.assertIn("Test Learner", body)
        self.assertIn(complaint.reference, body)
        self.assertIn(self.officer.name, body, "it names who looks after the file")
        self.assertNotIn("too cold", body, "what staff has typed is not quoted")
        deadline = self.company._qualiopi_local_date(complaint.response_deadline)
        self.assertIn(format_date(self.env, deadline, lang_code='en_US', date_format='long'), body)
        self.assertIn('quality@provider.example.com', mail.email_from)
        self.assertEqual(complaint.ack_date, fields.Datetime.to_datetime(TODAY))
        self.assertEqual(complaint.ack_sent_on, complaint.ack_date)
        self.assertEqual(complaint.ack_user_id, self.officer)
        self.assertIn("Afterwards we ask you", complaint.ack_message)
        self.assertEqual(complaint.state, 'acknowledged')

    def test_language_of_the_partner_then_of_the_company(self):
        self.customer.lang = 'fr_FR'
        complaint = self.make_letter_complaint()
        complaint.action_send_acknowledgement()
        self.assertLetter(complaint, r"^\[fr\] acknowledgement REG/", self.customer)
        stranger = self.make_complaint(contact_name="Ann Other", email_from='ann@example.org')
        stranger.action_send_acknowledgement()
        mail = self.assertLetter(stranger, r"^\[fr\] acknowledgement REG/", address='ann@example.org')
        self.assertFalse(self.env['res.partner'].search([('email', '=', 'ann@example.org')]),
                         "a letter makes no contact")
        self.assertIn("Ann Other", str(mail.mail_message_id.body))
        self.company.partner_id.lang = 'en_US'
        english = self.make_complaint(email_from='ann@example.org')
        english.action_send_acknowledgement()
        self.assertLetter(english, r"^We have received", address='ann@example.org')

    def test_address_of_the_entry_wins(self):
        complaint = self.make_letter_complaint()
        complaint.email_from = '"Her own" <private@example.org>'
        complaint.action_send_acknowledgement()
        self.assertLetter(complaint, "We have received", address='private@example.org')

    def test_followers_get_no_copy(self):
        complaint = self.make_letter_complaint()
        complaint.message_subscribe(self.trainer.ids)
        complaint.action_send_acknowledgement()
        self.assertLetter(complaint, "We have received", self.customer)

    def test_employee_gets_a_mail(self):
        complaint = self.make_complaint(partner_id=self.plain.partner_id.id)
        complaint.action_send_acknowledgement()
        self.assertLetter(complaint, "received|acknowledgement", address='plain@example.com')

    def test_no_address(self):
        for values in ({}, {'email_from': 'nobody at all'}, {'partner_id': self.customer.id, 'is_anonymous': True}):
            complaint = self.make_complaint(**values)
            with self.assertRefused("no e-mail address") as raised:
                complaint.action_send_acknowledgement()
            action = raised.exception.args[1]
            self.assertEqual((action['res_model'], action['res_id']), (complaint._name, complaint.id))
            self.assertFalse(complaint.ack_date)
            self.assertFalse(self.letters(complaint))
            complaint.ack_impossible_reason = "No address was left"
            self.assertEqual(complaint.state, 'acknowledged')

    def test_never_twice(self):
        complaint = self.make_letter_complaint()
        complaint.action_send_acknowledgement()
        with self.assertRefused("sent already"):
            complaint.action_send_acknowledgement()
        self.assertFalse(complaint._queue_acknowledgement())
        self.assertEqual(len(self.letters(complaint)), 1)

    def test_given_before_keeps_its_date(self):
        complaint = self.make_letter_complaint(received_on='2026-11-18 08:00:00')
        complaint.write({'ack_date': '2026-11-18 09:00:00', 'ack_message': "On the telephone"})
        complaint.action_send_acknowledgement()
        self.assertEqual(str(complaint.ack_date), '2026-11-18 09:00:00')
        self.assertEqual(complaint.ack_message, "On the telephone")
        self.assertLetter(complaint, "We have received", self.customer)

    def test_refused(self):
        difficulty = self.make_letter_complaint(nature='difficulty')
        with self.assertRefused("has no letters"):
            difficulty.action_send_acknowledgement()
        cancelled = self.make_letter_complaint()
        cancelled.with_user(self.manager).action_cancel("Recorded twice")
        with self.assertRefused("cancelled"):
            cancelled.action_send_acknowledgement()
        complaint = self.make_letter_complaint(self.declarant, user_id=self.officer.id)
        with self.assertRefused("owner or the quality team"):
            complaint.action_send_acknowledgement()
        with self.assertRefused("filled in by the program"):
            complaint.ack_sent_on = TODAY
        self.assertFalse(self.letters(difficulty + cancelled + complaint))

    def test_imported_never(self):
        imported = self.make_letter_complaint(is_imported=True, state='answered')
        for method in ('action_send_acknowledgement', 'action_send_response', 'action_request_verdict'):
            with self.assertRefused("former register"):
                getattr(imported, method)()
        self.assertFalse(imported._queue_acknowledgement())
        self.assertFalse(self.letters(imported))

    def test_create_sends_nothing(self):
        complaint = self.make_letter_complaint(text_origin='mail')
        self.flush_tracking()
        self.assertFalse(self.letters(complaint))
        self.assertFalse(complaint.ack_date)

    def test_queue_for_the_doors(self):
        entries = self.make_letter_complaint(text_origin='mail')
        entries += self.make_complaint(text_origin='form', email_from='ann@example.org')
        silent = self.make_complaint(text_origin='form')
        difficulty = self.make_letter_complaint(nature='difficulty')
        for __ in range(2):
            (entries + silent + difficulty).with_user(self.public).sudo()._queue_acknowledgement()
        self.assertLetter(entries[0], "We have received", self.customer)
        mail = self.assertLetter(entries[1], "acknowledgement", address='ann@example.org')
        self.assertIn('auto-replied', mail.headers)
        self.assertEqual(mail.author_id, self.company.partner_id)
        self.assertFalse(entries.ack_user_id, "nobody has acknowledged it: the program has")
        self.assertEqual(set(entries.mapped('state')), {'acknowledged'})
        self.assertEqual((silent + difficulty).mapped('ack_date'), [False, False])

    def test_template_deleted(self):
        self.env.ref('qualiopi.mail_template_acknowledgement').unlink()
        complaint = self.make_letter_complaint(text_origin='mail')
        with self.assertRefused("template of this letter was deleted"):
            complaint.action_send_acknowledgement()
        self.assertFalse(complaint._queue_acknowledgement())
        self.assertFalse(complaint.ack_date)
        self.assertIn("acknowledgement was not sent", str(complaint.sudo().message_ids[0].body))

    @mute_logger('odoo.addons.mail.models.mail_render_mixin')
    def test_one_failure_stops_no_other(self):
        template = self.env.ref('qualiopi.mail_template_acknowledgement')
        for lang in ('en_US', 'fr_FR'):
            template.with_context(lang=lang).body_html = '<p t-out="1 / (object.contact_name != \'Zero\')"/>'
        broken = self.make_complaint(text_origin='mail', contact_name="Zero", email_from='zero@example.org')
        complaint = self.make_letter_complaint(text_origin='mail')
        self.assertEqual((broken + complaint)._queue_acknowledgement(), complaint)
        self.assertFalse(broken.ack_date)
        self.assertFalse(self.letters(broken))
        self.assertIn("acknowledgement was not sent", str(broken.sudo().message_ids[0].body))
        self.assertTrue(complaint.ack_date)

    def test_confidential_says_nothing(self):
        secret = self.make_confidential(
            name="Gestures of the trainer", partner_id=self.customer.id, user_id=self.confidential.id,
        )
        secret.action_send_acknowledgement()
        mail = self.assertLetter(secret, r"^We have received your message \(SIG/", self.customer)
        text = f'{mail.subject} {mail.body_html} {mail.mail_message_id.body} {mail.email_from} {mail.reply_to}'
        for word in ("Gestures", "Test Learner", "Test confidential", "too cold", "afeguarding"):
            self.assertNotIn(word, text)
        by_mail = self.make_confidential(email_from='ann@example.org')
        by_mail.action_send_acknowledgement()
        self.assertLetter(by_mail, "acknowledgement", address='ann@example.org')

    def test_envelope_keeps_the_subject(self):
        complaint = self.make_letter_complaint(name="Bad smell of Mr X")
        complaint.write({'response': "It was aired", 'decision': 'founded'})
        complaint.action_send_response()
        mail = self.assertLetter(complaint, "Our response", self.customer)
        self.assertNotIn("Bad smell", mail.body_html)
        self.assertIn(complaint.reference.replace('/', '-'), mail.body_html)


@tagged('post_install', '-at_install')
@freeze_time(TODAY)
class TestResponse(LettersCase):

    def test_mediator_for_individuals_alone(self):
        self.company.write({'qualiopi_mediator': "Mediation House", 'qualiopi_mediator_contact': "1 Elm Street"})
        individual = self.make_answered(stakeholder_id=self.individual.id)
        body = str(self.assertLetter(individual, r"^Our response \(REG/", self.customer).mail_message_id.body)
        for text in ("Mediation House", "1 Elm Street", "within one year", "after a written complaint"):
            self.assertIn(text, body)
        self.assertIn("The heating was repaired.", body)
        self.assertIn("Founded", body)
        self.assertFalse(individual.is_mediator_missing)
        for values in ({'stakeholder_id': self.firm.id}, {}):
            other = self.make_answered(**values)
            self.assertNotIn("ediator", str(self.letters(other).body))
        self.company.qualiopi_mediator = False
        missing = self.make_answered(stakeholder_id=self.individual.id)
        self.assertTrue(missing.is_mediator_missing)
        self.assertNotIn("ediator", str(self.letters(missing).body))

    def test_records_date_and_state(self):
        complaint = self.make_letter_complaint(received_on='2026-11-16 08:00:00')
        self.assertEqual(complaint.action_send_response()['res_id'], complaint.id, "it asks for the text first")
        with freeze_time('2026-11-18 10:00:00'):
            complaint.response = "Written on Wednesday"
        complaint.action_send_response()
        self.assertEqual(complaint.response_date, fields.Datetime.to_datetime(TODAY), "the letter's date counts")
        self.assertEqual(complaint.response_sent_on, complaint.response_date)
        self.assertEqual(complaint.state, 'answered')
        with self.assertRefused("sent already"):
            complaint.action_send_response()
        self.assertLetter(complaint, "Our response", self.customer)

    def test_text_is_no_markup(self):
        complaint = self.make_answered(response="<script>alert(1)</script> {{ object.id }} <b>bold</b>")
        body = str(self.letters(complaint).body)
        self.assertNotIn("<script", body)
        self.assertIn("&lt;b&gt;bold", body)
        self.assertIn("{{ object.id }}", body)

    def test_no_address_offers_the_reason(self):
        complaint = self.make_complaint(response="Repaired")
        with self.assertRefused("no e-mail address") as raised:
            complaint.action_send_response()
        self.assertEqual(
            raised.exception.args[1]['views'][0][0],
            self.env.ref('qualiopi.qualiopi_complaint_view_form_respond').id,
        )
        self.assertFalse(complaint.response_sent_on)

    def test_reply_lands_in_the_chatter(self):
        domain = self.env['mail.alias.domain'].create({'name': 'letters.example.com'})
        self.company.alias_domain_id = domain
        for complaint in (
            self.make_answered(),
            self.make_answered(partner_id=False, email_from='learner@example.com'),
            self.make_confidential(partner_id=self.customer.id, response="It is over"),
        ):
            if not complaint.response_sent_on:
                complaint.action_send_response()
            letter = self.letters(complaint)
            self.assertIn('catchall@letters.example.com', letter.reply_to)
            before = complaint.sudo().message_ids
            self.env['mail.thread'].with_user(self.env.ref('base.user_root')).message_process(
                False, REPLY % {'parent': letter.message_id, 'key': complaint.id},
            )
            answer = complaint.sudo().message_ids - before
            self.assertEqual(len(answer), 1)
            self.assertIn("the room is warm now", str(answer.body))
            self.assertEqual(answer.author_id, self.customer)
            self.assertEqual(complaint.description, "The room was too cold for two days")

    def test_evidence_is_not_rewritten(self):
        complaint = self.make_answered()
        letter = self.letters(complaint).with_user(self.officer).sudo(False)
        with self.assertRaises(UserError):
            complaint._message_update_content(letter, body="Something else")


@tagged('post_install', '-at_install')
@freeze_time(TODAY)
class TestLetterFailure(LettersCase):

    def failing(self, **values):
        complaint = self.make_letter_complaint(**values)
        complaint.action_send_acknowledgement()
        self.send_without_server(self.mails(self.letters(complaint)))
        complaint.invalidate_recordset()
        return complaint

    def failed_entries(self):
        return self.model_as('qualiopi.complaint', self.officer).search([('has_letter_failure', '=', True)])

    def test_no_mail_server(self):
        """C6: the record is saved, the mail fails, and the entry says so."""
        fine = self.make_letter_complaint()
        fine.action_send_acknowledgement()
        complaint = self.failing()
        self.assertEqual(self.mails(self.letters(complaint)).state, 'exception')
        self.assertTrue(complaint.ack_date)
        self.assertTrue(complaint.has_letter_failure)
        self.assertIn('learner@example.com', complaint.letter_failure)
        self.assertFalse(fine.has_letter_failure)
        self.assertEqual(self.failed_entries(), complaint)
        others = complaint.search([('has_letter_failure', '=', False), ('id', 'in', (fine + complaint).ids)])
        self.assertEqual(others, fine)
        filters = self.env.ref('qualiopi.qualiopi_complaint_view_search').arch
        self.assertIn('has_letter_failure', filters)

    def test_send_again_to_the_corrected_address(self):
        complaint = self.failing(partner_id=False, email_from='wrong@example.com')
        complaint.email_from = 'right@example.com'
        complaint.action_resend_letters()
        self.assertFalse(complaint.has_letter_failure)
        self.assertFalse(self.failed_entries())
        first, second = self.letters(complaint)
        self.assertEqual(self.mails(second).email_to, 'right@example.com')
        self.assertEqual((first.body, first.subject), (second.body, second.subject))
        self.assertEqual(self.mails(first).state, 'cancel')
        with self.assertRefused("waits to be sent again"):
            complaint.action_resend_letters()

    def test_bounce(self):
        complaint = self.make_letter_complaint()
        complaint.action_send_acknowledgement()
        self.letters(complaint).notification_ids.write({
            'notification_status': 'bounce', 'failure_type': 'mail_bounce', 'failure_reason': "550 no such user",
        })
        complaint.invalidate_recordset()
        self.assertIn("550 no such user", complaint.letter_failure)

    def test_failure_of_others_does_not_count(self):
        complaint = self.make_letter_complaint()
        complaint.message_post(body="For the trainer", partner_ids=self.trainer.ids)
        complaint.sudo().message_ids.notification_ids.write({'notification_status': 'exception'})
        complaint.invalidate_recordset()
        self.assertFalse(complaint.has_letter_failure)

    def test_new_link_for_the_corrected_address(self):
        complaint = self.make_answered(partner_id=False, email_from='wrong@example.com')
        complaint.action_request_verdict()
        old = complaint._verdict_token()
        letter = self.letters(complaint)[-1]
        self.send_without_server(self.mails(letter))
        complaint.email_from = 'right@example.com'
        complaint.action_resend_letters()
        body = str(self.letters(complaint)[-1].body)
        self.assertNotIn(old, body)
        self.assertEqual(body.count(complaint._verdict_token()), 3)


@tagged('post_install', '-at_install')
@freeze_time(TODAY)
class TestActionLetter(LettersCase):

    def make_carried_out(self, complaints, user=None):
        finding = self.make_finding(user, complaint_ids=[(6, 0, complaints.ids)])
        return self.make_action('check', user, finding_ids=[(6, 0, finding.ids)])

    def test_informs_once(self):
        complaints = self.make_letter_complaint()
        complaints += self.make_complaint(email_from='ann@example.org')
        complaints += self.make_complaint()
        complaints += self.make_letter_complaint(nature='difficulty')
        complaints += self.make_letter_complaint(is_imported=True)
        action = self.make_carried_out(complaints)
        self.assertFalse(self.letters(complaints), "it is proposed, never sent by itself")
        self.assertEqual(action.to_inform_count, 2)
        wizard = self.model_as('qualiopi.action.tell', self.officer).with_context(
            **action.action_inform_complainants()['context']).create({})
        self.assertEqual(wizard.complaint_ids, complaints[:2])
        self.assertEqual(wizard.text, "Heat the rooms the day before")
        wizard.text = "We heat the rooms the day before"
        wizard.action_confirm()
        mail = self.assertLetter(complaints[0], "What came of your message", self.customer)
        self.assertIn("We heat the rooms the day before", str(mail.mail_message_id.body))
        self.assertLetter(complaints[1], r"\[fr\] action_done", address='ann@example.org')
        self.assertFalse(self.letters(complaints[2:]))
        self.assertEqual(action.informed_complaint_ids, complaints[:2])
        self.assertFalse(action._inform_complainants())
        self.assertEqual(action.to_inform_count, 0)
        with self.assertRefused("Nobody is left"):
            action.action_inform_complainants()

    def test_only_when_carried_out(self):
        finding = self.make_finding(complaint_ids=[(6, 0, self.make_letter_complaint().ids)])
        action = self.make_action('do', finding_ids=[(6, 0, finding.ids)])
        with self.assertRefused("Nobody is left"):
            action.action_inform_complainants()
        self.add_statement(action)
        action.action_carry_out()
        self.judge(action, 'effective')
        self.assertTrue(action._inform_complainants(), "also once it is closed")

    def test_confidential_only_by_name(self):
        secret = self.make_confidential(partner_id=self.customer.id, user_id=self.confidential.id)
        finding = self.make_finding(self.confidential, complaint_ids=[(6, 0, secret.ids)])
        action = self.make_action('draft', self.confidential, finding_ids=[(6, 0, finding.ids)],
                                  user_id=self.confidential.id)
        action.action_plan()
        action.action_start()
        self.add_statement(action)
        action.action_carry_out()
        self.assertEqual(action.to_inform_count, 0)
        self.assertFalse(action._inform_complainants())
        self.assertEqual(action._inform_complainants(secret), secret)
        body = str(self.assertLetter(secret, "What came", self.customer).mail_message_id.body)
        self.assertNotIn("Heat the rooms", body)


@tagged('post_install', '-at_install')
class TestVerdict(LettersCase, HttpCase):

    def ask(self, **values):
        complaint = self.make_answered(**values)
        complaint.action_request_verdict()
        self.flush_tracking()
        return complaint

    def url(self, complaint, answer=None, token=None):
        path = f'/qualiopi/verdict/{complaint.id}/{token or complaint._verdict_token()}'
        return f'{path}?answer={answer}' if answer else path

    def csrf(self, page):
        return re.search(r'name="csrf_token" value="([^"]+)"', page.text).group(1)

    def answer(self, complaint, answer, comment='', **data):
        """Answer as a browser does, without JavaScript."""
        page = self.url_open(self.url(complaint, answer or None))
        return self.url_open(self.url(complaint), data={
            'csrf_token': self.csrf(page), 'answer': answer, 'comment': comment, **data,
        })

    def test_letter(self):
        complaint = self.ask()
        letter = self.letters(complaint)[-1]
        mail = self.mails(letter)
        self.assertEqual((mail.recipient_ids, mail.state), (self.customer, 'outgoing'))
        self.assertRegex(letter.subject, r"^Is it solved for you\? \(REG/")
        for answer in ('yes', 'partly', 'no'):
            self.assertIn(f'{self.url(complaint)}?answer={answer}', mail.body_html)
        self.assertTrue(complaint.verdict_requested_on)
        with self.assertRefused("asked today already"):
            complaint.action_request_verdict()

    def test_not_before_the_response(self):
        complaint = self.make_letter_complaint()
        with self.assertRefused("Answer .* first"):
            complaint.action_request_verdict()
        self.assertFalse(complaint.verdict_requested_on)
        no_address = self.make_complaint(response="Repaired")
        with self.assertRefused("no e-mail address"):
            no_address.action_request_verdict()

    def test_get_records_nothing(self):
        complaint = self.ask(name="Hidden subject")
        before = complaint.sudo().message_ids
        for answer in ('yes', 'partly', 'no', 'nonsense', None):
            page = self.url_open(self.url(complaint, answer))
            self.assertEqual(page.status_code, 200)
            chosen = re.findall(r'value="(\w+)"[^>]*checked', page.text)
            self.assertEqual(chosen, [answer] if answer in ('yes', 'partly', 'no') else [])
        self.env.invalidate_all()
        self.assertFalse(complaint.verdict)
        self.assertEqual(complaint.sudo().message_ids, before)
        self.assertIn(complaint.reference, page.text)
        for word in ("Hidden subject", "too cold", "Test Learner", "The heating was repaired", self.officer.name):
            self.assertNotIn(word, page.text)
        self.assertEqual(page.headers['Referrer-Policy'], 'no-referrer')
        self.assertIn('no-store', page.headers['Cache-Control'])

    def test_language_of_the_complainant(self):
        self.customer.lang = 'fr_FR'
        page = self.url_open(self.url(self.ask()))
        self.assertRegex(page.text, r'<html[^>]* lang="fr-FR"')

    def test_post_records(self):
        complaint = self.ask()
        page = self.answer(complaint, 'partly', "  The second day was fine\r\nthe third was not ")
        self.assertEqual(page.status_code, 200)
        self.assertIn("alert-success", page.text)
        self.env.invalidate_all()
        self.assertEqual(complaint.verdict, 'partly')
        self.assertEqual(complaint.verdict_comment, "The second day was fine\nthe third was not")
        self.assertEqual(complaint.verdict_date, fields.Date.today())
        told = complaint.sudo().message_ids.filtered(lambda m: self.officer.partner_id in m.notified_partner_ids)
        self.assertIn("the third was not", str(told.body))
        self.answer(complaint, 'yes')
        self.env.invalidate_all()
        self.assertEqual((complaint.verdict, complaint.verdict_comment), ('yes', False))
        count = len(complaint.sudo().message_ids)
        self.answer(complaint, 'yes')
        self.env.invalidate_all()
        self.assertEqual(len(complaint.sudo().message_ids), count, "the same answer again is no news")

    def test_no_reopens(self):
        complaint = self.make_answered(cause_ids=[(6, 0, self.cause.ids)], ack_message="Received")
        complaint.action_close()
        complaint.action_request_verdict()
        self.answer(complaint, 'no', "Still cold")
        self.env.invalidate_all()
        self.assertEqual((complaint.verdict, complaint.state), ('no', 'answered'))
        self.assertTrue(complaint.reopen_reason)
        self.assertEqual(complaint.closed_on, False)

    def test_without_csrf_or_answer(self):
        complaint = self.ask()
        with mute_logger('odoo.http'):
            refused = self.url_open(self.url(complaint), data={'answer': 'yes'})
        self.assertEqual(refused.status_code, 400)
        for answer in ('', 'no_answer', 'nonsense'):
            page = self.answer(complaint, answer, "My words")
            self.assertIn('alert-danger', page.text)
            self.assertIn("My words", page.text, "nothing typed is lost")
        long = self.answer(complaint, 'yes', "x" * 2001)
        self.assertIn('alert-danger', long.text)
        self.assertIn("x" * 2001, long.text)
        self.env.invalidate_all()
        self.assertFalse(complaint.verdict)
        fits = self.answer(complaint, 'yes', "é\r\n" * 1000 + "\0<b>")
        self.assertIn('alert-danger', fits.text)
        self.assertIn("&lt;b&gt;", fits.text)
        self.answer(complaint, 'yes', "é\r\n" * 900 + "\0")
        self.env.invalidate_all()
        self.assertEqual(complaint.verdict, 'yes')

    def test_nothing_to_see(self):
        complaint, other = self.ask(), self.ask()
        silent = self.make_answered()
        cancelled = self.ask()
        cancelled.with_user(self.manager).action_cancel("Recorded twice")
        self.flush_tracking()
        token = complaint._verdict_token()
        pages = {
            'guessed': f'/qualiopi/verdict/{complaint.id}/{"0" * 64}',
            'not ascii': f'/qualiopi/verdict/{complaint.id}/é',
            'other record': self.url(other, token=token),
            'never asked': self.url(silent),
            'cancelled': self.url(cancelled),
            'missing': f'/qualiopi/verdict/999999999/{token}',
            'too large': f'/qualiopi/verdict/99999999999999/{token}',
            'zero': f'/qualiopi/verdict/0/{token}',
        }
        csrf = self.csrf(self.url_open(self.url(complaint)))
        shown = set()
        for login in (None, 'qualiopi_portal'):
            self.authenticate(login, login)
            for case, url in pages.items():
                with self.subTest(case=case, login=login):
                    page = self.url_open(url)
                    self.assertEqual(page.status_code, 404)
                    self.assertNotIn('REG/', page.text)
                    shown.add((login, re.sub(r'csrf_token: "[^"]+"|data-\S+|/qualiopi\S*', '', page.text)))
                    csrf = re.search(r'csrf_token: "([^"]+)"', page.text).group(1)
                    posted = self.url_open(url, data={'csrf_token': csrf, 'answer': 'yes'})
                    self.assertEqual(posted.status_code, 404)
        self.env.invalidate_all()
        self.assertFalse(any((complaint + other + silent + cancelled).mapped('verdict')))
        self.assertEqual(len(shown), 2, "wrong, missing and forbidden look the same")

    def test_link_dies_with_the_address(self):
        complaint = self.ask()
        url = self.url(complaint)
        complaint.email_from = 'somebody.else@example.com'
        self.flush_tracking()
        self.assertEqual(self.url_open(url).status_code, 404)

    def test_expired(self):
        complaint = self.ask()
        token = complaint._verdict_token()
        csrf = self.csrf(self.url_open(self.url(complaint)))
        complaint.sudo()._as_server().verdict_requested_on -= timedelta(days=91)
        self.flush_tracking()
        page = self.url_open(self.url(complaint, 'yes'))
        self.assertEqual(page.status_code, 200)
        self.assertIn("no longer valid", page.text)
        self.assertNotIn("<form", page.text.split('id="wrap"')[1].split('</main>')[0])
        self.url_open(self.url(complaint, token=token), data={'csrf_token': csrf, 'answer': 'yes'})
        self.env.invalidate_all()
        self.assertFalse(complaint.verdict)

    def test_settled_after_two_weeks(self):
        complaint = self.ask()
        csrf = self.csrf(self.url_open(self.url(complaint)))
        self.answer(complaint, 'partly')
        self.env.invalidate_all()
        complaint.sudo()._as_server().write({
            'verdict_requested_on': complaint.verdict_requested_on - timedelta(days=20),
        })
        complaint.sudo().write({'verdict_date': complaint.verdict_date - timedelta(days=15)})
        self.flush_tracking()
        page = self.url_open(self.url(complaint, 'yes'))
        self.assertIn("can no longer be changed", page.text)
        self.url_open(self.url(complaint), data={'csrf_token': csrf, 'answer': 'yes'})
        self.env.invalidate_all()
        self.assertEqual(complaint.verdict, 'partly')
        # Asked again after more was done, the complainant answers anew.
        complaint.action_request_verdict()
        self.answer(complaint, 'yes')
        self.env.invalidate_all()
        self.assertEqual(complaint.verdict, 'yes')

    def test_confidential(self):
        secret = self.make_confidential(
            name="Gestures", partner_id=self.customer.id, response="Heard", user_id=self.confidential.id)
        secret.action_send_response()
        secret.action_request_verdict()
        self.flush_tracking()
        page = self.url_open(self.url(secret))
        self.assertEqual(page.status_code, 200)
        for word in ("Gestures", "Heard", "Test confidential", "Test Learner"):
            self.assertNotIn(word, page.text)
        self.answer(secret, 'no', "It goes on")
        self.env.invalidate_all()
        self.assertEqual(secret.verdict, 'no')
        told = secret.sudo().message_ids.filtered(lambda m: "It goes on" in str(m.body))
        self.assertEqual(told.notified_partner_ids, self.confidential.partner_id)
