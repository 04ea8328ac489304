import io
import json
import re
import zipfile
from html import unescape

import openpyxl
from lxml import html

from odoo.exceptions import AccessError
from odoo.tests import BaseCase, tagged
from odoo.tools.pdf import PdfFileReader

from ..anonymiser import Anonymiser
from .test_evidence_file import EvidenceFileCase, pdf_text
from .test_reports import YEAR


def _anonymiser(*names):
    codes = {}

    def code_of(entry):
        return codes.setdefault(entry[1], f'P-{len(codes) + 1:04d}')

    labels = {'name': '[name]', 'email': '[e-mail]', 'phone': '[telephone]'}
    return Anonymiser(names, code_of, labels, kept=["Orvane Conseil"])


@tagged('post_install', '-at_install')
class TestAnonymiser(BaseCase):

    def test_names(self):
        text = _anonymiser((True, "Élodie Martin-Petit"), (False, "Vaubert Industrie"), (True, "Li")).text
        for written in ("Élodie Martin-Petit", "elodie martin petit", "ELODIE MARTIN PETIT", "Martin-Petit Élodie",
                        "élodie_martin-petit", "E\u0301lodie Martin\u00a0Petit"):
            self.assertEqual(text(f"Mme {written}, hier"), "Mme P-0001, hier", written)
        self.assertEqual(text("Élodie a dit que M. Petit"), "P-0001 a dit que M. P-0001")
        # A common word stays what it is.
        self.assertEqual(text("un petit retard"), "un petit retard")
        self.assertEqual(text("chez Vaubert industrie"), "chez P-0002")
        self.assertEqual(text("Industrie du bois"), "Industrie du bois")

    def test_nobody_is_named(self):
        """What stands where names are asked for and names nobody stays a word, and so does the text."""
        text = _anonymiser(
            (True, "deux stagiaires"), (True, "Toute l'équipe"), (True, "Stagiaires"), (True, "Un Petit")).text
        for kept in ("Deux stagiaires sans convocation", "toute l'équipe", "Stagiaires d'anglais", "Un retard"):
            self.assertEqual(text(kept), kept)
        self.assertEqual(text("vu avec un petit, puis Petit"), "vu avec P-0001, puis P-0001")

    def test_shared_and_kept(self):
        text = _anonymiser((True, "Anne Durand"), (True, "Marc Durand"), (True, "Paul Orvane")).text
        self.assertEqual(text("Durand"), "[name]")
        self.assertEqual(text("Anne Durand et Marc Durand"), "P-0001 et P-0002")
        self.assertEqual(text("Orvane Conseil"), "Orvane Conseil")

    def test_addresses(self):
        text = _anonymiser().text
        self.assertEqual(
            text("Écrire à a.b+c@mail.example.com ou au 06 12 34 56 78."), "Écrire à [e-mail] ou au [telephone].")
        for phone in ("0612345678", "06.12.34.56.78", "+33 6 12 34 56 78", "+33612345678", "0033 6 12 34 56 78",
                      "+41 22 345 67 89"):
            self.assertEqual(text(phone), "[telephone]", phone)
        for other in ("123 456 789 00012", "11 75 12345 75", "2026-01-02", "REG/2026/0007", "a" * 64, "12,50 €"):
            self.assertEqual(text(other), other)
        self.assertIsNone(text(None))
        self.assertEqual(text(12), 12)

    def test_html(self):
        page = _anonymiser((True, "Anne Durand")).html(
            b'<html><head><title>Anne Durand</title><style>.Durand{}</style></head>'
            b'<body class="Durand"><p title="Durand">Anne <b>Durand</b> &lt;img&gt;<br/>Durand</p></body></html>')
        self.assertEqual(html.fromstring(page).text_content().count("Durand"), 1)
        self.assertIn(b'.Durand{}', page)
        self.assertIn(b'&lt;img&gt;', page)

    def test_work_is_linear(self):
        """Each word of a text is compared once, and only where a name may begin (F5; the patterns: TestRegexes)."""
        anonymiser = _anonymiser((True, "a a"), (True, "Anne Durand"))
        compared = []
        match = Anonymiser._match

        def counted(self, value, words, folded, index):
            compared.append(index)
            return match(self, value, words, folded, index)

        self.patch(Anonymiser, '_match', counted)
        for hostile, most in (('a!', 50_000), ('a ', 50_000), ('Durand ', 14_285), ('b!', 0), ('06 ', 0), ('@', 0)):
            compared.clear()
            anonymiser.text(hostile * (100_000 // len(hostile)))
            self.assertEqual(len(compared), len(set(compared)), hostile)
            self.assertLessEqual(len(compared), most, hostile)


@tagged('post_install', '-at_install')
class TestAnonymised(EvidenceFileCase):

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.learner.write({'name': "Zéphyrine Quillevic", 'email': 'zq@example.com', 'phone': '06 99 88 77 66'})
        cls.trainer = cls.env['res.partner'].create({'name': "Barnabé Wolkonsky"})
        cls.client = cls.env['res.partner'].create({'name': "Ateliers Vaubert Industrie", 'is_company': True})
        cls._entry(
            'complaint', "Quillevic se plaint de Wolkonsky", '2026-05-02 09:00:00', partner_id=cls.learner.id,
            response="Madame Quillevic, nous avons parlé à BARNABÉ WOLKONSKY et à ateliers vaubert industrie.",
            remedy_requested="Me rappeler au 06 99 88 77 66 ou à zq@example.com",
        )
        cls._entry('difficulty', "Appel", '2026-05-03 09:00:00', contact_name="Théodule Xanrof",
                   correction="Théodule Xanrof a été rappelé")
        cls.env['qualiopi.finding'].with_user(cls.officer).create({
            'name': "Relances", 'description': "Vu avec Zephyrine Quillevic", 'date': '2026-05-04',
            'company_id': cls.company.id,
        })

    def _everything(self, archive):
        """All that a reader of the ZIP may find, as text."""
        for name in archive.namelist():
            content = archive.read(name)
            yield name, name
            if name.endswith('.pdf'):
                yield name, pdf_text(content)
                reader = PdfFileReader(io.BytesIO(content))
                yield name, repr([dict(reader.metadata or {}), reader.xmp_metadata, reader.outline])
            elif name.endswith('.xlsx'):
                # Cells, heads of pages, properties, names of sheets: whatever the package holds.
                package = zipfile.ZipFile(io.BytesIO(content))
                for part in package.namelist():
                    yield f'{name}/{part}', unescape(re.sub(r'<[^<>]*>', '|', package.read(part).decode()))
                    yield f'{name}/{part}', package.read(part).decode()
            else:
                yield name, content.decode()
        yield 'comments', repr([archive.comment, *((info.comment, info.extra) for info in archive.infolist())])

    def test_no_name_of_the_database(self):
        """No name, address or number of a person or client in the database is anywhere in the ZIP."""
        self._attach(self.complaint, 'Zéphyrine Quillevic.pdf', b'%PDF Quillevic')
        file = self._make(is_anonymised=True)
        archive = self._zip(file)
        own = {self.company.name, self.company.partner_id.name}
        partners = self.env['res.partner'].with_context(active_test=False).search([('name', '!=', False)])
        words = {name for name in partners.mapped('name') if name not in own and len(name) > 2}
        words -= {self.env.ref(f'base.{name}').name for name in ('public_partner', 'partner_root')}
        words |= {email for email in partners.mapped('email') if email}
        for model, field in (('event.registration', 'name'), ('qualiopi.complaint', 'contact_name'),
                             ('qualiopi.dropout', 'learner_name'), ('qualiopi.feedback.invite', 'name')):
            words |= set(self.env[model].search([(field, '!=', False)]).mapped(field))
        words |= {"Quillevic", "Wolkonsky", "WOLKONSKY", "Zephyrine", "Zéphyrine", "Xanrof", "Vaubert"}
        words.add("06 99 88 77 66")
        texts = list(self._everything(archive))
        self.assertGreater(len(texts), 8)
        for name, text in texts:
            for word in words:
                # As a word of its own: "Ana" is in "Analysis".
                self.assertNotRegex(text, rf'(?<!\w){re.escape(word)}(?!\w)', (name, word))
        register = pdf_text(archive.read('indicator-31/register.pdf'))
        code = self.env['qualiopi.pseudonym'].search([('name', '=', "Zéphyrine Quillevic")]).code
        self.assertIn(code, register)
        self.assertIn("[telephone]", register)
        self.assertIn("Provider & Sons", register)

    def test_originals_are_left_out(self):
        self._attach(self.complaint, 'Zéphyrine.pdf', b'%PDF Zephyrine')
        file = self._make(is_anonymised=True)
        archive = self._zip(file)
        self.assertFalse([name for name in archive.namelist() if '/files/' in name])
        left_out = json.loads(archive.read('manifest.json'))['left_out']
        hashes = {line['sha256'] for line in left_out}
        self.assertIn(self.evidence.sha256, hashes)
        self.assertEqual(len(left_out), 2)
        self.assertIn("fingerprint", file.note)

    def test_codes_are_stable_and_apart(self):
        file = self._make(is_anonymised=True)
        key = {row.name: row.code for row in self.env['qualiopi.pseudonym'].search([])}
        self.assertIn("Théodule Xanrof", key)
        again = self._make(is_anonymised=True)
        self.assertEqual({row.name: row.code for row in self.env['qualiopi.pseudonym'].search([])}, key)
        self.assertIn(key["Théodule Xanrof"], pdf_text(self._zip(again).read('indicator-31/register.pdf')))
        manager = self._user('manager', 'qualiopi.group_manager')
        self.assertTrue(self.env['qualiopi.pseudonym'].with_user(manager).search([]))
        for user in (self.officer, self.auditor, self.declarant, self.portal):
            with self.assertRaises(AccessError):
                self.env['qualiopi.pseudonym'].with_user(user).search([])
        with self.assertRaises(AccessError):
            self.env['qualiopi.pseudonym'].with_user(manager).search([])[:1].name = "Other"
        other = self._user('other_manager', 'qualiopi.group_manager', self.other_company)
        self.assertFalse(self.env['qualiopi.pseudonym'].with_user(other).with_context(
            allowed_company_ids=self.other_company.ids).search([]))
        self.assertNotIn(b'Xanrof', self._bytes(file))

    def test_printed_period(self):
        """The anonymised mode of the print dialog, for PDF and spreadsheet."""
        wizard = self.env['qualiopi.print'].with_user(self.officer).create({
            'document': 'register', 'period': 'other', **YEAR, 'is_anonymised': True})
        text = self._text('register', **wizard._report_data())
        self.assertNotIn("Quillevic", text)
        self.assertNotIn("Test officer", text)
        self.assertRegex(text, r'P\d{4}')
        self.assertIn("Quillevic", self._text('register', **YEAR))
        book = openpyxl.load_workbook(io.BytesIO(self.env['qualiopi.xlsx'].with_user(self.officer)._workbook(
            'register', None, wizard._report_data())[1]))
        cells = repr([[cell.value for cell in row] for sheet in book for row in sheet])
        for word in ("Quillevic", "Xanrof", "Test officer"):
            self.assertNotIn(word, cells)
        plain = self._cells('register').worksheets[0]
        self.assertIn("Quillevic", repr([[cell.value for cell in row] for row in plain]))
