"""What the public form leaves on an entry, and the signed marks that it goes by."""

import secrets
import time

from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.tools import email_normalize
from odoo.tools.misc import consteq, hmac

from .qualiopi_list_mixin import shipped_id

# Nobody fills in the form faster, and whoever takes longer gets it back with all that was typed.
FORM_FILL_SECONDS = 3
_FORM_SECONDS = 24 * 3600
# The confirmation holds the private link: on a shared computer it does not stay.
_RECEIPT_SECONDS = 3600
_NONCE_BYTES = 16


class QualiopiComplaint(models.Model):
    _inherit = 'qualiopi.complaint'

    told_when = fields.Char("When, as told", readonly=True, copy=False)
    told_training = fields.Char("Training, as told", readonly=True, copy=False)
    sender_lang = fields.Char("Language of the sender", readonly=True, copy=False)
    sender_partner_id = fields.Many2one(
        'res.partner', "Known by this address", compute='_compute_sender_partner_id',
        help="The only contact with the e-mail address that the sender gave. Nobody has checked that it is theirs.",
    )

    @api.depends('email_from', 'partner_id', 'text_origin', 'is_anonymous', 'company_id')
    def _compute_sender_partner_id(self):
        waiting = self.filtered(lambda c: c.text_origin in ('form', 'mail') and not c.partner_id and not c.is_anonymous)
        addresses = {complaint: email_normalize(complaint.email_from or '') for complaint in waiting}
        found = self.env['res.partner'].search([
            ('email_normalized', 'in', list({address for address in addresses.values() if address})),
        ]) if any(addresses.values()) else self.env['res.partner']
        for complaint in self:
            address = addresses.get(complaint)
            partners = found.filtered(
                lambda partner, address=address, company=complaint.company_id:
                partner.email_normalized == address and partner.company_id <= company
            ) if address else found.browse()
            complaint.sender_partner_id = partners if len(partners) == 1 else False

    def action_link_sender(self):
        """Take the only contact with the sender's address for the complainant: a person says so, not the form.

        :raise UserError: when no single contact has the address
        """
        for complaint in self:
            partner = complaint.sender_partner_id
            if not partner:
                raise UserError(self.env._("No single contact has the address of %s.", complaint.reference))
            told = complaint.contact_name
            complaint.partner_id = partner
            if told and told != partner.name:
                complaint._log_texts({complaint.id: self.env._("The sender gave this name: %s", told)})
        return True

    # === MARKS === #

    @api.model
    def _form_token(self, company, moment=None):
        """Mark of one form handed out: it tells when, serves once, and for this company.

        :param company: whose form it is
        :param float moment: seconds since 1970, now by default
        :rtype: str
        """
        moment = int(time.time() if moment is None else moment)
        return self._sign_form(f'{moment}-{secrets.token_hex(_NONCE_BYTES)}', company)

    @api.model
    def _sign_form(self, text, company):
        # sudo: the key that signs is the database's
        return f'{text}-{hmac(self.env(su=True), "qualiopi-form", (text, company.id))}'

    @api.model
    def _read_form_token(self, company, token):
        """What the mark of a form that came back says.

        :param company: whose form it is
        :param token: what came from outside, of any kind
        :return: 'ready', 'early' (nobody types so fast), 'expired' or 'wrong'; and the key that the entry is
            recorded under, None unless ready
        :rtype: tuple[str, str | None]
        """
        token = token if isinstance(token, str) and token.isascii() else ''
        text, __, __ = token.rpartition('-')
        if not text or not consteq(self._sign_form(text, company), token):
            return 'wrong', None
        moment, __, nonce = text.partition('-')
        age = time.time() - int(moment)
        if age > _FORM_SECONDS:
            return 'expired', None
        if age < FORM_FILL_SECONDS:
            return 'early', None
        return 'ready', f'form:{nonce}'

    @api.model
    def _form_recorded(self, key):
        """The entry that a form was recorded as, as superuser, or an empty recordset."""
        # sudo: the key is a secret that only whoever filled in the form holds
        return self.sudo().search([('intake_key', '=', key)], limit=1)

    @api.model
    def _form_receipt(self, key):
        """Mark that opens the confirmation for an hour."""
        text = f'{int(time.time()) + _RECEIPT_SECONDS}-{key.removeprefix("form:")}'
        # sudo: the key that signs is the database's
        return f'{text}-{hmac(self.env(su=True), "qualiopi-receipt", text)}'

    @api.model
    def _from_form_receipt(self, receipt):
        """The entry that a confirmation is about, as superuser; empty when the mark is not ours or has expired.

        :param str receipt: what came from outside
        """
        text, __, signature = receipt.rpartition('-')
        # sudo: the key that signs is the database's
        expected = hmac(self.env(su=True), 'qualiopi-receipt', text)
        if not signature.isascii() or not consteq(expected, signature):
            return self.browse()
        until, __, nonce = text.partition('-')
        return self.browse() if int(until) < time.time() else self._form_recorded(f'form:{nonce}')

    # === RECORDING === #

    @api.model
    def _record_form(self, company, values, files, key):
        """Record what a visitor has sent, once, with its files, and thank them.

        :param company: whose form it is
        :param dict values: fields of the entry that the controller has chosen and cleaned
        :param list files: (name, bytes) that _check_uploads() has accepted
        :param str key: see _read_form_token()
        """
        model = self.with_context(lang=company._qualiopi_lang())
        values = {**values, 'text_origin': 'form', 'channel_id': shipped_id(self.env, 'channel_web_form')}
        if values['nature'] == 'safeguarding':
            values['name'] = model.env._("Safeguarding report")
            if severity := shipped_id(self.env, 'severity_critical'):
                values['severity_id'] = severity
        complaint = model._receive(company, values, key)
        if not complaint:
            # Another worker has just recorded the same form: the click was a double one.
            return
        complaint._attach_uploads(files)
        complaint._thank()
