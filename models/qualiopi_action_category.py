from odoo import fields, models

from .qualiopi_course import ACTION_CATEGORIES


class QualiopiActionCategory(models.Model):
    """A category of action that a provider may be certified for."""

    _name = 'qualiopi.action.category'
    _description = "Category of Action"
    _order = 'sequence, id'

    name = fields.Char(required=True, translate=True)
    sequence = fields.Integer(default=10)
    code = fields.Selection(ACTION_CATEGORIES, required=True)

    _code_uniq = models.UniqueIndex('(code)', "This category exists already.")
