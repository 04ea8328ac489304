from odoo import models
from odoo.fields import Domain

from ..models.qualiopi_risk import BANDS, PROBABILITIES, SEVERITIES, band_of

# Columns of the spreadsheet and their widths, in characters (headings: domain.md, section 6).
_WIDTHS = {
    'reference': 15, 'date': 12, 'name': 38, 'description': 40, 'cause': 38, 'process': 22, 'indicators': 11,
    'probability': 14, 'severity': 14, 'gross_criticality': 11, 'controls': 44, 'residual_probability': 14,
    'residual_severity': 14, 'criticality': 11, 'band': 12, 'actions': 30, 'sources': 30, 'owner': 20,
    'review_date': 12, 'evaluated_on': 12, 'evaluated_by': 20, 'status': 12, 'remark': 40,
}
# Colours of the bands, as chips of the shared stylesheet and as cells of the matrix.
_CHIPS = {'low': 'green', 'moderate': 'blue', 'high': 'amber', 'critical': 'red'}
_CELLS = {'low': '#d7efe0', 'moderate': '#fbf0c4', 'high': '#f9d3a8', 'critical': '#f2b3ad'}


class ReportQualiopiReportRisks(models.AbstractModel):
    _name = 'report.qualiopi.report_risks'
    _description = "Risk Register and Matrix"
    _inherit = ['qualiopi.report.list']

    _list_model = 'qualiopi.risk'
    _list_order = 'criticality desc, reference, id'
    _widths = _WIDTHS

    def _period_domain(self, company, first, last):
        """Risks that were followed in the period: identified before its end, not ended before its begin."""
        tz = company._qualiopi_tz()
        begin = self._utc(first, tz)
        return (
            Domain('date', '<=', last)
            & (Domain('closed_on', '=', False) | Domain('closed_on', '>=', begin))
            & (Domain('cancelled_on', '=', False) | Domain('cancelled_on', '>=', begin))
        )

    def _own_day(self, record):
        return record.date

    def _headings(self):
        return {
            'reference': self.env._("No."),
            'date': self.env._("Identified on"),
            'name': self.env._("Risk"),
            'description': self.env._("What could happen"),
            'cause': self.env._("Cause"),
            'process': self.env._("Process or indicator"),
            'indicators': self.env._("Indicator"),
            'probability': self.env._("Probability"),
            'severity': self.env._("Severity"),
            'gross_criticality': self.env._("Gross criticality"),
            'controls': self.env._("Existing controls"),
            'residual_probability': self.env._("Residual probability"),
            'residual_severity': self.env._("Residual severity"),
            'criticality': self.env._("Residual criticality"),
            'band': self.env._("Level"),
            'actions': self.env._("Action(s)"),
            'sources': self.env._("Source references"),
            'owner': self.env._("Owner"),
            'review_date': self.env._("Next review"),
            'evaluated_on': self.env._("Updated on"),
            'evaluated_by': self.env._("Evaluated by"),
            'status': self.env._("Status"),
            'remark': self.env._("Remarks"),
        }

    def _document(self, selection):
        records = selection['records']
        formats = self._formats(selection['company'])
        rows = self._rows(records, formats)
        rows += map(self._restricted_row, selection['hidden'])
        followed = records.filtered(lambda risk: risk.state == 'open')
        return {
            **formats,
            **self._list_values(
                selection, self.env._("Risks"), self.env._("Risk analysis of the quality of training"),
                self.env._("Indicator 32"),
            ),
            'sections': [{'title': '', 'rows': rows}],
            'total': len(rows),
            'followed': len(followed),
            'to_look_at': len(followed.filtered('needs_look')),
            'bands': [
                (_CHIPS[key], label, len(followed.filtered(lambda risk, k=key: risk.band == k)))
                for key, label in reversed(self._labels('band', BANDS))
            ],
            'severities': [f'{key}. {label}' for key, label in self._labels('severity', SEVERITIES)],
            'matrix': self._matrix(followed),
            'chip': lambda band: _CHIPS.get(band, 'grey'),
            'names': self._names,
        }

    def _labels(self, name, order):
        labels = dict(self.env['qualiopi.risk']._fields[name]._description_selection(self.env))
        return [(key, labels[key]) for key, __ in order]

    def _matrix(self, risks):
        """Rows from the most to the least probable; each cell with its colour, value and references."""
        return [{
            'label': f'{probability}. {label}',
            'cells': [{
                'value': int(probability) * int(severity),
                'color': _CELLS[band_of(int(probability) * int(severity))],
                'references': risks.filtered(
                    lambda risk, p=probability, s=severity: risk.current_probability == p and risk.current_severity == s
                ).mapped('reference'),
            } for severity, __ in SEVERITIES],
        } for probability, label in reversed(self._labels('probability', PROBABILITIES))]

    def _rows(self, records, formats):
        """One dict a risk: Python values for the spreadsheet, which the PDF formats.

        :param records: readable risks, none of them confidential
        """
        label = formats['label']
        actions, findings, complaints = (
            self._linked(records, name) for name in ('action_ids', 'finding_ids', 'complaint_ids'))
        self._preload(actions, 'reference', 'stage_id.name')
        self._preload(findings, 'reference')
        self._preload(complaints, 'reference')
        return [{
            'record': risk,
            'reference': risk.reference,
            'date': risk.date,
            'name': risk.name or '',
            'description': risk.description or '',
            'cause': risk.cause or '',
            'process': risk.process or '',
            'indicators': ', '.join(str(number) for number in sorted(risk.indicator_ids.mapped('number'))),
            'probability': f"{risk.probability}. {label(risk, 'probability')}",
            'severity': f"{risk.severity}. {label(risk, 'severity')}",
            'gross_criticality': risk.gross_criticality,
            'controls': risk.controls or '',
            'residual_probability': label(risk, 'residual_probability'),
            'residual_severity': label(risk, 'residual_severity'),
            'criticality': risk.criticality,
            'band': label(risk, 'band'),
            'action_records': risk.action_ids & actions,
            'actions': ', '.join(
                f'{action.reference} ({action.stage_id.name})' for action in risk.action_ids & actions),
            'sources': ', '.join([
                *(risk.finding_ids & findings).mapped('reference'),
                *(risk.complaint_ids & complaints).mapped('reference'),
            ]),
            # sudo: names, on a sheet of what the user may read
            'owner': risk.user_id.sudo().name or '',
            'review_date': risk.review_date or None,
            'evaluated_on': formats['day'](risk.evaluated_on),
            # sudo: as above
            'evaluated_by': risk.evaluated_by_id.sudo().name or '',
            'status': label(risk, 'state'),
            'remark': self._remark(risk, risk.needs_look, risk.end_reason, risk.cancel_reason),
        } for risk in records]

