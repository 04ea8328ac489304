from datetime import timedelta

from odoo import fields, models

from ..models.qualiopi_certificate import STEP_DAYS


class ReportQualiopiReportCertificate(models.AbstractModel):
    _name = 'report.qualiopi.report_certificate'
    _description = "Calendar of the Certificate"
    _inherit = ['qualiopi.report']

    def _get_report_values(self, docids, data=None):
        """Values of the template, one calendar a certificate.

        :raise AccessError: when the user may not read one of the certificates
        """
        certificates = self.env['qualiopi.certificate'].browse(docids).exists()
        certificates.check_access('read')
        return {
            'doc_ids': docids,
            'doc_model': certificates._name,
            'docs': certificates,
            'documents': [self._document(certificate) for certificate in certificates],
            'report_title': ', '.join(certificates.mapped('number')),
        }

    def _document(self, certificate):
        company = certificate.company_id
        formats = self._formats(company)
        d = formats['d']
        today = company._qualiopi_local_date(fields.Datetime.now())
        audits = self._linked(certificate, 'audit_ids').filtered(lambda audit: audit.state != 'cancelled')
        findings = self.env['qualiopi.finding'].search([
            ('company_id', '=', company.id), ('nc_is_legal', '=', True), ('lifted_on', '=', False),
            ('state', '!=', 'cancelled'),
        ], order='legal_deadline, id')
        return {
            **formats,
            'o': certificate,
            'sheet': self._sheet(
                company, self.env._("Calendar of the certificate"), certificate.number,
                kicker=self.env._("Calendar of the certificate"),
                period=self.env._("%(first)s to %(last)s", first=d(certificate.date_from), last=d(certificate.date_to)),
            ),
            'facts': self._pairs([
                (self.env._("Certification body"), self._names(certificate.certifier_id)),
                (self.env._("Categories of action"), certificate._scope_text()),
                (self.env._("Valid from"), d(certificate.date_from)),
                (self.env._("Valid until"), d(certificate.date_to)),
                (self.env._("Surveillance window"),
                 f"{d(certificate.surveillance_from)} – {d(certificate.surveillance_to)}"),
                (self.env._("Followed by"), self._names(certificate.user_id)),
            ]),
            'rows': self._dates(certificate, audits, today),
            'audits': audits.sorted('date_from'),
            'findings': findings,
            'minors': len(findings.filtered(lambda finding: finding.nc_grade == 'minor')),
            'names': self._names,
            'today': today,
        }

    def _dates(self, certificate, audits, today):
        """All days of the cycle in order, with what they are and where it stands."""
        texts = certificate._followup_labels()
        days = [(certificate.date_from, self.env._("The certificate begins"), '')]
        held = {'surveillance': certificate.surveillance_done_on, 'renewal': certificate.renewed_on}
        for kind in ('surveillance', 'renewal'):
            if held[kind]:
                continue
            before = certificate._next_date(kind)
            days += [(before - timedelta(days=number), texts[f'{kind}_{number}'], '') for number in STEP_DAYS]
        days += [
            (certificate.surveillance_from, self.env._("Surveillance window opens (14th month)"), ''),
            (certificate.surveillance_to, self.env._("Surveillance window ends (22nd month)"), ''),
            (certificate.date_to, self.env._("The certificate ends"), ''),
        ]
        label = self._formats(certificate.company_id)['label']
        days += [(audit.date_from, f"{label(audit, 'type')} ({audit.reference})", label(audit, 'state'))
                 for audit in audits]
        return [
            {
                'day': day, 'what': what, 'is_past': day < today,
                'status': status or self._distance(day, today),
            } for day, what, status in sorted(days, key=lambda line: line[0])
        ]

    def _distance(self, day, today):
        number = (day - today).days
        if number < 0:
            return self.env._("past")
        return self.env._("today") if not number else self.env._("in %s days", number)
