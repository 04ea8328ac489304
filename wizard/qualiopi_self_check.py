from odoo import fields, models


class QualiopiSelfCheck(models.TransientModel):
    _name = 'qualiopi.self.check'
    _description = "Leave for a One-Person Organisation to Check Its Own Actions"

    company_id = fields.Many2one('res.company', required=True)
    verdict_id = fields.Many2one('qualiopi.check.verdict', export_string_translation=False)

    def action_confirm(self):
        """Let owners check their own actions, which the reports then say (design, rule 4). Shows the verdict
        that was refused again, as it was typed.

        :raise AccessError: for anybody but a quality manager, by this model's access rights
        """
        self.ensure_one()
        self.check_access('write')
        company = self.company_id & self.env.companies
        # sudo: a quality manager decides it, who need not be the administrator of companies
        company.sudo().qualiopi_self_check = True
        if not self.verdict_id:
            return {'type': 'ir.actions.act_window_close'}
        return {**self.verdict_id.check_id.action_record_verdict(), 'res_id': self.verdict_id.id}
