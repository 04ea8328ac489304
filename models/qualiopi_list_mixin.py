from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.tools import ormcache


def shipped_id(env, name):
    """Id of a record that the program ships, from the cache: without the query by which ``env.ref`` sees that it
    still exists, since Odoo forgets the name of what is deleted.

    :param str name: external id, without the module
    :return: the id, or False when it is gone
    """
    return env['ir.model.data']._xmlid_to_res_id(f'qualiopi.{name}') or False


class QualiopiListMixin(models.AbstractModel):
    """A short list of values that the quality manager may edit.

    The registers link to these values with ``ondelete='restrict'``: what is in use is archived,
    not deleted.
    """

    _name = 'qualiopi.list.mixin'
    _description = "Editable List"
    _inherit = ['qualiopi.part.mixin', 'qualiopi.cached.mixin']
    _order = 'sequence, id'
    _server_fields = frozenset({'code'})

    name = fields.Char(required=True, translate=True)
    code = fields.Char(
        "Technical Key",
        readonly=True,
        copy=False,
        help="Set on the values that the program looks up.",
    )
    sequence = fields.Integer(default=10)
    active = fields.Boolean(default=True)
    company_id = fields.Many2one(
        'res.company', help="Leave empty to offer this value in all companies."
    )

    _code_uniq = models.UniqueIndex(
        '(code) WHERE code IS NOT NULL', "A technical key exists only once."
    )

    def _is_server(self):
        # The lists that come with the program are its data files'.
        return self.env.su or super()._is_server()

    @ormcache('self._origin.id', 'name')
    def _cached_value(self, name):
        """Value of a field, which costs no query once it is cached; for what each new entry goes by.

        :param str name: a field that is neither relational nor translated
        """
        # sudo: a setting that the program goes by, whoever records
        return self._origin.sudo()[name]

    @ormcache('self._origin.id')
    def _cached_company_id(self):
        """Id of the only company that is offered the value, or False; as _cached_value()."""
        # sudo: as _cached_value()
        return self._origin.sudo().company_id.id

    @api.ondelete(at_uninstall=False)
    def _unlink_except_technical_key(self):
        for value in self.filtered('code'):
            raise UserError(
                self.env._(
                    "“%s” is used by the program and cannot be deleted. Archive it instead.",
                    value.name,
                )
            )
