from datetime import date

from freezegun import freeze_time

from odoo import Command
from odoo.exceptions import ValidationError
from odoo.tests import tagged

from .common import TODAY
from .test_answers import AnswerCase

# The action begins on 1 September and is carried out on 30 September 2026.
BEFORE, AFTER = '2026-08-20 10:00:00', '2026-10-20 10:00:00'


@tagged('post_install', '-at_install')
@freeze_time(TODAY)
class TestMetrics(AnswerCase):

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.other_course = cls.env['qualiopi.course'].create({'name': "Other course"})
        cls.category = cls.env['qualiopi.category'].create({'name': "Rooms"})

    def measured(self, phase='check', **values):
        """An action with a metric, begun on 1 September and carried out on 30 September."""
        values = {
            'metric_scope': 'company', 'metric_days_before': 30, 'metric_days_after': 30, 'metric_min_n': 3, **values,
        }
        with freeze_time('2026-09-01 10:00:00'):
            action = self.make_action('do', date_due='2026-09-30', **values)
        with freeze_time('2026-09-30 10:00:00'):
            self.add_statement(action)
            if phase == 'check':
                action.action_carry_out()
        return action

    def asked_on(self, day, contents, learners=None, course=None, **values):
        with freeze_time(day):
            event = self._make_event(
                self.company, course_id=(course or self.course).id, trainer_ids=[Command.set(self.trainer.ids)],
                **values.pop('session', {}))
            campaign = self.make_campaign(learners=learners or len(contents), event=event, **values)
            for content in contents:
                self.give(campaign, content=content)
            campaign.action_done()
        return campaign

    def complain_on(self, day, number=1, **values):
        with freeze_time(day):
            return [self.make_complaint(**values) for __ in range(number)]

    def figures(self, action):
        data = action._metric_data()
        return [(data[name]['value'], data[name]['n']) for name in ('before', 'after')], data['change']

    # === FIGURES, BY HAND === #

    def test_windows(self):
        action = self.measured(metric_kind='complaints')
        self.assertEqual(action._metric_windows(), (
            (date(2026, 8, 2), date(2026, 8, 31)), (date(2026, 10, 1), date(2026, 10, 30)),
        ))

    def test_satisfaction(self):
        # Before 50, 50, 75, 25: 50. After 100, 100, 75: 91.67. The other course counts in the whole centre alone.
        self.asked_on(BEFORE, (3, 3, 4, 2))
        self.asked_on(AFTER, (5, 5, 4))
        self.asked_on(AFTER, (1, 1, 1), course=self.other_course)
        self.asked_on('2026-06-01 10:00:00', (1,))
        action = self.measured(metric_kind='satisfaction', metric_scope='course', metric_course_id=self.course.id)
        values, change = self.figures(action)
        self.assertEqual(values[0], (50, 4))
        self.assertAlmostEqual(values[1][0], 275 / 3, 4)
        self.assertEqual(values[1][1], 3)
        self.assertAlmostEqual(change, 275 / 3 - 50, 4)
        check = self.pending_check(action)
        self.assertEqual(check.metric_before, "Before: 50.0 / 100 (n = 4, 08/02/2026 to 08/31/2026)")
        self.assertEqual(check.metric_after, "After: 91.7 / 100 (n = 3, 10/01/2026 to 10/30/2026)")
        self.assertEqual(check.metric_change, "Change: +41.7 points (better)")
        self.assertFalse(check.metric_warning)
        whole = self.measured(metric_kind='satisfaction')
        self.assertAlmostEqual(self.figures(whole)[0][1][0], 275 / 6, 4)

    def test_question_upside_down(self):
        with freeze_time(BEFORE):
            campaign = self.make_campaign(learners=3)
            for noise in (5, 4, 5):
                self.give(campaign, content=5, noise=noise)
        with freeze_time(AFTER):
            campaign = self.make_campaign(learners=3)
            for noise in (1, 2, 2):
                self.give(campaign, content=1, noise=noise)
        action = self.measured(metric_kind='question', metric_question_id=self.noise.id)
        values, change = self.figures(action)
        # 0, 25, 0 and 100, 75, 75
        self.assertAlmostEqual(values[0][0], 25 / 3, 3)
        self.assertAlmostEqual(values[1][0], 250 / 3, 3)
        self.assertAlmostEqual(change, 75, 3)

    def test_response_rate(self):
        self.asked_on(BEFORE, (5, 5), learners=8)
        self.asked_on(AFTER, (5, 5, 5), learners=4)
        values, change = self.figures(self.measured(metric_kind='response_rate'))
        self.assertEqual((values, change), ([(25, 8), (75, 4)], 50))

    def test_number_of_complaints(self):
        """Windows of different length compare, since both count in 30 days; fewer is better."""
        self.complain_on(BEFORE, 6, category_id=self.category.id)
        self.complain_on(BEFORE, 2)
        self.complain_on(AFTER, 1, category_id=self.category.id)
        self.complain_on(AFTER, 5, nature='difficulty', category_id=self.category.id)
        action = self.measured(
            metric_kind='complaints', metric_category_id=self.category.id, metric_days_before=60, metric_days_after=30)
        self.assertEqual(self.figures(action), ([(3, 6), (1, 1)], -2))
        check = self.pending_check(action)
        self.assertEqual(check.metric_change, "Change: −2.0 in 30 days (better)")
        self.assertFalse(check.metric_warning, "one complaint after is what was hoped for")

    def test_confidential_entries_are_never_counted(self):
        self.complain_on(BEFORE, 3)
        with freeze_time(AFTER):
            self.make_confidential()
        self.assertEqual(self.figures(self.measured(metric_kind='complaints'))[0], [(3, 3), (0, 0)])

    def test_response_delay_and_late_rate(self):
        # Thursday 20 August, answered on Monday 24 (2 working days) and Thursday 27 (5); the third is still owed, late.
        entries = self.complain_on(BEFORE, 3)
        for entry, day in zip(entries[:2], ('2026-08-24 10:00:00', '2026-08-27 10:00:00'), strict=True):
            with freeze_time(day):
                entry.write(self.closing_values())
        with freeze_time(AFTER):
            [entry] = [self.make_complaint()]
            entry.write(self.closing_values())
        delay = self.measured(metric_kind='response_delay')
        self.assertEqual(self.figures(delay), ([(3.5, 2), (0, 1)], -3.5))
        late = self.measured(metric_kind='late_rate')
        values, change = self.figures(late)
        self.assertAlmostEqual(values[0][0], 100 / 3, 4)
        self.assertEqual((values[0][1], values[1]), (3, (0, 1)))
        self.assertLess(change, 0)

    def test_dropout_rate(self):
        """Sessions that ended in the days before, over the learners who started: the rate of the sums."""
        Dropout = self.model_as('qualiopi.dropout', self.officer)
        for learners, lost in ((6, 2), (2, 0)):
            event = self._make_event(
                self.company, date_begin='2026-08-18 08:00:00', date_end='2026-08-21 16:00:00')
            registrations = [
                self._make_registration(event, name=f"L{n}", email=f'l{n}@example.com', state='open')
                for n in range(learners)
            ]
            for registration in registrations[:lost]:
                Dropout.create({'registration_id': registration.id, 'date': '2026-08-20'})
        action = self.measured(metric_kind='dropout_rate')
        self.assertEqual(self.figures(action)[0], [(25, 8), (None, 0)])

    def test_trainer_and_site(self):
        site = self.env['res.partner'].create({'name': "Rue du Port"})
        self.asked_on(BEFORE, (1, 1, 1), session={'address_id': site.id})
        self.asked_on(BEFORE, (5, 5, 5))
        on_site = self.measured(metric_kind='satisfaction', metric_scope='site', metric_site_id=site.id)
        self.assertEqual(self.figures(on_site)[0][0], (0, 3))
        of_trainer = self.measured(
            metric_kind='satisfaction', metric_scope='trainer', metric_trainer_id=self.trainer.id)
        self.assertEqual(self.figures(of_trainer)[0][0], (50, 6))

    def test_anonymous_results_stay_hidden(self):
        self.asked_on(BEFORE, (1, 1, 1, 1), learners=6, is_anonymous=True, threshold=5)
        for values in ({'metric_kind': 'satisfaction'},
                       {'metric_kind': 'question', 'metric_question_id': self.content.id}):
            self.assertEqual(self.figures(self.measured(**values))[0][0], (None, 0))

    # === WHAT A READER MUST KNOW === #

    def test_small_numbers_and_open_windows_are_said(self):
        self.asked_on(BEFORE, (3, 3))
        action = self.measured(metric_kind='satisfaction', metric_days_after=90)
        check = self.pending_check(action)
        self.assertIn("n is too small to say (0, wanted 3).", check.metric_warning)
        self.assertIn("The days after are not over before 12/29/2026.", check.metric_warning)
        self.assertEqual(check.metric_after, "After: no data (10/01/2026 to 11/20/2026)")
        self.assertFalse(check.metric_change)

    def test_worse_and_unchanged(self):
        self.asked_on(BEFORE, (5, 5, 5))
        campaign = self.asked_on(AFTER, (4, 4, 4))
        check = self.pending_check(self.measured(metric_kind='satisfaction'))
        self.assertEqual(check.metric_change, "Change: −25.0 points (worse)")
        self.user_env(campaign.sudo().answer_ids, self.officer).action_exclude("Wrong session")
        self.asked_on(AFTER, (5, 5, 5))
        self.env.invalidate_all()
        self.assertEqual(check.metric_change, "Change: 0.0 points (unchanged)")

    # === FROZEN === #

    def test_frozen_at_the_verdict(self):
        self.asked_on(BEFORE, (3, 3, 3))
        campaign = self.asked_on(AFTER, (4, 4, 4))
        action = self.measured(metric_kind='satisfaction')
        check = self.judge(action, 'effective')
        self.assertRecordValues(action, [{'value_before': 50, 'value_after': 75, 'has_value_after': True}])
        self.assertEqual(check.metric_change, "Change: +25.0 points (better)")
        self.user_env(campaign.sudo().answer_ids, self.officer).action_exclude("Wrong session")
        self.asked_on(AFTER, (1, 1, 1))
        self.env.invalidate_all()
        self.assertEqual(check.metric_change, "Change: +25.0 points (better)")
        self.assertEqual(check.metric_after, "After: 75.0 / 100 (n = 3, 10/01/2026 to 10/30/2026)")

    def test_not_effective_keeps_its_figures(self):
        self.asked_on(BEFORE, (3, 3, 3))
        self.asked_on(AFTER, (2, 2, 2))
        action = self.measured(metric_kind='satisfaction')
        check = self.judge(action, 'not', follow_up='reopen')
        self.assertEqual((action.phase, check.metric_change), ('plan', "Change: −25.0 points (worse)"))

    def test_a_value_typed_by_the_verifier_stays(self):
        self.asked_on(BEFORE, (3, 3, 3))
        self.asked_on(AFTER, (4, 4, 4))
        action = self.measured(metric_kind='satisfaction')
        check = self.judge(action, 'effective', has_value=True, value_measured=80)
        self.assertEqual((check.value_measured, check.metric_frozen['after']['value']), (80, 75))

    def test_figures_are_not_written_by_hand(self):
        action = self.measured(metric_kind='complaints')
        check = self.pending_check(action)
        with self.assertRefused("filled in by the program"):
            check.write({'metric_frozen': {'kind': 'complaints'}})
        with self.assertRefused("filled in by the program"):
            self.model_as(check._name, self.officer).create({
                'action_id': action.id, 'planned_on': '2027-01-10', 'metric_frozen': {'kind': 'complaints'}})

    # === RIGHTS === #

    def test_a_verifier_without_the_register_sees_the_totals(self):
        self.asked_on(BEFORE, (3, 3, 3))
        self.complain_on(BEFORE, 3)
        action = self.measured(metric_kind='satisfaction')
        check = self.pending_check(action, self.officer)
        check.verifier_id = self.declarant
        own = self.user_env(check, self.declarant)
        self.assertIn("n = 3", own.metric_before)
        self.judge(action, 'partly', self.declarant)
        self.assertTrue(own.metric_frozen)

    def test_other_company_is_not_counted(self):
        with freeze_time(BEFORE):
            self.make_complaint(self.other_officer, company_id=self.other_company.id)
        self.complain_on(BEFORE, 2)
        self.assertEqual(self.figures(self.measured(metric_kind='complaints'))[0][0], (2, 2))
        mine = self.model_as('qualiopi.improvement.action', self.officer).search([('metric_kind', '!=', False)])
        self.assertTrue(mine)
        self.assertFalse(
            self.model_as('qualiopi.improvement.action', self.other_officer).search([('id', 'in', mine.ids)]))

    def test_incomplete_metrics_are_refused(self):
        action = self.measured('do')
        for values in (
            {'metric_kind': 'question'}, {'metric_kind': 'satisfaction', 'metric_scope': 'trainer'},
            {'metric_kind': 'satisfaction', 'metric_days_after': 0}, {'metric_kind': 'complaints', 'metric_min_n': 0},
        ):
            with self.assertRaises(ValidationError, msg=values), self.cr.savepoint():
                action.write(values)

    # === PAPER === #

    def test_printed(self):
        """The action sheet, the plan and the traceability sheet print the figures of the verdict."""
        self.asked_on(BEFORE, (3, 3, 3))
        self.asked_on(AFTER, (4, 4))
        action = self.measured(metric_kind='satisfaction', metric='Satisfaction', unit='/ 100')
        self.judge(action, 'effective')
        for name, record in (
            ('action', action), ('plan', action), ('traceability', action.finding_ids),
        ):
            with self.subTest(name):
                html, __ = self.env['ir.actions.report'].with_user(self.officer)._render_qweb_html(
                    f'qualiopi.report_{name}', record.ids)
                text = ' '.join(html.decode().split())
                self.assertIn("+25.0 points (better)", text)
                self.assertIn("n is too small to say (2, wanted 3).", text)

    def test_queries_of_a_list_of_checks(self):
        self.asked_on(BEFORE, (3, 3, 3))
        actions = [self.measured(metric_kind='satisfaction') for __ in range(4)]
        checks = self.env['qualiopi.effectiveness.check'].union(*(self.judge(a, 'effective') for a in actions))

        def count(records):
            records = self.model_as(checks._name, self.officer).browse(records.ids)
            self.env.flush_all()
            self.env.invalidate_all()
            before = self.cr.sql_log_count
            records.mapped('metric_change')
            return self.cr.sql_log_count - before

        count(checks)
        self.assertLessEqual(count(checks), count(checks[:1]) + 1)
