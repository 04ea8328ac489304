from statistics import median

from odoo import fields, models
from odoo.fields import Domain
from odoo.tools import SQL

NATURES = ('complaint', 'difficulty', 'unforeseen')
CONFIDENTIAL_SERIES = 'SIG/'

# Columns of the spreadsheet and their widths, in characters (headings: domain.md, section 6).
_WIDTHS = {
    'reference': 15, 'nature': 14, 'received_on': 12, 'channel': 18, 'stakeholder': 20,
    'complainant': 24, 'session': 34, 'trainer': 20, 'name': 36, 'description': 60,
    'remedy_requested': 36, 'category': 22, 'severity': 11, 'ack_on': 12, 'ack_delay': 12,
    'correction': 44, 'causes': 30, 'decision': 18, 'response': 50, 'response_on': 12,
    'response_delay': 12, 'in_time': 9, 'actions': 30, 'verdict': 18, 'state': 16, 'closed_on': 12,
    'owner': 20, 'indicators': 12, 'evidence': 36, 'remark': 40,
}


class ReportQualiopiReportRegister(models.AbstractModel):
    _name = 'report.qualiopi.report_register'
    _description = "Register of Complaints, Difficulties and Unforeseen Events"
    _inherit = ['qualiopi.report.list']

    _list_model = 'qualiopi.complaint'
    _widths = _WIDTHS
    _list_order = 'received_on, id'

    def _period_domain(self, company, first, last):
        return Domain('received_date', '>=', first) & Domain('received_date', '<=', last)

    def _own_day(self, record):
        return record.received_date

    def _headings(self):
        return {
            'reference': self.env._("No."),
            'nature': self.env._("Nature"),
            'received_on': self.env._("Received on"),
            'channel': self.env._("Channel"),
            'stakeholder': self.env._("Stakeholder type"),
            'complainant': self.env._("Complainant"),
            'session': self.env._("Course / session"),
            'trainer': self.env._("Trainer"),
            'name': self.env._("Subject"),
            'description': self.env._("Description"),
            'remedy_requested': self.env._("What the complainant asks for"),
            'category': self.env._("Category"),
            'severity': self.env._("Severity"),
            'ack_on': self.env._("Acknowledged on"),
            'ack_delay': self.env._("Acknowledgement delay (d)"),
            'correction': self.env._("Immediate correction"),
            'causes': self.env._("Cause(s)"),
            'decision': self.env._("Decision (founded…)"),
            'response': self.env._("Response given"),
            'response_on': self.env._("Answered on"),
            'response_delay': self.env._("Response delay (d)"),
            'in_time': self.env._("In time"),
            'actions': self.env._("Linked action(s)"),
            'verdict': self.env._("Complainant's satisfaction"),
            'state': self.env._("Status"),
            'closed_on': self.env._("Closed on"),
            'owner': self.env._("Owner"),
            'indicators': self.env._("Indicator(s)"),
            'evidence': self.env._("Evidence"),
            'remark': self.env._("Remarks"),
        }

    def _document(self, selection):
        company = selection['company']
        records, hidden = selection['records'], selection['hidden']
        formats = self._formats(company)
        rows = self._rows(records, formats)
        labels = dict(self.env['qualiopi.complaint']._fields['nature']._description_selection(self.env))
        titles = {
            'complaint': self.env._("Complaints"),
            'difficulty': self.env._("Difficulties"),
            'unforeseen': self.env._("Unforeseen events"),
        }
        sections = [
            {'title': titles[nature], 'tone': formats['tone'](nature),
             'rows': [row for row in rows if row['record'].nature == nature]}
            for nature in NATURES
        ]
        reports = hidden.filtered(lambda r: (r.reference or '').startswith(CONFIDENTIAL_SERIES))
        restricted = hidden - reports
        if restricted:
            sections.append({
                'title': self.env._("Entries with restricted access"), 'tone': 'red',
                'rows': list(map(self._restricted_row, restricted)),
            })
        values = self._list_values(
            selection, self.env._("Register"), self.env._("Register of complaints, difficulties and unforeseen events"),
            self.env._("Indicator 31"),
        )
        is_whole = values['is_whole'] and selection['is_period']
        return {
            **formats,
            **values,
            'sections': sections,
            'total': len(records),
            'imported': len(records.filtered('is_imported')),
            'reports': len(reports),
            'restricted': len(restricted),
            'reports_title': self.env._("Safeguarding reports"),
            'is_whole': is_whole,
            'figures': self._figures(records),
            'stakeholders': self._by_stakeholder(records, labels, company),
            'numbering': self._numbering(selection, records | hidden) if is_whole else [],
        }

    # === ROWS === #

    def _rows(self, records, formats):
        """One dict a record: Python values for the spreadsheet, which the PDF formats.

        :param records: readable entries, none of them confidential
        """
        label, day = formats['label'], formats['day']
        findings = self._linked(records, 'finding_ids')
        actions = self._linked(findings, 'action_ids')
        evidence = self._linked(records, 'evidence_ids')
        self._preload(actions, 'reference')
        self._preload(evidence, 'name')
        rows = []
        for record in records:
            # sudo: names alone, of what an entry that the user may read is about
            event = record.event_id.sudo()
            course = record.course_id.sudo()
            rows.append({
                'record': record,
                'reference': record.reference,
                'nature': label(record, 'nature'),
                'received_on': record.received_date,
                'channel': record.channel_id.name or '',
                'stakeholder': record.stakeholder_id.name or '',
                'complainant': record.complainant or '',
                'session': ' / '.join(filter(None, [course.name, event.name])),
                # sudo: a name, as above
                'trainer': record.trainer_id.sudo().name or '',
                'name': record.name or '',
                'description': record.description or '',
                'remedy_requested': record.remedy_requested or '',
                'category': record.category_id.name or '',
                'severity': record.severity_id.name or '',
                'ack_on': day(record.ack_date),
                'ack_delay': record.ack_delay if self._has_delay(record, 'ack') else None,
                'correction': record.correction or '',
                'causes': self._names(record.shown_cause_ids),
                'decision': label(record, 'decision'),
                'response': record.response or record.response_impossible_reason or '',
                'response_on': day(record.response_date),
                'response_delay': record.response_delay if self._has_delay(record, 'response') else None,
                'in_time': self._in_time(record),
                'actions': ', '.join(
                    ((record.finding_ids & findings).action_ids & actions).mapped('reference')),
                'verdict': label(record, 'verdict'),
                'state': label(record, 'state'),
                'closed_on': day(record.closed_on),
                # sudo: a name, as above
                'owner': record.user_id.sudo().name or '',
                'indicators': ', '.join(str(i.number) for i in record.indicator_ids),
                'evidence': self._evidence_names(record, evidence),
                'remark': self._entry_remark(record),
            })
        return rows

    def _entry_remark(self, record):
        no_response = record.response and record.response_impossible_reason
        return self._remark(
            record,
            record.cancelled_on and self.env._("Cancelled: %s", record.cancel_reason or ''),
            record.ack_impossible_reason and self.env._("No acknowledgement: %s", record.ack_impossible_reason),
            no_response and self.env._("No response: %s", no_response),
            record.no_action_reason and self.env._("No corrective action: %s", record.no_action_reason),
        )

    # === DELAYS === #

    def _has_delay(self, record, step):
        return bool(not record.is_imported and record[f'{step}_date'] and record.has_response_steps)

    @staticmethod
    def _timeliness(record, step):
        """``on_time``, ``late`` or None when the step does not count (yet)."""
        if record.is_imported or record.cancelled_on or not record.has_response_steps:
            return None
        if record[f'is_{step}_late']:
            return 'late'
        timeliness = record[f'{step}_timeliness']
        return timeliness if timeliness in ('on_time', 'late') else None

    def _in_time(self, record):
        steps = [self._timeliness(record, 'ack'), self._timeliness(record, 'response')]
        if 'late' in steps:
            return self.env._("No")
        return self.env._("Yes") if steps[1] == 'on_time' else ''

    def _figures(self, records):
        """Delay statistics (R6) of the entries that have these steps; imported ones do not count."""
        figures = {}
        for step in ('ack', 'response'):
            steps = [self._timeliness(record, step) for record in records]
            counted = [value for value in steps if value]
            delays = [record[f'{step}_delay'] for record in records
                      if self._has_delay(record, step) and not record.cancelled_on]
            in_time = counted.count('on_time')
            figures[step] = {
                'count': len(counted),
                'in_time': in_time,
                'rate': round(100 * in_time / len(counted)) if counted else None,
                'median': median(delays) if delays else None,
            }
        return figures

    def _by_stakeholder(self, records, labels, company):
        """Entries per kind of stakeholder, those from whom nothing came with 0 (R5)."""
        # sudo: names of the company's stakeholder types, also of one that is not ticked in the selector
        kinds = self.env['qualiopi.stakeholder'].sudo().search([('company_id', 'in', [company.id, False])])
        groups = records.grouped('stakeholder_id')
        rows = []
        # sudo: the types that readable entries have
        for kind in kinds | records.sudo().stakeholder_id:
            own = groups.get(kind.sudo(False), records.browse())
            rows.append((kind.name, [len(own.filtered(lambda r, n=nature: r.nature == n))
                                     for nature in NATURES]))
        without = groups.get(self.env['qualiopi.stakeholder'], records.browse())
        if without:
            rows.append((self.env._("Not stated"), [
                len(without.filtered(lambda r, n=nature: r.nature == n)) for nature in NATURES
            ]))
        return {'heads': [labels[nature] for nature in NATURES], 'rows': rows}

    def _numbering(self, selection, records):
        """Continuity of the numbers (R3): each series and year of the period, first and last number
        given, and whether one is missing."""
        company = selection['company']
        years = set(range(selection['first'].year, selection['last'].year + 1))
        years |= {int(ref.split('/')[1]) for ref in records.mapped('reference') if ref.count('/') == 2}
        today = fields.Date.context_today(self)
        years = tuple(year for year in sorted(years) if year <= today.year + 1)
        rows = self.env.execute_query(SQL(
            """SELECT n.series, n.year, COUNT(*), MIN(n.number), MAX(n.number), COUNT(c.id)
                 FROM qualiopi_number n
            LEFT JOIN qualiopi_complaint c
                   ON c.company_id = n.company_id
                  AND c.reference = n.series || '/' || n.year || '/'
                      || LPAD(n.number::text, GREATEST(4, LENGTH(n.number::text)), '0')
                WHERE n.company_id = %s AND n.year IN %s AND n.series IN ('REG', 'SIG')
             GROUP BY n.series, n.year ORDER BY n.year, n.series""",
            company.id, years or (0,),
        ))
        return [{
            'series': f'{series}/{year}',
            'count': count,
            'first': f'{series}/{year}/{first:04d}',
            'last': f'{series}/{year}/{last:04d}',
            'missing': last - min(count, present),
        } for series, year, count, first, last, present in rows]
