import importlib.util
import io
from datetime import date, timedelta
from unittest.mock import patch

import openpyxl
from freezegun import freeze_time
from psycopg2.errors import UniqueViolation

from odoo import Command
from odoo.exceptions import UserError, ValidationError
from odoo.tests import tagged
from odoo.tools import SQL, file_path, html2plaintext, mute_logger

from odoo.addons.qualiopi.exceptions import GateError

from .common import TODAY, QualiopiCase

YEAR = {'date_from': '2026-01-01', 'date_to': '2026-12-31'}


class DropoutCase(QualiopiCase):

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.env['event.registration'].search([]).unlink()
        # Four days: indicator 12.
        cls.long = cls._make_event(
            cls.company, name="Long session", course_id=cls.course.id, date_begin='2026-11-02 08:00:00',
            date_end='2026-11-05 16:00:00',
        )
        cls.learners = [
            cls._make_registration(cls.long, name=f"Learner {n}", email=f'learner{n}@example.com', state='open')
            for n in range(10)
        ]
        cls.health = cls.env.ref('qualiopi.dropout_reason_health')
        cls.job = cls.env.ref('qualiopi.dropout_reason_job')
        cls.project = cls.env.ref('qualiopi.dropout_reason_project')

    @classmethod
    def make_dropout(cls, registration=None, user=None, **values):
        """An entry as ``user``, the officer by default, records it."""
        if registration:
            values['registration_id'] = registration.id
        return cls.model_as('qualiopi.dropout', user or cls.officer).create({'date': '2026-11-04', **values})


