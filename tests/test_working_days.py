from datetime import date, datetime, timedelta

from odoo import Command
from odoo.tests import TransactionCase, new_test_user, tagged

WEEK = ('0', '1', '2', '3', '4')


def at(text):
    """A naive UTC datetime."""
    return datetime.fromisoformat(text)


@tagged('post_install', '-at_install')
class TestWorkingDays(TransactionCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.company = cls._company("Formation Un", 'Europe/Paris', WEEK)
        for day in ('2026-05-01', '2026-05-14', '2026-12-25'):
            cls._holiday(cls.company.resource_calendar_id, day, cls.company)

    @classmethod
    def _company(cls, name, zone, days):
        company = cls.env['res.company'].create({'name': name})
        company.resource_calendar_id = cls.env['resource.calendar'].create(
            {
                'name': name,
                'company_id': company.id,
                'tz': zone,
                'attendance_ids': [
                    Command.create(
                        {
                            'name': half,
                            'dayofweek': day,
                            'hour_from': start,
                            'hour_to': end,
                            'day_period': half,
                        }
                    )
                    for day in days
                    for half, start, end in (('morning', 9, 12), ('afternoon', 13, 17))
                ],
            }
        )
        return company

    @classmethod
    def _holiday(cls, calendar, day, company, days=1):
        start = cls._utc(company, datetime.fromisoformat(day))
        holiday = cls.env['resource.calendar.leaves'].create(
            {
                'name': "Holiday",
                'calendar_id': calendar.id,
                'date_from': start,
                'date_to': start + timedelta(days=days, seconds=-1),
            }
        )
        # Without a calendar it takes the current user's company.
        holiday.flush_recordset()
        holiday.company_id = company

    @classmethod
    def _utc(cls, company, moment):
        return company._qualiopi_end_of_day(moment.date()) - timedelta(
            hours=23, minutes=59, seconds=59
        )

    def assertDeadlines(self, company, table):
        pairs = [(at(received), number) for received, number, __ in table]
        found = company._qualiopi_deadlines(pairs)
        for received, number, expected in table:
            self.assertEqual(
                found[at(received), number], at(expected), f"{number} after {received}"
            )

    def test_table(self):
        """By hand: Friday evening, week-end, midnight, holidays, the year's end."""
        self.assertDeadlines(
            self.company,
            [
                # Friday 20 November 2026, 17:30 in Paris
                ('2026-11-20 16:30:00', 0, '2026-11-20 22:59:59'),
                ('2026-11-20 16:30:00', 1, '2026-11-23 22:59:59'),
                ('2026-11-20 16:30:00', 2, '2026-11-24 22:59:59'),
                ('2026-11-20 16:30:00', 5, '2026-11-27 22:59:59'),
                ('2026-11-20 16:30:00', 10, '2026-12-04 22:59:59'),
                # Saturday and Sunday
                ('2026-11-21 09:00:00', 0, '2026-11-21 22:59:59'),
                ('2026-11-21 09:00:00', 1, '2026-11-23 22:59:59'),
                ('2026-11-22 12:00:00', 1, '2026-11-23 22:59:59'),
                # Sunday 23:30 UTC is Monday 0:30 in Paris
                ('2026-11-22 23:30:00', 1, '2026-11-24 22:59:59'),
                # Before and on 1 May, a Friday; across Ascension, a Thursday
                ('2026-04-30 10:00:00', 1, '2026-05-04 21:59:59'),
                ('2026-05-01 10:00:00', 1, '2026-05-04 21:59:59'),
                ('2026-05-13 10:00:00', 2, '2026-05-18 21:59:59'),
                # Friday 25 December
                ('2026-12-24 10:00:00', 1, '2026-12-28 22:59:59'),
                ('2026-12-24 10:00:00', 30, '2027-02-05 22:59:59'),
            ],
        )

    def test_daylight_saving(self):
        """The nights of 29 March and 25 October 2026."""
        self.assertDeadlines(
            self.company,
            [
                ('2026-03-27 12:00:00', 0, '2026-03-27 22:59:59'),
                ('2026-03-27 12:00:00', 1, '2026-03-30 21:59:59'),
                ('2026-03-28 23:30:00', 0, '2026-03-29 21:59:59'),
                ('2026-03-29 00:30:00', 1, '2026-03-30 21:59:59'),
                ('2026-03-29 01:30:00', 1, '2026-03-30 21:59:59'),
                ('2026-10-23 12:00:00', 1, '2026-10-26 22:59:59'),
                ('2026-10-24 22:30:00', 0, '2026-10-25 22:59:59'),
                ('2026-10-25 00:30:00', 1, '2026-10-26 22:59:59'),
                ('2026-10-25 01:30:00', 0, '2026-10-25 22:59:59'),
            ],
        )

    def test_user_time_zone(self):
        """The company's day counts, wherever the user is."""
        user = new_test_user(
            self.env,
            'qualiopi_far',
            groups='base.group_user',
            tz='Pacific/Auckland',
            company_id=self.company.id,
            company_ids=[Command.set(self.company.ids)],
        )
        company = self.company.with_user(user).with_context(
            tz='Pacific/Auckland',
            employee_timezone='Pacific/Auckland',
        )
        self.assertDeadlines(
            company,
            [
                ('2026-11-22 12:00:00', 1, '2026-11-23 22:59:59'),
                ('2026-11-20 16:30:00', 1, '2026-11-23 22:59:59'),
                ('2026-04-30 10:00:00', 1, '2026-05-04 21:59:59'),
            ],
        )
        self.assertEqual(company._qualiopi_tz(), 'Europe/Paris')

    def test_without_hours(self):
        """No calendar, one without hours, one without fixed hours: Mondays to Fridays."""
        table = [
            ('2026-11-20 16:30:00', 1, '2026-11-23 22:59:59'),
            ('2026-11-21 09:00:00', 5, '2026-11-27 22:59:59'),
        ]
        calendar = self.company.resource_calendar_id
        calendar.flexible_hours = True
        self.assertDeadlines(
            self.company, [*table, ('2026-04-30 10:00:00', 1, '2026-05-04 21:59:59')]
        )
        calendar.flexible_hours = False
        calendar.attendance_ids.unlink()
        self.assertDeadlines(
            self.company, [*table, ('2026-04-30 10:00:00', 1, '2026-05-04 21:59:59')]
        )
        self.company.resource_calendar_id = False
        self.assertEqual(self.company._qualiopi_tz(), 'Europe/Paris')
        self.assertDeadlines(
            self.company, [*table, ('2026-04-30 10:00:00', 1, '2026-05-01 21:59:59')]
        )
        self.assertEqual(self.env['res.company']._qualiopi_tz(), 'Europe/Paris')

    def test_two_companies(self):
        """Each company has its days, its holidays and its hours on the clock."""
        other = self._company("Formation Deux", 'America/Cayenne', ('1', '2', '3', '4', '5'))
        # A holiday without a calendar is the whole company's, and only its own.
        self._holiday(self.env['resource.calendar'], '2026-06-10', other)
        self.assertDeadlines(
            other,
            [
                # Friday 13:30 in Cayenne: Saturday is worked
                ('2026-11-20 16:30:00', 1, '2026-11-22 02:59:59'),
                ('2026-11-20 16:30:00', 2, '2026-11-25 02:59:59'),
                # Sunday 02:30 UTC is still Saturday there
                ('2026-11-22 02:30:00', 0, '2026-11-22 02:59:59'),
                ('2026-11-22 02:30:00', 1, '2026-11-25 02:59:59'),
                ('2026-04-30 10:00:00', 1, '2026-05-02 02:59:59'),
                ('2026-06-09 12:00:00', 1, '2026-06-12 02:59:59'),
            ],
        )
        self.assertDeadlines(
            self.company,
            [
                ('2026-11-20 16:30:00', 1, '2026-11-23 22:59:59'),
                ('2026-06-09 12:00:00', 1, '2026-06-10 21:59:59'),
            ],
        )

    def test_half_holiday(self):
        """A day that is worked in part is a working day."""
        self.env['resource.calendar.leaves'].create(
            {
                'calendar_id': self.company.resource_calendar_id.id,
                'date_from': '2026-11-23 11:00:00',
                'date_to': '2026-11-23 17:00:00',
            }
        )
        self.assertDeadlines(self.company, [('2026-11-20 16:30:00', 1, '2026-11-23 22:59:59')])

    def test_closed_for_long(self):
        """A long closing is waited for; years without a working day are not."""
        self._holiday(self.company.resource_calendar_id, '2026-07-01', self.company, days=184)
        self.assertDeadlines(self.company, [('2026-06-30 10:00:00', 1, '2027-01-01 22:59:59')])
        self._holiday(self.company.resource_calendar_id, '2027-01-01', self.company, days=3650)
        self.assertDeadlines(self.company, [('2026-06-30 10:00:00', 3, '2026-07-03 21:59:59')])

    def test_implausible(self):
        """Slips of the pen neither fail nor read centuries."""
        pairs = [
            (at('0206-11-20 16:30:00'), 5),
            (datetime.min, 2),
            (datetime.max, 5),
            (at('2026-11-20 16:30:00'), 4000),
        ]
        self.company._qualiopi_tz()
        with self.assertQueryCount(0):
            found = self.company._qualiopi_deadlines(pairs)
        self.assertEqual(found.keys(), set(pairs))
        self.assertEqual(found[datetime.max, 5].year, 9999)
        delays = self.company._qualiopi_working_days_between(
            [(at('0206-11-20 16:30:00'), at('2026-11-20 16:30:00'))]
        )
        self.assertGreater(*delays.values(), 400000)

    def test_between(self):
        """Working days from the day after receipt up to the day done."""
        table = [
            ('2026-11-20 08:00:00', '2026-11-20 16:30:00', 0),
            ('2026-11-20 16:30:00', '2026-11-21 10:00:00', 0),
            ('2026-11-20 16:30:00', '2026-11-22 23:30:00', 1),
            ('2026-11-20 16:30:00', '2026-11-23 10:00:00', 1),
            ('2026-11-20 16:30:00', '2026-12-04 10:00:00', 10),
            ('2026-04-30 10:00:00', '2026-05-04 10:00:00', 1),
            ('2026-11-23 10:00:00', '2026-11-20 10:00:00', 0),
        ]
        found = self.company._qualiopi_working_days_between([(at(a), at(b)) for a, b, __ in table])
        for received, done, expected in table:
            self.assertEqual(found[at(received), at(done)], expected, f"{received} to {done}")
        pair = (at('2026-11-20 16:30:00'), date(2026, 11, 24))
        self.assertEqual(self.company._qualiopi_working_days_between([pair]), {pair: 2})

    def test_agree(self):
        """What is done on the deadline took the number of days given, all the year round."""
        moments = [at('2026-01-01 10:00:00') + timedelta(days=day) for day in range(365)]
        deadlines = self.company._qualiopi_deadlines(
            (moment, n) for moment in moments for n in (1, 2, 10)
        )
        delays = self.company._qualiopi_working_days_between(
            {(moment, end) for (moment, __), end in deadlines.items()},
        )
        for (moment, number), end in deadlines.items():
            self.assertEqual(delays[moment, end], number, f"{number} after {moment}")

    def test_queries(self):
        """The calendar is read once, whatever the number of pairs, and then known until it changes."""
        counts = []
        for size in (10, 100):
            moments = [at('2026-04-20 10:00:00') + timedelta(days=2 * day) for day in range(size)]
            self.env.invalidate_all()
            before = self.cr.sql_log_count
            deadlines = self.company._qualiopi_deadlines(
                {(moment, n) for moment in moments for n in (2, 5, 10)}
            )
            middle = self.cr.sql_log_count
            self.company._qualiopi_working_days_between(
                {(key[0], end) for key, end in deadlines.items()}
            )
            counts.append((middle - before, self.cr.sql_log_count - middle))
        self.assertLessEqual(counts[0][0], 8)
        self.assertEqual([counts[0][1], *counts[1]], [0, 0, 0])

    def test_calendar_that_changes(self):
        """Whatever changes in the calendar counts at once: holidays, hours, time zone, another calendar."""
        received = at('2026-11-20 09:00:00')

        def due():
            return self.company._qualiopi_deadlines({(received, 2)})[received, 2]

        tuesday, wednesday = at('2026-11-24 22:59:59'), at('2026-11-25 22:59:59')
        self.assertEqual(due(), tuesday)
        calendar = self.company.resource_calendar_id
        holiday = self.env['resource.calendar.leaves'].create({
            'name': "Holiday", 'calendar_id': calendar.id,
            'date_from': '2026-11-23 00:00:00', 'date_to': '2026-11-23 22:00:00',
        })
        self.assertEqual(due(), wednesday)
        holiday.write({'date_from': '2026-12-07 00:00:00', 'date_to': '2026-12-07 22:00:00'})
        self.assertEqual(due(), tuesday)
        holiday.write({'date_from': '2026-11-24 00:00:00', 'date_to': '2026-11-24 22:00:00'})
        self.assertEqual(due(), wednesday)
        holiday.unlink()
        self.assertEqual(due(), tuesday)
        mondays = calendar.attendance_ids.filtered(lambda line: line.dayofweek == '0')
        mondays.write({'dayofweek': '6'})
        self.assertEqual(due(), tuesday)
        calendar.attendance_ids.filtered(lambda line: line.dayofweek == '6').unlink()
        self.assertEqual(due(), wednesday)
        calendar.tz = 'America/Cayenne'
        self.assertEqual(due(), at('2026-11-26 02:59:59'))
        self.company.resource_calendar_id = calendar.copy({'attendance_ids': [], 'tz': 'Europe/Paris'})
        self.assertEqual(due(), tuesday)
