import time

from odoo.tests import tagged

from ..models.mail_reader import MailReader
from .test_gateway import GatewayCase


@tagged('post_install', '-at_install')
class TestIntakeQueries(GatewayCase):
    """What a door costs, locked in: dev/bench intake compares it with Odoo's own floor."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.doors = cls.env['qualiopi.complaint'].with_user(cls.env.ref('base.public_user'))

    def _post(self):
        """What the controller does with a form that came back."""
        __, key = self.doors._read_form_token(self.company, self.doors._form_token(self.company, time.time() - 60))
        hits = self.doors.env['qualiopi.hit']
        self.assertFalse(self.doors._form_recorded(key))
        self.assertTrue(hits._count(hits._windows([
            ('form', '192.0.2.1', 20, 1), ('form-company', str(self.company.id), 500, 24),
        ])))
        self.doors._record_form(self.company.sudo(), {
            'nature': 'complaint', 'description': "The room was too cold", 'contact_name': "Ann Other",
            'email_from': 'ann@example.org', 'sender_lang': 'en_US',
        }, [], key)
        return self.doors._form_recorded(key)

    def _fill_caches(self, call):
        """As in a worker that runs: what changes twice a year is known, and nothing of the record before."""
        entry = call()
        self.flush_tracking()
        self.assertTrue(entry.reference and entry.response_deadline)
        self.complete_entries()
        self.assertEqual(
            {activity.qualiopi_step: activity.user_id for activity in entry.activity_ids},
            dict.fromkeys(('acknowledge', 'analyse', 'answer'), self.manager),
        )
        self.env.invalidate_all()

    def test_form(self):
        self._fill_caches(self._post)
        with self.assertQueryCount(14):
            self._post()

    def test_mail(self):
        messages = iter([self.raw(Message_ID=f'<{number}@example.com>') for number in range(2)])

        def deliver():
            number = self.env['mail.thread'].message_process(None, next(messages))
            return self.env['qualiopi.complaint'].browse(number)

        self._fill_caches(deliver)
        with self.assertQueryCount(44):
            deliver()

    def test_mail_of_other_applications(self):
        """What is not for the registers costs nothing."""
        self.env['mail.alias'].create({
            'alias_name': 'elsewhere', 'alias_domain_id': self.domain.id,
            'alias_model_id': self.env['ir.model']._get_id('event.event'),
        })
        self.env['qualiopi.incoming.mail']._own_addresses()
        reader = self.env['qualiopi.incoming.mail']
        mail = MailReader(self.raw(To='elsewhere@provider.example'))
        self.env.invalidate_all()
        with self.assertQueryCount(0):
            self.assertIsNone(reader._target_of(mail, None, None, None))

    def test_addresses_that_change(self):
        """An address of the registers is known from its first mail on, and forgotten with it."""
        def target(address):
            return self.env['qualiopi.incoming.mail']._target_of(MailReader(self.raw(To=address)), None, None, None)

        self.assertTrue(target(self.address))
        self.assertFalse(target('autre@provider.example'))
        self.assertEqual(self.company._qualiopi_published_address(), self.address)
        self.channel.alias_name = 'autre'
        self.assertFalse(target(self.address))
        self.assertTrue(target('autre@provider.example'))
        self.domain.name = 'renamed.example'
        self.assertFalse(target('autre@provider.example'))
        self.assertTrue(target('autre@renamed.example'))
        self.assertEqual(self.company._qualiopi_published_address(), 'autre@renamed.example')
        self.company._set_complaint_address(False)
        self.assertFalse(target('autre@renamed.example'))
        self.assertFalse(self.company._qualiopi_published_address())
