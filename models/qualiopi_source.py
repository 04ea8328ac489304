from odoo import fields, models


class QualiopiSource(models.Model):
    """Where a finding comes from; the family counts the two proofs of indicator 32 (R19)."""

    _name = 'qualiopi.source'
    _description = "Finding Source"
    _inherit = ['qualiopi.list.mixin']

    family = fields.Selection(
        [
            ('appreciation', "Feedback"),
            ('complaint', "Complaint"),
            ('difficulty', "Difficulty or unforeseen event"),
            ('dropout', "Dropout"),
            ('assessment', "Assessment"),
            ('audit', "Audit or control"),
            ('review', "Quality review"),
            ('risk', "Risk analysis"),
            ('other', "Other"),
        ],
        string="Source Family",
        required=True,
        default='other',
        help="Indicator 32 asks for measures from feedback and from complaints: two proofs.",
    )
