from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.fields import Command


class QualiopiComplaintFollow(models.TransientModel):
    _name = 'qualiopi.complaint.follow'
    _description = "Private Link and Sharing of an Entry"

    complaint_id = fields.Many2one('qualiopi.complaint', required=True, readonly=True)
    url = fields.Char("Private link", compute='_compute_link')
    expires_on = fields.Date("Valid until", compute='_compute_link')
    is_revoked = fields.Boolean(compute='_compute_link')
    is_confidential = fields.Boolean(compute='_compute_link')
    partner_ids = fields.Many2many('res.partner', string="Shared with")

    @api.depends('complaint_id')
    def _compute_link(self):
        for wizard in self:
            complaint = wizard.complaint_id
            complaint._check_may_share()
            wizard.url = complaint._follow_url()
            wizard.expires_on = complaint.link_expires_on if wizard.url else False
            wizard.is_revoked = complaint.is_link_revoked
            wizard.is_confidential = complaint.is_confidential

    @api.model
    def _window_for(self, complaint):
        wizard = self.create({
            'complaint_id': complaint.id,
            'partner_ids': [Command.set(complaint.shared_partner_ids.ids)],
        })
        return {
            'type': 'ir.actions.act_window',
            'name': self.env._("Private link and sharing"),
            'res_model': self._name,
            'res_id': wizard.id,
            'views': [(False, 'form')],
            'target': 'new',
        }

    def action_revoke(self):
        """Withdraw the private link."""
        self.complaint_id.action_revoke_link()
        return self._window_for(self.complaint_id)

    def action_renew(self):
        """Make a new private link; the former one is dead."""
        self.complaint_id.action_renew_link()
        return self._window_for(self.complaint_id)

    def action_share(self):
        """Share the entry with the persons chosen, and with nobody else."""
        self.ensure_one()
        self.complaint_id._share_with(self.partner_ids)
        return {'type': 'ir.actions.act_window_close'}

    @api.constrains('partner_ids')
    def _check_partner_ids(self):
        """Only who has a portal account can read what is shared."""
        for wizard in self:
            # sudo: whether a contact has an account
            lost = wizard.partner_ids.sudo().filtered(lambda p: not p.user_ids.filtered(lambda user: user.share))
            if lost:
                raise UserError(self.env._(
                    "%s has no portal account: grant access from the contact first.",
                    ", ".join(lost.mapped('display_name')),
                ))
