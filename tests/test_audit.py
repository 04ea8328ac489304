from datetime import date
from functools import partial

from freezegun import freeze_time

from odoo import Command
from odoo.exceptions import UserError, ValidationError
from odoo.tests import tagged
from odoo.tools import html2plaintext

from .common import QualiopiCase

# Notified, grade, legal deadline: counted by hand in calendar months, month ends included.
DEADLINES = [
    ('2026-03-10', 'major', '2026-06-10'),
    ('2026-03-10', 'minor', '2026-09-10'),
    ('2026-11-30', 'major', '2027-02-28'),
    ('2027-11-30', 'major', '2028-02-29'),
    ('2026-08-31', 'minor', '2027-02-28'),
    ('2026-01-31', 'major', '2026-04-30'),
    ('2026-03-31', 'minor', '2026-09-30'),
    ('2026-12-31', 'major', '2027-03-31'),
    ('2024-02-29', 'minor', '2024-08-29'),
    ('2026-10-01', 'minor', '2027-04-01'),
]


class AuditCase(QualiopiCase):

    @classmethod
    def make_audit(cls, user=None, **values):
        return cls.model_as('qualiopi.audit', user or cls.officer).create({
            'type': 'surveillance', 'date_from': '2026-11-10', **values,
        })

    @classmethod
    def make_nonconformity(cls, audit, grade='minor', **values):
        return cls.make_finding(**{'audit_id': audit.id, 'nc_grade': grade, 'cause_ids': False, **values})

    @classmethod
    def make_certificate(cls, **values):
        return cls.model_as('qualiopi.certificate', cls.officer).create({
            'number': "C-1", 'date_from': '2026-02-15', 'user_id': cls.officer.id, **values,
        })

    def steps(self, records):
        activities = self.env['mail.activity'].sudo().search([
            ('res_model', '=', records._name), ('res_id', 'in', records.ids), ('qualiopi_step', '!=', False),
        ])
        return {activity.qualiopi_step: str(activity.date_deadline) for activity in activities}


