import pytz

from odoo import fields, models
from odoo.exceptions import AccessError


class DigestDigest(models.Model):
    _inherit = 'digest.digest'

    kpi_qualiopi_complaint = fields.Boolean("Complaints Received")
    kpi_qualiopi_complaint_value = fields.Integer(
        compute='_compute_kpi_qualiopi_complaint_value', export_string_translation=False,
    )
    kpi_qualiopi_answered = fields.Boolean("Complaints Answered in Time")
    kpi_qualiopi_answered_value = fields.Integer(
        compute='_compute_kpi_qualiopi_answered_value', export_string_translation=False,
    )
    kpi_qualiopi_late = fields.Boolean("Actions Past Their Due Date")
    kpi_qualiopi_late_value = fields.Integer(
        compute='_compute_kpi_qualiopi_late_value', export_string_translation=False,
    )
    kpi_qualiopi_effective = fields.Boolean("Actions Verified Effective")
    kpi_qualiopi_effective_value = fields.Integer(
        compute='_compute_kpi_qualiopi_effective_value', export_string_translation=False,
    )

    def _compute_kpi_qualiopi_complaint_value(self):
        """Complaints received in the period (RNQ, indicator 31)."""
        self._qualiopi_kpi('qualiopi.complaint', 'kpi_qualiopi_complaint_value', 'received_on', [
            ('nature', '=', 'complaint'), ('state', '!=', 'cancelled'),
        ])

    def _compute_kpi_qualiopi_answered_value(self):
        """Complaints answered in the period, before their deadline (RNQ, indicator 31)."""
        self._qualiopi_kpi('qualiopi.complaint', 'kpi_qualiopi_answered_value', 'response_date', [
            ('nature', '=', 'complaint'), ('response_timeliness', '=', 'on_time'), ('state', '!=', 'cancelled'),
        ])

    def _compute_kpi_qualiopi_late_value(self):
        """Actions that were due in the period and are not carried out (RNQ, indicator 32)."""
        self._qualiopi_kpi('qualiopi.improvement.action', 'kpi_qualiopi_late_value', 'date_due', [
            ('phase', 'in', ('plan', 'do')),
        ])

    def _compute_kpi_qualiopi_effective_value(self):
        """Checks of the period that found their action effective (RNQ, indicator 32)."""
        self._qualiopi_kpi('qualiopi.effectiveness.check', 'kpi_qualiopi_effective_value', 'done_on', [
            ('state', '=', 'done'), ('verdict', '=', 'effective'),
        ])

    def _qualiopi_kpi(self, model, field, date_field, domain):
        """Count a company's records in the period of the context, as far as the reader sees them.

        :raise AccessError: for a reader who is no quality officer, whose mail goes without the figure
        """
        if not self.env.user.has_group('qualiopi.group_officer'):
            raise AccessError(self.env._("Only quality officers get the figures of the registers."))
        if 'is_imported' in self.env[model]._fields:
            domain = [*domain, ('is_imported', '=', False)]
        if self.env[model]._fields[date_field].type == 'datetime':
            self._calculate_company_based_kpi(model, field, date_field=date_field, additional_domain=domain)
            return
        # Odoo's own count compares moments: days are counted up to yesterday, in the company's time zone.
        start, end, __ = self._get_kpi_compute_parameters()
        for company, digests in self.grouped(lambda digest: digest.company_id or self.env.company).items():
            zone = pytz.timezone(company._qualiopi_tz())
            first, last = (
                pytz.utc.localize(fields.Datetime.to_datetime(moment)).astimezone(zone).date()
                for moment in (start, end)
            )
            digests[field] = self.env[model].search_count([
                *domain, ('company_id', '=', company.id), (date_field, '>=', first), (date_field, '<', last),
            ])

    def _compute_kpis_actions(self, company, user):
        actions = super()._compute_kpis_actions(company, user)
        menu = self.env.ref('qualiopi.qualiopi_menu_root').id
        for kpi, action in (
            ('complaint', 'qualiopi_complaint_action'),
            ('answered', 'qualiopi_complaint_action'),
            ('late', 'qualiopi_improvement_action_action'),
            ('effective', 'qualiopi_effectiveness_check_action'),
        ):
            actions[f'kpi_qualiopi_{kpi}'] = f'qualiopi.{action}?menu_id={menu}'
        return actions
