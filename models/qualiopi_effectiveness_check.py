from odoo import api, fields, models
from odoo.exceptions import UserError, ValidationError
from odoo.tools import format_date

from ..exceptions import GateError
from .qualiopi_followup_mixin import Step
from .qualiopi_guarded_mixin import is_meaningful

# What the verifier fills in, whatever the verifier's group (design, rule 4).
_VERIFIER_FIELDS = {
    'verdict', 'done_on', 'has_value', 'value_measured', 'conclusion', 'follow_up', 'evidence_ids',
}


class QualiopiEffectivenessCheck(models.Model):
    _name = 'qualiopi.effectiveness.check'
    _description = "Effectiveness Check"
    _inherit = ['qualiopi.followup.mixin', 'qualiopi.guarded.mixin', 'qualiopi.screen.mixin']
    _order = 'planned_on desc, id desc'
    _rec_names_search = ['reference']
    _narrative_fields = {'conclusion'}
    _owner_field = 'verifier_id'
    _server_fields = frozenset({'verdict_by_id', 'verdict_on', 'is_self_check', 'new_action_id', 'is_automatic'})

    action_id = fields.Many2one(
        'qualiopi.improvement.action', required=True, index=True, ondelete='restrict', check_company=True,
    )
    company_id = fields.Many2one(related='action_id.company_id', store=True, index=True, precompute=True)
    is_confidential = fields.Boolean(related='action_id.is_confidential', store=True)
    planned_on = fields.Date(required=True, index=True, tracking=True)
    is_automatic = fields.Boolean("Planned by the program", readonly=True)
    verifier_id = fields.Many2one(
        'res.users', index=True, tracking=True, check_company=True, ondelete='restrict',
        domain="[('share', '=', False)]",
    )
    done_on = fields.Date(copy=False)
    verdict_on = fields.Datetime("Verdict recorded on", readonly=True, copy=False)
    verdict_by_id = fields.Many2one('res.users', "Checked by", readonly=True, copy=False, ondelete='restrict')
    has_value = fields.Boolean("A value was measured", copy=False)
    value_measured = fields.Float(digits=(16, 2), copy=False)
    value_before = fields.Float(related='action_id.value_before')
    value_target = fields.Float(related='action_id.value_target')
    unit = fields.Char(related='action_id.unit')
    success_criterion = fields.Text(related='action_id.success_criterion')
    conclusion = fields.Text(copy=False, help="What was looked at, and what it shows.")
    verdict = fields.Selection([
        ('effective', "Effective"),
        ('partly', "Partly effective"),
        ('not', "Not effective"),
    ], copy=False, tracking=True)
    follow_up = fields.Selection([
        ('reopen', "Back to the plan"),
        ('new_action', "A new action on the same findings"),
    ], "When not effective", default='reopen', copy=False)
    new_action_id = fields.Many2one(
        'qualiopi.improvement.action', readonly=True, copy=False, index='btree_not_null', ondelete='restrict',
    )
    is_self_check = fields.Boolean(
        "Checked by the owner", readonly=True, copy=False,
        help="One-person organisation: the owner checked the own action. Printed.",
    )
    state = fields.Selection([
        ('planned', "Planned"),
        ('done', "Done"),
        ('cancelled', "Cancelled"),
    ], compute='_compute_state', store=True, readonly=False, copy=False, index=True)
    is_late = fields.Boolean("Late", compute='_compute_is_late', search='_search_is_late')
    evidence_ids = fields.One2many('qualiopi.evidence', 'check_id')
    reference = fields.Char(related='action_id.reference')

    # === COMPUTES === #

    @api.depends('verdict')
    def _compute_state(self):
        for check in self:
            if check.verdict:
                check.state = 'done'
            else:
                check.state = check.state or 'planned'

    @api.depends('action_id.reference', 'planned_on', 'verdict')
    def _compute_display_name(self):
        verdicts = dict(self._fields['verdict']._description_selection(self.env))
        for check in self:
            label = verdicts.get(check.verdict) or check.env._("check planned")
            # sudo: the number alone, to whoever reads the check
            check.display_name = f"{check.action_id.sudo().reference or ''} – {label}"

    @api.depends('planned_on', 'state')
    def _compute_is_late(self):
        today = fields.Date.context_today(self)
        for check in self:
            check.is_late = bool(check.state == 'planned' and check.planned_on and check.planned_on < today)

    def _search_is_late(self, operator, value):
        if operator != 'in':
            return NotImplemented
        return [('state', '=', 'planned'), ('planned_on', '<', fields.Date.context_today(self))]

    def _chain_levels(self):
        action = self._chain_visible(self.action_id)
        levels = action._chain_levels() if action else {}
        return {**levels, 'check': self._chain_visible(action.check_ids) or self}

    def _chain_state_field(self):
        return 'verdict' if self.verdict else 'state'

    def _chain_name(self):
        return format_date(self.env, self.done_on or self.planned_on)

    def _chain_tone(self):
        tones = {'effective': 'success', 'partly': 'warning', 'not': 'danger'}
        return tones.get(self.verdict, 'secondary' if self.state == 'cancelled' else 'info')

    def _is_ended(self):
        return self.state != 'planned' or self.action_id._is_ended()

    def _excluded_users(self):
        # sudo: the field is the confidential group's, and the answer decides on access alone
        return self.sudo().action_id.excluded_user_ids

    # === CONSTRAINTS === #

    @api.constrains('verifier_id', 'action_id')
    def _check_verifier_id(self):
        """A verifier is somebody else than the owner, with access to the action (design, rule 4)."""
        for check in self.filtered(lambda c: c.verifier_id and c.state == 'planned'):
            action = check.action_id
            if not action._filter_audience(check.verifier_id):
                raise ValidationError(check.env._(
                    "%(user)s cannot verify %(action)s: the person must be an active user of the company"
                    " with access to it.", user=check.verifier_id.name, action=action.reference,
                ))
            if check.verifier_id == action.user_id:
                check._check_self_allowed(check.verifier_id)

    def _check_self_allowed(self, user):
        """
        :raise GateError: when the owner would check the own action without the company's leave
        """
        # sudo: owner and leave decide, whatever the verifier may read; the refusal names an action they check
        for check in self.sudo():
            action = check.action_id
            if user not in (action.user_id | action.carried_out_by_id):
                continue
            if not check.company_id.qualiopi_self_check:
                raise GateError(
                    self.env._(
                        "%(user)s owns %(action)s: somebody else says whether it was effective. A one-person"
                        " organisation may allow its own check; the reports then say so.",
                        user=user.name, action=action.reference,
                    ),
                    check.with_env(self.env)._self_check_window(), self.env._("Allow it"),
                )

    def _self_check_window(self):
        """The leave for a one-person organisation, for those who may give it."""
        if not self.env.user.has_group('qualiopi.group_manager'):
            return None
        return {
            'type': 'ir.actions.act_window',
            'name': self.env._("One-person organisation"),
            'res_model': 'qualiopi.self.check',
            'views': [(False, 'form')],
            'target': 'new',
            'context': {
                'default_company_id': self.company_id.id,
                'default_verdict_id': self.env.context.get('qualiopi_verdict'),
            },
        }

    # === CRUD === #

    @api.model_create_multi
    def create(self, vals_list):
        self._check_server_values(vals_list)
        for vals in vals_list:
            if vals.get('state', 'planned') != 'planned':
                self._refuse_value('state')
        judged = [{name: vals.get(name) for name in _VERIFIER_FIELDS & vals.keys()} for vals in vals_list]
        checks = super().create([
            # The verdict is given once the check exists.
            {name: value for name, value in vals.items() if name != 'verdict'} for vals in vals_list
        ])
        checks.action_id._check_unlocked()
        for check, vals in zip(checks, judged, strict=True):
            if vals.get('verdict'):
                check.write({'verdict': vals['verdict']})
        return checks

    def write(self, vals):
        if self._is_server():
            return super().write(vals)
        if not self._closed_to(vals):
            return super().write(vals)
        self.check_access('write')
        self._check_written_values(vals)
        self.action_id._check_unlocked()
        for check in self:
            if check.state != 'planned':
                raise UserError(self.env._("%s was given: the history of checks stays.", check.display_name))
        self._check_writer(vals)
        if not vals.get('verdict'):
            return super().write(vals)
        self._check_self_allowed(self.env.user)
        vals = dict(vals, verdict_by_id=self.env.uid, verdict_on=fields.Datetime.now())
        for check in self:
            own = self.env.user in (check.action_id.user_id | check.action_id.carried_out_by_id)
            super(QualiopiEffectivenessCheck, check).write(dict(
                vals,
                is_self_check=own,
                done_on=vals.get('done_on') or check.done_on or fields.Date.context_today(self),
                has_value=vals.get('has_value', check.has_value or 'value_measured' in vals),
            ))
        self._check_verdict()
        self._apply_verdict()
        return True

    @api.ondelete(at_uninstall=False)
    def _unlink_except_register(self):
        raise UserError(self.env._("The history of checks stays: cancel the check instead."))

    def _check_writer(self, vals):
        """The named verifier and the quality officers; the rest of the plan is the officers'."""
        for name in vals.keys() & (self._server_fields | {'action_id'}):
            self._refuse_value(name)
        if vals.get('state') == 'done':
            raise UserError(self.env._("A check is done by its verdict."))
        if self.env.su or self.env.user.has_group('qualiopi.group_officer'):
            return
        # The confidential group treats its own to their end: officers do not see them.
        if all(self.mapped('is_confidential')) and self.env.user.has_group('qualiopi.group_confidential'):
            return
        for check in self:
            if check.verifier_id != self.env.user and not check._own_check_allowed():
                raise UserError(self.env._("Only the verifier and the quality team write on a check."))
        if not vals.keys() <= _VERIFIER_FIELDS:
            raise UserError(self.env._(
                "As the verifier you write the verdict, the value, the conclusion and evidence.",
            ))

    def _own_check_allowed(self):
        # sudo: a setting of the company is asked, not shown
        return self.company_id.sudo().qualiopi_self_check and self.action_id.user_id == self.env.user

    def _check_verdict(self):
        for check in self:
            if check.action_id.phase != 'check':
                raise UserError(self.env._(
                    "%s is checked once it has been carried out.", check.action_id.reference,
                ))
            if not is_meaningful(check.conclusion):
                raise UserError(self.env._(
                    "Say in the conclusion what was looked at and what it shows: an auditor will read it.",
                ))
            if check.done_on > fields.Date.context_today(self):
                raise UserError(self.env._("A check cannot be done in the future."))
            if check.action_id.done_on and check.done_on < check.action_id.done_on:
                raise UserError(self.env._(
                    "%s was carried out after that day: its check is later.", check.action_id.reference,
                ))

    # === LIFECYCLE === #

    def _apply_verdict(self):
        """What follows from the verdict: effective ends the action, not effective sends it back to the plan
        or opens another, partly leaves it waiting for a further action or check (design, rule 4)."""
        for check in self:
            # sudo: the verifier, checked before, gives the verdict; what it does to the action is the program's
            action = check.action_id.sudo()
            if check.verdict == 'effective':
                action._effective()
            elif check.verdict == 'not' and check.follow_up == 'new_action':
                new = action._replace()
                # sudo: the action opened by the verdict is noted by the program
                check.sudo()._as_server().write({'new_action_id': new.id})
            elif check.verdict == 'not':
                action._not_effective()
            else:
                action._plan_checks(after=fields.Date.context_today(self))
            action._log_texts({action.id: self.env._(
                "Effectiveness check: %(verdict)s. %(conclusion)s",
                verdict=dict(self._fields['verdict']._description_selection(self.env))[check.verdict],
                conclusion=check.conclusion,
            )})

    def action_record_verdict(self):
        """The wizard of the verdict."""
        self.ensure_one()
        return {
            'type': 'ir.actions.act_window',
            'name': self.env._("Verify %s", self.action_id.reference),
            'res_model': 'qualiopi.check.verdict',
            'views': [(False, 'form')],
            'target': 'new',
            'context': {'default_check_id': self.id},
        }

    def action_cancel(self):
        """Cancel planned checks."""
        self.write({'state': 'cancelled'})
        return True

    # === FOLLOW-UP === #

    _followup_fields = frozenset({'planned_on', 'verifier_id', 'verdict', 'state'})

    @api.depends('state', 'planned_on', 'action_id.phase')
    def _compute_followup_on(self):
        return super()._compute_followup_on()

    def _followup_steps(self):
        """The check on its planned date, once the action was carried out (RNQ V10, indicator 32)."""
        return {
            check: [Step('check', check.verifier_id, check.planned_on)]
            if check.state == 'planned' and check.action_id.phase == 'check' else []
            for check in self
        }

    def _followup_is_cancelled(self):
        return self.state == 'cancelled'
