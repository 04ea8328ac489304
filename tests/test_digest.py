import itertools
import re
from datetime import date
from unittest.mock import patch

from freezegun import freeze_time
from lxml import html

from odoo import Command
from odoo.exceptions import AccessError
from odoo.tests import tagged
from odoo.tools import mute_logger

from odoo.addons.base.models.ir_cron import IrCron

from ..models import res_users as digest_module
from .common import QualiopiCase

# A Thursday, half past seven in Paris.
MORNING = '2026-11-26 06:30:00'


@tagged('post_install', '-at_install')
@freeze_time(MORNING)
class TestMorningReminder(QualiopiCase):

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        # Odoo may be installed in French alone.
        cls.env['res.lang']._activate_lang('en_US')
        # Whatever else the database owes stays out of the counts.
        cls.env['mail.activity'].search([('qualiopi_step', '!=', False)]).unlink()
        cls.type = cls.env.ref('qualiopi.activity_type_analyse')
        cls.entry = cls._make_entry("The room was too cold")

    @classmethod
    def _make_entry(cls, text, user=None, company=None, **values):
        """An entry without steps of its own: the tests set the dates."""
        model = cls.env['qualiopi.complaint'].with_context(mail_activity_automation_skip=True)
        return model.create({
            'description': text, 'company_id': (company or cls.company).id,
            'user_id': (user or cls.officer).id, **values,
        })

    @classmethod
    def _owe(cls, record, user, day, step='analyse'):
        return cls.env['mail.activity'].create({
            'res_model_id': cls.env['ir.model']._get_id(record._name), 'res_id': record.id,
            'user_id': user.id, 'date_deadline': day, 'activity_type_id': cls.type.id,
            'qualiopi_step': step, 'qualiopi_due': day,
        })

    def _run(self, now=MORNING):
        """Mails of one run, oldest first."""
        known = self.env['mail.mail'].search([])
        with freeze_time(now), self.enter_registry_test_mode():
            self.env.ref('qualiopi.ir_cron_digest').method_direct_trigger()
        self.env.invalidate_all()
        return (self.env['mail.mail'].search([]) - known).sorted('id')

    def _rows(self, mail):
        """Texts of the lines, cell by cell."""
        return [
            [' '.join(cell.text_content().split()) for cell in row.xpath('td')]
            for row in html.fromstring(mail.body_html).xpath('//tr[td]')
        ]

    def test_one_mail(self):
        """One mail for each person, late first, with links that open the records."""
        late = self._make_entry("No heating")
        self._owe(self.entry, self.officer, '2026-11-27')
        self._owe(late, self.officer, '2026-11-17')
        self._owe(late, self.officer, '2026-11-26', 'answer')
        self._owe(self._make_entry("Next week"), self.officer, '2026-11-30')
        self._owe(self._make_entry("Sunday"), self.officer, '2026-11-29')
        self._owe(self.entry, self.manager, '2026-11-20', 'escalate')
        mails = self._run()
        self.assertEqual(mails.mapped('email_to'), [
            '"Test officer" <officer@example.com>', '"Test manager" <manager@example.com>',
        ])
        mail = mails[0]
        self.assertEqual(mail.subject, "Quality: 1 late, 3 due this week")
        self.assertEqual(mails[1].subject, "Quality: 1 late")
        self.assertEqual(self._rows(mail), [
            [late.reference, "No heating", "Analyse", "since Tuesday 17 November"],
            [late.reference, "No heating", "Analyse", "today"],
            [self.entry.reference, "The room was too cold", "Analyse", "tomorrow"],
            [self._reference("Sunday"), "Sunday", "Analyse", "Sunday 29 November"],
        ])
        tree = html.fromstring(mail.body_html)
        self.assertEqual(tree.xpath('//h3/text()'), ["Late", "This week"])
        self.assertEqual(
            tree.xpath('//td/a/@href')[0], f"{late.get_base_url()}/odoo/qualiopi.complaint/{late.id}",
        )
        self.assertEqual(mail.state, 'outgoing')

    def _reference(self, text):
        return self.env['qualiopi.complaint'].search([('description', '=', text)]).reference

    def test_once_a_day(self):
        """A second run on the same day sends nothing; the next working day does."""
        self._owe(self.entry, self.officer, '2026-11-17')
        self.assertEqual(len(self._run()), 1)
        self.assertFalse(self._run())
        self.assertFalse(self._run('2026-11-26 15:00:00'))
        self.assertEqual(len(self._run('2026-11-27 06:30:00')), 1)
        self.assertEqual(self.officer.qualiopi_digest_on, date(2026, 11, 27))

    def test_days_off(self):
        """Nothing on Saturday, Sunday and the company's holidays; other companies work."""
        self._owe(self.entry, self.officer, '2026-11-17')
        foreign = self._make_entry("Elsewhere", self.other_officer, self.other_company)
        self._owe(foreign, self.other_officer, '2026-11-17')
        self.assertFalse(self._run('2026-11-28 06:30:00'))
        self.assertFalse(self._run('2026-11-29 06:30:00'))
        self.env['resource.calendar.leaves'].create({
            'name': "Feast", 'calendar_id': self.company.resource_calendar_id.id,
            'date_from': '2026-11-25 23:00:00', 'date_to': '2026-11-26 22:59:59',
        })
        self.assertEqual(self._run().mapped('email_to'), ['"Test other_officer" <other_officer@example.com>'])

    def test_before_six(self):
        """In winter the schedule comes at five in Paris: it waits until six."""
        self._owe(self.entry, self.officer, '2026-11-17')
        cron = self.env.ref('qualiopi.ir_cron_digest')
        self.env['ir.cron.trigger'].search([('cron_id', '=', cron.id)]).unlink()
        self.assertFalse(self._run('2026-11-26 04:00:00'))
        triggers = self.env['ir.cron.trigger'].search([('cron_id', '=', cron.id)])
        self.assertIn('2026-11-26 05:00:00', [str(moment) for moment in triggers.mapped('call_at')])
        self.assertEqual(len(self._run('2026-11-26 05:00:00')), 1)
        # In summer four o'clock UTC is six in Paris.
        self.assertEqual(len(self._run('2027-07-01 04:00:00')), 1)

    def test_left_out(self):
        """Without e-mail, opted out, archived, outside the company: counted, not written to."""
        for name, values in (
            ('silent', {'email': False}), ('quiet', {'qualiopi_digest': False}),
            ('gone', {'active': False}), ('moved', None),
        ):
            user = self._make_user(name, 'qualiopi.group_officer')
            self._owe(self._make_entry(name), user, '2026-11-17')
            if values is None:
                # As Odoo leaves it when the company is taken away by other means than the form.
                self.env.cr.execute("DELETE FROM res_company_users_rel WHERE user_id = %s AND cid = %s",
                                    [user.id, self.company.id])
                user.invalidate_recordset()
            else:
                with patch.object(self.env.registry['res.users'], '_hand_over_quality_steps', lambda users: None):
                    user.write(values)
        self._owe(self.entry, self.officer, '2026-11-17')
        with patch.object(digest_module._logger, 'info') as info:
            mails = self._run()
        self.assertEqual(mails.mapped('email_to'), ['"Test officer" <officer@example.com>'])
        text = ' '.join(map(str, info.call_args.args))
        for reason in ("'without e-mail': 1", "'opted out': 1", "'archived or external': 1"):
            self.assertIn(reason, text)

    def test_switched_off(self):
        """A company without the reminder is left out, line by line."""
        both = self.officer
        both.company_ids = [Command.link(self.other_company.id)]
        self._owe(self.entry, both, '2026-11-17')
        self._owe(self._make_entry("Elsewhere", both, self.other_company), both, '2026-11-17')
        self.company.qualiopi_digest = False
        mails = self._run()
        self.assertEqual([row[1] for row in self._rows(mails)], ["Elsewhere"])
        self.other_company.qualiopi_digest = False
        self.assertFalse(self._run('2026-11-27 06:30:00'))

    def test_preferences(self):
        """Everybody switches the own reminder off."""
        self.officer.with_user(self.officer).write({'qualiopi_digest': False})
        self.assertFalse(self.officer.qualiopi_digest)
        self.assertIn('qualiopi_digest', self.env['res.users'].get_view(
            self.env.ref('base.view_users_form_simple_modif').id, 'form')['arch'])

    def test_confidential(self):
        """A confidential record goes by its number alone."""
        report = self._make_entry("Harassment by X", self.confidential, nature='safeguarding')
        self._owe(report, self.confidential, '2026-11-17')
        mail = self._run()
        self.assertEqual(self._rows(mail)[0][:2], [report.reference, ""])
        self.assertNotIn("Harassment", mail.body_html)

    def test_check(self):
        """A check goes by the number and the subject of its action."""
        action = self.env['qualiopi.improvement.action'].with_context(mail_activity_automation_skip=True).create({
            'name': "Repair the heating", 'company_id': self.company.id,
        })
        check = self.env['qualiopi.effectiveness.check'].with_context(mail_activity_automation_skip=True).create({
            'action_id': action.id, 'planned_on': '2026-11-27', 'verifier_id': self.officer.id,
        })
        self._owe(check, self.officer, '2026-11-27', 'check')
        self.assertEqual(self._rows(self._run())[0][:2], [action.reference, "Repair the heating"])

    def test_language(self):
        """Subject, headings, steps and dates in the language of the reader."""
        self.env['res.lang']._activate_lang('fr_FR')
        self.env['ir.module.module'].search([('name', '=', 'qualiopi')])._update_translations(['fr_FR'])
        self.officer.lang = 'fr_FR'
        self._owe(self.entry, self.officer, '2026-11-17')
        self._owe(self._make_entry("For the manager", self.manager), self.manager, '2026-11-17')
        french, english = self._run()
        self.assertEqual(english.subject, "Quality: 1 late")
        self.assertIn("Tuesday 17 November", self._rows(english)[0][3])
        self.assertEqual(french.subject, "Qualité : 1 en retard")
        self.assertIn("Bonjour Test officer,", french.body_html)
        self.assertEqual(html.fromstring(french.body_html).xpath('//h3/text()'), ["En retard"])
        self.assertEqual(self._rows(french)[0][2:], ["Analyser", "depuis le mardi 17 novembre"])

    def test_time_zone(self):
        """The week and today are those of the reader."""
        self.officer.tz = 'Pacific/Tahiti'
        self._owe(self.entry, self.officer, '2026-11-26')
        # 2026-11-26 06:30 UTC is still the 25th in Tahiti.
        self.assertEqual(self._rows(self._run())[0][3], "tomorrow")
        self.assertEqual(self.officer.qualiopi_digest_on, date(2026, 11, 25))

    def test_long_list(self):
        """At most 25 lines, then how many more."""
        for number in range(30):
            self._owe(self._make_entry(f"Entry {number}"), self.officer, '2026-11-17')
        mail = self._run()
        self.assertEqual(mail.subject, "Quality: 30 late")
        self.assertEqual(len(self._rows(mail)), 25)
        self.assertIn("and 5 more", ' '.join(html.fromstring(mail.body_html).text_content().split()))

    def test_people_plan_themselves(self):
        """What people planned themselves is their own business."""
        self._owe(self.entry, self.officer, '2026-11-17', False)
        self.assertFalse(self._run())

    def test_text_is_text(self):
        """What a stranger wrote in a subject stays text."""
        self._owe(self._make_entry("<script>alert(1)</script>"), self.officer, '2026-11-17')
        mail = self._run()
        self.assertNotIn('<script>', mail.body_html)
        self.assertEqual(self._rows(mail)[0][1], "<script>alert(1)</script>")

    def _owing_users(self, number):
        users = self.env['res.users'].browse()
        for index in range(number):
            user = self._make_user(f'owing{index}', 'qualiopi.group_officer')
            self._owe(self._make_entry(f"Entry {index}"), user, '2026-11-17')
            users |= user
        return users

    def test_killed_between_batches(self):
        """Killed after any number of batches and run again: each person has exactly one mail."""
        users = self._owing_users(4)
        everybody = sorted(users.mapped('email_formatted'))
        commit = IrCron._commit_progress
        for after in range(1, 6):
            with self.subTest(after=after), self.env.cr.savepoint() as savepoint:
                calls = itertools.count(1)

                def killed(cron, *args, calls=calls, after=after, **kwargs):
                    if next(calls) == after:
                        raise KeyboardInterrupt
                    return commit(cron, *args, **kwargs)

                known = self.env['mail.mail'].search([])
                with patch.object(digest_module, '_DIGEST_BATCH', 1), freeze_time(MORNING):
                    with (
                        patch.object(IrCron, '_commit_progress', killed), self.assertRaises(KeyboardInterrupt),
                        self.enter_registry_test_mode(),
                    ):
                        self.env.ref('qualiopi.ir_cron_digest').method_direct_trigger()
                    self.env.invalidate_all()
                    cut = (self.env['mail.mail'].search([]) - known).mapped('email_to')
                    self.assertLess(len(cut), 4)
                    self._run()
                sent = (self.env['mail.mail'].search([]) - known).mapped('email_to')
                self.assertEqual(sorted(sent), everybody)
                savepoint.rollback()
                self.env.invalidate_all()

    def test_one_fails(self):
        """One person whose mail cannot be written does not keep it from the others."""
        users = self._owing_users(3)
        registry = self.env.registry['res.users']
        content = registry._qualiopi_digest_content

        def broken(user, *args):
            if user == users[1]:
                raise ValueError("broken")
            return content(user, *args)

        with patch.object(registry, '_qualiopi_digest_content', broken), \
                mute_logger('odoo.addons.qualiopi.models.res_users'):
            self.assertEqual(self._run().mapped('email_to'), (users[0] | users[2]).mapped('email_formatted'))
        self.assertEqual(self._run().mapped('email_to'), [users[1].email_formatted])

    def test_no_mail_server(self):
        """Without a mail server the mail waits in Odoo's queue and is not written again."""
        self.env['ir.mail_server'].search([]).active = False
        self._owe(self.entry, self.officer, '2026-11-17')
        mail = self._run()
        with patch.object(self.env.registry['ir.mail_server'], '_connect__', side_effect=OSError("no server")), \
                mute_logger('odoo.addons.mail.models.mail_mail'):
            mail.send()
        self.assertIn(mail.state, ('outgoing', 'exception'))
        self.assertFalse(self._run())

    def test_queries(self):
        """A constant, and at most 0.3 queries for each person."""
        counts = []
        for number in (2, 40):
            self.env['mail.activity'].search([('qualiopi_step', '!=', False)]).unlink()
            users = self._many(number)
            days = {user.id: date(2026, 11, 26) for user in users}
            self.env.invalidate_all()
            before = self.env.cr.sql_log_count
            self.assertEqual(users.sudo()._qualiopi_send_digests(days), number)
            self.env.flush_all()
            counts.append(self.env.cr.sql_log_count - before)
        self.assertLessEqual((counts[1] - counts[0]) / 38, 0.3, counts)

    def _many(self, number):
        users = self.env['res.users'].with_context(no_reset_password=True, mail_create_nolog=True).create([{
            'name': f"Test many {number} {index}", 'login': f"qualiopi_many_{number}_{index}",
            'email': f"many{number}_{index}@example.com", 'company_id': self.company.id,
            'company_ids': [Command.set(self.company.ids)],
            'group_ids': [Command.set(self.env.ref('qualiopi.group_officer').ids)],
        } for index in range(number)])
        for user in users:
            self._owe(self._make_entry(user.name, user), user, '2026-11-17')
        return users


