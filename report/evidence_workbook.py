import io

from odoo import models

from . import evidence_zip

# Columns of the sheets that no printed list has, and their widths, in characters.
_CHECK_WIDTHS = {
    'reference': 15, 'action': 44, 'planned_on': 12, 'done_on': 12, 'verifier': 22, 'state': 14, 'before': 10,
    'target': 10, 'after': 10, 'verdict': 16, 'conclusion': 60,
}
_EVIDENCE_WIDTHS = {
    'record': 22, 'name': 36, 'kind': 18, 'date': 12, 'user': 22, 'content': 60, 'size': 12, 'sha256': 40,
}
_APPRECIATION_WIDTHS = {
    'date': 12, 'campaign': 44, 'stakeholder': 20, 'moment': 18, 'session': 34, 'asked': 10, 'answers': 10,
    'rate': 12, 'satisfaction': 12, 'nps': 10,
}


class QualiopiXlsx(models.AbstractModel):
    _inherit = 'qualiopi.xlsx'

    def _workbook_of(self, sheets, moment):
        """Several lists in one workbook, with the rows of their printed documents.

        :param sheets: (title, columns, document) of each sheet, as `_write_rows` takes them
        :param moment: datetime that the file says it was made at
        :rtype: bytes
        """
        import xlsxwriter  # noqa: PLC0415

        buffer = io.BytesIO()
        workbook = xlsxwriter.Workbook(buffer, {
            'constant_memory': True,
            # What people wrote stays text: no formula, no link (quality.md, G1).
            'strings_to_formulas': False,
            'strings_to_urls': False,
            'strings_to_numbers': False,
        })
        formats = self._formats(workbook)
        first = sheets[0][2]['sheet']
        workbook.set_properties({
            'title': self.env._("Evidence file"), 'company': first['company_name'], 'created': moment,
        })
        taken = set()
        for title, columns, document in sheets:
            self._write_rows(workbook.add_worksheet(self._sheet_name(title, taken)), formats, columns, document)
        self._write_about(
            workbook.add_worksheet(self._sheet_name(self.env._("About"), taken)), formats,
            [document for __, __, document in sheets],
        )
        workbook.close()
        return buffer.getvalue()

    @staticmethod
    def _sheet_name(title, taken):
        name, number = ''.join(char for char in title if char not in "[]:*?/\\'")[:28], 1
        while name.lower() in taken:
            number += 1
            name = f'{name[:26]} {number}'
        taken.add(name.lower())
        return name


