from odoo import api, fields, models


class QualiopiIndicatorStatement(models.Model):
    """What one indicator says in one version of the referential, for whom, with what weight."""

    _name = 'qualiopi.indicator.statement'
    _description = "Quality Indicator Statement"
    _order = 'number, valid_from, id'

    indicator_id = fields.Many2one(
        'qualiopi.indicator', required=True, index=True, ondelete='cascade'
    )
    referential_id = fields.Many2one(
        'qualiopi.referential', required=True, index=True, ondelete='restrict'
    )
    number = fields.Integer(related='indicator_id.number', store=True, aggregator=None)
    valid_from = fields.Date(related='referential_id.valid_from', store=True)
    criterion_id = fields.Many2one(related='indicator_id.criterion_id')
    name = fields.Char("Short Title", required=True, translate=True)
    statement = fields.Text(required=True, translate=True)
    kind = fields.Selection(
        [('common', "Common"), ('specific', "Specific")], required=True, default='common'
    )
    for_af = fields.Boolean("Training Action")
    for_bc = fields.Boolean("Skills Assessment")
    for_vae = fields.Boolean("Validation of Experience")
    for_app = fields.Boolean("Apprenticeship")
    weighting = fields.Selection(
        [('minor_or_major', "Minor or major"), ('major_only', "Major only")],
        help="How the certifier may qualify a departure; empty while it is not known.",
    )
    is_new_entrant_adapted = fields.Boolean(
        "Adapted for New Entrants",
        help="A provider that is audited before its first services shows less on this indicator.",
    )
    is_provisional = fields.Boolean(
        "Provisional",
        help="Weighting of the version before, kept until the reading guide is published.",
    )

    _indicator_referential_uniq = models.Constraint(
        'UNIQUE(indicator_id, referential_id)',
        "An indicator has one statement per version of the referential.",
    )

    @api.depends('indicator_id.number', 'name', 'referential_id.code')
    @api.depends_context('lang')
    def _compute_display_name(self):
        for line in self:
            line.display_name = (
                f"{line.indicator_id.number} – {line.name} ({line.referential_id.code})"
            )
