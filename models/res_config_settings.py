from odoo import fields, models


class ResConfigSettings(models.TransientModel):
    _inherit = 'res.config.settings'

    qualiopi_nda = fields.Char(related='company_id.qualiopi_nda', readonly=False)
    qualiopi_company_registry = fields.Char(related='company_id.company_registry', readonly=False)
    qualiopi_manager_id = fields.Many2one(related='company_id.qualiopi_manager_id', readonly=False)
    qualiopi_disability_officer_id = fields.Many2one(
        related='company_id.qualiopi_disability_officer_id',
        readonly=False,
    )
    qualiopi_mediator = fields.Char(related='company_id.qualiopi_mediator', readonly=False)
    qualiopi_mediator_contact = fields.Text(
        related='company_id.qualiopi_mediator_contact', readonly=False
    )
    qualiopi_self_check = fields.Boolean(related='company_id.qualiopi_self_check', readonly=False)
    qualiopi_first_use = fields.Date(related='company_id.qualiopi_first_use', readonly=False)
    qualiopi_calendar_id = fields.Many2one(
        related='company_id.resource_calendar_id',
        string="Working calendar",
        readonly=False,
        domain="[('company_id', 'in', [company_id, False])]",
    )
    qualiopi_auto_acknowledge = fields.Boolean(
        related='company_id.qualiopi_auto_acknowledge', readonly=False
    )
    qualiopi_digest = fields.Boolean(related='company_id.qualiopi_digest', readonly=False)
    qualiopi_uses_feedback = fields.Boolean(related='company_id.qualiopi_uses_feedback', readonly=False)
    qualiopi_uses_review = fields.Boolean(related='company_id.qualiopi_uses_review', readonly=False)
    qualiopi_uses_audit = fields.Boolean(related='company_id.qualiopi_uses_audit', readonly=False)
    qualiopi_form_enabled = fields.Boolean(related='company_id.qualiopi_form_enabled', readonly=False)
    qualiopi_form_url = fields.Char(related='company_id.qualiopi_form_url')
    qualiopi_form_anonymous = fields.Boolean(related='company_id.qualiopi_form_anonymous', readonly=False)
    qualiopi_form_captcha = fields.Boolean(related='company_id.qualiopi_form_captcha', readonly=False)
    qualiopi_form_hourly_limit = fields.Integer(related='company_id.qualiopi_form_hourly_limit', readonly=False)
    qualiopi_form_daily_limit = fields.Integer(related='company_id.qualiopi_form_daily_limit', readonly=False)
    qualiopi_safeguarding_contacts = fields.Text(related='company_id.qualiopi_safeguarding_contacts', readonly=False)
    qualiopi_privacy_notice = fields.Text(related='company_id.qualiopi_privacy_notice', readonly=False)
