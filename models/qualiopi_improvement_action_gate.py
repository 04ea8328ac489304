"""Gates of an action: what each phase needs, and what follows from reaching it."""

from odoo import fields, models
from odoo.exceptions import UserError

from ..exceptions import GateError
from .qualiopi_guarded_mixin import is_meaningful


class QualiopiImprovementAction(models.Model):
    _inherit = 'qualiopi.improvement.action'

    # === WHAT A PHASE NEEDS === #

    def _check_target_phase(self, stage_id):
        """Some phases are reached by a decision, not by a move."""
        target = self.env['qualiopi.action.stage'].browse(stage_id).phase
        for action in self:
            if action.phase == target:
                continue
            if target == 'done':
                raise GateError(
                    self.env._(
                        "Only the verdict of an effectiveness check closes %s as effective.", action.reference,
                    ),
                    *action._check_offer(),
                )
            if target == 'cancelled':
                raise GateError(
                    self.env._("Dropping %s needs a reason, from a quality manager.", action.reference),
                    # Only to those who can go through with it.
                    action._may_decide() and action.action_cancel(), self.env._("Drop it"),
                )

    def _check_offer(self):
        planned = self.check_ids.filtered(lambda check: check.state == 'planned')[:1]
        if self.phase == 'check' and planned:
            return planned.action_record_verdict(), self.env._("Record the verdict")
        return self._form_window(), self.env._("Open the action")

    def _missing_for(self, phase, linked=None):
        """What the action needs to be in ``phase`` (design, rule 4; RNQ, indicator 32).

        :param str phase: see qualiopi.action.stage
        :param linked: ids of the actions that have a finding, for a batch
        :return: sentences in the user's language, empty when nothing is missing
        :rtype: list[str]
        """
        self.ensure_one()
        missing = []
        if self.is_imported or phase in ('draft', 'cancelled'):
            return missing
        # All findings count, also those that the owner may not see.
        if linked is None:
            linked = self._with_finding_ids()
        if self.id not in linked and not is_meaningful(self.no_finding_reason):
            missing.append(self.env._("a finding, or the reason why there is none"))
        if not self.user_id:
            missing.append(self.env._("an owner"))
        if not self.date_due:
            missing.append(self.env._("a due date"))
        if not is_meaningful(self.success_criterion):
            missing.append(self.env._("a success criterion"))
        if phase == 'check' and not self.evidence_ids:
            missing.append(self.env._("a piece of evidence: a file, a link or a dated statement"))
        return missing

    def _with_finding_ids(self):
        return {own for own, __ in self._linked_pairs('finding_ids')}

    def _check_gate(self):
        linked = self._with_finding_ids()
        for action in self:
            missing = action._missing_for(action.phase, linked)
            if missing:
                raise GateError(
                    self.env._(
                        "%(record)s cannot move to \"%(stage)s\" yet. Missing: %(missing)s.",
                        record=action.reference, stage=action.stage_id.name, missing=" · ".join(missing),
                    ),
                    action._form_window(), self.env._("Fill in"),
                )

    # === WHAT FOLLOWS FROM IT === #

    def _moved_from(self, phases):
        """Check the gates of the phases that were reached, then do what follows from them."""
        moved = self.filtered(lambda action: action.phase != phases[action] and not action.is_imported)
        if not moved:
            return
        moved._check_gate()
        if moved.filtered(lambda action: action.phase == 'done'):
            raise UserError(self.env._("Only the verdict of an effectiveness check closes an action as effective."))
        today = fields.Date.context_today(self)
        started = moved.filtered(lambda action: action.phase == 'do' and not action.date_start)
        started._as_server().write({'date_start': today})
        moved.filtered(lambda action: action.phase == 'check')._carried_out(today)
        back = moved.filtered(lambda action: action.phase != 'check' and action.done_on)
        back._as_server().write({'done_on': False, 'carried_out_by_id': False})
        moved.filtered(lambda action: action.phase in ('plan', 'do', 'check'))._plan_checks()

    def _carried_out(self, day):
        """Note that the actions were carried out, by their owners.

        :param date day: when
        """
        for owner, actions in self.grouped('user_id').items():
            actions._as_server().write({'done_on': day, 'carried_out_by_id': owner.id, 'progress': 100})
