"""Risks for the quality of the training: what could go wrong, how likely, how grave, and what keeps it in check
(RNQ V10, indicator 32)."""

from dateutil.relativedelta import relativedelta
from markupsafe import Markup

from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.fields import Command

from .qualiopi_followup_mixin import Step
from .qualiopi_guarded_mixin import is_meaningful
from .qualiopi_register_mixin import QualiopiRegisterMixin

PROBABILITIES = [
    ('1', "Rare"),
    ('2', "Possible"),
    ('3', "Probable"),
    ('4', "Almost certain"),
]
SEVERITIES = [
    ('1', "Minor"),
    ('2', "Significant"),
    ('3', "Grave"),
    ('4', "Critical"),
]
BANDS = [
    ('low', "Low"),
    ('moderate', "Moderate"),
    ('high', "High"),
    ('critical', "Critical"),
]
# What an evaluation consists of: changing one of them writes a line of the history.
EVALUATED = ('probability', 'severity', 'residual_probability', 'residual_severity', 'controls')
# Months until the next look at a risk, by its band.
_REVIEW_MONTHS = {'low': 12, 'moderate': 12, 'high': 6, 'critical': 3}


def band_of(criticality):
    """Band of a criticality (domain.md, section 8): 1-3 low, 4-7 moderate, 8-11 high, 12-16 critical.

    :param int criticality: probability × severity, 0 when not evaluated
    :rtype: str
    """
    if not criticality:
        return False
    return 'low' if criticality < 4 else 'moderate' if criticality < 8 else 'high' if criticality < 12 else 'critical'


