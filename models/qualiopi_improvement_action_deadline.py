"""Deadline of an action: late or not, postponed with a reason, and what is to be done by when."""

from datetime import timedelta

from odoo import api, fields, models
from odoo.fields import Domain
from odoo.tools import SQL

from ..exceptions import GateError
from .qualiopi_followup_mixin import Step
from .qualiopi_guarded_mixin import is_meaningful
from .qualiopi_improvement_action import ENDED_PHASES

_SOON_DAYS = 7
# Calendar days to qualify and plan an action.
_PLAN_DAYS = 7


class QualiopiImprovementAction(models.Model):
    _inherit = 'qualiopi.improvement.action'

    due_state = fields.Selection([
        ('on_time', "On time"),
        ('soon', "Due within a week"),
        ('late', "Late"),
        ('ended', "Ended"),
    ], "Deadline", compute='_compute_due_state', search='_search_due_state')
    delay_days = fields.Integer(
        "Days late", compute='_compute_due_state', help="Calendar days past the due date, today or when carried out.",
    )
    postponement_ids = fields.One2many('qualiopi.postponement', 'action_id', "Postponements", readonly=True)
    postponement_count = fields.Integer(compute='_compute_postponement_count')

    # === LATE === #

    @api.depends('date_due', 'phase', 'done_on')
    @api.depends_context('tz')
    def _compute_due_state(self):
        today = fields.Date.context_today(self)
        for action in self:
            compared = action.done_on or today
            late = bool(action.date_due and compared > action.date_due and action.phase != 'cancelled')
            action.delay_days = (compared - action.date_due).days if late else 0
            if action.phase in ENDED_PHASES:
                action.due_state = 'ended'
            elif late:
                action.due_state = 'late'
            elif action.phase != 'check' and action.date_due and action.date_due <= today + timedelta(days=_SOON_DAYS):
                action.due_state = 'soon'
            else:
                action.due_state = 'on_time'

    def _search_due_state(self, operator, value):
        if operator != 'in':
            return NotImplemented
        today = fields.Date.context_today(self)
        soon = today + timedelta(days=_SOON_DAYS)
        ended = Domain('phase', 'in', ENDED_PHASES)
        # Carried out late stays late; otherwise today decides.
        late = ~ended & (
            Domain('done_on', '=', False) & Domain('date_due', '<', today)
            | Domain('done_on', '!=', False) & Domain.custom(to_sql=lambda model, alias, query: SQL(
                "%s > %s", SQL.identifier(alias, 'done_on'), SQL.identifier(alias, 'date_due'),
            ))
        )
        soon = (
            Domain('phase', 'in', ('draft', 'plan', 'do')) & Domain('done_on', '=', False)
            & Domain('date_due', '>=', today) & Domain('date_due', '<=', soon)
        )
        domains = {'ended': ended, 'late': late, 'soon': soon, 'on_time': ~ended & ~late & ~soon}
        return Domain.OR(domains[state] for state in value if state in domains)

    def _read_group_groupby(self, alias, groupby_spec, query):
        # The progress bar of the board groups by the deadline, which depends on today.
        if groupby_spec != 'due_state':
            return super()._read_group_groupby(alias, groupby_spec, query)
        today = fields.Date.context_today(self)
        return SQL(
            """CASE WHEN %(phase)s IN ('done', 'cancelled') THEN 'ended'
                    WHEN COALESCE(%(done_on)s, %(today)s) > %(due)s THEN 'late'
                    WHEN %(phase)s != 'check' AND %(due)s <= %(soon)s THEN 'soon'
                    ELSE 'on_time' END""",
            phase=self._field_to_sql(alias, 'phase', query),
            done_on=self._field_to_sql(alias, 'done_on', query),
            due=self._field_to_sql(alias, 'date_due', query),
            today=today,
            soon=today + timedelta(days=_SOON_DAYS),
        )

    # === POSTPONED === #

    @api.depends('postponement_ids')
    def _compute_postponement_count(self):
        for action in self:
            action.postponement_count = len(action.postponement_ids)

    def action_postpone(self):
        """The wizard that asks for the new due date and the reason."""
        self.check_access('read')
        return self._wizard('qualiopi.action.postpone', self.env._("Postpone"))

    def _wizard(self, model, name):
        return {
            'type': 'ir.actions.act_window',
            'name': name,
            'res_model': model,
            'views': [(False, 'form')],
            'target': 'new',
            'context': {'default_action_ids': [(6, 0, self.ids)]},
        }

    def _postpone(self, date_due, reason):
        """Postpone to ``date_due``, keeping the reason.

        :raise UserError: without a meaningful reason
        """
        return self.write({'date_due': date_due, 'postpone_reason': reason})

    def _due_date_moved(self, before, reason):
        """A planned action is postponed with a reason, which is kept; its check moves along."""
        moved = self.filtered(lambda action: before[action] != action.date_due)
        postponed = moved.filtered(
            # A check was planned with the first date: going back to draft forgets nothing.
            # sudo: whether a check was ever planned is asked, not shown
            lambda action: action.sudo().check_ids and before[action] and not action.is_imported
            and (not action.date_due or action.date_due > before[action])
        )
        if postponed:
            if not is_meaningful(reason):
                raise GateError(
                    self.env._("Postponing %s needs a reason, which is kept and printed.", postponed[0].reference),
                    postponed[0].action_postpone(), self.env._("Postpone"),
                )
            # sudo: nobody writes postponements by hand; the user has just written the new date
            self.env['qualiopi.postponement'].sudo().create([{
                'action_id': action.id,
                'old_date': before[action],
                'new_date': action.date_due,
                'reason': reason.strip(),
                'user_id': self.env.uid,
            } for action in postponed])
        moved._check_gate()
        moved._move_checks()

    # === FOLLOW-UP === #

    _followup_fields = frozenset({
        'stage_id', 'phase', 'user_id', 'date_start', 'date_due', 'closed_on', 'cancelled_on', 'finding_ids',
    })

    @api.depends('phase', 'date_start', 'date_due', 'referential_date')
    def _compute_followup_on(self):
        return super()._compute_followup_on()

    def _followup_steps(self):
        """Plan, start, finish by the due date, put evidence (RNQ V10, indicator 32)."""
        return {action: action._own_steps() for action in self}

    def _own_steps(self):
        owner, due = self.user_id, self.date_due
        if self.is_imported:
            return []
        if self.phase == 'draft':
            opened = self.referential_date or self.create_date.date()
            return [Step('plan', owner, opened + timedelta(days=_PLAN_DAYS))]
        if self.phase == 'plan':
            return [Step('start', owner, self.date_start or due)]
        if self.phase == 'do':
            steps = [Step('finish', owner, due)]
            return steps if self.evidence_ids else [*steps, Step('evidence', owner, due)]
        return []

    def _followup_last_step(self):
        return Step('finish', self.user_id, self.date_due) if self.phase == 'plan' and not self.is_imported else None

    def _followup_neighbours(self, names):
        names = set(names)
        linked = self if {'stage_id', 'finding_ids'} & names else self.browse()
        checked = self if {'stage_id', 'user_id'} & names else self.browse()
        return [
            linked._all_linked('finding_ids'),
            # sudo: the checks follow the action, whoever moves it
            checked.sudo().check_ids.filtered(lambda check: check.state == 'planned'),
        ]
