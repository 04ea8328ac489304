from datetime import timedelta

from odoo import fields
from odoo.exceptions import UserError
from odoo.service.model import call_kw
from odoo.tests import TransactionCase, new_test_user, tagged
from odoo.tools import html2plaintext


@tagged('post_install', '-at_install')
class TestLoopOnCoreEvents(TransactionCase):
    """The whole loop on events, registrations and partners as the Event application makes them, with none
    of our fields, called as a remote client calls."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.officer = new_test_user(cls.env, 'loop_officer', groups='qualiopi.group_officer')
        cls.manager = new_test_user(cls.env, 'loop_manager', groups='qualiopi.group_manager')
        now = fields.Datetime.now()
        cls.event = cls.env['event.event'].create({
            'name': "Design Fair Los Angeles",
            'user_id': cls.env.ref('base.user_admin').id,
            'date_begin': now - timedelta(days=6),
            'date_end': now - timedelta(days=2),
            'date_tz': 'America/Los_Angeles',
            'address_id': cls.env['res.partner'].create({'name': "Convention Center", 'is_company': True}).id,
        })
        employer = cls.env['res.partner'].create({'name': "Azure Interior", 'is_company': True})
        cls.attendee = cls.env['res.partner'].create({
            'name': "Brandon Freeman", 'email': 'brandon.freeman@example.com', 'parent_id': employer.id,
        })
        cls.registration = cls.env['event.registration'].create({
            'event_id': cls.event.id, 'partner_id': cls.attendee.id,
        })
        # One that was booked without a contact, as Odoo's demo data has them.
        cls.unknown = cls.env['event.registration'].create({
            'event_id': cls.event.id, 'name': "Samar Basra", 'email': 'samar@test.example.com', 'partner_id': False,
        })

    def _call(self, user, model, method, *args, **kwargs):
        result = call_kw(self.env[model].with_user(user), method, list(args), kwargs)
        self.env.flush_all()
        self.env.invalidate_all()
        return result

    def _record(self, **values):
        return self._call(self.officer, 'qualiopi.complaint', 'create', values)

    def _write(self, user, model, record_id, **values):
        return self._call(user, model, 'write', [record_id], values)

    def _chain(self):
        """From the complaint to the verdict; ids of the entry, its finding, its action and the check."""
        entry = self._record(
            description="The room was so loud that nobody heard the speaker.",
            registration_id=self.registration.id, partner_id=self.attendee.id,
        )
        self._call(self.officer, 'qualiopi.complaint', 'action_acknowledge', [entry])
        finding = self._call(self.officer, 'qualiopi.complaint', 'action_create_finding', [entry])['res_id']
        cause = self.env['qualiopi.cause'].search([('is_undetermined', '=', False)], limit=1)
        self._write(
            self.officer, 'qualiopi.finding', finding, cause_ids=[(6, 0, cause.ids)],
            analysis="The hall has no partition.",
        )
        window = self._call(self.officer, 'qualiopi.finding', 'action_create_action', [finding])
        defaults = self._call(
            self.officer, 'qualiopi.improvement.action', 'default_get',
            ['name', 'finding_ids', 'event_id', 'stage_id'], context=window['context'],
        )
        action = self._call(self.officer, 'qualiopi.improvement.action', 'create', {
            **defaults,
            'name': "Book rooms with a door",
            'user_id': self.officer.id,
            'date_due': fields.Date.today() + timedelta(days=20),
            'success_criterion': "Nobody complains of noise at the next three events.",
            'metric': "Complaints of noise", 'value_before': 1, 'value_target': 0,
        })
        for step in ('action_plan', 'action_start'):
            self._call(self.officer, 'qualiopi.improvement.action', step, [action])
        with self.assertRaises(UserError, msg="evidence is missing"):
            self._call(self.officer, 'qualiopi.improvement.action', 'action_carry_out', [action])
        self._call(self.officer, 'qualiopi.evidence', 'create', {
            'action_id': action, 'type': 'statement', 'kind': 'after',
            'statement': "Two rooms with a door were booked for the next event.",
        })
        self._call(self.officer, 'qualiopi.improvement.action', 'action_carry_out', [action])
        [check] = self._call(
            self.officer, 'qualiopi.effectiveness.check', 'search', [('action_id', '=', action)],
        )
        return entry, finding, action, check

    def _verify(self, user, check):
        return self._write(
            user, 'qualiopi.effectiveness.check', check,
            verdict='effective', conclusion="Three events later, no complaint of noise.", value_measured=0,
        )

    def test_entry_finds_what_odoo_knows(self):
        """Session and complainant come from the registration; nothing of ours is needed on it."""
        entry = self.env['qualiopi.complaint'].browse(self._record(
            description="Too loud", registration_id=self.unknown.id,
        ))
        self.assertEqual(entry.event_id, self.event)
        self.assertFalse(entry.course_id)
        self.assertEqual(self.registration.learner_id, self.attendee)
        self.assertTrue(entry.reference)

    def test_loop(self):
        """A complaint about the event ends as a verified action, and everything is closed."""
        entry, finding, action, check = self._chain()
        with self.assertRaises(UserError, msg="the owner does not check the own action"):
            self._verify(self.officer, check)
        self._verify(self.manager, check)
        with self.assertRaises(UserError, msg="decision and response are missing"):
            self._call(self.officer, 'qualiopi.complaint', 'action_close', [entry])
        self._write(
            self.officer, 'qualiopi.complaint', entry,
            decision='founded', response="You are right; the next rooms have a door.",
        )
        self._call(self.officer, 'qualiopi.complaint', 'action_close', [entry])
        complaint = self.env['qualiopi.complaint'].browse(entry)
        self.assertEqual(complaint.state, 'closed')
        self.assertEqual(complaint.finding_ids.ids, [finding])
        self.assertEqual(self.env['qualiopi.finding'].browse(finding).state, 'closed')
        done = self.env['qualiopi.improvement.action'].browse(action)
        self.assertEqual((done.phase, done.last_verdict), ('done', 'effective'))
        self.assertEqual(done.check_ids.verdict_by_id, self.manager)
        self.assertEqual(done.complaint_ids, complaint)
        for record in (self.event, self.attendee, self.registration):
            self.assertEqual(record.with_user(self.officer).complaint_count, 1, record)
        with self.assertRaises(UserError, msg="a closed record keeps what it says"):
            self._write(self.officer, 'qualiopi.complaint', entry, decision='unfounded')

    def test_every_report_prints(self):
        """Each document of ours prints the chain that was walked on core records."""
        entry, finding, action, check = self._chain()
        self._verify(self.manager, check)
        records = {
            'qualiopi.complaint': self.env['qualiopi.complaint'].browse(entry),
            'qualiopi.finding': self.env['qualiopi.finding'].browse(finding),
            'qualiopi.improvement.action': self.env['qualiopi.improvement.action'].browse(action),
            'qualiopi.effectiveness.check': self.env['qualiopi.effectiveness.check'].browse(check),
        }
        reports = self.env['ir.actions.report'].search([
            ('model', 'in', list(records)), ('report_type', '=', 'qweb-pdf'),
        ])
        self.assertTrue(reports)
        for report in reports:
            with self.subTest(report=report.report_name):
                record = records[report.model]
                html, __ = report.with_user(self.officer)._render_qweb_html(report.report_name, record.ids)
                self.assertIn(record.reference, html2plaintext(html.decode()))
