from odoo import fields, models


class QualiopiActionInform(models.TransientModel):
    _name = 'qualiopi.action.inform'
    _description = "Inform the Team of an Action"

    action_ids = fields.Many2many('qualiopi.improvement.action', required=True)
    date = fields.Date("Told on", required=True, default=fields.Date.context_today)
    partner_ids = fields.Many2many('res.partner', string="Told to")
    audience = fields.Char("Other audience")
    text = fields.Text("What is told", required=True)

    def action_confirm(self):
        """Keep who was told of the actions, when and what (internal communication)."""
        self.ensure_one()
        self.env['qualiopi.communication'].create([{
            'action_id': action.id,
            'date': self.date,
            'partner_ids': [(6, 0, self.partner_ids.ids)],
            'audience': self.audience,
            'text': self.text,
        } for action in self.action_ids])
        return {'type': 'ir.actions.act_window_close'}
