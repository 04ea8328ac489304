from odoo import api, fields, models
from odoo.exceptions import UserError


class QualiopiActionTell(models.TransientModel):
    _name = 'qualiopi.action.tell'
    _description = "Tell the Complainants of an Action"

    action_id = fields.Many2one('qualiopi.improvement.action', required=True, readonly=True, ondelete='cascade')
    offered_ids = fields.Many2many('qualiopi.complaint', compute='_compute_offered_ids')
    complaint_ids = fields.Many2many(
        'qualiopi.complaint', string="Entries", compute='_compute_complaint_ids', store=True, readonly=False,
        domain="[('id', 'in', offered_ids)]",
    )
    text = fields.Text(
        "What was done", compute='_compute_text', store=True, readonly=False,
        help="As the letter says it. Confidential entries get a letter that does not quote it.",
    )

    @api.depends('action_id')
    def _compute_text(self):
        for wizard in self:
            wizard.text = wizard.action_id.name

    @api.depends('action_id')
    def _compute_offered_ids(self):
        for wizard in self:
            wizard.offered_ids = wizard.action_id and wizard.action_id._complaints_to_inform()

    @api.depends('action_id')
    def _compute_complaint_ids(self):
        for wizard in self:
            wizard.complaint_ids = wizard.offered_ids._without_confidential()

    def action_confirm(self):
        """Send the letter to the authors of the entries chosen."""
        self.ensure_one()
        if not self.complaint_ids:
            raise UserError(self.env._("Choose at least one entry."))
        self.action_id._inform_complainants(self.complaint_ids, self.text)
        return {'type': 'ir.actions.act_window_close'}
