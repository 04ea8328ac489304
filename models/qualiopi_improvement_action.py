"""The action plan: what is done about findings, by whom, until when, and how everybody will see that it worked.

The rest of its life is told in the files beside: deadline, gate, check, letter.
"""

from odoo import api, fields, models
from odoo.exceptions import UserError, ValidationError

ENDED_PHASES = ('done', 'cancelled')
# Colour of a type's label and of its cards, beside its name.
_TYPE_COLORS = {'corrective': 2, 'preventive': 4, 'improvement': 10}

# What a planned action needs, and so keeps.
_GATE_FIELDS = {'finding_ids', 'no_finding_reason', 'user_id', 'date_due', 'success_criterion'}

# What an owner who is no quality officer writes on the own action (design, rule 4).
_OWNER_FIELDS = {
    'progress', 'stage_id', 'evidence_ids', 'communication_ids', 'date_start', 'description', 'means',
}


class QualiopiImprovementAction(models.Model):
    _name = 'qualiopi.improvement.action'
    _description = "Improvement Action"
    _inherit = [
        'qualiopi.followup.mixin', 'qualiopi.register.mixin', 'qualiopi.context.mixin', 'qualiopi.screen.mixin',
    ]
    _order = 'priority desc, date_due, id desc'
    _series = 'ACT'
    _server_fields = {
        'reference', 'closed_on', 'closed_by_id', 'cancelled_on', 'cancel_reason', 'reopen_reason',
        'done_on', 'carried_out_by_id', 'replaced_by_id', 'postponement_ids', 'referential_date',
    }
    _import_fields = {'referential_date', 'closed_on', 'cancelled_on', 'cancel_reason', 'done_on'}
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
    means = fields.Text(help="People, time, equipment.")
    cost = fields.Monetary()
    currency_id = fields.Many2one(related='company_id.currency_id')
    stage_id = fields.Many2one(
        'qualiopi.action.stage', required=True, index=True, tracking=True, copy=False, ondelete='restrict',
        default=lambda self: self._default_stage_id(), group_expand='_read_group_stage_ids', check_company=True,
    )
    phase = fields.Selection(related='stage_id.phase', store=True, index=True)
    progress = fields.Integer("Progress (%)", copy=False, aggregator='avg')

    # Success
    success_criterion = fields.Text(help="How everybody will see that the problem is gone.", tracking=True)
    metric = fields.Char(help="What is measured, such as the satisfaction rate of the course.")
    data_source = fields.Char("Source of the data")
    unit = fields.Char(help="Such as %, days, complaints a quarter.")
    value_before = fields.Float("Value before", digits=(16, 2), copy=False)
    value_target = fields.Float("Target", digits=(16, 2))

    # Carrying out
    done_on = fields.Date("Carried out on", readonly=True, copy=False, tracking=True)
    carried_out_by_id = fields.Many2one('res.users', "Carried out by", readonly=True, copy=False)
    evidence_ids = fields.One2many('qualiopi.evidence', 'action_id')
    communication_ids = fields.One2many('qualiopi.communication', 'action_id', "Who was told")

    _reference_uniq = models.UniqueIndex('(company_id, reference)', "This number is taken already.")
    _board_idx = models.Index('(stage_id, priority DESC, date_due, id DESC)')
    _progress_range = models.Constraint(
        'CHECK(progress BETWEEN 0 AND 100)', "The progress lies between 0 and 100 %.",
    )

    # === WHAT AND WHY === #

    def _referential_date_field(self):
        return 'referential_date'

    @api.depends('referential_date')
    def _compute_referential_id(self):
        return super()._compute_referential_id()

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

    @api.model
    def _selection_origin_family(self):
        return self.env['qualiopi.source']._fields['family']._description_selection(self.env)

    @api.depends('finding_ids.family')
    def _compute_origin_family(self):
        for action in self:
            action.origin_family = action.finding_ids[:1].family

    @api.depends('action_type')
    def _compute_type_color(self):
        for action in self:
            action.type_color = _TYPE_COLORS.get(action.action_type, 0)

    def action_view_findings(self):
        """Open the findings that the action answers."""
        return self._open_records(self.finding_ids, self.env._("Findings"))

    def action_view_complaints(self):
        """Open the register entries that the action answers."""
        return self._open_records(self.complaint_ids, self.env._("Register entries"))

    # === PHASES === #

    def _server_default(self, name):
        return fields.Date.context_today(self) if name == 'referential_date' else super()._server_default(name)

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

    def _is_ended(self):
        return self.phase in ENDED_PHASES

    @api.depends('phase')
    def _compute_is_locked(self):
        return super()._compute_is_locked()

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

    # === CRUD === #

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

    def _linked_from(self, records):
        if not self._is_server():
            # sudo: a gate counts all that is linked
            self.sudo()._check_gate()
        # sudo: confidentiality passes on, whatever of it the user may see
        if records.sudo().filtered('is_confidential'):
            # sudo: people without access are taken off, whoever made the link
            self.sudo().filtered('is_confidential')._restrict_audience()

    # === WHO MAY SEE AND WRITE IT === #

    @api.depends('finding_ids.is_confidential')
    def _compute_is_confidential(self):
        for action in self:
            action.is_confidential = any(action.finding_ids.mapped('is_confidential'))

    @api.depends('finding_ids.excluded_user_ids')
    def _compute_excluded_user_ids(self):
        for action in self:
            action.excluded_user_ids = action.finding_ids.excluded_user_ids

    def _confidentiality_fields(self):
        return {'finding_ids'}

    def _excluded_users(self):
        # sudo: the field is the confidential group's, and the answer decides on access alone
        return self.sudo().excluded_user_ids

    def _confidential_neighbours(self):
        # sudo: the checks are restricted with their action, whoever sees them
        return self.sudo().check_ids

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

    # === LIFECYCLE === #

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

    def _form_window(self):
        return {
            'type': 'ir.actions.act_window',
            'name': self.display_name,
            'res_model': self._name,
            'res_id': self.id,
            'views': [(False, 'form')],
            'target': 'new',
        }
