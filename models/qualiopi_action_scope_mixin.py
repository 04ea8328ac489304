from odoo import fields, models

from .qualiopi_course import ACTION_CATEGORIES


class QualiopiActionScopeMixin(models.AbstractModel):
    """Categories of action that a certificate or an audit is about; none chosen means all."""

    _name = 'qualiopi.action.scope.mixin'
    _description = "Categories of Action of an Audit"

    for_af = fields.Boolean("Training")
    for_bc = fields.Boolean("Skills assessment")
    for_vae = fields.Boolean("Validation of experience (VAE)")
    for_app = fields.Boolean("Apprenticeship")

    def _scope_codes(self):
        """Codes of the categories chosen, all of them when none is.

        :rtype: list[str]
        """
        self.ensure_one()
        codes = [code for code, __ in ACTION_CATEGORIES]
        return [code for code in codes if self[f'for_{code}']] or codes

    def _scope_text(self):
        """The categories chosen as the screen calls them, empty when none is chosen."""
        self.ensure_one()
        fields_chosen = [self._fields[f'for_{code}'] for code, __ in ACTION_CATEGORIES if self[f'for_{code}']]
        return ', '.join(field._description_string(self.env) for field in fields_chosen)
