from odoo import fields, models


class QualiopiPrint(models.TransientModel):
    _inherit = 'qualiopi.print'

    document = fields.Selection(selection_add=[
        ('matrix', "Stakeholders and the four audit points"),
        ('satisfaction', "Satisfaction synthesis"),
        ('results', "Result sheet, to publish (indicator 2)"),
    ], ondelete={'matrix': 'cascade', 'satisfaction': 'cascade', 'results': 'cascade'})
    course_id = fields.Many2one('qualiopi.course', help="Leave empty for the whole centre.")

    def _report_data(self):
        data = super()._report_data()
        if self.document == 'results':
            data['course_id'] = self.course_id.id
        return data
