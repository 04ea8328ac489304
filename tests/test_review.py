from datetime import date, timedelta

from freezegun import freeze_time

from odoo import Command, fields
from odoo.exceptions import UserError
from odoo.tests import Form, tagged

from odoo.addons.qualiopi.exceptions import GateError

from .common import TODAY, QualiopiCase

# The calendar mails invitations at once; here nobody is to wait for a mail server.
NO_MAIL = {'no_mail_to_attendees': True}


@freeze_time(TODAY)
class ReviewCase(QualiopiCase):

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.env = cls.env(context={**cls.env.context, **NO_MAIL})

    @classmethod
    def make_review(cls, user=None, **values):
        """A review of the last twelve months as ``user``, the quality lead by default, plans it."""
        user = user or cls.manager
        return cls.model_as('qualiopi.review', user).with_context(**NO_MAIL).create({
            'date': '2026-11-20 13:00:00',
            'participant_ids': [Command.set((user.partner_id | cls.officer.partner_id).ids)],
            **values,
        })

    @classmethod
    def treat(cls, review):
        """A word on each item."""
        for item in review.agenda_ids:
            item.discussion = "Nothing to report"
        return review

    @classmethod
    def make_closed(cls, **values):
        review = cls.make_review(**values)
        review.action_open()
        cls.treat(review)
        review.action_close()
        return review

    def item(self, review, code):
        return review.agenda_ids.filtered(lambda item: item.topic_id.code == code)

    def figure(self, review, code, key, name='value'):
        [value] = [figure[name] for figure in self.item(review, code).figures if figure['key'] == key]
        return value


