from collections import Counter
from datetime import timedelta

from odoo import api, fields, models
from odoo.exceptions import UserError, ValidationError
from odoo.fields import Command, Domain

from .qualiopi_followup_mixin import Step
from .qualiopi_register_mixin import QualiopiRegisterMixin

AUDIT_TYPES = [
    ('initial', "Initial audit"),
    ('surveillance', "Surveillance audit"),
    ('renewal', "Renewal audit"),
    ('internal', "Internal audit"),
    ('mock', "Mock audit"),
]
# Those of a certification body: their nonconformities have legal delays.
CERTIFICATION_TYPES = ('initial', 'surveillance', 'renewal')
# Days to send the plan, where the certification body names no day: a proposal.
_RESPONSE_DAYS = 30


class QualiopiAudit(models.Model):
    """An audit by the certification body, an internal audit or a mock audit."""

    _name = 'qualiopi.audit'
    _description = "Audit"
    _inherit = [
        'qualiopi.followup.mixin', 'qualiopi.register.mixin', 'qualiopi.action.scope.mixin', 'qualiopi.menu.mixin',
    ]
    _menu_part = 'audit'
    _order = 'date_from desc, id desc'
    _series = 'AUD'
    _server_fields = QualiopiRegisterMixin._server_fields | {'state'}
    _import_fields = {'closed_on', 'state'}
    _declarant_fields = set()
    _narrative_fields = set()
    _batch_defaults = ('company_id', 'user_id')
    _followup_fields = frozenset({
        'type', 'state', 'user_id', 'date_from', 'date_to', 'response_due', 'response_sent_on', 'cancelled_on',
        'certificate_id', 'evidence_ready_on', 'people_told_on', 'finding_ids',
    })

    # What, by whom, where, when
    name = fields.Char(compute='_compute_name', store=True, readonly=False, precompute=True)
    type = fields.Selection(AUDIT_TYPES, required=True, default='mock', index=True, tracking=True)
    is_certification = fields.Boolean(compute='_compute_is_certification', store=True)
    certificate_id = fields.Many2one(
        'qualiopi.certificate', check_company=True, ondelete='restrict', index='btree_not_null',
        compute='_compute_certificate_id', store=True, readonly=False,
    )
    certifier_id = fields.Many2one(
        'res.partner', "Certification body", check_company=True, ondelete='restrict', index='btree_not_null',
    )
    auditor_id = fields.Many2one(
        'res.partner', check_company=True, ondelete='restrict', index='btree_not_null', tracking=True,
    )
    mode = fields.Selection(
        [('on_site', "On site"), ('remote', "Remote"), ('mixed', "On site and remote")], required=True,
        default='on_site', tracking=True,
    )
    site = fields.Char("Sites seen")
    date_from = fields.Date("First day", required=True, default=fields.Date.context_today, index=True, tracking=True)
    date_to = fields.Date(
        "Last day", compute='_compute_date_to', store=True, readonly=False, precompute=True, required=True,
        tracking=True,
    )
    new_entrant = fields.Boolean(
        default=lambda self: self.env.company.qualiopi_new_entrant,
        help="Some indicators are asked for in an adapted form before the first services were delivered.",
    )
    subcontractor_only = fields.Boolean(
        "Works only as a subcontractor", default=lambda self: self.env.company.qualiopi_subcontractor_only,
    )
    scope = fields.Text("Sample and scope", help="Sessions, files and persons that are looked at.")
    slot_ids = fields.One2many('qualiopi.audit.slot', 'audit_id', "Programme")

    # Getting ready
    evidence_ready_on = fields.Date("Evidence prepared on", copy=False)
    people_told_on = fields.Date("People told on", copy=False)

    # What came of it
    question_ids = fields.One2many('qualiopi.audit.question', 'audit_id', "Grid")
    question_count = fields.Integer("Questions", compute='_compute_question_count')
    answered_count = fields.Integer("Answers", compute='_compute_question_count')
    gap_count = fields.Integer("Gaps", compute='_compute_question_count')
    conclusion = fields.Text()
    report_on = fields.Date("Report received on", copy=False, tracking=True)
    outcome = fields.Selection([
        ('granted', "Certificate granted"),
        ('kept', "Certificate kept"),
        ('renewed', "Certificate renewed"),
        ('waiting', "Decision after the nonconformities are lifted"),
        ('suspended', "Certificate suspended"),
        ('refused', "Certificate refused or withdrawn"),
    ], "Decision of the certification body", copy=False, tracking=True)
    outcome_on = fields.Date("Decided on", copy=False)
    finding_ids = fields.One2many('qualiopi.finding', 'audit_id', "Findings")
    minor_count = fields.Integer("Minor, open", compute='_compute_finding_counts')
    major_count = fields.Integer("Major, open", compute='_compute_finding_counts')
    finding_count = fields.Integer(compute='_compute_finding_counts')
    next_deadline = fields.Date("Next legal deadline", compute='_compute_finding_counts')
    response_due = fields.Date(
        "Response plan due on", compute='_compute_response_due', store=True, readonly=False, copy=False,
        help="The day that the certification body asks for. Thirty days after the audit is a proposal.",
    )
    response_sent_on = fields.Date("Response plan sent on", copy=False, tracking=True)
    evidence_ids = fields.One2many('qualiopi.evidence', 'audit_id')
    state = fields.Selection([
        ('planned', "Planned"),
        ('running', "Under way"),
        ('done', "Held"),
        ('closed', "Closed"),
        ('cancelled', "Cancelled"),
    ], required=True, default='planned', index=True, copy=False, tracking=True, group_expand=True)

    _reference_uniq = models.UniqueIndex('(company_id, reference)', "This number is taken already.")

    # === DEFAULTS AND COMPUTES === #

    def _referential_date_field(self):
        return 'date_from'

    @api.depends('date_from')
    def _compute_referential_id(self):
        return super()._compute_referential_id()

    @api.depends('type', 'date_from')
    def _compute_name(self):
        labels = dict(self._fields['type']._description_selection(self.env))
        for audit in self:
            if not audit.name or not audit._origin:
                year = audit.date_from.year if audit.date_from else ''
                audit.name = f"{labels.get(audit.type, '')} {year}".strip()

    @api.depends('type')
    def _compute_is_certification(self):
        for audit in self:
            audit.is_certification = audit.type in CERTIFICATION_TYPES

    @api.depends('type', 'date_from', 'company_id')
    def _compute_certificate_id(self):
        for audit in self:
            if audit.type not in ('surveillance', 'renewal'):
                audit.certificate_id = audit.certificate_id if audit.type == 'initial' else False
            elif not audit.certificate_id and audit.date_from:
                audit.certificate_id = audit.company_id._qualiopi_certificate(audit.date_from)

    @api.depends('date_from')
    def _compute_date_to(self):
        for audit in self:
            if audit.date_from and (not audit.date_to or audit.date_to < audit.date_from):
                audit.date_to = audit.date_from

    @api.depends('date_to', 'type')
    def _compute_response_due(self):
        for audit in self:
            if not audit.is_certification:
                audit.response_due = False
            elif not audit.response_due and audit.date_to:
                audit.response_due = audit.date_to + timedelta(days=_RESPONSE_DAYS)

    @api.depends('question_ids.result')
    def _compute_question_count(self):
        counts = {audit_id: Counter() for audit_id in self._origin.ids}
        for audit, result, number in self.env['qualiopi.audit.question']._read_group(
            [('audit_id', 'in', self._origin.ids)], ['audit_id', 'result'], ['__count'],
        ):
            counts[audit.id][result] += number
        for audit in self:
            count = counts.get(audit._origin.id, Counter())
            audit.question_count = sum(count.values())
            audit.answered_count = audit.question_count - count[False]
            audit.gap_count = count['minor'] + count['major']

    @api.depends('finding_ids.nc_grade', 'finding_ids.lifted_on', 'finding_ids.nc_counts_as_major')
    def _compute_finding_counts(self):
        Finding = self.env['qualiopi.finding']
        domain = Domain('audit_id', 'in', self._origin.ids) & Domain('state', '!=', 'cancelled')
        numbers = dict(Finding._read_group(domain, ['audit_id'], ['__count']))
        waiting = {audit_id: Counter() for audit_id in self._origin.ids}
        deadlines = {}
        domain &= Domain('nc_grade', '!=', False) & Domain('lifted_on', '=', False)
        for audit, grade, as_major, number, first in Finding._read_group(
            domain, ['audit_id', 'nc_grade', 'nc_counts_as_major'], ['__count', 'legal_deadline:min'],
        ):
            waiting[audit.id]['major' if as_major else grade] += number
            deadlines[audit.id] = min(filter(None, (first, deadlines.get(audit.id))), default=False)
        for audit in self:
            count = waiting.get(audit._origin.id, Counter())
            audit.finding_count = numbers.get(audit._origin, 0)
            audit.minor_count = count['minor']
            audit.major_count = count['major']
            audit.next_deadline = deadlines.get(audit._origin.id)

    # === CONSTRAINTS === #

    @api.constrains('date_from', 'date_to')
    def _check_dates(self):
        for audit in self:
            if audit.date_to < audit.date_from:
                raise ValidationError(self.env._("An audit ends on the day it begins, or later."))

    # === CRUD === #

    def _server_default(self, name):
        return 'planned' if name == 'state' else super()._server_default(name)

    def _is_ended(self):
        return self.state in ('closed', 'cancelled')

    @api.depends('state')
    def _compute_is_locked(self):
        return super()._compute_is_locked()

    def copy_data(self, default=None):
        today = fields.Date.context_today(self)
        return super().copy_data({'date_from': today, 'date_to': today, 'certificate_id': False, **(default or {})})

    # === LIFECYCLE === #

    def _move(self, state):
        self.check_access('write')
        self._check_unlocked()
        self._as_server().write({'state': state})
        return True

    def action_start(self):
        """Begin the audit; an internal or mock audit without a grid gets one."""
        self.filtered(lambda audit: not audit.is_certification and not audit.question_ids).action_make_grid()
        return self._move('running')

    def action_done(self):
        """The audit was held.

        :raise UserError: before its first day
        """
        for audit in self:
            if audit.date_from > fields.Date.context_today(audit):
                raise UserError(self.env._("%s is still to come: change its dates if it was held.", audit.reference))
        return self._move('done')

    def action_close(self):
        """Close audits of which nothing is left to do.

        :raise UserError: lists what is missing
        """
        self.check_access('write')
        for audit in self:
            missing = audit._missing_for_closing()
            if missing:
                raise UserError(self.env._(
                    "%(audit)s cannot be closed yet. Missing: %(missing)s.",
                    audit=audit.reference, missing=' · '.join(missing),
                ))
        self._close()
        return True

    def _missing_for_closing(self):
        missing = []
        if self.state != 'done':
            missing.append(self.env._("the audit itself, which was not held yet"))
        # sudo: open nonconformities count, also those that the user may not see
        findings = self.sudo().finding_ids.filtered(lambda f: f.nc_grade and f.state != 'cancelled')
        waiting = findings.filtered(lambda finding: not finding.lifted_on)
        if self.is_certification and waiting:
            missing.append(self.env._("the lifting of %s", ', '.join(waiting.mapped('reference'))))
        unanswered = len(self.question_ids.filtered(lambda question: not question.result))
        if unanswered:
            missing.append(self.env._("the answer to %s questions of the grid", unanswered))
        return missing

    def _close(self, moment=None):
        result = super()._close(moment=moment)
        self._as_server().write({'state': 'closed'})
        return result

    def _cancel(self, reason, moment=None):
        result = super()._cancel(reason, moment=moment)
        self._as_server().write({'state': 'cancelled'})
        return result

    def _reopen_values(self, reason):
        return {**super()._reopen_values(reason), 'state': 'done' if self[:1].closed_on else 'planned'}

    def _reopen(self, reason):
        return [super(QualiopiAudit, audits)._reopen(reason) for audits in self.grouped('state').values()]

    # === GRID AND PROGRAMME === #

    def _grid_statements(self):
        """What the version in force on the first day asks for the categories of the audit."""
        self.ensure_one()
        codes = self._scope_codes()
        return self.referential_id.statement_ids.filtered(
            lambda statement: any(statement[f'for_{code}'] for code in codes)
            and (not self.indicator_ids or statement.indicator_id in self.indicator_ids)
        )

    def action_make_grid(self):
        """Make the grid of the audits, or bring it in step with version, categories and indicators: what is missing
        is added, what is not asked any more goes unless it was answered.

        :raise UserError: where no version of the referential is in force
        """
        self.check_access('write')
        self._check_unlocked()
        values, superfluous = [], self.env['qualiopi.audit.question']
        for audit in self:
            if not audit.referential_id:
                raise UserError(self.env._("No version of the referential is in force on the first day of the audit."))
            statements = audit._grid_statements()
            known = audit.question_ids.statement_id
            superfluous |= audit.question_ids.filtered(
                lambda question, asked=statements: question.statement_id and question.statement_id not in asked
                and not question.result and not question.comment and not question.evidence
            )
            values += [{'audit_id': audit.id, 'statement_id': statement.id} for statement in statements - known]
        # sudo: lines that nobody answered, of audits that the user may write on
        superfluous.sudo().unlink()
        # sudo: the lines of audits that the user may write on
        self.env['qualiopi.audit.question'].sudo().create(values)
        self.invalidate_recordset(['question_ids'])
        return True

    def action_view_questions(self):
        """Open the grid: cards on a telephone, a table elsewhere."""
        self.ensure_one()
        self.check_access('read')
        return {
            **self.env['ir.actions.act_window']._for_xml_id('qualiopi.qualiopi_audit_question_action'),
            'domain': [('audit_id', '=', self.id)],
            'context': {'default_audit_id': self.id, 'search_default_group_criterion': 1},
        }

    def action_create_findings(self):
        """Make a finding of each gap of the grid that has none yet."""
        self.check_access('write')
        gaps = self.question_ids.filtered(lambda question: question.result in ('minor', 'major'))
        return self._open_records(
            gaps.filtered(lambda question: not question.finding_id)._create_findings(), self.env._("Findings"),
        )

    def action_view_findings(self):
        """Open the findings of the audit."""
        return self._open_records(self.finding_ids, self.env._("Findings"), default_audit_id=self.id)

    def action_propose_programme(self):
        """Write a programme to be corrected: opening, each criterion with its indicators, closing.

        :raise UserError: when there is one already
        """
        self.check_access('write')
        self._check_unlocked()
        for audit in self:
            if audit.slot_ids:
                raise UserError(self.env._("There is a programme already: correct it, or remove its lines first."))
            by_criterion = audit._grid_statements().grouped('criterion_id')
            lines = [(self.env._("Opening meeting"), audit.env['qualiopi.indicator'], 0.5)]
            lines += [
                (criterion.display_name, statements.indicator_id, 0.75)
                for criterion, statements in sorted(by_criterion.items(), key=lambda pair: pair[0].number)
            ]
            lines.append((self.env._("Closing meeting"), audit.env['qualiopi.indicator'], 0.5))
            audit.slot_ids = [
                Command.create({
                    'sequence': rank, 'name': name, 'duration': duration,
                    'indicator_ids': [Command.set(indicators.ids)],
                }) for rank, (name, indicators, duration) in enumerate(lines)
            ]
        return True

    # === FOLLOW-UP === #

    @api.depends('state', 'date_to', 'response_due', 'response_sent_on', 'finding_ids.nc_grade',
                 'finding_ids.lifted_on')
    def _compute_followup_on(self):
        return super()._compute_followup_on()

    def _followup_steps(self):
        """Hold the audit, then send the response plan to the certification body."""
        steps = {}
        for audit in self:
            owed = steps[audit] = []
            if audit.is_imported or audit._is_ended():
                continue
            if audit.state in ('planned', 'running'):
                owed.append(Step('hold_audit', audit.user_id, audit.date_to))
            elif audit.is_certification and not audit.response_sent_on and audit._has_open_nonconformity():
                owed.append(Step('respond', audit.user_id, audit.response_due))
        return steps

    def _has_open_nonconformity(self):
        # sudo: whether one is open, whoever may see it
        return any(
            finding.nc_grade and not finding.lifted_on and finding.state != 'cancelled'
            for finding in self.sudo().finding_ids
        )

    def _followup_neighbours(self, names):
        # sudo: the calendar follows the audits, whoever records them
        certificates = self.env['qualiopi.certificate'].sudo()
        concerned = {
            'type', 'state', 'date_from', 'certificate_id', 'evidence_ready_on', 'people_told_on', 'cancelled_on',
        } & set(names)
        if concerned and self:
            certificates = certificates.search([('company_id', 'in', self.company_id.ids)])
        return [certificates]

    @api.model
    def _followup_labels(self):
        return {
            **super()._followup_labels(),
            'hold_audit': self.env._("Hold the audit"),
            'respond': self.env._("Send the response plan to the certification body"),
        }
