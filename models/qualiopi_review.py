"""The periodic review: read the figures, decide, keep the minutes (RNQ, indicator 32).

Its figures, its meeting and its minutes are told in the files beside.
"""

from datetime import timedelta

from dateutil.relativedelta import relativedelta

from odoo import api, fields, models
from odoo.exceptions import UserError, ValidationError
from odoo.fields import Command, Domain
from odoo.tools import format_date

from .qualiopi_followup_mixin import Step
from .qualiopi_register_mixin import QualiopiRegisterMixin

# What a meeting of each type looks back upon, and when the next one is due.
_SPANS = {
    'quality': relativedelta(years=1),
    'management': relativedelta(years=1),
    'committee': relativedelta(months=3),
    'weekly': relativedelta(days=7),
}
_HOURS = {'quality': 2.0, 'management': 2.0, 'committee': 1.5, 'weekly': 0.5}
# Days to close and to send the minutes after the meeting, and to prepare the next one before its date.
_MINUTES_DAYS = 7
_PREPARE_DAYS = 30


class QualiopiReview(models.Model):
    _name = 'qualiopi.review'
    _description = "Quality Review"
    _inherit = ['qualiopi.followup.mixin', 'qualiopi.register.mixin', 'qualiopi.menu.mixin']
    _menu_part = 'review'
    _order = 'date desc, id desc'
    _series = 'REV'
    _server_fields = QualiopiRegisterMixin._server_fields | {
        'opened_on', 'figures_on', 'meeting_id', 'previous_id', 'next_id', 'minutes_id',
    }
    _import_fields = {'closed_on', 'opened_on'}
    _declarant_fields = set()
    _narrative_fields = {'conclusion'}
    _followup_fields = frozenset({
        'state', 'user_id', 'date', 'date_to', 'next_date', 'next_id', 'opened_on', 'closed_on', 'cancelled_on',
        'communication_ids', 'review_type',
    })

    name = fields.Char(compute='_compute_name', store=True, readonly=False, precompute=True)
    review_type = fields.Selection([
        ('quality', "Quality review"),
        ('management', "Management review"),
        ('committee', "Committee"),
        ('weekly', "Weekly meeting"),
    ], "Type", required=True, default='quality', index=True, tracking=True)
    date = fields.Datetime("Held on", index=True, tracking=True, copy=False)
    duration = fields.Float(
        "Duration (hours)", compute='_compute_duration', store=True, readonly=False, precompute=True,
    )
    location = fields.Char("Place")
    date_from = fields.Date(
        "Period from", compute='_compute_period', store=True, readonly=False, precompute=True, required=True,
    )
    date_to = fields.Date(
        "Period to", compute='_compute_period', store=True, readonly=False, precompute=True, required=True, index=True,
    )
    participant_ids = fields.Many2many(
        'res.partner', 'qualiopi_review_participant_rel', 'review_id', 'partner_id', string="People invited",
        check_company=True, default=lambda self: self.env.user.partner_id,
    )
    present_ids = fields.Many2many(
        'res.partner', 'qualiopi_review_present_rel', 'review_id', 'partner_id', string="People present",
        check_company=True, copy=False,
    )
    excused_ids = fields.Many2many('res.partner', string="People excused", compute='_compute_excused_ids')
    meeting_id = fields.Many2one(
        'calendar.event', readonly=True, copy=False, index='btree_not_null', ondelete='set null',
    )

    # What is said
    item_ids = fields.One2many('qualiopi.review.item', 'review_id', "Items")
    agenda_ids = fields.One2many(
        'qualiopi.review.item', 'review_id', "Items of the agenda", domain=[('kind', '=', 'topic')],
    )
    word_ids = fields.One2many(
        'qualiopi.review.item', 'review_id', "Entries and actions", domain=[('kind', '!=', 'topic')],
    )
    item_count = fields.Integer("Number of items", compute='_compute_item_count')
    treated_count = fields.Integer("Items treated", compute='_compute_item_count')
    priority_1 = fields.Char("First priority")
    priority_2 = fields.Char("Second priority")
    priority_3 = fields.Char("Third priority")
    conclusion = fields.Text(help="What is to be kept of the review in a few words.")
    finding_count = fields.Integer("Findings", compute='_compute_decision_count')
    action_count = fields.Integer("Actions", compute='_compute_decision_count')

    # Where it stands
    state = fields.Selection([
        ('planned', "Planned"),
        ('open', "Being held"),
        ('closed', "Held and closed"),
        ('cancelled', "Called off"),
    ], compute='_compute_state', store=True, index=True, copy=False, group_expand=True)
    opened_on = fields.Datetime(readonly=True, copy=False)
    figures_on = fields.Datetime("Figures gathered on", readonly=True, copy=False)
    previous_id = fields.Many2one(
        'qualiopi.review', "Review before", readonly=True, copy=False, index='btree_not_null', ondelete='set null',
    )
    next_id = fields.Many2one(
        'qualiopi.review', "Next review", readonly=True, copy=False, index='btree_not_null', ondelete='set null',
    )
    next_date = fields.Date(
        "Next one due on", compute='_compute_next_date', store=True, readonly=False, precompute=True, copy=False,
        tracking=True,
    )
    evidence_ids = fields.One2many('qualiopi.evidence', 'review_id')
    minutes_id = fields.Many2one(
        'qualiopi.evidence', "Minutes kept", readonly=True, copy=False, ondelete='set null', index='btree_not_null',
    )
    communication_ids = fields.One2many('qualiopi.communication', 'review_id', "Who received the minutes")

    _reference_uniq = models.UniqueIndex('(company_id, reference)', "This number is taken already.")

    # === DEFAULTS AND COMPUTES === #

    @api.model
    def default_get(self, fields):
        defaults = super().default_get(fields)
        if 'indicator_ids' in fields and not defaults.get('indicator_ids'):
            indicators = self.env['qualiopi.indicator'].search([('number', '=', 32)])
            defaults['indicator_ids'] = [Command.set(indicators.ids)]
        return defaults

    @api.model
    def _has_role(self, user):
        # Reviews are the quality team's: declarants neither own nor open them.
        return user.has_group('qualiopi.group_officer')

    def _referential_date_field(self):
        return 'date_to'

    @api.depends('date_to')
    def _compute_referential_id(self):
        return super()._compute_referential_id()

    def _day(self):
        """Day of the meeting in the company's time zone, today while it has none."""
        company = self.company_id or self.env.company
        return company._qualiopi_local_date(self.date or fields.Datetime.now())

    @api.depends('review_type', 'date')
    def _compute_name(self):
        types = dict(self._fields['review_type']._description_selection(self.env))
        for review in self:
            if review.name and review._origin:
                continue
            kind = types.get(review.review_type)
            if review.review_type == 'weekly':
                review.name = self.env._(
                    "%(kind)s of %(day)s", kind=kind, day=format_date(self.env, review._day()),
                )
            else:
                review.name = f'{kind} {review._day().year}' if kind else False

    @api.depends('review_type')
    def _compute_duration(self):
        for review in self:
            review.duration = review._origin and review.duration or _HOURS.get(review.review_type, 1.0)

    @api.depends('review_type', 'date')
    def _compute_period(self):
        for review in self:
            if review._origin and review.date_from:
                continue
            review.date_to = review._day()
            span = _SPANS.get(review.review_type, _SPANS['quality'])
            review.date_from = review.date_to - span + timedelta(days=1)

    @api.depends('review_type', 'date')
    def _compute_next_date(self):
        for review in self:
            review.next_date = review._day() + _SPANS.get(review.review_type, _SPANS['quality'])

    @api.depends('participant_ids', 'present_ids')
    def _compute_excused_ids(self):
        for review in self:
            review.excused_ids = review.participant_ids - review.present_ids

    @api.depends('item_ids.state')
    def _compute_item_count(self):
        for review in self:
            items = review.item_ids
            review.item_count = len(items)
            review.treated_count = len(items.filtered(lambda item: item.state != 'open'))

    @api.depends('item_ids.finding_ids', 'item_ids.action_ids')
    @api.depends_context('uid')
    def _compute_decision_count(self):
        findings, actions = self.item_ids._shown('finding_ids'), self.item_ids._shown('action_ids')
        for review in self:
            review.finding_count = len(review.item_ids.finding_ids & findings)
            review.action_count = len(review.item_ids.action_ids & actions)

    @api.depends('opened_on', 'closed_on', 'cancelled_on')
    def _compute_state(self):
        for review in self:
            if review.cancelled_on:
                review.state = 'cancelled'
            elif review.closed_on:
                review.state = 'closed'
            else:
                review.state = 'open' if review.opened_on else 'planned'

    @api.depends('state')
    def _compute_is_locked(self):
        return super()._compute_is_locked()

    # === CONSTRAINTS === #

    @api.constrains('date_from', 'date_to')
    def _check_period(self):
        for review in self:
            if review.date_from > review.date_to:
                raise ValidationError(self.env._("The period ends before it begins."))

    @api.constrains('duration')
    def _check_duration(self):
        for review in self:
            if not 0 < review.duration <= 24:
                raise ValidationError(self.env._("A meeting lasts more than 0 and at most 24 hours."))

    # === CRUD === #

    @api.model_create_multi
    def create(self, vals_list):
        reviews = super().create(vals_list)
        given = ('item_ids', 'agenda_ids', 'word_ids')
        reviews.browse(
            review.id for review, vals in zip(reviews, vals_list, strict=True)
            if not review.is_imported and review.review_type != 'weekly' and not any(vals.get(name) for name in given)
        )._add_topics()
        reviews._meeting_follow()
        return reviews

    def write(self, vals):
        result = super().write(vals)
        if self._meeting_fields & vals.keys():
            self._meeting_follow()
        return result

    def _add_topics(self):
        """Begin the agenda with the topics of the template."""
        topics = self.env['qualiopi.review.topic'].search([('company_id', 'in', [*self.company_id.ids, False])])
        self.env['qualiopi.review.item'].create([{
            'review_id': review.id,
            'topic_id': topic.id,
            'name': topic.name,
            'sequence': topic.sequence,
        } for review in self for topic in topics if topic.company_id.id in (False, review.company_id.id)])

    # === LIFECYCLE === #

    def action_open(self):
        """Open the reviews: their figures are gathered from the registers, previous decisions come back.

        :raise UserError: for a review that is open or has ended
        """
        self.check_access('write')
        for review in self:
            if review.state != 'planned':
                raise UserError(self.env._("%s has been opened already.", review.display_name))
        self._open()
        return True

    def _open(self, moment=None):
        """Open without asking whether it was.

        :param datetime moment: UTC, now by default
        """
        moment = moment or fields.Datetime.now()
        for review in self:
            values = {'opened_on': moment, 'previous_id': review._find_previous().id}
            if not review.date:
                values['date'] = moment
            if not review.present_ids:
                values['present_ids'] = [Command.set(review.participant_ids.ids)]
            review._as_server().write(values)
        self._gather_figures(moment)

    def action_refresh(self):
        """Gather the figures anew; those of a closed review stay as they are."""
        self.check_access('write')
        self._check_unlocked()
        self._gather_figures()
        self.filtered(lambda review: review.review_type == 'weekly')._add_words()
        return True

    def _find_previous(self):
        """The last closed review before this one: weekly meetings follow weekly meetings."""
        self.ensure_one()
        weekly = '=' if self.review_type == 'weekly' else '!='
        return self.search([
            ('company_id', '=', self.company_id.id), ('state', '=', 'closed'), ('id', '!=', self.id),
            ('review_type', weekly, 'weekly'), ('date_to', '<=', self.date_to),
        ], order='date_to desc, id desc', limit=1)

    def _reopen_values(self, reason):
        return {**super()._reopen_values(reason), 'opened_on': self[:1].opened_on or fields.Datetime.now()}

    def _cancel(self, reason, moment=None):
        result = super()._cancel(reason, moment)
        self._meeting_follow()
        return result

    # === WEEKLY MEETING === #

    @api.model
    def action_weekly(self):
        """Open the weekly meeting of today, made with the open entries and late actions when there is none.

        :return: the window of the meeting
        :rtype: dict
        """
        today = self.env.company._qualiopi_local_date(fields.Datetime.now())
        review = self.search([
            ('company_id', '=', self.env.company.id), ('review_type', '=', 'weekly'), ('date_to', '=', today),
            ('state', 'in', ('planned', 'open')),
        ], limit=1)
        if not review:
            review = self.with_context(qualiopi_no_meeting=True).create({
                'review_type': 'weekly', 'date': fields.Datetime.now(), 'company_id': self.env.company.id,
            }).with_context(qualiopi_no_meeting=False)
        if review.state == 'planned':
            review.action_open()
        review._add_words()
        return review._window()

    def _add_words(self):
        """A line for each open entry and each late action that has none yet, the confidential left out."""
        for review in self:
            company = Domain('company_id', '=', review.company_id.id) & Domain('is_confidential', '=', False)
            entries = self.env['qualiopi.complaint'].search(
                company & Domain('state', 'not in', ('closed', 'cancelled')), order='received_on, id',
            ) - review.item_ids.entry_id
            actions = self.env['qualiopi.improvement.action'].search(
                company & Domain('due_state', '=', 'late'), order='date_due, id',
            ) - review.item_ids.late_action_id
            review.item_ids._as_server().create([
                *({'review_id': review.id, 'kind': 'entry', 'entry_id': entry.id, 'name': entry.reference,
                   'sequence': 100} for entry in entries),
                *({'review_id': review.id, 'kind': 'action', 'late_action_id': action.id, 'name': action.reference,
                   'sequence': 200} for action in actions),
            ])

    # === ACTIONS === #

    def _window(self):
        return {
            'type': 'ir.actions.act_window',
            'name': self.display_name,
            'res_model': self._name,
            'res_id': self.id,
            'views': [(False, 'form')],
        }

    def action_view_findings(self):
        """Open the findings that came of the decisions."""
        return self._open_records(self.item_ids._shown('finding_ids'), self.env._("Findings"))

    def action_view_actions(self):
        """Open the actions that came of the decisions."""
        return self._open_records(self.item_ids._shown('action_ids'), self.env._("Improvement actions"))

    def action_view_meeting(self):
        """Open the meeting in the calendar."""
        self.ensure_one()
        return {
            'type': 'ir.actions.act_window',
            'name': self.meeting_id.display_name,
            'res_model': 'calendar.event',
            'res_id': self.meeting_id.id,
            'views': [(False, 'form')],
        }

    def action_plan_next(self):
        """Plan the review after this one, with the same people, on the day proposed.

        :return: the window of the next review
        :rtype: dict
        """
        self.ensure_one()
        if not self.next_id:
            # The hour of this one, on another day.
            date = self.date and self.next_date and self.date + (self.next_date - self._day())
            following = self._as_user().create({
                'review_type': self.review_type,
                'company_id': self.company_id.id,
                'user_id': self.user_id.id,
                'date': date,
                'location': self.location,
                'participant_ids': [Command.set(self.participant_ids.ids)],
            })
            self._set_next(following.id)
        return self.next_id._as_user()._window()

    def _set_next(self, review_id):
        self._as_server().next_id = review_id

    # === FOLLOW-UP === #

    @api.depends('state', 'date', 'date_to', 'next_date', 'next_id', 'review_type', 'communication_ids')
    def _compute_followup_on(self):
        return super()._compute_followup_on()

    def _followup_steps(self):
        """Hold the review, close it, send its minutes, plan the next one (RNQ, indicator 32)."""
        return {review: review._own_steps() for review in self}

    def _own_steps(self):
        owner, day = self.user_id, self._day() if self.date else self.date_to
        if self.is_imported or self.review_type == 'weekly':
            return []
        if self.state == 'planned':
            return [Step('hold_review', owner, day)]
        if self.state == 'open':
            return [Step('close_review', owner, day + timedelta(days=_MINUTES_DAYS))]
        steps = []
        if self.state == 'closed':
            closed = self.company_id._qualiopi_local_date(self.closed_on)
            if not self.communication_ids:
                steps.append(Step('send_minutes', owner, closed + timedelta(days=_MINUTES_DAYS), False))
            if self.next_date and not self.next_id:
                steps.append(Step('next_review', owner, max(self.next_date - timedelta(days=_PREPARE_DAYS), closed)))
        return steps

    @api.model
    def _followup_labels(self):
        return {
            **super()._followup_labels(),
            'hold_review': self.env._("Hold the review"),
            'close_review': self.env._("Close the review"),
            'send_minutes': self.env._("Send the minutes"),
            'next_review': self.env._("Plan the next review"),
        }
