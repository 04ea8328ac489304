from unittest.mock import patch

from freezegun import freeze_time

from odoo import Command
from odoo.exceptions import UserError, ValidationError
from odoo.tests import tagged
from odoo.tools import mute_logger

from odoo.addons.base.models.ir_cron import IrCron

from .common import TODAY
from .test_answers import AnswerCase

_JOB = 'odoo.addons.qualiopi.models.qualiopi_signal_job'
_SUBJECT = 'odoo.addons.qualiopi.models.qualiopi_signal_subject'


@tagged('post_install', '-at_install')
@freeze_time(TODAY)
class TestSignals(AnswerCase):

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.category = cls.env.ref('qualiopi.category_organisation', raise_if_not_found=False) or cls.env[
            'qualiopi.category'].create({'name': "Rooms"})
        # One rule at a time: the others are switched off for this company.
        cls.rules = cls.env['qualiopi.signal.rule'].search([])
        cls.session_rule = cls.env.ref('qualiopi.signal_rule_session')
        cls.env['qualiopi.signal.rule'].search([]).mode = 'off'

    def use(self, name, mode='propose', **values):
        rule = self.env.ref(f'qualiopi.signal_rule_{name}')
        rule.write({'mode': mode, **values})
        return rule

    def run_job(self):
        with self.enter_registry_test_mode():
            self.env.ref('qualiopi.ir_cron_signals').method_direct_trigger()
        self.env.invalidate_all()

    def signals(self, user=None):
        return self.model_as('qualiopi.signal', user or self.officer).search(
            [('company_id', 'in', (self.company | self.other_company).ids)], order='id')

    def low_campaign(self, learners=4, contents=(3, 3, 4), **values):
        """50, 50 and 75: satisfaction 58.33."""
        campaign = self.make_campaign(learners=learners, **values)
        self.answers = [self.give(campaign, content=content) for content in contents]
        campaign.action_done()
        return campaign

    def complain(self, number=1, user=None, **values):
        values.setdefault('category_id', self.category.id)
        entries = self.env['qualiopi.complaint']
        for __ in range(number):
            entries |= self.make_complaint(user, **values)
        return entries

    # === CAMPAIGNS === #

    def test_satisfaction_below(self):
        self.use('session')
        campaign = self.low_campaign()
        self.run_job()
        signal = self.signals()
        self.assertRecordValues(signal, [{
            'state': 'proposed', 'n': 3, 'threshold': 80, 'campaign_id': campaign.id, 'event_id': campaign.event_id.id,
            'course_id': self.course.id, 'trainer_id': self.trainer.id, 'finding_id': False,
        }])
        # (50 + 50 + 75) / 3
        self.assertAlmostEqual(signal.value, 58.3, 1)
        self.assertIn(
            "Satisfaction 58.3 / 100 (n = 3 answers of 4 persons asked), below the threshold of 80", signal.text)
        self.assertIn(campaign.reference, signal.text)
        todo = self.env['mail.activity'].search([('res_model', '=', 'qualiopi.signal'), ('res_id', '=', signal.id)])
        self.assertEqual((todo.user_id, todo.qualiopi_step), (self.manager, 'decide'))

    def test_twice_changes_nothing(self):
        self.use('session', 'create')
        self.use('response_rate', 'create', threshold=90)
        self.low_campaign()
        self.complain(3)
        self.use('category', 'create')
        self.run_job()
        before = self.signals()
        self.assertEqual(len(before), 3)
        findings = before.finding_id
        texts = findings.mapped('description')
        for day in ('2026-11-20 11:00:00', '2026-11-21 05:00:00', '2026-12-05 05:00:00'):
            with freeze_time(day):
                self.run_job()
        self.assertEqual(self.signals(), before)
        self.assertEqual(before.finding_id.mapped('description'), texts)

    def test_created_finding_says_where_it_comes_from(self):
        self.use('session', 'create', severity_id=self.major.id)
        campaign = self.low_campaign()
        self.run_job()
        finding = self.signals().finding_id
        self.assertRecordValues(finding, [{
            'state': 'new', 'kind': 'weak_point', 'family': 'appreciation', 'event_id': campaign.event_id.id,
            'course_id': self.course.id, 'severity_id': self.major.id, 'user_id': self.manager.id,
        }])
        self.assertIn("n = 3 answers", finding.description)
        self.assertIn(campaign.reference, finding.description)
        self.assertEqual(sorted(finding.indicator_ids.mapped('number')), [30, 32])

    def test_few_answers_say_nothing(self):
        self.use('session')
        self.low_campaign(contents=(1, 1))
        self.run_job()
        self.assertFalse(self.signals())

    def test_at_the_threshold_is_no_signal(self):
        self.use('session', threshold=75)
        self.low_campaign(contents=(4, 4, 4))
        self.run_job()
        self.assertFalse(self.signals())

    def test_running_campaigns_wait(self):
        self.use('session')
        campaign = self.make_campaign(learners=4)
        for __ in range(3):
            self.give(campaign, content=1)
        self.run_job()
        self.assertFalse(self.signals())

    def test_question(self):
        self.use('question')
        campaign = self.make_campaign(learners=4)
        # Content 100; noise is upside down: 4 counts 25, 5 counts 0.
        for noise in (4, 4, 5):
            self.give(campaign, content=5, noise=noise)
        campaign.action_done()
        self.run_job()
        signal = self.signals()
        self.assertEqual(signal.question_id, self.noise)
        self.assertAlmostEqual(signal.value, 16.7, 1)
        self.assertIn("“Was it too noisy?”: 16.7 / 100 (n = 3 answers)", signal.text)

    def test_response_rate(self):
        self.use('response_rate')
        self.low_campaign(learners=4, contents=(5,))
        self.run_job()
        self.assertRecordValues(self.signals(), [{'value': 25, 'n': 4, 'threshold': 50}])
        self.assertIn("Response rate 25.0 %: 1 answers of 4 persons asked", self.signals().text)

    def test_one_answer_below(self):
        self.use('answer')
        campaign = self.make_campaign(learners=4)
        bad = self.give(campaign, content=1)
        self.give(campaign, content=5)
        self.run_job()
        self.assertRecordValues(self.signals(), [{'answer_id': bad.id, 'value': 0}])

    def test_anonymous_below_its_threshold_gives_no_signal(self):
        for name in ('session', 'question', 'answer'):
            self.use(name)
        campaign = self.make_campaign(learners=8, is_anonymous=True, threshold=5)
        for __ in range(4):
            self.give(campaign, content=1)
        self.run_job()
        campaign.action_done()
        with freeze_time('2026-11-21 05:00:00'):
            self.run_job()
        self.assertFalse(self.signals())

    def test_open_finding_gets_the_next_case(self):
        self.use('session', 'create')
        self.low_campaign()
        self.run_job()
        finding = self.signals().finding_id
        second = self.low_campaign(contents=(1, 1, 1))
        with freeze_time('2026-11-21 05:00:00'):
            self.run_job()
        signals = self.signals()
        self.assertEqual(len(signals), 2)
        self.assertEqual(signals.finding_id, finding)
        self.assertIn(second.reference, finding.description)
        # Once that finding is closed, the next case makes another one.
        self.user_env(finding, self.officer).action_no_action("The hall was being rebuilt")
        self.low_campaign()
        with freeze_time('2026-11-22 05:00:00'):
            self.run_job()
        self.assertEqual(len(self.signals().finding_id), 2)

    # === D6, D7 === #

    def test_threshold_changed_afterwards(self):
        rule = self.use('session', 'create')
        self.low_campaign()
        self.run_job()
        finding = self.signals().finding_id
        text = finding.description
        rule.threshold = 40
        self.low_campaign()
        with freeze_time('2026-11-21 05:00:00'):
            self.run_job()
        self.assertRecordValues(self.signals(), [{'threshold': 80, 'state': 'accepted'}])
        self.assertRecordValues(finding, [{'state': 'new', 'description': text}])
        rule.threshold = 80
        with freeze_time('2026-11-22 05:00:00'):
            self.run_job()
        self.assertEqual(len(self.signals()), 2, "the next evaluation goes by the new threshold")

    def test_revised_score(self):
        """An answer set aside after the finding: one signal still, the new figure in the history (D6)."""
        self.use('session', 'create')
        self.use('answer', 'create')
        campaign = self.low_campaign(contents=(1, 4, 4, 4))
        self.run_job()
        by_kind = self.signals().grouped('kind')
        self.assertAlmostEqual(by_kind['session'].value, 56.25, 0)
        finding = by_kind['session'].finding_id
        self.assertEqual(by_kind['answer'].finding_id, finding)
        self.user_env(self.answers[0], self.officer).action_exclude("Answered for another session")
        # A year later all the same.
        with freeze_time('2027-11-21 05:00:00'):
            self.run_job()
        session, answer = by_kind['session'], by_kind['answer']
        self.assertEqual(len(self.signals()), 2)
        self.assertEqual((round(session.value, 1), session.latest_value), (56.3, 75))
        self.assertTrue(answer.is_void)
        notes = ' '.join(finding.message_ids.mapped('body'))
        self.assertIn("revised from 56.3 to 75.0", notes)
        self.assertIn("was set aside", notes)
        count = len(finding.message_ids)
        with freeze_time('2027-11-22 05:00:00'):
            campaign._as_server().write({'is_signal_stale': True})
            self.run_job()
        self.assertEqual(len(finding.message_ids), count, "said once")

    # === ENTRIES === #

    def test_three_complaints_of_a_category(self):
        self.use('category')
        entries = self.complain(2)
        self.run_job()
        self.assertFalse(self.signals())
        entries |= self.complain()
        self.run_job()
        signal = self.signals()
        self.assertRecordValues(signal, [{'state': 'proposed', 'n': 3, 'category_id': self.category.id}])
        self.assertEqual(signal.complaint_ids, entries)
        for entry in entries:
            self.assertIn(entry.reference, signal.text)

    def test_complaints_too_old_or_of_another_nature(self):
        self.use('category')
        self.complain(2)
        self.complain(received_on='2026-05-19 10:00:00')
        self.complain(nature='difficulty')
        self.run_job()
        self.assertFalse(self.signals())
        self.use('category', with_difficulties=True)
        self.run_job()
        self.assertEqual(self.signals().n, 3)

    def test_trainer_and_site(self):
        self.use('trainer')
        self.use('site')
        site = self.env['res.partner'].create({'name': "Rue du Port"})
        self.event.address_id = site
        self.complain(3, event_id=self.event.id, category_id=False)
        self.run_job()
        self.assertEqual(self.signals().grouped('kind')['complaints'].trainer_id, self.trainer)
        self.assertEqual(self.signals().site_id, site)
        self.assertIn("“Rue du Port”", ' '.join(self.signals().mapped('text')))

    def test_confidential_entries_never_count(self):
        self.use('category', count=2)
        self.complain()
        self.complain(2, self.confidential, nature='safeguarding')
        self.run_job()
        self.assertFalse(self.signals())
        self.assertFalse(self.env['qualiopi.signal'].search([('company_id', '=', self.company.id)]))

    def test_what_becomes_confidential_takes_the_signal_along(self):
        self.use('category')
        entries = self.complain(3)
        self.run_job()
        self.assertTrue(self.signals())
        self.user_env(entries[0], self.confidential).sudo().write({'nature': 'safeguarding'})
        self.assertFalse(self.signals())
        self.assertTrue(self.signals(self.confidential))

    def test_fourth_complaint_joins(self):
        self.use('category')
        entries = self.complain(3)
        self.run_job()
        signal = self.signals()
        signal.action_accept()
        finding = signal.finding_id
        fourth = self.complain()
        self.run_job()
        self.assertEqual(self.signals(), signal)
        self.assertEqual(finding.complaint_ids, entries | fourth)
        self.assertIn(fourth.reference, finding.description)
        # After the end of the finding, the entries counted so far do not count again.
        self.user_env(finding, self.officer).action_no_action("The rooms were given up")
        self.complain(2)
        self.run_job()
        self.assertEqual(self.signals(), signal)
        self.complain()
        self.run_job()
        self.assertEqual(len(self.signals()), 2)

    def test_open_finding_of_an_entry_gets_the_case(self):
        self.use('category', 'create')
        entries = self.complain(3)
        finding = self.make_finding(complaint_ids=[Command.set(entries[0].ids)])
        self.run_job()
        self.assertEqual(self.signals().finding_id, finding)
        self.assertEqual(finding.complaint_ids, entries)

    def test_closed_entries_count(self):
        self.use('category', 'create')
        for __ in range(3):
            self.make_closed_complaint(category_id=self.category.id)
        self.run_job()
        self.assertEqual(len(self.signals().finding_id.complaint_ids), 3)

    def test_late_responses(self):
        self.use('late', count=2)
        with freeze_time('2026-09-01 10:00:00'):
            entries = self.complain(2)
        self.complain()
        self.run_job()
        self.assertEqual(self.signals().complaint_ids, entries)
        self.assertIn("Late responses: 2 entries", self.signals().text)

    def test_dropouts(self):
        self.use('dropout_rate', 'create', min_n=4)
        event = self._make_event(
            self.company, course_id=self.course.id, trainer_ids=[Command.set(self.trainer.ids)])
        learners = [
            self._make_registration(event, name=f"Learner {number}", email=f'stop{number}@example.com', state='open')
            for number in range(8)
        ]
        Dropout = self.model_as('qualiopi.dropout', self.officer)
        first = Dropout.create({'registration_id': learners[0].id, 'date': '2026-11-17'})
        Dropout.create({'registration_id': learners[1].id, 'date': '2026-11-16', 'kind': 'no_show'})
        self.run_job()
        signal = self.signals()
        # One of the seven who started: the no-show counts apart.
        self.assertAlmostEqual(signal.value, 100 / 7, 0)
        self.assertRecordValues(signal, [{'n': 7, 'event_id': event.id, 'state': 'accepted'}])
        self.assertIn("Dropout rate 14.3 %: 1 of 7 learners who started, above the threshold of 10 %", signal.text)
        self.assertEqual(signal.finding_id.family, 'dropout')
        first.outcome = 'resumed'
        self.run_job()
        self.assertEqual((round(signal.value, 1), signal.latest_value), (14.3, 0))
        self.assertEqual(len(self.signals()), 1)

    # === EACH RULE, ON BOTH SIDES OF ITS THRESHOLD === #

    def held(self, name, **values):
        """The signals of one rule after its job, which looks again at what it looked at today."""
        self.use(name, **values)
        self.env['qualiopi.feedback.campaign'].search([('company_id', '=', self.company.id)])._as_server().write(
            {'signal_on': False})
        self.run_job()
        return self.signals().filtered(lambda signal: signal.rule_id == self.env.ref(f'qualiopi.signal_rule_{name}'))

    def test_question_on_both_sides(self):
        # Content 75, pace 60, noise (upside down) 75.
        campaign = self.make_campaign(learners=3)
        for __ in range(3):
            self.give(campaign, content=4, pace=6, noise=2)
        campaign.action_done()
        self.assertFalse(self.held('question', threshold=60))
        self.assertFalse(self.held('question', threshold=75, min_n=4))
        self.assertFalse(self.held('question', threshold=75, min_n=3, question_id=self.noise.id))
        signal = self.held('question', threshold=75, question_id=False)
        self.assertRecordValues(signal, [{'question_id': self.pace.id, 'value': 60, 'n': 3}])

    def test_answer_on_both_sides(self):
        campaign = self.make_campaign(learners=3)
        self.give(campaign, content=3)
        self.give(campaign, content=2)
        self.assertFalse(self.held('answer', threshold=25))
        self.assertEqual(self.held('answer', threshold=50).mapped('value'), [25])

    def test_response_rate_on_both_sides(self):
        half, less = self.make_campaign(learners=4), self.make_campaign(learners=4)
        few = self.make_campaign(learners=2)
        for campaign, count in ((half, 2), (less, 1), (few, 0)):
            for __ in range(count):
                self.give(campaign, content=5)
            campaign.action_done()
        self.assertFalse(self.held('response_rate', threshold=25))
        self.assertEqual(self.held('response_rate', threshold=50).campaign_id, less)
        self.assertFalse(self.held('response_rate', min_n=3).filtered(lambda signal: signal.campaign_id == few))

    def test_dropout_rate_on_both_sides(self):
        def session(learners, **values):
            event = self._make_event(self.company, course_id=self.course.id, **values)
            registrations = [
                self._make_registration(
                    event, name=f"D{number}", email=f'd{number}.{event.id}@example.com', state='open')
                for number in range(learners)]
            self.model_as('qualiopi.dropout', self.officer).create({
                'registration_id': registrations[0].id, 'date': '2026-11-17'})
            return event

        session(10)
        session(4)
        # One of ten is not more than 10 %; four are few.
        self.assertFalse(self.held('dropout_rate', threshold=10, min_n=5))
        nine = session(9)
        signal = self.held('dropout_rate')
        self.assertRecordValues(signal, [{'event_id': nine.id, 'n': 9}])

    def test_complaints_on_both_sides_of_the_period(self):
        """Six months before 20 November begin on 21 May."""
        for day, found in (('2026-05-20', False), ('2026-05-21', True)):
            category = self.env['qualiopi.category'].create({'name': f"Since {day}"})
            self.complain(2, category_id=category.id)
            self.complain(1, category_id=category.id, received_on=f'{day} 10:00:00')
            self.assertEqual(
                bool(self.held('category').filtered(lambda signal: signal.category_id == category)), found, day)  # noqa: B023

    def test_trainer_site_and_course_on_both_sides(self):
        site = self.env['res.partner'].create({'name': "Rue du Port"})
        self.event.address_id = site
        self.env['qualiopi.signal.rule'].create({
            'name': "Course", 'kind': 'complaints', 'grouping': 'course', 'company_id': self.company.id})
        self.complain(2, event_id=self.event.id, category_id=False)
        self.assertFalse(self.held('trainer') | self.held('site') | self.signals())
        self.complain(1, event_id=self.event.id, category_id=False)
        self.assertEqual(self.held('trainer').trainer_id, self.trainer)
        self.assertEqual(self.held('site').site_id, site)
        course = self.signals().filtered(lambda signal: signal.rule_id.name == "Course")
        self.assertRecordValues(course, [{'course_id': self.course.id, 'n': 3}])

    def test_late_on_both_sides(self):
        with freeze_time('2026-09-01 10:00:00'):
            late = self.complain(2)
            self.make_closed_complaint()
        self.assertFalse(self.held('late', count=3), "the third was answered at once")
        self.assertEqual(self.held('late', count=2).complaint_ids, late)

    # === DECISION === #

    def test_dismiss_needs_a_reason(self):
        self.use('session')
        self.low_campaign()
        self.run_job()
        signal = self.signals()
        self.assertEqual(signal.action_dismiss()['res_model'], 'qualiopi.signal.dismiss')
        with self.assertRefused("reason in words"):
            signal.action_dismiss(".")
        wizard = self.model_as('qualiopi.signal.dismiss', self.officer).create({
            'signal_ids': [Command.set(signal.ids)], 'reason': "A fire alarm that afternoon"})
        wizard.action_confirm()
        self.assertRecordValues(signal, [{
            'state': 'dismissed', 'dismiss_reason': "A fire alarm that afternoon", 'decided_by_id': self.officer.id,
        }])
        self.assertFalse(signal.activity_ids.filtered('qualiopi_step'))
        with freeze_time('2026-11-21 05:00:00'):
            self.run_job()
        self.assertEqual(self.signals(), signal, "what was dismissed does not come again")

    def test_accept(self):
        self.use('session')
        self.low_campaign()
        self.run_job()
        signal = self.signals()
        window = signal.action_accept()
        self.assertEqual(window['res_id'], signal.finding_id.id)
        self.assertEqual(signal.state, 'accepted')
        signal.action_accept()
        self.assertEqual(self.env['qualiopi.finding'].search_count([('signal_ids', 'in', signal.ids)]), 1)
        with self.assertRefused("already"):
            signal.action_dismiss("Too late for that")

    # === RIGHTS === #

    def test_rights(self):
        self.use('session')
        self.low_campaign()
        self.run_job()
        signal = self.signals()
        self.assertTrue(self.signals(self.auditor))
        with self.assertRaises(UserError):
            self.user_env(signal, self.auditor).action_accept()
        for user in (self.declarant, self.plain, self.portal, self.other_officer, self.confidential):
            with self.subTest(user.name):
                if user in (self.other_officer, self.confidential):
                    self.assertFalse(self.signals(user))
                with self.muted(), self.assertRaises(UserError):
                    self.user_env(signal, user).action_dismiss("For no good reason")
        for values in ({'state': 'dismissed'}, {'value': 100}, {'finding_id': False}):
            with self.assertDenied():
                signal.write(values)
        with self.assertDenied():
            signal.unlink()
        with self.assertDenied():
            self.user_env(self.session_rule, self.officer).threshold = 10

    def test_other_company(self):
        self.use('category')
        self.complain(2)
        self.complain(1, self.other_officer, company_id=self.other_company.id)
        self.run_job()
        self.assertFalse(self.signals())
        self.complain(2, self.other_officer, company_id=self.other_company.id)
        self.run_job()
        self.assertEqual(self.signals(self.other_officer).company_id, self.other_company)
        self.assertFalse(self.signals())

    def test_own_rule_goes_before_the_shared_one(self):
        self.use('session')
        self.env['qualiopi.signal.rule'].create({
            'name': "Ours", 'kind': 'session', 'threshold': 30, 'company_id': self.company.id})
        self.low_campaign()
        self.run_job()
        self.assertFalse(self.signals())

    def test_senseless_numbers(self):
        for values in ({'threshold': 0}, {'threshold': 120}, {'min_n': 0}):
            with self.assertRaises(ValidationError), self.cr.savepoint():
                self.session_rule.write(values)

    # === BAD DAYS === #

    def test_poisoned_campaign(self):
        """One that fails is reported; the others get their signals, and the job stays on (D2)."""
        self.use('session')
        bad, good = self.low_campaign(), self.low_campaign(event=self._make_event(self.company))
        model = type(self.env['qualiopi.feedback.campaign'])
        low = model._low_figures

        def fails(campaign, *args):
            if campaign == bad:
                raise ValueError("poisoned")
            return low(campaign, *args)

        with patch.object(model, '_low_figures', fails), mute_logger(_JOB):
            self.run_job()
        self.assertEqual(self.signals().campaign_id, good)
        self.assertTrue(self.env.ref('qualiopi.ir_cron_signals').active)
        self.assertTrue(bad.signal_on, "not tried again and again in the same night")
        with freeze_time('2026-11-21 05:00:00'):
            self.run_job()
        self.assertEqual(self.signals().campaign_id, good | bad)

    def test_poisoned_subject(self):
        """A finding that takes no case, a rule that fails: the other subjects and rules are held (D2)."""
        self.use('category', 'create')
        self.use('late', count=1)
        other = self.env['qualiopi.category'].create({'name': "Food"})
        self.complain(3)
        self.complain(3, category_id=other.id)
        self.run_job()
        bad, good = self.signals()
        fourth, fifth = self.complain(), self.complain(category_id=other.id)
        model = type(self.env['qualiopi.signal'])
        original = model._add_to

        def fails(signals, finding, *args):
            if finding == bad.finding_id:
                raise ValueError("poisoned")
            return original(signals, finding, *args)

        with patch.object(model, '_add_to', fails), mute_logger(_JOB):
            self.run_job()
        self.assertNotIn(fourth, bad.complaint_ids)
        self.assertIn(fifth, good.finding_id.complaint_ids)
        rule = type(self.env['qualiopi.signal.rule'])
        entries = rule._look_at_entries

        def broken(rules, *args):
            if rules.kind == 'complaints':
                raise ValueError("poisoned")
            return entries(rules, *args)

        with freeze_time('2026-09-01 10:00:00'):
            self.complain()
        with patch.object(rule, '_look_at_entries', broken), mute_logger(_SUBJECT):
            self.run_job()
        self.assertTrue(self.signals().filtered(lambda signal: signal.kind == 'late'))
        self.assertEqual(self.env.ref('qualiopi.ir_cron_signals').failure_count, 0)
        self.run_job()
        self.assertIn(fourth, bad.finding_id.complaint_ids, "healed, it gets what it missed")

    def test_killed_twice_and_ten_days_late(self):
        """Cut off after each step and taken up ten days later: each signal, finding and case once (D1, D3)."""
        for name in ('session', 'answer', 'response_rate', 'category'):
            self.use(name, 'create')
        for __ in range(3):
            self.low_campaign(contents=(1, 3, 3), event=self._make_event(self.company))
        self.complain(3)
        self.env.flush_all()

        def rows():
            self.env.flush_all()
            return [
                (signal.kind, signal.subject_key, signal.value, signal.finding_id.description)
                for signal in self.signals()]

        def run(kill=None):
            commits = []

            def commit(cron, processed=0, *, remaining=None, deactivate=False):
                cron.env.flush_all()
                if len(commits) == kill:
                    raise KeyboardInterrupt
                commits.append(remaining)
                self.cr.execute("SAVEPOINT committed")
                return 1

            with patch.object(IrCron, '_commit_progress', commit):
                self.cr.execute("SAVEPOINT committed")
                try:
                    self.env['qualiopi.signal'].with_user(self.env.ref('base.user_root'))._cron_signals()
                except KeyboardInterrupt:
                    self.cr.execute("ROLLBACK TO SAVEPOINT committed")
                    self.cr.clear()
                    self.env.invalidate_all(flush=False)
            self.env.invalidate_all()
            return len(commits)

        with patch('odoo.addons.qualiopi.models.qualiopi_signal_job._BATCH', 1):
            for kill in (0, 1, 2, 3, 4, 4):
                run(kill)
            with freeze_time('2026-11-30 05:00:00'):
                self.assertGreater(run(), 4)
                found = rows()
                self.assertEqual(len(found), 7)
                self.assertEqual(len({row[:2] for row in found}), 7)
                run()
                self.assertEqual(rows(), found)

    def test_queries_do_not_grow_with_campaigns(self):
        self.use('session')

        def count(campaigns):
            campaigns = self.env['qualiopi.feedback.campaign'].browse(campaigns.ids)
            self.env.flush_all()
            self.env.invalidate_all()
            before = self.cr.sql_log_count
            campaigns._hold_against_rules()
            self.env.flush_all()
            return self.cr.sql_log_count - before

        campaigns = self.env['qualiopi.feedback.campaign']
        for __ in range(6):
            campaigns |= self.low_campaign(contents=(5, 5, 5), event=self._make_event(self.company))
        count(campaigns)
        self.assertLessEqual(count(campaigns), count(campaigns[:2]) + 2)

    # === IT CAME BACK === #

    def effective_action(self, user_id=None, **values):
        finding = self.make_finding(category_id=self.category.id, **values)
        owner = {'user_id': user_id} if user_id else {}
        with freeze_time('2026-11-10 10:00:00'):
            action = self.make_action('done', finding_ids=[Command.set(finding.ids)], date_due='2026-11-10', **owner)
        self.assertEqual(action.last_verdict, 'effective')
        return action

    def test_recurrence(self):
        action = self.effective_action(course_id=self.course.id)
        self.complain(category_id=self.category.id, course_id=False)
        self.run_job()
        self.assertFalse(action.has_recurrence, "another course")
        entry = self.complain(event_id=self.event.id)
        self.run_job()
        self.assertTrue(action.has_recurrence)
        self.assertEqual(action.recurrence_complaint_ids, entry)
        step = action.activity_ids.filtered(lambda activity: activity.qualiopi_step == 'recurrence')
        self.assertEqual(step.user_id, action.user_id)
        self.assertEqual(action.phase, 'done', "the discussion is reopened, not the action")
        self.run_job()
        self.assertEqual(len(action.activity_ids.filtered(lambda a: a.qualiopi_step == 'recurrence')), 1)
        with self.assertRefused("in words"):
            action.action_recurrence_discussed("-")
        action.action_recurrence_discussed("Another cause: the door, see the new action")
        self.assertFalse(action.has_recurrence)
        self.assertFalse(action.activity_ids.filtered(lambda a: a.qualiopi_step == 'recurrence'))
        self.run_job()
        self.assertFalse(action.has_recurrence, "the same entry does not flag twice")
        self.complain(event_id=self.event.id)
        self.run_job()
        self.assertTrue(action.has_recurrence)
        self.user_env(action, self.manager).action_reopen("It came back twice")
        self.assertFalse(action.has_recurrence)

    def test_recurrence_of_an_action_whose_owner_has_left(self):
        """Somebody looks at it all the same: the quality lead."""
        action = self.effective_action(user_id=self.officer2.id)
        self.assertEqual(action.user_id, self.officer2)
        self.officer2.active = False
        self.complain(category_id=self.category.id)
        self.run_job()
        self.assertTrue(action.has_recurrence)
        step = action.activity_ids.filtered(lambda activity: activity.qualiopi_step == 'recurrence')
        self.assertEqual(step.user_id, self.manager)

    def test_one_poisoned_action_does_not_hold_up_the_others(self):
        bad, good = self.effective_action(), self.effective_action()
        self.complain()
        model = type(bad)
        original = model._flag_recurrence

        def fails(action, *args):
            if action == bad:
                raise ValueError("poisoned")
            return original(action, *args)

        with patch.object(model, '_flag_recurrence', fails), \
                mute_logger('odoo.addons.qualiopi.models.qualiopi_recurrence'):
            self.run_job()
        self.assertEqual((bad.has_recurrence, good.has_recurrence), (False, True))
        self.run_job()
        self.assertTrue(bad.has_recurrence)

    def test_recurrence_by_a_low_score(self):
        self.use('session', 'create')
        with freeze_time('2026-11-01 10:00:00'):
            self.low_campaign()
            self.run_job()
            finding = self.signals().finding_id
            finding.with_user(self.officer).cause_ids = self.cause
        with freeze_time('2026-11-10 10:00:00'):
            action = self.make_action('done', finding_ids=[Command.set(finding.ids)], date_due='2026-11-10')
        self.run_job()
        self.assertFalse(action.has_recurrence)
        self.low_campaign()
        self.run_job()
        self.assertTrue(action.has_recurrence)
        self.assertEqual(action.recurrence_signal_ids, self.signals()[-1:])

    def test_confidential_entries_flag_no_visible_action(self):
        action = self.effective_action()
        self.complain(1, self.confidential, nature='safeguarding')
        self.run_job()
        self.assertFalse(action.has_recurrence)

    def test_recurrence_is_not_written_by_hand(self):
        action = self.make_action('plan')
        for values in ({'has_recurrence': True}, {'recurrence_note': "Nothing"}):
            with self.assertRefused("filled in by the program"):
                action.write(values)
            with self.assertRefused("filled in by the program"):
                self.model_as(action._name, self.officer).create(self.action_values(**values))
        with self.assertDenied():
            self.user_env(action, self.declarant).action_recurrence_discussed("Nothing at all")
