"""Letters of an action: whoever complained hears that something was done about it."""

from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.fields import Command


class QualiopiImprovementAction(models.Model):
    _inherit = 'qualiopi.improvement.action'

    # Composed with those of the other files, whatever their order.
    @property
    def _server_fields(self):
        return super()._server_fields | {'informed_complaint_ids'}

    informed_complaint_ids = fields.Many2many(
        'qualiopi.complaint', 'qualiopi_action_informed_rel', 'action_id', 'complaint_id',
        string="Complainants told", readonly=True, copy=False, check_company=True,
        help="The entries whose authors were told by mail that the action has been carried out.",
    )
    to_inform_count = fields.Integer(compute='_compute_to_inform_count', export_string_translation=False)

    @api.depends('phase', 'finding_ids.complaint_ids', 'informed_complaint_ids')
    def _compute_to_inform_count(self):
        for action in self:
            action.to_inform_count = len(action._complaints_to_inform()._without_confidential())

    def _complaints_to_inform(self):
        """Entries that the user sees whose authors were not told yet that the action has been carried out."""
        self.ensure_one()
        complaints = self.env['qualiopi.complaint']
        if self.phase not in ('check', 'done') or self.is_imported:
            return complaints
        return (self.complaint_ids - self.informed_complaint_ids).filtered(
            lambda c: c.has_response_steps and c.letter_address and not c.is_imported and c.state != 'cancelled'
        )

    def action_inform_complainants(self):
        """Choose who is told that the action has been carried out (RNQ, indicators 31 and 32).

        :raise UserError: when there is nobody to tell, or nothing yet
        """
        self.ensure_one()
        if not self._complaints_to_inform():
            raise UserError(self.env._(
                "Nobody is left to tell: either the action is not carried out yet, or no entry that it came"
                " from has an address, or everybody was told."
            ))
        return {
            'type': 'ir.actions.act_window',
            'name': self.env._("Tell the complainants"),
            'res_model': 'qualiopi.action.tell',
            'views': [(False, 'form')],
            'target': 'new',
            'context': {'default_action_id': self.id},
        }

    def _inform_complainants(self, complaints=None, text=None):
        """Tell the authors of entries that the action has been carried out, once each. Confidential entries
        only when they are named: nothing of theirs leaves by itself.

        :param complaints: entries that the action came from; all but the confidential ones by default
        :param str text: what was done, as they read it; the title of the action by default
        :return: the entries whose authors are told
        """
        self.ensure_one()
        self.lock_for_update(allow_referencing=True)
        self.invalidate_recordset(['informed_complaint_ids'])
        waiting = self._complaints_to_inform()
        told = waiting._without_confidential() if complaints is None else waiting & complaints
        told._check_letter()
        for complaint in told:
            complaint._send_letter(
                'action',
                # What was done may say what a confidential entry is about.
                qualiopi_action_name=not complaint.is_confidential and not self.is_confidential
                and (text or self.name),
            )
        self._as_server().write({'informed_complaint_ids': [Command.link(id_) for id_ in told.ids]})
        return told
