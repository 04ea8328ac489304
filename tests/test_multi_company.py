from odoo import Command
from odoo.exceptions import UserError
from odoo.tests import freeze_time, tagged
from odoo.tools import SQL

from .common import TODAY, QualiopiCase
from .each_model import EachModelCase

# Who did it is a fact, whatever companies the person has since.
FACTS = {'ack_user_id', 'response_user_id', 'correction_user_id'}
FACTS_BESIDE = {'qualiopi.dropout.contact.user_id'}
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

    def test_counts_follow_the_rights(self):
        """The query of a session's buttons is kept, but no longer than the rights that it follows from."""
        event = self._make_event(self.company)
        self.make_complaint(event_id=event.id)
        self.make_confidential(event_id=event.id)

        def count():
            self.env.invalidate_all()
            return self.user_env(event, self.officer).complaint_count

        confidential = self.env.ref('qualiopi.group_confidential')
        self.assertEqual(count(), 1)
        self.officer.group_ids += confidential
        self.assertEqual(count(), 2)
        self.officer.group_ids -= confidential
        self.assertEqual(count(), 1)
        self.env.ref('qualiopi.group_officer').implied_ids += confidential
        self.assertEqual(count(), 2)
        self.env.ref('qualiopi.group_officer').implied_ids -= confidential
        self.assertEqual(count(), 1)
        self.env['ir.rule'].create({
            'name': "Nothing", 'model_id': self.env['ir.model']._get_id('qualiopi.complaint'),
            'domain_force': "[(0, '=', 1)]",
        })
        self.assertEqual(count(), 0)

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
        """check_company stands on every link between records of companies, and is looked at."""
        checked = set()
        for name in self.env.registry:
            model = self.env[name]
            if not name.startswith('qualiopi.') or 'company_id' not in model._fields or model._transient:
                continue
            for field in model._fields.values():
                if field.type not in ('many2one', 'many2many') or not field.store or field.readonly or field.related:
                    continue
                if field.name in FACTS or str(field) in FACTS_BESIDE:
                    continue
                if model._fields['company_id'].related == f'{field.name}.company_id' and not field.check_company:
                    # The company is that of the other end: there is nothing to compare.
                    continue
                if 'company_id' in self.env[field.comodel_name]._fields and field.comodel_name != 'res.company':
                    self.assertTrue(field.check_company, str(field))
                    self.assertTrue(model._check_company_auto, name)
                    checked.add(name)
        self.assertLessEqual({*REGISTERS, 'qualiopi.communication', 'qualiopi.dropout', 'qualiopi.risk'}, checked)

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


