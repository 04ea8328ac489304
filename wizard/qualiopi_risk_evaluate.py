from odoo import api, fields, models

from ..models.qualiopi_risk import BANDS, EVALUATED, PROBABILITIES, SEVERITIES, band_of


class QualiopiRiskEvaluate(models.TransientModel):
    _name = 'qualiopi.risk.evaluate'
    _description = "Evaluate a Risk Anew"

    risk_id = fields.Many2one('qualiopi.risk', required=True, readonly=True, ondelete='cascade')
    probability = fields.Selection(
        PROBABILITIES, required=True, compute='_compute_values', store=True, readonly=False, precompute=True,
    )
    severity = fields.Selection(
        SEVERITIES, required=True, compute='_compute_values', store=True, readonly=False, precompute=True,
    )
    controls = fields.Text("Existing controls", compute='_compute_values', store=True, readonly=False, precompute=True)
    residual_probability = fields.Selection(
        PROBABILITIES, "Residual probability", compute='_compute_values', store=True, readonly=False, precompute=True,
    )
    residual_severity = fields.Selection(
        SEVERITIES, "Residual severity", compute='_compute_values', store=True, readonly=False, precompute=True,
    )
    criticality = fields.Integer(compute='_compute_criticality')
    band = fields.Selection(BANDS, "Level", compute='_compute_criticality')
    note = fields.Text("What was seen", help="Kept in the history beside the evaluation.")
    review_date = fields.Date(
        "Next review", required=True, compute='_compute_review_date', store=True, readonly=False, precompute=True,
    )

    @api.depends('risk_id')
    def _compute_values(self):
        for wizard in self:
            for name in EVALUATED:
                wizard[name] = wizard.risk_id[name]

    @api.depends('probability', 'severity', 'residual_probability', 'residual_severity')
    def _compute_criticality(self):
        for wizard in self:
            wizard.criticality = int(wizard.residual_probability or wizard.probability or 0) * int(
                wizard.residual_severity or wizard.severity or 0)
            wizard.band = band_of(wizard.criticality)

    @api.depends('risk_id')
    def _compute_review_date(self):
        for wizard in self:
            wizard.review_date = wizard.risk_id._next_review_date(fields.Date.context_today(wizard))

    def action_confirm(self):
        """Keep the evaluation, with its author and moment, and set the next review."""
        self.ensure_one()
        self.risk_id._evaluate({name: self[name] for name in EVALUATED}, self.review_date, self.note)
        return {'type': 'ir.actions.act_window_close'}


class QualiopiReason(models.TransientModel):
    _inherit = 'qualiopi.reason'

    operation = fields.Selection(selection_add=[('end', "No longer a risk")], ondelete={'end': 'cascade'})
