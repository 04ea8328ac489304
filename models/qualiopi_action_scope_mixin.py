from odoo import fields, models

from .qualiopi_course import ACTION_CATEGORIES


class QualiopiActionScopeMixin(models.AbstractModel):
    """Categories of action that a certificate or an audit is about; none chosen means all."""

    _name = 'qualiopi.action.scope.mixin'
    _description = "Categories of Action of an Audit"

    action_category_ids = fields.Many2many(
        'qualiopi.action.category', string="Categories of action",
        default=lambda self: self.env.company.qualiopi_action_categories,
        help="Without any, all of them count.",
    )

    def _scope_codes(self):
        """Codes of the categories chosen, all of them when none is.

        :rtype: list[str]
        """
        self.ensure_one()
        return self.action_category_ids.mapped('code') or [code for code, __ in ACTION_CATEGORIES]

    def _scope_text(self):
        """The categories chosen by their names, empty when none is chosen."""
        self.ensure_one()
        return ', '.join(self.action_category_ids.mapped('name'))