@tagged('post_install', '-at_install')
@freeze_time(MORNING)
class TestDigestFigures(QualiopiCase):

    def _figures(self, user, company=None):
        company = company or self.company
        # As the scheduled action runs, which names no companies.
        digest = self.env['digest.digest'].with_context(allowed_company_ids=company.ids).create({
            'name': "Quality", 'company_id': company.id,
            'kpi_qualiopi_complaint': True, 'kpi_qualiopi_answered': True,
            'kpi_qualiopi_late': True, 'kpi_qualiopi_effective': True,
        })
        kpis = digest._compute_kpis(company, user)
        return {kpi['kpi_name']: kpi['kpi_col2'].get('value') for kpi in kpis if 'qualiopi' in kpi['kpi_name']}

    def test_figures(self):
        """What was received, answered in time, went late and was verified in the last seven days."""
        with freeze_time('2026-11-02 10:00:00'):
            self.make_complaint()
        with freeze_time('2026-11-23 10:00:00'):
            answered = self.make_complaint()
            answered.write({'response': "The heating was repaired", 'decision': 'founded'})
            self.make_complaint(nature='difficulty')
            self.make_complaint().with_user(self.manager).action_cancel("Typed in error")
            self.make_complaint(self.other_officer, company_id=self.other_company.id)
        with freeze_time('2026-11-26 10:00:00'):
            figures = self._figures(self.officer)
            self.assertEqual(str(figures['kpi_qualiopi_complaint']), '1')
            self.assertEqual(str(figures['kpi_qualiopi_answered']), '1')
            self.assertEqual(str(figures['kpi_qualiopi_late']), '0')
            self.assertEqual(str(figures['kpi_qualiopi_effective']), '0')
            other = self._figures(self.other_officer, self.other_company)
            self.assertEqual(str(other['kpi_qualiopi_complaint']), '1')
            self.assertEqual(str(other['kpi_qualiopi_answered']), '0')

    def test_actions(self):
        """An action that came due in the period and is not carried out counts as late."""
        with freeze_time('2026-11-16 10:00:00'):
            action = self.model_as('qualiopi.improvement.action', self.officer).create({
                'name': "Repair the heating", 'no_finding_reason': "Seen on a visit", 'date_due': '2026-11-24',
                'success_criterion': "19 degrees", 'user_id': self.officer.id,
            })
            action.action_plan()
        with freeze_time('2026-11-26 10:00:00'):
            self.assertEqual(str(self._figures(self.officer)['kpi_qualiopi_late']), '1')

    def test_readers(self):
        """Others get the mail without the figures, which name the window behind them."""
        with freeze_time('2026-11-26 10:00:00'):
            for user in (self.declarant, self.plain, self.auditor):
                self.assertFalse(self._figures(user))
            digest = self.env['digest.digest'].create({'name': "Quality", 'company_id': self.company.id})
            with self.assertRaises(AccessError):
                digest.with_user(self.plain).sudo(False)._compute_kpi_qualiopi_complaint_value()
            actions = digest._compute_kpis_actions(self.company, self.officer)
        for kpi in ('complaint', 'answered', 'late', 'effective'):
            xmlid = re.match(r'(.*)\?menu_id=\d+$', actions[f'kpi_qualiopi_{kpi}']).group(1)
            self.assertEqual(self.env.ref(xmlid)._name, 'ir.actions.act_window')
