"""The anonymised mode of printed documents and spreadsheets (the evidence file brings its own)."""
from odoo import api, models

from ..anonymiser import Anonymiser


class IrActionsReport(models.Model):
    _inherit = 'ir.actions.report'

    @api.model
    def _render_qweb_html(self, report_ref, docids, data=None):
        """For our reports with ``anonymised`` among ``data``: codes instead of names, whatever the document."""
        content, kind = super()._render_qweb_html(report_ref, docids, data=data)
        if not (data or {}).get('anonymised') or not self._is_qualiopi_report(report_ref):
            return content, kind
        anonymiser, keep = self._qualiopi_anonymiser(data)
        content = anonymiser.html(content)
        keep()
        return content, kind

    @api.model
    def _qualiopi_anonymiser(self, data):
        """The anonymiser in use, or a new one for the company that is printed, with what keeps its codes."""
        anonymiser = self.env.context.get('qualiopi_anonymiser')
        if isinstance(anonymiser, Anonymiser):
            return anonymiser, lambda: None
        company = self.env['res.company'].browse(int(data.get('company_id') or self.env.company.id))
        if company not in self.env.user.company_ids:
            company = self.env.company
        return self.env['qualiopi.pseudonym']._anonymiser(company)


class QualiopiXlsx(models.AbstractModel):
    _inherit = 'qualiopi.xlsx'

    def _workbook(self, kind, docids=None, data=None):
        if not (data or {}).get('anonymised'):
            return super()._workbook(kind, docids, data)
        anonymiser, keep = self.env['ir.actions.report']._qualiopi_anonymiser(data)
        result = super(QualiopiXlsx, self.with_context(qualiopi_anonymiser=anonymiser))._workbook(kind, docids, data)
        keep()
        return result

    def _write_rows(self, sheet, formats, columns, document):
        anonymiser = self.env.context.get('qualiopi_anonymiser')
        if isinstance(anonymiser, Anonymiser):
            document = {**document, 'sections': [
                {**section, 'rows': anonymiser.rows(section['rows'])} for section in document['sections']
            ]}
        return super()._write_rows(sheet, formats, columns, document)

    def _write_about(self, sheet, formats, documents):
        anonymiser = self.env.context.get('qualiopi_anonymiser')
        if isinstance(anonymiser, Anonymiser):
            documents = [
                {**document, 'sheet': {**document['sheet'], 'printed': anonymiser.text(document['sheet']['printed'])}}
                for document in documents
            ]
        return super()._write_about(sheet, formats, documents)