@tagged('post_install', '-at_install')
class TestNonconformity(AuditCase):

    def test_deadlines(self):
        audit = self.make_audit()
        for notified, grade, deadline in DEADLINES:
            with self.subTest(notified=notified, grade=grade):
                finding = self.make_nonconformity(audit, grade, nc_notified_on=notified)
                self.assertEqual(str(finding.legal_deadline), deadline)
                # Or it would be the fifth open one before long.
                finding.with_user(self.manager).action_cancel("Tried only")

    def test_from_the_closing_meeting(self):
        audit = self.make_audit(date_from='2026-11-09', date_to='2026-11-10')
        finding = self.make_nonconformity(audit, 'major')
        self.assertRecordValues(finding, [{
            'nc_notified_on': date(2026, 11, 10), 'legal_deadline': date(2027, 2, 10), 'kind': 'major_gap',
            'source_id': self.env.ref('qualiopi.source_certification_audit').id, 'family': 'audit',
        }])
        finding.nc_notified_on = date(2026, 11, 17)
        self.assertEqual(finding.legal_deadline, date(2027, 2, 17))
        finding.nc_grade = 'minor'
        self.assertEqual(finding.legal_deadline, date(2027, 5, 17))

    def test_own_audits_have_no_legal_delay(self):
        for kind in ('internal', 'mock'):
            finding = self.make_nonconformity(self.make_audit(type=kind), 'major')
            self.assertFalse(finding.legal_deadline)
            self.assertFalse(finding.nc_is_legal)
            self.assertEqual(finding.source_id, self.env.ref('qualiopi.source_internal_audit'))

    def test_fifth_minor(self):
        audit = self.make_audit()
        minors = self.env['qualiopi.finding']
        for day in range(1, 5):
            minors |= self.make_nonconformity(audit, nc_notified_on=date(2026, 11, day))
        self.assertEqual(minors.mapped('nc_counts_as_major'), [False] * 4)
        fifth = self.make_nonconformity(audit, nc_notified_on='2026-11-05')
        self.assertTrue(fifth.nc_counts_as_major)
        self.assertEqual(fifth.legal_deadline, date(2027, 2, 5), "three months, as a major one")
        self.assertEqual((audit.minor_count, audit.major_count), (4, 1))
        self.assertEqual(audit.next_deadline, date(2027, 2, 5))
        self.assertEqual(self.steps(fifth)['lift'], '2027-02-05')
        minors[0]._lift(date(2026, 11, 19), self.customer)
        self.assertFalse(fifth.nc_counts_as_major, "four are left")
        self.assertEqual(fifth.legal_deadline, date(2027, 5, 5))
        self.assertEqual(self.steps(fifth)['lift'], '2027-05-05')
        self.user_env(minors[0], self.manager).action_unlift()
        self.assertTrue(fifth.nc_counts_as_major)
        minors[1].nc_grade = 'major'
        self.assertFalse(fifth.nc_counts_as_major)

    def test_fifth_minor_counts_over_audits_not_companies(self):
        first, second = self.make_audit(), self.make_audit(type='renewal')
        for audit in (first, first, first, second):
            self.make_nonconformity(audit)
        other = self.make_audit(self.other_officer, company_id=self.other_company.id)
        stranger = self.model_as('qualiopi.finding', self.other_officer).create({
            'name': "Elsewhere", 'audit_id': other.id, 'nc_grade': 'minor', 'company_id': self.other_company.id,
        })
        self.assertFalse(stranger.nc_counts_as_major)
        mock = self.make_nonconformity(self.make_audit(type='mock'))
        self.assertFalse(mock.nc_counts_as_major)
        self.assertTrue(self.make_nonconformity(second).nc_counts_as_major)

    def test_cancelled_minor_does_not_count(self):
        audit = self.make_audit()
        minors = [self.make_nonconformity(audit) for __ in range(5)]
        self.assertTrue(minors[4].nc_counts_as_major)
        self.user_env(minors[0], self.manager).action_cancel("Withdrawn by the auditor")
        self.assertFalse(minors[4].nc_counts_as_major)

    def test_program_fields(self):
        finding = self.make_nonconformity(self.make_audit())
        for values in ({'lifted_on': '2026-11-19'}, {'nc_counts_as_major': True}, {'legal_deadline': '2030-01-01'}):
            with self.assertRefused("filled in by the program"):
                finding.write(values)

    def test_lift(self):
        audit = self.make_audit(certifier_id=self.customer.id)
        finding = self.make_nonconformity(audit)
        with self.assertRefused("cannot be lifted before"):
            finding._lift(date(2026, 11, 9), self.customer)
        with self.assertRefused("today or in the past"):
            finding._lift(date(2026, 11, 21), self.customer)
        action = finding.action_lift()
        wizard = self.env[action['res_model']].with_user(self.officer).with_context(**action['context']).create({
            'date': '2026-11-18', 'note': "On documents",
        })
        self.assertEqual(wizard.partner_id, self.customer)
        wizard.action_confirm()
        self.assertRecordValues(finding, [{
            'lifted_on': date(2026, 11, 18), 'lifted_by_id': self.customer.id, 'lifted_note': "On documents",
        }])
        with self.assertRefused("no nonconformity that is still open"):
            finding.action_lift()
        with self.assertRefused("Only a quality manager"):
            finding.action_unlift()

    def test_lift_on_a_closed_finding(self):
        """The action was effective months before the certification body looks again."""
        finding = self.make_nonconformity(self.make_audit(), cause_ids=[Command.set(self.cause.ids)])
        self.make_action('done', finding_ids=[Command.set(finding.ids)])
        self.assertEqual(finding.state, 'closed')
        self.assertEqual(self.steps(finding), {'lift': '2027-05-10'})
        finding._lift(date(2026, 11, 20), self.customer)
        self.assertEqual(self.steps(finding), {})

    def test_steps_on_the_finding(self):
        finding = self.make_nonconformity(self.make_audit(), cause_ids=[Command.set(self.cause.ids)])
        steps = self.steps(finding)
        self.assertEqual((steps['prove'], steps['lift']), ('2027-04-10', '2027-05-10'))
        action = self.make_action('do', finding_ids=[Command.set(finding.ids)])
        self.assertIn('prove', self.steps(finding))
        self.add_statement(action)
        action.action_carry_out()
        self.assertEqual(self.steps(finding), {'lift': '2027-05-10'})

    def test_late_one_escalates(self):
        audit = self.make_audit(date_from='2026-05-04')
        finding = self.make_nonconformity(audit, cause_ids=[Command.set(self.cause.ids)])
        self.make_action('check', finding_ids=[Command.set(finding.ids)])
        self.assertEqual(finding.legal_deadline, date(2026, 11, 4))
        self.assertIn('escalate', self.steps(finding), "five working days after the deadline the lead hears of it")

    def test_doubtful_grade(self):
        finding = self.make_nonconformity(
            self.make_audit(), indicator_ids=[Command.set(self.env.ref('qualiopi.indicator_32').ids)])
        self.assertIn("always a major one", finding.nc_doubt)
        finding.nc_grade = 'major'
        self.assertFalse(finding.nc_doubt)


