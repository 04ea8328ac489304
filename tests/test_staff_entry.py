from datetime import timedelta

from odoo import Command, fields
from odoo.exceptions import ValidationError
from odoo.tests import Form, HttpCase, tagged

from .common import QualiopiCase


class StaffEntryCase(QualiopiCase):

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.phone = cls.env.ref('qualiopi.channel_phone')
        cls.letter = cls.env.ref('qualiopi.channel_letter')
        cls.env['res.lang']._activate_lang('en_US')
        cls.company.partner_id.lang = 'en_US'

    @classmethod
    def make_oral(cls, **values):
        return cls.make_complaint(**{
            'channel_id': cls.phone.id, 'email_from': 'caller@example.com', 'contact_name': "Test Caller", **values,
        })

    def entry_form(self, record, user=None):
        """The small screen, as the button of ``record`` opens it."""
        action = self.user_env(record, user or self.officer).action_new_complaint()
        self.assertEqual(action['target'], 'new')
        model = self.model_as('qualiopi.complaint', user or self.officer).with_context(**action['context'])
        return Form(model, view='qualiopi.qualiopi_complaint_view_form_entry')

    def letters(self, complaint):
        subtype = self.env.ref('qualiopi.mail_message_subtype_letter')
        return complaint.message_ids.filtered(lambda message: message.subtype_id == subtype)


