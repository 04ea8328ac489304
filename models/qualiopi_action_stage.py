from odoo import api, fields, models
from odoo.exceptions import UserError


class QualiopiActionStage(models.Model):
    """A column of the action board: the user's own, tied to a phase that the rules ask for."""

    _name = 'qualiopi.action.stage'
    _description = "Action Stage"
    _inherit = ['qualiopi.list.mixin']

    phase = fields.Selection(
        [
            ('draft', "To qualify"),
            ('plan', "Planned"),
            ('do', "In progress"),
            ('check', "Done, to verify"),
            ('done', "Effective, closed"),
            ('cancelled', "Dropped"),
        ],
        required=True,
        default='do',
        help="What the rules know of this column; several columns may share a phase.",
    )
    fold = fields.Boolean("Folded", help="The column is folded on the board.")
    description = fields.Text(
        translate=True, help="Shown when the mouse rests on the title of the column."
    )

    def write(self, vals):
        if 'phase' in vals:
            self.filtered(lambda stage: stage.phase != vals['phase'])._check_not_in_use()
        phases = (
            set(self.mapped('phase')) if {'phase', 'active', 'company_id'} & vals.keys() else set()
        )
        result = super().write(vals)
        self._check_phases_kept(phases)
        return result

    @api.ondelete(at_uninstall=False)
    def _unlink_except_last_of_phase(self):
        self._check_phases_kept(set(self.mapped('phase')), without=self)

    def _check_not_in_use(self):
        """Refuse another phase to a stage in use: its actions would skip that phase's rules."""
        # sudo: actions of other companies and confidential ones count too
        actions = self.env['qualiopi.improvement.action'].sudo().with_context(active_test=False)
        used = actions.search([('stage_id', 'in', self.ids)], limit=1).stage_id
        if used:
            raise UserError(
                self.env._(
                    "The stage “%s” holds actions and cannot change its phase."
                    " Move them to another stage first, or create a new stage.",
                    used.name,
                )
            )

    def _check_phases_kept(self, phases, without=None):
        """Refuse what would leave a company without a stage for one of these phases.

        :param set phases: phases that are about to lose a stage, or just lost one
        :param without: stages that are about to be deleted
        """
        if not phases:
            return
        # sudo: stages and companies that the user does not see count too
        companies = set(self.env['res.company'].sudo().search([('active', '=', True)]).ids)
        stages = self.sudo().search([('phase', 'in', list(phases)), ('active', '=', True)])
        stages -= without or self.browse()
        remaining = stages.grouped('phase')
        for phase, label in self._fields['phase']._description_selection(self.env):
            owners = {stage.company_id.id for stage in remaining.get(phase, ())}
            # A stage without company serves them all.
            if phase in phases and False not in owners and companies - owners:
                raise UserError(
                    self.env._(
                        "This is the last stage of the phase “%s”: each phase needs one."
                        " Create another stage of this phase first.",
                        label,
                    )
                )
