"""Odoo's own import screen, for the registers that take over a former one; for any other model nothing changes."""

from datetime import date, datetime

from odoo import api, fields, models

from ..models.qualiopi_import import QualiopiImportMixin, normal

# How people write days in France, beside what the file's options say.
_DAY_FORMATS = ('%d/%m/%Y', '%d/%m/%y', '%d-%m-%Y', '%d.%m.%Y', '%Y-%m-%d')
_TIME_FORMATS = ('', ' %H:%M', ' %H:%M:%S')
# Columns of the spreadsheets that the program counts itself.
_COUNTED = {
    'delai ar (j)', 'delai de reponse (j)', 'delai de traitement', 'dans les delais', 'retard (j)', 'remarques',
    'acknowledgement delay (d)', 'response delay (d)', 'in time', 'delay (d)', 'remarks',
}


class BaseImportImport(models.TransientModel):
    _inherit = 'base_import.import'

    def _qualiopi_model(self):
        """The register that the file goes to, None for any other model: then nothing is changed here."""
        model = self.env.get(self.res_model)
        return model if isinstance(model, QualiopiImportMixin) else None

    def execute_import(self, fields, columns, options, dryrun=False):
        if self._qualiopi_model() is not None:
            line = options.get('skip', 0) + (2 if options.get('has_headers') else 1)
            self = self.with_context(qualiopi_import_first_line=line)
        return super().execute_import(fields, columns, options, dryrun=dryrun)

    @api.model
    def get_fields_tree(self, model, depth=3):
        tree = super().get_fields_tree(model, depth)
        register = self.env.get(model)
        if not isinstance(register, QualiopiImportMixin):
            return tree
        present = {field['name'] for field in tree}
        for name, field in register._import_virtual_fields().items():
            if name not in present:
                entry = {
                    'id': name, 'name': name, 'string': field['string'], 'required': False, 'fields': [],
                    'type': field['type'], 'model_name': model,
                }
                if field.get('relation'):
                    entry['comodel_name'] = field['relation']
                tree.append(entry)
        return tree

    def _get_mapping_suggestion(self, header, fields_tree, header_types, mapping_fields):
        register = self._qualiopi_model()
        if register is not None and not mapping_fields.get(header.lower()):
            name = register._import_headings().get(normal(header))
            if name and any(field['name'] == name for field in fields_tree):
                return {'field_path': [name], 'distance': -1}
            if normal(header) in _COUNTED:
                return {}
        return super()._get_mapping_suggestion(header, fields_tree, header_types, mapping_fields)

    def parse_preview(self, options, count=10):
        if self._qualiopi_model() is not None and not options.get('date_format'):
            options = {**options, 'date_format': self.env['res.lang']._get_data(code=self.env.user.lang).date_format}
        return super().parse_preview(options, count)

    def _try_match_date_time(self, preview_values, options):
        if self._qualiopi_model() is not None:
            # A former number such as 2024-01 looks like a day, and must not decide how days are written.
            options = dict(options)
        return super()._try_match_date_time(preview_values, options)

    def _parse_date_from_data(self, data, index, name, field_type, options):
        """For our registers, a day that cannot be read is left for the message of its own row."""
        if self._qualiopi_model() is None:
            return super()._parse_date_from_data(data, index, name, field_type, options)
        days = [options['date_format']] if options.get('date_format') else []
        times = [options['datetime_format']] if options.get('datetime_format') else []
        patterns = [*times, *(day + time for time in _TIME_FORMATS for day in (*days, *_DAY_FORMATS))]
        for line in data:
            value = line[index]
            if isinstance(value, str) and value.strip():
                line[index] = self._qualiopi_moment(value.strip(), patterns, field_type)
            elif isinstance(value, date):
                line[index] = self._qualiopi_text(value, field_type)
        return None

    @staticmethod
    def _qualiopi_text(moment, field_type):
        if field_type == 'date':
            return fields.Date.to_string(moment)
        return fields.Datetime.to_string(fields.Datetime.to_datetime(moment))

    def _qualiopi_moment(self, text, patterns, field_type):
        for pattern in patterns:
            try:
                moment = datetime.strptime(text, pattern)
            except ValueError:
                continue
            if 1970 <= moment.year < 2200:
                return self._qualiopi_text(moment, field_type)
        return text