@tagged('post_install', '-at_install')
class TestStaffEntry(StaffEntryCase):
    """Quick entry from the session, the learner and the contact."""

    def test_from_session(self):
        with self.entry_form(self.event) as form:
            form.description = "The screen stayed black"
        complaint = form.record
        self.assertEqual((complaint.event_id, complaint.course_id), (self.event, self.course))
        self.assertEqual(complaint.trainer_id, self.trainer)

    def test_from_learner(self):
        self.registration.learner_id = self.customer
        with self.entry_form(self.registration) as form:
            form.description = "The screen stayed black"
        self.assertRecordValues(form.record, [{
            'registration_id': self.registration.id, 'event_id': self.event.id, 'partner_id': self.customer.id,
            'email_from': 'learner@example.com', 'company_id': self.company.id,
            'stakeholder_id': self.env.ref('qualiopi.stakeholder_beneficiary').id,
        }])

    def test_from_learner_without_contact(self):
        registration = self._make_registration(self.event, name="Test Other", email='other@example.com', phone='0199')
        with self.entry_form(registration) as form:
            form.description = "The screen stayed black"
        self.assertRecordValues(form.record, [{
            'partner_id': False, 'contact_name': "Test Other", 'email_from': 'other@example.com', 'phone': '0199',
        }])

    def test_from_contact(self):
        employer = self.env['res.partner'].create({'name': "Test Employer", 'is_company': True})
        with self.entry_form(employer) as form:
            form.description = "No certificate"
        self.assertEqual(form.record.partner_id, employer)
        self.assertEqual(form.record.stakeholder_id, self.env.ref('qualiopi.stakeholder_company'))

    def test_declarant(self):
        """A trainer with a small account may record, too."""
        with self.entry_form(self.event, self.declarant) as form:
            form.description = "The screen stayed black"
        self.assertEqual(form.record.create_uid, self.declarant)

    def test_one_line_is_enough(self):
        with self.entry_form(self.event) as form:
            form.description = "The screen stayed black"
        self.assertEqual((form.record.nature, form.record.name), ('complaint', "The screen stayed black"))

    def test_nothing_typed_nothing_recorded(self):
        """Odoo saves a new form when its tab is closed: an empty entry would keep its number for ever."""
        before = self.env['qualiopi.complaint'].sudo().search_count([])
        for form in (self.entry_form(self.event), Form(self.model_as('qualiopi.complaint', self.officer))):
            with self.assertRaises(AssertionError):
                form.save()
        self.assertEqual(self.env['qualiopi.complaint'].sudo().search_count([]), before)

    # === WRITTEN CONFIRMATION === #

    def test_what_needs_it(self):
        """A complaint that was told; no difficulty, no letter, nothing of the former register."""
        self.assertEqual(self.make_oral().written_confirmation, 'pending')
        self.assertFalse(self.make_oral(nature='difficulty').written_confirmation)
        self.assertFalse(self.make_oral(channel_id=self.letter.id).written_confirmation)
        self.assertFalse(self.make_oral(is_imported=True, received_on='2024-01-01').written_confirmation)

    def test_step(self):
        """It stands among the owner's activities until it is asked for, and holds nothing back."""
        complaint = self.make_oral()
        steps = complaint.activity_ids.filtered(lambda activity: activity.qualiopi_step == 'confirm')
        self.assertEqual((len(steps), steps.user_id), (1, self.officer))
        complaint.action_send_confirmation()
        self.assertNotIn('confirm', complaint.activity_ids.mapped('qualiopi_step'))
        other = self.make_oral()
        other.write(self.closing_values())
        other.action_close()
        self.assertEqual((other.state, other.written_confirmation), ('closed', 'pending'))
        self.assertNotIn('confirm', other.activity_ids.mapped('qualiopi_step'))

    def test_letter(self):
        """The text as noted goes to its author in their language, with the link."""
        self.env['res.lang']._activate_lang('fr_FR')
        self.env['ir.module.module'].search([('name', '=', 'qualiopi')])._update_translations(['fr_FR'])
        self.company.partner_id.lang = 'fr_FR'
        complaint = self.make_oral(description="It was <b>cold</b> & dark")
        complaint.action_send_confirmation()
        letter = self.letters(complaint)
        self.assertEqual(len(letter), 1)
        self.assertIn("It was &lt;b&gt;cold&lt;/b&gt; &amp; dark", str(letter.body))
        self.assertIn(complaint._confirmation_url(), str(letter.body))
        self.assertIn("Voici ce que nous avons noté", str(letter.body))
        self.assertEqual(complaint.written_confirmation, 'sent')
        with self.assertRefused("today already"):
            complaint.action_send_confirmation()

    def test_refused(self):
        with self.assertRefused("came in writing"):
            self.make_oral(channel_id=self.letter.id).action_send_confirmation()
        with self.assertRefused("no e-mail address"):
            self.make_oral(email_from=False).action_send_confirmation()
        confidential = self.env['qualiopi.category'].search([('is_confidential', '=', True)], limit=1)
        told = self.make_complaint(
            self.confidential, category_id=confidential.id, channel_id=self.phone.id, email_from='caller@example.com',
        )
        with self.assertRefused("does not leave by mail"):
            told.action_send_confirmation()
        with self.assertDenied():
            self.user_env(self.make_oral(), self.declarant).action_send_confirmation()

    def test_paper(self):
        """On paper, with its paper."""
        complaint = self.make_oral()
        with self.assertRaises(ValidationError):
            complaint.confirmation_date = '2026-11-20'
        complaint.write({
            'confirmation_date': '2026-11-20',
            'evidence_ids': [Command.create({'type': 'statement', 'statement': "Signed sheet in the file"})],
        })
        self.assertEqual((complaint.written_confirmation, complaint.confirmation_means), ('confirmed', 'paper'))

    def test_impossible(self):
        complaint = self.make_oral()
        with self.assertRaises(ValidationError):
            complaint.confirmation_impossible_reason = "."
        complaint.confirmation_impossible_reason = "Does not wish to sign"
        self.assertEqual(complaint.written_confirmation, 'impossible')

    def test_program_fields(self):
        """Nobody writes the author's part."""
        complaint = self.make_oral()
        for name, value in (
            ('confirmation_sent_on', '2026-11-20 08:00:00'), ('confirmation_text', "Other"),
            ('confirmation_by_link', True), ('confirmation_correction', "Other"), ('written_confirmation', 'confirmed'),
        ):
            with self.assertRefused("filled in by the program"):
                complaint.write({name: value})


