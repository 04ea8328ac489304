from odoo import api, fields, models


class QualiopiContextMixin(models.AbstractModel):
    """The session and the course that a record is about."""

    _name = 'qualiopi.context.mixin'
    _description = "Session and Course of Quality Records"

    event_id = fields.Many2one(
        'event.event', "Session", index='btree_not_null', check_company=True, ondelete='restrict',
    )
    course_id = fields.Many2one(
        'qualiopi.course', compute='_compute_course_id', store=True, readonly=False,
        index='btree_not_null', check_company=True, ondelete='restrict',
    )

    @api.depends('event_id')
    def _compute_course_id(self):
        for record in self:
            record.course_id = record.event_id.course_id or record.course_id
