import re
from base64 import b64decode, b64encode
from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

import lxml.html

from odoo import Command, fields
from odoo.exceptions import AccessError, UserError
from odoo.tests import HttpCase, freeze_time, tagged
from odoo.tools import mute_logger

from odoo.addons.qualiopi.models.qualiopi_complaint_verdict import HOURLY_VERDICTS

from .common import QualiopiCase

PNG = b64decode('iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==')

@tagged('post_install', '-at_install')
class TestPortalLink(QualiopiCase):
    """The private link: made once, ended, withdrawn, and read by nobody but through the methods."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.complaint = cls.make_complaint(partner_id=cls.customer.id)

    def _token(self, complaint=None):
        return parse_qs(urlsplit((complaint or self.complaint)._follow_url()).query)['access_token'][0]

    def test_link_opens_its_entry_alone(self):
        token = self._token()
        self.assertEqual(self._token(), token, "the link that was given out stays the same")
        self.assertGreaterEqual(len(token), 40)
        opened = self.complaint.with_user(self.public)._follow_open(token)
        self.assertEqual(opened, self.complaint)
        other = self.make_complaint()
        self.assertNotEqual(self._token(other), token)
        for wrong in (None, '', 5, False, token[:-1], token + 'x', 'é', self.complaint.reference):
            self.assertFalse(self.complaint.with_user(self.public)._follow_open(wrong), wrong)
        self.assertFalse(other.with_user(self.public)._follow_open(token))
        missing = self.env['qualiopi.complaint'].browse(2 ** 31 - 1)
        for known in (token, self._token(self.env['qualiopi.complaint'].sudo().search([], order='id', limit=1))):
            self.assertFalse(missing._follow_open(known), "whichever entry it is compared with")
        without_link = self.make_complaint()
        self.assertFalse(without_link._follow_open(''))
        self.assertFalse(without_link._follow_open('False'))

    def test_link_ends_and_is_prolonged_by_a_letter(self):
        token = self._token()
        self.assertEqual(self.complaint.link_expires_on, self.complaint.received_date + timedelta(days=365))
        with freeze_time('2027-12-01 10:00:00'):
            self.assertFalse(self.complaint._follow_open(token))
            self.assertEqual(self._token(), token)
            self.assertTrue(self.complaint._follow_open(token))
            self.assertEqual(self.complaint.link_expires_on, fields.Date.today() + timedelta(days=90))

    def test_withdrawn_link_is_dead_and_a_new_one_opens(self):
        token = self._token()
        self.complaint.action_revoke_link()
        self.assertFalse(self.complaint._follow_open(token))
        self.assertEqual(self.complaint._follow_url(), '')
        self.assertFalse(self.complaint._follow_open(''))
        self.complaint.action_renew_link()
        self.assertFalse(self.complaint._follow_open(token))
        self.assertTrue(self.complaint._follow_open(self._token()))

    def test_link_survives_closing(self):
        closed = self.make_closed_complaint(partner_id=self.customer.id)
        self.assertTrue(closed._follow_open(self._token(closed)))

    def test_former_register_has_no_link(self):
        former = self.make_complaint(self.manager, is_imported=True, state='closed')
        self.assertEqual(former._follow_url(), '')

    def test_token_is_read_by_nobody(self):
        self._token()
        for user in (self.officer, self.manager, self.confidential, self.auditor, self.env.ref('base.user_admin')):
            complaint = self.user_env(self.complaint, user)
            with self.assertDenied():
                complaint.read(['access_token'])
            with self.assertDenied():
                complaint.search([('access_token', '!=', False)])
            with self.assertDenied():
                complaint.write({'access_token': 'known'})
        with self.assertDenied():
            self.make_complaint(access_token='known')

    def test_who_hands_out_the_link(self):
        own = self.make_complaint(self.declarant, user_id=self.declarant.id)
        for user in (self.declarant, self.auditor):
            for method in (
                'action_follow', 'action_revoke_link', 'action_renew_link', 'get_portal_url', '_get_share_url',
            ):
                with self.assertRaises(AccessError, msg=method), self.muted():
                    getattr(self.user_env(own, user), method)()
        self.assertIn('access_token', self.user_env(own, self.officer).get_portal_url())
        with self.assertDenied():
            self.user_env(own, self.other_officer).get_portal_url()
        confidential = self.make_confidential()
        with self.assertDenied():
            self.user_env(confidential, self.officer).action_revoke_link()
        confidential.action_revoke_link()

    def test_window_of_the_link(self):
        action = self.complaint.action_follow()
        wizard = self.model_as('qualiopi.complaint.follow', self.officer).browse(action['res_id'])
        self.assertEqual(wizard.url, self.complaint._follow_url())
        wizard = wizard.browse(wizard.action_revoke()['res_id'])
        self.assertRecordValues(wizard, [{'url': '', 'is_revoked': True, 'expires_on': False}])
        wizard = wizard.browse(wizard.action_renew()['res_id'])
        self.assertTrue(wizard.url)
        with self.assertRefused("no portal account"):
            wizard.partner_ids = self.customer
        wizard.partner_ids = self.portal.partner_id
        wizard.action_share()
        self.assertEqual(self.complaint.shared_partner_ids, self.portal.partner_id)
        self.assertIn(self.portal.name, self.complaint.message_ids[0].body)

    def test_values_of_the_link_are_the_programs(self):
        for values in (
            {'link_expires_on': '2099-01-01'}, {'is_link_revoked': True},
            {'shared_partner_ids': [Command.link(self.portal.partner_id.id)]},
        ):
            with self.assertRefused("filled in by the program"):
                self.complaint.write(values)

    def test_confidential_is_shared_with_nobody(self):
        confidential = self.make_confidential()
        with self.assertRaises(UserError):
            confidential._share_with(self.portal.partner_id)
        self.complaint._share_with(self.portal.partner_id)
        self.complaint.with_user(self.confidential).sudo().write({'nature': 'safeguarding'})
        self.assertFalse(self.complaint.sudo().shared_partner_ids)


@tagged('post_install', '-at_install')
class TestPortalPages(HttpCase, QualiopiCase):
    """The pages, as portal user A, portal user B, the employer, another company and visitors see them."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.env['res.lang']._activate_lang('en_US')
        cls.env['ir.default'].set('res.partner', 'lang', 'en_US')
        cls.user_b = cls._make_user('portal_b', 'base.group_portal')
        cls.employer = cls.env['res.partner'].create({'name': "Employer", 'is_company': True})
        cls.contact = cls._make_user('portal_employer', 'base.group_portal')
        cls.contact.partner_id.parent_id = cls.employer
        cls.portal.partner_id.parent_id = cls.employer
        cls.foreign = cls._make_user('portal_foreign', 'base.group_portal', cls.other_company)
        cls.people = (cls.user_b, cls.contact, cls.foreign)
        for user in cls.people + (cls.portal,):
            user.password = user.login
        cls.complaint = cls.make_complaint(partner_id=cls.portal.partner_id.id, received_on=fields.Datetime.now())
        cls.complaint.write({
            'analysis': "SECRET-ANALYSIS", 'cause_ids': [Command.set(cls.cause.ids)], 'why_1': "SECRET-WHY",
            'correction': "SECRET-CORRECTION", 'decision_reason': "SECRET-REASON", 'name': "SECRET-TITLE",
        })
        cls.complaint.message_post(body="SECRET-NOTE", subtype_xmlid='mail.mt_note')
        cls.complaint.message_post(body="SECRET-TO-TRAINER", subtype_xmlid='mail.mt_comment',
                                   message_type='comment', partner_ids=cls.trainer.ids)
        cls.hidden_file = cls.env['ir.attachment'].create({
            'name': 'secret.txt', 'raw': b'SECRET-FILE', 'res_model': 'qualiopi.complaint', 'res_id': cls.complaint.id,
        })
        cls.hidden_evidence = cls.env['qualiopi.evidence'].create({
            'complaint_id': cls.complaint.id, 'file': b64encode(b'SECRET-EVIDENCE'), 'file_name': 'proof.txt',
        })
        cls.url = f'/my/complaints/{cls.complaint.id}'

    def _login(self, user):
        self.authenticate(user and user.login, user and user.login)

    def _form_token(self, page):
        return lxml.html.fromstring(page.content).xpath('//input[@name="csrf_token"]/@value')[0]

    def _post(self, url, data, page=None, files=None):
        token = self._form_token(page or self.url_open(self.url))
        return self.url_open(url, data={'csrf_token': token, **data}, files=files, allow_redirects=True)

    def _token(self, complaint=None):
        return parse_qs(urlsplit((complaint or self.complaint)._follow_url()).query)['access_token'][0]

    def assertShowsNothingInternal(self, page):
        self.assertNotIn('SECRET', page.text)
        self.assertNotIn(self._token(), page.text)

    # === WHO SEES WHAT === #

    def test_author_sees_the_entry_and_nothing_internal(self):
        self._login(self.portal)
        page = self.url_open(self.url)
        self.assertEqual(page.status_code, 200)
        self.assertIn("The room was too cold for two days", page.text)
        self.assertIn(self.complaint.reference, page.text)
        self.assertIn("Being examined", page.text)
        self.assertShowsNothingInternal(page)
        self.assertEqual(page.headers['Referrer-Policy'], 'no-referrer')
        self.assertEqual(page.headers['Cache-Control'], 'no-store')
        self.assertIn('noindex', page.headers['X-Robots-Tag'])

    def test_missing_and_forbidden_are_the_same(self):
        """B1, B7: nothing tells an entry that exists from one that does not."""
        token, other = self._token(), self._token(self.make_complaint())
        revoked = self.make_complaint()
        dead = self._token(revoked)
        revoked.action_revoke_link()
        expired = self.make_complaint(received_on='2024-01-05 10:00:00')
        old = self._token(expired)
        expired.sudo()._as_server().link_expires_on = '2025-01-05'
        missing, mine = 2 ** 31 - 1, self.complaint.id
        for user in (None, *self.people):
            self._login(user)
            answers = {}
            for name, path in {
                'missing': missing, 'huge': 10 ** 30, 'no token': mine,
                'reference': f'{mine}?access_token={self.complaint.reference}',
                'wrong token': f'{mine}?access_token=wrong', 'empty token': f'{mine}?access_token=',
                "another's token": f'{mine}?access_token={other}',
                'token on missing': f'{missing}?access_token={token}',
                'withdrawn': f'{revoked.id}?access_token={dead}', 'withdrawn, none': f'{revoked.id}?access_token=False',
                'expired': f'{expired.id}?access_token={old}', 'array': f'{mine}?access_token[]={token}',
                'file': f'{mine}/files/{self.hidden_file.id}',
            }.items():
                page = self.url_open(f'/my/complaints/{path}', allow_redirects=False)
                answers[name] = (page.status_code, self._comparable(page))
                self.assertNotIn("too cold", page.text)
            self.assertEqual({status for status, __ in answers.values()}, {404}, (user and user.login, answers))
            self.assertEqual(len({body for __, body in answers.values()}), 1, user and user.login)

    def _comparable(self, page):
        """A page without what changes with each request: its address and its form's token."""
        text = re.sub(r'csrf_token: "[^"]*"', '', page.text)
        return re.sub(r'/my/complaints/[^"\s<]*|%2Fmy%2Fcomplaints%2F[^"\s<]*', '', text)

    def test_list_shows_own_and_shared_entries(self):
        shared = self.make_complaint(description="Told by somebody else", partner_id=self.customer.id)
        shared._share_with(self.portal.partner_id)
        self.make_complaint(description="None of their business", partner_id=self.user_b.partner_id.id)
        self._login(self.portal)
        page = self.url_open('/my/complaints')
        self.assertIn("The room was too cold", page.text)
        self.assertIn("Told by somebody else", page.text)
        self.assertIn("Shared with you", page.text)
        self.assertNotIn("None of their business", page.text)
        self.assertShowsNothingInternal(page)
        self.assertNotIn("too cold", self.url_open('/my/complaints?filterby=ended').text)
        for forged in ('sortby=forged&filterby=forged', 'sortby[]=x', 'sortby=state', 'filterby=open&sortby=reference'):
            self.assertEqual(self.url_open(f'/my/complaints?{forged}').status_code, 200, forged)
        self.assertEqual(self.url_open('/my/complaints/page/99').status_code, 200)
        self._login(self.contact)
        self.assertNotIn("too cold", self.url_open('/my/complaints').text)
        self._login(None)
        self.assertIn('/web/login', self.url_open('/my/complaints').url)

    def test_merged_entry_is_not_given_up(self):
        """An entry that was joined to another is not called off: it goes on there."""
        twin = self.make_complaint(description="Once more: cold", partner_id=self.portal.partner_id.id)
        twin.with_user(self.officer)._merge_into(self.complaint)
        self._login(self.portal)
        for url in ('/my/complaints', f'/my/complaints/{twin.id}'):
            page = self.url_open(url)
            self.assertNotIn("Not pursued", page.text)
        self.assertIn("Goes on with another file", self.url_open('/my/complaints').text)
        self.assertIn("goes on together with another one", page.text)

    def test_home_counts_them(self):
        for user, count in ((self.portal, 1), (self.contact, 0)):
            self._login(user)
            self.assertIn('/my/complaints', self.url_open('/my/home').text)
            answer = self.make_jsonrpc_request('/my/counters', {'counters': ['complaint_count']})
            self.assertEqual(answer['complaint_count'], count)

    def test_shared_entry_shows_no_private_exchange(self):
        self.complaint._for_outside()._follow_write("For you alone", [('mine.txt', b'mine')], self.portal.partner_id)
        self.complaint._share_with(self.contact.partner_id)
        self._login(self.contact)
        page = self.url_open(self.url)
        self.assertIn("too cold", page.text)
        for private in ("For you alone", "mine.txt", "Is it solved for you"):
            self.assertNotIn(private, page.text)
        self.assertShowsNothingInternal(page)
        file = self.complaint.sudo()._follow_files(self.portal.partner_id)[0]
        self.assertEqual(self.url_open(f"{self.url}/files/{file['id']}").status_code, 404)
        self._post(f'{self.url}/message', {'message': "From the employer"})
        self.assertIn("From the employer", self.url_open(self.url).text)
        self._login(self.portal)
        self.assertNotIn("From the employer", self.url_open(self.url).text)
        self.complaint._share_with(self.env['res.partner'])
        self._login(self.contact)
        self.assertEqual(self.url_open(self.url).status_code, 404)

    def test_claimed_address_opens_nothing(self):
        """Somebody who gives their contact another's address does not see what the other one writes."""
        self.user_b.partner_id.email = 'victim@example.com'
        entry = self.env['qualiopi.complaint']._receive(self.company, {
            'nature': 'complaint', 'description': "The words of the victim", 'text_origin': 'mail',
            'email_from': '"Victim" <victim@example.com>', 'partner_id': self.user_b.partner_id.id,
        }, 'claimed')
        self._login(self.user_b)
        self.assertEqual(self.url_open(f'/my/complaints/{entry.id}').status_code, 404)
        self.user_b.login = 'victim@example.com'
        scope = self.env['ir.config_parameter'].sudo()
        scope.set_param('auth_signup.invitation_scope', 'b2b')
        self.assertTrue(entry._portal_open(self.user_b))
        scope.set_param('auth_signup.invitation_scope', 'b2c')
        self.assertFalse(entry._portal_open(self.user_b), "an account that was taken with any address")
        admin = self.env.ref('base.user_admin')
        admin.company_ids |= self.company
        invited = self.model_as('res.users', admin).create({
            'name': "Invited", 'login': 'invited@example.com', 'group_ids': self.portal.group_ids.ids,
            'company_id': self.company.id, 'company_ids': self.company.ids,
        })
        entry.sudo().write({'email_from': 'Invited@example.com', 'partner_id': invited.partner_id.id})
        self.assertTrue(entry._portal_open(invited))

    def test_confidential_entry_says_how_far_it_is(self):
        entry = self.env['qualiopi.complaint']._receive(self.company, {
            'nature': 'safeguarding', 'description': "SECRET-WORDS", 'text_origin': 'portal',
            'partner_id': self.portal.partner_id.id,
        }, 'confidential')
        self._login(self.portal)
        for path in ('/my/complaints', f'/my/complaints/{entry.id}'):
            page = self.url_open(path)
            self.assertIn(entry.reference, page.text)
            self.assertNotIn('SECRET', page.text)
        self.assertIn("confidential", page.text)
        private = {'description', 'response', 'messages', 'files', 'nature'}
        self.assertFalse(entry._follow_values().keys() & private)
        self._post(f'/my/complaints/{entry.id}/message', {'message': "SECRET-MORE"}, page)
        self.assertNotIn('SECRET', self.url_open(f'/my/complaints/{entry.id}').text)
        self.assertIn("SECRET-MORE", entry.message_ids[0].body)
        allowed = self.env.ref('qualiopi.group_confidential').all_user_ids.partner_id
        self.assertFalse(entry.message_ids[0].notified_partner_ids - allowed)
        staffs = self.make_confidential(partner_id=self.portal.partner_id.id)
        self.assertEqual(self.url_open(f'/my/complaints/{staffs.id}').status_code, 404)

    # === PRIVATE LINK === #

    def test_private_link_without_login(self):
        self._login(None)
        page = self.url_open(f'{self.url}?access_token={self._token()}')
        self.assertEqual(page.status_code, 200)
        self.assertNotIn('access_token', page.url)
        self.assertIn("too cold", page.text)
        self.assertShowsNothingInternal(page)
        page = self._post(f'{self.url}/message', {'message': "Written by <b>link</b> {{7*7}}"})
        self.assertIn("Written by &lt;b&gt;link&lt;/b&gt; {{7*7}}", page.text)
        message = self.complaint.message_ids[0]
        self.assertFalse(message.author_id)
        self.assertIn(self.portal.email, message.email_from)
        self.assertIn(self.officer.partner_id, message.notified_partner_ids)
        self.complaint.action_revoke_link()
        self.assertEqual(self.url_open(self.url).status_code, 404, "withdrawn while the page was open")

    def test_link_opens_one_entry(self):
        other = self.make_complaint(partner_id=self.portal.partner_id.id)
        self._login(None)
        self.url_open(f'{self.url}?access_token={self._token()}')
        self.assertEqual(self.url_open(f'/my/complaints/{other.id}').status_code, 404)

    # === WRITING === #

    def test_message_of_the_account_reaches_its_owner(self):
        self._login(self.portal)
        page = self._post(f'{self.url}/message', {'message': "It is still cold"})
        self.assertIn("It is still cold", page.text)
        message = self.complaint.message_ids[0]
        self.assertRecordValues(message, [{'author_id': self.portal.partner_id.id, 'message_type': 'comment'}])
        self.assertFalse(message.subtype_id.internal)
        self.assertEqual(message.notified_partner_ids, self.officer.partner_id)
        reminder = self.complaint.activity_ids.filtered(
            lambda a: a.activity_type_id == self.env.ref('qualiopi.activity_type_message'))
        self.assertEqual(reminder.user_id, self.officer)
        self._post(f'{self.url}/message', {'message': "Again"})
        self.assertEqual(len(self.complaint.activity_ids.filtered(
            lambda a: a.activity_type_id == self.env.ref('qualiopi.activity_type_message'))), 1)
        self.assertNotIn(self.portal.partner_id, self.complaint.message_partner_ids)

    def test_reply_of_the_team_is_shown(self):
        self.complaint.message_post(
            body="We look into it", subtype_xmlid='mail.mt_comment', message_type='comment',
            partner_ids=self.portal.partner_id.ids,
            attachments=[('offer.txt', b'An offer')],
        )
        self._login(self.portal)
        page = self.url_open(self.url)
        self.assertIn("We look into it", page.text)
        link = lxml.html.fromstring(page.content).xpath('//a[contains(@href, "/files/")]/@href')[0]
        file = self.url_open(link)
        self.assertEqual(file.content, b'An offer')

    def test_files_are_saved_and_never_shown(self):
        self._login(self.portal)
        page = self._post(f'{self.url}/message', {'message': ""}, files=[
            ('files', ('../../photo.png', PNG, 'text/html')),
            ('files', ('page.html', b'<html><script>alert(1)</script></html>', 'image/png')),
        ])
        self.assertIn('photo.png', page.text)
        self.assertIn("These files were not kept", page.text)
        self.assertIn('page.html', page.text)
        link = lxml.html.fromstring(page.content).xpath('//a[contains(@href, "/files/")]/@href')
        self.assertEqual(len(link), 1)
        file = self.url_open(link[0])
        self.assertEqual(file.content, PNG)
        self.assertTrue(file.headers['Content-Disposition'].startswith('attachment'))
        self.assertEqual(file.headers['X-Content-Type-Options'], 'nosniff')
        for user in (None, *self.people):
            self._login(user)
            self.assertEqual(self.url_open(link[0]).status_code, 404)

    def test_files_of_others_are_denied(self):
        """B3, B4: internal attachments, evidence of the team, and files of other records."""
        others = self.env['ir.attachment'].create({'name': 'other.txt', 'raw': b'other'})
        evidence = self.env['ir.attachment'].search([
            ('res_model', '=', 'qualiopi.evidence'), ('res_field', '=', 'file'),
            ('res_id', '=', self.hidden_evidence.id),
        ])
        self.assertTrue(evidence)
        self._login(self.portal)
        for number in (self.hidden_file.id, evidence.id, others.id, 2 ** 31 - 1, 10 ** 30):
            self.assertEqual(self.url_open(f'{self.url}/files/{number}').status_code, 404, number)
        # What a form says of attachments is not listened to.
        self._post(f'{self.url}/message', {'message': "Mine now", 'attachment_ids': str(others.id)})
        self.assertFalse(self.complaint.message_ids[0].attachment_ids)
        self.assertFalse(others.res_id)

    def test_closed_entry_notes_what_is_added(self):
        closed = self.make_closed_complaint(partner_id=self.portal.partner_id.id)
        url = f'/my/complaints/{closed.id}'
        self._login(self.portal)
        page = self.url_open(url)
        self.assertIn("This file is closed", page.text)
        page = self._post(f'{url}/message', {'message': "One more thing"}, page, files=[
            ('files', ('late.txt', b'late', 'text/plain')),
        ])
        self.assertIn("One more thing", page.text)
        self.assertIn("late.txt", page.text)
        self.assertEqual(closed.state, 'closed')
        self.assertTrue(closed.activity_ids.filtered(
            lambda a: a.activity_type_id == self.env.ref('qualiopi.activity_type_message')))

    def test_bad_messages_are_refused(self):
        self._login(self.portal)
        self.assertIn("Write a message", self._post(f'{self.url}/message', {'message': " \0 "}).text)
        self.assertIn("too long", self._post(f'{self.url}/message', {'message': "x" * 10001}).text)
        with self.muted_http():
            self.assertEqual(self.url_open(f'{self.url}/message', data={'message': "no token"}).status_code, 400)
        self.env['qualiopi.hit'].sudo().search([]).unlink()
        for __ in range(20):
            self.env['qualiopi.hit']._allow('portal', str(self.complaint.id), 20, 1)
        self.assertIn("a lot in a short time", self._post(f'{self.url}/message', {'message': "Once more"}).text)

    def muted_http(self):
        return mute_logger('odoo.http')

    def test_strangers_write_nothing(self):
        count = len(self.complaint.message_ids)
        for user in self.people:
            self._login(user)
            page = self.url_open('/my/complaints/new')
            for path in ('message', 'verdict'):
                answer = self._post(f'{self.url}/{path}', {'message': "x", 'answer': 'yes'}, page)
                self.assertEqual(answer.status_code, 404)
        self.assertEqual(len(self.complaint.message_ids), count)
        self.assertFalse(self.complaint.verdict)

    # === RESPONSE AND VERDICT === #

    def test_response_is_shown_once_it_has_left(self):
        self.complaint.write({'response': "DRAFT of the response", 'decision': 'founded'})
        self._login(self.portal)
        page = self.url_open(self.url)
        self.assertNotIn("DRAFT", page.text)
        self.assertNotIn("Founded", page.text)
        self.complaint.stakeholder_id = self.env['qualiopi.stakeholder'].search([('is_individual', '=', True)], limit=1)
        self.company.write({'qualiopi_mediator': "The mediator of tests"})
        self.complaint.action_send_response()
        page = self.url_open(self.url)
        self.assertIn("DRAFT", page.text)
        self.assertIn("Founded", page.text)
        self.assertIn("The mediator of tests", page.text)
        self.assertIn("Is it solved for you?", page.text)
        self.assertShowsNothingInternal(page)

    def test_response_given_another_way(self):
        """Whoever has judged a response has read it, whichever way it came."""
        self.complaint.write({'response': "Told on the telephone", 'decision': 'founded'})
        self._login(self.portal)
        self.assertNotIn("Told on the telephone", self.url_open(self.url).text)
        self.complaint.write({'verdict': 'partly', 'verdict_date': fields.Date.today()})
        page = self.url_open(self.url)
        self.assertIn("Told on the telephone", page.text)
        self.assertIn("Answered", page.text)

    def test_no_promise_of_a_day_that_is_over(self):
        late = self.make_complaint(partner_id=self.portal.partner_id.id, received_on='2026-01-05 09:00:00')
        self._login(self.portal)
        self.assertIn("We answer you by", self.url_open(self.url).text)
        page = self.url_open(f'/my/complaints/{late.id}')
        self.assertNotIn("We answer you by", page.text)
        self.assertIn("Our answer was due by", page.text)
        late.response = "Not sent from here"
        page = self.url_open(f'/my/complaints/{late.id}')
        self.assertNotIn("Our answer was due by", page.text)
        self.assertNotIn("We answer you by", page.text)

    def test_language_and_whom_to_call(self):
        self.portal.company_id.qualiopi_safeguarding_contacts = "Our contact 01 99"
        self._login(self.portal)
        for path in ('/my/complaints', '/my/complaints/new', self.url):
            self.assertEqual(lxml.html.fromstring(self.url_open(path).content).get('lang'), 'en-US', path)
        text = lxml.html.fromstring(self.url_open('/my/complaints/new').content).text_content()
        for expected in ("17", "119", "3919", "Our contact 01 99"):
            self.assertIn(expected, text)

    def test_verdict_on_the_page(self):
        closed = self.make_closed_complaint(partner_id=self.portal.partner_id.id)
        url = f'/my/complaints/{closed.id}'
        self._login(self.portal)
        page = self.url_open(url)
        self.assertIn("Please choose", self._post(f'{url}/verdict', {'answer': 'forged'}, page).text)
        self.assertFalse(closed.verdict)
        page = self._post(f'{url}/verdict', {'answer': 'no', 'comment': "Still cold"}, page)
        self.assertIn("your answer is recorded", page.text)
        self.assertRecordValues(closed, [{'verdict': 'no', 'verdict_comment': "Still cold", 'state': 'answered'}])

    def test_no_end_of_verdicts(self):
        """Each one is told to the owner, who is not to be flooded."""
        closed = self.make_closed_complaint(partner_id=self.portal.partner_id.id)
        url = f'/my/complaints/{closed.id}'
        self._login(self.portal)
        page = self.url_open(url)
        for number in range(HOURLY_VERDICTS + 1):
            answer = self._post(f'{url}/verdict', {'answer': 'no', 'comment': f"Number {number}"}, page)
        self.assertIn("a lot in a short time", answer.text)
        self.assertEqual(closed.verdict_comment, f"Number {HOURLY_VERDICTS - 1}")

    def test_letters_carry_the_link(self):
        complaint = self.make_complaint(email_from='someone@example.com')
        complaint.action_send_acknowledgement()
        mail = self.env['mail.mail'].sudo().search([('mail_message_id', 'in', complaint.message_ids.ids)], limit=1)
        self.assertIn(self._token(complaint), mail.body_html)
        self.assertNotIn('mail/view', mail.body_html)
        confidential = self.make_confidential(email_from='someone@example.com')
        confidential.action_send_acknowledgement()
        mail = self.env['mail.mail'].sudo().search([('mail_message_id', 'in', confidential.message_ids.ids)], limit=1)
        self.assertTrue(mail)
        self.assertNotIn('access_token', mail.body_html)

    # === NEW ENTRY === #

    def test_new_entry_from_the_portal(self):
        mine = self._make_registration(self.event, email=self.portal.login, partner_id=self.portal.partner_id.id)
        hidden = self._make_event(self.company, name="Session of others")
        self._make_registration(hidden, partner_id=self.customer.id)
        self._login(self.portal)
        page = self.url_open('/my/complaints/new')
        self.assertIn(self.event.name, page.text)
        self.assertNotIn("Session of others", page.text)
        key = lxml.html.fromstring(page.content).xpath('//input[@name="key"]/@value')[0]
        data = {
            'key': key, 'nature': 'complaint', 'session': str(mine.id), 'description': "The heating <script>",
            'remedy': "Heat", 'partner_id': str(self.customer.id), 'state': 'closed',
        }
        count = self.env['qualiopi.complaint'].search_count([])
        answer = self._post('/my/complaints/new', data, page, files=[('files', ('a.txt', b'words', 'text/plain'))])
        self.assertIn("recorded under the number", answer.text)
        self.assertIn("a.txt", answer.text)
        self.assertIn("The heating &lt;script&gt;", answer.text)
        entry = self.env['qualiopi.complaint'].search([], order='id desc', limit=1)
        self.assertRecordValues(entry, [{
            'partner_id': self.portal.partner_id.id, 'text_origin': 'portal', 'event_id': self.event.id,
            'channel_id': self.env.ref('qualiopi.channel_portal').id, 'company_id': self.company.id,
            'state': 'received', 'remedy_requested': "Heat",
        }])
        self._post('/my/complaints/new', data, page)
        self.assertEqual(self.env['qualiopi.complaint'].search_count([]), count + 1, "an impatient second click")
        data.update(key='other', session='999999', description="..")
        answer = self._post('/my/complaints/new', data, page)
        self.assertIn("Say in a few words", answer.text)
        data.update(description="Foreign session", nature='forged')
        self.assertIn("Choose what it is about", self._post('/my/complaints/new', data, page).text)
        data.update(nature='difficulty')
        self._post('/my/complaints/new', data, page)
        entry = self.env['qualiopi.complaint'].search([], order='id desc', limit=1)
        self.assertRecordValues(entry, [{'nature': 'difficulty', 'event_id': False, 'registration_id': False}])
