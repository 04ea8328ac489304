import logging
import threading
from datetime import timedelta

from odoo import SUPERUSER_ID, api
from odoo.modules.registry import Registry
from odoo.tests import TransactionCase, freeze_time, tagged

from ..models import qualiopi_hit
from .common import QualiopiCase


@tagged('post_install', '-at_install')
class TestDoors(QualiopiCase):
    """What mail, form and portal share: recorded once, thanked once, held back in a flood."""

    def _receive(self, key='key', company=None, **values):
        return self.env['qualiopi.complaint'].with_user(self.public)._receive(company or self.company, {
            'nature': 'complaint', 'description': "The room was cold", 'text_origin': 'form',
            'email_from': 'stranger@example.com', **values,
        }, key)

    def test_same_message_is_recorded_once(self):
        first = self._receive()
        self.assertRecordValues(first, [{
            'company_id': self.company.id, 'text_origin': 'form', 'state': 'received',
            'create_uid': self.env.ref('base.user_root').id,
        }])
        self.assertFalse(self._receive())
        self.assertTrue(self._receive(key='another'))
        self.assertFalse(first.user_id)
        self.assertFalse(first.message_partner_ids & self.public.partner_id)

    def test_thanks_once_a_day_for_an_address(self):
        self.company.qualiopi_auto_acknowledge = True
        first, second = self._receive(), self._receive(key='second', email_from='"X" <STRANGER@example.com>')
        self.assertEqual((first + second)._thank(), first)
        self.assertFalse(second.ack_date)
        self.complete_entries()
        self.assertNotIn('acknowledge', first.activity_ids.mapped('qualiopi_step'))
        due = second.activity_ids.filtered(lambda activity: activity.qualiopi_step == 'acknowledge')
        self.assertEqual(due.user_id, self.manager)

    def test_no_thanks_unless_the_company_wants_it(self):
        self.assertFalse(self._receive()._thank())

    def test_limit_and_window(self):
        hits = self.env['qualiopi.hit'].with_user(self.public)
        self.assertEqual([hits._allow('form', '192.0.2.1', 2, 1) for __ in range(3)], [True, True, False])
        self.assertTrue(hits._allow('form', '192.0.2.2', 2, 1))
        self.assertTrue(hits._allow('other', '192.0.2.1', 2, 1))
        self.assertNotIn('192.0.2.1', ' '.join(self.env['qualiopi.hit'].sudo().search([]).mapped('key')))
        self.env['qualiopi.hit'].sudo().search([]).write({'moment': self.env.cr.now() - timedelta(hours=25)})
        self.assertTrue(hits._allow('form', '192.0.2.1', 2, 1))
        self.env['qualiopi.hit'].sudo()._gc_hits()
        self.assertEqual(self.env['qualiopi.hit'].sudo().search_count([]), 1)

    def test_limits_together(self):
        """What one limit refuses counts for none."""
        hits = self.env['qualiopi.hit'].with_user(self.public)
        limits = [('form', '192.0.2.9', 2, 1), ('form-company', 'x', 3, 24)]
        self.assertEqual([hits._count(hits._windows(limits)) for __ in range(3)], [True, True, False])
        others = [('form', '192.0.2.10', 2, 1), ('form-company', 'x', 3, 24)]
        self.assertEqual([hits._count(hits._windows(others)) for __ in range(2)], [True, False])
        with self.assertLogs('odoo.addons.qualiopi.models.qualiopi_hit', logging.INFO) as logged:
            qualiopi_hit._last_logged.clear()
            self.assertFalse(any(hits._allow('form', '192.0.2.9', 2, 1) for __ in range(50)))
        self.assertEqual(len(logged.output), 1, "a flood fills no log")

    def test_link_of_a_session(self):
        events = self.env['event.event'].with_user(self.public)
        token = self.event._door_token()
        self.assertEqual(events._from_door_token(token), self.event)
        other_kind = token.replace('s', 'c', 1)
        for wrong in (None, 5, '', 's', 's1', token[:-1], other_kind, f's{10 ** 30}-x', 's-1-x', 'é', 's²-a'):
            self.assertFalse(events._from_door_token(wrong), wrong)
        self.assertEqual(self.env['res.company']._from_door_token(self.company._door_token()), self.company)
        self.assertTrue(self.event._door_url().endswith(f'/qualiopi/complaint/{token}'))
        with freeze_time(self.event.date_end + timedelta(days=366)):
            self.assertFalse(events._from_door_token(token))


@tagged('post_install', '-at_install')
class TestLimitConcurrently(TransactionCase):
    """Real connections: what they commit is taken away at the end."""

    _workers = 8
    _door = 'parallel-test'

    def _clean(self):
        with self.registry.cursor() as cr:
            cr.execute("DELETE FROM qualiopi_hit WHERE door = %s", [self._door])

    def test_workers(self):
        """Eight workers at the same instant, and not one attempt beyond the limit (quality.md, A1)."""
        self.addCleanup(self._clean)
        # The thread of the tests holds this lock, without which no other thread opens an environment.
        self.patch(Registry, '_lock', threading.RLock())
        together, allowed, errors = threading.Barrier(self._workers), [], []

        def knock():
            try:
                for __ in range(5):
                    with self.registry.cursor() as cr:
                        hits = api.Environment(cr, SUPERUSER_ID, {})['qualiopi.hit']
                        windows = hits._windows([(self._door, '192.0.2.1', 12, 1)])
                        together.wait(30)
                        allowed.append(hits._count(windows))
            except Exception as error:  # noqa: BLE001  whatever it is, the test reports it
                errors.append(repr(error))

        threads = [threading.Thread(target=knock) for __ in range(self._workers)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertFalse(errors)
        self.assertEqual((allowed.count(True), len(allowed)), (12, 40))
