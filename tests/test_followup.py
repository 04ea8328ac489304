from contextlib import contextmanager
from datetime import date, timedelta
from unittest.mock import patch

from freezegun import freeze_time
from psycopg2 import IntegrityError

from odoo import Command
from odoo.exceptions import ConcurrencyError
from odoo.tests import tagged
from odoo.tools import mute_logger

from odoo.addons.base.models.ir_cron import IrCron

from ..exceptions import GateError
from ..models import qualiopi_followup_mixin as followup
from .common import TODAY, QualiopiCase

# Two weeks later, before the night's work: a Thursday.
LATER = '2026-12-03 05:00:00'
_LOGGER = 'odoo.addons.qualiopi.models.qualiopi_followup_mixin'

# What two equal rows differ by.
_OWN_COLUMNS = 'id,create_date,write_date,message_id,mail_message_id'


class Killed(BaseException):
    """The server went away."""


class FollowupCase(QualiopiCase):

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        # Whatever else the database owes stays out of the counts.
        cls.env['mail.activity'].search([('qualiopi_step', '!=', False)]).unlink()
        for name in cls.env['qualiopi.followup.mixin']._followup_models():
            cls.env.cr.execute(f'UPDATE {cls.env[name]._table} SET followup_on = NULL')  # noqa: S608
        cls.env.invalidate_all()

    def activities(self, records):
        """Active activities of the follow-up, whoever may see them."""
        return self.env['mail.activity'].sudo().search([
            ('res_model', '=', records._name), ('res_id', 'in', records.ids), ('qualiopi_step', '!=', False),
        ])

    def activity(self, record, step, user=None):
        """The activity of one step, in the hands of ``user``."""
        found = self.activities(record).filtered(lambda activity: activity.qualiopi_step == step)
        return found.with_user(user or self.officer).sudo(False)

    def assertOwed(self, record, *owed):
        """Exactly these steps are planned, as (step, user, due)."""
        found = [
            (activity.qualiopi_step, activity.user_id.login.removeprefix('qualiopi_'), str(activity.date_deadline))
            for activity in self.activities(record)
        ]
        self.assertEqual(sorted(found), sorted(owed))

    def run_cron(self, now):
        """The scheduled action, as the scheduler runs it."""
        with freeze_time(now), self.enter_registry_test_mode():
            self.env.ref('qualiopi.ir_cron_followup').method_direct_trigger()
        self.env.invalidate_all()

    def rows(self):
        """All that the follow-up may write, by content."""
        self.env.flush_all()
        result = []
        for table in ('mail_activity', 'mail_message', 'mail_mail', 'mail_followers'):
            self.cr.execute(
                f"SELECT to_jsonb(t) - '{{{_OWN_COLUMNS}}}'::text[] FROM {table} t"  # noqa: S608
            )
            result.append(sorted(str(sorted(row.items())) for row, in self.cr.fetchall()))
        return result

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


