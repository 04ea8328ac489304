import re
from urllib.parse import urlsplit

from freezegun import freeze_time

from odoo import Command
from odoo.exceptions import UserError, ValidationError
from odoo.tests import HttpCase, tagged
from odoo.tools import mute_logger

from .common import TODAY, QualiopiCase


class AnswerCase(QualiopiCase):
    """A questionnaire with one scale of each kind, and a session whose learners are asked."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.env['res.lang']._activate_lang('en_US')
        cls.company.partner_id.lang = 'en_US'
        cls.beneficiary = cls.env.ref('qualiopi.stakeholder_beneficiary')
        cls.survey = cls._make_survey()
        cls.content, cls.pace, cls.noise, cls.nps, cls.free, cls.consent = cls.survey.question_ids.sorted()
        cls.yes, cls.no = cls.consent.suggested_answer_ids

    @classmethod
    def _make_survey(cls, **values):
        scale = {'question_type': 'scale', 'qualiopi_use': 'satisfaction', 'scale_min': 1, 'scale_max': 5}
        return cls.env['survey.survey'].create({
            'title': "Test questionnaire", 'survey_type': 'qualiopi', 'question_and_page_ids': [
                Command.create({'sequence': 1, 'title': "Content", **scale, 'constr_mandatory': True}),
                Command.create({'sequence': 2, 'title': "Pace", **scale, 'scale_min': 0, 'scale_max': 10}),
                Command.create({'sequence': 3, 'title': "Was it too noisy?", **scale, 'qualiopi_is_inverted': True}),
                Command.create({'sequence': 4, 'title': "Recommend?", 'question_type': 'scale', 'qualiopi_use': 'nps',
                                'scale_min': 0, 'scale_max': 10}),
                Command.create({'sequence': 5, 'title': "Freely", 'question_type': 'text_box', 'qualiopi_use': 'free'}),
                Command.create({'sequence': 6, 'title': "May we quote you?", 'question_type': 'simple_choice',
                                'qualiopi_use': 'consent', 'suggested_answer_ids': [
                                    Command.create({'value': "Yes", 'qualiopi_is_positive': True, 'sequence': 1}),
                                    Command.create({'value': "No", 'sequence': 2})]}),
            ], **values,
        })

    @classmethod
    def make_campaign(cls, learners=2, start=True, event=None, **values):
        """A running campaign of learners "Learner 1", "Learner 2"…"""
        event = event or cls._make_event(
            cls.company, course_id=cls.course.id, trainer_ids=[Command.set(cls.trainer.ids)])
        for number in range(1, learners + 1):
            cls._make_registration(event, name=f"Learner {number}", email=f'learner{number}.{event.id}@example.com')
        campaign = cls.model_as('qualiopi.feedback.campaign', cls.officer).create({
            'stakeholder_id': cls.beneficiary.id, 'moment': 'hot', 'event_id': event.id, 'survey_id': cls.survey.id,
            **values,
        })
        if start:
            campaign.action_start()
        return campaign

    @classmethod
    def invites(cls, campaign):
        return campaign.sudo().invite_ids.sorted('name')

    def give(self, campaign, content=None, pace=None, noise=None, nps=None, free=None, consent=None, **values):
        """A complete answer by the same methods as the pages call."""
        answer = campaign.sudo()._new_answer(**values)
        for question, value in (
            (self.content, content), (self.pace, pace), (self.noise, noise), (self.nps, nps), (self.free, free),
            (self.consent, consent),
        ):
            answer._save_lines(question, '' if value is None else str(value))
        answer._mark_done()
        self.env.flush_all()
        return answer


class PageCase(AnswerCase, HttpCase):
    """Over the pages, as persons asked use them."""

    def link(self, invite):
        return f'/qualiopi/feedback/{invite.id}/{invite.sudo().token}'

    def begin(self, invite):
        """Open the personal link and press the button.

        :return: survey's key and answer's key, and the page
        """
        page = self.url_open(self.link(invite))
        self.assertEqual(page.status_code, 200)
        form = dict(re.findall(r'name="(csrf_token|key)" value="([^"]+)"', page.text))
        page = self.url_open(self.link(invite), data=form)
        self.assertEqual(page.status_code, 200)
        parts = urlsplit(page.url).path.split('/')
        return (parts[-2], parts[-1], page) if 'survey' in parts else (None, None, page)

    def submit(self, survey_token, answer_token, **answers):
        """Send the one page of the questionnaire as its script does."""
        params = {'csrf_token': 'x', 'token': answer_token}
        for name, value in answers.items():
            params[str(self[name].id)] = str(value)
        return self.make_jsonrpc_request(f'/survey/submit/{survey_token}/{answer_token}', params)

    def __getitem__(self, name):
        return getattr(self, name)


@tagged('post_install', '-at_install')
@freeze_time(TODAY)
class TestAnswers(PageCase):

    def test_named_answer(self):
        campaign = self.make_campaign()
        first, second = self.invites(campaign)
        page = self.url_open(self.link(first))
        self.assertIn("Your answer bears your name", page.text)
        self.assertEqual(page.headers['Referrer-Policy'], 'no-referrer')
        self.assertFalse(campaign.sudo().answer_ids, "A mail scanner that opens the link begins nothing")
        survey, answer, page = self.begin(first)
        self.assertIn("Content", page.text)
        self.assertEqual(first.state, 'sent')
        __, reply = self.submit(
            survey, answer, content=5, pace=5, noise=1, nps=10, free="Very lively", consent=self.yes.id)
        self.assertEqual(campaign.sudo().answer_ids.lang_id.code, 'en_US')
        self.assertIn("Thank you", reply['survey_content'])
        record = campaign.sudo().answer_ids
        self.assertRecordValues(record, [{
            'state': 'done', 'is_counted': True, 'feedback_invite_id': first.id, 'email': first.email, 'nps': 10,
            'event_id': campaign.event_id.id, 'course_id': self.course.id, 'trainer_id': self.trainer.id,
            'stakeholder_id': self.beneficiary.id, 'moment': 'hot', 'company_id': self.company.id, 'may_quote': True,
            'satisfaction_count': 3, 'is_anonymous': False,
        }])
        # 5 of 1–5 is 100, 5 of 0–10 is 50, 1 of an upside-down 1–5 is 100.
        self.assertAlmostEqual(record.satisfaction, 250 / 3, 2)
        self.assertEqual((first.state, second.state), ('answered', 'sent'))
        self.assertIn("Thank you", self.url_open(self.link(first)).text)

    def test_no_button_to_answer_again(self):
        campaign = self.make_campaign()
        keys = self.begin(self.invites(campaign)[0])[:2]
        __, reply = self.submit(*keys, content=5)
        self.assertIn("Thank you", reply['survey_content'])
        self.assertNotIn('/survey/retry/', reply['survey_content'])

    def test_answered_twice_is_one_answer(self):
        campaign = self.make_campaign()
        invite = self.invites(campaign)[0]
        once = self.begin(invite)[:2]
        self.assertEqual(self.begin(invite)[:2], once, "A second click goes on with the same answer")
        self.submit(*once, content=2)
        __, again = self.submit(*once, content=5)
        self.assertEqual(again, {'error': 'unauthorized'})
        self.assertEqual(self.begin(invite)[0], None)
        self.assertIn("survey", self.url_open(f'/survey/retry/{once[0]}/{once[1]}').url)
        self.assertEqual(len(campaign.sudo().answer_ids), 1)
        self.assertEqual(campaign.sudo().answer_ids.satisfaction, 25)

    def test_wrong_links(self):
        campaign = self.make_campaign()
        invite, other = self.invites(campaign)
        for path in (
            f'/qualiopi/feedback/{invite.id}/{other.token}', f'/qualiopi/feedback/{invite.id}/x',
            '/qualiopi/feedback/99999999999/x', f'/qualiopi/feedback/{invite.id + 1000}/{invite.token}',
        ):
            with self.subTest(path), mute_logger('odoo.http'):
                self.assertEqual(self.url_open(path).status_code, 404)

    def test_no_answer_without_a_personal_link(self):
        campaign = self.make_campaign()
        self.url_open(f'/survey/start/{self.survey.access_token}')
        self.assertFalse(self.env['survey.user_input'].search([('survey_id', '=', self.survey.id)]))
        with self.assertRefused("sent by a campaign"):
            self.survey.action_send_survey()
        with self.assertRefused("live session"):
            self.survey.action_start_session()
        with self.assertRaises(ValidationError):
            self.survey.access_mode = 'public'
        other = self.env['survey.survey'].create({'title': "Not ours"})
        with self.assertRefused("not a questionnaire of appreciations", ValidationError):
            self.make_campaign(survey_id=other.id, start=False)
        self.assertTrue(campaign)

    def test_closed_and_late(self):
        named, anonymous = self.make_campaign(), self.make_campaign(is_anonymous=True)
        begun = self.begin(self.invites(anonymous)[0])[:2]
        (named | anonymous).action_done()
        self.assertIn("is closed", self.url_open(self.link(self.invites(anonymous)[1])).text)
        page = self.url_open(f'/survey/{begun[0]}/{begun[1]}')
        self.assertNotIn("Was it too noisy", page.text)
        self.assertTrue(self.begin(self.invites(named)[0])[0], "A late named answer is still taken")
        named.with_user(self.manager).action_cancel("Wrong questionnaire")
        self.assertIn("is closed", self.url_open(self.link(self.invites(named)[1])).text)

    def test_someone_else_is_logged_in(self):
        """On a shared computer, or a trainer's own: the key in the address decides."""
        campaign = self.make_campaign(is_anonymous=True)
        self.authenticate('qualiopi_officer', 'qualiopi_officer')
        survey, answer, page = self.begin(self.invites(campaign)[0])
        self.assertIn("Was it too noisy", page.text)
        self.submit(survey, answer, content=3)
        self.assertRecordValues(campaign.sudo().answer_ids, [{
            'state': 'done', 'create_uid': self.env.ref('base.user_root').id,
            'write_uid': self.env.ref('base.user_root').id, 'partner_id': False,
        }])

    def test_partial_answers_and_tests_do_not_count(self):
        campaign = self.make_campaign(learners=3)
        first, second, third = self.invites(campaign)
        self.begin(first)
        tokens = self.begin(second)[:2]
        __, reply = self.submit(*tokens, pace=3)
        self.assertEqual(reply['error'], 'validation', "The mandatory question is missing")
        self.submit(*self.begin(third)[:2], content=4)
        self.authenticate('qualiopi_officer', 'qualiopi_officer')
        page = self.url_open(f'/survey/test/{self.survey.access_token}')
        test_token = urlsplit(page.url).path.split('/')[-1]
        self.make_jsonrpc_request(f'/survey/begin/{self.survey.access_token}/{test_token}', {})
        self.submit(self.survey.access_token, test_token, content=1)
        self.assertEqual(self.env['survey.user_input'].search_count([('survey_id', '=', self.survey.id)]), 4)
        figures = campaign._figures()
        self.assertEqual((figures['n'], figures['asked'], figures['satisfaction']), (1, 3, 75))

    def test_results_pages_of_survey_are_closed(self):
        campaign = self.make_campaign(is_anonymous=True)
        self.give(campaign, content=1, free="Only mine")
        user = self.env['res.users'].search([('login', '=', 'admin')])
        for login, password in (('qualiopi_officer', 'qualiopi_officer'), (user.login, 'admin')):
            with self.subTest(login):
                self.authenticate(login, password)
                with mute_logger('odoo.http', 'odoo.addons.base.models.ir_rule'):
                    page = self.url_open(f'/survey/results/{self.survey.id}')
                    self.assertTrue(page.status_code == 403 or '/odoo/qualiopi-satisfaction' in page.url, page.url)
                    self.assertNotIn("Only mine", page.text)
                    session = self.url_open(f'/survey/session/manage/{self.survey.access_token}')
                self.assertEqual(session.status_code, 404)

    def test_a_ballot_is_not_printed(self):
        """Who comes next on a shared computer finds the address of the ballot in the browser's history."""
        for values, shown in (({'is_anonymous': True}, False), ({}, True)):
            campaign = self.make_campaign(**values)
            survey, answer, __ = self.begin(self.invites(campaign)[0])
            self.submit(survey, answer, content=4, free="Only mine")
            page = self.url_open(f'/survey/print/{survey}?answer_token={answer}&review=1')
            self.assertEqual("Only mine" in page.text, shown)
            self.assertNotIn("Only mine", self.url_open(f'/survey/{survey}/{answer}').text)

    def test_paper_answers(self):
        campaign = self.make_campaign(learners=3)
        first, second, __ = self.invites(campaign)
        action = first.with_user(self.officer).sudo(False).action_paper_answer()
        self.authenticate('qualiopi_officer', 'qualiopi_officer')
        page = self.url_open(action['url'])
        self.assertIn("Was it too noisy", page.text)
        self.submit(*urlsplit(page.url).path.split('/')[-2:], content=5)
        self.give(campaign, content=3, feedback_invite_id=second.id)
        campaign.invalidate_recordset()
        figures = campaign._figures()
        self.assertEqual((figures['n'], figures['paper'], figures['satisfaction']), (2, 1, 75))
        self.assertEqual(campaign.paper_count, 1)
        self.assertEqual(first.state, 'answered')
        with self.assertRefused("answered already"):
            first.with_user(self.officer).sudo(False).action_paper_answer()
        with self.assertDenied():
            first.with_user(self.auditor).sudo(False).campaign_id.action_paper_answer()

    def test_more_paper_than_persons_asked_gives_no_rate(self):
        campaign = self.make_campaign(learners=1)
        for __ in range(2):
            self.give(campaign, content=5, is_paper=True)
        figures = campaign._figures()
        self.assertEqual((figures['n'], figures['asked'], figures['rate']), (2, 1, None))
        self.assertIn("more than the 1 persons asked", campaign.rate_text)

    # === CHANGES AFTER ANSWERS CAME === #

    def test_an_answered_questionnaire_stays_as_it_was_read(self):
        campaign = self.make_campaign()
        self.give(campaign, content=5)
        survey = self.survey.with_user(self.manager)
        question = self.content.with_user(self.manager)
        for change in (
            {'title': "Was the content bad?"}, {'scale_min': 0}, {'scale_max': 4}, {'scale_min_label': "Excellent"},
            {'qualiopi_is_inverted': True}, {'qualiopi_use': 'nps'}, {'question_type': 'text_box'},
        ):
            with self.subTest(change), self.assertRefused("has been answered"):
                question.write(change)
        for refused in (question.unlink, survey.unlink, lambda: self.yes.with_user(self.manager).write({'value': "No"}),
                        self.no.with_user(self.manager).unlink,
                        lambda: self.consent.with_user(self.manager).write({'suggested_answer_ids': [
                            Command.create({'value': "Perhaps"})]})):
            with self.assertRefused("has been answered"):
                refused()
        with self.assertRefused("has answers: its type"):
            self.survey.survey_type = 'custom'
        question.write({'sequence': 9, 'constr_mandatory': False, 'title': "Content"})
        self.assertEqual(campaign._figures()['satisfaction'], 100)

    def test_new_version(self):
        campaign = self.make_campaign()
        self.give(campaign, content=5)
        rule = self.env['qualiopi.feedback.rule'].create({
            'company_id': self.company.id, 'stakeholder_id': self.beneficiary.id, 'moment': 'hot',
            'survey_id': self.survey.id,
        })
        action = self.survey.with_user(self.officer).action_qualiopi_new_version()
        new = self.env['survey.survey'].browse(action['res_id'])
        self.assertEqual((new.title, new.survey_type, new.access_mode), ("Test questionnaire", 'qualiopi', 'token'))
        self.assertFalse(self.survey.active)
        self.assertEqual(rule.survey_id, new)
        new.question_ids.sorted()[0].with_user(self.officer).title = "Contents"
        self.assertEqual(self.content.title, "Content")

    def test_answers_are_set_aside_not_deleted(self):
        campaign = self.make_campaign()
        first, second = self.invites(campaign)
        good = self.give(campaign, content=5, feedback_invite_id=first.id)
        double = self.give(campaign, content=1, feedback_invite_id=second.id)
        self.assertEqual(campaign._figures()['satisfaction'], 50)
        answer = double.with_user(self.officer).sudo(False)
        for act in (answer.unlink, lambda: answer.write({'state': 'new'}), answer.user_input_line_ids.unlink,
                    lambda: answer.user_input_line_ids[0].write({'value_scale': 5})):
            with self.assertDenied():
                act()
        with self.assertRefused("set it aside"):
            double.unlink()
        with self.assertRefused("Say why"):
            answer.action_exclude("  ")
        with self.assertDenied():
            double.with_user(self.auditor).sudo(False).action_exclude("I would rather not")
        answer.action_exclude("Came twice")
        self.assertEqual((campaign._figures()['n'], campaign._figures()['satisfaction']), (1, 100))
        self.assertIn("Came twice", campaign.message_ids[0].body)
        answer.action_include()
        self.assertEqual(campaign._figures()['satisfaction'], 50)
        self.assertTrue(good.is_counted)

    def test_an_answer_changed_later_is_said(self):
        campaign = self.make_campaign()
        answer = self.give(campaign, content=5, feedback_invite_id=self.invites(campaign)[0].id)
        line = answer.user_input_line_ids.filtered(lambda line: line.question_id == self.content)
        line.value_scale = 3
        self.assertEqual(answer.satisfaction, 50)
        self.assertIn("satisfaction 100, now 50", campaign.message_ids[0].body)
        self.assertEqual(campaign._figures()['satisfaction'], 50)

    def test_a_learner_who_moves_leaves_the_answer_where_it_was_asked(self):
        campaign = self.make_campaign()
        invite = self.invites(campaign)[0]
        answer = self.give(campaign, content=5, feedback_invite_id=invite.id)
        invite.registration_id.event_id = self._make_event(self.company)
        self.assertEqual(answer.event_id, campaign.event_id)
        invite.registration_id.unlink()
        self.assertEqual(campaign._figures()['n'], 1)

    # === COMMENTS === #

    def test_comments_are_marked_analysed(self):
        campaign = self.make_campaign()
        self.give(campaign, content=5, free="More practice, please", feedback_invite_id=self.invites(campaign)[0].id)
        action = campaign.action_view_verbatims()
        lines = self.model_as('survey.user_input.line', self.officer).search(action['domain'])
        self.assertEqual(lines.mapped('verbatim'), ["More practice, please"])
        lines.action_mark_analysed()
        self.assertRecordValues(lines, [{'analysed_by_id': self.officer.id, 'analysed_on': campaign._today()}])
        lines.action_mark_unanalysed()
        self.assertFalse(lines.analysed_on)
        for user in (self.auditor, self.declarant, self.other_officer):
            with self.assertDenied():
                lines.with_user(user).action_mark_analysed()

    # === THE QUESTIONNAIRES AS SHIPPED === #

    def test_shipped_questionnaires(self):
        surveys = self.env['survey.survey'].search([('survey_type', '=', 'qualiopi')]) - self.survey
        kinds = {(survey.qualiopi_stakeholder_id, survey.qualiopi_moment) for survey in surveys}
        for kind, moments in {
            'beneficiary': ('before', 'mid', 'hot', 'cold'), 'company': ('hot', 'cold'), 'sponsor': ('hot', 'cold'),
            'funder': ('other',), 'trainer': ('hot',), 'contracting_provider': ('hot',),
        }.items():
            for moment in moments:
                self.assertIn((self.env.ref(f'qualiopi.stakeholder_{kind}'), moment), kinds)
        self.assertEqual(surveys.filtered('qualiopi_is_teaching'), self.env.ref('qualiopi.survey_teaching'))
        for survey in surveys:
            with self.subTest(survey.title):
                scales = survey.question_ids.filtered(lambda question: question.qualiopi_use == 'satisfaction')
                self.assertGreaterEqual(len(scales), 4)
                self.assertEqual({(question.scale_min, question.scale_max) for question in scales}, {(1, 5)})
                self.assertTrue(survey.question_ids.filtered(lambda question: question.qualiopi_use == 'free'))
                french = survey.with_context(lang='fr_FR')
                self.assertEqual(len(survey.lang_ids), 0)
                self.assertTrue(french.description)
        cold = self.env.ref('qualiopi.survey_learner_cold')
        self.assertIn('insertion', cold.question_ids.mapped('qualiopi_use'))

    def test_questions_that_cannot_count(self):
        for values in (
            {'qualiopi_use': 'satisfaction', 'question_type': 'text_box'},
            {'qualiopi_use': 'nps', 'question_type': 'scale', 'scale_min': 1, 'scale_max': 5},
            {'qualiopi_use': 'consent', 'question_type': 'scale'},
            {'question_type': 'char_box', 'validation_email': True, 'save_as_email': True},
        ):
            with self.subTest(values), self.assertRaises(UserError):
                self.env['survey.question'].create({'title': "X", 'survey_id': self.survey.id, **values})

    def test_blank_questionnaire_prints(self):
        html = self.env['ir.actions.report'].with_user(self.officer)._render_qweb_html(
            'qualiopi.report_questionnaire', self.survey.ids)[0].decode()
        self.assertIn("Was it too noisy?", html)
        self.assertIn("Recommend?", html)
