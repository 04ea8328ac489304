from lxml import etree

from odoo import Command
from odoo.exceptions import AccessError, UserError
from odoo.tests import Form, TransactionCase, new_test_user, tagged


@tagged('post_install', '-at_install')
class TestSessions(TransactionCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.company = cls.env.company
        cls.other_company = cls.env['res.company'].create({'name': "Other provider"})
        cls.course = cls.env['qualiopi.course'].create(
            {
                'name': "First aid",
                'code': 'FA',
                'action_category': 'af',
                'duration_hours': 14,
            }
        )
        cls.other_course = cls.env['qualiopi.course'].create(
            {
                'name': "Elsewhere",
                'code': 'FA',
                'company_id': cls.other_company.id,
                'action_category': 'bc',
            }
        )
        cls.template = cls.env['event.type'].create(
            {'name': "First aid days", 'course_id': cls.course.id}
        )
        cls.users = {
            name: new_test_user(
                cls.env, f'qualiopi_{name}', groups=f'base.group_user,qualiopi.group_{name}'
            )
            for name in ('declarant', 'officer', 'manager', 'auditor', 'confidential')
        }
        cls.planner = new_test_user(
            cls.env, 'qualiopi_planner', groups='base.group_user,event.group_event_user'
        )
        cls.plain = new_test_user(cls.env, 'qualiopi_plain', groups='base.group_user')

    @classmethod
    def _event(cls, **values):
        return cls.env['event.event'].create(
            {
                'name': "Session",
                'date_begin': '2026-11-23 08:00:00',
                'date_end': '2026-11-24 16:00:00',
                'date_tz': 'Europe/Paris',
                **values,
            }
        )

    def _entry(self, **values):
        return self.env['qualiopi.complaint'].create({'description': "The room was cold", **values})

    # === SESSION === #

    def test_proposed(self):
        """The template's course is proposed, and brings its category and hours."""
        event = self._event(event_type_id=self.template.id)
        self.assertEqual(event.course_id, self.course)
        self.assertEqual(event.action_category, 'af')
        self.assertEqual(event.duration_hours, 14)
        self.assertEqual(event.duration_days, 2)

    def test_chosen_stays(self):
        """What was chosen is not overwritten; choosing a course never touches the template."""
        second = self.course.copy()
        self.assertFalse(second.code)
        event = self._event(
            event_type_id=self.template.id,
            course_id=second.id,
            action_category='vae',
            duration_hours=3,
        )
        self.assertEqual(
            (event.course_id, event.action_category, event.duration_hours), (second, 'vae', 3)
        )
        event.event_type_id = self.env['event.type'].create(
            {'name': "Other", 'course_id': self.course.id}
        )
        self.assertEqual(event.course_id, second)
        template = event.event_type_id
        event.course_id = self.course
        self.assertEqual(event.event_type_id, template)
        plain = self._event()
        plain.course_id = self.course
        self.assertFalse(plain.event_type_id)
        self.assertEqual((plain.action_category, plain.duration_hours), ('af', 14))

    def test_form(self):
        """A declarant among the planners sees the proposals in the Event application's own form."""
        self.planner.group_ids += self.env.ref('qualiopi.group_declarant')
        with Form(self.env['event.event'].with_user(self.planner)) as form:
            form.name = "Session"
            form.date_begin = '2026-11-23 08:00:00'
            form.date_end = '2026-11-23 16:00:00'
            form.event_type_id = self.template
            self.assertEqual(form.course_id, self.course)
            self.assertEqual(form.duration_days, 1)
        self.assertEqual(form.record.action_category, 'af')

    def test_planner_needs_nothing(self):
        """Somebody of the Event application without any group of ours saves sessions as before."""
        self.assertFalse(self.planner.has_group('qualiopi.group_declarant'))
        Event = self.env['event.event'].with_user(self.planner)
        with Form(Event) as form:
            form.name = "Session"
            form.date_begin = '2026-11-23 08:00:00'
            form.date_end = '2026-11-23 16:00:00'
            form.event_type_id = self.template
        event = form.record
        self.assertEqual(event.sudo().course_id, self.course)
        event.write({'date_end': '2026-11-25 16:00:00'})
        self.assertEqual(event.duration_days, 3)
        event.copy()
        self.env['event.registration'].with_user(self.planner).create(
            {
                'event_id': event.id,
                'name': "Learner",
                'email': 'learner@example.com',
            }
        )
        self.assertNotIn(
            'qualiopi', Event.get_view(self.env.ref('event.view_event_form').id)['arch']
        )

    def test_days(self):
        """Days of the session's time zone; with slots, the days that have one."""
        # 23:30 to 0:30 in Paris
        event = self._event(date_begin='2026-11-23 22:30:00', date_end='2026-11-23 23:30:00')
        self.assertEqual(event.duration_days, 2)
        event.date_tz = 'UTC'
        self.assertEqual(event.duration_days, 1)
        slots = self._event(
            date_begin='2026-11-02 08:00:00',
            date_end='2026-11-30 16:00:00',
            is_multi_slots=True,
            event_slot_ids=[
                Command.create({'date': day, 'start_hour': start, 'end_hour': start + 3})
                for day, start in (('2026-11-03', 9), ('2026-11-03', 13), ('2026-11-10', 9))
            ],
        )
        self.assertEqual(slots.duration_days, 2)
        slots.duration_days = 1.5
        slots.name = "Renamed"
        self.assertEqual(slots.duration_days, 1.5)

    def test_companies(self):
        """A course of another company is neither proposed nor accepted nor kept."""
        template = self.env['event.type'].create(
            {'name': "Elsewhere", 'course_id': self.other_course.id}
        )
        event = self._event(event_type_id=template.id)
        self.assertFalse(event.course_id)
        with self.assertRaises(UserError):
            event.course_id = self.other_course
        event = self._event(course_id=self.course.id)
        event.write({'company_id': self.other_company.id, 'address_id': False})
        self.assertFalse(event.course_id)
        shared = self._event(event_type_id=self.template.id, company_id=False)
        self.assertFalse(shared.course_id)
        officer = self.users['officer']
        self.assertFalse(
            self.env['qualiopi.course']
            .with_user(officer)
            .search([('id', '=', self.other_course.id)])
        )
        with self.assertRaises(AccessError):
            self.other_course.with_user(officer).read(['name'])

    # === LEARNER === #

    def test_learner(self):
        """The one person with the address; nobody when there is none, or more than one."""
        Partner = self.env['res.partner']
        learner = Partner.create({'name': "Learner", 'email': '"L" <Learner.One@Example.com>'})
        twins = Partner.create(
            [{'name': f"Twin {n}", 'email': 'twin@example.com'} for n in range(2)]
        )
        employer = Partner.create(
            {'name': "Employer", 'email': 'office@example.com', 'is_company': True}
        )
        elsewhere = Partner.create(
            {
                'name': "Elsewhere",
                'email': 'away@example.com',
                'company_id': self.other_company.id,
            }
        )
        event = self._event()
        emails = (
            'learner.one@example.com',
            'twin@example.com',
            'office@example.com',
            'away@example.com',
            False,
            'no address',
        )
        registrations = self.env['event.registration'].create(
            [
                {'event_id': event.id, 'name': "R", 'email': email, 'partner_id': employer.id}
                for email in emails
            ]
        )
        self.assertEqual(registrations[0].learner_id, learner)
        self.assertFalse(registrations[1:].learner_id)
        self.assertEqual(registrations.sponsor_id, employer)
        twins[1].active = False
        registrations[1].email = 'TWIN@example.com'
        self.assertEqual(registrations[1].learner_id, twins[0])
        # Chosen by hand: stays as long as the address does.
        registrations[2].learner_id = learner
        registrations[2].name = "Renamed"
        self.assertEqual(registrations[2].learner_id, learner)
        registrations[2].email = 'nobody@example.com'
        self.assertFalse(registrations[2].learner_id)
        with self.assertRaises(UserError):
            registrations[0].funder_id = elsewhere

    def test_learner_queries(self):
        """One look-up of learners, whatever the number of registrations."""
        counts = []
        for size in (10, 100):
            event = self._event()
            partners = self.env['res.partner'].create(
                [{'name': f"L {n}", 'email': f'l{size}.{n}@example.com'} for n in range(size)]
            )
            registrations = self.env['event.registration'].create(
                [
                    {'event_id': event.id, 'name': "R", 'email': partner.email}
                    for partner in partners
                ]
            )
            self.env.flush_all()
            self.env.invalidate_all()
            before = self.cr.sql_log_count
            registrations._compute_learner_id()
            counts.append(self.cr.sql_log_count - before)
            self.assertEqual(registrations.learner_id, partners)
        self.assertEqual(counts[0], counts[1])

    # === ACCESS === #

    def test_light_access(self):
        """Each of our groups opens sessions and courses without the Event application's groups."""
        event = self._event(
            course_id=self.course.id,
            tag_ids=[
                Command.create(
                    {
                        'name': "Tag",
                        'category_id': self.env['event.tag.category']
                        .create({'name': "Category"})
                        .id,
                    }
                )
            ],
        )
        registration = self.env['event.registration'].create(
            {'event_id': event.id, 'name': "Learner"}
        )
        action = self.env.ref('qualiopi.qualiopi_session_action')
        for name, user in self.users.items():
            with self.subTest(group=name):
                mine = event.with_user(user)
                views = mine.get_views([*action.views, (action.search_view_id.id, 'search')])[
                    'views'
                ]
                self.assertEqual(views.keys(), {'list', 'kanban', 'form', 'search'})
                for view in (views['list'], views['kanban'], views['form']):
                    shown = {
                        node.get('name')
                        for node in etree.fromstring(view['arch']).xpath('//field[not(ancestor::field)]')
                    }
                    self.assertIn('complaint_count', shown)
                    values = mine.web_read(
                        {field: {'fields': {'display_name': {}}} for field in shown}
                    )
                    self.assertEqual(values[0]['id'], event.id)
                view = self.env['ir.ui.view'].browse(mine.get_formview_id())
                self.assertEqual(view, self.env.ref('qualiopi.event_event_view_form_qualiopi'))
                self.assertEqual(
                    mine.get_formview_action()['views'],
                    [(view.id, 'form')],
                )
                self.assertEqual(mine.search([('complaint_ids', 'any', [(1, '=', 1)])]).ids, [])
                self.assertEqual(mine.course_id.with_user(user).name, "First aid")
                self.course.with_user(user).get_views([(False, 'list'), (False, 'form')])
                with self.assertRaises(AccessError):
                    mine.write({'name': "Changed"})
                attendee = registration.with_user(user)
                if name == 'declarant':
                    with self.assertRaises(AccessError):
                        attendee.read(['name'])
                else:
                    attendee.read(['name', 'email', 'learner_id', 'complaint_count'])
                    form = attendee.get_view(attendee.get_formview_id(), 'form')
                    self.assertIn('funder_id', form['arch'])
                    with self.assertRaises(AccessError):
                        attendee.write({'name': "Changed"})
                if name not in ('officer', 'manager'):
                    with self.assertRaises(AccessError):
                        self.course.with_user(user).write({'name': "Changed"})
        with self.assertRaises(AccessError):
            event.with_user(self.plain).read(['name'])
        self.assertFalse(event.with_user(self.planner).get_formview_id())

    def test_other_company(self):
        """The sessions and learners of another company stay closed to our groups."""
        event = self._event(company_id=self.other_company.id, address_id=False)
        registration = self.env['event.registration'].create(
            {'event_id': event.id, 'name': "Learner"}
        )
        for name, user in self.users.items():
            with self.subTest(group=name):
                self.assertFalse(
                    self.env['event.event'].with_user(user).search([('id', '=', event.id)])
                )
                with self.assertRaises(AccessError):
                    event.with_user(user).read(['name'])
                with self.assertRaises(AccessError):
                    registration.with_user(user).read(['name'])

    # === SMART BUTTONS === #

    def test_counts(self):
        """Counts are what the user may see, and what the button opens."""
        employer = self.env['res.partner'].create({'name': "Employer", 'is_company': True})
        person = self.env['res.partner'].create({'name': "Person", 'parent_id': employer.id})
        event = self._event()
        registration = self.env['event.registration'].create(
            {'event_id': event.id, 'name': "Learner"}
        )
        self._entry(partner_id=employer.id)
        self._entry(partner_id=person.id, registration_id=registration.id)
        self._entry(event_id=event.id, nature='safeguarding', description="Confidential")
        officer, confidential = self.users['officer'], self.users['confidential']
        for user, expected in (
            (officer, 1),
            (self.users['auditor'], 1),
            (self.users['declarant'], 0),
        ):
            for record in (event, person):
                record = record.with_user(user)
                self.assertEqual(record.complaint_count, expected, (user.login, record))
                window = record.action_view_complaints()
                self.assertEqual(
                    self.env[window['res_model']].with_user(user).search_count(window['domain']),
                    expected,
                )
        self.assertEqual(event.with_user(confidential).complaint_count, 1)
        self.assertEqual(employer.with_user(officer).complaint_count, 2)
        window = employer.with_user(officer).action_view_complaints()
        self.assertEqual(
            self.env['qualiopi.complaint'].with_user(officer).search_count(window['domain']), 2
        )
        self.assertEqual(registration.with_user(officer).complaint_count, 1)
        finding = self.env['qualiopi.finding'].create(
            {'name': "F", 'description': "Facts", 'event_id': event.id}
        )
        self.env['qualiopi.improvement.action'].create(
            {
                'name': "A",
                'event_id': event.id,
                'finding_ids': [Command.link(finding.id)],
            }
        )
        mine = event.with_user(officer)
        self.assertEqual((mine.finding_count, mine.action_count), (1, 1))
        for record, method in (
            (mine, 'action_view_complaints'),
            (mine, 'action_view_findings'),
            (mine, 'action_view_improvement_actions'),
            (registration.with_user(officer), 'action_view_complaints'),
        ):
            window = getattr(record, method)()
            Register = self.env[window['res_model']].with_user(officer)
            self.assertEqual(Register.search_count(window['domain']), 1)
            values = Register.with_context(**window['context']).default_get(
                ['event_id', 'company_id']
            )
            self.assertEqual(values['event_id'], event.id)
            self.assertEqual(values['company_id'], self.company.id)

    def test_counts_hidden(self):
        """Without a group of ours, neither the fields nor the buttons are there."""
        partner = self.env['res.partner'].create({'name': "Partner"})
        self.assertNotIn(
            'complaint_count', self.env['res.partner'].with_user(self.plain).fields_get()
        )
        with self.assertRaises(AccessError):
            partner.with_user(self.plain).read(['complaint_count'])
        view = (
            self.env['res.partner']
            .with_user(self.plain)
            .get_view(self.env.ref('base.view_partner_form').id)
        )
        self.assertNotIn('action_view_complaints', view['arch'])
        view = (
            self.env['res.partner']
            .with_user(self.users['auditor'])
            .get_view(
                self.env.ref('base.view_partner_form').id,
            )
        )
        self.assertIn('action_view_complaints', view['arch'])

    def test_count_queries(self):
        """One grouped query each, whatever the number of records."""
        event = self._event()
        for model in ('res.partner', 'event.registration', 'event.event'):
            counts = []
            for size in (10, 80):
                if model == 'event.event':
                    records = event.browse([self._event().id for __ in range(size)])
                else:
                    values = {
                        'name': "N",
                        **({'event_id': event.id} if model == 'event.registration' else {}),
                    }
                    records = self.env[model].create([dict(values) for __ in range(size)])
                field = {
                    'res.partner': 'partner_id',
                    'event.registration': 'registration_id',
                    'event.event': 'event_id',
                }[model]
                self.env['qualiopi.complaint'].create(
                    [{'description': "Text", field: record.id} for record in records]
                )
                records = records.with_user(self.users['officer'])
                records[0].read(['complaint_count'])
                self.env.flush_all()
                self.env.invalidate_all()
                self.users['officer'].has_group('qualiopi.group_officer')
                before = self.cr.sql_log_count
                self.assertEqual(records.mapped('complaint_count'), [1] * size)
                counts.append(self.cr.sql_log_count - before)
            with self.subTest(model=model):
                self.assertEqual(counts[0], counts[1])

    # === DELETING === #

    def test_unlink(self):
        """What a register refers to is archived, not deleted; the rest is deleted as before."""
        event = self._event()
        registration = self.env['event.registration'].create(
            {'event_id': event.id, 'name': "Learner"}
        )
        partner, trainer = self.env['res.partner'].create(
            [{'name': "Complainant"}, {'name': "Trainer"}]
        )
        self._entry(partner_id=partner.id, registration_id=registration.id, trainer_id=trainer.id)
        self._entry(event_id=event.id, nature='safeguarding')
        for record, count in ((event, 2), (registration, 1), (partner, 1), (trainer, 1)):
            with self.assertRaisesRegex(UserError, f"{count} register entries refer to"):
                record.unlink()
            record.action_archive()
            self.assertFalse(record.active)
        free = self._event()
        self.env['event.registration'].create({'event_id': free.id, 'name': "Learner"}).unlink()
        free.unlink()
        self.env['res.partner'].create({'name': "Nobody"}).unlink()

    def test_merge_partners(self):
        """Merging duplicates of a contact moves its entries."""
        partners = self.env['res.partner'].create(
            [{'name': "Twice", 'email': 't@example.com'} for __ in range(2)]
        )
        entry = self._entry(partner_id=partners[0].id)
        self.env['base.partner.merge.automatic.wizard']._merge(partners.ids, partners[1])
        self.env.invalidate_all()
        self.assertEqual(entry.partner_id, partners[1])

    # === COMPANY === #

    def test_settings(self):
        """The company's fields in the settings."""
        settings = self.env['res.config.settings'].create({})
        settings.write({'qualiopi_nda': "11 75 00000 75", 'qualiopi_self_check': True})
        self.assertEqual(self.company.qualiopi_nda, "11 75 00000 75")
        self.assertTrue(self.company.qualiopi_self_check)
        self.assertTrue(self.company.qualiopi_first_use)
        with self.assertRaises(UserError):
            self.company.qualiopi_manager_id = new_test_user(
                self.env,
                'qualiopi_away',
                groups='base.group_user',
                company_id=self.other_company.id,
                company_ids=[Command.set(self.other_company.ids)],
            )
