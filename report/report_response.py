from odoo import models


class ReportQualiopiReportResponse(models.AbstractModel):
    _name = 'report.qualiopi.report_response'
    _description = "Response Plan to Nonconformities"
    _inherit = ['qualiopi.report']

    def _get_report_values(self, docids, data=None):
        """Values of the template, one plan an audit.

        :raise AccessError: when the user may not read one of the audits
        """
        return self._sheet_values('qualiopi.audit', docids)

    def _document(self, audit):
        company = audit.company_id
        formats = self._formats(company)
        label, d = formats['label'], formats['d']
        visible = self._linked(audit, 'finding_ids')
        findings = visible.filtered(lambda finding: finding.nc_grade and finding.state != 'cancelled')
        actions = self._linked(findings, 'action_ids')
        self._preload(actions, 'stage_id.name', 'evidence_ids.name')
        sent = audit.response_sent_on
        return {
            **formats,
            'o': audit,
            'sheet': self._sheet(
                company, self.env._("Response plan"), self.env._("Answer to the nonconformities"),
                kicker=audit.name, reference=audit.reference, dates=(audit.date_from, audit.date_from),
                period=self.env._("Audit of %s", d(audit.date_to)),
                lead=self.env._("Sent on %s", d(sent)) if sent else None,
                chips=[('blue', label(audit, 'type'))],
            ),
            'facts': self._pairs([
                (self.env._("Certification body"), self._names(audit.certifier_id)),
                (self.env._("Auditor"), self._names(audit.auditor_id)),
                (self.env._("Major nonconformities"), str(len(findings.filtered(self._weighs_major)))),
                (self.env._("Minor nonconformities"), str(len(findings.filtered(lambda f: not self._weighs_major(f))))),
            ]),
            'rows': [self._row(finding, actions, formats) for finding in findings.sorted(
                lambda finding: (not self._weighs_major(finding), finding.nc_notified_on, finding.id),
            )],
            'hidden_findings': self._hidden(audit, 'finding_ids', 'audit_id'),
        }

    @staticmethod
    def _weighs_major(finding):
        return finding.nc_grade == 'major' or finding.nc_counts_as_major

    def _row(self, finding, actions, formats):
        lifted = ''
        if finding.lifted_on:
            lifted = self.env._(
                "%(day)s, by %(who)s", day=formats['d'](finding.lifted_on),
                who=self._names(finding.lifted_by_id),
            )
        return {
            'finding': finding,
            'numbers': ', '.join(str(number) for number in finding.indicator_ids.mapped('number')),
            'causes': self._names(finding.cause_ids),
            'whys': [why for why in (finding[f'why_{rank}'] for rank in range(1, 6)) if why],
            'own_evidence': self._linked(finding, 'evidence_ids').mapped('name'),
            'actions': [{
                'action': action,
                'owner': self._names(action.user_id),
                'evidence': self._linked(action, 'evidence_ids').mapped('name'),
            } for action in (finding.action_ids & actions) if action.phase != 'cancelled'],
            'lifted': lifted,
            'is_major': self._weighs_major(finding),
        }
