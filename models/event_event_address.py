from odoo import api, fields, models
from odoo.exceptions import AccessError, UserError


class EventEvent(models.Model):
    """An address of its own for a session: what is sent there is about this session."""

    _inherit = 'event.event'

    complaint_alias_id = fields.Many2one(
        'mail.alias', "Address for complaints", readonly=True, copy=False, ondelete='set null',
        index='btree_not_null', groups='qualiopi.group_declarant,qualiopi.group_auditor',
    )
    complaint_address = fields.Char(
        "E-mail address for complaints", compute='_compute_complaint_address',
        groups='qualiopi.group_declarant,qualiopi.group_auditor',
        help="What is sent to this address becomes an entry of the register, about this session.",
    )

    @api.depends('complaint_alias_id')
    def _compute_complaint_address(self):
        for event in self:
            # sudo: an address that is given to everybody
            alias = event.sudo().complaint_alias_id
            event.complaint_address = alias.alias_full_name if alias.alias_domain_id else False

    def action_create_complaint_address(self):
        """Make the session's own address for complaints.

        :raise UserError: without a mail domain
        """
        for event in self:
            event._make_complaint_address()
        return True

    def _make_complaint_address(self):
        self.check_access('read')
        if not self.env.user.has_group('qualiopi.group_officer'):
            raise AccessError(self.env._("Only a quality officer makes an address for complaints."))
        # sudo: sessions and addresses are written by others; the right was checked above
        event = self.sudo()
        company = event.company_id or self.env.company
        if event.complaint_alias_id:
            return
        if not company.alias_domain_id:
            raise UserError(self.env._(
                "There is no mail domain for %s yet. Ask your administrator to set one in the general settings.",
                company.name,
            ))
        channel = company._qualiopi_address_channel() or event.env.ref('qualiopi.channel_email', False)
        models_ = event.env['ir.model']
        event.complaint_alias_id = event.env['mail.alias'].create({
            'alias_name': f'session-{event.id}',
            'alias_domain_id': company.alias_domain_id.id,
            'alias_model_id': models_._get_id('qualiopi.complaint'),
            'alias_defaults': {
                'event_id': event.id, 'company_id': company.id, 'channel_id': channel.id if channel else False,
            },
            'alias_parent_model_id': models_._get_id('event.event'),
            'alias_parent_thread_id': event.id,
        })

    def unlink(self):
        # sudo: the address goes with its session
        aliases = self.sudo().complaint_alias_id
        result = super().unlink()
        aliases.unlink()
        return result
