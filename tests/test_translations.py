import re
from string import Formatter

import polib

from odoo.tests import TransactionCase, tagged
from odoo.tools.misc import file_path

PRINTF = re.compile(r'%(?:\((\w+)\))?[#0\- +]*\d*(?:\.\d+)?[sdfr%]')


@tagged('post_install', '-at_install')
class TestTranslations(TransactionCase):
    """French is complete, and says the same with the same placeholders."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.template = polib.pofile(file_path('qualiopi/i18n/qualiopi.pot'))
        cls.french = polib.pofile(file_path('qualiopi/i18n/fr.po'))

    def _tagged_names(self, text):
        """Tags and attributes that carry no words, in their order."""
        return re.findall(r'</?(\w+)', text)

    def test_complete(self):
        known = {(entry.msgctxt, entry.msgid): entry for entry in self.french if not entry.obsolete}
        missing = [
            entry.msgid for entry in self.template
            if not known.get((entry.msgctxt, entry.msgid)) or not known[entry.msgctxt, entry.msgid].msgstr.strip()
        ]
        self.assertFalse(missing, f"{len(missing)} terms without French")
        self.assertFalse([entry.msgid for entry in self.french.fuzzy_entries()])
        self.assertFalse([entry.msgid for entry in self.french.untranslated_entries()])

    def test_placeholders(self):
        for entry in self.french.translated_entries():
            source, target = entry.msgid, entry.msgstr
            self.assertEqual(
                sorted(match.group(0) for match in PRINTF.finditer(source)),
                sorted(match.group(0) for match in PRINTF.finditer(target)), source,
            )
            self.assertEqual(
                sorted(filter(None, self._braces(source))), sorted(filter(None, self._braces(target))), source,
            )
            self.assertEqual(sorted(self._tagged_names(source)), sorted(self._tagged_names(target)), source)

    def _braces(self, text):
        try:
            return [name for __, name, __, __ in Formatter().parse(text) if name]
        except ValueError:
            return []

    def test_template_is_fresh(self):
        """The terms of the registers' models stand in the template."""
        terms = {entry.msgid for entry in self.template}
        for name in sorted(self.env.registry):
            model = self.env[name]
            if not name.startswith('qualiopi.'):
                continue
            for field in model._fields.values():
                if field._module == 'qualiopi' and field.export_string_translation and (
                    field.string and not field.inherited
                ):
                    self.assertIn(field.string, terms, str(field))
