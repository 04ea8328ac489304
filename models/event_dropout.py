"""Dropouts and assessment results of sessions, learners and courses, with their rates and n."""

from odoo import api, fields, models
from odoo.fields import Domain

_GROUPS = 'qualiopi.group_officer,qualiopi.group_auditor'
# States of a registration whose learner is expected to come, or came.
_PRESENT = ('open', 'done')


class EventEvent(models.Model):
    _inherit = 'event.event'

    dropout_ids = fields.One2many('qualiopi.dropout', 'event_id', "Dropouts", groups=_GROUPS)
    dropout_count = fields.Integer(
        "Entries of the dropout register", compute='_compute_register_counts', groups=_GROUPS)
    present_count = fields.Integer(
        "Registrations that are confirmed or attended", compute='_compute_register_counts', groups=_GROUPS)
    learners_started = fields.Integer(
        "Learners who started (typed)", copy=False, groups=_GROUPS,
        help="For sessions whose learners are not registered here. Leave 0 to count the registrations.",
    )
    started_count = fields.Integer("Learners who started", compute='_compute_dropout_rate', groups=_GROUPS)
    dropout_rate = fields.Float(
        "Dropout rate (%)", compute='_compute_dropout_rate', groups=_GROUPS, digits=(5, 1),
        help="Learners who started, then stopped ÷ learners who started. No-shows are counted apart.",
    )
    dropout_text = fields.Char("Dropouts (rate)", compute='_compute_dropout_rate', groups=_GROUPS)
    no_show_count = fields.Integer("No-shows", compute='_compute_dropout_rate', groups=_GROUPS)
    result_ids = fields.One2many('qualiopi.result', 'event_id', "Assessment results", groups=_GROUPS)
    success_text = fields.Char("Success", compute='_compute_success_text', groups=_GROUPS)

    @api.depends('dropout_ids', 'registration_ids.state', 'registration_ids.active')
    def _compute_register_counts(self):
        return super()._compute_register_counts()

    def _qualiopi_counted(self):
        counted = super()._qualiopi_counted()
        # Declarants see the buttons of the other registers.
        if self.env['qualiopi.dropout'].has_access('read'):
            counted['dropout_count'] = ('qualiopi.dropout', 'event_id')
            counted['present_count'] = ('event.registration', 'event_id', Domain('state', 'in', _PRESENT))
        return counted

    @api.depends(
        'dropout_ids.is_counted', 'dropout_ids.kind', 'dropout_ids.is_job', 'dropout_ids.state', 'learners_started',
        'registration_ids.state', 'date_begin',
    )
    @api.depends_context('uid', 'allowed_company_ids', 'lang')
    def _compute_dropout_rate(self):
        figures = self._qualiopi_dropout_figures()
        for event in self:
            own = figures[event]
            event.started_count = own['started']
            event.no_show_count = own['no_shows']
            event.dropout_rate = own['rate'] or 0
            event.dropout_text = self._qualiopi_dropout_text(own)

    @api.depends('result_ids.presented', 'result_ids.passed')
    @api.depends_context('lang')
    def _compute_success_text(self):
        for event in self:
            results = event.result_ids
            event.success_text = results._text(sum(results.mapped('passed')), sum(results.mapped('presented')))

    def _qualiopi_dropout_figures(self):
        """Figures of indicator 12 of each session: dropouts ÷ learners who started.

        Started are the confirmed or attended registrations of a session that has begun, and whoever is in the
        dropout register, without the no-shows. A number typed on the session takes the place of the registrations.

        :return: by session ``started``, ``dropouts``, ``jobs`` (among them), ``no_shows``, ``rate`` (percent, None
            when nobody started)
        :rtype: dict
        """
        now = fields.Datetime.now()
        dropouts = self.env['qualiopi.dropout'].search_fetch(
            [('event_id', 'in', self._origin.filtered('dropout_count').ids), ('state', '!=', 'cancelled')],
            ['event_id', 'registration_id', 'kind', 'is_counted', 'is_job'],
        )
        by_event = dropouts.grouped(lambda dropout: dropout.event_id.id)
        figures = {}
        for event in self:
            has_begun = bool(event.date_begin and event.date_begin <= now)
            own = by_event.get(event._origin.id, dropouts.browse())
            started = event.present_count if has_begun else 0
            counted = own.filtered('is_counted')
            no_shows = own.filtered(lambda dropout: dropout.kind == 'no_show')
            if has_begun:
                for dropout in own:
                    registration = dropout.registration_id
                    is_registered = (
                        registration.active and registration.state in _PRESENT
                        and registration.event_id.id == event._origin.id
                    )
                    if dropout.kind == 'no_show':
                        started -= int(is_registered)
                    elif dropout.is_counted:
                        started += int(not is_registered)
            if has_begun and event.learners_started:
                started = max(event.learners_started, len(counted))
            figures[event] = {
                'started': started,
                'dropouts': len(counted),
                'jobs': len(counted.filtered('is_job')),
                'no_shows': len(no_shows),
                'rate': 100 * len(counted) / started if started else None,
            }
        return figures

    @api.model
    def _qualiopi_dropout_sum(self, figures):
        """Figures of several sessions together: sums, and the rate of the sums.

        :param list[dict] figures: see ``_qualiopi_dropout_figures``
        :rtype: dict
        """
        total = {name: sum(own[name] for own in figures) for name in ('started', 'dropouts', 'jobs', 'no_shows')}
        total['rate'] = 100 * total['dropouts'] / total['started'] if total['started'] else None
        return total

    @api.model
    def _qualiopi_dropout_text(self, figures):
        """A dropout rate with its n, jobs and no-shows apart."""
        if not figures['started']:
            return self.env._("no learner has started yet")
        parts = [self.env['qualiopi.result']._text(figures['dropouts'], figures['started'])]
        if figures['jobs']:
            parts.append(self.env._("of whom found a job: %s", figures['jobs']))
        if figures['no_shows']:
            parts.append(self.env._("no-shows, apart: %s", figures['no_shows']))
        return ' · '.join(parts)

    def action_view_dropouts(self):
        """Open the dropouts of the session.

        :return: a window action
        :rtype: dict
        """
        return self._qualiopi_event_window('qualiopi.dropout', self.env._("Dropouts"))

    def action_declare_dropout(self):
        """Open a new dropout on the session.

        :return: a window action
        :rtype: dict
        """
        action = self._qualiopi_event_window('qualiopi.dropout', self.env._("Declare a dropout"))
        return {**action, 'view_mode': 'form', 'views': [(False, 'form')]}


