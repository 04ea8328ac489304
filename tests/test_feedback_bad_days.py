from contextlib import contextmanager
from datetime import date
from unittest.mock import patch
from urllib.parse import urlsplit

import psycopg2
from freezegun import freeze_time

from odoo import Command
from odoo.exceptions import UserError
from odoo.tests import tagged
from odoo.tools import mute_logger

from odoo.addons.base.models.ir_cron import IrCron

from ..models import qualiopi_feedback_job as job
from .common import TODAY
from .test_answers import AnswerCase, PageCase

_JOB = 'odoo.addons.qualiopi.models.qualiopi_feedback_job'


class Killed(BaseException):
    """The server dies."""


class BadDaysCase(AnswerCase):

    def at(self, day, hour=10):
        return freeze_time(f'{day} {hour:02}:00:00')

    def run_job(self, day=None, name='feedback'):
        with self.at(day or '2026-11-20'), self.enter_registry_test_mode():
            self.env.ref(f'qualiopi.ir_cron_{name}').method_direct_trigger()
        self.env.invalidate_all()

    def figures(self, campaign, *names):
        campaign.invalidate_recordset()
        figures = campaign._figures()
        return tuple(figures[name] for name in names or ('asked', 'n', 'rate', 'satisfaction'))

    def mails(self, campaign):
        return self.env['mail.mail'].sudo().search([
            ('model', '=', 'qualiopi.feedback.invite'), ('res_id', 'in', campaign.sudo().invite_ids.ids)])


