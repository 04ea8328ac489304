from odoo import models
from odoo.fields import Domain

# Columns of the spreadsheet and their widths, in characters (headings: domain.md, section 6).
_WIDTHS = {
    'reference': 15, 'learner': 20, 'session': 40, 'duration': 10, 'date': 12, 'reason': 26, 'told_by': 22,
    'contacts': 44, 'solution': 44, 'outcome': 22, 'findings': 18, 'kind': 26, 'form': 14, 'job': 12, 'state': 14,
    'remark': 36,
}


class ReportQualiopiReportDropouts(models.AbstractModel):
    """The dropout register (R15). Paper leaves the quality officers' hands, whoever prints it: health and
    disability print as "personal reason", and names only where somebody asks for them."""

    _name = 'report.qualiopi.report_dropouts'
    _description = "Dropout Register"
    _inherit = ['qualiopi.report.list']

    _list_model = 'qualiopi.dropout'
    _list_order = 'date, id'
    _widths = _WIDTHS

    def _selections(self, docids, data):
        selections = super()._selections(docids, data)
        is_anonymous = data.get('is_anonymous') not in (False, 'False', 'false', '0', 0)
        return [{**selection, 'is_anonymous': is_anonymous} for selection in selections]

    def _period_domain(self, company, first, last):
        return Domain('date', '>=', first) & Domain('date', '<=', last)

    def _own_day(self, record):
        return record.date

    def _headings(self):
        return {
            'reference': self.env._("No."),
            'learner': self.env._("Beneficiary (code)"),
            'session': self.env._("Session"),
            'duration': self.env._("Duration (d)"),
            'date': self.env._("Date of dropout"),
            'reason': self.env._("Reason"),
            'told_by': self.env._("Reported by"),
            'contacts': self.env._("Contacts"),
            'solution': self.env._("Solution offered"),
            'outcome': self.env._("Outcome"),
            'findings': self.env._("Linked finding"),
            'kind': self.env._("Kind"),
            'form': self.env._("Form filled in on"),
            'job': self.env._("Found a job"),
            'state': self.env._("Status"),
            'remark': self.env._("Remarks"),
        }

    def _document(self, selection):
        records = selection['records']
        formats = self._formats(selection['company'])
        rows = self._rows(records, formats, selection['is_anonymous'])
        counted = records.filtered('is_counted')
        over, short, without = self._figures(selection)
        reasons = [
            # sudo: names of reasons, as everybody reads them
            (reason.sudo().name or self.env._("Not known yet"), len(own))
            for reason, own in counted.grouped('shown_reason_id').items()
        ]
        parts = [
            (self.env._("Dropouts, courses over two days (indicator 12)"),
             lambda r: r.kind == 'dropout' and r.is_over_two_days),
            (self.env._("Dropouts, courses of two days or less"),
             lambda r: r.kind == 'dropout' and not r.is_over_two_days),
            (self.env._("No-shows (never came), counted apart"), lambda r: r.kind == 'no_show'),
        ]
        return {
            **formats,
            **self._list_values(
                selection, self.env._("Dropouts"), self.env._("Dropout register"), self.env._("Indicators 11 and 12"),
            ),
            'is_anonymous': selection['is_anonymous'],
            'headings': self._headings(),
            'sections': [
                {'title': title, 'rows': [row for row in rows if test(row['record'])]} for title, test in parts
            ],
            'counted': len(counted),
            'jobs': len(counted.filtered('is_job')),
            'no_shows': len(records.filtered(lambda r: r.kind == 'no_show' and not r.cancelled_on)),
            'over': over,
            'short': short,
            'without': without,
            'rate_text': self.env['event.event']._qualiopi_dropout_text,
            'text': self.env['qualiopi.result']._text,
            'reasons': sorted(reasons, key=lambda pair: (-pair[1], pair[0])),
            'vae': self._vae(selection),
        }

    def _rows(self, records, formats, is_anonymous):
        """One dict a record: Python values for the spreadsheet, which the PDF formats."""
        label, d = formats['label'], formats['d']
        findings = self._linked(records, 'finding_ids')
        self._preload(findings, 'reference')
        rows = []
        for record in records:
            # sudo: a name, of what an entry that the user may read is about
            event, course = record.event_id.sudo(), record.course_id.sudo()
            rows.append({
                'record': record,
                'reference': record.reference,
                'learner': record.learner_code if is_anonymous else record.learner_name,
                'session': ' / '.join(filter(None, [course.name, event.name])),
                'duration': record.duration_days or None,
                'date': record.date,
                'reason': record.shown_reason_id.name or '',
                'told_by': ', '.join(filter(None, [
                    label(record, 'told_by'), record.told_by_name if not is_anonymous else '',
                ])),
                'contacts': '\n'.join(
                    f"{d(contact.date)} · {label(contact, 'means')} · {label(contact, 'result')}"
                    + (f' ({self._names(contact.user_id)})' if contact.user_id else '')
                    for contact in record.contact_ids
                ),
                'solution': record.shown_solution or '',
                'outcome': label(record, 'outcome'),
                'findings': ', '.join((record.finding_ids & findings).mapped('reference')),
                'kind': label(record, 'kind'),
                'form': record.form_date or None,
                'job': self.env._("Yes") if record.is_job else '',
                'state': label(record, 'state'),
                'remark': self._remark(
                    record, record.cancelled_on and self.env._("Cancelled: %s", record.cancel_reason or ''),
                ),
            })
        return rows

    def _figures(self, selection):
        """Rates of a period.

        :return: figures over two days, figures of shorter sessions, entries without a session
        """
        if not selection['is_period']:
            return None, None, 0
        over, short = self.env['qualiopi.dropout']._period_figures(
            selection['company'], selection['first'], selection['last'])
        return (
            over,
            short,
            len(selection['records'].filtered(lambda r: not r.event_id and not r.cancelled_on)),
        )

    def _vae(self, selection):
        """VAE of the period: dropout rate with causes, success rate, support given (indicators 11, 12 and 30)."""
        if not selection['is_period']:
            return None
        events = self.env['qualiopi.dropout']._period_events(
            selection['company'], selection['first'], selection['last'],
        ).filtered(lambda event: event.action_category == 'vae')
        if not events:
            return None
        figures = events._qualiopi_dropout_figures()
        causes = selection['records'].filtered(lambda r: r.is_counted and r.event_id in events)
        results = events.result_ids
        return {
            'dropouts': events._qualiopi_dropout_text(events._qualiopi_dropout_sum(list(figures.values()))),
            'causes': [
                (reason.name or self.env._("Not known yet"), len(own))
                for reason, own in causes.grouped('shown_reason_id').items()
            ],
            'presented': sum(results.mapped('presented')),
            'passed': sum(results.mapped('passed')),
            'partial': sum(results.mapped('partial')),
            'support': [result.support for result in results if result.support],
        }
