from datetime import date
from typing import NamedTuple

from odoo import models
from odoo.fields import Domain

_CONTEXT_KEY = 'qualiopi_audit_scope'


class AuditScope(NamedTuple):
    """What an auditor's access shows. No remote caller can send one."""

    company_id: int
    first: date
    last: date


class IrRule(models.Model):
    _inherit = 'ir.rule'

    def _qualiopi_scope(self):
        scope = self.env.context.get(_CONTEXT_KEY)
        return scope if isinstance(scope, AuditScope) else None

    def _compute_domain(self, model_name, mode="read"):
        """Behind an auditor's access, nothing outside its company and period is read, whatever page asks."""
        domain = super()._compute_domain(model_name, mode)
        scope = self._qualiopi_scope()
        if not scope:
            return domain
        own = self._qualiopi_scope_domain(model_name, scope)
        return domain if own is None else (domain & own).optimize(self.env[model_name])

    def _qualiopi_scope_domain(self, model_name, scope):
        """Domain of a register, the one of its printed list; None for what is no register."""
        # sudo: the company's number and time zone are asked
        company = self.env['res.company'].sudo().browse(scope.company_id)
        printers = {
            'qualiopi.complaint': 'report.qualiopi.report_register',
            'qualiopi.finding': 'report.qualiopi.report_findings',
            'qualiopi.improvement.action': 'report.qualiopi.report_plan',
        }

        def domain_of(model):
            period = self.env[printers[model]]._period_domain(company, scope.first, scope.last)
            return period & Domain('company_id', '=', company.id) & Domain('is_confidential', '=', False)

        if model_name in printers:
            return domain_of(model_name)
        if model_name == 'qualiopi.effectiveness.check':
            return Domain('action_id', 'any!', domain_of('qualiopi.improvement.action'))
        if model_name == 'qualiopi.evidence':
            action = domain_of('qualiopi.improvement.action')
            return Domain.OR([
                Domain('complaint_id', 'any!', domain_of('qualiopi.complaint')),
                Domain('finding_id', 'any!', domain_of('qualiopi.finding')),
                Domain('action_id', 'any!', action),
                Domain('check_id.action_id', 'any!', action),
            ])
        return None
