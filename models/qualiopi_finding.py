from dateutil.relativedelta import relativedelta

from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.fields import Command, Domain

from ..exceptions import GateError
from .qualiopi_followup_mixin import Step

_RECURRENCE_MONTHS = 12
# Working days to decide where no severity says otherwise.
_DECIDE_DAYS = 15


class QualiopiFinding(models.Model):
    _name = 'qualiopi.finding'
    _description = "Finding"
    _inherit = [
        'qualiopi.followup.mixin', 'qualiopi.register.mixin', 'qualiopi.subject.mixin', 'qualiopi.analysis.mixin',
        'qualiopi.screen.mixin',
    ]
    _folded_states = ('closed', 'no_action', 'cancelled')
    _order = 'date desc, id desc'
    _series = 'CON'
    _server_fields = {
        'reference', 'state', 'closed_on', 'closed_by_id', 'cancelled_on', 'cancel_reason',
        'reopen_reason', 'no_action_reason',
    }
    _import_fields = {'state', 'closed_on', 'cancelled_on', 'cancel_reason', 'no_action_reason'}

    _declarant_fields = {
        'name', 'description', 'source_id', 'kind', 'date', 'event_id', 'registration_id', 'course_id',
        'category_id', 'complaint_ids', 'evidence_ids',
    }
    _batch_defaults = ('company_id', 'user_id', 'indicator_ids', 'severity_id')

    # What was learnt
    date = fields.Date(required=True, default=fields.Date.context_today, index=True, tracking=True)
    source_id = fields.Many2one(
        'qualiopi.source', ondelete='restrict', check_company=True, index=True, tracking=True,
    )
    family = fields.Selection(related='source_id.family', store=True, string="Origin")
    kind = fields.Selection([
        ('strength', "Strength"),
        ('weak_point', "Weak point"),
        ('minor_gap', "Minor gap"),
        ('major_gap', "Major gap"),
        ('opportunity', "Opportunity"),
        ('risk', "Risk"),
    ], required=True, default='weak_point', tracking=True)
    description = fields.Text("Facts", tracking=False, help="What was seen, heard or measured; no opinion yet.")
    complaint_ids = fields.Many2many(
        'qualiopi.complaint', 'qualiopi_complaint_finding_rel', 'finding_id', 'complaint_id',
        string="Register entries", check_company=True, copy=False,
    )
    complaint_count = fields.Integer(compute='_compute_complaint_count')
    recurrence_count = fields.Integer(
        "Recurrences", compute='_compute_recurrence_count',
        help="Other findings of the same category on the same course or trainer in the twelve months before.",
    )
    excluded_user_ids = fields.Many2many(
        'res.users', string="Persons excluded", compute='_compute_excluded_user_ids', store=True,
        groups='qualiopi.group_confidential',
    )

    # Analysis: see qualiopi.analysis.mixin
    analysis_date = fields.Date(
        "Analysed on", compute='_compute_analysis_date', store=True, readonly=False, copy=False,
    )

    # What follows
    action_ids = fields.Many2many(
        'qualiopi.improvement.action', 'qualiopi_finding_action_rel', 'finding_id', 'action_id',
        string="Actions", check_company=True, copy=False,
    )
    action_count = fields.Integer(compute='_compute_action_count')
    action_done_count = fields.Integer("Actions effective", compute='_compute_action_count')
    no_action_reason = fields.Text("Why no action", readonly=True, copy=False, tracking=True)
    state = fields.Selection([
        ('new', "New"),
        ('analysed', "Analysed"),
        ('action', "Action under way"),
        ('closed', "Closed"),
        ('no_action', "No action needed"),
        ('cancelled', "Cancelled"),
    ], compute='_compute_state', store=True, index=True, copy=False, group_expand=True)
    evidence_ids = fields.One2many('qualiopi.evidence', 'finding_id')
    communication_ids = fields.One2many('qualiopi.communication', 'finding_id', "Who was told")

    _reference_uniq = models.UniqueIndex('(company_id, reference)', "This number is taken already.")
    _subject_idx = models.Index('(category_id, course_id, date)')

    # === COMPUTES === #

    def _referential_date_field(self):
        return 'date'

    @api.depends('date')
    def _compute_referential_id(self):
        return super()._compute_referential_id()

    @api.depends('complaint_ids.is_confidential', 'category_id.is_confidential')
    def _compute_is_confidential(self):
        for finding in self:
            finding.is_confidential = (
                finding.category_id.is_confidential or any(finding.complaint_ids.mapped('is_confidential'))
            )

    @api.depends('complaint_ids.excluded_user_ids')
    def _compute_excluded_user_ids(self):
        for finding in self:
            finding.excluded_user_ids = finding.complaint_ids.excluded_user_ids

    @api.depends('complaint_ids')
    def _compute_complaint_count(self):
        for finding in self:
            finding.complaint_count = len(finding.complaint_ids)

    @api.depends('action_ids.phase')
    def _compute_action_count(self):
        for finding in self:
            finding.action_count = len(finding.action_ids)
            finding.action_done_count = len(finding.action_ids.filtered(lambda a: a.phase == 'done'))

    @api.depends('cause_ids')
    def _compute_analysis_date(self):
        for finding in self:
            if not finding._known_causes():
                finding.analysis_date = False
            elif not finding.analysis_date:
                finding.analysis_date = fields.Date.context_today(finding)

    @api.depends('category_id', 'course_id', 'trainer_id', 'date')
    def _compute_recurrence_count(self):
        for finding in self:
            domain = finding._recurrence_domain()
            finding.recurrence_count = finding.search_count(domain) if domain is not None else 0

    def _recurrence_domain(self):
        self.ensure_one()
        subject = [
            Domain(name, '=', self[name].id) for name in ('course_id', 'trainer_id') if self[name]
        ]
        if not self.category_id or not subject or not self.date:
            return None
        return (
            Domain('category_id', '=', self.category_id.id) & Domain.OR(subject)
            & Domain('company_id', '=', self.company_id.id)
            & Domain('id', '!=', self._origin.id)
            & Domain('state', '!=', 'cancelled')
            & Domain('date', '<=', self.date)
            & Domain('date', '>=', self.date - relativedelta(months=_RECURRENCE_MONTHS))
        )

    @api.depends('cause_ids', 'action_ids.phase', 'no_action_reason', 'closed_on', 'cancelled_on')
    def _compute_state(self):
        """The state follows the facts, in whatever order they are filled in."""
        states = list(self._fields['state'].get_values(self.env))
        for finding in self:
            if finding.cancelled_on:
                state = 'cancelled'
            elif finding.closed_on:
                state = 'no_action' if finding.no_action_reason else 'closed'
            elif any(action.phase != 'cancelled' for action in finding.action_ids):
                state = 'action'
            elif finding._known_causes():
                state = 'analysed'
            else:
                state = 'new'
            if finding.is_imported and finding.state and states.index(finding.state) > states.index(state):
                state = finding.state
            finding.state = state

    def _chain_levels(self):
        return {
            'complaint': self._chain_visible(self.complaint_ids), 'finding': self, **self._chain_following(self),
        }

    def _is_ended(self):
        return self.state in ('closed', 'no_action', 'cancelled')

    def _is_untreated(self):
        return self.state == 'new'

    @api.depends('state')
    def _compute_is_locked(self):
        return super()._compute_is_locked()

    # === CRUD === #

    @api.model_create_multi
    def create(self, vals_list):
        findings = super().create(vals_list)
        findings._propose_from_entries()
        return findings

    def _propose_from_entries(self):
        """A finding linked with entries at its creation takes their indicators when it has none."""
        for finding in self.filtered(lambda f: f.complaint_ids and not f.indicator_ids):
            finding._as_server().indicator_ids = finding.complaint_ids.indicator_ids

    def _server_default(self, name):
        return 'new' if name == 'state' else super()._server_default(name)

    def _confidentiality_fields(self):
        return {'complaint_ids', 'category_id'}

    def _excluded_users(self):
        # sudo: the field is the confidential group's, and the answer decides on access alone
        return self.sudo().excluded_user_ids

    def _linked_from(self, records):
        # sudo: confidentiality passes on, whatever of it the user may see
        if records.sudo().filtered('is_confidential'):
            # sudo: people without access are taken off, whoever made the link
            self.sudo().filtered('is_confidential')._restrict_audience()

    def _confidential_neighbours(self):
        return self._all_linked('action_ids')

    # === LIFECYCLE === #

    def _missing_for_closing(self):
        """What the finding still needs before it is closed (RNQ, indicator 32).

        :return: sentences in the user's language, empty when nothing is missing
        :rtype: list[str]
        """
        self.ensure_one()
        if self.is_imported:
            return []
        missing = []
        if self.kind != 'strength' and not self._known_causes():
            missing.append(self.env._("its cause"))
        actions = self._all_linked('action_ids')
        waiting = actions.filtered(lambda action: action.phase not in ('done', 'cancelled'))
        if not actions.filtered(lambda action: action.phase == 'done'):
            missing.append(self.env._("an action judged effective, or the reason why none is needed"))
        if waiting:
            missing.append(self.env._(
                "the end of its actions (%s)", ", ".join(waiting.mapped('reference')),
            ))
        return missing

    def action_close(self):
        """Close the findings whose actions have all ended and whose cause is known.

        :raise GateError: lists what is missing
        """
        self.check_access('write')
        for finding in self:
            if finding._is_ended():
                raise UserError(self.env._("%s is closed already.", finding.display_name))
            missing = finding._missing_for_closing()
            if missing:
                raise GateError(
                    self.env._(
                        "%(record)s cannot be closed yet. Missing: %(missing)s.",
                        record=finding.reference, missing=" · ".join(missing),
                    ),
                    finding._open_records(finding, finding.display_name), self.env._("Fill in"),
                )
        self._close()
        return True

    def action_no_action(self, reason=None):
        """End findings that need no action.

        :param str reason: why; without it the wizard that asks for it is returned
        :raise UserError: without a meaningful reason, or while an action is under way
        """
        return self._with_reason('no_action', reason)

    def _no_action(self, reason):
        self._check_unlocked()
        under_way = self._all_linked('action_ids').filtered(lambda action: not action._is_ended())
        busy = {own for own, other in self._linked_pairs('action_ids') if other in under_way.ids}
        for finding in self.filtered(lambda f: f.id in busy):
            raise UserError(self.env._("%s has an action under way.", finding.display_name))
        self._as_server().write({'no_action_reason': reason})
        self._close()

    def _close_when_complete(self):
        """Close the findings whose last action just ended; called by the actions."""
        complete = self.filtered(lambda f: not f._is_ended() and not f._missing_for_closing())
        if complete:
            complete._close()

    def _reopen_with_action(self):
        """An action of a closed finding goes on: so does the finding."""
        closed = self.filtered(lambda f: f.state in ('closed', 'no_action'))
        if closed:
            closed._reopen(self.env._("One of its actions was reopened"))

    def _reopen_values(self, reason):
        return {**super()._reopen_values(reason), 'no_action_reason': False}

    # === ACTIONS === #

    def action_create_action(self):
        """Open a new improvement action on these findings, pre-filled from them."""
        self._check_unlocked()
        first = self[:1]
        return {
            'type': 'ir.actions.act_window',
            'name': self.env._("New action"),
            'res_model': 'qualiopi.improvement.action',
            'views': [(False, 'form')],
            'context': {
                'default_finding_ids': [Command.set(self.ids)],
                'default_name': first.name,
                'default_purpose': first.analysis,
                'default_company_id': first.company_id.id,
                'default_event_id': first.event_id.id,
                'default_course_id': first.course_id.id,
                'default_indicator_ids': [Command.set(self.indicator_ids.ids)],
            },
        }

    def action_view_complaints(self):
        """Open the register entries behind the finding."""
        return self._open_records(self.complaint_ids, self.env._("Register entries"))

    def action_view_actions(self):
        """Open the actions of the finding."""
        return self._open_records(
            self.action_ids, self.env._("Improvement actions"), default_finding_ids=self.ids,
        )

    def action_view_recurrences(self):
        """Open the earlier findings on the same subject."""
        self.ensure_one()
        domain = self._recurrence_domain()
        findings = self.search(domain) if domain is not None else self.browse()
        return self._open_records(findings, self.env._("Recurrences"))

    # === FOLLOW-UP === #

    _followup_fields = frozenset({
        'date', 'kind', 'severity_id', 'user_id', 'cause_ids', 'action_ids', 'complaint_ids', 'closed_on',
        'cancelled_on', 'no_action_reason', 'state',
    })

    @api.depends('state', 'date', 'severity_id', 'kind')
    def _compute_followup_on(self):
        return super()._compute_followup_on()

    def _followup_steps(self):
        """Analyse, then decide on an action or on none (RNQ V10, indicator 32)."""
        steps = {finding: [] for finding in self}
        for company, findings in self.grouped('company_id').items():
            wanted = {}
            for finding in findings.filtered(lambda f: f.state in ('new', 'analysed') and not f.is_imported):
                analyses = finding.state == 'new' and finding.kind != 'strength'
                days = finding.severity_id.analysis_days if analyses else finding.severity_id.response_days
                code = 'analyse' if analyses else 'decide'
                wanted[finding] = (code, (finding.date, days or _DECIDE_DAYS))
            deadlines = company._qualiopi_deadlines({pair for __, pair in wanted.values()}) if wanted else {}
            for finding, (code, pair) in wanted.items():
                due = company._qualiopi_local_date(deadlines[pair])
                steps[finding].append(Step(code, finding.user_id, due))
        return steps

    def _followup_escalation_days(self):
        return self.severity_id.escalation_days or super()._followup_escalation_days()

    def _followup_neighbours(self, names):
        concerned = self if {'cause_ids', 'complaint_ids'} & set(names) else self.browse()
        return [concerned._all_linked('complaint_ids')]
