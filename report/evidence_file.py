import itertools
import json
import logging
import os
import re
import unicodedata
from collections import defaultdict
from datetime import datetime, time, timedelta
from typing import NamedTuple

import pytz

from odoo import api, models
from odoo.exceptions import UserError
from odoo.fields import Domain
from odoo.tools.misc import formatLang

from . import evidence_zip
from .qualiopi_report_list import Part

_logger = logging.getLogger(__name__)

# Sheets of single records printed into one PDF: wkhtmltopdf's time grows faster than their number.
SHEETS = 20
# Lines of a list printed into one PDF.
PART_ROWS = 500
# After so many documents in a row without a PDF the program is missing or broken: the others stay pages (HTML).
_PDF_FAILURES = 2
_MB = 1024 * 1024
_LIST_LIMIT = 500


class Snapshot(NamedTuple):
    """The instant that all papers of an evidence file carry. No remote caller can send one."""

    moment: datetime


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
# Records whose files are copied, the indicator of those that name none, and the day that decides for those that
# stand in no list of a period.
_SOURCES = {
    'qualiopi.complaint': (31, None),
    'qualiopi.finding': (32, None),
    'qualiopi.improvement.action': (32, None),
    'qualiopi.effectiveness.check': (32, None),
    'qualiopi.risk': (32, None),
    'qualiopi.feedback.campaign': (30, 'date_from'),
    'qualiopi.review': (32, 'date'),
    'qualiopi.dropout': (12, 'date'),
}


class QualiopiReport(models.AbstractModel):
    _inherit = 'qualiopi.report'

    def _printed_text(self, company):
        """Papers of an evidence file carry the instant of its snapshot."""
        snapshot = self.env.context.get('qualiopi_snapshot')
        if not isinstance(snapshot, Snapshot):
            return super()._printed_text(company)
        return self.env._(
            "Snapshot of %(moment)s (%(tz)s) by %(user)s",
            moment=self._formats(company)['dt'](snapshot.moment), tz=company._qualiopi_tz(), user=self.env.user.name,
        )


