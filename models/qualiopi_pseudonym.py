import re

from psycopg2.errors import UniqueViolation

from odoo import api, fields, models
from odoo.exceptions import ConcurrencyError
from odoo.tools import SQL

from ..anonymiser import Anonymiser, fold_name


class QualiopiPseudonym(models.Model):
    """The key of the anonymised documents: which code stands for which name. It is kept apart from them."""

    _name = 'qualiopi.pseudonym'
    _description = "Key of the Codes"
    _order = 'is_person desc, number'
    _rec_name = 'code'

    company_id = fields.Many2one('res.company', required=True, readonly=True, index=True, ondelete='cascade')
    key = fields.Char("Name without case and accents", required=True, readonly=True)
    name = fields.Char(required=True, readonly=True)
    is_person = fields.Boolean("Person", readonly=True)
    number = fields.Integer(required=True, readonly=True)
    code = fields.Char(compute='_compute_code', store=True)

    _key_uniq = models.UniqueIndex('(company_id, key)')
    _number_uniq = models.UniqueIndex('(company_id, is_person, number)')

    @api.depends('is_person', 'number')
    def _compute_code(self):
        for pseudonym in self:
            pseudonym.code = self._format(pseudonym.is_person, pseudonym.number)

    @staticmethod
    def _format(is_person, number):
        # Without a hyphen: a line would break there.
        return f'{"P" if is_person else "O"}{number:04d}'

    @api.model
    def _codes(self, company):
        """The codes given so far.

        :return: code by key
        :rtype: dict[str, str]
        """
        # sudo: whoever prints gets codes; what they stand for is the manager's to read
        return {row.key: row.code for row in self.sudo().search([('company_id', '=', company.id)])}

    @api.model
    def _numbers(self, company):
        # sudo: as above, numbers alone
        groups = self.sudo()._read_group([('company_id', '=', company.id)], ['is_person'], ['number:max'])
        return {True: 0, False: 0, **dict(groups)}

    @api.model
    def _keep(self, company, rows):
        """Add codes to the key.

        :param rows: dicts with ``key``, ``name``, ``is_person``, ``number``
        :raise ConcurrencyError: when somebody else gave codes at the same time; the request is run again
        """
        if not rows:
            return
        try:
            with self.env.cr.savepoint():
                # sudo: the key is written by the program on behalf of whoever prints
                self.sudo().create([{**row, 'company_id': company.id} for row in rows])
                self.env.flush_all()
        except UniqueViolation as error:
            raise ConcurrencyError("Codes were given at the same time") from error

    # === NAMES === #

    # Where names of persons stand besides partners: (model, field, field of the company).
    _name_fields = (
        ('event.registration', 'name', 'company_id'),
        ('qualiopi.complaint', 'contact_name', 'company_id'),
        ('qualiopi.feedback.invite', 'name', 'company_id'),
        ('qualiopi.dropout', 'learner_name', 'company_id'),
        ('qualiopi.dropout', 'told_by_name', 'company_id'),
        ('qualiopi.audit.question', 'interviewed', 'company_id'),
        ('qualiopi.audit.slot', 'persons', 'company_id'),
        ('qualiopi.incoming.mail', 'sender_name', 'company_id'),
    )

    @api.model
    def _known_names(self, company):
        """All names that are replaced: partners, users, and those written without a partner.

        :return: (is_person, name) pairs, sorted
        :rtype: list[tuple[bool, str]]
        """
        env = self.env
        env.flush_all()
        technical = [
            partner.id for name in ('base.public_partner', 'base.partner_root', 'qualiopi.partner_audit_reader')
            if (partner := env.ref(name, raise_if_not_found=False))
        ]
        pairs = {
            (not is_company, name) for is_company, name in env.execute_query(SQL(
                """SELECT DISTINCT is_company IS TRUE, name FROM res_partner
                    WHERE name IS NOT NULL AND (company_id IS NULL OR company_id = %s)
                      AND id NOT IN %s AND id <> %s""",
                company.id, tuple(technical) or (0,), company.partner_id.id,
            ))
        }
        # People of another company who act in this one have a partner of that company.
        pairs |= {
            (True, name) for [name] in env.execute_query(SQL(
                """SELECT DISTINCT p.name FROM res_users u JOIN res_partner p ON p.id = u.partner_id
                    WHERE p.name IS NOT NULL AND p.id NOT IN %s""", tuple(technical) or (0,),
            ))
        }
        for model, name, company_name in self._name_fields:
            if model not in env:
                continue
            model_fields = env[model]._fields
            if any(field not in model_fields or not model_fields[field].store for field in (name, company_name)):
                continue
            pairs |= {
                (True, part.strip()) for [text] in env.execute_query(SQL(
                    "SELECT DISTINCT %(name)s FROM %(table)s WHERE %(name)s IS NOT NULL AND %(company)s = %(id)s",
                    name=SQL.identifier(name), table=SQL.identifier(env[model]._table),
                    company=SQL.identifier(company_name), id=company.id,
                )) for part in re.split(r'[,;/()\n]| et | and ', text) if part.strip()
            }
        return sorted(pairs)

    @api.model
    def _anonymiser(self, company):
        """What replaces names in the documents of a company, and a function that keeps the codes it gave.

        :rtype: tuple[Anonymiser, callable]
        """
        codes, numbers, new = self._codes(company), self._numbers(company), []

        def code_of(entry):
            is_person, name = entry
            key = ' '.join(fold_name(name))
            if key not in codes:
                numbers[is_person] += 1
                codes[key] = self._format(is_person, numbers[is_person])
                new.append({'key': key, 'name': name, 'is_person': is_person, 'number': numbers[is_person]})
            return codes[key]

        def keep():
            self._keep(company, new)
            new.clear()

        # sudo: the provider's own name stays
        own = company.sudo()
        anonymiser = Anonymiser(self._known_names(company), code_of, {
            'name': self.env._("[name]"), 'email': self.env._("[e-mail]"), 'phone': self.env._("[telephone]"),
        }, kept=[own.name, own.partner_id.name or ''])
        return anonymiser, keep
