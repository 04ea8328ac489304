import logging
from typing import NamedTuple

from odoo import api, fields, models
from odoo.tools import SQL

_logger = logging.getLogger(__name__)

_DEFAULT_ESCALATION_DAYS = 5
_CRON_BATCH = 1000


class Step(NamedTuple):
    """A step that somebody owes: its code (activity type ``activity_type_<code>``), who, and until when."""

    code: str
    user: models.Model
    due: object


class QualiopiFollowupMixin(models.AbstractModel):
    """Follow-up as reconciliation: what a record's state expects is compared with the activities that exist.

    Only activities with a ``qualiopi_step`` are touched, never those that people planned themselves. Running
    it twice changes nothing; a run that was cut off leaves nothing that the next one does not mend.
    """

    _name = 'qualiopi.followup.mixin'
    _description = "Follow-up of Quality Records"

    # Writing one of these may change what is owed.
    _followup_fields = frozenset()

    followup_on = fields.Date(
        "Escalates on", compute='_compute_followup_on', store=True, copy=False, index='btree_not_null',
        help="The day on which the quality lead hears of a step that is past due.",
    )

    # === WHAT IS OWED === #

    def _followup_steps(self):
        """Steps that the state of each record expects now (RNQ V10, indicators 31 and 32).

        :return: list of Step by record
        :rtype: dict
        """
        raise NotImplementedError

    def _followup_due(self, code, record):
        """Step with the record's owner."""
        return Step(code, record[record._owner_field], None)

    def _followup_escalation(self):
        """First due date among the steps owed, and the working days after which it escalates.

        :return: (date or False, number of working days) by record
        :rtype: dict
        """
        steps = self._followup_steps()
        return {
            record: (
                min((step.due for step in steps.get(record, ()) if step.due), default=False),
                record._followup_escalation_days(),
            )
            for record in self
        }

    def _followup_escalation_days(self):
        """Working days past due before the quality lead hears of it: by severity."""
        return _DEFAULT_ESCALATION_DAYS

    def _followup_escalates_at_once(self):
        """Whether the quality lead hears of the record on the day it is recorded."""
        return False

    def _compute_followup_on(self):
        escalations = self._followup_escalation()
        for company, records in self.grouped('company_id').items():
            pairs = {
                record: (fields.Datetime.to_datetime(due), days)
                for record in records
                for due, days in [escalations[record]] if due
            }
            # Midnight in UTC is the same day in the company's time zone, from London to Auckland.
            noons = {record: (moment.replace(hour=11), days) for record, (moment, days) in pairs.items()}
            ends = company.sudo()._qualiopi_deadlines(set(noons.values())) if noons else {}
            for record in records:
                day = ends.get(noons.get(record))
                record.followup_on = company._qualiopi_local_date(day) if day else False

    def _followup_user(self, user):
        """Who does the step: the person named, or else the company's quality lead; nobody when neither may
        open the record (quality.md, G10)."""
        self.ensure_one()
        candidates = (user, self.company_id.sudo().qualiopi_manager_id)
        return next((who for who in candidates if who and self._filter_audience(who)), self.env['res.users'])

    def _followup_expected(self):
        """Steps owed by (record id, code), escalations included, as (user, due)."""
        today = fields.Date.context_today(self)
        expected = {}
        for record, steps in self._followup_steps().items():
            if record._followup_is_imported():
                continue
            for step in steps:
                expected[record.id, step.code] = (record._followup_user(step.user), step.due or today)
            at_once = steps and record._followup_escalates_at_once()
            if at_once or (record.followup_on and record.followup_on <= today):
                manager = record._followup_user(record.company_id.sudo().qualiopi_manager_id)
                due = record.followup_on if not at_once else record._followup_recorded_on()
                if manager and manager != record[record._owner_field]:
                    expected[record.id, 'escalate'] = (manager, due)
        return {key: value for key, value in expected.items() if value[0]}

    def _followup_is_imported(self):
        return 'is_imported' in self._fields and self.is_imported

    def _followup_recorded_on(self):
        return self.company_id._qualiopi_local_date(self.create_date)

    # === RECONCILING === #

    @api.model_create_multi
    def create(self, vals_list):
        # Evidence or checks that come along must not plan steps before the record is whole.
        waiting = super(QualiopiFollowupMixin, self.with_context(qualiopi_followup_wait=True))
        records = waiting.create(vals_list).with_env(self.env)
        records._followup_sync()
        # Links may come as defaults, which the values do not name.
        records._followup_neighbours(self._followup_fields)
        return records

    def write(self, vals):
        result = super().write(vals)
        if self._followup_fields & vals.keys():
            self._followup_sync()
            self._followup_neighbours(vals.keys())
        return result

    def _followup_neighbours(self, names):
        """Bring other records in step whose steps depend on the fields that were written."""

    def _followup_sync(self):
        """Create, move, reassign and close the activities of the steps owed, in batch."""
        # sudo: the activities of others follow the record, whoever changed it
        records = self.sudo().with_context(mail_activity_quick_update=True, mail_notify_author=False)
        context = self.env.context
        if not records or context.get('qualiopi_followup_wait') or context.get('mail_activity_automation_skip'):
            return
        expected = records._followup_expected()
        Activity = records.env['mail.activity'].with_context(active_test=False)
        known = Activity.search([
            ('res_model', '=', self._name), ('res_id', 'in', records.ids), ('qualiopi_step', '!=', False),
            '|', ('active', '=', True), ('qualiopi_waiver', '!=', False),
        ])
        waived = {
            (activity.res_id, activity.qualiopi_step): activity.qualiopi_due
            for activity in known if not activity.active
        }
        expected = {
            key: value for key, value in expected.items()
            if key not in waived or key[1] == 'escalate' and waived[key] != value[1]
        }
        current = {
            (activity.res_id, activity.qualiopi_step): activity for activity in known if activity.active
        }
        records._followup_end([activity for key, activity in current.items() if key not in expected])
        records._followup_move(current, expected)
        records._followup_create({key: value for key, value in expected.items() if key not in current})

    def _followup_end(self, activities):
        """Close the steps that were done by whatever way; those of cancelled records are removed."""
        if not activities:
            return
        activities = self.env['mail.activity'].browse([activity.id for activity in activities])
        cancelled = set(self.filtered(lambda record: record._followup_is_cancelled()).ids)
        removed = activities.filtered(lambda activity: activity.res_id in cancelled)
        removed.unlink()
        done = activities - removed
        if done:
            done.write({'active': False})
            names = {}
            for activity in done:
                names.setdefault(activity.res_id, []).append(activity.activity_type_id.name)
            self.browse(names)._log_texts({
                key: self.env._("Done: %s", ", ".join(types)) for key, types in names.items()
            })

    def _followup_is_cancelled(self):
        return 'cancelled_on' in self._fields and bool(self.cancelled_on)

    def _followup_move(self, current, expected):
        """Follow the record's own dates and people; what was changed by hand stays until they change."""
        changes = {}
        for key, (user, due) in expected.items():
            activity = current.get(key)
            if not activity:
                continue
            values = {}
            if activity.qualiopi_due != due:
                values.update(qualiopi_due=due, date_deadline=due)
            if activity.qualiopi_user_id != user or not activity.user_id.active:
                values.update(qualiopi_user_id=user.id, user_id=user.id)
            if values:
                changes.setdefault(tuple(values.items()), []).append(activity.id)
        for values, ids in changes.items():
            self.env['mail.activity'].browse(ids).write(dict(values))

    def _followup_create(self, missing):
        types = {code: self._followup_type(code) for __, code in missing}
        model_id = self.env['ir.model']._get_id(self._name)
        self.env['mail.activity'].create([{
            'res_model_id': model_id,
            'res_id': record_id,
            'activity_type_id': types[code],
            'user_id': user.id,
            'date_deadline': due,
            'automated': True,
            'qualiopi_step': code,
            'qualiopi_due': due,
            'qualiopi_user_id': user.id,
        } for (record_id, code), (user, due) in missing.items()])

    @api.model
    def _followup_type(self, code):
        data = self.env['ir.model.data']
        return (
            data._xmlid_to_res_id(f'qualiopi.activity_type_{code}', raise_if_not_found=False)
            or data._xmlid_to_res_id('mail.mail_activity_data_todo')
        )

    # === WHAT ONLY TIME CHANGES === #

    @api.model
    def _followup_models(self):
        return [
            name for name, model in self.env.registry.items()
            if not model._abstract and issubclass(model, QualiopiFollowupMixin)
        ]

    @api.model
    def _followup_due_today(self, limit, failed):
        """Records that need something today, in one query: steps that escalate, and activities of users who
        are gone.

        :param int limit: how many at most
        :param failed: (model, id) pairs to leave out
        :return: ids by model
        :rtype: dict[str, list[int]]
        """
        today = fields.Date.context_today(self)
        selects = [
            SQL(
                """SELECT %(model)s AS model, r.id FROM %(table)s r
                    WHERE r.followup_on <= %(today)s
                      AND NOT EXISTS (
                        SELECT 1 FROM mail_activity a
                         WHERE a.res_model = %(model)s AND a.res_id = r.id AND a.qualiopi_step = 'escalate'
                           AND (a.active OR a.qualiopi_due = r.followup_on))""",
                model=name, table=SQL.identifier(self.env[name]._table), today=today,
            )
            for name in self._followup_models()
        ]
        selects.append(SQL(
            """SELECT a.res_model AS model, a.res_id AS id FROM mail_activity a JOIN res_users u ON u.id = a.user_id
                WHERE a.active AND a.qualiopi_step IS NOT NULL AND NOT u.active"""
        ))
        rows = self.env.execute_query(SQL(
            "SELECT model, id FROM (%s) due WHERE (model, id) NOT IN %s LIMIT %s",
            SQL(" UNION ").join(selects), tuple(failed) or (('', 0),), limit,
        ))
        by_model = {}
        for name, record_id in rows:
            by_model.setdefault(name, []).append(record_id)
        return by_model

    @api.model
    def _cron_followup(self):
        """Escalate what is past due, batch by batch; a record that fails is reported and left aside."""
        self.env.flush_all()
        handled = set()
        while due := self._followup_due_today(_CRON_BATCH, handled):
            for name, ids in due.items():
                # Each record once a run, whether it needed something or not.
                handled.update((name, record_id) for record_id in ids)
                records = self.env[name].browse(ids).try_lock_for_update()
                records._followup_sync_safely()
                if not self.env['ir.cron']._commit_progress(len(records)):
                    return

    def _followup_sync_safely(self):
        """Reconcile in batch; when that fails, one by one, so that one record does not hold up the others."""
        try:
            with self.env.cr.savepoint():
                self._followup_sync()
            return
        except Exception:  # whatever one record does, the others are followed up
            _logger.info("Follow-up of %s %s records: one by one after a failure", len(self), self._name)
        self.env.invalidate_all()
        for record in self:
            try:
                with self.env.cr.savepoint():
                    record._followup_sync()
            except Exception:
                _logger.exception("Follow-up of %s could not be brought up to date", record)
                self.env.invalidate_all()
