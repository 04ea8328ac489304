from odoo import fields, models


class QualiopiStep(models.TransientModel):
    _name = 'qualiopi.step'
    _description = "Step Marked by Hand"

    activity_id = fields.Many2one('mail.activity', required=True, readonly=True)
    res_name = fields.Char(related='activity_id.res_name')
    reason = fields.Text("Not applicable because")

    def action_fill_in(self):
        """Open the record where the step is filled in."""
        self.ensure_one()
        record = self.env[self.activity_id.res_model].browse(self.activity_id.res_id)
        return {
            'type': 'ir.actions.act_window',
            'name': record.display_name,
            'res_model': record._name,
            'res_id': record.id,
            'views': [(False, 'form')],
        }

    def action_waive(self):
        """End the step as not applicable, with its reason."""
        self.ensure_one()
        self.activity_id._waive(self.reason)
        return {'type': 'ir.actions.act_window_close'}