@tagged('post_install', '-at_install')
class TestCertificate(AuditCase):

    def test_dates(self):
        """Three years, surveillance from the 14th to the 22nd month; month ends included."""
        for start, end, first, last in (
            ('2026-01-15', '2029-01-14', '2027-03-15', '2027-11-15'),
            ('2025-12-31', '2028-12-30', '2027-02-28', '2027-10-31'),
            ('2024-02-29', '2027-02-27', '2025-04-29', '2025-12-29'),
        ):
            certificate = self.make_certificate(number=start, date_from=start)
            self.assertEqual(
                [str(certificate[name]) for name in ('date_to', 'surveillance_from', 'surveillance_to')],
                [end, first, last],
            )

    def test_steps_before_surveillance(self):
        certificate = self.make_certificate()
        self.assertEqual(self.steps(certificate), {
            'surveillance_120': '2026-12-16', 'surveillance_90': '2027-01-15', 'surveillance_60': '2027-02-14',
            'surveillance_30': '2027-03-16',
        })
        self.assertEqual(self.company.qualiopi_certificate_id, certificate)
        self.assertEqual(self.company.qualiopi_surveillance_from, date(2027, 4, 15))

    def test_steps_follow_the_audit(self):
        certificate = self.make_certificate()
        audit = self.make_audit(date_from='2027-04-20')
        self.assertEqual(audit.certificate_id, certificate)
        self.assertEqual(self.steps(certificate), {
            'surveillance_90': '2027-01-20', 'surveillance_60': '2027-02-19', 'surveillance_30': '2027-03-21',
        })
        mock = self.make_audit(type='mock', date_from='2026-11-18')
        mock.action_start()
        mock.action_done()
        self.assertNotIn('surveillance_90', self.steps(certificate))
        audit.evidence_ready_on = date(2026, 11, 20)
        self.assertEqual(self.steps(certificate), {'surveillance_30': '2027-03-21'})
        audit.date_from = date(2027, 4, 27)
        self.assertEqual(self.steps(certificate), {'surveillance_30': '2027-03-28'})
        audit.people_told_on = date(2026, 11, 20)
        self.assertEqual(self.steps(certificate), {})

    def test_steps_before_renewal(self):
        certificate = self.make_certificate()
        with freeze_time('2027-04-21 09:00:00'):
            audit = self.make_audit(date_from='2027-04-20')
            audit.action_done()
        self.assertEqual(certificate.surveillance_done_on, date(2027, 4, 20))
        self.assertEqual(certificate.next_kind, 'renewal')
        self.assertEqual(self.steps(certificate), {
            'renewal_120': '2028-10-17', 'renewal_90': '2028-11-16', 'renewal_60': '2028-12-16',
            'renewal_30': '2029-01-15',
        })
        certificate.renewed_on = date(2028, 10, 1)
        self.assertEqual(self.steps(certificate), {})

    def test_archived(self):
        certificate = self.make_certificate()
        certificate.active = False
        self.assertEqual(self.steps(certificate), {})
        with self.assertRefused("closed"):
            certificate.number = "C-2"
        certificate.active = True
        self.assertEqual(len(self.steps(certificate)), 4)

    def test_refused(self):
        with self.assertRefused("ends after it begins", ValidationError):
            self.make_certificate(date_to='2025-01-01')

    def test_plan_next(self):
        certificate = self.make_certificate(action_category_ids=[Command.set(
            self.env.ref('qualiopi.action_category_bc').ids)])
        context = certificate.action_plan_audit()['context']
        audit = self.model_as('qualiopi.audit', self.officer).with_context(**context).create({})
        self.assertRecordValues(audit, [{
            'type': 'surveillance', 'date_from': date(2027, 4, 15), 'certificate_id': certificate.id,
        }])
        self.assertEqual(audit._scope_codes(), ['bc'])


