import io
from datetime import date

from odoo import models

# What a cell holds at most; xlsxwriter leaves longer texts out without a word.
_CELL_LIMIT = 32767
_DOCUMENTS = {
    'register': 'report.qualiopi.report_register',
    'plan': 'report.qualiopi.report_plan',
    'risks': 'report.qualiopi.report_risks',
    'dropouts': 'report.qualiopi.report_dropouts',
}


class QualiopiXlsx(models.AbstractModel):
    _name = 'qualiopi.xlsx'
    _description = "Spreadsheets of the Registers"

    def _workbook(self, kind, docids=None, data=None):
        """The rows of a printed list as a workbook, one sheet a company and one that says what it is.

        :param str kind: ``register`` or ``plan``
        :param docids: ids chosen by the user, or nothing for a period
        :param dict data: see qualiopi.report.list
        :return: name of the file, content
        :rtype: tuple[str, bytes]
        :raise KeyError: for another kind
        """
        import xlsxwriter  # noqa: PLC0415

        report = self.env[_DOCUMENTS[kind]]
        documents = [report._document(selection) for selection in report._selections(docids, data or {})]
        buffer = io.BytesIO()
        workbook = xlsxwriter.Workbook(buffer, {
            'constant_memory': True,
            # What people wrote stays text: no formula, no link (quality.md, G1).
            'strings_to_formulas': False,
            'strings_to_urls': False,
            'strings_to_numbers': False,
        })
        formats = self._formats(workbook)
        title = documents[0]['sheet']['title']
        workbook.set_properties({'title': documents[0]['sheet']['heading'],
                                 'company': documents[0]['sheet']['company_name']})
        for rank, document in enumerate(documents):
            name = title if len(documents) == 1 else f'{title[:25]} {rank + 1}'
            self._write_rows(workbook.add_worksheet(name[:31]), formats, report._columns(), document)
        self._write_about(workbook.add_worksheet(self.env._("About")[:31]), formats, documents)
        workbook.close()
        first = documents[0]['sheet']
        name = '-'.join(filter(None, (title, first['company_name'], first['file_period'])))
        return f'{name}.xlsx', buffer.getvalue()

    def _formats(self, workbook):
        is_french = (self.env.lang or '').startswith('fr')
        pattern = 'dd/mm/yyyy' if is_french else 'yyyy-mm-dd'
        base = {'font_name': 'Arial', 'font_size': 9, 'valign': 'top'}
        return {
            'head': workbook.add_format({
                **base, 'bold': True, 'font_color': '#FFFFFF', 'bg_color': '#17384C',
                'text_wrap': True, 'valign': 'vcenter', 'border': 1, 'border_color': '#D5DFE4',
            }),
            'text': workbook.add_format({**base, 'text_wrap': True}),
            'number': workbook.add_format(base),
            'date': workbook.add_format({**base, 'num_format': pattern, 'align': 'left'}),
            'title': workbook.add_format({'font_name': 'Arial', 'font_size': 14, 'bold': True,
                                          'font_color': '#17384C'}),
            'label': workbook.add_format({**base, 'font_color': '#6B7A85'}),
        }

    def _write_rows(self, sheet, formats, columns, document):
        sheet.set_landscape()
        sheet.set_paper(9)
        sheet.set_margins(left=0.4, right=0.4, top=0.6, bottom=0.7)
        sheet.fit_to_pages(1, 0)
        sheet.repeat_rows(0)
        sheet.freeze_panes(1, 1)
        page = document['sheet']
        sheet.set_header(self._page_text(f"&L{page['company_name']}&R{page['heading']}"))
        sheet.set_footer('&R&P/&N')
        for column, (__, heading, width) in enumerate(columns):
            sheet.set_column(column, column, width)
            sheet.write_string(0, column, heading, formats['head'])
        line = 0
        for section in document['sections']:
            for row in section['rows']:
                line += 1
                for column, (key, __, __) in enumerate(columns):
                    self._write_cell(sheet, line, column, row.get(key), formats)
        sheet.autofilter(0, 0, line, len(columns) - 1)

    @staticmethod
    def _page_text(text):
        """A text for a page's head, where & opens a command: one written by people is doubled."""
        left, right = text.removeprefix('&L').split('&R', 1)
        return f"&L{left.replace('&', '&&')[:110]}&R{right.replace('&', '&&')[:110]}"

    @staticmethod
    def _write_cell(sheet, line, column, value, formats):
        if value is None or value is False or value == '':
            return
        if isinstance(value, date):
            sheet.write_datetime(line, column, value, formats['date'])
        elif isinstance(value, (int, float)):
            sheet.write_number(line, column, value, formats['number'])
        else:
            text = str(value)
            if len(text) > _CELL_LIMIT:
                text = f'{text[:_CELL_LIMIT - 1]}…'
            sheet.write_string(line, column, text, formats['text'])

    def _write_about(self, sheet, formats, documents):
        """What rule 7 of the design wants on paper: company, numbers, referential, period, who and when."""
        sheet.set_column(0, 0, 28)
        sheet.set_column(1, 1, 100)
        line = 0
        for document in documents:
            page = document['sheet']
            sheet.write_string(line, 0, page['heading'], formats['title'])
            facts = [
                (self.env._("Company"), page['company_name']),
                (self.env._("SIRET"), page['siret'] or self.env._("not filled in")),
                (self.env._("Activity number (NDA)"), page['nda'] or self.env._("not filled in")),
                (self.env._("Period"), page['period']),
                (self.env._("Referential"), page['referential']),
                (self.env._("Printed"), page['printed']),
                *self._about_register(document),
            ]
            for label, value in facts:
                line += 1
                sheet.write_string(line, 0, label, formats['label'])
                self._write_cell(sheet, line, 1, value, formats)
            line += 2

    def _about_register(self, document):
        """Lines on what the register holds besides its rows: confidential entries, numbering."""
        if 'numbering' not in document:
            return []
        facts = [(self.env._("Safeguarding reports (number only)"), document['reports'])]
        for line in document['numbering']:
            text = self.env._(
                "%(count)s numbers given, from %(first)s to %(last)s; missing: %(missing)s",
                count=line['count'], first=line['first'], last=line['last'], missing=line['missing'],
            )
            facts.append((self.env._("Numbering %s", line['series']), text))
        return facts
