from datetime import datetime, timedelta

from odoo import api, fields, models
from odoo.exceptions import UserError, ValidationError
from odoo.fields import Domain
from odoo.tools import SQL

from ..exceptions import GateError
from .qualiopi_followup_mixin import Step
from .qualiopi_guarded_mixin import is_meaningful

_PHASES = ('draft', 'plan', 'do', 'check', 'done', 'cancelled')
_ENDED = ('done', 'cancelled')
# Colour of a type's label and of its cards, beside its name.
_TYPE_COLORS = {'corrective': 2, 'preventive': 4, 'improvement': 10}
_DEFAULT_CHECK_DAYS = 90
_SOON_DAYS = 7
# Calendar days to qualify and plan an action.
_PLAN_DAYS = 7

# What a planned action needs, and so keeps.
_GATE_FIELDS = {'finding_ids', 'no_finding_reason', 'user_id', 'date_due', 'success_criterion'}

# What an owner who is no quality officer writes on the own action (design, rule 4).
_OWNER_FIELDS = {
    'progress', 'stage_id', 'evidence_ids', 'communication_ids', 'date_start', 'description', 'means',
}


class QualiopiImprovementAction(models.Model):
    _name = 'qualiopi.improvement.action'
    _description = "Improvement Action"
    _inherit = ['qualiopi.followup.mixin', 'qualiopi.register.mixin', 'qualiopi.screen.mixin']
    _order = 'priority desc, date_due, id desc'
    _series = 'ACT'
    _server_fields = {
        'reference', 'closed_on', 'closed_by_id', 'cancelled_on', 'cancel_reason', 'reopen_reason',
        'done_on', 'carried_out_by_id', 'replaced_by_id', 'postponement_ids',
    }
    _import_fields = {'closed_on', 'cancelled_on', 'cancel_reason', 'done_on'}
    _batch_defaults = ('company_id', 'user_id', 'indicator_ids', 'stage_id')

    # What and why
    referential_date = fields.Date(
        "Opened on", default=fields.Date.context_today, readonly=True, copy=False,
    )
    name = fields.Char("Action", required=True)
    action_type = fields.Selection([
        ('corrective', "Corrective"),
        ('preventive', "Preventive"),
        ('improvement', "Improvement"),
    ], "Type", required=True, default='corrective', index=True, tracking=True)
    type_color = fields.Integer(compute='_compute_type_color', export_string_translation=False)
    finding_ids = fields.Many2many(
        'qualiopi.finding', 'qualiopi_finding_action_rel', 'action_id', 'finding_id',
        string="Findings", check_company=True,
    )
    no_finding_reason = fields.Char(
        "Why without a finding", tracking=True, help="Printed beside the action in the plan.",
    )
    description = fields.Text("Details", tracking=False)
    purpose = fields.Text("Why", help="What the action is to change.")
    complaint_ids = fields.Many2many(
        'qualiopi.complaint', string="Register entries", compute='_compute_origin',
    )
    complaint_count = fields.Integer(compute='_compute_origin')
    finding_count = fields.Integer(compute='_compute_origin')
    origin = fields.Char(
        "Answers", compute='_compute_origin', help="The entries, or else the findings, that the action answers.",
    )
    origin_family = fields.Selection(
        selection='_selection_origin_family', string="Origin", compute='_compute_origin_family', store=True,
    )
    event_id = fields.Many2one(
        'event.event', "Session", index='btree_not_null', check_company=True, ondelete='restrict',
    )
    course_id = fields.Many2one(
        'qualiopi.course', compute='_compute_course_id', store=True, readonly=False,
        index='btree_not_null', check_company=True, ondelete='restrict',
    )
    indicator_ids = fields.Many2many(
        default=lambda self: self.env.ref('qualiopi.indicator_32', raise_if_not_found=False),
    )
    excluded_user_ids = fields.Many2many(
        'res.users', string="Persons excluded", compute='_compute_excluded_user_ids', store=True,
        groups='qualiopi.group_confidential',
    )

    # Plan
    priority = fields.Selection([
        ('0', "Normal"), ('1', "Important"), ('2', "High"), ('3', "Urgent"),
    ], default='0', index=True, tracking=True)
    date_start = fields.Date("Start", copy=False, tracking=True)
    date_due = fields.Date("Due date", copy=False, index=True, tracking=True)
    postponement_ids = fields.One2many('qualiopi.postponement', 'action_id', "Postponements", readonly=True)
    postponement_count = fields.Integer(compute='_compute_postponement_count')
    means = fields.Text(help="People, time, equipment.")
    cost = fields.Monetary()
    currency_id = fields.Many2one(related='company_id.currency_id')
    stage_id = fields.Many2one(
        'qualiopi.action.stage', required=True, index=True, tracking=True, copy=False, ondelete='restrict',
        default=lambda self: self._default_stage_id(), group_expand='_read_group_stage_ids', check_company=True,
    )
    phase = fields.Selection(related='stage_id.phase', store=True, index=True)
    progress = fields.Integer("Progress (%)", copy=False, aggregator='avg')
    due_state = fields.Selection([
        ('on_time', "On time"),
        ('soon', "Due within a week"),
        ('late', "Late"),
        ('ended', "Ended"),
    ], "Deadline", compute='_compute_due_state', search='_search_due_state')
    delay_days = fields.Integer(
        "Days late", compute='_compute_due_state', help="Calendar days past the due date, today or when carried out.",
    )

    # Success
    success_criterion = fields.Text(help="How everybody will see that the problem is gone.", tracking=True)
    metric = fields.Char(help="What is measured, such as the satisfaction rate of the course.")
    data_source = fields.Char("Source of the data")
    unit = fields.Char(help="Such as %, days, complaints a quarter.")
    value_before = fields.Float("Value before", digits=(16, 2), copy=False)
    value_target = fields.Float("Target", digits=(16, 2))
    value_after = fields.Float("Value after", digits=(16, 2), compute='_compute_check_summary', store=True)
    has_value_after = fields.Boolean(compute='_compute_check_summary', store=True)

    # Carrying out
    done_on = fields.Date("Carried out on", readonly=True, copy=False, tracking=True)
    carried_out_by_id = fields.Many2one('res.users', "Carried out by", readonly=True, copy=False)
    evidence_ids = fields.One2many('qualiopi.evidence', 'action_id')
    communication_ids = fields.One2many('qualiopi.communication', 'action_id', "Who was told")

    # Checking
    check_ids = fields.One2many('qualiopi.effectiveness.check', 'action_id', "Effectiveness checks")
    check_count = fields.Integer(compute='_compute_check_summary', store=True)
    last_verdict = fields.Selection(
        selection='_selection_verdict', compute='_compute_check_summary', store=True, string="Effectiveness",
    )
    last_check_date = fields.Date("Checked on", compute='_compute_check_summary', store=True)
    next_check_date = fields.Date("Next check", compute='_compute_check_summary', store=True)
    next_verifier_id = fields.Many2one('res.users', "Verifier", compute='_compute_check_summary', store=True)
    replaced_by_id = fields.Many2one(
        'qualiopi.improvement.action', "Replaced by", readonly=True, copy=False, index='btree_not_null',
        ondelete='restrict',
    )
    replaces_ids = fields.One2many('qualiopi.improvement.action', 'replaced_by_id', readonly=True)

    _reference_uniq = models.UniqueIndex('(company_id, reference)', "This number is taken already.")
    _board_idx = models.Index('(stage_id, priority DESC, date_due, id DESC)')
    _progress_range = models.Constraint(
        'CHECK(progress BETWEEN 0 AND 100)', "The progress lies between 0 and 100 %.",
    )

    # === DEFAULTS AND COMPUTES === #

    @api.model
    def _default_stage_id(self):
        return self._stage_of('draft')

    @api.model
    def _stage_of(self, phase, company=None):
        """The first column of a phase: code asks for phases, never for a column's name."""
        company = company or self.env.company
        return self.env['qualiopi.action.stage'].search([
            ('phase', '=', phase), ('company_id', 'in', [company.id, False]),
        ], limit=1)

    @api.model
    def _read_group_stage_ids(self, stages, domain):
        return stages.search([('company_id', 'in', [*self.env.companies.ids, False])])

    @api.model
    def _selection_origin_family(self):
        return self.env['qualiopi.source']._fields['family']._description_selection(self.env)

    @api.model
    def _selection_verdict(self):
        return self.env['qualiopi.effectiveness.check']._fields['verdict']._description_selection(self.env)

    def _referential_date_field(self):
        return 'referential_date'

    @api.depends('referential_date')
    def _compute_referential_id(self):
        return super()._compute_referential_id()

    @api.depends('finding_ids.is_confidential')
    def _compute_is_confidential(self):
        for action in self:
            action.is_confidential = any(action.finding_ids.mapped('is_confidential'))

    @api.depends('finding_ids.excluded_user_ids')
    def _compute_excluded_user_ids(self):
        for action in self:
            action.excluded_user_ids = action.finding_ids.excluded_user_ids

    @api.depends('finding_ids.complaint_ids')
    def _compute_origin(self):
        # An owner who is no quality officer sees the finding, not the complaint behind it.
        findings, finding_links = self._visible_links('finding_ids')
        complaints, complaint_links = findings._visible_links('complaint_ids')
        for action in self:
            own_findings = finding_links.get(action._origin.id, findings.browse())
            own_complaints = complaints.browse().union(
                *(complaint_links.get(finding.id, complaints.browse()) for finding in own_findings)
            )
            action.complaint_ids = own_complaints
            action.complaint_count = len(own_complaints)
            action.finding_count = len(own_findings)
            action.origin = ", ".join((own_complaints or own_findings).mapped('reference')) or False

    @api.depends('finding_ids.family')
    def _compute_origin_family(self):
        for action in self:
            action.origin_family = action.finding_ids[:1].family

    @api.depends('event_id')
    def _compute_course_id(self):
        for action in self:
            action.course_id = action.event_id.course_id or action.course_id

    @api.depends('postponement_ids')
    def _compute_postponement_count(self):
        for action in self:
            action.postponement_count = len(action.postponement_ids)

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

    @api.depends('date_due', 'phase', 'done_on')
    @api.depends_context('tz')
    def _compute_due_state(self):
        today = fields.Date.context_today(self)
        for action in self:
            compared = action.done_on or today
            late = bool(action.date_due and compared > action.date_due and action.phase != 'cancelled')
            action.delay_days = (compared - action.date_due).days if late else 0
            if action.phase in _ENDED:
                action.due_state = 'ended'
            elif late:
                action.due_state = 'late'
            elif action.phase != 'check' and action.date_due and action.date_due <= today + timedelta(days=_SOON_DAYS):
                action.due_state = 'soon'
            else:
                action.due_state = 'on_time'

    def _search_due_state(self, operator, value):
        if operator != 'in':
            return NotImplemented
        today = fields.Date.context_today(self)
        soon = today + timedelta(days=_SOON_DAYS)
        ended = Domain('phase', 'in', _ENDED)
        # Carried out late stays late; otherwise today decides.
        late = ~ended & (
            Domain('done_on', '=', False) & Domain('date_due', '<', today)
            | Domain('done_on', '!=', False) & Domain.custom(to_sql=lambda model, alias, query: SQL(
                "%s > %s", SQL.identifier(alias, 'done_on'), SQL.identifier(alias, 'date_due'),
            ))
        )
        soon = (
            Domain('phase', 'in', ('draft', 'plan', 'do')) & Domain('done_on', '=', False)
            & Domain('date_due', '>=', today) & Domain('date_due', '<=', soon)
        )
        domains = {'ended': ended, 'late': late, 'soon': soon, 'on_time': ~ended & ~late & ~soon}
        return Domain.OR(domains[state] for state in value if state in domains)

    def _read_group_groupby(self, alias, groupby_spec, query):
        # The progress bar of the board groups by the deadline, which depends on today.
        if groupby_spec != 'due_state':
            return super()._read_group_groupby(alias, groupby_spec, query)
        today = fields.Date.context_today(self)
        return SQL(
            """CASE WHEN %(phase)s IN ('done', 'cancelled') THEN 'ended'
                    WHEN COALESCE(%(done_on)s, %(today)s) > %(due)s THEN 'late'
                    WHEN %(phase)s != 'check' AND %(due)s <= %(soon)s THEN 'soon'
                    ELSE 'on_time' END""",
            phase=self._field_to_sql(alias, 'phase', query),
            done_on=self._field_to_sql(alias, 'done_on', query),
            due=self._field_to_sql(alias, 'date_due', query),
            today=today,
            soon=today + timedelta(days=_SOON_DAYS),
        )

    @api.depends('action_type')
    def _compute_type_color(self):
        for action in self:
            action.type_color = _TYPE_COLORS.get(action.action_type, 0)

    def _chain_levels(self):
        findings = self._chain_visible(self.finding_ids)
        return {
            'complaint': self._chain_visible(findings.complaint_ids),
            'finding': findings,
            'action': self,
            'check': self._chain_visible(self.check_ids),
        }

    def _chain_state_field(self):
        return 'phase'

    def _chain_tone(self):
        return {'draft': 'warning', 'done': 'success', 'cancelled': 'secondary'}.get(self.phase, 'info')

    def _is_ended(self):
        return self.phase in _ENDED

    @api.depends('phase')
    def _compute_is_locked(self):
        return super()._compute_is_locked()

    # === CONSTRAINTS === #

    @api.constrains('date_start', 'date_due')
    def _check_dates(self):
        if self._is_server():
            # Started after its due date, an action is late, not refused.
            return
        for action in self:
            if action.is_imported or action.phase not in ('draft', 'plan'):
                # What began late did: only a plan is held to its order.
                continue
            if action.date_start and action.date_due and action.date_due < action.date_start:
                raise ValidationError(self.env._("%s cannot be due before it starts.", action.reference))

    # === CRUD === #

    @api.model_create_multi
    def create(self, vals_list):
        actions = super().create(vals_list)
        if not self._is_server():
            actions._moved_from(dict.fromkeys(actions, 'draft'))
        return actions

    def write(self, vals):
        if self._is_server():
            return super().write(vals)
        vals = dict(vals)
        reason = vals.pop('postpone_reason', None)
        phases = {action: action.phase for action in self} if 'stage_id' in vals else {}
        due_dates = {action: action.date_due for action in self} if 'date_due' in vals else {}
        if phases:
            self._check_target_phase(vals['stage_id'])
        result = super().write(vals) if vals else True
        if due_dates:
            self._due_date_moved(due_dates, reason)
        if phases:
            self._moved_from(phases)
        if vals.keys() & _GATE_FIELDS:
            self._check_gate()
        return result

    def _confidentiality_fields(self):
        return {'finding_ids'}

    def _excluded_users(self):
        return self.sudo().excluded_user_ids

    def _linked_from(self, records):
        if not self._is_server():
            self.sudo()._check_gate()
        if records.sudo().filtered('is_confidential'):
            self.sudo().filtered('is_confidential')._restrict_audience()

    def _check_declarant(self, vals):
        """Owners outside the quality group write their progress; the plan itself is the officers'."""
        if self.env.su or self.env.user.has_group('qualiopi.group_officer'):
            return
        self.check_access('write')
        treats = self.env.user.has_group('qualiopi.group_confidential')
        refused = [name for name in vals if name not in _OWNER_FIELDS and self._closed_to({name: None})]
        if refused and not (treats and all(self.mapped('is_confidential'))):
            raise UserError(self.env._(
                "As its owner you write progress, evidence and who was told. \"%s\" is up to the quality team.",
                self._fields[refused[0]]._description_string(self.env),
            ))

    def _confidential_neighbours(self):
        return self.sudo().check_ids

    # === GATES === #

    def _check_target_phase(self, stage_id):
        """Some phases are reached by a decision, not by a move."""
        target = self.env['qualiopi.action.stage'].browse(stage_id).phase
        for action in self:
            if action.phase == target:
                continue
            if target == 'done':
                raise GateError(
                    self.env._(
                        "Only the verdict of an effectiveness check closes %s as effective.", action.reference,
                    ),
                    *action._check_offer(),
                )
            if target == 'cancelled':
                raise GateError(
                    self.env._("Dropping %s needs a reason, from a quality manager.", action.reference),
                    # Only to those who can go through with it.
                    action._may_decide() and action.action_cancel(), self.env._("Drop it"),
                )

    def _check_offer(self):
        planned = self.check_ids.filtered(lambda check: check.state == 'planned')[:1]
        if self.phase == 'check' and planned:
            return planned.action_record_verdict(), self.env._("Record the verdict")
        return self._form_window(), self.env._("Open the action")

    def _missing_for(self, phase, linked=None):
        """What the action needs to be in ``phase`` (design, rule 4; RNQ, indicator 32).

        :param str phase: see qualiopi.action.stage
        :param linked: ids of the actions that have a finding, for a batch
        :return: sentences in the user's language, empty when nothing is missing
        :rtype: list[str]
        """
        self.ensure_one()
        missing = []
        if self.is_imported or phase in ('draft', 'cancelled'):
            return missing
        # All findings count, also those that the owner may not see.
        if linked is None:
            linked = self._with_finding_ids()
        if self.id not in linked and not is_meaningful(self.no_finding_reason):
            missing.append(self.env._("a finding, or the reason why there is none"))
        if not self.user_id:
            missing.append(self.env._("an owner"))
        if not self.date_due:
            missing.append(self.env._("a due date"))
        if not is_meaningful(self.success_criterion):
            missing.append(self.env._("a success criterion"))
        if phase == 'check' and not self.evidence_ids:
            missing.append(self.env._("a piece of evidence: a file, a link or a dated statement"))
        return missing

    def _with_finding_ids(self):
        return {own for own, __ in self._linked_pairs('finding_ids')}

    def _check_gate(self):
        linked = self._with_finding_ids()
        for action in self:
            missing = action._missing_for(action.phase, linked)
            if missing:
                raise GateError(
                    self.env._(
                        "%(record)s cannot move to \"%(stage)s\" yet. Missing: %(missing)s.",
                        record=action.reference, stage=action.stage_id.name, missing=" · ".join(missing),
                    ),
                    action._form_window(), self.env._("Fill in"),
                )

    def _moved_from(self, phases):
        """Check the gates of the phases that were reached, then do what follows from them."""
        moved = self.filtered(lambda action: action.phase != phases[action] and not action.is_imported)
        if not moved:
            return
        moved._check_gate()
        if moved.filtered(lambda action: action.phase == 'done'):
            raise UserError(self.env._("Only the verdict of an effectiveness check closes an action as effective."))
        today = fields.Date.context_today(self)
        started = moved.filtered(lambda action: action.phase == 'do' and not action.date_start)
        started._as_server().write({'date_start': today})
        moved.filtered(lambda action: action.phase == 'check')._carried_out(today)
        back = moved.filtered(lambda action: action.phase != 'check' and action.done_on)
        back._as_server().write({'done_on': False, 'carried_out_by_id': False})
        moved.filtered(lambda action: action.phase in ('plan', 'do', 'check'))._plan_checks()

    def _carried_out(self, day):
        """Note that the actions were carried out, by their owners.

        :param date day: when
        """
        for owner, actions in self.grouped('user_id').items():
            actions._as_server().write({'done_on': day, 'carried_out_by_id': owner.id, 'progress': 100})

    def _due_date_moved(self, before, reason):
        """A planned action is postponed with a reason, which is kept; its check moves along."""
        moved = self.filtered(lambda action: before[action] != action.date_due)
        postponed = moved.filtered(
            # A check was planned with the first date: going back to draft forgets nothing.
            lambda action: action.sudo().check_ids and before[action] and not action.is_imported
            and (not action.date_due or action.date_due > before[action])
        )
        if postponed:
            if not is_meaningful(reason):
                raise GateError(
                    self.env._("Postponing %s needs a reason, which is kept and printed.", postponed[0].reference),
                    postponed[0].action_postpone(), self.env._("Postpone"),
                )
            self.env['qualiopi.postponement'].sudo().create([{
                'action_id': action.id,
                'old_date': before[action],
                'new_date': action.date_due,
                'reason': reason.strip(),
                'user_id': self.env.uid,
            } for action in postponed])
        moved._check_gate()
        moved._move_checks()

    # === CHECKS === #

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
        self.env['qualiopi.effectiveness.check'].sudo().create([{
            'action_id': action.id,
            'planned_on': dates[action],
            'verifier_id': action._default_verifier().id,
            'is_automatic': True,
        } for action in waiting])

    def _move_checks(self):
        for action, planned_on in self.filtered('date_due')._check_dates_planned().items():
            planned = action.sudo().check_ids.filtered(lambda c: c.state == 'planned' and c.is_automatic)
            if planned:
                planned._as_server().planned_on = planned_on

    def _cancel_checks(self):
        """An action that ends leaves no check to come behind."""
        planned = self.sudo().check_ids.filtered(lambda check: check.state == 'planned')
        planned._as_server().write({'state': 'cancelled'})

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

    # === LIFECYCLE === #

    def _cancel(self, reason, moment=None):
        for company, actions in self.grouped('company_id').items():
            actions.filtered(lambda a: a.phase == 'done')._check_unlocked()
            actions._as_server().write({'stage_id': self._stage_of('cancelled', company).id})
        self._as_server().write({'cancelled_on': moment or fields.Datetime.now(), 'cancel_reason': reason})
        self._cancel_checks()
        self._all_linked('finding_ids')._close_when_complete()

    def _reopen_values(self, reason):
        return {
            **super()._reopen_values(reason),
            'done_on': False,
            'carried_out_by_id': False,
            'replaced_by_id': False,
        }

    def _reopen(self, reason):
        ended = self.filtered(lambda action: action._is_ended())
        result = super()._reopen(reason)
        for company, actions in ended.grouped('company_id').items():
            actions._as_server().write({'stage_id': self._stage_of('plan', company).id})
        ended._check_gate()
        ended.filtered('date_due')._plan_checks(after=fields.Date.context_today(self))
        ended._all_linked('finding_ids')._reopen_with_action()
        return result

    def _move_to(self, phase):
        for company, actions in self.grouped('company_id').items():
            actions.write({'stage_id': self._stage_of(phase, company).id})
        return True

    def action_plan(self):
        """Qualify and plan the actions; their checks are planned along.

        :raise GateError: lists what is missing
        """
        return self._move_to('plan')

    def action_start(self):
        """Begin the actions, today."""
        return self._move_to('do')

    def action_carry_out(self):
        """Declare the actions carried out, today: they wait for their check.

        :raise GateError: when evidence is missing
        """
        return self._move_to('check')

    def action_verify(self):
        """Open the verdict of the next planned check, planning one when there is none."""
        self.ensure_one()
        if self.phase != 'check':
            raise UserError(self.env._("%s is checked once it has been carried out.", self.reference))
        self._plan_checks()
        return self.check_ids.filtered(lambda check: check.state == 'planned')[:1].action_record_verdict()

    def action_postpone(self):
        """The wizard that asks for the new due date and the reason."""
        return self._wizard('qualiopi.action.postpone', self.env._("Postpone"))

    def _wizard(self, model, name):
        return {
            'type': 'ir.actions.act_window',
            'name': name,
            'res_model': model,
            'views': [(False, 'form')],
            'target': 'new',
            'context': {'default_action_ids': [(6, 0, self.ids)]},
        }

    def _postpone(self, date_due, reason):
        """Postpone to ``date_due``, keeping the reason.

        :raise UserError: without a meaningful reason
        """
        return self.write({'date_due': date_due, 'postpone_reason': reason})

    def _form_window(self):
        return {
            'type': 'ir.actions.act_window',
            'name': self.display_name,
            'res_model': self._name,
            'res_id': self.id,
            'views': [(False, 'form')],
            'target': 'new',
        }

    def action_view_findings(self):
        """Open the findings that the action answers."""
        return self._open_records(self.finding_ids, self.env._("Findings"))

    def action_view_complaints(self):
        """Open the register entries that the action answers."""
        return self._open_records(self.complaint_ids, self.env._("Register entries"))

    def action_view_checks(self):
        """Open the checks of the action."""
        return self._open_records(
            self.check_ids, self.env._("Effectiveness checks"), default_action_id=self.id,
        )

    # === FOLLOW-UP === #

    _followup_fields = frozenset({
        'stage_id', 'phase', 'user_id', 'date_start', 'date_due', 'closed_on', 'cancelled_on', 'finding_ids',
    })

    @api.depends('phase', 'date_start', 'date_due', 'referential_date')
    def _compute_followup_on(self):
        return super()._compute_followup_on()

    def _followup_steps(self):
        """Plan, start, finish by the due date, put evidence (RNQ V10, indicator 32)."""
        return {action: action._own_steps() for action in self}

    def _own_steps(self):
        owner, due = self.user_id, self.date_due
        if self.is_imported:
            return []
        if self.phase == 'draft':
            opened = self.referential_date or self.create_date.date()
            return [Step('plan', owner, opened + timedelta(days=_PLAN_DAYS))]
        if self.phase == 'plan':
            return [Step('start', owner, self.date_start or due)]
        if self.phase == 'do':
            steps = [Step('finish', owner, due)]
            return steps if self.evidence_ids else [*steps, Step('evidence', owner, due)]
        return []

    def _followup_last_step(self):
        return Step('finish', self.user_id, self.date_due) if self.phase == 'plan' and not self.is_imported else None

    def _followup_neighbours(self, names):
        names = set(names)
        linked = self if {'stage_id', 'finding_ids'} & names else self.browse()
        checked = self if {'stage_id', 'user_id'} & names else self.browse()
        return [
            linked._all_linked('finding_ids'),
            # sudo: the checks follow the action, whoever moves it
            checked.sudo().check_ids.filtered(lambda check: check.state == 'planned'),
        ]
