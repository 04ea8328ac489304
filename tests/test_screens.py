import inspect
from datetime import date

from lxml import etree

from odoo import Command
from odoo.service.model import get_public_method
from odoo.tests import tagged
from odoo.tools.safe_eval import safe_eval

from .common import QualiopiCase

_TO_MANY = ('one2many', 'many2many')


def _field_nodes(arch):
    """The fields of a view, without those of the views inside them."""
    for node in arch:
        if node.tag == 'field':
            yield node
        elif node.tag != 'groupby':
            yield from _field_nodes(node)


@tagged('post_install', '-at_install')
class TestScreens(QualiopiCase):
    """What the web client asks for when somebody opens a menu, with records of every kind in the registers."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.env['res.lang']._activate_lang('fr_FR')
        cls.administrator = cls._make_user('administrator', 'qualiopi.group_manager,base.group_system')
        cls.users = {
            'declarant': cls.declarant, 'officer': cls.officer, 'manager': cls.manager,
            'auditor': cls.auditor, 'confidential': cls.confidential, 'administrator': cls.administrator,
        }
        for user in (*cls.users.values(), cls.plain):
            user.lang = 'fr_FR'

        context = {'event_id': cls.event.id, 'registration_id': cls.registration.id, 'partner_id': cls.customer.id}
        cls.make_complaint(**context)
        cls.make_complaint(cls.declarant, user_id=cls.declarant.id, event_id=cls.event.id)
        cls.make_closed_complaint(**context)
        secret = cls.make_confidential(**context)
        cls.add_statement(secret)
        cls.make_finding(cls.declarant)
        entry = cls.make_complaint(**context)
        finding = cls.make_finding(complaint_ids=[Command.set(entry.ids)])
        for phase in ('draft', 'plan', 'do', 'check', 'done', 'cancelled'):
            cls.make_action(phase, finding_ids=[Command.set(finding.ids)])
            finding = cls.make_finding(complaint_ids=[Command.set(entry.ids)])
        cls.make_action('plan', user_id=cls.declarant.id).with_user(cls.officer)._postpone(
            date(2027, 1, 31), "The plumber is ill",
        )
        # Opening the confidential entry as a member fills the access log.
        secret.with_user(cls.confidential).web_read({'description': {}})

    # === WHAT THE WEB CLIENT DOES === #

    def _menus(self, user):
        """The menus of ours that the user sees, by id."""
        menus = self.env['ir.ui.menu'].with_user(user).with_context(lang=user.lang).load_menus(False)
        root = self.env.ref('qualiopi.qualiopi_menu_root').id
        found, waiting = {}, [root] if root in menus else []
        while waiting:
            menu = menus[waiting.pop()]
            found[menu['id']] = menu
            waiting += menu['children']
        return found

    def _specification(self, arch, views, model):
        """What the client reads for a view: its fields and, for those of several records, theirs."""
        fields = views['models'][model]['fields']
        specification = {}
        for node in _field_nodes(arch):
            name = node.get('name')
            field = fields[name]
            wanted = specification.setdefault(name, {})
            if field['type'] == 'many2one':
                wanted['fields'] = {'display_name': {}}
            elif field['type'] in _TO_MANY:
                inner = wanted.setdefault('fields', {'display_name': {}})
                for view in node:
                    inner.update(self._specification(view, views, field['relation']))
        return specification

    def _measures(self, Model, views, names=None):
        """What the client offers to sum, or to average: all fields, or those in ``names``."""
        return [
            f"{name}:{field['aggregator']}" for name, field in views['models'][Model._name]['fields'].items()
            if field.get('aggregator') and field['type'] in ('integer', 'float', 'monetary')
            and name != 'id' and (names is None or name in names)
        ]

    def _open(self, user, action):
        """Open a window as ``user``, in each of its views."""
        values = {'uid': user.id, 'active_id': False, 'allowed_company_ids': self.company.ids}
        context = safe_eval(action['context'] or '{}', values)
        domain = safe_eval(action['domain'] or '[]', values)
        Model = self.model_as(action['res_model'], user).with_context(lang=user.lang, tz=user.tz, **context)
        search = action.get('search_view_id')
        asked = [*action['views'], (search and search[0], 'search')]
        # What others have read may hide what this user may not.
        self.env.invalidate_all()
        views = Model.get_views(asked, {'action_id': action['id'], 'toolbar': True, 'load_filters': True})
        for kind, view in views['views'].items():
            with self.subTest(model=Model._name, view=kind):
                self.env.invalidate_all()
                arch = etree.fromstring(view['arch'])
                getattr(self, f'_open_{kind}')(Model, domain, arch, views)

    def _open_search(self, Model, domain, arch, views):
        for node in arch.iter('filter'):
            with self.subTest(filter=node.get('name')):
                if node.get('domain'):
                    Model.search(domain + safe_eval(node.get('domain'), {'uid': Model.env.uid}), limit=5)
                group = safe_eval(node.get('context') or '{}').get('group_by')
                if group:
                    Model.web_read_group(domain, [group], ['__count'], limit=40)

    def _open_list(self, Model, domain, arch, views):
        specification = self._specification(arch, views, Model._name)
        Model.web_search_read(domain, specification, limit=80, count_limit=10001)
        # A grouped list sums what it shows.
        Model.formatted_read_group(domain, [], ['__count', *self._measures(Model, views, specification)])

    def _open_kanban(self, Model, domain, arch, views):
        specification = self._specification(arch, views, Model._name)
        group = arch.get('default_group_by')
        if not group:
            Model.web_search_read(domain, specification, limit=40)
            return
        Model.with_context(read_group_expand=True).web_read_group(
            domain, [group], ['__count'], auto_unfold=True, limit=80,
            unfold_read_specification=specification, unfold_read_default_limit=40,
        )
        for bar in arch.iter('progressbar'):
            Model.read_progress_bar(domain, group, {
                'field': bar.get('field'), 'colors': safe_eval(bar.get('colors')),
            })

    def _open_form(self, Model, domain, arch, views):
        specification = self._specification(arch, views, Model._name)
        for record in Model.search(domain):
            record.web_read(specification)
        if Model.has_access('create') and arch.get('create') not in ('0', 'false'):
            Model.onchange({}, [], specification)

    def _open_calendar(self, Model, domain, arch, views):
        names = [node.get('name') for node in _field_nodes(arch)]
        names += [arch.get(key) for key in ('date_start', 'date_stop', 'color') if arch.get(key)]
        Model.search_read(domain, [*dict.fromkeys(names)])

    def _open_pivot(self, Model, domain, arch, views):
        axes = [
            node.get('name') + (f":{node.get('interval')}" if node.get('interval') else '')
            for node in _field_nodes(arch) if not node.get('invisible') and node.get('type') != 'measure'
        ]
        Model.formatted_read_group(domain, axes, ['__count', *self._measures(Model, views)])

    _open_graph = _open_pivot

    def _open_activity(self, Model, domain, arch, views):
        Model.web_search_read(domain, self._specification(arch, views, Model._name), limit=80)
        Model.env['mail.activity'].get_activity_data(Model._name, domain)

    def _buttons(self, model, arch):
        """Model and method of each button of a view, with those of the views inside it."""
        for node in arch:
            if not isinstance(node.tag, str):
                continue
            inner = model
            if node.tag == 'field' and model is not None:
                field = model._fields.get(node.get('name'))
                inner = self.env.get(field.comodel_name) if field and field.relational else model
            if node.get('type') == 'object' and node.tag in ('button', 'a'):
                yield model, node.get('name')
            yield from self._buttons(inner, node)

    # === TESTS === #

    def test_every_button_has_its_method(self):
        """What a button calls takes the records that the client sends, and nothing else."""
        seen = set()
        for view in self.env['ir.ui.view'].search([('type', '!=', 'qweb')]):
            if not view.xml_id.startswith('qualiopi.'):
                continue
            for model, name in self._buttons(self.env[view.model], etree.fromstring(view.arch)):
                with self.subTest(view=view.xml_id, button=name):
                    method = get_public_method(model, name)
                    self.assertFalse(getattr(method, '_api_model', False), "it would get the ids as an argument")
                    inspect.signature(method).bind(model)
                    seen.add((model._name, name))
        self.assertIn(('qualiopi.readiness.run', 'action_check'), seen)
        self.assertGreater(len(seen), 100)

    def test_every_menu_opens(self):
        """Each screen opens for each group that sees its menu, in all its views and filters."""
        opened = {}
        self.env['qualiopi.readiness.run']._run(self.company)
        for role, user in self.users.items():
            for menu in self._menus(user).values():
                if not menu['action_id']:
                    continue
                if menu['xmlid'] == 'qualiopi.qualiopi_menu_risk_matrix':
                    # A page of its own, which asks for what this reads.
                    risks = self.env['qualiopi.risk'].with_user(user)
                    risks.search_read([('state', '=', 'open')], ['current_severity'])
                    continue
                if menu['action_model'] == 'ir.actions.server':
                    # What it opens is one record, which the user reads.
                    action = self.env['ir.actions.server'].with_user(user).browse(menu['action_id']).run()
                    record = self.env[action['res_model']].with_user(user).browse(action['res_id'])
                    self.assertTrue(record.web_read({'display_name': {}}), menu['name'])
                    continue
                self.assertEqual(menu['action_model'], 'ir.actions.act_window', menu['name'])
                with self.subTest(role=role, menu=menu['name']):
                    # As /web/action/load does: an action is no secret, its records are.
                    action = self.env['ir.actions.act_window'].with_user(user).sudo().browse(menu['action_id'])
                    self._open(user, action._get_action_dict())
                    opened.setdefault(role, []).append(menu['xmlid'])
        self.assertIn('qualiopi.qualiopi_menu_improvement_action', opened['auditor'])
        self.assertIn('qualiopi.qualiopi_menu_access_log', opened['confidential'])
        self.assertNotIn('qualiopi.qualiopi_menu_access_log', opened['manager'])
        self.assertNotIn('qualiopi.qualiopi_menu_complaint_settle', opened['auditor'])
        self.assertFalse([xmlid for xmlid in opened['officer'] if 'settings' in xmlid or 'stage' in xmlid])

    def test_menus_are_in_french(self):
        names = {menu['name'] for menu in self._menus(self.manager).values()}
        self.assertLessEqual({'Registre', 'Constats', "Plan d'action", 'Configuration'}, names)

    def test_no_menu_without_a_group(self):
        """Who has no role of ours sees no menu of ours, and reads nothing."""
        self.assertFalse(self._menus(self.plain))
        for name in ('complaint', 'finding', 'improvement.action', 'effectiveness.check', 'evidence', 'access.log'):
            with self.subTest(model=name):
                self.assertFalse(self.model_as(f'qualiopi.{name}', self.plain).has_access('read'))
