"""dev/bench evidence: an evidence file of a three-year cycle beside the floors of the same run.

The floors: wkhtmltopdf on the same pages, xlsxwriter on the same cells, copying the same attachments into a ZIP.
Sizes: BENCH_ENTRIES (2000), BENCH_FINDINGS (600), BENCH_ACTIONS (900), BENCH_FILES (1500) of BENCH_FILE_KB (200).
Runs in ``odoo shell`` (``env`` is given) on a database of its own, which it leaves to be dropped.
"""
import io
import os
import random
import tempfile
import threading
import time
import zipfile
from datetime import date

import openpyxl
import psutil
import xlsxwriter

from odoo import Command

SIZES = {
    name: int(os.environ.get(f'BENCH_{name.upper()}', count))
    for name, count in (('entries', 2000), ('findings', 600), ('actions', 900), ('files', 1500), ('file_kb', 200))
}
TEXT = ("Les stagiaires signalent que le support n'a pas été remis avant la session et que la salle était trop petite "
        "pour les exercices pratiques. Le formateur a prévenu le référent qualité le jour même. ")

env = env(context=dict(env.context, lang='fr_FR', tracking_disable=True, mail_notrack=True,  # noqa: F821
                       mail_create_nosubscribe=True))
random.seed(20261121)


class Peak:
    """Peak memory of this process and of those that it starts, sampled, also by what was just being made, and the
    processor time of all of them, which a busy machine changes less than the clock."""

    def __enter__(self):
        self.own = self.all = 0
        self.making, self.by_document = None, {}
        self.cpu, self._sampling = -sum(os.times()[:4]), 0
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._sample, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *error):
        self._stop.set()
        self._thread.join()
        self.cpu += sum(os.times()[:4]) - self._sampling

    def _sample(self):
        process = psutil.Process()
        while not self._stop.wait(0.05):
            own = process.memory_info().rss
            children = 0
            for child in process.children(recursive=True):
                try:
                    children += child.memory_info().rss
                except psutil.Error:
                    continue
            self.own, self.all = max(self.own, own), max(self.all, own + children)
            self._sampling = time.thread_time()
            self.by_document[self.making] = max(self.by_document.get(self.making, 0), children)


