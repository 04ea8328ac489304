from datetime import date

from freezegun import freeze_time

from odoo import Command
from odoo.exceptions import AccessError, UserError
from odoo.tests import tagged

from ..models.readiness import RULES
from .common import TODAY, QualiopiCase
from .test_review import NO_MAIL

LONG_AGO = '2025-01-01'


class ReadinessCase(QualiopiCase):
    """A provider whose registers are in use for long: nothing reads "to be set up"."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.env = cls.env(context={**cls.env.context, **NO_MAIL})
        cls.company.sudo().qualiopi_first_use = LONG_AGO
        cls.survey = cls.env['survey.survey'].create({
            'title': "What do you think?", 'survey_type': 'qualiopi', 'access_mode': 'token',
        })
        cls.ended = cls._make_event(
            cls.company, name="Session of October", date_begin='2026-10-05 08:00:00', date_end='2026-10-08 16:00:00',
            course_id=cls.course.id, action_category='af',
        )
        cls._make_registration(cls.ended)

    @classmethod
    def run_check(cls, user=None, company=None):
        cls.env.flush_all()
        cls.env.invalidate_all()
        runs = cls.model_as('qualiopi.readiness.run', user or cls.officer)
        return runs._run(company or cls.company)

    @classmethod
    def result(cls, code, user=None):
        """Where a rule stands after a new check."""
        cls.run_check()
        return cls.model_as('qualiopi.readiness.result', user or cls.officer).search([
            ('code', '=', code), ('company_id', '=', cls.company.id),
        ])

    def assertLevel(self, code, level, records=None, text=None):
        result = self.result(code)
        self.assertEqual(result.level, level, f"{code}: {result.reason}")
        self.assertTrue(result.reason)
        if records is not None:
            self.assertEqual(set(result.record_ids or []), set(records.ids), code)
            self.assertEqual(result.record_count, len(records), code)
        if text:
            self.assertRegex(result.reason, text)
        return result

    @classmethod
    def asked(cls, stakeholder='beneficiary', **values):
        """A campaign that took place, as the program ends it."""
        counts = {name: values.pop(name) for name in (
            'asked_count', 'answered_count', 'reminded_count', 'state') if name in values}
        campaign = cls.model_as('qualiopi.feedback.campaign', cls.officer).create({
            'stakeholder_id': cls.env.ref(f'qualiopi.stakeholder_{stakeholder}').id, 'moment': 'hot',
            'means': 'survey', 'survey_id': cls.survey.id, 'date_from': '2026-10-08', **values,
        })
        campaign.sudo()._as_server().write({'state': 'done', **counts})
        return campaign

    @classmethod
    def publish(cls, kind='complaint', **values):
        procedure = cls.model_as('qualiopi.procedure', cls.officer).create({
            'kind': kind, 'text': "<p>We answer within 15 days.</p>", **values,
        })
        procedure.with_user(cls.manager).action_publish()
        return procedure

    @classmethod
    def review(cls, **values):
        review = cls.model_as('qualiopi.review', cls.manager).create({
            'date': '2026-11-19 13:00:00', 'participant_ids': [Command.set(cls.manager.partner_id.ids)], **values,
        })
        review.action_open()
        for item in review.agenda_ids:
            item.discussion = "Nothing to report"
        return review

    @classmethod
    def nil(cls, **values):
        return cls.model_as('qualiopi.nil.statement', cls.officer).create({
            'date_from': '2026-07-01', 'date_to': '2026-09-30', **values,
        })

    @classmethod
    def from_source(cls, source, phase='plan', **values):
        finding = cls.make_finding(source_id=cls.env.ref(f'qualiopi.source_{source}').id)
        return cls.make_action(phase, finding_ids=[Command.set(finding.ids)], **values)

    def set_by_sql(self, records, **values):
        """What time or an older version left behind, which no screen lets through."""
        self.env.flush_all()
        for name, value in values.items():
            self.env.cr.execute(
                f'UPDATE {records._table} SET {name} = %s WHERE id IN %s', (value, tuple(records.ids)))
        self.env.invalidate_all()


@freeze_time(TODAY)
@tagged('post_install', '-at_install')
class TestReadinessRules(ReadinessCase):
    """Each rule with a case that trips it and one that does not (domain.md, section 5)."""

    def test_every_rule_has_its_class(self):
        rules = self.env['qualiopi.readiness.rule'].search([])
        self.assertEqual(set(rules.mapped('code')), set(RULES))

    # === 30 === #

    def test_30a(self):
        self.assertLevel('30-A', 'major', text="No beneficiary was asked")
        self.asked(event_id=self.event.id)
        self.assertLevel('30-A', 'minor', self.ended, "1 of 1")
        self.asked(event_id=self.ended.id)
        self.assertLevel('30-A', 'ok')

    def test_30b(self):
        self.asked('beneficiary')
        self.asked('trainer')
        result = self.assertLevel('30-B', 'minor', text="Company")
        self.assertNotIn("Trainer", result.reason)
        self.asked('company')
        self.assertLevel('30-B', 'ok')
        self.company.sudo().qualiopi_subcontractor_only = True
        self.assertLevel('30-B', 'minor', text="(?i)contracting provider")

    def test_30c(self):
        self.assertLevel('30-C', 'minor')
        meeting = self.asked('funder', means='webinar', survey_id=False)
        self.assertLevel('30-C', 'ok', meeting)
        bc = self.env['qualiopi.action.category'].search([('code', '=', 'bc')])
        self.company.sudo().qualiopi_action_categories = bc
        self.assertLevel('30-C', 'none')

    def test_30d(self):
        complete = self.asked(asked_count=4, answered_count=4)
        reminded = self.asked(asked_count=4, answered_count=1, reminded_count=3)
        self.assertLevel('30-D', 'ok')
        silent = self.asked(asked_count=4, answered_count=3)
        self.assertLevel('30-D', 'watch', silent)
        self.assertTrue(complete and reminded)

    def test_30e(self):
        self.assertLevel('30-E', 'none')
        self.env['survey.question'].create({
            'survey_id': self.survey.id, 'title': "How was it?", 'question_type': 'scale',
        })
        campaign = self.asked()
        self.assertLevel('30-E', 'minor', self.survey)
        other = self.env['survey.survey'].create({
            'title': "With words", 'survey_type': 'qualiopi', 'access_mode': 'token',
            'question_and_page_ids': [Command.create({'title': "Say it freely", 'question_type': 'text_box'})],
        })
        self.set_by_sql(campaign, survey_id=other.id)
        self.assertLevel('30-E', 'ok')

    def test_30f(self):
        cold = self.asked(moment='cold', state='planned', date_from='2026-12-01')
        self.assertLevel('30-F', 'ok')
        self.set_by_sql(cold, date_from='2026-11-01')
        self.assertLevel('30-F', 'watch', cold)

    def test_30g(self):
        campaign = self.asked(event_id=self.ended.id, asked_count=4, answered_count=3, date_to='2026-10-12')
        self.assertLevel('30-G', 'watch', campaign)
        campaign.analysed_on = '2026-11-01'
        self.assertLevel('30-G', 'ok')

    # === 31 === #

    def test_31a(self):
        self.assertLevel('31-A', 'major')
        procedure = self.publish()
        self.assertLevel('31-A', 'ok', procedure)
        procedure.next_review = '2026-11-19'
        self.assertLevel('31-A', 'watch', procedure)

    def test_31b(self):
        """One late acknowledgement is to watch, three are a major risk; imported entries do not count."""
        self.make_complaint(received_on='2026-11-20 08:00:00')
        self.assertLevel('31-B', 'ok')
        late = self.make_complaint(received_on='2026-11-02 08:00:00')
        self.assertLevel('31-B', 'watch', late, "1 of 2")
        late |= self.make_complaint(received_on='2026-11-02 08:00:00')
        late |= self.make_complaint(received_on='2026-11-02 08:00:00')
        self.assertLevel('31-B', 'major', late)

    def test_31b_of_many(self):
        """Two of many are to watch still; two of few are repeated."""
        for __ in range(2):
            self.make_complaint(received_on='2026-11-02 08:00:00')
        self.assertLevel('31-B', 'major')
        for __ in range(9):
            self.make_complaint(received_on='2026-11-20 08:00:00')
        self.assertLevel('31-B', 'watch')

    def test_31c(self):
        late = self.make_complaint(received_on='2026-10-01 08:00:00')
        self.assertLevel('31-C', 'watch', late)
        self.set_by_sql(late, is_imported=True)
        self.assertLevel('31-C', 'ok')

    def test_31d(self):
        closed = self.make_closed_complaint()
        self.assertLevel('31-D', 'ok')
        self.set_by_sql(closed, decision=None)
        self.assertLevel('31-D', 'watch', closed)

    def test_31e(self):
        self.assertLevel('31-E', 'major')
        self.publish()
        self.assertLevel('31-E', 'watch')
        self.nil()
        self.assertLevel('31-E', 'ok')
        entry = self.make_complaint()
        self.assertLevel('31-E', 'ok', entry)

    def test_31f(self):
        self.make_complaint()
        self.assertLevel('31-F', 'watch')
        event = self.make_complaint(nature='unforeseen')
        self.assertLevel('31-F', 'ok', event)
        event.with_user(self.manager).action_cancel("Recorded twice")
        self.nil()
        self.assertLevel('31-F', 'ok')

    def test_31g(self):
        closed = self.make_closed_complaint(received_on='2026-08-01 08:00:00')
        self.assertLevel('31-G', 'ok')
        self.set_by_sql(closed, closed_on='2026-09-01 08:00:00')
        self.assertLevel('31-G', 'watch', closed)
        closed.verdict = 'yes'
        self.assertLevel('31-G', 'ok')

    def test_31h(self):
        self.env['event.registration'].search([]).sponsor_id = self.env['res.partner'].create({
            'name': "A company", 'is_company': True,
        })
        self.assertLevel('31-H', 'none')
        self.make_complaint(stakeholder_id=self.env['qualiopi.stakeholder'].search(
            [('is_individual', '=', True)], limit=1).id)
        self.assertLevel('31-H', 'watch')
        self.company.sudo().qualiopi_mediator = "Mediator of the trade"
        self.assertLevel('31-H', 'ok')

    # === 32 === #

    def test_32a_b_c(self):
        self.make_complaint()
        for code in ('32-A', '32-B', '32-C'):
            self.assertLevel(code, 'major')
        action = self.from_source('hot_survey')
        self.assertLevel('32-A', 'ok', action)
        self.assertLevel('32-B', 'ok', action)
        self.assertLevel('32-C', 'major')
        self.from_source('complaint')
        self.assertLevel('32-C', 'ok')

    def test_32c_without_complaint(self):
        self.assertLevel('32-C', 'none')

    def test_32d(self):
        action = self.make_action('plan')
        self.assertLevel('32-D', 'ok')
        self.set_by_sql(action, date_due='2026-11-10')
        self.assertLevel('32-D', 'watch', action)
        self.set_by_sql(action, date_due='2026-06-10')
        self.assertLevel('32-D', 'major', action, "more than 90 days")

    def test_32e(self):
        action = self.make_action('check')
        self.assertLevel('32-E', 'ok')
        self.set_by_sql(action.evidence_ids, action_id=None)
        self.assertLevel('32-E', 'watch', action)

    def test_32f(self):
        action = self.make_action('check')
        self.assertLevel('32-F', 'ok')
        self.set_by_sql(action.check_ids, planned_on='2026-11-10')
        self.assertLevel('32-F', 'watch', action.check_ids)

    def test_32g(self):
        self.make_action('plan')
        self.assertLevel('32-G', 'ok')
        orphan = self.make_action('plan', no_finding_reason="Asked for by the owner of the building")
        self.assertLevel('32-G', 'watch', orphan)

    def test_32h_i(self):
        self.assertLevel('32-H', 'watch')
        review = self.review()
        review.agenda_ids[0].decision = "Order new chairs"
        self.assertLevel('32-H', 'watch')
        review.action_close()
        self.assertLevel('32-H', 'ok', review)
        self.assertLevel('32-I', 'watch', review)
        self.set_by_sql(review.agenda_ids[0], decision=None)
        self.assertLevel('32-I', 'ok')

    def test_32j(self):
        self.assertLevel('32-J', 'major')
        risk = self.model_as('qualiopi.risk', self.officer).create({'name': "Trainer unavailable"})
        self.assertLevel('32-J', 'ok', risk)
        self.set_by_sql(risk, evaluated_on='2025-06-01 08:00:00')
        self.assertLevel('32-J', 'major', risk)

    def test_32j_before_v10(self):
        """Version 9 of the referential does not ask for an analysis of risks."""
        with freeze_time('2026-10-20 10:00:00'):
            self.assertLevel('32-J', 'none', text="Not asked by the referential")
            self.assertLevel('12-B', 'none')

    def test_32k(self):
        action = self.from_source('hot_survey', 'check')
        self.assertLevel('32-K', 'major')
        self.judge(action, 'effective')
        self.assertEqual(action.finding_ids.state, 'closed')
        self.assertLevel('32-K', 'ok', action.finding_ids)

    def test_32l(self):
        audit = self.model_as('qualiopi.audit', self.officer).create({
            'type': 'surveillance', 'date_from': '2026-11-10',
        })
        gap = self.make_finding(audit_id=audit.id, nc_grade='major', cause_ids=False)
        self.assertLevel('32-L', 'ok', text="1 open")
        self.set_by_sql(gap, legal_deadline='2026-11-19')
        self.assertLevel('32-L', 'major', gap)
        self.set_by_sql(gap, lifted_on='2026-11-18')
        self.assertLevel('32-L', 'ok')

    # === 2, 12, 33 === #

    def test_12a(self):
        registration = self.env['event.registration'].search([('event_id', '=', self.ended.id)])
        self.assertLevel('12-A', 'ok')
        dropout = self.model_as('qualiopi.dropout', self.officer).create({
            'registration_id': registration.id, 'date': '2026-10-07',
        })
        self.assertLevel('12-A', 'minor', dropout)
        dropout.write({
            'reason_id': self.env.ref('qualiopi.dropout_reason_project').id, 'solution': "A later session",
        })
        self.assertLevel('12-A', 'ok')

    def test_12b(self):
        self.assertLevel('12-B', 'major')
        procedure = self.publish('safeguarding')
        self.assertLevel('12-B', 'ok', procedure)

    def test_2a(self):
        result = self.env['qualiopi.result'].create({
            'event_id': self.ended.id, 'date': '2026-10-08', 'presented': 4, 'passed': 3,
        })
        self.assertLevel('2-A', 'ok')
        result.write({'passed': 0, 'presented': 0})
        self.assertLevel('2-A', 'minor', result)

    def test_2a_published(self):
        """A public text that quotes a rate says of how many and of when."""
        course = self.env['qualiopi.course'].create({'name': "First aid", 'company_id': self.company.id})

        def release(said):
            text = self.model_as('qualiopi.publication', self.officer).create({
                'kind': 'testimony', 'course_id': course.id, 'text_said': said, 'consent': "letter of 3 March"})
            text.with_user(self.manager).action_release()
            return text

        release("The trainer took her time with each of us")
        stated = release("94 % were satisfied (n = 17, 2026)")
        self.assertLevel('2-A', 'ok')
        for said in ("94 % were satisfied", "94% of 17 in 2026", "4.7 / 5 (n = 17)"):
            bare = release(said)
            self.assertLevel('2-A', 'minor', bare, "quote a rate")
            bare.with_user(self.manager).action_withdraw()
        self.assertLevel('2-A', 'ok')
        self.assertEqual(stated.state, 'released')

    def test_33a(self):
        self.assertLevel('33-A', 'none', text="apprenticeship only")
        self.company.sudo().qualiopi_action_categories = self.env.ref('qualiopi.action_category_app')
        self.assertLevel('33-A', 'watch')
        self.survey.qualiopi_is_teaching = True
        self.assertLevel('33-A', 'ok', self.asked())

    # === MODES === #

    def test_starting(self):
        """Until 90 days or the first review, missing organisation is to be set up; cases are what they are."""
        self.company.sudo().qualiopi_first_use = '2026-10-01'
        late = self.make_complaint(received_on='2026-11-02 08:00:00')
        self.assertLevel('31-A', 'set_up')
        self.assertLevel('32-J', 'set_up')
        self.assertLevel('31-B', 'watch', late)
        self.review().action_close()
        self.assertLevel('31-A', 'major')

    def test_new_entrant(self):
        self.make_complaint()
        self.company.sudo().qualiopi_new_entrant = True
        for code in ('32-A', '32-B', '32-C', '32-K'):
            self.assertLevel(code, 'major', text="New entrant")
        self.publish('improvement')
        for code in ('32-A', '32-B', '32-C', '32-K'):
            self.assertLevel(code, 'ok', text="formalised")

    def test_words(self):
        """Only the certification body says "conforme" (design, rule 11)."""
        for lang in ('en_US', 'fr_FR'):
            self.env['res.lang']._activate_lang(lang)
            self.run_check()
            results = self.env['qualiopi.readiness.result'].with_context(lang=lang).search([])
            text = " ".join(str(value) for result in results for value in (
                result.reason, result.name, result.advice))
            self.assertNotRegex(text.lower(), r'(?<!non-)\bconform')


@freeze_time(TODAY)
@tagged('post_install', '-at_install')
class TestReadiness(ReadinessCase):
    """The check itself: history, switching off, who sees what."""

    def test_history(self):
        run = self.run_check()
        again = self.run_check()
        self.assertEqual(run, again, "one line a day")
        self.assertEqual(run.open_count, run.major_count + run.minor_count + run.watch_count + run.set_up_count)
        total = run.open_count + run.ok_count + run.none_count
        self.assertEqual(total, len(run.details))
        before = run.open_count
        self.publish()
        self.assertLess(self.run_check().open_count, before)
        with freeze_time('2026-11-21 10:00:00'):
            self.assertNotEqual(self.run_check(), run)

    def test_level_stays_since(self):
        result = self.result('31-A')
        self.assertEqual(result.since, date(2026, 11, 20))
        with freeze_time('2026-11-25 10:00:00'):
            self.assertEqual(self.result('31-A').since, date(2026, 11, 20))
            self.publish()
            self.assertEqual(self.result('31-A').since, date(2026, 11, 25))

    def test_switched_off(self):
        result = self.result('30-C')
        with self.assertRefused("quality manager"):
            result.action_switch_off("We have no funder")
        result = self.user_env(result, self.manager)
        with self.assertRefused("reason"):
            result.action_switch_off("--")
        result.action_switch_off("We have no funder")
        self.assertEqual(result.level, 'none')
        for part in ("We have no funder", self.manager.name):
            self.assertIn(part, result.reason)
            self.assertIn(part, self._printed())
        result.action_switch_on()
        self.assertEqual(result.level, 'minor')

    def _printed(self, user=None):
        run = self.model_as('qualiopi.readiness.run', user or self.officer).search([], limit=1)
        html, __ = self.env['ir.actions.report'].with_user(user or self.officer)._render_qweb_html(
            'qualiopi.report_readiness', run.ids)
        return html.decode()

    def test_printed(self):
        """The report says what the screen says, of each rule."""
        self.run_check()
        html = self._printed(self.auditor)
        for result in self.model_as('qualiopi.readiness.result', self.auditor).search([]):
            self.assertIn(result.code, html)
            self.assertIn(result.reason.replace('"', '&#34;').replace("'", '&#39;'), html)
        self.assertNotRegex(html.lower(), r'\bconform')

    def test_finding_and_activity(self):
        result = self.result('31-A')
        context = result.action_create_finding()['context']
        finding = self.model_as('qualiopi.finding', self.officer).with_context(**context).create({})
        self.assertRecordValues(finding, [{
            'name': result.name, 'kind': 'major_gap', 'indicator_ids': self.env.ref('qualiopi.indicator_31').ids,
            'family': 'audit',
        }])
        result.invalidate_recordset()
        self.assertEqual(result.finding_ids, finding)
        result.activity_schedule('mail.mail_activity_data_todo', summary="Publish it", user_id=self.officer.id)
        self.run_check()
        self.assertEqual(result.activity_ids.summary, "Publish it", "the next check keeps it")

    def test_records_behind(self):
        late = self.make_complaint(received_on='2026-11-02 08:00:00')
        action = self.result('31-B').action_view_records()
        self.assertEqual(self.env[action['res_model']].search(action['domain']), late)
        with self.assertRefused("no record"):
            self.result('31-A').action_view_records()

    def test_confidential(self):
        """Confidential entries count and are not listed."""
        self.make_confidential(received_on='2026-11-02 08:00:00')
        result = self.result('31-B')
        self.assertRecordValues(result, [{
            'level': 'watch', 'record_count': 1, 'hidden_count': 1, 'record_ids': False,
        }])

    def test_rights(self):
        self.run_check()
        for user in (self.declarant, self.plain, self.portal):
            for model in ('qualiopi.readiness.result', 'qualiopi.readiness.run', 'qualiopi.drill', 'qualiopi.chains'):
                with self.assertDenied():
                    self.model_as(model, user).search_read([], ['id'], limit=1)
        with self.muted(), self.assertRaises(AccessError):
            self.model_as('qualiopi.readiness.run', self.auditor).action_check()
        result = self.result('31-A', self.auditor)
        self.assertTrue(result.reason)
        with self.assertDenied():
            result.write({'level': 'ok'})
        with self.muted(), self.assertRaises(AccessError):
            self.user_env(result, self.manager).write({'level': 'ok'})
        self.assertFalse(self.model_as('qualiopi.readiness.result', self.other_officer).search([]))
        self.assertFalse(self.model_as('qualiopi.readiness.run', self.other_officer).search([]))

    def test_other_company(self):
        """What another provider records changes nothing."""
        self.model_as('qualiopi.complaint', self.other_officer).create({
            'description': "Cold", 'received_on': '2026-11-02 08:00:00',
        })
        self.assertLevel('31-B', 'ok')
        self.assertLevel('31-E', 'major')

    def test_nightly(self):
        with self.enter_registry_test_mode():
            self.env.ref('qualiopi.ir_cron_readiness').method_direct_trigger()
        self.env.invalidate_all()
        run = self.env['qualiopi.readiness.run'].search([('company_id', '=', self.company.id)])
        self.assertEqual(run.day, date(2026, 11, 20))

    def test_queries(self):
        """The number of queries does not grow with the registers."""
        def queries(entries):
            for __ in range(entries):
                self.make_complaint(received_on='2026-11-02 08:00:00')
                self.from_source('hot_survey', 'check')
            self.run_check()
            self.env.flush_all()
            self.env.invalidate_all()
            start = self.env.cr.sql_log_count
            self.model_as('qualiopi.readiness.run', self.officer)._run(self.company)
            self.env.flush_all()
            return self.env.cr.sql_log_count - start
        few, many = queries(2), queries(18)
        self.assertLessEqual(many, few + 6)

    def test_not_checked_yet(self):
        """A list that is empty because nobody looked does not say that nothing was found."""
        results = self.model_as('qualiopi.readiness.result', self.officer)
        help_message = "<p>Nothing to object was found</p>"
        self.assertIn("Not checked yet", results.get_empty_list_help(help_message))
        with self.assertRaises(AccessError):
            self.model_as('qualiopi.readiness.result', self.auditor).action_check()
        self.assertEqual(results.action_check()['tag'], 'soft_reload')
        self.assertTrue(results.search_count([]))
        self.assertEqual(results.get_empty_list_help(help_message), help_message)

    def test_home(self):
        action = self.model_as('qualiopi.readiness.run', self.officer).action_home()
        run = self.env['qualiopi.readiness.run'].with_user(self.officer).browse(action['res_id'])
        self.assertEqual(len(run.open_result_ids), run.open_count)
        self.assertEqual(len(run.other_result_ids), run.ok_count + run.none_count)


@freeze_time(TODAY)
@tagged('post_install', '-at_install')
class TestDrillAndChains(ReadinessCase):

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.events = cls.ended
        for number in range(9):
            cls.events |= cls._make_event(
                cls.company, name=f"Session {number}", date_begin='2026-09-01 08:00:00',
                date_end='2026-09-03 16:00:00', action_category='af' if number < 6 else 'bc',
            )

    def _drill(self, user=None, **values):
        drill = self.model_as('qualiopi.drill', user or self.officer).create({'seed': 4711, **values})
        drill.action_draw()
        return drill

    def test_reproducible(self):
        """The same number draws the same sessions, of each category; another one others."""
        first, second = self._drill(), self._drill()
        self.assertEqual(first.line_ids.mapped('event_id'), second.line_ids.mapped('event_id'))
        by_category = first.line_ids.grouped('category')
        self.assertEqual({key: len(lines) for key, lines in by_category.items()}, {'af': 2, 'bc': 2})
        samples = {tuple(self._drill(seed=seed).line_ids.event_id.ids) for seed in range(1, 9)}
        self.assertGreater(len(samples), 1)
        with self.assertRefused("stays as it was"):
            first.seed = 5
        with self.assertRefused("stays as it was"):
            first.action_draw()

    def test_proofs(self):
        drill = self._drill(per_category=50)
        line = drill.line_ids.filtered(lambda line: line.event_id == self.ended)
        proofs = line._proofs()[line]
        for number in (30, 31, 32, 12, 11):
            self.assertTrue(proofs[number]['missing'], number)
        campaign = self.asked(event_id=self.ended.id, asked_count=5, answered_count=4)
        entry = self.make_complaint(event_id=self.ended.id)
        finding = self.make_finding(event_id=self.ended.id)
        self.make_action(finding_ids=[Command.set(finding.ids)])
        self.publish('dropout')
        self.env['qualiopi.result'].create({
            'event_id': self.ended.id, 'date': '2026-10-08', 'presented': 4, 'passed': 3,
        })
        self.env.invalidate_all()
        proofs = line._proofs()[line]
        self.assertFalse([proof for proof in proofs.values() if proof['missing']])
        self.assertIn(campaign.reference, proofs[30]['found'][0])
        self.assertIn(entry.reference, proofs[31]['found'][0])
        self.assertIn(finding.reference, proofs[32]['found'][0])
        self.assertIn("3 of 4", proofs[11]['found'][0])
        html, __ = self.env['ir.actions.report'].with_user(self.officer)._render_qweb_html(
            'qualiopi.report_drill', drill.ids)
        for part in ("4711", entry.reference, self.ended.name):
            self.assertIn(part, html.decode())

    def test_confidential_is_a_number(self):
        entry = self.make_confidential(event_id=self.ended.id)
        drill = self._drill(per_category=50)
        line = drill.line_ids.filtered(lambda line: line.event_id == self.ended)
        found = " ".join(line._proofs()[line][31]['found'])
        self.assertNotIn(entry.reference, found)
        self.assertIn("1 entries of restricted access", found)

    def test_other_company(self):
        with self.assertRaises(UserError), self.muted():
            self.model_as('qualiopi.drill', self.other_officer).create({'company_id': self.company.id})
        drill = self._drill()
        self.assertFalse(self.model_as('qualiopi.drill', self.other_officer).search([]))
        with self.assertDenied():
            self.user_env(drill, self.other_officer).line_ids.mapped('event_id')

    def test_chains(self):
        """The best complete chains first, and what the others lack."""
        entry = self.make_complaint()
        best = self.make_finding(
            complaint_ids=[Command.set(entry.ids)], source_id=self.env.ref('qualiopi.source_complaint').id)
        self.make_action('done', finding_ids=[Command.set(best.ids)])
        plain = self.from_source('hot_survey', 'done').finding_ids
        begun = self.from_source('hot_survey', 'do').finding_ids
        bare = self.make_finding(cause_ids=False)
        self.make_confidential_finding()
        action = self.model_as('qualiopi.chains', self.auditor).action_open()
        chains = self.env['qualiopi.chains'].with_user(self.auditor).browse(action['res_id'])
        self.assertEqual(chains.complete_ids.mapped('finding_id'), best + plain)
        self.assertEqual(chains.incomplete_ids.mapped('finding_id'), begun + bare)
        lacking = {line.finding_id: line.lacking for line in chains.incomplete_ids}
        self.assertEqual(
            lacking[begun], "evidence of an action, effectiveness of an action, closing of the finding")
        self.assertEqual(lacking[bare], "source, cause, action, closing of the finding")
        report = chains.action_print_best()
        self.assertEqual(report['context']['active_ids'], (best + plain).ids)

    def make_confidential_finding(self):
        entry = self.make_confidential()
        return self.make_finding(self.confidential, complaint_ids=[Command.set(entry.ids)])
