from odoo import api, models

from .qualiopi_guarded_mixin import QualiopiGuardedMixin


class IrAttachment(models.Model):
    _inherit = 'ir.attachment'

    @api.model_create_multi
    def create(self, vals_list):
        attachments = super().create(vals_list)
        attachments._check_quality_lock()
        return attachments

    def write(self, vals):
        if vals.keys() & {'datas', 'raw', 'db_datas', 'name', 'url', 'res_model', 'res_id'}:
            self._check_quality_lock()
        result = super().write(vals)
        if vals.keys() & {'res_model', 'res_id'}:
            self._check_quality_lock()
        return result

    @api.ondelete(at_uninstall=False)
    def _unlink_except_quality_lock(self):
        self._check_quality_lock()

    def _check_quality_lock(self):
        """The files of a closed register record stay as they are; what its chatter brings passes."""
        for model, attachments in self.filtered(lambda a: a.res_model and a.res_id).grouped('res_model').items():
            if model in self.env and isinstance(self.env[model], QualiopiGuardedMixin):
                self.env[model].browse(attachments.mapped('res_id')).exists()._check_unlocked()
