import socket
import subprocess
import tempfile
import threading
from contextlib import suppress
from pathlib import Path

from markupsafe import Markup

from odoo import Command
from odoo.tests import tagged
from odoo.tools.misc import find_in_path

from .test_evidence_file import EvidenceFileCase

_HTML = '''<img src="{0}img"><iframe src="{0}frame"></iframe><object data="{0}object"></object><embed src="{0}embed">
<link rel="stylesheet" href="{0}css"><style>@import url({0}import); body {{ background: url("{0}background") }}</style>
<script src="{0}script"></script><svg><image xlink:href="{0}svg"/></svg><video poster="{0}poster"></video>
<base href="{0}"><meta http-equiv="refresh" content="0;url={0}meta"><div style="background-image:url({0}style)">x</div>
<table background="{0}table"></table><input type="image" src="{0}input"><img src="file:///etc/passwd">'''


class Listener:
    """Counts who asks this machine for something over HTTP."""

    def __enter__(self):
        self.hits = []
        self._socket = socket.create_server(('127.0.0.1', 0))
        self.url = f'http://127.0.0.1:{self._socket.getsockname()[1]}/'
        threading.Thread(target=self._listen, daemon=True).start()
        return self

    def __exit__(self, *error):
        self._socket.close()

    def _listen(self):
        while True:
            try:
                connection, __ = self._socket.accept()
            except OSError:
                return
            threading.Thread(target=self._answer, args=(connection,), daemon=True).start()

    def _answer(self, connection):
        self.hits.append(connection)
        with connection, suppress(OSError):
            connection.settimeout(5)
            connection.recv(200)
            connection.sendall(b'HTTP/1.0 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n')


@tagged('post_install', '-at_install')
class TestPrintingFetchesNothing(EvidenceFileCase):
    """What strangers wrote makes the server ask nobody for anything when it is printed (quality.md, F7, G7)."""

    def _print_page(self, content):
        with tempfile.TemporaryDirectory() as folder:
            page, target = Path(folder, 'page.html'), Path(folder, 'page.pdf')
            page.write_bytes(content)
            subprocess.run([find_in_path('wkhtmltopdf'), '--quiet', str(page), str(target)], check=False,
                           capture_output=True, timeout=20)

    def test_nobody_is_asked(self):
        with Listener() as listener:
            hostile = _HTML.format(listener.url)
            # The listener hears what wkhtmltopdf fetches: the zero below says something. Reloading would never end.
            self._print_page(hostile.replace('http-equiv="refresh"', 'name="none"').encode())
            self.assertGreater(len(listener.hits), 3)
            listener.hits.clear()

            entry = self._entry(
                'complaint', hostile[:100], contact_name=hostile[:150], remedy_requested=hostile, correction=hostile,
                response=hostile)
            entry.description = hostile
            mail = (f'From: Mallory <mallory@example.com>\r\nTo: x@example.com\r\nSubject: {hostile[:60]}\r\n'
                    'Message-ID: <ssrf@example.com>\r\nMIME-Version: 1.0\r\nContent-Type: text/html\r\n\r\n'
                    + hostile.replace('\n', '\r\n')).encode()
            mailed_id = self.env['mail.thread'].message_process('qualiopi.complaint', mail)
            mailed = self.env['qualiopi.complaint'].browse(mailed_id)
            self.assertTrue(mailed.exists())
            entry.message_post(body=Markup(hostile), message_type='comment', subtype_xmlid='mail.mt_comment')
            finding = self.env['qualiopi.finding'].with_user(self.officer).create({
                'name': hostile[:200], 'description': hostile, 'date': '2026-03-06', 'company_id': self.company.id,
                'analysis': hostile, 'why_1': hostile, 'complaint_ids': [Command.link(entry.id)],
            })
            action = self.env['qualiopi.improvement.action'].with_user(self.officer).create({
                'name': hostile[:200], 'company_id': self.company.id, 'finding_ids': [Command.link(finding.id)],
                'description': hostile, 'means': hostile, 'success_criterion': hostile, 'date_due': '2026-12-01',
                'user_id': self.officer.id,
            })
            self.env['qualiopi.evidence'].with_user(self.officer).create({
                'finding_id': finding.id, 'name': hostile[:100], 'kind': 'other', 'type': 'statement',
                'statement': hostile,
            })
            # Both companies: the mail went to the one that has no door of its own.
            report = self.env['ir.actions.report'].with_context(
                force_report_rendering=True, allowed_company_ids=(entry | mailed).company_id.ids)
            for name, records in (
                ('complaint', entry), ('complaint', mailed), ('register', entry | mailed), ('findings', finding),
                ('traceability', finding), ('plan', action), ('action', action),
            ):
                with self.allow_pdf_render():
                    content, kind = report._render_qweb_pdf(f'qualiopi.report_{name}', records.ids)
                self.assertEqual((kind, content[:4]), ('pdf', b'%PDF'))
                self.assertFalse(listener.hits, name)

            self._attach(entry, f'{listener.url}<img src={listener.url}x>.txt', b'text')
            file = self._make()
            self.assertFalse(listener.hits, "evidence file")
            index = self._zip(file).read('index.html')
            self.assertIn(b'&lt;img', index)
            self._print_page(index)
            self.assertFalse(listener.hits, "index.html")