@tagged('post_install', '-at_install')
@freeze_time(TODAY)
class TestFollowupLife(FollowupCase):
    """Who owes what until when, over the life of a record. The lead is the manager."""

    def test_complaint(self):
        complaint = self.make_complaint()
        acknowledge, analyse, answer = (
            ('acknowledge', 'officer', '2026-11-24'),
            ('analyse', 'officer', '2026-12-04'),
            ('answer', 'officer', '2026-12-11'),
        )
        self.assertOwed(complaint, acknowledge, analyse, answer)
        self.assertEqual(complaint.followup_on, date(2026, 12, 1))
        complaint.action_acknowledge()
        self.assertOwed(complaint, analyse, answer)
        self.assertEqual(complaint.followup_on, date(2026, 12, 11))
        complaint.cause_ids = self.cause
        self.assertOwed(complaint, answer)
        complaint.cause_ids = False
        self.assertOwed(complaint, analyse, answer)
        complaint.cause_ids = self.cause
        complaint.decision = 'founded'
        complaint.response = "The heating was repaired"
        self.assertOwed(complaint, ('close', 'officer', '2026-12-18'))
        complaint.action_close()
        self.assertOwed(complaint)
        self.assertFalse(complaint.followup_on)
        self.user_env(complaint, self.manager).action_reopen("New facts came in")
        self.assertOwed(complaint, ('close', 'officer', '2026-12-18'))

    def test_ask_the_complainant(self):
        """Who left an address is asked whether it is solved, also once the entry is closed."""
        complaint = self.make_complaint(partner_id=self.customer.id, **self.closing_values())
        ask = ('ask', 'officer', '2026-12-04')
        self.assertOwed(complaint, ('close', 'officer', '2026-12-18'), ask)
        complaint.action_close()
        self.assertOwed(complaint, ask)
        # Courtesy does not escalate.
        self.assertFalse(complaint.followup_on)
        complaint.verdict = 'yes'
        self.assertOwed(complaint)

    def test_difficulty(self):
        complaint = self.make_complaint(nature='difficulty')
        self.assertOwed(complaint, ('analyse', 'officer', '2026-12-04'))
        complaint.write(self.closing_values('difficulty'))
        self.assertOwed(complaint, ('close', 'officer', '2026-12-11'))
        complaint.nature = 'complaint'
        self.assertOwed(
            complaint, ('acknowledge', 'officer', '2026-11-24'), ('answer', 'officer', '2026-12-11'),
        )

    def test_moved(self):
        """Another severity or day of receipt moves what is open."""
        complaint = self.make_complaint()
        ids = self.activities(complaint).ids
        complaint.received_on = '2026-11-19 08:00:00'
        self.assertOwed(
            complaint, ('acknowledge', 'officer', '2026-11-23'), ('analyse', 'officer', '2026-12-03'),
            ('answer', 'officer', '2026-12-10'),
        )
        complaint.severity_id = self.major
        due = [str(deadline.date()) for deadline in (
            complaint.ack_deadline, complaint.analysis_deadline, complaint.response_deadline,
        )]
        self.assertOwed(complaint, *zip(('acknowledge', 'analyse', 'answer'), ['officer'] * 3, due, strict=True))
        self.assertEqual(self.activities(complaint).ids, ids)

    def test_reassigned(self):
        complaint = self.make_complaint()
        ids = self.activities(complaint).ids
        complaint.user_id = self.officer2
        self.assertEqual(self.activities(complaint).user_id, self.officer2)
        self.assertEqual(self.activities(complaint).ids, ids)

    def test_changed_by_hand(self):
        """A date or a person changed by hand stays until the record's own change."""
        complaint = self.make_complaint()
        self.activity(complaint, 'answer').write({'date_deadline': '2026-12-01', 'user_id': self.officer2.id})
        complaint.action_acknowledge()
        self.run_cron(TODAY)
        self.assertOwed(complaint, ('analyse', 'officer', '2026-12-04'), ('answer', 'officer2', '2026-12-01'))
        complaint.received_on = '2026-11-19 08:00:00'
        self.assertOwed(complaint, ('analyse', 'officer', '2026-12-03'), ('answer', 'officer2', '2026-12-10'))
        complaint.user_id = self.manager
        self.assertOwed(complaint, ('analyse', 'manager', '2026-12-03'), ('answer', 'manager', '2026-12-10'))

    def test_own_activities(self):
        """What people planned themselves stays theirs."""
        complaint = self.make_complaint()
        own = complaint.activity_schedule('mail.mail_activity_data_todo', date(2026, 11, 1), user_id=self.officer2.id)
        complaint.write(self.closing_values())
        complaint.action_close()
        self.assertTrue(own.active)
        own.action_done()
        self.assertFalse(own.active)

    def test_cancelled(self):
        complaint = self.make_complaint()
        activities = self.activities(complaint)
        self.user_env(complaint, self.manager).action_cancel("Entered twice")
        self.assertFalse(activities.exists())

    def test_cancelled_while_another_register_waits(self):
        """What is still to be computed of an action does not mix with the steps of an entry."""
        complaint, action = self.make_complaint(), self.make_action('plan')
        self.env.flush_all()
        action._as_server().referential_date = '2026-11-02'
        self.user_env(complaint, self.manager).action_cancel("Recorded twice")
        self.assertFalse(self.activities(complaint))
        self.assertEqual(action.referential_date, date(2026, 11, 2))

    def test_ended_is_kept(self):
        """What was done stays in the history, in one note."""
        complaint = self.make_complaint()
        activities = self.activities(complaint)
        complaint.write(self.closing_values())
        self.assertEqual(activities.mapped('active'), [False] * 3)
        notes = [message.body for message in complaint.message_ids if 'Step ended' in (message.body or '')]
        self.assertEqual(len(notes), 1)
        for name in ('Acknowledge', 'Analyse', 'Answer'):
            self.assertIn(name, notes[0])

    def test_finding(self):
        finding = self.make_finding(cause_ids=False)
        self.assertOwed(finding, ('analyse', 'officer', '2026-12-04'))
        finding.cause_ids = self.cause
        self.assertOwed(finding, ('decide', 'officer', '2026-12-11'))
        action = self.make_action(finding_ids=[Command.set(finding.ids)])
        self.assertOwed(finding)
        self.user_env(action, self.manager).action_cancel("Another way was found")
        self.assertOwed(finding, ('decide', 'officer', '2026-12-11'))
        finding.action_no_action("It cannot happen again")
        self.assertOwed(finding)

    def test_finding_analyses_for_its_entry(self):
        """One analysis serves both; taken away, it is owed again."""
        complaint = self.make_complaint(nature='difficulty', correction="Another room", correction_for="All")
        finding = self.make_finding(cause_ids=False, complaint_ids=[Command.link(complaint.id)])
        analyse = ('analyse', 'officer', '2026-12-04')
        self.assertOwed(complaint, analyse)
        finding.cause_ids = self.cause
        self.assertOwed(complaint, ('close', 'officer', '2026-12-11'))
        finding.complaint_ids = [Command.unlink(complaint.id)]
        self.assertOwed(complaint, analyse)

    def test_action(self):
        action = self.make_action(date_start=date(2026, 12, 7))
        self.assertOwed(action, ('plan', 'officer', str(date(2026, 11, 20) + timedelta(days=_plan_days()))))
        action.action_plan()
        self.assertOwed(action, ('start', 'officer', '2026-12-07'))
        action.action_start()
        finish, evidence = (('finish', 'officer', '2026-12-31'), ('evidence', 'officer', '2026-12-31'))
        self.assertOwed(action, finish, evidence)
        piece = self.add_statement(action)
        self.assertOwed(action, finish)
        piece.unlink()
        self.assertOwed(action, finish, evidence)
        action._postpone(date(2027, 1, 15), "The supplier is late")
        self.assertOwed(action, ('finish', 'officer', '2027-01-15'), ('evidence', 'officer', '2027-01-15'))
        self.add_statement(action)
        check = self.pending_check(action)
        self.assertOwed(check)
        action.action_carry_out()
        self.assertOwed(action)
        self.assertOwed(check, ('check', 'manager', str(check.planned_on)))

    def test_check(self):
        action = self.make_action('check')
        check = self.pending_check(action)
        check.with_user(self.officer).planned_on = date(2027, 2, 1)
        self.assertOwed(check, ('check', 'manager', '2027-02-01'))
        check.with_user(self.officer).verifier_id = self.officer2
        self.assertOwed(check, ('check', 'officer2', '2027-02-01'))
        self.judge(action, 'not', self.officer2)
        self.assertOwed(check)
        self.assertOwed(action, ('start', 'officer', str(action.date_start or action.date_due)))
        again = self.pending_check(action)
        self.assertOwed(again)
        action.action_start()
        action.action_carry_out()
        self.assertOwed(again, ('check', 'manager', str(again.planned_on)))
        again.with_user(self.officer).action_cancel()
        self.assertFalse(self.activities(again))

    def test_effective(self):
        action = self.make_action('check')
        check = self.pending_check(action)
        self.judge(action, 'effective')
        self.assertFalse(self.activities(check) | self.activities(action) | self.activities(action.finding_ids))

    def test_imported(self):
        complaint = self.make_complaint(is_imported=True, state='treatment', severity_id=self.critical.id)
        finding = self.make_finding(is_imported=True, state='analysed')
        self.assertFalse(self.activities(complaint) | self.activities(finding))
        self.run_cron('2027-03-01 05:00:00')
        self.assertFalse(self.activities(complaint) | self.activities(finding))

    def test_one_of_each(self):
        complaint = self.make_complaint()
        activity = self.activity(complaint, 'answer')
        with mute_logger('odoo.sql_db'), self.assertRaises(IntegrityError), self.cr.savepoint():
            activity.sudo().copy({'qualiopi_step': 'answer'})
            self.env.flush_all()

    def test_planned_twice_at_once(self):
        """Two transactions that plan the same step: the later one is tried again, nobody sees an error."""
        complaint = self.make_complaint()
        with mute_logger('odoo.sql_db'), self.assertRaises(ConcurrencyError), self.cr.savepoint():
            complaint.sudo()._followup_create({(complaint.id, 'answer'): (self.officer, date(2026, 12, 11))})

    def test_confidential(self):
        """Activities on confidential records are their group's; the step of an owner without access goes
        to the lead, if the lead is in the group."""
        complaint = self.make_confidential()
        self.assertEqual(self.activities(complaint).user_id, self.confidential)
        entry = self.make_complaint()
        self.env.ref('qualiopi.group_confidential').user_ids = [Command.link(self.manager.id)]
        entry.sudo().nature = 'safeguarding'
        self.assertEqual(self.activities(entry).user_id, self.manager)
        self.env.ref('qualiopi.group_confidential').user_ids = [Command.unlink(self.manager.id)]
        self.assertFalse(self.activities(entry))

    def test_confidential_below(self):
        """What hangs on an entry that becomes confidential is followed up by those who see it."""
        complaint = self.make_complaint()
        finding = self.make_finding(complaint_ids=[Command.link(complaint.id)])
        self.assertEqual(self.activities(finding).user_id, self.officer)
        self.env.ref('qualiopi.group_confidential').user_ids = [Command.link(self.manager.id)]
        complaint.sudo().nature = 'safeguarding'
        self.assertEqual(self.activities(finding).user_id, self.manager)

    def test_two_companies(self):
        """Each company's calendar, holidays and time zone."""
        other = self.other_company
        other.resource_calendar_id.tz = 'Pacific/Noumea'
        self.env['resource.calendar.leaves'].create({
            'name': "Holiday", 'company_id': other.id, 'calendar_id': other.resource_calendar_id.id,
            'date_from': '2026-11-22 13:00:00', 'date_to': '2026-11-23 12:59:59',
        })
        values = {'received_on': '2026-11-19 20:00:00'}
        here = self.make_complaint(**values)
        there = self.make_complaint(self.other_officer, company_id=other.id, **values)
        self.assertOwed(
            here, ('acknowledge', 'officer', '2026-11-23'), ('analyse', 'officer', '2026-12-03'),
            ('answer', 'officer', '2026-12-10'),
        )
        # There it was the 20th already, and the 23rd is a holiday.
        self.assertOwed(
            there, ('acknowledge', 'other_officer', '2026-11-25'), ('analyse', 'other_officer', '2026-12-07'),
            ('answer', 'other_officer', '2026-12-14'),
        )


