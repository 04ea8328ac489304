import base64
from datetime import date

from odoo import Command
from odoo.exceptions import UserError
from odoo.tests import tagged

from .common import QualiopiCase

CLOSED = "is closed: it keeps what it says"


@tagged('post_install', '-at_install')
class TestLock(QualiopiCase):
    """A closed record refuses, on create, write, unlink and links from both sides (design, rule 5)."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.finding = cls.make_finding()
        cls.complaint = cls.make_complaint()
        cls.complaint.finding_ids = cls.finding
        cls.action = cls.make_action('check', finding_ids=[Command.set(cls.finding.ids)])
        cls.evidence = {
            record: cls.add_statement(record) for record in (cls.complaint, cls.finding)
        }
        cls.evidence[cls.action] = cls.action.evidence_ids
        cls.attachments = {
            record: cls.env['ir.attachment'].with_user(cls.officer).create({
                'name': 'letter.txt', 'raw': b'letter', 'res_model': record._name, 'res_id': record.id,
            }) for record in (cls.complaint, cls.finding, cls.action)
        }
        cls.complaint.write(cls.closing_values())
        cls.complaint.action_close()
        cls.check = cls.judge(cls.action, 'effective')
        cls.root = cls.env.ref('base.user_root')

    def _hands(self, record):
        """The record as each of those who could write on it when it was open."""
        yield self.user_env(record, self.officer)
        yield self.user_env(record, self.manager)
        yield record.sudo()
        yield record.with_user(self.root)
        for key in (True, 1, 'x', {}, 'odoo.addons.qualiopi._SERVER'):
            yield self.user_env(record, self.officer).with_context(qualiopi_server=key)

    def test_closed(self):
        self.assertEqual(
            (self.complaint.state, self.finding.state, self.action.phase, self.check.state),
            ('closed', 'closed', 'done', 'done'),
        )
        for record in (self.complaint, self.finding, self.action, self.check):
            self.assertTrue(record.is_locked)

    def test_write(self):
        values = {
            self.complaint: ({'name': "Changed"}, {'response': "Changed"}, {'severity_id': self.major.id},
                             {'user_id': self.officer2.id}, {'cause_ids': [Command.clear()]}, {'is_anonymous': True},
                             {'remedy_requested': "Money"}, {'ack_date': False}, {'mediation': 'open'}),
            self.finding: ({'name': "Changed"}, {'kind': 'strength'}, {'cause_ids': [Command.clear()]},
                           {'date': date(2026, 1, 1)}),
            self.action: ({'name': "Changed"}, {'stage_id': self.stages['plan'].id}, {'date_due': date(2027, 1, 1)},
                          {'progress': 10}, {'success_criterion': "Changed"}, {'priority': '3'}, {'cost': 5}),
        }
        for record, changes in values.items():
            for hand in self._hands(record):
                for change in changes:
                    with self.assertRefused(CLOSED):
                        hand.write(change)
        for hand in self._hands(self.check):
            for change in ({'conclusion': "Changed"}, {'verdict': 'not'}, {'verifier_id': self.officer2.id}):
                with self.assertRefused(f"{CLOSED}|history of checks stays"):
                    hand.write(change)

    def test_batch(self):
        """An open record beside it does not open a closed one."""
        with self.assertRefused(CLOSED):
            (self.make_complaint() | self.complaint).write({'name': "Changed"})

    def test_unlink(self):
        for record in (self.complaint, self.finding, self.action, self.check):
            for hand in self._hands(record):
                with self.muted(), self.assertRaises(UserError):
                    hand.unlink()

    def test_links_from_both_sides(self):
        other_complaint, other_finding = self.make_complaint(), self.make_finding()
        other_action = self.make_action(finding_ids=[Command.set(other_finding.ids)])
        attempts = (
            (self.complaint, 'finding_ids', other_finding), (other_complaint, 'finding_ids', self.finding),
            (self.finding, 'complaint_ids', other_complaint), (other_finding, 'complaint_ids', self.complaint),
            (self.finding, 'action_ids', other_action), (other_finding, 'action_ids', self.action),
            (self.action, 'finding_ids', other_finding), (other_action, 'finding_ids', self.finding),
        )
        for record, field, other in attempts:
            for hand in self._hands(record):
                with self.assertRefused(CLOSED):
                    hand.write({field: [Command.link(other.id)]})
        for record, field, other in (
            (self.complaint, 'finding_ids', self.finding), (self.finding, 'complaint_ids', self.complaint),
            (self.finding, 'action_ids', self.action), (self.action, 'finding_ids', self.finding),
        ):
            for hand in self._hands(record):
                for command in (Command.unlink(other.id), Command.clear(), Command.set([])):
                    with self.assertRefused(CLOSED):
                        hand.write({field: [command]})

    def test_links_at_creation(self):
        for model, values in (
            ('qualiopi.finding', {'description': "Cold", 'complaint_ids': [Command.link(self.complaint.id)]}),
            ('qualiopi.finding', {'description': "Cold", 'action_ids': [Command.link(self.action.id)]}),
            ('qualiopi.complaint', {'description': "Cold", 'finding_ids': [Command.link(self.finding.id)]}),
            ('qualiopi.improvement.action', {'name': "Heat", 'finding_ids': [Command.link(self.finding.id)]}),
        ):
            for user in (self.officer, self.manager, self.root):
                with self.assertRefused(CLOSED):
                    self.env[model].with_user(user).create(values)

    def test_commands_on_neighbours(self):
        """Nor is a closed neighbour changed through an open record."""
        complaint = self.make_complaint()
        with self.assertRefused(CLOSED):
            complaint.write({'finding_ids': [Command.update(self.finding.id, {'name': "Changed"})]})
        with self.assertRaises(UserError), self.muted():
            complaint.write({'finding_ids': [Command.delete(self.finding.id)]})

    def test_checks(self):
        model = self.env['qualiopi.effectiveness.check']
        for user in (self.officer, self.manager, self.root):
            with self.assertRefused(CLOSED):
                model.with_user(user).create({'action_id': self.action.id, 'planned_on': date(2027, 1, 1)})

    def test_evidence(self):
        open_complaint = self.make_complaint()
        piece = self.add_statement(open_complaint)
        moves = {
            self.complaint: {'complaint_id': self.complaint.id},
            self.finding: {'finding_id': self.finding.id},
            self.action: {'action_id': self.action.id},
        }
        for record, evidence in self.evidence.items():
            for hand in self._hands(evidence):
                with self.assertRefused(CLOSED):
                    hand.write({'name': "Changed"})
                with self.assertRefused(CLOSED):
                    hand.unlink()
            for user in (self.officer, self.manager, self.root):
                with self.assertRefused(CLOSED):
                    self.add_statement(record, user)
            for hand in self._hands(piece):
                with self.assertRaises(UserError):
                    hand.write({'complaint_id': False, **moves[record]})
        for user in (self.officer, self.manager):
            with self.assertRefused(f"{CLOSED}|history of checks"):
                self.add_statement(self.check, user)

    def test_attachments(self):
        model = self.env['ir.attachment']
        for record, attachment in self.attachments.items():
            for user in (self.officer, self.manager, self.root):
                attachment = attachment.with_user(user)
                for values in ({'raw': b'other'}, {'datas': base64.b64encode(b'other')}, {'name': 'other.txt'},
                               {'res_model': 'res.partner', 'res_id': self.customer.id}, {'res_id': 0}):
                    with self.assertRefused(CLOSED):
                        attachment.write(values)
                with self.assertRefused(CLOSED):
                    attachment.unlink()
                with self.assertRefused(CLOSED):
                    model.with_user(user).create({
                        'name': 'new.txt', 'raw': b'new', 'res_model': record._name, 'res_id': record.id,
                    })
                free = model.with_user(user).create({'name': 'free.txt', 'raw': b'free'})
                with self.assertRefused(CLOSED):
                    free.write({'res_model': record._name, 'res_id': record.id})
            self.assertEqual(attachment.raw, b'letter')

    def test_communications(self):
        with self.assertRefused(CLOSED):
            self.env['qualiopi.communication'].with_user(self.officer).create({
                'action_id': self.action.id, 'text': "Told afterwards",
            })

    def test_cancelled(self):
        """A cancelled record is closed too."""
        complaint = self.make_complaint()
        self.user_env(complaint, self.manager).action_cancel("Recorded twice")
        for hand in self._hands(complaint):
            with self.assertRefused(CLOSED):
                hand.write({'name': "Changed"})
        with self.assertRefused(CLOSED):
            self.add_statement(complaint)

    # === WHAT PASSES === #

    def test_chatter_passes(self):
        for record in (self.complaint, self.finding, self.action):
            message = record.message_post(
                body="A word afterwards", attachments=[('afterwards.txt', b'afterwards')],
            )
            self.assertEqual(len(message.attachment_ids), 1)
            self.assertEqual(message.attachment_ids.res_id, record.id)
            record.message_subscribe([self.trainer.id])
            self.assertIn(self.trainer, record.message_partner_ids)
            activity = record.activity_schedule('mail.mail_activity_data_todo', user_id=self.officer.id)
            activity.action_feedback("Done")
            record.write({'color': 3})
            record.message_unsubscribe([self.trainer.id])

    def test_attachment_uploaded_for_a_message(self):
        """The client uploads first, then posts: the file waits at no record."""
        attachment = self.env['ir.attachment'].with_user(self.officer).create({
            'name': 'pending.txt', 'raw': b'pending', 'res_model': 'mail.compose.message', 'res_id': 0,
        })
        message = self.complaint.message_post(body="See the file", attachment_ids=attachment.ids)
        self.assertEqual(message.attachment_ids, attachment)
        self.assertEqual((attachment.res_model, attachment.res_id), ('qualiopi.complaint', self.complaint.id))

    def test_verdict_passes(self):
        self.complaint.write({'verdict': 'yes', 'verdict_comment': "Warm again"})
        self.assertEqual((self.complaint.state, self.complaint.verdict), ('closed', 'yes'))

    def test_stored_computes_pass(self):
        """What Odoo computes by itself does not stumble over closed records."""
        self.env.add_to_compute(self.complaint._fields['ack_timeliness'], self.complaint)
        self.env.add_to_compute(self.action._fields['last_verdict'], self.action)
        self.event.name = "Renamed"
        self.course.name = "Renamed"
        self.customer.email = 'new@example.com'
        self.env.flush_all()

    def test_context_key_creates_nothing(self):
        """A key in the context that a client may send opens nothing at creation either."""
        for key in (True, 1, 'x', {}):
            for model, values in (
                ('qualiopi.complaint', {'description': "Cold", 'state': 'closed'}),
                ('qualiopi.finding', {'description': "Cold", 'no_action_reason': "None needed"}),
                ('qualiopi.improvement.action', {'name': "Heat", 'done_on': date(2026, 1, 1)}),
                ('qualiopi.improvement.action', {'name': "Heat", 'stage_id': self.stages['done'].id}),
            ):
                with self.assertRaises(UserError):
                    self.env[model].with_user(self.officer).with_context(qualiopi_server=key).create(values)

    def test_program_fields_of_every_file(self):
        """Files that extend one model side by side each keep their own fields from being written."""
        moment = '2026-01-01 10:00:00'
        complaint = self.make_complaint()
        for name, value in (
            ('reference', 'REG/2026/9999'), ('ack_sent_on', moment), ('confirmation_sent_on', moment),
            ('link_expires_on', moment),
        ):
            with self.subTest(name), self.assertRaises(UserError):
                complaint.with_user(self.officer).write({name: value})
            with self.subTest(name), self.assertRaises(UserError):
                self.env['qualiopi.complaint'].with_user(self.officer).create({'description': "Cold", name: value})
