from odoo import fields, models


class QualiopiReadinessOff(models.TransientModel):
    _name = 'qualiopi.readiness.off'
    _description = "Switch a Readiness Rule Off"

    result_id = fields.Many2one('qualiopi.readiness.result', required=True, readonly=True, ondelete='cascade')
    reason = fields.Char(required=True)

    def action_confirm(self):
        """Switch the rule off with the reason given, with the user's own rights."""
        self.ensure_one()
        self.result_id.action_switch_off(self.reason)
        return {'type': 'ir.actions.client', 'tag': 'soft_reload'}
