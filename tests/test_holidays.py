from datetime import date, datetime

from freezegun import freeze_time

from odoo.exceptions import AccessError, UserError
from odoo.tests import tagged
from odoo.tools import format_date, mute_logger

from .common import TODAY, QualiopiCase

# Easter Monday, Ascension, Whit Monday, Good Friday as published by service-public.fr.
MOVING = {
    2025: ('2025-04-21', '2025-05-29', '2025-06-09', '2025-04-18'),
    2026: ('2026-04-06', '2026-05-14', '2026-05-25', '2026-04-03'),
    2027: ('2027-03-29', '2027-05-06', '2027-05-17', '2027-03-26'),
    2028: ('2028-04-17', '2028-05-25', '2028-06-05', '2028-04-14'),
    2029: ('2029-04-02', '2029-05-10', '2029-05-21', '2029-03-30'),
    2030: ('2030-04-22', '2030-05-30', '2030-06-10', '2030-04-19'),
}
FIXED = ('01-01', '05-01', '05-08', '07-14', '08-15', '11-01', '11-11', '12-25')


@tagged('post_install', '-at_install')
@freeze_time(TODAY)
class TestHolidays(QualiopiCase):

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.calendar = cls.company.resource_calendar_id

    def _add(self, user=None, **values):
        wizard = self.model_as('qualiopi.holidays', user or self.manager).create(values)
        return wizard.action_confirm()

    def _days_off(self, calendar=None):
        return self.env['resource.calendar.leaves'].search(
            [('calendar_id', '=', (calendar or self.calendar).id)], order='date_from',
        )

    def test_known_dates(self):
        """Eleven days a year, the moving ones where Easter puts them."""
        for year, (easter_monday, ascension, whit_monday, good_friday) in MOVING.items():
            holidays = self.env['qualiopi.holidays']._holidays(year)
            expected = {f'{year}-{day}' for day in FIXED} | {easter_monday, ascension, whit_monday}
            self.assertEqual({str(day) for day in holidays}, expected, year)
            local = self.env['qualiopi.holidays']._holidays(year, alsace_moselle=True)
            self.assertEqual({str(day) for day in local}, expected | {good_friday, f'{year}-12-26'}, year)

    def test_overseas(self):
        """Each territory remembers the abolition of slavery on a day of its own."""
        for territory, day in (
            ('mayotte', date(2027, 4, 27)), ('martinique', date(2027, 5, 22)), ('guadeloupe', date(2027, 5, 27)),
            ('guyane', date(2027, 6, 10)), ('reunion', date(2027, 12, 20)),
        ):
            holidays = self.env['qualiopi.holidays']._holidays(2027, overseas=territory)
            self.assertEqual(holidays[day], "Abolition of slavery")
            self.assertEqual(len(holidays), 12)

    def test_two_holidays_on_a_day(self):
        """Ascension fell on Labour Day in 2008: one day off with both names."""
        holidays = self.env['qualiopi.holidays']._holidays(2008)
        self.assertEqual(len(holidays), 10)
        self.assertEqual(holidays[date(2008, 5, 1)], "Ascension Day, Labour Day")

    def test_whole_local_days(self):
        """Days of the calendar's time zone, in winter and summer, for everybody, this year to two on."""
        self._add()
        leaves = self._days_off()
        self.assertEqual(len(leaves), 33)
        self.assertFalse(leaves.resource_id)
        self.assertEqual(leaves.company_id, self.company)
        first = leaves[0]
        self.assertEqual(
            (first.date_from, first.date_to), (datetime(2025, 12, 31, 23), datetime(2026, 1, 1, 22, 59, 59)),
        )
        summer = leaves.filtered(lambda leave: leave.date_to.date() == date(2026, 7, 14))
        self.assertEqual(
            (summer.date_from, summer.date_to), (datetime(2026, 7, 13, 22), datetime(2026, 7, 14, 21, 59, 59)),
        )
        self.assertFalse(self.company._qualiopi_working_days(date(2026, 12, 25), date(2026, 12, 25)))
        self.assertTrue(self.company._qualiopi_working_days(date(2026, 12, 24), date(2026, 12, 24)))

    def test_far_time_zone(self):
        """In Réunion the day begins while it is still the day before in UTC."""
        self.calendar.tz = 'Indian/Reunion'
        self._add(overseas='reunion', year_to=2026)
        last = self._days_off().filtered(lambda leave: leave.date_to.date() == date(2026, 12, 20))
        self.assertEqual(
            (last.date_from, last.date_to), (datetime(2026, 12, 19, 20), datetime(2026, 12, 20, 19, 59, 59)),
        )

    def test_never_twice(self):
        """Adding again, with more years and options, adds what is missing alone."""
        self._add(year_to=2026)
        self._add(year_to=2026)
        self.assertEqual(len(self._days_off()), 11)
        action = self._add(year_to=2027, alsace_moselle=True)
        self.assertEqual(len(self._days_off()), 26)
        self.assertIn("15", action['params']['message'])
        self.assertIn("11", action['params']['message'])

    def test_typed_by_hand(self):
        """A day off that somebody typed, hours apart or for the whole company, stands for the holiday."""
        leaves = self.env['resource.calendar.leaves'].with_company(self.company)
        leaves.create({
            'name': "Christmas", 'calendar_id': self.calendar.id,
            'date_from': '2026-12-25 06:00:00', 'date_to': '2026-12-25 18:00:00',
        })
        leaves.create({
            'name': "Everybody", 'calendar_id': False, 'company_id': self.company.id,
            'date_from': '2026-11-10 23:00:00', 'date_to': '2026-11-11 22:59:59',
        })
        self._add(year_to=2026)
        self.assertEqual(len(self._days_off()), 10)

    def test_french_names(self):
        """The days are French: so are their names, whoever adds them."""
        self.env['res.lang']._activate_lang('fr_FR')
        self.env['ir.module.module'].search([('name', '=', 'qualiopi')])._update_translations(['fr_FR'])
        name = self.env['qualiopi.holidays'].with_context(lang='fr_FR')._holidays(2026)[date(2026, 11, 11)]
        self._add(year_to=2026)
        self.assertIn(name, self._days_off().mapped('name'))

    def test_other_company(self):
        """Nobody touches the calendar of a company that is not theirs, nor without being manager."""
        other = self.other_company.resource_calendar_id
        with self.assertRaises(AccessError):
            self._add(company_id=self.other_company.id)
        with self.assertRaises(AccessError):
            self._add(calendar_id=other.id)
        for user in (self.officer, self.declarant, self.confidential, self.auditor, self.plain):
            with self.assertRaises(AccessError), mute_logger('odoo.addons.base.models.ir_model'):
                self._add(user)
        self.assertFalse(self._days_off(other))

    def test_years(self):
        """Years out of order or too many are refused in words."""
        for first, last in ((2027, 2026), (2026, 2050), (26, 28)):
            with self.assertRaises(UserError):
                self._add(year_from=first, year_to=last)

    def test_open_deadlines_move(self):
        """Open deadlines keep the number of working days promised, with a note; the others stay."""
        with freeze_time('2026-12-23 10:00:00'):
            entry = self.make_complaint(severity_id=self.minor.id)
            acknowledged = self.make_complaint(severity_id=self.minor.id)
            acknowledged.ack_message = "We have received it"
            cancelled = self.make_complaint(severity_id=self.minor.id)
            cancelled.with_user(self.manager).action_cancel("Typed in error")
            imported = self.make_complaint(is_imported=True)
            # A setting that changed since does not rewrite what was promised.
            self.minor.ack_days = 9
            before = acknowledged.ack_deadline
            self.assertEqual(entry.ack_deadline, datetime(2026, 12, 25, 22, 59, 59))
            answer = entry.response_deadline
            action = self._add()
            self.assertEqual(entry.ack_deadline, datetime(2026, 12, 28, 22, 59, 59))
            # Two holidays lie in the fifteen working days: Christmas and New Year's Day.
            self.assertEqual((entry.response_deadline - answer).days, 2)
            self.assertEqual(acknowledged.ack_deadline, before)
            self.assertEqual(acknowledged.response_deadline, entry.response_deadline)
            self.assertEqual(cancelled.ack_deadline, datetime(2026, 12, 25, 22, 59, 59))
            self.assertFalse(imported.ack_deadline)
            self.assertIn("moved: 2", action['params']['message'])
            self.assertIn(format_date(self.env, date(2026, 12, 28)), entry.message_ids[0].body)
            self.assertNotIn("Public holidays", ''.join(cancelled.message_ids.mapped('body')))
            step = entry.activity_ids.filtered(lambda activity: activity.qualiopi_step == 'acknowledge')
            self.assertEqual(step.date_deadline, date(2026, 12, 28))
            notes = len(entry.message_ids)
            self._add()
            self.assertEqual(len(entry.message_ids), notes)

    def test_other_companies_stay(self):
        """A second company with its own calendar keeps its deadlines."""
        with freeze_time('2026-12-23 10:00:00'):
            entry = self.make_complaint(self.other_officer, company_id=self.other_company.id)
            before = entry.ack_deadline
            self._add()
            self.assertEqual(entry.ack_deadline, before)

    def test_button_on_the_calendar(self):
        """Offered on the calendars of French companies alone."""
        calendar = self.calendar.with_company(self.company)
        self.company.country_id = self.env.ref('base.fr')
        self.assertTrue(calendar.qualiopi_is_french)
        action = calendar.action_qualiopi_holidays()
        self.assertEqual(action['context']['default_calendar_id'], calendar.id)
        self.company.country_id = self.env.ref('base.be')
        self.assertFalse(calendar.qualiopi_is_french)
