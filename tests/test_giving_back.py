import base64
import io

from freezegun import freeze_time

from odoo import Command
from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.tests import HttpCase, tagged
from odoo.tools import html2plaintext, mute_logger
from odoo.tools.pdf import PdfFileReader

from .common import TODAY
from .test_answers import AnswerCase


class GivingBackCase(AnswerCase):

    def _html(self, report, records=None, user=None, **data):
        reports = self.model_as('ir.actions.report', user or self.officer)
        html, __ = reports._render_qweb_html(f'qualiopi.report_{report}', records.ids if records else [], data=data)
        text = html2plaintext(html.decode() if isinstance(html, bytes) else str(html))
        return ' '.join(text.replace('\xa0', ' ').replace('\u202f', ' ').replace('*', '').split())

    def _period(self, report, user=None, **data):
        return self._html(report, user=user, **{
            'date_from': '2026-01-01', 'date_to': '2026-12-31', 'company_id': self.company.id, **data})

    def _pdf_pages(self, report, records):
        with self.allow_pdf_render():
            content, __ = self.model_as('ir.actions.report', self.officer).with_context(
                force_report_rendering=True)._render_qweb_pdf(f'qualiopi.report_{report}', records.ids)
        return PdfFileReader(io.BytesIO(content)).getNumPages()

    def _make_text(self, user=None, action=None, **values):
        return self.model_as('qualiopi.publication', user or self.officer).create({
            'course_id': self.course.id, 'text_said': "The workbook came too late",
            'text_done': "It is sent two weeks before", 'action_id': (action or self.make_action()).id, **values,
        })

    def _make_testimony(self, line=None, **values):
        return self.model_as('qualiopi.publication', self.officer).create({
            'kind': 'testimony', 'course_id': self.course.id, 'line_id': line and line.id, **values,
        })

    def _comment(self, answer):
        return answer.user_input_line_ids.filtered(lambda line: line.qualiopi_use == 'free' and not line.skipped)

    def _release(self, publication):
        self.user_env(publication, self.manager).action_release()
        return publication


