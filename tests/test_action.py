import base64
from datetime import date, datetime, timedelta
from itertools import combinations

from freezegun import freeze_time
from psycopg2.errors import CheckViolation

from odoo import Command
from odoo.exceptions import UserError, ValidationError
from odoo.fields import Domain
from odoo.tests import tagged
from odoo.tools import mute_logger

from odoo.addons.qualiopi.exceptions import GateError

from .common import TODAY, QualiopiCase


@tagged('post_install', '-at_install')
class TestAction(QualiopiCase):

    # === GATES === #

    def _empty_action(self, **values):
        return self.model_as('qualiopi.improvement.action', self.officer).create({
            'name': "Heat the rooms", 'user_id': False, **values,
        })

    def test_defaults(self):
        action = self.model_as('qualiopi.improvement.action', self.officer).create({'name': "Heat the rooms"})
        self.assertRecordValues(action, [{
            'phase': 'draft', 'action_type': 'corrective', 'user_id': self.officer.id, 'progress': 0,
            'priority': '0', 'due_state': 'on_time', 'check_ids': [],
            'indicator_ids': self.env.ref('qualiopi.indicator_32').ids,
        }])

    def test_gate_of_the_plan(self):
        """Leaving "draft" asks for each of four things, alone or together, whatever the way there."""
        wanted = {
            "a finding, or the reason why there is none": {'finding_ids': [Command.set(self.make_finding().ids)]},
            "an owner": {'user_id': self.officer.id},
            "a due date": {'date_due': date(2026, 12, 31)},
            "a success criterion": {'success_criterion': "No more complaint"},
        }
        texts = list(wanted)
        for phase in ('plan', 'do', 'check'):
            for count in range(1, 5):
                for lacking in combinations(texts, count):
                    values = {}
                    for text in set(texts) - set(lacking):
                        values.update(wanted[text])
                    action = self._empty_action(**values)
                    missing = [text for text in texts if text in lacking]
                    evidence = ["a piece of evidence: a file, a link or a dated statement"] if phase == 'check' else []
                    with self.assertRaises(GateError) as raised:
                        action.stage_id = self.stages[phase]
                    self.assertIn(f"Missing: {' · '.join(missing + evidence)}.", str(raised.exception))
                    self.assertEqual(action.phase, 'draft')
                    if phase == 'plan':
                        # All that lacks, together with the move.
                        fills = {}
                        for text in lacking:
                            fills.update(wanted[text])
                        action.write({**fills, 'stage_id': self.stages['plan'].id})
                        self.assertEqual(action.phase, 'plan')

    def test_meaningless_values(self):
        """A dot is no success criterion and no reason."""
        for text in ('.', '-', ' … ', 'ok', ''):
            action = self.make_action(success_criterion=text)
            with self.assertRefused("a success criterion"):
                action.action_plan()
            action = self.make_action(finding_ids=False, no_finding_reason=text)
            with self.assertRefused("a finding, or the reason"):
                action.action_plan()

    def test_no_finding_reason(self):
        action = self.make_action('plan', no_finding_reason="Asked by the board")
        self.assertEqual(action.phase, 'plan')
        self.assertFalse(action.origin)

    def test_gate_stays(self):
        """What the gate asked for cannot be emptied afterwards."""
        action = self.make_action('plan')
        for values in (
            {'user_id': False}, {'success_criterion': False}, {'success_criterion': '.'},
            {'finding_ids': [Command.clear()]}, {'date_due': False},
        ):
            with self.assertRaises(UserError, msg=values):
                action.write(values)
        self.env.invalidate_all()
        self.assertTrue(action.user_id and action.success_criterion and action.finding_ids and action.date_due)
        # Nor by the other side of the link.
        with self.assertRaises(UserError):
            action.finding_ids.action_ids = [Command.clear()]
        checked = self.make_action('check')
        with self.assertRaises(UserError):
            checked.evidence_ids.unlink()

    def test_drag(self):
        """Moving a card obeys the rules; effective and dropped are decisions, not moves."""
        action = self.make_action()
        action.write({'stage_id': self.stages['plan'].id})
        action.write({'stage_id': self.stages['do'].id})
        self.assertEqual(action.date_start, date.today())
        action.write({'stage_id': self.stages['plan'].id})
        with self.assertRefused("Missing: a piece of evidence"):
            action.write({'stage_id': self.stages['check'].id})
        self.add_statement(action)
        action.write({'stage_id': self.stages['check'].id})
        self.assertRecordValues(action, [{
            'phase': 'check', 'done_on': date.today(), 'carried_out_by_id': self.officer.id, 'progress': 100,
        }])
        for user in (self.officer, self.manager, self.env.ref('base.user_root')):
            with self.assertRefused("Only the verdict of an effectiveness check"):
                self.user_env(action, user).write({'stage_id': self.stages['done'].id})
            with self.assertRefused("needs a reason"):
                self.user_env(action, user).write({'stage_id': self.stages['cancelled'].id})
        action.write({'stage_id': self.stages['do'].id})
        self.assertRecordValues(action, [{'phase': 'do', 'done_on': False, 'carried_out_by_id': False}])

    def test_drag_many(self):
        """One card that may not move lets none of them move."""
        ready, waiting = self.make_action(), self._empty_action()
        with self.assertRaises(GateError):
            (ready | waiting).write({'stage_id': self.stages['plan'].id})
        self.env.invalidate_all()
        self.assertEqual((ready | waiting).mapped('phase'), ['draft', 'draft'])

    def test_second_column_of_a_phase(self):
        """Rules ask for the phase of a column, never for its name."""
        column = self.env['qualiopi.action.stage'].create({'name': "Effective, closed", 'phase': 'do'})
        action = self.make_action('plan')
        action.stage_id = column
        self.assertEqual(action.phase, 'do')
        other = self.env['qualiopi.action.stage'].create({'name': "Party", 'phase': 'done'})
        with self.assertRefused("Only the verdict"):
            action.stage_id = other

    def test_create_in_a_phase(self):
        """Creating directly in a phase asks what a move there asks."""
        model = self.model_as('qualiopi.improvement.action', self.officer)
        finding = self.make_finding()
        values = self.action_values(finding_ids=[Command.set(finding.ids)])
        for phase in ('plan', 'do', 'check'):
            with self.assertRaises(GateError):
                model.create({'name': "Heat the rooms", 'stage_id': self.stages[phase].id})
        with self.assertRefused("a piece of evidence"):
            model.create({**values, 'stage_id': self.stages['check'].id})
        for phase in ('done', 'cancelled'):
            with self.assertRaises(UserError, msg=phase):
                model.create({
                    **values, 'stage_id': self.stages[phase].id,
                    'evidence_ids': [Command.create({'type': 'statement', 'statement': "It was done"})],
                })
        planned = model.create({**values, 'stage_id': self.stages['plan'].id})
        self.assertEqual(len(planned.check_ids), 1)
        carried_out = model.create({
            **values, 'stage_id': self.stages['check'].id,
            'evidence_ids': [Command.create({'type': 'statement', 'statement': "It was done on Monday"})],
        })
        self.assertRecordValues(carried_out, [{
            'phase': 'check', 'done_on': date.today(), 'carried_out_by_id': self.officer.id,
        }])
        self.assertEqual(self.pending_check(carried_out).verifier_id, self.manager)

    def test_evidence(self):
        """A file, a link or a dated statement, each with something in it."""
        png = base64.b64encode(base64.b64decode(
            'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==',
        ))
        good = (
            {'type': 'file', 'file': png, 'file_name': 'after.png'},
            {'type': 'link', 'url': 'https://example.com/minutes'},
            {'type': 'statement', 'statement': "Heated since Monday"},
        )
        for values in good:
            action = self.make_action('do', evidence_ids=[Command.create(values)])
            action.action_carry_out()
            self.assertEqual(action.phase, 'check')
        for values in (
            {'type': 'file'}, {'type': 'link'}, {'type': 'link', 'url': 'javascript:alert(1)'},
            {'type': 'statement'}, {'type': 'statement', 'statement': '.'},
        ):
            with self.assertRaises(ValidationError, msg=values):
                self.make_action(evidence_ids=[Command.create({'name': "Evidence", **values})])
        evidence = self.make_action(evidence_ids=[Command.create(good[0])]).evidence_ids
        self.assertEqual(evidence.name, 'after.png')
        self.assertEqual(len(evidence.sha256), 64)
        self.assertEqual(evidence.mimetype, 'image/png')
        with self.assertRefused("not replaced"):
            evidence.file = base64.b64encode(b'something else')
        # Odoo serves what could carry a script as plain text, unless an administrator added it.
        drawing = [Command.create({
            'type': 'file', 'file': base64.b64encode(b'<svg xmlns="http://www.w3.org/2000/svg"><script/></svg>'),
            'file_name': 'drawing.svg',
        })]
        self.assertEqual(self.make_action(evidence_ids=drawing).evidence_ids.mimetype, 'text/plain')
        with self.assertRaises(ValidationError):
            self.make_action().with_user(self.env.ref('base.user_root')).write({'evidence_ids': drawing})

    def test_evidence_has_one_record(self):
        action, finding = self.make_action(), self.make_finding()
        with self.assertRaises(ValidationError):
            self.add_statement(action, finding_id=finding.id)
        with self.assertRaises(ValidationError):
            self.add_statement(action, action_id=False)

    def test_progress(self):
        action = self.make_action()
        for progress in (-1, 101):
            with self.assertRaises(CheckViolation), mute_logger('odoo.sql_db'):
                action.progress = progress
                action.flush_recordset()
        action.progress = 50
        self.assertEqual(action.progress, 50)

    def test_no_due_date_before_start(self):
        """A plan is in order; what began late did."""
        with self.assertRaises(ValidationError):
            self.make_action(date_start=date(2027, 1, 1))
        late = self.make_action('plan', date_due=date(2026, 11, 2))
        late.action_start()
        self.assertEqual(late.date_start, date(2026, 11, 20))

    def test_not_by_hand(self):
        action = self.make_action('do')
        for values in (
            {'done_on': date(2026, 1, 1)}, {'carried_out_by_id': self.officer2.id}, {'closed_on': datetime(2026, 1, 1)},
            {'replaced_by_id': self.make_action().id}, {'phase': 'done'}, {'last_verdict': 'effective'},
            {'postponement_ids': [Command.clear()]}, {'company_id': self.other_company.id},
        ):
            for user in (self.officer, self.manager):
                with self.assertRaises(UserError, msg=values):
                    self.user_env(action, user).write(values)

    # === CHECKS PLANNED === #

    def test_check_is_planned(self):
        """Planning plans the check: 90 days after the due date, by the severest finding."""
        day = date(2026, 12, 31)
        for severities, days in (
            ((), 90), ((self.minor,), 90), ((self.major,), 60), ((self.critical,), 30),
            ((self.minor, self.critical, self.major), 30),
        ):
            findings = self.env['qualiopi.finding'].browse(
                self.make_finding(severity_id=severity.id).id for severity in severities
            )
            action = self.make_action(
                'plan', finding_ids=[Command.set(findings.ids)], no_finding_reason="Asked by the board",
            )
            self.assertRecordValues(action.check_ids, [{
                'planned_on': day + timedelta(days=days), 'verifier_id': self.manager.id,
                'state': 'planned', 'is_automatic': True,
            }])
            self.assertEqual(action.next_check_date, day + timedelta(days=days))
        action.stage_id = self.stages['do']
        self.assertEqual(len(action.check_ids), 1, "only one check to come")

    def test_check_moves_along(self):
        action = self.make_action('plan')
        action.date_due = date(2026, 12, 1)
        self.assertEqual(action.check_ids.planned_on, date(2026, 12, 1) + timedelta(days=90))
        action.check_ids.sudo(False).with_user(self.officer).planned_on = date(2027, 1, 15)

    def test_verifier_proposed(self):
        """The quality lead verifies, but not the lead's own actions; alone, the lead does by leave."""
        action = self.make_action('plan', user_id=self.manager.id)
        self.assertFalse(action.check_ids.verifier_id)
        self.company.qualiopi_self_check = True
        action = self.make_action('plan', user_id=self.manager.id)
        self.assertEqual(action.check_ids.verifier_id, self.manager)

    # === POSTPONING === #

    def test_postpone(self):
        action = self.make_action('plan')
        with self.assertRaises(GateError) as raised:
            action.date_due = date(2027, 2, 1)
        self.assertEqual(raised.exception.args[1]['res_model'], 'qualiopi.action.postpone')
        self.env.invalidate_all()
        self.assertEqual(action.date_due, date(2026, 12, 31))
        wizard = self.env['qualiopi.action.postpone'].with_user(self.officer)
        values = {'action_ids': [Command.set(action.ids)], 'date_due': date(2027, 2, 1)}
        with self.assertRefused("needs a reason"):
            wizard.create({**values, 'reason': '.'}).action_confirm()
        wizard.create({**values, 'reason': "The plumber is ill"}).action_confirm()
        self.assertRecordValues(action.postponement_ids, [{
            'old_date': date(2026, 12, 31), 'new_date': date(2027, 2, 1), 'reason': "The plumber is ill",
            'user_id': self.officer.id,
        }])
        self.assertEqual(action.check_ids.planned_on, date(2027, 2, 1) + timedelta(days=90))
        # Earlier is no postponement; a draft is not planned yet.
        action.date_due = date(2027, 1, 15)
        self.assertEqual(action.postponement_count, 1)
        draft = self.make_action()
        draft.date_due = date(2027, 6, 1)
        self.assertFalse(draft.postponement_ids)
        for user in (self.officer, self.manager):
            with self.assertDenied():
                self.user_env(action.postponement_ids, user).write({'reason': "Better"})
            with self.assertDenied():
                self.user_env(action.postponement_ids, user).unlink()

    def test_postponing_by_detours(self):
        """Neither through "draft" nor through an empty date is a deadline moved without a trace."""
        action = self.make_action('plan')
        with self.assertRaises(UserError):
            action.date_due = False
        with self.assertRaises(UserError):
            action.write({'stage_id': self.stages['draft'].id, 'date_due': date(2027, 6, 1)})

    def test_inform(self):
        action = self.make_action('plan')
        self.env['qualiopi.action.inform'].with_user(self.officer).create({
            'action_ids': [Command.set(action.ids)], 'partner_ids': [Command.set(self.trainer.ids)],
            'text': "The rooms are heated the day before",
        }).action_confirm()
        self.assertRecordValues(action.communication_ids, [{
            'partner_ids': self.trainer.ids, 'user_id': self.officer.id, 'date': date.today(),
        }])
        message = action.message_ids[0]
        self.assertEqual(message.notified_partner_ids, self.trainer, "the text goes to the people chosen, nobody else")
        self.assertIn("The rooms are heated the day before", message.body)
        mail = self.env['mail.mail'].sudo().search([('mail_message_id', '=', message.id)])
        self.assertEqual(mail.recipient_ids, self.trainer)

    def test_inform_of_decisions(self):
        """A decision on an entry or a finding is told too; what was said in a meeting is kept without a mail."""
        complaint, finding = self.make_complaint(), self.make_finding()
        for record in (complaint, finding):
            before = record.message_ids
            window = record.with_user(self.officer).action_inform()
            wizard = self.env['qualiopi.action.inform'].with_user(self.officer).with_context(**window['context'])
            wizard.create({
                'audience': "Committee of November", 'partner_ids': [Command.set(self.trainer.ids)],
                'text': "Two rooms are given up", 'is_sent': False,
            }).action_confirm()
            self.assertEqual(record.communication_ids.text, "Two rooms are given up")
            self.assertEqual(record.communication_ids.company_id, record.company_id)
            self.assertEqual(record.message_ids, before)

    def test_inform_of_confidential_records(self):
        """Nobody outside the group is told of a confidential record, nor sees who was told."""
        secret = self.make_confidential()
        window = self.user_env(secret, self.confidential).action_inform()
        wizard = self.env['qualiopi.action.inform'].with_user(self.confidential).with_context(**window['context'])
        with self.assertRaises(UserError):
            wizard.create({
                'partner_ids': [Command.set(self.officer.partner_id.ids)], 'text': "Read this",
            }).action_confirm()
        wizard.create({
            'partner_ids': [Command.set(self.confidential2.partner_id.ids)], 'text': "Please read this",
        }).action_confirm()
        told = secret.communication_ids
        self.assertTrue(told.is_confidential)
        self.assertTrue(told.with_user(self.confidential).has_access('read'))
        for user in (self.officer, self.manager, self.auditor, self.declarant):
            self.assertFalse(told.with_user(user).has_access('read'), user.name)

    # === DEADLINES === #

    def _spread_actions(self):
        """Actions in every phase with due dates and days of carrying out around the day."""
        today = date(2026, 11, 20)
        rows = []
        offsets = (None, -400, -8, -7, -1, 0, 1, 6, 7, 8, 400)
        for phase in self.stages:
            for due in offsets:
                for done in (None, -10, -7, 0, 8):
                    if done is not None and phase in ('draft', 'plan', 'do'):
                        continue
                    rows.append((phase, *(
                        None if offset is None else today + timedelta(days=offset) for offset in (due, done)
                    )))
        actions = self.env['qualiopi.improvement.action'].create(
            [{'name': "Heat", 'user_id': False, 'company_id': self.company.id}] * len(rows),
        )
        self.env.flush_all()
        for action, (phase, due, done) in zip(actions, rows, strict=True):
            self.cr.execute(
                """UPDATE qualiopi_improvement_action SET stage_id = %s, phase = %s, date_due = %s, done_on = %s
                    WHERE id = %s""", [self.stages[phase].id, phase, due, done, action.id],
            )
        self.env.invalidate_all()
        return actions

    def test_due_state(self):
        """What is computed, searched and grouped is the same on every day."""
        states = ('on_time', 'soon', 'late', 'ended')
        actions = self._spread_actions()
        for moment in (TODAY, '2026-11-13 10:00:00', '2026-11-21 10:00:00', '2026-11-27 10:00:00'):
            with freeze_time(moment):
                self.env.invalidate_all()
                computed = {state: actions.filtered(lambda a, s=state: a.due_state == s) for state in states}
                self.assertTrue(all(computed.values()), moment)
                domain = Domain('id', 'in', actions.ids)
                for state in states:
                    for operator, value, expected in (
                        ('=', state, computed[state]), ('!=', state, actions - computed[state]),
                        ('in', [state], computed[state]), ('not in', [state], actions - computed[state]),
                    ):
                        found = actions.search(domain & Domain('due_state', operator, value))
                        self.assertEqual(set(found.ids), set(expected.ids), (moment, operator, value))
                self.assertEqual(
                    set(actions.search(domain & Domain('due_state', 'in', ['late', 'soon'])).ids),
                    set((computed['late'] | computed['soon']).ids),
                )
                grouped = dict(actions._read_group(domain, ['due_state'], ['id:recordset']))
                self.assertEqual(
                    {state: set(found.ids) for state, found in grouped.items()},
                    {state: set(found.ids) for state, found in computed.items()},
                )
                bar = actions.read_progress_bar(domain, 'stage_id', {
                    'field': 'due_state', 'colors': dict.fromkeys(states, 'x'),
                })
                counted = {state: sum(column[state] for column in bar.values()) for state in states}
                self.assertEqual(counted, {state: len(found) for state, found in computed.items()})

    def test_due_state_by_hand(self):
        """The words of the board against a hand table."""
        today = date(2026, 11, 20)
        action = self.make_action('plan', date_due=today)
        for days, state, delay in ((-1, 'late', 1), (0, 'soon', 0), (7, 'soon', 0), (8, 'on_time', 0)):
            action._as_server().date_due = today + timedelta(days=days)
            self.assertEqual((action.due_state, action.delay_days), (state, delay))
        self.add_statement(action)
        action.action_carry_out()
        with freeze_time('2027-01-31 10:00:00'):
            self.env.invalidate_all()
            # Carried out in time: waiting for the check is not being late.
            self.assertEqual((action.due_state, action.delay_days), ('on_time', 0))
        late = self.make_action('do', date_due=today - timedelta(days=3))
        self.add_statement(late)
        late.action_carry_out()
        self.assertEqual((late.due_state, late.delay_days), ('late', 3))
        self.judge(late, 'effective')
        self.assertEqual((late.due_state, late.delay_days), ('ended', 3))
        dropped = self.make_action('cancelled', date_due=today - timedelta(days=3))
        self.assertEqual((dropped.due_state, dropped.delay_days), ('ended', 0))

    # === VERDICTS === #

    def test_two_dates(self):
        """Carried out and found effective are two dates."""
        action = self.make_action('check')
        with freeze_time('2027-03-31 10:00:00'):
            self.judge(action, 'effective')
        self.assertRecordValues(action, [{
            'phase': 'done', 'done_on': date(2026, 11, 20), 'last_check_date': date(2027, 3, 31),
            'closed_on': datetime(2027, 3, 31, 10), 'closed_by_id': self.manager.id,
            'last_verdict': 'effective', 'is_locked': True, 'next_check_date': False,
        }])

    def test_not_effective(self):
        """Back to the plan, with a new check; the history stays."""
        action = self.make_action('check')
        check = self.judge(action, 'not', value_measured=12.5)
        self.assertRecordValues(action, [{
            'phase': 'plan', 'done_on': False, 'carried_out_by_id': False, 'last_verdict': 'not',
            'value_after': 12.5, 'has_value_after': True, 'check_count': 2,
        }])
        self.assertEqual(check.state, 'done')
        self.assertIn("Not effective", ' '.join(map(str, action.message_ids.mapped('body'))))
        action.action_carry_out()
        self.judge(action, 'effective')
        self.assertEqual(action.phase, 'done')
        self.assertEqual(set(action.check_ids.mapped('verdict')), {'not', 'effective'})

    def test_replaced(self):
        """A new action on the same findings takes its place."""
        action = self.make_action('check', value_before=40, metric="Complaints a year")
        finding = action.finding_ids
        check = self.judge(action, 'not', follow_up='new_action', value_measured=30)
        new = check.sudo().new_action_id
        self.assertRecordValues(action, [{'phase': 'cancelled', 'replaced_by_id': new.id, 'is_locked': True}])
        self.assertRecordValues(new, [{
            'phase': 'draft', 'name': action.name, 'finding_ids': finding.ids, 'replaces_ids': action.ids,
            'value_before': 30, 'metric': "Complaints a year", 'user_id': action.user_id.id,
            'date_due': False, 'done_on': False, 'progress': 0, 'check_ids': [], 'evidence_ids': [],
        }])
        self.assertEqual(finding.state, 'action')
        self.assertEqual(check.verdict, 'not')

    def test_partly(self):
        """Stays to be verified, with another check to come."""
        action = self.make_action('check')
        self.judge(action, 'partly')
        self.assertRecordValues(action, [{'phase': 'check', 'last_verdict': 'partly', 'closed_on': False}])
        self.assertEqual(len(action.check_ids.filtered(lambda c: c.state == 'planned')), 1)
        self.assertEqual(action.finding_ids.state, 'action')
        self.judge(action, 'effective')
        self.assertEqual(action.phase, 'done')

    # === LIFECYCLE === #

    def test_drop_and_reopen(self):
        action = self.make_action('do')
        with self.assertRefused("Only a quality manager"):
            action.action_cancel("Too expensive")
        managed = self.user_env(action, self.manager)
        with self.assertRefused("Give a reason"):
            managed.action_cancel('.')
        managed.action_cancel("Too expensive")
        self.assertRecordValues(action, [{'phase': 'cancelled', 'cancel_reason': "Too expensive"}])
        self.assertEqual(action.check_ids.state, 'cancelled')
        managed.action_reopen("Cheaper than thought")
        self.assertRecordValues(action, [{
            'phase': 'plan', 'cancel_reason': False, 'cancelled_on': False, 'closed_on': False,
            'reopen_reason': "Cheaper than thought",
        }])
        self.assertEqual(len(action.check_ids.filtered(lambda c: c.state == 'planned')), 1)

    def test_reopen_effective(self):
        action = self.make_action('done')
        self.user_env(action, self.manager).action_reopen("It came back")
        self.assertRecordValues(action, [{
            'phase': 'plan', 'closed_on': False, 'closed_by_id': False, 'done_on': False, 'carried_out_by_id': False,
        }])
        self.assertEqual(set(action.check_ids.mapped('state')), {'done', 'planned'})

    def test_effective_is_not_dropped(self):
        action = self.make_action('done')
        with self.assertRefused("is closed"):
            self.user_env(action, self.manager).action_cancel("Not needed")

    def test_origin(self):
        """An action from appreciations and one from complaints are told apart (indicator 32)."""
        complaint = self.make_complaint()
        complaint.action_create_finding()
        action = self.make_action(finding_ids=[Command.set(complaint.finding_ids.ids)])
        self.assertEqual((action.origin, action.origin_family), (complaint.reference, 'complaint'))
        survey = self.make_finding(source_id=self.env.ref('qualiopi.source_hot_survey').id)
        action = self.make_action(finding_ids=[Command.set(survey.ids)])
        self.assertEqual((action.origin, action.origin_family), (survey.reference, 'appreciation'))
        self.assertEqual(
            self.env['qualiopi.improvement.action'].search_count([
                ('origin_family', '=', 'complaint'), ('company_id', '=', self.company.id),
            ]), 1,
        )
