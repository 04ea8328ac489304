import random
import threading
from datetime import timedelta
from functools import partial

from odoo import SUPERUSER_ID, Command, api, fields
from odoo.exceptions import UserError
from odoo.modules.registry import Registry
from odoo.service.model import call_kw, retrying
from odoo.tests import TransactionCase, tagged
from odoo.tools import mute_logger

_REGISTERS = (
    'qualiopi.effectiveness.check', 'qualiopi.improvement.action', 'qualiopi.finding', 'qualiopi.complaint',
)


@tagged('post_install', '-at_install')
class TestConcurrentClicks(TransactionCase):
    """Two users on one record, in real transactions (quality.md, D8); what they commit is taken away."""

    _clicks = 50
    _workers = 25
    _seed = 20261121

    def setUp(self):
        super().setUp()
        # The thread of the tests holds this lock, without which no other thread opens an environment.
        self.patch(Registry, '_lock', threading.RLock())
        self.last = {model: self._rows(f'SELECT COALESCE(MAX(id), 0) FROM {self.env[model]._table}')[0][0]
                     for model in (*_REGISTERS, 'qualiopi.number', 'mail.mail', 'mail.message', 'mail.activity',
                                   'qualiopi.evidence', 'res.users', 'res.partner')}
        self.addCleanup(self._clean)
        with self.registry.cursor() as cr:
            env = api.Environment(cr, SUPERUSER_ID, {})
            self.company_id = env['res.company'].search([], order='id desc', limit=1).id
            self.user_ids = env['res.users'].with_context(no_reset_password=True).create([{
                'name': name, 'login': f'concurrent_{name}', 'email': f'{name}@example.com', 'lang': 'en_US',
                'company_id': self.company_id, 'company_ids': [Command.set([self.company_id])],
                'group_ids': [Command.set([env.ref('qualiopi.group_officer').id])],
                'notification_type': 'inbox',
            } for name in ('one', 'two')]).ids

    def _rows(self, query, *params):
        with self.registry.cursor() as cr:
            cr.execute(query, params)
            return cr.fetchall() if cr.description else None

    def _clean(self):
        # The registers refuse to be deleted from: what was committed goes by SQL.
        with self.registry.cursor() as cr:
            def delete(model, condition='id > %s', *params):
                table = self.env[model]._table
                cr.execute(f'DELETE FROM {table} WHERE {condition}', params or [self.last[model]])  # pylint: disable=sql-injection

            for model in _REGISTERS:
                for table in ('mail_message', 'mail_activity', 'mail_followers'):
                    column = 'res_model' if table != 'mail_message' else 'model'
                    cr.execute(f'DELETE FROM {table} WHERE {column} = %s AND res_id > %s', [model, self.last[model]])
            for model in ('mail.mail', 'qualiopi.evidence', *_REGISTERS, 'qualiopi.number'):
                delete(model)
            cr.execute("SELECT partner_id FROM res_users WHERE id > %s", [self.last['res.users']])
            partners = [row[0] for row in cr.fetchall()]
            api.Environment(cr, SUPERUSER_ID, {})['res.users'].browse(self.user_ids).unlink()
            delete('res.partner', 'id = ANY(%s)', partners)

    def _context(self):
        return {'allowed_company_ids': [self.company_id], 'lang': 'en_US'}

    def _make(self, make):
        """Commit what ``make`` creates as the first user, and return its ids."""
        with self.registry.cursor() as cr:
            return make(api.Environment(cr, self.user_ids[0], self._context())).ids

    def _click(self, calls):
        """Each of ``calls``, (model, method, args), as one user or the other, at once: as a web request
        does it, with Odoo's own retrying.

        :return: what was raised
        """
        calls = list(enumerate(calls))
        random.Random(self._seed).shuffle(calls)
        errors, lock = [], threading.Lock()
        start = threading.Barrier(self._workers)

        def work():
            start.wait()
            while True:
                with lock:
                    if not calls:
                        return
                    number, (model, method, args) = calls.pop()
                try:
                    with self.registry.cursor() as cr:
                        env = api.Environment(cr, self.user_ids[number % 2], self._context())
                        retrying(partial(call_kw, env[model], method, args, {}), env)
                except Exception as error:  # noqa: BLE001  whatever it is, the test reports it
                    with lock:
                        errors.append(error)

        threads = [threading.Thread(target=work) for __ in range(self._workers)]
        # What Odoo tries again it logs first.
        with mute_logger('odoo.sql_db'):
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
        return errors

    def _make_actions(self, env):
        return env['qualiopi.improvement.action'].create({
            'name': "Heat the rooms the day before", 'user_id': env.uid, 'no_finding_reason': "Asked by the board",
            'date_due': fields.Date.today() + timedelta(days=30), 'success_criterion': "No more complaint",
        })

    def _tracked(self, model, record_id, field):
        """Ids that the chatter says a many2one went through, as (old, new)."""
        return self._rows(
            """SELECT old_value_integer, new_value_integer
                 FROM mail_tracking_value v
                 JOIN mail_message m ON m.id = v.mail_message_id
                 JOIN ir_model_fields f ON f.id = v.field_id
                WHERE m.model = %s AND m.res_id = %s AND f.name = %s ORDER BY v.id""", model, record_id, field,
        )

    def test_one_transition(self):
        """50 clicks on "Plan": one transition, one line in the chatter, one check, one step."""
        ids = self._make(self._make_actions)
        model = 'qualiopi.improvement.action'
        errors = self._click([(model, 'action_plan', [ids])] * self._clicks)
        self.assertFalse(errors, self._seed)
        self.assertEqual(len(self._tracked(model, ids[0], 'stage_id')), 1)
        self.assertEqual(self._rows("SELECT phase FROM qualiopi_improvement_action WHERE id = %s", ids[0]), [('plan',)])
        self.assertEqual(self._rows(
            "SELECT count(*) FROM qualiopi_effectiveness_check WHERE action_id = %s", ids[0]), [(1,)])
        self.assertEqual(self._rows(
            "SELECT qualiopi_step FROM mail_activity WHERE active AND res_model = %s AND res_id = %s", model, ids[0],
        ), [('start',)])

    def test_moves(self):
        """50 moves of one card to and fro: each line in the chatter goes on where the one before ended."""
        ids = self._make(self._make_actions)
        model = 'qualiopi.improvement.action'
        stages = [self.env.ref(f'qualiopi.stage_{phase}').id for phase in ('plan', 'do')]
        first = self.env.ref('qualiopi.stage_draft').id
        errors = self._click([
            (model, 'write', [ids, {'stage_id': stages[number % 2]}]) for number in range(self._clicks)
        ])
        self.assertFalse(errors, self._seed)
        lines = self._tracked(model, ids[0], 'stage_id')
        self.assertEqual([old for old, __ in lines], [first, *(new for __, new in lines[:-1])])
        self.assertTrue(all(old != new for old, new in lines), lines)
        self.assertEqual(self._rows(
            "SELECT stage_id FROM qualiopi_improvement_action WHERE id = %s", ids[0]), [(lines[-1][1],)])
        self.assertEqual(self._rows(
            "SELECT count(*) FROM qualiopi_effectiveness_check WHERE action_id = %s", ids[0]), [(1,)])

    def test_close(self):
        """50 clicks on "Close" of one entry: closed once, with one line that says so."""
        ids = self._make(lambda env: env['qualiopi.complaint'].create({
            'description': "The room was too cold", 'nature': 'unforeseen', 'correction': "Another room",
            'correction_for': "The group", 'cause_ids': [Command.set(env.ref('qualiopi.cause_communication').ids)],
        }))
        errors = self._click([('qualiopi.complaint', 'action_close', [ids])] * self._clicks)
        # Who comes later is told so.
        self.assertEqual([type(error) for error in errors], [UserError] * (self._clicks - 1), (self._seed, errors))
        self.assertRegex(str(errors[0]), "is closed already")
        self.assertEqual(self._rows("SELECT state FROM qualiopi_complaint WHERE id = %s", ids[0]), [('closed',)])
        self.assertEqual(self._rows(
            "SELECT count(*) FROM mail_message WHERE model = 'qualiopi.complaint' AND res_id = %s AND body ILIKE %s",
            ids[0], '%Closed%'), [(1,)])
