from odoo import api, models


class MailThread(models.AbstractModel):
    _inherit = 'mail.thread'

    @api.model
    def _routing_handle_bounce(self, email_message, message_dict):
        result = super()._routing_handle_bounce(email_message, message_dict)
        message = message_dict.get('bounced_message')
        if message and message.model == 'qualiopi.feedback.invite':
            # sudo: the gateway acts for nobody
            self.env['qualiopi.feedback.invite'].sudo().browse(message.res_id).exists()._message_bounced()
        return result
