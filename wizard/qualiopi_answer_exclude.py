from odoo import fields, models


class QualiopiAnswerExclude(models.TransientModel):
    _name = 'qualiopi.answer.exclude'
    _description = "Set an Answer Aside"

    answer_ids = fields.Many2many('survey.user_input', required=True)
    reason = fields.Char(required=True)

    def action_confirm(self):
        """Set the answers aside, with the user's own rights."""
        self.ensure_one()
        self.answer_ids.action_exclude(self.reason)
        return {'type': 'ir.actions.act_window_close'}
