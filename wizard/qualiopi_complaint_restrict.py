from odoo import fields, models
from odoo.exceptions import UserError


class QualiopiComplaintRestrict(models.TransientModel):
    _name = 'qualiopi.complaint.restrict'
    _description = "Hand an Entry over to the Confidential Group"

    complaint_id = fields.Many2one('qualiopi.complaint', required=True, readonly=True)
    category_id = fields.Many2one(
        'qualiopi.category', required=True, domain=[('is_confidential', '=', True)],
    )

    def action_confirm(self):
        """Make the entry confidential; the user loses sight of it unless in the group (design, rule 8).

        :raise UserError: for a category that is not confidential, or while nobody is in the confidential group
        """
        self.ensure_one()
        self.complaint_id.check_access('write')
        if not self.category_id.is_confidential:
            raise UserError(self.env._("Choose a confidential category."))
        if not self.env['qualiopi.safeguarding.report']._has_audience(self.complaint_id.company_id):
            raise UserError(self.env._("Nobody is in the confidential group yet: ask your administrator."))
        # sudo: checked above; afterwards the user may no longer read the entry
        self.complaint_id.sudo().write({'category_id': self.category_id.id})
        return {
            'type': 'ir.actions.client',
            'tag': 'display_notification',
            'params': {
                'message': self.env._("The entry was handed over to the confidential group."),
                'type': 'success',
                'next': {
                    'type': 'ir.actions.act_window',
                    'res_model': 'qualiopi.complaint',
                    'name': self.env._("Register"),
                    'views': [(False, 'list'), (False, 'form')],
                    'target': 'main',
                },
            },
        }
