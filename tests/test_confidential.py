import base64
from contextlib import suppress

from freezegun import freeze_time

from odoo import Command
from odoo.exceptions import AccessError, UserError
from odoo.tests import tagged

from .common import QualiopiCase

SECRET = "A hand on the shoulder of Camille"


@tagged('post_install', '-at_install')
class TestConfidential(QualiopiCase):
    """Confidential entries are seen by their own group alone (design, rule 8)."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        export = cls.env.ref('base.group_allow_export')
        export.user_ids = [Command.link(user.id) for user in (
            cls.manager, cls.officer, cls.declarant, cls.plain, cls.confidential, cls.confidential2, cls.auditor,
        )]
        cls.secret = cls.make_confidential(description=SECRET, name=SECRET)
        cls.finding = cls.make_finding(
            cls.confidential, description=SECRET, name=SECRET, complaint_ids=[Command.link(cls.secret.id)],
        )
        cls.action = cls.make_action(
            'plan', cls.confidential, name=SECRET, user_id=cls.confidential.id,
            finding_ids=[Command.set(cls.finding.ids)],
        )
        cls.check = cls.action.check_ids
        cls.piece = cls.env['qualiopi.evidence'].with_user(cls.confidential).create({
            'name': SECRET, 'type': 'file', 'file': base64.b64encode(SECRET.encode()), 'file_name': 'letter.txt',
            'complaint_id': cls.secret.id,
        })
        cls.message = cls.secret.message_post(body=SECRET, attachments=[('letter.txt', SECRET.encode())])
        cls.records = (cls.secret, cls.finding, cls.action, cls.check, cls.piece)
        cls.outsiders = (cls.manager, cls.officer, cls.auditor, cls.declarant, cls.plain, cls.portal)
        cls.env.flush_all()

    # === WHO SEES IT === #

    def test_passes_on(self):
        """Confidentiality passes to findings, actions, checks and evidence."""
        for record in self.records:
            self.assertTrue(record.is_confidential, record)

    def test_group(self):
        for record in self.records:
            self.user_env(record, self.confidential2).read(['display_name'])
            self.assertTrue(self.user_env(record, self.confidential2).has_access('write'))

    def test_outsiders(self):
        """Neither list, group, name search, count, reading nor export shows it."""
        for user in self.outsiders:
            for record in self.records:
                model = self.env[record._name].with_user(user)
                hers = self.user_env(record, user)
                self.assertFalse(hers.has_access('read'), (user.name, record))
                for name, call in {
                    'read': lambda r: r.read(['display_name']),
                    'export': lambda r: r.export_data(['id', 'display_name']),
                    'write': lambda r: r.write({'company_id': self.company.id}),
                    'web_read': lambda r: r.web_read({'display_name': {}}),
                    'unlink': lambda r: r.unlink(),
                    'copy': lambda r: r.copy(),
                }.items():
                    with self.muted(), self.assertRaises(UserError, msg=(user.name, record, name)) as raised:
                        call(hers)
                    self.assertNotIn("Camille", str(raised.exception))
                if not model.has_access('read'):
                    continue
                self.assertFalse(model.search([('id', '=', record.id)]))
                self.assertEqual(model.search_count([('id', '=', record.id)]), 0)
                self.assertFalse(model._read_group([('id', '=', record.id)], ['company_id'], ['__count']))
                self.assertFalse([row for row in model.name_search("Camille") if row[0] == record.id])
                self.assertFalse(model.web_search_read([('id', '=', record.id)], {'id': {}})['records'])

    def test_not_by_neighbours(self):
        """An open neighbour does not show what is confidential."""
        reading = self.user_env(self.customer, self.manager)
        self.secret.partner_id = self.customer
        self.make_complaint(partner_id=self.customer.id)
        self.env.flush_all()
        self.env.invalidate_all()
        self.assertEqual(reading.complaint_count, 1)
        self.assertEqual(len(reading.complaint_ids), 1)
        self.assertFalse(self.env['qualiopi.complaint'].with_user(self.manager).search(
            [('finding_ids.name', 'ilike', "Camille")],
        ))
        self.assertFalse(self.env['res.partner'].with_user(self.manager).search(
            [('complaint_ids.description', 'ilike', "Camille")],
        ))

    def test_names_say_nothing(self):
        """What travels with links and mails names the reference only."""
        for record in (self.secret, self.finding, self.action, self.check):
            self.assertNotIn("Camille", record.display_name)
            self.assertIn(record.reference, record.display_name)

    def test_messages(self):
        """Chatter, its files and activities are closed to others."""
        activity = self.secret.activity_schedule(
            'mail.mail_activity_data_todo', user_id=self.confidential2.id, summary=SECRET,
        )
        for user in self.outsiders:
            for model, domain, record in (
                ('mail.message', [('model', '=', self.secret._name), ('res_id', '=', self.secret.id)], self.message),
                ('mail.message', [('body', 'ilike', "Camille")], self.message),
                ('mail.activity', [('res_model', '=', self.secret._name)], activity),
                ('ir.attachment', [('res_model', '=', self.secret._name)], self.message.attachment_ids),
            ):
                with self.muted(), suppress(AccessError):
                    self.assertFalse(self.env[model].with_user(user).search(domain), (user.name, domain))
                hers = self.user_env(record, user)
                with self.assertDenied():
                    hers.read()
            with self.assertDenied():
                self.user_env(self.secret, user).message_post(body="I would like to know")
        self.user_env(self.message.attachment_ids, self.confidential2).read(['raw'])

    def test_evidence_file(self):
        """The file behind a piece of evidence is as confidential as the piece."""
        attachment = self.env['ir.attachment'].sudo().search([
            ('res_model', '=', 'qualiopi.evidence'), ('res_field', '=', 'file'), ('res_id', '=', self.piece.id),
        ])
        self.assertEqual(attachment.raw, SECRET.encode())
        for user in self.outsiders:
            with self.assertDenied():
                self.user_env(attachment, user).read(['raw'])
            with self.assertDenied():
                self.user_env(self.piece, user).read(['file'])
        self.assertEqual(self.user_env(attachment, self.confidential2).raw, SECRET.encode())

    # === WHO GETS IT BY MAIL === #

    def _told(self, record, partner):
        """Notices and mails about a record that reached a partner."""
        messages = self.env['mail.message'].sudo().search([('model', '=', record._name), ('res_id', '=', record.id)])
        notices = self.env['mail.notification'].sudo().search([
            ('mail_message_id', 'in', messages.ids), ('res_partner_id', '=', partner.id),
        ])
        mails = self.env['mail.mail'].sudo().search([
            ('mail_message_id', 'in', messages.ids), ('recipient_ids', 'in', partner.ids),
        ])
        return notices, mails

    def test_followers_refused(self):
        for record in (self.secret, self.finding, self.action, self.check):
            outsiders = self.manager.partner_id | self.officer.partner_id | self.portal.partner_id | self.trainer
            record.message_subscribe((outsiders | self.confidential2.partner_id).ids)
            self.assertFalse(record.message_partner_ids & outsiders)
            self.assertIn(self.confidential2.partner_id, record.message_partner_ids)

    def test_mentions(self):
        """A mention reaches only people with access; the complainant may be written to."""
        self.manager.notification_type = 'email'
        self.secret.partner_id = self.customer
        partners = self.manager.partner_id | self.officer.partner_id | self.trainer
        self.secret.message_post(
            body=SECRET, message_type='comment', subtype_xmlid='mail.mt_comment',
            partner_ids=(partners | self.confidential2.partner_id | self.customer).ids,
        )
        for partner in partners:
            notices, mails = self._told(self.secret, partner)
            self.assertFalse(notices or mails, partner.name)
        self.assertTrue(self._told(self.secret, self.confidential2.partner_id)[0])
        self.assertTrue(self._told(self.secret, self.customer)[0])

    def test_activities_refused(self):
        for record in (self.secret, self.finding, self.action, self.check):
            for user in (self.manager, self.officer, self.auditor):
                with self.assertRaises(UserError):
                    record.activity_schedule('mail.mail_activity_data_todo', user_id=user.id, note=SECRET)
            activity = record.activity_schedule('mail.mail_activity_data_todo', user_id=self.confidential2.id)
            with self.assertRaises(UserError):
                activity.user_id = self.manager

    def test_owner_and_verifier(self):
        for record, field in ((self.secret, 'user_id'), (self.finding, 'user_id'), (self.check, 'verifier_id')):
            with self.assertRaises(UserError):
                record.write({field: self.officer.id})
        self.assertFalse(self.check.verifier_id, "the quality lead has no access and is not proposed")
        self.check.verifier_id = self.confidential2

    # === BECOMING CONFIDENTIAL === #

    def test_becomes_confidential(self):
        """Followers, activities and owner without access go; the number stays."""
        complaint = self.make_complaint(description=SECRET)
        finding = self.make_finding(complaint_ids=[Command.link(complaint.id)])
        action = self.make_action('plan', finding_ids=[Command.set(finding.ids)])
        reference = complaint.reference
        people = self.manager.partner_id | self.officer2.partner_id | self.trainer
        for record in (complaint, finding, action):
            record.message_subscribe(people.ids)
            record.activity_schedule('mail.mail_activity_data_todo', user_id=self.officer.id)
        with self.assertRefused("you would no longer see it"):
            complaint.nature = 'safeguarding'
        with self.assertRefused("you would no longer see it"):
            complaint.category_id = self.env.ref('qualiopi.category_harassment')
        self.env['qualiopi.complaint.restrict'].with_user(self.officer).create({
            'complaint_id': complaint.id, 'category_id': self.env.ref('qualiopi.category_harassment').id,
        }).action_confirm()
        self.env.flush_all()
        self.env.invalidate_all()
        for record in (complaint, finding, action):
            record = record.sudo()
            self.assertTrue(record.is_confidential, record)
            self.assertFalse(record.message_partner_ids & (people | self.officer.partner_id), record)
            self.assertFalse(record.activity_ids, record)
            self.assertFalse(record.user_id, record)
            self.assertFalse(self.user_env(record, self.officer).has_access('read'))
            self.assertTrue(self.user_env(record, self.confidential).has_access('write'))
        self.assertFalse(action.sudo().check_ids.verifier_id)
        self.assertEqual(complaint.sudo().reference, reference)
        self.assertTrue(reference.startswith('REG/'))
        complaint.with_user(self.confidential).sudo(False).message_post(body="A word afterwards")
        for partner in people:
            self.assertFalse(self._told(complaint, partner)[1])

    def test_restrict_refused(self):
        """An officer hands over what is of the own company and only to somebody."""
        complaint = self.make_complaint()
        wizard = self.env['qualiopi.complaint.restrict'].with_user(self.officer).create({
            'complaint_id': complaint.id, 'category_id': self.env.ref('qualiopi.category_content').id,
        })
        before = complaint.category_id
        with self.assertRefused("Choose a confidential category"):
            wizard.action_confirm()
        self.assertEqual(complaint.category_id, before)
        wizard.category_id = self.env.ref('qualiopi.category_harassment')
        self._empty_group()
        with self.assertRefused("Nobody is in the confidential group yet"):
            wizard.action_confirm()
        self.assertFalse(complaint.is_confidential)

    def test_link_makes_confidential(self):
        """A finding linked with a confidential entry later becomes so, with its actions."""
        both = self._make_user('both', 'qualiopi.group_officer,qualiopi.group_confidential')
        finding = self.make_finding()
        action = self.make_action('plan', finding_ids=[Command.set(finding.ids)])
        finding.message_subscribe(self.officer2.partner_id.ids)
        self.user_env(finding, both).complaint_ids = [Command.link(self.secret.id)]
        self.env.flush_all()
        for record in (finding, action):
            self.assertTrue(record.sudo().is_confidential)
            self.assertFalse(self.user_env(record, self.officer).has_access('read'))
            self.assertFalse(record.sudo().message_partner_ids & self.officer2.partner_id)
        other = self.make_finding()
        self.secret.with_user(both).sudo(False).finding_ids = [Command.link(other.id)]
        self.assertTrue(other.sudo().is_confidential)

    def test_category_becomes_confidential(self):
        """So does all of a category, by the confidential group alone."""
        category = self.env['qualiopi.category'].create({'name': "Delicate"})
        complaint = self.make_complaint(category_id=category.id)
        complaint.message_subscribe(self.officer2.partner_id.ids)
        with self.assertDenied():
            category.with_user(self.manager).is_confidential = True
        category.is_confidential = True
        self.env.flush_all()
        self.assertTrue(complaint.sudo().is_confidential)
        self.assertFalse(complaint.sudo().message_partner_ids)
        self.assertFalse(self.user_env(complaint, self.manager).has_access('read'))
        with self.assertDenied():
            category.with_user(self.manager).is_confidential = False

    # === EXCLUDED PERSONS === #

    def test_excluded(self):
        """A member of the group who is named in the report does not see it, nor what hangs on it."""
        self.secret.message_subscribe(self.confidential2.partner_id.ids)
        self.secret.activity_schedule('mail.mail_activity_data_todo', user_id=self.confidential2.id)
        self.secret.excluded_user_ids = self.confidential2
        self.env.flush_all()
        self.env.invalidate_all()
        for record in self.records:
            self.assertFalse(self.user_env(record, self.confidential2).has_access('read'), record)
            self.assertTrue(self.user_env(record, self.confidential).has_access('read'), record)
            self.assertFalse(self.env[record._name].with_user(self.confidential2).search([('id', '=', record.id)]))
        self.assertNotIn(self.confidential2.partner_id, self.secret.message_partner_ids)
        self.assertNotIn(self.confidential2, self.secret.activity_ids.user_id)
        self.secret.message_subscribe(self.confidential2.partner_id.ids)
        self.assertNotIn(self.confidential2.partner_id, self.secret.message_partner_ids)
        with self.assertDenied():
            self.user_env(self.message, self.confidential2).read(['body'])
        self.assertFalse(self.user_env(self.secret, self.confidential2).has_access('write'))

    # === ACCESS LOG === #

    def _log(self, record=None, **values):
        record = record or self.secret
        return self.env['qualiopi.access.log'].sudo().search([
            ('res_model', '=', record._name), ('res_id', '=', record.id),
            *((name, '=', value) for name, value in values.items()),
        ])

    def test_access_log(self):
        """One line per user, record, day and operation."""
        hers = self.user_env(self.secret, self.confidential2)
        for __ in range(3):
            hers.read(['description'])
            hers.web_read({'description': {}, 'name': {}})
            hers.search_read([('id', '=', hers.id)], ['description'])
        self.assertRecordValues(self._log(user_id=self.confidential2.id), [{
            'operation': 'open', 'reference': self.secret.reference, 'company_id': self.company.id,
        }])
        hers.export_data(['reference', 'description'])
        self.assertEqual(
            set(self._log(user_id=self.confidential2.id).mapped('operation')), {'open', 'export'},
        )
        with freeze_time('2026-11-21 10:00:00'):
            self.env.invalidate_all()
            hers.read(['description'])
        self.assertEqual(len(self._log(user_id=self.confidential2.id)), 3)
        # A list shows no narrative, an open entry is nobody's business.
        self.user_env(self.secret, self.confidential).read(['reference', 'state'])
        self.assertFalse(self._log(user_id=self.confidential.id, operation='export'))
        plain = self.make_complaint()
        plain.read(['description'])
        self.assertFalse(self._log(plain))
        for user in (self.confidential, self.manager):
            with self.assertDenied():
                self._log().with_user(user).sudo(False).write({'reference': "x"})
            with self.assertDenied():
                self._log().with_user(user).sudo(False).unlink()

    def test_window_of_a_new_action(self):
        """"Create an action" on a confidential entry opens: what is being filled in is nobody's access yet."""
        entry = self.make_confidential(description=SECRET)
        window = self.user_env(entry, self.confidential).action_create_action()
        Action = self.model_as('qualiopi.improvement.action', self.confidential).with_context(**window['context'])
        values = Action.onchange({}, [], {'name': {}, 'description': {}, 'finding_ids': {}, 'is_confidential': {}})
        self.assertTrue(values['value']['is_confidential'])

    # === THE DECLARANT'S FORM === #

    def _report(self, user, **values):
        return self.model_as('qualiopi.safeguarding.report', user).create({
            'description': SECRET, 'category_id': self.env.ref('qualiopi.category_harassment').id, **values,
        })

    def test_report(self):
        """The form answers with the reference only, keeps no text and shows the entry to its group alone."""
        report = self._report(self.declarant, contact_name="Camille", event_id=self.event.id)
        self.assertTrue(report.is_offered)
        report.action_confirm()
        complaint = self.env['qualiopi.complaint'].search([('reference', '=', report.reference),
                                                           ('company_id', '=', self.company.id)])
        self.assertTrue(report.reference.startswith('SIG/'))
        self.assertRecordValues(complaint, [{
            'nature': 'safeguarding', 'description': SECRET, 'contact_name': "Camille", 'event_id': self.event.id,
            'is_confidential': True, 'user_id': False, 'text_origin': 'staff',
        }])
        self.assertNotIn(self.declarant.partner_id, complaint.message_partner_ids)
        self.assertFalse(self.user_env(complaint, self.declarant).has_access('read'))
        self.assertTrue(self.user_env(complaint, self.confidential).has_access('write'))
        self.env.flush_all()
        self.cr.execute("SELECT * FROM qualiopi_safeguarding_report WHERE id = %s", [report.id])
        self.assertNotIn("Camille", str(self.cr.fetchall()))
        with self.assertRaises(UserError):
            report.action_confirm()

    def test_report_not_read_by_others(self):
        report = self._report(self.declarant)
        for user in (self.declarant2, self.manager, self.confidential):
            with self.assertDenied():
                self.user_env(report, user).read(['description'])

    def test_report_refused(self):
        for text in (False, '', '.', ' - '):
            with self.assertRefused("what happened"):
                self._report(self.declarant, description=text).action_confirm()
        with self.muted(), self.assertRaises(UserError):
            self._report(self.declarant, company_id=self.other_company.id).action_confirm()
        foreign = self._make_event(self.other_company)
        with self.muted(), self.assertRaises(UserError):
            self._report(self.declarant, event_id=foreign.id).action_confirm()

    def test_directly(self):
        """Outside the group a confidential entry is not recorded by the register."""
        for values in ({'nature': 'safeguarding'}, {'category_id': self.env.ref('qualiopi.category_violence').id}):
            for user in (self.declarant, self.officer, self.manager):
                with self.assertRefused("straight to the confidential group"):
                    self.make_complaint(user, **values)

    def _empty_group(self):
        group = self.env.ref('qualiopi.group_confidential')
        group.user_ids = [Command.unlink(user.id) for user in group.user_ids if self.company in user.company_ids]

    def test_nobody_in_the_group(self):
        """While nobody is there to read it, a report is not offered, and the page says whom to call."""
        report = self._report(self.declarant)
        self._empty_group()
        self.env.invalidate_all()
        self.assertFalse(report.is_offered)
        with self.assertRaises(UserError) as raised:
            report.action_confirm()
        for number in ('17', '119', '3919', "Défenseur des droits"):
            self.assertIn(number, str(raised.exception))
        self.assertNotIn('safeguarding', self.make_complaint().offered_natures.split(','))

    def test_offered_natures(self):
        self.assertNotIn('safeguarding', self.make_complaint().offered_natures.split(','))
        self.assertIn('safeguarding', self.make_complaint(self.confidential).offered_natures.split(','))

    # === TREATED TO ITS END === #

    def test_whole_chain(self):
        """The confidential group treats its entries to the end, without anybody else."""
        self.secret.write(self.closing_values('safeguarding'))
        self.secret.action_close()
        self.assertEqual(self.secret.state, 'closed')
        self.check.verifier_id = self.confidential2
        self.action.action_start()
        self.add_statement(self.action)
        self.action.action_carry_out()
        self.judge(self.action, 'effective', self.confidential2)
        self.assertEqual((self.action.phase, self.finding.state), ('done', 'closed'))
        self.action.action_reopen("It came back")
        self.assertEqual((self.action.phase, self.finding.state), ('plan', 'action'))
        self.action.action_cancel("Another way was found")
        self.assertEqual(self.action.phase, 'cancelled')

    def test_lead_joins(self):
        """A quality lead is in the group from the start."""
        self.company.qualiopi_manager_id = self.officer2
        self.assertTrue(self.officer2.has_group('qualiopi.group_confidential'))
        self.assertTrue(self.env.ref('base.user_admin').has_group('qualiopi.group_confidential'))