@tagged('post_install', '-at_install')
@freeze_time(TODAY)
class TestEachModelElsewhere(EachModelCase):
    """Each model of ours, not the registers alone (quality.md, B6)."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        campaign = cls.model_as('qualiopi.feedback.campaign', cls.officer).create({
            'stakeholder_id': cls.stakeholder.id, 'event_id': cls.event.id, 'moment': 'hot', 'survey_id': cls.survey.id,
        })
        campaign._as_server().state = 'done'
        cls.model_as('qualiopi.readiness.run', cls.officer)._run(cls.company)
        own = {'company_id': cls.company.id}
        # What nobody makes by hand.
        cls.program_values = {
            'qualiopi.access.log': {
                **own, 'date': TODAY[:10], 'time': TODAY, 'user_id': cls.officer.id, 'operation': 'open',
                'res_model': 'qualiopi.complaint', 'res_id': cls.complaint.id,
            },
            'qualiopi.audit.visit': {
                'link_id': cls.make(cls.env['qualiopi.audit.link'], cls.manager).id, 'page': 'code',
            },
            'qualiopi.complaint.version': {
                'complaint_id': cls.complaint.id, 'description': "Cold", 'user_id': cls.officer.id, 'date': TODAY,
            },
            'qualiopi.drill.line': {
                'drill_id': cls.make(cls.env['qualiopi.drill'], cls.officer).id, 'event_id': cls.event.id,
            },
            'qualiopi.evidence.piece': {
                'file_id': cls.make(cls.env['qualiopi.evidence.file'], cls.officer).id, 'kind': 'document',
            },
            'qualiopi.feedback.invite': {'campaign_id': campaign.id, 'name': "Somebody", 'person_key': "somebody"},
            'qualiopi.incoming.mail': {**own, 'key': "a mail"},
            'qualiopi.postponement': {
                'action_id': cls.action.id, 'old_date': TODAY[:10], 'reason': "The plumber is ill",
                'user_id': cls.officer.id,
            },
            'qualiopi.pseudonym': {**own, 'key': "somebody", 'name': "Somebody", 'number': 1},
            'qualiopi.risk.evaluation': {
                'risk_id': cls.make(cls.env['qualiopi.risk'], cls.officer).id, 'user_id': cls.officer.id,
                'probability': '1', 'severity': '1',
            },
            'qualiopi.signal': {
                **own, 'name': "Low", 'rule_id': cls.make(cls.env['qualiopi.signal.rule'], cls.manager).id,
                'date': TODAY[:10], 'subject_key': "a", 'period_key': "b", 'case_key': "c",
            },
        }

    @classmethod
    def _names(cls):
        return [
            name for name in sorted(cls.env.registry)
            if name.startswith('qualiopi.') and 'company_id' in cls.env[name]._fields
            and not cls.env[name]._abstract and not cls.env[name]._transient
        ]

    def _make_all(self):
        """A record of our company of each model that people or the program make."""
        for name in self._names():
            model = self.env[name]
            if name in self.program_values:
                model.sudo().create(self.program_values[name])
            elif name in self.values:
                makers = (user for user in (self.officer, self.manager) if model.with_user(user).has_access('create'))
                own = {'company_id': self.company.id} if not model._fields['company_id'].readonly else {}
                self.make(model, next(makers), **own)
        self.env.flush_all()

    def _seen(self, name, user):
        return self.model_as(name, user).with_context(active_test=False).search([
            ('company_id', 'in', (self.company + self.other_company).ids)])

    def test_invisible(self):
        """What is moved to another company is out of everybody's sight here."""
        self._make_all()
        users = (self.officer, self.manager, self.auditor, self.confidential, self.declarant)
        seen = {name for user in users for name in self._names()
                if self.env[name].with_user(user).has_access('read') and self._seen(name, user)}
        self.assertEqual(sorted(set(self._names()) - seen), [])
        for name in self._names():
            if self.env[name]._auto and self.env[name]._fields['company_id'].store:
                self.env.cr.execute(SQL(
                    "UPDATE %s SET company_id = %s WHERE company_id = %s", SQL.identifier(self.env[name]._table),
                    self.other_company.id, self.company.id))
        self.env.invalidate_all()
        for user in users:
            for model in self.models(user, 'read'):
                if model._name not in self._names():
                    continue
                with self.subTest(user=user.login, model=model._name):
                    self.assertFalse(self._seen(model._name, user))
                    records = self.model_as(model._name, user)
                    # sudo: what is there
                    foreign = model.sudo().search([('company_id', '=', self.other_company.id)])
                    self.assertTrue(foreign)
                    self.assertFalse(records.search_count([('id', 'in', foreign.ids)]))
                    self.assertFalse(records._read_group([('id', 'in', foreign.ids)], ['company_id'], ['__count']))
                    with self.assertDenied():
                        records.browse(foreign[:1].id).read(['company_id'])

    def test_nothing_is_pushed_there(self):
        """Nobody of one company writes into another one, where he would not see it again."""
        theirs = {
            'company_id': self.other_company,
            'audit_id': self.model_as('qualiopi.audit', self.other_officer).create({
                'type': 'internal', 'date_from': '2026-11-10'}),
            'dropout_id': self.model_as('qualiopi.dropout', self.other_officer).create({
                'registration_id': self._make_registration(self._make_event(self.other_company)).id,
                'date': '2026-11-16'}),
            'event_id': self._make_event(self.other_company),
            'review_id': self.model_as('qualiopi.review', self.other_officer).create({'date': '2026-11-20 13:00:00'}),
            'complaint_id': self.make_complaint(self.other_officer),
            'action_id': self.make_action(user=self.other_officer, user_id=self.other_officer.id),
        }
        tried = set()
        for user in (self.officer, self.manager):
            for model in self.models(user, 'write'):
                if model._name not in self.values or 'company_id' not in model._fields:
                    continue
                for name, target in theirs.items():
                    field = model._fields.get(name)
                    if not field or field.readonly or not field.store:
                        continue
                    with self.subTest(user=user.login, field=str(field)), self.muted(), self.assertRaises(UserError):
                        record = self.make(model, user)
                        record.write({name: target.id})
                        record.flush_recordset()
                    tried.add(str(field))
        self.assertLessEqual({
            'qualiopi.audit.slot.audit_id', 'qualiopi.dropout.contact.dropout_id', 'qualiopi.result.event_id',
            'qualiopi.publication.company_id', 'qualiopi.channel.company_id', 'qualiopi.audit.link.company_id',
        }, tried)
