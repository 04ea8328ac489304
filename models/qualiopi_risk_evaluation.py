from odoo import api, fields, models
from odoo.exceptions import UserError

from .qualiopi_risk import BANDS, PROBABILITIES, SEVERITIES, band_of

# A context value that no remote caller can send: only the program writes the history.
_PROGRAM = object()


class QualiopiRiskEvaluation(models.Model):
    """One evaluation of a risk: when, by whom, how it stood. Nothing of it changes afterwards."""

    _name = 'qualiopi.risk.evaluation'
    _description = "Evaluation of a Risk"
    _order = 'date desc, id desc'

    risk_id = fields.Many2one('qualiopi.risk', required=True, readonly=True, index=True, ondelete='restrict')
    company_id = fields.Many2one(related='risk_id.company_id', store=True, index=True)
    date = fields.Datetime("Evaluated on", required=True, readonly=True, default=fields.Datetime.now)
    user_id = fields.Many2one('res.users', "Evaluated by", required=True, readonly=True, ondelete='restrict')
    probability = fields.Selection(PROBABILITIES, required=True, readonly=True)
    severity = fields.Selection(SEVERITIES, required=True, readonly=True)
    residual_probability = fields.Selection(PROBABILITIES, "Residual probability", readonly=True)
    residual_severity = fields.Selection(SEVERITIES, "Residual severity", readonly=True)
    gross_criticality = fields.Integer(compute='_compute_criticality')
    criticality = fields.Integer(compute='_compute_criticality')
    band = fields.Selection(BANDS, "Level", compute='_compute_criticality')
    controls = fields.Text("Existing controls", readonly=True)
    note = fields.Text(readonly=True)

    @api.depends('probability', 'severity', 'residual_probability', 'residual_severity')
    def _compute_criticality(self):
        for line in self:
            line.gross_criticality = int(line.probability or 0) * int(line.severity or 0)
            line.criticality = int(line.residual_probability or line.probability or 0) * int(
                line.residual_severity or line.severity or 0)
            line.band = band_of(line.criticality)

    def _as_program(self):
        return self.with_context(qualiopi_program=_PROGRAM)

    def _check_program(self):
        self.check_access('write')
        if self.env.context.get('qualiopi_program') is not _PROGRAM:
            raise UserError(self.env._(
                "The history of evaluations is written by the program and never changed: evaluate the risk anew."
            ))

    def write(self, vals):
        self._check_program()
        return super().write(vals)

    @api.ondelete(at_uninstall=False)
    def _unlink_except_history(self):
        self._check_program()
