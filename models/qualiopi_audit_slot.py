from odoo import api, fields, models
from odoo.exceptions import ValidationError


class QualiopiAuditSlot(models.Model):
    """One line of the programme of an audit."""

    _name = 'qualiopi.audit.slot'
    _description = "Line of an Audit Programme"
    _inherit = 'qualiopi.part.mixin'
    _order = 'audit_id, start, sequence, id'
    _check_company_auto = True

    audit_id = fields.Many2one('qualiopi.audit', required=True, index=True, ondelete='cascade')
    company_id = fields.Many2one(related='audit_id.company_id', store=True, index=True, precompute=True, required=True)
    sequence = fields.Integer(default=10)
    name = fields.Char("Subject", required=True)
    start = fields.Datetime("Begins at")
    duration = fields.Float(default=1.0, help="In hours.")
    indicator_ids = fields.Many2many('qualiopi.indicator', string="Indicators")
    persons = fields.Char("Persons interviewed")

    @api.constrains('duration')
    def _check_duration(self):
        for slot in self:
            if not 0 <= slot.duration <= 24:
                raise ValidationError(self.env._("A line of the programme lasts between 0 and 24 hours."))

    @api.model_create_multi
    def create(self, vals_list):
        slots = super().create(vals_list)
        slots.audit_id._check_unlocked()
        return slots

    def write(self, vals):
        self.audit_id._check_unlocked()
        result = super().write(vals)
        self.audit_id._check_unlocked()
        return result

    @api.ondelete(at_uninstall=False)
    def _unlink_except_locked(self):
        self.audit_id._check_unlocked()
