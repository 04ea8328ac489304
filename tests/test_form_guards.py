import importlib.util
import io
import re
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from unittest.mock import patch

import requests

from odoo import fields
from odoo.exceptions import AccessDenied
from odoo.http import request
from odoo.tests import tagged
from odoo.tools import SQL, config

from .common import QualiopiCase
from .test_form import URL, FormCase
from .test_form_upload import EXE, HTML, PDF, SVG

MARKUP = (
    "<script>alert(1)</script> <img src=x onerror=alert(1)> javascript:alert(1) {{7*7}} ${7*7} <t t-out=\"7*7\"/>"
    " 😀 \u202eevil\u202c"
)


@tagged('post_install', '-at_install')
class TestFormGuards(FormCase):
    """Floods, robots and attackers (quality.md, A1 to A10, G8, G9, G11)."""

    # === A1, A2, G11: FLOODS === #

    def test_a1_flood_from_one_address(self):
        self.company.qualiopi_form_hourly_limit = 3
        before = self.entries()
        statuses = [self.post(redirects=False, email=f'a{number}@example.org').status_code for number in range(8)]
        self.assertEqual(statuses, [303] * 3 + [429] * 5)
        self.assertEqual(len(self.new_entries(before)), 3)
        refused = self.post(description="Kept for an hour")
        self.assertEqual(self.page(refused).xpath('//textarea[@name="description"]')[0].text, "Kept for an hour")
        self.assertEqual(self.get().status_code, 200, "the page itself stays open")

    def test_a1_limits_are_free_again_after_an_hour(self):
        self.company.qualiopi_form_hourly_limit = 1
        self.post()
        self.assertEqual(self.post().status_code, 429)
        self.env['qualiopi.hit'].sudo().search([]).write({'moment': fields.Datetime.now() - timedelta(minutes=61)})
        self.assertEqual(self.post().status_code, 200)

    def test_a1_errors_do_not_count(self):
        self.company.qualiopi_form_hourly_limit = 1
        for __ in range(3):
            self.assertEqual(self.post(description='').status_code, 422)
        self.assertEqual(self.post().status_code, 200)

    def test_a2_header_counts_for_nothing_without_proxy(self):
        self.company.qualiopi_form_hourly_limit = 1
        statuses = []
        for number in range(3):
            self.opener.headers['X-Forwarded-For'] = f'198.51.100.{number}'
            self.opener.headers['X-Forwarded-Host'] = 'form.example.com'
            statuses.append(self.post(redirects=False).status_code)
        self.assertEqual(statuses, [303, 429, 429])

    def test_a2_daily_cap_holds_behind_a_proxy(self):
        self.company.write({'qualiopi_form_hourly_limit': 1, 'qualiopi_form_daily_limit': 3})
        statuses = []
        with patch.dict(config.options, {'proxy_mode': True}):
            for number in range(5):
                self.opener.headers['X-Forwarded-For'] = f'198.51.100.{number}'
                self.opener.headers['X-Forwarded-Host'] = '127.0.0.1'
                statuses.append(self.post(redirects=False).status_code)
        self.assertEqual(statuses, [303, 303, 303, 429, 429])

    def test_g11_hits_are_only_added(self):
        self.post()
        hits = self.env['qualiopi.hit'].sudo().search([('door', 'in', ('form', 'form-company'))])
        self.assertEqual(sorted(hits.mapped('door')), ['form', 'form-company'])
        self.post()
        self.assertEqual(len(self.env['qualiopi.hit'].sudo().search([('door', 'in', ('form', 'form-company'))])), 4)
        self.assertFalse([key for key in hits.mapped('key') if '127.0.0.1' in key])

    # === A3: MAIL TO OTHERS === #

    def test_a3_no_relay(self):
        self.company.qualiopi_auto_acknowledge = True
        before = self.env['mail.mail'].sudo().search([])
        __, entries = self.send(name="Buy now http://spam.example.com", description="CHEAP <b>pills</b>",
                                remedy="CHEAP", when="CHEAP", email='victim@example.net')
        for number in range(3):
            entries += self.send(description=f"CHEAP {number}", email='Victim@example.net', name="Buy now")[1]
        self.assertEqual(len(entries), 4)
        mails = self.env['mail.mail'].sudo().search([]) - before
        self.assertEqual(len(mails), 1)
        self.assertEqual(mails.email_to, 'victim@example.net')
        sent = f'{mails.subject} {mails.body_html} {mails.body} {mails.headers}'
        self.assertNotRegex(sent, r'(?i)cheap|pills|buy now|spam\.example')
        self.assertIn(entries[0].reference, sent)
        self.assertIn('auto-replied', mails.headers)

    def test_a3_one_letter_for_all_that_wait(self):
        self.company.qualiopi_auto_acknowledge = True
        __, first = self.send()
        __, second = self.send(description="Another thing")
        __, third = self.send(description="A third thing")
        __, secret = self.send(nature='safeguarding', description="A serious thing")
        (second + third + secret).flush_recordset()
        self.assertTrue(first.ack_sent_on)
        self.assertFalse((second + third + secret).filtered('ack_sent_on'))
        before = self.env['mail.mail'].sudo().search([])
        self.user_env(second, self.manager).action_send_acknowledgement()
        mail = self.env['mail.mail'].sudo().search([]) - before
        self.assertEqual(len(mail), 1)
        for named in (second, third):
            self.assertIn(named.reference, mail.body_html)
            self.assertTrue(named.ack_sent_on)
            self.assertEqual((named.state, named.ack_user_id), ('acknowledged', self.manager))
            self.assertIn(third.reference, named.ack_message)
        for other in (first, secret):
            self.assertNotIn(other.reference, mail.body_html)
        self.assertFalse(secret.ack_date)
        self.assertIn(second.reference, ' '.join(third.message_ids.mapped('body')))

    # === A4, A9: ROBOTS, DOUBLE CLICKS === #

    def test_a4_trap(self):
        answer, entry = self.send(confirm_url='http://spam.example.com')
        self.assertFalse(entry)
        self.assertEqual(answer.status_code, 200)
        text = self.page(answer).text_content()
        self.assertIn("Thank you for your message", text)
        self.assertIn('quality@provider.example.com', self.get().text)
        self.assertNotIn('REG/', text)

    def test_a4_marks(self):
        other = self.token(company=self.other_company)
        moment, nonce, signature = self.token().split('-')
        for mark in (
            '', 'x', '-', 'é-é', '1-2-3', other, self.token(age=25 * 3600), self.token(age=0),
            f'{moment}-{nonce}-{"0" * len(signature)}', f'{int(moment) + 1}-{nonce}-{signature}', '9' * 5000,
        ):
            with self.subTest(mark=mark[:80]):
                answer, entry = self.send(form_token=mark or ' ', description="Kept as typed")
                self.assertFalse(entry)
                self.assertEqual(answer.status_code, 422)
                page = self.page(answer)
                self.assertEqual(page.xpath('//textarea[@name="description"]')[0].text, "Kept as typed")
                self.assertTrue(page.xpath('//*[@role="alert"]'))

    def test_a4_a9_used_once(self):
        mark = self.token()
        first, entry = self.send(form_token=mark)
        again, none = self.send(form_token=mark)
        self.assertEqual(len(entry), 1)
        self.assertFalse(none)
        self.assertIn(entry.reference, first.text)
        self.assertIn(entry.reference, again.text)
        other, none = self.send(form_token=mark, description="Something else")
        self.assertFalse(none)
        self.assertIn("had been sent already", other.text)

    def test_a9_double_click(self):
        data, url = self.values(), self.base_url() + self.url
        before = self.entries()
        self.env.flush_all()
        self.cr.precommit.run()
        # The test's own sessions flush its cursor, which is not for several threads.
        sessions = [requests.Session() for __ in range(4)]
        for session in sessions:
            session.cookies.update(self.opener.cookies)
        with self.allow_requests(all_requests=True), ThreadPoolExecutor(4) as pool:
            answers = list(pool.map(lambda session: session.post(url, data=data, timeout=30), sessions))
        self.env.invalidate_all()
        entry = self.new_entries(before)
        self.assertEqual(len(entry), 1)
        self.assertEqual({answer.status_code for answer in answers}, {200})
        for answer in answers:
            self.assertIn(entry.reference, answer.text)

    def test_a9_csrf_of_people_with_an_account(self):
        self.authenticate(self.portal.login, self.portal.login)
        for csrf in ('', 'wrong'):
            answer, entry = self.send(csrf_token=csrf, description="Kept as typed")
            self.assertEqual(answer.status_code, 400)
            self.assertFalse(entry)
            page = self.page(answer)
            self.assertEqual(page.xpath('//textarea[@name="description"]')[0].text, "Kept as typed")
        csrf = page.xpath('//input[@name="csrf_token"]')[0].get('value')
        __, entry = self.send(csrf_token=csrf)
        self.assertTrue(entry)

    def test_session_lost(self):
        page = self.page(self.get())
        csrf = page.xpath('//input[@name="csrf_token"]')[0].get('value')
        self.opener.cookies.clear()
        __, entry = self.send(csrf_token=csrf)
        self.assertTrue(entry, "a visitor whose session has gone loses nothing")

    # === A5, G8, G9: FILES === #

    def test_a5_files(self):
        stored = [('res_field', 'in', (False, 'file'))]
        before = self.env['ir.attachment'].sudo().search_count(stored)
        six = [('files', (f'{number}.pdf', PDF)) for number in range(6)]
        for files in (
            six, [('files', ('a.exe', EXE))], [('files', ('a.html', HTML))], [('files', ('a.svg', SVG))],
            [('files', ('a.pdf.exe', PDF))], [('files', ('a.pdf', b'x' * (10 * 1024 ** 2 + 1)))],
            [('files', ('a.pdf', PDF)), ('files', ('a.pdf', EXE))], [('files', ('empty.pdf', b''))],
        ):
            with self.subTest(files=[name for __, (name, ___) in files]):
                answer, entry = self.send(files=files)
                self.assertFalse(entry)
                self.assertEqual(answer.status_code, 422)
                self.assertTrue(self.errors_of(answer))
        self.assertEqual(self.env['ir.attachment'].sudo().search_count(stored), before, "nothing is left behind")
        answer, entry = self.send(files=[('files', ('é' * 300 + '.pdf', PDF)), ('files', ('../../x.pdf', PDF))])
        self.assertEqual(len(entry.evidence_ids), 2)
        for piece in entry.evidence_ids:
            self.assertNotRegex(piece.file_name, r'[/\\]|\.\.')
            self.assertLessEqual(len(piece.file_name.encode()), 160)

    def test_g8_too_large_a_post(self):
        stored = self.env['ir.attachment'].sudo().search_count([])
        before = self.entries()
        answer = self.post(files=[('files', ('a.pdf', io.BytesIO(b'%PDF-' + b'x' * (53 * 1024 ** 2))))])
        self.assertEqual(answer.status_code, 413)
        self.assertIn("Go back one page", answer.text)
        self.assertIn("5 files of 10 MB", ' '.join(self.page(answer).text_content().split()))
        self.assertFalse(self.new_entries(before))
        self.assertEqual(self.env['ir.attachment'].sudo().search_count([]), stored)

    # === A6, A7: WHAT NOBODY ASKED FOR === #

    def test_a6_unexpected_fields(self):
        __, entry = self.send(
            company_id=str(self.other_company.id), user_id=str(self.officer.id), state='closed',
            event_id=str(self.event.id), partner_id=str(self.customer.id), access_token='x',
            create_uid=str(self.officer.id), reference='REG/2026/9999', severity_id=str(self.critical.id),
            category_id='1', closed_on='2026-01-01', intake_key='x', text_origin='staff',
            context='{"lang": "xx"}', token='x', ack_date='2026-01-01',
        )
        self.assertRecordValues(entry, [{
            'company_id': self.company.id, 'state': 'received', 'partner_id': False, 'event_id': False,
            'severity_id': self.minor.id, 'category_id': False, 'closed_on': False, 'text_origin': 'form',
            'ack_date': False, 'create_uid': self.env.ref('base.user_root').id,
        }])
        self.assertNotEqual(entry.reference, 'REG/2026/9999')

    def test_a6_stakeholder_of_the_list_alone(self):
        hidden = self.env['qualiopi.stakeholder'].create({'name': "Theirs", 'company_id': self.other_company.id})
        for value in (hidden.id, -1, 'x', 10 ** 20, '1; DROP TABLE', True):
            answer, entry = self.send(stakeholder=str(value))
            self.assertFalse(entry)
            self.assertEqual(answer.status_code, 422)
        self.assertNotIn("Theirs", self.get().text)

    def test_a7_garbage_links(self):
        archived = self._make_event(self.company, active=False)
        token = self.event._door_token()
        for wrong in (
            's', 's1', '-1', '0', str(10 ** 20), f's{10 ** 20}-x', token[:-1], token.replace('s', 'c', 1), '%00',
            '%F0%9F', 'é', '..%2f..%2fetc', 'a' * 3000, archived._door_token(), "s1'--", '{{7*7}}',
        ):
            with self.subTest(link=wrong[:40]):
                answer = self.get(f'{URL}/{wrong}')
                self.assertIn(answer.status_code, (200, 404))
                self.assertNotIn('Session of', answer.text)
                posted = self.post(f'{URL}/{wrong}', form_token=self.token(company=self.env.ref('base.main_company')))
                self.assertLess(posted.status_code, 500)
        for receipt in ('x', '-', '1-x-y', 'é-é-é', '9' * 3000, '%00-%00-%00'):
            self.assertEqual(self.get(f'{URL}/received/{receipt}').status_code, 404)

    def test_a7_wrong_kinds_of_values(self):
        before = self.entries()
        for data in (
            {'description': '\0' * 100}, {'nature': 'x' * 100}, {'nature': 'unforeseen'},
            {'email': 'a@b\nBcc: c@d.example'},
            {'email': 'a@example.org, b@example.org'}, {'email': '"X" <a@example.org>'}, {'lang': '\0'},
            {'phone': '1' * 500}, {'name': 'x' * 101},
        ):
            with self.subTest(data=list(data)):
                answer = self.post(redirects=False, **data)
                self.assertEqual(answer.status_code, 303 if 'lang' in data else 422)
        answer = self.opener.post(self.base_url() + self.url, files=[
            (name, ('a.txt', b'a file where a text belongs')) for name in self.values()
        ], timeout=30)
        self.assertEqual(answer.status_code, 422)
        self.assertEqual(len(self.new_entries(before)), 1)

    # === A8: HOSTILE TEXT === #

    def test_a8_hostile_text(self):
        __, entry = self.send(description=f"{MARKUP}\0\x07 end", name=MARKUP[:90], remedy=MARKUP, when=MARKUP[:150])
        self.assertIn("<script>alert(1)</script>", entry.description)
        self.assertIn("{{7*7}} ${7*7}", entry.description)
        self.assertIn("😀", entry.description)
        self.assertNotRegex(entry.description + entry.contact_name, '[\0\x07\u202e]')
        page = self.post(description=MARKUP, name='', remedy=MARKUP)
        for harmful in ('<script>alert(1)', '<img src=x', '<t t-out', '>49<', ' 49 '):
            self.assertNotIn(harmful, page.text)
        self.assertIn('{{7*7}}', page.text)
        report = self.env['ir.actions.report'].with_user(self.officer)._render_qweb_html(
            'qualiopi.report_complaint', entry.ids)[0].decode()
        for harmful in ('<script>alert(1)', '<img src="x', '<img src=x', '{{49}}'):
            self.assertNotIn(harmful, report)

    def test_a8_a_megabyte_of_text(self):
        answer, entry = self.send(description="x" * 1024 ** 2)
        self.assertEqual(answer.status_code, 422)
        self.assertFalse(entry)
        self.assertIn("20000 characters", ' '.join(self.errors_of(answer)))
        answer, entry = self.send(description="é\n" * 10000)
        self.assertTrue(entry, "what the page lets type is taken")

    # === A10: WHO IS KNOWN === #

    def test_a10_known_and_unknown_addresses(self):
        for auto in (False, True):
            self.company.qualiopi_auto_acknowledge = auto
            self.post(email='first@example.org')
            answers, counts = [], []
            for email in (self.customer.email, 'nobody@example.org'):
                before, partners = self.entries(), self.env['res.partner'].sudo().search([])
                start = self.env.cr.sql_log_count
                answer = self.post(email=email, name="Somebody")
                counts.append(self.env.cr.sql_log_count - start)
                entry = self.new_entries(before)
                text = self.page(answer).text_content().replace(entry.reference, 'N')
                answers.append((answer.status_code, re.sub(r'http\S+', 'URL', text)))
                self.assertFalse(entry.partner_id)
                self.assertEqual(self.env['res.partner'].sudo().search([]), partners)
            self.assertEqual(*answers)
            self.assertLessEqual(abs(counts[0] - counts[1]), 4, counts)
        self.assertRecordValues(self.customer, [{'name': "Test Learner", 'phone': '+33 1 99 00 00 00'}])

    # === CAPTCHA === #

    def test_question_against_robots(self):
        self.company.qualiopi_form_captcha = True
        page = self.page(self.get())
        mark = page.xpath('//input[@name="form_token"]')[0].get('value')
        [label] = page.xpath('//label[@for="sum"]')
        numbers = [int(number) for number in re.findall(r'\d+', label.text_content())]
        for wrong in ('', '99', 'x'):
            answer, entry = self.send(sum=wrong, recaptcha_token_response='x')
            self.assertEqual(answer.status_code, 422)
            self.assertFalse(entry)
        real_time = time.time
        clock = 'odoo.addons.qualiopi.models.qualiopi_complaint_form.time.time'
        with patch(clock, lambda: real_time() + 10):
            __, entry = self.send(form_token=mark, sum=str(sum(numbers)))
        self.assertTrue(entry)

    def test_captcha_of_odoo(self):
        """Whom Odoo's captcha takes for a person need not answer the question; a robot with a token must."""
        self.company.qualiopi_form_captcha = True
        http = self.env.registry['ir.http']
        real = http.get_frontend_session_info
        asked = []

        def verify(model, action):
            asked.append(action)
            if request.params['recaptcha_token_response'] != 'person':
                raise AccessDenied

        self.patch(http, 'get_frontend_session_info', lambda self: {**real(self), 'recaptcha_public_key': 'x'})
        self.patch(http, '_verify_request_recaptcha_token', verify)
        answer, entry = self.send(sum='', recaptcha_token_response='robot')
        self.assertFalse(entry)
        self.assertEqual(answer.status_code, 422)
        __, entry = self.send(sum='', recaptcha_token_response='person')
        self.assertTrue(entry)
        self.assertEqual(asked, ['qualiopi_complaint'] * 2)

    # === NOBODY ELSE === #

    def test_visitors_read_nothing(self):
        __, entry = self.send()
        for user in (self.public, self.portal):
            complaints = self.env(user=user.id, context={}, su=False)['qualiopi.complaint']
            with self.assertDenied():
                complaints.browse(entry.id).read(['description'])
        other = self.model_as('qualiopi.complaint', self.other_officer)
        self.assertFalse(other.search([('id', '=', entry.id)]))