@tagged('post_install', '-at_install')
class TestAudit(AuditCase):

    def _grid(self, **values):
        audit = self.make_audit(type='mock', **values)
        audit.action_make_grid()
        return audit

    def test_grid_of_the_version(self):
        """Each indicator of the version in force on the first day, for the categories chosen."""
        self.assertEqual(self._grid().question_ids.mapped('number'), list(range(1, 34)))
        old = self._grid(date_from='2026-10-31')
        self.assertEqual(old.referential_id.code, 'V9')
        self.assertEqual(old.question_ids.mapped('number'), list(range(1, 33)))
        category = self.env.ref('qualiopi.action_category_bc')
        skills = self._grid(action_category_ids=[Command.set(category.ids)])
        expected = self.env['qualiopi.indicator.statement'].search([
            ('referential_id.code', '=', 'V10'), ('for_bc', '=', True)])
        self.assertEqual(skills.question_ids.statement_id, expected)
        self.assertNotIn(33, skills.question_ids.mapped('number'))
        few = self._grid(indicator_ids=[Command.set(self.env.ref('qualiopi.indicator_31').ids)])
        self.assertEqual(few.question_ids.mapped('number'), [31])

    def test_grid_in_step(self):
        """Made again, the grid loses what is not asked any more unless it was answered, and gains what is."""
        audit = self._grid()
        audit.question_ids.filtered(lambda question: question.number == 33).result = 'shown'
        audit.action_category_ids = self.env.ref('qualiopi.action_category_bc')
        audit.action_make_grid()
        numbers = audit.question_ids.mapped('number')
        self.assertIn(33, numbers)
        self.assertNotIn(13, numbers)
        audit.action_category_ids = False
        audit.action_make_grid()
        self.assertEqual(audit.question_ids.mapped('number'), list(range(1, 34)))

    def test_hints(self):
        audit = self._grid(new_entrant=True, subcontractor_only=True)
        by_number = audit.question_ids.grouped('number')
        self.assertIn("Reminders are sent", by_number[30].hint)
        self.assertIn("contracting providers", by_number[30].hint)
        self.assertIn("New entrant", by_number[32].hint)
        self.assertNotIn("New entrant", by_number[31].hint)

    def test_answers(self):
        audit = self._grid()
        audit.action_start()
        first, second = audit.question_ids[:2]
        first.write({'result': 'shown', 'comment': "All there", 'evidence': "Web site", 'interviewed': "Ann"})
        self.assertRecordValues(first, [{'answered_by_id': self.officer.id, 'answered_on': date(2026, 11, 20)}])
        with self.assertRefused("filled in by the program"):
            first.write({'answered_by_id': self.manager.id})
        self.assertEqual(first.answered_by_id, self.officer, "the program says who")
        self.assertEqual(first.action_next()['res_id'], second.id)
        self.assertEqual((audit.answered_count, audit.question_count), (1, 33))
        with self.assertRefused("was answered stays"):
            first.unlink()
        with self.assertRefused("stays where it is"):
            first.audit_id = self._grid()

    def test_findings_of_gaps(self):
        audit = self._grid()
        audit.action_start()
        by_number = audit.question_ids.grouped('number')
        by_number[12].write({'result': 'major', 'comment': "Nothing on violence", 'evidence': "The rules"})
        by_number[30].write({'result': 'minor', 'comment': "No reminder"})
        by_number[31].write({'result': 'strength'})
        audit.action_create_findings()
        self.assertRecordValues(audit.finding_ids.sorted('id'), [
            {'nc_grade': 'major', 'kind': 'major_gap', 'description': "Nothing on violence\nEvidence seen: The rules"},
            {'nc_grade': 'minor', 'kind': 'minor_gap', 'description': "No reminder"},
        ])
        self.assertEqual(by_number[12].finding_id.indicator_ids.number, 12)
        with self.assertRefused("that has none yet"):
            audit.action_create_findings()

    def test_lifecycle(self):
        audit = self.make_audit()
        self.assertEqual(audit.reference, f'AUD/2026/{int(audit.reference[-4:]):04d}')
        with self.assertRefused("filled in by the program"):
            audit.state = 'closed'
        with self.assertRefused("not held yet"):
            audit.action_close()
        audit.action_start()
        audit.action_done()
        finding = self.make_nonconformity(audit)
        with self.assertRefused(finding.reference):
            audit.action_close()
        finding._lift(date(2026, 11, 20), self.customer)
        audit.action_close()
        self.assertEqual(audit.state, 'closed')
        with self.assertRefused("is closed"):
            audit.conclusion = "Changed"
        with self.assertRefused("is closed"):
            self.make_nonconformity(audit)
        self.user_env(audit, self.manager).action_reopen("A page of the report was missing")
        self.assertEqual(audit.state, 'done')
        audit.with_user(self.manager).action_cancel("Recorded twice")
        self.assertEqual(audit.state, 'cancelled')
        with self.assertRefused("Nothing is deleted"):
            audit.with_user(self.manager).sudo().unlink()

    def test_not_before_its_day(self):
        audit = self.make_audit(date_from='2026-12-10')
        with self.assertRefused("still to come"):
            audit.action_done()
        with self.assertRefused("the day it begins", ValidationError):
            audit.date_to = '2026-12-09'

    def test_closed_grid(self):
        audit = self._grid(indicator_ids=[Command.set(self.env.ref('qualiopi.indicator_31').ids)])
        audit.action_start()
        audit.action_done()
        with self.assertRefused("1 questions"):
            audit.action_close()
        audit.question_ids.result = 'shown'
        audit.action_close()
        for call in (
            lambda: audit.question_ids.write({'comment': "Later"}), audit.action_make_grid,
            lambda: audit.question_ids.create({
                'audit_id': audit.id, 'own_question': "Another",
                'indicator_id': self.env.ref('qualiopi.indicator_1').id,
            }),
            lambda: audit.slot_ids.create({'audit_id': audit.id, 'name': "Lunch"}),
            lambda: self.env['qualiopi.evidence'].with_user(self.officer).create({
                'type': 'statement', 'statement': "Seen later", 'audit_id': audit.id}),
        ):
            with self.assertRefused("is closed"):
                call()

    def test_response_step(self):
        audit = self.make_audit(date_from='2026-11-20')
        self.assertEqual(self.steps(audit), {'hold_audit': '2026-11-20'})
        audit.action_done()
        self.assertEqual(self.steps(audit), {})
        finding = self.make_nonconformity(audit)
        self.assertEqual(self.steps(audit), {'respond': '2026-12-20'})
        audit.response_due = date(2026, 11, 30)
        self.assertEqual(self.steps(audit), {'respond': '2026-11-30'})
        finding._lift(date(2026, 11, 20), self.customer)
        self.assertEqual(self.steps(audit), {})
        self.make_nonconformity(audit)
        audit.response_sent_on = date(2026, 11, 20)
        self.assertEqual(self.steps(audit), {})

    def test_programme(self):
        audit = self.make_audit(type='internal')
        audit.action_propose_programme()
        self.assertEqual(audit.slot_ids[0].name, "Opening meeting")
        self.assertEqual(audit.slot_ids[-1].name, "Closing meeting")
        self.assertEqual(len(audit.slot_ids), 9, "seven criteria between them")
        self.assertEqual(audit.slot_ids.indicator_ids.mapped('number'), list(range(1, 34)))
        with self.assertRefused("programme already"):
            audit.action_propose_programme()


