from odoo import models


class ReportQualiopiReportQuestionnaire(models.AbstractModel):
    _name = 'report.qualiopi.report_questionnaire'
    _description = "Blank Questionnaire"
    _inherit = ['qualiopi.report']

    def _get_report_values(self, docids, data=None):
        """Values of the template, one blank questionnaire a survey or campaign.

        :raise AccessError: when the user may not read one of them
        """
        surveys = self.env['survey.survey'].browse(docids).exists()
        surveys.check_access('read')
        return {
            'doc_ids': docids,
            'doc_model': 'survey.survey',
            'docs': surveys,
            'documents': [self._document(survey) for survey in surveys],
            'report_title': ', '.join(surveys.mapped('title')),
        }

    def _document(self, survey):
        company = self.env.company
        return {
            **self._formats(company),
            'o': survey,
            'questions': survey.question_and_page_ids.sorted(),
            'sheet': self._sheet(
                company, self.env._("Questionnaire"), survey.title,
                kicker=survey.qualiopi_stakeholder_id.name, period=self.env._("To be filled in by hand"),
            ),
        }
