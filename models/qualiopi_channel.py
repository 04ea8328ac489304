from odoo import api, fields, models
from odoo.exceptions import ValidationError
from odoo.tools import ormcache


class QualiopiChannel(models.Model):
    """How an entry reached the provider (R1)."""

    _name = 'qualiopi.channel'
    _description = "Complaint Channel"
    _inherit = ['qualiopi.list.mixin', 'mail.alias.mixin.optional']

    needs_written_confirmation = fields.Boolean(
        help="A complaint is written: what was said is confirmed in writing, and the trace kept.",
    )
    is_escalated = fields.Boolean(
        "Escalate at Once",
        help="What comes this way goes to the quality lead at once.",
    )
    alias_id = fields.Many2one(index='btree_not_null')

    @api.constrains('alias_id', 'company_id')
    def _check_alias_company(self):
        for channel in self:
            if channel.alias_name and not channel.company_id:
                raise ValidationError(self.env._(
                    "An address belongs to one company: choose it on the channel \"%s\".", channel.name,
                ))

    def _alias_get_creation_values(self):
        values = super()._alias_get_creation_values()
        values['alias_model_id'] = self.env['ir.model']._get_id('qualiopi.complaint')
        if self.id:
            values['alias_defaults'] = {'company_id': self.company_id.id, 'channel_id': self.id}
        return values

    @api.model_create_multi
    def create(self, vals_list):
        return super().create([self._with_only_company(vals) for vals in vals_list])

    def _with_only_company(self, vals):
        """Where there is one company, nobody is asked whose the address is."""
        if vals.get('alias_name') and not vals.get('company_id') and not self.company_id:
            # sudo: whether there is one company only
            if self.env['res.company'].sudo().search_count([], limit=2) == 1:
                return {**vals, 'company_id': self.env.company.id}
        return vals

    def write(self, vals):
        vals = self._with_only_company(vals)
        result = super().write(vals)
        if vals.keys() & {'company_id', 'alias_name'}:
            self._check_alias_company()
            for channel in self.filtered('alias_id'):
                # sudo: the address is the channel's, which the user may write
                channel.alias_id.sudo().alias_defaults = channel._alias_get_creation_values()['alias_defaults']
        return result


class ResCompany(models.Model):
    _inherit = 'res.company'

    qualiopi_complaint_address = fields.Char(
        "E-mail address for complaints", compute='_compute_qualiopi_complaint_address',
        help="What is sent to this address becomes an entry of the register.",
    )

    def _qualiopi_address_channel(self):
        """The channel that holds the company's address, perhaps none."""
        self.ensure_one()
        # sudo: an address that is given to everybody
        return self.env['qualiopi.channel'].sudo().search([
            ('company_id', '=', self.id), ('alias_id.alias_name', '!=', False),
        ], limit=1)

    def _compute_qualiopi_complaint_address(self):
        for company in self:
            company.qualiopi_complaint_address = company._qualiopi_published_address()

    @ormcache('self.id')
    def _qualiopi_published_address(self):
        """The company's address for complaints, as the public form shows it to everybody; costs no query once it is
        cached.

        :return: the address, False when there is none
        """
        return self._qualiopi_address_channel().alias_email if self.id else False

    def _set_complaint_address(self, name):
        """Give the company its address for complaints, change it or take it away.

        :param name: what stands before the @; nothing to take the address away
        """
        self.ensure_one()
        channels = self.env['qualiopi.channel']
        channel = self._qualiopi_address_channel().with_env(channels.env)
        if channel:
            channel.alias_name = name
        elif name:
            # One without an address that the company has already, else its own copy of the common one.
            channel = channels.search([('company_id', '=', self.id), ('alias_id', '!=', False)], limit=1)
            if channel:
                channel.alias_name = name
            else:
                common = self.env.ref('qualiopi.channel_email', raise_if_not_found=False)
                channels.create({
                    'name': self.env._("E-mail (address for complaints)"),
                    'sequence': common.sequence if common else 10,
                    'company_id': self.id, 'alias_name': name,
                })
