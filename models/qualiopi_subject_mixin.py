from odoo import api, fields, models

from .qualiopi_list_mixin import shipped_id


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
        default=lambda self: shipped_id(self.env, 'severity_minor'),
    )

    @api.depends('description')
    def _compute_name(self):
        for record in self:
            if not record.name and record.description:
                record.name = self._subject_of(record.description)

    @api.model
    def _subject_of(self, text):
        """First line of a text, short enough for a list."""
        first_line = text.strip().split('\n', 1)[0]
        return first_line if len(first_line) <= 80 else first_line[:79] + '…'