@tagged('post_install', '-at_install')
@freeze_time(TODAY)
class TestPublication(GivingBackCase, HttpCase):
    """Texts for everybody: written for it, released one by one, never from a confidential chain."""

    def _page(self, course=None, status=200):
        self.authenticate(None, None)
        page = self.url_open(f'/qualiopi/said-and-done/{(course or self.course)._door_token()}')
        self.assertEqual(page.status_code, status)
        return page.text

    def test_only_what_is_released_is_public(self):
        self._make_text()
        other = self._make_text(text_said="The room was cold", text_done="The heating is repaired")
        self.assertIn("Nothing is published", self._page())
        self._release(other)
        page = self._page()
        self.assertIn("The room was cold", page)
        self.assertIn("The heating is repaired", page)
        self.assertNotIn("workbook", page)
        self.assertNotIn(other.action_id.reference, page)
        self.assertNotIn(self.manager.name, page)
        self.assertRecordValues(other, [{
            'state': 'released', 'released_by_id': self.manager.id, 'released_on': other.released_on}])
        self.user_env(other, self.manager).action_withdraw()
        self.assertNotIn("The room was cold", self._page())

    def test_links_cannot_be_guessed(self):
        token = self.course._door_token()
        number, __, signature = token.partition('-')
        for wrong in (f'k{self.course.id + 1}-{signature}', number, f'{number}-', 'k1', f's{token[1:]}', 'x' * 300):
            self.assertEqual(self.url_open(f'/qualiopi/said-and-done/{wrong}').status_code, 404, wrong)
        self.course.active = False
        self._page(status=404)

    def test_other_courses_stay_apart(self):
        other = self.env['qualiopi.course'].create({'name': "Other course", 'company_id': self.company.id})
        self._release(self._make_text(course_id=other.id))
        self.assertNotIn("workbook", self._page())
        self.assertIn("workbook", self._page(other))

    def test_the_lead_alone_releases(self):
        publication = self._make_text()
        with self.assertRefused("quality lead", AccessError):
            self.user_env(publication, self.officer).action_release()
        for values in ({'state': 'released'}, {'released_on': '2026-01-01'}, {'released_by_id': self.officer.id}):
            with self.assertRefused("by its button"):
                self.user_env(publication, self.manager).write(values)
            with self.assertRefused("by its button"):
                self._make_text(user=self.manager, **values)
        self._release(publication)
        with self.assertRefused("withdraw it"):
            self.user_env(publication, self.manager).text_done = "Something else"
        with self.assertRefused("not deleted"):
            self.user_env(publication, self.manager).unlink()

    def test_a_confidential_chain_is_refused(self):
        complaint = self.make_confidential()
        finding = self.make_finding(user=self.confidential, complaint_ids=[Command.set(complaint.ids)])
        self.assertTrue(finding.is_confidential)
        action = self.make_action(
            user=self.confidential, user_id=self.confidential.id, finding_ids=[Command.set(finding.ids)])
        with self.assertRefused("never published", ValidationError):
            self.env['qualiopi.publication'].create({
                'course_id': self.course.id, 'text_said': "Something", 'text_done': "Something", 'action_id': action.id,
            })

    def test_a_chain_that_becomes_confidential_leaves_the_page(self):
        complaint = self.make_complaint()
        finding = self.make_finding(complaint_ids=[Command.set(complaint.ids)])
        publication = self._release(self._make_text(
            action=self.make_action(finding_ids=[Command.set(finding.ids)])))
        self.assertIn("workbook", self._page())
        complaint.sudo().nature = 'safeguarding'
        self.env.flush_all()
        self.assertTrue(publication.action_id.is_confidential)
        self.assertNotIn("workbook", self._page())
        self.assertNotIn("workbook", self._html('said_done', self.course, user=self.auditor))

    def test_texts_are_short_and_complete(self):
        for values in ({'text_done': " "}, {'text_said': "x" * 301}, {'text_done': "x" * 401}, {'action_id': False}):
            with self.assertRaises(ValidationError):
                self._make_text(**values)

    def test_one_page(self):
        for number in range(7):
            self._release(self._make_text(
                action=self.make_action(), text_said=f"Said {number} " + "word " * 58,
                text_done=f"Done {number} " + "word " * 78))
        text = self._html('said_done', self.course, user=self.auditor)
        self.assertIn("Done 6", text)
        self.assertNotIn("Said 1", text)
        self.assertIn("More on the public page: 2", text)
        self.assertIn(self.course._door_url(), text)
        self.assertEqual(self._pdf_pages('said_done', self.course), 1)

    def test_testimonies_need_consent(self):
        campaign = self.make_campaign()
        given = self.give(campaign, content=5, free="Very clear, I use it every day", consent=self.yes.id)
        refused = self.give(campaign, content=5, free="Do not quote me", consent=self.no.id)
        with self.assertRaises(ValidationError):
            self._make_testimony(self._comment(refused))
        with self.assertRaises(ValidationError):
            self._make_testimony(text_said="From nowhere")
        testimony = self._make_testimony(self._comment(given))
        self.assertEqual(testimony.text_said, "Very clear, I use it every day")
        self.assertNotIn("every day", self._period('results', course_id=self.course.id))
        self._release(testimony)
        text = self._period('results', course_id=self.course.id)
        self.assertIn("every day", text)
        self.assertNotIn("Do not quote me", text)
        self.assertNotIn("every day", self._page())
        # Set aside later: nothing of it is quoted any more.
        given.sudo().excluded_reason = "By mistake"
        self.env.flush_all()
        self.assertNotIn("every day", self._period('results', course_id=self.course.id))
        elsewhere = self._release(self._make_testimony(text_said="A letter", consent="Letter of 3 March"))
        self.assertIn(elsewhere.text_said, self._period('results', course_id=self.course.id))

    def test_rights(self):
        publication = self._make_text()
        self.assertTrue(self.user_env(publication, self.auditor).text_said)
        for user in (self.declarant, self.plain, self.portal, self.public, self.other_officer):
            with self.assertDenied():
                self.user_env(publication, user).read(['text_said'])
        with self.assertDenied():
            self.user_env(publication, self.auditor).text_said = "Mine"
        with self.assertDenied():
            self.user_env(publication, self.auditor).action_release()


