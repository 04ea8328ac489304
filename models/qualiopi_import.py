"""Taking over a former register or action plan from a spreadsheet, on Odoo's own import screen (design, rule 9)."""

import unicodedata
from collections import defaultdict
from typing import NamedTuple

from odoo import api, fields, models
from odoo.fields import Domain
from odoo.tools import LazyTranslate

_lt = LazyTranslate(__name__, default_lang='en_US')

# "31", "31, 32", "ind. 31 et 32".
_NUMBERS = r'(ind(icateurs?|icators?|\.)?\s*)?(n[o°]s?\s*)?\d{1,3}([\s,;/&+et-]+\d{1,3})*'

class ImportColumn(NamedTuple):
    """A column of an import template: the field that it fills, its heading, its width in characters."""

    field: str
    heading: object
    width: int


def normal(text):
    """A heading or a value as it is compared: without case, accents, doubled spaces.

    :param str text: what stands in the cell
    :rtype: str
    """
    text = unicodedata.normalize('NFKD', str(text or '').replace('’', "'").casefold())
    text = ''.join(char for char in text if not unicodedata.combining(char))
    return ' '.join(text.split()).rstrip(' *:')


class QualiopiImportMixin(models.AbstractModel):
    """What the registers share that are taken over from a file.

    A column whose name begins with ``import_`` is no field: _import_row() says what becomes of it.
    """

    _name = 'qualiopi.import.mixin'
    _description = "Former Register in a File"

    # Other headings of the same column, by field.
    _import_aliases = {}
    # Words of former registers for values of ours: field, then word, then value.
    _import_words = {}

    @api.model
    def _description_for_import(self):
        """What the register is called in the name of the template's file."""
        return self.env['ir.model']._get(self._name).name

    @api.model
    def _import_columns(self):
        """Columns of the template, in their order.

        :rtype: list[ImportColumn]
        """
        return []

    @api.model
    def _import_examples(self):
        """Example rows of the template: values by field name.

        :rtype: list[dict]
        """
        return []

    @api.model
    def _import_example_name(self, xmlid):
        record = self.env.ref(xmlid, raise_if_not_found=False)
        return record.name if record else ''

    @api.model
    def get_import_templates(self):
        """The spreadsheet to fill in, made in the user's language when it is asked for."""
        return [{
            'label': self.env._("Template for the former register or plan"),
            'template': f'/qualiopi/import_template/{self._name}',
        }]

    @api.model
    def _import_headings(self):
        """Field of each heading that is known, in French, in English and in the user's language.

        :rtype: dict[str, str]
        """
        headings = {}
        for column in self._import_columns():
            names = [column.heading._translate(lang) for lang in ('fr_FR', 'en_US', self.env.lang)]
            for name in (*names, *self._import_aliases.get(column.field, ())):
                headings.setdefault(normal(name), column.field)
        return headings

    @api.model
    def _import_virtual_fields(self):
        """Columns that are no fields, and fields that the screen has read-only, for the import screen.

        :return: name, label and type by name
        :rtype: dict[str, dict]
        """
        found = {}
        labels = {column.field: column.heading for column in self._import_columns()}
        for name in (*labels, *sorted(self._import_fields - labels.keys())):
            field = self._fields.get(name)
            if not field:
                found[name] = {'string': labels[name]._translate(self.env.lang), 'type': 'char'}
            elif field.readonly:
                found[name] = {
                    'string': field._description_string(self.env), 'type': field.type,
                    'relation': field.comodel_name,
                }
        return found

    # === LOADING === #

    @api.model
    def load(self, fields, data):
        """Load the rows of a file; those that were taken over before are left as they are (design, rule 9)."""
        if not self.env.context.get('import_file') or 'qualiopi_import_values' in self.env.context:
            return super().load(fields, data)
        company = self.env.company
        # sudo: the company's time zone
        model = self.with_context(
            # A day of the file is a day of the company.
            tz=company.sudo()._qualiopi_tz(), _import_limit=None, qualiopi_import_people={},
            **({'tracking_disable': True} if 'old_reference' in fields else {}),
        )
        return model._load_file(list(fields), data, self.env.context.get('_import_limit'))

    def _load_file(self, names, data, limit):
        taken = self._import_taken(names, data)
        chosen = data[:limit] if limit else data
        rows, positions, extras, ids, errors = [], [], [], [], []
        reader = self._import_reader(names)
        first_rows = {}
        for position, cells in enumerate(chosen):
            row = dict(zip(names, cells, strict=True))
            key = self._import_key(row)
            if key in taken:
                ids += taken[key]
                continue
            values, left = reader(row)
            wrong = self._import_wrong(row, left)
            if key and key[0] == 'number' and first_rows.setdefault(key, position) != position:
                wrong.append(('old_reference', self.env._(
                    "Number %(number)s stands in the file twice, first on row %(row)s.",
                    number=row['old_reference'].strip(), row=self._import_line(first_rows[key]),
                )))
            errors += [self._import_error(position, *one) for one in wrong]
            rows.append(left)
            positions.append(position)
            extras.append(values)
        columns = [name for name in names if name in self._fields or '/' in name or name in ('id', '.id')]
        with self.env.cr.savepoint() as savepoint:
            self._import_prepare(extras)
            result = self.with_context(qualiopi_import_values=extras).load(
                columns, [[left[name] for name in columns] for left in rows],
            )
            self._import_place(result['messages'], positions)
            result['messages'] = self._import_numbered(result['messages'] + errors)
            if any(message['type'] == 'error' for message in result['messages']):
                result['ids'] = False
                savepoint.rollback()
            else:
                self._import_finish(self.browse(result['ids']), extras)
                result['ids'] += self.browse(ids)._filtered_access('read').ids
        result['nextrow'] = limit if limit and len(data) > limit else 0
        return result

    def _import_wrong(self, row, left):
        """What is wrong with a row by itself; a day that cannot be read is taken out of ``left``.

        :return: name of the column and message, each
        :rtype: list[tuple[str, str]]
        """
        wrong = []
        if self._import_flag(row) and not row.get(self._import_day_cell(), True):
            # Today's date would be a lie.
            wrong.append((self._import_day_cell(), self.env._("The date is missing.")))
        for name, text in left.items():
            if name not in self._fields or self._fields[name].type not in ('date', 'datetime'):
                continue
            try:
                fields.Datetime.to_datetime(text or None)
            except ValueError:
                wrong.append((name, self.env._("\"%s\" is no date. Write it as 31/12/2024.", text)))
                left[name] = ''
        return wrong

    # === MESSAGES === #

    def _import_line(self, position):
        """The line of the file, as a spreadsheet counts them, of a row that is being loaded."""
        return position + self.env.context.get('qualiopi_import_first_line', 2)

    @staticmethod
    def _import_error(position, field, message):
        return {
            'type': 'error', 'record': position, 'rows': {'from': position, 'to': position}, 'field': field,
            'message': message,
        }

    @staticmethod
    def _import_place(messages, positions):
        """Odoo has counted the rows that it was given: say which rows of the file they are."""
        for message in messages:
            if 'rows' in message:
                message['rows'] = {side: positions[row] for side, row in message['rows'].items()}
            if message.get('record') is not None and message.get('record') is not False:
                message['record'] = positions[message['record']]

    def _import_numbered(self, messages):
        """The messages, each with the line that it is about: the screen shows the text alone."""
        for message in messages:
            if message['type'] == 'error' and 'rows' in message:
                message['message'] = self.env._(
                    "Row %(row)s: %(message)s",
                    row=self._import_line(message['rows']['from']), message=message['message'],
                )
                message['by_row'] = True
        return messages

    def _load_records(self, data_list, update=False):
        extras = self.env.context.get('qualiopi_import_values')
        if extras is not None:
            for data in data_list:
                values = data['values']
                known = extras[data['info']['rows']['from']]
                values.update({name: value for name, value in known.items() if name in self._fields})
                for name in [name for name, value in values.items() if value is False]:
                    # An empty cell leaves what must have a value to its default.
                    if self._fields[name].required:
                        del values[name]
        return super()._load_records(data_list, update)

    def _import_prepare(self, extras):
        """Make what the rows refer to and does not exist yet."""

    def _import_finish(self, records, extras):
        """What is done once all rows are recorded."""

    # === TWICE THE SAME FILE === #

    def _import_day_field(self):
        """The field that tells rows without a number apart, besides their words."""
        return self._referential_date_field()

    def _import_key(self, row):
        """What tells one row from another: its number, else its day and its words."""
        number = str(row.get('old_reference') or '').strip()
        if number:
            return 'number', number.casefold()
        if 'old_reference' not in row and not self._import_flag(row):
            return None
        words = self._import_words_of(row.get('name'), row.get('description'))
        day = row.get(self._import_day_cell()) or ''
        return words and ('words', str(day)[:10], words)

    def _import_day_cell(self):
        return self._import_day_field()

    @staticmethod
    def _import_words_of(name, description):
        return normal(name) or normal((description or '').strip().split('\n', 1)[0][:79])

    def _import_taken(self, names, data):
        """Records that stand in the register already: ids by key."""
        if 'old_reference' not in names and 'is_imported' not in names:
            return {}
        domain = Domain('is_imported', '=', True) & Domain('company_id', '=', self.env.company.id)
        day = self._import_day_field()
        taken = defaultdict(list)
        # sudo: a number is taken also where the user may not see whose it is; nothing else is given away
        known = self.sudo().with_context(active_test=False).search_fetch(
            domain, ['old_reference', 'name', day, 'description'], order='id',
        )
        for record in known:
            number = (record.old_reference or '').strip()
            words = self._import_words_of(record.name, record.description)
            key = ('number', number.casefold()) if number else ('words', str(record[day] or ''), words)
            taken[key].append(record.id)
        return taken
