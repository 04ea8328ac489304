from contextlib import contextmanager
from datetime import datetime

from psycopg2 import IntegrityError

from odoo import Command
from odoo.exceptions import UserError
from odoo.tests import tagged
from odoo.tools import mute_logger

from .common import QualiopiCase


@tagged('post_install', '-at_install')
class TestDataLife(QualiopiCase):

    @contextmanager
    def assertKept(self):
        """Expect a refusal by the program, or else by the database, whose words Odoo makes clear."""
        with mute_logger('odoo.sql_db'), self.muted(), self.assertRaises(Exception) as raised:
            yield
        self.assertIsInstance(raised.exception, (UserError, IntegrityError))

    # === WHAT THE REGISTERS REFER TO (quality.md, E1) === #

    def test_deleting_what_is_referred_to(self):
        """A clear refusal, also to those who do not see the entries, and nothing is lost."""
        values = {
            'event_id': self.event.id, 'registration_id': self.registration.id, 'partner_id': self.customer.id,
            'trainer_id': self.trainer.id,
        }
        complaint = self.make_complaint(**values)
        planner = self._make_user('planner', 'event.group_event_manager,base.group_partner_manager')
        for record in (self.registration, self.event, self.customer, self.trainer):
            admin = record.with_user(self.env.ref('base.user_admin')).sudo()
            for hands in (record, self.user_env(record, planner), admin):
                with self.assertRefused("register entries? refers? to .* archive it instead"):
                    hands.unlink()
        with self.assertKept():
            self.course.unlink()
        self.env.invalidate_all()
        self.assertRecordValues(complaint, [values])

    def test_deleting_what_confidential_entries_refer_to(self):
        self.make_confidential(partner_id=self.customer.id)
        with self.assertRefused("archive it instead"):
            self.customer.unlink()

    def test_deleting_what_nothing_refers_to(self):
        self.env['res.partner'].create({'name': "Nobody"}).unlink()
        self._make_event(self.company).unlink()

    def test_archiving_passes(self):
        complaint = self.make_complaint(partner_id=self.customer.id, event_id=self.event.id)
        self.customer.active = False
        self.event.active = False
        self.assertEqual(complaint.complainant, "Test Learner")

    def test_deleting_users(self):
        """Users who stand in the registers stay; archived, they still stand there."""
        action = self.make_action('done')
        complaint = self.make_complaint(user_id=self.officer2.id)
        for user in (self.officer, self.officer2, self.manager):
            with self.assertKept():
                user.unlink()
        self.officer2.active = False
        self.env.invalidate_all()
        self.assertEqual(complaint.user_id.name, "Test officer2")
        # What the person owns goes on being treated by others.
        complaint.with_user(self.officer).write(self.closing_values())
        complaint.with_user(self.officer).user_id = self.officer
        complaint.with_user(self.officer).action_close()
        self.assertEqual((complaint.state, action.phase), ('closed', 'done'))

    def test_deleting_company(self):
        self.make_complaint()
        with self.assertKept():
            self.company.unlink()

    def test_deleting_lists(self):
        """A value in use or that the program looks up is archived, not deleted."""
        category = self.env['qualiopi.category'].with_user(self.manager).create({'name': "Parking"})
        unused = self.env['qualiopi.category'].with_user(self.manager).create({'name': "Unused"})
        complaint = self.make_complaint(category_id=category.id)
        with self.assertKept():
            category.unlink()
        unused.unlink()
        category.active = False
        self.assertEqual(complaint.category_id.name, "Parking")
        with self.assertKept():
            self.minor.with_user(self.manager).unlink()
        stage = self.stages['plan'].with_user(self.manager)
        with self.assertKept():
            stage.unlink()
        self.make_action('plan')
        with self.assertRefused("cannot change its phase"):
            stage.phase = 'done'

    def test_lists_archived(self):
        """Archived defaults hinder nobody."""
        self.minor.active = False
        self.env.ref('qualiopi.channel_phone').active = False
        self.make_complaint().action_acknowledge()

    def test_partner_merge(self):
        """Merging partners keeps the entries, of closed ones too."""
        double = self.customer.copy({'name': "Test Learner (double)"})
        opened = self.make_complaint(partner_id=double.id)
        closed = self.make_closed_complaint(partner_id=double.id)
        secret = self.make_confidential(partner_id=double.id)
        names = [record.contact_name for record in (opened, closed, secret)]
        admin = self.env.ref('base.user_admin')
        admin.company_ids = [Command.link(self.company.id)]
        wizard = self.env['base.partner.merge.automatic.wizard'].with_user(admin).create({
            'partner_ids': [Command.set((self.customer | double).ids)], 'dst_partner_id': self.customer.id,
        })
        wizard.action_merge()
        self.env.invalidate_all()
        self.assertFalse(double.exists())
        for record, name in zip((opened, closed, secret), names, strict=True):
            self.assertEqual(record.sudo().partner_id, self.customer)
            self.assertEqual(record.sudo().contact_name, name)
        self.assertEqual(closed.state, 'closed')

    def test_partner_renamed(self):
        """The words of a closed entry stay when the contact changes afterwards."""
        closed = self.make_closed_complaint(partner_id=self.customer.id)
        self.env.flush_all()
        self.customer.write({'name': "Renamed", 'email': 'renamed@example.com', 'phone': False})
        self.env.flush_all()
        self.assertEqual((closed.contact_name, closed.email_from), ("Test Learner", 'learner@example.com'))

    # === COPIES === #

    def test_copy_complaint(self):
        """A copy takes neither treatment, closing nor evaluation along."""
        complaint = self.make_complaint(partner_id=self.customer.id)
        self.add_statement(complaint)
        complaint.write({**self.closing_values(), 'correction': "Another room", 'mediation': 'closed',
                         'mediation_outcome': "Agreed"})
        complaint.finding_ids = self.make_finding()
        complaint.action_close()
        complaint.write({'verdict': 'yes', 'verdict_comment': "Thank you"})
        copy = complaint.copy()
        self.assertRecordValues(copy, [{
            **dict.fromkeys((
                'ack_date', 'ack_message', 'ack_user_id', 'response', 'response_date', 'response_user_id', 'decision',
                'decision_date', 'correction', 'correction_date', 'verdict', 'verdict_date', 'verdict_comment',
                'closed_on', 'closed_by_id', 'mediation_outcome', 'duplicate_of_id', 'no_action_reason',
            ), False),
            'mediation': 'none', 'finding_ids': [], 'evidence_ids': [], 'version_ids': [],
            'partner_id': self.customer.id, 'description': complaint.description, 'is_locked': False,
            'received_on': datetime(2026, 11, 20, 10),
        }])
        self.assertIn(copy.state, ('received', 'analysis'))

    def test_copy_action(self):
        action = self.make_action('done', value_before=5, value_target=1)
        with self.assertRefused("is closed"):
            action.copy()
        action = self.make_action('check', value_before=5, value_target=1, date_start='2026-11-20')
        self.judge(action, 'partly', value_measured=3)
        copy = action.copy()
        self.assertRecordValues(copy, [{
            **dict.fromkeys((
                'done_on', 'carried_out_by_id', 'date_due', 'date_start', 'closed_on', 'last_verdict',
                'last_check_date', 'next_check_date', 'has_value_after', 'replaced_by_id',
            ), False),
            'phase': 'draft', 'progress': 0, 'check_ids': [], 'evidence_ids': [], 'postponement_ids': [],
            'communication_ids': [], 'finding_ids': action.finding_ids.ids, 'value_after': 0,
        }])

    def test_copy_finding(self):
        finding = self.make_finding()
        self.make_action('done', finding_ids=[Command.set(finding.ids)])
        copy = finding.copy()
        self.assertRecordValues(copy, [{
            'action_ids': [], 'complaint_ids': [], 'closed_on': False, 'no_action_reason': False, 'is_locked': False,
        }])

    # === NOTHING IS DELETED === #

    def test_unlink(self):
        """Also not by the administrator, the superuser, or a cascade."""
        complaint = self.make_complaint()
        finding = self.make_finding()
        action = self.make_action('plan')
        for record in (complaint, finding, action, action.check_ids):
            for hands in (record.with_user(self.env.ref('base.user_admin')), record.sudo(), record.with_user(1)):
                with self.muted(), self.assertRaises(UserError):
                    hands.unlink()
        with self.assertKept():
            self.cr.execute("DELETE FROM qualiopi_improvement_action WHERE id = %s", [action.id])
        number = self.env['qualiopi.number'].search([('company_id', '=', self.company.id)], limit=1)
        for user in (self.officer, self.manager):
            with self.assertDenied():
                number.with_user(user).unlink()
            with self.assertDenied():
                number.with_user(user).write({'number': 77})
            with self.assertDenied():
                number.with_user(user).create({
                    'company_id': self.company.id, 'series': 'REG', 'year': 2026, 'number': 77,
                })

    # === TWO PEOPLE AT ONCE (quality.md, D8) === #

    def test_repeated_clicks(self):
        """Many quick clicks of two people: one transition, one line in the chatter."""
        action = self.make_action('plan')
        self.flush_tracking()
        moves = self.env['mail.tracking.value'].sudo().search_count
        moved = [('field_id.name', '=', 'stage_id'), ('mail_message_id', 'in', action.message_ids.ids)]
        before, messages = moves(moved), len(action.message_ids)
        for number in range(30):
            user = (self.officer, self.manager)[number % 2]
            self.user_env(action, user).write({'stage_id': self.stages['do'].id})
            self.flush_tracking()
        self.assertEqual(action.phase, 'do')
        moved[1] = ('mail_message_id', 'in', action.message_ids.ids)
        self.assertEqual(moves(moved) - before, 1)
        self.assertLessEqual(len(action.message_ids), messages + 2)
        self.assertEqual(len(action.check_ids), 1)

    def test_repeated_closing(self):
        complaint = self.make_closed_complaint()
        self.flush_tracking()
        before = len(complaint.message_ids)
        for user in (self.officer, self.manager) * 5:
            with self.assertRefused("closed already"):
                self.user_env(complaint, user).action_close()
        self.flush_tracking()
        self.assertEqual(len(complaint.message_ids), before)

    def test_repeated_verdict(self):
        action = self.make_action('check')
        check = self.judge(action, 'effective')
        with self.assertRefused("is closed|history of checks"):
            self.user_env(check, self.officer2).write({'verdict': 'not', 'conclusion': "I think otherwise"})
        self.assertEqual(check.verdict, 'effective')
