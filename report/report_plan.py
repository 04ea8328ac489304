from odoo import models
from odoo.fields import Domain

# Columns of the spreadsheet and their widths, in characters (headings: domain.md, section 6).
_WIDTHS = {
    'reference': 15, 'date': 12, 'origin_label': 24, 'origin': 22, 'finding': 44, 'indicators': 11,
    'causes': 32, 'action_type': 14, 'name': 44, 'priority': 11, 'owner': 20, 'means': 30,
    'date_due': 12, 'progress': 10, 'done_on': 12, 'evidence': 36, 'success_criterion': 40,
    'value_before': 10, 'value_target': 10, 'value_after': 10, 'verified_by': 20, 'verified_on': 12,
    'effectiveness': 16, 'status': 20, 'delay': 9, 'communication': 44, 'remark': 40,
}


class ReportQualiopiReportPlan(models.AbstractModel):
    _name = 'report.qualiopi.report_plan'
    _description = "Continuous Improvement Plan"
    _inherit = ['qualiopi.report.list']

    _list_model = 'qualiopi.improvement.action'
    _widths = _WIDTHS
    _list_order = 'reference, id'

    def _period_domain(self, company, first, last):
        """Actions that ran in the period: begun before its end, not ended before its begin."""
        tz = company._qualiopi_tz()
        begin = self._utc(first, tz)
        return (
            (Domain('referential_date', '<=', last) | Domain('date_start', '<=', last))
            & (Domain('closed_on', '=', False) | Domain('closed_on', '>=', begin))
            & (Domain('cancelled_on', '=', False) | Domain('cancelled_on', '>=', begin))
        )

    def _own_day(self, record):
        return record.date_start or record.referential_date

    def _headings(self):
        return {
            'reference': self.env._("No."),
            'date': self.env._("Date"),
            'origin_label': self.env._("Origin"),
            'origin': self.env._("Source reference"),
            'finding': self.env._("Finding"),
            'indicators': self.env._("Indicator"),
            'causes': self.env._("Root cause"),
            'action_type': self.env._("Type of action"),
            'name': self.env._("Action"),
            'priority': self.env._("Priority"),
            'owner': self.env._("Owner"),
            'means': self.env._("Means"),
            'date_due': self.env._("Due on"),
            'progress': self.env._("Progress %"),
            'done_on': self.env._("Carried out on"),
            'evidence': self.env._("Evidence"),
            'success_criterion': self.env._("Success criterion"),
            'value_before': self.env._("Value before"),
            'value_target': self.env._("Target value"),
            'value_after': self.env._("Value after"),
            'verified_by': self.env._("Verified by"),
            'verified_on': self.env._("Verified on"),
            'effectiveness': self.env._("Effectiveness"),
            'status': self.env._("Status"),
            'delay': self.env._("Delay (d)"),
            'communication': self.env._("Communication"),
            'remark': self.env._("Remarks"),
        }

    def _document(self, selection):
        records = selection['records']
        formats = self._formats(selection['company'])
        rows = self._rows(records, formats)
        rows += map(self._restricted_row, selection['hidden'])
        running = records.filtered(lambda a: a.phase not in ('done', 'cancelled'))
        ended = records.filtered(lambda a: a.phase == 'done')
        return {
            **formats,
            **self._list_values(
                selection, self.env._("Improvement plan"), self.env._("Continuous improvement plan"),
                self.env._("Indicator 32"),
            ),
            'sections': [{'title': '', 'rows': rows}],
            'total': len(records) + len(selection['hidden']),
            'running': len(running),
            'late': len(running.filtered(lambda a: a.due_state == 'late')),
            'effective': len(ended),
            'families': self._families(records),
        }

    def _families(self, records):
        """Actions that came from appreciations and from complaints: an auditor asks for both (R19)."""
        findings = {
            'appreciation': records.filtered(lambda a: 'appreciation' in a.finding_ids.mapped('family')),
            'complaint': records.filtered(
                lambda a: {'complaint', 'difficulty'} & set(a.finding_ids.mapped('family'))),
        }
        return {family: len(actions) for family, actions in findings.items()}

    def _rows(self, records, formats):
        """One dict a record: Python values for the spreadsheet, which the PDF formats.

        :param records: readable actions, none of them confidential
        """
        label, d = formats['label'], formats['d']
        visible = self._linked(records, 'finding_ids')
        evidence = self._linked(records, 'evidence_ids')
        # The findings of one action are read apart from the others: all at once before.
        self._preload(visible, 'source_id.name', 'cause_ids.name', 'indicator_ids.number')
        self._preload(evidence, 'name')
        rows = []
        for record in records:
            findings = record.finding_ids & visible
            done = self._last_check(record)
            has_values = self._has_values(record)
            rows.append({
                'record': record,
                'reference': record.reference,
                'date': record.referential_date or None,
                'origin_label': ', '.join(findings.source_id.mapped('name')),
                'origin': record.origin or '',
                'finding': ' ; '.join(filter(None, (
                    f'{finding.reference} {finding.name or ""}'.strip() for finding in findings
                ))) or self._no_finding(record),
                'indicators': ', '.join(
                    str(number) for number in sorted((record.indicator_ids | findings.indicator_ids)
                                                     .mapped('number'))),
                'causes': self._names(findings.cause_ids),
                'action_type': label(record, 'action_type'),
                'name': record.name or '',
                'priority': label(record, 'priority'),
                # sudo: a name, on a sheet of what the user may read
                'owner': record.user_id.sudo().name or '',
                'means': record.means or '',
                'date_due': record.date_due or None,
                'progress': record.progress,
                'done_on': record.done_on or None,
                'evidence': self._evidence_names(record, evidence),
                'success_criterion': record.success_criterion or '',
                'value_before': record.value_before if has_values else None,
                'value_target': record.value_target if has_values else None,
                'value_after': record.value_after if record.has_value_after else None,
                # sudo: a name, on a sheet of what the user may read
                'verified_by': done.verdict_by_id.sudo().name or '',
                'verified_on': done.done_on or None,
                'effectiveness': label(done, 'verdict') if done else '',
                'status': record.stage_id.name or '',
                'delay': record.delay_days or None,
                'communication': ' ; '.join(
                    f'{d(item.date)} {item.text or ""}' for item in record.communication_ids),
                'remark': self._plan_remark(record, done),
                'unit': record.unit or '',
                'verdict': done.verdict if done else None,
            })
        return rows

    @staticmethod
    def _last_check(record):
        """The last check whose verdict was given; an empty record without."""
        done = record.check_ids.filtered(lambda check: check.state == 'done')
        return done.sorted(lambda check: (check.done_on, check.id))[-1:]

    @staticmethod
    def _has_values(record):
        return bool(record.metric or record.unit or record.value_before or record.value_target)

    def _measured(self, record):
        """Change and numbers of a measurement from the data, in few words."""
        data = record._metric_frozen()
        if not data:
            return ''
        texts = record._metric_texts(data)
        numbers = ' → '.join(str(data[name]['n']) if data[name] else '–' for name in ('before', 'after'))
        return ' · '.join(filter(None, (texts['change'], f'n = {numbers}', texts['warning'])))

    def _no_finding(self, record):
        if record.no_finding_reason:
            return self.env._("Without a finding: %s", record.no_finding_reason)
        return ''

    def _plan_remark(self, record, check):
        return self._remark(
            record,
            record.cancelled_on and self.env._("Dropped: %s", record.cancel_reason or ''),
            check.is_self_check and self.env._("Checked by the owner: one-person organisation"),
            record._metric_frozen() and self._measured(record),
        )
