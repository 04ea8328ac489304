from odoo import models
from odoo.fields import Domain

# Columns of the spreadsheet and their widths, in characters.
_WIDTHS = {'date': 12, 'record': 16, 'subject': 44, 'audience': 44, 'text': 70, 'user': 22}


class ReportQualiopiReportCommunications(models.AbstractModel):
    """Who was told of decisions and actions: the internal communication of indicator 32."""

    _name = 'report.qualiopi.report_communications'
    _description = "Internal Communications"
    _inherit = ['qualiopi.report.list']

    _list_model = 'qualiopi.communication'
    _list_order = 'date, id'
    _widths = _WIDTHS

    def _period_domain(self, company, first, last):
        return Domain('date', '>=', first) & Domain('date', '<=', last)

    def _own_day(self, record):
        return record.date

    def _headings(self):
        return {
            'date': self.env._("Told on"),
            'record': self.env._("No."),
            'subject': self.env._("Subject"),
            'audience': self.env._("Told to"),
            'text': self.env._("What was told"),
            'user': self.env._("Told by"),
        }

    def _document(self, selection):
        records = selection['records']
        formats = self._formats(selection['company'])
        rows = []
        for record in records:
            owner = record._owner()
            rows.append({
                'record_': record,
                'date': record.date,
                'record': owner.reference if owner else '',
                'subject': owner.name or '' if owner else '',
                'audience': ', '.join(filter(None, [self._names(record.partner_ids), record.audience])),
                'text': record.text or '',
                'user': self._names(record.user_id),
            })
        return {
            **formats,
            **self._list_values(
                selection, self.env._("Internal communications"), self.env._("Who was told of decisions and actions"),
                self.env._("Indicator 32"),
            ),
            'sections': [{'title': '', 'rows': rows}],
            'total': len(rows),
            'hidden': len(selection['hidden']),
        }


class ReportQualiopiReportFindings(models.AbstractModel):
    """The findings as a sheet of a spreadsheet: the rows of the printed list with their columns."""

    _inherit = 'report.qualiopi.report_findings'

    _widths = {
        'reference': 15, 'date': 12, 'name': 44, 'description': 60, 'kind': 14, 'source': 24, 'sources': 26,
        'causes': 32, 'analysis': 44, 'actions': 30, 'state': 16, 'owner': 20, 'indicators': 12, 'evidence': 36,
        'remark': 40,
    }

    def _headings(self):
        return {
            'reference': self.env._("No."),
            'date': self.env._("Date"),
            'name': self.env._("Finding"),
            'description': self.env._("Description"),
            'kind': self.env._("Kind"),
            'source': self.env._("Origin"),
            'sources': self.env._("Source reference"),
            'causes': self.env._("Cause(s)"),
            'analysis': self.env._("Analysis"),
            'actions': self.env._("Linked action(s)"),
            'state': self.env._("Status"),
            'owner': self.env._("Owner"),
            'indicators': self.env._("Indicator(s)"),
            'evidence': self.env._("Evidence"),
            'remark': self.env._("Remarks"),
        }

    def _sheet_rows(self, document):
        """The rows of a document with plain values in the columns of the spreadsheet."""
        label = document['label']
        rows = []
        for row in (row for section in document['sections'] for row in section['rows']):
            finding = row['record']
            if finding is None:
                rows.append(row)
                continue
            rows.append({
                'reference': finding.reference,
                'date': finding.date,
                'name': finding.name or '',
                'description': finding.description or '',
                'kind': label(finding, 'kind'),
                'source': self._names(finding.source_id),
                'sources': ', '.join(row['sources']),
                'causes': self._names(finding.cause_ids),
                'analysis': finding.analysis or '',
                'actions': ', '.join(row['actions'].mapped('reference')),
                'state': label(finding, 'state'),
                'owner': self._names(finding.user_id),
                'indicators': ', '.join(str(number) for number in sorted(finding.indicator_ids.mapped('number'))),
                'evidence': ' ; '.join(row['evidence']),
                'remark': self._remark(finding, finding.cancelled_on and self.env._(
                    "Cancelled: %s", finding.cancel_reason or '',
                )),
            })
        return rows
