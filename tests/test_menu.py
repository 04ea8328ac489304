from importlib.util import module_from_spec, spec_from_file_location

from odoo.exceptions import AccessError
from odoo.tests import tagged
from odoo.tools import file_path

from ..models.qualiopi_menu import PARTS
from .common import QualiopiCase

_FEW = {
    'qualiopi.qualiopi_menu_home', 'qualiopi.qualiopi_menu_register', 'qualiopi.qualiopi_menu_plan',
    'qualiopi.qualiopi_menu_print', 'qualiopi.qualiopi_menu_config',
}
_OF_PART = {
    'feedback': 'qualiopi.qualiopi_menu_feedback', 'review': 'qualiopi.qualiopi_menu_review_root',
    'audit': 'qualiopi.qualiopi_menu_audit',
}


@tagged('post_install', '-at_install')
class TestMenu(QualiopiCase):
    """A new database shows few menus, the others as they are switched on or as they come (design.md)."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        for part in PARTS:
            cls.env['res.groups']._qualiopi_use(part, False)

    def _menus(self, user):
        """The menus at the top that a user sees."""
        menus = self.env['ir.ui.menu'].with_user(user).load_menus(False)
        root = menus[self.env.ref('qualiopi.qualiopi_menu_root').id]
        return {menus[child]['xmlid'] for child in root['children']}

    def _set(self, user, **values):
        wizard = self.model_as('qualiopi.settings', user).create({})
        wizard.write(values)
        return wizard.action_save()

    def test_new_database(self):
        self.assertEqual(self._menus(self.manager), _FEW)
        self.assertEqual(self._menus(self.officer), _FEW - {'qualiopi.qualiopi_menu_config'})
        self.assertEqual(
            self._menus(self.declarant), {'qualiopi.qualiopi_menu_register', 'qualiopi.qualiopi_menu_plan'})

    def test_switched_on_and_off(self):
        for part, menu in _OF_PART.items():
            with self.subTest(part):
                action = self._set(self.manager, **{f'qualiopi_uses_{part}': True})
                self.assertEqual(action['tag'], 'reload', "the menus are read again")
                for user in (self.manager, self.officer, self.auditor):
                    self.assertIn(menu, self._menus(user))
                self.assertNotIn(menu, self._menus(self.declarant))
                self.assertTrue(self.model_as('qualiopi.settings', self.manager).create({})[f'qualiopi_uses_{part}'])
                self._set(self.manager, **{f'qualiopi_uses_{part}': False})
                self.assertNotIn(menu, self._menus(self.officer))

    def test_by_odoo_settings(self):
        settings = self.env['res.config.settings'].create({'qualiopi_uses_audit': True})
        settings.execute()
        self.assertEqual(self._menus(self.manager), _FEW | {_OF_PART['audit']})

    def test_by_the_first_record(self):
        self.model_as('qualiopi.review', self.officer).create({
            'date': '2026-11-20', 'date_from': '2026-09-01', 'date_to': '2026-11-19',
        })
        self.assertEqual(self._menus(self.manager), _FEW | {_OF_PART['review']})
        self.model_as('qualiopi.certificate', self.manager).create({
            'number': "C-1", 'certifier_id': self.env['res.partner'].create({'name': "Certifier"}).id,
            'date_from': '2026-01-01',
        })
        self.assertIn(_OF_PART['audit'], self._menus(self.officer))
        self.model_as('qualiopi.feedback.campaign', self.officer).create({
            'stakeholder_id': self.env.ref('qualiopi.stakeholder_beneficiary').id, 'means': 'meeting',
        })
        self.assertEqual(self._menus(self.manager), _FEW | set(_OF_PART.values()))

    def test_hidden_is_not_closed(self):
        """What has no menu can be opened all the same by whoever may read it."""
        self.assertTrue(self.model_as('qualiopi.review', self.officer).has_access('create'))

    def test_only_managers(self):
        for user in (self.officer, self.declarant, self.auditor):
            with self.assertDenied():
                self._set(user, qualiopi_uses_audit=True)
        with self.assertRaises(AccessError):
            self.company.with_user(self.manager).sudo(False).qualiopi_uses_audit = True

    def test_upgrade(self):
        spec = spec_from_file_location('post_menus', file_path('qualiopi/migrations/19.0.1.3.0/post-menus.py'))
        module = module_from_spec(spec)
        spec.loader.exec_module(module)
        module.migrate(self.env.cr, '19.0.1.2.0')
        self.assertEqual(self._menus(self.manager), _FEW | set(_OF_PART.values()))