@tagged('post_install', '-at_install')
@freeze_time(TODAY)
class TestGivingBack(GivingBackCase):
    """Sheets for auditors, funders and the public, against figures computed by hand."""

    def test_matrix(self):
        campaign = self.make_campaign(learners=4)
        self.give(campaign, content=5, free="More practice")
        campaign.sudo().invite_ids[0].write({'reminder_number': 1, 'last_reminder': TODAY[:10]})
        funder = self.env.ref('qualiopi.stakeholder_funder')
        self.model_as('qualiopi.feedback.campaign', self.officer).create({
            'stakeholder_id': funder.id, 'means': 'webinar', 'asked_count': 3, 'answered_count': 3,
        }).action_done()
        planned = self.make_campaign(
            start=False, stakeholder_id=self.env.ref('qualiopi.stakeholder_trainer').id, moment='cold')
        self.assertEqual(planned.state, 'planned')
        self.env.flush_all()
        text = self._period('matrix', user=self.auditor)
        for expected in (
            "Persons asked: 4", "Replies: 1 (25 %)", "Comments received: 1", "Persons reminded: 1",
            "Persons asked: 3", "Replies: 3 (100 %)", "Webinar", "all replied",
        ):
            self.assertIn(expected, text)
        self.assertIn("Teaching team, trainer", text.partition("Not asked in this period:")[2])
        self.assertNotIn("Beneficiary", text.partition("Not asked in this period:")[2])
        last_year = self._period('matrix', date_from='2020-01-01', date_to='2020-12-31')
        self.assertIn("Nobody was asked", last_year)

    def test_synthesis_of_the_year(self):
        campaign = self.make_campaign(learners=4)
        # 100, 75, 50: mean 75; 10, 9, 3: two promoters, one detractor of three: +33; three of four: 75 %.
        for content, nps in ((5, 10), (4, 9), (3, 3)):
            self.give(campaign, content=content, nps=nps, free="Good")
        text = self._period('satisfaction', user=self.auditor)
        for expected in ("75 / 100", "+33", "75 %", "n = 3", "Replies: 3 of 4", self.course.name, "Content",
                         "Comments received: 3", "of which analysed: 0", "mean of the answers"):
            self.assertIn(expected, text)
        self.assertNotIn("Good", text)

    def test_the_evaluation_of_the_teaching_counts_apart(self):
        """Indicator 33: distinct from satisfaction. 75 of the learners, 0 of the apprentices' evaluation."""
        campaign = self.make_campaign(learners=2)
        self.give(campaign, content=4)
        teaching = self._make_survey(title="Teaching", qualiopi_is_teaching=True)
        apart = self.make_campaign(event=campaign.event_id, survey_id=teaching.id, moment='mid')
        answer = apart.sudo()._new_answer()
        answer._save_lines(teaching.question_ids.sorted()[0], '1')
        answer._mark_done()
        self.env.flush_all()
        for text in (self._period('satisfaction'), self._html('satisfaction', campaign.event_id)):
            self.assertIn("75 / 100 satisfaction, n = 1", text)
            self.assertIn("evaluation of the teaching (indicator 33): 0 / 100 , n = 1", text)
        funder = self._html('funder', self._funder_sheet(campaign))
        self.assertIn("75 / 100 satisfaction of the learners, n = 1", funder)
        self.assertIn("evaluation of the teaching", funder)

    def test_heard_without_a_mark(self):
        self.model_as('qualiopi.feedback.campaign', self.officer).create({
            'stakeholder_id': self.env.ref('qualiopi.stakeholder_trainer').id, 'means': 'meeting', 'asked_count': 4,
            'answered_count': 3,
        }).action_done()
        self.env.flush_all()
        self.assertIn("or elsewhere: Teaching team, trainer (replies: 3 of 4)", self._period('satisfaction'))

    def test_synthesis_of_a_session(self):
        campaign = self.make_campaign(learners=2)
        self.give(campaign, content=4, nps=9, free="The second day was too long")
        text = self._html('satisfaction', campaign.event_id)
        for expected in ("75 / 100", "+100", "1 / 2", "The second day was too long", campaign.event_id.name):
            self.assertIn(expected, text)
        # Auditors read figures, not answers.
        text = self._html('satisfaction', campaign.event_id, user=self.auditor)
        self.assertIn("75 / 100", text)
        self.assertNotIn("second day", text)

    def test_anonymous_campaigns_stay_hidden(self):
        campaign = self.make_campaign(learners=6, is_anonymous=True, threshold=5)
        for __ in range(3):
            self.give(campaign, content=1, nps=0, free="A secret comment")
        for text in (
            self._period('satisfaction'), self._html('satisfaction', campaign.event_id), self._period('results'),
            self._html('funder', self._funder_sheet(campaign)), self._period('matrix'),
        ):
            self.assertNotIn("0 / 100", text.replace("0–100", ""))
            self.assertNotIn("-100", text)
            self.assertNotIn("secret", text)
            self.assertNotIn("Comments received: 3", text)
        self.assertIn("results hidden: 1", self._period('satisfaction'))
        self.assertIn("results show when the campaign has ended", self._html('satisfaction', campaign.event_id))

    def _funder_sheet(self, campaign, **values):
        return self.model_as('qualiopi.funder.sheet', self.officer).create({
            'event_id': campaign.event_id.id, **values})

    def test_funder_sheet(self):
        campaign = self.make_campaign(learners=2)
        event = campaign.event_id.sudo()
        event.registration_ids[0].name = "Zoé Quatrepain"
        funder = self.env['res.partner'].create({'name': "Test Funder", 'email': 'funder@example.com'})
        event.registration_ids.funder_id = funder
        words = "Zoé Quatrepain helped me, write to zoe@example.com or 06 12 34 56 78"
        self.give(campaign, content=5, nps=10, free=words)
        self.give(campaign, content=3, nps=9, free="QUATREPAIN was late, but pleasant")
        sheet = self._funder_sheet(campaign)
        self.assertEqual(sheet.partner_ids, funder)
        text = self._html('funder', sheet)
        for expected in ("75 / 100", "+100", "n = 2", "100 %", "helped me, write to […] or […]",
                         "[…] was late, but pleasant", "How it is calculated", event.name):
            self.assertIn(expected, text)
        for name in ("Quatrepain", "QUATREPAIN", "Zoé", "zoe@"):
            self.assertNotIn(name, text)

    def test_what_is_sent_feeds_the_matrix(self):
        campaign = self.make_campaign(learners=2)
        self.give(campaign, content=5, free="To keep")
        funder = self.env['res.partner'].create({'name': "Test Funder", 'email': 'funder@example.com'})
        sheet = self._funder_sheet(campaign, partner_ids=[Command.set(funder.ids)])
        last = self.env['mail.mail'].sudo().search([], order='id desc', limit=1).id
        with self.allow_pdf_render():
            sheet.action_send()
        mail = self.env['mail.mail'].sudo().search([('id', '>', last)])
        self.assertEqual(mail.recipient_ids, funder)
        self.assertIn("a reply to this message is enough", mail.body_html)
        self.assertTrue(base64.b64decode(mail.attachment_ids.datas).startswith(b'%PDF'))
        returns = self.model_as('qualiopi.feedback.return', self.auditor)
        given = returns.search([('event_id', '=', campaign.event_id.id)])
        self.assertEqual((given.partner_ids, given.user_id, given.stakeholder_id), (
            funder, self.officer, self.env.ref('qualiopi.stakeholder_funder')))
        # The funder was sent the results and nothing else: date and recipient are in the matrix all the same.
        matrix = self._period('matrix', user=self.auditor)
        self.assertIn("Funder By the results alone Results sent: 1", matrix)
        self.assertIn(f"11/20/2026 {funder.name} {given.name}", matrix)
        self.assertIn("Funder", matrix.partition("Not asked in this period:")[2])
        self.assertNotIn("Test Funder", self._period('matrix', date_from='2025-01-01', date_to='2025-12-31'))
        self.model_as('qualiopi.feedback.campaign', self.officer).create({
            'stakeholder_id': given.stakeholder_id.id, 'means': 'webinar', 'asked_count': 1,
        }).action_done()
        matrix = self._period('matrix', user=self.auditor)
        self.assertIn("Test Funder", matrix)
        self.assertNotIn("By the results alone", matrix)
        for user in (self.officer, self.manager):
            with self.assertDenied():
                self.user_env(given, user).write({'date': '2020-01-01'})
            with self.assertDenied():
                self.user_env(given, user).unlink()
        for user in (self.declarant, self.portal, self.other_officer):
            with self.assertDenied():
                self.user_env(given, user).read(['name'])

    def test_strangers_get_no_comments(self):
        campaign = self.make_campaign()
        self.give(campaign, content=5, free="To keep")
        for user in (self.other_officer, self.auditor, self.declarant):
            with self.assertDenied():
                sheets = self.model_as('qualiopi.funder.sheet', user)
                sheets.create({'event_id': campaign.event_id.id}).read(['comments'])

    def test_nobody_to_send_to(self):
        campaign = self.make_campaign()
        with self.assertRefused("Choose who"):
            self._funder_sheet(campaign).action_send()
        mute = self.env['res.partner'].create({'name': "No Address"})
        with self.assertRefused("No Address"):
            self._funder_sheet(campaign, partner_ids=[Command.set(mute.ids)]).action_send()

    def test_result_sheet(self):
        campaign = self.make_campaign(learners=4)
        # 100 and 50: 75 of 100. NPS 10 and 6: one promoter, one detractor: 0. Two of four: 50 %.
        self.give(campaign, content=5, nps=10)
        self.give(campaign, content=3, nps=6)
        self.model_as('qualiopi.result', self.officer).create({
            'event_id': campaign.event_id.id, 'presented': 4, 'passed': 3, 'date': TODAY[:10]})
        survey = self.env.ref('qualiopi.survey_learner_cold')
        cold = self.make_campaign(learners=0, event=campaign.event_id, survey_id=survey.id, moment='cold')
        overall = survey.question_ids.filtered('constr_mandatory')
        question = survey.question_ids.filtered(lambda question: question.qualiopi_use == 'insertion')
        choices = question.suggested_answer_ids
        for choice in (choices[0], choices[1], choices[4]):
            answer = cold.sudo()._new_answer()
            answer._save_lines(overall, '5')
            answer._save_lines(question, str(choice.id))
            answer._mark_done()
        self.env.flush_all()
        text = self._period('results', user=self.auditor, course_id=self.course.id)
        for expected in (
            self.course.name, "satisfaction at the end, n = 2", "75 / 100", "Recommendation (NPS) 0 2", "3 of 4 (75 %)",
            "in a job after the course, n = 3", "67 %", "Persons in a job in a hundred", "Calculation method",
        ):
            self.assertIn(expected, text)
        self.assertIn("01/01/2026", text)
        other = self.env['qualiopi.course'].create({'name': "Other course", 'company_id': self.company.id})
        self.assertNotIn("75 / 100", self._period('results', course_id=other.id))

    def test_who_prints(self):
        for report in ('matrix', 'satisfaction', 'results'):
            for user in (self.declarant, self.plain, self.portal):
                with self.assertDenied():
                    self._period(report, user=user)
            with self.assertRaises(UserError), mute_logger('odoo.addons.base.models.ir_rule'):
                self._period(report, user=self.other_officer)

    def test_print_wizard(self):
        wizard = self.model_as('qualiopi.print', self.auditor).create({
            'document': 'results', 'period': 'this_year', 'course_id': self.course.id})
        action = wizard.action_print()
        self.assertEqual(action['report_name'], 'qualiopi.report_results')
        self.assertEqual(action['data']['course_id'], self.course.id)
        for document in ('matrix', 'satisfaction'):
            wizard.document = document
            self.assertEqual(wizard.action_print()['report_name'], f'qualiopi.report_{document}')
