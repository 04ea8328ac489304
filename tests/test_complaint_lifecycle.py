from datetime import date, datetime, timedelta
from itertools import permutations

from freezegun import freeze_time

from odoo import Command
from odoo.exceptions import UserError, ValidationError
from odoo.tests import tagged

from odoo.addons.qualiopi.exceptions import GateError

from .common import QualiopiCase


@tagged('post_install', '-at_install')
class TestComplaintLifecycle(QualiopiCase):

    # === RECORDING === #

    def test_one_line_is_enough(self):
        """One line of text is enough; the rest has defaults (design, "Light to use")."""
        complaint = self.make_complaint(self.declarant, description="The room was cold\nand noisy")
        self.assertRecordValues(complaint, [{
            'name': "The room was cold",
            'nature': 'complaint',
            'text_origin': 'staff',
            'state': 'received',
            'received_on': datetime(2026, 11, 20, 10),
            'received_date': date(2026, 11, 20),
            'channel_id': self.env.ref('qualiopi.channel_phone').id,
            'severity_id': self.minor.id,
            'user_id': self.declarant.id,
            'company_id': self.company.id,
            'is_confidential': False,
            'is_locked': False,
            'indicator_ids': self.env.ref('qualiopi.indicator_31').ids,
        }])
        self.assertEqual(complaint.referential_id.code, 'V10')
        self.assertEqual(self.make_complaint(name="Cold", description=False).name, "Cold")
        self.assertEqual(len(self.make_complaint(description="x" * 200).name), 80)
        self.assertEqual(self.make_complaint(name="Cold").name, "Cold")

    def test_referential_of_its_date(self):
        """The version in force on the record's own date."""
        self.assertEqual(self.make_complaint(received_on=datetime(2026, 10, 31, 10)).referential_id.code, 'V9')
        # Eleven at night of 31 October in Paris is 22:00 UTC; an hour later is 1 November there.
        self.assertEqual(self.make_complaint(received_on=datetime(2026, 10, 31, 22, 30)).referential_id.code, 'V9')
        complaint = self.make_complaint(received_on=datetime(2026, 10, 31, 23, 30))
        self.assertEqual(complaint.referential_id.code, 'V10')
        complaint.received_on = datetime(2026, 1, 1)
        self.assertEqual(complaint.referential_id.code, 'V9')

    def test_from_session(self):
        """Learner, session, course and trainer are proposed from one another, contact from the partner."""
        complaint = self.make_complaint(registration_id=self.registration.id, partner_id=self.customer.id)
        self.assertRecordValues(complaint, [{
            'event_id': self.event.id,
            'course_id': self.course.id,
            'trainer_id': self.trainer.id,
            'contact_name': "Test Learner",
            'email_from': 'learner@example.com',
            'phone': '+33 1 99 00 00 00',
            'complainant': "Test Learner",
        }])
        complaint.is_anonymous = True
        self.assertEqual(complaint.complainant, "Anonymous")
        unknown = self.make_complaint(contact_name="Somebody", email_from='somebody@example.com')
        self.assertEqual(unknown.complainant, "Somebody")
        self.assertFalse(unknown.partner_id)

    # === STATE === #

    def test_state_follows_the_facts(self):
        """Whatever the order, the state says how far the entry is."""
        ranks = ['received', 'acknowledged', 'analysis', 'treatment', 'answered']
        facts = {
            'acknowledged': {'ack_message': "We have received it"},
            'analysis': {'cause_ids': [Command.set(self.cause.ids)]},
            'treatment': {'decision': 'founded'},
            'answered': {'response': "The heating was repaired"},
        }
        for order in permutations(facts):
            complaint, reached = self.make_complaint(), 'received'
            self.assertEqual(complaint.state, 'received')
            for fact in order:
                complaint.write(facts[fact])
                reached = max(reached, fact, key=ranks.index)
                self.assertEqual(complaint.state, reached, order)
            complaint.action_close()
            self.assertEqual(complaint.state, 'closed')

    def test_state_of_each_nature(self):
        """A nature without acknowledgement and response does not go through their states."""
        for nature in ('difficulty', 'unforeseen'):
            complaint = self.make_complaint(nature=nature)
            self.assertFalse(complaint.has_response_steps)
            self.assertFalse(complaint.ack_deadline or complaint.response_deadline)
            self.assertEqual(complaint.ack_timeliness, 'not_applicable')
            complaint.write({'ack_message': "Well received", 'response': "Thank you"})
            self.assertEqual(complaint.state, 'received')
            complaint.analysis = "The heating is switched on too late"
            self.assertEqual(complaint.state, 'analysis')
            complaint.correction = "Another room"
            self.assertEqual(complaint.state, 'treatment')
            with self.assertRefused("is not acknowledged"):
                complaint.action_acknowledge()
        for nature in ('complaint', 'safeguarding'):
            complaint = self.make_complaint(self.confidential, nature=nature)
            self.assertTrue(complaint.has_response_steps)
            complaint.ack_impossible_reason = "Anonymous letter"
            self.assertEqual(complaint.state, 'acknowledged')
            complaint.response_impossible_reason = "Anonymous letter"
            self.assertEqual(complaint.state, 'answered')

    def test_state_by_finding(self):
        """Being linked with a finding is being analysed, and goes back when the link does."""
        complaint = self.make_complaint()
        finding = self.make_finding(complaint_ids=[Command.link(complaint.id)])
        self.assertEqual(complaint.state, 'analysis')
        complaint.finding_ids = [Command.unlink(finding.id)]
        self.assertEqual(complaint.state, 'received')

    def test_state_not_by_hand(self):
        complaint = self.make_complaint()
        for user in (self.officer, self.manager):
            for values in ({'state': 'closed'}, {'closed_on': datetime(2026, 1, 1)},
                           {'cancelled_on': datetime(2026, 1, 1)},
                           {'duplicate_of_id': self.make_complaint().id}, {'is_imported': True}):
                with self.assertRefused("filled in by the program"):
                    complaint.with_user(user).write(values)
        with self.assertRefused("filled in by the program"):
            self.make_complaint(state='closed')
        # The web client sends the default values back.
        self.assertEqual(self.make_complaint(state='received').state, 'received')

    def test_stamps(self):
        """Who and when come by themselves, and stay what was given."""
        complaint = self.make_complaint()
        treating = complaint.with_user(self.officer2)
        treating.write({**self.closing_values(), 'correction': "Another room", 'verdict': 'yes'})
        treating.flush_recordset()
        now, today = datetime(2026, 11, 20, 10), date(2026, 11, 20)
        self.assertRecordValues(complaint, [{
            'ack_date': now, 'ack_user_id': self.officer2.id,
            'response_date': now, 'response_user_id': self.officer2.id,
            'correction_date': today, 'correction_user_id': self.officer2.id,
            'decision_date': today, 'analysis_date': today, 'verdict_date': today,
        }])
        complaint.write({'response': "Repaired and excused", 'ack_message': "Well received"})
        self.assertEqual(complaint.response_user_id, self.officer2)
        earlier = self.make_complaint(ack_message="By telephone", ack_date=datetime(2026, 11, 20, 9))
        self.assertEqual(earlier.ack_date, datetime(2026, 11, 20, 9))
        complaint.cause_ids = [Command.clear()]
        self.assertFalse(complaint.analysis_date)

    def test_acknowledge(self):
        complaint = self.make_complaint()
        complaint.action_acknowledge()
        self.assertEqual(complaint.ack_date, datetime(2026, 11, 20, 10))
        with freeze_time('2026-11-25 10:00:00'):
            complaint.action_acknowledge()
        self.assertEqual(complaint.ack_date, datetime(2026, 11, 20, 10))

    # === CLOSING === #

    def test_missing_by_nature(self):
        """The gate lists exactly what the nature still needs (design, rule 3)."""
        acknowledgement = "the acknowledgement: its date, or why it was impossible"
        response = "the response: its text and date, or why it was impossible"
        cause = "the cause, here or in a linked finding"
        decision = "the decision: founded or not"
        at_once, for_whom = "what was done at once", "for whom it was done"
        expected = {
            'complaint': [acknowledgement, cause, decision, response],
            'difficulty': [cause, at_once, for_whom],
            'unforeseen': [cause, at_once, for_whom],
            'safeguarding': [acknowledgement, "the protective measures taken", response],
        }
        fills = {
            acknowledgement: {'ack_message': "Well received"},
            response: {'response': "Repaired"},
            cause: {'cause_ids': [Command.set(self.cause.ids)]},
            decision: {'decision': 'unfounded'},
            at_once: {'correction': "Another room"},
            for_whom: {'correction_for': "The group"},
            "the protective measures taken": {'correction': "The persons were separated"},
        }
        for nature, missing in expected.items():
            complaint = self.make_complaint(self.confidential, nature=nature)
            missing = list(missing)
            while missing:
                self.assertEqual(complaint.missing_for_closing, '\n'.join(missing), nature)
                with self.assertRaises(GateError) as raised:
                    complaint.action_close()
                self.assertIn(f"Missing: {' · '.join(missing)}.", str(raised.exception))
                self.assertIn(complaint.reference, str(raised.exception))
                complaint.write(fills[missing.pop()])
            self.assertFalse(complaint.missing_for_closing)
            complaint.action_close()
            self.assertEqual(complaint.state, 'closed')
            self.assertEqual(complaint.closed_by_id, self.confidential)

    def test_undetermined_is_no_cause(self):
        complaint = self.make_complaint()
        complaint.write({**self.closing_values(), 'cause_ids': [Command.set(self.undetermined.ids)]})
        self.assertFalse(complaint.analysis_date)
        with self.assertRefused("the cause, here or in a linked finding"):
            complaint.action_close()

    def test_impossible(self):
        """Without an address, acknowledgement and response are recorded as impossible."""
        complaint = self.make_complaint(is_anonymous=True)
        complaint.write({**self.closing_values(), 'ack_message': False, 'response': False})
        complaint.write({'ack_impossible_reason': "Anonymous", 'response_impossible_reason': "Anonymous"})
        complaint.action_close()
        self.assertEqual(complaint.state, 'closed')
        self.assertEqual(complaint.response_timeliness, 'not_applicable')

    def test_cause_of_finding(self):
        """An entry linked with an analysed finding meets its cause gate by it, and shows its causes."""
        complaint = self.make_complaint()
        values = self.closing_values()
        del values['cause_ids']
        complaint.write(values)
        with self.assertRefused("the cause"):
            complaint.action_close()
        self.make_finding(complaint_ids=[Command.link(complaint.id)])
        self.assertEqual(complaint.shown_cause_ids, self.cause)
        complaint.action_close()
        self.assertEqual(complaint.state, 'closed')

    def test_settle_on_one_screen(self):
        """What was settled on the telephone: one write, one click."""
        complaint = self.make_complaint(self.officer, **self.closing_values())
        self.assertEqual(complaint.state, 'answered')
        self.assertEqual(complaint.action_settle()['type'], 'ir.actions.act_window_close')
        self.assertEqual(complaint.state, 'closed')
        with self.assertRefused("closed already"):
            complaint.action_close()

    def test_batch_closing(self):
        """One entry that lacks something lets none of the batch close."""
        ready = self.make_complaint(**self.closing_values())
        with self.assertRaises(GateError):
            (ready | self.make_complaint()).action_close()
        self.assertEqual(ready.state, 'answered')

    # === DEADLINES === #

    @freeze_time('2026-11-20 18:00:00')
    def test_deadlines(self):
        """By severity, in working days after the day of receipt (design, rule 6)."""
        friday = datetime(2026, 11, 20, 16, 30)
        for severity, ack, analysis, response in (
            (self.minor, (11, 24), (12, 4), (12, 11)),
            (self.major, (11, 24), (11, 27), (12, 4)),
            (self.critical, (11, 23), (11, 24), (11, 27)),
        ):
            complaint = self.make_complaint(received_on=friday, severity_id=severity.id)
            self.assertRecordValues(complaint, [{
                'ack_deadline': datetime(2026, *ack, 22, 59, 59),
                'analysis_deadline': datetime(2026, *analysis, 22, 59, 59),
                'response_deadline': datetime(2026, *response, 22, 59, 59),
            }])
        complaint.severity_id = self.minor
        self.assertEqual(complaint.ack_deadline, datetime(2026, 11, 24, 22, 59, 59))
        complaint.nature = 'difficulty'
        self.assertFalse(complaint.ack_deadline)
        self.assertEqual(complaint.analysis_deadline, datetime(2026, 12, 4, 22, 59, 59))
        # A setting that is edited later does not rewrite what was promised.
        other = self.make_complaint(received_on=friday)
        self.env.flush_all()
        self.minor.ack_days = 9
        self.env.flush_all()
        self.assertEqual(other.ack_deadline, datetime(2026, 11, 24, 22, 59, 59))

    @freeze_time('2026-12-15 10:00:00')
    def test_timeliness(self):
        """On the deadline's last second is in time, a second later is late; delays count working days."""
        values = {'received_on': datetime(2026, 11, 20, 16, 30)}
        deadline = datetime(2026, 11, 24, 22, 59, 59)
        in_time = self.make_complaint(**values, ack_date=deadline)
        late = self.make_complaint(**values, ack_date=deadline + timedelta(seconds=1))
        pending = self.make_complaint(**values)
        self.assertEqual((in_time.ack_timeliness, in_time.ack_delay), ('on_time', 2))
        self.assertEqual((late.ack_timeliness, late.ack_delay), ('late', 3))
        self.assertEqual((pending.ack_timeliness, pending.response_timeliness), ('pending', 'pending'))
        late.response_date = datetime(2026, 12, 14)
        self.assertEqual((late.response_timeliness, late.response_delay), ('late', 16))
        averages = dict(self.env['qualiopi.complaint']._read_group(
            [('id', 'in', (in_time | late | pending).ids)], ['company_id'], ['ack_delay:avg'],
        ))
        self.assertEqual(averages[self.company], 2.5)

    @freeze_time('2026-11-21 10:00:00')
    def test_late_flags(self):
        """Late flags and their searches agree, whatever the operator and the day."""
        received = datetime(2026, 11, 20, 16, 30)
        make = self.make_complaint
        complaints = (
            make(received_on=received)
            | make(received_on=received, ack_message="Well received")
            | make(received_on=received, nature='difficulty')
            | make(received_on=received, nature='difficulty', cause_ids=[Command.set(self.cause.ids)])
            | make(received_on=received, ack_impossible_reason="Anonymous", response_impossible_reason="Anonymous")
            | make(received_on=received, **self.closing_values())
            | make(received_on=received, severity_id=self.critical.id)
            | self.make_closed_complaint(received_on=received)
        )
        cancelled = make(received_on=received)
        cancelled.with_user(self.manager).action_cancel("Recorded twice")
        complaints |= cancelled
        late_ever = set()
        for day in (20, 22, 23, 24, 25, 28, 60, 400):
            with freeze_time(datetime(2026, 11, 1, 12) + timedelta(days=day - 1)):
                self.env.invalidate_all()
                for flag in ('is_ack_late', 'is_analysis_late', 'is_response_late', 'is_late'):
                    late = complaints.filtered(flag)
                    late_ever |= {(flag, record.id) for record in late}
                    for domain, expected in (
                        ([(flag, '=', True)], late), ([(flag, '!=', False)], late),
                        ([(flag, '=', False)], complaints - late), ([(flag, '!=', True)], complaints - late),
                        ([(flag, 'in', [True])], late), ([(flag, 'not in', [True])], complaints - late),
                    ):
                        found = complaints.search([('id', 'in', complaints.ids), *domain])
                        self.assertEqual(found, expected.sorted(), (day, domain))
        self.assertEqual(late_ever, {
            *(('is_ack_late', complaints[i].id) for i in (0, 6)),
            *(('is_analysis_late', complaints[i].id) for i in (0, 1, 2, 4, 6)),
            *(('is_response_late', complaints[i].id) for i in (0, 1, 6)),
            *(('is_late', complaints[i].id) for i in (0, 1, 2, 4, 6)),
        })

    def test_dates_in_order(self):
        """Nothing was received, acknowledged or answered in the future."""
        now = datetime.now()
        for values in (
            {'received_on': now + timedelta(days=1)},
            {'ack_date': now + timedelta(days=1)}, {'response_date': now + timedelta(days=1)},
        ):
            with self.assertRaises(ValidationError):
                self.make_complaint(**values)
        # Acknowledged at the end of the telephone call that was recorded afterwards.
        self.make_complaint(received_on=now, ack_date=now - timedelta(minutes=1))

    # === TEXTS === #

    def test_versions(self):
        """Text typed by staff is corrected until the acknowledgement, later as a new version (rule 2)."""
        complaint = self.make_complaint(self.declarant, description="Too cold")
        complaint.description = "Far too cold"
        self.assertFalse(complaint.version_ids)
        officer = self.user_env(complaint, self.officer)
        officer.action_acknowledge()
        officer.description = "Far too cold on Monday"
        self.assertRecordValues(complaint.version_ids, [
            {'description': "Far too cold", 'user_id': self.officer.id},
        ])
        officer.description = "Far too cold on Monday"
        self.assertEqual(len(complaint.version_ids), 1)
        officer.description = "Cold"
        self.assertEqual(
            complaint.version_ids.sorted('id').mapped('description'), ["Far too cold", "Far too cold on Monday"],
        )
        for values in ({'description': "Nothing"}, {'date': datetime(2020, 1, 1)}):
            with self.assertDenied():
                self.user_env(complaint.version_ids[0], self.manager).write(values)
        with self.assertDenied():
            self.user_env(complaint.version_ids[0], self.manager).unlink()
        with self.assertRefused("filled in by the program"):
            officer.version_ids = [Command.clear()]

    def test_texts_of_others(self):
        """What came by mail, form, portal or survey is never edited, by nobody and at no time."""
        for origin in ('mail', 'form', 'portal', 'survey'):
            complaint = self.make_complaint(text_origin=origin, description="Their own words")
            for user in (self.officer, self.manager, self.env.ref('base.user_root')):
                with self.assertRefused("never edited"):
                    self.user_env(complaint, user).write({'description': "Nicer words"})
                with self.assertRaises(UserError):
                    # Nor by saying first that it was typed by staff.
                    self.user_env(complaint, user).write({'text_origin': 'staff', 'description': "Nicer words"})
                    self.user_env(complaint, user).write({'description': "Nicer words"})
            with self.assertRaises(UserError):
                complaint.sudo().write({'description': "Nicer words"})
            complaint.write({'description': "Their own words", 'name': "Cold"})
            self.assertEqual(complaint.description, "Their own words")
            self.assertEqual(complaint.name, "Cold")

    def test_text_origin_stays(self):
        """Where a text came from is not changed afterwards: it decides whether it may be edited."""
        complaint = self.make_complaint(text_origin='mail')
        for user in (self.officer, self.manager):
            with self.assertRaises(UserError):
                self.user_env(complaint, user).write({'text_origin': 'staff'})

    # === VERDICT OF THE COMPLAINANT === #

    def test_verdict(self):
        complaint = self.make_closed_complaint()
        complaint.write({'verdict': 'partly', 'verdict_comment': "Warmer"})
        self.assertEqual(complaint.state, 'closed')
        self.assertTrue(complaint.verdict_date)
        complaint.write({'verdict': 'no', 'verdict_comment': "Cold again"})
        self.assertEqual(complaint.state, 'answered')
        self.assertFalse(complaint.closed_on or complaint.closed_by_id or complaint.is_locked)
        self.assertIn("not solved", complaint.reopen_reason)
        self.assertIn("not solved", ' '.join(map(str, complaint.message_ids.mapped('body'))))
        complaint.action_close()
        self.assertEqual(complaint.state, 'closed')
        complaint.verdict = 'yes'
        self.assertEqual(complaint.state, 'closed')
        with self.assertRefused("is closed"):
            complaint.write({'verdict': 'no', 'response': "Changed along"})

    # === CANCELLING, REOPENING === #

    def test_cancel_and_reopen(self):
        complaint = self.make_complaint()
        with self.assertRefused("Only a quality manager"):
            complaint.action_cancel("A duplicate")
        managed = self.user_env(complaint, self.manager)
        for reason in ('', '.', '..', '-', ' ', 'x', '?!…'):
            with self.assertRefused("Give a reason in words"):
                managed.action_cancel(reason)
        self.assertEqual(managed.action_cancel()['res_model'], 'qualiopi.reason')
        managed.action_cancel(" Recorded twice ")
        self.assertRecordValues(complaint, [{
            'state': 'cancelled', 'cancel_reason': "Recorded twice", 'is_locked': True, 'closed_on': False,
        }])
        self.flush_tracking()
        with self.assertRefused("Only a quality manager"):
            complaint.action_reopen("It was not a duplicate")
        with self.assertRefused("Give a reason in words"):
            managed.action_reopen('.')
        managed.action_reopen("It was not a duplicate")
        self.assertRecordValues(complaint, [{
            'state': 'received', 'cancel_reason': False, 'cancelled_on': False,
            'reopen_reason': "It was not a duplicate",
        }])
        self.assertIn("It was not a duplicate", ' '.join(map(str, complaint.message_ids.mapped('body'))))

    def test_reopen_clears_closing(self):
        complaint = self.make_closed_complaint()
        self.user_env(complaint, self.manager).action_reopen("New facts came")
        self.assertRecordValues(complaint, [{'state': 'answered', 'closed_on': False, 'closed_by_id': False}])
        with self.assertRefused("is closed"):
            closed = self.make_closed_complaint()
            self.user_env(closed, self.manager).action_cancel("Not needed")

    def test_reason_wizard(self):
        """The wizard works with the user's own rights and on registers alone."""
        complaint = self.make_complaint()
        values = {'operation': 'cancel', 'res_model': 'qualiopi.complaint', 'res_ids': str(complaint.id)}
        wizard = self.env['qualiopi.reason'].with_user(self.manager).create({**values, 'reason': "Recorded twice"})
        wizard.action_confirm()
        self.assertEqual(complaint.state, 'cancelled')
        wizard = self.env['qualiopi.reason'].with_user(self.officer).create({
            **values, 'operation': 'reopen', 'reason': "Not a duplicate",
        })
        with self.assertRefused("Only a quality manager"):
            wizard.action_confirm()
        for model in ('res.partner', 'nonsense', 'qualiopi.effectiveness.check'):
            wizard = self.env['qualiopi.reason'].with_user(self.manager).create({
                **values, 'res_model': model, 'reason': "Not a register",
            })
            with self.assertRefused("for quality registers only"):
                wizard.action_confirm()

    # === DUPLICATES === #

    def test_similar(self):
        """Recent entries of the same person, or of the same session and category, are suggested."""
        category = self.env.ref('qualiopi.category_premises')
        first = self.make_complaint(email_from='learner@example.com')
        about = self.make_complaint(event_id=self.event.id, category_id=category.id)
        old = self.make_complaint(
            email_from='learner@example.com', received_on=datetime.now() - timedelta(days=90),
        )
        elsewhere = self.model_as('qualiopi.complaint', self.other_officer).create({
            'description': "Cold", 'email_from': 'learner@example.com',
        })
        secret = self.make_confidential(email_from='learner@example.com')
        self.make_complaint(event_id=self.event.id)
        complaint = self.make_complaint(
            email_from='LEARNER@example.com', event_id=self.event.id, category_id=category.id,
        )
        self.assertEqual(complaint.similar_ids, first | about)
        self.assertEqual(complaint.similar_count, 2)
        for other in (old, elsewhere, secret):
            self.assertNotIn(other, complaint.similar_ids)
        with_partner = self.make_complaint(partner_id=self.customer.id)
        self.assertIn(first, with_partner.similar_ids)
        # An address is no pattern.
        self.assertFalse(self.make_complaint(email_from='%').similar_ids)
        self.assertFalse(self.make_complaint(email_from='l_arner@example.com').similar_ids)

    def test_merge(self):
        """Merging cancels with a link, changes no text and stands in both chatters."""
        kept = self.make_complaint(description="Cold", email_from='learner@example.com')
        duplicate = self.make_complaint(description="Very cold", text_origin='mail', email_from='learner@example.com')
        action = duplicate.action_merge()
        self.assertEqual(action['context']['default_complaint_ids'], [Command.set((duplicate | kept).ids)])
        wizard = self.env['qualiopi.complaint.merge'].with_user(self.officer).create({
            'complaint_ids': [Command.set((kept | duplicate).ids)], 'kept_id': kept.id,
        })
        wizard.action_confirm()
        self.assertRecordValues(duplicate, [{
            'state': 'cancelled', 'duplicate_of_id': kept.id, 'description': "Very cold",
            'cancel_reason': f"Duplicate of {kept.reference}",
        }])
        self.assertRecordValues(kept, [{'state': 'received', 'description': "Cold", 'duplicate_ids': duplicate.ids}])
        self.assertIn(duplicate.reference, ' '.join(map(str, kept.message_ids.mapped('body'))))
        self.user_env(duplicate, self.manager).action_reopen("Two different rooms")
        self.assertFalse(duplicate.duplicate_of_id)

    def test_merge_refused(self):
        kept, duplicate = self.make_complaint(), self.make_complaint()
        merge = self.env['qualiopi.complaint.merge']

        def wizard(user, *complaints):
            return merge.with_user(user).create({
                'complaint_ids': [Command.set([c.id for c in complaints])], 'kept_id': complaints[0].id,
            })

        with self.assertRefused("at least two"):
            wizard(self.officer, kept).action_confirm()
        with self.assertDenied():
            wizard(self.declarant, kept, duplicate)
        closed = self.make_closed_complaint()
        for pair in ((kept, closed), (closed, kept)):
            with self.assertRefused("is closed"):
                wizard(self.officer, *pair).action_confirm()
        secret = self.make_confidential()
        both = self._make_user('both', 'qualiopi.group_officer,qualiopi.group_confidential')
        with self.assertRefused("confidential entry cannot be merged"):
            wizard(both, kept, secret).action_confirm()
        elsewhere = self.model_as('qualiopi.complaint', self.other_officer).create({'description': "Cold"})
        both.company_ids = [Command.link(self.other_company.id)]
        merge = merge.with_context(allowed_company_ids=both.company_ids.ids)
        with self.assertRefused("one company"):
            wizard(both, kept, elsewhere).action_confirm()
        self.assertEqual(kept.state, 'received')

    # === FROM ENTRY TO FINDING TO ACTION === #

    def test_create_finding_and_action(self):
        """A finding takes the entry's facts; an action makes the finding in the same click."""
        complaint = self.make_complaint(
            registration_id=self.registration.id, severity_id=self.major.id, why_1="No heating",
            cause_ids=[Command.set(self.cause.ids)], category_id=self.env.ref('qualiopi.category_premises').id,
        )
        window = complaint.action_create_action()
        finding = complaint.finding_ids
        self.assertRecordValues(finding, [{
            'name': complaint.name, 'description': complaint.description, 'event_id': self.event.id,
            'course_id': self.course.id, 'trainer_id': self.trainer.id, 'severity_id': self.major.id,
            'category_id': complaint.category_id.id, 'why_1': "No heating", 'cause_ids': self.cause.ids,
            'source_id': self.env.ref('qualiopi.source_complaint').id, 'family': 'complaint', 'state': 'analysed',
        }])
        complaint.action_create_action()
        self.assertEqual(len(complaint.finding_ids), 1, "the open finding is taken")
        action = self.env['qualiopi.improvement.action'].with_user(self.officer).with_context(
            **window['context'],
        ).create({'date_due': '2026-12-31', 'success_criterion': "No more complaint"})
        self.assertEqual(action.finding_ids, finding)
        self.assertEqual(action.origin, complaint.reference)
        self.assertEqual(complaint.action_ids, action)
        self.assertEqual((complaint.finding_count, complaint.action_count), (1, 1))
        difficulty = self.make_complaint(nature='difficulty')
        self.assertEqual(difficulty.action_create_finding()['res_id'], difficulty.finding_ids.id)
        self.assertEqual(difficulty.finding_ids.family, 'difficulty')
