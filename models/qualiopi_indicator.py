import re

from odoo import api, fields, models
from odoo.fields import Domain


class QualiopiIndicator(models.Model):
    """An indicator number (1 to 33); its statements say what each version asks."""

    _name = 'qualiopi.indicator'
    _description = "Quality Indicator"
    _order = 'number'
    _rec_names_search = ['number', 'name']

    number = fields.Integer(required=True, aggregator=None)
    name = fields.Char("Short Title", required=True, translate=True)
    criterion_id = fields.Many2one(
        'qualiopi.criterion', required=True, index=True, ondelete='restrict'
    )
    statement_ids = fields.One2many(
        'qualiopi.indicator.statement', 'indicator_id', string="Statements"
    )
    current_statement = fields.Text("Statement", compute='_compute_current_statement')
    weighting = fields.Selection(
        [('minor_or_major', "Minor or major"), ('major_only', "Major only")],
        compute='_compute_current_statement',
    )
    is_provisional = fields.Boolean("Provisional", compute='_compute_current_statement')

    _number_uniq = models.Constraint('UNIQUE(number)', "An indicator exists only once.")

    @api.depends('number', 'name')
    @api.depends_context('lang')
    def _compute_display_name(self):
        for indicator in self:
            indicator.display_name = f"{indicator.number} – {indicator.name}"

    @api.model
    def _search_display_name(self, operator, value):
        domain = super()._search_display_name(operator, value)
        if operator not in ('in', '=', 'ilike', '=ilike'):
            return domain
        # "31 – Complaints…", as shown, exported or copied, finds its indicator in any language.
        values = [value] if isinstance(value, (str, int)) else value
        shown = [re.match(r'(\d{1,4}) [–-] ', text) for text in values if isinstance(text, str)]
        numbers = [int(match[1]) for match in shown if match]
        return domain | Domain('number', 'in', numbers)

    @api.depends('statement_ids')
    @api.depends_context('lang')
    def _compute_current_statement(self):
        """Show what the version in force today says."""
        referential = self.env['qualiopi.referential']._in_force(fields.Date.context_today(self))
        for indicator in self:
            current = indicator._statements(referential)
            indicator.current_statement = current.statement
            indicator.weighting = current.weighting
            indicator.is_provisional = current.is_provisional

    def _statements(self, referential):
        """Return what these indicators say in one version of the referential.

        :param referential: one ``qualiopi.referential``, or an empty one
        :return: one statement per indicator, none where the version lacks it (33 in V9)
        """
        return self.statement_ids.filtered(
            lambda statement: statement.referential_id == referential
        )
