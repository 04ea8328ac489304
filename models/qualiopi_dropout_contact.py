from odoo import api, fields, models


class QualiopiDropoutContact(models.Model):
    """One attempt to reach a learner who stopped."""

    _name = 'qualiopi.dropout.contact'
    _description = "Contact with a Learner Who Stopped"
    _inherit = 'qualiopi.part.mixin'
    _order = 'date, id'
    _rec_name = 'dropout_id'

    dropout_id = fields.Many2one('qualiopi.dropout', required=True, index=True, ondelete='cascade')
    company_id = fields.Many2one(related='dropout_id.company_id', store=True, index=True, precompute=True)
    date = fields.Date(required=True, default=fields.Date.context_today)
    means = fields.Selection([
        ('phone', "Telephone"),
        ('email', "E-mail"),
        ('sms', "Text message"),
        ('letter', "Letter"),
        ('meeting', "Meeting"),
        ('other', "Other"),
    ], "Way of contact", required=True, default='phone')
    user_id = fields.Many2one(
        'res.users', "By", ondelete='restrict', default=lambda self: self.env.user, domain="[('share', '=', False)]",
    )
    result = fields.Selection([
        ('reached', "Reached"),
        ('message', "Message left"),
        ('no_answer', "No answer"),
        ('wrong', "Address or number no longer valid"),
    ], required=True, default='reached')
    note = fields.Char("What was said", groups='qualiopi.group_officer', help="Read by quality officers alone.")

    @api.model_create_multi
    def create(self, vals_list):
        contacts = super().create(vals_list)
        contacts.dropout_id._check_unlocked()
        contacts.dropout_id._followup_sync()
        return contacts

    def write(self, vals):
        self.dropout_id._check_unlocked()
        result = super().write(vals)
        if 'dropout_id' in vals:
            self.dropout_id._check_unlocked()
        return result

    def unlink(self):
        dropouts = self.dropout_id
        result = super().unlink()
        dropouts._followup_sync()
        return result

    @api.ondelete(at_uninstall=False)
    def _unlink_except_locked(self):
        self.dropout_id._check_unlocked()
