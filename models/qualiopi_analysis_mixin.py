from odoo import fields, models


class QualiopiAnalysisMixin(models.AbstractModel):
    _name = 'qualiopi.analysis.mixin'
    _description = "Cause Analysis"

    cause_ids = fields.Many2many(
        'qualiopi.cause', string="Causes", tracking=True, check_company=True,
        help="Why it could happen. One cause and one line are enough for a simple case.",
    )
    analysis = fields.Text("Conclusion of the analysis", tracking=True)
    why_1 = fields.Char("Why did it happen?")
    why_2 = fields.Char("Why (2)?")
    why_3 = fields.Char("Why (3)?")
    why_4 = fields.Char("Why (4)?")
    why_5 = fields.Char("Why (5)?")
    similar_cases = fields.Selection([
        ('unknown', "Not looked for yet"),
        ('no', "No similar case"),
        ('yes', "Similar cases exist"),
    ], default='unknown', string="Similar cases")
    similar_details = fields.Text("Which similar cases")
    impact = fields.Text(help="On whom, on how many people, on which sessions.")

    def _known_causes(self):
        """Causes that answer the question why: 'to be determined' does not."""
        return self.cause_ids.filtered(lambda cause: not cause.is_undetermined)
