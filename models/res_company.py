from bisect import bisect_right
from datetime import date, datetime, time, timedelta

import pytz

from odoo import api, fields, models
from odoo.tools import ormcache, split_every
from odoo.tools.intervals import Intervals

DEFAULT_TZ = 'Europe/Paris'
_FOLLOWUP_BATCH = 1000
# Beyond, a date is a slip of the pen and a calendar of centuries would be read for it.
_CALENDAR_FROM = date(1970, 1, 1)
_CALENDAR_TO = date(2100, 1, 1)
_MOST_DAYS = 1000
# How far to look beyond twice the days asked for, in steps, up to more than three years.
_MARGINS = (21, 150, 1200)


def _weekdays(start, end):
    """Mondays to Fridays from ``start`` to ``end``, both included."""
    days = (date.fromordinal(number) for number in range(start.toordinal(), end.toordinal() + 1))
    return [day for day in days if day.weekday() < 5]


def _add_weekdays(start, number):
    """The ``number``-th weekday after ``start``, or the last day there is."""
    # Five weekdays in seven days, from whichever day.
    last = min(start.toordinal() + number // 5 * 7 + 9, date.max.toordinal())
    weekdays = _weekdays(start, date.fromordinal(last))
    position = bisect_right(weekdays, start) + number - 1
    return weekdays[position] if position < len(weekdays) else date.max


class ResCompany(models.Model):
    _inherit = 'res.company'

    qualiopi_nda = fields.Char(
        "Activity number (NDA)",
        help="The number of the provider's declaration of activity, printed on every document.",
    )
    qualiopi_manager_id = fields.Many2one(
        'res.users',
        "Quality lead",
        check_company=True,
        ondelete='set null',
        domain="[('share', '=', False)]",
        help="Whom the registers turn to when nobody else is named.",
    )
    qualiopi_disability_officer_id = fields.Many2one(
        'res.partner',
        "Disability officer",
        check_company=True,
        ondelete='set null',
        help="The person whom learners with a disability can turn to.",
    )
    qualiopi_mediator = fields.Char(
        "Consumer mediator",
        help="The mediator to whom private persons may turn after your response.",
    )
    qualiopi_mediator_contact = fields.Text(
        "Mediator's address", help="Postal address and web site."
    )
    qualiopi_self_check = fields.Boolean(
        "One-person organisation",
        help="Owners may verify the effectiveness of their own actions. The documents say so.",
    )
    qualiopi_first_use = fields.Date(
        "Registers in use since",
        default=fields.Date.today,
        help="For 90 days from then, what is not organised yet reads \"to be set up\".",
    )

    qualiopi_auto_acknowledge = fields.Boolean(
        "Automatic acknowledgement",
        help="What comes in by mail, form or portal is acknowledged at once.",
    )
    qualiopi_digest = fields.Boolean(
        "Morning reminder",
        default=True,
        help="One mail on working days to each person who has something late or due this week.",
    )

    qualiopi_form_enabled = fields.Boolean(
        "Public form",
        default=True,
        help="A page where anybody may tell you what is wrong, without an account.",
    )
    qualiopi_form_url = fields.Char("Address of the form", compute='_compute_qualiopi_form_url')
    qualiopi_form_anonymous = fields.Boolean(
        "Anonymous messages",
        default=True,
        help="The form may be sent without a name. A safeguarding report always may.",
    )
    qualiopi_form_captcha = fields.Boolean(
        "Question against robots",
        help="The form asks a small sum, or uses Odoo's own captcha where one is set up.",
    )
    qualiopi_form_hourly_limit = fields.Integer(
        "Messages an hour from one connection",
        default=20,
        help="Beyond, the form asks to come back later. A whole classroom may share one connection.",
    )
    qualiopi_form_daily_limit = fields.Integer(
        "Messages a day in all",
        default=500,
        help="Beyond, the form asks to come back later, whoever writes.",
    )
    qualiopi_safeguarding_contacts = fields.Text(
        "Your own safeguarding contacts",
        help="Printed after the emergency numbers: the person in charge, a doctor, an association.",
    )
    qualiopi_privacy_notice = fields.Text(
        "Privacy notice",
        help="Shown under the form instead of the usual notice: purpose, how long it is kept, rights.",
    )

    _qualiopi_form_limits_check = models.Constraint(
        'CHECK(qualiopi_form_hourly_limit > 0 AND qualiopi_form_daily_limit > 0)',
        "The public form lets at least one message through: to close it, switch it off.",
    )

    def _compute_qualiopi_form_url(self):
        for company in self:
            company.qualiopi_form_url = company._door_url() if company.id else False

    @ormcache('self.id')
    def _qualiopi_promised_days(self):
        """The delays that the company promises to everybody: the longest of its severities (R6).

        :return: working days until the acknowledgement and until the response
        :rtype: tuple[int, int]
        """
        self.ensure_one()
        # sudo: the delays are published, whoever asks
        severities = self.env['qualiopi.severity'].sudo().search([('company_id', 'in', (False, self.id))])
        return max(severities.mapped('ack_days'), default=0), max(severities.mapped('response_days'), default=0)

    @api.constrains('qualiopi_manager_id', 'qualiopi_disability_officer_id')
    def _check_qualiopi_company(self):
        self._check_company(['qualiopi_manager_id', 'qualiopi_disability_officer_id'])

    @api.model_create_multi
    def create(self, vals_list):
        companies = super().create(vals_list)
        companies.qualiopi_manager_id._join_confidential_group()
        return companies

    def cache_invalidation_fields(self):
        # Working days, time zone and language are read from the cache.
        return super().cache_invalidation_fields() | {'resource_calendar_id', 'partner_id'}

    def write(self, vals):
        before = self.qualiopi_manager_id if 'qualiopi_manager_id' in vals else None
        result = super().write(vals)
        if before is not None:
            (self.qualiopi_manager_id - before)._join_confidential_group()
            self._hand_over_lead(before)
        return result

    def _hand_over_lead(self, before):
        """The new quality lead takes over what the former one did for lack of somebody else, and what
        nobody did.

        :param before: the former leads
        """
        for name in self.env['qualiopi.followup.mixin']._followup_models():
            # sudo: all that is open in the company, whoever names the lead
            model = self.env[name].sudo()
            steps = self.env['mail.activity'].sudo()._search([('res_model', '=', name), ('qualiopi_step', '!=', False)])
            own = self.env['mail.activity'].sudo()._search([
                ('res_model', '=', name), ('qualiopi_step', '!=', False), ('qualiopi_user_id', 'in', before.ids),
            ])
            records = model.search([
                ('company_id', 'in', self.ids), ('followup_on', '!=', False),
                '|', ('id', 'in', own.subselect('res_id')), ('id', 'not in', steps.subselect('res_id')),
            ])
            for batch in split_every(_FOLLOWUP_BATCH, records.ids, model.browse):
                batch._followup_sync()

    @ormcache('self.id', 'self.env.lang')
    def _qualiopi_lang(self):
        """Language that the team of a company works in; costs no query once it is cached.

        :rtype: str
        """
        # sudo: a language, the same for everybody
        return self.sudo().partner_id.lang or self.env.lang

    # === TIME === #

    @ormcache('self.id')
    def _qualiopi_tz(self):
        """Time zone of the company's days: its working calendar's.

        :return: name of a time zone
        :rtype: str
        """
        # sudo: a time zone, the same for everybody
        return self.sudo().resource_calendar_id.tz or DEFAULT_TZ

    def _qualiopi_local_date(self, moment):
        """Day of a moment in the company's time zone.

        :param moment: naive UTC datetime; a date is a day already
        :rtype: date
        """
        if not isinstance(moment, datetime):
            return moment
        try:
            return pytz.utc.localize(moment).astimezone(pytz.timezone(self._qualiopi_tz())).date()
        except OverflowError:
            return moment.date()

    def _qualiopi_end_of_day(self, day):
        """Last second of a day in the company's time zone.

        :param date day: a day of the company
        :return: naive UTC datetime
        :rtype: datetime
        """
        moment = datetime.combine(day, time(23, 59, 59))
        try:
            zone = pytz.timezone(self._qualiopi_tz())
            return zone.localize(moment).astimezone(pytz.utc).replace(tzinfo=None)
        except OverflowError:
            return moment

    def _qualiopi_working_days(self, start, end):
        """Days with working time in the company's calendar, public holidays taken off; Mondays to
        Fridays where the calendar gives no hours. Costs no query once the years are cached.

        :param date start: first day
        :param date end: last day, included
        :return: the days, sorted
        :rtype: list[date]
        """
        return [
            day for year in range(start.year, end.year + 1) for day in self._qualiopi_working_year(year)
            if start <= day <= end
        ]

    @ormcache('self.id', 'year')
    def _qualiopi_working_year(self, year):
        """Working days of a year: see _qualiopi_working_days().

        :param int year: from 1970 to 2100
        :return: the days, sorted
        :rtype: tuple[date]
        """
        start, end = date(year, 1, 1), date(year, 12, 31)
        # sudo: everybody counts the same days, whatever the user may read of the calendar.
        calendar = self.sudo().resource_calendar_id
        # Never the user's time zone, nor that of an employee in the context.
        zone = pytz.timezone(self._qualiopi_tz())
        begin = zone.localize(datetime.combine(start, time.min))
        finish = zone.localize(datetime.combine(end, time.max))
        # Holidays without a calendar are their company's; the calendar's own are for all who use it.
        holidays = [
            ('time_type', '=', 'leave'),
            '|',
            ('calendar_id', 'in', calendar.ids),
            '&',
            ('calendar_id', '=', False),
            ('company_id', 'in', [False, self.id]),
        ]
        has_hours = not calendar.flexible_hours and any(
            line.hour_to > line.hour_from and line.day_period != 'lunch'
            for line in calendar.attendance_ids
        )
        if has_hours:
            work = calendar._work_intervals_batch(begin, finish, domain=holidays, tz=zone)[False]
        else:
            work = (
                Intervals(
                    [
                        (
                            zone.localize(datetime.combine(day, time(9))),
                            zone.localize(datetime.combine(day, time(17))),
                            calendar,
                        )
                        for day in _weekdays(start, end)
                    ]
                )
                - calendar._leave_intervals_batch(begin, finish, domain=holidays, tz=zone)[False]
            )
        return tuple(sorted({begin.date() for begin, __, __ in work}))

    def _qualiopi_deadlines(self, pairs):
        """Deadlines in working days: the end of the n-th working day after the day of receipt,
        which does not count (design, rule 6). The calendar is read once for all pairs.

        :param pairs: iterable of (naive UTC datetime of receipt, number of working days)
        :return: naive UTC datetime by pair; no day at all means the end of the day of receipt
        :rtype: dict
        """
        pairs = set(pairs)
        received = {moment: self._qualiopi_local_date(moment) for moment, __ in pairs}
        ends = {pair: received[pair[0]] for pair in pairs if pair[1] <= 0}
        for margin in _MARGINS:
            waiting = {
                (moment, number)
                for moment, number in pairs - ends.keys()
                if _CALENDAR_FROM < received[moment] < _CALENDAR_TO and number <= _MOST_DAYS
            }
            if not waiting:
                break
            working = self._qualiopi_working_days(
                min(received[moment] for moment, __ in waiting),
                max(
                    received[moment] + timedelta(days=2 * number + margin)
                    for moment, number in waiting
                ),
            )
            for moment, number in waiting:
                position = bisect_right(working, received[moment]) + number - 1
                if position < len(working):
                    ends[moment, number] = working[position]
        for moment, number in pairs - ends.keys():
            ends[moment, number] = _add_weekdays(received[moment], number)
        return {pair: self._qualiopi_end_of_day(day) for pair, day in ends.items()}

    def _qualiopi_working_days_between(self, pairs):
        """Delays in working days: from the day after the receipt to the day done, included. The
        calendar is read once for all pairs.

        :param pairs: iterable of (receipt, done): naive UTC datetimes or dates of the company
        :return: number of working days by pair; 0 on the same day or before
        :rtype: dict
        """
        days = {pair: tuple(map(self._qualiopi_local_date, pair)) for pair in set(pairs)}
        spans = {
            span
            for span in days.values()
            if span[0] < span[1] and _CALENDAR_FROM < span[0] and span[1] < _CALENDAR_TO
        }
        working = []
        if spans:
            working = self._qualiopi_working_days(
                min(start for start, __ in spans),
                max(end for __, end in spans),
            )
        counts = {}
        for pair, (start, end) in days.items():
            if start >= end:
                counts[pair] = 0
            else:
                known = working if (start, end) in spans else _weekdays(start, end)
                counts[pair] = bisect_right(known, end) - bisect_right(known, start)
        return counts
