import io
import zipfile

from odoo.tests import tagged

from .common import QualiopiCase

PDF = b'%PDF-1.4\n%\xe2\xe3\xcf\xd3\n1 0 obj\n<< /Type /Catalog >>\nendobj\ntrailer << /Root 1 0 R >>\n%%EOF\n'
PNG = (
    b'\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\1\0\0\0\1\x08\6\0\0\0\x1f\x15\xc4\x89\0\0\0\rIDATx\x9cc\xf8\xcf\xc0\xf0\x1f'
    b'\0\5\0\1\xff\x89\x99=\x1d\0\0\0\0IEND\xaeB`\x82'
)
EXE = b'MZ\x90\0\3\0\0\0\4\0\0\0\xff\xff\0\0' + b'\0' * 64
HTML = b'<!DOCTYPE html><html><script>alert(1)</script></html>'
SVG = b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'


def archive(**parts):
    """A zip archive of the parts, whose names are given with dots for slashes."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, 'w', zipfile.ZIP_DEFLATED) as made:
        for name, content in parts.items():
            made.writestr(name, content)
    return buffer.getvalue()


def document(**parts):
    return archive(**{'[Content_Types].xml': '<Types/>', 'word/document.xml': '<document/>', **parts})


@tagged('post_install', '-at_install')
class TestFormUpload(QualiopiCase):
    """Files from strangers: kept by what they hold, under a harmless name (quality.md, A5, G8, G9)."""

    def check(self, *files):
        return self.env['qualiopi.complaint'].with_user(self.public)._check_uploads(list(files))

    def test_accepted(self):
        opendocument = archive(mimetype='application/vnd.oasis.opendocument.text')
        files = [
            ("Mon dossier.pdf", PDF), ("photo.PNG", PNG), ("lettre.docx", document()), ("note.odt", opendocument),
            ("mots.txt", "Déjà vu\r\n".encode()),
        ]
        accepted, refused = self.check(*files)
        self.assertFalse(refused)
        self.assertEqual([name for name, __ in accepted],
                         ["Mon dossier.pdf", "photo.png", "lettre.docx", "note.odt", "mots.txt"])
        self.assertEqual([content for __, content in accepted], [content for __, content in files])

    def test_the_ending_follows_the_content(self):
        accepted, __ = self.check(("photo.jpg", PNG), ("sans", PDF), ("evil.exe.pdf", PDF), ("12.03.2026.pdf", PDF))
        self.assertEqual([name for name, __ in accepted],
                         ["photo.png", "sans.pdf", "evil_exe.pdf", "12.03.2026.pdf"])

    def test_refused(self):
        bomb = document(**{'word/media.bin': b'\0' * (101 * 1024 * 1024)})
        for name, content, reason in (
            ("a.exe", EXE, "type"), ("a.pdf", EXE, "type"), ("a.html", HTML, "type"), ("a.txt", HTML, "type"),
            ("a.txt", b"Hello\n" + SVG, "type"), ("a.svg", SVG, "type"), ("a.png", SVG, "type"),
            ("a.pdf.exe", PDF, "type"), ("a.php", b"hello", "type"), ("a.txt", b"#!/bin/sh\nls", "type"),
            ("a.zip", archive(a='x'), "type"), ("a.docx", archive(a='x'), "type"), ("a.docx", bomb, "type"),
            ("a.docx", document(**{'word/vbaProject.bin': b'x'}), "type"), ("a.docx", b'PK\3\4broken', "type"),
            ("a.doc", b'\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1' + '_VBA_PROJECT'.encode('utf-16-le'), "type"),
            ("a.pdf", b'', "empty"), ("a.pdf", PDF + b' ' * 10 * 1024 ** 2, "larger than 10 MB"),
            ("a.txt", b"a\0b", "type"),
        ):
            with self.subTest(name=name, start=content[:12]):
                accepted, refused = self.check((name, content))
                self.assertFalse(accepted)
                self.assertRegex(refused[0][1], reason)

    def test_at_most_five(self):
        accepted, refused = self.check(*[(f"{number}.pdf", PDF) for number in range(6)])
        self.assertEqual(len(accepted), 5)
        self.assertEqual(refused, [("5.pdf", "At most 5 files are accepted.")])

    def test_names(self):
        for name, clean in (
            ("../../../../etc/passwd.pdf", "passwd.pdf"), ("C:\\Temp\\a.pdf", "a.pdf"), ("", "file.pdf"),
            (None, "file.pdf"), ("\u202efdp.exe\0.pdf", "fdp_exe.pdf"), ("con.pdf", "_con.pdf"), ("...", "file.pdf"),
            ('a<b>:"|?*.pdf', "a_b______.pdf"), ("cafe\u0301.pdf", "caf\u00e9.pdf"),
        ):
            with self.subTest(name=name):
                self.assertEqual(self.check((name, PDF))[0][0][0], clean)
        long = self.check(("é" * 300 + ".pdf", PDF))[0][0][0]
        self.assertLessEqual(len(long.encode()), 160)
        self.assertTrue(long.endswith("é.pdf"))

    def test_kept_as_evidence(self):
        complaint = self.env['qualiopi.complaint'].with_user(self.public)._receive(
            self.company, {'description': "See the picture", 'text_origin': 'form'}, 'upload')
        stored = [('res_model', '=', 'qualiopi.evidence'), ('res_field', '!=', False)]
        before = self.env['ir.attachment'].search_count(stored)
        refused = complaint.with_user(self.public)._attach_uploads([
            ("photo.jpg", PNG), ("a.html", HTML), ("b.txt", b"It was cold, every day."),
        ])
        self.assertEqual([name for name, __ in refused], ["a.html"])
        pieces = complaint.evidence_ids.sorted('id')
        root = self.env.ref('base.user_root')
        self.assertRecordValues(pieces, [
            {'name': "photo.png", 'type': 'file', 'kind': 'other', 'mimetype': 'image/png', 'user_id': root.id,
             'size': len(PNG), 'company_id': self.company.id},
            {'name': "b.txt", 'type': 'file', 'kind': 'other', 'mimetype': 'text/plain', 'user_id': root.id,
             'size': 23, 'company_id': self.company.id},
        ])
        self.assertEqual(self.env['ir.attachment'].search_count(stored), before + 2, "what was refused leaves nothing")

    def test_closed_entry(self):
        complaint = self.make_closed_complaint()
        refused = complaint.with_user(self.public)._attach_uploads([("a.pdf", PDF)])
        self.assertRegex(refused[0][1], "closed")
        self.assertFalse(complaint.evidence_ids)
