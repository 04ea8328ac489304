from odoo import api, fields, models


class QualiopiSubjectMixin(models.AbstractModel):
    """What an entry or a finding is about: its subject in one line, the learner, the trainer, how grave."""

    _name = 'qualiopi.subject.mixin'
    _description = "Subject of Entries and Findings"
    _inherit = ['qualiopi.context.mixin']

    name = fields.Char(compute='_compute_name', store=True, readonly=False, precompute=True)
    registration_id = fields.Many2one(
        'event.registration', "Learner", index='btree_not_null', check_company=True, ondelete='restrict',
        domain="[('event_id', '=?', event_id)]",
    )
    trainer_id = fields.Many2one('res.partner', index='btree_not_null', check_company=True, ondelete='restrict')
    category_id = fields.Many2one(
        'qualiopi.category', ondelete='restrict', check_company=True, index='btree_not_null',
    )
    severity_id = fields.Many2one(
        'qualiopi.severity', ondelete='restrict', check_company=True, tracking=True,
        default=lambda self: self.env.ref('qualiopi.severity_minor', raise_if_not_found=False),
    )

    @api.depends('description')
    def _compute_name(self):
        for record in self:
            if not record.name and record.description:
                first_line = record.description.strip().split('\n', 1)[0]
                record.name = first_line if len(first_line) <= 80 else first_line[:79] + '…'
