"""Where an e-mail goes: asked of its headers alone, before Odoo's own routing does anything with it."""

import ast

from odoo import api, models
from odoo.fields import Domain
from odoo.tools import ormcache

from .mail_passage import ENTRY_MODEL, Passage, Target
from .qualiopi_list_mixin import shipped_id


class QualiopiIncomingMail(models.Model):
    _inherit = 'qualiopi.incoming.mail'

    @api.model
    def _target_of(self, mail, model, thread_id, custom_values):
        """Whether a mail is for the registers, asked of its headers alone, as Odoo's routing will.

        :param MailReader mail: the message
        :param model: the model that the mail server's settings name for what has no address of ours
        :return: Target, or None
        """
        # sudo: addresses and messages are looked up for the gateway, whoever runs it
        env = self.sudo().env
        complete, local = self._own_addresses()
        is_ours = any(address in complete or address.partition('@')[0] in local for address in mail.recipients)
        if not is_ours and not mail.references and model != ENTRY_MODEL:
            return None
        record = None
        if mail.references:
            message = env['mail.message'].search([('message_id', 'in', mail.references)], limit=1, order='id desc')
            if message.res_id and Passage.is_ours(env, message.model):
                record = env[message.model].browse(message.res_id).exists()
        if not is_ours and not record and model != ENTRY_MODEL:
            return None
        sender = mail.sender[1]
        known = env['mail.alias'].search(
            Domain('alias_full_name', 'in', [*mail.recipients, sender or ''])
            | Domain('alias_incoming_local', '=', True)
            & Domain('alias_name', 'in', [address.partition('@')[0] for address in mail.recipients])
        ) if mail.recipients else env['mail.alias']
        aliases = known.filtered(
            lambda alias: alias.alias_full_name in mail.recipients or alias.alias_incoming_local
        )
        is_own_sender = bool(sender) and sender in known.mapped('alias_full_name')
        own = aliases.filtered(lambda alias: alias.alias_model_id.id == env['ir.model']._get_id(ENTRY_MODEL))
        others = bool(aliases - own)
        # An answer that names an address of another register is a forward to it, as Odoo sees it.
        if record and not others and not (own and record._name != ENTRY_MODEL):
            return Target({record.company_id.id: {}}, record, is_own_sender=is_own_sender)
        if own:
            places = {}
            for alias in own:
                place = self._place_of(alias._qualiopi_defaults(), alias)
                if place['event_id'] or place['company_id'] not in places:
                    places[place['company_id']] = place
            return Target(places, has_others=others, is_own_sender=is_own_sender)
        if not aliases and model == ENTRY_MODEL:
            record = env[ENTRY_MODEL].browse(thread_id or []).exists()
            place = self._place_of(custom_values, None)
            return Target({record.company_id.id or place['company_id']: place}, record or None)
        return None

    @api.model
    def _place_of(self, values, alias):
        """Company, channel, session and nature of an entry that comes to an address; nothing else is taken
        from its default values.

        :param values: default values of the address
        :param alias: the address
        :rtype: dict
        """
        values = values if isinstance(values, dict) else {}
        # sudo: the place of an entry is looked up for a stranger
        env = self.sudo().env
        channel = env['qualiopi.channel'].browse(_as_id(values.get('channel_id')))
        if not channel:
            channel = channel.browse(_as_id(shipped_id(env, 'channel_email')))
        if alias and alias.alias_parent_model_id.id == env['ir.model']._get_id(channel._name):
            channel = channel.browse(alias.alias_parent_thread_id)
        event = env['event.event'].browse(_as_id(values.get('event_id'))).exists()
        company = (
            env['res.company'].browse(_as_id(channel._cached_company_id() or values.get('company_id')))
            or event.company_id or self.env.company
        )
        if event.company_id and event.company_id != company:
            event = event.browse()
        nature = values.get('nature')
        known = env[ENTRY_MODEL]._fields['nature'].get_values(env)
        return {
            'company_id': company.id, 'channel_id': channel.id, 'event_id': event.id,
            'nature': nature if nature in known else 'complaint',
        }

    @api.model
    @ormcache()
    def _own_addresses(self):
        """Addresses of the registers, and what stands before the @ of those that hold for every domain; cached,
        since the mails of all other applications pass here.

        :rtype: tuple[frozenset[str], frozenset[str]]
        """
        # sudo: addresses are looked up for the gateway, whoever runs it
        aliases = self.sudo().env['mail.alias'].search([('alias_model_id.model', '=', ENTRY_MODEL)])
        return (
            frozenset(aliases.mapped('alias_full_name')),
            frozenset(aliases.filtered('alias_incoming_local').mapped('alias_name')),
        )

    @api.model
    @ormcache()
    def _sending_addresses(self):
        """Addresses that Odoo itself writes from, cached.

        :rtype: frozenset[str]
        """
        # sudo: addresses are looked up for the gateway, whoever runs it
        domains = self.sudo().env['mail.alias.domain'].search(Domain('name', '!=', False))
        return frozenset(
            domain[name] for domain in domains for name in ('bounce_email', 'catchall_email', 'default_from_email')
            if domain[name]
        )


def _as_id(value):
    return [value] if isinstance(value, int) and value > 0 else []


class MailAliasDomain(models.Model):
    _name = 'mail.alias.domain'
    _inherit = ['mail.alias.domain', 'qualiopi.cached.mixin']

    @api.model
    def _find_aliases(self, email_list):
        """Odoo asks again and again which addresses of one mail are its own: for a mail of ours, once."""
        passage = self.env['mail.thread']._qualiopi_passage()
        if not passage:
            return super()._find_aliases(email_list)
        known = passage.own_addresses
        if any(address not in known for address in email_list):
            asked = {*email_list, *passage.mail.recipients, passage.mail.sender[1]}
            found = super()._find_aliases(list(asked))
            known.update((address, address in found) for address in asked)
        return [address for address in email_list if known[address]]


class MailAlias(models.Model):
    _name = 'mail.alias'
    _inherit = ['mail.alias', 'qualiopi.cached.mixin']
    _cached_fields = frozenset({'alias_name', 'alias_domain_id', 'alias_incoming_local', 'alias_model_id'})

    def _cached_rows(self):
        own = self.env['ir.model']._get_id(ENTRY_MODEL)
        return self.filtered(lambda alias: alias.alias_model_id.id == own)

    def _qualiopi_defaults(self):
        """Default values of the address."""
        self.ensure_one()
        try:
            return dict(ast.literal_eval(self.alias_defaults))
        except (ValueError, SyntaxError, TypeError):
            return {}