@freeze_time(TODAY)
@tagged('post_install', '-at_install')
class TestReview(ReviewCase):

    def test_new_review(self):
        """A new review has a number, a name, a period of a year, an agenda and a meeting."""
        review = self.make_review()
        self.assertRegex(review.reference, r'^REV/2026/\d{4}$')
        self.assertRecordValues(review, [{
            'name': "Quality review 2026", 'state': 'planned', 'duration': 2.0,
            'date_from': date(2025, 11, 21), 'date_to': date(2026, 11, 20), 'next_date': date(2027, 11, 20),
        }])
        topics = self.env['qualiopi.review.topic'].search([])
        self.assertEqual(review.agenda_ids.mapped('name'), topics.mapped('name'))
        self.assertGreaterEqual(len(topics), 17, "the agenda of the field")
        self.assertEqual(set(review.agenda_ids.mapped('state')), {'open'})

    def test_agenda_is_the_users(self):
        """A topic that the manager adds stands on the next agenda, not on that of an earlier review."""
        before = self.make_review()
        self.model_as('qualiopi.review.topic', self.manager).create({'name': "Rooms", 'sequence': 1})
        self.assertEqual(self.make_review().agenda_ids[0].name, "Rooms")
        self.assertNotIn("Rooms", before.agenda_ids.mapped('name'))

    def test_figures_equal_registers(self):
        """Each figure is what the register, the plan and their reports show at that moment."""
        self.make_closed_complaint()
        late = self.make_complaint(received_on='2026-10-01 08:00:00')
        self.make_complaint(nature='difficulty')
        self.make_complaint(nature='unforeseen')
        self.make_complaint(received_on='2024-10-01 08:00:00')
        self.make_confidential()
        for phase in ('plan', 'do', 'check', 'done', 'cancelled'):
            self.make_action(phase)
        overdue = self.make_action('do')
        overdue._as_server().write({'date_due': '2026-11-01'})
        review = self.make_review()
        review.action_open()

        document = self._document('register', review)
        sections = {section['rows'][0]['record'].nature: len(section['rows'])
                    for section in document['sections'] if section['rows'] and section['rows'][0]['record']}
        for nature in ('complaint', 'difficulty', 'unforeseen'):
            self.assertEqual(self.figure(review, 'complaints', nature), sections[nature])
        self.assertEqual(self.figure(review, 'complaints', 'entries'), document['total'])
        self.assertEqual(self.figure(review, 'complaints', 'entries'), 4)
        for step in ('ack', 'response'):
            shown = document['figures'][step]
            value = self.figure(review, 'complaints', f'{step}_on_time')
            self.assertAlmostEqual(value, 100 * shown['in_time'] / shown['count'], 1)
        self.assertEqual(self.figure(review, 'complaints', 'response_delay'), document['figures']['response']['median'])
        register = self.model_as('qualiopi.complaint', self.manager)
        self.assertEqual(
            self.figure(review, 'complaints', 'entries_open'),
            register.search_count([('state', 'not in', ('closed', 'cancelled'))]))
        self.assertEqual(
            self.figure(review, 'complaints', 'entries_late'), register.search_count([('is_late', '=', True)]))
        self.assertTrue(late.is_late)

        plan = self._document('plan', review)
        self.assertEqual(self.figure(review, 'actions', 'actions_open'), plan['running'])
        self.assertEqual(self.figure(review, 'actions', 'actions_late'), plan['late'])
        self.assertEqual(plan['late'], 1)
        self.assertEqual(self.figure(review, 'actions', 'effective'), 100)
        self.assertEqual(self.figure(review, 'actions', 'checks'), 1)
        findings = self.model_as('qualiopi.finding', self.manager)
        self.assertEqual(
            self.figure(review, 'findings', 'findings'), findings.search_count([('state', '!=', 'cancelled')]))

    def _document(self, name, review):
        report = self.model_as(f'report.qualiopi.report_{name}', self.manager)
        values = report._get_report_values([], {
            'date_from': review.date_from, 'date_to': review.date_to, 'company_id': self.company.id,
        })
        return values['documents'][0]

    def test_satisfaction_equals_report(self):
        """Satisfaction by stakeholder is what the dashboard shows for the period."""
        campaign = self.env['qualiopi.feedback.campaign'].with_user(self.officer).create({
            'stakeholder_id': self.env['qualiopi.stakeholder'].search([], limit=1).id, 'means': 'meeting',
            'asked_count': 10, 'answered_count': 7, 'date_from': '2026-06-01',
        })
        campaign.action_done()
        review = self.make_review()
        review.action_open()
        rates = self.model_as('qualiopi.satisfaction.report', self.manager)._rates([
            ('company_id', '=', self.company.id), ('date', '>=', review.date_from), ('date', '<=', review.date_to),
        ])
        self.assertEqual(self.figure(review, 'satisfaction', 'answers'), rates['n'])
        self.assertEqual(self.figure(review, 'satisfaction', 'answers'), 7)
        self.assertAlmostEqual(self.figure(review, 'satisfaction', 'response_rate'), rates['response_rate'], 1)
        self.assertIsNone(self.figure(review, 'satisfaction', 'satisfaction'), "nobody said how satisfied they are")

    def test_dropouts_equal_register(self):
        """Dropouts and success are those of the dropout register of the same period."""
        self.env['event.registration'].search([]).unlink()
        session = self._make_event(
            self.company, name="Long session", date_begin='2026-11-02 08:00:00', date_end='2026-11-05 16:00:00')
        learners = [
            self._make_registration(session, name=f"L {n}", email=f'l{n}@example.com', state='open') for n in range(8)
        ]
        for learner, values in zip(learners, ({}, {'kind': 'no_show'}), strict=False):
            self.model_as('qualiopi.dropout', self.officer).create({
                'registration_id': learner.id, 'date': '2026-11-04', **values})
        self.model_as('qualiopi.result', self.officer).create({
            'event_id': session.id, 'presented': 6, 'passed': 5, 'date': '2026-11-06'})
        review = self.make_review()
        review.action_open()
        report = self.model_as('report.qualiopi.report_dropouts', self.manager)
        [selection] = report._selections([], {
            'date_from': review.date_from, 'date_to': review.date_to, 'company_id': self.company.id})
        over, short, __ = report._figures(selection)
        self.assertEqual((over['dropouts'], over['started'], over['no_shows']), (1, 7, 1))
        self.assertAlmostEqual(self.figure(review, 'dropouts', 'dropout_rate_long'), over['rate'], 1)
        self.assertEqual(self.figure(review, 'dropouts', 'dropout_rate_short'), short['rate'])
        self.assertEqual(self.figure(review, 'dropouts', 'dropouts'), 1)
        self.assertEqual(self.figure(review, 'dropouts', 'no_shows'), 1)
        self.assertAlmostEqual(self.figure(review, 'results', 'success'), 100 * 5 / 6, 1)

    def test_risks_and_procedures(self):
        """Risks, procedures and nil statements as their lists show them."""
        Risk = self.model_as('qualiopi.risk', self.officer)
        Risk.create({'name': "Trainer unavailable", 'probability': '3', 'severity': '3'})
        Risk.create({'name': "Platform failure", 'probability': '1', 'severity': '1', 'controls': "A second one"})
        procedure = self.model_as('qualiopi.procedure', self.officer).create({
            'kind': 'complaint', 'text': "<p>We answer</p>", 'date_from': '2026-02-01'})
        procedure.with_user(self.manager).action_publish()
        self.model_as('qualiopi.nil.statement', self.officer).create({
            'date_from': '2026-07-01', 'date_to': '2026-09-30'})
        review = self.make_review()
        review.action_open()
        values = {key: self.figure(review, 'risks', f'risks{key}') for key in ('', '_high', '_bare', '_due', '_new')}
        self.assertEqual(values, {'': 2, '_high': 1, '_bare': 1, '_due': 0, '_new': 2})
        risks = self._document('risks', review)
        self.assertEqual(values[''], sum(len(section['rows']) for section in risks['sections']))
        self.assertEqual(self.figure(review, 'procedures', 'procedures'), 1)
        self.assertEqual(self.figure(review, 'procedures', 'procedures_new'), 1)
        self.assertEqual(self.figure(review, 'procedures', 'nil_statements'), 1)

    def test_previous_period(self):
        """Figures of a period are compared with the year before, those of a moment with the review before."""
        self.make_complaint(received_on='2025-03-01 08:00:00')
        self.make_complaint(received_on='2025-11-20 22:59:00')
        self.make_complaint(received_on='2025-11-20 23:30:00')
        first = self.make_closed()
        self.assertEqual(self.figure(first, 'complaints', 'entries'), 1, "the day is the company's: 0:30 on the 21st")
        self.assertEqual(self.figure(first, 'complaints', 'entries', 'previous'), 2)
        self.assertEqual(self.figure(first, 'complaints', 'entries_open'), 3)
        self.assertIsNone(self.figure(first, 'complaints', 'entries_open', 'previous'))
        self.make_complaint()
        with freeze_time('2026-12-20 10:00:00'):
            second = self.make_review(date='2026-12-20 09:00:00')
            second.action_open()
        self.assertEqual(second.previous_id, first)
        self.assertEqual(self.figure(second, 'complaints', 'entries_open'), 4)
        self.assertEqual(self.figure(second, 'complaints', 'entries_open', 'previous'), 3)

    def test_frozen(self):
        """Figures of a closed review do not move, whatever becomes of the registers, nor by hand."""
        self.make_complaint()
        review = self.make_closed()
        before = [(item.figures, item.decisions) for item in review.item_ids]
        html = self.item(review, 'complaints').figures_html
        self.make_complaint()
        self.make_closed_complaint()
        self.make_action('do')
        self.assertEqual([(item.figures, item.decisions) for item in review.item_ids], before)
        self.assertEqual(self.item(review, 'complaints').figures_html, html)
        for call in (
            review.action_refresh, lambda: review._gather_figures(),
            lambda: self.item(review, 'complaints').write({'discussion': "Rewritten"}),
            lambda: review.write({'conclusion': "Rewritten"}),
            lambda: review.item_ids[0].unlink(),
            lambda: review.item_ids.create({'review_id': review.id, 'name': "Later"}),
            lambda: self.model_as('qualiopi.evidence', self.manager).create({
                'type': 'statement', 'statement': "Added afterwards", 'review_id': review.id}),
        ):
            with self.assertRefused("is closed"):
                call()

    def test_figures_not_by_hand(self):
        """While the review is open, figures come from the registers alone."""
        review = self.make_review()
        review.action_open()
        with self.assertRefused("filled in by the program"):
            self.item(review, 'complaints').write({'figures': []})
        with self.assertRefused("filled in by the program"):
            review.write({'opened_on': '2026-01-01 00:00:00'})

    def test_confidential_as_counts(self):
        """Of confidential entries the review holds their number and nothing else."""
        self.make_confidential(name="Words that stay in their group", description="The secret of the group")
        review = self.make_review()
        review.action_open()
        self.assertEqual(self.figure(review, 'safeguarding', 'confidential'), 1)
        self.assertEqual(self.figure(review, 'complaints', 'entries'), 0)
        weekly = self._weekly()
        self.assertFalse(weekly.word_ids)
        for record in (review, weekly):
            self.treat(record).action_close()
            html = self._html(record)
            self.assertNotIn("secret", html)
            self.assertNotIn("SIG/", html)

    def test_confidential_actions(self):
        """What a decision came to is left out of the minutes when it is confidential, whoever closes the review."""
        self.manager.group_ids = [Command.link(self.env.ref('qualiopi.group_confidential').id)]
        complaint = self.make_confidential()
        finding = self.make_finding(self.confidential, name="Words of the group", complaint_ids=[
            Command.set(complaint.ids)])
        action = self.model_as('qualiopi.improvement.action', self.confidential).create({
            'name': "Separate the two persons", 'finding_ids': [Command.set(finding.ids)]})
        self.assertTrue(action.is_confidential)
        review = self.make_review(date='2026-05-20 08:00:00', date_from='2025-05-21', date_to='2026-05-20')
        review.action_open()
        self.item(review, 'safeguarding').write({
            'decision': "Follow it up", 'finding_ids': [Command.set(finding.ids)],
            'action_ids': [Command.set(action.ids)],
        })
        self.treat(review).action_close()
        html = self._html(review)
        self.assertIn("Restricted access", html)
        for secret in (action.reference, finding.reference, "Separate the two", "Words of the group"):
            self.assertNotIn(secret, html)
        following = self.make_review()
        following.action_open()
        self.assertEqual(
            [(row['reference'], row['state']) for row in self.item(following, 'previous_decisions').decisions
             if row['decision'] == "Follow it up"], [('', "Restricted access")])
        auditor = self.user_env(review, self.auditor)
        self.assertEqual((auditor.action_count, auditor.finding_count), (0, 0))

    def _html(self, review):
        return self.env['ir.actions.report'].with_user(self.manager).with_context(
            allowed_company_ids=self.company.ids,
        )._render_qweb_html('qualiopi.action_report_review', review.ids)[0].decode()

    # === DECISIONS === #

    def test_decision_to_action(self):
        """A decision becomes an action in one click, with the finding that the plan asks for."""
        review = self.make_review()
        review.action_open()
        item = self.item(review, 'complaints')
        with self.assertRefused("Write the decision first"):
            item.action_create_action()
        item.write({'discussion': "The rooms are cold in winter", 'decision': "Heat the rooms\nFrom six o'clock on"})
        window = item.action_create_action()
        action = self.env['qualiopi.improvement.action'].browse(window['res_id'])
        self.assertRecordValues(action, [{'name': "Heat the rooms", 'phase': 'draft', 'company_id': self.company.id}])
        finding = action.finding_ids
        self.assertEqual(finding.source_id.code, 'review')
        self.assertEqual(finding.description, "The rooms are cold in winter")
        self.assertEqual((item.action_ids, item.finding_ids), (action, finding))
        self.assertEqual(finding.with_user(self.manager).review_ids, review)
        self.assertEqual((review.finding_count, review.action_count), (1, 1))
        # A second action of the same decision answers the same finding.
        item.action_create_action()
        self.assertEqual(len(item.action_ids), 2)
        self.assertEqual(item.action_ids.finding_ids, finding)

    def test_items_by_hand(self):
        """What was on the agenda when the review was opened is set aside, not thrown away."""
        review = self.make_review()
        self.item(review, 'resources').unlink()
        self.assertNotIn("Resources", review.agenda_ids.mapped('name'))
        review.action_open()
        with self.assertRefused("set it aside"):
            self.item(review, 'dropouts').unlink()
        own = self.model_as('qualiopi.review.item', self.manager).create({'review_id': review.id, 'name': "Premises"})
        own.unlink()

    def test_decision_to_finding(self):
        review = self.make_review()
        review.action_open()
        item = self.item(review, 'trainers')
        item.decision = "Look at how trainers are trained"
        window = item.action_create_finding()
        self.assertEqual(item.finding_ids.ids, [window['res_id']])
        self.assertEqual(item.finding_ids.name, "Look at how trainers are trained")

    def test_previous_decisions(self):
        """Decisions come back in the next review with their state, as it is then."""
        first = self.make_review(date='2026-05-20 08:00:00', date_from='2025-05-21', date_to='2026-05-20')
        first.action_open()
        item = self.item(first, 'complaints')
        item.decision = "Heat the rooms"
        item.action_create_action()
        self.item(first, 'results').decision = "Call those who did not answer"
        self.treat(first).action_close()
        second = self.make_review()
        second.action_open()
        rows = {row['decision']: row for row in self.item(second, 'previous_decisions').decisions}
        self.assertEqual(rows["Heat the rooms"]['reference'], item.action_ids.reference)
        self.assertEqual(rows["Heat the rooms"]['state'], "To qualify")
        self.assertEqual(rows["Call those who did not answer"]['state'], "Without an action")
        item.action_ids.write({
            'date_due': '2026-12-01', 'success_criterion': "Nobody is cold", 'user_id': self.officer.id})
        item.action_ids.action_plan()
        second.action_refresh()
        rows = {row['decision']: row for row in self.item(second, 'previous_decisions').decisions}
        self.assertEqual(rows["Heat the rooms"]['state'], "Planned")

    # === CLOSING === #

    def test_gate(self):
        """Closing names the items without a word; a word or a reason to set aside is enough."""
        review = self.make_review()
        with self.assertRefused("has not been opened"):
            review.action_close()
        review.action_open()
        for item in review.agenda_ids:
            item.discussion = "."
        with self.assertRefused("Missing.*Dropouts", GateError) as raised:
            review.action_close()
        self.assertEqual(raised.exception.args[1]['res_model'], 'qualiopi.review.item')
        elsewhere = ('priorities', 'decisions', 'dropouts')
        for item in review.agenda_ids.filtered(lambda i: i.topic_id.code not in elsewhere):
            item.discussion = "All is well"
        self.item(review, 'dropouts').aside_reason = "Nobody stopped"
        with self.assertRefused("Three priorities"):
            review.action_close()
        review.priority_1 = "Warm rooms"
        with self.assertRefused("Decisions and actions"):
            review.action_close()
        self.item(review, 'complaints').decision = "Heat the rooms"
        self.assertEqual(self.item(review, 'dropouts').state, 'aside')
        review.present_ids = False
        with self.assertRefused("who was present"):
            review.action_close()
        review.present_ids = self.officer.partner_id
        review.action_close()
        self.assertRecordValues(review, [{'state': 'closed', 'closed_by_id': self.manager.id}])

    def test_minutes(self):
        """Closing makes the minutes, a PDF kept as evidence that nobody changes."""
        review = self.make_closed()
        minutes = review.minutes_id
        self.assertRecordValues(minutes, [{
            'kind': 'minutes', 'mimetype': 'application/pdf', 'review_id': review.id,
            'file_name': review.reference.replace('/', '-') + '.pdf',
        }])
        self.assertGreater(minutes.size, 5000)
        with self.assertRefused("closed"):
            minutes.unlink()
        html = self._html(review)
        for text in (review.reference, "Attendance", "Present", "Nothing to report", "Complaints, difficulties"):
            self.assertIn(text, html)
        with self.assertDenied():
            review.unlink()
        with self.assertRefused("Nothing is deleted"):
            review.sudo().unlink()

    def test_reopen(self):
        """A manager reopens with a reason; closing again makes new minutes beside the old."""
        review = self.make_closed()
        with self.assertRefused("Only a quality manager"):
            self.user_env(review, self.officer).action_reopen("A figure was wrong")
        review.action_reopen("A decision was forgotten")
        self.assertEqual(review.state, 'open')
        review.action_close()
        self.assertEqual(len(review.evidence_ids.filtered(lambda e: e.kind == 'minutes')), 2)

    def test_send(self):
        """The minutes go out with the PDF; who received them and when is kept."""
        review = self.make_review()
        wizard = self.model_as('qualiopi.review.send', self.manager).create({'review_id': review.id})
        with self.assertRefused("once the review is closed"):
            wizard.action_confirm()
        review.action_open()
        self.treat(review).action_close()
        wizard = Form(self.model_as('qualiopi.review.send', self.manager).with_context(default_review_id=review.id))
        wizard.audience = "Board in the hall"
        wizard = wizard.save()
        self.assertEqual(wizard.partner_ids, review.participant_ids)
        wizard.action_confirm()
        self.assertRecordValues(review.communication_ids, [{
            'date': date(2026, 11, 20), 'audience': "Board in the hall", 'user_id': self.manager.id,
            'partner_ids': review.participant_ids.ids,
        }])
        message = review.message_ids.filtered('attachment_ids')[:1]
        self.assertEqual(message.notified_partner_ids | message.author_id, review.participant_ids)
        self.assertEqual(message.attachment_ids.mimetype, 'application/pdf')
        with self.assertRefused("is closed"):
            review.communication_ids.write({'text': "Others"})
        with self.assertRefused("is closed"):
            review.communication_ids.unlink()

    def test_nobody_without_address(self):
        review = self.make_closed()
        stranger = self.env['res.partner'].create({'name': "Test Stranger"})
        wizard = self.model_as('qualiopi.review.send', self.manager).create({
            'review_id': review.id, 'partner_ids': [Command.set(stranger.ids)]})
        with self.assertRefused("No e-mail address: Test Stranger"):
            wizard.action_confirm()
        self.assertFalse(review.communication_ids)

    def test_activity_return(self):
        """The yearly activity return stays with the review as evidence."""
        review = self.make_review()
        evidence = self.model_as('qualiopi.evidence', self.officer).create({
            'type': 'statement', 'statement': "Declared on line on 30 April", 'kind': 'activity_return',
            'review_id': review.id,
        })
        self.assertEqual((review.evidence_ids, review.evidence_count), (evidence, 1))
        self.assertEqual(evidence.company_id, self.company)

    # === FOLLOW-UP === #

    def _steps(self, review):
        return {
            activity.qualiopi_step: (activity.user_id, activity.date_deadline)
            for activity in review.sudo().activity_ids if activity.qualiopi_step
        }

    def test_followup(self):
        """Hold it, close it, send the minutes, plan the next one: each is asked for in its turn."""
        review = self.make_review()
        self.assertEqual(self._steps(review), {'hold_review': (self.manager, date(2026, 11, 20))})
        review.action_open()
        self.assertEqual(self._steps(review), {'close_review': (self.manager, date(2026, 11, 27))})
        self.treat(review).action_close()
        self.assertEqual(self._steps(review), {
            'send_minutes': (self.manager, date(2026, 11, 27)),
            'next_review': (self.manager, date(2027, 10, 21)),
        })
        self.model_as('qualiopi.review.send', self.manager).create({
            'review_id': review.id, 'is_sent': False}).action_confirm()
        self.assertEqual(set(self._steps(review)), {'next_review'})
        window = review.with_context(**NO_MAIL).action_plan_next()
        self.assertFalse(self._steps(review))
        following = self.env['qualiopi.review'].browse(window['res_id'])
        self.assertEqual(following.date.date(), date(2027, 11, 20))
        self.assertEqual(following.participant_ids, review.participant_ids)
        self.assertEqual(review.action_plan_next()['res_id'], following.id, "it is planned once")

    # === WEEKLY === #

    def _weekly(self):
        window = self.model_as('qualiopi.review', self.manager).action_weekly()
        return self.model_as('qualiopi.review', self.manager).browse(window['res_id'])

    def test_weekly(self):
        """One screen: open entries and late actions, a word on each, minutes in one click."""
        entry = self.make_complaint()
        self.make_closed_complaint()
        action = self.make_action('do')
        self.make_action('do')
        action._as_server().write({'date_due': '2026-11-01'})
        review = self._weekly()
        self.assertEqual(self._weekly(), review, "one meeting a day")
        self.assertRecordValues(review.word_ids, [
            {'kind': 'entry', 'entry_id': entry.id, 'late_action_id': False, 'subject': entry.name, 'is_late': False},
            {'kind': 'action', 'entry_id': False, 'late_action_id': action.id, 'subject': action.name, 'is_late': True},
        ])
        self.assertFalse(review.agenda_ids)
        self.assertFalse(review.meeting_id)
        review.word_ids[0].discussion = "The caretaker comes tomorrow"
        review.action_close()
        self.assertIn(str(review.minutes_id.id), review.action_print_minutes()['url'])
        html = self._html(review)
        self.assertIn("The caretaker comes tomorrow", html)
        self.assertIn("Not discussed", html)
        self.assertNotEqual(self._weekly(), review)

    def test_weekly_line_becomes_confidential(self):
        """A line whose entry became confidential says its number alone."""
        entry = self.make_complaint(name="Cold rooms")
        review = self._weekly()
        entry.with_user(self.confidential).sudo().with_context(qualiopi_server=None)
        entry.sudo().write({'nature': 'safeguarding'})
        review.invalidate_recordset()
        review.word_ids.invalidate_recordset()
        self.assertEqual(review.word_ids.mapped('subject'), ["Restricted access"])

    # === RIGHTS === #

    def test_rights(self):
        """Officers work on reviews, auditors read the closed ones, nobody else sees any."""
        opened = self.make_review()
        opened.action_open()
        closed = self.make_closed(date='2026-05-20 08:00:00', date_from='2025-05-21', date_to='2026-05-20')
        for user, expected in (
            (self.officer, ('rwc', 'rwc')), (self.manager, ('rwc', 'rwc')), (self.auditor, ('', 'r')),
            (self.declarant, ('', '')), (self.confidential, ('', '')), (self.plain, ('', '')), (self.portal, ('', '')),
            (self.other_officer, ('', '')),
        ):
            rights = tuple(
                ''.join(letter for letter, operation in zip('rwcd', ('read', 'write', 'create', 'unlink'), strict=True)
                        if self.model_as('qualiopi.review', user).browse(review.id).has_access(operation))
                for review in (opened, closed)
            )
            self.assertEqual(rights, expected, user.name)
        self.assertEqual(self.model_as('qualiopi.review', self.auditor).search([]), closed)
        items = self.model_as('qualiopi.review.item', self.auditor).search([])
        self.assertEqual(items.review_id, closed)
        items.read(['name', 'figures_html', 'decision', 'subject'])
        with self.assertDenied():
            self.user_env(closed.item_ids, self.auditor).write({'discussion': "Mine"})
        minutes = self.user_env(closed.minutes_id, self.auditor)
        self.assertTrue(minutes.file)
        draft = self.model_as('qualiopi.evidence', self.officer).create({
            'type': 'statement', 'statement': "Before the review", 'review_id': opened.id})
        for user in (self.auditor, self.declarant, self.confidential):
            self.assertFalse(self.user_env(draft, user).has_access('read'), user.name)

    def test_owner_is_of_the_team(self):
        with self.assertRefused("cannot own"):
            self.make_review(user_id=self.declarant.id)

    def test_companies(self):
        """The figures of one company hold nothing of another."""
        self.model_as('qualiopi.complaint', self.other_officer).create({'description': "Elsewhere"})
        review = self.make_review()
        review.action_open()
        self.assertEqual(self.figure(review, 'complaints', 'entries'), 0)
        with self.assertRaises(UserError), self.muted():
            self.make_review(company_id=self.other_company.id)

    def test_participants_of_the_company(self):
        stranger = self.env['res.partner'].create({'name': "Test", 'company_id': self.other_company.id})
        with self.assertRaises(UserError):
            self.make_review(participant_ids=[Command.set(stranger.ids)])

    # === LOAD === #

    def test_queries(self):
        """Opening a review costs the same whatever the registers hold."""
        # The first review brings its menus, which empties the caches; they are filled first.
        self.make_review().action_open()
        self.env.flush_all()
        self.make_review().action_open()
        counts = []
        for number in (2, 30):
            for __ in range(number):
                self.make_complaint()
            self.make_finding()
            review = self.make_review()
            self.env.flush_all()
            self.env.invalidate_all()
            before = self.cr.sql_log_count
            review.action_open()
            self.env.flush_all()
            counts.append(self.cr.sql_log_count - before)
            review.action_cancel("Only counted")
        self.assertLessEqual(abs(counts[0] - counts[1]), 6, counts)
        self.assertLess(counts[1], 400)

    def test_figures_are_complete(self):
        """Each kind of figure that a topic may show has its method and answers on empty registers."""
        review = self.make_review()
        for key, __ in self.env['qualiopi.review.topic']._selection_figure():
            if key != 'previous_decisions':
                figures = getattr(review, f'_figures_{key}')(self.company, review.date_from, review.date_to)
                self.assertEqual(len({figure['key'] for figure in figures}), len(figures), key)


