import io
from datetime import date

from freezegun import freeze_time
from markupsafe import Markup

from odoo import Command
from odoo.exceptions import UserError
from odoo.tests import tagged

from .common import TODAY, QualiopiCase


@tagged('post_install', '-at_install')
@freeze_time(TODAY)
class TestRisk(QualiopiCase):

    @classmethod
    def make_risk(cls, user=None, **values):
        return cls.model_as('qualiopi.risk', user or cls.officer).create({
            'name': "Trainer unavailable", 'probability': '3', 'severity': '3', **values,
        })

    # === EVALUATION === #

    def test_bands(self):
        """Probability × severity, in the bands of the field: 1-3, 4-7, 8-11, 12-16."""
        expected = {1: 'low', 2: 'low', 3: 'low', 4: 'moderate', 6: 'moderate', 8: 'high', 9: 'high',
                    12: 'critical', 16: 'critical'}
        for probability in '1234':
            for severity in '1234':
                risk = self.make_risk(probability=probability, severity=severity)
                product = int(probability) * int(severity)
                self.assertEqual(risk.gross_criticality, product)
                self.assertEqual(risk.band, expected[product], product)

    def test_residual(self):
        """With controls the residual evaluation counts; without it the gross one."""
        risk = self.make_risk()
        self.assertRecordValues(risk, [{'gross_criticality': 9, 'criticality': 9, 'band': 'high'}])
        risk.write({'residual_probability': '1', 'controls': "Substitutes"})
        self.assertRecordValues(risk, [{
            'gross_criticality': 9, 'gross_band': 'high', 'criticality': 3, 'band': 'low',
            'current_probability': '1', 'current_severity': '3',
        }])

    def test_reference_and_review_date(self):
        risk = self.make_risk()
        self.assertRegex(risk.reference, r'^RIS/2026/\d{4}$')
        self.assertEqual(risk.review_date, date(2027, 5, 20))
        self.assertEqual(self.make_risk(probability='4', severity='4').review_date, date(2027, 2, 20))

    # === HISTORY === #

    def test_history_is_the_servers(self):
        """Each evaluation leaves a line with the moment and the author that the server saw."""
        risk = self.make_risk()
        self.assertRecordValues(risk.evaluation_ids, [{
            'user_id': self.officer.id, 'probability': '3', 'severity': '3', 'criticality': 9,
        }])
        with freeze_time('2026-12-01 09:00:00'):
            self.user_env(risk, self.officer2).write({'residual_probability': '2', 'name': "Trainer ill"})
            risk.write({'name': "Trainer unavailable"})
            risk.write({'residual_probability': '2'})
        lines = risk.evaluation_ids.sorted('id')
        self.assertEqual(lines.mapped('user_id'), self.officer + self.officer2)
        self.assertEqual([str(moment) for moment in lines.mapped('date')], [TODAY, '2026-12-01 09:00:00'])
        self.assertEqual(risk.evaluated_by_id, self.officer2)
        self.assertEqual(lines.mapped('criticality'), [9, 6])

    def test_history_is_frozen(self):
        """Nobody changes, adds or deletes a line, the superuser included."""
        risk = self.make_risk()
        line = risk.evaluation_ids
        for user in (self.declarant, self.officer, self.manager, self.auditor):
            lines = line.with_user(user)
            with self.muted(), self.assertRaises(UserError):
                lines.write({'probability': '1'})
            with self.muted(), self.assertRaises(UserError):
                lines.unlink()
            with self.muted(), self.assertRaises(UserError):
                lines.create({'risk_id': risk.id, 'user_id': self.manager.id, 'probability': '1', 'severity': '1'})
        with self.assertRefused("never changed"):
            line.sudo().write({'date': '2020-01-01 00:00:00'})
        with self.assertRefused("never changed"):
            line.sudo().unlink()
        with self.muted(), self.assertRaises(UserError):
            risk.write({'evaluation_ids': [Command.clear()]})
        with self.muted(), self.assertRaises(UserError):
            self.make_risk(evaluation_ids=[Command.create({
                'probability': '1', 'severity': '1', 'user_id': self.manager.id,
            })])
        with self.assertRefused("filled in by the program"):
            risk.write({'criticality': 1})
        self.assertEqual(line.probability, '3')

    def test_evaluate_anew(self):
        """The dialog keeps one line with its note, also when nothing changes, and sets the next review."""
        risk = self.make_risk(review_date='2026-11-01', controls="Substitutes")
        self.assertIn("review date past", risk.needs_look)
        action = risk.action_evaluate()
        for values, note in (({}, "Nothing new"), ({'residual_probability': '1'}, "Substitutes were tried")):
            wizard = self.model_as('qualiopi.risk.evaluate', self.officer).with_context(**action['context']).create(
                {'note': note, **values})
            wizard.action_confirm()
        lines = risk.evaluation_ids.sorted('id')
        self.assertEqual(lines.mapped('note'), [False, "Nothing new", "Substitutes were tried"])
        self.assertEqual(risk.criticality, 3)
        self.assertFalse(risk.needs_look)

    # === TO LOOK AT === #

    def test_without_control_or_past_review(self):
        fine = self.make_risk(controls="Substitutes")
        bare = self.make_risk()
        late = self.make_risk(controls="Substitutes", review_date='2026-11-19')
        ended = self.make_risk()
        ended.action_end("The course is not held any more")
        view = self.env.ref('qualiopi.qualiopi_risk_view_search').arch
        self.assertIn('name="look"', view)
        found = self.env['qualiopi.risk'].with_user(self.officer).search([
            ('state', '=', 'open'), '|', ('controls', '=', False), '|', ('review_date', '=', False),
            ('review_date', '<', 'today'),
        ])
        self.assertEqual(found, bare + late)
        self.assertEqual(bare.needs_look, "no control")
        self.assertEqual(late.needs_look, "review date past")
        self.assertFalse((fine + ended).filtered('needs_look'))

    def test_followup(self):
        """Its owner is reminded of the review; evaluating anew moves the reminder; ending takes it away."""
        risk = self.make_risk(user_id=self.officer2.id, controls="Substitutes", review_date='2026-12-10')
        step = risk.sudo().activity_ids
        self.assertRecordValues(step, [{
            'qualiopi_step': 'risk_review', 'user_id': self.officer2.id, 'date_deadline': date(2026, 12, 10),
        }])
        risk._evaluate({}, date(2027, 6, 1))
        self.assertEqual(step.date_deadline, date(2027, 6, 1))
        risk.action_end("The course is not held any more")
        self.assertFalse(risk.sudo().activity_ids)

    # === LIFECYCLE === #

    def test_end_and_reopen(self):
        risk = self.make_risk()
        with self.assertRefused("Give a reason"):
            risk.action_end(".")
        action = risk.action_end()
        wizard = self.model_as('qualiopi.reason', self.officer).with_context(**action['context']).create({
            'reason': "The course is not held any more",
        })
        wizard.action_confirm()
        self.assertRecordValues(risk, [{'state': 'closed', 'end_reason': "The course is not held any more"}])
        with self.assertRefused("is closed"):
            risk.write({'probability': '1'})
        with self.assertRefused("Only a quality manager"):
            risk.action_reopen("It is held again")
        self.user_env(risk, self.manager).action_reopen("It is held again")
        self.assertRecordValues(risk, [{'state': 'open', 'end_reason': False}])
        with self.muted(), self.assertRaises(UserError):
            risk.unlink()
        with self.assertRefused("Nothing is deleted"):
            risk.sudo().unlink()

    def test_default_risks(self):
        """Offered at first use; a second time brings only what is missing."""
        risks = self.model_as('qualiopi.risk', self.officer)
        offered = risks.get_empty_list_help(Markup("<p>None</p>"))
        self.assertIn('data-method="action_propose_defaults"', offered)
        self.assertIn('<a type="action"', offered)
        self.assertNotIn(
            'action_propose_defaults', risks.with_user(self.auditor).get_empty_list_help(Markup("<p>None</p>")))
        risks.action_propose_defaults()
        found = risks.search([])
        self.assertEqual(len(found), 6)
        self.assertTrue(all(found.mapped('evaluation_ids')))
        found[0].name = "Another risk"
        risks.action_propose_defaults()
        self.assertEqual(len(risks.search([])), 7)
        self.assertNotIn('action_propose_defaults', risks.get_empty_list_help(Markup("<p>None</p>")))
        with self.assertDenied():
            risks.with_user(self.declarant).action_propose_defaults()

    def test_action_from_risk(self):
        """An action made from a risk is linked with it."""
        risk = self.make_risk()
        window = risk.action_create_action()
        action = self.model_as('qualiopi.improvement.action', self.officer).with_context(**window['context']).create(
            {'name': "Find substitutes"})
        self.assertEqual(risk.action_ids, action)
        self.assertEqual(action.no_finding_reason, f"Risk analysis: {risk.reference}")
        self.assertEqual(risk.action_count, 1)

    # === WHO SEES IT === #

    def _of(self, record, user):
        return self.model_as(record._name, user).browse(record.id)

    def test_rights(self):
        risk = self.make_risk()
        own = self.make_risk(user_id=self.declarant.id)
        rights = {
            self.declarant: ('', 'rw'), self.officer2: ('rwc', 'rwc'), self.manager: ('rwc', 'rwc'),
            self.auditor: ('r', 'r'), self.confidential: ('', ''), self.other_officer: ('', ''), self.plain: ('', ''),
        }
        for user, expected in rights.items():
            found = tuple(
                ''.join(
                    operation[0] if operation != 'unlink' else 'd'
                    for operation in ('read', 'write', 'create', 'unlink')
                    if self._of(record, user).has_access(operation)
                )
                for record in (risk, own)
            )
            self.assertEqual(found, expected, user.name)
        self.user_env(own, self.declarant)._evaluate({'residual_probability': '1'}, date(2027, 1, 1), "Substitutes")
        self.assertEqual(own.evaluation_ids.sorted('id')[-1].user_id, self.declarant)
        self.assertFalse(self.model_as('qualiopi.risk.evaluation', self.other_officer).search([]))
        self.assertEqual(
            self.env['qualiopi.risk.evaluation'].with_user(self.declarant).search([]).risk_id, own)

    def test_confidentiality_passes(self):
        """What is linked with a confidential record is confidential, by whichever link and from either side."""
        secret = self.make_confidential()
        for user in (self.officer, self.manager, self.auditor):
            self.assertFalse(self.user_env(secret, user).has_access('read'))
        risk = self.make_risk(user_id=self.officer.id)
        risk.message_subscribe(self.officer2.partner_id.ids)
        risk.sudo().write({'complaint_ids': [Command.link(secret.id)]})
        self.assertTrue(risk.sudo().is_confidential)
        self.assertNotIn(self.officer2.partner_id, risk.sudo().message_partner_ids)
        self.assertNotEqual(risk.sudo().user_id, self.officer)
        for user in (self.officer, self.manager, self.auditor):
            self.assertFalse(self.user_env(risk, user).has_access('read'))
            self.assertFalse(self.env['qualiopi.risk.evaluation'].with_user(user).search([]))
        self.assertTrue(self.user_env(risk, self.confidential).has_access('write'))

    def test_confidential_later(self):
        """A finding that becomes confidential takes its risk along."""
        finding = self.make_finding()
        risk = self.make_risk(finding_ids=[Command.set(finding.ids)])
        self.assertFalse(risk.is_confidential)
        secret = self.make_confidential()
        finding.sudo().write({'complaint_ids': [Command.link(secret.id)]})
        self.assertTrue(risk.sudo().is_confidential)
        self.assertFalse(self.user_env(risk, self.officer).has_access('read'))
        secret.sudo().excluded_user_ids = self.confidential2
        self.assertFalse(self.user_env(risk, self.confidential2).has_access('read'))
        self.assertTrue(self.user_env(risk, self.confidential).has_access('read'))

    # === PAPER === #

    def _document(self, user=None):
        report = self.env['report.qualiopi.report_risks'].with_user(user or self.officer).with_context(
            allowed_company_ids=self.company.ids)
        [selection] = report._selections(None, {'date_from': '2026-01-01', 'date_to': '2026-12-31'})
        return report._document(selection)

    def test_paper(self):
        """The paper prints what the screen shows: register, matrix, restricted rows without their text."""
        risk = self.make_risk(residual_probability='1', residual_severity='2', controls="Substitutes")
        secret = self.make_risk(name="What nobody else reads")
        secret.sudo().write({'complaint_ids': [Command.link(self.make_confidential().id)]})
        document = self._document()
        [row, hidden] = document['sections'][0]['rows']
        self.assertEqual((row['reference'], row['gross_criticality'], row['criticality']), (risk.reference, 9, 2))
        self.assertEqual((hidden['reference'], hidden['record']), (secret.sudo().reference, None))
        cells = {cell['value']: cell['references'] for cell in document['matrix'][-1]['cells']}
        self.assertEqual(cells, {1: [], 2: [risk.reference], 3: [], 4: []})
        html, __ = self.env['ir.actions.report'].with_user(self.officer).with_context(
            allowed_company_ids=self.company.ids,
        )._render_qweb_html('qualiopi.report_risks', None, {'date_from': '2026-01-01', 'date_to': '2026-12-31'})
        text = html.decode()
        self.assertIn("Substitutes", text)
        self.assertNotIn("What nobody else reads", text)

    def test_spreadsheet(self):
        import openpyxl
        risk = self.make_risk(name="=HYPERLINK(0)")
        name, content = self.env['qualiopi.xlsx'].with_user(self.officer).with_context(
            allowed_company_ids=self.company.ids)._workbook('risks', risk.ids)
        sheet = openpyxl.load_workbook(io.BytesIO(content)).worksheets[0]
        rows = list(sheet.values)
        row = dict(zip(rows[0], rows[1], strict=True))
        self.assertTrue(name.endswith('.xlsx'))
        self.assertEqual(row["Risk"], "=HYPERLINK(0)")
        self.assertEqual((row["No."], row["Gross criticality"], row["Level"]), (risk.reference, 9, "High"))

    # === SPEED === #

    def test_queries_do_not_grow(self):
        """Reading the list, and recording, cost as many queries for forty as for four, but for their own rows."""
        def read(number):
            risks = self.model_as('qualiopi.risk', self.officer).create([
                {'name': f"Risk {index}", 'probability': '2', 'severity': '2'} for index in range(number)
            ])
            self.env.flush_all()
            self.env.invalidate_all()
            before = self.cr.sql_log_count
            risks.web_read({
                'reference': {}, 'name': {}, 'band': {}, 'needs_look': {}, 'user_id': {'fields': {'display_name': {}}},
                'evaluated_on': {}, 'action_count': {}, 'may_treat': {}, 'is_locked': {},
            })
            return self.cr.sql_log_count - before
        read(4)
        self.assertEqual(read(40), read(4))
