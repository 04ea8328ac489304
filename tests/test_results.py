from freezegun import freeze_time

from odoo.exceptions import UserError, ValidationError
from odoo.tests import tagged

from .common import TODAY
from .test_dropout import DropoutCase


@tagged('post_install', '-at_install')
@freeze_time(TODAY)
class TestResults(DropoutCase):
    """Results of assessments against values computed by hand (indicator 11)."""

    def _result(self, user=None, **values):
        return self.model_as('qualiopi.result', user or self.officer).create({'event_id': self.long.id, **values})

    def test_typed(self):
        result = self._result(presented=8, passed=5, partial=2, kind='certification')
        self.assertRecordValues(result, [{
            'name': "Certification", 'failed': 1, 'rate': 62.5, 'rate_text': "5 of 8 (62 %)",
            'company_id': self.company.id, 'course_id': self.course.id,
        }])
        self._result(presented=2, passed=2)
        self.assertEqual(self.user_env(self.long, self.auditor).success_text, "7 of 10 (70 %)")
        self.assertEqual(self.user_env(self.course, self.auditor).success_text, "7 of 10 (70 %)")

    def test_nobody_presented_is_not_zero(self):
        self.assertEqual(self._result().rate_text, "no figure yet")
        self.assertEqual(self.user_env(self.long, self.officer).success_text, "no figure yet")

    def test_impossible_counts(self):
        for values in ({'presented': 1, 'passed': 2}, {'presented': 3, 'passed': 2, 'partial': 2},
                       {'presented': -1}):
            with self.assertRefused("cannot be more than", ValidationError):
                self._result(**values)

    def test_vae(self):
        self.long.action_category = 'vae'
        result = self._result(presented=1, partial=1, support="24 hours")
        self.assertEqual((result.kind, result.name), ('vae', "VAE jury"))
        self.make_dropout(self.learners[0], reason_id=self.health.id)
        document = self.env['report.qualiopi.report_dropouts'].with_user(self.auditor)
        [selection] = document._selections(None, {
            'date_from': '2026-01-01', 'date_to': '2026-12-31', 'company_id': self.company.id})
        self.assertEqual(document._document(selection)['vae'], {
            'dropouts': "1 of 10 (10 %)", 'causes': [("Personal reason", 1)], 'presented': 1, 'passed': 0,
            'partial': 1, 'support': ["24 hours"],
        })

    # === CERTIFICATIONS OF THE SURVEYS APPLICATION === #

    def _certification(self):
        return self.env['survey.survey'].create({
            'title': "Level B1", 'certification': True, 'scoring_type': 'scoring_with_answers',
            'scoring_success_min': 50, 'access_mode': 'token', 'users_login_required': True,
            'question_and_page_ids': [(0, 0, {
                'title': "Question", 'question_type': 'simple_choice', 'suggested_answer_ids': [
                    (0, 0, {'value': "Right", 'is_correct': True, 'answer_score': 10}), (0, 0, {'value': "Wrong"}),
                ],
            })],
        })

    def _answer(self, survey, success, **values):
        question = survey.question_ids
        choice = question.suggested_answer_ids[0 if success else 1]
        answer = self.env['survey.user_input'].create({
            'survey_id': survey.id, 'state': 'done', 'start_datetime': '2026-11-05 14:00:00',
            'end_datetime': '2026-11-05 15:00:00', **values,
            'user_input_line_ids': [(0, 0, {
                'question_id': question.id, 'answer_type': 'suggestion', 'suggested_answer_id': choice.id,
            })],
        })
        self.assertEqual(answer.scoring_success, success)
        return answer

    def test_from_a_certification(self):
        """Six answers count for three learners, two of whom passed; others' answers and tests do not count."""
        survey = self._certification()
        partner = self.env['res.partner'].create({'name': "Learner 0", 'email': 'learner0@example.com'})
        self.learners[0].learner_id = partner
        self._answer(survey, False, partner_id=partner.id)
        self._answer(survey, True, partner_id=partner.id)
        self._answer(survey, False, email="Learner1@Example.com")
        self._answer(survey, True, email='learner2@example.com')
        # Not of this session, a test, under way, before the session.
        self._answer(survey, True, email='stranger@example.com')
        self._answer(survey, True, email='learner3@example.com', test_entry=True)
        self._answer(survey, True, email='learner4@example.com', state='in_progress')
        self._answer(survey, True, email='learner5@example.com', end_datetime='2026-10-05 15:00:00')
        result = self._result(source='survey', survey_id=survey.id, kind='certification')
        self.assertRecordValues(result, [{'presented': 3, 'passed': 2, 'failed': 1, 'name': "Level B1"}])
        with self.assertRefused("come from the certification"):
            result.passed = 3
        self._answer(survey, True, email='learner1@example.com')
        result.action_take_over()
        self.assertEqual((result.presented, result.passed), (3, 3))

    def test_wrong_survey(self):
        with self.assertRefused("Choose the certification", ValidationError):
            self._result(source='survey')
        with self.assertRefused("typed in"):
            self._result(presented=1).action_take_over()

    # === ACCESS === #

    def test_rights(self):
        result = self._result(presented=1, passed=1)
        auditor = self.user_env(result, self.auditor)
        self.assertEqual(auditor.read(['passed'])[0]['passed'], 1)
        with self.assertDenied():
            auditor.passed = 0
        with self.assertDenied():
            self.user_env(result, self.officer).unlink()
        for user in (self.declarant, self.plain, self.other_officer):
            with self.assertDenied():
                self.user_env(result, user).with_context(allowed_company_ids=user.company_ids.ids).read(['passed'])

    def test_session_of_another_company(self):
        event = self._make_event(self.other_company)
        with self.muted(), self.assertRaises(UserError):
            self._result(event_id=event.id)
