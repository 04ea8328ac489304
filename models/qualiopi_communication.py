from odoo import api, fields, models
from odoo.exceptions import UserError


class QualiopiCommunication(models.Model):
    _name = 'qualiopi.communication'
    _description = "Internal Communication"
    _order = 'date desc, id desc'
    _check_company_auto = True

    action_id = fields.Many2one(
        'qualiopi.improvement.action', required=True, index=True, ondelete='restrict', check_company=True,
    )
    company_id = fields.Many2one(related='action_id.company_id', store=True, index=True)
    date = fields.Date("Told on", required=True, default=fields.Date.context_today)
    partner_ids = fields.Many2many('res.partner', string="Told to", check_company=True)
    audience = fields.Char("Other audience", help="Such as \"all trainers\" or \"committee of June\".")
    text = fields.Text("What was told", required=True)
    user_id = fields.Many2one(
        'res.users', "Told by", required=True, readonly=True, ondelete='restrict',
        default=lambda self: self.env.user,
    )

    @api.model_create_multi
    def create(self, vals_list):
        communications = super().create(vals_list)
        communications.action_id._check_unlocked()
        return communications

    def write(self, vals):
        self.action_id._check_unlocked()
        if 'action_id' in vals and self.action_id.ids != [vals['action_id']]:
            raise UserError(self.env._("Who was told of an action stays with it."))
        return super().write(vals)

    @api.ondelete(at_uninstall=False)
    def _unlink_except_locked(self):
        self.action_id._check_unlocked()
