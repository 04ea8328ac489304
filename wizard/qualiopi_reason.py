from odoo import api, fields, models
from odoo.exceptions import UserError

from ..models.qualiopi_register_mixin import QualiopiRegisterMixin


class QualiopiReason(models.TransientModel):
    _name = 'qualiopi.reason'
    _description = "Reason for Cancelling, Reopening or Ending"

    operation = fields.Selection([
        ('cancel', "Cancel"),
        ('reopen', "Reopen"),
        ('no_action', "No action needed"),
        ('recurrence_discussed', "It came back"),
    ], required=True)
    res_model = fields.Char(required=True)
    res_ids = fields.Char(required=True)
    reason = fields.Text(required=True)

    @api.model
    def _title(self, operation):
        return dict(self._fields['operation']._description_selection(self.env))[operation]

    def action_confirm(self):
        """Carry out the operation on the records, with the user's own rights."""
        self.ensure_one()
        model = self.env.get(self.res_model)
        if not isinstance(model, QualiopiRegisterMixin) or not hasattr(model, f'action_{self.operation}'):
            raise UserError(self.env._("This wizard is for quality registers only."))
        records = model.browse(int(res_id) for res_id in self.res_ids.split(',') if res_id.isdecimal())
        getattr(records, f'action_{self.operation}')(reason=self.reason)
        return {'type': 'ir.actions.act_window_close'}
