from contextlib import contextmanager, suppress
from datetime import date, datetime

from freezegun import freeze_time

from odoo.exceptions import UserError
from odoo.fields import NO_ACCESS
from odoo.models import MAGIC_COLUMNS
from odoo.tests import tagged

from .common import TODAY
from .each_model import EachModelCase

# Odoo's own mechanisms, whose fields are no statement of ours.
_CORE = ('message_', 'activity_', 'my_activity_')
# Some that were open once: none of them is left out by mistake.
_KNOWN = {
    'qualiopi.evidence.user_id', 'qualiopi.evidence.is_original', 'qualiopi.communication.user_id',
    'qualiopi.audit.question.answered_by_id', 'qualiopi.improvement.action.referential_date',
    'qualiopi.result.taken_on', 'qualiopi.feedback.campaign.signal_on', 'qualiopi.drill.drawn_by_id',
}


class _UndoneError(Exception):
    pass


@tagged('post_install', '-at_install')
@freeze_time(TODAY)
class TestProgramFields(EachModelCase):
    """What a screen does not let people write, no remote call writes either: an auditor relies on it."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.env['qualiopi.feedback.rule'].create({
            'company_id': cls.company.id, 'stakeholder_id': cls.stakeholder.id, 'moment': 'hot',
            'survey_id': cls.survey.id,
        })
        cls.model_as('qualiopi.readiness.run', cls.officer)._run(cls.company)
        cls.kept = {'qualiopi.readiness.result': cls.env['qualiopi.readiness.result'].search([
            ('company_id', '=', cls.company.id)], limit=1)}
        cls.others = {
            'qualiopi.course': cls.env['qualiopi.course'].create({'name': "Rescue"}),
            'res.users': cls.officer2, 'res.company': cls.other_company, 'res.partner': cls.trainer,
            'event.event': cls._make_event(cls.company), 'qualiopi.complaint': cls.make_complaint(),
            'qualiopi.finding': cls.make_finding(), 'qualiopi.improvement.action': cls.make_action(),
            'qualiopi.review': cls.model_as('qualiopi.review', cls.manager).create({'date': '2026-12-20 13:00:00'}),
            'calendar.event': cls.env['calendar.event'].create({
                'name': "Elsewhere", 'start': '2026-12-03 10:00:00', 'stop': '2026-12-03 11:00:00'}),
            'qualiopi.evidence': cls.add_statement(cls.complaint),
        }

    def _fields_of(self, user, operation):
        """The models whose records ``user`` may write or make, with their fields of the program."""
        for model in self.models(user, operation):
            names = [field.name for field in model._fields.values() if self._is_program_field(field)]
            if names:
                yield model, names

    @staticmethod
    def _is_program_field(field):
        is_fixed = field.readonly or field.groups == NO_ACCESS
        return (
            field.store and is_fixed and field.type not in ('one2many', 'many2many')
            and field.name not in MAGIC_COLUMNS and not field.name.startswith(_CORE)
        )

    def _other(self, record, name):
        """A value that the field of the record does not have."""
        field, value = record._fields[name], record[name]
        if field.type == 'many2one':
            model = self.env[field.comodel_name]
            other = self.others.get(field.comodel_name) or model.search([('id', '!=', value.id)], limit=1)
            self.assertTrue(other and other != value, f"a {field.comodel_name} other than that of {field}")
            return other.id
        if field.type == 'selection':
            return next(key for key in field.get_values(self.env) if key != value)
        if field.type in ('integer', 'float'):
            return (value or 0) + 3
        return {
            'boolean': not value, 'date': date(2026, 3, 2), 'datetime': datetime(2026, 3, 2, 9),
            'json': {'said': "so"},
        }.get(field.type, "Forged")

    @contextmanager
    def _undone(self):
        """Whatever happens inside is rolled back."""
        with suppress(_UndoneError), self.muted(), self.cr.savepoint():
            yield
            raise _UndoneError

    def test_write(self):
        """By a write of one field, as officer and as quality lead."""
        tried = set()
        for user in (self.officer, self.manager):
            for model, names in self._fields_of(user, 'write'):
                with self._undone():
                    record = self.kept.get(model._name) or self.make(model, user)
                    for name in names:
                        value = self._other(record.sudo(), name)
                        with self.subTest(user=user.login, field=str(model._fields[name])), self._undone():
                            with self.assertRaises(UserError):
                                self.user_env(record, user).write({name: value})
                            tried.add(str(model._fields[name]))
        self.assertLessEqual(_KNOWN, tried)

    def test_create(self):
        """By the values of a new record, and by the defaults that a caller puts into the context."""
        tried = set()
        for user in (self.officer, self.manager):
            for model, names in self._fields_of(user, 'create'):
                with self._undone():
                    record = self.make(model, user).sudo()
                    values = {name: self._other(record, name) for name in names}
                for name, value in values.items():
                    field = model._fields[name]
                    for how, given, context in (
                        ('value', {name: value}, {}), ('context', {}, {f'default_{name}': value}),
                    ):
                        with self.subTest(user=user.login, field=str(field), how=how), self._undone():
                            tried.add(str(field))
                            with suppress(UserError):
                                record = self.make(model.with_context(**context), user, **given).sudo()
                                self.assertNotEqual(field.convert_to_write(record[name], record), value)
        self.assertLessEqual(_KNOWN, tried)
