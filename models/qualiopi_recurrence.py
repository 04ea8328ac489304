"""What comes back after an action was judged effective: the action is flagged, and its owner looks at it again."""

import logging
from datetime import timedelta

from dateutil.relativedelta import relativedelta

from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.fields import Command

from .qualiopi_followup_mixin import Step
from .qualiopi_guarded_mixin import is_meaningful

_logger = logging.getLogger(__name__)

# How long an effective action answers for what comes back, and how long its owner has to look at it.
_WATCH_MONTHS = 24
_DISCUSS_DAYS = 15


class QualiopiImprovementAction(models.Model):
    _inherit = 'qualiopi.improvement.action'

    @property
    def _server_fields(self):
        return super()._server_fields | {
            'has_recurrence', 'recurrence_on', 'recurrence_complaint_ids', 'recurrence_signal_ids', 'recurrence_note',
        }

    has_recurrence = fields.Boolean(
        "Came back", readonly=True, copy=False, index='btree_not_null', tracking=True,
        help="After the action was judged effective, a complaint or a low score of the same category and scope came.",
    )
    recurrence_on = fields.Date("Came back on", readonly=True, copy=False)
    recurrence_complaint_ids = fields.Many2many(
        'qualiopi.complaint', 'qualiopi_action_recurrence_rel', 'action_id', 'complaint_id',
        string="Entries since the verdict", readonly=True, copy=False,
    )
    recurrence_signal_ids = fields.Many2many(
        'qualiopi.signal', 'qualiopi_action_signal_rel', 'action_id', 'signal_id',
        string="Low scores since the verdict", readonly=True, copy=False,
    )
    recurrence_note = fields.Char("What was decided about it", readonly=True, copy=False, tracking=True)

    # === WHAT CAME BACK === #

    @api.model
    def _flag_recurrences_safely(self, company):
        """Flag the effective actions of a company on whose subject something came since; one that fails is
        reported and left aside."""
        since = fields.Date.context_today(self) - relativedelta(months=_WATCH_MONTHS)
        actions = self.search([
            ('company_id', '=', company.id), ('phase', '=', 'done'), ('last_verdict', '=', 'effective'),
            ('last_check_date', '>=', since), ('is_imported', '=', False),
        ], order='id')
        for action, (complaints, signals) in actions._recurrences().items():
            try:
                with self.env.cr.savepoint():
                    action.with_context(lang=action.user_id.lang or self.env.lang)._flag_recurrence(complaints, signals)
            except Exception:  # whatever one action does, the others are flagged
                self.env.invalidate_all()
                _logger.exception("What came back after %s could not be noted", action)

    def _recurrences(self):
        """Entries and low scores of the same category and scope that came after the verdict, and are not noted
        yet; in as many queries whatever the actions.

        The category is that of the findings behind the action. The scope is their courses, trainers and sites
        where they name any, else the whole centre. Confidential entries only come back to confidential actions.

        :return: (entries, signals) by action that has any
        :rtype: dict
        """
        found = {}
        if not self:
            return found
        first = min(self.mapped('last_check_date'))
        categories = self.finding_ids.category_id
        complaints = self.env['qualiopi.complaint'].search([
            ('company_id', 'in', self.company_id.ids), ('category_id', 'in', categories.ids),
            ('received_date', '>', first), ('state', '!=', 'cancelled'), ('is_imported', '=', False),
        ], order='received_date, id')
        # The reverse of what made the findings: low scores share their case.
        cases = set(self.finding_ids.signal_ids.mapped('case_key'))
        signals = self.env['qualiopi.signal'].search([
            ('company_id', 'in', self.company_id.ids), ('case_key', 'in', list(cases)), ('date', '>', first),
            ('complaint_ids', '=', False),
        ], order='date, id') if cases else self.env['qualiopi.signal']
        for action in self:
            verdict, findings = action.last_check_date, action.finding_ids
            own_cases = set(findings.signal_ids.mapped('case_key'))
            entries = complaints.filtered(lambda entry, action=action, verdict=verdict: (
                entry.received_date > verdict and entry.company_id == action.company_id
                and entry.is_confidential == action.is_confidential and action._is_about(entry)
            )) - findings.complaint_ids - action.recurrence_complaint_ids
            scores = signals.filtered(lambda signal, cases=own_cases, verdict=verdict, action=action: (
                signal.case_key in cases and signal.company_id == action.company_id
                and (signal.date_from or signal.date) > verdict
            )) - findings.signal_ids - action.recurrence_signal_ids
            if entries or scores:
                found[action] = (entries, scores)
        return found

    def _is_about(self, entry):
        """Whether an entry is of the category and scope of one of the action's findings."""
        for finding in self.finding_ids.filtered(lambda f: f.category_id and f.category_id == entry.category_id):
            course = self.course_id or finding.course_id
            site = finding.signal_ids.site_id
            if course:
                is_same = entry.course_id == course
            elif finding.trainer_id:
                is_same = entry.trainer_id == finding.trainer_id
            elif site:
                is_same = entry.event_id.address_id in site
            else:
                is_same = True
            if is_same:
                return True
        return False

    def _flag_recurrence(self, complaints, signals):
        self.ensure_one()
        company = self.company_id
        self._as_server().write({
            'has_recurrence': True,
            'recurrence_on': company._qualiopi_local_date(fields.Datetime.now()),
            'recurrence_note': False,
            'recurrence_complaint_ids': [Command.link(entry.id) for entry in complaints],
            'recurrence_signal_ids': [Command.link(signal.id) for signal in signals],
        })
        # Only numbers: the note travels further than the record.
        names = [*complaints.mapped('reference'), *(signal.campaign_id.reference or '' for signal in signals)]
        self._log_texts({self.id: self.env._(
            "Judged effective, and yet it came back: %s", ", ".join(filter(None, names)))})
        self._followup_forget_waivers()
        self._followup_sync()

    # === WHAT BECOMES OF IT === #

    def action_recurrence_discussed(self, reason=None):
        """Say what was decided about what came back: the action stays effective, or is reopened, or another one
        is opened; the flag goes, the note stays.

        :param str reason: what was decided; without it the wizard that asks for it is returned
        :raise UserError: without the right or a meaningful text
        """
        # The action is closed, and a discussion of it no change of what it says.
        self.check_access('read')
        user = self.env.user
        for action in self:
            if user != action.user_id and not action.may_treat:
                raise UserError(self.env._("This is up to the owner of the action and the quality team."))
        if reason is None:
            return self._with_reason('recurrence_discussed', None)
        if not is_meaningful(reason):
            raise UserError(self.env._("Say in words what was decided: an auditor will read it."))
        # sudo: owner and officers were let through above, whatever they may write
        flagged = self.sudo().filtered('has_recurrence')
        flagged._as_server().write({'has_recurrence': False, 'recurrence_note': reason.strip()})
        flagged._log_texts({action.id: self.env._("What came back was discussed: %s", reason) for action in flagged})
        flagged._followup_sync()
        return True

    def _reopen(self, reason):
        flagged = self.filtered('has_recurrence')
        flagged._as_server().write({'has_recurrence': False, 'recurrence_note': self.env._("Reopened: %s", reason)})
        return super()._reopen(reason)

    # === FOLLOW-UP === #

    _followup_fields = frozenset({
        'stage_id', 'phase', 'user_id', 'date_start', 'date_due', 'closed_on', 'cancelled_on', 'finding_ids',
        'has_recurrence',
    })

    def _own_steps(self):
        """The owner looks again at an effective action whose subject came back (RNQ V10, indicator 32)."""
        steps = super()._own_steps()
        if self.has_recurrence and self.phase == 'done':
            steps = [*steps, Step('recurrence', self.user_id, self.recurrence_on + timedelta(days=_DISCUSS_DAYS))]
        return steps

    @api.depends('has_recurrence', 'recurrence_on')
    def _compute_followup_on(self):
        return super()._compute_followup_on()

    @api.model
    def _followup_labels(self):
        return {**super()._followup_labels(), 'recurrence': self.env._("It came back: discuss it again")}
