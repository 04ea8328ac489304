from datetime import timedelta

from dateutil.relativedelta import relativedelta

from odoo import api, fields, models
from odoo.exceptions import ValidationError
from odoo.fields import Command
from odoo.tools import format_date

from .qualiopi_followup_mixin import Step

# The cycle of the certification (RNQ): three years, surveillance between the 14th and the 22nd month.
_YEARS = 3
_SURVEILLANCE_FROM = 14
_SURVEILLANCE_TO = 22
# Before the surveillance window and the end of the certificate.
STEP_DAYS = (120, 90, 60, 30)
# A mock or internal audit this long before still prepares the next one.
_REHEARSAL_MONTHS = 12


class QualiopiCertificate(models.Model):
    """A Qualiopi certificate and the calendar of its cycle."""

    _name = 'qualiopi.certificate'
    _description = "Qualiopi Certificate"
    _inherit = [
        'qualiopi.followup.mixin', 'qualiopi.guarded.mixin', 'qualiopi.part.mixin', 'qualiopi.action.scope.mixin',
        'qualiopi.menu.mixin',
    ]
    _menu_part = 'audit'
    _order = 'date_from desc, id desc'
    _check_company_auto = True
    _rec_name = 'number'
    _narrative_fields = set()
    _followup_fields = frozenset({
        'date_from', 'date_to', 'surveillance_done_on', 'renewed_on', 'user_id', 'active', 'audit_ids',
    })

    number = fields.Char("Certificate number", required=True, tracking=True)
    company_id = fields.Many2one(
        'res.company', required=True, index=True, ondelete='restrict', default=lambda self: self.env.company,
    )
    active = fields.Boolean(default=True, tracking=True)
    user_id = fields.Many2one(
        'res.users', "Owner", check_company=True, ondelete='restrict', tracking=True,
        default=lambda self: self._default_user(), domain="[('share', '=', False)]",
        help="Prepares the audits of the cycle and gets the reminders.",
    )
    certifier_id = fields.Many2one(
        'res.partner', "Certification body", check_company=True, ondelete='restrict', tracking=True,
    )
    date_from = fields.Date("Valid from", required=True, tracking=True, index=True)
    date_to = fields.Date(
        "Valid until", compute='_compute_date_to', store=True, readonly=False, precompute=True, required=True,
        tracking=True, help="Three years after the start, unless the certificate says otherwise.",
    )
    surveillance_from = fields.Date("Surveillance from", compute='_compute_surveillance', store=True)
    surveillance_to = fields.Date("Surveillance until", compute='_compute_surveillance', store=True)
    surveillance_done_on = fields.Date(
        "Surveillance audit held on", compute='_compute_surveillance_done_on', store=True, readonly=False, copy=False,
        tracking=True, help="Comes from the audit; type it in for an audit that was never recorded here.",
    )
    renewed_on = fields.Date(
        "Renewal audit held on", compute='_compute_renewed_on', store=True, readonly=False, copy=False, tracking=True,
        help="Comes from the audit; type it in for an audit that was never recorded here.",
    )
    audit_ids = fields.One2many('qualiopi.audit', 'certificate_id', "Audits")
    next_kind = fields.Selection(
        [('surveillance', "Surveillance audit"), ('renewal', "Renewal audit")], "Next audit", compute='_compute_next',
    )
    next_date = fields.Date("Prepared for", compute='_compute_next', help="The day that the reminders count back from.")
    is_confidential = fields.Boolean(compute='_compute_is_confidential', store=True, export_string_translation=False)

    _number_uniq = models.UniqueIndex('(company_id, number)', "The company has a certificate of this number already.")

    # === DEFAULTS AND COMPUTES === #

    def _default_user(self):
        # sudo: who the lead is
        lead = self.env.company.sudo().qualiopi_manager_id
        return lead.with_env(self.env) or self.env.user

    @api.depends('date_from')
    def _compute_date_to(self):
        for certificate in self:
            start = certificate.date_from
            certificate.date_to = start and start + relativedelta(years=_YEARS) - timedelta(days=1)

    @api.depends('date_from')
    def _compute_surveillance(self):
        for certificate in self:
            start = certificate.date_from
            certificate.surveillance_from = start and start + relativedelta(months=_SURVEILLANCE_FROM)
            certificate.surveillance_to = start and start + relativedelta(months=_SURVEILLANCE_TO)

    @api.depends('audit_ids.state', 'audit_ids.date_to', 'audit_ids.type')
    def _compute_surveillance_done_on(self):
        for certificate in self:
            held = certificate._held('surveillance')
            certificate.surveillance_done_on = held or certificate.surveillance_done_on

    @api.depends('audit_ids.state', 'audit_ids.date_to', 'audit_ids.type')
    def _compute_renewed_on(self):
        for certificate in self:
            certificate.renewed_on = certificate._held('renewal') or certificate.renewed_on

    def _held(self, kind):
        """Day on which an audit of the cycle was held, the last of its type."""
        audits = self.audit_ids.filtered(lambda audit: audit.type == kind and audit.state in ('done', 'closed'))
        return max(audits.mapped('date_to'), default=False)

    @api.depends('date_to', 'surveillance_from', 'surveillance_done_on', 'renewed_on', 'audit_ids.date_from')
    def _compute_next(self):
        for certificate in self:
            kind = certificate._next_kind()
            certificate.next_kind = kind
            certificate.next_date = kind and certificate._next_date(kind)

    def _next_kind(self):
        if not self.surveillance_done_on and not self.renewed_on:
            return 'surveillance'
        return False if self.renewed_on else 'renewal'

    def _planned(self, kind):
        """The audit of the cycle that is planned, the first of its type."""
        return self.audit_ids.filtered(
            lambda audit: audit.type == kind and audit.state in ('planned', 'running')
        ).sorted('date_from')[:1]

    def _next_date(self, kind):
        audit = self._planned(kind)
        if audit:
            return audit.date_from
        return self.surveillance_from if kind == 'surveillance' else self.date_to

    def _compute_is_confidential(self):
        self.is_confidential = False

    @api.depends('number', 'date_from', 'date_to')
    def _compute_display_name(self):
        for certificate in self:
            days = [format_date(self.env, day) for day in (certificate.date_from, certificate.date_to) if day]
            certificate.display_name = f"{certificate.number or ''} ({' – '.join(days)})"

    @api.constrains('date_from', 'date_to')
    def _check_dates(self):
        for certificate in self:
            if certificate.date_to < certificate.date_from:
                raise ValidationError(self.env._("A certificate ends after it begins: correct its dates."))

    # === CRUD === #

    def write(self, vals):
        self.check_access('write')
        if self._closed_to(vals):
            self._check_unlocked()
        return super().write(vals)

    def _is_ended(self):
        return not self.active

    def _closed_to(self, vals):
        # An archived certificate comes back by the usual menu.
        return super()._closed_to({name: value for name, value in vals.items() if name != 'active'})

    # === FOLLOW-UP === #

    @api.depends('date_from', 'date_to', 'surveillance_done_on', 'renewed_on', 'active', 'audit_ids.date_from',
                 'audit_ids.state', 'audit_ids.evidence_ready_on', 'audit_ids.people_told_on')
    def _compute_followup_on(self):
        return super()._compute_followup_on()

    def _followup_steps(self):
        """What prepares the next audit of the cycle, 120, 90, 60 and 30 days before it."""
        steps = {}
        for certificate in self:
            kind = certificate.active and certificate._next_kind()
            steps[certificate] = certificate._steps_before(kind) if kind else []
        return steps

    def _steps_before(self, kind):
        day = self._next_date(kind)
        audit = self._planned(kind)
        done = {120: bool(audit), 90: self._is_rehearsed(day), 60: audit.evidence_ready_on, 30: audit.people_told_on}
        return [
            Step(f'{kind}_{number}', self.user_id, day - timedelta(days=number))
            for number in STEP_DAYS if not done[number]
        ]

    def _is_rehearsed(self, day):
        """Whether a mock or internal audit was held in the year before a day."""
        # sudo: whether one was held, not what it said
        return bool(self.env['qualiopi.audit'].sudo().search_count([
            ('company_id', '=', self.company_id.id), ('type', 'in', ('internal', 'mock')),
            ('state', 'in', ('done', 'closed')), ('date_from', '<=', day),
            ('date_from', '>=', day - relativedelta(months=_REHEARSAL_MONTHS)),
        ], limit=1))

    def _followup_is_cancelled(self):
        return not self.active

    @api.model
    def _followup_type(self, code):
        return super()._followup_type(f"audit_{code.rpartition('_')[2]}" if code != 'escalate' else code)

    @api.model
    def _followup_labels(self):
        labels = super()._followup_labels()
        kinds = dict(self._fields['next_kind']._description_selection(self.env))
        texts = {
            120: self.env._("fix the date with the certification body"),
            90: self.env._("hold a mock audit"),
            60: self.env._("prepare the evidence"),
            30: self.env._("tell the people concerned"),
        }
        for kind, name in kinds.items():
            for number, text in texts.items():
                labels[f'{kind}_{number}'] = self.env._(
                    "%(audit)s, %(number)s days before: %(what)s", audit=name, number=number, what=text,
                )
        return labels

    # === ACTIONS === #

    def action_plan_audit(self):
        """Open a new audit of the cycle, the next one, on the first day that fits."""
        self.ensure_one()
        kind = self._next_kind() or 'renewal'
        return {
            'type': 'ir.actions.act_window',
            'name': self.env._("Plan the audit"),
            'res_model': 'qualiopi.audit',
            'views': [(False, 'form')],
            'context': {
                'default_type': kind,
                'default_certificate_id': self.id,
                'default_company_id': self.company_id.id,
                'default_certifier_id': self.certifier_id.id,
                'default_date_from': self._next_date(kind),
                'default_action_category_ids': [Command.set(self.action_category_ids.ids)],
            },
        }