def _plan_days():
    from ..models.qualiopi_improvement_action_deadline import _PLAN_DAYS  # noqa: PLC0415
    return _PLAN_DAYS


@tagged('post_install', '-at_install')
class TestFollowupDays(FollowupCase):
    """Days by a table counted by hand (quality.md, D5): two working days to acknowledge."""

    def test_table(self):
        calendar = self.company.resource_calendar_id
        self.env['resource.calendar.leaves'].create({
            'name': "Labour Day", 'company_id': self.company.id, 'calendar_id': calendar.id,
            'date_from': '2026-04-30 22:00:00', 'date_to': '2026-05-01 21:59:59',
        })
        for received, due in (
            ('2026-11-20 16:30:00', '2026-11-24'),  # Friday, half past five
            ('2026-11-21 09:00:00', '2026-11-24'),  # Saturday
            ('2026-11-22 22:59:00', '2026-11-24'),  # Sunday, a minute to midnight in Paris
            ('2026-11-22 23:01:00', '2026-11-25'),  # Monday, a minute past
            ('2026-04-29 10:00:00', '2026-05-04'),  # two days, one of them a holiday, then the weekend
            ('2026-05-01 10:00:00', '2026-05-05'),  # on a holiday
            ('2026-03-28 23:30:00', '2026-03-31'),  # the night in which summer time begins
            ('2026-03-27 10:00:00', '2026-03-31'),
            ('2026-10-24 22:30:00', '2026-10-27'),  # the night in which it ends
            ('2026-10-23 10:00:00', '2026-10-27'),
        ):
            with freeze_time(received), self.subTest(received):
                complaint = self.make_complaint(received_on=received)
                self.assertEqual(str(self.activity(complaint, 'acknowledge').date_deadline), due)

    def test_user_elsewhere(self):
        """The company's day counts, not the user's."""
        with freeze_time('2026-11-20 10:00:00'):
            self.officer.tz = 'Pacific/Auckland'
            complaint = self.make_complaint(received_on='2026-11-19 22:30:00')
        self.assertEqual(str(self.activity(complaint, 'acknowledge').date_deadline), '2026-11-23')

    def test_empty_calendar(self):
        self.company.resource_calendar_id.attendance_ids.unlink()
        with freeze_time(TODAY):
            complaint = self.make_complaint()
        self.assertEqual(str(self.activity(complaint, 'acknowledge').date_deadline), '2026-11-24')

    def test_escalation_day(self):
        """Five working days past due, over the change of time."""
        for received, due in (('2026-03-20 10:00:00', '2026-03-31'), ('2026-10-16 10:00:00', '2026-10-27')):
            with freeze_time(received):
                complaint = self.make_complaint(received_on=received)
            self.assertEqual(str(complaint.followup_on), due)
            self.run_cron(f'{date.fromisoformat(due) - timedelta(days=1)} 04:00:00')
            self.assertFalse(self.activity(complaint, 'escalate'))
            self.run_cron(f'{due} 04:00:00')
            self.assertEqual(str(self.activity(complaint, 'escalate').sudo().date_deadline), due)


