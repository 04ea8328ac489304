import logging
import re
from collections import defaultdict

from odoo import models
from odoo.exceptions import UserError
from odoo.tools.misc import formatLang

_logger = logging.getLogger(__name__)

# Lines of the table on the cover.
_LIST_LIMIT = 500


class QualiopiEvidenceFile(models.Model):
    """Last step: the index for the browser and the cover on paper."""

    _inherit = 'qualiopi.evidence.file'

    def _page_values(self):
        """What index and cover print: ``groups`` of documents and originals by indicator, totals, notes."""
        report = self.env['qualiopi.report']
        formats = report._formats(self.company_id)
        listed, absent = self._listed()
        titles = {i.number: i.name for i in self.env['qualiopi.indicator'].search([('number', 'in', self._chosen())])}
        by_number = defaultdict(lambda: {'documents': [], 'originals': []})
        for piece in listed.filtered(lambda piece: piece.kind in ('document', 'original')):
            for number in (int(number) for number in piece.numbers.split(', ')):
                by_number[number][f'{piece.kind}s'].append(piece)
        return {
            **formats,
            'file': self,
            'groups': [{
                'number': number, 'title': titles.get(number, ''), 'has_files': number in by_number,
                **by_number[number],
            } for number in self._chosen() if number in by_number],
            'empty': [number for number in self._chosen() if number not in by_number],
            'workbooks': listed.filtered(lambda piece: piece.kind == 'workbook'),
            'absent': absent,
            'left_out_count': len(absent.filtered(lambda p: p.state == 'left_out' and p.kind == 'original')),
            'totals': self.totals or [],
            'notes': self._notes().splitlines(),
            'kb': lambda size: formatLang(self.env, max(1, -(-(size or 0) // 1024)), digits=0),
            'period': report._period_text(self.date_from, self.date_to),
            'referential': report._referential_text(self.date_from, self.date_to),
            'printed': report._printed_text(self.company_id),
            'cover_name': self._cover_name(),
            'lang': (self.env.lang or 'en_US').replace('_', '-'),
        }

    def _index_page(self, anonymiser):
        content = self.env['ir.qweb']._render('qualiopi.evidence_index', self._page_values())
        return anonymiser.html(content) if anonymiser else str(content).encode()

    def _cover_name(self):
        name = self.env._("Cover")
        return f'{self._slug(name)}.pdf'

    def _cover(self):
        """Path and content of the cover; as a page when there is no PDF."""
        report_name = 'qualiopi.report_evidence_cover'
        page = self.env['ir.actions.report']._render_qweb_html(
            report_name, self.ids, data={'anonymised': self.is_anonymised})[0]
        name = self._cover_name()
        if self._has_pdf():
            try:
                return name, self._pdf(report_name, page.decode())
            except UserError as error:
                _logger.warning("Evidence file %s has no cover in PDF: %s", self.id, error)
        return re.sub(r'\.pdf$', '.html', name), page


class ReportQualiopiReportEvidenceCover(models.AbstractModel):
    _name = 'report.qualiopi.report_evidence_cover'
    _description = "Cover of an Evidence File"
    _inherit = ['qualiopi.report']

    def _get_report_values(self, docids, data=None):
        """Values of the template: one cover a file, with the fingerprint of its manifest.

        :raise UserError: before a file is made
        """
        files = self.env['qualiopi.evidence.file'].browse(docids).exists()
        files.check_access('read')
        documents = []
        for file in files:
            if not file.manifest_sha256:
                raise UserError(self.env._("The evidence file is not ready yet."))
            values = file._page_values()
            chips = [('violet', self.env._("Anonymised"))] if file.is_anonymised else []
            rows = [
                (piece, number) for group in values['groups'] for piece in group['documents'] + group['originals']
                for number in [group['number']]
            ]
            documents.append({
                **values,
                'hash_parts': [file.manifest_sha256[start:start + 8] for start in range(0, 64, 8)],
                'rows': rows[:_LIST_LIMIT],
                'left_rows': max(0, len(rows) - _LIST_LIMIT),
                'sheet': self._sheet(
                    file.company_id, self.env._("Evidence file"), file.name,
                    kicker=self.env._("Evidence file for the audit"), chips=chips, period=values['period'],
                    lead=values['period'], dates=(file.date_from, file.date_to),
                ),
            })
        return {
            'doc_ids': docids, 'doc_model': 'qualiopi.evidence.file', 'docs': files, 'documents': documents,
            'report_title': self.env._("Evidence file"),
        }
