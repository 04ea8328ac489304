from datetime import date, datetime, time, timedelta

import pytz
from dateutil.easter import easter

from odoo import api, fields, models
from odoo.exceptions import AccessError, UserError

from ..models.res_company import DEFAULT_TZ

_MOST_YEARS = 10
# Commemoration of the abolition of slavery, a public holiday in its territory (Code du travail, L3422-2).
_ABOLITION = {
    'mayotte': (4, 27),
    'martinique': (5, 22),
    'guadeloupe': (5, 27),
    'guyane': (6, 10),
    'reunion': (12, 20),
}


class QualiopiHolidays(models.TransientModel):
    """Odoo ships no French public holidays, and a deadline in working days needs them (design, rule 6)."""

    _name = 'qualiopi.holidays'
    _description = "Add the French Public Holidays"

    company_id = fields.Many2one('res.company', required=True, default=lambda self: self.env.company)
    calendar_id = fields.Many2one(
        'resource.calendar', "Working calendar", compute='_compute_calendar_id', store=True, readonly=False,
        precompute=True, required=True, domain="[('company_id', 'in', [company_id, False])]",
    )
    year_from = fields.Integer("From", required=True, default=lambda self: fields.Date.context_today(self).year)
    year_to = fields.Integer("To", required=True, default=lambda self: fields.Date.context_today(self).year + 2)
    alsace_moselle = fields.Boolean(
        "Alsace and Moselle", help="Good Friday and 26 December as well.",
    )
    overseas = fields.Selection([
        ('guadeloupe', "Guadeloupe"),
        ('guyane', "French Guiana"),
        ('martinique', "Martinique"),
        ('mayotte', "Mayotte"),
        ('reunion', "Réunion"),
    ], help="The day of the abolition of slavery as well.")

    @api.depends('company_id')
    def _compute_calendar_id(self):
        for wizard in self:
            # sudo: the company's own calendar, whatever the user may read of it
            wizard.calendar_id = wizard.company_id.sudo().resource_calendar_id

    @api.model
    def _holidays(self, year, alsace_moselle=False, overseas=None):
        """Public holidays of a year (Code du travail, L3133-1).

        :param int year: from 1983 to 4099, for which Easter is known
        :param bool alsace_moselle: whether Good Friday and 26 December are holidays too (L3134-13)
        :param str overseas: key of the territory, or nothing
        :return: name by day, in the language of the context; two holidays on a day share it
        :rtype: dict[date, str]
        """
        sunday = easter(year)
        days = [
            (date(year, 1, 1), self.env._("New Year's Day")),
            (sunday + timedelta(days=1), self.env._("Easter Monday")),
            (date(year, 5, 1), self.env._("Labour Day")),
            (date(year, 5, 8), self.env._("Victory Day 1945")),
            (sunday + timedelta(days=39), self.env._("Ascension Day")),
            (sunday + timedelta(days=50), self.env._("Whit Monday")),
            (date(year, 7, 14), self.env._("National Day")),
            (date(year, 8, 15), self.env._("Assumption Day")),
            (date(year, 11, 1), self.env._("All Saints' Day")),
            (date(year, 11, 11), self.env._("Armistice Day 1918")),
            (date(year, 12, 25), self.env._("Christmas Day")),
        ]
        if alsace_moselle:
            days += [
                (sunday - timedelta(days=2), self.env._("Good Friday")),
                (date(year, 12, 26), self.env._("Saint Stephen's Day")),
            ]
        if overseas:
            days.append((date(year, *_ABOLITION[overseas]), self.env._("Abolition of slavery")))
        holidays = {}
        for day, name in sorted(days):
            holidays[day] = f"{holidays[day]}, {name}" if day in holidays else name
        return holidays

    def action_confirm(self):
        """Add the holidays that the calendar lacks, and move the open deadlines that they lie in.

        :return: a notification that says how many days were added and how many deadlines moved
        :raise AccessError: for anybody but a quality manager of the calendar's company
        :raise UserError: for years out of order or too many
        """
        self.ensure_one()
        self._check_calendar()
        if not 2000 <= self.year_from <= self.year_to <= 2099 or self.year_to - self.year_from >= _MOST_YEARS:
            raise UserError(self.env._("Give a first and a last year, at most %s years.", _MOST_YEARS))
        # sudo: a quality manager keeps the calendar without being an administrator; checked above
        calendar = self.sudo().calendar_id
        companies = self.env['res.company'].sudo().search([('resource_calendar_id', '=', calendar.id)])
        entries = self.env['qualiopi.complaint'].sudo().with_context(active_test=False)
        promised = {company: entries._promised_days(company) for company in companies}
        added, known = self._add_missing(calendar)
        moved = sum(entries._keep_promised_days(company, days) for company, days in promised.items()) if added else 0
        return {
            'type': 'ir.actions.client',
            'tag': 'display_notification',
            'params': {
                'type': 'success',
                'message': self.env._(
                    "Public holidays added: %(added)s; there already: %(known)s;"
                    " entries whose deadline moved: %(moved)s.",
                    added=added, known=known, moved=moved,
                ),
                'next': {'type': 'ir.actions.act_window_close'},
            },
        }

    def _check_calendar(self):
        self.check_access('write')
        # sudo: whose calendar it is decides, whatever the user may read of it
        calendar = self.sudo().calendar_id
        own = calendar.company_id or self.company_id
        shared_by_another = not calendar.company_id and calendar != self.company_id.sudo().resource_calendar_id
        if self.company_id not in self.env.companies or own != self.company_id or shared_by_another:
            raise AccessError(self.env._("This calendar belongs to another company."))

    def _add_missing(self, calendar):
        """Create the days off that are not there.

        :param calendar: resource.calendar, as superuser
        :return: numbers of days added and of days that were there already
        :rtype: tuple[int, int]
        """
        zone = pytz.timezone(calendar.tz or DEFAULT_TZ)

        def utc(day, moment):
            return zone.localize(datetime.combine(day, moment)).astimezone(pytz.utc).replace(tzinfo=None)

        installed = dict(self.env['res.lang'].get_installed())
        # They are French: so are their names, where French is installed.
        speaker = self.with_context(lang='fr_FR') if 'fr_FR' in installed else self
        holidays = {}
        for year in range(self.year_from, self.year_to + 1):
            holidays.update(speaker._holidays(year, self.alsace_moselle, self.overseas))
        leaves = calendar.env['resource.calendar.leaves'].search_fetch([
            ('resource_id', '=', False),
            ('time_type', '=', 'leave'),
            ('date_from', '<=', utc(max(holidays), time.max)),
            ('date_to', '>=', utc(min(holidays), time.min)),
            '|', ('calendar_id', '=', calendar.id),
            '&', ('calendar_id', '=', False), ('company_id', '=', self.company_id.id),
        ], ['date_from', 'date_to'])
        # Typed by hand it may be an hour off: what is closed at noon is closed that day.
        missing = {
            day: name for day, name in holidays.items()
            if not any(leave.date_from <= utc(day, time(12)) <= leave.date_to for leave in leaves)
        }
        calendar.env['resource.calendar.leaves'].with_company(self.company_id).create([{
            'name': name,
            'calendar_id': calendar.id,
            'date_from': utc(day, time.min),
            'date_to': utc(day, time(23, 59, 59)),
            'time_type': 'leave',
        } for day, name in sorted(missing.items())])
        return len(missing), len(holidays) - len(missing)