@tagged('post_install', '-at_install')
class TestAuditRights(AuditCase):

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.audit = cls.make_audit(type='mock')
        cls.audit.action_make_grid()
        cls.audit.action_propose_programme()
        cls.certificate = cls.make_certificate()
        cls.records = (cls.audit, cls.audit.question_ids[0], cls.audit.slot_ids[0], cls.certificate)

    def _rights(self, user, record):
        record = self.user_env(record, user).with_context(allowed_company_ids=user.company_ids.ids)
        return ''.join(letter for letter, operation in zip('rwcd', ('read', 'write', 'create', 'unlink'), strict=True)
                       if record.has_access(operation))

    def test_by_group(self):
        for user, rights in (
            (self.plain, ('', '', '', '')), (self.portal, ('', '', '', '')), (self.public, ('', '', '', '')),
            (self.declarant, ('', '', '', 'r')), (self.auditor, ('r', 'r', 'r', 'r')),
            (self.officer2, ('rwc', 'rwcd', 'rwcd', 'rwc')), (self.manager, ('rwc', 'rwcd', 'rwcd', 'rwc')),
            (self.other_officer, ('', '', '', '')),
        ):
            for record, expected in zip(self.records, rights, strict=True):
                self.assertEqual(self._rights(user, record), expected, (user.name, record._name))

    def test_own_audit(self):
        """Whoever leads an internal audit fills in its grid, whatever the group."""
        self.audit.user_id = self.declarant
        question = self.user_env(self.audit.question_ids[0], self.declarant)
        question.result = 'shown'
        self.assertEqual(question.answered_by_id, self.declarant)
        self.user_env(self.audit, self.declarant).action_start()
        self.assertEqual(self.audit.state, 'running')

    def test_auditor_changes_nothing(self):
        with self.assertDenied():
            self.user_env(self.audit, self.auditor).action_start()
        with self.assertDenied():
            self.user_env(self.audit.question_ids[0], self.auditor).result = 'shown'
        finding = self.make_nonconformity(self.audit)
        with self.assertDenied():
            self.user_env(finding, self.auditor)._lift(date(2026, 11, 20), self.customer)

    def test_owner_does_not_lift(self):
        finding = self.make_nonconformity(self.audit, user_id=self.declarant.id)
        with self.assertRefused("Only a quality officer"):
            self.user_env(finding, self.declarant)._lift(date(2026, 11, 20), self.customer)

    def test_companies(self):
        other = self.make_audit(self.other_officer, company_id=self.other_company.id)
        with self.muted(), self.assertRaises(UserError):
            self.make_nonconformity(other.with_user(self.officer))

    def test_evidence(self):
        evidence = self.env['qualiopi.evidence'].with_user(self.officer).create({
            'type': 'statement', 'statement': "Report received by letter", 'audit_id': self.audit.id,
        })
        self.assertEqual(evidence.company_id, self.company)
        self.assertEqual(self.audit.evidence_count, 1)
        self.assertEqual(self._rights(self.auditor, evidence), 'r')
        self.assertEqual(self._rights(self.declarant, evidence), '')


