from odoo import fields, models


class EventEvent(models.Model):
    """What our forms of a session show, as bare columns and links that nobody computes, counts or guards."""

    _inherit = 'event.event'

    floor_course_id = fields.Many2one('qualiopi.floor')
    floor_trainer_ids = fields.Many2many('res.partner', 'event_event_floor_trainer_rel', 'event_id', 'partner_id')
    floor_subcontractor_id = fields.Many2one('res.partner')
    floor_contractor_id = fields.Many2one('res.partner')
    floor_action_category = fields.Char()
    floor_duration_hours = fields.Float()
    floor_duration_days = fields.Float()
    floor_complaint_count = fields.Integer()
    floor_finding_count = fields.Integer()
    floor_action_count = fields.Integer()
    floor_campaign_count = fields.Integer()
    floor_dropout_count = fields.Integer()
    floor_complaint_address = fields.Char()
    floor_learners_started = fields.Integer()
    floor_dropout_text = fields.Char()
    floor_success_text = fields.Char()
    floor_satisfaction_text = fields.Char()
    floor_has_feedback = fields.Boolean()
    floor_feedback_figure_ids = fields.One2many('qualiopi.floor', 'event_id', domain=[('kind', '=', 'a')])
    floor_result_ids = fields.One2many('qualiopi.floor', 'event_id', domain=[('kind', '=', 'b')])
