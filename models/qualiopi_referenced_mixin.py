from odoo import api, models
from odoo.exceptions import UserError
from odoo.fields import Domain
from odoo.tools import SQL, ormcache

from .qualiopi_register_mixin import QualiopiRegisterMixin


class QualiopiReferencedMixin(models.AbstractModel):
    """What Odoo's own records have in common that register records refer to."""

    _name = 'qualiopi.referenced.mixin'
    _description = "Record that quality registers refer to"

    def _qualiopi_references(self):
        """Fields by which register records refer to this model.

        :return: field names by model name
        :rtype: dict[str, list[str]]
        """
        references = {}
        for name in self.env.registry:
            model = self.env[name]
            if model._abstract or model._transient or not isinstance(model, QualiopiRegisterMixin):
                continue
            names = [
                field.name
                for field in model._fields.values()
                if field.type == 'many2one' and field.store and field.comodel_name == self._name
            ]
            if names:
                references[name] = names
        return references

    @api.ondelete(at_uninstall=False)
    def _unlink_except_register_entries(self):
        """Refuse to delete what a register refers to, confidential entries included (rule 1)."""
        if not self:
            return
        count = 0
        for name, names in self._qualiopi_references().items():
            # sudo: all entries are counted, and only their number is said
            model = self.env[name].sudo().with_context(active_test=False)
            count += model.search_count(Domain.OR(Domain(field, 'in', self.ids) for field in names))
        if count:
            names = [record.display_name for record in self[:3]]
            raise UserError(
                self.env._(
                    "%(count)s register entries refer to %(records)s: archive it instead.",
                    count=count,
                    records=", ".join(names) + (" …" if len(self) > 3 else ""),
                )
            )

    def _qualiopi_count(self, name, model, field):
        """Fill in the numbers of register records that the user sees, in one query.

        :param str name: the field that takes the number
        :param str model: name of the register
        :param str field: its many2one towards this model
        """
        counts = dict(self.env[model]._read_group([(field, 'in', self.ids)], [field], ['__count']))
        for record in self:
            record[name] = counts.get(record._origin, 0)

    def _qualiopi_counts(self, sources):
        """Fill in the numbers of several registers, as the user sees them, in one query together.

        :param dict sources: (name of the register, its many2one towards this model, further conditions) by the field
            that takes the number
        """
        if not self.ids:
            self.update(dict.fromkeys(sources, 0))
            return
        clauses = self._qualiopi_count_clauses(tuple(sources.values()))
        rows = self.env.execute_query(SQL(" UNION ALL ").join(
            SQL("SELECT %s, %s, COUNT(*) FROM %s WHERE %s AND %s IN %s GROUP BY %s",
                name, column, table, condition, column, tuple(self.ids), column)
            for name, (table, condition, column) in zip(sources, clauses, strict=True)
        ))
        counts = {(name, record): count for name, record, count in rows}
        for record in self:
            record.update({name: counts.get((name, record._origin.id), 0) for name in sources})

    @api.model
    @ormcache('self.env.uid', 'self.env.su', 'tuple(self.env.context.get("allowed_company_ids") or ())',
              'self.env.context.get("active_test", True)', 'sources')
    def _qualiopi_count_clauses(self, sources):
        """What the user sees of registers, kept as long as Odoo keeps the rules that it follows from.

        :param tuple sources: see ``_qualiopi_counts``
        :return: table, condition and column of the many2one, for each
        :rtype: list[tuple[SQL, SQL, SQL]]
        """
        clauses = []
        for model, field, *conditions in sources:
            register = self.env[model]
            query = register._search(Domain.AND(conditions))
            column = register._field_to_sql(query.table, field, query)
            clauses.append((query.from_clause, query.where_clause or SQL("TRUE"), column))
        return clauses

    def _qualiopi_window(self, model, name, domain, **context):
        """The window on the register records of this one, ready for quick entry.

        :param dict context: default values of a new record
        :return: a window action
        :rtype: dict
        """
        return {
            'type': 'ir.actions.act_window',
            'name': name,
            'res_model': model,
            'view_mode': 'list,kanban,form',
            'views': [(False, 'list'), (False, 'kanban'), (False, 'form')],
            'domain': domain,
            'context': context,
        }
