from freezegun import freeze_time
from psycopg2 import IntegrityError

from odoo.exceptions import AccessError
from odoo.tests import Form, tagged
from odoo.tools import mute_logger

from .common import TODAY, QualiopiCase


@tagged('post_install', '-at_install')
@freeze_time(TODAY)
class TestSettings(QualiopiCase):

    def _own(self, user, **values):
        return self.env['qualiopi.default.owner'].create({'user_id': user.id, 'company_id': self.company.id, **values})

    def test_manager_keeps_the_settings(self):
        """A quality manager who is no administrator saves the company's quality settings."""
        self.company.qualiopi_nda = "11 75 00000 75"
        form = Form(self.model_as('qualiopi.settings', self.manager))
        self.assertEqual(form.qualiopi_nda, "11 75 00000 75")
        self.assertTrue(form.qualiopi_digest)
        form.qualiopi_digest = False
        form.qualiopi_auto_acknowledge = True
        form.qualiopi_mediator = "Test Mediator"
        form.save().action_save()
        self.assertRecordValues(self.company, [{
            'qualiopi_digest': False, 'qualiopi_auto_acknowledge': True, 'qualiopi_mediator': "Test Mediator",
            'qualiopi_nda': "11 75 00000 75", 'qualiopi_manager_id': self.manager.id,
        }])

    def test_lead_stays_the_administrators(self):
        """A quality manager does not name the quality lead, who reads confidential reports."""
        settings = self.model_as('qualiopi.settings', self.manager).create({})
        settings.qualiopi_manager_id = self.officer
        self.env.flush_all()
        settings.action_save()
        self.assertEqual(self.company.qualiopi_manager_id, self.manager)

    def test_nobody_else(self):
        """Others do not open the settings, and nobody those of another company."""
        for user in (self.officer, self.declarant, self.confidential, self.plain):
            with self.assertRaises(AccessError), mute_logger('odoo.addons.base.models.ir_model'):
                self.model_as('qualiopi.settings', user).create({})
        forged = self.model_as('qualiopi.settings', self.manager).create({'company_id': self.other_company.id})
        with self.assertRaises(AccessError):
            forged.action_save()

    def test_administrators_settings(self):
        """Odoo's own settings write the same company fields."""
        settings = self.env['res.config.settings'].with_company(self.company).create({
            'qualiopi_auto_acknowledge': True, 'qualiopi_digest': False,
        })
        settings.execute()
        self.assertTrue(self.company.qualiopi_auto_acknowledge)
        self.assertFalse(self.company.qualiopi_digest)

    def test_default_owner(self):
        """The closest rule names the owner: category before nature, both before either."""
        category = self.env.ref('qualiopi.category_content')
        self._own(self.officer)
        self._own(self.officer2, nature='difficulty')
        self._own(self.manager, category_id=category.id)
        self._own(self.declarant2, category_id=category.id, nature='difficulty')
        for values, owner in (
            ({}, self.officer),
            ({'nature': 'difficulty'}, self.officer2),
            ({'category_id': category.id}, self.manager),
            ({'category_id': category.id, 'nature': 'difficulty'}, self.declarant2),
        ):
            entry = self.env['qualiopi.complaint'].create({'description': "By a door", 'user_id': False, **values})
            self.assertEqual(entry.user_id, owner, values)
            entry = self.make_complaint(self.declarant, **values)
            self.assertEqual(entry.sudo().user_id, owner, values)

    def test_named_owner_stays(self):
        """Who names an owner is obeyed, and an officer keeps the own entry."""
        self._own(self.officer2)
        self.assertEqual(self.make_complaint(self.officer).user_id, self.officer)
        self.assertFalse(self.make_complaint(self.officer, user_id=False).user_id)
        named = self.env['qualiopi.complaint'].create({'description': "By a door", 'user_id': self.officer.id})
        self.assertEqual(named.user_id, self.officer)

    def test_without_rules(self):
        """Without a rule of the company everything is as before."""
        self.env['qualiopi.default.owner'].create({
            'company_id': self.other_company.id, 'user_id': self.other_officer.id,
        })
        self.assertEqual(self.make_complaint(self.declarant).user_id, self.declarant)

    def test_owner_without_access(self):
        """An owner who is gone, or may not open the entry, is passed over: the entry is never lost."""
        rule = self._own(self.officer)
        self._own(self.confidential, nature='safeguarding')
        report = self.env['qualiopi.complaint'].create({
            'description': "Harassment", 'nature': 'safeguarding', 'user_id': False,
        })
        self.assertEqual(report.user_id, self.confidential)
        violence = self.env['qualiopi.complaint'].create({
            'description': "Blows", 'category_id': self.env.ref('qualiopi.category_violence').id, 'user_id': False,
        })
        self.assertFalse(violence.user_id)
        rule.user_id.active = False
        self.assertEqual(self.make_complaint(self.declarant).user_id, self.declarant)

    def test_queries(self):
        """One lookup for a batch, whatever its size."""
        self._own(self.officer)
        model = self.model_as('qualiopi.complaint', self.declarant)
        vals_list = [{'description': f"Line {number}"} for number in range(100)]
        model._default_owner_for(vals_list)
        self.env.invalidate_all()
        before = self.env.cr.sql_log_count
        owners = model._default_owner_for(vals_list)
        self.assertLessEqual(self.env.cr.sql_log_count - before, 15)
        self.assertEqual(owners, [self.officer.with_env(owners[0].env)] * 100)

    def test_one_rule_each(self):
        """One owner for a nature and category, also where they are left empty."""
        self._own(self.officer)
        with self.assertRaises(IntegrityError), mute_logger('odoo.sql_db'), self.cr.savepoint():
            self._own(self.officer2)

    def test_rules_of_own_companies(self):
        """Managers keep the rules of their companies."""
        foreign = self.env['qualiopi.default.owner'].create({
            'company_id': self.other_company.id, 'user_id': self.other_officer.id,
        })
        with self.assertRaises(AccessError), mute_logger('odoo.addons.base.models.ir_rule'):
            foreign.with_user(self.manager).sequence = 1
        own = self.model_as('qualiopi.default.owner', self.manager).create({'user_id': self.officer.id})
        self.assertEqual(own.company_id, self.company)

    def test_escalation(self):
        """Escalation is a setting of each severity, of one day at least."""
        self.assertEqual([s.escalation_days for s in (self.minor, self.major, self.critical)], [5, 3, 1])
        with self.assertRaises(IntegrityError), mute_logger('odoo.sql_db'), self.cr.savepoint():
            self.minor.escalation_days = 0
            self.minor.flush_recordset()

    def test_activity_plans(self):
        """A quality manager makes a plan for each register, and an officer launches it."""
        complaint = self.make_complaint()
        finding = self.model_as('qualiopi.finding', self.officer).create({
            'name': "Cold rooms", 'source_id': self.env.ref('qualiopi.source_complaint').id,
        })
        action = self.model_as('qualiopi.improvement.action', self.officer).create({'name': "Repair the heating"})
        for record in (complaint, finding, action):
            plan = self.model_as('mail.activity.plan', self.manager).create({
                'name': "Visit", 'res_model': record._name,
                'template_ids': [(0, 0, {
                    'activity_type_id': self.env.ref('mail.mail_activity_data_todo').id,
                    'summary': "Look at the room", 'responsible_type': 'other', 'responsible_id': self.officer2.id,
                })],
            })
            self.env['mail.activity.schedule'].with_user(self.officer).with_context(
                active_model=record._name, active_ids=record.ids,
            ).create({'plan_id': plan.id}).action_schedule_plan()
            planned = record.activity_ids.filtered(lambda activity: activity.summary == "Look at the room")
            self.assertEqual(planned.user_id, self.officer2)
            self.assertFalse(planned.qualiopi_step)

    def test_plans_of_others(self):
        """A quality manager does not touch the plans of other applications."""
        plan = self.env['mail.activity.plan'].create({'name': "Other", 'res_model': 'res.partner'})
        with self.assertRaises(AccessError), mute_logger('odoo.addons.base.models.ir_rule'):
            plan.with_user(self.manager).name = "Mine"
