import itertools
from datetime import datetime, time, timedelta
from typing import NamedTuple

import pytz

from odoo import models
from odoo.exceptions import UserError
from odoo.fields import Domain

from . import evidence_zip
from .evidence_originals import SOURCES
from .qualiopi_report_list import Part

# Sheets of single records printed into one PDF: wkhtmltopdf's time grows faster than their number.
SHEETS = 20
# Lines of a list printed into one PDF.
PART_ROWS = 500


class Document(NamedTuple):
    """One kind of printed document. ``numbers``: indicators that it proves, the main one first. Without ``model``
    it is the list of a period; with ``day``, sheets of the records of that model whose field lies in the period."""

    code: str
    report: str
    numbers: tuple
    model: str = None
    day: str = None


# What a ZIP holds. A document whose report is not installed is passed over.
DOCUMENTS = (
    Document('register', 'qualiopi.action_report_register', (31,)),
    Document('nil', 'qualiopi.action_report_nil_statement', (31,), 'qualiopi.nil.statement', 'date_to'),
    Document('procedures', 'qualiopi.action_report_procedures', (31,)),
    Document('findings', 'qualiopi.action_report_findings', (32, 30, 31)),
    Document('plan', 'qualiopi.action_report_plan', (32,)),
    Document('traceability', 'qualiopi.action_report_traceability', (32, 31, 30), 'qualiopi.finding', 'date'),
    Document('communications', 'qualiopi.action_report_communications', (32,)),
    Document('risks', 'qualiopi.action_report_risks', (32,)),
    Document('reviews', 'qualiopi.action_report_review', (32,), 'qualiopi.review', 'date'),
    Document('matrix', 'qualiopi.action_report_matrix', (30,)),
    Document('satisfaction', 'qualiopi.action_report_satisfaction', (30,)),
    Document('dropouts', 'qualiopi.action_report_dropouts', (12, 11)),
    Document('results', 'qualiopi.action_report_results', (2, 11)),
    Document('audits', 'qualiopi.action_report_audit', (32,), 'qualiopi.audit', 'date_from'),
    Document('responses', 'qualiopi.action_report_response', (32,), 'qualiopi.audit', 'date_from'),
)