@tagged('post_install', '-at_install')
@freeze_time(TODAY)
class TestFollowupByHand(FollowupCase):

    def setUp(self):
        super().setUp()
        self.complaint = self.make_complaint()

    def _wizard(self, activity):
        with self.assertRaises(GateError) as raised:
            activity.action_done()
        __, action, __, __ = raised.exception.args
        self.assertEqual(action['res_model'], 'qualiopi.step')
        return activity.env['qualiopi.step'].with_context(**action['context']).create({})

    def test_ticked(self):
        """Ticked by hand, a step opens to be filled in."""
        activity = self.activity(self.complaint, 'answer')
        wizard = self._wizard(activity)
        self.assertTrue(activity.active)
        opened = wizard.action_fill_in()
        self.assertEqual((opened['res_model'], opened['res_id']), (self.complaint._name, self.complaint.id))

    def test_other_ways(self):
        """It is not thrown away or archived either, nor what the follow-up goes by changed."""
        activity = self.activity(self.complaint, 'answer')
        for call in (activity.unlink, activity.action_archive, lambda: activity.action_feedback(feedback="done")):
            with self.assertRaises(GateError), self.cr.savepoint():
                call()
        activity.write({'qualiopi_waiver': "because", 'qualiopi_step': False})
        self.assertEqual(activity.qualiopi_step, 'answer')
        self.assertFalse(activity.qualiopi_waiver)
        forged = activity.copy({'qualiopi_step': 'forged'})
        self.assertFalse(forged.qualiopi_step)

    def test_not_applicable(self):
        wizard = self._wizard(self.activity(self.complaint, 'analyse'))
        for reason in (False, '.', ' -- '):
            wizard.reason = reason
            with self.assertRefused("reason in words"):
                wizard.action_waive()
        wizard.reason = "Settled on the spot"
        wizard.action_waive()
        acknowledge, answer = (('acknowledge', 'officer', '2026-11-24'), ('answer', 'officer', '2026-12-11'))
        self.assertOwed(self.complaint, acknowledge, answer)
        self.assertIn("Settled on the spot", ''.join(self.complaint.message_ids.mapped('body')))
        # It is not asked again, not even on another date.
        self.complaint.received_on = '2026-11-19 08:00:00'
        self.assertNotIn('analyse', self.activities(self.complaint).mapped('qualiopi_step'))
        with self.assertRefused("ended already"):
            wizard.action_waive()

    def test_not_applicable_does_not_escalate(self):
        self.activity(self.complaint, 'acknowledge')._waive("Seen on the spot")
        self.assertEqual(self.complaint.followup_on, date(2026, 12, 11))
        self.activity(self.complaint, 'analyse')._waive("Nothing to analyse")
        self.activity(self.complaint, 'answer')._waive("Answered by the customer's lawyer")
        self.assertOwed(self.complaint, ('close', 'officer', '2026-12-18'))
        self.activity(self.complaint, 'close')._waive("Goes on elsewhere")
        self.assertOwed(self.complaint)
        self.assertFalse(self.complaint.followup_on)

    def test_waived_start(self):
        """An action that needs no start is still to be finished."""
        action = self.make_action('plan')
        self.activity(action, 'start')._waive("Began long ago")
        self.assertOwed(action, ('finish', 'officer', '2026-12-31'))

    def test_reopened_is_asked_again(self):
        self.activity(self.complaint, 'analyse')._waive("Settled on the spot")
        lead = self.user_env(self.complaint, self.manager)
        lead.action_cancel("Entered twice")
        lead.action_reopen("It was not")
        self.assertEqual(
            set(self.activities(self.complaint).mapped('qualiopi_step')), {'acknowledge', 'analyse', 'answer'},
        )

    def test_without_right(self):
        """Who may not write on the record does not end its steps."""
        with self.assertDenied():
            self.activity(self.complaint, 'analyse', self.auditor)._waive("Settled on the spot")


