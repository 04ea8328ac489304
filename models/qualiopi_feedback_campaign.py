from collections import defaultdict
from datetime import timedelta

from odoo import api, fields, models
from odoo.exceptions import UserError, ValidationError
from odoo.fields import Command

from .qualiopi_followup_mixin import Step
from .qualiopi_register_mixin import QualiopiRegisterMixin

MOMENTS = [
    ('before', "Before the training"),
    ('mid', "During the training"),
    ('hot', "At the end (hot)"),
    ('cold', "Weeks or months later (cold)"),
    ('other', "Other"),
]
# Days to look at what people said, once a campaign is over.
_ANALYSE_DAYS = 21
# What may not change any more once people were asked.
_ASKED_FIELDS = {'means', 'stakeholder_id', 'event_id', 'survey_id', 'is_anonymous', 'threshold', 'moment'}


class QualiopiFeedbackCampaign(models.Model):
    """One solicitation of one kind of stakeholder by one means (RNQ, indicator 30)."""

    _name = 'qualiopi.feedback.campaign'
    _description = "Feedback Campaign"
    _inherit = ['qualiopi.followup.mixin', 'qualiopi.register.mixin', 'qualiopi.menu.mixin']
    _menu_part = 'feedback'
    _order = 'date_from desc, id desc'
    _series = 'ENQ'
    _server_fields = QualiopiRegisterMixin._server_fields | {
        'state', 'rule_id', 'rule_date', 'is_automatic', 'is_stopped_by_session', 'checked_on', 'analysed_by_id',
    }
    _import_fields = {'closed_on', 'state'}
    _declarant_fields = set()
    _narrative_fields = {'summary'}
    _followup_fields = frozenset({
        'state', 'user_id', 'date_from', 'date_to', 'analysed_on', 'means', 'cancelled_on', 'is_sealed', 'is_released',
    })

    # What is asked, of whom, about what
    name = fields.Char(compute='_compute_name', store=True, readonly=False, precompute=True)
    stakeholder_id = fields.Many2one(
        'qualiopi.stakeholder', required=True, ondelete='restrict', check_company=True, index=True,
        tracking=True,
    )
    means = fields.Selection([
        ('survey', "Questionnaire"),
        ('meeting', "Meeting"),
        ('webinar', "Webinar"),
        ('interview', "Interview"),
        ('phone', "Telephone"),
        ('review_site', "Review site"),
        ('funder_tool', "Funder's own tool"),
    ], required=True, default='survey', tracking=True)
    moment = fields.Selection(MOMENTS, required=True, default='other', tracking=True)
    event_id = fields.Many2one(
        'event.event', "Session", index='btree_not_null', check_company=True, ondelete='restrict', tracking=True,
        help="Leave empty for a campaign of the whole organisation.",
    )
    course_id = fields.Many2one(
        'qualiopi.course', compute='_compute_from_event', store=True, readonly=False, precompute=True,
        index='btree_not_null', check_company=True, ondelete='restrict',
    )
    trainer_id = fields.Many2one(
        'res.partner', compute='_compute_from_event', store=True, readonly=False, precompute=True,
        index='btree_not_null', check_company=True, ondelete='restrict',
        help="The trainer of the session, when there is exactly one.",
    )
    survey_id = fields.Many2one(
        'survey.survey', "Questionnaire", compute='_compute_survey_id', store=True, readonly=False, precompute=True,
        index='btree_not_null', ondelete='restrict', tracking=True, domain="[('survey_type', '=', 'qualiopi')]",
    )
    date_from = fields.Date(
        "Begins on", required=True, default=fields.Date.context_today, index=True, tracking=True,
        help="The day of the invitations, of the meeting or of the call.",
    )
    date_to = fields.Date(
        "Ends on", compute='_compute_date_to', store=True, readonly=False, precompute=True, tracking=True,
    )
    reminder_max = fields.Integer("Reminders at most", default=2, aggregator=None)
    reminder_days = fields.Integer("Days between reminders", default=7, aggregator=None)
    is_anonymous = fields.Boolean("Anonymous", help="Nobody can tell who gave which answer, the program included.")
    threshold = fields.Integer(
        "Answers before results show", default=5, aggregator=None,
        help="For anonymous campaigns: below this number of answers, no result is shown.",
    )
    is_assisted = fields.Boolean(
        "Held by telephone or with help",
        help="Somebody of yours helps to answer: those who read the figures should know.",
    )
    partner_ids = fields.Many2many(
        'res.partner', 'qualiopi_feedback_campaign_partner_rel', 'campaign_id', 'partner_id',
        string="Persons chosen by hand", check_company=True,
        help="Asked besides those of the session; for a campaign of the whole organisation, all who are asked.",
    )
    attendee_ids = fields.Many2many(
        'res.partner', 'qualiopi_feedback_campaign_attendee_rel', 'campaign_id', 'partner_id',
        string="Attendees", check_company=True,
    )
    summary = fields.Text("What was learnt", help="What people said, freely: strong points, weak points, wishes.")
    analysed_on = fields.Date(copy=False, tracking=True)
    analysed_by_id = fields.Many2one('res.users', "Analysed by", readonly=True, copy=False)

    # Where it stands
    state = fields.Selection([
        ('planned', "Planned"),
        ('running', "Running"),
        ('done', "Done"),
        ('cancelled', "Cancelled"),
    ], required=True, default='planned', index=True, copy=False, tracking=True, group_expand=True)
    invite_ids = fields.One2many('qualiopi.feedback.invite', 'campaign_id', "Persons asked")
    asked_count = fields.Integer(
        "Asked", compute='_compute_counts', store=True, readonly=False, copy=False,
        help="Persons who were reached and should answer.",
    )
    reminded_count = fields.Integer(
        "Reminded", compute='_compute_counts', store=True, readonly=False, copy=False,
        help="Persons who were reminded at least once.",
    )
    answered_count = fields.Integer("Replies", compute='_compute_counts', store=True, readonly=False, copy=False)
    unreachable_count = fields.Integer(
        "Not reachable", compute='_compute_counts', store=True, copy=False,
        help="Persons without a working e-mail address: ask them on paper or by telephone.",
    )
    response_rate = fields.Float(
        "Response rate (%)", compute='_compute_response_rate', store=True, aggregator=None, digits=(5, 1),
        help="Persons who answered in a hundred persons asked.",
    )
    evidence_ids = fields.One2many('qualiopi.evidence', 'campaign_id')

    # Where it comes from
    rule_id = fields.Many2one('qualiopi.feedback.rule', readonly=True, index='btree_not_null', copy=False)
    rule_date = fields.Date("Date by the rule", readonly=True, copy=False)
    is_automatic = fields.Boolean("Made by a rule", readonly=True, copy=False)
    is_stopped_by_session = fields.Boolean(readonly=True, copy=False, export_string_translation=False)
    checked_on = fields.Date(readonly=True, copy=False, export_string_translation=False)

    _reference_uniq = models.UniqueIndex('(company_id, reference)', "This number is taken already.")
    _automatic_uniq = models.UniqueIndex(
        '(event_id, stakeholder_id, moment) WHERE is_automatic',
        "The session has this campaign already.",
    )
    _threshold_positive = models.Constraint('CHECK(threshold >= 2)', "The threshold is at least 2 answers.")
    _reminders_positive = models.Constraint(
        'CHECK(reminder_max BETWEEN 0 AND 10 AND reminder_days BETWEEN 1 AND 365)',
        "Between 0 and 10 reminders, with 1 to 365 days between them.",
    )

    # === DEFAULTS AND COMPUTES === #

    @api.model
    def default_get(self, fields):
        defaults = super().default_get(fields)
        if 'indicator_ids' in fields and not defaults.get('indicator_ids'):
            indicators = self.env['qualiopi.indicator'].search([('number', '=', 30)])
            defaults['indicator_ids'] = [Command.set(indicators.ids)]
        return defaults

    def _referential_date_field(self):
        return 'date_from'

    @api.depends('date_from')
    def _compute_referential_id(self):
        return super()._compute_referential_id()

    @api.depends('stakeholder_id', 'moment', 'means', 'event_id', 'course_id')
    def _compute_name(self):
        moments = self._moment_words()
        means = dict(self._fields['means']._description_selection(self.env))
        for campaign in self:
            if campaign.name and campaign._origin:
                continue
            subject = campaign.event_id.name or campaign.course_id.name
            what = moments.get(campaign.moment) or means.get(campaign.means)
            asked = ", ".join(filter(None, [campaign.stakeholder_id.name, what]))
            campaign.name = " – ".join(filter(None, [asked, subject]))

    @api.model
    def _moment_words(self):
        """Each moment in a word, for names and narrow columns.

        :return: word by moment; nothing for other moments
        :rtype: dict
        """
        return {
            'before': self.env._("before"), 'mid': self.env._("during"), 'hot': self.env._("hot"),
            'cold': self.env._("cold"),
        }

    @api.depends('event_id')
    def _compute_from_event(self):
        for campaign in self:
            if campaign.event_id:
                trainers = campaign.event_id.trainer_ids
                campaign.course_id = campaign.event_id.course_id
                campaign.trainer_id = trainers if len(trainers) == 1 else False
            else:
                campaign.course_id = campaign.course_id
                campaign.trainer_id = campaign.trainer_id

    @api.depends('stakeholder_id', 'moment', 'means')
    def _compute_survey_id(self):
        surveys = None
        for campaign in self:
            if campaign.means != 'survey' or campaign.survey_id:
                campaign.survey_id = campaign.means == 'survey' and campaign.survey_id
                continue
            if surveys is None:
                surveys = self.env['qualiopi.feedback.rule']._surveys()
            campaign.survey_id = surveys.get((campaign.stakeholder_id.id, campaign.moment))

    @api.depends('date_from', 'reminder_max', 'reminder_days', 'means')
    def _compute_date_to(self):
        for campaign in self:
            if campaign.state not in (False, 'planned') and campaign.date_to:
                continue
            days = (campaign.reminder_max + 1) * campaign.reminder_days if campaign.means == 'survey' else 0
            campaign.date_to = campaign.date_from and campaign.date_from + timedelta(days=days)

    @api.depends('means', 'invite_ids.state', 'invite_ids.reminder_number', 'is_sealed')
    def _compute_counts(self):
        surveys = self.filtered(lambda campaign: campaign.means == 'survey')
        counts = defaultdict(lambda: [0, 0, 0, 0])
        # sudo: the figures count all persons, whoever looks
        for campaign, state, is_reminded, number in self.env['qualiopi.feedback.invite'].sudo()._read_group(
            [('campaign_id', 'in', surveys.ids)], ['campaign_id', 'state', 'is_reminded'], ['__count'],
        ):
            count = counts[campaign.id]
            count[0] += number if state in ('sent', 'answered') else 0
            count[1] += number if is_reminded and state in ('sent', 'answered') else 0
            count[2] += number if state == 'answered' else 0
            count[3] += number if state in ('bounced', 'failed') else 0
        # While an anonymous campaign runs, who has opened the questionnaire counts; then who has finished it.
        sealed = surveys.filtered(lambda campaign: campaign.is_anonymous and campaign.is_sealed)
        # sudo: their number alone
        finished = dict(self.env['survey.user_input'].sudo()._read_group(
            [('campaign_id', 'in', sealed.ids), ('state', '=', 'done')], ['campaign_id'], ['__count'],
        )) if sealed else {}
        for campaign in sealed:
            count = counts[campaign._origin.id]
            count[2] = min(count[2], finished.get(campaign._origin, 0))
        for campaign in self:
            if campaign in surveys:
                (campaign.asked_count, campaign.reminded_count, campaign.answered_count,
                 campaign.unreachable_count) = counts[campaign._origin.id]
            else:
                campaign.asked_count = campaign.asked_count
                campaign.reminded_count = campaign.reminded_count
                campaign.answered_count = campaign.answered_count
                campaign.unreachable_count = 0

    @api.depends('asked_count', 'answered_count')
    def _compute_response_rate(self):
        for campaign in self:
            asked = campaign.asked_count
            campaign.response_rate = min(100.0 * campaign.answered_count / asked, 100.0) if asked else 0.0

    # === CONSTRAINTS === #

    @api.constrains('asked_count', 'reminded_count', 'answered_count', 'means')
    def _check_typed_counts(self):
        for campaign in self:
            counts = (campaign.asked_count, campaign.reminded_count, campaign.answered_count)
            if min(counts) < 0:
                raise ValidationError(self.env._("A number of persons is not negative."))
            if campaign.means != 'survey' and campaign.asked_count and (
                max(campaign.reminded_count, campaign.answered_count) > campaign.asked_count
            ):
                raise ValidationError(self.env._(
                    "%s: no more persons answered or were reminded than were asked. Correct the figures.",
                    campaign.name,
                ))

    @api.constrains('date_from', 'date_to')
    def _check_dates(self):
        for campaign in self:
            if campaign.date_to and campaign.date_to < campaign.date_from:
                raise ValidationError(self.env._("A campaign ends on the day it begins, or later."))

    # === CRUD === #

    def _server_default(self, name):
        return 'planned' if name == 'state' else super()._server_default(name)

    def _is_ended(self):
        # What people say after the end still counts: only a cancelled campaign is closed.
        return bool(self.cancelled_on)

    def write(self, vals):
        if self._is_server():
            return super().write(vals)
        counts = {'asked_count', 'reminded_count', 'answered_count'} & vals.keys()
        if counts and any(
            campaign.means == 'survey' and campaign[name] != vals[name] for campaign in self for name in counts
        ):
            raise UserError(self.env._("The figures of a questionnaire are counted by the program."))
        asked = _ASKED_FIELDS & vals.keys()
        if asked:
            # sudo: whether somebody was asked or has answered, on paper too, not who
            for campaign in self.sudo().filtered(lambda campaign: campaign.invite_ids or campaign.answer_ids):
                if campaign._differs_from({name: vals[name] for name in asked}):
                    raise UserError(self.env._(
                        "People were asked in %s already: make another campaign instead of changing what it asks.",
                        campaign.reference,
                    ))
        if 'analysed_on' in vals:
            self._as_server().write({'analysed_by_id': self.env.uid if vals['analysed_on'] else False})
        result = super().write(vals)
        if {'date_from', 'survey_id', 'partner_ids'} & vals.keys():
            self._as_server().write({'checked_on': False})
        return result

    def copy_data(self, default=None):
        default = {'date_from': fields.Date.context_today(self), **(default or {})}
        return super().copy_data(default)

    def _cancel(self, reason, moment=None):
        result = super()._cancel(reason, moment=moment)
        self._as_server().write({'state': 'cancelled', 'is_stopped_by_session': False})
        return result

    def _reopen_values(self, reason):
        return {**super()._reopen_values(reason), 'is_stopped_by_session': False, 'checked_on': False}

    def _reopen(self, reason):
        result = super()._reopen(reason)
        for campaign in self:
            # sudo: where it stood depends on all invitations
            invites = campaign.sudo().invite_ids
            campaign._as_server().write({'state': 'running' if invites.filtered('sent_on') else 'planned'})
        return result

    # === FOLLOW-UP === #

    def _followup_steps(self):
        """What a campaign still needs from somebody: to be held, to reach those whom no mail reaches, to be
        read (RNQ, indicator 30)."""
        steps = {}
        for campaign in self:
            owed = steps[campaign] = []
            if campaign.is_imported or campaign.state == 'cancelled':
                continue
            is_survey = campaign.means == 'survey'
            if campaign.state == 'planned' and not is_survey:
                owed.append(Step('hold', campaign.user_id, campaign.date_from, escalates=False))
            if campaign.state == 'running' and campaign.unreachable_count:
                owed.append(Step('reach', campaign.user_id, campaign.date_to, escalates=False))
            if campaign.state == 'done' and not campaign.analysed_on and campaign._has_to_be_read():
                due = (campaign.date_to or campaign.date_from) + timedelta(days=_ANALYSE_DAYS)
                owed.append(Step('analyse', campaign.user_id, due, escalates=False))
        return steps

    def _has_to_be_read(self):
        self.ensure_one()
        return bool(self.answered_count) or self.means != 'survey'

    @api.depends('state', 'company_id')
    def _compute_followup_on(self):
        # Nothing here is brought before the quality lead: a late campaign shows in the lists.
        self.followup_on = False

    @api.model
    def _followup_labels(self):
        return {
            **super()._followup_labels(),
            'hold': self.env._("Hold and record what was said"),
            'reach': self.env._("Ask by telephone or on paper those whom no mail reaches"),
            'analyse': self.env._("Analyse the answers"),
        }

    # === ACTIONS === #

    def _check_treat(self):
        self.check_access('write')
        if not self.env.su and not self.env.user.has_group('qualiopi.group_officer'):
            raise UserError(self.env._("Campaigns are run by the quality team. Ask one of its members."))
        self._check_unlocked()

    def action_start(self):
        """Invite now, whatever the planned day.

        :raise UserError: without a questionnaire, or without anybody to ask
        """
        self._check_treat()
        for campaign in self:
            if campaign.means != 'survey':
                raise UserError(self.env._("Only questionnaires are sent. Record this campaign as held instead."))
            if not campaign._has_questionnaire():
                raise UserError(self.env._("Choose the questionnaire that is to be sent."))
            if not campaign._recipients()[campaign]:
                raise UserError(self.env._(
                    "There is nobody to ask: register learners on the session, fill in its trainers, sponsors or"
                    " funders, or choose persons by hand."
                ))
        today = {campaign: campaign._today() for campaign in self}
        for campaign in self:
            values = {'state': 'running'}
            if campaign.date_from > today[campaign]:
                values['date_from'] = today[campaign]
            campaign._as_server().write(values)
        self._run()
        return True

    def action_remind(self):
        """Remind now those who have not answered, at most once a day."""
        self._check_treat()
        for campaign in self:
            if campaign.means != 'survey' or campaign.state not in ('running', 'done'):
                raise UserError(self.env._("Reminders belong to questionnaires that were sent."))
        self._sync_invites()
        # sudo: the invitations are written by the program
        invites = self.sudo().invite_ids
        due = invites.filtered(
            lambda invite: invite.state == 'sent' and invite._last_contact() < invite.campaign_id._today()
        )
        if not due:
            raise UserError(self.env._("Everybody has answered, or was written to today already."))
        due._send('reminder')
        self._followup_sync()
        return True

    def action_done(self):
        """End the campaign: a meeting was held, or no more answers are waited for."""
        self._check_treat()
        for campaign in self:
            if campaign.state == 'done':
                continue
            if campaign.means != 'survey' and not campaign.asked_count:
                campaign.asked_count = campaign.asked_count or len(campaign.attendee_ids) or campaign.answered_count
            if campaign.means != 'survey' and not campaign.asked_count:
                raise UserError(self.env._("Say how many persons were asked, or who attended."))
            if campaign.means != 'survey' and not campaign.answered_count:
                campaign.answered_count = min(len(campaign.attendee_ids), campaign.asked_count)
            campaign._as_server().write({'state': 'done'})
        return True

    def action_resume(self):
        """Take up a campaign again that was ended too early."""
        self._check_treat()
        for campaign in self.filtered(lambda campaign: campaign.state == 'done'):
            running = campaign.means == 'survey'
            values = {'state': 'running' if running else 'planned', 'checked_on': False}
            if running:
                values['date_to'] = max(campaign.date_to, campaign._today() + timedelta(days=campaign.reminder_days))
            campaign._as_server().write(values)
        return True

    def action_analysed(self):
        """Say that what people wrote was read and analysed (RNQ, indicator 32)."""
        self._check_treat()
        for campaign in self:
            campaign.analysed_on = campaign._today()
        return True

    def action_view_invites(self):
        """Open the persons asked.

        :return: a window action
        :rtype: dict
        """
        self.ensure_one()
        return {
            'type': 'ir.actions.act_window',
            'name': self.env._("Persons asked"),
            'res_model': 'qualiopi.feedback.invite',
            'views': [(False, 'list'), (False, 'form')],
            'domain': [('campaign_id', '=', self.id)],
        }

    def _today(self):
        self.ensure_one()
        return self.company_id._qualiopi_local_date(fields.Datetime.now())
