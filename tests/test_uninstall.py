from odoo.tests import tagged

from odoo.addons.qualiopi.hooks import _REGISTERS, uninstall_hook

from .test_answers import AnswerCase


@tagged('post_install', '-at_install')
class TestUninstall(AnswerCase):

    def test_uninstall_hook(self):
        """Uninstalling empties the registers, whatever their rows refer to (quality.md, E3)."""
        finding = self.make_finding()
        self.make_action('check', finding_ids=[(4, finding.id)])
        self.make_closed_complaint()
        answer = self.give(self.make_campaign(), content=4, free="Lively", consent=self.yes.id)
        self.env['qualiopi.publication'].create({
            'kind': 'testimony', 'course_id': self.course.id, 'company_id': self.company.id,
            'line_id': answer.user_input_line_ids.filtered('value_text_box').id,
        })
        survey = self.env['survey.survey'].create({'title': "Not ours"})
        other = self.env['survey.user_input'].create({'survey_id': survey.id})
        # As the demo data do: the company works by a calendar of ours.
        self.env['ir.model.data'].create({
            'module': 'qualiopi', 'name': 'test_calendar', 'model': 'resource.calendar',
            'res_id': self.company.resource_calendar_id.id,
        })
        analyse = self.env.ref('qualiopi.activity_type_analyse')
        elsewhere = self.customer.activity_schedule(activity_type_id=analyse.id, user_id=self.officer.id)
        ours = self.company.resource_calendar_id
        self.env.flush_all()
        self.assertTrue(self.env['mail.activity'].search([('res_model', '=like', 'qualiopi.%')]))
        uninstall_hook(self.env)
        self.assertFalse(self.env['mail.activity'].with_context(active_test=False).search([
            '|', ('res_model', '=like', 'qualiopi.%'), ('activity_type_id', '=', analyse.id),
        ]))
        self.assertEqual(elsewhere.activity_type_id, self.env.ref('mail.mail_activity_data_todo'))
        self.assertFalse(answer.exists())
        self.assertTrue(other.exists())
        self.assertTrue(self.company.resource_calendar_id)
        self.assertNotEqual(self.company.resource_calendar_id, ours)
        for table in _REGISTERS:
            self.env.cr.execute(f'SELECT count(*) FROM {table}')  # pylint: disable=sql-injection
            self.assertEqual(self.env.cr.fetchone(), (0,), table)

    def test_every_register_is_emptied(self):
        """A register that is added later is in the hook's list too."""
        stored = {
            model._table for model in self.env.values()
            # A view has no rows of its own.
            if model._original_module == 'qualiopi' and model._auto and not model._abstract and not model._transient
            and {'reference', 'company_id'} <= model._fields.keys()
        }
        self.assertLessEqual(stored, set(_REGISTERS))