class QualiopiEvidenceFile(models.Model):
    """What goes into the ZIP, and how it is made.

    The first step reads the registers once, in one transaction: it renders each document as a page and writes the
    spreadsheet, so that all of them show the same state. The next ones turn one page into a PDF each. The last
    copies everything into the ZIP. Each is kept when it ends; a job that is killed goes on with the step it was at.
    """

    _inherit = 'qualiopi.evidence.file'

    def _step(self):
        """Run the next step, with the rights of the file's owner.

        :raise UserError: when nothing can be made of what the owner sees
        :raise OSError: when the disk is full or not writable
        """
        self.ensure_one()
        self.check_access('read')
        if not self.is_gathered:
            self._gather()
            return
        waiting = self._pieces().filtered(lambda piece: piece.kind == 'document' and piece.state == 'todo')
        if waiting:
            self._print(waiting[0])
            done = len(self._pieces().filtered(lambda piece: piece.kind == 'document')) - len(waiting) + 1
            self._tell(10 + 80 * done // (done + len(waiting) - 1),
                       self.env._("Documents: %(done)s of %(all)s", done=done, all=done + len(waiting) - 1))
        else:
            self._assemble()

    def _pieces(self):
        # sudo: the pieces are written by the program; the file is the owner's
        return self.sudo().piece_ids

    def _record(self, **vals):
        """Write what the program has to say about the file."""
        # sudo: values that nobody writes by hand
        self.sudo()._as_server().write(vals)

    def _tell(self, progress, text):
        self._record(progress=progress, progress_text=text)

    # === WHAT IS SAID IN ALL PAPERS === #

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

    def _report_data(self):
        return {
            'date_from': self.date_from.isoformat(), 'date_to': self.date_to.isoformat(),
            'company_id': self.company_id.id, 'anonymised': self.is_anonymised,
        }

    def _begin(self):
        """The file in the context of its snapshot, its anonymiser (or None), and what keeps the codes given."""
        anonymiser, keep = None, lambda: None
        if self.is_anonymised:
            anonymiser, keep = self.env['qualiopi.pseudonym']._anonymiser(self.company_id)
        file = self.with_context(
            qualiopi_snapshot=Snapshot(self.snapshot_on), qualiopi_anonymiser=anonymiser,
        )
        return file, anonymiser, keep

    def _chosen(self):
        """Numbers of the indicators, all without a choice."""
        indicators = self.indicator_ids or self.env['qualiopi.indicator'].search([('number', '>', 0)])
        return sorted(indicators.mapped('number'))

    def _folder(self, number):
        # The extraction of terms does not look into f-strings.
        name = self.env._("Indicator")
        return f'{self._slug(name)}-{number:02d}'

    @staticmethod
    def _slug(text):
        text = unicodedata.normalize('NFKD', text)
        text = ''.join(char for char in text if not unicodedata.combining(char))
        return re.sub(r'[^a-z0-9]+', '-', text.lower()).strip('-')

    def _local_moment(self):
        """The instant of the snapshot on the company's clock, for the dates of files."""
        zone = pytz.timezone(self.company_id._qualiopi_tz())
        return pytz.utc.localize(self.snapshot_on).astimezone(zone).replace(tzinfo=None)

    # === FIRST STEP: READ EVERYTHING ONCE === #

    def _gather(self):
        self._pieces().unlink()
        file, anonymiser, keep = self._begin()
        text = anonymiser.text if anonymiser else (lambda value: value)
        chosen, data = file._chosen(), file._report_data()
        taken, pieces, totals, records = set(), [], {}, {}
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

    def _author(self):
        anonymiser = self.env.context.get('qualiopi_anonymiser')
        return anonymiser.text(self.env.user.name) if anonymiser else self.env.user.name

    def _gather_sheets(self, document, report, numbers, data, taken, records):
        """Sheets of single records, some to a PDF."""
        domain = self._period(document.model, document.day)
        found = self.env[document.model].search(domain, order=f'{document.day}, id')
        if document.model in _SOURCES and document.model not in records:
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

    # === ORIGINALS === #

    def _gather_originals(self, chosen, taken, records, text):
        """Pieces for the files of evidence and what hangs on the records, each content once."""
        for model, (__, day) in _SOURCES.items():
            if model == 'qualiopi.effectiveness.check':
                records[model] = records.get('qualiopi.improvement.action', self.env[
                    'qualiopi.improvement.action']).check_ids._filtered_access('read')
            elif model not in records and day and model in self.env:
                records[model] = self.env[model].search(self._period(model, day))
        pieces, by_content, total = [], {}, 0
        # sudo: a limit that the administrator sets
        limit = int(self.env['ir.config_parameter'].sudo().get_param('qualiopi.evidence_file_max_mb') or 1900) * _MB
        for attachment, record, facts in self._originals(records):
            numbers = [number for number in self._numbers_of(record) if number in chosen]
            if not numbers:
                continue
            known = by_content.get(attachment.checksum)
            if known is not None:
                if facts['reference'] not in known['record'].split(', '):
                    known['record'] += f", {facts['reference']}"
                continue
            size = attachment.file_size or 0
            piece = {
                'kind': 'original', 'record': facts['reference'], 'numbers': ', '.join(map(str, numbers)),
                'date': facts['date'], 'author': text(facts['author']), 'size': size,
                'attachment_id': attachment.id, 'expected_sha256': facts['sha256'],
            }
            by_content[attachment.checksum] = piece
            pieces.append(piece)
            if self.is_anonymised:
                piece.update(state='left_out', title=self.env._("File %s", len(pieces)), note=self.env._(
                    "Left out: an original cannot be anonymised"))
            elif total + size > limit:
                piece.update(state='left_out', title=facts['title'], note=self.env._(
                    "Left out: the ZIP would be larger than %s MB", limit // _MB))
            else:
                total += size
                folder = '/'.join((self._folder(numbers[0]), self._slug(self.env._("Files")),
                                   self._slug(facts['reference']).upper() or '-'))
                piece.update(
                    state='ready', title=facts['title'],
                    path=evidence_zip.free_path(folder, attachment_name(facts['title'], attachment), taken),
                )
        return pieces

    def _numbers_of(self, record):
        owner = record.action_id if record._name == 'qualiopi.effectiveness.check' else record
        numbers = sorted(owner.indicator_ids.mapped('number')) if 'indicator_ids' in owner._fields else []
        return numbers or [_SOURCES[record._name][0]]

    def _originals(self, records):
        """(attachment, record, facts) of what may be copied: evidence first, then what hangs on the records.

        The rules of the owner decide on pieces and attachments; only the bytes are read beyond them.
        """
        Evidence = self.env['qualiopi.evidence']
        owners = {
            name: field.comodel_name for name, field in Evidence._fields.items()
            if field.type == 'many2one' and field.comodel_name in records
        }
        domain = Domain('type', '=', 'file') & Domain('is_confidential', '=', False) & Domain.OR(
            Domain(name, 'in', records[model].ids) for name, model in owners.items())
        evidence = Evidence.search(domain, order='id')
        # sudo: the files of pieces that the owner of the ZIP may read
        files = self.env['ir.attachment'].sudo().search([
            ('res_model', '=', Evidence._name), ('res_field', '=', 'file'), ('res_id', 'in', evidence.ids),
        ])
        by_piece = {attachment.res_id: attachment for attachment in files}
        for piece in evidence:
            attachment = by_piece.get(piece.id)
            if attachment:
                record = next(piece[name] for name in owners if piece[name])
                yield attachment, record, {
                    'reference': self._reference(record), 'date': piece.date, 'sha256': piece.sha256,
                    # sudo: a name, of who added a piece that may be read
                    'author': piece.user_id.sudo().name or '', 'title': piece.file_name or piece.name,
                }
        for model, own in records.items():
            if model not in _SOURCES or not own:
                continue
            found = self.env['ir.attachment'].search([
                ('res_model', '=', model), ('res_id', 'in', own.ids), ('res_field', '=', False),
                ('type', '=', 'binary'),
            ], order='res_id, id')
            for attachment in found:
                # Read with the others, not one by one.
                record = own.browse(attachment.res_id).with_prefetch(own.ids)
                # sudo: the owner may read the attachment; its content is copied
                yield attachment.sudo(), record, {
                    'reference': self._reference(record), 'date': attachment.create_date.date(), 'sha256': False,
                    # sudo: a name, as above
                    'author': attachment.create_uid.sudo().name or '', 'title': attachment.name,
                }

    @staticmethod
    def _reference(record):
        name = record['reference'] if 'reference' in record._fields else None
        return name or record.display_name or ''

    # === PDF === #

    def _print(self, piece):
        """Turn one page into a PDF; what cannot be printed stays a page, and a remark says why (quality.md, F1)."""
        page = piece._content().decode()
        failures = self._pdf_failures()
        content = error = None
        if failures < _PDF_FAILURES:
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
        printed = self._pieces().filtered(
            lambda piece: piece.kind == 'document' and piece.state == 'ready').sorted('id', reverse=True)
        count = 0
        for piece in printed:
            if not piece.path.endswith('.html'):
                break
            count += 1
        return count

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

    # === LAST STEP: THE ZIP === #

    def _assemble(self):
        file, anonymiser, keep = self._begin()
        file._tell(92, self.env._("Writing the ZIP"))
        # sudo: a place in the filestore, for the program alone
        Attachment = self.env['ir.attachment'].sudo()
        path = Attachment._qualiopi_part_path(f'qualiopi-evidence-{self.id}.zip')
        try:
            with open(path, 'w+b') as target:
                archive = evidence_zip.EvidenceZip(target, file._local_moment())
                file._write_pieces(archive)
                index = file._index_page(anonymiser)
                name = 'index.html'
                sha256, size = archive.add_bytes(name, index)
                # sudo: the pieces are written by the program
                self.env['qualiopi.evidence.piece'].sudo().create({
                    'file_id': self.id, 'kind': 'index', 'state': 'ready', 'path': name, 'sha256': sha256,
                    'size': size, 'title': self.env._("Index"), 'date': file._local_moment().date(),
                    'author': file._author(),
                })
                manifest = file._manifest()
                manifest_sha256, __ = archive.add_bytes(evidence_zip.MANIFEST, manifest)
                pieces = self._pieces()
                file._record(
                    manifest_sha256=manifest_sha256, note=file._notes(),
                    file_count=len(pieces.filtered('path')) + 2,
                    missing_count=len(pieces.filtered(lambda piece: piece.state == 'missing')),
                )
                cover_path, cover = file._cover()
                cover_sha256, __ = archive.add_bytes(cover_path, cover)
                archive.close()
                target.seek(0)
                sha256 = evidence_zip.digest(target)
                size = target.tell()
            attachment = Attachment._qualiopi_take_file(path, {
                'name': file._zip_name(), 'res_model': self._name, 'res_id': self.id, 'res_field': 'zip_file',
                'mimetype': 'application/zip', 'company_id': self.company_id.id,
            })
        except BaseException:
            if os.path.exists(path):
                os.unlink(path)
            raise
        pieces._drop_content()
        keep()
        file._record(
            state='done', progress=100, progress_text=False, finished_on=self.env.cr.now(), sha256=sha256, size=size,
            cover_sha256=cover_sha256,
        )
        return attachment

    def _write_pieces(self, archive):
        """Copy what was made and the originals, a megabyte at a time; what is missing is noted (F4)."""
        pieces = self._pieces().filtered(lambda piece: piece.path or piece.kind == 'original')
        for piece in pieces.sorted(lambda piece: (piece.path or '', piece.id)):
            source = piece._open()
            if source is None:
                piece.write({'state': 'missing', 'path': False, 'sha256': piece.expected_sha256, 'note': self.env._(
                    "Missing: the server has lost the file. Restore it from a backup.")})
                continue
            if piece.state == 'left_out':
                with source:
                    piece.sha256 = evidence_zip.digest(source)
                continue
            sha256, size = archive.add(piece.path, evidence_zip.read_chunks(source), piece.size)
            values = {'sha256': sha256, 'size': size}
            if piece.expected_sha256 and piece.expected_sha256 != sha256:
                values['note'] = self.env._(
                    "Changed on the server since it was added: its fingerprint was %s", piece.expected_sha256)
            piece.write(values)

    def _zip_name(self):
        parts = [self.name, self.company_id.name, self.env._("anonymised") if self.is_anonymised else None]
        return evidence_zip.safe_name(f"{' - '.join(filter(None, parts))}.zip")

    def _listed(self):
        """Pieces as index, manifest and cover list them."""
        pieces = self._pieces().sorted(lambda piece: (piece.path or '', piece.id))
        return pieces.filtered('path'), pieces.filtered(lambda piece: not piece.path)

    def _notes(self):
        notes = [
            f'{piece.path or piece.title} ({piece.record}): {piece.note}' if piece.record
            else f'{piece.path or piece.title}: {piece.note}'
            for piece in self._pieces() if piece.note and piece.state != 'left_out'
        ]
        left_out = self._pieces().filtered(lambda piece: piece.state == 'left_out')
        notes += [f'{piece.title}: {piece.note}' for piece in left_out if piece.kind == 'document']
        left_out = left_out.filtered(lambda piece: piece.kind == 'original')
        if left_out:
            notes.append(self.env._(
                "Left out, with their fingerprints in the manifest: %(count)s originals (%(reason)s)",
                count=len(left_out), reason=' ; '.join(sorted(set(left_out.mapped('note')))),
            ))
        return '\n'.join(notes)

    def _manifest(self):
        company = self.company_id
        listed, absent = self._listed()

        def line(piece, **values):
            return {
                **values, 'sha256': piece.sha256 or None, 'size': piece.size, 'title': piece.title or None,
                'record': piece.record or None, 'date': piece.date and piece.date.isoformat() or None,
                'author': piece.author or None, 'note': piece.note or None,
                'indicators': [int(number) for number in (piece.numbers or '').split(', ') if number],
            }

        manifest = {
            'format': evidence_zip.FORMAT,
            'title': self.name,
            'company': {
                'name': company.name, 'siret': company.company_registry or None, 'nda': company.qualiopi_nda or None,
            },
            'period': {'from': self.date_from.isoformat(), 'to': self.date_to.isoformat()},
            'indicators': self._chosen(),
            'referential': self.env['qualiopi.report']._referential_text(self.date_from, self.date_to),
            'snapshot': f'{self.snapshot_on.isoformat()}Z',
            'author': self._author(),
            'anonymised': self.is_anonymised,
            'totals': [{'document': title, 'rows': count} for title, count in self.totals or ()],
            'not_listed': [self._cover_name()],
            'files': [line(piece, path=piece.path) for piece in listed],
            'left_out': [line(piece, state=piece.state) for piece in absent],
        }
        return (json.dumps(manifest, ensure_ascii=False, indent=1, sort_keys=True) + '\n').encode()

    # === INDEX AND COVER === #

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
        if self._pdf_failures() < _PDF_FAILURES:
            try:
                return name, self._pdf(report_name, page.decode())
            except UserError as error:
                _logger.warning("Evidence file %s has no cover in PDF: %s", self.id, error)
        return re.sub(r'\.pdf$', '.html', name), page


class QualiopiEvidencePiece(models.Model):
    _inherit = 'qualiopi.evidence.piece'

    def _own(self):
        return self.env['ir.attachment'].search([
            ('res_model', '=', self._name), ('res_field', '=', 'content'), ('res_id', 'in', self.ids),
        ])

    def _put(self, content):
        """Keep what was made for this piece until the ZIP has it.

        :param bytes content: replaces what was kept before
        """
        self.ensure_one()
        self._own().unlink()
        self.env['ir.attachment'].create({
            'name': 'content', 'res_model': self._name, 'res_field': 'content', 'res_id': self.id, 'raw': content,
            # Of no type that Odoo reads for its search.
            'mimetype': 'application/octet-stream', 'company_id': self.company_id.id,
        })
        self.size = len(content)

    def _content(self):
        self.ensure_one()
        return self._own()[:1].raw or b''

    def _open(self):
        """The content as a binary file, None when the filestore has lost it."""
        self.ensure_one()
        attachment = self.attachment_id if self.kind == 'original' else self._own()[:1]
        return attachment._qualiopi_open() if attachment else None

    def _drop_content(self):
        self._own().unlink()


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


def attachment_name(name, attachment):
    """The name of a copied file, with an ending when it has none."""
    name = evidence_zip.safe_name(name)
    if '.' in name:
        return name
    ending = {
        'application/pdf': 'pdf', 'image/png': 'png', 'image/jpeg': 'jpg', 'message/rfc822': 'eml', 'text/plain': 'txt',
    }.get(attachment.mimetype)
    return f'{name}.{ending}' if ending else name
