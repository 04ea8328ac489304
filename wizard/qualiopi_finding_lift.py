from odoo import fields, models


class QualiopiFindingLift(models.TransientModel):
    _name = 'qualiopi.finding.lift'
    _description = "Nonconformity Lifted"

    finding_ids = fields.Many2many('qualiopi.finding', required=True)
    date = fields.Date("Lifted on", required=True, default=fields.Date.context_today)
    partner_id = fields.Many2one('res.partner', "Lifted by", required=True)
    note = fields.Char("How", help="On documents, at a complementary audit, at the next audit.")

    def action_confirm(self):
        """Note the lifting on the findings."""
        self.ensure_one()
        self.finding_ids._lift(self.date, self.partner_id, self.note)
        return {'type': 'ir.actions.act_window_close'}
