from contextlib import contextmanager
from datetime import date

from psycopg2 import IntegrityError

from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.fields import Command
from odoo.tests import TransactionCase, new_test_user, tagged
from odoo.tools import mute_logger

LISTS = (
    'qualiopi.channel',
    'qualiopi.category',
    'qualiopi.severity',
    'qualiopi.stakeholder',
    'qualiopi.cause',
    'qualiopi.remedy',
    'qualiopi.dropout.reason',
    'qualiopi.source',
    'qualiopi.action.stage',
)
REFERENTIAL_MODELS = (
    'qualiopi.referential',
    'qualiopi.criterion',
    'qualiopi.indicator',
    'qualiopi.indicator.statement',
)
ROLES = ('declarant', 'officer', 'manager', 'auditor', 'confidential')


class ConfigurationCase(TransactionCase):
    @contextmanager
    def assertRefused(self, exception, text):
        """Check that the block is refused with this text, and undo it."""
        with self.assertRaises(exception) as refusal:
            yield
        self.assertIn(text, str(refusal.exception))


@tagged('post_install', '-at_install')
class TestReferential(ConfigurationCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.v9 = cls.env.ref('qualiopi.referential_v9')
        cls.v10 = cls.env.ref('qualiopi.referential_v10')

    def numbers(self, referential, **values):
        """Return the indicator numbers of one version whose statement has these values."""
        statements = referential.statement_ids.filtered(
            lambda line: all(line[name] == value for name, value in values.items())
        )
        return set(statements.mapped('number'))

    def test_both_versions(self):
        self.assertEqual(self.numbers(self.v9), set(range(1, 33)))
        self.assertEqual(self.numbers(self.v10), set(range(1, 34)))
        self.assertEqual(self.env['qualiopi.indicator'].search_count([]), 33)
        self.assertEqual(self.env['qualiopi.criterion'].search([]).mapped('number'), [*range(1, 8)])
        self.assertEqual(
            set(self.env.ref('qualiopi.criterion_7').ids),
            set(
                self.env['qualiopi.indicator']
                .search([('number', '>=', 30)])
                .mapped('criterion_id.id')
            ),
        )
        self.assertFalse(self.v9.is_provisional)
        self.assertTrue(self.v10.is_provisional)
        self.assertEqual(self.numbers(self.v9, is_provisional=True), set())
        self.assertEqual(self.numbers(self.v10, is_provisional=False), set())

    def test_in_force(self):
        in_force = self.env['qualiopi.referential']._in_force
        self.assertEqual(in_force(date(2026, 10, 31)), self.v9)
        self.assertEqual(in_force(date(2026, 11, 1)), self.v10)
        self.assertEqual(in_force('2040-01-01'), self.v10)
        self.assertEqual(in_force(date(2021, 1, 1)), self.v9)
        self.assertFalse(in_force(date(2020, 12, 31)))
        self.assertFalse(in_force(False))
        with self.assertQueryCount(0):
            in_force(date(2026, 10, 31))
        # A change of the periods counts at once.
        self.v10.valid_to = date(2028, 12, 31)
        self.assertFalse(in_force(date(2029, 1, 1)))
        v11 = self.v10.create({'code': 'V11', 'name': "V11", 'valid_from': date(2029, 1, 1)})
        self.assertEqual(in_force(date(2029, 1, 1)), v11)

    def test_periods_do_not_overlap(self):
        with self.assertRefused(ValidationError, "V9 and V10"):
            self.v9.valid_to = date(2026, 11, 1)
        with self.assertRefused(ValidationError, "V10 and V11"):
            self.v10.create({'code': 'V11', 'name': "V11", 'valid_from': date(2029, 1, 1)})
        with mute_logger('odoo.sql_db'), self.assertRaises(IntegrityError):
            self.v9.valid_to = date(2020, 1, 1)

    def test_weighting(self):
        minor = {1, 2, 3, 8, 9, 12, 13, 17, 18, 19, 23, 24, 25, 28, 30}
        major = {4, 5, 6, 7, 10, 11, 14, 15, 16, 20, 21, 22, 26, 27, 29, 31, 32}
        for version in (self.v9, self.v10):
            self.assertEqual(self.numbers(version, weighting='minor_or_major'), minor)
            self.assertEqual(self.numbers(version, weighting='major_only'), major)
            self.assertEqual(
                self.numbers(version, is_new_entrant_adapted=True),
                {2, 3, 11, 13, 14, 19, 22, 24, 25, 26, 32},
            )
            self.assertTrue({2, 11, 12, 26, 27, 30, 31, 32} <= self.numbers(version, kind='common'))
        # Indicator 33 is new, for apprenticeship only, and nobody has published its weighting.
        line = self.env.ref('qualiopi.indicator_33').statement_ids
        self.assertRecordValues(
            line,
            [
                {
                    'referential_id': self.v10.id,
                    'kind': 'specific',
                    'for_af': False,
                    'for_bc': False,
                    'for_vae': False,
                    'for_app': True,
                    'weighting': False,
                }
            ],
        )

    def test_names(self):
        indicator = self.env.ref('qualiopi.indicator_32')
        self.assertEqual(indicator.display_name, "32 – Continuous improvement and risk analysis")
        for text in ('32', 'risk analysis', '32 – Continuous improvement and risk analysis'):
            found = self.env['qualiopi.indicator'].name_search(text)
            self.assertIn(indicator.id, [row[0] for row in found], text)
        self.assertEqual(indicator._statements(self.v9).name, "Improvement measures")
        self.assertFalse(self.env.ref('qualiopi.indicator_33')._statements(self.v9))

    def test_current_statement(self):
        indicator = self.env.ref('qualiopi.indicator_32')
        today = self.env['qualiopi.referential']._in_force('2026-11-20')
        self.assertIn("risk analysis", indicator._statements(today).statement)
        self.assertEqual(indicator.weighting, 'major_only')
        self.assertTrue(indicator.current_statement)


@tagged('post_install', '-at_install')
class TestLists(ConfigurationCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.users_by_role = {
            role: new_test_user(
                cls.env, login=f'config_{role}', groups=f'base.group_user,qualiopi.group_{role}'
            )
            for role in ROLES
        }
        cls.manager = cls.users_by_role['manager']

    def test_defaults(self):
        severities = [
            (
                level,
                *(severity[f'{step}_days'] for step in ('ack', 'analysis', 'response', 'check')),
            )
            for level in ('minor', 'major', 'critical')
            for severity in self.env.ref(f'qualiopi.severity_{level}')
        ]
        self.assertEqual(
            severities,
            [('minor', 2, 10, 15, 90), ('major', 2, 5, 10, 60), ('critical', 1, 2, 5, 30)],
        )
        confidential = self.env['qualiopi.category'].search([('is_confidential', '=', True)])
        self.assertEqual(
            set(confidential.get_external_id().values()),
            {
                f'qualiopi.category_{name}'
                for name in ('violence', 'sexist_violence', 'harassment', 'discrimination')
            },
        )
        self.assertTrue(all(confidential.mapped('is_escalated')))
        confirmed = self.env['qualiopi.channel'].search([('needs_written_confirmation', '=', True)])
        self.assertEqual(set(confirmed.mapped('code')), {'phone', 'in_person'})
        personal = self.env['qualiopi.dropout.reason'].search([('is_personal', '=', True)])
        self.assertEqual(len(personal), 2)
        self.assertTrue(self.env.ref('qualiopi.stage_done').fold)
        self.assertFalse(self.env.ref('qualiopi.stage_check').fold)

    def test_each_role_reads(self):
        for role, user in self.users_by_role.items():
            for model in (*LISTS, *REFERENTIAL_MODELS):
                with self.subTest(role=role, model=model):
                    records = self.env[model].with_user(user).search([], limit=2)
                    self.assertTrue(records.mapped('display_name'))

    def test_only_the_manager_writes(self):
        for role, user in self.users_by_role.items():
            for model in LISTS:
                with self.subTest(role=role, model=model):
                    values = self.env[model].with_user(user)
                    if role != 'manager':
                        for operation in ('write', 'create', 'unlink'):
                            self.assertFalse(values.has_access(operation), operation)
                        continue
                    value = values.create({'name': "One more"})
                    value.name = "Another name"
                    value.unlink()
            for model in REFERENTIAL_MODELS:
                for operation in ('write', 'create', 'unlink'):
                    self.assertFalse(self.env[model].with_user(user).has_access(operation))

    def test_technical_values_are_archived_not_deleted(self):
        channel = self.env.ref('qualiopi.channel_email').with_user(self.manager)
        with self.assertRefused(UserError, "Archive it instead"):
            channel.unlink()
        channel.action_archive()
        self.assertFalse(channel.active)
        self.assertFalse(channel.copy().code)

    def test_confidentiality_of_a_category(self):
        category = self.env.ref('qualiopi.category_harassment').with_user(self.manager)
        with self.assertRefused(AccessError, "Confidential reports"):
            category.is_confidential = False
        category.write({'is_confidential': True, 'color': 3})
        self.manager.group_ids = [Command.link(self.env.ref('qualiopi.group_confidential').id)]
        category.is_confidential = False
        self.assertFalse(category.is_confidential)

    def test_delays_are_positive(self):
        with mute_logger('odoo.sql_db'), self.assertRaises(IntegrityError):
            self.env.ref('qualiopi.severity_minor').ack_days = 0

    def test_companies(self):
        other = self.env['res.company'].create({'name': "Other provider"})
        for model in LISTS:
            with self.subTest(model=model):
                value = self.env[model].create({'name': "Theirs", 'company_id': other.id})
                values = self.env[model].with_user(self.manager)
                self.assertFalse(values.search([('id', '=', value.id)]))
                self.assertTrue(values.search([], limit=1))
                with mute_logger('odoo.addons.base.models.ir_rule'):
                    with self.assertRaises(AccessError):
                        value.with_user(self.manager).name = "Mine"
                    with self.assertRaises(AccessError):
                        values.create({'name': "For them", 'company_id': other.id})


@tagged('post_install', '-at_install')
class TestActionStage(ConfigurationCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.Stage = cls.env['qualiopi.action.stage']
        phases = [key for key, _label in cls.Stage._fields['phase'].selection]
        cls.stages = {phase: cls.env.ref(f'qualiopi.stage_{phase}') for phase in phases}

    def test_last_of_its_phase(self):
        for phase, stage in self.stages.items():
            with self.subTest(phase=phase):
                with self.assertRefused(UserError, "last stage of the phase"):
                    stage.unlink()
                with self.assertRefused(UserError, "last stage of the phase"):
                    stage.action_archive()
                with self.assertRefused(UserError, "last stage of the phase"):
                    stage.phase = 'plan' if phase != 'plan' else 'do'
                with self.assertRefused(UserError, "last stage of the phase"):
                    stage.with_context(active_test=False).active = False
        self.assertTrue(all(stage.active for stage in self.stages.values()))

    def test_one_of_two(self):
        second = self.Stage.create({'name': "Waiting", 'phase': 'do'})
        self.stages['do'].action_archive()
        with self.assertRefused(UserError, "In progress"):
            second.action_archive()
        self.stages['do'].action_unarchive()
        second.phase = 'plan'
        second.unlink()
        with self.assertRefused(UserError, "last stage of the phase"):
            (self.stages['do'] | self.stages['plan']).unlink()

    def test_stage_of_one_company(self):
        """A stage of one company does not stand in for a shared one."""
        self.env['res.company'].create({'name': "Other provider"})
        self.Stage.create({'name': "Ours", 'phase': 'do', 'company_id': self.env.company.id})
        with self.assertRefused(UserError, "last stage of the phase"):
            self.stages['do'].unlink()
        with self.assertRefused(UserError, "last stage of the phase"):
            self.stages['do'].company_id = self.env.company

    def test_stage_in_use(self):
        stage = self.Stage.create({'name': "Ideas", 'phase': 'draft'})
        self.env['qualiopi.improvement.action'].create({'name': "Try", 'stage_id': stage.id})
        stage.write({'phase': 'draft', 'name': "New ideas"})
        with self.assertRefused(UserError, "New ideas"):
            stage.phase = 'done'
