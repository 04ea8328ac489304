from odoo import api, fields, models


class QualiopiCriterion(models.Model):
    """One of the seven criteria of the referential, the same in all its versions."""

    _name = 'qualiopi.criterion'
    _description = "Quality Criterion"
    _order = 'number'
    _rec_names_search = ['number', 'name']

    number = fields.Integer(required=True, aggregator=None)
    name = fields.Char(required=True, translate=True)

    _number_uniq = models.Constraint('UNIQUE(number)', "A criterion exists only once.")

    @api.depends('number', 'name')
    @api.depends_context('lang')
    def _compute_display_name(self):
        for criterion in self:
            criterion.display_name = f"{criterion.number} – {criterion.name}"
