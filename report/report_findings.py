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
        company = selection['company']
        records = selection['records']
        formats = self._formats(company)
        rows = [{'record': finding, 'evidence': [piece.name for piece in finding.evidence_ids],
                 'sources': self._sources(finding)} for finding in records]
        rows += [{'record': None, 'reference': finding.reference} for finding in selection['hidden']]
        families = dict(self.env['qualiopi.source']._fields['family']._description_selection(self.env))
        return {
            **formats,
            'sheet': self._sheet(
                company, self.env._("Findings"), self.env._("Findings, their analysis and what follows"),
                kicker=self.env._("Indicators 30, 31 and 32"), lead=self._lead(selection),
                period=self._lead(selection), dates=(selection['first'], selection['last']),
            ),
            'sections': [{'title': '', 'rows': rows}],
            'total': len(rows),
            'families': [
                (name, len(own)) for key, name in families.items()
                if (own := records.filtered(lambda f, k=key: f.family == k))
            ],
            'names': self._names,
            'is_whole': self._is_whole(),
            'reader': self.env.user.name,
        }

    def _sources(self, finding):
        """References of the entries behind a finding, the confidential ones as a count."""
        hidden = self._hidden(finding, 'complaint_ids')
        restricted = [self.env._("restricted access (%s)", hidden)] if hidden else []
        return ', '.join([*finding.complaint_ids.mapped('reference'), *restricted])
