from odoo import api, fields, models


class QualiopiSettings(models.TransientModel):
    _inherit = 'qualiopi.settings'

    complaint_alias_name = fields.Char(
        "E-mail address for complaints",
        help="What is sent to this address becomes an entry of the register.",
    )
    complaint_alias_domain = fields.Char("Mail domain", compute='_compute_complaint_alias_domain')

    @api.depends('company_id')
    def _compute_complaint_alias_domain(self):
        for settings in self:
            # sudo: the domain alone is shown, to managers
            settings.complaint_alias_domain = settings.company_id.sudo().alias_domain_id.name

    @api.model
    def default_get(self, fields):
        values = super().default_get(fields)
        if 'complaint_alias_name' in fields:
            values['complaint_alias_name'] = self.env.company._qualiopi_address_channel().alias_name
        return values

    def action_save(self):
        result = super().action_save()
        name = (self.complaint_alias_name or '').partition('@')[0].strip()
        if name != (self.company_id._qualiopi_address_channel().alias_name or ''):
            self.company_id._set_complaint_address(name)
        return result
