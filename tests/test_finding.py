from datetime import date

from odoo import Command
from odoo.tests import tagged

from odoo.addons.qualiopi.exceptions import GateError

from .common import QualiopiCase


@tagged('post_install', '-at_install')
class TestFinding(QualiopiCase):

    def test_one_line_is_enough(self):
        finding = self.model_as('qualiopi.finding', self.declarant).create({'description': "Cold\nin all rooms"})
        self.assertRecordValues(finding, [{
            'name': "Cold", 'state': 'new', 'kind': 'weak_point', 'date': date(2026, 11, 20),
            'user_id': self.declarant.id, 'severity_id': self.minor.id, 'is_confidential': False,
        }])
        self.assertEqual(finding.referential_id.code, 'V10')
        finding.date = date(2026, 10, 31)
        self.assertEqual(finding.referential_id.code, 'V9')

    def test_state_follows_the_facts(self):
        finding = self.make_finding(cause_ids=False)
        self.assertEqual(finding.state, 'new')
        finding.cause_ids = self.undetermined
        self.assertEqual((finding.state, finding.analysis_date), ('new', False))
        finding.cause_ids = self.cause
        self.assertEqual(finding.state, 'analysed')
        self.assertTrue(finding.analysis_date)
        action = self.make_action('plan', finding_ids=[Command.link(finding.id)])
        self.assertEqual(finding.state, 'action')
        self.user_env(action, self.manager).action_cancel("Too expensive")
        self.assertEqual(finding.state, 'analysed')
        with self.assertRefused("filled in by the program"):
            finding.state = 'closed'

    def test_indicators_of_entries(self):
        indicator = self.env.ref('qualiopi.indicator_12')
        complaint = self.make_complaint(indicator_ids=[Command.set(indicator.ids)])
        finding = self.make_finding(complaint_ids=[Command.link(complaint.id)], indicator_ids=False)
        self.assertEqual(finding.indicator_ids, indicator)
        self.assertEqual(finding.complaint_count, 1)

    def test_missing_for_closing(self):
        """A finding closes with its cause and the end of its actions."""
        finding = self.make_finding(cause_ids=False)
        with self.assertRaises(GateError) as raised:
            finding.action_close()
        self.assertIn(
            "Missing: its cause · an action judged effective, or the reason why none is needed.",
            str(raised.exception),
        )
        finding.cause_ids = self.cause
        first = self.make_action('check', finding_ids=[Command.link(finding.id)])
        second = self.make_action('do', finding_ids=[Command.link(finding.id)])
        with self.assertRaises(GateError) as raised:
            finding.action_close()
        self.assertIn(f"the end of its actions ({first.reference}, {second.reference})", str(raised.exception))
        self.judge(first, 'effective')
        self.assertEqual((finding.state, finding.action_done_count), ('action', 1))
        with self.assertRefused("end of its actions"):
            finding.action_close()
        self.user_env(second, self.manager).action_cancel("The first one was enough")
        self.assertEqual(finding.state, 'closed', "the last action closes it")
        with self.assertRefused("closed already"):
            finding.action_close()

    def test_last_action_closes(self):
        finding = self.make_finding()
        action = self.make_action('check', finding_ids=[Command.link(finding.id)])
        self.judge(action, 'effective')
        self.assertRecordValues(finding, [{'state': 'closed', 'is_locked': True}])
        self.assertTrue(finding.closed_on)
        self.assertIn("Closed", ' '.join(map(str, finding.message_ids.mapped('body'))))

    def test_last_action_without_cause(self):
        """Without its cause a finding stays open whatever its actions did."""
        finding = self.make_finding(cause_ids=False)
        action = self.make_action('done', finding_ids=[Command.link(finding.id)])
        self.assertEqual(action.phase, 'done')
        self.assertEqual(finding.state, 'action')
        finding.cause_ids = self.cause
        finding.action_close()
        self.assertEqual(finding.state, 'closed')

    def test_dropped_actions_only(self):
        """A finding whose actions were all dropped needs another one or a reason."""
        finding = self.make_finding()
        self.make_action('cancelled', finding_ids=[Command.link(finding.id)])
        self.assertEqual(finding.state, 'analysed')
        with self.assertRefused("an action judged effective"):
            finding.action_close()

    def test_entry_closes_earlier(self):
        """An entry may close before the finding does."""
        complaint = self.make_complaint()
        finding = self.make_finding(complaint_ids=[Command.link(complaint.id)])
        complaint.write(self.closing_values())
        complaint.action_close()
        self.assertEqual(complaint.state, 'closed')
        self.make_action('done', finding_ids=[Command.link(finding.id)])
        self.assertEqual(finding.state, 'closed')

    def test_strength(self):
        """A strength needs no cause."""
        finding = self.make_finding(kind='strength', cause_ids=False)
        finding.action_no_action("A strength to keep")
        self.assertEqual(finding.state, 'no_action')

    def test_no_action(self):
        finding = self.make_finding()
        for reason in ('', '.', ' - '):
            with self.assertRefused("Give a reason in words"):
                finding.action_no_action(reason)
        self.assertEqual(finding.action_no_action()['res_model'], 'qualiopi.reason')
        action = self.make_action('plan', finding_ids=[Command.link(finding.id)])
        with self.assertRefused("action under way"):
            finding.action_no_action("It cannot happen again")
        self.user_env(action, self.manager).action_cancel("Not needed after all")
        finding.action_no_action("It cannot happen again")
        self.assertRecordValues(finding, [{
            'state': 'no_action', 'no_action_reason': "It cannot happen again", 'is_locked': True,
        }])
        with self.assertRefused("is closed"):
            finding.action_no_action("Twice is too much")
        self.user_env(finding, self.manager).action_reopen("It happened again")
        self.assertRecordValues(finding, [{'state': 'analysed', 'no_action_reason': False, 'closed_on': False}])
        for user in (self.officer, self.manager):
            with self.assertRefused("filled in by the program"):
                finding.with_user(user).write({'no_action_reason': "By hand"})

    def test_reopened_action_reopens(self):
        finding = self.make_finding()
        action = self.make_action('done', finding_ids=[Command.link(finding.id)])
        self.assertEqual(finding.state, 'closed')
        self.user_env(action, self.manager).action_reopen("It came back")
        self.assertEqual((action.phase, finding.state), ('plan', 'action'))
        self.assertFalse(finding.closed_on)

    def test_recurrence(self):
        """Findings of the same category on the same course or trainer in the twelve months before."""
        category = self.env.ref('qualiopi.category_premises')
        common = {'category_id': category.id, 'course_id': self.course.id}
        day = date(2026, 11, 20)
        self.make_finding(**common, date=date(2026, 3, 1))
        self.make_finding(**common, date=date(2025, 11, 20))
        self.make_finding(**common, date=date(2025, 11, 19))
        self.make_finding(category_id=category.id, trainer_id=self.trainer.id, date=day)
        self.make_finding(course_id=self.course.id, date=day)
        cancelled = self.make_finding(**common, date=day)
        self.user_env(cancelled, self.manager).action_cancel("Recorded twice")
        finding = self.make_finding(**common, trainer_id=self.trainer.id, date=day)
        self.assertEqual(finding.recurrence_count, 3)
        self.assertEqual(len(self.env['qualiopi.finding'].search(finding.action_view_recurrences()['domain'])), 3)
        self.assertEqual(self.make_finding().recurrence_count, 0)

    def test_create_action(self):
        finding = self.make_finding(analysis="Nobody is in charge", event_id=self.event.id)
        context = finding.action_create_action()['context']
        action = self.env['qualiopi.improvement.action'].with_user(self.officer).with_context(**context).create({})
        self.assertRecordValues(action, [{
            'name': finding.name, 'purpose': "Nobody is in charge", 'finding_ids': finding.ids,
            'event_id': self.event.id, 'course_id': self.course.id, 'phase': 'draft', 'origin': finding.reference,
        }])
