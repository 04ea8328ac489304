from odoo import Command
from odoo.exceptions import UserError
from odoo.tests import tagged

from .common import QualiopiCase

# Who did it is a fact, whatever companies the person has since.
FACTS = {'ack_user_id', 'response_user_id', 'correction_user_id'}
REGISTERS = ('qualiopi.complaint', 'qualiopi.finding', 'qualiopi.improvement.action', 'qualiopi.effectiveness.check',
             'qualiopi.evidence')


@tagged('post_install', '-at_install')
class TestMultiCompany(QualiopiCase):
    """What is another company's is invisible, and no link crosses companies (quality.md, B6)."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.both = cls._make_user('both', 'qualiopi.group_manager,event.group_event_user')
        cls.both.company_ids = [Command.link(cls.other_company.id)]
        cls.mine = cls._chain(cls.officer, cls.customer)
        cls.theirs = cls._chain(cls.other_officer, cls.customer)

    @classmethod
    def _chain(cls, user, partner):
        complaint = cls.make_complaint(user, name=f"Entry of {user.name}", partner_id=partner.id)
        finding = cls.make_finding(user, name=f"Finding of {user.name}", complaint_ids=[Command.link(complaint.id)])
        action = cls.make_action(
            'plan', user, user_id=user.id, name=f"Action of {user.name}", finding_ids=[Command.set(finding.ids)],
        )
        evidence = cls.add_statement(action, user)
        return dict(zip(REGISTERS, (complaint, finding, action, action.check_ids, evidence), strict=True))

    def _as_both(self, model):
        return self.env[model].with_user(self.both).with_context(
            allowed_company_ids=[self.company.id, self.other_company.id],
        )

    def test_invisible(self):
        for user, own, foreign in (
            (self.officer, self.mine, self.theirs), (self.manager, self.mine, self.theirs),
            (self.auditor, self.mine, self.theirs), (self.other_officer, self.theirs, self.mine),
        ):
            for model in REGISTERS:
                records = self.model_as(model, user)
                self.assertEqual(records.search([]), own[model].with_env(records.env), model)
                self.assertEqual(records.search_count([]), 1)
                self.assertEqual(records._read_group([], ['company_id'], ['__count']), [
                    (own[model].company_id.with_env(records.env), 1),
                ])
                self.assertEqual([row[0] for row in records.name_search('')], own[model].ids)
                self.assertFalse(records.search([('id', '=', foreign[model].id)]))
                for call in (
                    lambda r: r.read(['display_name']), lambda r: r.write({'name': "Mine"}),
                ):
                    with self.assertDenied():
                        call(records.browse(foreign[model].id))

    def test_one_of_a_batch(self):
        """One wrong link is refused, wherever it stands among right ones that are alike."""
        theirs = self._make_event(self.other_company)
        right = {'description': "The room was cold", 'company_id': self.company.id, 'event_id': self.event.id}
        wrong = {**right, 'event_id': theirs.id}
        for batch in ([right, right, wrong], [wrong, right, right], [right, {**right, 'event_id': False}, wrong]):
            with self.assertRefused("inconsistencies"):
                self._as_both('qualiopi.complaint').create(batch)
        made = self._as_both('qualiopi.complaint').create([right] * 3)
        with self.assertRefused("inconsistencies"):
            made.write({'event_id': theirs.id})

    def test_counts(self):
        """Smart buttons count what the user sees."""
        for user in (self.officer, self.other_officer):
            partner = self.customer.with_user(user).with_context(allowed_company_ids=user.company_ids.ids)
            self.assertEqual(partner.complaint_count, 1)
            self.assertEqual(
                self.model_as('qualiopi.complaint', user).search_count(partner.action_view_complaints()['domain']), 1,
            )
        partner = self.customer.with_user(self.both)
        for companies, count in (
            ([self.company.id], 1), ([self.other_company.id], 1), ([self.company.id, self.other_company.id], 2),
        ):
            self.assertEqual(partner.with_context(allowed_company_ids=companies).complaint_count, count)
        event = self._make_event(self.company)
        self.make_complaint(event_id=event.id)
        self.assertEqual(self.user_env(event, self.officer).complaint_count, 1)
        self.assertEqual(self.user_env(event, self.declarant).complaint_count, 0)

    def test_company_never_changes(self):
        for model in REGISTERS[:3]:
            record = self._as_both(model).browse(self.mine[model].id)
            with self.assertRefused("filled in by the program"):
                record.write({'company_id': self.other_company.id})
            with self.assertRefused("filled in by the program"):
                record.sudo().write({'company_id': self.other_company.id})
            record.write({'company_id': self.company.id})
            self.assertEqual(record.company_id, self.company)
        # Nor by the record that carries it.
        with self.muted(), self.assertRaises(UserError):
            self._as_both('qualiopi.effectiveness.check').browse(self.mine[REGISTERS[3]].id).write({
                'action_id': self.theirs['qualiopi.improvement.action'].id,
            })

    def _foreign_values(self):
        """A record of the other company for each model that our links lead to."""
        event = self._make_event(self.other_company)
        partner = self.env['res.partner'].create({'name': "Foreign", 'company_id': self.other_company.id})
        values = {
            'res.users': self.other_officer,
            'res.partner': partner,
            'event.event': event,
            'event.registration': self._make_registration(event),
            'qualiopi.course': self.env['qualiopi.course'].create({
                'name': "Foreign", 'company_id': self.other_company.id,
            }),
            'qualiopi.feedback.campaign': self.env['qualiopi.feedback.campaign'].create({
                'name': "Foreign", 'company_id': self.other_company.id, 'means': 'meeting',
                'stakeholder_id': self.env.ref('qualiopi.stakeholder_company').id,
            }),
            **self.theirs,
        }
        for name in self.env.registry:
            model = self.env[name]
            if name.startswith('qualiopi.') and name not in values and 'name' in model._fields and (
                'company_id' in model._fields and not model._fields['company_id'].required
                and not model._fields['company_id'].compute and not model._fields['company_id'].related
                and not model._transient and not model._abstract and model._auto
            ):
                values[name] = model.create({
                    'name': "Foreign", 'company_id': self.other_company.id,
                    **({'threshold': 50} if 'threshold' in model._fields else {}),
                })
        return values

    def test_check_company(self):
        """Each link of each register refuses what is another company's."""
        foreign = self._foreign_values()
        tried = set()
        for name in (*REGISTERS, 'qualiopi.communication'):
            model = self._as_both(name)
            if name == 'qualiopi.communication':
                record = model.create({
                    'action_id': self.mine['qualiopi.improvement.action'].id, 'text': "The rooms are heated",
                })
            else:
                record = model.browse(self.mine[name].id)
            for field in model._fields.values():
                if field.type not in ('many2one', 'many2many') or not field.store or field.readonly or (
                    field.name in FACTS or field.comodel_name not in foreign
                ):
                    continue
                target = foreign[field.comodel_name].sudo()
                value = target.id if field.type == 'many2one' else [Command.link(target.id)]
                with self.muted(), self.assertRaises(UserError, msg=str(field)):
                    record.write({field.name: value})
                    record.flush_recordset()
                tried.add(str(field))
        for field in ('qualiopi.complaint.partner_id', 'qualiopi.complaint.finding_ids', 'qualiopi.finding.action_ids',
                      'qualiopi.complaint.category_id', 'qualiopi.improvement.action.stage_id',
                      'qualiopi.complaint.user_id', 'qualiopi.effectiveness.check.verifier_id',
                      'qualiopi.complaint.cause_ids', 'qualiopi.evidence.action_id'):
            self.assertIn(field, tried)

    def test_links_declare_it(self):
        """check_company stands on every link between records of companies."""
        for name in (*REGISTERS, 'qualiopi.communication'):
            for field in self.env[name]._fields.values():
                if field.type not in ('many2one', 'many2many') or not field.store or field.readonly or field.related:
                    continue
                if field.name in FACTS:
                    continue
                if 'company_id' in self.env[field.comodel_name]._fields and field.comodel_name != 'res.company':
                    self.assertTrue(field.check_company, str(field))

    def test_rules_on_every_model(self):
        """Each model of ours with a company has a rule for everybody about it."""
        for name in self.env.registry:
            model = self.env[name]
            if not name.startswith('qualiopi.') or model._abstract or model._transient:
                continue
            if 'company_id' not in model._fields:
                continue
            rules = self.env['ir.rule'].search([('model_id.model', '=', name), ('groups', '=', False)])
            self.assertTrue(any('company' in (rule.domain_force or '') for rule in rules), name)

    def test_quality_lead_of_the_company(self):
        with self.assertRaises(UserError):
            self.company.qualiopi_manager_id = self.other_officer

    def test_manager_elsewhere(self):
        """A manager of one company has no say in another."""
        for model in REGISTERS[:3]:
            with self.assertDenied():
                self.user_env(self.theirs[model], self.manager).with_context(
                    allowed_company_ids=self.company.ids,
                ).action_cancel("Not mine at all")