@tagged('post_install', '-at_install')
@freeze_time(TODAY)
class TestFeedbackBadDays(BadDaysCase, PageCase):
    """Over the pages: figures stay right, or say why they cannot be given. All figures are counted by hand."""

    def answer(self, invite, **answers):
        """A whole answer over the pages."""
        survey, key, __ = self.begin(invite)
        self.assertTrue(key, "The page lets begin")
        __, reply = self.submit(survey, key, **answers)
        self.assertIn('o_survey_finished', reply.get('survey_content', str(reply)))
        return key

    def assertPage(self, invite, text):
        """What the page of the link says, and that its button does no more than it says."""
        self.assertIn(text, self.url_open(self.link(invite)).text)
        __, key, page = self.begin(invite)
        self.assertIsNone(key)
        self.assertIn(text, page.text)

    # === THE QUESTIONNAIRE === #

    def test_the_questionnaire_gets_a_new_version_while_it_is_answered(self):
        campaign = self.make_campaign(learners=3)
        planned = self.make_campaign(start=False, date_from='2026-12-01')
        first, second, third = self.invites(campaign)
        self.answer(first, content=5)
        begun = self.begin(second)[:2]
        action = self.survey.with_user(self.officer).action_qualiopi_new_version()
        self.assertEqual(planned.survey_id.id, action['res_id'])
        self.assertEqual(campaign.survey_id, self.survey)
        page = self.url_open(f'/survey/{begun[0]}/{begun[1]}')
        self.assertIn("Was it too noisy?", page.text)
        self.submit(*begun, content=3)
        self.answer(third, content=1)
        # 100, 50 and 0.
        self.assertEqual(self.figures(campaign), (3, 3, 100, 50))

    def test_an_archived_questionnaire_is_sent_to_nobody(self):
        campaign = self.make_campaign(start=False)
        self.survey.action_archive()
        with self.assertRefused("Choose the questionnaire"):
            campaign.action_start()
        self.run_job()
        self.assertEqual((campaign.state, len(campaign.invite_ids)), ('planned', 0))

    def test_the_questionnaire_is_edited_or_deleted(self):
        campaign = self.make_campaign(learners=3)
        first, second, __ = self.invites(campaign)
        self.answer(first, content=5, noise=1)
        survey = self.survey.with_user(self.manager)
        for refused in (
            lambda: self.noise.with_user(self.manager).write({'qualiopi_is_inverted': False}),
            lambda: survey.write({'question_and_page_ids': [Command.create({
                'title': "Rooms", 'question_type': 'scale', 'qualiopi_use': 'satisfaction'})]}),
            lambda: survey.write({'question_and_page_ids': [Command.delete(self.pace.id)]}),
            lambda: survey.write({'question_and_page_ids': [Command.update(self.pace.id, {'scale_max': 5})]}),
            self.content.with_user(self.manager).unlink, survey.unlink,
        ):
            with self.assertRefused("has been answered"):
                refused()
        survey.write({'title': "Another title", 'question_and_page_ids': [
            Command.update(self.content.id, {'sequence': 30}),
            Command.update(self.noise.id, {'description': "<p>!</p>"}),
            Command.create({'title': "Your job?", 'question_type': 'char_box', 'sequence': 31})]})
        self.answer(second, content=3, noise=5)
        # (100 + 100) / 2 and (50 + 0) / 2.
        self.assertEqual(self.figures(campaign), (3, 2, 200 / 3, 62.5))

    def test_a_question_of_another_questionnaire_is_not_moved_in(self):
        campaign = self.make_campaign()
        self.answer(self.invites(campaign)[0], content=5)
        other = self.survey.copy()
        with self.assertRefused("has been answered"):
            other.question_ids[0].with_user(self.manager).survey_id = self.survey

    # === PERSONS === #

    def test_a_learner_moves_before_answering(self):
        campaign = self.make_campaign(learners=3)
        first, second, third = self.invites(campaign)
        self.answer(first, content=4)
        second.registration_id.event_id = self._make_event(self.company)
        third.registration_id.unlink()
        # At once, not only after the night.
        self.assertPage(second, "is closed")
        self.assertPage(third, "is closed")
        self.assertEqual((second.reason, third.reason), ('moved', 'gone'))
        self.assertEqual(self.figures(campaign), (1, 1, 100, 75))

    def test_a_learner_moves_or_is_deleted_after_answering(self):
        campaign = self.make_campaign(learners=2)
        first, second = self.invites(campaign)
        self.answer(first, content=4)
        self.answer(second, content=2)
        partner = self.env['res.partner'].create({'name': "Learner 1", 'email': first.email})
        first.registration_id.event_id = self._make_event(self.company)
        second.registration_id.unlink()
        self.run_job('2026-11-21')
        partner.unlink()
        self.assertEqual(self.figures(campaign), (2, 2, 100, 50))
        self.assertEqual(campaign.sudo().answer_ids.event_id, campaign.event_id)

    def test_who_was_taken_out_cannot_answer_by_an_old_page(self):
        for values in ({}, {'is_anonymous': True}):
            campaign = self.make_campaign(**values)
            first, second = self.invites(campaign)
            self.user_env(first, self.officer).action_exclude()
            self.assertPage(first, "is closed")
            self.answer(second, content=5)
            self.assertEqual(campaign._figures()['n'], 1)

    def test_contacts_are_merged(self):
        event = self._make_event(self.company)
        one, two = self.env['res.partner'].create([
            {'name': "Anna Test", 'email': 'anna@example.com', 'lang': 'en_US'},
            {'name': "A. Test", 'email': 'a.test@example.com', 'lang': 'en_US'}])
        for partner in (one, two):
            self._make_registration(event, name=partner.name, email=partner.email)
        campaign = self.make_campaign(event=event, learners=1)
        by_name = {invite.name: invite for invite in self.invites(campaign)}
        self.assertEqual(len(by_name), 3)
        self.answer(by_name["Anna Test"], content=5)
        self.env['base.partner.merge.automatic.wizard'].create({
            'partner_ids': [Command.set((one + two).ids)], 'dst_partner_id': one.id}).action_merge()
        self.env.invalidate_all()
        self.run_job('2026-11-21')
        self.assertPage(by_name["A. Test"], "is closed")
        self.assertEqual(self.figures(campaign), (2, 1, 50, 100))

    def test_registered_twice_is_one_person(self):
        event = self._make_event(self.company)
        anna = self.env['res.partner'].create({'name': "Anna Test", 'email': 'anna@example.com'})
        self._make_registration(event, name="Anna Test", email='anna@example.com')
        campaign = self.make_campaign(event=event, learners=0)
        self.answer(self.invites(campaign), content=2)
        again = self._make_registration(event, name="Anna TEST", email='Anna@Example.com')
        self.assertEqual(again.learner_id, anna)
        campaign._as_server().write({'state': 'running', 'checked_on': False})
        self.run_job('2026-11-21')
        self.assertEqual(self.figures(campaign), (1, 1, 100, 25))
        self.assertEqual(len(self.mails(campaign)), 1)

    def test_without_address_and_with_a_mail_that_comes_back(self):
        event = self._make_event(self.company)
        nobody = self._make_registration(event, name="Nobody", email=False)
        campaign = self.make_campaign(event=event, learners=2)
        first, second, by_hand = self.invites(campaign)
        self.assertEqual(by_hand.registration_id, nobody)
        self.bounce(second)
        self.assertRecordValues(campaign, [{'asked_count': 1, 'unreachable_count': 2}])
        self.assertEqual(self.figures(campaign), (1, 0, 0, None))
        self.answer(first, content=5)
        # The mail came back, and was read all the same; the other answers on paper.
        self.answer(second, content=3)
        self.authenticate('qualiopi_officer', 'qualiopi_officer')
        page = self.url_open(self.user_env(by_hand, self.officer).action_paper_answer()['url'])
        self.submit(*urlsplit(page.url).path.split('/')[-2:], content=1)
        self.assertEqual(self.figures(campaign), (3, 3, 100, 50))
        self.assertRecordValues(campaign, [{'paper_count': 1, 'unreachable_count': 0, 'response_rate': 100}])

    def bounce(self, invite):
        """The mail server of the person says that there is no such person."""
        mail = self.mails(invite.campaign_id).filtered(lambda mail: mail.res_id == invite.id)
        domain = self.env['mail.alias.domain'].search([], limit=1) or self.env['mail.alias.domain'].create({
            'name': 'provider.example.com', 'bounce_alias': 'bounce', 'catchall_alias': 'catchall'})
        self.company.alias_domain_id = domain
        source = f"""Return-Path: <>
From: MAILER-DAEMON@example.com
To: {domain.bounce_email}
Subject: Undelivered Mail Returned to Sender
Message-ID: <returned.{invite.id}@example.com>
Date: Fri, 20 Nov 2026 10:00:00 +0000
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status; boundary="part"

--part
Content-Type: text/plain

User unknown
--part
Content-Type: message/delivery-status

Final-Recipient: rfc822; {invite.email}
Action: failed
Status: 5.1.1

--part
Content-Type: message/rfc822

From: provider@example.com
To: {invite.email}
Subject: Your opinion
Message-ID: {mail.message_id}

Hello
--part--
"""
        with mute_logger('odoo.addons.mail.models.mail_thread'):
            self.env['mail.thread'].message_process(None, source)

    # === THE SESSION === #

    def test_the_session_is_cancelled_and_takes_place_after_all(self):
        for values, shown in (({}, 75), ({'is_anonymous': True}, None)):
            campaign = self.make_campaign(learners=3, **values)
            first, second, __ = self.invites(campaign)
            self.answer(first, content=4)
            campaign.event_id.sudo().kanban_state = 'cancel'
            self.assertPage(second, "is closed")
            campaign.invalidate_recordset()
            self.assertEqual(campaign.satisfaction_text, "–")
            self.assertEqual(campaign.hidden_reason, "Cancelled: what was answered is not counted.")
            campaign.event_id.sudo().kanban_state = 'normal'
            self.answer(second, content=4)
            self.assertEqual(self.figures(campaign, 'asked', 'n', 'satisfaction'), (3, 2, shown))

    def test_the_session_is_postponed_after_the_invitations(self):
        rule = self.env['qualiopi.feedback.rule'].create({
            'company_id': self.company.id, 'stakeholder_id': self.beneficiary.id, 'moment': 'hot',
            'survey_id': self.survey.id, 'reminder_days': 3,
        })
        event = self._make_event(self.company)
        for number in (1, 2):
            self._make_registration(event, name=f"Learner {number}", email=f'late{number}@example.com')
        self.run_job()
        campaign = self.env['qualiopi.feedback.campaign'].search([('event_id', '=', event.id)])
        self.assertEqual(campaign.rule_id, rule)
        first, second = self.invites(campaign)
        self.answer(first, content=4)
        begun = self.begin(second)[:2]
        event.write({'date_begin': '2026-12-01 08:00:00', 'date_end': '2026-12-02 16:00:00'})
        # Nobody judges a session that is still to come.
        page = self.url_open(self.link(second))
        self.assertIn("opens on", page.text)
        self.assertIn("12/02/2026", page.text)
        self.assertNotIn("Was it too noisy?", self.url_open(f'/survey/{begun[0]}/{begun[1]}').text)
        self.assertEqual(self.submit(*begun, content=1)[1], {'error': 'answer_deadline'})
        self.assertEqual(self.figures(campaign), (2, 1, 50, 75))
        with self.at('2026-12-02'):
            self.submit(*begun, content=2)
            self.assertEqual(self.figures(campaign), (2, 2, 100, 50))

    def test_two_time_zones(self):
        """Half past eleven at night in London is the next day in Paris, where the provider is."""
        event = self._make_event(
            self.company, date_tz='America/Montreal', date_begin='2026-11-18 14:00:00', date_end='2026-11-20 01:00:00')
        campaign = self.make_campaign(event=event, learners=2)
        first, second = self.invites(campaign)
        with freeze_time('2026-11-20 22:59:00'):
            self.answer(first, content=5)
        with freeze_time('2026-11-20 23:30:00'):
            self.answer(second, content=1)
        answers = campaign.sudo().answer_ids.sorted('id')
        self.assertEqual(answers.mapped('answered_on'), [date(2026, 11, 20), date(2026, 11, 21)])
        self.assertEqual(self.invites(campaign)[0]._subject(), "“Session of Provider” (November 18, 2026)")
        self.assertEqual(self.figures(campaign), (2, 2, 100, 50))

    # === AFTER A FINDING (D6) === #

    def test_answers_after_a_finding(self):
        """Retaken, tested, begun, edited, deleted, set aside: one finding an answer and rule, and a history."""
        self.env['qualiopi.signal.rule'].search([]).mode = 'off'
        rule = self.env.ref('qualiopi.signal_rule_answer')
        rule.mode = 'create'
        campaign = self.make_campaign(learners=4)
        low, good, begun, late = self.invites(campaign)
        key = self.answer(low, content=1)
        self.answer(good, content=5)
        self.submit(*self.begin(begun)[:2], pace=0)
        self.authenticate('qualiopi_officer', 'qualiopi_officer')
        page = self.url_open(f'/survey/test/{self.survey.access_token}')
        test_key = urlsplit(page.url).path.split('/')[-1]
        self.make_jsonrpc_request(f'/survey/begin/{self.survey.access_token}/{test_key}', {})
        self.submit(self.survey.access_token, test_key, content=1)
        self.authenticate(None, None)
        self.run_job(name='signals')
        signal = self.env['qualiopi.signal'].search([('rule_id', '=', rule.id), ('company_id', '=', self.company.id)])
        answer = campaign.sudo().answer_ids.filtered(lambda answer: answer.access_token == key)
        self.assertRecordValues(signal, [{'value': 0, 'answer_id': answer.id, 'state': 'accepted'}])
        finding = signal.finding_id
        # Retaken over the pages: nothing changes.
        self.url_open(f'/survey/retry/{self.survey.access_token}/{key}')
        self.assertEqual(self.submit(self.survey.access_token, key, content=5)[1], {'error': 'unauthorized'})
        with self.assertRefused("not deleted"):
            answer.unlink()
        # Edited behind the program's screens: 4 of 1–5 is 75.
        answer.user_input_line_ids.filtered(lambda line: line.question_id == self.content).value_scale = 4
        self.run_job('2026-11-21', name='signals')
        self.assertRecordValues(signal, [{'value': 0, 'latest_value': 75, 'is_void': False}])
        self.assertIn("revised from 0.0 to 75.0", ' '.join(finding.message_ids.mapped('body')))
        # A low answer that comes after the end is a signal of its own, in the finding that is open.
        campaign.action_done()
        self.answer(late, content=1)
        self.run_job('2026-11-22', name='signals')
        signals = self.env['qualiopi.signal'].search([('rule_id', '=', rule.id), ('company_id', '=', self.company.id)])
        self.assertEqual((len(signals), signals.finding_id), (2, finding))
        self.user_env(answer, self.officer).action_exclude("Answered for another session")
        self.run_job('2026-11-23', name='signals')
        self.assertTrue(signal.is_void)
        self.assertEqual(self.figures(campaign, 'n', 'satisfaction'), (2, 50))
        self.assertEqual((finding.state, len(finding.signal_ids)), ('new', 2))

    # === DELETED, MERGED (E1) === #

    def test_what_answers_hang_on_is_not_deleted(self):
        campaign = self.make_campaign()
        first, second = self.invites(campaign)
        self.answer(first, content=4, free="Lively")
        line = campaign.sudo().answer_ids.user_input_line_ids.filtered('value_text_box')
        self.user_env(line, self.officer2).action_mark_analysed()
        self.officer2.unlink()
        self.assertEqual((line.analysed_on, line.analysed_by_id.id), (campaign._today(), False))
        with self.assertRefused("archive it instead"):
            campaign.event_id.sudo().unlink()
        for record in (self.trainer, self.course, self.beneficiary, self.officer, self.company):
            # An IntegrityError reads "archive it instead" on the screen.
            with self.subTest(record), self.assertRaises(Exception) as refused, mute_logger('odoo.sql_db'):
                record.sudo().unlink()
                self.env.flush_all()
            self.assertIsInstance(refused.exception, (UserError, psycopg2.IntegrityError))
        learner = self.env['res.partner'].create({'name': "Somebody"})
        campaign.sudo().answer_ids.partner_id = learner
        learner.unlink()
        self.env.invalidate_all()
        self.assertEqual(campaign.sudo().answer_ids.nickname, "Learner 1")
        self.assertEqual(self.figures(campaign), (2, 1, 50, 75))
        self.assertTrue(self.begin(second)[1], "The other may still answer")

    def test_a_trainer_is_merged(self):
        campaign = self.make_campaign()
        self.answer(self.invites(campaign)[0], content=4)
        same = self.env['res.partner'].create({'name': "Test Trainer", 'email': 'other@example.com'})
        self.env['base.partner.merge.automatic.wizard'].create({
            'partner_ids': [Command.set((self.trainer + same).ids)], 'dst_partner_id': same.id}).action_merge()
        self.env.invalidate_all()
        rates = self.model_as('qualiopi.satisfaction.report', self.officer)._rates([('trainer_id', '=', same.id)])
        self.assertEqual((rates['n'], rates['satisfaction']), (1, 75))
        self.assertEqual(campaign.sudo().answer_ids.trainer_id, same)

    def test_an_unfinished_ballot_is_waited_for(self):
        """All have opened it, one has not finished: the campaign does not end that night, and the vote counts."""
        campaign = self.make_campaign(learners=2, is_anonymous=True, threshold=2)
        first, second = self.invites(campaign)
        self.answer(first, content=5)
        begun = self.begin(second)[:2]
        self.run_job('2026-11-21')
        self.assertEqual(campaign.state, 'running')
        with self.at('2026-11-21'):
            self.submit(*begun, content=3)
        self.run_job('2026-11-22')
        self.assertEqual(campaign.state, 'done')
        self.assertEqual(self.figures(campaign), (2, 2, 100, 75))


