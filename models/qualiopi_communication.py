from odoo import api, fields, models
from odoo.exceptions import UserError, ValidationError

_OWNERS = ('complaint_id', 'finding_id', 'action_id', 'procedure_id', 'review_id')
# Of a closed one people may be told: of a review once it has its minutes.
_TOLD_WHEN_CLOSED = {'review_id'}


class QualiopiCommunication(models.Model):
    """Who was told of a decision or an action, when and what: the internal communication that auditors ask
    to see (RNQ, indicator 32)."""

    _name = 'qualiopi.communication'
    _description = "Internal Communication"
    _inherit = 'qualiopi.part.mixin'
    _order = 'date desc, id desc'
    _check_company_auto = True
    _server_fields = frozenset({'user_id'})

    complaint_id = fields.Many2one(
        'qualiopi.complaint', "Register entry", index='btree_not_null', ondelete='restrict', check_company=True,
    )
    finding_id = fields.Many2one(
        'qualiopi.finding', index='btree_not_null', ondelete='restrict', check_company=True,
    )
    action_id = fields.Many2one(
        'qualiopi.improvement.action', index='btree_not_null', ondelete='restrict', check_company=True,
    )
    procedure_id = fields.Many2one(
        'qualiopi.procedure', index='btree_not_null', ondelete='restrict', check_company=True,
    )
    review_id = fields.Many2one('qualiopi.review', index='btree_not_null', ondelete='restrict', check_company=True)
    company_id = fields.Many2one(
        'res.company', compute='_compute_company_id', store=True, index=True, precompute=True,
    )
    is_confidential = fields.Boolean(compute='_compute_is_confidential', store=True)
    date = fields.Date("Told on", required=True, default=fields.Date.context_today)
    partner_ids = fields.Many2many('res.partner', string="Told to", check_company=True)
    audience = fields.Char("Other audience", help="Such as \"all trainers\" or \"committee of June\".")
    text = fields.Text("What was told", required=True)
    user_id = fields.Many2one(
        'res.users', "Told by", required=True, readonly=True, copy=False, ondelete='restrict',
        default=lambda self: self.env.user,
    )

    def _owner(self):
        """The register record that people were told of."""
        self.ensure_one()
        return next((self[name] for name in _OWNERS if self[name]), None)

    @api.depends(*(f'{name}.company_id' for name in _OWNERS))
    def _compute_company_id(self):
        for communication in self:
            owner = communication._owner()
            communication.company_id = owner.company_id if owner else False

    @api.depends(*(f'{name}.is_confidential' for name in _OWNERS))
    def _compute_is_confidential(self):
        for communication in self:
            owner = communication._owner()
            communication.is_confidential = bool(owner and owner.is_confidential)

    @api.constrains(*_OWNERS)
    def _check_one_owner(self):
        for communication in self:
            if sum(bool(communication[name]) for name in _OWNERS) != 1:
                raise ValidationError(self.env._("People are told of exactly one record."))

    @api.model_create_multi
    def create(self, vals_list):
        communications = super().create(vals_list)
        communications._check_unlocked(set(_OWNERS) - _TOLD_WHEN_CLOSED)
        return communications

    def write(self, vals):
        self.check_access('write')
        self._check_unlocked()
        for name in vals.keys() & set(_OWNERS):
            if any(self._fields[name].convert_to_write(record[name], record) != vals[name] for record in self):
                raise UserError(self.env._("Who was told of a record stays with it."))
        return super().write(vals)

    def _server_default(self, name):
        return self.env.uid if name == 'user_id' else super()._server_default(name)

    @api.ondelete(at_uninstall=False)
    def _unlink_except_locked(self):
        self._check_unlocked()

    def _check_unlocked(self, names=_OWNERS):
        for name in names:
            self.mapped(name)._check_unlocked()
