import logging
from datetime import timedelta

import pytz

from odoo import api, fields, models
from odoo.fields import Command
from odoo.tools import format_date, ormcache, split_every

from .qualiopi_guarded_mixin import QualiopiGuardedMixin
from .res_company import DEFAULT_TZ

_logger = logging.getLogger(__name__)

_DIGEST_HOUR = 6
_DIGEST_BATCH = 100
_DIGEST_LINES = 25


class ResUsers(models.Model):
    _inherit = 'res.users'

    qualiopi_digest = fields.Boolean(
        "Quality reminder every morning",
        default=True,
        help="One mail on working days when something is late or due this week.",
    )
    qualiopi_digest_on = fields.Date("Quality reminder dealt with on", readonly=True, copy=False)

    @property
    def SELF_READABLE_FIELDS(self):
        return super().SELF_READABLE_FIELDS + ['qualiopi_digest']

    @property
    def SELF_WRITEABLE_FIELDS(self):
        return super().SELF_WRITEABLE_FIELDS + ['qualiopi_digest']

    @api.model_create_multi
    def create(self, vals_list):
        users = super().create(vals_list)
        # Whether somebody reads reports is asked of a cache, which Odoo empties when users change.
        self.env.registry.clear_cache()
        return users

    @ormcache('self.id', 'model', 'company_id')
    def _qualiopi_may_open(self, model, company_id):
        """Whether the user, when active, may open the records of a company that are not confidential: see
        _filter_audience(). Odoo empties the cache when a user, a user's groups or companies change.

        :param str model: name of a model of the registers
        :rtype: bool
        """
        # sudo: rights of others are asked, not shown
        user = self.sudo()
        return not user.share and company_id in user.company_ids.ids and self.env[model]._has_role(user)

    def write(self, vals):
        result = super().write(vals)
        if vals.keys() & {'active', 'company_ids', 'group_ids'}:
            self._hand_over_quality_steps()
        return result

    def _hand_over_quality_steps(self):
        """The steps of somebody who is gone go to somebody who is there (quality.md, D4)."""
        if not self:
            return
        # sudo: what these users owe is reassigned whoever changes them
        activities = self.env['mail.activity'].sudo().search([
            ('user_id', 'in', self.ids), ('qualiopi_step', '!=', False),
        ])
        ids = {name: set(own.mapped('res_id')) for name, own in activities.grouped('res_model').items()}
        for name, res_ids in ids.items():
            self.env[name].browse(res_ids)._followup_sync()

    def _join_confidential_group(self):
        """A quality lead is in the confidential group from the start (design, rule 8); an administrator may
        take the lead out again."""
        if self:
            # sudo: whoever names the lead of a company need not be the administrator of groups
            group = self.env.ref('qualiopi.group_confidential').sudo()
            group.write({'user_ids': [Command.link(user.id) for user in self]})

    # === MORNING REMINDER === #

    @api.model
    def _cron_qualiopi_digest(self):
        """Send one mail to each person who owes something late or due this week, at six in Paris or later.

        Each person's day is written down in the same transaction as the mail: a run that was cut off goes
        on where it stopped, and a second one on the same day sends nothing.
        """
        now = pytz.utc.localize(fields.Datetime.now())
        paris = now.astimezone(pytz.timezone(DEFAULT_TZ))
        if paris.hour < _DIGEST_HOUR:
            # The schedule is in UTC and set to summer time: in winter it comes an hour early.
            at = paris.tzinfo.normalize(paris.replace(hour=_DIGEST_HOUR, minute=0, second=0, microsecond=0))
            cron = self.env.ref('qualiopi.ir_cron_digest', raise_if_not_found=False)
            if cron:
                # sudo: a schedule is nobody's, and this one calls itself
                cron.sudo()._trigger(at=at.astimezone(pytz.utc).replace(tzinfo=None))
            return
        # sudo: what each person owes is read for that person alone
        days, skipped = self.sudo()._qualiopi_digest_days(now)
        progress = self.env['ir.cron']._commit_progress
        progress(remaining=len(days))
        sent = 0
        for ids in split_every(_DIGEST_BATCH, sorted(days)):
            # sudo: the program writes down the day of each person's mail; the ids are its own
            users = self.sudo().browse(ids).try_lock_for_update()
            # Another run may have been here since.
            users.invalidate_recordset(['qualiopi_digest_on'])
            sent += users.filtered(lambda user: user.qualiopi_digest_on != days[user.id])._qualiopi_send_digests(days)
            if not progress(len(ids)):
                break
        _logger.info("Qualiopi reminder: %s mails; left out: %s", sent, skipped or "nobody")

    @api.model
    def _qualiopi_digest_days(self, now):
        """People who owe something and get a mail today, with their day.

        :param datetime now: with time zone
        :return: day by user id; number of people left out by reason
        :rtype: tuple[dict[int, date], dict[str, int]]
        """
        # Nowhere does this week end later than in seven days.
        owing = self.env['mail.activity']._read_group([
            ('qualiopi_step', '!=', False), ('user_id', '!=', False),
            ('date_deadline', '<=', now.date() + timedelta(days=7)),
        ], ['user_id'])
        users = self.browse(user.id for user, in owing)
        days, skipped, working = {}, {}, {}
        for user in users:
            day = now.astimezone(pytz.timezone(user.tz or user.company_id._qualiopi_tz())).date()
            company = user.company_id
            if (company, day) not in working:
                working[company, day] = day.weekday() < 5 and bool(company._qualiopi_working_days(day, day))
            reason = (
                'archived or external' if not user.active or user.share
                else 'without e-mail' if not user.email
                else 'opted out' if not user.qualiopi_digest
                else 'day off' if not working[company, day]
                else 'done today' if user.qualiopi_digest_on == day
                else None
            )
            if reason:
                skipped[reason] = skipped.get(reason, 0) + 1
            else:
                days[user.id] = day
        return days, skipped

    def _qualiopi_send_digests(self, days):
        """Queue the mails of these users and write their day down; one by one when the batch fails.

        :param dict days: day by user id
        :return: number of mails queued
        :rtype: int
        """
        try:
            with self.env.cr.savepoint():
                return self._qualiopi_queue_digests(days)
        except Exception:  # whatever one person's mail does, the others get theirs
            self.env.invalidate_all()
            if len(self) <= 1:
                _logger.exception("Qualiopi reminder of user %s failed", self.ids)
                return 0
        return sum(user._qualiopi_send_digests(days) for user in self)

    def _qualiopi_queue_digests(self, days):
        sender = self.env.ref('base.user_root').email_formatted
        values = []
        for user, lines in self._qualiopi_digest_lines(days).items():
            if lines:
                address = user.company_id.email_formatted or sender
                values.append({
                    **user._qualiopi_digest_content(lines, days[user.id]),
                    'email_from': address,
                    'reply_to': address,
                    'email_to': user.email_formatted,
                    'author_id': user.company_id.partner_id.id,
                    'auto_delete': True,
                    'state': 'outgoing',
                    'headers': repr({'X-Auto-Response-Suppress': 'OOF', 'Auto-Submitted': 'auto-generated'}),
                })
        self.env['mail.mail'].create(values)
        for day, users in self.grouped(lambda user: days[user.id]).items():
            users.qualiopi_digest_on = day
        if values:
            self.env.ref('mail.ir_cron_mail_scheduler_action')._trigger()
        return len(values)

    def _qualiopi_digest_lines(self, days):
        """What each user owes until Sunday, the oldest first; nothing of companies whose reminder is
        switched off or to which the user no longer belongs.

        :param dict days: day by user id
        :return: (activity, record) pairs by user
        :rtype: dict[recordset, list[tuple]]
        """
        activities = self.env['mail.activity'].search_fetch(
            [
                ('qualiopi_step', '!=', False), ('user_id', 'in', self.ids),
                ('date_deadline', '<=', max(days[user.id] for user in self) + timedelta(days=6)),
            ],
            ['res_model', 'res_id', 'user_id', 'date_deadline', 'activity_type_id'],
            order='date_deadline, id',
        ) if self else self.env['mail.activity']
        records = {}
        for name, own in activities.grouped('res_model').items():
            if isinstance(self.env.get(name), QualiopiGuardedMixin):
                for record in self.env[name].browse(set(own.mapped('res_id'))).exists():
                    records[name, record.id] = record
        lines = {user: [] for user in self}
        for activity in activities:
            user = activity.user_id
            record = records.get((activity.res_model, activity.res_id))
            sunday = days[user.id] + timedelta(days=6 - days[user.id].weekday())
            company = record and record.company_id
            if company and company.qualiopi_digest and company in user.company_ids and activity.date_deadline <= sunday:
                lines[user].append((activity, record))
        return lines

    def _qualiopi_digest_content(self, lines, today):
        """Subject and body of a user's mail, in the user's language.

        :param list lines: (activity, record) pairs, the oldest first
        :param date today: the user's day
        :rtype: dict
        """
        self.ensure_one()
        user = self.with_context(lang=self.lang, tz=self.tz)
        late = sum(activity.date_deadline < today for activity, __ in lines)
        week = len(lines) - late
        if not week:
            subject = user.env._("Quality: %s late", late)
        elif not late:
            subject = user.env._("Quality: %s due this week", week)
        else:
            subject = user.env._("Quality: %(late)s late, %(week)s due this week", late=late, week=week)
        rows = [user._qualiopi_digest_row(*line, today) for line in lines[:_DIGEST_LINES]]
        body = user.env['ir.qweb']._render('qualiopi.digest_mail', {
            'greeting': user.env._("Hello %s,", user.name),
            'sections': [
                (title, section) for title, section in (
                    (user.env._("Late"), [row for row in rows if row['is_late']]),
                    (user.env._("This week"), [row for row in rows if not row['is_late']]),
                ) if section
            ],
            'more': len(lines) > len(rows) and user.env._("and %s more", len(lines) - len(rows)),
            'url': f"{user.get_base_url()}/odoo",
        }, minimal_qcontext=True)
        return {'subject': subject, 'body_html': body}

    def _qualiopi_digest_row(self, activity, record, today):
        env = self.env
        due = activity.date_deadline
        # A check goes by the number and the subject of its action.
        main = record if 'name' in record._fields else record.action_id
        day = format_date(env, due, date_format='EEEE d MMMM')
        if due < today:
            when = env._("since %s", day)
        elif due == today:
            when = env._("today")
        elif due == today + timedelta(days=1):
            when = env._("tomorrow")
        else:
            when = day
        return {
            'is_late': due < today,
            'url': f"{record.get_base_url()}/odoo/{record._name}/{record.id}",
            'reference': main.reference,
            # A mail travels: a confidential record goes by its number alone.
            'subject': '' if record.is_confidential else main.name or '',
            'step': activity.with_context(lang=env.lang).activity_type_id.name,
            'when': when,
        }
