"""Signals: what a rule found beyond its threshold, until somebody makes a finding of it or says why not."""

from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.fields import Command, Domain
from odoo.tools import format_date

from .qualiopi_followup_mixin import Step
from .qualiopi_guarded_mixin import is_meaningful
from .qualiopi_signal_rule import figure_text

# Working days to say what becomes of a proposed signal.
_DECIDE_DAYS = 10
ENDED_FINDINGS = ('closed', 'no_action', 'cancelled')
# Source of the finding by kind of rule; campaigns have their own by stakeholder and moment.
_SOURCES = {'complaints': 'complaint', 'late': 'complaint', 'dropout_rate': 'dropout'}
_CAMPAIGN_SOURCES = {
    'stakeholder_trainer': 'trainer_feedback', 'stakeholder_company': 'company_feedback',
    'stakeholder_funder': 'funder_feedback',
}
_INDICATORS = {
    'complaints': (31, 32), 'late': (31, 32), 'dropout_rate': (12, 32),
}


class QualiopiSignal(models.Model):
    _name = 'qualiopi.signal'
    _description = "Signal"
    _inherit = ['qualiopi.followup.mixin', 'qualiopi.guarded.mixin']
    _order = 'date desc, id desc'
    _narrative_fields = {'text'}
    _mail_post_access = 'read'

    name = fields.Char("Signal", required=True, readonly=True)
    company_id = fields.Many2one('res.company', required=True, readonly=True, index=True, ondelete='restrict')
    user_id = fields.Many2one(related='company_id.qualiopi_manager_id', string="Who decides")
    rule_id = fields.Many2one('qualiopi.signal.rule', required=True, readonly=True, index=True, ondelete='restrict')
    kind = fields.Selection(related='rule_id.kind', store=True)
    date = fields.Date("Noticed on", required=True, readonly=True, index=True)
    date_from = fields.Date("From", readonly=True)
    date_to = fields.Date("To", readonly=True)
    # Once per rule, subject and period; what shares a case goes to one finding.
    subject_key = fields.Char(required=True, readonly=True, export_string_translation=False)
    period_key = fields.Char(required=True, readonly=True, export_string_translation=False)
    case_key = fields.Char(required=True, readonly=True, index=True, export_string_translation=False)

    # Figures, as they were; a rule that is edited later changes nothing here.
    text = fields.Text("Figures and source", readonly=True)
    value = fields.Float(readonly=True, digits=(16, 1), aggregator=None)
    threshold = fields.Float(readonly=True, digits=(16, 1), aggregator=None)
    n = fields.Integer(
        "Number (n)", readonly=True, aggregator=None, help="Answers, persons or entries behind the figure.",
    )
    latest_value = fields.Float("Value now", readonly=True, digits=(16, 1), aggregator=None)
    is_void = fields.Boolean("Figure withdrawn", readonly=True, help="What it rested on was set aside since.")
    revised_on = fields.Date(readonly=True)

    # What it is about
    campaign_id = fields.Many2one(
        'qualiopi.feedback.campaign', readonly=True, index='btree_not_null', ondelete='restrict', check_company=True,
    )
    answer_id = fields.Many2one('survey.user_input', readonly=True, index='btree_not_null', ondelete='set null')
    question_id = fields.Many2one('survey.question', readonly=True, ondelete='set null')
    complaint_ids = fields.Many2many(
        'qualiopi.complaint', 'qualiopi_signal_complaint_rel', 'signal_id', 'complaint_id',
        string="Register entries", readonly=True, check_company=True,
    )
    event_id = fields.Many2one(
        'event.event', "Session", readonly=True, index='btree_not_null', ondelete='restrict', check_company=True,
    )
    course_id = fields.Many2one(
        'qualiopi.course', readonly=True, index='btree_not_null', ondelete='restrict', check_company=True,
    )
    trainer_id = fields.Many2one('res.partner', readonly=True, index='btree_not_null', ondelete='restrict')
    category_id = fields.Many2one('qualiopi.category', readonly=True, ondelete='restrict')
    site_id = fields.Many2one('res.partner', readonly=True, ondelete='restrict')
    is_confidential = fields.Boolean(compute='_compute_is_confidential', store=True)

    # What became of it
    state = fields.Selection([
        ('proposed', "To decide"),
        ('accepted', "Finding"),
        ('dismissed', "Dismissed"),
    ], required=True, readonly=True, default='proposed', index=True, tracking=True)
    finding_id = fields.Many2one(
        'qualiopi.finding', readonly=True, index='btree_not_null', ondelete='restrict', check_company=True,
    )
    dismiss_reason = fields.Char("Why not", readonly=True, tracking=True)
    decided_by_id = fields.Many2one('res.users', "Decided by", readonly=True, ondelete='restrict')
    decided_on = fields.Date(readonly=True)

    _subject_uniq = models.UniqueIndex(
        '(company_id, rule_id, subject_key, period_key)', "This signal was noticed already.",
    )
    _followup_fields = frozenset({'state'})

    @api.depends('complaint_ids.is_confidential')
    def _compute_is_confidential(self):
        """An entry that becomes confidential later takes along what was made of it."""
        for signal in self:
            # sudo: whether entries are confidential is asked, not shown
            signal.is_confidential = any(signal.sudo().complaint_ids.mapped('is_confidential'))

    def _compute_display_name(self):
        for signal in self:
            signal.display_name = self.env._("Signal") if signal.is_confidential else signal.name

    def _is_ended(self):
        return self.state != 'proposed'

    # === FOLLOW-UP === #

    @api.depends('state')
    def _compute_followup_on(self):
        # Nothing here is brought before the quality lead, who is the one to decide.
        self.followup_on = False

    def _followup_steps(self):
        """Somebody says what becomes of a proposed signal (RNQ, indicator 32)."""
        steps = {signal: [] for signal in self}
        for company, signals in self.filtered(lambda s: s.state == 'proposed').grouped('company_id').items():
            dues = company._qualiopi_deadlines({(signal.date, _DECIDE_DAYS) for signal in signals})
            for signal in signals:
                due = company._qualiopi_local_date(dues[signal.date, _DECIDE_DAYS])
                steps[signal].append(Step('decide', signal.user_id, due, escalates=False))
        return steps

    @api.model
    def _followup_labels(self):
        return {**super()._followup_labels(), 'decide': self.env._("Finding or not?")}

    # === DECISION === #

    def _check_officer(self):
        self.check_access('read')
        if not self.env.su and not self.env.user.has_group('qualiopi.group_officer'):
            raise UserError(self.env._("Signals are decided by the quality team. Ask one of its members."))

    def action_accept(self):
        """Make a finding of the signals, or add them to the open one on the same subject.

        :return: the window on the finding
        :rtype: dict
        """
        self._check_officer()
        for signal in self:
            if signal.state != 'accepted':
                signal._to_finding()
        findings = self.finding_id
        return self.env['qualiopi.finding']._open_records(findings, self.env._("Findings"))

    def action_dismiss(self, reason=None):
        """Say why no finding is made of the signals.

        :param str reason: why; without it the wizard that asks for it is returned
        :raise UserError: without a meaningful reason
        """
        self._check_officer()
        if reason is None:
            return {
                'type': 'ir.actions.act_window',
                'name': self.env._("Dismiss"),
                'res_model': 'qualiopi.signal.dismiss',
                'views': [(False, 'form')],
                'target': 'new',
                'context': {'default_signal_ids': [Command.set(self.ids)]},
            }
        if not is_meaningful(reason):
            raise UserError(self.env._("Give a reason in words: an auditor may ask for it."))
        for signal in self.filtered(lambda s: s.state == 'accepted'):
            raise UserError(self.env._("A finding was made of “%s” already: end that finding.", signal.name))
        self._decide({'state': 'dismissed', 'dismiss_reason': reason.strip()})
        return True

    def _decide(self, values):
        # sudo: signals are written by the program; the right to decide was checked
        self.sudo().write({
            **values, 'decided_by_id': self.env.uid, 'decided_on': fields.Date.context_today(self),
        })

    # === FINDING === #

    def _to_finding(self):
        """Add the signal to the open finding on the same subject, or make a new one.

        :return: the finding
        """
        self.ensure_one()
        finding = self._open_finding()
        if finding:
            self._add_to(finding, self.complaint_ids, self.text)
        else:
            # The program may link entries that are closed by now: they say what came before.
            finding = self.env['qualiopi.finding']._as_server().create(self._finding_values())._as_user()
        self._decide({'state': 'accepted', 'finding_id': finding.id, 'dismiss_reason': False})
        return finding

    @api.model
    def _add_to(self, finding, complaints, text):
        """Add a case to an open finding: its text, its entries, a note."""
        day = format_date(self.env, fields.Date.context_today(self))
        finding._as_server().write({
            'description': '\n\n'.join(filter(None, [finding.description, f"{day} – {text}"])),
            'complaint_ids': [Command.link(complaint.id) for complaint in complaints],
        })
        finding._log_texts({finding.id: self.env._("A new case was added: %s", text)})

    def _open_finding(self):
        """The finding on the same subject that is still open, the latest first; never a confidential one."""
        self.ensure_one()
        still_open = (
            Domain('company_id', '=', self.company_id.id) & Domain('state', 'not in', ENDED_FINDINGS)
            & Domain('is_confidential', '=', False) & Domain('kind', 'not in', ('strength', 'opportunity'))
        )
        same = Domain('signal_ids', 'any', [('case_key', '=', self.case_key), ('state', '=', 'accepted')])
        if self.kind in ('complaints', 'late'):
            same |= Domain('complaint_ids', 'in', self.complaint_ids.ids)
        if self.kind == 'complaints':
            for name in ('category_id', 'trainer_id'):
                if self[name]:
                    same |= Domain(name, '=', self[name].id) & Domain('family', 'in', ('complaint', 'difficulty'))
        return self.env['qualiopi.finding'].search(still_open & same, limit=1)

    def _finding_values(self):
        numbers = _INDICATORS.get(self.kind, (30, 32))
        indicators = self.env['qualiopi.indicator'].search([('number', 'in', numbers)])
        # sudo: the lead and what that person may see decide who owns the finding
        lead = self.company_id.sudo().qualiopi_manager_id
        values = {
            'company_id': self.company_id.id,
            'name': self.name,
            'description': self.text,
            'date': fields.Date.context_today(self),
            'kind': 'weak_point',
            'source_id': self._source().id,
            'event_id': self.event_id.id,
            'course_id': self.course_id.id,
            'trainer_id': self.trainer_id.id,
            'category_id': self.category_id.id,
            'complaint_ids': [Command.set(self.complaint_ids.ids)],
            'indicator_ids': [Command.set(indicators.ids)],
            'user_id': lead.id if lead and self._filter_audience(lead) else False,
        }
        if self.rule_id.severity_id:
            values['severity_id'] = self.rule_id.severity_id.id
        return values

    def _source(self):
        code = _SOURCES.get(self.kind)
        if not code:
            campaign = self.campaign_id
            code = 'cold_survey' if campaign.moment == 'cold' else 'hot_survey'
            for name, other in _CAMPAIGN_SOURCES.items():
                if campaign.stakeholder_id == self.env.ref(f'qualiopi.{name}', raise_if_not_found=False):
                    code = other
        return self.env['qualiopi.source'].search([('code', '=', code)], limit=1)

    def action_view_finding(self):
        """Open the finding."""
        self.ensure_one()
        return self.finding_id._open_records(self.finding_id, self.env._("Finding"))

    # === LATER CASES AND FIGURES === #

    def _add_entries(self, complaints):
        """New entries on the subject of a signal that is still open, and of its finding."""
        self.ensure_one()
        text = self.env._("Another entry on this subject: %s.", ", ".join(complaints.mapped('reference')))
        self.write({'complaint_ids': [Command.link(complaint.id) for complaint in complaints]})
        self._log_texts({self.id: text})
        if self.finding_id:
            self._add_to(self.finding_id, complaints, text)

    def _revise(self, value):
        """Note that the figure is another one today; the one that made the signal stays.

        :param value: the figure now, None when what it rested on was set aside
        """
        for signal in self:
            same = signal.is_void if value is None else (
                not signal.is_void and round(signal.latest_value, 1) == round(value, 1))
            if same:
                continue
            before = "–" if signal.is_void else figure_text(self.env, signal.latest_value)
            if value is None:
                text = self.env._("%(signal)s: what the figure rested on was set aside.", signal=signal.name)
                values = {'is_void': True}
            else:
                text = self.env._(
                    "%(signal)s: revised from %(before)s to %(now)s.", signal=signal.name, before=before,
                    now=figure_text(self.env, value))
                values = {'is_void': False, 'latest_value': value}
            signal.write({**values, 'revised_on': fields.Date.context_today(self)})
            signal._log_texts({signal.id: text})
            if signal.finding_id:
                signal.finding_id._log_texts({signal.finding_id.id: text})

    @api.ondelete(at_uninstall=False)
    def _unlink_except_signal(self):
        raise UserError(self.env._("Signals are not deleted: dismiss them, with a reason."))


class QualiopiComplaint(models.Model):
    _inherit = 'qualiopi.complaint'

    signal_ids = fields.Many2many(
        'qualiopi.signal', 'qualiopi_signal_complaint_rel', 'complaint_id', 'signal_id', "Signals", readonly=True,
        copy=False, groups='qualiopi.group_officer,qualiopi.group_auditor,qualiopi.group_confidential',
    )


class QualiopiFinding(models.Model):
    _inherit = 'qualiopi.finding'

    signal_ids = fields.One2many(
        'qualiopi.signal', 'finding_id', "Signals", readonly=True,
        groups='qualiopi.group_officer,qualiopi.group_auditor,qualiopi.group_confidential',
    )
