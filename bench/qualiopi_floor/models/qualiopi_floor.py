from odoo import api, fields, models

# As many as an entry has on the day it comes in: acknowledge, analyse, answer.
_STEPS = 3


class QualiopiFloorStage(models.Model):
    _name = 'qualiopi.floor.stage'
    _description = "Stage of the Floor"
    _order = 'sequence, id'

    name = fields.Char(required=True)
    sequence = fields.Integer()
    fold = fields.Boolean()


class QualiopiFloor(models.Model):
    """As many columns, links and tracked fields as an improvement action, and no rule at all."""

    _name = 'qualiopi.floor'
    _description = "Floor"
    _inherit = ['mail.thread', 'mail.activity.mixin']
    _order = 'priority desc, date_due, id desc'
    # Without it, Odoo's gateway would not ask its loop limit, which ours keeps in force.
    _primary_email = 'email_from'

    name = fields.Char(required=True, tracking=True)
    reference = fields.Char(index='trigram')
    company_id = fields.Many2one('res.company', index=True, default=lambda self: self.env.company)
    user_id = fields.Many2one('res.users', index=True, tracking=True)
    partner_id = fields.Many2one('res.partner', index=True)
    event_id = fields.Many2one('event.event', index=True)
    stage_id = fields.Many2one(
        'qualiopi.floor.stage', index=True, tracking=True, group_expand='_read_group_expand_full',
        default=lambda self: self.env['qualiopi.floor.stage'].search([], limit=1),
    )
    priority = fields.Selection([('0', "Normal"), ('1', "High")], default='0', index=True)
    kind = fields.Selection([('a', "A"), ('b', "B"), ('c', "C")], default='a', index=True)
    due_state = fields.Selection([('on_time', "On time"), ('late', "Late")], default='on_time', index=True)
    date_due = fields.Date(index=True, tracking=True)
    date_start = fields.Date()
    date_done = fields.Date()
    received_on = fields.Datetime(default=fields.Datetime.now)
    is_flag = fields.Boolean(index=True)
    progress = fields.Integer()
    value_1 = fields.Float()
    value_2 = fields.Float()
    text_1 = fields.Text()
    text_2 = fields.Text()
    text_3 = fields.Text()
    email_from = fields.Char(index='trigram')
    char_1 = fields.Char()
    char_2 = fields.Char()
    char_3 = fields.Char()
    tag_ids = fields.Many2many('qualiopi.floor', 'qualiopi_floor_rel', 'left_id', 'right_id')
    total = fields.Integer(compute='_compute_total', store=True)

    is_duty = fields.Boolean(help="Leaves what an entry must leave at the least: its steps, for somebody.")

    @api.model_create_multi
    def create(self, vals_list):
        floors = super().create(vals_list)
        for floor in floors.filtered('is_duty'):
            floor._plan_steps(floor.company_id.qualiopi_manager_id, _STEPS)
        return floors

    @api.model
    def message_new(self, msg_dict, custom_values=None):
        if (custom_values or {}).get('is_duty'):
            # A note, as with ours: whoever owes the steps is not written to besides.
            msg_dict['is_internal'] = True
        return super().message_new(msg_dict, custom_values)

    def _plan_steps(self, user, count):
        """Plan activities on each row, in one call.

        :param user: who owes them
        :param int count: how many on each row
        """
        values = {
            'res_model_id': self.env['ir.model']._get_id(self._name), 'user_id': user.id,
            'date_deadline': '2030-01-01', 'activity_type_id': self.env.ref('mail.mail_activity_data_todo').id,
        }
        # Nobody is written to, as with ours.
        self.env['mail.activity'].with_context(mail_activity_quick_update=True).create([
            {**values, 'res_id': floor.id, 'summary': f"Step {number}"} for floor in self for number in range(count)
        ])

    @api.depends('value_1', 'value_2')
    def _compute_total(self):
        for record in self:
            record.total = int(record.value_1 + record.value_2)
