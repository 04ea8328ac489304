from odoo import fields, models


class QualiopiComplaintVersion(models.Model):
    _name = 'qualiopi.complaint.version'
    _description = "Former Text of an Entry"
    _order = 'date desc, id desc'

    complaint_id = fields.Many2one(
        'qualiopi.complaint', required=True, readonly=True, index=True, ondelete='restrict',
    )
    company_id = fields.Many2one(related='complaint_id.company_id', store=True, index=True)
    description = fields.Text("Text", required=True, readonly=True)
    user_id = fields.Many2one('res.users', "Replaced by", required=True, readonly=True, ondelete='restrict')
    date = fields.Datetime("Replaced on", required=True, readonly=True)
