from contextlib import contextmanager
from datetime import date

from freezegun import freeze_time

from odoo import Command
from odoo.exceptions import AccessError, UserError
from odoo.tests import TransactionCase
from odoo.tools import mute_logger

from odoo.addons.mail.tests.common import mail_new_test_user

# A day on which referential V10 is in force: a Friday, in winter time.
TODAY = '2026-11-20 10:00:00'


@freeze_time(TODAY)
class QualiopiCase(TransactionCase):
    """A training provider with one user a role, and a second provider beside it."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.company = cls._make_company("Provider")
        cls.other_company = cls._make_company("Other provider")
        cls.env = cls.env(context={**cls.env.context, 'allowed_company_ids': [cls.company.id]})
        cls.company = cls.company.with_env(cls.env)

        cls.declarant = cls._make_user('declarant', 'qualiopi.group_declarant')
        cls.declarant2 = cls._make_user('declarant2', 'qualiopi.group_declarant')
        cls.officer = cls._make_user('officer', 'qualiopi.group_officer')
        cls.officer2 = cls._make_user('officer2', 'qualiopi.group_officer')
        cls.manager = cls._make_user('manager', 'qualiopi.group_manager')
        cls.confidential = cls._make_user('confidential', 'qualiopi.group_confidential')
        cls.confidential2 = cls._make_user('confidential2', 'qualiopi.group_confidential')
        cls.auditor = cls._make_user('auditor', 'qualiopi.group_auditor')
        cls.plain = cls._make_user('plain', 'base.group_user')
        cls.portal = cls._make_user('portal', 'base.group_portal')
        cls.public = cls.env.ref('base.public_user')
        cls.other_officer = cls._make_user('other_officer', 'qualiopi.group_officer', cls.other_company)
        cls.company.qualiopi_manager_id = cls.manager
        # The lead is in the confidential group from the start; here the two are told apart.
        cls.env.ref('qualiopi.group_confidential').user_ids = [Command.unlink(cls.manager.id)]

        cls.course = cls.env['qualiopi.course'].create({'name': "First aid"})
        cls.trainer = cls.env['res.partner'].create({'name': "Test Trainer", 'email': 'trainer@example.com'})
        cls.customer = cls.env['res.partner'].create({
            'name': "Test Learner", 'email': 'learner@example.com', 'phone': '+33 1 99 00 00 00',
        })
        cls.event = cls._make_event(cls.company, course_id=cls.course.id, trainer_ids=[Command.set(cls.trainer.ids)])
        cls.registration = cls._make_registration(cls.event)
        cls.cause = cls.env.ref('qualiopi.cause_communication')
        cls.undetermined = cls.env['qualiopi.cause'].search([('is_undetermined', '=', True)], limit=1)
        cls.minor = cls.env.ref('qualiopi.severity_minor')
        cls.major = cls.env.ref('qualiopi.severity_major')
        cls.critical = cls.env.ref('qualiopi.severity_critical')
        cls.stages = {
            phase: cls.env.ref(f'qualiopi.stage_{phase}')
            for phase in ('draft', 'plan', 'do', 'check', 'done', 'cancelled')
        }

    # === PEOPLE AND SESSIONS === #

    @classmethod
    def _make_company(cls, name):
        company = cls.env['res.company'].create({'name': name})
        # A calendar without holidays: deadlines are counted by hand in the tests.
        company.resource_calendar_id = cls.env['resource.calendar'].create({
            'name': name, 'tz': 'Europe/Paris', 'company_id': company.id,
        })
        return company

    @classmethod
    def _make_user(cls, name, groups, company=None):
        company = company or cls.company
        return mail_new_test_user(
            cls.env, f'qualiopi_{name}', groups=groups, name=f"Test {name}", email=f'{name}@example.com',
            lang='en_US', tz='Europe/Paris', notification_type='inbox' if 'portal' not in groups else 'email',
            company_id=company.id, company_ids=[Command.set(company.ids)],
        )

    @classmethod
    def _make_event(cls, company, **values):
        return cls.env['event.event'].create({
            'name': f"Session of {company.name}",
            'company_id': company.id,
            'date_begin': '2026-11-16 08:00:00',
            'date_end': '2026-11-17 16:00:00',
            'date_tz': 'Europe/Paris',
            **values,
        })

    @classmethod
    def _make_registration(cls, event, **values):
        return cls.env['event.registration'].create({
            'event_id': event.id, 'name': "Test Learner", 'email': 'learner@example.com', **values,
        })

    # === REGISTERS, AS USERS MAKE THEM === #

    @classmethod
    def model_as(cls, model, user):
        """A model in the hands of ``user``, all of whose companies are switched on."""
        return cls.env[model].with_user(user).with_context(allowed_company_ids=user.company_ids.ids)

    @classmethod
    def make_complaint(cls, user=None, **values):
        """An entry as ``user``, the officer by default, records it."""
        model = cls.model_as('qualiopi.complaint', user or cls.officer)
        if 'text_origin' in values:
            # Which door an entry came by is the program's to say.
            model = model._as_server()
        return model.create({'description': "The room was too cold for two days", **values})._as_user()

    @classmethod
    def make_confidential(cls, **values):
        """A safeguarding entry recorded by the confidential group."""
        return cls.make_complaint(cls.confidential, **{'nature': 'safeguarding', **values})

    @classmethod
    def make_closed_complaint(cls, **values):
        """A complaint with all that its closing needs, closed."""
        complaint = cls.make_complaint(**values)
        complaint.write(cls.closing_values(complaint.nature))
        complaint.action_close()
        return complaint

    @classmethod
    def closing_values(cls, nature='complaint'):
        """What the nature needs to be closed."""
        cause = {'cause_ids': [Command.set(cls.cause.ids)]}
        if nature in ('difficulty', 'unforeseen'):
            return {**cause, 'correction': "Another room was found", 'correction_for': "The whole group"}
        answered = {'ack_message': "We have received it", 'response': "The heating was repaired"}
        if nature == 'safeguarding':
            return {**answered, 'correction': "The persons were separated"}
        return {**answered, **cause, 'decision': 'founded'}

    @classmethod
    def make_finding(cls, user=None, **values):
        """A finding with a cause, as ``user``, the officer by default, records it."""
        return cls.model_as('qualiopi.finding', user or cls.officer).create({
            'description': "Rooms are not heated before the session",
            'cause_ids': [Command.set(cls.cause.ids)],
            'severity_id': cls.minor.id,
            **values,
        })

    @classmethod
    def action_values(cls, **values):
        """What an action needs to be planned."""
        return {
            'name': "Heat the rooms the day before",
            'user_id': cls.officer.id,
            'date_due': date(2026, 12, 31),
            'success_criterion': "No more complaint about the cold",
            **values,
        }

    @classmethod
    def make_action(cls, phase='draft', user=None, **values):
        """An action brought to ``phase`` through the real gates, the quality lead being its verifier."""
        user = user or cls.officer
        if 'finding_ids' not in values and 'no_finding_reason' not in values:
            values['finding_ids'] = [Command.set(cls.make_finding(user).ids)]
        action = cls.model_as('qualiopi.improvement.action', user).create(cls.action_values(**values))
        if phase == 'draft':
            return action
        if phase == 'cancelled':
            action.with_user(cls.manager).action_cancel("Another way was found")
            return action
        action.action_plan()
        if phase == 'plan':
            return action
        action.action_start()
        if phase == 'do':
            return action
        cls.add_statement(action)
        action.action_carry_out()
        if phase == 'check':
            return action
        cls.judge(action, 'effective')
        return action

    @classmethod
    def add_statement(cls, record, user=None, **values):
        """A dated written statement as evidence on a register record."""
        field = {
            'qualiopi.complaint': 'complaint_id',
            'qualiopi.finding': 'finding_id',
            'qualiopi.improvement.action': 'action_id',
            'qualiopi.effectiveness.check': 'check_id',
        }[record._name]
        return cls.model_as('qualiopi.evidence', user or record.env.user).create({
            'type': 'statement', 'statement': "The caretaker heats since Monday", field: record.id, **values,
        })

    @classmethod
    def pending_check(cls, action, user=None):
        """The planned check of an action, as its verifier sees it."""
        check = action.sudo().check_ids.filtered(lambda check: check.state == 'planned')[:1]
        return check.with_user(user or cls.manager).sudo(False)

    @classmethod
    def judge(cls, action, verdict, user=None, **values):
        """The verdict of the pending check, by the quality lead unless ``user`` says otherwise."""
        check = cls.pending_check(action, user)
        check.write({'verdict': verdict, 'conclusion': "Measured on three sessions", **values})
        return check

    def user_env(self, record, user):
        """The same record, in the hands of another user."""
        return record.with_user(user).sudo(False)

    # === ASSERTIONS === #

    @contextmanager
    def assertRefused(self, regex, error=UserError):
        """Expect an error whose English text matches ``regex``; what was done is rolled back."""
        with self.assertRaises(error) as raised:
            yield raised
        self.assertRegex(str(raised.exception), regex)

    @contextmanager
    def assertDenied(self):
        """Expect an AccessError, without its line in the log."""
        with self.muted(), self.assertRaises(AccessError) as raised:
            yield raised

    def muted(self):
        """Keep what refused accesses write out of the log."""
        return mute_logger('odoo.addons.base.models.ir_rule', 'odoo.addons.base.models.ir_model', 'odoo.models')

    def complete_entries(self):
        """The job that follows an entry through a door, as the scheduler runs it."""
        with self.enter_registry_test_mode():
            self.env.ref('qualiopi.ir_cron_complete_entries').method_direct_trigger()
        self.env.invalidate_all()

    def flush_tracking(self):
        """Write the tracking messages, as the end of a request does."""
        self.env.flush_all()
        self.cr.precommit.run()
