from datetime import date, datetime

from odoo import Command
from odoo.exceptions import UserError
from odoo.tests import tagged

from .common import QualiopiCase


@tagged('post_install', '-at_install')
class TestImport(QualiopiCase):
    """Taking over a former register (design, rule 9) and importing tables (quality.md, E4)."""

    fields = ['id', 'name', 'description', 'nature', 'received_on', 'channel_id', 'severity_id', 'category_id',
              'stakeholder_id', 'cause_ids', 'decision', 'is_imported', 'old_reference', 'state', 'closed_on']

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.env['res.lang']._activate_lang('fr_FR')
        cls.env['ir.module.module'].search([('name', '=', 'qualiopi')])._update_translations(['fr_FR'])

    def _model(self, model='qualiopi.complaint', user=None, lang='en_US'):
        return self.model_as(model, user or self.officer).with_context(lang=lang)

    def _label(self, lang, model, name, value):
        field = self.env[model]._fields[name]
        return dict(field._description_selection(self.env(context={'lang': lang})))[value]

    def _rows(self, count, lang='en_US', prefix='old'):
        names = {
            key: self.env.ref(f'qualiopi.{key}').with_context(lang=lang).name
            for key in ('channel_letter', 'severity_major', 'category_premises', 'stakeholder_company',
                        'cause_communication', 'cause_no_procedure')
        }
        label = self._label
        model = 'qualiopi.complaint'
        return [[
            f'__import__.{prefix}_{number}', f"Entry {number}", "Too cold",
            label(lang, model, 'nature', ('complaint', 'difficulty', 'unforeseen')[number % 3]),
            '2024-03-04 09:00:00', names['channel_letter'], names['severity_major'], names['category_premises'],
            names['stakeholder_company'], f"{names['cause_communication']},{names['cause_no_procedure']}",
            label(lang, model, 'decision', 'founded'), 'True', f"R-{number}",
            label(lang, model, 'state', 'closed' if number % 2 else 'treatment'),
            '2024-04-01 10:00:00' if number % 2 else '',
        ] for number in range(count)]

    def _load(self, rows, fields=None, **kwargs):
        return self._model(**kwargs).load(fields or self.fields, rows)

    def test_load(self):
        """A hundred rows with the words of the screen, in English and in French."""
        for lang in ('en_US', 'fr_FR'):
            result = self._load(self._rows(100, lang, lang.lower()), lang=lang)
            self.assertFalse(result['messages'], lang)
            complaints = self.env['qualiopi.complaint'].browse(result['ids'])
            self.assertEqual(len(complaints), 100)
            self.assertEqual(set(complaints.mapped('state')), {'closed', 'treatment'})
            first = complaints[1]
            self.assertRecordValues(first, [{
                'nature': 'difficulty', 'channel_id': self.env.ref('qualiopi.channel_letter').id,
                'severity_id': self.major.id, 'old_reference': "R-1", 'state': 'closed', 'decision': 'founded',
                'closed_on': datetime(2024, 4, 1, 8), 'received_date': date(2024, 3, 4), 'is_imported': True,
                'cause_ids': (self.cause | self.env.ref('qualiopi.cause_no_procedure')).ids,
            }])
            self.assertEqual(first.referential_id.code, 'V9')
        complaints = self.env['qualiopi.complaint'].search([('company_id', '=', self.company.id)])
        self.assertEqual(
            sorted(complaints.mapped('reference')), [f'REG/2026/{number:04d}' for number in range(1, 201)],
            "this year's numbers, no hole",
        )

    def test_twice(self):
        """The same table with external ids brings nothing twice."""
        rows = self._rows(20)
        first = self._load(rows)
        again = self._load(rows)
        self.assertFalse(first['messages'] or again['messages'])
        self.assertEqual(first['ids'], again['ids'])
        self.assertEqual(self.env['qualiopi.complaint'].search_count([('company_id', '=', self.company.id)]), 20)

    def test_errors(self):
        """A wrong value gets the message of its row and loads nothing."""
        for column, value in (
            ('received_on', "the day before yesterday"), ('severity_id', "Terrible"), ('nature', "Whatever"),
            ('cause_ids', "The moon"), ('state', "Somewhere"),
        ):
            rows = self._rows(5)
            rows[3][self.fields.index(column)] = value
            with self.muted():
                result = self._load(rows)
            self.assertFalse(result['ids'], column)
            self.assertTrue(any(
                message['type'] == 'error' and message['rows'] == {'from': 3, 'to': 3} for message in result['messages']
            ), (column, result['messages']))
        self.assertFalse(self.env['qualiopi.complaint'].search([('company_id', '=', self.company.id)]))

    def test_dry_run(self):
        """A test of the import takes no number."""
        wizard = self.env['base_import.import'].with_user(self.officer).create({
            'res_model': 'qualiopi.complaint', 'file_name': 'register.csv', 'file_type': 'text/csv',
            'file': b'Subject;Received on\nToo cold;2024-03-04 09:00:00\nToo warm;2024-03-05 09:00:00\n',
        })
        options = {'quoting': '"', 'separator': ';', 'has_headers': True, 'encoding': 'utf-8',
                   'date_format': '%Y-%m-%d', 'datetime_format': '%Y-%m-%d %H:%M:%S', 'float_decimal_separator': '.'}
        tried = wizard.execute_import(['name', 'received_on'], ["Subject", "Received on"], options, dryrun=True)
        self.assertFalse(tried['messages'])
        self.env.invalidate_all()
        self.assertFalse(self.env['qualiopi.complaint'].search([('company_id', '=', self.company.id)]))
        done = wizard.execute_import(['name', 'received_on'], ["Subject", "Received on"], options)
        self.assertFalse(done['messages'])
        self.assertEqual(
            self.env['qualiopi.complaint'].browse(done['ids']).mapped('reference'), ['REG/2026/0001', 'REG/2026/0002'],
        )

    def test_any_state(self):
        """What is taken over comes in any state, exempt from gates and delays."""
        for state in ('received', 'acknowledged', 'analysis', 'treatment', 'answered', 'closed', 'cancelled'):
            complaint = self._model().create({
                'name': "Old", 'received_on': datetime(2020, 1, 1), 'is_imported': True, 'state': state,
                'old_reference': "R-1",
            })
            self.assertEqual(complaint.state, state)
            self.assertFalse(complaint.ack_deadline or complaint.response_deadline or complaint.analysis_deadline)
            self.assertFalse(complaint.is_late)
            self.assertNotIn(complaint, complaint.search([('is_late', '=', True)]))
            self.assertEqual(complaint.ack_timeliness, 'not_applicable')
            self.assertEqual(complaint.is_locked, state in ('closed', 'cancelled'))
            self.assertFalse(complaint.missing_for_closing)
        for state in ('new', 'analysed', 'action', 'closed', 'no_action', 'cancelled'):
            finding = self._model('qualiopi.finding').create({
                'name': "Old", 'date': date(2020, 1, 1), 'is_imported': True, 'state': state,
            })
            self.assertEqual(finding.state, state)
        for phase, stage in self.stages.items():
            action = self._model('qualiopi.improvement.action').create({
                'name': "Old", 'is_imported': True, 'stage_id': stage.id, 'user_id': False,
                'date_due': date(2020, 1, 1), 'date_start': date(2020, 2, 1),
            })
            self.assertEqual(action.phase, phase)
            self.assertFalse(action.check_ids)

    def test_next_step(self):
        """An open entry waits for what the former register left to do; nobody acknowledges it years later."""
        for nature, state, given, step in (
            ('complaint', 'received', {}, 'analyse'),
            ('complaint', 'received', {'ack_date': datetime(2020, 1, 2)}, 'analyse'),
            ('complaint', 'acknowledged', {}, 'analyse'),
            ('complaint', 'analysis', {}, 'analyse'),
            ('complaint', 'analysis', {'cause_ids': [Command.set(self.cause.ids)]}, 'respond'),
            ('complaint', 'treatment', {}, 'respond'),
            ('complaint', 'answered', {}, 'close'),
            ('difficulty', 'received', {}, 'analyse'),
            ('difficulty', 'treatment', {}, 'act'),
            ('complaint', 'closed', {}, False),
        ):
            complaint = self._model().create({
                'name': "Old", 'received_on': datetime(2020, 1, 1), 'is_imported': True, 'nature': nature,
                'state': state, 'old_reference': "R-1", **given,
            })
            with self.subTest(nature=nature, state=state, given=list(given)):
                self.assertEqual((complaint.next_step, complaint.next_deadline), (step, False))
        # Of our own, the acknowledgement comes first.
        self.assertEqual(self.make_complaint().next_step, 'acknowledge')

    def test_locked_and_reopened(self):
        """A closed record that was taken over is closed; reopened, it goes on like any other."""
        complaint = self._model().create({
            'name': "Old", 'received_on': datetime(2020, 1, 1), 'is_imported': True, 'state': 'closed',
            'closed_on': datetime(2020, 2, 1),
        })
        with self.assertRefused("is closed"):
            complaint.name = "Newer"
        self.user_env(complaint, self.manager).action_reopen("It goes on")
        self.assertEqual(complaint.state, 'received')
        complaint.correction = "Another room"
        self.assertEqual(complaint.state, 'treatment')

    def test_no_message_to_anybody(self):
        """It causes no letter, notice or activity."""
        before = self.env['mail.mail'].search_count([]), self.env['mail.notification'].search_count([])
        complaint = self._model().create({
            'name': "Old", 'received_on': datetime(2020, 1, 1), 'is_imported': True, 'partner_id': self.customer.id,
            'email_from': 'learner@example.com',
        })
        self.flush_tracking()
        self.assertEqual(
            (self.env['mail.mail'].search_count([]), self.env['mail.notification'].search_count([])), before,
        )
        self.assertFalse(complaint.activity_ids)

    def test_only_officers(self):
        for user in (self.declarant, self.confidential):
            with self.assertRefused("Only a quality officer takes over"):
                self._model(user=user).create({'name': "Old", 'is_imported': True})
        with self.muted(), self.assertRaises(UserError):
            self._model(user=self.auditor).create({'name': "Old", 'is_imported': True})
        with self.muted():
            self.assertFalse(self._load(self._rows(2), user=self.declarant)['ids'])
        with self.assertRefused("filled in by the program"):
            self._model().create({'name': "Old", 'state': 'closed'})
        complaint = self.make_complaint()
        with self.assertRefused("filled in by the program"):
            complaint.is_imported = True
        with self.assertRaises(UserError):
            self._model().create({'name': "Old", 'is_imported': True, 'reference': 'REG/2020/0001'})

    def test_old_numbers_found(self):
        """The old number is kept and found."""
        complaint = self._model().create({'name': "Old", 'is_imported': True, 'old_reference': "R-1937"})
        self.assertEqual(self._model().search([('old_reference', '=', "R-1937")]), complaint)
        self.assertFalse(complaint.copy().old_reference)

    def test_chain(self):
        """A former plan, with its findings by their new number."""
        finding = self._model('qualiopi.finding').load(
            ['id', 'name', 'date', 'is_imported', 'state'],
            [['__import__.finding_1', "Old finding", '2024-01-01', 'True', "Action under way"]],
        )
        self.assertFalse(finding['messages'])
        result = self._model('qualiopi.improvement.action').load(
            ['id', 'name', 'finding_ids/id', 'stage_id', 'is_imported', 'date_due', 'done_on'],
            [['__import__.action_1', "Old action", '__import__.finding_1', "Effective, closed", 'True', '2024-02-01',
              '2024-01-20']],
        )
        self.assertFalse(result['messages'])
        action = self.env['qualiopi.improvement.action'].browse(result['ids'])
        self.assertRecordValues(action, [{
            'phase': 'done', 'done_on': date(2024, 1, 20), 'due_state': 'ended', 'finding_ids': finding['ids'],
        }])

    def test_new_records_by_import(self):
        """Rows that are not taken over obey the rules of new records."""
        result = self._model().load(['name', 'received_on'], [["Cold", '2026-11-19 09:00:00']])
        complaint = self.env['qualiopi.complaint'].browse(result['ids'])
        self.assertTrue(complaint.ack_deadline)
        result = self._model('qualiopi.improvement.action').load(['name', 'stage_id'], [["Heat", "Planned"]])
        self.assertFalse(result['ids'])
        self.assertIn("Missing", result['messages'][0]['message'])
        self.assertEqual(
            self._model('qualiopi.improvement.action').search_count([('company_id', '=', self.company.id)]), 0,
        )

    def test_export_and_back(self):
        """What is exported can be imported again and changes nothing."""
        self.env.ref('base.group_allow_export').user_ids = [Command.link(self.officer.id)]
        complaint = self.make_complaint(name="Cold", category_id=self.env.ref('qualiopi.category_premises').id)
        names = ['id', 'name', 'nature', 'severity_id', 'category_id', 'indicator_ids/id']
        rows = self._model().browse(complaint.id).export_data(names)['datas']
        result = self._model().load(names, [[str(cell) for cell in row] for row in rows])
        self.assertFalse(result['messages'])
        self.assertEqual(result['ids'], complaint.ids)
