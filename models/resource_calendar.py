from odoo import api, fields, models

# France and its overseas territories with the French labour code.
_FRENCH_CODES = ('FR', 'GF', 'GP', 'MQ', 'RE', 'YT')


class ResourceCalendar(models.Model):
    _name = 'resource.calendar'
    _inherit = ['resource.calendar', 'qualiopi.cached.mixin']

    qualiopi_is_french = fields.Boolean(
        compute='_compute_qualiopi_is_french', export_string_translation=False,
    )

    @api.depends('company_id.country_id')
    @api.depends_context('company')
    def _compute_qualiopi_is_french(self):
        for calendar in self:
            company = calendar.company_id or self.env.company
            # A calendar that everybody shares is offered where it is the company's own.
            # sudo: the current company's calendar is compared, not shown
            own = calendar.company_id or calendar._origin == company.sudo().resource_calendar_id
            calendar.qualiopi_is_french = bool(own and company.country_id.code in _FRENCH_CODES)

    def action_qualiopi_holidays(self):
        """Open the wizard that adds the French public holidays to this calendar."""
        self.ensure_one()
        action = self.env['ir.actions.act_window']._for_xml_id('qualiopi.qualiopi_holidays_action')
        action['context'] = {
            'default_company_id': (self.company_id or self.env.company).id,
            'default_calendar_id': self.id,
        }
        return action


class ResourceCalendarAttendance(models.Model):
    _name = 'resource.calendar.attendance'
    _inherit = ['resource.calendar.attendance', 'qualiopi.cached.mixin']


class ResourceCalendarLeaves(models.Model):
    _name = 'resource.calendar.leaves'
    _inherit = ['resource.calendar.leaves', 'qualiopi.cached.mixin']

    def _cached_rows(self):
        # The holidays of one person move no deadline.
        return self.filtered(lambda leave: not leave.resource_id)