@tagged('post_install', '-at_install')
@freeze_time(TODAY)
class TestDropout(DropoutCase):
    """Register of dropouts, its follow-up and its rates against values computed by hand (indicator 12)."""

    # === REGISTER === #

    def test_from_the_learner(self):
        dropout = self.make_dropout(self.learners[0], reason_id=self.project.id)
        self.assertRecordValues(dropout, [{
            'reference': 'ABD/2026/0001', 'name': "Learner 0 – Long session", 'learner_name': "Learner 0",
            'event_id': self.long.id, 'course_id': self.course.id, 'company_id': self.company.id,
            'duration_days': 4, 'is_over_two_days': True, 'state': 'new', 'user_id': self.officer.id,
            'is_counted': True,
        }])
        self.assertEqual(dropout.indicator_ids.mapped('number'), [12])
        with self.assertRefused("Nothing is deleted"):
            dropout.sudo().unlink()

    def test_two_days_and_less(self):
        """Indicator 12 is about courses of more than two days."""
        short = self.make_dropout(self._make_registration(self.event), date='2026-11-17')
        self.assertFalse(short.is_over_two_days)
        self.assertFalse(short.indicator_ids)
        self.assertNotIn('contact', short.sudo().activity_ids.mapped('qualiopi_step'))
        short.reason_id = self.project
        short.action_close()
        self.assertEqual(short.state, 'closed')

    def test_buttons(self):
        learner = self.user_env(self.learners[0], self.officer)
        action = learner.action_view_dropouts()
        self.assertEqual(action['context']['default_registration_id'], learner.id)
        dropout = self.model_as('qualiopi.dropout', self.officer).with_context(**action['context']).create({})
        self.assertEqual(dropout.registration_id, learner)
        self.assertEqual(learner.action_view_dropouts()['res_id'], dropout.id)
        event = self.user_env(self.long, self.officer)
        self.assertEqual(event.dropout_count, 1)
        context = event.action_declare_dropout()['context']
        self.assertEqual(context['default_event_id'], event.id)

    def test_without_session(self):
        """Many providers hold no session in Odoo."""
        dropout = self.make_dropout(learner_name="Somebody", reason_id=self.project.id)
        self.assertTrue(dropout.is_over_two_days)
        self.assertEqual(dropout.learner_code, 'A-2026-0001')

    def test_once(self):
        self.make_dropout(self.learners[0])
        with self.assertRefused("in the dropout register already", ValidationError):
            self.make_dropout(self.learners[0])

    def test_once_for_two_officers_in_one_moment(self):
        """Neither sees the entry of the other: the database refuses the second."""
        self.make_dropout(self.learners[0])
        unseen = patch.object(type(self.env['qualiopi.dropout']), '_refuse_second', lambda *args: None)
        with unseen, mute_logger('odoo.sql_db'), self.assertRaises(UniqueViolation) as refused:
            self.make_dropout(self.learners[0])
        index = self.registry['qualiopi.dropout']._table_objects[refused.exception.diag.constraint_name]
        self.assertIn("complete that entry", index.get_error_message(self.env['qualiopi.dropout']))
        cancelled = self.make_dropout(self.learners[1])
        self.user_env(cancelled, self.manager).action_cancel("Recorded on the wrong learner")
        self.assertTrue(self.make_dropout(self.learners[1]))

    def test_upgrade_cancels_what_was_recorded_twice(self):
        # As before the upgrade: the index on them is made at its end.
        index = self.env['qualiopi.dropout']._registration_uniq
        self.env.cr.execute(SQL("DROP INDEX %s", SQL.identifier(index.full_name(self.env['qualiopi.dropout']))))
        first = self.make_dropout(self.learners[0])
        second = self.make_dropout(self.learners[0], outcome='resumed')
        self.env.flush_all()
        self.env.cr.execute("UPDATE qualiopi_dropout SET outcome = NULL WHERE id = %s", [second.id])
        self.env.invalidate_all()
        path = file_path('qualiopi/migrations/19.0.1.2.0/post-dropout-once.py')
        script = importlib.util.module_from_spec(spec := importlib.util.spec_from_file_location('dropout_once', path))
        spec.loader.exec_module(script)
        script.migrate(self.env.cr, '19.0.1.1.0')
        self.env.invalidate_all()
        self.assertEqual((first.state, second.state), ('new', 'cancelled'))
        self.assertIn(first.reference, second.cancel_reason)

    def test_again_after_coming_back(self):
        self.make_dropout(self.learners[0], outcome='resumed')
        self.assertTrue(self.make_dropout(self.learners[0]))

    def test_before_the_start(self):
        with self.assertRefused("had not begun", ValidationError):
            self.make_dropout(self.learners[0], date='2026-11-01')
        self.assertTrue(self.make_dropout(self.learners[0], date='2026-11-01', kind='no_show'))

    def test_learner_kept(self):
        self.make_dropout(self.learners[0])
        with self.assertRefused("archive it instead"):
            self.learners[0].unlink()

    # === FOLLOW-UP === #

    def test_steps(self):
        """The next day the learner is contacted; then the entry is closed."""
        dropout = self.make_dropout(self.learners[0], date='2026-11-20')
        step = dropout.sudo().activity_ids
        self.assertEqual(
            (step.qualiopi_step, step.date_deadline, step.user_id), ('contact', date(2026, 11, 21), self.officer))
        dropout.contact_ids = [Command.create({'means': 'phone', 'result': 'reached', 'date': '2026-11-21'})]
        self.assertEqual(dropout.state, 'followed')
        step = dropout.sudo().activity_ids
        self.assertEqual((step.qualiopi_step, step.date_deadline), ('close', date(2026, 12, 4)))
        dropout.write({'reason_id': self.job.id, 'outcome': 'stopped'})
        dropout.action_close()
        self.assertFalse(dropout.sudo().activity_ids)

    def test_closing(self):
        dropout = self.make_dropout(self.learners[0])
        with self.assertRefused("the reason.*a contact tried.*the outcome", GateError):
            dropout.action_close()
        dropout.write({'reason_id': self.project.id, 'outcome': 'stopped', 'form_date': '2026-11-05',
                       'form_why': "Another project"})
        dropout.action_close()
        for values in ({'outcome': 'resumed'}, {'contact_ids': [Command.create({'means': 'phone'})]},
                       {'date': '2026-11-05'}):
            with self.assertRefused("is closed"):
                dropout.write(values)
        with self.assertRefused("is closed"):
            self.model_as('qualiopi.dropout.contact', self.officer).create({'dropout_id': dropout.id})
        self.user_env(dropout, self.manager).action_reopen("The learner called back")
        self.assertEqual(dropout.state, 'followed')

    def test_cancel(self):
        dropout = self.make_dropout(self.learners[0])
        self.user_env(dropout, self.manager).action_cancel("Recorded for another learner")
        self.assertEqual((dropout.state, dropout.is_counted), ('cancelled', False))
        self.assertTrue(self.make_dropout(self.learners[0]))

    def test_finding(self):
        """A finding takes over the facts; health stays out of it."""
        dropouts = self.make_dropout(self.learners[0], reason_id=self.health.id) | self.make_dropout(self.learners[1])
        action = dropouts.action_create_finding()
        finding = self.model_as('qualiopi.finding', self.officer).with_context(**action['context']).create({})
        self.assertEqual(finding.dropout_ids, dropouts)
        self.assertEqual((finding.event_id, finding.source_id.code), (self.long, 'dropout'))
        self.assertIn("Personal reason", finding.description)
        self.assertNotIn("Health", finding.description)
        self.assertEqual(dropouts.mapped('finding_count'), [1, 1])
        chain = {level['level']: level['total'] for level in dropouts[0].chain}
        self.assertEqual(chain, {'dropout': 1, 'finding': 1, 'action': 0, 'check': 0})
        dropouts[1].write({'reason_id': self.project.id, 'outcome': 'stopped', 'form_date': '2026-11-05'})
        dropouts[1].action_close()
        with self.assertRefused("is closed"):
            finding.dropout_ids = [Command.unlink(dropouts[1].id)]

    # === RATES === #

    def test_rates(self):
        """Ten registered; one never came, one came back, three stopped, of whom one found a job and one is no
        longer registered: started are 9, the rate is 3 of 9."""
        self.make_dropout(self.learners[0], kind='no_show')
        self.make_dropout(self.learners[1], outcome='resumed')
        self.make_dropout(self.learners[2], reason_id=self.job.id)
        self.make_dropout(self.learners[3], reason_id=self.health.id)
        self.make_dropout(self.learners[4])
        self.learners[4].state = 'cancel'
        event = self.user_env(self.long, self.auditor)
        self.assertRecordValues(event, [{'started_count': 9, 'no_show_count': 1}])
        self.assertAlmostEqual(event.dropout_rate, 33.3)
        self.assertEqual(event.dropout_text, "3 of 9 (33 %) · of whom found a job: 1 · no-shows, apart: 1")
        self.assertEqual(
            self.long._qualiopi_dropout_figures()[self.long],
            {'started': 9, 'dropouts': 3, 'jobs': 1, 'no_shows': 1, 'rate': 100 / 3},
        )

    def test_rate_without_registrations(self):
        """A number typed on the session stands for learners who are not registered here."""
        event = self._make_event(self.company, date_begin='2026-10-01 08:00:00', date_end='2026-10-05 16:00:00')
        event.learners_started = 8
        for name in ("One", "Two"):
            self.make_dropout(event_id=event.id, learner_name=name, date='2026-10-02')
        self.assertEqual(self.user_env(event, self.officer).dropout_text, "2 of 8 (25 %)")

    def test_nobody_started_is_not_zero(self):
        future = self._make_event(self.company, date_begin='2027-01-04 08:00:00', date_end='2027-01-08 16:00:00')
        self._make_registration(future)
        figures = future._qualiopi_dropout_figures()[future]
        self.assertEqual((figures['started'], figures['rate']), (0, None))
        self.assertEqual(self.user_env(future, self.officer).dropout_text, "no learner has started yet")

    def test_moved_learner(self):
        """A participation that moves to another session leaves the dropout where it happened."""
        dropout = self.make_dropout(self.learners[0])
        other = self._make_event(self.company, date_begin='2026-10-01 08:00:00', date_end='2026-10-05 16:00:00')
        self.learners[0].event_id = other
        self.assertEqual(dropout.event_id, self.long)
        # Nine are left, and the one who stopped before moving had started too.
        figures = (self.long | other)._qualiopi_dropout_figures()
        self.assertEqual((figures[self.long]['dropouts'], figures[self.long]['started']), (1, 10))
        self.assertEqual((figures[other]['dropouts'], figures[other]['started']), (0, 1))

    def test_course(self):
        """Over the sessions that have begun: 10 learners here, 1 in the short session; 2 dropouts of 11."""
        self._make_registration(self.event)
        self._make_registration(self._make_event(
            self.company, course_id=self.course.id, date_begin='2027-01-04 08:00:00', date_end='2027-01-08 16:00:00'))
        self.make_dropout(self.learners[0])
        self.make_dropout(self.learners[1])
        course = self.user_env(self.course, self.auditor)
        self.assertEqual((course.started_count, course.dropout_count), (11, 2))
        self.assertEqual(course.dropout_text, "2 of 11 (18 %)")

    def test_review(self):
        """The quality review shows the same figures: 3 of 9 over two days, one job, one no-show."""
        self.make_dropout(self.learners[0], kind='no_show')
        self.make_dropout(self.learners[1], reason_id=self.job.id, form_date='2026-11-05')
        self.make_dropout(self.learners[2], reason_id=self.health.id)
        self.make_dropout(self.learners[3])
        # Two days: another matter.
        self.make_dropout(self._make_registration(self.event), date='2026-11-17')
        figures = self.model_as('qualiopi.dropout', self.officer)._review_figures(
            self.model_as('qualiopi.review', self.officer), self.company, date(2026, 1, 1), date(2026, 12, 31))
        values = {figure['key']: figure['value'] for figure in figures}
        self.assertAlmostEqual(values.pop('dropout_rate'), 100 / 3, 1)
        self.assertEqual(values, {'dropouts': 4, 'dropout_jobs': 1, 'no_shows': 1, 'dropouts_bare': 2})

    def test_queries(self):
        """The rates of many sessions take as many queries as those of one."""
        def sessions(count):
            events = self.env['event.event']
            for __ in range(count):
                event = self._make_event(self.company, date_begin='2026-10-01 08:00:00', date_end='2026-10-05 16:00:00')
                self.make_dropout(self._make_registration(event), date='2026-10-02')
                events |= event
            return events

        counts = []
        for events in (sessions(2), sessions(20)):
            self.env.flush_all()
            self.env.invalidate_all()
            start = self.env.cr.sql_log_count
            self.user_env(events, self.officer).mapped('dropout_text')
            counts.append(self.env.cr.sql_log_count - start)
        self.assertLessEqual(counts[1], counts[0] + 1)
        self.assertLess(counts[1], 25)

    # === PAPER === #

    def _html(self, user=None, docids=None, **data):
        report = self.env['ir.actions.report'].with_user(user or self.officer).with_context(
            allowed_company_ids=self.company.ids, lang='en_US')
        values = {**YEAR, 'company_id': self.company.id, **data} if not docids else data
        html, __ = report._render_qweb_html('qualiopi.report_dropouts', docids, data=values)
        return ' '.join(html2plaintext(html.decode()).split())

    def test_paper(self):
        finding = self.make_finding()
        self.make_dropout(
            self.learners[0], reason_id=self.health.id, description="Broken leg", solution="A chair with wheels",
            told_by='trainer', outcome='postponed', finding_ids=[Command.set(finding.ids)],
            contact_ids=[Command.create({
                'date': '2026-11-05', 'means': 'phone', 'result': 'reached', 'note': "In hospital",
            })],
        )
        self.make_dropout(self.learners[1], reason_id=self.job.id, solution="Evening group")
        self.make_dropout(self.learners[2], kind='no_show')
        for user in (self.officer, self.auditor):
            text = self._html(user)
            for secret in ("Health reasons", "Broken leg", "wheels", "hospital", "Learner 0"):
                self.assertNotIn(secret, text)
            for said in ("ABD/2026/0001", "Personal reason", "Found a job", "Evening group", finding.reference,
                         " · Telephone · Reached", "2 of 9 (22 %)",
                         "Moved to a later session"):
                self.assertIn(said, text)
            self.assertRegex(text, r"22[.,]2 % dropout rate, courses over two days")
        self.assertIn("Learner 0", self._html(is_anonymous=False))

    def test_paper_empty(self):
        self.assertIn("None", self._html(date_from='2024-01-01', date_to='2024-12-31'))

    def test_spreadsheet(self):
        self.make_dropout(self.learners[0], reason_id=self.health.id, solution="=1+1", told_by='learner')
        self.make_dropout(self.learners[1], reason_id=self.project.id, solution="=1+1")
        wizard = self.model_as('qualiopi.print', self.auditor).create({
            'document': 'dropouts', 'output': 'xlsx', 'period': 'this_year', 'company_id': self.company.id,
        })
        self.assertIn('/qualiopi/xlsx/dropouts', wizard.action_print()['url'])
        model = self.model_as('qualiopi.xlsx', self.auditor).with_context(lang='en_US')
        __, content = model._workbook('dropouts', None, wizard._report_data())
        sheet = openpyxl.load_workbook(io.BytesIO(content)).worksheets[0]
        rows = list(sheet.iter_rows(values_only=True))
        self.assertEqual(rows[0][1:11], (
            "Beneficiary (code)", "Session", "Duration (d)", "Date of dropout", "Reason", "Reported by", "Contacts",
            "Solution offered", "Outcome", "Linked finding",
        ))
        self.assertEqual([row[5] for row in rows[1:]], ["Personal reason", "Change of project"])
        self.assertEqual(rows[2][8], "=1+1")
        self.assertEqual(sheet.cell(3, 9).data_type, 's')
        self.assertNotIn("Learner 0", str(rows))


