from odoo import fields, models


class QualiopiActionPostpone(models.TransientModel):
    _name = 'qualiopi.action.postpone'
    _description = "Postpone Actions"

    action_ids = fields.Many2many('qualiopi.improvement.action', required=True)
    date_due = fields.Date("New due date", required=True)
    reason = fields.Text(required=True)

    def action_confirm(self):
        """Postpone the actions, keeping the reason."""
        self.ensure_one()
        self.action_ids._postpone(self.date_due, self.reason)
        return {'type': 'ir.actions.act_window_close'}
