"""Nonconformities: findings of an audit, their grade, legal delays and lifting."""

from dateutil.relativedelta import relativedelta

from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.tools import format_date

from .qualiopi_finding import QualiopiFinding as Finding
from .qualiopi_followup_mixin import Step

# Calendar months to lift a nonconformity, from the day it was notified (RNQ).
NC_MONTHS = {'major': 3, 'minor': 6}
# With so many minor ones open, the last counts as a major one.
_MINORS_AS_MAJOR = 5
# Days before the deadline by which the actions are carried out, so that the proofs can be sent.
_PROOF_DAYS = 30


class QualiopiFinding(models.Model):
    _inherit = 'qualiopi.finding'

    _server_fields = Finding._server_fields | {'nc_counts_as_major', 'lifted_on', 'lifted_by_id', 'lifted_note'}
    _import_fields = Finding._import_fields | {'lifted_on', 'lifted_by_id'}
    _followup_fields = Finding._followup_fields | {
        'audit_id', 'nc_grade', 'nc_notified_on', 'nc_counts_as_major', 'lifted_on',
    }

    audit_id = fields.Many2one(
        'qualiopi.audit', check_company=True, ondelete='restrict', index='btree_not_null', tracking=True,
    )
    nc_grade = fields.Selection(
        [('minor', "Minor nonconformity"), ('major', "Major nonconformity")], "Nonconformity", index='btree_not_null',
        tracking=True,
    )
    nc_is_legal = fields.Boolean("With a legal delay", compute='_compute_nc_is_legal', store=True)
    nc_notified_on = fields.Date(
        "Notified on", compute='_compute_nc_notified_on', store=True, readonly=False, copy=False,
        help="The day from which the legal delay runs: the closing meeting, unless the report says otherwise.",
    )
    nc_counts_as_major = fields.Boolean(
        "Counts as a major one", readonly=True, copy=False,
        help="From the fifth open minor nonconformity on: as long as five are open, they weigh as a major one.",
    )
    legal_deadline = fields.Date("Legal deadline", compute='_compute_legal_deadline', store=True, tracking=True)
    nc_correction = fields.Text("Correction", help="What was done at once, before the cause was treated.")
    nc_corrected_on = fields.Date("Corrected on", copy=False)
    lifted_on = fields.Date("Lifted on", readonly=True, copy=False, tracking=True)
    lifted_by_id = fields.Many2one(
        'res.partner', "Lifted by", readonly=True, copy=False, check_company=True, ondelete='restrict',
    )
    lifted_note = fields.Char("How it was lifted", readonly=True, copy=False)
    nc_doubt = fields.Char(compute='_compute_nc_doubt')

    # === COMPUTES === #

    @api.depends('audit_id.is_certification', 'nc_grade')
    def _compute_nc_is_legal(self):
        for finding in self:
            finding.nc_is_legal = bool(finding.nc_grade and finding.audit_id.is_certification)

    @api.depends('audit_id', 'nc_grade')
    def _compute_nc_notified_on(self):
        for finding in self:
            if finding.nc_grade and not finding.nc_notified_on:
                finding.nc_notified_on = finding.audit_id.date_to or finding.date

    @api.depends('nc_is_legal', 'nc_grade', 'nc_notified_on', 'nc_counts_as_major')
    def _compute_legal_deadline(self):
        for finding in self:
            grade = 'major' if finding.nc_counts_as_major else finding.nc_grade
            finding.legal_deadline = finding.nc_is_legal and finding.nc_notified_on and (
                finding.nc_notified_on + relativedelta(months=NC_MONTHS[grade])
            )

    @api.depends('nc_grade', 'indicator_ids', 'referential_id')
    def _compute_nc_doubt(self):
        for finding in self:
            only_major = finding.indicator_ids._origin._statements(finding.referential_id).filtered(
                lambda statement: statement.weighting == 'major_only'
            ) if finding.nc_grade == 'minor' else ()
            finding.nc_doubt = bool(only_major) and self.env._(
                "A gap on indicator %s is always a major one: read the report again.",
                ', '.join(str(statement.number) for statement in only_major),
            )

    @api.onchange('nc_grade')
    def _onchange_nc_grade(self):
        if self.nc_grade:
            self.kind = f'{self.nc_grade}_gap'

    @api.onchange('audit_id')
    def _onchange_audit_id(self):
        if self.audit_id and not self.source_id:
            self.source_id = self._audit_source(self.audit_id)

    @api.model
    def _audit_source(self, audit):
        name = 'certification' if audit.is_certification else 'internal'
        return self.env.ref(f'qualiopi.source_{name}_audit', raise_if_not_found=False)

    # === CRUD === #

    @api.model_create_multi
    def create(self, vals_list):
        audits = self.env['qualiopi.audit'].browse({vals['audit_id'] for vals in vals_list if vals.get('audit_id')})
        audits._check_unlocked()
        vals_list = [self._with_audit(vals) for vals in vals_list]
        findings = super().create(vals_list)
        findings._recount_minors()
        return findings

    def _with_audit(self, vals):
        """Values of a finding, with what its audit and its grade say of it."""
        vals = dict(vals)
        if vals.get('nc_grade') and 'kind' not in vals:
            vals['kind'] = f"{vals['nc_grade']}_gap"
        if vals.get('audit_id') and 'source_id' not in vals:
            source = self._audit_source(self.env['qualiopi.audit'].browse(vals['audit_id']))
            vals['source_id'] = source and source.id
        return vals

    def write(self, vals):
        if 'audit_id' in vals and not self._is_server():
            moved = self.filtered(lambda finding: finding.audit_id.id != vals['audit_id'])
            (moved.audit_id | self.env['qualiopi.audit'].browse(moved and vals['audit_id'] or []))._check_unlocked()
        result = super().write(vals)
        if {'audit_id', 'nc_grade', 'nc_notified_on', 'lifted_on', 'cancelled_on'} & vals.keys():
            self._recount_minors()
        return result

    def _recount_minors(self):
        """Find the fifth minor nonconformity that is open in each company, and those after it (RNQ)."""
        # sudo: all those of the company count, whoever may see them
        findings = self.sudo().with_context(mail_notrack=True)
        companies = findings.filtered(lambda finding: finding.audit_id or finding.nc_counts_as_major).company_id
        for company in companies:
            minors = findings.search([
                ('company_id', '=', company.id), ('nc_is_legal', '=', True), ('nc_grade', '=', 'minor'),
                ('lifted_on', '=', False), ('state', '!=', 'cancelled'),
            ], order='nc_notified_on, id')
            heavy = minors[_MINORS_AS_MAJOR - 1:]
            flagged = findings.search([
                ('company_id', '=', company.id), ('nc_counts_as_major', '=', True), ('lifted_on', '=', False),
            ])
            (heavy - flagged)._as_server().write({'nc_counts_as_major': True})
            (flagged - heavy)._as_server().write({'nc_counts_as_major': False})

    # === LIFTING === #

    def action_lift(self):
        """Open the wizard that notes who lifted the nonconformities, and when."""
        self.check_access('write')
        self._check_liftable()
        return {
            'type': 'ir.actions.act_window',
            'name': self.env._("Nonconformity lifted"),
            'res_model': 'qualiopi.finding.lift',
            'views': [(False, 'form')],
            'target': 'new',
            'context': {
                'default_finding_ids': self.ids,
                'default_partner_id': self.audit_id[:1].certifier_id.id or self.audit_id[:1].auditor_id.id,
            },
        }

    def _check_liftable(self):
        for finding in self:
            if not finding.nc_grade or finding.lifted_on or finding.state == 'cancelled':
                raise UserError(self.env._("%s is no nonconformity that is still open.", finding.reference))

    def _lift(self, day, partner, note=None):
        """Note that nonconformities were lifted, also of findings that are closed.

        :param date day: when the certification body, or whoever audited, lifted them
        :param partner: res.partner who lifted them
        :param str note: how, in a few words
        :raise UserError: for a day before the notification or to come
        """
        self.check_access('write')
        if not (self.env.su or self.env.user.has_group('qualiopi.group_officer')):
            raise UserError(self.env._("Only a quality officer notes that a nonconformity is lifted."))
        self._check_liftable()
        for finding in self:
            if finding.nc_notified_on and day < finding.nc_notified_on:
                raise UserError(self.env._(
                    "%(finding)s was notified on %(day)s and cannot be lifted before.",
                    finding=finding.reference, day=format_date(self.env, finding.nc_notified_on),
                ))
        if day > fields.Date.context_today(self):
            raise UserError(self.env._("A nonconformity is lifted today or in the past."))
        self._as_server().write({'lifted_on': day, 'lifted_by_id': partner.id, 'lifted_note': note})

    def action_unlift(self):
        """Take back the lifting of nonconformities that was noted by mistake: a quality manager does."""
        self.check_access('write')
        self._check_manager()
        self._as_server().write({'lifted_on': False, 'lifted_by_id': False, 'lifted_note': False})
        return True

    # === FOLLOW-UP === #

    @api.depends('legal_deadline', 'lifted_on', 'action_ids.phase')
    def _compute_followup_on(self):
        return super()._compute_followup_on()

    def _followup_steps(self):
        """Carry out the actions in time for the proofs, and have the nonconformity lifted by its legal deadline."""
        steps = super()._followup_steps()
        for finding, owed in steps.items():
            if not finding.legal_deadline or finding.lifted_on or finding.state == 'cancelled' or finding.is_imported:
                continue
            if not finding._actions_are_carried_out():
                owed.append(Step('prove', finding.user_id, finding.legal_deadline - relativedelta(days=_PROOF_DAYS)))
            owed.append(Step('lift', finding.user_id, finding.legal_deadline))
        return steps

    def _actions_are_carried_out(self):
        # sudo: all actions count, also those that the user may not see
        phases = [phase for phase in self.sudo().action_ids.mapped('phase') if phase != 'cancelled']
        return bool(phases) and all(phase in ('check', 'done') for phase in phases)

    @api.model
    def _followup_labels(self):
        return {
            **super()._followup_labels(),
            'prove': self.env._("Carry out the actions and send the proofs"),
            'lift': self.env._("Have the nonconformity lifted: legal deadline"),
        }

    def _followup_neighbours(self, names):
        # sudo: the audit's steps follow its findings, whoever records them
        audits = self.env['qualiopi.audit'].sudo()
        if {'audit_id', 'nc_grade', 'lifted_on', 'cancelled_on'} & set(names):
            # sudo: as above
            audits = self.sudo().audit_id
        return [*super()._followup_neighbours(names), audits]