class QualiopiRisk(models.Model):
    _name = 'qualiopi.risk'
    _description = "Quality Risk"
    _inherit = [
        'qualiopi.followup.mixin', 'qualiopi.register.mixin', 'qualiopi.screen.mixin', 'qualiopi.menu.mixin',
    ]
    _menu_part = 'review'
    _order = 'criticality desc, id desc'
    _series = 'RIS'
    _owner_treats = True
    _server_fields = QualiopiRegisterMixin._server_fields | {'end_reason'}
    _declarant_fields = set()
    _followup_fields = frozenset({
        'user_id', 'review_date', 'state', 'closed_on', 'cancelled_on',
    })

    # What could happen
    name = fields.Char("Risk", required=True)
    date = fields.Date("Identified on", required=True, default=fields.Date.context_today, index=True, tracking=True)
    description = fields.Text("What could happen", help="And what it would mean for learners and training.")
    cause = fields.Text("Causes", help="What could bring it about.")
    process = fields.Char(
        "Process or indicator", help="Such as enrolment, face-to-face training, assessment, subcontracting.",
    )
    complaint_ids = fields.Many2many(
        'qualiopi.complaint', 'qualiopi_risk_complaint_rel', 'risk_id', 'complaint_id',
        string="Register entries", check_company=True, copy=False,
    )
    finding_ids = fields.Many2many(
        'qualiopi.finding', 'qualiopi_risk_finding_rel', 'risk_id', 'finding_id',
        string="Findings", check_company=True, copy=False,
    )
    action_ids = fields.Many2many(
        'qualiopi.improvement.action', 'qualiopi_risk_action_rel', 'risk_id', 'action_id',
        string="Actions", check_company=True, copy=False,
    )
    action_count = fields.Integer(compute='_compute_link_counts')
    source_count = fields.Integer("Occurrences", compute='_compute_link_counts')
    excluded_user_ids = fields.Many2many(
        'res.users', 'qualiopi_risk_excluded_user_rel', 'risk_id', 'user_id', string="Persons excluded",
        compute='_compute_excluded_user_ids', store=True, groups='qualiopi.group_confidential',
    )

    # How likely, how grave
    probability = fields.Selection(PROBABILITIES, required=True, default='2', tracking=True)
    severity = fields.Selection(SEVERITIES, required=True, default='2', tracking=True)
    gross_criticality = fields.Integer(compute='_compute_criticality', store=True, aggregator='avg')
    gross_band = fields.Selection(BANDS, "Gross level", compute='_compute_criticality', store=True)
    controls = fields.Text(
        "Existing controls", tracking=True, help="What keeps it from happening, or keeps it small, today.",
    )
    residual_probability = fields.Selection(
        PROBABILITIES, "Residual probability", tracking=True, help="With the existing controls.",
    )
    residual_severity = fields.Selection(
        SEVERITIES, "Residual severity", tracking=True, help="With the existing controls.",
    )
    current_probability = fields.Selection(
        PROBABILITIES, "Probability today", compute='_compute_criticality', store=True,
        help="With the existing controls; without a residual evaluation, the gross one.",
    )
    current_severity = fields.Selection(
        SEVERITIES, "Severity today", compute='_compute_criticality', store=True,
        help="With the existing controls; without a residual evaluation, the gross one.",
    )
    criticality = fields.Integer(
        compute='_compute_criticality', store=True, aggregator='avg', index=True,
        help="Probability × severity, with the existing controls: from 1 to 16.",
    )
    band = fields.Selection(BANDS, "Level", compute='_compute_criticality', store=True, index=True)

    # Looking at it again
    review_date = fields.Date(
        "Next review", compute='_compute_review_date', store=True, readonly=False, precompute=True, index=True,
        tracking=True,
    )
    evaluation_ids = fields.One2many('qualiopi.risk.evaluation', 'risk_id', "History", readonly=True, copy=False)
    evaluated_on = fields.Datetime("Updated on", compute='_compute_evaluated', store=True)
    evaluated_by_id = fields.Many2one('res.users', "Evaluated by", compute='_compute_evaluated', store=True)
    needs_look = fields.Char("To look at", compute='_compute_needs_look')

    state = fields.Selection([
        ('open', "Followed"),
        ('closed', "No longer followed"),
        ('cancelled', "Cancelled"),
    ], compute='_compute_state', store=True, index=True, copy=False, group_expand=True)
    end_reason = fields.Char("Why it is no longer a risk", readonly=True, copy=False, tracking=True)

    _reference_uniq = models.UniqueIndex('(company_id, reference)', "This number is taken already.")

    # === COMPUTES === #

    @api.model
    def default_get(self, fields):
        defaults = super().default_get(fields)
        if 'indicator_ids' in fields and not defaults.get('indicator_ids'):
            indicator = self.env.ref('qualiopi.indicator_32', raise_if_not_found=False)
            defaults['indicator_ids'] = [Command.set(indicator.ids)] if indicator else []
        return defaults

    def _referential_date_field(self):
        return 'date'

    @api.depends('date')
    def _compute_referential_id(self):
        return super()._compute_referential_id()

    @api.depends('probability', 'severity', 'residual_probability', 'residual_severity')
    def _compute_criticality(self):
        for risk in self:
            gross = int(risk.probability or 0) * int(risk.severity or 0)
            probability = risk.residual_probability or risk.probability
            severity = risk.residual_severity or risk.severity
            current = int(probability or 0) * int(severity or 0)
            risk.gross_criticality = gross
            risk.gross_band = band_of(gross)
            risk.current_probability = probability
            risk.current_severity = severity
            risk.criticality = current
            risk.band = band_of(current)

    @api.depends('date')
    def _compute_review_date(self):
        for risk in self:
            if not risk.review_date:
                risk.review_date = risk._next_review_date(risk.date)

    def _next_review_date(self, day):
        """When to look again at the risk, by its level: the graver, the sooner."""
        current = int(self.residual_probability or self.probability or 0) * int(
            self.residual_severity or self.severity or 0)
        months = _REVIEW_MONTHS.get(band_of(current), 12)
        return (day or fields.Date.context_today(self)) + relativedelta(months=months)

    @api.depends('evaluation_ids.date')
    def _compute_evaluated(self):
        for risk in self:
            last = risk.evaluation_ids.sorted(lambda line: (line.date, line.id))[-1:]
            risk.evaluated_on = last.date
            risk.evaluated_by_id = last.user_id

    @api.depends('controls', 'review_date', 'state')
    @api.depends_context('lang')
    def _compute_needs_look(self):
        today = fields.Date.context_today(self)
        for risk in self:
            reasons = []
            if risk.state == 'open':
                if not is_meaningful(risk.controls):
                    reasons.append(risk.env._("no control"))
                if not risk.review_date or risk.review_date < today:
                    reasons.append(risk.env._("review date past"))
            risk.needs_look = ", ".join(reasons) or False

    @api.depends('complaint_ids', 'finding_ids', 'action_ids')
    def _compute_link_counts(self):
        links = {name: self._visible_links(name)[1] for name in ('complaint_ids', 'finding_ids', 'action_ids')}
        for risk in self:
            counts = {name: len(by_id.get(risk._origin.id, ())) for name, by_id in links.items()}
            risk.action_count = counts['action_ids']
            risk.source_count = counts['complaint_ids'] + counts['finding_ids']

    @api.depends('complaint_ids.is_confidential', 'finding_ids.is_confidential', 'action_ids.is_confidential')
    def _compute_is_confidential(self):
        for risk in self:
            risk.is_confidential = any(
                any(risk[name].mapped('is_confidential')) for name in ('complaint_ids', 'finding_ids', 'action_ids')
            )

    @api.depends('complaint_ids.excluded_user_ids', 'finding_ids.excluded_user_ids', 'action_ids.excluded_user_ids')
    def _compute_excluded_user_ids(self):
        for risk in self:
            risk.excluded_user_ids = (
                risk.complaint_ids.excluded_user_ids | risk.finding_ids.excluded_user_ids
                | risk.action_ids.excluded_user_ids
            )

    @api.depends('closed_on', 'cancelled_on')
    def _compute_state(self):
        for risk in self:
            risk.state = 'cancelled' if risk.cancelled_on else 'closed' if risk.closed_on else 'open'

    @api.depends('state')
    def _compute_is_locked(self):
        return super()._compute_is_locked()

    def _compute_evidence_count(self):
        # What proves a control stands on the linked findings and actions.
        self.evidence_count = 0

    def _confidentiality_fields(self):
        return {'complaint_ids', 'finding_ids', 'action_ids'}

    def _excluded_users(self):
        # sudo: the field is the confidential group's, and the answer decides on access alone
        return self.sudo().excluded_user_ids

    def _linked_from(self, records):
        # sudo: confidentiality passes on, whatever of it the user may see
        if records.sudo().filtered('is_confidential'):
            # sudo: people without access are taken off, whoever made the link
            self.sudo().filtered('is_confidential')._restrict_audience()

    # === CHAIN === #

    @api.model
    def _chain_labels(self):
        return {'risk': self.env._("Risk"), **super()._chain_labels()}

    def _chain_levels(self):
        findings = self._chain_visible(self.finding_ids)
        actions = self._chain_visible(self.action_ids)
        return {
            'risk': self,
            'complaint': self._chain_visible(self.complaint_ids),
            'finding': findings,
            'action': actions,
            'check': self._chain_visible(actions.check_ids),
        }

    def _chain_tone(self):
        return {'open': 'warning', 'closed': 'success'}.get(self.state, 'secondary')

    # === HISTORY === #

    @api.model_create_multi
    def create(self, vals_list):
        risks = super().create(vals_list)
        risks.filtered(lambda risk: not risk.evaluation_ids)._note_evaluation()
        return risks

    def write(self, vals):
        before = {risk: risk._evaluation() for risk in self} if vals.keys() & set(EVALUATED) else {}
        result = super().write(vals)
        # sudo: only what was just written is looked at again, and it may be out of sight by now
        changed = self.browse(risk.id for risk, old in before.items() if risk.sudo()._evaluation() != old)
        changed._note_evaluation()
        return result

    def _evaluation(self):
        """What the history keeps of the risk as it stands."""
        return {name: self[name] for name in EVALUATED}

    def _note_evaluation(self, note=None):
        """Write down how the risks stand, by whom and when: the program does it, nobody else."""
        if not self:
            return
        # sudo: nobody writes the history but the program, and for whoever evaluates
        self.env['qualiopi.risk.evaluation'].sudo().create([{
            'risk_id': risk.id,
            'user_id': self.env.uid,
            'note': note,
            **risk._evaluation(),
        # sudo: as above
        } for risk in self.sudo()])

    def _evaluate(self, values, review_date, note=None):
        """Keep a new evaluation, even one that changes nothing.

        :param dict values: what changes of the evaluation
        :param date review_date: when to look again
        :param str note: what was seen
        """
        self.check_access('write')
        self._check_unlocked()
        for risk in self:
            # A changed value writes its line by itself; the note makes it one line, not two.
            before = risk.evaluation_ids
            risk.write({**values, 'review_date': review_date})
            new = risk.evaluation_ids - before
            if not new:
                risk._note_evaluation(note)
            elif note:
                # sudo: the line was written a moment ago, by the program
                new.sudo()._as_program().write({'note': note})

    # === LIFECYCLE === #

    def action_evaluate(self):
        """Open the dialog that evaluates the risk anew and keeps the evaluation in its history."""
        self.ensure_one()
        self.check_access('write')
        self._check_unlocked()
        return {
            'type': 'ir.actions.act_window',
            'name': self.env._("Evaluate anew"),
            'res_model': 'qualiopi.risk.evaluate',
            'views': [(False, 'form')],
            'target': 'new',
            'context': {'default_risk_id': self.id},
        }

    def action_end(self, reason=None):
        """End risks that exist no longer.

        :param str reason: why; without it the wizard that asks for it is returned
        :raise UserError: without a meaningful reason, or when a risk has ended
        """
        if reason is None:
            return self._with_reason('end', None)
        self.check_access('write')
        self._check_unlocked()
        if not is_meaningful(reason):
            raise UserError(self.env._("Give a reason in words: it will be printed."))
        self._as_server().write({'end_reason': reason.strip()})
        self._close()
        return True

    def _reopen_values(self, reason):
        return {**super()._reopen_values(reason), 'end_reason': False}

    def action_create_action(self):
        """Open a new preventive action against the risk: what was seen becomes a finding behind it."""
        self.ensure_one()
        self._check_unlocked()
        return {
            'type': 'ir.actions.act_window',
            'name': self.env._("New action"),
            'res_model': 'qualiopi.improvement.action',
            'views': [(False, 'form')],
            'context': {
                'default_risk_ids': [Command.set(self.ids)],
                'default_finding_ids': [Command.set(self.finding_ids.ids)],
                'default_name': self.name,
                'default_action_type': 'preventive',
                'default_purpose': self.cause,
                'default_company_id': self.company_id.id,
                'default_no_finding_reason': not self.finding_ids and self.env._(
                    "Risk analysis: %s", self.reference,
                ),
                'default_indicator_ids': [Command.set(self.indicator_ids.ids)],
            },
        }

    def action_view_actions(self):
        """Open the actions against the risk."""
        return self._open_records(self.action_ids, self.env._("Improvement actions"))

    def action_view_sources(self):
        """Open where the risk was seen: findings first, else register entries."""
        if self.finding_ids:
            return self._open_records(self.finding_ids, self.env._("Findings"))
        return self._open_records(self.complaint_ids, self.env._("Register entries"))

    # === FIRST USE === #

    @api.model
    def _default_risks(self):
        """Usual risks of a training provider (domain.md, section 8), to be adapted: values by risk.

        :rtype: list[dict]
        """
        return [{
            'name': self.env._("Trainer unavailable"),
            'process': self.env._("Delivery"),
            'cause': self.env._("Illness, resignation or double booking of the only trainer of a course."),
            'probability': '3', 'severity': '3',
        }, {
            'name': self.env._("Remote platform out of order"),
            'process': self.env._("Remote training"),
            'cause': self.env._("Failure at the supplier, insufficient connection, learner's equipment not tested."),
            'probability': '2', 'severity': '3',
        }, {
            'name': self.env._("Prerequisites misjudged"),
            'process': self.env._("Placement"),
            'cause': self.env._("Placement done late, or not used to compose the groups."),
            'probability': '3', 'severity': '2',
        }, {
            'name': self.env._("Equipment or room unavailable"),
            'process': self.env._("Organisation"),
            'cause': self.env._("Breakdown, damage, room booked twice."),
            'probability': '2', 'severity': '2',
        }, {
            'name': self.env._("Many dropouts"),
            'process': self.env._("Follow-up of learners"),
            'cause': self.env._("Unsuitable course, pace, personal constraints not seen in time."),
            'probability': '2', 'severity': '3',
        }, {
            'name': self.env._("The same difficulty again and again"),
            'process': self.env._("Continuous improvement"),
            'cause': self.env._("Cause not analysed, action not carried out or not verified."),
            'probability': '2', 'severity': '3',
        }]

    @api.model
    def action_propose_defaults(self):
        """Record the usual risks that the company does not have yet, to be adapted.

        :return: the window on the risks
        :rtype: dict
        """
        self.check_access('create')
        proposed = self._default_risks()
        # sudo: also risks out of sight count as there already
        known = set(self.sudo().search([('company_id', '=', self.env.company.id)]).mapped('name'))
        self.create([values for values in proposed if values['name'] not in known])
        return self.env['ir.actions.act_window']._for_xml_id('qualiopi.qualiopi_risk_action')

    @api.model
    def get_empty_list_help(self, help_message):
        """Offer the usual risks where there is none yet, to whoever may record them."""
        help_message = super().get_empty_list_help(help_message)
        # sudo: whether there is any risk at all, seen or not
        has_any = self.sudo().search_count([('company_id', '=', self.env.company.id)], limit=1)
        if help_message and not has_any and self.has_access('create'):
            help_message += Markup(
                '<p><a type="action" class="btn btn-primary" data-model="qualiopi.risk"'
                ' data-method="action_propose_defaults">%s</a></p>'
            ) % self.env._("Begin with the usual risks")
        return help_message

    # === FOLLOW-UP === #

    @api.depends('state', 'review_date')
    def _compute_followup_on(self):
        return super()._compute_followup_on()

    def _followup_steps(self):
        """Look at the risk again by its review date (RNQ V10, indicator 32)."""
        return {
            risk: [Step('risk_review', risk.user_id, risk.review_date)]
            if risk.state == 'open' and risk.review_date and not risk.is_imported else []
            for risk in self
        }

    @api.model
    def _followup_labels(self):
        return {**super()._followup_labels(), 'risk_review': self.env._("Evaluate the risk anew")}
