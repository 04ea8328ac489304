import time
from datetime import timedelta

from freezegun import freeze_time
from lxml import html

from odoo import Command
from odoo.exceptions import UserError
from odoo.tests import HttpCase, tagged

from .common import TODAY, QualiopiCase
from .test_form_upload import HTML, PDF, PNG

URL = '/qualiopi/complaint'


class FormCase(QualiopiCase, HttpCase):
    """The public form as a browser without JavaScript sees it."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        for code in ('en_US', 'fr_FR'):
            cls.env['res.lang']._activate_lang(code)
        cls.company.write({
            'email': 'quality@provider.example.com', 'phone': '+33 1 99 00 11 22',
            'qualiopi_mediator': "Mediation Example", 'qualiopi_form_daily_limit': 500,
        })
        cls.company.partner_id.lang = 'en_US'
        cls.complaints = cls.env['qualiopi.complaint'].sudo().with_context(active_test=False)
        cls.stakeholder = cls.env.ref('qualiopi.stakeholder_beneficiary')
        cls.url = f'{URL}/{cls.company._door_token()}'
        cls.session_url = f'{URL}/{cls.event._door_token()}'

    def get(self, url=None, **kwargs):
        return self.url_open(url or self.url, **kwargs)

    def page(self, answer):
        return html.fromstring(answer.content)

    def token(self, age=60, company=None):
        """A mark of a form that was opened ``age`` seconds ago."""
        return self.env['qualiopi.complaint']._form_token(company or self.company, time.time() - age)

    def values(self, **values):
        return {
            'form_token': values.pop('form_token', None) or self.token(), 'lang': 'en_US', 'nature': 'complaint',
            'description': "The room was too cold", 'remedy': "A warm room", 'when': "On Monday",
            'stakeholder': str(self.stakeholder.id), 'name': "Ann Other", 'email': 'ann@example.org', **values,
        }

    def post(self, url=None, files=None, redirects=True, **values):
        data = self.values(**values)
        self.env.flush_all()
        answer = self.opener.post(
            self.base_url() + (url or self.url), data=data, files=files, allow_redirects=redirects, timeout=30,
        )
        self.env.invalidate_all()
        return answer

    def new_entries(self, before):
        return self.complaints.search([('id', 'not in', before.ids)], order='id')

    def entries(self):
        return self.complaints.search([])

    def send(self, *args, **values):
        """Post and return the answer and the entries that came of it."""
        before = self.entries()
        answer = self.post(*args, **values)
        return answer, self.new_entries(before)

    def errors_of(self, answer):
        return [' '.join(node.text_content().split()) for node in self.page(answer).xpath('//*[@role="alert"]//li')]


@tagged('post_install', '-at_install')
class TestForm(FormCase):

    def test_page(self):
        answer = self.get()
        self.assertEqual(answer.status_code, 200)
        page = self.page(answer)
        text = page.text_content()
        for expected in (
            "Provider", "17", "119", "3919", "Défenseur des droits", "within 2 working days",
            "within 15 working days", "Mediation Example", "Your data", "CNIL", 'quality@provider.example.com',
        ):
            self.assertIn(expected, text)
        for control in page.xpath('//form//input[not(@type="hidden")] | //form//textarea | //form//select'):
            self.assertTrue(page.xpath('//label[@for=$id]', id=control.get('id')), control.get('name'))
        self.assertFalse(page.xpath('//script[contains(., "qualiopi")]'), "it needs no JavaScript")
        self.assertFalse(page.xpath('//input[@name="training"][@value!=""]'))
        self.assertNotIn(self.event.name, text, "sessions are not shown to the curious")

    def test_recorded(self):
        answer, entry = self.send(self.session_url)
        self.assertEqual(answer.status_code, 200)
        self.assertIn('/qualiopi/complaint/received/', answer.url)
        self.assertRecordValues(entry, [{
            'company_id': self.company.id, 'nature': 'complaint', 'description': "The room was too cold",
            'remedy_requested': "A warm room", 'told_when': "On Monday", 'text_origin': 'form',
            'channel_id': self.env.ref('qualiopi.channel_web_form').id, 'event_id': self.event.id,
            'stakeholder_id': self.stakeholder.id, 'contact_name': "Ann Other", 'email_from': 'ann@example.org',
            'partner_id': False, 'is_anonymous': False, 'state': 'received', 'sender_lang': 'en_US',
        }])
        page = self.page(answer).text_content()
        self.assertIn(entry.reference, page)
        self.assertIn("We answer you in writing by", page)
        self.assertNotIn("too cold", page)
        self.assertIn(entry._follow_url(), page)
        with self.assertRaises(UserError):
            entry.with_user(self.officer).sudo(False).description = "changed"

    def test_after_post_comes_get(self):
        answer = self.post(redirects=False)
        self.assertEqual(answer.status_code, 303)
        self.assertEqual(answer.headers['Location'].rsplit('/', 1)[0].removeprefix(self.base_url()), f'{URL}/received')

    def test_without_session_the_training_is_told(self):
        __, entry = self.send(training="First aid in May")
        self.assertEqual((entry.told_training, entry.event_id.id), ("First aid in May", False))

    def test_french(self):
        page = self.page(self.get(f'{self.url}?lang=fr_FR'))
        text = page.text_content()
        self.assertEqual(page.get('lang'), 'fr-FR')
        for expected in ("Que s'est-il passé", "jours ouvrés", "médiateur", "Envoyer", "Vos données"):
            self.assertIn(expected, text)
        for english in ("What happened", "optional", "Choose", "working days", "is enough for us"):
            self.assertNotIn(english, text)
        answer = self.post(lang='fr_FR', description='')
        self.assertIn("Votre message n'est pas encore parti", self.page(answer).text_content())
        confirmation, entry = self.send(lang='fr_FR')
        self.assertIn("Merci pour votre message", self.page(confirmation).text_content())
        self.assertEqual(entry._letter_lang(), 'fr_FR', "they are answered in the language that they chose")
        self.assertEqual(self.get(f'{self.url}?lang=xx').status_code, 200)

    def test_error_loses_nothing(self):
        typed = {
            'description': "<b>x</b>" * 4000, 'remedy': "Line one\nLine two", 'when': "“Monday”", 'name': "",
            'email': "not an address", 'phone': "01 99 00 00 00", 'training': "First aid", 'nature': "",
        }
        answer, entry = self.send(files=[('files', ('a.html', HTML))], **typed)
        self.assertEqual(answer.status_code, 422)
        self.assertFalse(entry)
        page = self.page(answer)
        for name in ('description', 'remedy'):
            self.assertEqual(page.xpath(f'//textarea[@name="{name}"]')[0].text, typed[name])
        for name in ('when', 'email', 'phone', 'training'):
            self.assertEqual(page.xpath(f'//input[@name="{name}"]')[0].get('value'), typed[name])
        self.assertTrue(page.xpath(f'//option[@value="{self.stakeholder.id}"][@selected]'))
        self.assertEqual(len(self.errors_of(answer)), 5, self.errors_of(answer))
        self.assertIn("choose them again", page.text_content())
        [summary] = page.xpath('//*[@role="alert"]')
        self.assertIsNotNone(summary.get('autofocus'), "it is read and seen first")
        self.assertEqual(
            summary.xpath('.//li/a/@href'), ['#nature', '#description', '#files', '#name', '#email'], "as on the page",
        )
        for link in summary.xpath('.//li/a'):
            target = page.get_element_by_id(link.get('href')[1:])
            described = (target.get('aria-describedby') or '').split()
            self.assertIn(f'{link.get("href")[1:]}_error', described)
            self.assertTrue(page.get_element_by_id(f'{link.get("href")[1:]}_error').text_content().strip())
        mark = page.xpath('//input[@name="form_token"]')[0].get('value')
        sent, entry = self.send(form_token=mark)
        self.assertIn(entry.reference, sent.text)

    def test_files(self):
        answer, entry = self.send(files=[('files', ('../../photo.jpg', PNG)), ('files', ('letter.pdf', PDF))])
        self.assertEqual(answer.status_code, 200)
        self.assertEqual(sorted(entry.evidence_ids.mapped('name')), ["letter.pdf", "photo.png"])
        self.assertEqual(entry.evidence_ids.sorted('name').mapped('size'), [len(PDF), len(PNG)])

    def test_anonymous(self):
        answer, entry = self.send(anonymous='1', phone='01 99 00 00 00')
        self.assertIn(entry.reference, answer.text)
        self.assertRecordValues(entry, [{
            'is_anonymous': True, 'contact_name': False, 'email_from': False, 'phone': False,
        }])
        self.company.qualiopi_form_anonymous = False
        answer, entry = self.send(anonymous='1', name='', email='')
        self.assertFalse(entry)
        self.assertEqual(len(self.errors_of(answer)), 2)

    def test_safeguarding(self):
        self.company.qualiopi_safeguarding_contacts = "Ms Example, 01 99 00 33 44"
        self.assertIn("Ms Example", self.get().text)
        answer, entry = self.send(nature='safeguarding', name='', email='', description="She was threatened")
        self.assertRecordValues(entry, [{
            'nature': 'safeguarding', 'is_confidential': True, 'is_anonymous': True, 'user_id': False,
            'name': "Safeguarding report", 'severity_id': self.critical.id,
        }])
        self.assertTrue(entry.reference.startswith('SIG/'))
        for user, sees in ((self.officer, 0), (self.confidential, 1)):
            self.assertEqual(self.model_as('qualiopi.complaint', user).search_count([('id', '=', entry.id)]), sees)
        page = self.page(answer).text_content()
        self.assertIn(entry.reference, page)
        self.assertIn("3919", page)
        for hidden in ("threatened", "We answer you in writing by", "Session of"):
            self.assertNotIn(hidden, page)

    def test_safeguarding_only_while_somebody_reads_it(self):
        self.env.ref('qualiopi.group_confidential').sudo().user_ids = [Command.clear()]
        page = self.page(self.get())
        self.assertFalse(page.xpath('//input[@value="safeguarding"]'))
        self.assertIn("3919", page.text_content())
        answer, entry = self.send(nature='safeguarding')
        self.assertFalse(entry)
        self.assertEqual(answer.status_code, 422)

    def test_switched_off(self):
        (self.company + self.other_company).qualiopi_form_enabled = False
        self.assertEqual(self.get().status_code, 404)
        self.assertEqual(self.get(self.session_url).status_code, 404)
        answer, entry = self.send()
        self.assertEqual((answer.status_code, bool(entry)), (404, False))

    def test_own_notice(self):
        self.company.qualiopi_privacy_notice = "Our own notice <b>here</b>"
        text = self.get().text
        self.assertIn("Our own notice &lt;b&gt;here&lt;/b&gt;", text)
        self.assertNotIn("CNIL", text)

    def test_address_for_complaints(self):
        self.env['mail.alias.domain'].create({'name': 'door.example', 'company_ids': [Command.set(self.company.ids)]})
        self.company._set_complaint_address('reclamation')
        [link, *__] = self.page(self.get()).xpath('//form/following::ul//a/@href')
        self.assertEqual(link, 'mailto:reclamation@door.example')

    def test_each_company_has_its_form(self):
        url = f'{URL}/{self.other_company._door_token()}'
        self.assertIn("Other provider", self.get(url).text)
        __, entry = self.send(url, form_token=self.token(company=self.other_company))
        self.assertEqual(entry.company_id, self.other_company)
        other = self._make_event(self.other_company)
        __, entry = self.send(f'{URL}/{other._door_token()}', form_token=self.token(company=self.other_company))
        self.assertRecordValues(entry, [{'company_id': self.other_company.id, 'event_id': other.id}])

    def test_logged_in(self):
        self.authenticate(self.portal.login, self.portal.login)
        page = self.page(self.get())
        self.assertEqual(page.xpath('//input[@name="name"]')[0].get('value'), self.portal.name)
        csrf = page.xpath('//input[@name="csrf_token"]')[0].get('value')
        __, entry = self.send(csrf_token=csrf, name="Test portal", email=self.portal.email)
        self.assertEqual(entry.partner_id, self.portal.partner_id)
        __, entry = self.send(csrf_token=csrf)
        self.assertFalse(entry.partner_id, "another address is somebody else's")

    def test_confirmation_lasts_an_hour(self):
        answer = self.post()
        self.assertEqual(self.url_open(answer.url).status_code, 200)
        with freeze_time(self.env.cr.now() + timedelta(hours=2)):
            self.assertEqual(self.url_open(answer.url).status_code, 404)

    def test_the_officer_links_the_sender(self):
        __, entry = self.send(email=self.customer.email.upper())
        entry = self.user_env(entry, self.officer)
        self.assertFalse(entry.partner_id)
        self.assertEqual(entry.sender_partner_id, self.customer)
        entry.action_link_sender()
        self.assertEqual((entry.partner_id, entry.contact_name), (self.customer, self.customer.name))
        self.assertIn("Ann Other", ' '.join(entry.message_ids.mapped('body')))
        self.env['res.partner'].create({'name': "Twin", 'email': self.customer.email})
        __, entry = self.send(email=self.customer.email)
        self.assertFalse(entry.sender_partner_id)
        with self.assertRefused("single contact"):
            entry.action_link_sender()

    def test_with_javascript(self):
        before = self.entries()
        # Here time goes on: nobody fills in the form in no time.
        with freeze_time(TODAY, tick=True):
            self._fill_in()
        entry = self.new_entries(before)
        self.assertEqual(entry.description, "Typed in a browser")

    def _fill_in(self):
        self.browser_js(f'{self.url}?lang=en_US', """
            const set = (name, value) => { document.querySelector(`[name=${name}]`).value = value; };
            const frame = document.createElement("iframe");
            frame.name = "result";
            document.body.append(frame);
            const form = document.querySelector("form[enctype]");
            form.target = "result";
            document.querySelector("#nature_complaint").click();
            set("description", "Typed in a browser"); set("name", "Ann"); set("email", "ann@example.org");
            setTimeout(() => form.querySelector("button[type=submit]").click(), 3500);
            const waiting = setInterval(() => {
                if (frame.contentDocument?.querySelector("#form_sent")) {
                    clearInterval(waiting);
                    console.log("test successful");
                }
            }, 200);
        """, timeout=60)
