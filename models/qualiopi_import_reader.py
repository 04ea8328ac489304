"""How the cells of a former register are read: words of lists and selections, indicators, people, and what has no
field of its own."""

import re
from datetime import date

from odoo import models
from odoo.fields import Command, Domain
from odoo.tools import format_date
from odoo.tools.sql import escape_psql

from .qualiopi_import import normal
from .qualiopi_list_mixin import QualiopiListMixin

# "31", "31, 32", "ind. 31 et 32".
_NUMBERS = r'(ind(icateurs?|icators?|\.)?\s*)?(n[o°]s?\s*)?\d+([\s,;/&+et-]+\d+)*'


class QualiopiImportMixin(models.AbstractModel):
    _inherit = 'qualiopi.import.mixin'

    def _import_flag(self, row):
        """Whether a row is one of the former register: so are all rows of a file with a column of former numbers,
        unless they say no."""
        said = normal(row.get('is_imported'))
        if said:
            return said not in ('non', 'no', 'faux', 'false', '0', 'n', 'f')
        return 'old_reference' in row

    def _import_reader(self, names):
        """A function from a row to the values that are known at once and the cells that Odoo reads.

        Words of short lists and selections are matched in any language of the database, without case
        and accents; names with commas stay whole.
        """
        selections, lists = {}, {}
        langs = {code for code, __ in self.env['res.lang'].get_installed()} | {'en_US'}
        for name in names:
            field = self._fields.get(name)
            if field is None:
                continue
            if field.type == 'selection':
                words = {}
                for lang in langs:
                    for value, label in field._description_selection(self.env(context={'lang': lang})):
                        words[normal(label)] = words[normal(value)] = value
                selections[name] = {**self._import_words.get(name, {}), **words}
            elif field.relational and isinstance(self.env[field.comodel_name], QualiopiListMixin):
                lists[name] = self._import_list(field, langs)
        with_flag = bool({'old_reference', 'is_imported'} & set(names))

        def read(row):
            left = {name: value.strip() if isinstance(value, str) else value for name, value in row.items()}
            values = {}
            for name, words in selections.items():
                value = words.get(normal(left[name])) if left[name] else None
                if value:
                    left[name] = value
            for name, words in lists.items():
                found = self._import_pick(left[name], words, self._fields[name].type == 'many2many')
                if found:
                    left[name] = ''
                    values[name] = found
            if with_flag:
                left['is_imported'] = ''
                values['is_imported'] = self._import_flag(row)
            self._import_indicators(left, values)
            self._import_row(left, values)
            return values, left

        return read

    def _import_list(self, field, langs):
        """Ids of the values of a short list by their names; a name of two values stays undecided."""
        values = self.env[field.comodel_name].search([('company_id', 'in', [self.env.company.id, False])])
        words = {}
        for lang in langs:
            for value in values.with_context(lang=lang):
                words.setdefault(normal(value.name), set()).add(value.id)
        for word, target in self._import_words.get(field.name, {}).items():
            value = self.env.ref(target, raise_if_not_found=False)
            if value and value in values:
                words.setdefault(word, {value.id})
        return {word: next(iter(ids)) for word, ids in words.items() if len(ids) == 1}

    @staticmethod
    def _import_pick(text, words, several):
        """Values of a cell, None unless all of them are known."""
        if not text:
            return None
        whole = words.get(normal(text))
        if not several:
            return whole
        if whole:
            return [Command.set([whole])]
        ids = []
        for part in re.split(r'[;\n|]', text):
            pieces = part.split(',')
            while any(piece.strip() for piece in pieces):
                # The longest name first: some have commas of their own.
                for size in range(len(pieces), 0, -1):
                    found = words.get(normal(','.join(pieces[:size])))
                    if found:
                        ids.append(found)
                        pieces = pieces[size:]
                        break
                else:
                    return None
        return [Command.set(ids)] if ids else None

    def _import_row(self, left, values):
        """Say what becomes of the columns that are no fields.

        :param dict left: cells that Odoo is still to read, by name; may be changed
        :param dict values: values of the new record; may be changed
        """

    def _import_indicators(self, left, values):
        """Indicators by their numbers, as people list them."""
        numbers = left.get('indicator_ids')
        if numbers and re.fullmatch(_NUMBERS, normal(numbers)):
            found = self.env['qualiopi.indicator'].search([
                ('number', 'in', [int(number) for number in re.findall(r'\d+', numbers)]),
            ])
            if len(found) == len(set(re.findall(r'\d+', numbers))):
                left['indicator_ids'] = ''
                values['indicator_ids'] = [Command.set(found.ids)]

    def _import_note(self, left, values, names):
        """Keep columns without a field of their own as lines of the description, so that nothing is lost."""
        labels = {column.field: column.heading for column in self._import_columns()}
        lines = []
        for name in names:
            text = left.get(name)
            if text:
                if isinstance(text, date):
                    text = format_date(self.env, text)
                lines.append(self.env._(
                    "%(heading)s: %(text)s", heading=labels[name]._translate(self.env.lang), text=text,
                ))
        if lines:
            values['description'] = '\n'.join(filter(None, [left.get('description'), *lines]))

    def _import_user(self, text):
        """The person of the company with this name, login or address; nobody unless there is one only."""
        users = self._import_people('res.users', text)
        return users.filtered(lambda user: not user.share and self._has_role(user))

    def _import_people(self, model, text):
        """The one record of ``model`` with exactly this name, or an empty one."""
        key = (model, normal(text))
        known = self.env.context['qualiopi_import_people']
        if key not in known:
            records = self.env[model]
            names = {'res.users': ('name', 'login', 'email')}.get(model, ('name',))
            company = 'company_ids' if model == 'res.users' else 'company_id'
            companies = [self.env.company.id] if model == 'res.users' else [self.env.company.id, False]
            found = records.search(
                Domain(company, 'in', companies)
                & Domain.OR(Domain(name, '=ilike', escape_psql(text)) for name in names), limit=2,
            ) if text else records
            known[key] = found.id if len(found) == 1 else False
        return self.env[model].browse(known[key])
