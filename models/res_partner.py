from collections import Counter

from odoo import api, fields, models
from odoo.fields import Domain

from .event_event import _GROUPS


class ResPartner(models.Model):
    _name = 'res.partner'
    _inherit = ['res.partner', 'qualiopi.referenced.mixin']

    complaint_ids = fields.One2many(
        'qualiopi.complaint', 'partner_id', "Register entries", groups=_GROUPS
    )
    complaint_count = fields.Integer(
        "Number of register entries",
        compute='_compute_complaint_count',
        groups=_GROUPS,
        help="Entries of the contact; for a company, those of its contacts too.",
    )

    def write(self, vals):
        result = super().write(vals)
        # sudo: whether one of them is a company of the database, whose team's language is read from the cache
        if 'lang' in vals and self.env['res.company'].sudo().search_count([('partner_id', 'in', self.ids)], limit=1):
            self.env['qualiopi.cached.mixin']._forget_cached()
        return result

    @api.depends('complaint_ids')
    @api.depends_context('uid', 'allowed_company_ids')
    def _compute_complaint_count(self):
        counts = Counter()
        for partner, count in self.env['qualiopi.complaint']._read_group(
            self._qualiopi_complaint_domain(),
            ['partner_id'],
            ['__count'],
        ):
            # sudo: an id to count under, of a contact whose entries the user sees
            for partner_id in {partner.id, partner.sudo().commercial_partner_id.id}:
                counts[partner_id] += count
        for partner in self:
            partner.complaint_count = counts[partner._origin.id]

    def _qualiopi_complaint_domain(self):
        """Entries whose complainant is one of these partners or a contact of one of them."""
        return Domain('partner_id', 'in', self.ids) | Domain(
            'partner_id', 'any!', [('commercial_partner_id', 'in', self.ids)]
        )

    def action_view_complaints(self):
        """Open the register entries of the contact, or of the company and its contacts.

        :return: a window action
        :rtype: dict
        """
        self.ensure_one()
        domain = [
            '|',
            ('partner_id', '=', self.id),
            ('partner_id.commercial_partner_id', '=', self.id),
        ]
        defaults = {'default_partner_id': self.id}
        if self.company_id in self.env.companies:
            defaults['default_company_id'] = self.company_id.id
        return self._qualiopi_window(
            'qualiopi.complaint', self.env._("Register"), domain, **defaults
        )