@tagged('post_install', '-at_install')
@freeze_time(TODAY)
class TestFollowupPeople(FollowupCase):
    """Who does it when the person named cannot (quality.md, D4 and G10)."""

    def setUp(self):
        super().setUp()
        self.complaint = self.make_complaint()

    def test_archived(self):
        self.officer.active = False
        self.assertEqual(self.activities(self.complaint).user_id, self.manager)
        self.assertEqual(len(self.activities(self.complaint)), 3)

    def test_archived_unseen(self):
        """By SQL or another module: the next night mends it."""
        self.cr.execute("UPDATE res_users SET active = false WHERE id = %s", self.officer.ids)
        self.env.invalidate_all()
        self.run_cron('2026-11-21 05:00:00')
        self.assertEqual(self.activities(self.complaint).user_id, self.manager)

    def test_other_company(self):
        self.complaint.user_id = self.officer2
        self.officer2.write({
            'company_ids': [Command.set(self.other_company.ids)], 'company_id': self.other_company.id,
        })
        self.assertEqual(self.activities(self.complaint).user_id, self.manager)

    def test_without_group(self):
        self.officer.group_ids = [Command.set(self.env.ref('base.group_user').ids)]
        self.assertEqual(self.activities(self.complaint).user_id, self.manager)

    def test_taken_out_of_group(self):
        """The same from the group's side."""
        self.env.ref('qualiopi.group_officer').user_ids = [Command.unlink(self.officer.id)]
        self.assertEqual(self.activities(self.complaint).user_id, self.manager)

    def test_handed_over_by_hand(self):
        """Whom a step was handed to by hand may be gone, too: back to the owner."""
        self.activity(self.complaint, 'answer').user_id = self.officer2
        self.officer2.active = False
        self.assertEqual(self.activities(self.complaint).user_id, self.officer)

    def test_without_email(self):
        """The clock needs no address: the step stays with its owner."""
        self.officer.email = False
        self.complaint.action_acknowledge()
        self.assertEqual(self.activities(self.complaint).user_id, self.officer)

    def test_nobody(self):
        """Neither owner nor lead: no activity, no word of a step done, and a filter that finds the record."""
        activities = self.activities(self.complaint)
        self.company.qualiopi_manager_id = False
        self.officer.active = False
        self.assertFalse(activities.exists())
        self.assertNotIn('Step ended', ''.join(self.complaint.sudo().message_ids.mapped('body')))
        unassigned = ['|', ('user_id', '=', False), ('user_id.active', '=', False)]
        self.assertIn(self.complaint.sudo(), self.complaint.sudo().search(unassigned))
        self.run_cron(LATER)
        self.assertFalse(self.activities(self.complaint))
        # A new lead takes over what nobody did.
        self.company.qualiopi_manager_id = self.manager
        self.assertEqual(self.activities(self.complaint).user_id, self.manager)
        self.assertEqual(len(self.activities(self.complaint)), 3)

    def test_archived_lead(self):
        self.officer.active = False
        self.manager.active = False
        self.assertFalse(self.activities(self.complaint))

    def test_new_lead(self):
        """What the former lead did for lack of somebody else goes to the new one."""
        self.officer.active = False
        self.company.qualiopi_manager_id = self.officer2
        self.assertEqual(self.activities(self.complaint).user_id, self.officer2)

    def test_never_archived(self):
        """G10: no way to an activity of an archived or external user."""
        self.officer2.active = False
        for user in (self.officer2, self.portal):
            complaint = self.env['qualiopi.complaint'].with_context(mail_activity_automation_skip=True).create({
                'description': "Cold", 'company_id': self.company.id, 'user_id': False,
            })
            self.cr.execute("UPDATE qualiopi_complaint SET user_id = %s WHERE id = %s", (user.id, complaint.id))
            complaint.invalidate_recordset()
            complaint.with_context(mail_activity_automation_skip=False)._followup_sync()
            self.assertEqual(self.activities(complaint).user_id, self.manager)