@tagged('post_install', '-at_install')
class TestAuditPaper(AuditCase):

    def _text(self, name, record, user=None):
        report = self.env['ir.actions.report'].with_user(user or self.officer)
        html, __ = report._render_qweb_html(f'qualiopi.report_{name}', record.ids)
        return html2plaintext(html.decode())

    def _filled(self):
        audit = self.make_audit(type='mock', name="Mock of autumn", scope="Three sessions", conclusion="Well prepared")
        audit.action_propose_programme()
        audit.action_start()
        for question in audit.question_ids:
            question.write({
                'result': 'shown', 'comment': f"Remark number {question.number}.",
                'evidence': f"Document {question.number}.", 'interviewed': f"Person {question.number}.",
            })
        return audit

    def test_report_holds_every_answer(self):
        text = self._text('audit', self._filled(), self.auditor)
        for number in range(1, 34):
            for wanted in (f"Remark number {number}.", f"Document {number}.", f"Person {number}."):
                self.assertIn(wanted, text)
        for wanted in ("Mock of autumn", "Three sessions", "Well prepared", "V10", "Opening meeting", "Shown 33"):
            self.assertIn(wanted, text)
        self.assertNotRegex(text, "[Cc]onforme")

    def test_programme(self):
        text = self._text('audit_programme', self._filled())
        self.assertIn("Opening meeting", text)
        self.assertIn("Reminders are sent", text)
        self.assertNotIn("Remark number", text)

    def test_empty(self):
        text = self._text('audit', self.make_audit())
        self.assertIn("None", text)
        self.assertIn("None", self._text('response', self.make_audit()))

    def test_response_plan(self):
        audit = self.make_audit(certifier_id=self.customer.id)
        finding = self.make_nonconformity(
            audit, name="Funders not asked", description="No trace for a year", cause_ids=[Command.set(self.cause.ids)],
            nc_correction="A letter was sent", nc_corrected_on='2026-11-12', why_1="Nobody was named",
            indicator_ids=[Command.set(self.env.ref('qualiopi.indicator_30').ids)],
        )
        action = self.make_action('do', finding_ids=[Command.set(finding.ids)])
        self.add_statement(action, statement="Minutes of the meeting")
        text = self._text('response', audit)
        for wanted in (
            finding.reference, "Funders not asked", "No trace for a year", self.cause.name, "Nobody was named",
            "A letter was sent", action.reference, action.name, "Test officer", "31/12/2026", "Minutes of the meeting",
            "10/05/2027", "10/11/2026", "Indicator 30",
        ):
            self.assertIn(wanted, text)
        finding._lift(date(2026, 11, 20), self.customer, "On documents")
        self.assertIn("Lifted on 20/11/2026, by Test Learner", self._text('response', audit))

    def test_confidential_is_counted_alone(self):
        audit = self.make_audit()
        category = self.env['qualiopi.category'].search([('is_confidential', '=', True)], limit=1)
        self.model_as('qualiopi.finding', self.confidential).create({
            'name': "A secret name", 'audit_id': audit.id, 'nc_grade': 'minor', 'category_id': category.id,
        })
        for name in ('audit', 'response'):
            text = self._text(name, audit)
            self.assertNotIn("A secret name", text)
            self.assertIn("restricted access: 1", text)

    def test_calendar(self):
        certificate = self.make_certificate()
        finding = self.make_nonconformity(self.make_audit(type='initial'))
        text = self._text('certificate', certificate)
        for wanted in (
            "C-1", "15/04/2027", "15/12/2027", "14/02/2029", "16/12/2026", "Surveillance audit, 120 days before",
            "Renewal audit, 30 days before", finding.reference, "10/05/2027",
        ):
            self.assertIn(wanted, text)

    def test_denied(self):
        audit = self.make_audit()
        for user in (self.declarant, self.plain, self.other_officer):
            with self.assertDenied():
                self.env['report.qualiopi.report_audit'].with_user(user)._get_report_values(audit.ids)