@tagged('post_install', '-at_install')
@freeze_time(TODAY)
class TestDropoutMasking(DropoutCase):
    """Health and disability read "personal reason" outside the quality officers, whatever the way."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.auditor.group_ids = [Command.link(cls.env.ref('base.group_allow_export').id)]
        cls.secret = cls.make_dropout(
            cls.learners[0], reason_id=cls.health.id, description="Broken leg", solution="A chair with wheels",
            form_date='2026-11-05', form_why="Broken leg", contact_ids=[Command.create({'note': "In hospital"})],
        )
        cls.open = cls.make_dropout(cls.learners[1], reason_id=cls.project.id, solution="Evening group")
        cls.secret.message_post(body="The leg is broken")

    def test_auditor_reads(self):
        secret, other = (self.user_env(record, self.auditor) for record in (self.secret, self.open))
        self.assertEqual(secret.shown_reason_id.name, "Personal reason")
        self.assertEqual(other.shown_reason_id, self.project)
        self.assertNotIn("wheels", secret.shown_solution)
        self.assertEqual(other.shown_solution, "Evening group")
        names = ['reason_id', 'description', 'solution', 'form_why', 'form_recontact']
        for name in names:
            with self.subTest(name), self.assertDenied():
                secret.read([name])
            with self.subTest(name), self.assertDenied():
                secret.export_data([name])
            with self.subTest(name), self.assertDenied():
                secret.search([(name, '!=', False)])
            with self.subTest(name), self.assertDenied():
                secret.formatted_read_group([], [name], ['__count'])
            self.assertNotIn(name, secret.fields_get())
        with self.assertDenied():
            secret.export_data(['reason_id/name'])
        with self.assertDenied():
            secret.contact_ids.read(['note'])
        values = str(secret.read()) + str(secret.contact_ids.read()) + str(secret.export_data(
            ['name', 'shown_reason_id/name', 'shown_solution', 'contact_ids/result'])['datas'])
        for word in ("Health", "leg", "wheels", "hospital"):
            self.assertNotIn(word, values)
        groups = secret.formatted_read_group([], ['shown_reason_id'], ['__count'])
        self.assertNotIn(self.health.id, [group['shown_reason_id'] and group['shown_reason_id'][0] for group in groups])

    def test_through_other_models(self):
        """Paths from linked records end at the same doors."""
        finding = self.make_finding(dropout_ids=[Command.set(self.secret.ids)])
        model = self.model_as('qualiopi.finding', self.auditor)
        with self.assertDenied():
            model.search([('dropout_ids.reason_id', '=', self.health.id)])
        with self.assertDenied():
            model.browse(finding.id).export_data(['dropout_ids/reason_id'])
        with self.assertDenied():
            self.model_as('event.event', self.auditor).search([('dropout_ids.reason_id.is_personal', '=', True)])
        with self.assertDenied():
            self.model_as('event.registration', self.auditor).search([('dropout_ids.form_why', 'ilike', 'leg')])

    def test_chatter_and_files(self):
        secret = self.user_env(self.secret, self.auditor)
        self.assertFalse(self.env['mail.message'].with_user(self.auditor).search([
            ('model', '=', 'qualiopi.dropout'), ('res_id', '=', secret.id)]))
        attachment = self.env['ir.attachment'].create({
            'name': 'certificate.txt', 'raw': b'leg', 'res_model': 'qualiopi.dropout', 'res_id': secret.id})
        evidence = self.model_as('qualiopi.evidence', self.officer).create({
            'type': 'statement', 'statement': "A broken leg", 'dropout_id': secret.id})
        for record in (attachment, evidence):
            self.assertTrue(self.user_env(record, self.officer2).has_access('read'))
            self.assertFalse(self.user_env(record, self.auditor).has_access('read'))
            self.assertFalse(self.user_env(record, self.auditor).search([('id', '=', record.id)]))
        self.assertTrue(self.env['mail.message'].with_user(self.officer2).search([
            ('model', '=', 'qualiopi.dropout'), ('res_id', '=', secret.id)]))

    def test_no_mail_to_others(self):
        self.secret.sudo().message_subscribe(self.auditor.partner_id.ids)
        self.secret.sudo().message_subscribe(self.officer2.partner_id.ids)
        message = self.secret.message_post(body="In hospital again", subtype_xmlid='mail.mt_comment')
        partners = message.sudo().notification_ids.res_partner_id
        self.assertIn(self.officer2.partner_id, partners)
        self.assertNotIn(self.auditor.partner_id, partners)

    def test_tracking_says_nothing(self):
        self.secret.reason_id = self.env.ref('qualiopi.dropout_reason_disability')
        self.flush_tracking()
        values = self.secret.sudo().message_ids.tracking_value_ids
        self.assertNotIn('reason_id', values.field_id.mapped('name'))

    def test_rights(self):
        """Auditors read, declarants and the confidential group see nothing."""
        for user in (self.declarant, self.confidential, self.plain, self.portal):
            with self.assertDenied():
                self.model_as('qualiopi.dropout', user).search_read([], ['name'])
        auditor = self.user_env(self.secret, self.auditor)
        for call in (lambda: auditor.write({'outcome': 'stopped'}), lambda: auditor.copy(), auditor.action_close,
                     auditor.action_create_finding):
            with self.assertDenied():
                call()
        with self.assertRefused("cannot own"):
            self.open.user_id = self.auditor

    def test_other_company(self):
        foreign = self.user_env(self.secret, self.other_officer).with_context(
            allowed_company_ids=self.other_company.ids)
        self.assertFalse(foreign.search([]))
        for model, record in (('qualiopi.dropout', self.secret), ('qualiopi.dropout.contact', self.secret.contact_ids)):
            with self.assertDenied():
                self.model_as(model, self.other_officer).browse(record.id).read(['company_id'])
        registration = self._make_registration(self._make_event(self.other_company))
        with self.muted(), self.assertRaises(UserError):
            self.secret.registration_id = registration

    def test_masked_when_reason_changes(self):
        """A reason that is declared personal later is masked on the old entries too."""
        self.project.is_personal = True
        self.assertEqual(self.user_env(self.open, self.auditor).shown_reason_id.name, "Personal reason")
        self.assertNotIn("Evening", self.user_env(self.open, self.auditor).shown_solution)

    def test_followup_runs_twice(self):
        late = self.make_dropout(self.learners[3], date='2026-11-03')
        with freeze_time(date(2026, 11, 20) + timedelta(days=10)):
            late._followup_sync()
            once = late.sudo().activity_ids
            late._followup_sync()
            self.assertEqual(late.sudo().activity_ids, once)
            self.assertIn('escalate', once.mapped('qualiopi_step'))
