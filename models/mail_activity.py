from odoo import api, models
from odoo.exceptions import UserError

from .qualiopi_guarded_mixin import QualiopiGuardedMixin


class MailActivity(models.Model):
    _inherit = 'mail.activity'

    @api.model_create_multi
    def create(self, vals_list):
        activities = super().create(vals_list)
        activities._check_confidential_assignee()
        return activities

    def write(self, vals):
        result = super().write(vals)
        if vals.get('user_id'):
            self._check_confidential_assignee()
        return result

    def _check_confidential_assignee(self):
        """An activity on our confidential records goes to somebody who may open them."""
        for model, activities in self.filtered('res_model').grouped('res_model').items():
            if not isinstance(self.env[model], QualiopiGuardedMixin):
                continue
            records = self.env[model].browse(activities.mapped('res_id')).sudo()
            confidential = dict(records.filtered('is_confidential').grouped('id'))
            for activity in activities:
                record = confidential.get(activity.res_id)
                if record and activity.user_id and not record._filter_audience(activity.user_id):
                    raise UserError(self.env._(
                        "%s has no access to this confidential record.", activity.user_id.name,
                    ))
