from datetime import timedelta

from odoo import fields
from odoo.tests import freeze_time, tagged
from odoo.tools import mute_logger

from ..models import qualiopi_followup_mixin as followup
from .test_followup import FollowupCase

_STEPS = ['acknowledge', 'analyse', 'answer']


@tagged('post_install', '-at_install')
class TestDoorJob(FollowupCase):
    """What comes through a door is completed by a job: nobody waits for it, and nothing is lost."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.job = cls.env.ref('qualiopi.ir_cron_complete_entries')
        cls.company.partner_id.lang = 'en_US'

    def _receive(self, key='key', **values):
        return self.env['qualiopi.complaint'].with_user(self.public)._receive(self.company, {
            'nature': 'complaint', 'description': "The room was cold", 'text_origin': 'form',
            'email_from': 'stranger@example.com', **values,
        }, key).sudo()

    def _steps(self, entry):
        return sorted(self.activities(entry).mapped('qualiopi_step'))

    def test_completed_by_the_job(self):
        calls = self.env['ir.cron.trigger'].search([('cron_id', '=', self.job.id)])
        entry = self._receive()
        trigger = self.env['ir.cron.trigger'].search([('cron_id', '=', self.job.id)]) - calls
        self.assertLessEqual(trigger.call_at - fields.Datetime.now(), timedelta(minutes=1))
        self.assertTrue(entry.is_just_received)
        self.assertFalse(self._steps(entry))
        self.assertFalse(entry.followup_on, "nothing is late that nobody was asked for")
        self.assertFalse(entry.message_ids)
        with freeze_time('2026-11-20 10:02:00'):
            self.complete_entries()
        self.assertEqual(self._steps(entry), _STEPS)
        self.assertEqual(self.activities(entry).user_id, self.manager)
        self.assertFalse(entry.is_just_received)
        self.assertTrue(entry.followup_on)
        self.assertEqual([str(text) for text in entry.message_ids.mapped('body')], ["<p>Recorded</p>"])
        self.assertEqual(entry.message_ids.date, entry.create_date)
        rows = self.rows()
        self.complete_entries()
        self.assertEqual(self.rows(), rows, "completed once")

    def test_in_the_language_of_the_team(self):
        self.env['res.lang']._activate_lang('fr_FR')
        self.company.partner_id.lang = 'fr_FR'
        entry = self._receive()
        self.complete_entries()
        self.assertIn("Enregistré", entry.message_ids.body)

    def test_danger_waits_for_no_job(self):
        entry = self._receive(nature='safeguarding')
        self.assertFalse(entry.is_just_received)
        self.assertTrue(entry.followup_on)
        self.assertEqual(len(entry.message_ids), 1)

    def test_written_on_meanwhile(self):
        """Who works on the entry before the job does not find it half planned, and the job takes it as it is then."""
        entry = self._receive()
        entry.with_user(self.officer).sudo(False).write({'user_id': self.officer.id})
        self.assertFalse(self._steps(entry))
        self.complete_entries()
        self.assertEqual(self._steps(entry), _STEPS)
        self.assertEqual(self.activities(entry).user_id, self.officer)

    def test_without_the_job(self):
        """Where it is switched off, the work of the night completes what waits; where it is gone, the door does."""
        self.job.active = False
        entry = self._receive()
        self.run_cron('2026-11-21 05:00:00')
        self.assertEqual(self._steps(entry), _STEPS)
        self.job.unlink()
        self.assertEqual(self._steps(self._receive('second')), _STEPS)

    def test_one_that_fails(self):
        """It is reported and waits for the next run; the others are completed."""
        entries = self._receive() + self._receive('second') + self._receive('third')
        sync = followup.QualiopiFollowupMixin._followup_sync

        def fail(records, is_new=False):
            if entries[1] in records:
                raise ValueError("broken")
            return sync(records, is_new)

        self.patch(followup.QualiopiFollowupMixin, '_followup_sync', fail)
        with self.assertLogs(followup._logger.name, 'ERROR') as logged:
            self.complete_entries()
        self.assertEqual(len(logged.output), 1)
        self.assertEqual(entries.mapped('is_just_received'), [False, True, False])
        self.assertEqual([len(self._steps(entry)) for entry in entries], [3, 0, 3])
        self.patch(followup.QualiopiFollowupMixin, '_followup_sync', sync)
        self.complete_entries()
        self.assertEqual(self._steps(entries[1]), _STEPS)
        self.assertEqual(len(entries[1].message_ids), 1)

    def test_cost_of_many(self):
        """As many queries for ten as for two."""
        def cost(numbers):
            for number in numbers:
                self._receive(str(number))
            self.env.flush_all()
            self.env.invalidate_all()
            before = self.cr.sql_log_count
            self.complete_entries()
            return self.cr.sql_log_count - before

        cost(range(2))
        few = cost(range(10, 12))
        self.assertLessEqual(cost(range(20, 30)), few + 2)

    def test_value_of_the_program(self):
        entry = self._receive()
        with self.assertRefused("filled in by the program"):
            entry.with_user(self.officer).sudo(False).write({'is_just_received': False})
        with self.assertRefused("filled in by the program"):
            self.make_complaint(user=self.officer, is_just_received=True)

    @mute_logger('odoo.sql_db')
    def test_held_by_somebody(self):
        """What somebody is writing on at that moment waits, and is not forgotten."""
        entry, other = self._receive(), self._receive('second')
        lock = type(entry).try_lock_for_update
        self.patch(type(entry), 'try_lock_for_update', lambda records, **kwargs: lock(records, **kwargs) - entry)
        self.complete_entries()
        self.assertEqual((entry.is_just_received, other.is_just_received), (True, False))
        self.patch(type(entry), 'try_lock_for_update', lock)
        self.complete_entries()
        self.assertEqual(self._steps(entry), _STEPS)
