from functools import partial

from odoo import Command
from odoo.tests import tagged

from .common import QualiopiCase

CONSTANT = 60


@tagged('post_install', '-at_install')
class TestPerformance(QualiopiCase):
    """Queries at two sizes: what counts is the growth."""

    def _queries(self, call):
        self.flush_tracking()
        self.env.invalidate_all()
        before = self.cr.sql_log_count
        call()
        self.flush_tracking()
        return self.cr.sql_log_count - before

    def assertGrowth(self, prepare, call, per_record, constant=CONSTANT, warm=True):
        """The queries of ``call(prepare(n))`` grow by at most ``per_record`` from 10 to 100 records."""
        counts = {}
        for size in ((10,) if warm else ()) + (10, 100):
            prepared = prepare(size)
            counts[size] = self._queries(lambda prepared=prepared: call(prepared))
        growth = (counts[100] - counts[10]) / 90
        self.assertLessEqual(growth, per_record, f"{growth:.2f} queries a record more, {counts}")
        self.assertLessEqual(counts[10], constant + 10 * per_record, counts)

    def _complaints(self, count, **values):
        return [
            {'name': f"Entry {n}", 'description': "Too cold", 'event_id': self.event.id, **values} for n in range(count)
        ]

    def _create(self, model, user=None):
        return self.model_as(model, user or self.officer).create

    def test_create_complaints(self):
        self.assertGrowth(lambda n: self._complaints(n, user_id=False), self._create('qualiopi.complaint'), 0.3)
        self.assertGrowth(self._complaints, self._create('qualiopi.complaint'), 1.3)

    def test_create_varied_complaints(self):
        """Severities, partners and learners of their own cost no query of their own either."""
        partners = self.env['res.partner'].create([
            {'name': f"Learner {n}", 'email': f'learner{n}@example.com'} for n in range(100)
        ])
        severities = self.minor | self.major | self.critical
        self.assertGrowth(
            lambda count: [
                {**values, 'user_id': False, 'partner_id': partners[n].id, 'severity_id': severities[n % 3].id,
                 'nature': ('complaint', 'difficulty')[n % 2]}
                for n, values in enumerate(self._complaints(count))
            ],
            self._create('qualiopi.complaint'), 0.3,
        )

    def test_create_findings(self):
        def values(count, **more):
            causes = [Command.link(self.cause.id)]
            return [{'description': f"Finding {n}", 'cause_ids': causes, **more} for n in range(count)]
        self.assertGrowth(lambda n: values(n, user_id=False), self._create('qualiopi.finding'), 0.3)
        self.assertGrowth(values, self._create('qualiopi.finding'), 1.3)

    def _actions(self, count, **values):
        return [self.action_values(name=f"Action {n}", finding_ids=[Command.set(self.shared.ids)], **values)
                for n in range(count)]

    def test_create_actions(self):
        self.shared = self.make_finding()
        self.assertGrowth(lambda n: self._actions(n, user_id=False), self._create('qualiopi.improvement.action'), 0.3)
        self.assertGrowth(self._actions, self._create('qualiopi.improvement.action'), 1.3)

    def test_move_cards(self):
        self.shared = self.make_finding()
        for phase in ('plan', 'do'):
            self.assertGrowth(
                lambda count, phase=phase: self._prepared_actions(count, 'draft' if phase == 'plan' else 'plan'),
                lambda actions, phase=phase: actions.write({'stage_id': self.stages[phase].id}), 2.4,
            )

    def _prepared_actions(self, count, phase):
        actions = self._create('qualiopi.improvement.action')(self._actions(count))
        if phase != 'draft':
            actions.action_plan()
        return actions

    def test_carry_out(self):
        self.shared = self.make_finding()

        def prepare(count):
            actions = self._prepared_actions(count, 'plan')
            self.env['qualiopi.evidence'].with_user(self.officer).create([
                {'type': 'statement', 'statement': "It was done", 'action_id': action.id} for action in actions
            ])
            return actions
        self.assertGrowth(prepare, lambda actions: actions.action_carry_out(), 2.4)

    def test_close_complaints(self):
        def prepare(count):
            return self._create('qualiopi.complaint')(self._complaints(count, **self.closing_values()))
        self.assertGrowth(prepare, lambda complaints: complaints.action_close(), 2.4)

    def test_close_findings(self):
        self.assertGrowth(
            lambda count: self._create('qualiopi.finding')([{'description': f"Finding {n}"} for n in range(count)]),
            lambda findings: findings.action_no_action("It cannot happen again"), 2.4,
        )

    def test_lists(self):
        """A list of 80 costs no more than one of 8."""
        self.shared = self.make_finding()
        self._create('qualiopi.complaint')(self._complaints(100))
        self._create('qualiopi.improvement.action')(self._actions(100))
        for model, names in (
            ('qualiopi.complaint', ['reference', 'name', 'state', 'is_late', 'complainant', 'finding_count',
                                    'action_count', 'next_step', 'display_name']),
            ('qualiopi.improvement.action', ['reference', 'name', 'due_state', 'delay_days', 'origin', 'check_count',
                                             'last_verdict', 'evidence_count', 'display_name']),
            ('qualiopi.finding', ['reference', 'name', 'state', 'action_count', 'action_done_count',
                                  'complaint_count']),
        ):
            records = self.model_as(model, self.officer)
            specification = {name: {} for name in names}
            counts = []
            for limit in (8, 8, 80):
                search = partial(records.web_search_read, [], specification, limit=limit)
                counts.append(self._queries(search))
            self.assertLessEqual(counts[2] - counts[1], 1, (model, counts))
            self.assertLessEqual(counts[2], 16, (model, counts))

    def test_smart_buttons(self):
        """One grouped query, whatever the number of partners."""
        partners = self.env['res.partner'].create([{'name': f"Learner {n}"} for n in range(80)])
        self._create('qualiopi.complaint')([
            {**values, 'partner_id': partners[n % 80].id} for n, values in enumerate(self._complaints(160))
        ])
        hers = partners.with_user(self.officer)
        counts = []
        for size in (8, 8, 80):
            counts.append(self._queries(lambda size=size: hers[:size].mapped('complaint_count')))
        self.assertEqual(hers.mapped('complaint_count'), [2] * 80)
        self.assertLessEqual(counts[2] - counts[1], 1, counts)
