from odoo import models
from odoo.exceptions import UserError

from ..models.qualiopi_drill import INDICATORS


class ReportQualiopiReportDrill(models.AbstractModel):
    _name = 'report.qualiopi.report_drill'
    _description = "Sample Drill"
    _inherit = ['qualiopi.report']

    def _get_report_values(self, docids, data=None):
        """Values of the template, one document a draw: the sessions drawn and what each has to show today.

        :raise UserError: for a draw that was not made yet
        """
        drills = self.env['qualiopi.drill'].browse(docids).exists()
        drills.check_access('read')
        if drills.filtered(lambda drill: not drill.drawn_on):
            raise UserError(self.env._("Draw the sample first."))
        return {
            'doc_ids': docids,
            'doc_model': drills._name,
            'docs': drills,
            'documents': [self._document(drill) for drill in drills],
            'report_title': self.env._("Sample drill"),
        }

    def _document(self, drill):
        formats = self._formats(drill.company_id)
        lines = drill.line_ids
        titles = {number: lines._fields[f'proofs_{number}']._description_string(self.env) for number in INDICATORS}
        proofs = lines._proofs()
        # sudo: names and dates of the company's sessions that were drawn
        events = {line: line.sudo().event_id for line in lines}
        return {
            **formats,
            'drill': drill,
            'sheet': self._sheet(
                drill.company_id, self.env._("Sample drill"),
                self.env._("Sample drill, draw no. %s", drill.seed),
                kicker=self.env._("Drawn at random, as an auditor draws"),
                lead=self.env._(
                    "%(drawn)s of %(population)s sessions, %(each)s per category of action at most; the same number"
                    " draws the same sample from the same sessions", drawn=len(lines), population=drill.population,
                    each=drill.per_category,
                ),
                period=self._period_text(drill.date_from, drill.date_to), dates=(drill.date_from, drill.date_to),
            ),
            'rows': [{
                'name': events[line].name,
                'date': " – ".join(dict.fromkeys((
                    formats['d'](events[line].date_begin), formats['d'](events[line].date_end)))),
                'category': formats['label'](line, 'category') or self.env._("Without category"),
                'missing': line.missing_count,
                'proofs': [{'title': titles[number], **proofs[line][number]} for number in INDICATORS],
            } for line in lines],
        }
