"""Findings that dropouts led to."""

from odoo import api, fields, models

_GROUPS = 'qualiopi.group_officer,qualiopi.group_auditor'


class QualiopiFinding(models.Model):
    _inherit = 'qualiopi.finding'

    dropout_ids = fields.Many2many(
        'qualiopi.dropout', 'qualiopi_dropout_finding_rel', 'finding_id', 'dropout_id', string="Dropouts",
        check_company=True, copy=False, groups=_GROUPS,
    )
    dropout_count = fields.Integer("Number of dropouts", compute='_compute_dropout_count', groups=_GROUPS)

    @api.depends('dropout_ids')
    def _compute_dropout_count(self):
        for finding in self:
            finding.dropout_count = len(finding.dropout_ids)

    def action_view_dropouts(self):
        """Open the dropouts behind the finding."""
        return self._open_records(self.dropout_ids, self.env._("Dropouts"))