class QualiopiEvidenceFile(models.Model):
    """First step: read the registers once."""

    _inherit = 'qualiopi.evidence.file'

    def _title(self, code):
        return {
            'register': self.env._("Register"),
            'nil': self.env._("Nil statements"),
            'procedures': self.env._("Procedures in force"),
            'findings': self.env._("Findings"),
            'plan': self.env._("Improvement plan"),
            'traceability': self.env._("Traceability sheets"),
            'communications': self.env._("Internal communications"),
            'risks': self.env._("Risk register"),
            'reviews': self.env._("Quality reviews"),
            'matrix': self.env._("Solicitations by stakeholder"),
            'satisfaction': self.env._("Summary of appreciations"),
            'dropouts': self.env._("Register of dropouts"),
            'results': self.env._("Results"),
            'audits': self.env._("Audits"),
            'responses': self.env._("Response plans"),
        }[code]

    def _gather(self):
        self._pieces().unlink()
        file, anonymiser, keep = self._begin()
        text = anonymiser.text if anonymiser else (lambda value: value)
        chosen, data = file._chosen(), file._report_data()
        taken, pieces, totals, records = {}, [], {}, {}
        sheets = []
        for document in DOCUMENTS:
            report = file.env.ref(document.report, raise_if_not_found=False)
            numbers = [number for number in document.numbers if number in chosen]
            if not report or not numbers or (document.model and document.model not in file.env):
                continue
            # sudo: what is printed and where is asked of the report's own record; it reads with the owner's rights
            report = report.sudo()
            if document.model:
                pieces += file._gather_sheets(document, report, numbers, data, taken, records)
                continue
            printer = file.env[f'report.{report.report_name}']
            title, parts = file._title(document.code), [None]
            # Some papers hold figures, and no list of records.
            if hasattr(printer, '_selections'):
                [selection] = printer._selections(None, data)
                records[printer._list_model] = selection['records']
                content = printer._document(selection)
                parts = file._parts(content)
                totals[document.code] = [title, parts[-1].last]
                if printer._widths:
                    sheets.append((printer, content))
            for number, part in enumerate(parts, 1):
                is_one = len(parts) == 1
                pieces.append(file._document_piece(
                    document, report, numbers, evidence_zip.free_path(
                        file._folder(numbers[0]), f'{file._slug(title)}{"" if is_one else f"-{number}"}.pdf', taken),
                    title if is_one else f'{title} ({number}/{len(parts)})', None, {**data, 'part': part},
                ))
            file.env.invalidate_all()
        if not records:
            raise UserError(self.env._(
                "There is nothing to put into an evidence file for these indicators: choose others, or none for all.",
            ))
        pieces += file._gather_originals(chosen, taken, records, text)
        pieces.append(file._workbook_piece(sheets, records, taken, totals))
        contents = [piece.pop('content', None) for piece in pieces]
        # sudo: the pieces are written by the program
        created = self.env['qualiopi.evidence.piece'].sudo().create([{**piece, 'file_id': self.id} for piece in pieces])
        for piece, content in zip(created, contents, strict=True):
            if content:
                piece._put(content)
        keep()
        self._record(is_gathered=True, totals=list(totals.values()))
        self._tell(10, self.env._("Registers read"))

    def _parts(self, content):
        """A list, cut into as many PDFs as keep the memory of wkhtmltopdf low: it grows faster than the pages."""
        count = sum(len(section['rows']) for section in content['sections'])
        number = max(1, -(-count // PART_ROWS))
        lasts = [count * rank // number for rank in range(number + 1)]
        lead = content['sheet']['lead']
        return [Part(content, first, last, lead if number == 1 else self.env._(
            "%(period)s. Part %(part)s of %(parts)s: lines %(first)s to %(last)s of %(count)s", period=lead,
            part=rank, parts=number, first=first + 1, last=last, count=count,
        )) for rank, (first, last) in enumerate(itertools.pairwise(lasts), 1)]

    def _document_piece(self, document, report, numbers, path, title, docids, data):
        """Values of a piece whose content is a page to be printed."""
        page = self.env['ir.actions.report']._render_qweb_html(report.report_name, docids, data=dict(data))[0]
        return {
            'kind': 'document', 'path': path, 'title': title, 'report': report.report_name,
            'numbers': ', '.join(map(str, numbers)), 'content': page, 'author': self._author(),
            'date': self._local_moment().date(),
        }

    def _gather_sheets(self, document, report, numbers, data, taken, records):
        """Sheets of single records, some to a PDF."""
        domain = self._period(document.model, document.day)
        found = self.env[document.model].search(domain, order=f'{document.day}, id')
        if document.model in SOURCES and document.model not in records:
            records[document.model] = found
        pieces, title = [], self._title(document.code)
        for start in range(0, len(found), SHEETS):
            batch = found[start:start + SHEETS]
            names = [
                (record['reference'] if 'reference' in record._fields else record.display_name) or ''
                for record in (batch[0], batch[-1])
            ]
            span = names[0] if len(batch) == 1 else ' – '.join(names)
            path = evidence_zip.free_path(
                f'{self._folder(numbers[0])}/{self._slug(title)}',
                f'{self._slug(" ".join(names[:len(batch)]).upper()).upper()}.pdf', taken,
            )
            try:
                piece = self._document_piece(document, report, numbers, path, f'{title} {span}', batch.ids, data)
            except UserError as error:
                # Such as minutes that are not written yet: the report says so.
                piece = {
                    'kind': 'document', 'state': 'left_out', 'title': f'{title} {span}', 'note': str(error),
                    'numbers': ', '.join(map(str, numbers)),
                }
            pieces.append({**piece, 'record': span})
            self.env.invalidate_all()
        return pieces

    def _period(self, model, day):
        """Records of the company in the period that are not confidential."""
        model_fields = self.env[model]._fields
        domain = Domain('company_id', '=', self.company_id.id)
        if model_fields[day].type == 'datetime':
            zone = pytz.timezone(self.company_id._qualiopi_tz())
            first, last = (
                zone.localize(datetime.combine(date, time.min)).astimezone(pytz.utc).replace(tzinfo=None)
                for date in (self.date_from, self.date_to + timedelta(days=1))
            )
            domain &= Domain(day, '>=', first) & Domain(day, '<', last)
        else:
            domain &= Domain(day, '>=', self.date_from) & Domain(day, '<=', self.date_to)
        if 'is_confidential' in model_fields:
            domain &= Domain('is_confidential', '=', False)
        return domain
