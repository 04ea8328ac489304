"""The procedures that a company publishes to everybody."""

from odoo import api, fields, models
from odoo.tools import ormcache
from odoo.tools.misc import consteq, hmac

# Kinds that strangers may read.
PUBLIC_KINDS = ('complaint', 'safeguarding')
_TOKEN_LENGTH = 24
_MAX_ID = 2**31 - 1


class ResCompany(models.Model):
    _inherit = 'res.company'

    def _qualiopi_procedure(self, kind, day=None):
        """The procedure in force on a day, today by default.

        :param str kind: see qualiopi.procedure
        :param date day: any day, past or future
        :return: qualiopi.procedure as superuser, empty when none was in force
        """
        self.ensure_one()
        # sudo: procedures are published, whoever asks
        return self.env['qualiopi.procedure'].sudo()._in_force(self, kind, day)

    def _qualiopi_procedure_url(self, kind):
        """The public link to the procedure in force, whichever version it will be.

        :return: the address, False when there is none
        """
        self.ensure_one()
        if kind not in PUBLIC_KINDS:
            return False
        if not self._qualiopi_has_procedure(kind, self._qualiopi_local_date(fields.Datetime.now())):
            return False
        return f'{self.get_base_url()}/qualiopi/procedure/{self._qualiopi_procedure_token(kind)}'

    @ormcache('self.id', 'kind', 'day')
    def _qualiopi_has_procedure(self, kind, day):
        return bool(self._qualiopi_procedure(kind, day))

    def _qualiopi_procedure_token(self, kind):
        # sudo: the key that signs is the database's
        signature = hmac(self.env(su=True), 'qualiopi-procedure', (self.id, kind))
        return f'{self.id}-{kind}-{signature[:_TOKEN_LENGTH]}'

    @api.model
    def _from_procedure_token(self, token):
        """What a public link leads to.

        :param token: what came from outside, of any kind
        :return: the version in force as superuser, empty when there is none or the link is not ours
        """
        nothing = self.env['qualiopi.procedure']
        if not isinstance(token, str) or not token.isascii():
            return nothing
        number, __, rest = token.partition('-')
        kind = rest.partition('-')[0]
        if not number.isdigit() or int(number) > _MAX_ID or kind not in PUBLIC_KINDS:
            return nothing
        # sudo: visitors have no access; nothing is read before the signature is checked
        company = self.sudo().browse(int(number))
        if not consteq(company._qualiopi_procedure_token(kind), token) or not company.exists():
            return nothing
        return company._qualiopi_procedure(kind)

    def _qualiopi_missing_for_procedure(self, kind):
        """Settings that a starter text would take and that are not filled in, in the user's language.

        :rtype: list[str]
        """
        if not self or kind not in PUBLIC_KINDS:
            return []
        # sudo: which settings are empty is no secret
        company = self.sudo()
        wanted = [
            (company.qualiopi_manager_id, self.env._("the quality lead")),
            (company.email, self.env._("the company's e-mail address")),
            (company.phone, self.env._("the company's telephone number")),
        ]
        if kind == 'complaint':
            wanted.append((company.qualiopi_mediator, self.env._("the consumer mediator")))
            wanted.append((company.qualiopi_mediator_contact, self.env._("the mediator's address")))
        else:
            wanted.append((company.qualiopi_safeguarding_contacts, self.env._("your own safeguarding contacts")))
        return [label for value, label in wanted if not value]
