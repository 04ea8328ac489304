from odoo import models

from .qualiopi_guarded_mixin import QualiopiGuardedMixin


class MailFollowers(models.Model):
    _inherit = 'mail.followers'

    def _insert_followers(self, res_model, res_ids, partner_ids, *args, **kwargs):
        """On our confidential records nobody without access follows: a follower gets the text by mail."""
        if res_model in self.env and isinstance(self.env[res_model], QualiopiGuardedMixin):
            records = self.env[res_model].browse(res_ids)
            partners = self.env['res.partner'].browse(partner_ids)
            # sudo: whether a record is confidential is asked, not shown
            confidential = records.sudo().filtered('is_confidential')
            for record in confidential:
                super()._insert_followers(
                    res_model, record.ids, record._allowed_partners(partners).ids, *args, **kwargs,
                )
            res_ids = (records - confidential).ids
            if not res_ids:
                return None
        return super()._insert_followers(res_model, res_ids, partner_ids, *args, **kwargs)