@tagged('post_install', '-at_install')
class TestFormMigration(QualiopiCase):
    """An update brings the acknowledgement up to date where nobody has edited it."""

    def migrate(self, **values):
        path = Path(__file__).parent.parent / 'migrations' / '19.0.1.1.0' / 'post-acknowledgement.py'
        spec = importlib.util.spec_from_file_location('qualiopi_migration', path)
        script = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(script)
        template = self.env.ref('qualiopi.mail_template_acknowledgement')
        self.env.flush_all()
        self.cr.execute(SQL(
            """UPDATE mail_template SET body_html = '{"en_US": "<p>Former</p>", "fr_FR": "<p>Ancien</p>"}',
                      write_uid = 1, write_date = create_date + %s WHERE id = %s""",
            values.get('edited_after', timedelta()), template.id,
        ))
        self.env.invalidate_all()
        script.migrate(self.cr, '19.0.1.0.0')
        self.env.invalidate_all()
        return template

    def test_untouched(self):
        self.env['res.lang']._activate_lang('fr_FR')
        template = self.migrate()
        self.assertIn('_letter_others', str(template.with_context(lang='en_US').body_html))
        french = str(template.with_context(lang='fr_FR').body_html)
        self.assertIn('_letter_others', french)
        self.assertIn("Vos autres messages", french)

    def test_edited(self):
        template = self.migrate(edited_after=timedelta(days=1))
        self.assertIn('Former', str(template.with_context(lang='en_US').body_html))
