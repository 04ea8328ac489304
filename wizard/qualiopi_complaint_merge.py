from odoo import fields, models
from odoo.exceptions import UserError


class QualiopiComplaintMerge(models.TransientModel):
    _name = 'qualiopi.complaint.merge'
    _description = "Merge Duplicate Entries"

    complaint_ids = fields.Many2many('qualiopi.complaint', string="Entries", required=True)
    kept_id = fields.Many2one(
        'qualiopi.complaint', "Entry that goes on", required=True, domain="[('id', 'in', complaint_ids)]",
    )

    def action_confirm(self):
        """Cancel the duplicates with a link to the entry that goes on; no text changes.

        :raise UserError: unless the user is a quality officer and there are at least two entries
        """
        self.ensure_one()
        duplicates = self.complaint_ids - self.kept_id
        if not duplicates:
            raise UserError(self.env._("Choose at least two entries to merge."))
        (duplicates | self.kept_id).check_access('write')
        duplicates._merge_into(self.kept_id)
        return self.kept_id._open_records(self.kept_id, self.kept_id.display_name)