class QualiopiEvidenceFile(models.Model):
    _inherit = 'qualiopi.evidence.file'

    def _workbook_piece(self, printed, records, taken, totals):
        """Values of the piece with all lists in one workbook.

        :param printed: (report, document) pairs
        :param records: the records of the period by model
        :param dict totals: rows by code; the lists that no PDF has are added
        """
        sheets = []
        for printer, document in printed:
            rows = printer._sheet_rows(document) if hasattr(printer, '_sheet_rows') else [
                row for section in document['sections'] for row in section['rows']]
            sheets.append((document['sheet']['title'], printer._columns(), {**document, 'sections': [{'rows': rows}]}))
        report = self.env['qualiopi.report']
        titles = {
            'checks': self.env._("Effectiveness checks"),
            'pieces': self.env._("Evidence"),
            'campaigns': self.env._("Appreciations"),
        }
        for code, (columns, rows) in {
            'checks': self._check_sheet(records),
            'pieces': self._evidence_sheet(records),
            'campaigns': self._appreciation_sheet(),
        }.items():
            title = titles[code]
            sheet = report._sheet(
                self.company_id, title, title, period=report._period_text(self.date_from, self.date_to),
                dates=(self.date_from, self.date_to),
            )
            sheets.append((title, columns, {'sheet': sheet, 'sections': [{'rows': rows}]}))
            totals[code] = [title, len(rows)]
        content = self.env['qualiopi.xlsx']._workbook_of(sheets, self._local_moment())
        title, name = self.env._("Registers, plan, checks, appreciations"), self.env._("Registers")
        return {
            'kind': 'workbook', 'state': 'ready', 'title': title, 'content': content, 'author': self._author(),
            'path': evidence_zip.free_path(
                self._slug(self.env._("Spreadsheet")), f'{self._slug(name)}.xlsx', taken),
            'date': self._local_moment().date(),
        }

    @staticmethod
    def _columns_of(widths, headings):
        return [(key, headings[key], width) for key, width in widths.items()]

    def _check_sheet(self, records):
        report = self.env['qualiopi.report']
        checks = records.get('qualiopi.effectiveness.check', self.env['qualiopi.effectiveness.check'])
        label = report._formats(self.company_id)['label']
        headings = {
            'reference': self.env._("No."),
            'action': self.env._("Action"),
            'planned_on': self.env._("Planned on"),
            'done_on': self.env._("Done on"),
            'verifier': self.env._("Verified by"),
            'state': self.env._("Status"),
            'before': self.env._("Value before"),
            'target': self.env._("Target value"),
            'after': self.env._("Value after"),
            'verdict': self.env._("Effectiveness"),
            'conclusion': self.env._("Conclusion"),
        }
        plan = self.env['report.qualiopi.report_plan']
        rows = []
        for check in checks.sorted(lambda check: (check.action_id.reference or '', check.planned_on, check.id)):
            action = check.action_id
            has_values = plan._has_values(action)
            rows.append({
                'reference': action.reference, 'action': action.name or '', 'planned_on': check.planned_on,
                'done_on': check.done_on or None,
                'verifier': report._names(check.verdict_by_id or check.verifier_id), 'state': label(check, 'state'),
                'before': action.value_before if has_values else None,
                'target': action.value_target if has_values else None,
                'after': check.value_measured if check.has_value else None,
                'verdict': label(check, 'verdict') if check.verdict else '', 'conclusion': check.conclusion or '',
            })
        return self._columns_of(_CHECK_WIDTHS, headings), rows

    def _evidence_sheet(self, records):
        Evidence = self.env['qualiopi.evidence']
        report = self.env['qualiopi.report']
        label = report._formats(self.company_id)['label']
        names = [
            name for name, field in Evidence._fields.items()
            if field.type == 'many2one' and field.comodel_name in records
        ]
        headings = {
            'record': self.env._("No."),
            'name': self.env._("Evidence"),
            'kind': self.env._("Kind"),
            'date': self.env._("Date"),
            'user': self.env._("Added by"),
            'content': self.env._("File, link or statement"),
            'size': self.env._("Size (bytes)"),
            'sha256': self.env._("SHA-256"),
        }
        rows, seen = [], Evidence.browse()
        for name in names:
            pieces = Evidence.search([
                (name, 'in', records[Evidence._fields[name].comodel_name].ids), ('is_confidential', '=', False),
            ], order='date, id') - seen
            seen |= pieces
            for piece in pieces:
                is_file = piece.type == 'file'
                rows.append({
                    'record': self._reference(piece[name]), 'name': piece.name, 'kind': label(piece, 'kind'),
                    'date': piece.date, 'user': report._names(piece.user_id),
                    'content': piece.file_name if is_file else piece.url or piece.statement,
                    'size': piece.size if is_file else None, 'sha256': piece.sha256 if is_file else None,
                })
        return self._columns_of(_EVIDENCE_WIDTHS, headings), rows

    def _appreciation_sheet(self):
        rows = self.env['qualiopi.satisfaction.report'].search([
            ('company_id', '=', self.company_id.id), ('date', '>=', self.date_from), ('date', '<=', self.date_to),
        ], order='date, id')
        report = self.env['qualiopi.report']
        label = report._formats(self.company_id)['label']

        def rate(row, name, count):
            return None if row.is_hidden or not row[count] else round(row[name], 1)

        headings = {
            'date': self.env._("Date"),
            'campaign': self.env._("Campaign"),
            'stakeholder': self.env._("Stakeholder type"),
            'moment': self.env._("Moment"),
            'session': self.env._("Course / session"),
            'asked': self.env._("Asked"),
            'answers': self.env._("Answers (n)"),
            'rate': self.env._("Response rate (%)"),
            'satisfaction': self.env._("Satisfaction (0–100)"),
            'nps': self.env._("NPS"),
        }
        return self._columns_of(_APPRECIATION_WIDTHS, headings), [{
            'date': row.date, 'campaign': report._names(row.campaign_id),
            'stakeholder': report._names(row.stakeholder_id),
            'moment': label(row, 'moment') if row.moment else '',
            'session': ' / '.join(filter(None, [report._names(row.course_id), report._names(row.event_id)])),
            'asked': row.asked_count, 'answers': row.answer_count,
            'rate': round(row.response_rate, 1) if row.asked_count and row.answer_count <= row.asked_count else None,
            'satisfaction': rate(row, 'satisfaction', 'satisfaction_n'), 'nps': rate(row, 'nps', 'nps_n'),
        } for row in rows]