@tagged('post_install', '-at_install')
class TestAuditQueries(AuditCase):

    def _queries(self, call):
        self.flush_tracking()
        self.env.invalidate_all()
        before = self.cr.sql_log_count
        call()
        self.flush_tracking()
        return self.cr.sql_log_count - before

    def assertGrowth(self, prepare, call, small, large, per_record):
        counts = {}
        for size in (small, small, large):
            prepared = prepare(size)
            counts[size] = self._queries(partial(call, prepared))
        growth = (counts[large] - counts[small]) / (large - small)
        self.assertLessEqual(growth, per_record, counts)

    def test_grids_in_batch(self):
        self.assertGrowth(
            lambda n: self.env['qualiopi.audit'].browse(
                [self.make_audit(type='mock').id for __ in range(n)]).with_user(self.officer),
            lambda audits: audits.action_make_grid(), 2, 12, 5,
        )

    def test_list(self):
        names = ['reference', 'name', 'minor_count', 'major_count', 'next_deadline', 'question_count', 'answered_count']

        def prepare(number):
            audits = self.env['qualiopi.audit'].browse([self.make_audit().id for __ in range(number)])
            for audit in audits:
                self.make_nonconformity(audit, 'major')
            return audits.with_user(self.officer)

        self.assertGrowth(prepare, lambda audits: audits.read(names), 2, 12, 0)

    def test_findings_in_batch(self):
        audit = self.make_audit()
        self.assertGrowth(
            lambda n: [{'name': f"Gap {n}", 'audit_id': audit.id, 'nc_grade': 'minor', 'description': "Seen"}
                       for n in range(n)],
            lambda values: self.model_as('qualiopi.finding', self.officer).create(values), 10, 50, 3,
        )

