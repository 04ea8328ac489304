"""Before and after an action, computed from the data: the check shows both values, their number and the change."""

from datetime import datetime, time, timedelta

import pytz

from odoo import api, fields, models
from odoo.exceptions import ValidationError
from odoo.fields import Domain
from odoo.tools import format_date
from odoo.tools.misc import formatLang

# Whether more is better; and whether a value is in percent, so that a change counts in points.
_BETTER = {
    'question': 1, 'satisfaction': 1, 'response_rate': 1, 'complaints': -1, 'response_delay': -1, 'late_rate': -1,
    'dropout_rate': -1,
}
_PER_DAYS = 30


class QualiopiImprovementAction(models.Model):
    _inherit = 'qualiopi.improvement.action'

    metric_kind = fields.Selection([
        ('question', "A question of a questionnaire"),
        ('satisfaction', "Satisfaction"),
        ('response_rate', "Response rate"),
        ('complaints', "Number of complaints"),
        ('response_delay', "Delay of responses to complaints"),
        ('late_rate', "Share of late responses to complaints"),
        ('dropout_rate', "Dropout rate"),
    ], "Measured from the data", help="Leave empty to type the values yourself.")
    metric_scope = fields.Selection([
        ('course', "A course"),
        ('trainer', "A trainer"),
        ('site', "A site"),
        ('company', "The whole centre"),
    ], "Within", default='company')
    metric_course_id = fields.Many2one(
        'qualiopi.course', "Course measured", compute='_compute_metric_course_id', store=True, readonly=False,
        ondelete='restrict', check_company=True,
    )
    metric_trainer_id = fields.Many2one('res.partner', "Trainer measured", ondelete='restrict', check_company=True)
    metric_site_id = fields.Many2one('res.partner', "Site measured", ondelete='restrict', check_company=True)
    metric_question_id = fields.Many2one(
        'survey.question', "Question measured", ondelete='restrict',
        domain="[('survey_id.survey_type', '=', 'qualiopi'), ('qualiopi_use', '=', 'satisfaction')]",
    )
    metric_stakeholder_id = fields.Many2one(
        'qualiopi.stakeholder', "Said by", ondelete='restrict', check_company=True,
        help="Leave empty for all stakeholders.",
    )
    metric_category_id = fields.Many2one(
        'qualiopi.category', "Of the category", ondelete='restrict', check_company=True,
        domain="[('is_confidential', '=', False)]",
        help="Leave empty for complaints of all categories.",
    )
    metric_days_before = fields.Integer("Days before", default=180)
    metric_days_after = fields.Integer("Days after", default=90)
    metric_min_n = fields.Integer(
        "Enough (n)", default=5, help="Below this number before or after, the sheet says that the figures say little.",
    )
    metric_now = fields.Text("Measured today", compute='_compute_metric_now')

    @api.depends('course_id', 'metric_scope')
    def _compute_metric_course_id(self):
        for action in self:
            if action.metric_scope == 'course':
                action.metric_course_id = action.metric_course_id or action.course_id
            else:
                action.metric_course_id = False

    @api.onchange('metric_kind')
    def _onchange_metric_kind(self):
        if self.metric_kind:
            unit, label = self._metric_unit(), self._metric_label()
            self.unit, self.metric = unit, label
            self.data_source = self.env._("Computed by the program")
            if self.course_id and self.metric_scope == 'company':
                self.metric_scope = 'course'

    @api.constrains('metric_kind', 'metric_scope', 'metric_course_id', 'metric_trainer_id', 'metric_site_id',
                    'metric_question_id', 'metric_days_before', 'metric_days_after', 'metric_min_n')
    def _check_metric(self):
        for action in self.filtered('metric_kind'):
            if action.metric_kind == 'question' and not action.metric_question_id:
                raise ValidationError(self.env._("Choose the question that is measured."))
            scope = action.metric_scope
            if scope != 'company' and not action[f'metric_{scope}_id']:
                raise ValidationError(self.env._(
                    "Say which course, trainer or site is measured, or choose the whole centre."))
            if not (1 <= action.metric_days_before <= 1100 and 1 <= action.metric_days_after <= 1100):
                raise ValidationError(self.env._("Measure between 1 day and three years before and after."))
            if action.metric_min_n < 1:
                raise ValidationError(self.env._("“Enough” is at least 1."))

    # === WHAT IS MEASURED, WHERE === #

    def _metric_unit(self):
        return {
            'question': "/ 100", 'satisfaction': "/ 100", 'response_rate': "%", 'late_rate': "%", 'dropout_rate': "%",
            'complaints': self.env._("in 30 days"), 'response_delay': self.env._("working days"),
        }[self.metric_kind]

    def _metric_label(self):
        return dict(self._fields['metric_kind']._description_selection(self.env))[self.metric_kind]

    def _metric_windows(self, day=None):
        """The days before the action began, and those after it was carried out.

        :param date day: the last day that can be measured, today by default
        :return: (first, last) before and after, both included; after is None before the action was carried out
        :rtype: tuple
        """
        self.ensure_one()
        day = day or fields.Date.context_today(self)
        began = self.date_start or self.referential_date or fields.Date.context_today(self)
        before = (began - timedelta(days=self.metric_days_before), began - timedelta(days=1))
        done = self.done_on
        if not done or done >= day:
            return before, None
        return before, (done + timedelta(days=1), min(done + timedelta(days=self.metric_days_after), day))

    def _metric_scope_domain(self, course='course_id', trainer='trainer_id', site='event_id.address_id'):
        names = {'course': course, 'trainer': trainer, 'site': site}
        if self.metric_scope not in names:
            return Domain.TRUE
        return Domain(names[self.metric_scope], '=', self[f'metric_{self.metric_scope}_id'].id)

    def _metric_value(self, first, last):
        """The metric over some days, both included, in the action's company and scope.

        :return: ``value`` (None when nothing was said) and ``n``
        :rtype: dict
        """
        self.ensure_one()
        kind = self.metric_kind
        if kind in ('satisfaction', 'response_rate'):
            domain = (
                Domain('company_id', '=', self.company_id.id) & self._metric_scope_domain()
                & Domain('date', '>=', first) & Domain('date', '<=', last) & Domain('is_teaching', '!=', True)
            )
            if self.metric_stakeholder_id:
                domain &= Domain('stakeholder_id', '=', self.metric_stakeholder_id.id)
            # sudo: totals of the action's own company, for a verifier who need not see answers; hidden ones are out
            rates = self.env['qualiopi.satisfaction.report'].sudo()._rates(domain)
            if kind == 'satisfaction':
                return {'value': rates['satisfaction'], 'n': int(rates['satisfaction_n'])}
            return {'value': rates['response_rate'], 'n': int(rates['asked'])}
        if kind == 'question':
            return self._metric_question(first, last)
        if kind == 'dropout_rate':
            return self._metric_dropout(first, last)
        return self._metric_entries(first, last)

    def _metric_question(self, first, last):
        domain = (
            Domain('question_id', '=', self.metric_question_id.id) & Domain('skipped', '=', False)
            & Domain('qualiopi_use', '=', 'satisfaction') & Domain('user_input_id.is_counted', '=', True)
            & Domain('campaign_id.company_id', '=', self.company_id.id)
            & Domain('campaign_id.state', 'in', ('running', 'done'))
            & Domain('campaign_id.date_from', '>=', first) & Domain('campaign_id.date_from', '<=', last)
            & (Domain('campaign_id.is_anonymous', '=', False) | Domain('campaign_id.is_released', '=', True))
            & self._metric_scope_domain('campaign_id.course_id', 'campaign_id.trainer_id',
                                        'campaign_id.event_id.address_id')
        )
        if self.metric_stakeholder_id:
            domain &= Domain('campaign_id.stakeholder_id', '=', self.metric_stakeholder_id.id)
        # sudo: totals of the action's own company, for a verifier who need not see answers; hidden ones are out
        [(total, n)] = self.env['survey.user_input.line'].sudo()._read_group(
            domain, [], ['qualiopi_value:sum', '__count'])
        return {'value': total / n if n else None, 'n': n}

    def _metric_dropout(self, first, last):
        """Dropouts of the sessions that ended in these days, over the learners who started (indicator 12)."""
        begin, end = (
            self._metric_moment(day) for day in (first, last + timedelta(days=1))
        )
        # sudo: totals of the action's own company, for a verifier who need not see the dropout register
        events = self.env['event.event'].sudo().search(
            Domain('company_id', '=', self.company_id.id) & Domain('date_end', '>=', begin)
            & Domain('date_end', '<', end) & self._metric_scope_domain(trainer='trainer_ids', site='address_id'))
        total = events._qualiopi_dropout_sum(list(events._qualiopi_dropout_figures().values()))
        return {'value': total['rate'], 'n': total['started']}

    def _metric_moment(self, day):
        """The beginning of a day of the company, in UTC."""
        zone = pytz.timezone(self.company_id._qualiopi_tz())
        return zone.localize(datetime.combine(day, time.min)).astimezone(pytz.utc).replace(tzinfo=None)

    def _metric_entries(self, first, last):
        """Complaints received in these days; confidential ones are never counted (design, rule 8)."""
        domain = (
            Domain('company_id', '=', self.company_id.id) & Domain('nature', '=', 'complaint')
            & Domain('is_confidential', '=', False) & Domain('state', '!=', 'cancelled')
            & Domain('received_date', '>=', first) & Domain('received_date', '<=', last)
            & self._metric_scope_domain()
        )
        if self.metric_category_id:
            domain &= Domain('category_id', '=', self.metric_category_id.id)
        # sudo: numbers of the action's own company, for a verifier who need not see the entries
        Complaint = self.env['qualiopi.complaint'].sudo()
        if self.metric_kind == 'complaints':
            n = Complaint.search_count(domain)
            return {'value': n * _PER_DAYS / ((last - first).days + 1), 'n': n}
        answered = domain & Domain('response_timeliness', 'in', ('on_time', 'late'))
        if self.metric_kind == 'response_delay':
            [(total, n)] = Complaint._read_group(answered, [], ['response_delay:sum', '__count'])
            return {'value': total / n if n else None, 'n': n}
        overdue = domain & Complaint._late_domain('response')
        n = Complaint.search_count(answered | overdue)
        late = Complaint.search_count(domain & Domain('response_timeliness', '=', 'late') | overdue)
        return {'value': 100 * late / n if n else None, 'n': n}

    def _metric_data(self, day=None):
        """Both values with what a reader needs to judge them, without a word: it is kept as it is.

        :param date day: the last day that can be measured, today by default
        :rtype: dict
        """
        self.ensure_one()
        before, after = self._metric_windows(day)
        data = {
            'kind': self.metric_kind, 'scope': self.metric_scope, 'min_n': self.metric_min_n,
            'subject': self.metric_scope != 'company' and self[f'metric_{self.metric_scope}_id'].display_name or '',
            'days_after': self.metric_days_after, 'before': None, 'after': None, 'change': None,
        }
        for name, window in (('before', before), ('after', after)):
            if window:
                data[name] = {
                    **self._metric_value(*window), 'first': window[0].isoformat(), 'last': window[1].isoformat(),
                }
        values = [data[name] and data[name]['value'] for name in ('before', 'after')]
        if None not in values:
            data['change'] = values[1] - values[0]
        return data

    @api.depends('metric_kind', 'metric_scope', 'metric_course_id', 'metric_trainer_id', 'metric_site_id',
                 'metric_question_id', 'metric_stakeholder_id', 'metric_category_id', 'metric_days_before',
                 'metric_days_after', 'date_start', 'done_on')
    def _compute_metric_now(self):
        for action in self:
            is_whole = action.metric_kind and (
                action.metric_scope == 'company' or action[f'metric_{action.metric_scope}_id']
            ) and (action.metric_kind != 'question' or action.metric_question_id)
            if not is_whole or action._origin.phase in ('done', 'cancelled'):
                action.metric_now = False
                continue
            texts = action._metric_texts(action._metric_data())
            action.metric_now = '\n'.join(filter(None, (
                texts['before'], texts['after'], texts['change'], texts['warning'])))

    def _metric_frozen(self):
        """The measurement that stands beside the last verdict.

        :return: see ``_metric_data``; None without
        """
        self.ensure_one()
        measured = self.check_ids.filtered(lambda check: check.state == 'done' and check.metric_frozen)
        return measured.sorted(lambda check: (check.done_on, check.id))[-1:].metric_frozen or None

    def _metric_printed(self):
        """What is printed of the measurement: that of the last verdict, else nothing.

        :return: see ``_metric_texts``; None without
        """
        data = self._metric_frozen()
        return data and self._metric_texts(data)

    # === IN WORDS === #

    @api.model
    def _metric_texts(self, data):
        """What a measurement says, in the user's language.

        :param dict data: see ``_metric_data``
        :return: ``before``, ``after``, ``change``, ``warning`` and ``method``; empty where there is nothing to say
        :rtype: dict
        """
        kind = data['kind']
        digits = 1
        unit = {
            'complaints': self.env._("in 30 days"), 'response_delay': self.env._("working days"),
            'question': "/ 100", 'satisfaction': "/ 100",
        }.get(kind, "%")

        def number(value):
            return formatLang(self.env, value, digits=digits)

        def side(label, part):
            if not part:
                return ''
            period = self.env._(
                "%(first)s to %(last)s", first=format_date(self.env, part['first']),
                last=format_date(self.env, part['last']))
            if part['value'] is None:
                return self.env._("%(label)s: no data (%(period)s)", label=label, period=period)
            return self.env._(
                "%(label)s: %(value)s %(unit)s (n = %(n)s, %(period)s)", label=label, value=number(part['value']),
                unit=unit, n=part['n'], period=period)

        change = ''
        if data['change'] is not None:
            delta = data['change']
            # The sign is part of the message: it also stands before an increase.
            sign = '+' if round(delta, digits) > 0 else '−' if round(delta, digits) < 0 else ''
            points = self.env._("points") if kind in ('question', 'satisfaction') or unit == "%" else unit
            if not sign:
                judgement = self.env._("unchanged")
            elif (delta > 0) == (_BETTER[kind] > 0):
                judgement = self.env._("better")
            else:
                judgement = self.env._("worse")
            change = self.env._(
                "Change: %(change)s %(unit)s (%(judgement)s)", change=f"{sign}{number(abs(delta))}", unit=points,
                judgement=judgement)
        return {
            'before': side(self.env._("Before"), data['before']),
            'after': side(self.env._("After"), data['after']),
            'change': change,
            'warning': self._metric_warning(data),
            'method': self._metric_method(data),
        }

    @api.model
    def _metric_warning(self, data):
        warnings = []
        parts = {name: data[name] for name in ('before', 'after') if data[name]}
        # Nothing received after is what a count hopes for: only the number before says whether that means much.
        small = [
            part['n'] for name, part in parts.items()
            if part['n'] < data['min_n'] and not (data['kind'] == 'complaints' and name == 'after')
        ]
        if small:
            warnings.append(self.env._(
                "n is too small to say (%(n)s, wanted %(enough)s).", n=min(small), enough=data['min_n']))
        after = data['after']
        if not after:
            warnings.append(self.env._("Nothing can be measured after yet."))
        else:
            end = fields.Date.to_date(after['first']) + timedelta(days=data['days_after'] - 1)
            if fields.Date.to_date(after['last']) < end:
                warnings.append(self.env._("The days after are not over before %s.", format_date(self.env, end)))
        return ' '.join(warnings)

    @api.model
    def _metric_method(self, data):
        scopes = dict(self._fields['metric_scope']._description_selection(self.env))
        kinds = dict(self._fields['metric_kind']._description_selection(self.env))
        return self.env._(
            "%(kind)s, %(scope)s, computed by the program", kind=kinds[data['kind']],
            scope=data['subject'] or scopes[data['scope']].lower())


