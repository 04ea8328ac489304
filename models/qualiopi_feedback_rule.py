from datetime import timedelta

from odoo import api, fields, models
from odoo.exceptions import ValidationError

from .qualiopi_feedback_campaign import MOMENTS


class QualiopiFeedbackRule(models.Model):
    """When to ask whom about a session: for one course, or for all that have no rule of their own."""

    _name = 'qualiopi.feedback.rule'
    _description = "Feedback Rule"
    _inherit = ['qualiopi.program.mixin', 'qualiopi.menu.mixin']
    _menu_part = 'feedback'
    _order = 'course_id, sequence, id'
    _check_company_auto = True

    name = fields.Char(compute='_compute_name')
    sequence = fields.Integer(default=10)
    active = fields.Boolean(default=True)
    company_id = fields.Many2one(
        'res.company', required=True, index=True, ondelete='cascade', compute='_compute_company_id', store=True,
        readonly=False, precompute=True,
    )
    course_id = fields.Many2one(
        'qualiopi.course', index='btree_not_null', ondelete='cascade', check_company=True,
        help="Leave empty for the rule of all courses that have none of their own for this stakeholder and moment.",
    )
    stakeholder_id = fields.Many2one(
        'qualiopi.stakeholder', required=True, ondelete='restrict', check_company=True, index=True,
    )
    moment = fields.Selection(
        [moment for moment in MOMENTS if moment[0] != 'other'], required=True, default='hot',
    )
    is_off = fields.Boolean("Do not ask", help="This stakeholder is not asked at this moment for this course.")
    anchor = fields.Selection([
        ('begin', "Beginning of the session"),
        ('end', "End of the session"),
    ], "Counted from", required=True, compute='_compute_anchor', store=True, readonly=False, precompute=True)
    offset_days = fields.Integer("Days", help="Calendar days; negative before. 0 is the day itself.")
    survey_id = fields.Many2one(
        'survey.survey', "Questionnaire", compute='_compute_survey_id', store=True, readonly=False, precompute=True,
        ondelete='restrict', index='btree_not_null', domain="[('survey_type', '=', 'qualiopi')]",
    )
    is_anonymous = fields.Boolean("Anonymous")
    threshold = fields.Integer("Answers before results show", default=5)
    reminder_count = fields.Integer("Reminders at most", default=2)
    reminder_days = fields.Integer("Days between reminders", default=7)

    _subject_uniq = models.UniqueIndex(
        '(company_id, COALESCE(course_id, 0), stakeholder_id, moment) WHERE active',
        "There is a rule for this stakeholder and moment already.",
    )

    @api.depends('stakeholder_id', 'moment')
    def _compute_name(self):
        moments = dict(self._fields['moment']._description_selection(self.env))
        for rule in self:
            rule.name = " – ".join(filter(None, [rule.stakeholder_id.name, moments.get(rule.moment)]))

    @api.depends('course_id')
    def _compute_company_id(self):
        for rule in self:
            rule.company_id = rule.course_id.company_id or rule.company_id or self.env.company

    @api.depends('moment')
    def _compute_anchor(self):
        for rule in self:
            rule.anchor = 'begin' if rule.moment in ('before', 'mid') else 'end'

    @api.depends('stakeholder_id', 'moment')
    def _compute_survey_id(self):
        surveys = self._surveys()
        for rule in self:
            rule.survey_id = surveys.get((rule.stakeholder_id.id, rule.moment)) or rule.survey_id

    @api.model
    def _surveys(self):
        """The questionnaire that is made for each stakeholder and moment; one for any moment serves all.

        :return: id of a survey by (stakeholder id, moment)
        :rtype: dict
        """
        surveys = {}
        moments = [moment for moment, __ in MOMENTS]
        for survey in self.env['survey.survey'].search([
            ('survey_type', '=', 'qualiopi'), ('qualiopi_stakeholder_id', '!=', False),
            ('qualiopi_is_teaching', '=', False),
        ], order='id desc'):
            fits = moments if survey.qualiopi_moment in (False, 'other') else [survey.qualiopi_moment]
            for moment in fits:
                key = (survey.qualiopi_stakeholder_id.id, moment)
                if survey.qualiopi_moment == moment or key not in surveys:
                    surveys[key] = survey.id
        return surveys

    @api.constrains('offset_days', 'threshold', 'reminder_count', 'reminder_days')
    def _check_numbers(self):
        for rule in self:
            if not -365 <= rule.offset_days <= 1100:
                raise ValidationError(self.env._("Choose between 365 days before and three years after."))
            if not (0 <= rule.reminder_count <= 10 and 1 <= rule.reminder_days <= 365):
                raise ValidationError(self.env._("Between 0 and 10 reminders, with 1 to 365 days between them."))
            if rule.threshold < 2:
                raise ValidationError(self.env._("The threshold is at least 2 answers."))

    # === PROPOSED AT FIRST USE === #

    @api.model
    def _usual(self):
        """What most providers ask: stakeholder, moment, days after the end, reminders, days between them.

        Anonymous is nobody by itself: learners who are named can be called back.
        """
        return [
            ('beneficiary', 'hot', 0, 2, 4),
            ('beneficiary', 'cold', 90, 2, 7),
            ('company', 'cold', 60, 2, 7),
            ('funder', 'cold', 30, 1, 14),
            ('trainer', 'hot', 1, 1, 7),
            ('contracting_provider', 'hot', 7, 1, 7),
        ]

    def action_propose(self):
        """Add the usual rules of all courses that the company does not have yet (RNQ, indicator 30).

        :return: a window action on the rules
        :rtype: dict
        """
        self.check_access('create')
        company = self.env.company
        existing = {
            (rule.stakeholder_id, rule.moment)
            for rule in self.with_context(active_test=False).search([
                ('company_id', '=', company.id), ('course_id', '=', False),
            ])
        }
        vals_list = []
        for sequence, (kind, moment, days, reminders, between) in enumerate(self._usual(), start=1):
            stakeholder = self.env.ref(f'qualiopi.stakeholder_{kind}', raise_if_not_found=False)
            if stakeholder and (stakeholder, moment) not in existing:
                vals_list.append({
                    'company_id': company.id, 'stakeholder_id': stakeholder.id, 'moment': moment,
                    'offset_days': days, 'reminder_count': reminders, 'reminder_days': between,
                    'sequence': 10 * sequence,
                })
        self.create(vals_list)
        return self.env['ir.actions.act_window']._for_xml_id('qualiopi.qualiopi_feedback_rule_action')

    # === APPLYING === #

    def _date_of(self, event):
        """The day on which this rule asks about a session, in the session's time zone.

        :rtype: date
        """
        self.ensure_one()
        moment = event.date_begin if self.anchor == 'begin' else event.date_end
        return event._qualiopi_local_day(moment) + timedelta(days=self.offset_days)

    def _applying(self, event):
        """Those of these rules that ask about a session: its course's own go before those of all courses.

        :return: rules, one a stakeholder and moment
        """
        chosen = {}
        for rule in self:
            if rule.company_id not in event.company_id.parent_ids:
                continue
            if rule.course_id and rule.course_id != event.course_id:
                continue
            key = (rule.stakeholder_id, rule.moment)
            if key not in chosen or rule.course_id:
                chosen[key] = rule
        return self.browse(rule.id for rule in chosen.values() if not rule.is_off)

    def _campaign_values(self, event):
        """Values of the campaign that this rule makes for a session."""
        self.ensure_one()
        date = self._date_of(event)
        return {
            'company_id': event.company_id.id,
            'event_id': event.id,
            'stakeholder_id': self.stakeholder_id.id,
            'moment': self.moment,
            'means': 'survey',
            'survey_id': self.survey_id.id,
            'is_anonymous': self.is_anonymous,
            'threshold': self.threshold,
            'reminder_max': self.reminder_count,
            'reminder_days': self.reminder_days,
            'date_from': date,
            'rule_date': date,
            'rule_id': self.id,
            'is_automatic': True,
        }
