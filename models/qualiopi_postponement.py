from odoo import fields, models


class QualiopiPostponement(models.Model):
    _name = 'qualiopi.postponement'
    _description = "Postponement of an Action"
    _order = 'date desc, id desc'

    action_id = fields.Many2one(
        'qualiopi.improvement.action', required=True, readonly=True, index=True, ondelete='restrict',
    )
    company_id = fields.Many2one(related='action_id.company_id', store=True, index=True)
    old_date = fields.Date("Former due date", required=True, readonly=True)
    new_date = fields.Date("New due date", readonly=True)
    reason = fields.Char(required=True, readonly=True)
    user_id = fields.Many2one('res.users', "Postponed by", required=True, readonly=True, ondelete='restrict')
    date = fields.Datetime("Postponed on", required=True, readonly=True, default=fields.Datetime.now)