class QualiopiEffectivenessCheck(models.Model):
    _inherit = 'qualiopi.effectiveness.check'

    @property
    def _server_fields(self):
        return super()._server_fields | {'metric_frozen'}

    metric_kind = fields.Selection(related='action_id.metric_kind')
    metric_frozen = fields.Json(readonly=True, copy=False, export_string_translation=False)
    metric_before = fields.Char("Value before (data)", compute='_compute_metric')
    metric_after = fields.Char("Value after (data)", compute='_compute_metric')
    metric_change = fields.Char("Change", compute='_compute_metric')
    metric_warning = fields.Char("To be careful about", compute='_compute_metric')
    metric_method = fields.Char("How it is measured", compute='_compute_metric')

    def _metric_read(self):
        """The measurement: as it stood at the verdict, or today while there is none.

        :return: see ``_metric_data``; None without a metric
        """
        self.ensure_one()
        if self.state != 'planned':
            return self.metric_frozen or None
        # sudo: how the action is measured, to whoever may read its check
        action = self.sudo().action_id
        return action._metric_data() if action.metric_kind else None

    @api.depends('state', 'metric_frozen', 'action_id.metric_kind', 'action_id.done_on')
    @api.depends_context('lang')
    def _compute_metric(self):
        texts = self.env['qualiopi.improvement.action']._metric_texts
        for check in self:
            data = check._metric_read()
            said = texts(data) if data else {}
            for name in ('before', 'after', 'change', 'warning', 'method'):
                check[f'metric_{name}'] = said.get(name)

    def write(self, vals):
        if self._is_server() or not vals.get('verdict'):
            return super().write(vals)
        for check in self:
            # sudo: how the action is measured, to whoever may judge it; what may be written is checked below
            measured = check.sudo().action_id if check.state == 'planned' else check.sudo().action_id.browse()
            data = measured._metric_data() if measured.metric_kind else None
            own = dict(vals)
            if data and data['after'] and data['after']['value'] is not None and not own.get('has_value'):
                own.update(has_value=True, value_measured=round(data['after']['value'], 2))
            super(QualiopiEffectivenessCheck, check).write(own)
            if data:
                if data['before']['value'] is not None:
                    measured._as_server().write({'value_before': round(data['before']['value'], 2)})
                # sudo: the figures of the program, beside the verdict just given
                check.sudo()._as_server().write({'metric_frozen': data})
        return True
