from odoo import api, models
from odoo.exceptions import UserError
from odoo.fields import NO_ACCESS, Command

# A context value that no remote caller can send: our own methods write with it what users may not.
_SERVER = object()


class QualiopiProgramMixin(models.AbstractModel):
    """What a remote caller may not write any more than a screen lets people write it: values that the program
    gives, and a company that is not theirs."""

    _name = 'qualiopi.program.mixin'
    _description = "Values of the Program"

    # What only the program writes, whoever asks; stored computed fields are the program's without being named.
    _server_fields = frozenset()
    # What never changes once a record exists.
    _frozen_fields = frozenset()

    def _is_server(self):
        return self.env.context.get('qualiopi_server') is _SERVER

    def _as_server(self):
        """The same records, open to the values that only the program writes."""
        return self.with_context(qualiopi_server=_SERVER)

    def _as_user(self):
        return self.with_context(qualiopi_server=False)

    @api.model
    def default_get(self, fields):
        defaults = super().default_get(fields)
        if self._is_server():
            return defaults
        server_fields = self._server_fields
        for name in list(defaults):
            field = self._fields.get(name)
            if name in server_fields or field and (self._is_computed(field) or field.groups == NO_ACCESS):
                # Neither the caller's context nor somebody's own defaults say what the program does.
                del defaults[name]
                if field.default:
                    value = field.convert_to_cache(field.default(self), self, validate=False)
                    defaults[name] = field.convert_to_write(value, self)
        return defaults

    def write(self, vals):
        if self.env.su or not self._may_move(vals):
            return super().write(vals)
        # sudo: which company it is of, before and after
        records = self.sudo()
        before = records.mapped('company_id')
        result = super().write(vals)
        if records.mapped('company_id') != before:
            # Odoo asks for the right before alone: nobody moves a record to a company that is not theirs.
            self.check_access('write')
        return result

    def _may_move(self, vals):
        """Whether a write of ``vals`` may change the company of the records."""
        company = self._fields.get('company_id')
        return 'company_id' in vals or bool(company and company.compute) and any(
            name in self._fields and self._fields[name].type == 'many2one' for name in vals)

    @staticmethod
    def _is_computed(field):
        return field.compute and field.store and field.readonly

    def _check_computed_values(self, names):
        """Refuse values of stored computed fields, which Odoo takes from a remote caller as they come.

        :param names: names of the fields that are written
        :raise UserError: names the field
        """
        for name in names:
            field = self._fields.get(name)
            if field and self._is_computed(field):
                self._refuse_value(name)

    def _check_server_values(self, vals_list):
        """Refuse at creation what only the program writes.

        :param list vals_list: as given to ``create``
        :raise UserError: names the field
        """
        if self._is_server():
            return
        for vals in vals_list:
            self._check_computed_values(vals.keys() - self._server_fields)
            for name in (self._server_fields - self._given_fields(vals)) & vals.keys():
                if vals[name] and not self._is_server_default(name, vals[name]):
                    self._refuse_value(name)

    def _given_fields(self, vals):
        """Fields of the program that a new record may bring all the same."""
        return set()

    def _is_server_default(self, name, value):
        field, default = self._fields[name], self._server_default(name)
        return bool(default) and field.convert_to_cache(value, self) == field.convert_to_cache(default, self)

    def _server_default(self, name):
        """The value of a field of the program that a new record may name without harm."""
        return None

    def _check_written_values(self, vals):
        """Refuse a change of what only the program writes, or of what never changes.

        :raise UserError: names the field
        """
        if self._is_server():
            return
        self._check_computed_values(vals.keys() - self._server_fields)
        for name in vals.keys() & (self._server_fields | self._frozen_fields):
            if any(record._differs_from({name: vals[name]}) for record in self):
                self._refuse_value(name)

    def _differs_from(self, vals):
        """Whether a write of ``vals`` would change the record: a table that is imported twice says again
        what stands there already."""
        self.ensure_one()
        for name, value in vals.items():
            field = self._fields.get(name)
            if field is None:
                return True
            if field.type in ('one2many', 'many2many'):
                ids = set(self[name].ids)
                for command in value or ():
                    if command[0] == Command.SET and set(command[2]) == ids:
                        continue
                    if command[0] == Command.LINK and command[1] in ids:
                        continue
                    return True
            elif field.convert_to_cache(value, self) != field.convert_to_cache(self[name], self):
                return True
        return False

    def _refuse_value(self, name):
        raise UserError(self.env._(
            "\"%s\" is filled in by the program and cannot be set by hand.",
            self._fields[name]._description_string(self.env),
        ))


class QualiopiPartMixin(models.AbstractModel):
    """What stands beside the registers: lists, and parts of their records. The registers look at what they are
    given themselves, since a number comes with it."""

    _name = 'qualiopi.part.mixin'
    _description = "Beside the Registers"
    _inherit = 'qualiopi.program.mixin'

    @api.model_create_multi
    def create(self, vals_list):
        self.browse().check_access('create')
        self._check_server_values(vals_list)
        return super().create(vals_list)

    def write(self, vals):
        # Who has no access at all hears of no field.
        self.check_access('write')
        self._check_written_values(vals)
        return super().write(vals)
