"""What a complainant follows of an entry: by a private link, or with a portal account; and with whom the
quality team shares it."""

import secrets
from datetime import timedelta

from odoo import SUPERUSER_ID, api, fields, models
from odoo.exceptions import AccessError, UserError
from odoo.fields import Command, Domain
from odoo.tools import email_normalize
from odoo.tools.misc import consteq
from odoo.tools.sql import escape_psql

from .qualiopi_complaint_verdict import VERDICT_ANSWERS

_LINK_DAYS = 365
# A link that is given out opens for this long at least.
_LINK_LEAST_DAYS = 90
# Doors through which a stranger says who they are: the address alone has found the contact.
_CLAIMED_ORIGINS = ('mail', 'form')


class QualiopiComplaint(models.Model):
    _name = 'qualiopi.complaint'
    _inherit = ['qualiopi.complaint', 'portal.mixin']

    # Composed with those of the other files, whatever their order.
    @property
    def _server_fields(self):
        return super()._server_fields | {'link_expires_on', 'is_link_revoked', 'shared_partner_ids'}

    # Opens the entry to whoever holds it: read and written by the methods below alone.
    access_token = fields.Char(groups=fields.NO_ACCESS)
    link_expires_on = fields.Date("Private link until", readonly=True, copy=False)
    is_link_revoked = fields.Boolean("Private link withdrawn", readonly=True, copy=False)
    shared_partner_ids = fields.Many2many(
        'res.partner', 'qualiopi_complaint_shared_rel', 'complaint_id', 'partner_id', "Shared with",
        readonly=True, copy=False,
        help="Persons with a portal account who read the entry and its response there.",
    )

    # === PRIVATE LINK === #

    def _compute_access_url(self):
        for complaint in self:
            complaint.access_url = f'/my/complaints/{complaint._origin.id}'

    def _has_follow_link(self):
        return not self.is_link_revoked and not self.is_imported

    def _follow_url(self):
        """Private link that opens the entry without login. To be handed to its author alone.

        :return: the address, empty for an entry of the former register or a link that was withdrawn
        :rtype: str
        """
        self.ensure_one()
        # sudo: the token is made and read by the program alone; who asks for it was checked by the caller
        complaint = self.sudo()._as_server()
        if not complaint._has_follow_link():
            return ''
        today = complaint._verdict_today()
        if not complaint.access_token:
            received = complaint.received_date or today
            complaint.write({
                'access_token': secrets.token_urlsafe(32),
                'link_expires_on': received + timedelta(days=_LINK_DAYS),
            })
        if not complaint.link_expires_on or complaint.link_expires_on < today + timedelta(days=_LINK_LEAST_DAYS):
            complaint.link_expires_on = today + timedelta(days=_LINK_LEAST_DAYS)
        return f'{complaint.get_base_url()}{complaint.access_url}?access_token={complaint.access_token}'

    def _follow_open(self, token):
        """The entry that a private link opens.

        :param token: what came from outside, of any kind
        :return: the entry, as the program's user; empty whatever is wrong with link or entry
        """
        given = token if isinstance(token, str) else ''
        # sudo: the holder of the link has no account; nothing is given away before the token is compared
        complaint, compared = self.sudo()._with_stand_in()
        is_same = consteq((compared.access_token or secrets.token_urlsafe(32)).encode(), given.encode())
        if not complaint or not is_same or not complaint._has_follow_link():
            return self.browse()
        if not complaint.link_expires_on or complaint.link_expires_on < complaint._verdict_today():
            return self.browse()
        return complaint._for_outside()

    def _for_outside(self):
        """The entry as superuser, in the hands of the program and the language of its author: what is
        written for somebody from outside is not the account's of all visitors."""
        # sudo: the token or the author was checked before; what follows is the program's
        return self.sudo().with_user(self.env.ref('base.user_root')).with_context(
            allowed_company_ids=self.sudo().company_id.ids,
        )

    def _may_share(self):
        """Whether the user hands out the link and shares these entries: quality officers, and the confidential
        group for what is confidential."""
        if self.env.su:
            return True
        role = any(self.env.user.has_group(f'qualiopi.group_{group}') for group in ('officer', 'confidential'))
        return role and self.has_access('write')

    def _check_may_share(self):
        if not self._may_share():
            raise AccessError(self.env._("Only the quality team hands out the private link of an entry."))

    def action_follow(self):
        """The window of the private link and of the persons with whom the entry is shared."""
        self._check_may_share()
        self.ensure_one()
        return self.env['qualiopi.complaint.follow']._window_for(self)

    def action_revoke_link(self):
        """Withdraw the private link: who holds it finds nothing any more."""
        self._check_may_share()
        # sudo: the link is the program's field; who may withdraw it was checked
        self._as_server().sudo().write({'access_token': False, 'is_link_revoked': True})
        self._log_texts({complaint.id: self.env._("The private link was withdrawn.") for complaint in self})
        return True

    def action_renew_link(self):
        """Make a new private link, for a year; the former one is dead."""
        self._check_may_share()
        # sudo: the link is the program's field; who may renew it was checked
        for complaint in self._as_server().sudo():
            complaint.write({
                'access_token': secrets.token_urlsafe(32),
                'is_link_revoked': False,
                'link_expires_on': complaint._verdict_today() + timedelta(days=_LINK_DAYS),
            })
        self._log_texts({complaint.id: self.env._("A new private link was made.") for complaint in self})
        return True

    def _share_with(self, partners):
        """Share the entry on the portal with these persons, and with nobody else.

        :raise UserError: for a confidential entry, which is shared with nobody
        """
        self.ensure_one()
        self._check_may_share()
        if self.is_confidential and partners:
            raise UserError(self.env._("A confidential entry is shared with nobody."))
        added, removed = partners - self.shared_partner_ids, self.shared_partner_ids - partners
        self._as_server().write({'shared_partner_ids': [Command.set(partners.ids)]})
        texts = [
            self.env._("Shared on the portal with %s.", ", ".join(added.mapped('display_name'))) if added else '',
            self.env._("No longer shared with %s.", ", ".join(removed.mapped('display_name'))) if removed else '',
        ]
        if added or removed:
            self._log_texts({self.id: '\n'.join(filter(None, texts))})

    # === WHAT ODOO'S OWN PORTAL WOULD OPEN === #
    # Its routes know neither the end of a link nor its withdrawal, and show more than we do.

    def _portal_ensure_token(self):
        self._follow_url()
        # sudo: for Odoo's own methods, which hand it to nobody without the right checked in _get_share_url()
        return self.sudo().access_token or ''

    def _sign_token(self, pid):
        # sudo: the token is part of what is signed
        return super(QualiopiComplaint, self.sudo())._sign_token(pid)

    def _get_share_url(self, redirect=False, signup_partner=False, pid=None, share_token=True):
        self.ensure_one()
        if not share_token:
            return self.access_url
        self._check_may_share()
        return self._follow_url()

    def get_portal_url(self, suffix=None, report_type=None, download=None, query_string=None, anchor=None):
        """The private link, for the quality team.

        :raise AccessError: for anybody else
        """
        self._check_may_share()
        return self._follow_url()

    @api.model
    def action_share(self):
        """The window of the private link, where Odoo's own would send it to anybody."""
        return self.browse(self.env.context.get('active_id')).action_follow()

    @api.model
    def _get_thread_with_access(self, thread_id, *, hash=None, pid=None, token=None, **kwargs):  # noqa: A002
        return super()._get_thread_with_access(thread_id, **kwargs)

    def _get_access_action(self, access_uid=None, force_website=False):
        self.ensure_one()
        # sudo: whether the account is a portal one is asked, not shown
        user = self.env['res.users'].sudo().browse(access_uid) if access_uid else self.env.user
        if force_website or user.share:
            return {'type': 'ir.actions.act_url', 'url': self.access_url, 'target': 'self', 'res_id': self.id}
        return super()._get_access_action(access_uid=access_uid, force_website=force_website)

    def _notify_get_recipients_groups(self, message, model_description, msg_vals=False):
        groups = super()._notify_get_recipients_groups(message, model_description, msg_vals=msg_vals)
        if not self:
            return groups
        # sudo: who receives a letter need not be known to who sends it
        complaint = self.sudo()
        # Odoo's own group carries the token to its own pages.
        groups = [group for group in groups if group[0] != 'portal_customer']
        portal = next(group for group in groups if group[0] == 'portal')
        portal[2]['has_button_access'] = not complaint.is_confidential
        portal[2]['button_access'] = {'url': f'{self.get_base_url()}{self.access_url}'}
        if complaint.is_confidential or not complaint.letter_address or not complaint._has_follow_link():
            return groups
        partner, address = complaint._letter_partner(), complaint.letter_address
        lang_self = self.with_context(lang=complaint._letter_lang())
        button = {'url': complaint._follow_url(), 'title': lang_self.env._("Follow my file")}

        def is_author(pdata):
            if pdata['id']:
                return pdata['id'] == partner.id
            return email_normalize(pdata.get('email_normalized') or pdata.get('email') or '') == address

        return [('qualiopi_author', is_author, {
            'active': True, 'has_button_access': True, 'button_access': button,
        }), *groups]

    # === PORTAL ACCOUNT === #

    @api.model
    def _portal_domain(self, user):
        """Entries that a portal user follows: the own ones, and those shared with them; never by itself what
        an employee tells about, nor what somebody has only claimed to be theirs.

        An address proves nothing by itself: portal users change theirs, and may register with any where
        accounts are free. What came by mail or form under an address is shown to the account whose login it
        is, when the account was given to them and not taken.

        :param user: the portal user
        :rtype: Domain
        """
        # sudo: about the user's own account
        user = user.sudo()
        own = Domain('partner_id', '=', user.partner_id.id) & Domain('is_imported', '=', False)
        proved = Domain('text_origin', 'not in', _CLAIMED_ORIGINS)
        login = email_normalize(user.login or '')
        if login and self._is_account_given(user):
            address = escape_psql(login)
            proved |= Domain('email_from', '=ilike', address) | Domain('email_from', '=ilike', f'%<{address}>')
        # Of a report, staff may have named anybody as the person who spoke.
        proved &= Domain('is_confidential', '=', False) | Domain('text_origin', '!=', 'staff')
        shared = Domain('shared_partner_ids', 'in', user.partner_id.ids) & Domain('is_confidential', '=', False)
        return Domain('company_id', 'in', user.company_ids.ids) & (own & proved | shared)

    @api.model
    def _is_account_given(self, user):
        """Whether somebody of the house made the account, whose password then came by mail to its login."""
        # sudo: about the user's own account
        creator = user.sudo().create_uid
        if creator and not creator.share and creator.id != SUPERUSER_ID:
            return True
        # sudo: a setting of the database
        return self.env['res.users'].sudo()._get_signup_invitation_scope() != 'b2c'

    @api.model
    def _portal_entries(self, user):
        """The model as superuser, restricted by nobody's companies: to be searched with _portal_domain()."""
        # sudo: portal users have no right on the register; only what the domain of their own partner finds
        # is ever read
        return self.sudo().with_context(allowed_company_ids=user.sudo().company_ids.ids)

    def _portal_open(self, user):
        """The entry, when the portal user follows it.

        :param user: the portal user
        :return: the entry, as the program's user; empty when it is missing or none of theirs
        """
        domain = self._portal_domain(user) & Domain('id', 'in', self.ids)
        return self._portal_entries(user).search(domain)._for_outside()

    def _is_author(self, user):
        """Whether the user follows the entry as its author, not as somebody with whom it is shared."""
        # sudo: the contacts are compared, not shown
        return self.sudo().partner_id == user.sudo().partner_id

    def _restrict_audience(self):
        # sudo: whoever makes an entry confidential ends its sharing
        self.sudo().filtered('shared_partner_ids')._as_server().write({'shared_partner_ids': [Command.clear()]})
        return super()._restrict_audience()

    # === VERDICT === #

    def _has_current_verdict(self):
        if not self.verdict_requested_on:
            # Given on the page of the entry, where nobody had to ask.
            return self.verdict in VERDICT_ANSWERS and bool(self.verdict_date)
        return super()._has_current_verdict()
