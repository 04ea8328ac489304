import io
import time
from datetime import date

import openpyxl

from odoo.tests import HttpCase, tagged

from .common import QualiopiCase

_OPTIONS = {'has_headers': True, 'quoting': '"', 'separator': ';', 'encoding': 'utf-8', 'float_decimal_separator': ','}
_COMPLAINT = 'qualiopi.complaint'
_ACTION = 'qualiopi.improvement.action'


@tagged('post_install', '-at_install')
class TestImportTemplates(QualiopiCase):
    """A former register and plan through Odoo's own import screen (design, rule 9; quality.md, E4)."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.env['res.lang']._activate_lang('fr_FR')
        cls.env['ir.module.module'].search([('name', '=', 'qualiopi')])._update_translations(['fr_FR'])
        cls.officer.lang = 'fr_FR'

    def _template(self, model, lang='fr_FR'):
        return self.model_as('qualiopi.import.template', self.officer).with_context(lang=lang)._template(model)

    def _wizard(self, model, content, lang='fr_FR', name='registre.xlsx'):
        types = {
            'xlsx': 'application/vnd.openxmlformats-officedocument.spreadsheetml.sheet', 'csv': 'text/csv',
        }
        return self.model_as('base_import.import', self.officer).with_context(lang=lang).create({
            'res_model': model, 'file': content, 'file_name': name, 'file_type': types[name.rsplit('.', 1)[1]],
        })

    def _import(self, model, content, lang='fr_FR', dryrun=False, name='registre.xlsx', **options):
        """As the screen does it: the headings are recognised, then the rows are tried or recorded."""
        wizard = self._wizard(model, content, lang, name)
        preview = wizard.parse_preview({**_OPTIONS}, count=10)
        self.assertNotIn('error', preview)
        names = ['/'.join(preview['matches'].get(index, [])) or False for index in range(len(preview['headers']))]
        result = wizard.execute_import(
            names, [heading.lower() for heading in preview['headers']],
            {**preview['options'], **_OPTIONS, **options}, dryrun=dryrun,
        )
        self.env.invalidate_all()
        return result, dict(zip(preview['headers'], names, strict=True))

    def _sheet(self, headings, rows):
        book = openpyxl.Workbook()
        for row in (headings, *rows):
            book.active.append(list(row))
        for cells in book.active.iter_rows():
            for cell in cells:
                # A text that looks like a formula, as a text.
                cell.data_type = 's' if isinstance(cell.value, str) else cell.data_type
        buffer = io.BytesIO()
        book.save(buffer)
        return buffer.getvalue()

    def _records(self, model=_COMPLAINT):
        return self.env[model].search([('company_id', '=', self.company.id), ('is_imported', '=', True)], order='id')

    # === TEMPLATE === #

    def test_headings(self):
        """The template bears the headings that French registers have (domain.md, section 6), in French."""
        for model, headings in (
            (_COMPLAINT, ["N°", "Nature", "Date de réception", "Canal", "Type de partie prenante",
                          "Réclamant (ou code)", "Formation / session", "Formateur", "Objet", "Description",
                          "Demande du réclamant", "Catégorie", "Gravité", "Accusé de réception le",
                          "Correction immédiate", "Cause(s)", "Décision (fondée…)", "Réponse apportée", "Réponse le",
                          "Action(s) liée(s)", "Satisfaction du réclamant", "Statut", "Clôturée le", "Responsable",
                          "Indicateur(s)", "Pièces"]),
            (_ACTION, ["N°", "Date", "Origine", "Référence source", "Constat", "Indicateur", "Cause racine",
                       "Type d'action", "Action", "Priorité", "Responsable (pilote)", "Moyens", "Échéance",
                       "Avancement %", "Réalisée le", "Preuve(s)", "Critère d'efficacité", "Valeur avant",
                       "Valeur cible", "Valeur après", "Vérifiée par", "Vérifiée le", "Efficacité", "Statut",
                       "Communication"]),
        ):
            name, content = self._template(model)
            self.assertTrue(name.endswith('.xlsx'))
            book = openpyxl.load_workbook(io.BytesIO(content))
            self.assertEqual([cell.value for cell in book.worksheets[0][1]][:len(headings)], headings)
            self.assertEqual(len(book.worksheets), 2)
            listed = {cell.value for row in book.worksheets[1].iter_rows() for cell in row}
            self.assertIn("Clos" if model == _COMPLAINT else "Corrective", listed)
            self.assertEqual(
                self.model_as(model, self.officer).get_import_templates()[0]['template'],
                f'/qualiopi/import_template/{model}',
            )

    def test_only_registers(self):
        """No other model has a template, and who may not fill the register gets none."""
        self.assertIsNone(self._template('res.partner'))
        self.assertIsNone(self._template('no.such.model'))
        template = self.model_as('qualiopi.import.template', self.auditor)
        self.assertIsNone(template._template(_COMPLAINT))

    # === ROUND TRIP === #

    def test_template_imports(self):
        """The template as it comes: tried, it takes nothing; imported, it gives the example rows; again, nothing."""
        for lang in ('fr_FR', 'en_US'):
            __, content = self._template(_COMPLAINT, lang)
            before = self._records()
            tried, matched = self._import(_COMPLAINT, content, lang, dryrun=True)
            self.assertFalse(tried['messages'], lang)
            self.assertNotIn(False, matched.values(), lang)
            self.assertEqual(self._records(), before)
            done, __ = self._import(_COMPLAINT, content, lang)
            self.assertFalse(done['messages'], lang)
            records = self._records()
            # In the second language the numbers are in the register already.
            self.assertEqual(len(records), 3)
            self.assertEqual(set(done['ids']), set(records.ids))
            again, __ = self._import(_COMPLAINT, content, lang)
            self.assertFalse(again['messages'])
            self.assertEqual(self._records(), records)
        first = records[0]
        self.assertRecordValues(first, [{
            'old_reference': "2024-01", 'nature': 'complaint', 'received_date': date(2024, 3, 4), 'state': 'closed',
            'channel_id': self.env.ref('qualiopi.channel_email').id, 'is_imported': True, 'decision': 'founded',
            'cause_ids': self.env.ref('qualiopi.cause_environment').ids, 'verdict': 'yes',
            'indicator_ids': self.env.ref('qualiopi.indicator_31').ids, 'user_id': False, 'reference': 'REG/2026/0001',
        }])
        self.assertEqual(self.company._qualiopi_local_date(first.closed_on), date(2024, 3, 29))
        self.assertIn("Formation / session : ", first.description.replace('\xa0', ' '))
        self.assertEqual(records[2].state, 'treatment')

    def test_plan_imports(self):
        """The former plan, with its findings; once."""
        for lang in ('fr_FR', 'en_US'):
            __, content = self._template(_ACTION, lang)
            tried, matched = self._import(_ACTION, content, lang, dryrun=True)
            self.assertFalse(tried['messages'], lang)
            self.assertNotIn(False, matched.values(), lang)
            self._import(_ACTION, content, lang)
            actions = self._records(_ACTION)
            self.assertEqual(len(actions), 2)
            self.assertEqual(len(self._records('qualiopi.finding')), 2)
        done = actions.filtered(lambda action: action.old_reference == "A-2024-01")
        self.assertRecordValues(done, [{
            'phase': 'done', 'done_on': date(2024, 4, 22), 'date_due': date(2024, 4, 30), 'progress': 100,
            'referential_date': date(2024, 3, 11), 'value_before': 3, 'user_id': False,
        }])
        self.assertEqual(done.finding_ids.source_id, self.env.ref('qualiopi.source_complaint'))
        self.assertEqual(done.finding_ids.state, 'closed')
        self.assertTrue(done.finding_ids.analysis)
        running = actions - done
        self.assertEqual((running.phase, running.finding_ids.state), ('do', 'action'))
        self.assertFalse(actions.check_ids)
        self.assertFalse(actions.activity_ids)

    def test_no_letters(self):
        """What is taken over causes no letter, notice or activity (rule 9)."""
        counts = [self.env[name].search_count([]) for name in ('mail.mail', 'mail.notification', 'mail.activity')]
        __, content = self._template(_COMPLAINT)
        self._import(_COMPLAINT, content)
        self.flush_tracking()
        self.assertEqual(
            [self.env[name].search_count([]) for name in ('mail.mail', 'mail.notification', 'mail.activity')], counts,
        )

    # === ROWS AS PEOPLE WRITE THEM === #

    def test_words(self):
        """Headings and words of former registers, days as written in France, names with commas."""
        self.env['qualiopi.cause'].create({'name': "Bruit, chaleur, odeurs"})
        content = self._sheet(
            ["N°", "Reçue le", "Réclamant", "Motif", "Cause(s)", "Statut", "Répondue le", "Canal d'expression",
             "Formation concernée", "Responsable", "Indicateurs", "Délai AR (j)"],
            [["12", "04/03/2024", "Stagiaire 4", "Salle froide", "bruit, chaleur, odeurs ; Communication interne",
              "CLÔTURÉ", "11/03/24", "téléphone", "First aid", "Test officer", "31 ; 32", "2"],
             ["13", date(2024, 5, 6), "=1+1", "Facture", "", "en cours", "", "E-MAIL",
              "Inconnue", "Parti depuis", "", ""]],
        )
        result, matched = self._import(_COMPLAINT, content)
        self.assertFalse(result['messages'])
        self.assertFalse(matched["Délai AR (j)"])
        first, second = self._records()
        self.assertRecordValues(first, [{
            'received_date': date(2024, 3, 4), 'state': 'closed', 'contact_name': "Stagiaire 4",
            'course_id': self.course.id, 'user_id': self.officer.id, 'old_reference': "12",
            'channel_id': self.env.ref('qualiopi.channel_phone').id,
        }])
        self.assertEqual(
            set(first.cause_ids.mapped('name')), {"Bruit, chaleur, odeurs", self.cause.name},
        )
        self.assertEqual(first.indicator_ids.mapped('number'), [31, 32])
        self.assertEqual((second.received_date, second.state), (date(2024, 5, 6), 'treatment'))
        self.assertEqual(second.contact_name, "=1+1", "a formula stays text")
        self.assertIn("Parti depuis", second.description)
        self.assertIn("Inconnue", second.description)

    def test_errors_line_by_line(self):
        """A trial says of each row what is wrong, and nothing is recorded."""
        content = self._sheet(
            ["N°", "Nature", "Date de réception", "Objet", "Gravité", "Cause(s)", "Clôturée le"],
            [["1", "Réclamation", "04/03/2024", "Une", "Mineure", "", ""],
             ["2", "Autre chose", "04/03/2024", "Deux", "Mineure", "", ""],
             ["3", "Réclamation", "avant-hier", "Trois", "Mineure", "", ""],
             ["4", "Réclamation", "04/03/2024", "Quatre", "Terrible", "La lune", ""],
             ["1", "Réclamation", "04/03/2024", "Cinq", "Mineure", "", "32/13/2024"],
             ["6", "Réclamation", "", "Six", "Mineure", "", ""]],
        )
        with self.muted():
            result, __ = self._import(_COMPLAINT, content, dryrun=True)
        wrong = {(message['rows']['from'], message.get('field')) for message in result['messages']}
        self.assertLessEqual({
            (1, 'nature'), (2, 'received_on'), (3, 'severity_id'), (3, 'cause_ids'), (4, 'closed_on'),
            (4, 'old_reference'), (5, 'received_on'),
        }, wrong)
        for message in result['messages']:
            # As the spreadsheet counts its lines, whose first one holds the headings.
            self.assertTrue(message['message'].startswith(f"Ligne {message['rows']['from'] + 2} : "), message)
        texts = ' '.join(message['message'] for message in result['messages'])
        for expected in ("Ligne 6 : Le numéro 1 figure deux fois", "Autre chose", "avant-hier", "Terrible", "La lune"):
            self.assertIn(expected, texts)
        self.assertFalse(result['ids'])
        with self.muted():
            self._import(_COMPLAINT, content)
        self.assertFalse(self._records())

    def test_errors_of_a_later_batch(self):
        content = self._sheet(["N°", "Date de réception", "Objet"], [
            [str(number), "avant-hier" if number == 5 else "04/03/2024", f"Ligne {number}"] for number in range(6)
        ])
        with self.muted():
            result, __ = self._import(_COMPLAINT, content, dryrun=True, skip=3, limit=3)
        self.assertEqual([message['message'].split(' : ')[0] for message in result['messages']], ["Ligne 7"])

    def test_no_day_made_up(self):
        """A row without its day of receipt is refused: today would be a lie."""
        content = self._sheet(["N°", "Date de réception", "Objet"], [["1", "", "Une"]])
        with self.muted():
            result, __ = self._import(_COMPLAINT, content)
        self.assertFalse(result['ids'])
        self.assertTrue(result['messages'])

    def test_twice_without_numbers(self):
        """Rows without a number are known again by their day and their words."""
        content = self._sheet(
            ["Date de réception", "Objet", "Description", "Repris de l'ancien registre"],
            [["04/03/2024", "Salle froide", "Deux jours", "Oui"],
             ["05/03/2024", "", "Facture fausse\net en double", "oui"]],
        )
        result, __ = self._import(_COMPLAINT, content)
        self.assertFalse(result['messages'])
        records = self._records()
        self.assertEqual(len(records), 2)
        self._import(_COMPLAINT, content)
        self.assertEqual(self._records(), records)

    def test_number_forgotten(self):
        """A row of a former register whose number was forgotten is one of it all the same, once, and never late."""
        content = self._sheet(["N°", "Date de réception", "Objet", "Repris de l'ancien registre"], [
            ["1", "04/03/2024", "Une", ""], ["", "05/03/2024", "Deux", ""], ["", "06/03/2024", "Trois", "non"],
        ])
        for __ in range(2):
            result, __ = self._import(_COMPLAINT, content)
            self.assertFalse(result['messages'])
        self.assertEqual(self._records().mapped('name'), ["Une", "Deux"])
        self.assertFalse(any(self._records().mapped('ack_deadline')))

    def test_left_as_it_is(self):
        """What was worked on since is not overwritten by the old file; new rows come in."""
        rows = [["1", "04/03/2024", "Une", "en cours"]]
        headings = ["N°", "Date de réception", "Objet", "Statut"]
        self._import(_COMPLAINT, self._sheet(headings, rows))
        first = self._records()
        first.with_user(self.officer).correction = "Another room"
        first.name = "Une salle"
        result, __ = self._import(_COMPLAINT, self._sheet(headings, [*rows, ["2", "05/03/2024", "Deux", "clos"]]))
        self.assertFalse(result['messages'])
        self.assertEqual(first.name, "Une salle")
        self.assertEqual(self._records().mapped('old_reference'), ["1", "2"])

    def test_numbers_are_of_a_company(self):
        """The same former number in another company is another entry."""
        content = self._sheet(["N°", "Date de réception", "Objet"], [["1", "04/03/2024", "Une"]])
        self._import(_COMPLAINT, content)
        wizard = self.model_as('base_import.import', self.other_officer).create({
            'res_model': _COMPLAINT, 'file': content, 'file_name': 'a.xlsx',
            'file_type': 'application/vnd.openxmlformats-officedocument.spreadsheetml.sheet',
        })
        result = wizard.execute_import(['old_reference', 'received_on', 'name'], ["n°", "date", "objet"], {**_OPTIONS})
        self.assertFalse(result['messages'])
        self.assertEqual(self.env[_COMPLAINT].browse(result['ids']).company_id, self.other_company)
        self.assertEqual(len(self._records()), 1)

    def test_new_entries_untouched(self):
        """A table that is no former register obeys the rules of new entries, and is not matched."""
        content = self._sheet(["Objet", "Date de réception"], [["Froid", "19/11/2026"]])
        for __ in range(2):
            result, __ = self._import(_COMPLAINT, content)
            self.assertFalse(result['messages'])
        entries = self.env[_COMPLAINT].search([('company_id', '=', self.company.id)])
        self.assertEqual(len(entries), 2)
        self.assertFalse(any(entries.mapped('is_imported')))
        self.assertTrue(all(entries.mapped('ack_deadline')))

    def test_batches(self):
        """Read in batches, as the screen does with long files, each row comes once."""
        content = self._sheet(
            ["N°", "Date de réception", "Objet"],
            [[str(number), "04/03/2024", f"Ligne {number}"] for number in range(7)],
        )
        wizard = self._wizard(_COMPLAINT, content)
        skip = 0
        for __ in range(3):
            result = wizard.execute_import(
                ['old_reference', 'received_on', 'name'], ["n°", "date de réception", "objet"],
                {**_OPTIONS, 'limit': 3, 'skip': skip},
            )
            self.assertFalse(result['messages'])
            skip = result['nextrow']
        self.assertEqual(skip, 0)
        self.assertEqual(self._records().mapped('old_reference'), [str(number) for number in range(7)])

    def test_only_officers(self):
        """The import is no way around the rights."""
        content = self._sheet(["N°", "Date de réception", "Objet"], [["1", "04/03/2024", "Une"]])
        wizard = self.model_as('base_import.import', self.declarant).create({
            'res_model': _COMPLAINT, 'file': content, 'file_name': 'a.xlsx',
            'file_type': 'application/vnd.openxmlformats-officedocument.spreadsheetml.sheet',
        })
        with self.muted():
            result = wizard.execute_import(['old_reference', 'received_on', 'name'], ["a", "b", "c"], {**_OPTIONS})
        self.assertFalse(result['ids'])
        self.assertIn("quality officer", result['messages'][0]['message'])

    def test_other_models_untouched(self):
        """Odoo's own imports stay as they are."""
        wizard = self.model_as('base_import.import', self.env.ref('base.user_admin'))
        tree = wizard.get_fields_tree('res.partner')
        self.assertNotIn('import_session', [field['name'] for field in tree])
        names = [field['name'] for field in wizard.get_fields_tree(_COMPLAINT)]
        for name in ('state', 'closed_on', 'old_reference', 'is_imported', 'import_session'):
            self.assertEqual(names.count(name), 1, name)
        self.assertNotIn('reference', names)

    def test_ten_thousand(self):
        """Ten thousand rows, in the batches of the screen, in bounded time: no row costs more for those before."""
        rows = [
            [f"R-{number}", "04/03/2024", f"Ligne {number}", "Téléphone", "Mineure", "clos", "Communication interne"]
            for number in range(10000)
        ]
        wizard = self._wizard(_COMPLAINT, self._csv(
            ["N°", "Date de réception", "Objet", "Canal", "Gravité", "Statut", "Cause(s)"], rows,
        ), name='registre.csv')
        names = ['old_reference', 'received_on', 'name', 'channel_id', 'severity_id', 'state', 'cause_ids']
        begin = time.monotonic()
        result = wizard.execute_import(names, names, {**_OPTIONS, 'limit': 10000})
        spent = time.monotonic() - begin
        self.assertFalse(result['messages'])
        self.assertEqual(len(result['ids']), 10000)
        self.assertLess(spent, 120)
        begin = time.monotonic()
        again = wizard.execute_import(names, names, {**_OPTIONS, 'limit': 10000})
        self.assertEqual(set(again['ids']), set(result['ids']))
        self.assertLess(time.monotonic() - begin, 30)

    @staticmethod
    def _csv(headings, rows):
        return '\n'.join(';'.join(row) for row in (headings, *rows)).encode()


@tagged('post_install', '-at_install')
class TestImportTemplateDownload(QualiopiCase, HttpCase):

    def test_download(self):
        """The button of the import screen gives a spreadsheet to those who may import, nothing to others."""
        self.authenticate(self.officer.login, self.officer.login)
        response = self.url_open(f'/qualiopi/import_template/{_COMPLAINT}')
        self.assertEqual(response.status_code, 200)
        self.assertEqual(openpyxl.load_workbook(io.BytesIO(response.content)).worksheets[0]['A1'].value, "N°")
        self.assertEqual(self.url_open('/qualiopi/import_template/res.users').status_code, 404)
        self.authenticate(self.portal.login, self.portal.login)
        self.assertEqual(self.url_open(f'/qualiopi/import_template/{_COMPLAINT}').status_code, 404)
