from datetime import datetime, time, timedelta

import pytz

from odoo import api, fields, models
from odoo.exceptions import UserError, ValidationError
from odoo.fields import Command

from ..exceptions import GateError
from .qualiopi_followup_mixin import Step

# Indicator 12 is about courses of more than this many days.
_SHORT_DAYS = 2
# Calendar days after the learner stopped.
_CONTACT_DAYS = 1
_CLOSE_DAYS = 14
# What the learner said may be health data: for quality officers alone.
_OFFICER = 'qualiopi.group_officer'


class QualiopiDropout(models.Model):
    """A learner who stopped, or never came (indicator 12).

    Reason, texts and files are for quality officers alone; everybody else reads ``shown_reason_id``, in
    which health and disability are a "personal reason".
    """

    _name = 'qualiopi.dropout'
    _description = "Dropout"
    _inherit = [
        'qualiopi.followup.mixin', 'qualiopi.register.mixin', 'qualiopi.context.mixin', 'qualiopi.screen.mixin',
    ]
    _folded_states = ('closed', 'cancelled')
    _order = 'date desc, id desc'
    _rec_names_search = ['reference', 'name', 'learner_name']
    _series = 'ABD'
    _server_fields = {
        'reference', 'state', 'closed_on', 'closed_by_id', 'cancelled_on', 'cancel_reason', 'reopen_reason',
    }
    _import_fields = {'state', 'closed_on', 'cancelled_on', 'cancel_reason'}

    # Who stopped
    name = fields.Char(compute='_compute_name', store=True, precompute=True)
    registration_id = fields.Many2one(
        'event.registration', "Participation", index='btree_not_null', check_company=True, ondelete='restrict',
        domain="[('event_id', '=?', event_id)]",
    )
    event_id = fields.Many2one(compute='_compute_event_id', store=True, readonly=False, precompute=True)
    learner_name = fields.Char(
        "Learner", required=True, compute='_compute_learner', store=True, readonly=False, precompute=True,
        tracking=True,
    )
    learner_id = fields.Many2one(
        'res.partner', "Learner's contact", compute='_compute_learner', store=True, readonly=False, precompute=True,
        index='btree_not_null', check_company=True, ondelete='restrict',
    )
    learner_code = fields.Char(
        "Learner's code", compute='_compute_learner_code',
        help="Stands for the name on documents that leave the centre.",
    )
    duration_days = fields.Float(
        "Duration (days)", compute='_compute_duration_days', store=True, readonly=False, precompute=True, digits=(6, 1),
        aggregator=None,
    )
    is_over_two_days = fields.Boolean(
        "Over two days", compute='_compute_is_over_two_days', store=True,
        help="Indicator 12 is about courses of more than two days. Without a known duration it is taken as such.",
    )

    # What happened
    kind = fields.Selection([
        ('dropout', "Dropout"),
        ('no_show', "No-show"),
    ], required=True, default='dropout', tracking=True, help="Dropout: started, then stopped. No-show: never came.")
    date = fields.Date("Stopped on", required=True, default=fields.Date.context_today, index=True, tracking=True)
    reason_id = fields.Many2one(
        'qualiopi.dropout.reason', ondelete='restrict', check_company=True, index='btree_not_null', groups=_OFFICER,
    )
    shown_reason_id = fields.Many2one(
        'qualiopi.dropout.reason', "Reason shown", compute='_compute_from_reason', store=True, ondelete='restrict',
        index='btree_not_null', compute_sudo=True,
        help="Health and disability read \"personal reason\" outside the quality officers.",
    )
    is_personal = fields.Boolean(
        "Personal reason", compute='_compute_from_reason', store=True, compute_sudo=True,
    )
    is_job = fields.Boolean("Found a job", compute='_compute_from_reason', store=True, compute_sudo=True)
    told_by = fields.Selection([
        ('learner', "The learner"),
        ('company', "The employer"),
        ('funder', "The funder"),
        ('trainer', "The trainer"),
        ('staff', "Our office (absences)"),
        ('other', "Somebody else"),
    ], "Reported by", tracking=True)
    told_by_name = fields.Char("Name of the person")
    description = fields.Text("What happened", groups=_OFFICER, help="Read by quality officers alone.")

    # What was done
    contact_ids = fields.One2many('qualiopi.dropout.contact', 'dropout_id', "Contacts tried")
    contact_count = fields.Integer("Number of contacts", compute='_compute_contact_count')
    solution = fields.Text(
        "Solution offered", groups=_OFFICER,
        help="What was proposed so that the learner could go on: adaptation, later session, another course.",
    )
    shown_solution = fields.Text("Solution offered (shown)", compute='_compute_shown_solution', compute_sudo=True)
    outcome = fields.Selection([
        ('resumed', "Came back and goes on"),
        ('postponed', "Moved to a later session"),
        ('redirected', "Went to another course"),
        ('stopped', "Stopped for good"),
        ('unknown', "No answer to our contacts"),
    ], tracking=True)

    # Follow-up form of the next day: six questions
    form_date = fields.Date("Form filled in on", tracking=True)
    form_why = fields.Text("1. Why did you stop?", groups=_OFFICER)
    form_objective = fields.Text("2. Has your objective changed?", groups=_OFFICER)
    form_course = fields.Text("3. Remarks on the course (content, pace)", groups=_OFFICER)
    form_trainer = fields.Text("4. Remarks on the trainer", groups=_OFFICER)
    form_training = fields.Text(
        "5. Remarks on the training as a whole (organisation, rooms, platform)", groups=_OFFICER,
    )
    form_recontact = fields.Selection(
        [('yes', "Yes"), ('later', "Later"), ('no', "No")], "6. Do you wish to be contacted again?", groups=_OFFICER,
    )

    # What follows
    finding_ids = fields.Many2many(
        'qualiopi.finding', 'qualiopi_dropout_finding_rel', 'dropout_id', 'finding_id', string="Findings",
        check_company=True, copy=False,
    )
    finding_count = fields.Integer("Number of findings", compute='_compute_finding_count')
    is_counted = fields.Boolean(
        "In the dropout rate", compute='_compute_is_counted', store=True,
        help="Started, then stopped; neither cancelled nor come back.",
    )
    state = fields.Selection([
        ('new', "To contact"),
        ('followed', "Followed up"),
        ('closed', "Closed"),
        ('cancelled', "Cancelled"),
    ], compute='_compute_state', store=True, index=True, copy=False, group_expand=True)
    evidence_ids = fields.One2many('qualiopi.evidence', 'dropout_id')

    _reference_uniq = models.UniqueIndex('(company_id, reference)', "This number is taken already.")
    # Two officers in the same moment: see _check_one_per_registration(), which says which entry it is.
    _registration_uniq = models.UniqueIndex(
        "(registration_id) WHERE registration_id IS NOT NULL AND cancelled_on IS NULL"
        " AND (outcome IS NULL OR outcome <> 'resumed')",
        "This learner is in the dropout register already: complete that entry.",
    )

    # === COMPUTES === #

    @api.model
    def _has_role(self, user):
        # Reasons may be health data: nobody else owns a dropout or is told of its texts.
        return user.has_group(_OFFICER)

    def _referential_date_field(self):
        return 'date'

    @api.depends('date')
    def _compute_referential_id(self):
        return super()._compute_referential_id()

    @api.depends('registration_id')
    def _compute_event_id(self):
        for dropout in self:
            # The session stays when the participation moves to another one later.
            dropout.event_id = dropout.registration_id.event_id or dropout.event_id

    @api.depends('registration_id')
    def _compute_learner(self):
        for dropout in self:
            registration = dropout.registration_id
            dropout.learner_name = registration.name or registration.learner_id.name or dropout.learner_name
            dropout.learner_id = registration.learner_id or dropout.learner_id

    @api.depends('learner_name', 'event_id')
    def _compute_name(self):
        for dropout in self:
            dropout.name = ' – '.join(filter(None, [dropout.learner_name, dropout.event_id.name]))

    @api.depends('learner_id', 'registration_id', 'reference')
    def _compute_learner_code(self):
        for dropout in self:
            if dropout.learner_id:
                code = f'B-{dropout.learner_id.id:05d}'
            elif dropout.registration_id:
                code = f'I-{dropout.registration_id.id:05d}'
            else:
                code = f"A-{(dropout.reference or '').partition('/')[2].replace('/', '-')}"
            dropout.learner_code = code

    @api.depends('event_id')
    def _compute_duration_days(self):
        for dropout in self:
            dropout.duration_days = dropout.event_id.duration_days or dropout.duration_days

    @api.depends('duration_days')
    def _compute_is_over_two_days(self):
        for dropout in self:
            dropout.is_over_two_days = not dropout.duration_days or dropout.duration_days > _SHORT_DAYS

    @api.depends('reason_id.is_personal', 'reason_id.is_job')
    def _compute_from_reason(self):
        personal = self.env.ref('qualiopi.dropout_reason_personal')
        for dropout in self:
            reason = dropout.reason_id
            dropout.is_personal = reason.is_personal
            dropout.is_job = reason.is_job
            dropout.shown_reason_id = personal if reason.is_personal else reason

    @api.depends('solution', 'is_personal')
    def _compute_shown_solution(self):
        for dropout in self:
            hidden = dropout.is_personal and dropout.solution
            dropout.shown_solution = (
                self.env._("A solution was offered (details kept by the quality officers)") if hidden
                else dropout.solution
            )

    @api.depends('contact_ids')
    def _compute_contact_count(self):
        for dropout in self:
            dropout.contact_count = len(dropout.contact_ids)

    @api.depends('finding_ids')
    def _compute_finding_count(self):
        for dropout in self:
            dropout.finding_count = len(dropout.finding_ids)

    @api.depends('kind', 'outcome', 'cancelled_on')
    def _compute_is_counted(self):
        for dropout in self:
            dropout.is_counted = (
                dropout.kind == 'dropout' and dropout.outcome != 'resumed' and not dropout.cancelled_on
            )

    @api.depends('contact_ids', 'form_date', 'closed_on', 'cancelled_on')
    def _compute_state(self):
        """The state follows the facts, in whatever order they are filled in."""
        for dropout in self:
            if dropout.cancelled_on:
                state = 'cancelled'
            elif dropout.closed_on:
                state = 'closed'
            elif dropout.contact_ids or dropout.form_date:
                state = 'followed'
            else:
                state = 'new'
            if dropout.is_imported and dropout.state in ('closed', 'cancelled') and not dropout.reopen_reason:
                state = dropout.state
            dropout.state = state

    @api.depends('state')
    def _compute_is_locked(self):
        return super()._compute_is_locked()

    def _is_ended(self):
        return self.state in ('closed', 'cancelled')

    @api.model
    def _chain_labels(self):
        labels = super()._chain_labels()
        labels.pop('complaint')
        return {'dropout': self.env._("Dropouts"), **labels}

    def _chain_levels(self):
        findings = self._chain_visible(self.finding_ids)
        return {'dropout': self, 'finding': findings, **self._chain_following(findings)}

    # === CONSTRAINTS === #

    @api.constrains('registration_id', 'kind', 'outcome', 'cancelled_on')
    def _check_one_per_registration(self):
        """A learner stops a session once: a second entry would count twice."""
        for dropout in self:
            if dropout.registration_id and not dropout.cancelled_on and dropout.outcome != 'resumed':
                self._refuse_second(dropout.registration_id.ids, dropout.ids)

    def _refuse_second(self, registration_ids, known_ids=()):
        """Refuse a second entry of a learner who stopped, and say which is the first.

        :param known_ids: entries that do not count
        :raise ValidationError: names the learner and the entry
        """
        other = self.search([
            ('registration_id', 'in', [number for number in registration_ids if number]),
            ('id', 'not in', known_ids), ('cancelled_on', '=', False),
            '|', ('outcome', '=', False), ('outcome', '!=', 'resumed'),
        ], limit=1)
        if other:
            raise ValidationError(self.env._(
                "%(learner)s is in the dropout register already (%(reference)s): complete that entry.",
                learner=other.learner_name, reference=other.reference,
            ))

    @api.constrains('date', 'event_id', 'kind')
    def _check_date(self):
        for dropout in self:
            begin = dropout.event_id.date_begin
            if dropout.kind == 'dropout' and begin and dropout.date < dropout.event_id._qualiopi_local_day(begin):
                raise ValidationError(dropout.env._(
                    "The session had not begun on that day: who withdraws before the start is no dropout. Choose"
                    " \"No-show\" or set the date right.",
                ))

    # === CRUD === #

    @api.model_create_multi
    def create(self, vals_list):
        # Before the database refuses them, which cannot say which entry there is.
        proposed = self.env.context.get('default_registration_id')
        self._refuse_second([
            vals.get('registration_id', proposed) for vals in vals_list
            if vals.get('outcome') != 'resumed' and not vals.get('cancelled_on')
        ])
        dropouts = super().create(vals_list)
        indicator = self.env.ref('qualiopi.indicator_12', raise_if_not_found=False)
        if indicator:
            dropouts.filtered(
                lambda d: d.is_over_two_days and not d.indicator_ids
            )._as_server().indicator_ids = indicator
        return dropouts

    def _server_default(self, name):
        return 'new' if name == 'state' else super()._server_default(name)

    # === LIFECYCLE === #

    def _missing_for_closing(self):
        """What the dropout still needs before it is closed: over two days, also its follow-up (indicator 12).

        :return: sentences in the user's language, empty when nothing is missing
        :rtype: list[str]
        """
        self.ensure_one()
        missing = []
        if self.is_imported:
            return missing
        if not self.reason_id:
            missing.append(self.env._("the reason (\"Reason not given\" when nobody knows)"))
        if self.is_over_two_days:
            if not self.contact_ids and not self.form_date:
                missing.append(self.env._("a contact tried, or the follow-up form"))
            if not self.outcome:
                missing.append(self.env._("the outcome"))
        return missing

    def action_close(self):
        """Close the dropouts whose follow-up is complete.

        :raise GateError: lists what is missing
        """
        self.check_access('write')
        for dropout in self:
            if dropout._is_ended():
                raise UserError(self.env._("%s is closed already.", dropout.display_name))
            missing = dropout._missing_for_closing()
            if missing:
                raise GateError(
                    self.env._(
                        "%(record)s cannot be closed yet. Missing: %(missing)s.",
                        record=dropout.reference, missing=" · ".join(missing),
                    ),
                    dropout._open_records(dropout, dropout.display_name), self.env._("Fill in"),
                )
        self._close()
        return True

    # === ACTIONS === #

    def action_create_finding(self):
        """Open a new finding on these dropouts, pre-filled from them; health and disability stay out of it.

        :return: a window action
        :rtype: dict
        """
        self.check_access('write')
        self._check_unlocked()
        event = self.event_id if len(self.event_id) == 1 else self.event_id.browse()
        course = self.course_id if len(self.course_id) == 1 else self.course_id.browse()
        return {
            'type': 'ir.actions.act_window',
            'name': self.env._("New finding"),
            'res_model': 'qualiopi.finding',
            'views': [(False, 'form')],
            'context': {
                'default_dropout_ids': [Command.set(self.ids)],
                'default_source_id': self.env.ref('qualiopi.source_dropout', raise_if_not_found=False).id,
                'default_description': self._finding_facts(),
                'default_company_id': self[:1].company_id.id,
                'default_event_id': event.id,
                'default_registration_id': self.registration_id.id if len(self) == 1 else False,
                'default_course_id': course.id,
                'default_indicator_ids': [Command.set(self.indicator_ids.ids)],
            },
        }

    def _finding_facts(self):
        # A finding is read by more people than a dropout: codes, and the reason as others read it.
        lines = [
            self.env._(
                "%(code)s, %(session)s: stopped on %(date)s; reason: %(reason)s",
                code=dropout.learner_code,
                session=dropout.event_id.name or dropout.course_id.name or self.env._("without session"),
                date=fields.Date.to_string(dropout.date),
                reason=dropout.shown_reason_id.name or self.env._("not known yet"),
            )
            for dropout in self
        ]
        if len(lines) == 1:
            return lines[0]
        return '\n'.join([self.env._("%s dropouts", len(lines)), *lines])

    def action_view_findings(self):
        """Open the findings that the dropout led to."""
        return self._open_records(self.finding_ids, self.env._("Findings"))

    # === WHO READS THE TEXTS === #

    def _mail_get_operation_for_mail_message_operation(self, message_operation):
        # What is written in the chatter may be health data: for those who may write, not for auditors.
        if message_operation == 'read':
            return dict.fromkeys(self, 'write')
        return super()._mail_get_operation_for_mail_message_operation(message_operation)

    def _notify_get_recipients(self, message, msg_vals=False, **kwargs):
        recipients = super()._notify_get_recipients(message, msg_vals=msg_vals, **kwargs)
        partners = self.env['res.partner'].browse([data['id'] for data in recipients if data['id']])
        # sudo: which of the recipients are users of ours
        internal = partners.sudo().filtered(lambda partner: any(not user.share for user in partner.user_ids))
        allowed = set(self._allowed_partners(partners).ids) if len(self) == 1 else set()
        refused = set(internal.ids) - allowed
        return [data for data in recipients if data['id'] not in refused]

    # === FIGURES === #

    @api.model
    def _review_figures(self, review, company, first, last):
        """Figures of a quality review (indicators 11 and 12): dropouts of the period, and the rate over the sessions
        of more than two days that ran in it.

        :param review: the qualiopi.review, which shapes its figures
        :rtype: list[dict]
        """
        own = [
            ('company_id', '=', company.id), ('date', '>=', first), ('date', '<=', last), ('state', '!=', 'cancelled'),
        ]
        dropouts = self.search(own)
        counted = dropouts.filtered('is_counted')
        total = self._period_figures(company, first, last)[0]
        return [
            review._figure(
                'dropout_rate', self.env._("Dropout rate, courses over two days"), total['rate'], '%',
                self.env._("n = %s", total['started'])),
            review._figure('dropouts', self.env._("Dropouts"), len(counted)),
            review._figure('dropout_jobs', self.env._("of which found a job"), len(counted.filtered('is_job'))),
            review._figure(
                'no_shows', self.env._("No-shows"), len(dropouts.filtered(lambda d: d.kind == 'no_show'))),
            review._figure(
                'dropouts_bare', self.env._("Dropouts over two days without reason or follow-up"),
                len(counted.filtered(lambda d: d.is_over_two_days and not (
                    d.shown_reason_id and (d.contact_ids or d.form_date))))),
        ]

    @api.model
    def _period_events(self, company, first, last):
        """Sessions of a company that ran within a period, in its time zone."""
        zone = pytz.timezone(company._qualiopi_tz())
        begin, end = (
            zone.localize(datetime.combine(day, time.min)).astimezone(pytz.utc).replace(tzinfo=None)
            for day in (first, last + timedelta(days=1))
        )
        return self.env['event.event'].with_context(
            active_test=False, allowed_company_ids=[*self.env.companies.ids, company.id],
        ).search([('company_id', '=', company.id), ('date_end', '>=', begin), ('date_begin', '<', end)])

    @api.model
    def _period_figures(self, company, first, last):
        """Rates of a period: dropouts of the sessions that ran in it ÷ learners who started these sessions.

        :return: figures of the sessions over two days, and of the shorter ones; see ``_qualiopi_dropout_figures``
        :rtype: tuple[dict, dict]
        """
        events = self._period_events(company, first, last)
        figures = events.with_context(active_test=True)._qualiopi_dropout_figures()
        short = events.filtered(lambda event: 0 < event.duration_days <= _SHORT_DAYS)
        return tuple(
            events._qualiopi_dropout_sum([figures[event] for event in part]) for part in (events - short, short)
        )

    # === FOLLOW-UP === #

    _followup_fields = frozenset({
        'date', 'kind', 'user_id', 'reason_id', 'contact_ids', 'form_date', 'outcome', 'duration_days', 'event_id',
        'registration_id', 'closed_on', 'cancelled_on', 'state',
    })

    @api.depends('state', 'date', 'is_over_two_days')
    def _compute_followup_on(self):
        return super()._compute_followup_on()

    def _followup_steps(self):
        """Contact the learner on the next day, when the course lasts more than two (indicator 12)."""
        return {
            dropout: [Step('contact', dropout.user_id, dropout.date + timedelta(days=_CONTACT_DAYS))]
            if dropout.state == 'new' and dropout.is_over_two_days and not dropout.is_imported else []
            for dropout in self
        }

    def _followup_last_step(self):
        if self._is_ended() or self.is_imported:
            return None
        return Step('close', self.user_id, self.date + timedelta(days=_CLOSE_DAYS))

    @api.model
    def _followup_labels(self):
        return {**super()._followup_labels(), 'contact': self.env._("Contact the learner")}
