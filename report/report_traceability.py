from odoo import models
from odoo.exceptions import UserError


class ReportQualiopiReportTraceability(models.AbstractModel):
    _name = 'report.qualiopi.report_traceability'
    _description = "Traceability Sheet"
    _inherit = ['qualiopi.report.list']

    _list_model = 'qualiopi.finding'
    _list_order = 'date, id'

    # The model on whose print menu the report stands, and its field towards the findings.
    _source_model = 'qualiopi.finding'
    _findings_field = None

    def _period_domain(self, company, first, last):
        return self.env['report.qualiopi.report_findings']._period_domain(company, first, last)

    def _own_day(self, record):
        return record.date

    def _get_report_values(self, docids, data=None):
        """Values of the template, one page a chain: a finding with all its sources and actions.

        :param docids: ids of the source model; their chains are printed. Without: a period
        :raise UserError: when there is no chain to print
        """
        sources = self.env[self._source_model].browse(docids or ()).exists()
        sources.check_access('read')
        without = sources.browse()
        if not docids:
            [selection] = self._selections(None, data or {})
            findings = selection['records']
        elif self._findings_field:
            findings = self._linked(sources, self._findings_field).sorted(lambda f: (f.date, f.id))
            without = sources.filtered(lambda source: not source[self._findings_field] & findings)
        else:
            findings = sources
        if not findings:
            raise UserError(self.env._(
                "There is no chain to print: it begins with a finding. Create one from the entry "
                "(\"Create a finding\") or choose another period.",
            ))
        findings._note_access('print')
        return {
            'doc_ids': docids,
            'doc_model': self._source_model,
            'docs': sources,
            'documents': self._chains(findings, without),
            'report_title': self.env._("Traceability"),
        }

    def _chains(self, findings, without):
        """One page a finding.

        :param without: records whose chains were asked for and that have none
        :rtype: list[dict]
        """
        sources, actions = (
            self._hidden_counts(findings, name, 'finding_ids') for name in ('complaint_ids', 'action_ids'))
        return [
            {**self._chain(finding, without), 'hidden_sources': sources[finding], 'hidden_actions': actions[finding]}
            for finding in findings
        ]

    def _chain(self, finding, without):
        company = finding.company_id
        formats = self._formats(company)
        label, tone, d = formats['label'], formats['tone'], formats['d']
        actions = self._linked(finding, 'action_ids').sorted(
            lambda action: (action.date_due or finding.date, action.id))
        plan = self.env['report.qualiopi.report_plan']
        chips = [
            (tone(finding.kind), label(finding, 'kind')),
            (tone(finding.state), label(finding, 'state')),
        ]
        if finding.is_confidential:
            chips.append(('red', self.env._("Confidential")))
        return {
            **formats,
            'o': finding,
            'sheet': self._sheet(
                company, self.env._("Traceability sheet"), finding.name or finding.reference,
                kicker=self.env._("From the source to the verdict"), reference=finding.reference,
                chips=chips, dates=(finding.date, finding.date),
                period=self.env._("Finding of %s", d(finding.date)),
            ),
            'sources': self._linked(finding, 'complaint_ids').sorted(lambda entry: (entry.received_on, entry.id)),
            'analysis': self._causes(finding),
            'actions': [{
                'action': action,
                'has_values': plan._has_values(action),
                'checks': action.check_ids.filtered(lambda check: check.state != 'cancelled')
                .sorted(lambda check: (check.planned_on, check.id)),
            } for action in actions],
            'evidence': self._evidence(
                self._linked(finding, 'evidence_ids') | self._linked(actions, 'evidence_ids')
                | self._linked(actions.check_ids, 'evidence_ids'), company, origin=True,
            ),
            'names': self._names,
            'without': ', '.join(without.mapped('reference')),
        }


class ReportQualiopiReportTraceabilityComplaint(models.AbstractModel):
    _name = 'report.qualiopi.report_traceability_complaint'
    _description = "Traceability Sheet of Entries"
    _inherit = ['report.qualiopi.report_traceability']

    _source_model = 'qualiopi.complaint'
    _findings_field = 'finding_ids'


class ReportQualiopiReportTraceabilityAction(models.AbstractModel):
    _name = 'report.qualiopi.report_traceability_action'
    _description = "Traceability Sheet of Actions"
    _inherit = ['report.qualiopi.report_traceability']

    _source_model = 'qualiopi.improvement.action'
    _findings_field = 'finding_ids'
