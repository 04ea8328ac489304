from datetime import date

from freezegun import freeze_time

from odoo.exceptions import UserError
from odoo.tests import tagged

from odoo.addons.qualiopi.exceptions import GateError

from .common import QualiopiCase


@tagged('post_install', '-at_install')
class TestCheck(QualiopiCase):

    def _as(self, check, user):
        return self.user_env(check, user)

    def _verdict(self, verdict='effective', **values):
        return {'verdict': verdict, 'conclusion': "Measured on three sessions", **values}

    # === WHO JUDGES === #

    def test_owner_refused(self):
        """The owner does not judge the own action; the refusal offers the setting (design, rule 4)."""
        for owner in (self.officer, self.manager):
            action = self.make_action('check', user_id=owner.id)
            check = self.pending_check(action, owner)
            with self.assertRaises(GateError) as raised:
                check.write(self._verdict())
            # Only who may give the leave is offered to.
            offer = raised.exception.args[1]['res_model'] if len(raised.exception.args) > 1 else None
            self.assertEqual(offer, 'qualiopi.self.check' if owner == self.manager else None)
            for verdict in ('partly', 'not'):
                with self.assertRefused("somebody else says whether it was effective"):
                    check.write(self._verdict(verdict))
            with self.assertRefused("somebody else"):
                self.env['qualiopi.check.verdict'].with_user(owner).create(
                    {'check_id': check.id, 'conclusion': "Measured", 'verdict': 'effective'},
                ).action_confirm()
            with self.assertRefused("somebody else"):
                check.with_user(self.officer).write({'verifier_id': owner.id})

    def test_owner_changes_first(self):
        """Who carried the action out does not judge it, whoever owns it since."""
        action = self.make_action('check')
        action.user_id = self.officer2
        self.assertEqual(action.carried_out_by_id, self.officer)
        with self.assertRefused("somebody else"):
            self.pending_check(action, self.officer).write(self._verdict())
        with self.assertRefused("somebody else"):
            self.pending_check(action, self.officer2).write(self._verdict())
        self.judge(action, 'effective')
        self.assertEqual(action.phase, 'done')

    def test_owner_becomes_verifier(self):
        """A verifier who becomes the owner judges no more."""
        action = self.make_action('check')
        self._as(self.pending_check(action), self.officer).verifier_id = self.officer2
        action.user_id = self.officer2
        with self.assertRefused("somebody else"):
            self.pending_check(action, self.officer2).write(self._verdict())

    def test_created_with_verdict(self):
        """A check created with its verdict asks the same."""
        action = self.make_action('check')
        model = self.env['qualiopi.effectiveness.check']
        values = {'action_id': action.id, 'planned_on': date(2026, 11, 20), **self._verdict()}
        with self.assertRefused("somebody else"):
            model.with_user(self.officer).create(values)
        for forged in ({'is_self_check': False, 'verdict_by_id': self.manager.id}, {'state': 'done'}):
            with self.assertRaises(UserError):
                model.with_user(self.officer).create({**values, **forged})
        check = model.with_user(self.officer2).create(values)
        self.assertRecordValues(check, [{'state': 'done', 'verdict_by_id': self.officer2.id, 'is_self_check': False}])
        self.assertEqual(action.phase, 'done')

    def test_one_person_organisation(self):
        """The setting lets owners check their own actions, which the check then says for ever."""
        wizard = self.env['qualiopi.self.check']
        for user in (self.officer, self.declarant, self.auditor, self.confidential):
            with self.assertDenied():
                wizard.with_user(user).create({'company_id': self.company.id}).action_confirm()
        self.assertFalse(self.company.qualiopi_self_check)
        wizard.with_user(self.manager).create({'company_id': self.other_company.id}).action_confirm()
        self.assertFalse(self.other_company.qualiopi_self_check, "only the own company")
        wizard.with_user(self.manager).create({'company_id': self.company.id}).action_confirm()
        self.assertTrue(self.company.qualiopi_self_check)
        action = self.make_action('check', user_id=self.manager.id)
        check = self.judge(action, 'effective', self.manager)
        self.assertRecordValues(check, [{'is_self_check': True, 'verdict_by_id': self.manager.id, 'state': 'done'}])
        other = self.judge(self.make_action('check'), 'effective', self.manager)
        self.assertFalse(other.is_self_check)
        self.company.qualiopi_self_check = False
        self.assertTrue(check.is_self_check)

    def test_declarant_verifies(self):
        """The named verifier gives the verdict whatever the group; another declarant does not."""
        for verifier in (self.declarant, self.auditor):
            action = self.make_action('check')
            self._as(self.pending_check(action), self.officer).verifier_id = verifier
            check = self.pending_check(action, verifier)
            self.assertEqual(check.read(['success_criterion'])[0]['success_criterion'], action.success_criterion)
            for values in (
                {'planned_on': date(2027, 1, 1)}, {'verifier_id': self.declarant2.id}, {'state': 'cancelled'},
                {'action_id': self.make_action('check').id},
            ):
                with self.assertRaises(UserError, msg=values):
                    check.write(values)
            wizard = self.env['qualiopi.check.verdict'].with_user(verifier).create({
                'check_id': check.id, **self._verdict(has_value=True, value_measured=3),
            })
            wizard.action_confirm()
            self.assertRecordValues(check, [
                {'verdict_by_id': verifier.id, 'is_self_check': False, 'value_measured': 3},
            ])
            self.assertEqual(action.phase, 'done')
            self.assertEqual(action.finding_ids.state, 'closed')

    def test_strangers(self):
        """Who is neither verifier nor of the quality team gives no verdict."""
        action = self.make_action('check')
        for user in (self.declarant, self.plain, self.portal, self.auditor, self.other_officer):
            with self.assertDenied():
                self.pending_check(action, user).with_context(
                    allowed_company_ids=user.company_ids.ids,
                ).write(self._verdict())
        owned = self.make_action('check', user_id=self.declarant.id)
        with self.assertRaises(UserError):
            self.pending_check(owned, self.declarant).write(self._verdict())

    def test_verifier_without_access(self):
        """A verifier is an active user of the company with a role."""
        check = self._as(self.pending_check(self.make_action('plan')), self.officer)
        archived = self._make_user('archived', 'qualiopi.group_officer')
        archived.active = False
        for user in (self.plain, self.portal, archived, self.other_officer):
            with self.assertRaises(UserError, msg=user.name):
                check.verifier_id = user

    def test_owner_needs_access(self):
        """So is an owner (quality.md, G10)."""
        archived = self._make_user('archived', 'qualiopi.group_officer')
        archived.active = False
        for user in (self.plain, self.portal, archived, self.other_officer):
            with self.assertRaises(UserError, msg=user.name):
                self.make_action(user_id=user.id)
            with self.assertRaises(UserError, msg=user.name):
                self.make_complaint(user_id=user.id)

    # === WHAT A VERDICT NEEDS === #

    def test_before_carried_out(self):
        for phase in ('plan', 'do'):
            action = self.make_action(phase)
            with self.assertRefused("checked once it has been carried out"):
                self.judge(action, 'effective')
            with self.assertRefused("checked once it has been carried out"):
                self.user_env(action, self.manager).action_verify()

    def test_conclusion(self):
        for conclusion in (False, '', '.', ' - ', 'ok'):
            with self.assertRefused("Say in the conclusion"):
                self.judge(self.make_action('check'), 'effective', conclusion=conclusion)

    def test_date(self):
        action = self.make_action('check')
        with self.assertRefused("cannot be done in the future"):
            self.judge(action, 'effective', done_on=date(2026, 11, 21))
        check = self.judge(action, 'effective')
        self.assertEqual(check.done_on, date(2026, 11, 20))

    def test_not_judged_before_carried_out(self):
        """A check is not done before the action was."""
        with self.assertRaises(UserError):
            self.judge(self.make_action('check'), 'effective', done_on=date(2026, 11, 1))

    def test_not_by_hand(self):
        check = self._as(self.pending_check(self.make_action('check')), self.manager)
        for values in (
            {'state': 'done'}, {'is_self_check': True}, {'verdict_by_id': self.officer2.id},
            {'new_action_id': self.make_action().id}, {'is_automatic': False},
            {**self._verdict(), 'is_self_check': False}, {**self._verdict(), 'verdict_by_id': self.officer2.id},
        ):
            with self.assertRaises(UserError, msg=values):
                check.write(values)

    def test_late(self):
        action = self.make_action('plan', date_due=date(2026, 11, 20))
        check = action.check_ids
        model = self.env['qualiopi.effectiveness.check']
        for moment, late in (('2027-02-18 10:00:00', False), ('2027-02-19 10:00:00', True)):
            with freeze_time(moment):
                self.env.invalidate_all()
                self.assertEqual(check.is_late, late)
                self.assertEqual(check in model.search([('is_late', '=', True)]), late)
                self.assertEqual(check in model.search([('is_late', '!=', True)]), not late)

    # === HISTORY === #

    def test_history_stays(self):
        action = self.make_action('check')
        check = self.judge(action, 'not')
        for user in (self.officer, self.manager, self.env.ref('base.user_root')):
            for values in ({'verdict': 'effective'}, {'verdict': False}, {'conclusion': "Better"}, {'state': 'planned'},
                           {'done_on': date(2026, 1, 1)}, {'value_measured': 1}, {'state': 'cancelled'}):
                with self.assertRefused("history of checks stays"):
                    self._as(check, user).write(values)
            with self.muted(), self.assertRaises(UserError):
                self._as(check, user).unlink()
        planned = self.pending_check(action, self.officer)
        with self.assertRaises(UserError):
            planned.sudo().unlink()
        planned.action_cancel()
        self.assertEqual(planned.state, 'cancelled')

    def test_copy(self):
        """A copy is a check to come."""
        check = self.judge(self.make_action('check'), 'partly')
        values = check.copy_data()[0]
        for name in ('verdict', 'done_on', 'conclusion', 'verdict_by_id', 'is_self_check', 'value_measured', 'state'):
            self.assertNotIn(name, values)

    def test_several_checks(self):
        """Further checks may be planned; the last verdict is the action's."""
        action = self.make_action('check')
        extra = self.env['qualiopi.effectiveness.check'].with_user(self.officer).create({
            'action_id': action.id, 'planned_on': date(2027, 6, 1), 'verifier_id': self.officer2.id,
        })
        self._as(extra, self.officer2).write(self._verdict('partly', value_measured=5, has_value=True))
        self.assertRecordValues(action, [{'last_verdict': 'partly', 'value_after': 5, 'phase': 'check'}])
        with freeze_time('2026-11-20 11:00:00'):
            self.judge(action, 'effective')
        self.assertEqual((action.last_verdict, action.value_after, action.phase), ('effective', 5, 'done'))

    def test_measured_zero(self):
        """Zero is a value."""
        action = self.make_action('check')
        check = self.judge(action, 'effective', value_measured=0)
        self.assertTrue(check.has_value and action.has_value_after)
        action = self.make_action('check')
        self.judge(action, 'effective')
        self.assertFalse(action.has_value_after)

    def test_other_checks_end_with_the_action(self):
        """An effective action leaves no check to come behind."""
        action = self.make_action('check')
        extra = self.env['qualiopi.effectiveness.check'].with_user(self.officer).create({
            'action_id': action.id, 'planned_on': date(2027, 6, 1), 'verifier_id': self.officer2.id,
        })
        check = (action.check_ids - extra).with_user(self.manager)
        check.write(self._verdict())
        self.assertEqual(extra.state, 'cancelled')
        self.assertFalse(action.next_check_date)
