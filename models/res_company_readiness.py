from odoo import fields, models


class ResCompany(models.Model):
    _inherit = 'res.company'

    qualiopi_action_categories = fields.Many2many(
        'qualiopi.action.category', 'qualiopi_company_action_category_rel', 'company_id', 'category_id',
        string="Categories of action",
        help="Those that the company is or will be certified for. Without any, those of its sessions count.",
    )
    qualiopi_new_entrant = fields.Boolean(
        "New entrant",
        help="For the initial audit of a provider that has hardly begun: of indicator 32, the formalised process is"
        " asked for.",
    )
    qualiopi_subcontractor_only = fields.Boolean(
        "Works only as a subcontractor",
        help="Appreciations are asked of beneficiaries and of the contracting providers.",
    )
