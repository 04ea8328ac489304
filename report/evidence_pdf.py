import re

from odoo import api, models
from odoo.exceptions import UserError

from . import evidence_zip

# After so many documents in a row without a PDF the program is missing or broken: the others stay pages (HTML).
_PDF_FAILURES = 2


class QualiopiEvidenceFile(models.Model):
    """Steps in between: one page into a PDF each."""

    _inherit = 'qualiopi.evidence.file'

    def _print(self, piece):
        """Turn one page into a PDF; what cannot be printed stays a page, and a remark says why (quality.md, F1)."""
        page = piece._content().decode()
        content = error = None
        if self._has_pdf():
            try:
                content = self._pdf(piece.report, page)
            except UserError as caught:
                error = str(caught)
        else:
            error = self.env._("The program that makes PDF files did not work for the documents before.")
        if content:
            piece.write({'state': 'ready'})
            piece._put(content)
        else:
            piece.write({
                'state': 'ready', 'note': self.env._("As a page (HTML), without a PDF: %s", error),
                'path': re.sub(r'\.pdf$', '.html', piece.path),
            })

    def _pdf_failures(self):
        """How many documents, the last ones printed, have no PDF."""
        printed = self._documents().filtered(lambda piece: piece.state == 'ready').sorted('id', reverse=True)
        count = 0
        for piece in printed:
            if not piece.path.endswith('.html'):
                break
            count += 1
        return count

    def _has_pdf(self):
        return self._pdf_failures() < _PDF_FAILURES

    @api.model
    def _pdf(self, report_name, page):
        """A page as PDF, with the dates of the snapshot.

        :raise UserError: when wkhtmltopdf is missing, fails or takes too long
        """
        # sudo: paper format and layout of our own report
        report = self.env['ir.actions.report']._get_report(report_name).sudo()
        bodies, __, header, footer, arguments = report._prepare_html(page, report_model=report.model)
        content = report._run_wkhtmltopdf(
            bodies, report_ref=report_name, header=header, footer=footer, specific_paperformat_args=arguments,
        )
        return evidence_zip.same_dates(content, self.snapshot_on)