@tagged('post_install', '-at_install')
class TestEscalation(FollowupCase):

    def _complaint(self, **values):
        with freeze_time(TODAY):
            return self.make_complaint(**values)

    def _lead(self, complaint):
        return [
            str(activity.date_deadline) for activity in self.activities(complaint)
            if activity.qualiopi_step == 'escalate' and activity.user_id == self.manager
        ]

    def test_after_some_days(self):
        complaint = self._complaint()
        self.run_cron('2026-11-30 05:00:00')
        self.assertEqual(self._lead(complaint), [])
        self.run_cron('2026-12-01 05:00:00')
        self.assertEqual(self._lead(complaint), ['2026-12-01'])

    def test_by_severity(self):
        self.minor.escalation_days = 1
        self.assertEqual(str(self._complaint().followup_on), '2026-11-25')

    def test_down_for_days(self):
        """D3: after ten days without a run there is one escalation, not ten."""
        complaint = self._complaint()
        self.run_cron('2026-12-11 05:00:00')
        self.assertEqual(self._lead(complaint), ['2026-12-01'])
        for day in (12, 13, 14):
            self.run_cron(f'2026-12-{day} 05:00:00')
        self.assertEqual(self._lead(complaint), ['2026-12-01'])

    def test_ends_with_the_lateness(self):
        complaint = self._complaint()
        self.run_cron(LATER)
        with freeze_time(LATER):
            complaint.action_acknowledge()
        self.assertEqual(self._lead(complaint), [])

    def test_seen(self):
        """What the lead has seen is not brought up again; the next lateness is."""
        complaint = self._complaint()
        self.run_cron(LATER)
        with freeze_time(LATER):
            self.activity(complaint, 'escalate', self.manager).action_feedback(feedback="Spoke with the owner")
            complaint.name = "Cold room"
            complaint.correction = "Another room"
        self.run_cron('2026-12-04 05:00:00')
        self.assertEqual(self._lead(complaint), [])
        with freeze_time('2026-12-04 06:00:00'):
            complaint.action_acknowledge()
        self.assertEqual(str(complaint.followup_on), '2026-12-11')
        self.run_cron('2026-12-11 05:00:00')
        self.assertEqual(self._lead(complaint), ['2026-12-11'])

    def test_at_once(self):
        category = self.env['qualiopi.category'].search([
            ('is_escalated', '=', True), ('is_confidential', '=', False),
        ], limit=1)
        channel = self.env['qualiopi.channel'].search([('is_escalated', '=', True)], limit=1)
        for values in (
            {'severity_id': self.critical.id}, {'category_id': category.id}, {'channel_id': channel.id},
        ):
            complaint = self._complaint(**values)
            self.assertEqual(self._lead(complaint), ['2026-11-20'], values)

    def test_at_once_then_late(self):
        """Seen on the day of receipt, it comes back when it is late."""
        complaint = self._complaint(severity_id=self.critical.id)
        with freeze_time(TODAY):
            self.activity(complaint, 'escalate', self.manager).action_done()
            complaint.correction = "Another room"
        self.assertEqual(self._lead(complaint), [])
        late = str(complaint.followup_on)
        self.run_cron(f'{late} 05:00:00')
        self.assertEqual(self._lead(complaint), [late])

    def test_closed_critical(self):
        """Waiting for the complainant's verdict concerns the lead no longer."""
        complaint = self._complaint(severity_id=self.critical.id, partner_id=self.customer.id)
        with freeze_time(TODAY):
            complaint.write(self.closing_values())
            complaint.action_close()
        self.assertOwed(complaint, ('ask', 'officer', '2026-12-04'))

    def test_own_record(self):
        """The lead's own steps are not brought to the lead."""
        with freeze_time(TODAY):
            complaint = self.make_complaint(self.manager, severity_id=self.critical.id)
        self.run_cron(LATER)
        self.assertNotIn('escalate', self.activities(complaint).mapped('qualiopi_step'))
        self.assertFalse(self.env['qualiopi.followup.mixin']._followup_due_today(10))

    def test_other_registers(self):
        with freeze_time(TODAY):
            finding = self.make_finding()
            action = self.make_action('plan', date_due=date(2026, 11, 23))
            check = self.pending_check(self.make_action('check'))
            check.with_user(self.officer).write({'planned_on': date(2026, 11, 23), 'verifier_id': self.officer2.id})
        self.run_cron('2027-01-04 05:00:00')
        self.assertEqual(self._lead(finding), ['2026-12-18'])
        self.assertEqual(self._lead(action), ['2026-11-30'])
        self.assertEqual(self._lead(check), ['2026-11-30'])


