from datetime import date
from unittest.mock import patch

from freezegun import freeze_time

from odoo import Command
from odoo.tests import tagged
from odoo.tools import mute_logger

from .common import TODAY
from .test_campaign import CampaignCase


@tagged('post_install', '-at_install')
@freeze_time(TODAY)
class TestCampaignSchedule(CampaignCase):
    """The session of 16 and 17 November 2026, seen from the 20th."""

    def campaigns(self, event=None):
        return self.env['qualiopi.feedback.campaign'].search([('event_id', '=', (event or self.event).id)])

    # === RULES === #

    def test_a_rule_makes_one_campaign_that_invites(self):
        self.make_rule(offset_days=1)
        self.run_job()
        campaign = self.campaigns()
        self.assertRecordValues(campaign, [{
            'state': 'running', 'date_from': date(2026, 11, 18), 'asked_count': 2, 'user_id': self.manager.id,
            'survey_id': self.survey.id, 'moment': 'hot', 'is_automatic': True,
        }])
        self.run_job()
        self.assertEqual(self.campaigns(), campaign)
        self.assertEqual(len(self.mails_of(campaign)), 2)

    def test_nothing_happens_without_a_rule(self):
        self.run_job()
        self.assertFalse(self.campaigns())

    def test_the_rule_of_the_course_goes_first(self):
        self.make_rule(offset_days=5)
        self.make_rule(offset_days=8, course_id=self.course.id)
        self.make_rule(stakeholder_id=self.trainer_stakeholder.id)
        self.make_rule(stakeholder_id=self.trainer_stakeholder.id, course_id=self.course.id, is_off=True)
        plain = self._make_event(self.company, trainer_ids=[Command.set(self.trainer.ids)])
        self._make_registration(plain)
        self.run_job()
        self.assertEqual(self.campaigns().mapped('date_from'), [date(2026, 11, 25)])
        self.assertEqual(
            sorted((c.stakeholder_id.name, c.date_from) for c in self.campaigns(plain)),
            [("Beneficiary", date(2026, 11, 22)), ("Teaching team, trainer", date(2026, 11, 17))],
        )

    def test_usual_rules_are_proposed_once(self):
        rules = self.model_as('qualiopi.feedback.rule', self.officer)
        rules.action_propose()
        proposed = rules.search([])
        self.assertIn(('beneficiary', 'hot'), [
            (rule.stakeholder_id.get_external_id()[rule.stakeholder_id.id].split('_', 1)[1], rule.moment)
            for rule in proposed
        ])
        self.assertEqual(set(proposed.company_id.ids), {self.company.id})
        rules.action_propose()
        self.assertEqual(rules.search([]), proposed)
        with self.assertDenied():
            self.model_as('qualiopi.feedback.rule', self.auditor).action_propose()
        self.assertFalse(self.model_as('qualiopi.feedback.rule', self.other_officer).search([]))

    def test_old_sessions_are_left_alone(self):
        old = self._make_event(self.company, date_begin='2026-09-01 08:00:00', date_end='2026-09-02 16:00:00')
        self._make_registration(old)
        self.make_rule()
        self.run_job()
        self.assertFalse(self.campaigns(old))
        self.assertTrue(self.campaigns())

    def test_the_day_is_that_of_the_session_s_time_zone(self):
        # 20:00 on the 15th in Montreal is the 16th in Paris.
        away = self._make_event(
            self.company, date_begin='2026-11-15 14:00:00', date_end='2026-11-16 01:00:00',
            date_tz='America/Montreal',
        )
        self._make_registration(away)
        self.make_rule(offset_days=1)
        self.run_job()
        self.assertEqual(self.campaigns(away).date_from, date(2026, 11, 16))
        self.assertEqual(self.campaigns().date_from, date(2026, 11, 18))

    def test_today_is_that_of_the_company_s_time_zone(self):
        self.make_rule(offset_days=4)
        with self.at('2026-11-20', 22):
            # 23:00 on the 20th in Paris
            self.run_job()
        self.assertEqual(self.campaigns().state, 'planned')
        with self.at('2026-11-20', 23):
            # 0:00 on the 21st
            self.run_job()
        self.assertRecordValues(self.campaigns(), [{'state': 'running', 'asked_count': 2}])
        self.assertEqual(self.campaigns().invite_ids.mapped('sent_on'), [date(2026, 11, 21)] * 2)

    # === REMINDERS === #

    def test_reminders_stop_at_the_maximum_and_once_answered(self):
        self.make_rule(reminder_count=2, reminder_days=3)
        self.run_job()
        campaign = self.campaigns()
        self.invite_of(campaign, "Test Apprenante")._mark_answered()
        learner = self.invite_of(campaign, "Test Learner")
        seen = []
        for day in range(21, 31):
            with self.at(f'2026-11-{day}'):
                self.run_job()
            seen.append((day, learner.reminder_number))
        self.assertEqual(
            seen, [(21, 0), (22, 0), (23, 1), (24, 1), (25, 1), (26, 2), (27, 2), (28, 2), (29, 2), (30, 2)],
        )
        self.assertEqual(len(self.mails_of(campaign)), 4)
        self.assertIn("Reminder: your opinion", self.mails_of(campaign)[-1].subject)
        self.assertEqual(self.invite_of(campaign, "Test Apprenante").reminder_number, 0)
        self.assertRecordValues(campaign, [{
            'state': 'done', 'asked_count': 2, 'reminded_count': 1, 'answered_count': 1,
        }])

    def test_after_a_silence_of_ten_days_one_reminder_leaves(self):
        self.make_rule(reminder_count=3, reminder_days=2)
        self.run_job()
        with self.at('2026-12-01'):
            self.run_job()
            self.run_job()
        campaign = self.campaigns()
        self.assertEqual(campaign.invite_ids.mapped('reminder_number'), [1, 1])
        self.assertEqual(len(self.mails_of(campaign)), 4)
        self.assertEqual(campaign.state, 'running')

    def test_all_have_answered_ends_the_campaign(self):
        self.make_rule()
        self.run_job()
        campaign = self.campaigns()
        campaign.invite_ids._mark_answered()
        with self.at('2026-11-21'):
            self.run_job()
        self.assertRecordValues(campaign, [{'state': 'done', 'response_rate': 100.0}])
        self.assertEqual(campaign.activity_ids.mapped('qualiopi_step'), ['analyse'])

    def test_reminding_by_hand_is_once_a_day(self):
        campaign = self.make_campaign()
        campaign.action_start()
        with self.assertRefused("written to today already"):
            campaign.action_remind()
        with self.at('2026-11-21'):
            campaign.action_remind()
            with self.assertRefused("written to today already"):
                campaign.action_remind()
        self.assertEqual(campaign.reminded_count, 2)

    # === SESSIONS THAT MOVE === #

    def test_a_postponed_session_takes_its_campaigns_along(self):
        self.make_rule(offset_days=10)
        self.run_job()
        campaign = self.campaigns()
        self.assertEqual(campaign.date_from, date(2026, 11, 27))
        self.event.write({'date_begin': '2026-12-14 08:00:00', 'date_end': '2026-12-15 16:00:00'})
        self.assertEqual((campaign.date_from, campaign.state), (date(2026, 12, 25), 'planned'))

    def test_a_day_chosen_by_hand_stays(self):
        self.make_rule(offset_days=10)
        self.run_job()
        campaign = self.campaigns()
        campaign.with_user(self.officer).date_from = date(2026, 11, 30)
        with self.at('2026-11-21'):
            self.run_job()
        self.assertEqual(campaign.date_from, date(2026, 11, 30))

    def test_a_session_that_moves_after_the_invitations_pauses_the_reminders(self):
        self.make_rule(reminder_days=3)
        self.run_job()
        campaign = self.campaigns()
        self.event.write({'date_begin': '2026-12-01 08:00:00', 'date_end': '2026-12-02 16:00:00'})
        with self.at('2026-11-30'):
            self.run_job()
        self.assertEqual(campaign.reminded_count, 0)
        self.assertEqual(campaign.state, 'running')
        with self.at('2026-12-05'):
            self.run_job()
        self.assertEqual(campaign.reminded_count, 2)
        self.assertIn("has moved after the invitations", "".join(campaign.message_ids.mapped('body')))

    def test_a_cancelled_session_stops_its_campaigns(self):
        self.make_rule()
        self.run_job()
        campaign = self.campaigns()
        self.event.kanban_state = 'cancel'
        self.assertRecordValues(campaign, [{
            'state': 'cancelled', 'cancel_reason': "The session was cancelled.", 'asked_count': 2,
        }])
        with self.at('2026-11-30'):
            self.run_job()
        self.assertEqual(len(self.mails_of(campaign)), 2)
        self.event.kanban_state = 'normal'
        self.assertEqual(campaign.state, 'running')
        with self.at('2026-12-01'):
            self.run_job()
        self.assertEqual(campaign.reminded_count, 2)

    def test_an_archived_session_stops_its_campaigns(self):
        self.make_rule(offset_days=10)
        self.run_job()
        campaign = self.campaigns()
        self.event.active = False
        self.assertEqual((campaign.state, campaign.cancel_reason), ('cancelled', "The session was archived."))
        with self.at('2026-11-27'):
            self.run_job()
        self.assertFalse(campaign.invite_ids)

    def test_a_session_that_asked_nobody_yet_can_be_deleted(self):
        event = self._make_event(self.company, date_begin='2026-12-01 08:00:00', date_end='2026-12-02 16:00:00')
        registration = self._make_registration(event)
        self.make_rule()
        self.run_job()
        campaign = self.campaigns(event)
        self.assertEqual(campaign.state, 'planned')
        registration.unlink()
        event.unlink()
        self.assertRecordValues(campaign, [{'state': 'cancelled', 'cancel_reason': "The session was deleted."}])

    def test_a_rule_taken_away_cancels_what_it_planned(self):
        rule = self.make_rule(offset_days=10)
        self.run_job()
        rule.active = False
        with self.at('2026-11-21'):
            self.run_job()
        self.assertEqual(self.campaigns().state, 'cancelled')

    def test_late_registrations_are_asked_too(self):
        self.make_rule()
        self.run_job()
        self._make_registration(self.event, name="Late", email='late@example.com')
        with self.at('2026-11-21'):
            self.run_job()
        self.assertEqual(self.campaigns().asked_count, 3)

    # === MANY AND BROKEN === #

    def test_one_broken_campaign_does_not_hold_up_the_others(self):
        self.make_rule()
        events = self.event
        for number in range(4):
            event = self._make_event(self.company, name=f"Session {number}")
            self._make_registration(event)
            events += event
        poisoned = events[2]
        Campaign = self.env.registry['qualiopi.feedback.campaign']
        original = Campaign._sync_invites

        def fail(campaigns):
            if poisoned in campaigns.event_id:
                raise ValueError("A missing template")
            return original(campaigns)

        logger = 'odoo.addons.qualiopi.models.qualiopi_feedback_job'
        with patch.object(Campaign, '_sync_invites', fail), mute_logger(logger):
            self.run_job()
        states = {event: self.campaigns(event).state for event in events}
        self.assertEqual(states.pop(poisoned), 'planned')
        self.assertEqual(set(states.values()), {'running'})
        self.assertIn("A missing template", self.campaigns(poisoned).message_ids[0].body)
        self.assertTrue(self.env.ref('qualiopi.ir_cron_feedback').active)
        with self.at('2026-11-21'):
            self.run_job()
        self.assertEqual(self.campaigns(poisoned).state, 'running')

    def test_queries_of_looking_do_not_grow(self):
        """Reading a list of campaigns, and finding whom sessions ask, costs as much for 20 as for 2."""
        def sessions(count):
            events = self.env['event.event']
            for number in range(count):
                event = self._make_event(self.company, name=f"Session {number}")
                self._make_registration(event, name=f"Learner {number}", email=f'l{number}@example.com')
                events += event
            return self.env['qualiopi.feedback.campaign'].create([{
                'company_id': self.company.id, 'event_id': event.id, 'stakeholder_id': self.beneficiary.id,
                'survey_id': self.survey.id, 'moment': 'hot',
            } for event in events])

        def queries(campaigns, look):
            self.env.flush_all()
            self.env.invalidate_all()
            before = self.env.cr.sql_log_count
            look(campaigns)
            return self.env.cr.sql_log_count - before

        few, many = sessions(2), sessions(20)
        spec = {name: {} for name in ('reference', 'name', 'asked_count', 'response_rate', 'state')}
        for look in (lambda records: records._recipients(), lambda records: records.web_read(spec)):
            queries(few, look)
            self.assertLessEqual(queries(many, look), queries(few, look))
