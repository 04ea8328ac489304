from collections import Counter

from odoo import models

from ..models.qualiopi_audit_question import RESULTS

RESULT_TONES = {
    'strength': 'green', 'shown': 'teal', 'watch': 'blue', 'minor': 'amber', 'major': 'red', 'none': 'grey',
}


class ReportQualiopiReportAudit(models.AbstractModel):
    _name = 'report.qualiopi.report_audit'
    _description = "Audit Report"
    _inherit = ['qualiopi.report']

    def _get_report_values(self, docids, data=None):
        """Values of the template, one document an audit.

        :raise AccessError: when the user may not read one of the audits
        """
        return self._sheet_values('qualiopi.audit', docids)

    def _title(self):
        return self.env._("Audit report")

    def _document(self, audit):
        company = audit.company_id
        formats = self._formats(company)
        label, d = formats['label'], formats['d']
        questions = self._linked(audit, 'question_ids')
        findings = self._linked(audit, 'finding_ids').filtered(lambda finding: finding.state != 'cancelled')
        days = d(audit.date_from)
        if audit.date_to != audit.date_from:
            days = self.env._("%(first)s to %(last)s", first=days, last=d(audit.date_to))
        labels = dict(self.env['qualiopi.audit.question']._fields['result']._description_selection(self.env))
        counts = Counter(questions.mapped('result'))
        return {
            **formats,
            'o': audit,
            'sheet': self._sheet(
                company, self._title(), audit.name or audit.reference, kicker=self._title(),
                reference=audit.reference, dates=(audit.date_from, audit.date_from), period=days,
                chips=[('blue', label(audit, 'type')), ('grey', label(audit, 'state'))],
            ),
            'facts': self._pairs(self._facts(audit, formats, days)),
            'criteria': [
                (criterion.display_name, own) for criterion, own in sorted(
                    questions.grouped('criterion_id').items(), key=lambda pair: pair[0].number,
                )
            ],
            'results': [(labels[key], RESULT_TONES[key], counts[key]) for key, __ in RESULTS if counts[key]],
            'unanswered': counts[False],
            'slots': [self._slot(slot, formats) for slot in self._linked(audit, 'slot_ids')],
            'statements': audit._grid_statements(),
            'findings': findings,
            'hidden_findings': self._hidden(audit, 'finding_ids', 'audit_id'),
            'evidence': self._evidence(self._linked(audit, 'evidence_ids'), company),
            'result_tone': lambda value: RESULT_TONES.get(value, 'grey'),
            'points': self.env['qualiopi.audit.question']._points(),
            'names': self._names,
        }

    def _facts(self, audit, formats, days):
        label, d = formats['label'], formats['d']
        modes = [audit._fields[name]._description_string(self.env)
                 for name in ('new_entrant', 'subcontractor_only') if audit[name]]
        return [
            (self.env._("Dates"), days),
            (self.env._("Mode"), label(audit, 'mode')),
            (self.env._("Sites seen"), audit.site),
            (self.env._("Certification body"), self._names(audit.certifier_id)),
            (self.env._("Auditor"), self._names(audit.auditor_id)),
            (self.env._("Prepared by"), self._names(audit.user_id)),
            (self.env._("Categories of action"), audit._scope_text() or self.env._("all")),
            (self.env._("Adapted for"), ', '.join(modes)),
            (self.env._("Certificate"), self._names(audit.certificate_id)),
            (self.env._("Report received on"), d(audit.report_on)),
            (self.env._("Decision"), label(audit, 'outcome')),
            (self.env._("Decided on"), d(audit.outcome_on)),
            (self.env._("Response plan sent on"), d(audit.response_sent_on)),
        ]

    def _slot(self, slot, formats):
        minutes = round(slot.duration * 60)
        return {
            'start': formats['dt'](slot.start),
            'duration': f'{minutes // 60} h {minutes % 60:02d}',
            'name': slot.name,
            'indicators': ', '.join(str(number) for number in slot.indicator_ids.mapped('number')),
            'persons': slot.persons,
        }


class ReportQualiopiReportAuditProgramme(models.AbstractModel):
    _name = 'report.qualiopi.report_audit_programme'
    _description = "Audit Programme"
    _inherit = ['report.qualiopi.report_audit']

    def _title(self):
        return self.env._("Audit programme")
