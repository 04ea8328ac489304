import io
from datetime import date

from odoo import models

from ..models.qualiopi_import import QualiopiImportMixin

_ROWS = 10000


class QualiopiImportTemplate(models.AbstractModel):
    """The spreadsheet to fill in with a former register or plan, made in the user's language when it is asked for."""

    _name = 'qualiopi.import.template'
    _description = "Import Template"
    _inherit = ['qualiopi.xlsx']

    def _template(self, name):
        """The template of a model.

        :param str name: name of the model
        :return: name of the file, content; None when the model has no template or the user may not fill it
        :rtype: tuple[str, bytes] | None
        """
        import xlsxwriter  # noqa: PLC0415

        model = self.env.get(name)
        if not isinstance(model, QualiopiImportMixin) or not model.has_access('create'):
            return None
        buffer = io.BytesIO()
        workbook = xlsxwriter.Workbook(buffer, {
            'strings_to_formulas': False, 'strings_to_urls': False, 'strings_to_numbers': False,
        })
        formats = self._formats(workbook)
        columns = model._import_columns()
        lists = self._lists(model, columns)
        rows = workbook.add_worksheet(self.env._("To fill in"))
        # The screen reads the first sheet; the second one explains and feeds the drop-down lists.
        values = self.env._("Possible values")
        self._write_examples(rows, formats, model, columns)
        self._write_values(workbook.add_worksheet(values), formats, lists)
        for position, column in enumerate(columns):
            if column.field in lists:
                place = list(lists).index(column.field)
                letter = self._letter(place)
                rows.data_validation(1, position, _ROWS, position, {
                    'validate': 'list', 'error_type': 'information',
                    'source': f"='{values}'!${letter}$5:${letter}${4 + len(lists[column.field][1])}",
                    'error_message': self.env._("This value is not on the list; the test of the import will tell you."),
                })
        workbook.close()
        return f'{self.env._("Import")} - {model._description_for_import()}.xlsx', buffer.getvalue()

    @staticmethod
    def _letter(position):
        from xlsxwriter.utility import xl_col_to_name  # noqa: PLC0415

        return xl_col_to_name(position)

    def _lists(self, model, columns):
        """Heading and allowed values by field name, of the columns that have a list."""
        lists = {}
        for column in columns:
            field = model._fields.get(column.field)
            heading = column.heading._translate(self.env.lang)
            if field is None:
                continue
            if field.type == 'selection':
                labels = field._description_selection(self.env)
                if column.field == 'nature':
                    labels = [(value, label) for value, label in labels if value != 'safeguarding']
                lists[column.field] = heading, [label for __, label in labels]
            elif field.type == 'boolean':
                lists[column.field] = heading, [self.env._("Yes"), self.env._("No")]
            elif field.relational and field.comodel_name.startswith('qualiopi.') and column.field != 'indicator_ids':
                records = self.env[field.comodel_name].search([('company_id', 'in', [self.env.company.id, False])])
                if 'is_confidential' in records._fields:
                    records = records.filtered(lambda record: not record.is_confidential)
                lists[column.field] = heading, records.mapped('name')
        return lists

    def _write_examples(self, sheet, formats, model, columns):
        sheet.freeze_panes(1, 1)
        sheet.set_landscape()
        sheet.set_paper(9)
        sheet.set_row(0, 32)
        for position, column in enumerate(columns):
            field = model._fields.get(column.field)
            is_day = field is not None and field.type in ('date', 'datetime') or column.field.endswith('_on')
            sheet.set_column(position, position, column.width, formats['date' if is_day else 'text'])
            sheet.write_string(0, position, column.heading._translate(self.env.lang), formats['head'])
        for line, example in enumerate(model._import_examples(), 1):
            for position, column in enumerate(columns):
                value = example.get(column.field)
                field = model._fields.get(column.field)
                if field is not None and field.type == 'selection' and value:
                    value = dict(field._description_selection(self.env))[value]
                if isinstance(value, date):
                    sheet.write_datetime(line, position, value, formats['date'])
                elif value not in (None, ''):
                    self._write_cell(sheet, line, position, value, formats)

    def _write_values(self, sheet, formats, lists):
        sheet.write_string(0, 0, self.env._(
            "Replace the example rows of the first sheet by yours. Columns that you do not need may stay empty or go."
        ), formats['label'])
        sheet.write_string(1, 0, self.env._(
            "Days as dd/mm/yyyy. Several causes or indicators: with a semicolon between them. Your former numbers are"
            " kept; a row whose number is in the register already is left out. Nobody gets a letter or an activity."
        ), formats['label'])
        sheet.write_string(2, 0, self.env._(
            "Sessions, trainers and owners are recognised by their exact name in Odoo; otherwise what you wrote is kept"
            " as a line of the description."
        ), formats['label'])
        for position, (heading, values) in enumerate(lists.values()):
            sheet.set_column(position, position, 30)
            sheet.write_string(3, position, heading, formats['head'])
            for line, value in enumerate(values, 4):
                sheet.write_string(line, position, value, formats['number'])
        sheet.freeze_panes(4, 0)
