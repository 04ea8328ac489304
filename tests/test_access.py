from odoo import Command
from odoo.exceptions import AccessError, UserError
from odoo.tests import tagged

from .common import QualiopiCase

REGISTERS = ('qualiopi.complaint', 'qualiopi.finding', 'qualiopi.improvement.action', 'qualiopi.effectiveness.check')
PARTS = ('qualiopi.complaint.version', 'qualiopi.postponement', 'qualiopi.communication', 'qualiopi.evidence')
LISTS = ('qualiopi.channel', 'qualiopi.category', 'qualiopi.severity', 'qualiopi.stakeholder', 'qualiopi.cause',
         'qualiopi.remedy', 'qualiopi.dropout.reason', 'qualiopi.source', 'qualiopi.action.stage')
NORM = ('qualiopi.referential', 'qualiopi.criterion', 'qualiopi.indicator', 'qualiopi.indicator.statement')


@tagged('post_install', '-at_install')
class TestAccess(QualiopiCase):

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.finding = cls.make_finding()
        cls.complaint = cls.make_complaint()
        cls.complaint.finding_ids = cls.finding
        cls.complaint.action_acknowledge()
        cls.complaint.description = "A second version"
        cls.action = cls.make_action('do', finding_ids=[Command.set(cls.finding.ids)])
        cls.action._postpone('2027-02-01', "The plumber is ill")
        cls.check = cls.action.check_ids
        cls.communication = cls.env['qualiopi.communication'].with_user(cls.officer).create({
            'action_id': cls.action.id, 'text': "The rooms are heated",
        })
        cls.records = {
            'qualiopi.complaint': cls.complaint,
            'qualiopi.finding': cls.finding,
            'qualiopi.improvement.action': cls.action,
            'qualiopi.effectiveness.check': cls.check,
            'qualiopi.complaint.version': cls.complaint.version_ids,
            'qualiopi.postponement': cls.action.postponement_ids,
            'qualiopi.communication': cls.communication,
            'qualiopi.evidence': cls.add_statement(cls.finding),
        }

    def _rights(self, user, record):
        record = self.user_env(record, user)
        return ''.join(
            letter for letter, operation in zip('rwcd', ('read', 'write', 'create', 'unlink'), strict=True)
            if record.has_access(operation)
        )

    def assertRights(self, user, expected):
        for model, rights in expected.items():
            self.assertEqual(self._rights(user, self.records[model]), rights, (user.name, model))

    # === BY GROUP, ON RECORDS OF SOMEBODY ELSE === #

    def test_nobody(self):
        """Without our groups nothing of the registers is seen, and no menu (quality.md, B5)."""
        for user in (self.plain, self.portal, self.public):
            self.assertRights(user, dict.fromkeys(REGISTERS + PARTS, ''))
            for model in (*REGISTERS, *PARTS, 'qualiopi.number', 'qualiopi.access.log', 'qualiopi.course'):
                with self.assertDenied():
                    self.env[model].with_user(user).search_read([], ['id'], limit=1)
                with self.assertDenied():
                    self.env[model].with_user(user)._read_group([], [], ['__count'])
            for name in self._transient_models():
                with self.assertDenied():
                    self.env[name].with_user(user).create({})
        self.assertFalse(self._menus(self.plain))
        for user in (self.portal, self.public):
            with self.assertDenied():
                self._menus(user)

    def _menus(self, user):
        """Our menus that the user sees."""
        data = self.env['ir.model.data'].search([('module', '=', 'qualiopi'), ('model', '=', 'ir.ui.menu')])
        menus = self.env['ir.ui.menu'].with_user(user)
        tree = menus.load_menus(False)
        reached, waiting = set(), list(tree['root']['children'])
        while waiting:
            menu_id = waiting.pop()
            reached.add(menu_id)
            waiting.extend(tree[menu_id]['children'])
        return menus.browse(reached.intersection(data.mapped('res_id')))

    def _transient_models(self):
        return [
            name for name in self.env.registry
            if name.startswith('qualiopi.') and self.env[name]._transient
        ]

    def test_write_by_rpc_says_nothing(self):
        """A refusal tells a stranger nothing about the record, closed or not."""
        closed = self.make_closed_complaint(name="A name that strangers do not see")
        for user in (self.plain, self.portal, self.declarant):
            for record in (self.complaint, closed):
                for call in (
                    lambda r: r.write({'name': "Mine"}), lambda r: r.unlink(), lambda r: r.action_close(),
                    lambda r: r.action_cancel("For no reason"), lambda r: r.read(['name']),
                    lambda r: r.write({'verdict': 'no'}), lambda r: r.message_post(body="Hello"),
                ):
                    with self.muted(), self.assertRaises(UserError) as raised:
                        call(self.user_env(record, user))
                    self.assertNotIn("strangers do not see", str(raised.exception))
            with self.muted(), self.assertRaises(UserError) as raised:
                self.env['ir.attachment'].with_user(user).create({
                    'name': 'a.txt', 'raw': b'a', 'res_model': closed._name, 'res_id': closed.id,
                })
            self.assertNotIn("strangers do not see", str(raised.exception))

    def test_declarant(self):
        self.assertRights(self.declarant, dict.fromkeys(REGISTERS + PARTS, ''))
        for model in ('qualiopi.complaint', 'qualiopi.finding'):
            self.assertTrue(self.env[model].with_user(self.declarant).has_access('create'))
        for model in ('qualiopi.improvement.action', 'qualiopi.effectiveness.check', 'qualiopi.number',
                      'qualiopi.postponement', 'qualiopi.complaint.version', *LISTS):
            self.assertFalse(self.env[model].with_user(self.declarant).has_access('create'), model)
        self.assertFalse(self.env['qualiopi.complaint'].with_user(self.declarant).search([]))

    def test_officer(self):
        self.assertRights(self.officer2, {
            'qualiopi.complaint': 'rwc', 'qualiopi.finding': 'rwc', 'qualiopi.improvement.action': 'rwc',
            'qualiopi.effectiveness.check': 'rwc', 'qualiopi.complaint.version': 'r', 'qualiopi.postponement': 'r',
            'qualiopi.communication': 'rwcd', 'qualiopi.evidence': 'rwcd',
        })
        for model in LISTS:
            self.assertEqual(
                [op for op in ('read', 'write', 'create', 'unlink')
                 if self.env[model].with_user(self.officer2).has_access(op)], ['read'], model,
            )

    def test_manager(self):
        self.assertRights(self.manager, {
            'qualiopi.complaint': 'rwc', 'qualiopi.finding': 'rwc', 'qualiopi.improvement.action': 'rwc',
            'qualiopi.effectiveness.check': 'rwc', 'qualiopi.complaint.version': 'r', 'qualiopi.postponement': 'r',
            'qualiopi.communication': 'rwcd', 'qualiopi.evidence': 'rwcd',
        })
        for model in LISTS:
            self.assertTrue(self.env[model].with_user(self.manager).has_access('write'), model)
        for model in (*NORM, 'qualiopi.number', 'qualiopi.access.log'):
            self.assertFalse(self.env[model].with_user(self.manager).has_access('write'), model)

    def test_auditor(self):
        """The auditor reads everything but the confidential, and changes nothing."""
        self.assertRights(self.auditor, dict.fromkeys(REGISTERS + PARTS, 'r'))
        for model in ('qualiopi.complaint', 'qualiopi.finding', 'qualiopi.improvement.action', *LISTS):
            with self.assertDenied():
                self.env[model].with_user(self.auditor).create({'name': "Mine"})
        for record in self.records.values():
            with self.assertDenied():
                self.user_env(record, self.auditor).write({'company_id': self.other_company.id})
            with self.assertDenied():
                self.user_env(record, self.auditor).unlink()
        for method in ('action_close', 'action_acknowledge', 'action_create_finding'):
            with self.muted(), self.assertRaises(UserError, msg=method):
                getattr(self.user_env(self.complaint, self.auditor), method)()
        with self.assertRefused("Only a quality manager"):
            self.user_env(self.complaint, self.auditor).action_cancel("For no reason")
        with self.assertRaises(UserError), self.muted():
            self.env['qualiopi.safeguarding.report'].with_user(self.auditor).create({'description': "Something"})
        secret = self.make_confidential()
        self.assertFalse(self.user_env(secret, self.auditor).has_access('read'))

    def test_confidential_group(self):
        """The confidential group has its own entries and is else a declarant."""
        self.assertRights(self.confidential, dict.fromkeys(REGISTERS + PARTS, ''))
        secret = self.make_confidential()
        self.assertEqual(self._rights(self.confidential2, secret), 'rwc')

    def test_default_group(self):
        """New internal users are declarants by the default user's groups, not by base.group_user."""
        self.assertNotIn(
            self.env.ref('qualiopi.group_declarant'), self.env.ref('base.group_user').all_implied_ids,
        )
        self.assertIn(
            self.env.ref('qualiopi.group_declarant'), self.env.ref('base.default_user_group').all_implied_ids,
        )
        self.assertFalse(self.plain.has_group('qualiopi.group_declarant'))

    # === OWN RECORDS === #

    def test_own_entries(self):
        """A declarant follows what was recorded or is owned, and corrects it until it is treated."""
        complaint = self.make_complaint(self.declarant, description="Cold")
        self.assertEqual(self._rights(self.declarant, complaint), 'rwc')
        self.assertEqual(self._rights(self.declarant2, complaint), '')
        self.user_env(complaint, self.officer).user_id = self.officer
        complaint.description = "Far too cold"
        for values in ({'severity_id': self.critical.id}, {'decision': 'founded'}, {'user_id': self.declarant.id},
                       {'response': "Sorry"}, {'cause_ids': [Command.set(self.cause.ids)]}):
            with self.assertRefused("treated by the quality team"):
                complaint.write(values)
        self.user_env(complaint, self.officer).action_acknowledge()
        with self.assertRefused("treated by the quality team"):
            complaint.description = "Not so cold"
        complaint.message_post(body="Still cold")
        owned = self.make_complaint(user_id=self.declarant2.id)
        self.user_env(owned, self.declarant2).write(self.closing_values())
        self.user_env(owned, self.declarant2).action_close()
        self.assertEqual(owned.state, 'closed')
        with self.assertRefused("Only a quality manager"):
            self.user_env(self.make_complaint(user_id=self.declarant2.id), self.declarant2).action_cancel("Not mine")

    def test_own_findings(self):
        finding = self.make_finding(self.declarant)
        self.assertEqual(self._rights(self.declarant, finding), 'rwc')
        self.assertEqual(self._rights(self.declarant2, finding), '')

    def test_foreign_links(self):
        """A declarant does not reach records of others through a link of the own."""
        mine = self.make_finding(self.declarant)
        before = self.complaint.finding_ids
        for values in (
            {'complaint_ids': [Command.link(self.complaint.id)]},
            {'action_ids': [Command.link(self.action.id)]},
        ):
            with self.muted(), self.assertRaises(UserError, msg=values):
                mine.write(values)
            with self.muted(), self.assertRaises(UserError, msg=values):
                self.model_as('qualiopi.finding', self.declarant).create({'description': "Mine", **values})
        with self.muted(), self.assertRaises(UserError):
            self.make_complaint(self.declarant, finding_ids=[Command.link(self.finding.id)])
        self.env.invalidate_all()
        self.assertEqual(self.complaint.finding_ids, before)

    def test_owner_of_action(self):
        """Owners write progress and evidence on their own action, whatever their group."""
        for owner in (self.declarant, self.auditor):
            action = self.make_action('plan', user_id=owner.id)
            mine = self.user_env(action, owner)
            mine.read(['name', 'finding_ids', 'origin', 'due_state', 'success_criterion'])
            self.assertEqual(mine.finding_ids.read(['name'])[0]['name'], action.finding_ids.name)
            mine.action_start()
            mine.progress = 40
            self.add_statement(mine, owner)
            mine.action_carry_out()
            self.assertRecordValues(action, [{'phase': 'check', 'carried_out_by_id': owner.id}])
            for values in ({'name': "Easier"}, {'success_criterion': "None really"}, {'user_id': self.officer.id},
                           {'date_due': '2027-06-01'}, {'finding_ids': [Command.clear()]}, {'cost': 0.5}):
                with self.assertRaises(UserError, msg=values):
                    mine.write(values)
            with self.muted(), self.assertRaises(UserError):
                mine.action_cancel("I do not feel like it")
            with self.muted(), self.assertRaises(UserError):
                mine.copy()
            other = self.user_env(self.action, owner)
            with self.assertDenied():
                other.write({'progress': 10})
            with self.assertDenied():
                other.action_carry_out()
            with self.assertDenied():
                self.add_statement(self.action, owner)

    def test_owner_sees_no_complaint(self):
        """The owner of an action sees the finding behind it, not the complaint behind the finding."""
        action = self.make_action('plan', finding_ids=[Command.set(self.finding.ids)], user_id=self.declarant.id)
        mine = self.user_env(action, self.declarant)
        self.assertEqual(mine.origin, self.finding.reference)
        self.assertFalse(mine.complaint_ids)
        self.assertEqual(self.user_env(self.finding, self.declarant).name, self.finding.name)
        self.assertFalse(self.user_env(self.complaint, self.declarant).has_access('read'))

    # === EVERY MENU OPENS === #

    def test_windows_open(self):
        """Each window opens for each group that sees its menu."""
        for user in (self.declarant, self.officer, self.manager, self.auditor, self.confidential):
            menus = self._menus(user).sudo()
            self.assertTrue(menus, user.name)
            for menu in menus.filtered(lambda m: m.action and m.action._name == 'ir.actions.act_window'):
                action = menu.action
                model = self.env[action.res_model].with_user(user)
                for view_id, mode in action.views:
                    views = model.get_views([(view_id, mode)])
                    fields = [
                        name for name in views['models'][action.res_model]['fields'] if name in model._fields
                    ]
                    if not model._transient:
                        specification = {
                            name: {'fields': {'display_name': {}}} if model._fields[name].type == 'many2one' else {}
                            for name in fields if model._fields[name].type != 'properties'
                        }
                        model.web_search_read([], specification, limit=3)
                    elif mode == 'form':
                        model.default_get(fields)

    def test_board_opens(self):
        """The board groups by the stages, the empty ones included, for everybody who sees it."""
        for user in (self.declarant, self.officer, self.manager, self.auditor, self.confidential):
            groups = self.env['qualiopi.improvement.action'].with_user(user).with_context(
                read_group_expand=True,
            ).web_read_group([], ['stage_id'], ['__count'])['groups']
            self.assertGreaterEqual(len(groups), 6, user.name)

    def test_sessions_without_event_groups(self):
        """Our groups read sessions and courses without the Event application's groups."""
        for user in (self.declarant, self.officer, self.manager, self.auditor, self.confidential):
            self.user_env(self.event, user).read(['name', 'course_id', 'trainer_ids'])
            self.user_env(self.course, user).read(['name'])
            self.assertFalse(self.user_env(self.event, user).has_access('write'))
        for user in (self.officer, self.manager, self.auditor):
            self.user_env(self.registration, user).read(['name', 'learner_id'])

    def test_private_methods(self):
        """What only the program does cannot be called from outside (quality.md, B2)."""
        from odoo.service.model import get_public_method
        for model in (*REGISTERS, 'qualiopi.evidence', 'qualiopi.number', 'qualiopi.access.log'):
            for name in ('_close', '_as_server', '_cancel', '_reopen', '_effective', '_take', '_log'):
                if hasattr(self.env[model], name):
                    with self.assertRaises(AccessError):
                        get_public_method(self.env[model], name)
            public = {
                name for cls in type(self.env[model]).mro() if 'qualiopi' in getattr(cls, '__module__', '')
                for name, value in vars(cls).items() if callable(value) and not name.startswith('_')
            }
            # Odoo's own interface, which portal users and visitors are refused in test_portal_rpc.py.
            known = {
                'create', 'write', 'copy_data', 'export_data', 'default_get', 'unlink', 'load', 'get_import_templates',
                'message_update', 'message_post', 'message_route', 'message_process', 'message_new', 'get_portal_url',
            }
            self.assertFalse({name for name in public - known if not name.startswith('action_')}, model)
