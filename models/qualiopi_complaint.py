from datetime import timedelta

from odoo import api, fields, models
from odoo.exceptions import UserError, ValidationError
from odoo.fields import Command, Datetime, Domain
from odoo.tools import format_date, plaintext2html
from odoo.tools.sql import escape_psql

from ..exceptions import GateError
from .qualiopi_followup_mixin import Step

# Natures whose author waits for an acknowledgement and a response (design, rule 3).
_ANSWERED_NATURES = ('complaint', 'safeguarding')
_SIMILAR_DAYS = 60
# Calendar days after which an answered entry is closed, and its author asked whether it is solved.
_CLOSE_DAYS = 7
_ASK_DAYS = 14


class QualiopiComplaint(models.Model):
    _name = 'qualiopi.complaint'
    _description = "Complaint, Difficulty or Unforeseen Event"
    _inherit = [
        'qualiopi.followup.mixin', 'qualiopi.register.mixin', 'qualiopi.analysis.mixin', 'qualiopi.screen.mixin',
    ]
    _order = 'received_on desc, id desc'
    _folded_states = ('closed', 'cancelled')
    _owner_treats = True
    _primary_email = 'email_from'
    _series = 'REG'
    _server_fields = {
        'reference', 'state', 'closed_on', 'closed_by_id', 'cancelled_on', 'cancel_reason',
        'reopen_reason', 'duplicate_of_id', 'version_ids',
    }
    _import_fields = {'state', 'closed_on', 'cancelled_on', 'cancel_reason'}
    _frozen_fields = {'is_imported', 'company_id', 'text_origin'}
    _declarant_fields = {
        'name', 'description', 'remedy_requested', 'event_id', 'registration_id', 'evidence_ids',
    }
    _batch_defaults = ('company_id', 'user_id', 'indicator_ids', 'channel_id', 'severity_id')

    # Receipt
    nature = fields.Selection([
        ('complaint', "Complaint"),
        ('difficulty', "Difficulty"),
        ('unforeseen', "Unforeseen event"),
        ('safeguarding', "Safeguarding report"),
    ], required=True, default='complaint', index=True, tracking=True,
        help="Complaint: somebody asks for what is due, in writing. Difficulty: something hinders the"
             " training. Unforeseen event: something external disrupts it. Safeguarding report:"
             " violence, harassment, discrimination; seen by the confidential group alone.")
    name = fields.Char(compute='_compute_name', store=True, readonly=False, precompute=True)
    description = fields.Text(
        "What happened", tracking=False,
        help="The words as they came. What arrived by mail, form, portal or survey is never edited.",
    )
    text_origin = fields.Selection([
        ('staff', "Typed by staff"),
        ('mail', "E-mail"),
        ('form', "Public form"),
        ('portal', "Portal"),
        ('survey', "Survey"),
    ], required=True, default='staff', readonly=True, copy=False)
    version_ids = fields.One2many('qualiopi.complaint.version', 'complaint_id', "Former texts", readonly=True)
    remedy_requested = fields.Text("Remedy asked for")
    received_on = fields.Datetime(
        required=True, default=fields.Datetime.now, tracking=True, index=True, copy=False,
    )
    received_date = fields.Date(
        "Received on (date)", compute='_compute_received_date', store=True, index=True,
        help="The day of receipt in the company's time zone.",
    )
    channel_id = fields.Many2one(
        'qualiopi.channel', ondelete='restrict', check_company=True,
        default=lambda self: self.env.ref('qualiopi.channel_phone', raise_if_not_found=False),
    )
    stakeholder_id = fields.Many2one('qualiopi.stakeholder', ondelete='restrict', check_company=True, index=True)
    is_anonymous = fields.Boolean("Anonymous")
    partner_id = fields.Many2one(
        'res.partner', "Complainant", index='btree_not_null', tracking=True, check_company=True,
        ondelete='restrict',
    )
    contact_name = fields.Char("Complainant's name", compute='_compute_contact', store=True, readonly=False)
    email_from = fields.Char("E-mail", compute='_compute_contact', store=True, readonly=False, index='trigram')
    phone = fields.Char(compute='_compute_contact', store=True, readonly=False)
    complainant = fields.Char("From", compute='_compute_complainant')

    # Context
    event_id = fields.Many2one(
        'event.event', "Session", compute='_compute_event_id', store=True, readonly=False,
        index='btree_not_null', check_company=True, ondelete='restrict',
    )
    registration_id = fields.Many2one(
        'event.registration', "Learner", index='btree_not_null', check_company=True, ondelete='restrict',
        domain="[('event_id', '=?', event_id)]",
    )
    course_id = fields.Many2one(
        'qualiopi.course', compute='_compute_course_id', store=True, readonly=False,
        index='btree_not_null', check_company=True, ondelete='restrict',
    )
    trainer_id = fields.Many2one(
        'res.partner', compute='_compute_trainer_id', store=True, readonly=False,
        index='btree_not_null', check_company=True, ondelete='restrict',
    )
    category_id = fields.Many2one(
        'qualiopi.category', ondelete='restrict', check_company=True, tracking=True, index='btree_not_null',
    )
    severity_id = fields.Many2one(
        'qualiopi.severity', ondelete='restrict', check_company=True, tracking=True,
        default=lambda self: self.env.ref('qualiopi.severity_minor', raise_if_not_found=False),
    )
    severity_color = fields.Integer(
        "Colour of the severity", related='severity_id.color', export_string_translation=False,
    )
    indicator_ids = fields.Many2many(
        default=lambda self: self.env.ref('qualiopi.indicator_31', raise_if_not_found=False),
    )
    excluded_user_ids = fields.Many2many(
        'res.users', string="Persons excluded", groups='qualiopi.group_confidential', copy=False,
        check_company=True,
        help="Members of the confidential group who are named in the report and must not see it.",
    )

    # Acknowledgement
    ack_date = fields.Datetime(
        "Acknowledged on", compute='_compute_ack_date', store=True, readonly=False, tracking=True, copy=False,
    )
    ack_message = fields.Text("Acknowledgement", copy=False)
    ack_user_id = fields.Many2one('res.users', "Acknowledged by", copy=False)
    ack_impossible_reason = fields.Char("No acknowledgement possible because", copy=False)
    ack_deadline = fields.Datetime("Acknowledge before", compute='_compute_deadlines', store=True, copy=False)
    is_ack_late = fields.Boolean("Acknowledgement late", compute='_compute_late', search='_search_is_ack_late')
    ack_delay = fields.Integer(
        "Acknowledgement (working days)", compute='_compute_delays', store=True, aggregator='avg',
    )
    ack_timeliness = fields.Selection(
        selection='_selection_timeliness', string="Acknowledgement in time",
        compute='_compute_delays', store=True,
    )

    # Analysis: see qualiopi.analysis.mixin
    analysis_date = fields.Date(
        "Analysed on", compute='_compute_analysis_date', store=True, readonly=False, copy=False,
    )
    analysis_deadline = fields.Datetime("Analyse before", compute='_compute_deadlines', store=True, copy=False)
    is_analysis_late = fields.Boolean("Analysis late", compute='_compute_late', search='_search_is_analysis_late')
    shown_cause_ids = fields.Many2many(
        'qualiopi.cause', string="Causes found", compute='_compute_shown_cause_ids',
        help="The entry's own causes, or those of the findings that it is linked with.",
    )

    # Correction, decision
    correction = fields.Text(
        "Immediate correction", tracking=True, copy=False,
        help="What was done at once for this person. What makes sure that it never comes back is a"
             " corrective action: another thing, in the action plan.",
    )
    correction_for = fields.Char("Done for", copy=False, help="The persons or the sessions concerned.")
    correction_date = fields.Date(
        "Corrected on", compute='_compute_correction_date', store=True, readonly=False, copy=False,
    )
    correction_user_id = fields.Many2one('res.users', "Corrected by", copy=False)
    decision = fields.Selection([
        ('founded', "Founded"),
        ('partly', "Partly founded"),
        ('unfounded', "Unfounded"),
        ('out_of_scope', "Out of scope"),
        ('withdrawn', "Withdrawn"),
    ], tracking=True, copy=False)
    decision_date = fields.Date(
        "Decided on", compute='_compute_decision_date', store=True, readonly=False, copy=False,
    )
    decision_reason = fields.Text("Reason for the decision", copy=False)
    remedy_ids = fields.Many2many('qualiopi.remedy', string="Remedy granted", check_company=True, copy=False)
    no_action_reason = fields.Text("Why no corrective action", copy=False)

    # Response
    response = fields.Text(copy=False)
    response_date = fields.Datetime(
        "Answered on", compute='_compute_response_date', store=True, readonly=False, tracking=True, copy=False,
    )
    response_user_id = fields.Many2one('res.users', "Answered by", copy=False)
    response_impossible_reason = fields.Char("No response possible because", copy=False)
    response_deadline = fields.Datetime("Answer before", compute='_compute_deadlines', store=True, copy=False)
    is_response_late = fields.Boolean("Response late", compute='_compute_late', search='_search_is_response_late')
    response_delay = fields.Integer(
        "Response (working days)", compute='_compute_delays', store=True, aggregator='avg',
    )
    response_timeliness = fields.Selection(
        selection='_selection_timeliness', string="Response in time",
        compute='_compute_delays', store=True,
    )

    # After the response
    mediation = fields.Selection([
        ('none', "No mediation"),
        ('proposed', "Proposed"),
        ('open', "In progress"),
        ('closed', "Ended"),
    ], default='none', tracking=True, copy=False)
    mediation_date = fields.Date(copy=False)
    mediation_outcome = fields.Text(copy=False)
    verdict = fields.Selection([
        ('yes', "Solved"),
        ('partly', "Partly solved"),
        ('no', "Not solved"),
        ('no_answer', "No answer"),
    ], "Complainant's verdict", tracking=True, copy=False)
    verdict_date = fields.Date(compute='_compute_verdict_date', store=True, readonly=False, copy=False)
    verdict_comment = fields.Text("Complainant's comment", copy=False)

    # Lifecycle and neighbours
    state = fields.Selection([
        ('received', "Received"),
        ('acknowledged', "Acknowledged"),
        ('analysis', "Under analysis"),
        ('treatment', "In treatment"),
        ('answered', "Answered"),
        ('closed', "Closed"),
        ('cancelled', "Cancelled"),
    ], compute='_compute_state', store=True, index=True, copy=False, group_expand=True)
    is_late = fields.Boolean("Late", compute='_compute_late', search='_search_is_late')
    has_response_steps = fields.Boolean(compute='_compute_has_response_steps')
    next_step = fields.Selection([
        ('acknowledge', "Acknowledge"),
        ('analyse', "Analyse"),
        ('act', "Say what was done"),
        ('respond', "Decide and answer"),
        ('close', "Close the entry"),
    ], compute='_compute_next_step')
    next_deadline = fields.Datetime("Next step before", compute='_compute_next_step')
    offered_natures = fields.Char(compute='_compute_offered_natures', export_string_translation=False)
    missing_for_closing = fields.Text("Missing before closing", compute='_compute_missing_for_closing')
    evidence_ids = fields.One2many('qualiopi.evidence', 'complaint_id')
    communication_ids = fields.One2many('qualiopi.communication', 'complaint_id', "Who was told")
    duplicate_of_id = fields.Many2one(
        'qualiopi.complaint', "Merged into", readonly=True, copy=False, index='btree_not_null',
        ondelete='restrict',
    )
    duplicate_ids = fields.One2many('qualiopi.complaint', 'duplicate_of_id', "Duplicates", readonly=True)
    similar_ids = fields.Many2many('qualiopi.complaint', string="Resembling entries", compute='_compute_similar_ids')
    similar_count = fields.Integer(compute='_compute_similar_ids')
    finding_ids = fields.Many2many(
        'qualiopi.finding', 'qualiopi_complaint_finding_rel', 'complaint_id', 'finding_id',
        string="Findings", check_company=True, copy=False,
    )
    finding_count = fields.Integer(compute='_compute_neighbour_counts')
    action_ids = fields.Many2many('qualiopi.improvement.action', string="Actions", compute='_compute_neighbour_counts')
    action_count = fields.Integer(compute='_compute_neighbour_counts')

    _reference_uniq = models.UniqueIndex(
        '(company_id, reference)', "This number is taken already.",
    )
    _open_idx = models.Index("(response_deadline) WHERE state NOT IN ('closed', 'cancelled')")

    # === COMPUTES: RECEIPT AND CONTEXT === #

    @api.model
    def _selection_timeliness(self):
        return [
            ('pending', self.env._("Pending")),
            ('on_time', self.env._("In time")),
            ('late', self.env._("Late")),
            ('not_applicable', self.env._("Not applicable")),
        ]

    def _referential_date_field(self):
        return 'received_date'

    @api.depends('received_date')
    def _compute_referential_id(self):
        return super()._compute_referential_id()

    @api.depends('description')
    def _compute_name(self):
        for complaint in self:
            if not complaint.name and complaint.description:
                first_line = complaint.description.strip().split('\n', 1)[0]
                complaint.name = first_line if len(first_line) <= 80 else first_line[:79] + '…'

    @api.depends('received_on', 'company_id')
    def _compute_received_date(self):
        for complaint in self:
            complaint.received_date = complaint.received_on and (
                complaint.company_id._qualiopi_local_date(complaint.received_on)
            )

    @api.depends('partner_id')
    def _compute_contact(self):
        for complaint in self:
            partner = complaint.partner_id
            complaint.contact_name = partner.name or complaint.contact_name
            complaint.email_from = partner.email or complaint.email_from
            complaint.phone = partner.phone or complaint.phone

    @api.depends('is_anonymous', 'partner_id', 'contact_name', 'email_from')
    def _compute_complainant(self):
        for complaint in self:
            if complaint.is_anonymous:
                complaint.complainant = complaint.env._("Anonymous")
            else:
                complaint.complainant = (
                    complaint.partner_id.display_name or complaint.contact_name or complaint.email_from
                )

    @api.depends('registration_id')
    def _compute_event_id(self):
        for complaint in self:
            complaint.event_id = complaint.sudo().registration_id.event_id or complaint.event_id

    @api.depends('event_id')
    def _compute_course_id(self):
        for complaint in self:
            complaint.course_id = complaint.event_id.course_id or complaint.course_id

    @api.depends('event_id')
    def _compute_trainer_id(self):
        for complaint in self:
            trainers = complaint.event_id.trainer_ids
            if not complaint.trainer_id and len(trainers) == 1:
                complaint.trainer_id = trainers

    @api.depends('nature', 'category_id.is_confidential')
    def _compute_is_confidential(self):
        for complaint in self:
            complaint.is_confidential = (
                complaint.nature == 'safeguarding' or complaint.category_id.is_confidential
            )

    # === COMPUTES: STAMPS === #

    @api.depends('ack_message')
    def _compute_ack_date(self):
        for complaint in self:
            if complaint.ack_message and not complaint.ack_date:
                complaint.ack_date = fields.Datetime.now()

    @api.depends('correction')
    def _compute_correction_date(self):
        for complaint in self:
            if complaint.correction and not complaint.correction_date:
                complaint.correction_date = fields.Date.context_today(complaint)

    @api.depends('decision')
    def _compute_decision_date(self):
        for complaint in self:
            if complaint.decision and not complaint.decision_date:
                complaint.decision_date = fields.Date.context_today(complaint)

    @api.depends('response')
    def _compute_response_date(self):
        for complaint in self:
            if complaint.response and not complaint.response_date:
                complaint.response_date = fields.Datetime.now()

    @api.depends('verdict')
    def _compute_verdict_date(self):
        for complaint in self:
            if complaint.verdict and not complaint.verdict_date:
                complaint.verdict_date = fields.Date.context_today(complaint)

    @api.depends('cause_ids', 'finding_ids.cause_ids')
    def _compute_analysis_date(self):
        with_cause = self._with_cause()
        for complaint in self:
            if complaint not in with_cause:
                complaint.analysis_date = False
            elif not complaint.analysis_date:
                complaint.analysis_date = fields.Date.context_today(complaint)

    @api.depends('cause_ids', 'finding_ids.cause_ids')
    def _compute_shown_cause_ids(self):
        for complaint in self:
            complaint.shown_cause_ids = complaint.cause_ids | complaint.finding_ids.cause_ids

    def _with_cause(self):
        """Entries whose cause is known, here or in a finding that they are linked with: one analysis
        serves both. Findings count that the user may not see."""
        pairs = self._linked_pairs('finding_ids')
        # sudo: see _all_linked(); the pairs are read once
        linked = self.env['qualiopi.finding'].sudo().browse({other for __, other in pairs})
        analysed = linked.filtered(lambda finding: finding._known_causes())
        ids = {own for own, other in pairs if other in analysed.ids} if analysed else set()
        return self.filtered(lambda complaint: complaint._known_causes() or complaint._origin.id in ids)

    # === COMPUTES: DEADLINES AND DELAYS === #

    @api.depends('nature')
    def _compute_has_response_steps(self):
        for complaint in self:
            complaint.has_response_steps = complaint.nature in _ANSWERED_NATURES

    # The delays of a severity are read when an entry is recorded or changes its severity: a setting
    # that is edited later does not rewrite what was promised.
    @api.depends('received_on', 'severity_id', 'nature', 'company_id')
    def _compute_deadlines(self):
        for company, complaints in self.grouped('company_id').items():
            wanted = {}
            for complaint in complaints.filtered(lambda c: c.received_on and not c.is_imported):
                severity = complaint.severity_id
                if complaint.has_response_steps:
                    wanted[complaint, 'ack_deadline'] = (complaint.received_on, severity.ack_days)
                    wanted[complaint, 'response_deadline'] = (complaint.received_on, severity.response_days)
                wanted[complaint, 'analysis_deadline'] = (complaint.received_on, severity.analysis_days)
            deadlines = company.sudo()._qualiopi_deadlines(set(wanted.values())) if wanted else {}
            for complaint in complaints:
                for name in ('ack_deadline', 'analysis_deadline', 'response_deadline'):
                    complaint[name] = deadlines.get(wanted.get((complaint, name)), False)

    def _promised_days(self, company):
        """Working days promised for the steps that the company's open entries still wait for, counted in
        the calendar as it is now: to be taken before the calendar changes.

        :return: (field, receipt, deadline, number of working days) by entry
        :rtype: dict[recordset, list[tuple]]
        """
        waiting = (('ack_deadline', 'ack_timeliness'), ('response_deadline', 'response_timeliness'))
        entries = self.search([
            ('company_id', '=', company.id), ('state', 'not in', ('closed', 'cancelled')),
            ('is_imported', '=', False),
        ])
        steps = [
            (entry, name, entry.received_on, entry[name])
            for entry in entries
            for name in [
                *(name for name, timeliness in waiting if entry[timeliness] == 'pending'),
                *(() if entry.analysis_date else ('analysis_deadline',)),
            ]
            if entry[name]
        ]
        days = company._qualiopi_working_days_between({(received, due) for __, __, received, due in steps})
        promised = {}
        for entry, name, received, due in steps:
            promised.setdefault(entry, []).append((name, received, due, days[received, due]))
        return promised

    def _keep_promised_days(self, company, promised):
        """Move deadlines so that they keep the number of working days promised, with a note.

        :param promised: what _promised_days() returned before the company's calendar changed
        :return: number of entries that moved
        :rtype: int
        """
        deadlines = company._qualiopi_deadlines({
            (received, days) for steps in promised.values() for __, received, __, days in steps
        })
        groups, notes = {}, {}
        for entry, steps in promised.items():
            values = tuple(
                (name, deadlines[received, days]) for name, received, due, days in steps
                if days and deadlines[received, days] != due
            )
            if values:
                groups.setdefault(values, []).append(entry.id)
                notes[entry.id] = self.env._(
                    "Public holidays were added to the calendar. New deadlines: %s.",
                    ", ".join(
                        f"{self._fields[name]._description_string(self.env)} "
                        f"{format_date(self.env, company._qualiopi_local_date(due))}"
                        for name, due in values
                    ),
                )
        for values, ids in groups.items():
            self.browse(ids)._as_server().write(dict(values))
        if notes:
            self.browse(notes)._followup_sync()
            self.browse(notes)._message_log_batch({key: plaintext2html(note) for key, note in notes.items()})
        return len(notes)

    @api.depends('received_on', 'ack_date', 'ack_deadline', 'response_date', 'response_deadline',
                 'ack_impossible_reason', 'response_impossible_reason', 'company_id')
    def _compute_delays(self):
        steps = (('ack', 'ack_impossible_reason'), ('response', 'response_impossible_reason'))
        for company, complaints in self.grouped('company_id').items():
            pairs = {
                (complaint.received_on, complaint[f'{step}_date'])
                for complaint in complaints for step, __ in steps
                if complaint.received_on and complaint[f'{step}_date']
            }
            days = company.sudo()._qualiopi_working_days_between(pairs) if pairs else {}
            for complaint in complaints:
                for step, impossible in steps:
                    done, deadline = complaint[f'{step}_date'], complaint[f'{step}_deadline']
                    complaint[f'{step}_delay'] = days.get((complaint.received_on, done), 0)
                    if not deadline or complaint[impossible] and not done:
                        complaint[f'{step}_timeliness'] = 'not_applicable'
                    elif not done:
                        complaint[f'{step}_timeliness'] = 'pending'
                    else:
                        complaint[f'{step}_timeliness'] = 'on_time' if done <= deadline else 'late'

    @api.depends('state', 'ack_deadline', 'ack_timeliness', 'analysis_deadline', 'analysis_date',
                 'response_deadline', 'response_timeliness')
    def _compute_late(self):
        now = fields.Datetime.now()
        for complaint in self:
            is_open = complaint.state not in ('closed', 'cancelled')
            for step, waiting in (
                ('ack', complaint.ack_timeliness == 'pending'),
                ('analysis', not complaint.analysis_date),
                ('response', complaint.response_timeliness == 'pending'),
            ):
                deadline = complaint[f'{step}_deadline']
                complaint[f'is_{step}_late'] = bool(is_open and waiting and deadline and deadline < now)
            complaint.is_late = (
                complaint.is_ack_late or complaint.is_analysis_late or complaint.is_response_late
            )

    def _late_domain(self, step):
        waiting = (
            Domain('analysis_date', '=', False) if step == 'analysis'
            else Domain(f'{step}_timeliness', '=', 'pending')
        )
        return (
            Domain('state', 'not in', ('closed', 'cancelled')) & waiting
            & Domain(f'{step}_deadline', '<', fields.Datetime.now())
        )

    def _search_is_ack_late(self, operator, value):
        return self._late_domain('ack') if operator == 'in' else NotImplemented

    def _search_is_analysis_late(self, operator, value):
        return self._late_domain('analysis') if operator == 'in' else NotImplemented

    def _search_is_response_late(self, operator, value):
        return self._late_domain('response') if operator == 'in' else NotImplemented

    def _search_is_late(self, operator, value):
        if operator != 'in':
            return NotImplemented
        return Domain.OR(self._late_domain(step) for step in ('ack', 'analysis', 'response'))

    # === COMPUTES: STATE AND NEIGHBOURS === #

    @api.depends('nature', 'ack_date', 'ack_impossible_reason', 'cause_ids', 'analysis', 'finding_ids',
                 'correction', 'decision', 'response_date', 'response_impossible_reason',
                 'closed_on', 'cancelled_on')
    def _compute_state(self):
        """The state follows the facts, in whatever order they are filled in."""
        states = list(self._fields['state'].get_values(self.env))
        for complaint in self:
            answers = complaint.nature in _ANSWERED_NATURES
            if complaint.cancelled_on:
                state = 'cancelled'
            elif complaint.closed_on:
                state = 'closed'
            elif answers and (complaint.response_date or complaint.response_impossible_reason):
                state = 'answered'
            elif complaint.decision or complaint.correction:
                state = 'treatment'
            elif complaint.cause_ids or complaint.analysis or complaint.finding_ids:
                state = 'analysis'
            elif answers and (complaint.ack_date or complaint.ack_impossible_reason):
                state = 'acknowledged'
            else:
                state = 'received'
            if complaint.is_imported and complaint.state and states.index(complaint.state) > states.index(state):
                # A record taken over comes in any state, with few of its facts (design, rule 9).
                state = complaint.state
            complaint.state = state

    @api.depends('state', 'nature', 'ack_date', 'ack_impossible_reason', 'ack_deadline', 'analysis_date',
                 'analysis_deadline', 'correction', 'correction_for', 'decision', 'response', 'response_date',
                 'response_impossible_reason', 'response_deadline')
    def _compute_next_step(self):
        for complaint in self:
            complaint.next_step, complaint.next_deadline = complaint._next_step()

    def _next_step(self):
        """The step that the entry waits for, and its deadline when it has one."""
        self.ensure_one()
        answers = self.nature in _ANSWERED_NATURES
        if self._is_ended():
            return False, False
        if answers and not self.ack_date and not self.ack_impossible_reason:
            return 'acknowledge', self.ack_deadline
        # The date stands for the causes, also those of the findings, and costs no query.
        if self.nature != 'safeguarding' and not self.analysis_date:
            return 'analyse', self.analysis_deadline
        if self.nature != 'complaint' and not (self.correction and (answers or self.correction_for)):
            return 'act', False
        answered = self.response and self.response_date or self.response_impossible_reason
        if answers and not answered or self.nature == 'complaint' and not self.decision:
            return 'respond', self.response_deadline
        return 'close', False

    @api.depends('user_id')
    def _compute_may_treat(self):
        return super()._compute_may_treat()

    @api.depends('nature', 'company_id')
    @api.depends_context('uid')
    def _compute_offered_natures(self):
        """The natures that the user may choose: nobody would read a report while the confidential group
        is empty, and outside of it reports go by their own form (design, rule 8)."""
        member = self.env.user.has_group('qualiopi.group_confidential')
        natures = [nature for nature in self._fields['nature'].get_values(self.env) if nature != 'safeguarding']
        for complaint in self:
            own = ['safeguarding'] if member or complaint.nature == 'safeguarding' else []
            complaint.offered_natures = ','.join(natures + own)

    def _chain_levels(self):
        findings = self._chain_visible(self.finding_ids)
        return {'complaint': self, 'finding': findings, **self._chain_following(findings)}

    def _is_ended(self):
        return self.state in ('closed', 'cancelled')

    def _is_untreated(self):
        return self.state == 'received'

    @api.depends('state')
    def _compute_is_locked(self):
        return super()._compute_is_locked()

    @api.depends('state', 'nature', 'ack_date', 'ack_impossible_reason', 'cause_ids', 'finding_ids',
                 'decision', 'correction', 'correction_for', 'response', 'response_date',
                 'response_impossible_reason')
    def _compute_missing_for_closing(self):
        for complaint in self:
            if complaint._is_ended():
                complaint.missing_for_closing = False
            else:
                complaint.missing_for_closing = '\n'.join(complaint._missing_for_closing()) or False

    @api.depends('partner_id', 'email_from', 'event_id', 'category_id', 'received_on')
    def _compute_similar_ids(self):
        for complaint in self:
            similar = complaint.browse()
            domain = complaint._similar_domain()
            if domain is not None:
                similar = complaint.search(domain, limit=10)
            complaint.similar_ids = similar
            complaint.similar_count = len(similar)

    def _similar_domain(self):
        """Entries of the last weeks that may be the same: one person, or one session and category."""
        self.ensure_one()
        alike = []
        if self.partner_id:
            alike.append(Domain('partner_id', '=', self.partner_id.id))
        if self.email_from:
            alike.append(Domain('email_from', '=ilike', escape_psql(self.email_from.strip())))
        if self.event_id and self.category_id:
            alike.append(Domain('event_id', '=', self.event_id.id) & Domain('category_id', '=', self.category_id.id))
        if not alike or not self.received_on or self._is_ended():
            return None
        return (
            Domain.OR(alike)
            & Domain('id', '!=', self._origin.id)
            & Domain('company_id', '=', self.company_id.id)
            & Domain('state', '!=', 'cancelled')
            & Domain('received_on', '>=', self.received_on - timedelta(days=_SIMILAR_DAYS))
        )

    @api.depends('finding_ids.action_ids')
    def _compute_neighbour_counts(self):
        # One read for all entries, not one for each entry's findings.
        self.mapped('finding_ids.action_ids')
        for complaint in self:
            complaint.finding_count = len(complaint.finding_ids)
            complaint.action_ids = complaint.finding_ids.action_ids
            complaint.action_count = len(complaint.action_ids)

    # === CONSTRAINTS === #

    @api.constrains('received_on', 'ack_date', 'response_date')
    def _check_dates(self):
        """Nothing was received, acknowledged or answered in the future."""
        soon = fields.Datetime.now() + timedelta(minutes=5)
        for complaint in self:
            for name in ('received_on', 'ack_date', 'response_date'):
                if complaint[name] and complaint[name] > soon:
                    raise ValidationError(self.env._(
                        "\"%(date)s\" of %(record)s lies in the future.",
                        date=self._fields[name]._description_string(self.env), record=complaint.reference,
                    ))

    @api.onchange('received_on', 'ack_date', 'response_date')
    def _onchange_dates(self):
        received = self.received_on
        for name in ('ack_date', 'response_date'):
            if received and self[name] and self[name].date() < received.date():
                return {'warning': {
                    'title': self.env._("Dates out of order"),
                    'message': self.env._(
                        "\"%s\" comes before the receipt. An auditor will ask: is one of the dates wrong?",
                        self._fields[name]._description_string(self.env),
                    ),
                }}
        return None

    @api.constrains('event_id', 'registration_id')
    def _check_registration_id(self):
        for complaint in self.sudo():
            if complaint.registration_id and complaint.registration_id.event_id != complaint.event_id:
                raise ValidationError(self.env._(
                    "%(learner)s is not registered for %(session)s.",
                    learner=complaint.registration_id.display_name, session=complaint.event_id.display_name,
                ))

    # === CRUD === #

    @api.model
    def default_get(self, fields):
        values = super().default_get(fields)
        if 'ack_date' in fields and self.env.context.get('qualiopi_settle'):
            # Who is settled with on the telephone has been heard: nothing else acknowledges it.
            values['ack_date'] = Datetime.now()
        return values

    @api.model_create_multi
    def create(self, vals_list):
        complaints = super().create(self._with_default_owners(vals_list))
        complaints._sign_steps(dict.fromkeys(name for vals in vals_list for name in vals))
        return complaints

    def write(self, vals):
        if not self._is_server():
            if 'description' in vals:
                self._keep_versions(vals['description'])
        if not vals.keys() <= {'verdict', 'verdict_date', 'verdict_comment'}:
            result = super().write(vals)
            self._sign_steps(vals)
            return result
        # The complainant's verdict passes the lock; "not solved" reopens (design, rules 3 and 5).
        closed = self.filtered(lambda complaint: complaint.state == 'closed')
        result = super(QualiopiComplaint, self._as_server()).write(vals)
        if vals.get('verdict') == 'no' and closed:
            closed._reopen(self.env._("The complainant says that it is not solved"))
        return result

    @api.model
    def _with_default_owners(self, vals_list):
        """Copies of the values with the owner whom the settings name, where somebody who is no quality
        officer, or a door, names nobody. A declarant is only proposed as owner: that names nobody."""
        user = self.env.user
        if not self.env.su and any(user.has_group(f'qualiopi.group_{role}') for role in ('officer', 'confidential')):
            return vals_list
        named = {user.id} if not self.env.su else set()
        waiting = [
            vals for vals in vals_list
            if (not vals.get('user_id') or vals['user_id'] in named)
            and not vals.get('is_imported') and not vals.get('excluded_user_ids')
        ]
        owners = self._default_owner_for(waiting)
        by_vals = {id(vals): owner for vals, owner in zip(waiting, owners, strict=True) if owner}
        return [
            {**vals, 'user_id': by_vals[id(vals)].id} if id(vals) in by_vals else vals
            for vals in vals_list
        ]

    @api.model
    def _default_owner_for(self, vals_list):
        """Owners whom the settings name for new entries, who may open them; one lookup for all.

        :param list vals_list: values of entries to be created
        :return: one user a dict of values, or an empty recordset
        :rtype: list
        """
        if not vals_list:
            return []
        defaults = self.default_get(['company_id', 'nature', 'category_id'])
        keys = [
            tuple({**defaults, **vals}.get(name) or False for name in ('company_id', 'nature', 'category_id'))
            for vals in vals_list
        ]
        # sudo: a declarant's entry finds its owner, whom the declarant need not see
        rules = self.env['qualiopi.default.owner'].sudo().search([
            ('company_id', 'in', list({company for company, __, __ in keys})),
        ])
        if not rules:
            return [rules.user_id] * len(keys)
        owners = {
            key: rules._owner_of(*key, confidential=self._series_of({'nature': key[1], 'category_id': key[2]}) == 'SIG')
            for key in set(keys)
        }
        return [owners[key] for key in keys]

    def _series_of(self, vals):
        category = self.env['qualiopi.category'].browse(vals.get('category_id'))
        if vals.get('nature') == 'safeguarding' or category.sudo().is_confidential:
            return 'SIG'
        return self._series

    def _with_references(self, vals_list):
        defaults = self.default_get(['nature', 'category_id'])
        vals_list = [{**defaults, **vals} for vals in vals_list]
        if not self.env.su and not self.env.user.has_group('qualiopi.group_confidential'):
            if any(self._series_of(vals) == 'SIG' for vals in vals_list):
                raise UserError(self.env._(
                    "A safeguarding report goes straight to the confidential group:"
                    " use \"Report a serious situation\"."
                ))
        return super()._with_references(vals_list)

    def _server_default(self, name):
        return 'received' if name == 'state' else super()._server_default(name)

    def _confidentiality_fields(self):
        return {'nature', 'category_id'}

    def _excluded_users(self):
        return self.sudo().excluded_user_ids

    def _allowed_partners(self, partners):
        return super()._allowed_partners(partners) | (partners & self.sudo().partner_id)

    def _confidential_neighbours(self):
        return self._all_linked('finding_ids')

    def _sign_steps(self, written):
        """Say who acknowledged, corrected and answered: whoever filled it in, where nobody is named.

        :param written: names of the fields that were filled in
        """
        for triggers, step in (
            ({'ack_date', 'ack_message'}, 'ack'),
            ({'correction'}, 'correction'),
            ({'response', 'response_date'}, 'response'),
        ):
            signature = f'{step}_user_id'
            if triggers & written.keys() and signature not in written:
                unsigned = self.filtered(
                    lambda c, step=step, name=signature: c[f'{step}_date'] and not c[name] and not c.is_imported
                )
                if unsigned:
                    unsigned._as_server().write({signature: self.env.uid})

    def _keep_versions(self, description):
        """Texts of others are never edited; our own only until the acknowledgement, later with the
        former text kept beside (design, rule 2)."""
        changed = self.filtered(lambda c: (c.description or '') != (description or ''))
        for complaint in changed.filtered(lambda c: c.text_origin != 'staff'):
            raise UserError(self.env._(
                "The text of %s is what its author wrote: it is never edited. Add a comment instead.",
                complaint.reference,
            ))
        versions = changed.filtered(lambda c: c.description and c.state != 'received')
        self.env['qualiopi.complaint.version'].sudo().create([{
            'complaint_id': complaint.id,
            'description': complaint.description,
            'user_id': self.env.uid,
            'date': fields.Datetime.now(),
        } for complaint in versions])

    # === LIFECYCLE === #

    def _missing_for_closing(self, with_cause=None):
        """What the nature of the entry still needs before it is closed (design, rule 3; RNQ, indicator 31).

        :param with_cause: for a batch, the entries whose cause is known
        :return: sentences in the user's language, empty when nothing is missing
        :rtype: list[str]
        """
        self.ensure_one()
        if self.is_imported:
            return []
        answers = self.nature in _ANSWERED_NATURES
        instant = self.nature in ('difficulty', 'unforeseen')
        steps = (
            (answers and not (self.ack_date or self.ack_impossible_reason),
             self.env._("the acknowledgement: its date, or why it was impossible")),
            (self.nature == 'safeguarding' and not self.correction,
             self.env._("the protective measures taken")),
            (self.nature != 'safeguarding' and self not in (self._with_cause() if with_cause is None else with_cause),
             self.env._("the cause, here or in a linked finding")),
            (self.nature == 'complaint' and not self.decision,
             self.env._("the decision: founded or not")),
            (instant and not self.correction,
             self.env._("what was done at once")),
            (instant and not self.correction_for,
             self.env._("for whom it was done")),
            (answers and not (self.response and self.response_date or self.response_impossible_reason),
             self.env._("the response: its text and date, or why it was impossible")),
        )
        return [text for is_missing, text in steps if is_missing]

    def action_close(self):
        """Close the entries that have what their nature needs (RNQ, indicator 31).

        :raise GateError: lists what is missing and offers the screen where it is filled in
        """
        self.check_access('write')
        with_cause = self._with_cause()
        for complaint in self:
            if complaint._is_ended():
                raise UserError(self.env._("%s is closed already.", complaint.display_name))
            missing = complaint._missing_for_closing(with_cause)
            if missing:
                raise GateError(
                    self.env._(
                        "%(record)s cannot be closed yet. Missing: %(missing)s.",
                        record=complaint.reference, missing=" · ".join(missing),
                    ),
                    complaint._treat_window(), self.env._("Fill in"),
                )
        self._close()
        return True

    def action_settle(self):
        """Close from the one-screen form and leave it."""
        self.action_close()
        return {'type': 'ir.actions.act_window_close'}

    def action_treat(self):
        """The one screen from receipt to closing."""
        self.ensure_one()
        return self._treat_window()

    def action_analyse(self):
        """The window of the analysis: one cause and one line are enough."""
        self.ensure_one()
        return self._treat_window('analyse', self.env._("Analyse %s", self.reference))

    def action_respond(self):
        """The window of the decision and the response."""
        self.ensure_one()
        return self._treat_window('respond', self.env._("Decide and answer %s", self.reference))

    def _treat_window(self, view='treat', name=None):
        return {
            'type': 'ir.actions.act_window',
            'name': name or self.env._("Treat %s", self.reference),
            'res_model': self._name,
            'res_id': self.id,
            'views': [(self.env.ref(f'qualiopi.qualiopi_complaint_view_form_{view}').id, 'form')],
            'target': 'new',
        }

    def action_acknowledge(self):
        """Record the acknowledgement as given now, unless it was before.

        :raise UserError: for a nature that has no acknowledgement, or a closed entry
        """
        for complaint in self:
            if not complaint.has_response_steps:
                raise UserError(self.env._("A difficulty or an unforeseen event is not acknowledged."))
        self.filtered(lambda c: not c.ack_date).write({'ack_date': fields.Datetime.now()})
        return True

    def action_make_confidential(self):
        """The wizard that hands the entry over to the confidential group."""
        self.ensure_one()
        return {
            'type': 'ir.actions.act_window',
            'name': self.env._("Hand over as confidential"),
            'res_model': 'qualiopi.complaint.restrict',
            'views': [(False, 'form')],
            'target': 'new',
            'context': {'default_complaint_id': self.id},
        }

    def action_merge(self):
        """The wizard that merges duplicates: these entries and, for one entry, those resembling it."""
        complaints = self | self.similar_ids if len(self) == 1 else self
        return {
            'type': 'ir.actions.act_window',
            'name': self.env._("Merge duplicates"),
            'res_model': 'qualiopi.complaint.merge',
            'views': [(False, 'form')],
            'target': 'new',
            'context': {
                'default_complaint_ids': [Command.set(complaints.ids)],
                'default_kept_id': min(complaints, key=lambda c: (c.received_on, c.id)).id,
            },
        }

    def _merge_into(self, kept):
        """Cancel these entries with a link to the one that is kept; no text changes (design, rule 5).

        :param kept: the entry that goes on
        :raise UserError: across companies, or when one of them is closed
        """
        duplicates = self - kept
        (duplicates | kept)._check_unlocked()
        if duplicates.company_id - kept.company_id:
            raise UserError(self.env._("Only entries of one company can be merged."))
        if any(duplicate.is_confidential != kept.is_confidential for duplicate in duplicates):
            raise UserError(self.env._("A confidential entry cannot be merged with another one."))
        duplicates._as_server().write({'duplicate_of_id': kept.id})
        for duplicate in duplicates:
            duplicate._cancel(self.env._("Duplicate of %s", kept.reference))
        kept.message_post(body=self.env._(
            "Merged into this entry: %s", ", ".join(duplicates.mapped('reference')),
        ))

    def _reopen_values(self, reason):
        return {**super()._reopen_values(reason), 'duplicate_of_id': False}

    # === ACTIONS === #

    def _prepare_finding_values(self):
        """Facts of the entry for the finding that is made from it."""
        self.ensure_one()
        is_complaint = self.nature in _ANSWERED_NATURES
        source = self.env.ref(
            'qualiopi.source_complaint' if is_complaint else 'qualiopi.source_difficulty',
            raise_if_not_found=False,
        )
        return {
            'name': self.name,
            'description': self.description or self.name,
            'source_id': source.id if source else False,
            'complaint_ids': [Command.link(self.id)],
            'company_id': self.company_id.id,
            'event_id': self.event_id.id,
            'registration_id': self.registration_id.id,
            'course_id': self.course_id.id,
            'trainer_id': self.trainer_id.id,
            'category_id': self.category_id.id,
            'severity_id': self.severity_id.id,
            'indicator_ids': [Command.set(self.indicator_ids.ids)],
            'cause_ids': [Command.set(self.cause_ids.ids)],
            'analysis': self.analysis,
            'impact': self.impact,
            **{f'why_{number}': self[f'why_{number}'] for number in range(1, 6)},
            'similar_cases': self.similar_cases,
            'similar_details': self.similar_details,
        }

    def _make_finding(self):
        return self.env['qualiopi.finding'].create(self._prepare_finding_values())

    def action_create_finding(self):
        """Make a finding with the facts of the entry and open it."""
        self.ensure_one()
        return self._open_records(self._make_finding(), self.env._("Finding"))

    def action_create_action(self):
        """Open a new action on the entry's finding, which is made in the same click when there is none."""
        self.ensure_one()
        findings = self.finding_ids.filtered(lambda finding: not finding.is_locked) or self._make_finding()
        return findings.action_create_action()

    def action_view_findings(self):
        """Open the findings of the entry."""
        return self._open_records(self.finding_ids, self.env._("Findings"))

    def action_view_actions(self):
        """Open the actions that came from the entry."""
        return self._open_records(self.action_ids, self.env._("Improvement actions"))

    def action_view_similar(self):
        """Open the entries that resemble this one."""
        return self._open_records(self.similar_ids, self.env._("Resembling entries"))

    # === FOLLOW-UP === #

    _followup_fields = frozenset({
        'nature', 'severity_id', 'category_id', 'channel_id', 'received_on', 'user_id', 'partner_id', 'email_from',
        'ack_date', 'ack_message', 'ack_impossible_reason', 'cause_ids', 'analysis_date', 'finding_ids',
        'correction', 'correction_for', 'decision', 'response', 'response_date', 'response_impossible_reason',
        'verdict', 'closed_on', 'cancelled_on', 'state',
    })

    @api.depends('state', 'ack_deadline', 'ack_timeliness', 'analysis_deadline', 'analysis_date',
                 'response_deadline', 'response_timeliness', 'severity_id', 'verdict', 'correction')
    def _compute_followup_on(self):
        return super()._compute_followup_on()

    def _followup_steps(self):
        """Acknowledge, analyse, answer, ask whether it is solved, close (RNQ V10, indicator 31)."""
        with_cause = self._with_cause()
        return {complaint: complaint._own_steps(complaint in with_cause) for complaint in self}

    def _own_steps(self, has_cause):
        steps = []
        owner = self.user_id
        local = self.company_id._qualiopi_local_date
        if self.state == 'cancelled' or self.is_imported:
            return steps
        if self.state != 'closed':
            if self.ack_timeliness == 'pending':
                steps.append(Step('acknowledge', owner, local(self.ack_deadline)))
            if self.nature != 'safeguarding' and not has_cause and self.analysis_deadline:
                steps.append(Step('analyse', owner, local(self.analysis_deadline)))
            if self.response_timeliness == 'pending':
                steps.append(Step('answer', owner, local(self.response_deadline)))
        if self.nature == 'complaint' and self.response_date and not self.verdict and (
            self.partner_id or self.email_from
        ):
            # Courtesy, after all is said: it does not escalate.
            steps.append(Step('ask', owner, local(self.response_date) + timedelta(days=_ASK_DAYS), False))
        return steps

    def _followup_last_step(self):
        end = self.response_deadline or self.analysis_deadline
        if self._is_ended() or not end:
            return None
        due = self.company_id._qualiopi_local_date(end) + timedelta(days=_CLOSE_DAYS)
        return Step('close', self.user_id, due)

    def _followup_escalation_days(self):
        return self.severity_id.escalation_days or super()._followup_escalation_days()

    def _followup_escalates_at_once(self):
        return (
            self.severity_id.level == 'critical' or self.category_id.is_escalated or self.channel_id.is_escalated
        )

    def _followup_recorded_on(self):
        return self.received_date or super()._followup_recorded_on()
