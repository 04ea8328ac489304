from datetime import date

from freezegun import freeze_time

from odoo.exceptions import UserError
from odoo.tests import tagged

from .common import TODAY, QualiopiCase


@tagged('post_install', '-at_install')
@freeze_time(TODAY)
class TestNilStatement(QualiopiCase):

    @classmethod
    def declare_nil(cls, user=None, **values):
        return cls.model_as('qualiopi.nil.statement', user or cls.officer).create({
            'date_from': '2026-07-01', 'date_to': '2026-09-30', **values,
        })

    def test_declared(self):
        """Who and when are the server's, whatever was sent."""
        statement = self.declare_nil(declared_on='2020-01-01 00:00:00', declared_by_id=self.manager.id)
        self.assertRegex(statement.reference, r'^NEA/2026/\d{4}$')
        self.assertRecordValues(statement, [{
            'declared_by_id': self.officer.id, 'state': 'declared',
            'registers': "Complaints, Difficulties, Unforeseen events",
        }])
        self.assertEqual(str(statement.declared_on), TODAY)

    def test_refused(self):
        """No statement on what is to come, on nothing, or where something was received."""
        with self.assertRefused("end the period today"):
            self.declare_nil(date_to='2026-11-21')
        with self.assertRefused("ends before it begins"):
            self.declare_nil(date_to='2026-06-30')
        with self.assertRefused("at least one register"):
            self.declare_nil(covers_complaint=False, covers_difficulty=False, covers_unforeseen=False)
        complaint = self.make_complaint(nature='complaint', received_on='2026-09-30 20:00:00')
        with self.assertRefused(complaint.reference):
            self.declare_nil()
        self.declare_nil(covers_complaint=False)
        self.declare_nil(date_to='2026-09-29')
        complaint.with_user(self.manager).action_cancel("Recorded by mistake")
        self.declare_nil()

    def test_confidential_is_a_count(self):
        """A report that the declarer may not see is counted, not named."""
        secret = self.make_confidential(received_on='2026-08-01 08:00:00')
        self.declare_nil()
        with self.assertRefused("1 entries") as raised:
            self.declare_nil(covers_safeguarding=True)
        self.assertNotIn(secret.reference, str(raised.exception))

    def test_invalidated(self):
        """An entry recorded later for the period makes the statement fall, with a trace."""
        statement = self.declare_nil()
        others = self.declare_nil(date_from='2026-04-01', date_to='2026-06-30') + self.declare_nil(
            covers_difficulty=False)
        foreign = self.model_as('qualiopi.nil.statement', self.other_officer).create({
            'date_from': '2026-07-01', 'date_to': '2026-09-30',
        })
        with freeze_time('2026-11-25 09:00:00'):
            entry = self.make_complaint(
                self.declarant, nature='difficulty', received_on='2026-09-15 09:00:00')
        self.assertRecordValues(statement, [{
            'state': 'invalidated', 'invalidating_reference': entry.reference, 'invalidated_by_id': self.declarant.id,
        }])
        self.assertEqual(str(statement.invalidated_on), '2026-11-25 09:00:00')
        self.assertIn(entry.reference, statement.sudo().message_ids[0].body)
        self.assertEqual((others + foreign.sudo()).mapped('state'), ['declared'] * 3)
        entry.with_user(self.manager).action_cancel("Recorded by mistake")
        self.assertEqual(statement.state, 'invalidated')

    def test_invalidated_by_change(self):
        """So does one whose date or nature is put right, or that is reopened."""
        entry = self.make_complaint(nature='complaint', received_on='2026-10-05 09:00:00')
        moved = self.declare_nil()
        entry.received_on = '2026-09-05 09:00:00'
        self.assertEqual(moved.state, 'invalidated')
        entry.with_user(self.manager).action_cancel("Recorded by mistake")
        again = self.declare_nil()
        entry.with_user(self.manager).action_reopen("It was none")
        self.assertEqual(again.state, 'invalidated')
        other = self.declare_nil(covers_complaint=False)
        entry.nature = 'unforeseen'
        self.assertEqual(other.state, 'invalidated')

    def test_dropouts(self):
        """Dropouts count where the statement covers them."""
        covering = self.declare_nil(covers_dropout=True)
        other = self.declare_nil()
        dropout = self.model_as('qualiopi.dropout', self.officer).create({
            'learner_name': "Test Learner", 'date': '2026-08-03',
        })
        self.assertEqual((covering + other).mapped('state'), ['invalidated', 'declared'])
        self.assertEqual(covering.invalidating_reference, dropout.reference)
        with self.assertRefused(dropout.reference):
            self.declare_nil(covers_dropout=True)

    def test_frozen(self):
        statement = self.declare_nil()
        for values in ({'date_from': '2026-01-01'}, {'covers_complaint': False}, {'state': 'declared', 'note': "Else"},
                       {'declared_by_id': self.manager.id}, {'company_id': self.other_company.id}):
            with self.assertRaises(UserError, msg=values):
                statement.with_user(self.manager).write(values)
        with self.assertRefused("Nothing is deleted"):
            statement.sudo().unlink()
        with self.assertRefused("Only a quality manager"):
            statement.action_cancel("A mistake")
        statement.with_user(self.manager).action_cancel("A mistake in the period")
        self.assertEqual(statement.state, 'cancelled')
        with self.assertRefused("another|new statement"):
            statement.with_user(self.manager).action_reopen("It was right")

    def _of(self, record, user):
        return self.model_as(record._name, user).browse(record.id)

    def test_rights(self):
        statement = self.declare_nil()
        for user, expected in {
            self.declarant: '', self.officer2: 'rwc', self.manager: 'rwc', self.auditor: 'r', self.confidential: '',
            self.other_officer: '', self.plain: '',
        }.items():
            record = self._of(statement, user)
            found = ''.join(
                operation[0] for operation in ('read', 'write', 'create', 'unlink') if record.has_access(operation))
            self.assertEqual(found, expected, user.name)

    def test_paper(self):
        statement = self.declare_nil(note="Forms were on display")
        render = self.env['ir.actions.report'].with_user(self.officer)._render_qweb_html
        html = render('qualiopi.report_nil_statement', statement.ids)[0].decode()
        for part in (statement.reference, "Forms were on display", "Test officer", "Declared"):
            self.assertIn(part, html)
        self.assertNotIn("Safeguarding reports", html)
        entry = self.make_complaint(nature='complaint', received_on='2026-09-15 09:00:00')
        html = render('qualiopi.report_nil_statement', statement.ids)[0].decode()
        self.assertIn("no longer valid", html)
        self.assertIn(entry.reference, html)

    def test_period_in_the_companys_time(self):
        """The day of an entry is the company's: 23:30 UTC is tomorrow in Paris."""
        statement = self.declare_nil(date_to='2026-09-30')
        self.make_complaint(nature='complaint', received_on='2026-09-30 22:30:00')
        self.assertEqual(statement.state, 'declared')
        self.assertEqual(statement.date_to, date(2026, 9, 30))

    def test_queries(self):
        """Recording entries asks for statements once, however many entries."""
        values = {'nature': 'complaint', 'description': "Cold", 'received_on': '2026-11-02 09:00:00'}
        model = self.model_as('qualiopi.complaint', self.officer)

        def cost(number):
            with self.subTest(number):
                records = model.create([dict(values) for __ in range(number)])
                self.env.flush_all()
                before = self.cr.sql_log_count
                self.env['qualiopi.nil.statement'].sudo()._invalidate_for(records.sudo())
                return self.cr.sql_log_count - before
        self.assertEqual(cost(2), cost(20))
