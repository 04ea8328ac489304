from odoo import fields, models


class QualiopiChannel(models.Model):
    """How an entry reached the provider (R1)."""

    _name = 'qualiopi.channel'
    _description = "Complaint Channel"
    _inherit = ['qualiopi.list.mixin']

    needs_written_confirmation = fields.Boolean(
        help="A complaint is written: what was said is confirmed in writing, and the trace kept.",
    )
    is_escalated = fields.Boolean(
        "Escalate at Once",
        help="What comes this way goes to the quality lead at once.",
    )
