import base64

from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.fields import Command
from odoo.tools import plaintext2html


class QualiopiReviewSend(models.TransientModel):
    _name = 'qualiopi.review.send'
    _description = "Send the Minutes of a Review"

    review_id = fields.Many2one('qualiopi.review', required=True, readonly=True, ondelete='cascade')
    partner_ids = fields.Many2many(
        'res.partner', string="To", compute='_compute_from_review', store=True, readonly=False,
        precompute=True,
    )
    audience = fields.Char("Other audience", help="Such as \"board in the hall\" or \"all trainers, in the meeting\".")
    text = fields.Text(
        "Message", compute='_compute_from_review', store=True, readonly=False, required=True, precompute=True,
    )
    is_sent = fields.Boolean(
        "Send it by e-mail", default=True, help="Untick it for minutes handed out: it is kept all the same.",
    )

    @api.depends('review_id')
    def _compute_from_review(self):
        for wizard in self:
            wizard.partner_ids = wizard.review_id.participant_ids
            wizard.text = self.env._(
                "Please find attached the minutes of \"%s\": figures, decisions and actions.", wizard.review_id.name,
            )

    def action_confirm(self):
        """Send the minutes to the people chosen and keep who received them, when (internal communication).

        :raise UserError: before the review is closed, or without anybody
        """
        self.ensure_one()
        review = self.review_id
        review.check_access('write')
        if review.state != 'closed':
            raise UserError(self.env._("The minutes are sent once the review is closed."))
        if not self.partner_ids and not self.audience:
            raise UserError(self.env._("Choose who receives the minutes."))
        if not review.minutes_id:
            review.action_make_minutes()
        if self.is_sent and self.partner_ids:
            unreachable = self.partner_ids.filtered(lambda partner: not partner.email_normalized)
            if unreachable:
                raise UserError(self.env._(
                    "No e-mail address: %s. Add one, or take these people out and name them as other audience.",
                    ", ".join(unreachable.mapped('name')),
                ))
            minutes = review.minutes_id
            review.message_post(
                body=plaintext2html(self.text), subject=review.display_name, partner_ids=self.partner_ids.ids,
                attachments=[(minutes.file_name, base64.b64decode(minutes.file))],
                message_type='comment', subtype_xmlid='mail.mt_note',
            )
        self.env['qualiopi.communication'].create({
            'review_id': review.id,
            'partner_ids': [Command.set(self.partner_ids.ids)],
            'audience': self.audience,
            'text': self.text,
        })
        review._followup_sync()
        return {'type': 'ir.actions.act_window_close'}
