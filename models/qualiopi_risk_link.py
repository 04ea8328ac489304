"""Entries, findings and actions lead to the risks that they have to do with, and pass their confidentiality on."""

from odoo import fields, models


class QualiopiComplaint(models.Model):
    _inherit = 'qualiopi.complaint'

    risk_ids = fields.Many2many(
        'qualiopi.risk', 'qualiopi_risk_complaint_rel', 'complaint_id', 'risk_id', string="Risks",
        check_company=True, copy=False,
    )

    def _restrict_audience(self):
        result = super()._restrict_audience()
        self._all_linked('risk_ids')._restrict_audience()
        return result


class QualiopiFinding(models.Model):
    _inherit = 'qualiopi.finding'

    risk_ids = fields.Many2many(
        'qualiopi.risk', 'qualiopi_risk_finding_rel', 'finding_id', 'risk_id', string="Risks",
        check_company=True, copy=False,
    )

    def _restrict_audience(self):
        result = super()._restrict_audience()
        self._all_linked('risk_ids')._restrict_audience()
        return result


class QualiopiImprovementAction(models.Model):
    _inherit = 'qualiopi.improvement.action'

    risk_ids = fields.Many2many(
        'qualiopi.risk', 'qualiopi_risk_action_rel', 'action_id', 'risk_id', string="Risks",
        check_company=True, copy=False,
    )

    def _restrict_audience(self):
        result = super()._restrict_audience()
        self._all_linked('risk_ids')._restrict_audience()
        return result
