"""Declared statements that nothing was received in a period: no entry must not look like no register."""

from datetime import date

from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.fields import Domain
from odoo.tools import format_date, ormcache

from .qualiopi_register_mixin import QualiopiRegisterMixin

# Natures of the register, by the field that covers each.
_NATURES = {
    'covers_complaint': 'complaint',
    'covers_difficulty': 'difficulty',
    'covers_unforeseen': 'unforeseen',
    'covers_safeguarding': 'safeguarding',
}
_COVERS = (*_NATURES, 'covers_dropout')


class QualiopiNilStatement(models.Model):
    _name = 'qualiopi.nil.statement'
    _description = "Nil Statement"
    _inherit = ['qualiopi.cached.mixin', 'qualiopi.register.mixin']
    _order = 'date_to desc, id desc'
    _series = 'NEA'
    _narrative_fields = {'note'}
    _server_fields = QualiopiRegisterMixin._server_fields | {
        'state', 'declared_on', 'declared_by_id', 'invalidated_on', 'invalidated_by_id', 'invalidating_reference',
    }
    _declarant_fields = set()

    name = fields.Char(compute='_compute_name', store=True, precompute=True)
    date_from = fields.Date("From", required=True)
    date_to = fields.Date("To", required=True, index=True)
    covers_complaint = fields.Boolean("Complaints", default=True)
    covers_difficulty = fields.Boolean("Difficulties", default=True)
    covers_unforeseen = fields.Boolean("Unforeseen events", default=True)
    covers_safeguarding = fields.Boolean("Safeguarding reports")
    covers_dropout = fields.Boolean("Dropouts")
    registers = fields.Char("Nothing received of", compute='_compute_registers')
    note = fields.Text(help="Such as how people could complain in the period, or that the activity began in June.")
    declared_on = fields.Datetime(required=True, readonly=True, copy=False, default=fields.Datetime.now)
    declared_by_id = fields.Many2one(
        'res.users', "Declared by", required=True, readonly=True, copy=False, ondelete='restrict',
        default=lambda self: self.env.user,
    )
    invalidated_on = fields.Datetime(readonly=True, copy=False)
    invalidated_by_id = fields.Many2one('res.users', "Invalidated by the entry of", readonly=True, copy=False)
    invalidating_reference = fields.Char("Invalidated by", readonly=True, copy=False, tracking=True)
    state = fields.Selection([
        ('declared', "Declared"),
        ('invalidated', "Invalidated"),
        ('cancelled', "Cancelled"),
    ], required=True, readonly=True, default='declared', index=True, copy=False, tracking=True)

    _reference_uniq = models.UniqueIndex('(company_id, reference)', "This number is taken already.")

    # === COMPUTES === #

    def _referential_date_field(self):
        return 'date_to'

    @api.depends('date_to')
    def _compute_referential_id(self):
        return super()._compute_referential_id()

    def _compute_evidence_count(self):
        self.evidence_count = 0

    @api.depends('date_from', 'date_to')
    def _compute_name(self):
        for statement in self:
            if statement.date_from and statement.date_to:
                statement.name = self.env._(
                    "Nothing received from %(first)s to %(last)s",
                    first=format_date(self.env, statement.date_from), last=format_date(self.env, statement.date_to),
                )

    @api.depends(*_COVERS)
    @api.depends_context('lang')
    def _compute_registers(self):
        labels = {name: self._fields[name]._description_string(self.env) for name in _COVERS}
        for statement in self:
            statement.registers = ", ".join(labels[name] for name in _COVERS if statement[name])

    def _is_ended(self):
        # What was declared stays as it was declared.
        return bool(self.state)

    # === DECLARING === #

    @api.model_create_multi
    def create(self, vals_list):
        statements = super().create(vals_list)
        statements._check_declarable()
        return statements

    def _server_default(self, name):
        return {'state': 'declared', 'declared_by_id': self.env.uid}.get(name) or super()._server_default(name)

    def _check_server_values(self, vals_list):
        for vals in vals_list:
            # Forms send what they were given as defaults: time and person are the program's all the same.
            for name in ('declared_on', 'declared_by_id', 'state'):
                if not self._is_server():
                    vals.pop(name, None)
        return super()._check_server_values(vals_list)

    def _check_declarable(self):
        """Refuse a statement on days to come, on no register, or where something was received (R29).

        :raise UserError: says what was received
        """
        for statement in self:
            today = statement.company_id._qualiopi_local_date(fields.Datetime.now())
            if statement.date_from > statement.date_to:
                raise UserError(self.env._("The period ends before it begins."))
            if statement.date_to > today:
                raise UserError(self.env._(
                    "Nobody can declare yet what will be received: end the period today at most."
                ))
            if not any(statement[name] for name in _COVERS):
                raise UserError(self.env._("Choose at least one register that received nothing."))
            groups = statement._received()
            if any(groups):
                # Of confidential entries the number alone is known elsewhere.
                visible = groups if self.env.su else [group._filtered_access('read') for group in groups]
                references = [entry.reference for group in visible for entry in group]
                raise UserError(self.env._(
                    "%(count)s entries were received in this period: %(references)s. Shorten the period or choose"
                    " other registers.",
                    count=sum(map(len, groups)),
                    references=", ".join(references[:5]) or self.env._("confidential"),
                ))

    def _received(self):
        """What was recorded in the registers and the period of the statement, also what the user may not see.

        :return: register entries, and dropouts
        :rtype: tuple
        """
        self.ensure_one()
        # sudo: all entries count; the callers show of them what the user may see
        found = self.env['qualiopi.complaint'].sudo().search(
            Domain('company_id', '=', self.company_id.id)
            & Domain('received_date', '>=', self.date_from) & Domain('received_date', '<=', self.date_to)
            & Domain('nature', 'in', [nature for name, nature in _NATURES.items() if self[name]])
            & Domain('cancelled_on', '=', False),
            order='received_on, id',
        )
        # sudo: as above
        dropouts = self.env['qualiopi.dropout'].sudo()
        if self.covers_dropout:
            dropouts = dropouts.search([
                ('company_id', '=', self.company_id.id), ('date', '>=', self.date_from), ('date', '<=', self.date_to),
                ('cancelled_on', '=', False),
            ], order='date, id')
        return found.with_env(self.env), dropouts.with_env(self.env)

    @api.model
    def _invalidate_for(self, entries):
        """Invalidate the statements that entries contradict, with a trace (R29).

        :param entries: register entries or dropouts that were recorded or changed, as superuser
        """
        entries = entries.filtered(
            lambda entry: not entry.cancelled_on and self._day_of(entry)
            and self._day_of(entry) <= self._last_declared_day(entry.company_id.id)
        )
        if not entries:
            return
        days = [self._day_of(entry) for entry in entries]
        # sudo: whoever records an entry, the statement it contradicts falls
        statements = self.sudo().search([
            ('state', '=', 'declared'), ('company_id', 'in', entries.company_id.ids),
            ('date_from', '<=', max(days)), ('date_to', '>=', min(days)),
        ])
        for statement in statements:
            entry = next((entry for entry in entries if statement._is_contradicted(entry)), None)
            if not entry:
                continue
            statement._as_server().write({
                'state': 'invalidated',
                'invalidated_on': fields.Datetime.now(),
                'invalidated_by_id': self.env.uid,
                'invalidating_reference': entry.reference,
            })
            statement._log_texts({statement.id: statement.env._(
                "Invalidated: %(reference)s was received on %(date)s",
                reference=entry.reference, date=format_date(statement.env, self._day_of(entry)),
            )})

    @api.model
    @ormcache('company_id')
    def _last_declared_day(self, company_id):
        """The last day of which a company declares that nothing was received; costs no query once it is cached.

        :rtype: date
        """
        # sudo: see _invalidate_for()
        last = self.sudo().search(
            [('state', '=', 'declared'), ('company_id', '=', company_id)], order='date_to desc', limit=1)
        return last.date_to or date.min

    def _is_contradicted(self, entry):
        if entry.company_id != self.company_id or not self.date_from <= self._day_of(entry) <= self.date_to:
            return False
        if entry._name == 'qualiopi.dropout':
            return self.covers_dropout
        return entry.nature in [nature for name, nature in _NATURES.items() if self[name]]

    @api.model
    def _day_of(self, entry):
        return entry.date if entry._name == 'qualiopi.dropout' else entry.received_date

    # === LIFECYCLE === #

    def write(self, vals):
        if not self._is_server() and self._closed_to(vals):
            for statement in self:
                if statement._differs_from(vals):
                    raise UserError(self.env._(
                        "%s was declared and stays as it is: cancel it, with a reason, and make another one.",
                        statement.reference,
                    ))
        return super().write(vals)

    def _cancel(self, reason, moment=None):
        result = super()._cancel(reason, moment)
        self._as_server().write({'state': 'cancelled'})
        return result

    def _reopen(self, reason):
        raise UserError(self.env._("Make a new statement instead: what was received since is looked at again."))


class QualiopiComplaint(models.Model):
    _inherit = 'qualiopi.complaint'

    @api.model_create_multi
    def create(self, vals_list):
        complaints = super().create(vals_list)
        # sudo: whoever records an entry, also one that the recorder does not see again
        self.env['qualiopi.nil.statement'].sudo()._invalidate_for(complaints.sudo())
        return complaints

    def write(self, vals):
        result = super().write(vals)
        if vals.keys() & {'received_on', 'nature', 'cancelled_on', 'company_id'}:
            # sudo: as in create
            self.env['qualiopi.nil.statement'].sudo()._invalidate_for(self.sudo())
        return result


class QualiopiDropout(models.Model):
    _inherit = 'qualiopi.dropout'

    @api.model_create_multi
    def create(self, vals_list):
        dropouts = super().create(vals_list)
        # sudo: whoever records a dropout, the statement it contradicts falls
        self.env['qualiopi.nil.statement'].sudo()._invalidate_for(dropouts.sudo())
        return dropouts

    def write(self, vals):
        result = super().write(vals)
        if vals.keys() & {'date', 'cancelled_on'}:
            # sudo: as in create
            self.env['qualiopi.nil.statement'].sudo()._invalidate_for(self.sudo())
        return result
