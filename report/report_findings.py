from odoo import models
from odoo.fields import Domain


class ReportQualiopiReportFindings(models.AbstractModel):
    _name = 'report.qualiopi.report_findings'
    _description = "Finding List"
    _inherit = ['qualiopi.report.list']

    _list_model = 'qualiopi.finding'
    _list_order = 'date, id'

    def _period_domain(self, company, first, last):
        return Domain('date', '>=', first) & Domain('date', '<=', last)

    def _own_day(self, record):
        return record.date

    def _document(self, selection):
        records = selection['records']
        formats = self._formats(selection['company'])
        sources, actions, evidence = (
            self._linked(records, name) for name in ('complaint_ids', 'action_ids', 'evidence_ids'))
        self._preload(sources, 'reference')
        self._preload(actions, 'reference', 'stage_id.name')
        self._preload(evidence, 'name')
        rows = [{
            'record': finding,
            'evidence': (finding.evidence_ids & evidence).mapped('name'),
            'sources': (finding.complaint_ids & sources).mapped('reference'),
            'actions': finding.action_ids & actions,
        } for finding in records]
        rows += map(self._restricted_row, selection['hidden'])
        families = dict(self.env['qualiopi.source']._fields['family']._description_selection(self.env))
        return {
            **formats,
            **self._list_values(
                selection, self.env._("Findings"), self.env._("Findings, their analysis and what follows"),
                self.env._("Indicators 30, 31 and 32"),
            ),
            'sections': [{'title': '', 'rows': rows}],
            'total': len(rows),
            'families': [
                (name, len(own)) for key, name in families.items()
                if (own := records.filtered(lambda f, k=key: f.family == k))
            ],
            'names': self._names,
        }
