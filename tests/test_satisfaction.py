from freezegun import freeze_time

from odoo.tests import tagged

from .common import TODAY
from .test_answers import AnswerCase


@tagged('post_install', '-at_install')
@freeze_time(TODAY)
class TestSatisfaction(AnswerCase):
    """Figures against values computed by hand."""

    def test_scales_have_their_own_ends(self):
        campaign = self.make_campaign(learners=4)
        # Content 1–5, pace 0–10, noise 1–5 upside down.
        for values, expected, count in (
            ({'content': 1}, 0, 1), ({'content': 4}, 75, 1), ({'content': 5, 'pace': 3}, 65, 2),
            ({'content': 5, 'pace': 0, 'noise': 5}, 100 / 3, 3),
            ({'content': 1, 'pace': 10, 'noise': 1}, 200 / 3, 3),
        ):
            with self.subTest(values):
                answer = self.give(campaign, **values)
                self.assertAlmostEqual(answer.satisfaction, expected, 2)
                self.assertEqual(answer.satisfaction_count, count)

    def test_figures_of_a_campaign(self):
        campaign = self.make_campaign(learners=8)
        # Satisfaction 100, 75, 50, 0: mean 56.25. NPS: 10, 9, 8, 3: two promoters, one detractor, of four: 25.
        for content, nps in ((5, 10), (4, 9), (3, 8), (1, 3)):
            self.give(campaign, content=content, nps=nps)
        figures = campaign._figures()
        self.assertEqual(
            {name: figures[name] for name in ('asked', 'n', 'rate', 'satisfaction', 'nps', 'nps_n', 'is_hidden')},
            {'asked': 8, 'n': 4, 'rate': 50, 'satisfaction': 56.25, 'nps': 25, 'nps_n': 4, 'is_hidden': False},
        )
        self.assertRecordValues(campaign, [{
            'answer_count': 4, 'satisfaction_text': "56 / 100", 'nps_text': "+25", 'rate_text': "4 of 8 (50 %)",
        }])

    def test_lowest_question(self):
        campaign = self.make_campaign(learners=2)
        self.give(campaign, content=5, pace=6, noise=1)
        self.give(campaign, content=4, pace=5, noise=2)
        lowest = campaign._figures()['lowest']
        # Content (100 + 75) / 2, pace (60 + 50) / 2, noise (100 + 75) / 2.
        self.assertEqual((lowest['question'], lowest['value'], lowest['n']), (self.pace, 55, 2))
        self.assertEqual(campaign.lowest_text, "Pace (55 / 100)")

    def test_nobody_answered_is_not_zero(self):
        campaign = self.make_campaign()
        figures = campaign._figures()
        self.assertEqual((figures['n'], figures['rate'], figures['satisfaction'], figures['nps']), (0, 0, None, None))
        self.assertEqual((campaign.satisfaction_text, campaign.nps_text), ("–", "–"))

    def test_a_skipped_recommendation_is_not_a_detractor(self):
        campaign = self.make_campaign()
        self.give(campaign, content=5, nps=0)
        self.give(campaign, content=5)
        figures = campaign._figures()
        self.assertEqual((figures['nps'], figures['nps_n']), (-100, 1))

    def test_rates_add_up_answers_not_means(self):
        small, big = self.make_campaign(learners=2), self.make_campaign(learners=4)
        self.give(small, content=1)
        for __ in range(3):
            self.give(big, content=5)
        Report = self.model_as('qualiopi.satisfaction.report', self.officer)
        rates = Report._rates([('campaign_id', 'in', (small | big).ids)])
        self.assertEqual(
            {name: rates[name] for name in ('campaigns', 'asked', 'n', 'satisfaction', 'hidden')},
            {'campaigns': 2, 'asked': 6, 'n': 4, 'satisfaction': 75, 'hidden': 0},
        )
        self.assertAlmostEqual(rates['response_rate'], 400 / 6)
        self.assertIn("mean of the answers", rates['method'])
        together = (small | big)._figures()
        self.assertEqual((together['satisfaction'], together['n'], together['asked']), (75, 4, 6))
        [group] = Report.formatted_read_group(
            [('course_id', '=', self.course.id)], ['course_id'],
            ['satisfaction:avg', 'answer_count:sum', 'response_rate:avg'])
        self.assertEqual((group['satisfaction:avg'], group['answer_count:sum']), (75, 4))

    def test_rates_by_trainer_stakeholder_and_period(self):
        campaign = self.make_campaign(learners=1)
        self.give(campaign, content=4)
        Report = self.model_as('qualiopi.satisfaction.report', self.officer)
        for domain in (
            [('trainer_id', '=', self.trainer.id)], [('stakeholder_id', '=', self.beneficiary.id)],
            [('event_id', '=', campaign.event_id.id)], [('date', '>=', '2026-01-01'), ('date', '<=', '2026-12-31')],
        ):
            self.assertEqual(Report._rates(domain)['satisfaction'], 75)
        nothing = Report._rates([('date', '<', '2020-01-01')])
        self.assertEqual((nothing['n'], nothing['satisfaction'], nothing['response_rate']), (0, None, None))

    def test_campaigns_by_other_means_count_in_the_response_rate(self):
        self.model_as('qualiopi.feedback.campaign', self.officer).create({
            'stakeholder_id': self.env.ref('qualiopi.stakeholder_funder').id, 'means': 'webinar', 'asked_count': 4,
            'answered_count': 3,
        }).action_done()
        rates = self.model_as('qualiopi.satisfaction.report', self.officer)._rates(
            [('stakeholder_id', '=', self.env.ref('qualiopi.stakeholder_funder').id)])
        self.assertEqual((rates['asked'], rates['n'], rates['response_rate'], rates['satisfaction']), (4, 3, 75, None))

    def test_insertion(self):
        survey = self.env.ref('qualiopi.survey_learner_cold')
        campaign = self.make_campaign(learners=4, survey_id=survey.id, moment='cold')
        overall = survey.question_ids.filtered('constr_mandatory')
        question = survey.question_ids.filtered(lambda question: question.qualiopi_use == 'insertion')
        choices = question.suggested_answer_ids
        for choice in (choices[0], choices[1], choices[4], None):
            answer = campaign.sudo()._new_answer()
            answer._save_lines(overall, '5')
            answer._save_lines(question, str(choice.id) if choice else '')
            answer._mark_done()
        rates = self.model_as('qualiopi.satisfaction.report', self.officer)._rates([('campaign_id', '=', campaign.id)])
        self.assertAlmostEqual(rates['insertion_rate'], 200 / 3)
        self.assertEqual(rates['insertion_n'], 3)

    def test_session_block(self):
        campaign = self.make_campaign(learners=2)
        self.give(campaign, content=4, nps=9)
        event = self.user_env(campaign.event_id, self.officer)
        self.assertEqual(event.satisfaction_text, "75 / 100")
        self.assertEqual(event.feedback_figure_ids, campaign)
        self.assertEqual(event.action_view_satisfaction()['domain'], [('event_id', '=', event.id)])
        self.assertFalse(self.user_env(self.event, self.officer).has_feedback)

    def test_queries_of_a_session(self):
        """Opening a session costs as much whatever was asked and answered there: one query for the counts of the
        registers, one for the campaigns, one for all their figures."""
        def queries(event):
            event = self.user_env(event, self.officer)
            names = ['complaint_count', 'finding_count', 'action_count', 'campaign_count', 'dropout_count',
                     'dropout_text', 'has_feedback', 'satisfaction_text']
            block = {name: {} for name in ('rate_text', 'satisfaction_text', 'nps_text', 'lowest_text')}
            specification = {**dict.fromkeys(names, {}), 'feedback_figure_ids': {'fields': block}}
            event.web_read(specification)
            self.env.flush_all()
            self.env.invalidate_all()
            before = self.env.cr.sql_log_count
            event.web_read(specification)
            return self.env.cr.sql_log_count - before

        few = self.make_campaign(learners=2)
        self.give(few, content=4, nps=9)
        many = self.make_campaign(learners=5)
        for moment in ('before', 'mid', 'cold'):
            self.make_campaign(learners=0, event=many.event_id, moment=moment)
        for __ in range(5):
            self.give(many, content=4, pace=2, nps=9)
        counts = queries(few.event_id), queries(many.event_id)
        self.assertEqual(*counts)
        self.assertLessEqual(counts[0], 7)

    def test_nobody_owes_the_reading_of_what_stays_hidden(self):
        for answers, steps in ((3, []), (5, ['analyse'])):
            campaign = self.make_campaign(learners=6, is_anonymous=True, threshold=5)
            for __ in range(answers):
                self.give(campaign, content=4)
            self.invites(campaign)[:answers]._mark_answered()
            self.env.flush_all()
            campaign.action_done()
            self.assertEqual(campaign.activity_ids.mapped('qualiopi_step'), steps)

    def test_who_sees_figures(self):
        campaign = self.make_campaign(learners=2)
        answer = self.give(campaign, content=4)
        Report = self.env['qualiopi.satisfaction.report']
        domain = [('campaign_id', '=', campaign.id)]
        for user in (self.officer, self.manager, self.auditor):
            self.assertEqual(self.model_as(Report._name, user).search_count(domain), 1)
        self.assertEqual(self.model_as(Report._name, self.other_officer).search_count(domain), 0)
        for user in (self.declarant, self.plain, self.portal):
            with self.assertDenied():
                self.model_as(Report._name, user).search_count(domain)
        self.assertTrue(self.user_env(answer, self.officer).satisfaction)
        for user in (self.auditor, self.declarant, self.other_officer, self.portal):
            with self.assertDenied():
                self.user_env(answer, user).read(['satisfaction'])

    def test_survey_users_read_no_answer_of_ours(self):
        campaign = self.make_campaign(learners=2)
        answer = self.give(campaign, content=4)
        outsider = self._make_user('survey', 'base.group_user,survey.group_survey_manager')
        outsider.group_ids -= self.env.ref('qualiopi.group_officer')
        self.assertFalse(self.model_as('survey.user_input', outsider).search([('survey_id', '=', self.survey.id)]))
        with self.assertDenied():
            self.user_env(answer, outsider).unlink()
