from odoo.tests import tagged

from odoo.addons.qualiopi.hooks import _REGISTERS, uninstall_hook

from .common import QualiopiCase


@tagged('post_install', '-at_install')
class TestUninstall(QualiopiCase):

    def test_uninstall_hook(self):
        """Uninstalling empties the registers, whatever their rows refer to (quality.md, E3)."""
        finding = self.make_finding()
        self.make_action('check', finding_ids=[(4, finding.id)])
        self.make_closed_complaint()
        self.env.flush_all()
        uninstall_hook(self.env)
        for table in _REGISTERS:
            self.env.cr.execute(f'SELECT count(*) FROM {table}')  # pylint: disable=sql-injection
            self.assertEqual(self.env.cr.fetchone(), (0,), table)

    def test_every_register_is_emptied(self):
        """A register that is added later is in the hook's list too."""
        stored = {
            model._table for model in self.env.values()
            if model._original_module == 'qualiopi' and not model._abstract and not model._transient
            and {'reference', 'company_id'} <= model._fields.keys()
        }
        self.assertLessEqual(stored, set(_REGISTERS))
