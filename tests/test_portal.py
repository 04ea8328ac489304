from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

from odoo import Command, fields
from odoo.exceptions import AccessError, UserError
from odoo.tests import freeze_time, tagged

from .common import QualiopiCase


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
        self.assertFalse(self.env['qualiopi.complaint'].browse(2 ** 31 - 1)._follow_open(token))
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
            for method in ('action_follow', 'action_revoke_link', 'action_renew_link', 'get_portal_url', '_get_share_url'):
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
        self.assertRecordValues(wizard, [{'url': False, 'is_revoked': True, 'expires_on': False}])
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
