from odoo import fields, models


class QualiopiAuditCode(models.TransientModel):
    """The screen that shows a code once: it is never stored."""

    _name = 'qualiopi.audit.code'
    _description = "Code of an Auditor's Access"

    code = fields.Char(store=False, readonly=True)
