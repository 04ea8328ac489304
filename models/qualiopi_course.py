from odoo import api, fields, models

ACTION_CATEGORIES = [
    ('af', "Training"),
    ('bc', "Skills assessment"),
    ('vae', "Validation of experience (VAE)"),
    ('app', "Apprenticeship"),
]


class QualiopiCourse(models.Model):
    _name = 'qualiopi.course'
    _description = "Course"
    _inherit = 'qualiopi.program.mixin'
    _order = 'name, id'
    _check_company_auto = True
    _check_company_domain = models.check_company_domain_parent_of
    _rec_names_search = ['name', 'code']

    name = fields.Char(required=True, index='trigram')
    code = fields.Char()
    company_id = fields.Many2one(
        'res.company',
        required=True,
        index=True,
        ondelete='restrict',
        default=lambda self: self.env.company,
    )
    active = fields.Boolean(default=True)
    action_category = fields.Selection(
        ACTION_CATEGORIES,
        "Category of action",
        default='af',
        help="The category of action of the certificate. Proposed on the sessions of the course.",
    )
    duration_hours = fields.Float(
        "Duration (hours)",
        help="Hours of the whole course for one learner. Proposed on its sessions.",
    )
    event_ids = fields.One2many('event.event', 'course_id', "Sessions")
    event_count = fields.Integer("Number of sessions", compute='_compute_event_count')

    _code_uniq = models.UniqueIndex(
        '(company_id, code)',
        "Another course of the company has this code already.",
    )

    @api.depends('event_ids')
    def _compute_event_count(self):
        counts = dict(
            self.env['event.event']._read_group(
                [('course_id', 'in', self.ids)],
                ['course_id'],
                ['__count'],
            )
        )
        for course in self:
            course.event_count = counts.get(course._origin, 0)

    def copy_data(self, default=None):
        """A copy keeps everything but the code, which is unique, and says that it is one."""
        vals_list = super().copy_data(default)
        for course, vals in zip(self, vals_list, strict=True):
            if 'name' not in (default or {}):
                vals['name'] = self.env._("%s (copy)", course.name)
            if 'code' not in (default or {}):
                vals.pop('code', None)
        return vals_list

    def action_view_events(self):
        """Open the sessions of the course.

        :return: a window action
        :rtype: dict
        """
        self.ensure_one()
        action = self.env['ir.actions.act_window']._for_xml_id('qualiopi.qualiopi_session_action')
        return {
            **action,
            'display_name': self.env._("Sessions of %s", self.name),
            'domain': [('course_id', '=', self.id)],
            'context': {'default_course_id': self.id},
        }
