"""Effectiveness checks of an action: planned with it, and what their verdict does."""

from datetime import datetime, timedelta

from odoo import api, fields, models
from odoo.exceptions import UserError

_DEFAULT_CHECK_DAYS = 90


class QualiopiImprovementAction(models.Model):
    _inherit = 'qualiopi.improvement.action'

    check_ids = fields.One2many('qualiopi.effectiveness.check', 'action_id', "Effectiveness checks")
    check_count = fields.Integer(compute='_compute_check_summary', store=True)
    last_verdict = fields.Selection(
        selection='_selection_verdict', compute='_compute_check_summary', store=True, string="Effectiveness",
    )
    last_check_date = fields.Date("Checked on", compute='_compute_check_summary', store=True)
    next_check_date = fields.Date("Next check", compute='_compute_check_summary', store=True)
    next_verifier_id = fields.Many2one('res.users', "Verifier", compute='_compute_check_summary', store=True)
    value_after = fields.Float("Value after", digits=(16, 2), compute='_compute_check_summary', store=True)
    has_value_after = fields.Boolean(compute='_compute_check_summary', store=True)
    replaced_by_id = fields.Many2one(
        'qualiopi.improvement.action', "Replaced by", readonly=True, copy=False, index='btree_not_null',
        ondelete='restrict',
    )
    replaces_ids = fields.One2many('qualiopi.improvement.action', 'replaced_by_id', readonly=True)

    # === SUMMARY === #

    @api.model
    def _selection_verdict(self):
        return self.env['qualiopi.effectiveness.check']._fields['verdict']._description_selection(self.env)

    @api.depends('check_ids.verdict', 'check_ids.state', 'check_ids.done_on', 'check_ids.planned_on',
                 'check_ids.verifier_id', 'check_ids.value_measured', 'check_ids.has_value')
    def _compute_check_summary(self):
        for action in self:
            done = action.check_ids.filtered(lambda c: c.state == 'done').sorted(
                lambda c: (c.done_on, c.verdict_on or datetime.min, c.id),
            )
            planned = action.check_ids.filtered(lambda c: c.state == 'planned').sorted('planned_on')
            measured = done.filtered('has_value')[-1:]
            action.check_count = len(action.check_ids)
            action.last_verdict = done[-1:].verdict
            action.last_check_date = done[-1:].done_on
            action.value_after = measured.value_measured
            action.has_value_after = bool(measured)
            action.next_check_date = planned[:1].planned_on
            action.next_verifier_id = planned[:1].verifier_id

    def action_view_checks(self):
        """Open the checks of the action."""
        return self._open_records(
            self.check_ids, self.env._("Effectiveness checks"), default_action_id=self.id,
        )

    # === PLANNING === #

    def _check_dates_planned(self, after=None):
        """Days of the effectiveness checks: so many calendar days after the due date, by the gravest
        severity among the findings, 90 by default.

        :param date after: count from this day where it is later than the due date
        :return: date by action
        :rtype: dict
        """
        days = {}
        findings = {finding.id: finding for finding in self._all_linked('finding_ids')}
        for own, other in self._linked_pairs('finding_ids'):
            severity_days = findings[other].severity_id.check_days
            if severity_days:
                days[own] = min(severity_days, days.get(own, severity_days))
        return {
            action: max(action.date_due, after or action.date_due)
            + timedelta(days=days.get(action.id, _DEFAULT_CHECK_DAYS))
            for action in self
        }

    def _default_verifier(self):
        """The quality lead, unless the action is the lead's own: in a one-person organisation the owner."""
        self.ensure_one()
        # sudo: settings of the company decide who verifies
        company = self.company_id.sudo()
        manager = company.qualiopi_manager_id
        if manager and manager != self.user_id and self._filter_audience(manager):
            return manager
        return self.user_id if company.qualiopi_self_check else self.env['res.users']

    def _plan_checks(self, after=None):
        """Plan one check for each action that has none to come.

        :param date after: see _check_dates_planned()
        """
        waiting = self.filtered(
            lambda action: action.date_due and 'planned' not in action.check_ids.mapped('state')
        )
        dates = waiting._check_dates_planned(after)
        # sudo: the program plans checks of actions that the user has moved
        self.env['qualiopi.effectiveness.check'].sudo()._as_server().create([{
            'action_id': action.id,
            'planned_on': dates[action],
            'verifier_id': action._default_verifier().id,
            'is_automatic': True,
        } for action in waiting])

    def _move_checks(self):
        for action, planned_on in self.filtered('date_due')._check_dates_planned().items():
            # sudo: the checks follow the action, whoever moves it
            planned = action.sudo().check_ids.filtered(lambda c: c.state == 'planned' and c.is_automatic)
            if planned:
                planned._as_server().planned_on = planned_on

    def _cancel_checks(self):
        """An action that ends leaves no check to come behind."""
        # sudo: the checks end with the action, whoever ends it
        planned = self.sudo().check_ids.filtered(lambda check: check.state == 'planned')
        planned._as_server().write({'state': 'cancelled'})

    # === VERDICT === #

    def action_verify(self):
        """Open the verdict of the next planned check, planning one when there is none."""
        self.ensure_one()
        if self.phase != 'check':
            raise UserError(self.env._("%s is checked once it has been carried out.", self.reference))
        self._plan_checks()
        return self.check_ids.filtered(lambda check: check.state == 'planned')[:1].action_record_verdict()

    def _effective(self, moment=None):
        """A check judged the action effective: it ends, and so do the findings that it completes.

        :param datetime moment: UTC, now by default
        """
        for company, actions in self.grouped('company_id').items():
            actions._as_server().write({'stage_id': self._stage_of('done', company).id})
        self._cancel_checks()
        self._close(moment)
        self._all_linked('finding_ids')._close_when_complete()

    def _not_effective(self):
        """A check judged the action not effective: back to the plan."""
        self._followup_forget_waivers()
        for company, actions in self.grouped('company_id').items():
            actions._as_server().write({
                'stage_id': self._stage_of('plan', company).id,
                'done_on': False,
                'carried_out_by_id': False,
            })
        self._plan_checks(after=fields.Date.context_today(self))

    def _replace(self):
        """Open a new action on the same findings in place of these, which a check judged not effective."""
        news = self.browse()
        for action in self:
            [values] = action._as_user().copy_data({
                'name': action.name, 'value_before': action.value_after or action.value_before,
            })
            new = self._as_user().create(values)
            action._as_server().replaced_by_id = new
            action._cancel(self.env._("Not effective, replaced by %s", new.reference))
            news |= new
        return news
