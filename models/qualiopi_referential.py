from odoo import api, fields, models
from odoo.exceptions import ValidationError
from odoo.fields import Domain
from odoo.tools import format_date, ormcache


class QualiopiReferential(models.Model):
    """One version of the national quality reference framework (RNQ), and when it applies."""

    _name = 'qualiopi.referential'
    _description = "Quality Referential"
    _order = 'valid_from desc, id desc'
    _rec_names_search = ['code', 'name']

    code = fields.Char("Version", required=True)
    name = fields.Char(required=True, translate=True)
    valid_from = fields.Date(required=True)
    valid_to = fields.Date(
        help="Last day on which this version applies; empty while no later version is known."
    )
    decree = fields.Char(translate=True, help="Legal texts, as printed on the reports.")
    guide = fields.Char(
        "Reading Guide", translate=True, help="Reading guide, as printed on the reports."
    )
    is_provisional = fields.Boolean(
        "Provisional",
        help="The reading guide is not published yet: weightings are those of the version before.",
    )
    statement_ids = fields.One2many(
        'qualiopi.indicator.statement', 'referential_id', string="Statements"
    )

    _code_uniq = models.Constraint('UNIQUE(code)', "A version of the referential exists only once.")
    _period_check = models.Constraint(
        'CHECK(valid_to IS NULL OR valid_to >= valid_from)',
        "A version of the referential cannot end before it starts.",
    )

    @api.constrains('valid_from', 'valid_to')
    def _check_periods(self):
        """Refuse periods that overlap: on each day at most one version is in force."""
        for referential in self:
            domain = Domain('id', '!=', referential.id)
            domain &= Domain('valid_to', '=', False) | Domain(
                'valid_to', '>=', referential.valid_from
            )
            if referential.valid_to:
                domain &= Domain('valid_from', '<=', referential.valid_to)
            other = self.search(domain, limit=1)
            if other:
                first, second = (referential | other).sorted('valid_from')
                raise ValidationError(
                    self.env._(
                        "%(first)s and %(second)s would both be in force on %(day)s."
                        " End the earlier one on the day before the later one starts.",
                        first=first.code,
                        second=second.code,
                        day=format_date(self.env, second.valid_from),
                    )
                )

    @api.model_create_multi
    def create(self, vals_list):
        referentials = super().create(vals_list)
        self.env.registry.clear_cache('stable')
        return referentials

    def write(self, vals):
        result = super().write(vals)
        if {'valid_from', 'valid_to'} & vals.keys():
            self.env.registry.clear_cache('stable')
        return result

    def unlink(self):
        result = super().unlink()
        self.env.registry.clear_cache('stable')
        return result

    @api.model
    @ormcache(cache='stable')
    def _periods(self):
        """Return the validity of each version, ``[(first day, last day or None, id)]``."""
        # sudo: public law, and the cache is shared by all users
        return [
            (referential.valid_from, referential.valid_to or None, referential.id)
            for referential in self.sudo().search_fetch([], ['valid_from', 'valid_to'])
        ]

    @api.model
    def _in_force(self, date):
        """Return the version in force on a day. Costs no query once the periods are cached.

        :param date: a date (a day of the company, not an instant) or its string; may be empty
        :return: the referential, empty for an empty date and for days before the first version
        """
        day = fields.Date.to_date(date)
        for first, last, referential_id in self._periods() if day else ():
            if first <= day and (last is None or day <= last):
                return self.browse(referential_id)
        return self.browse()
