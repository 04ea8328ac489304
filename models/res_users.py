from odoo import models
from odoo.fields import Command


class ResUsers(models.Model):
    _inherit = 'res.users'

    def write(self, vals):
        result = super().write(vals)
        if vals.keys() & {'active', 'company_ids', 'group_ids'}:
            self._hand_over_quality_steps()
        return result

    def _hand_over_quality_steps(self):
        """The steps of somebody who is gone go to somebody who is there (quality.md, D4)."""
        # sudo: what these users owe is reassigned whoever changes them
        activities = self.env['mail.activity'].sudo().search([
            ('user_id', 'in', self.ids), ('qualiopi_step', '!=', False),
        ])
        for name, own in activities.grouped('res_model').items():
            self.env[name].browse(own.mapped('res_id'))._followup_sync()

    def _join_confidential_group(self):
        """A quality lead is in the confidential group from the start (design, rule 8); an administrator may
        take the lead out again."""
        if self:
            # sudo: whoever names the lead of a company need not be the administrator of groups
            group = self.env.ref('qualiopi.group_confidential').sudo()
            group.write({'user_ids': [Command.link(user.id) for user in self]})
