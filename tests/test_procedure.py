import base64
from datetime import date

from freezegun import freeze_time

from odoo import Command
from odoo.exceptions import UserError
from odoo.tests import HttpCase, tagged

from odoo.addons.mail.tests.common import mail_new_test_user

from .common import TODAY, QualiopiCase


@tagged('post_install', '-at_install')
@freeze_time(TODAY)
class TestProcedure(QualiopiCase):

    @classmethod
    def make_procedure(cls, user=None, **values):
        return cls.model_as('qualiopi.procedure', user or cls.officer).create({
            'kind': 'complaint', 'text': "<p>We answer within 15 days.</p>", **values,
        })

    @classmethod
    def publish(cls, procedure, day=None):
        if day:
            procedure.date_from = day
        procedure.with_user(cls.manager).action_publish()
        return procedure

    # === VERSIONS === #

    def test_version_in_force_at_a_past_date(self):
        """Each version archives the one before, and the one in force on any day is found."""
        first = self.publish(self.make_procedure(), '2025-01-01')
        second = self.publish(self.make_procedure(text="<p>10 days</p>"), '2025-07-01')
        third = self.publish(self.make_procedure(text="<p>5 days</p>"), '2026-12-01')
        self.assertEqual((first + second + third).mapped('version'), [1, 2, 3])
        self.assertRecordValues(first + second + third, [
            {'date_from': date(2025, 1, 1), 'date_to': date(2025, 6, 30), 'state': 'archived'},
            {'date_from': date(2025, 7, 1), 'date_to': date(2026, 11, 30), 'state': 'in_force'},
            {'date_from': date(2026, 12, 1), 'date_to': False, 'state': 'coming'},
        ])
        for day, expected in (
            ('2024-12-31', first.browse()), ('2025-01-01', first), ('2025-06-30', first), ('2025-07-01', second),
            ('2026-11-30', second), ('2026-12-01', third), ('2030-01-01', third),
        ):
            self.assertEqual(self.company._qualiopi_procedure('complaint', date.fromisoformat(day)), expected, day)
        self.assertEqual(self.company._qualiopi_procedure('complaint'), second)
        self.assertFalse(self.company._qualiopi_procedure('safeguarding'))
        self.assertFalse(self.other_company._qualiopi_procedure('complaint'))
        with freeze_time('2026-12-02 10:00:00'):
            self.env.invalidate_all()
            self.assertEqual((first + second + third).mapped('state'), ['archived', 'archived', 'in_force'])
            self.assertEqual(self.company._qualiopi_procedure('complaint'), third)

    def test_search_by_state(self):
        draft = self.make_procedure()
        published = self.publish(self.make_procedure(kind='dropout'), '2025-01-01')
        cancelled = self.make_procedure(kind='dropout')
        cancelled.with_user(self.manager).action_cancel("Not needed")
        procedures = self.env['qualiopi.procedure'].with_user(self.officer)
        for state, expected in (('draft', draft), ('in_force', published), ('cancelled', cancelled)):
            self.assertEqual(procedures.search([('state', '=', state)]), expected, state)
        self.assertEqual(procedures.search([('state', '!=', 'cancelled')]), published + draft)

    def test_other_kinds_go_by_title(self):
        """Procedures of no particular kind are versions of each other when they have the same title."""
        keys = self.publish(self.make_procedure(kind='other', name="Keys"), '2026-01-01')
        rooms = self.publish(self.make_procedure(kind='other', name="Rooms"), '2026-01-01')
        keys2 = self.publish(self.make_procedure(kind='other', name="Keys"), '2026-06-01')
        self.assertEqual(self.company._qualiopi_procedure('other'), keys2 + rooms)
        self.assertEqual((keys2.version, keys.state), (2, 'archived'))

    def test_gates(self):
        """Publishing needs an owner, a text or a file, no blanks, the right, and a day after the version before."""
        empty = self.make_procedure(text=False, user_id=False)
        with self.assertRefused("its owner.*its text or its file"):
            empty.with_user(self.manager).action_publish()
        blank = self.make_procedure(text="<p>Call [[name]]</p>")
        with self.assertRefused("double brackets"):
            blank.with_user(self.manager).action_publish()
        with self.assertRefused("Only a quality manager"):
            self.make_procedure().action_publish()
        self.publish(self.make_procedure(), '2026-06-01')
        with self.assertRefused("cannot begin before"):
            self.publish(self.make_procedure(), '2026-05-31')
        file = self.make_procedure(kind='dropout', text=False, file=base64.b64encode(b'%PDF-1.4'), file_name='a.pdf')
        self.publish(file)
        self.assertEqual(file.date_from, date(2026, 11, 20))
        with self.assertRefused("published already"):
            file.with_user(self.manager).action_publish()
        with self.assertRefused("PDF or an office document"):
            self.make_procedure(file=base64.b64encode(b'<script>'), file_name='a.HTML')

    def test_published_is_frozen(self):
        procedure = self.publish(self.make_procedure())
        manager = self.user_env(procedure, self.manager)
        for values in ({'text': "<p>Else</p>"}, {'date_from': '2020-01-01'}, {'name': "Else"}, {'kind': 'other'},
                       {'version': 7}, {'date_to': '2030-01-01'}, {'file': base64.b64encode(b'%PDF-1.4')}):
            with self.assertRaises(UserError, msg=values):
                manager.write(values)
        manager.write({'next_review': '2027-01-01', 'user_id': self.officer2.id})
        with self.assertRefused("was published"):
            manager.action_cancel("No longer wanted")
        with self.assertRefused("Nothing is deleted"):
            procedure.sudo().unlink()
        manager.action_withdraw()
        self.assertEqual(procedure.date_to, date(2026, 11, 20))
        with freeze_time('2026-11-21 10:00:00'):
            self.env.invalidate_all()
            self.assertEqual(procedure.state, 'archived')
            self.assertFalse(self.company._qualiopi_procedure('complaint'))
            with self.assertRaises(UserError):
                manager.write({'next_review': '2028-01-01'})

    def test_new_version(self):
        procedure = self.publish(self.make_procedure(), '2026-01-01')
        window = self.user_env(procedure, self.officer).action_new_version()
        draft = procedure.browse(window['res_id'])
        self.assertRecordValues(draft, [{'version': 0, 'state': 'draft', 'kind': 'complaint', 'name': procedure.name}])
        self.assertEqual(draft.text, procedure.text)
        self.assertEqual(self.user_env(procedure, self.officer).action_new_version()['res_id'], draft.id)

    def test_followup(self):
        procedure = self.publish(self.make_procedure(user_id=self.officer2.id))
        self.assertRecordValues(procedure.sudo().activity_ids, [{
            'qualiopi_step': 'procedure_review', 'user_id': self.officer2.id, 'date_deadline': date(2027, 11, 20),
        }])
        self.publish(self.make_procedure())
        self.assertFalse(procedure.sudo().activity_ids)

    # === STARTER TEXTS === #

    def test_starter_texts(self):
        """They take delays, contacts and mediator from the settings, and leave blanks for the rest."""
        for kind in ('complaint', 'safeguarding'):
            draft = self.make_procedure(kind=kind, text=False)
            self.assertTrue(draft.has_starter)
            draft.action_starter_text()
            self.assertIn('[[', draft.text)
            self.assertTrue(draft.has_blanks)
            self.assertTrue(draft.missing_settings)
        self.company.write({
            'qualiopi_mediator': "Test Mediator", 'qualiopi_mediator_contact': "1 Test Street\nhttps://m.example.com",
            'email': 'hello@example.com', 'phone': '+33 1 99 00 00 01', 'qualiopi_safeguarding_contacts': "Test Doctor",
        })
        self.minor.response_days = 17
        complaint = self.make_procedure(text=False)
        complaint.action_starter_text()
        self.assertFalse(complaint.missing_settings)
        for part in ("Test Mediator", "https://m.example.com", "hello@example.com", "<td>17</td>", "Test manager",
                     self.company._door_url()):
            self.assertIn(part, complaint.text)
        safeguarding = self.make_procedure(kind='safeguarding', text=False)
        safeguarding.action_starter_text()
        for part in ("Test Doctor", "3919", "119", "Défenseur des droits"):
            self.assertIn(part, safeguarding.text)
        with self.assertRefused("starter text"):
            complaint.action_starter_text()
        with self.assertRefused("starter text"):
            self.make_procedure(kind='dropout', text=False).action_starter_text()

    # === WHO SEES IT, WHO WAS TOLD === #

    def _of(self, record, user):
        return self.model_as(record._name, user).browse(record.id)

    def test_rights(self):
        draft = self.make_procedure()
        published = self.publish(self.make_procedure(kind='dropout'))
        for user, expected in {
            self.declarant: ('', 'r'), self.officer2: ('rwc', 'rwc'), self.manager: ('rwc', 'rwc'),
            self.auditor: ('r', 'r'), self.other_officer: ('', ''), self.plain: ('', ''), self.portal: ('', ''),
        }.items():
            found = tuple(
                ''.join(
                    operation[0] if operation != 'unlink' else 'd'
                    for operation in ('read', 'write', 'create', 'unlink')
                    if self._of(record, user).has_access(operation)
                )
                for record in (draft, published)
            )
            self.assertEqual(found, expected, user.name)

    def test_who_was_told(self):
        procedure = self.publish(self.make_procedure())
        window = self.user_env(procedure, self.officer).action_inform()
        self.model_as('qualiopi.action.inform', self.officer).with_context(**window['context']).create({
            'partner_ids': [Command.set(self.declarant.partner_id.ids)], 'text': "New delays", 'audience': "Trainers",
        }).action_confirm()
        self.assertRecordValues(procedure.communication_ids, [{
            'text': "New delays", 'company_id': self.company.id, 'user_id': self.officer.id,
        }])
        html, __ = self.env['ir.actions.report'].with_user(self.officer)._render_qweb_html(
            'qualiopi.report_procedures', procedure.ids)
        self.assertIn("Test declarant, Trainers", html.decode())

    def test_paper_of_a_past_day(self):
        """The list of procedures prints what was in force on the last day of its period."""
        first = self.publish(self.make_procedure(), '2025-01-01')
        second = self.publish(self.make_procedure(), '2026-02-01')
        report = self.env['report.qualiopi.report_procedures'].with_user(self.officer).with_context(
            allowed_company_ids=self.company.ids)
        for last, expected in (('2025-12-31', first), ('2026-12-31', second)):
            [selection] = report._selections(None, {'date_from': f'{last[:4]}-01-01', 'date_to': last})
            rows = report._document(selection)['sections'][0]['rows']
            self.assertEqual([row['record'] for row in rows], [expected])


