from odoo import fields, models
from odoo.exceptions import AccessError


class QualiopiCategory(models.Model):
    """What an entry is about; a confidential category restricts the entries that bear it (R25)."""

    _name = 'qualiopi.category'
    _description = "Complaint Category"
    _inherit = ['qualiopi.list.mixin']

    is_confidential = fields.Boolean(
        "Confidential",
        help="Entries of this category are seen by the group “Confidential reports” alone.",
    )
    is_escalated = fields.Boolean(
        "Escalate at Once",
        help="Entries of this category go to the quality lead at once.",
    )
    color = fields.Integer()

    def write(self, vals):
        if 'is_confidential' in vals and not self.env.su:
            changed = self.filtered(
                lambda category: category.is_confidential != bool(vals['is_confidential'])
            )
            # Unticking the box would open restricted entries to people who may not read them.
            if changed and not self.env.user.has_group('qualiopi.group_confidential'):
                raise AccessError(
                    self.env._(
                        "Only members of the group “Confidential reports” may change"
                        " whether the category “%s” is confidential.",
                        changed[0].name,
                    )
                )
        result = super().write(vals)
        if vals.get('is_confidential'):
            # Entries of the category become confidential with it: nobody else goes on following them.
            # sudo: also of the entries that the user may not see
            complaints = self.env['qualiopi.complaint'].sudo().search([('category_id', 'in', self.ids)])
            complaints._restrict_audience()
        return result
