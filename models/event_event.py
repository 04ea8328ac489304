import pytz

from odoo import api, fields, models

from .qualiopi_course import ACTION_CATEGORIES

_GROUPS = 'qualiopi.group_declarant,qualiopi.group_auditor'


class EventEvent(models.Model):
    _name = 'event.event'
    _inherit = ['event.event', 'qualiopi.referenced.mixin']

    course_id = fields.Many2one(
        'qualiopi.course',
        compute='_compute_course_id',
        store=True,
        readonly=False,
        precompute=True,
        index='btree_not_null',
        check_company=True,
        ondelete='restrict',
        help="Proposed from the template. Choosing a course changes nothing else on the session"
        " but the empty category and duration.",
    )
    trainer_ids = fields.Many2many(
        'res.partner',
        'event_event_trainer_rel',
        'event_id',
        'partner_id',
        string="Trainers",
        check_company=True,
    )
    action_category = fields.Selection(
        ACTION_CATEGORIES,
        "Category of action",
        compute='_compute_from_course',
        store=True,
        readonly=False,
        precompute=True,
    )
    duration_hours = fields.Float(
        "Duration (hours)",
        compute='_compute_from_course',
        store=True,
        readonly=False,
        precompute=True,
        help="Hours of training for one learner. Proposed from the course.",
    )
    duration_days = fields.Float(
        "Duration (days)",
        compute='_compute_duration_days',
        store=True,
        readonly=False,
        precompute=True,
        help="Calendar days, the first and the last included, in the session's time zone; with time"
        " slots, the days that have one. Proposed from the dates, and anew when they change.",
    )
    subcontractor_id = fields.Many2one(
        'res.partner',
        "Subcontracted to",
        index='btree_not_null',
        check_company=True,
        help="The provider who gives the session for you.",
    )
    contractor_id = fields.Many2one(
        'res.partner',
        "Given on behalf of",
        index='btree_not_null',
        check_company=True,
        help="The contracting provider for whom you give the session.",
    )
    complaint_ids = fields.One2many(
        'qualiopi.complaint', 'event_id', "Register entries", groups=_GROUPS
    )
    finding_ids = fields.One2many('qualiopi.finding', 'event_id', "Findings", groups=_GROUPS)
    complaint_count = fields.Integer(
        "Number of register entries",
        compute='_compute_register_counts',
        groups=_GROUPS,
    )
    finding_count = fields.Integer(
        "Number of findings", compute='_compute_register_counts', groups=_GROUPS
    )
    action_count = fields.Integer(
        "Number of improvement actions",
        compute='_compute_register_counts',
        groups=_GROUPS,
    )

    @api.depends('event_type_id', 'company_id')
    def _compute_course_id(self):
        for event in self:
            companies = event.company_id.parent_ids
            # A course of another company cannot stay: the session could not be saved with it.
            kept = (
                event.course_id
                if event.course_id.company_id in companies
                else event.course_id.browse()
            )
            proposed = event.event_type_id.course_id
            if not kept and proposed.active and proposed.company_id in companies:
                kept = proposed
            event.course_id = kept

    @api.depends('course_id')
    def _compute_from_course(self):
        for event in self:
            event.action_category = event.action_category or event.course_id.action_category
            event.duration_hours = event.duration_hours or event.course_id.duration_hours

    @api.depends('date_begin', 'date_end', 'date_tz', 'is_multi_slots', 'event_slot_ids.date')
    def _compute_duration_days(self):
        for event in self:
            slot_days = set(event.event_slot_ids.mapped('date')) if event.is_multi_slots else set()
            if slot_days:
                event.duration_days = len(slot_days)
            elif event.date_begin and event.date_end:
                zone = pytz.timezone(event.date_tz or 'UTC')
                first, last = (
                    pytz.utc.localize(moment).astimezone(zone).date()
                    for moment in (event.date_begin, event.date_end)
                )
                event.duration_days = max((last - first).days + 1, 1)
            else:
                event.duration_days = 0

    @api.depends('complaint_ids', 'finding_ids')
    @api.depends_context('uid', 'allowed_company_ids')
    def _compute_register_counts(self):
        self._qualiopi_counts(self._qualiopi_counted())

    def _qualiopi_counted(self):
        """What the buttons of a session count, see ``_qualiopi_counts``.

        :rtype: dict
        """
        return {
            'complaint_count': ('qualiopi.complaint', 'event_id'),
            'finding_count': ('qualiopi.finding', 'event_id'),
            'action_count': ('qualiopi.improvement.action', 'event_id'),
        }

    @api.constrains('course_id', 'trainer_ids', 'subcontractor_id', 'contractor_id', 'company_id')
    def _check_qualiopi_company(self):
        self._check_company(['course_id', 'trainer_ids', 'subcontractor_id', 'contractor_id'])

    def get_formview_id(self, access_uid=None):
        """The light form for users without the Event application's groups: its own needs more."""
        user = self.env['res.users'].browse(access_uid) if access_uid else self.env.user
        if not user.has_group('event.group_event_registration_desk'):
            return self.env.ref('qualiopi.event_event_view_form_qualiopi').id
        return super().get_formview_id(access_uid=access_uid)

    def _qualiopi_event_window(self, model, name):
        self.ensure_one()
        defaults = {'default_event_id': self.id}
        if self.company_id in self.env.companies:
            defaults['default_company_id'] = self.company_id.id
        return self._qualiopi_window(model, name, [('event_id', '=', self.id)], **defaults)

    def action_view_complaints(self):
        """Open the register entries about the session.

        :return: a window action
        :rtype: dict
        """
        return self._qualiopi_event_window('qualiopi.complaint', self.env._("Register"))

    def action_view_findings(self):
        """Open the findings about the session.

        :return: a window action
        :rtype: dict
        """
        return self._qualiopi_event_window('qualiopi.finding', self.env._("Findings"))

    def action_view_improvement_actions(self):
        """Open the improvement actions about the session.

        :return: a window action
        :rtype: dict
        """
        return self._qualiopi_event_window('qualiopi.improvement.action', self.env._("Action plan"))