def fill():
    start = time.perf_counter()
    officer = env['res.users'].create({
        'name': "Camille Bench", 'login': 'bench', 'email': 'bench@example.com', 'lang': 'fr_FR',
        'group_ids': [Command.set([env.ref('qualiopi.group_officer').id])],
    })
    partners = env['res.partner'].create([{'name': f"Prénom{number} Nom{number}"} for number in range(300)])
    cause = env['qualiopi.cause'].search([], limit=1)

    def date_of(number, count):
        return date.fromordinal(date(2023, 11, 21).toordinal() + number * 1094 // count).isoformat()

    entries = env['qualiopi.complaint'].with_user(officer)
    for begin in range(0, SIZES['entries'], 500):
        entries |= env['qualiopi.complaint'].with_user(officer).create([{
            'nature': ('complaint', 'difficulty', 'unforeseen')[number % 3], 'name': f"Entrée {number}",
            'description': TEXT * 2, 'received_on': f"{date_of(number, SIZES['entries'])} 09:00:00",
            'partner_id': partners[number % 300].id, 'correction': TEXT, 'user_id': officer.id,
        } for number in range(begin, min(begin + 500, SIZES['entries']))])
    findings = env['qualiopi.finding'].with_user(officer).create([{
        'name': f"Constat {number}", 'description': TEXT, 'date': date_of(number, SIZES['findings']),
        'cause_ids': [Command.link(cause.id)], 'complaint_ids': [Command.link(entries[number % len(entries)].id)],
        'user_id': officer.id,
    } for number in range(SIZES['findings'])])
    actions = env['qualiopi.improvement.action'].with_user(officer).create([{
        'name': f"Action {number}", 'finding_ids': [Command.link(findings[number % len(findings)].id)],
        'date_start': date_of(number, SIZES['actions']), 'date_due': '2027-01-31', 'user_id': officer.id,
        'success_criterion': "Aucune plainte pendant six mois",
    } for number in range(SIZES['actions'])])
    for number in range(SIZES['files']):
        env['ir.attachment'].create({
            'name': f'pièce {number}.pdf', 'raw': b'%PDF-1.4 ' + random.randbytes(SIZES['file_kb'] * 1024),
            'mimetype': 'application/pdf', 'res_model': 'qualiopi.improvement.action',
            'res_id': actions[number % len(actions)].id,
        })
    env.cr.commit()
    env.invalidate_all()
    print(f"{SIZES} made in {time.perf_counter() - start:.0f} s", flush=True)
    return officer


def make(officer):
    """Time, memory and the file, with the time of each kind of step."""
    pages = []
    Reports = type(env['ir.actions.report'])
    call, inner = Reports._qualiopi_call_wkhtmltopdf, []

    def timed(report, arguments, target):
        # What wkhtmltopdf gets is kept for the floor; keeping it is not counted.
        begin = time.perf_counter()
        folder = tempfile.mkdtemp(prefix='bench-evidence-', dir=STORE)
        kept = []
        for argument in arguments:
            if os.path.isfile(argument) and argument.endswith('.html'):
                copy = os.path.join(folder, os.path.basename(argument))
                with open(argument, 'rb') as source, open(copy, 'wb') as goal:
                    goal.write(source.read())
                argument = copy
            kept.append(argument)
        kept[-1] = os.path.join(folder, 'floor.pdf')
        pages.append(kept)
        inner.append(time.perf_counter() - begin)
        return call(report, arguments, target)

    file = env['qualiopi.evidence.file'].with_user(officer).create({
        'date_from': '2023-11-21', 'date_to': '2026-11-21',
    })
    file.action_make()
    env.cr.commit()
    Reports._qualiopi_call_wkhtmltopdf = timed
    steps = {}
    try:
        with Peak() as peak:
            start = time.perf_counter()
            job = env['qualiopi.evidence.file'].browse(file.id)
            while job.state == 'making':
                waiting = env['qualiopi.evidence.piece'].search([('file_id', '=', job.id), ('state', '=', 'todo')])
                kind = 'gather' if not job.is_gathered else 'print' if waiting else 'assemble'
                peak.making = waiting[:1].title or kind
                begin, kept = time.perf_counter(), sum(inner)
                job._run_step()
                env.cr.commit()
                env.invalidate_all()
                steps[kind] = steps.get(kind, 0) + time.perf_counter() - begin - (sum(inner) - kept)
            seconds = time.perf_counter() - start - sum(inner)
    finally:
        Reports._qualiopi_call_wkhtmltopdf = call
    if job.state != 'done':
        raise SystemExit(f"not made: {job.error}")
    return job, seconds, peak, steps, pages


def made(job):
    """Path of the ZIP, and the cells of the spreadsheet in it."""
    attachment = job._attachment()
    path = attachment._full_path(attachment.store_fname)
    archive = zipfile.ZipFile(path)
    book = openpyxl.load_workbook(io.BytesIO(archive.read(next(
        name for name in archive.namelist() if name.endswith('.xlsx')))))
    return path, [(sheet.title, [[cell.value for cell in row] for row in sheet]) for sheet in book]


def floors(job, pages, cells):
    result = {}
    start = time.perf_counter()
    for arguments in pages:
        env['ir.actions.report']._qualiopi_call_wkhtmltopdf(arguments, arguments[-1])
    result['wkhtmltopdf'] = time.perf_counter() - start
    start = time.perf_counter()
    workbook = xlsxwriter.Workbook(os.path.join(STORE, 'floor.xlsx'), {
        'constant_memory': True, 'strings_to_formulas': False, 'strings_to_urls': False,
        'default_date_format': 'dd/mm/yyyy'})
    for title, rows in cells:
        sheet = workbook.add_worksheet(title)
        for number, row in enumerate(rows):
            for column, value in enumerate(row):
                if value is not None:
                    sheet.write(number, column, value)
    workbook.close()
    result['xlsxwriter'] = time.perf_counter() - start
    attachments = job.piece_ids.attachment_id
    start = time.perf_counter()
    with zipfile.ZipFile(os.path.join(STORE, 'floor.zip'), 'w') as target:
        for number, piece in enumerate(attachments):
            target.write(piece._full_path(piece.store_fname), f'{number}.pdf')
    result['copying'] = time.perf_counter() - start
    return result


with tempfile.TemporaryDirectory(prefix='bench-evidence-') as STORE:
    officer = fill()
    job, seconds, peak, steps, pages = make(officer)
    path, cells = made(job)
    size = os.path.getsize(path)
    with Peak() as floor_peak:
        floor = floors(job, pages, cells)
    total = sum(floor.values())
    print(f"{job.file_count} files, {size / 1024 ** 2:.0f} MB, {len(pages)} PDFs")
    for kind, value in steps.items():
        print(f"  {kind:12}{value:9.1f} s")
    for kind, value in floor.items():
        print(f"  floor {kind:12}{value:9.1f} s")
    print(f"made in {seconds:.1f} s, sum of the floors {total:.1f} s, ratio {seconds / total:.2f} (aim: 1.3);"
          f" processor time without PostgreSQL {peak.cpu:.1f} s and {floor_peak.cpu:.1f} s,"
          f" ratio {peak.cpu / floor_peak.cpu:.2f}")
    for document, memory in sorted(peak.by_document.items(), key=lambda item: -item[1])[:5]:
        print(f"  wkhtmltopdf {memory / 1024 ** 2:5.0f} MB  {document}")
    print(f"peak memory {peak.own / 1024 ** 2:.0f} MB (aim: 600); with wkhtmltopdf"
          f" {peak.all / 1024 ** 2:.0f} MB; the floors {floor_peak.all / 1024 ** 2:.0f} MB")
