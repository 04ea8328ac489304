from odoo import fields, models


class QualiopiSignalDismiss(models.TransientModel):
    _name = 'qualiopi.signal.dismiss'
    _description = "Dismiss Signals"

    signal_ids = fields.Many2many('qualiopi.signal', string="Signals", required=True)
    reason = fields.Text(required=True)

    def action_confirm(self):
        """Dismiss the signals, with the user's own rights."""
        self.ensure_one()
        self.signal_ids.action_dismiss(self.reason)
        return {'type': 'ir.actions.act_window_close'}
