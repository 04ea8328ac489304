from odoo import fields, models


class QualiopiSelfCheck(models.TransientModel):
    _name = 'qualiopi.self.check'
    _description = "Leave for a One-Person Organisation to Check Its Own Actions"

    company_id = fields.Many2one('res.company', required=True)

    def action_confirm(self):
        """Let owners check their own actions, which the reports then say (design, rule 4).

        :raise AccessError: for anybody but a quality manager, by this model's access rights
        """
        self.ensure_one()
        self.check_access('write')
        company = self.company_id & self.env.companies
        # sudo: a quality manager decides it, who need not be the administrator of companies
        company.sudo().qualiopi_self_check = True
        return {'type': 'ir.actions.act_window_close'}
