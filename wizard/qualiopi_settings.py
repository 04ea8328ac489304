from odoo import api, fields, models
from odoo.exceptions import AccessError

# Company fields that a quality manager keeps without being an administrator. Not the quality lead, who
# joins the confidential group, nor the calendar, which others work by.
_KEPT = {
    'company_registry', 'qualiopi_nda', 'qualiopi_disability_officer_id', 'qualiopi_mediator',
    'qualiopi_mediator_contact', 'qualiopi_self_check', 'qualiopi_first_use', 'qualiopi_auto_acknowledge',
    'qualiopi_digest', 'qualiopi_form_enabled', 'qualiopi_form_anonymous', 'qualiopi_form_captcha',
    'qualiopi_form_hourly_limit', 'qualiopi_form_daily_limit', 'qualiopi_safeguarding_contacts',
    'qualiopi_privacy_notice',
    'qualiopi_action_categories', 'qualiopi_new_entrant', 'qualiopi_subcontractor_only',
    'qualiopi_uses_feedback', 'qualiopi_uses_review', 'qualiopi_uses_audit',
}


class QualiopiSettings(models.TransientModel):
    """The company's quality settings for a quality manager, to whom Odoo's own settings are closed."""

    _name = 'qualiopi.settings'
    _description = "Quality Settings"
    _check_company_auto = True

    company_id = fields.Many2one('res.company', required=True, readonly=True, default=lambda self: self.env.company)
    company_registry = fields.Char("SIRET")
    qualiopi_nda = fields.Char("Activity number (NDA)")
    qualiopi_manager_id = fields.Many2one(related='company_id.qualiopi_manager_id')
    qualiopi_disability_officer_id = fields.Many2one('res.partner', "Disability officer", check_company=True)
    qualiopi_calendar_id = fields.Many2one(related='company_id.resource_calendar_id', string="Working calendar")
    qualiopi_mediator = fields.Char("Consumer mediator")
    qualiopi_mediator_contact = fields.Text("Mediator's address")
    qualiopi_self_check = fields.Boolean("One-person organisation")
    qualiopi_first_use = fields.Date("Registers in use since")
    qualiopi_auto_acknowledge = fields.Boolean("Automatic acknowledgement")
    qualiopi_digest = fields.Boolean("Morning reminder")
    qualiopi_form_enabled = fields.Boolean("Public form")
    qualiopi_form_url = fields.Char(related='company_id.qualiopi_form_url')
    qualiopi_form_anonymous = fields.Boolean("Anonymous messages")
    qualiopi_form_captcha = fields.Boolean("Question against robots")
    qualiopi_form_hourly_limit = fields.Integer("Messages an hour from one connection")
    qualiopi_form_daily_limit = fields.Integer("Messages a day in all")
    qualiopi_safeguarding_contacts = fields.Text("Your own safeguarding contacts")
    qualiopi_privacy_notice = fields.Text("Privacy notice")
    qualiopi_action_categories = fields.Many2many('qualiopi.action.category', string="Categories of action")
    qualiopi_new_entrant = fields.Boolean("New entrant")
    qualiopi_subcontractor_only = fields.Boolean("Works only as a subcontractor")
    qualiopi_uses_feedback = fields.Boolean("Questionnaires")
    qualiopi_uses_review = fields.Boolean("Reviews and risks")
    qualiopi_uses_audit = fields.Boolean("Audits")

    @api.model
    def default_get(self, fields):
        # What the company has set is for those who set it.
        self.check_access('create')
        values = super().default_get(fields)
        # sudo: the settings alone, of the user's own company
        company = self.env.company.sudo()
        for name in _KEPT & set(fields):
            values[name] = company._fields[name].convert_to_write(company[name], company)
        return values

    def action_save(self):
        """Write the settings down on the company.

        :raise AccessError: for anybody but a quality manager of the company
        """
        self.ensure_one()
        self.check_access('write')
        if self.company_id not in self.env.companies or not self.env.user.has_group('qualiopi.group_manager'):
            raise AccessError(self.env._("Only a quality manager of the company keeps its quality settings."))
        # sudo: these fields alone, for the user's own company, checked above
        company = self.company_id.sudo()
        changed = {
            name: self._fields[name].convert_to_write(self[name], self)
            for name in _KEPT if self[name] != company[name]
        }
        if changed:
            company.write(changed)
        if any(name.startswith('qualiopi_uses_') for name in changed):
            # The menus are read again.
            return {'type': 'ir.actions.client', 'tag': 'reload'}
        return {'type': 'ir.actions.act_window_close'}

    def action_holidays(self):
        """Open the wizard that adds the French public holidays."""
        self.check_access('read')
        return self.env['ir.actions.act_window']._for_xml_id('qualiopi.qualiopi_holidays_action')