@tagged('post_install', '-at_install')
class TestFollowupCron(FollowupCase):
    """The scheduled action on bad days (quality.md, D1 to D3)."""

    def setUp(self):
        super().setUp()
        with freeze_time(TODAY):
            self.complaints = self.model_as('qualiopi.complaint', self.officer).create([
                {'description': f"Entry {number}"} for number in range(8)
            ])
            self.findings = self.model_as('qualiopi.finding', self.officer2).create([
                {'description': f"Finding {number}"} for number in range(3)
            ])
            self.env.flush_all()
            self.cr.precommit.run()
        # Archived behind the program's back: steps to hand over.
        self.cr.execute("UPDATE res_users SET active = false WHERE id = %s", self.officer2.ids)
        self.env.invalidate_all()
        self.startPatcher(patch.object(followup, '_CRON_BATCH', 3))
        self.cron = self.env['qualiopi.followup.mixin'].with_user(self.env.ref('base.user_root'))

    def _run(self, kill=None, stop=None, now=LATER):
        """One run; the server dies before the commit number ``kill``, or time is up after number ``stop``."""
        commits = []

        def commit(cron, processed=0, *, remaining=None, deactivate=False):
            cron.env.flush_all()
            if len(commits) == kill:
                raise Killed
            commits.append(remaining)
            self.cr.execute("SAVEPOINT committed")
            return 0 if stop is not None and len(commits) > stop else 1

        with freeze_time(now), patch.object(IrCron, '_commit_progress', commit):
            self.cr.execute("SAVEPOINT committed")
            try:
                self.cron._cron_followup()
            except Killed:
                self.cr.execute("ROLLBACK TO SAVEPOINT committed")
                self.cr.clear()
                self.env.invalidate_all(flush=False)
        self.env.invalidate_all()
        return commits

    def _expected(self):
        with self.rolled_back():
            commits = self._run()
            self.assertGreaterEqual(len(commits), 4)
            self.assertEqual(self.activities(self.complaints).filtered(
                lambda a: a.qualiopi_step == 'escalate').user_id, self.manager)
            self.assertEqual(len(self.activities(self.complaints)), 32)
            self.assertEqual(self.activities(self.findings).user_id, self.manager)
            return self.rows()

    def test_killed(self):
        """Killed between two commits at any point, then run again: the rows of an unbroken run."""
        expected = self._expected()
        for kill in range(4):
            with self.rolled_back(), self.subTest(kill):
                self._run(kill=kill)
                self.assertNotEqual(self.rows(), expected)
                self._run()
                self.assertEqual(self.rows(), expected)

    def test_killed_again_and_again(self):
        expected = self._expected()
        for __ in range(6):
            self._run(kill=1)
        self.assertEqual(self.rows(), expected)

    def test_time_is_up(self):
        """A run that has no time left says that there is more, and the next one goes on."""
        expected = self._expected()
        self.assertTrue(self._run(stop=0)[-1])
        self.assertNotEqual(self.rows(), expected)
        self._run(stop=0)
        self._run()
        self.assertEqual(self.rows(), expected)

    def test_by_the_scheduler(self):
        """The same rows when Odoo's own scheduler runs it."""
        expected = self._expected()
        self.run_cron(LATER)
        self.assertEqual(self.rows(), expected)

    def test_twice(self):
        self.run_cron(LATER)
        rows = self.rows()
        self.run_cron(LATER)
        self.assertEqual(self.rows(), rows)
        self.run_cron('2026-12-04 05:00:00')
        self.assertEqual(self.rows(), rows)
        for records in (self.complaints, self.findings):
            with freeze_time(LATER):
                records._followup_sync()
        self.assertEqual(self.rows(), rows)

    def test_poisoned(self):
        """One record that fails holds up nobody: reported once, and the schedule goes on."""
        poisoned = self.complaints[4]
        original = type(self.complaints)._followup_steps

        def steps(records):
            if poisoned.id in records.ids:
                raise ValueError("poisoned")
            return original(records)

        cron = self.env.ref('qualiopi.ir_cron_followup')
        with patch.object(type(self.complaints), '_followup_steps', steps), self.assertLogs(_LOGGER, 'ERROR') as logs:
            self.run_cron(LATER)
        self.assertEqual(len(logs.output), 1)
        self.assertIn(str(poisoned.id), logs.output[0])
        self.assertEqual((cron.active, cron.failure_count), (True, 0))
        escalated = self.activities(self.complaints).filtered(lambda a: a.qualiopi_step == 'escalate')
        self.assertEqual(sorted(escalated.mapped('res_id')), sorted((self.complaints - poisoned).ids))
        # Healed, it is done the next time.
        self.run_cron('2026-12-04 05:00:00')
        self.assertTrue(self.activity(poisoned, 'escalate'))

    def test_held_by_somebody(self):
        """A record that somebody is writing on is left alone, and done the next time."""
        held = self.complaints[:2]
        original = type(self.complaints).try_lock_for_update

        def lock(records, **kwargs):
            return original(records - held.with_env(records.env) if records._name == held._name else records, **kwargs)

        with patch.object(type(self.complaints), 'try_lock_for_update', lock):
            self._run()
        self.assertFalse(self.activity(held, 'escalate'))
        self._run()
        self.assertEqual(len(self.activity(held, 'escalate')), 2)

    def test_memory(self):
        """A batch is forgotten once it is done."""
        with patch.object(followup, '_CRON_BATCH', 3):
            self._run()
        self.assertFalse(self.cron.env.cache.get_records(
            self.env['qualiopi.complaint'].browse(), self.env['qualiopi.complaint']._fields['user_id']))

    def _queries(self, count):
        with freeze_time(TODAY):
            self.model_as('qualiopi.complaint', self.officer).create([
                {'description': f"Late {number}"} for number in range(count)
            ])
            self.env.flush_all()
            self.cr.precommit.run()
        self.env.invalidate_all()
        before = self.cr.sql_log_count
        with freeze_time(LATER), patch.object(IrCron, '_commit_progress', lambda *args, **kwargs: 1):
            self.cron._cron_followup()
            self.env.flush_all()
        return self.cr.sql_log_count - before

    def test_queries(self):
        """At most 0.3 queries a record that needs something; five when nothing does."""
        with patch.object(followup, '_CRON_BATCH', 1000):
            counts = [self._queries(count) for count in (10, 10, 110)]
            self.assertLessEqual((counts[2] - counts[1]) / 100, 0.3, counts)
            self.assertLessEqual(self._queries(0), 5)