@tagged('post_install', '-at_install')
@freeze_time(TODAY)
class TestFeedbackJob(BadDaysCase):
    """The daily job on bad days (D1 to D3)."""

    def setUp(self):
        super().setUp()
        self.startPatcher(patch.object(job, '_BATCH', 2))
        self.rule = self.env['qualiopi.feedback.rule'].create({
            'company_id': self.company.id, 'stakeholder_id': self.beneficiary.id, 'moment': 'hot',
            'survey_id': self.survey.id, 'reminder_days': 2, 'reminder_count': 3,
        })
        self.events = self.env['event.event']
        for number in range(5):
            event = self._make_event(self.company, name=f"Session {number}")
            for learner in (1, 2):
                self._make_registration(event, name=f"L{learner}", email=f'l{learner}.{number}@example.com')
            self.events |= event
        self.env.flush_all()

    def campaigns(self):
        return self.env['qualiopi.feedback.campaign'].search([('event_id', 'in', self.events.ids)], order='id')

    def rows(self):
        """What a person asked, or who reads the campaign, would notice."""
        self.env.flush_all()
        self.cr.execute("""
            SELECT e.name, c.state, c.date_from, i.name, i.state, i.sent_on,
                   COALESCE(i.reminder_number, 0), i.last_reminder,
                   (SELECT count(*) FROM mail_mail m JOIN mail_message mm ON mm.id = m.mail_message_id
                     WHERE mm.model = 'qualiopi.feedback.invite' AND mm.res_id = i.id)
              FROM qualiopi_feedback_campaign c JOIN event_event e ON e.id = c.event_id
         LEFT JOIN qualiopi_feedback_invite i ON i.campaign_id = c.id
             WHERE e.id IN %s ORDER BY e.id, i.name""", [tuple(self.events.ids)])
        return self.cr.fetchall()

    def run_until(self, day, kill=None, stop=None):
        """One run; the server dies before the commit number ``kill``, or time is up after number ``stop``."""
        commits = []

        def commit(cron, processed=0, *, remaining=None, deactivate=False):
            cron.env.flush_all()
            if len(commits) == kill:
                raise Killed
            commits.append(remaining)
            self.cr.execute("SAVEPOINT committed")
            return 0 if stop is not None and len(commits) > stop else 1

        with self.at(day), patch.object(IrCron, '_commit_progress', commit):
            self.cr.execute("SAVEPOINT committed")
            try:
                self.env['qualiopi.feedback.campaign'].with_user(self.env.ref('base.user_root'))._cron_feedback()
            except Killed:
                self.cr.execute("ROLLBACK TO SAVEPOINT committed")
                self.cr.clear()
                self.env.invalidate_all(flush=False)
        self.env.invalidate_all()
        return commits

    def test_killed_and_run_again(self):
        for day, reminders in (('2026-11-20', 0), ('2026-11-22', 1)):
            self.env.flush_all()
            with self.rolled_back():
                commits = self.run_until(day)
                self.assertGreaterEqual(len(commits), 4)
                expected = self.rows()
            self.assertEqual([row[6:9:2] for row in expected], [(reminders, 1 + reminders)] * 10)
            # Before its last commit all was done and kept.
            for kill in range(len(commits) - 1):
                with self.rolled_back(), self.subTest(day=day, kill=kill):
                    self.run_until(day, kill=kill)
                    self.assertNotEqual(self.rows(), expected)
                    self.run_until(day)
                    self.assertEqual(self.rows(), expected)
            for __ in range(6):
                self.run_until(day, kill=2)
                self.run_until(day, stop=1)
            self.assertEqual(self.rows(), expected)
            self.run_until(day)
            self.assertEqual(self.rows(), expected, "a second run of the day sends nothing")

    @contextmanager
    def rolled_back(self):
        """What happens here is undone."""
        self.env.flush_all()
        savepoint = self.cr.savepoint()
        try:
            yield
        finally:
            savepoint.close(rollback=True)
            self.env.invalidate_all()

    def test_ten_days_late(self):
        """The server was away: one reminder leaves, not five, and nobody loses days to answer in."""
        self.run_until('2026-11-20')
        self.run_until('2026-11-30')
        self.assertEqual({row[6:9] for row in self.rows()}, {(1, date(2026, 11, 30), 2)})
        self.assertEqual(set(self.campaigns().mapped('state')), {'running'})
        self.run_until('2026-12-01')
        self.assertEqual({row[8] for row in self.rows()}, {2})
        self.run_until('2026-12-02')
        self.assertEqual({row[8] for row in self.rows()}, {3})

    def test_first_run_ten_days_late(self):
        """The sessions ended while the server was away: they are asked all the same, with all their days."""
        self.run_until('2026-11-28')
        self.assertEqual({row[5:9] for row in self.rows()}, {(date(2026, 11, 28), 0, None, 1)})
        self.run_until('2026-11-30')
        self.assertEqual({row[6] for row in self.rows()}, {1})

    def test_a_poisoned_rule(self):
        """A rule with a questionnaire that is none of ours makes no campaign; the others, of all companies, do."""
        other = self.env['survey.survey'].create({'title': "Not ours"})
        self.env['qualiopi.feedback.rule'].create({
            'company_id': self.company.id, 'stakeholder_id': self.beneficiary.id, 'moment': 'cold',
            'survey_id': other.id,
        })
        away = self._make_event(self.other_company)
        self._make_registration(away)
        self.env['qualiopi.feedback.rule'].create({
            'company_id': self.other_company.id, 'stakeholder_id': self.beneficiary.id, 'moment': 'hot',
            'survey_id': self.survey.id,
        })
        with mute_logger(_JOB):
            self.run_job()
        self.assertEqual(self.campaigns().mapped('state'), ['running'] * 5)
        self.assertEqual(set(self.campaigns().mapped('moment')), {'hot'})
        self.assertTrue(self.env['qualiopi.feedback.campaign'].search([('event_id', '=', away.id)]))
        self.assertEqual(self.env.ref('qualiopi.ir_cron_feedback').failure_count, 0)

    def test_somebody_answers_while_the_job_runs(self):
        """The database refuses to write on what somebody else has just written: tried again in the same run."""
        Campaign = self.env.registry['qualiopi.feedback.campaign']
        original = Campaign._sync_invites
        self.run_until('2026-11-20')
        busy = self.campaigns()[3]
        refused = []

        def sync(campaigns):
            if busy in campaigns and len(refused) < 3:
                refused.append(campaigns)
                raise psycopg2.errors.SerializationFailure("could not serialize access due to concurrent update")
            return original(campaigns)

        with patch.object(Campaign, '_sync_invites', sync):
            self.run_until('2026-11-22')
        self.assertEqual(len(refused), 3)
        self.assertEqual({row[6] for row in self.rows()}, {1})
        self.assertNotIn("serialize", ' '.join(busy.message_ids.mapped('body')))
        # Held all night by somebody: the run ends all the same, and the next one sends.

        def hold(campaigns):
            if busy in campaigns:
                raise psycopg2.errors.SerializationFailure("held")
            return original(campaigns)

        with patch.object(Campaign, '_sync_invites', hold):
            self.run_until('2026-11-24')
        self.assertEqual(busy.checked_on, date(2026, 11, 22))
        self.assertEqual(set((self.campaigns() - busy).invite_ids.mapped('reminder_number')), {2})
        self.run_until('2026-11-24')
        self.assertEqual(set(busy.invite_ids.mapped('reminder_number')), {2})

    def test_a_poisoned_campaign_in_each_step(self):
        """Mixing, following the session, finding whom to ask, sending, ending: one that fails, nine that go on."""
        Campaign = self.env.registry['qualiopi.feedback.campaign']
        Invite = self.env.registry['qualiopi.feedback.invite']
        self.run_until('2026-11-20')
        self.campaigns()._as_server().write({'is_anonymous': True})
        poisoned = self.campaigns()[2]
        for number, (model, name) in enumerate((
            (Campaign, '_shuffle_answers'), (Campaign, '_follow_sessions'), (Campaign, '_recipients'),
            (Invite, '_send'), (Campaign, '_end_due'), (Campaign, '_followup_steps'),
        )):
            day = f'2026-11-{22 + number}'
            original = getattr(model, name)

            def fails(records, *args, original=original, model=model):
                campaigns = records if model is Campaign else records.campaign_id
                if poisoned in campaigns:
                    raise ValueError("poisoned")
                return original(records, *args)

            with self.subTest(name), patch.object(model, name, fails), mute_logger(_JOB):
                self.run_until(day)
                others = self.campaigns() - poisoned
                self.assertEqual(set(others.mapped('checked_on')), {date.fromisoformat(day)})
        self.run_until('2026-11-30')
        self.assertEqual(set(others.invite_ids.mapped('reminder_number')), {3})
        self.assertEqual(poisoned.invite_ids.mapped('reminder_number'), [2, 2], "one after all the days that failed")
