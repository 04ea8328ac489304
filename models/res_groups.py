from odoo import models


class ResGroups(models.Model):
    _inherit = 'res.groups'

    def write(self, vals):
        before = self.all_user_ids if 'user_ids' in vals else self.env['res.users']
        result = super().write(vals)
        if 'implied_ids' in vals:
            # Odoo empties its own cache of groups alone; roles that come with another group are in ours too.
            self.env.registry.clear_cache()
        # Who is taken out of a group here loses access as by the user's own form.
        (before - self.all_user_ids)._hand_over_quality_steps()
        return result