@tagged('post_install', '-at_install')
class TestProcedurePage(HttpCase):

    def _make_portal_user(self):
        mail_new_test_user(
            self.env, 'procedure_portal', groups='base.group_portal', password='procedure_portal',
            email='procedure_portal@example.com',
        )

    def test_public_page(self):
        """Strangers read the version in force, by its link alone, and nothing else."""
        company = self.env.company
        procedures = self.env['qualiopi.procedure']
        self.assertFalse(company._qualiopi_procedure_url('complaint'))
        draft = procedures.create({
            'kind': 'complaint', 'text': "<p>Text in force</p>", 'user_id': self.env.ref('base.user_admin').id,
        })
        self.assertFalse(company._qualiopi_procedure_url('complaint'))
        draft.action_publish()
        self.authenticate(None, None)
        url = company._qualiopi_procedure_url('complaint').removeprefix(company.get_base_url())
        self.assertIn("Text in force", self.url_open(url).text)
        self.assertIn(url, self.url_open('/qualiopi/complaint').text)
        self._make_portal_user()
        self.authenticate('procedure_portal', 'procedure_portal')
        self.assertIn(url, self.url_open('/my/complaints').text)
        self.authenticate(None, None)
        for forged in (url[:-1] + ('0' if url[-1] != '0' else '1'), url.replace('-complaint-', '-dropout-'),
                       url.replace('-complaint-', '-safeguarding-'), '/qualiopi/procedure/x', '/qualiopi/procedure/1-',
                       '/qualiopi/procedure/99999999999-complaint-x', '/qualiopi/procedure/%C3%A9'):
            self.assertEqual(self.url_open(forged).status_code, 404, forged)
        second = procedures.create({
            'kind': 'complaint', 'file': base64.b64encode(b'%PDF-1.4 second'), 'file_name': 'procedure.pdf',
            'user_id': self.env.ref('base.user_admin').id,
        })
        second.action_publish()
        response = self.url_open(url)
        self.assertEqual(response.content, b'%PDF-1.4 second')
        self.assertEqual(response.headers['Content-Type'], 'application/pdf')
        second.action_withdraw()
        second._as_server().write({'date_to': '2020-01-01'})
        self.assertEqual(self.url_open(url).status_code, 404)
