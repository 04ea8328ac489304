"""Links that lead strangers to the public form, for a company or one of its sessions."""

from datetime import timedelta

from odoo import api, fields, models
from odoo.exceptions import MissingError
from odoo.tools.misc import consteq, hmac

# A session's link outlives it: complaints come late. Later the form opens without the session.
_SESSION_LINK_DAYS = 365
_MAX_ID = 2**31 - 1
_TOKEN_LENGTH = 24


class QualiopiDoorMixin(models.AbstractModel):
    _name = 'qualiopi.door.mixin'
    _description = "Link to the Public Form"

    # One letter tells the kinds of link apart.
    _door_letter = None

    def _door_token(self):
        """What stands in the link: not to be guessed, so that nobody walks through sessions or companies.

        :rtype: str
        """
        self.ensure_one()
        # sudo: the key that signs is the database's
        signature = hmac(self.env(su=True), 'qualiopi-door', (self._name, self.id))
        return f'{self._door_letter}{self.id}-{signature[:_TOKEN_LENGTH]}'

    def _door_url(self):
        """Address of the public form for this company or session, as posters and QR codes print it.

        :rtype: str
        """
        self.ensure_one()
        return f'{self.get_base_url()}/qualiopi/complaint/{self._door_token()}'

    @api.model
    def _from_door_token(self, token):
        """The record that a link was made for.

        :param token: what came from outside, of any kind
        :return: the record as superuser; empty when the link is not ours or has expired
        """
        if not isinstance(token, str) or not token.isascii() or not token.startswith(self._door_letter):
            return self.browse()
        number, __, __ = token[len(self._door_letter):].partition('-')
        if not number.isdigit() or int(number) > _MAX_ID:
            return self.browse()
        # sudo: visitors have no access; nothing is read before the signature is checked
        record = self.sudo().browse(int(number))
        if not consteq(record._door_token(), token):
            return self.browse()
        try:
            return record.filtered(lambda found: found._is_door_open())
        except MissingError:
            return self.browse()

    def _is_door_open(self):
        """Whether the record may still be written about.

        :raise MissingError: when it is gone
        """
        return bool(self.create_date)


class ResCompany(models.Model):
    _name = 'res.company'
    _inherit = ['res.company', 'qualiopi.door.mixin']
    _door_letter = 'c'


class EventEvent(models.Model):
    _name = 'event.event'
    _inherit = ['event.event', 'qualiopi.door.mixin']
    _door_letter = 's'

    def _is_door_open(self):
        return self.active and self.date_end + timedelta(days=_SESSION_LINK_DAYS) > fields.Datetime.now()
