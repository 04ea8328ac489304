from odoo import fields, models


class EventType(models.Model):
    _inherit = 'event.type'

    course_id = fields.Many2one(
        'qualiopi.course',
        index='btree_not_null',
        ondelete='set null',
        help="Proposed on the sessions that are made from this template, in the course's company.",
    )