@tagged('post_install', '-at_install')
class TestConfirmationPage(StaffEntryCase, HttpCase):
    """The page where a complainant confirms what was noted."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.complaint = cls.make_oral(description="It was cold\nfor two days")
        cls.complaint.action_send_confirmation()
        cls.path = cls.complaint._confirmation_url().replace(cls.complaint.get_base_url(), '')

    def post(self, **data):
        self.authenticate(None, None)
        page = self.url_open(self.path)
        token = page.text.split('name="csrf_token" value="')[1].split('"')[0]
        return self.url_open(self.path, data={'csrf_token': token, **data})

    def test_opening_changes_nothing(self):
        page = self.url_open(self.path)
        self.assertEqual(page.status_code, 200)
        self.assertIn("for two days", page.text)
        self.assertEqual(page.headers['Referrer-Policy'], 'no-referrer')
        self.assertEqual(page.headers['Cache-Control'], 'no-store')
        self.assertEqual(self.complaint.written_confirmation, 'sent')

    def test_confirm(self):
        page = self.post(answer='yes')
        self.assertIn("your confirmation is recorded", page.text)
        self.complaint.invalidate_recordset()
        self.assertRecordValues(self.complaint, [{
            'written_confirmation': 'confirmed', 'confirmation_means': 'link', 'confirmation_correction': False,
            'description': "It was cold\nfor two days",
        }])
        self.assertTrue(self.complaint.confirmation_date)
        bodies = self.complaint.message_ids.mapped('body')
        self.assertTrue(any("confirms the text as noted" in str(body) for body in bodies))

    def test_correct(self):
        """A correction stands beside the text, its owner hears of it, and nothing is rewritten."""
        self.post(answer='correct', correction="It was <b>three</b> days")
        self.complaint.invalidate_recordset()
        self.assertEqual(self.complaint.confirmation_correction, "It was <b>three</b> days")
        self.assertEqual(self.complaint.description, "It was cold\nfor two days")
        message = self.complaint.message_ids.filtered(lambda found: "corrects or completes" in str(found.body))
        self.assertIn("It was &lt;b&gt;three&lt;/b&gt; days", str(message.body))
        self.assertIn(self.officer.partner_id, message.notified_partner_ids)
        page = self.url_open(self.path)
        self.assertIn("It was &lt;b&gt;three&lt;/b&gt; days", page.text)
        self.assertNotIn('<form', page.text.split('id="wrap"')[1])

    def test_answers_refused(self):
        self.assertIn("say whether it is right", self.post().text)
        self.assertIn("what is to be corrected", self.post(answer='correct', correction="  ").text)
        page = self.post(answer='correct', correction="x" * 5001)
        self.assertIn("too long", page.text)
        self.complaint.invalidate_recordset()
        self.assertEqual(self.complaint.written_confirmation, 'sent')

    def test_only_once(self):
        """A second answer, from a page left open, changes nothing."""
        page = self.url_open(self.path)
        token = page.text.split('name="csrf_token" value="')[1].split('"')[0]
        self.url_open(self.path, data={'csrf_token': token, 'answer': 'yes'})
        self.url_open(self.path, data={'csrf_token': token, 'answer': 'correct', 'correction': "Something else"})
        self.complaint.invalidate_recordset()
        self.assertFalse(self.complaint.confirmation_correction)

    def test_wrong_links(self):
        """Another token, another entry, another address: nothing is found."""
        other = self.make_oral()
        for path in (
            f'/qualiopi/confirm/{self.complaint.id}/0123abcd',
            f'/qualiopi/confirm/{other.id}/{self.path.split("/")[-1]}',
            '/qualiopi/confirm/999999999/abc', '/qualiopi/confirm/99999999999999/abc',
            # Never sent.
            other._confirmation_url().replace(other.get_base_url(), ''),
        ):
            self.assertEqual(self.url_open(path).status_code, 404, path)
        self.complaint.email_from = 'corrected@example.com'
        self.assertEqual(self.url_open(self.path).status_code, 404)

    def test_expired(self):
        self.complaint._as_server().confirmation_sent_on = fields.Datetime.now() - timedelta(days=91)
        self.assertIn("no longer valid", self.url_open(self.path).text)
