from odoo import api, fields, models


class QualiopiCheckVerdict(models.TransientModel):
    _name = 'qualiopi.check.verdict'
    _description = "Verdict of an Effectiveness Check"

    check_id = fields.Many2one('qualiopi.effectiveness.check', required=True, readonly=True)
    action_id = fields.Many2one(related='check_id.action_id')
    success_criterion = fields.Text(related='check_id.success_criterion')
    metric = fields.Char(related='action_id.metric')
    unit = fields.Char(related='check_id.unit')
    value_before = fields.Float(related='check_id.value_before')
    value_target = fields.Float(related='check_id.value_target')
    metric_before = fields.Char(related='check_id.metric_before')
    metric_after = fields.Char(related='check_id.metric_after')
    metric_change = fields.Char(related='check_id.metric_change')
    metric_warning = fields.Char(related='check_id.metric_warning')
    done_on = fields.Date(required=True, default=fields.Date.context_today)
    has_value = fields.Boolean("A value was measured")
    value_measured = fields.Float(digits=(16, 2))
    conclusion = fields.Text(required=True)
    verdict = fields.Selection(selection='_selection_verdict', required=True)
    follow_up = fields.Selection(selection='_selection_follow_up', default='reopen')

    @api.model
    def _selection_verdict(self):
        return self.env['qualiopi.effectiveness.check']._fields['verdict']._description_selection(self.env)

    @api.model
    def _selection_follow_up(self):
        return self.env['qualiopi.effectiveness.check']._fields['follow_up']._description_selection(self.env)

    def action_confirm(self):
        """Give the verdict; shows the new action when one is opened."""
        self.ensure_one()
        self.check_id.with_context(qualiopi_verdict=self.id).write({
            'done_on': self.done_on,
            'has_value': self.has_value,
            'value_measured': self.value_measured,
            'conclusion': self.conclusion,
            'verdict': self.verdict,
            'follow_up': self.follow_up,
        })
        new = self.check_id.new_action_id
        if new:
            return self.action_id._open_records(new, self.env._("New action"))
        return {'type': 'ir.actions.act_window_close'}