class EventRegistration(models.Model):
    _inherit = 'event.registration'

    dropout_ids = fields.One2many('qualiopi.dropout', 'registration_id', "Dropouts", groups=_GROUPS)
    dropout_count = fields.Integer("Entries of the dropout register", compute='_compute_dropout_count', groups=_GROUPS)

    @api.depends('dropout_ids')
    @api.depends_context('uid', 'allowed_company_ids')
    def _compute_dropout_count(self):
        self._qualiopi_count('dropout_count', 'qualiopi.dropout', 'registration_id')

    def action_view_dropouts(self):
        """Open what the dropout register says of the learner, or a new entry when it says nothing yet.

        :return: a window action
        :rtype: dict
        """
        self.ensure_one()
        defaults = {'default_registration_id': self.id, 'default_event_id': self.event_id.id}
        if self.company_id in self.env.companies:
            defaults['default_company_id'] = self.company_id.id
        dropouts = self.dropout_ids
        action = self._qualiopi_window(
            'qualiopi.dropout', self.env._("Dropouts") if dropouts else self.env._("Declare a dropout"),
            [('registration_id', '=', self.id)], **defaults,
        )
        if len(dropouts) < 2:
            action.update(view_mode='form', views=[(False, 'form')], res_id=dropouts.id)
        return action


class QualiopiCourse(models.Model):
    _inherit = 'qualiopi.course'

    dropout_count = fields.Integer("Entries of the dropout register", compute='_compute_dropout_rate', groups=_GROUPS)
    started_count = fields.Integer("Learners who started", compute='_compute_dropout_rate', groups=_GROUPS)
    dropout_rate = fields.Float("Dropout rate (%)", compute='_compute_dropout_rate', groups=_GROUPS, digits=(5, 1))
    dropout_text = fields.Char("Dropouts (rate)", compute='_compute_dropout_rate', groups=_GROUPS)
    success_text = fields.Char("Success", compute='_compute_success_text', groups=_GROUPS)

    @api.depends_context('uid', 'allowed_company_ids', 'lang')
    def _compute_dropout_rate(self):
        """Over all sessions of the course that have begun."""
        events = self.env['event.event'].search([('course_id', 'in', self.ids)])
        figures = events._qualiopi_dropout_figures()
        counts = dict(self.env['qualiopi.dropout']._read_group(
            [('course_id', 'in', self.ids)], ['course_id'], ['__count'],
        ))
        by_course = events.grouped('course_id')
        for course in self:
            own = by_course.get(course._origin, events.browse())
            total = own._qualiopi_dropout_sum([figures[event] for event in own])
            course.dropout_count = counts.get(course._origin, 0)
            course.started_count = total['started']
            course.dropout_rate = total['rate'] or 0
            course.dropout_text = own._qualiopi_dropout_text(total)

    @api.depends_context('uid', 'allowed_company_ids', 'lang')
    def _compute_success_text(self):
        sums = {course.id: figures for course, *figures in self.env['qualiopi.result']._read_group(
            [('course_id', 'in', self.ids)], ['course_id'], ['passed:sum', 'presented:sum'],
        )}
        for course in self:
            passed, presented = sums.get(course._origin.id, (0, 0))
            course.success_text = self.env['qualiopi.result']._text(passed, presented)

    def action_view_dropouts(self):
        """Open the dropouts of the course.

        :return: a window action
        :rtype: dict
        """
        self.ensure_one()
        self.check_access('read')
        return {
            **self.env['ir.actions.act_window']._for_xml_id('qualiopi.qualiopi_dropout_action'),
            'domain': [('course_id', '=', self.id)],
            'context': {'default_course_id': self.id},
        }