@freeze_time(TODAY)
@tagged('post_install', '-at_install')
class TestReviewMeeting(ReviewCase):
    """The calendar and the review say the same, whoever moves which."""

    def _assert_in_step(self, review):
        meeting = review.meeting_id
        self.assertTrue(meeting)
        self.assertRecordValues(meeting, [{
            'name': review.name, 'start': review.date, 'stop': review.date + timedelta(hours=review.duration),
            'location': review.location, 'partner_ids': review.participant_ids.ids, 'active': True,
        }])

    def test_review_to_calendar(self):
        review = self.make_review(date=False)
        self.assertFalse(review.meeting_id)
        review.date = '2026-12-01 09:00:00'
        self._assert_in_step(review)
        review.write({'date': '2026-12-02 13:00:00', 'duration': 3.5, 'location': "Room 4"})
        self._assert_in_step(review)
        review.participant_ids = [Command.link(self.trainer.id)]
        self._assert_in_step(review)
        review.name = "Review of the winter"
        self._assert_in_step(review)
        meeting = review.meeting_id
        review.action_cancel("The team is ill")
        self.assertFalse(meeting.active)

    def test_calendar_to_review(self):
        """Anybody who keeps the calendar moves the review with the meeting."""
        review = self.make_review(date='2026-12-01 09:00:00')
        meeting = review.meeting_id.with_user(self.plain).with_context(**NO_MAIL)
        meeting.write({'start': '2026-12-03 10:00:00', 'stop': '2026-12-03 11:30:00', 'location': "Room 7"})
        self.assertRecordValues(review, [{
            'date': fields.Datetime.to_datetime('2026-12-03 10:00:00'), 'duration': 1.5, 'location': "Room 7",
        }])
        meeting.write({'partner_ids': [Command.link(self.trainer.id)]})
        self.assertIn(self.trainer, review.participant_ids)
        self._assert_in_step(review)
        self.assertEqual(review.date_to, date(2026, 12, 1), "the period looked at stays the user's")

    def test_meeting_removed(self):
        """A meeting that is archived or deleted leaves a review that waits for a date."""
        for remove in (lambda meeting: meeting.action_archive(), lambda meeting: meeting.unlink()):
            review = self.make_review(date='2026-12-01 09:00:00')
            remove(review.meeting_id)
            review.invalidate_recordset()
            self.assertRecordValues(review, [{'date': False, 'state': 'planned', 'meeting_id': False}])
            self.assertIn("taken out of the calendar", review.message_ids[0].body)
            review.date = '2026-12-08 09:00:00'
            self._assert_in_step(review)

    def test_closed_review_stays(self):
        """Moving the meeting of a closed review changes nothing of its minutes."""
        review = self.make_closed()
        day = review.date
        review.meeting_id.write({'start': '2026-12-03 10:00:00', 'stop': '2026-12-03 11:00:00'})
        self.assertEqual(review.date, day)

    def test_other_meetings(self):
        """Meetings that are none of ours cost one query and are left alone."""
        event = self.env['calendar.event'].with_user(self.plain).create({
            'name': "Lunch", 'start': '2026-12-03 10:00:00', 'stop': '2026-12-03 11:00:00'})
        event.write({'start': '2026-12-03 11:00:00', 'stop': '2026-12-03 12:00:00'})
        event.unlink()
        self.assertFalse(event.exists())

    def test_invitations(self):
        """A review to come invites its people through the calendar, a past one nobody."""
        review = self.make_review(date='2026-12-01 09:00:00')
        self.assertEqual(review.meeting_id.attendee_ids.partner_id, review.participant_ids)
        imported = self.make_review(is_imported=True, date='2024-12-01 09:00:00', closed_on='2024-12-01 12:00:00')
        self.assertFalse(imported.meeting_id)
        self.assertRecordValues(imported, [{'state': 'closed', 'agenda_ids': []}])
