import logging
from typing import NamedTuple

from psycopg2.errors import UniqueViolation
from psycopg2.extensions import TransactionRollbackError

from odoo import api, fields, models
from odoo.exceptions import ConcurrencyError
from odoo.tools import SQL

_logger = logging.getLogger(__name__)

_DEFAULT_ESCALATION_DAYS = 5
_CRON_BATCH = 1000


class Audience(dict):
    """Who may open a record, asked once for each user and company; confidential records are asked one by
    one, since each may exclude people."""

    def first(self, record, *users):
        """The first of ``users`` who may open the record, or an empty recordset."""
        return next((user for user in users if user and self.has(record, user)), record.env['res.users'])

    def has(self, record, user):
        """Whether the user may open the record."""
        if record.is_confidential:
            return bool(record._filter_audience(user))
        key = (record._name, record.company_id.id, user.id)
        if key not in self:
            # sudo: rights of others are asked, not shown
            self[key] = user.sudo().active and user._qualiopi_may_open(record._name, record.company_id.id)
        return self[key]


class Step(NamedTuple):
    """A step that somebody owes: its code (activity type ``activity_type_<code>``), who, until when, and
    whether the quality lead hears of it when it is late."""

    code: str
    user: models.Model
    due: object
    escalates: bool = True


class Pass:
    """One reconciliation: what it finds out is asked once. No remote caller can put one into the context."""

    def __init__(self, new_records):
        """
        :param new_records: records that this call has created, for which nothing can have been planned or waived
        """
        self.new_records = new_records
        self.owed = {}
        self.people = set()
        self.with_cause = {}


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

    def _followup_pass(self):
        found = self.env.context.get('qualiopi_followup_pass')
        # What is due to be computed of another register may be so in the middle of this one's pass.
        is_ours = isinstance(found, Pass) and found.new_records._name == self._name
        return found if is_ours else Pass(self.browse())

    def _followup_owed(self):
        """Steps that the state expects and that nobody declared not applicable, by record."""
        owed = self._followup_pass().owed
        unknown = self.filtered(lambda record: record not in owed)
        waived = unknown._followup_waived()
        for record, steps in unknown._followup_steps().items():
            owed[record] = [step for step in steps if (record.id, step.code) not in waived]
            if not any(step.escalates for step in owed[record]):
                last = record._followup_last_step()
                if last and (record.id, last.code) not in waived:
                    owed[record].append(last)
        return {record: owed[record] for record in self}

    def _followup_last_step(self):
        """What is still owed when no other step is, be it that they were declared not applicable.

        :return: Step or None
        """
        return None

    def _followup_waived(self):
        """Steps that were declared not applicable.

        :return: dates set by the follow-up at that time, by (record id, code)
        :rtype: dict[tuple, set]
        """
        records = self._origin - self._followup_pass().new_records
        # sudo: what was waived is so for everybody
        waivers = self.env['mail.activity'].sudo().search_fetch([
            ('res_model', '=', self._name), ('res_id', 'in', records.ids), ('active', '=', False),
            ('qualiopi_step', '!=', False), ('qualiopi_waiver', '!=', False),
        ], ['res_id', 'qualiopi_step', 'qualiopi_due']) if records else ()
        waived = {}
        for waiver in waivers:
            waived.setdefault((waiver.res_id, waiver.qualiopi_step), set()).add(waiver.qualiopi_due)
        return waived

    def _followup_escalation_days(self):
        """Working days past due before the quality lead hears of it: by severity."""
        return _DEFAULT_ESCALATION_DAYS

    def _followup_escalates_at_once(self):
        """Whether the quality lead hears of the record on the day it is recorded."""
        return False

    def _compute_followup_on(self):
        owed = self._followup_owed()
        for company, records in self.grouped('company_id').items():
            first = {
                record: min((step.due for step in owed[record] if step.due and step.escalates), default=None)
                for record in records
            }
            pairs = {
                record: (due, record._followup_escalation_days()) for record, due in first.items() if due
            }
            ends = company._qualiopi_deadlines(set(pairs.values())) if pairs else {}
            for record in records:
                end = ends.get(pairs.get(record))
                record.followup_on = company._qualiopi_local_date(end) if end else False

    def _followup_expected(self):
        """Steps owed by (record id, code), escalations included, as (user, due); the user is empty where
        nobody can do it: neither the person named nor the company's quality lead (quality.md, G10)."""
        now = fields.Datetime.now()
        audience = Audience()
        expected = {}
        for company, records in self.grouped('company_id').items():
            today = company._qualiopi_local_date(now)
            # sudo: who the lead is decides who gets the step
            lead = company.sudo().qualiopi_manager_id
            for record, steps in records._followup_owed().items():
                if record._followup_is_imported():
                    continue
                for step in steps:
                    user = audience.first(record, step.user, lead)
                    expected[record.id, step.code] = (user, step.due or record._followup_recorded_on())
                late = record.followup_on and record.followup_on <= today
                at_once = any(step.escalates for step in steps) and record._followup_escalates_at_once()
                if (late or at_once) and lead != record[record._owner_field]:
                    user = audience.first(record, lead)
                    if user:
                        # The lateness is another occasion than the receipt.
                        due = record.followup_on if late else record._followup_recorded_on()
                        expected[record.id, 'escalate'] = (user, due)
        return expected

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
        records._followup_sync(is_new=True)
        # Links may come as defaults, which the values do not name.
        for neighbours in records._followup_neighbours(self._followup_fields):
            neighbours._followup_sync()
        return records

    def write(self, vals):
        # A link that is taken away is known before only.
        before = self._followup_neighbours(vals.keys())
        result = super().write(vals)
        if self._followup_fields & vals.keys():
            self._followup_sync()
            after = self._followup_neighbours(vals.keys())
            for old, new in zip(before, after, strict=True):
                (old | new)._followup_sync()
        return result

    def _followup_neighbours(self, names):
        """Other records whose steps depend on fields of these.

        :param names: names of the fields that are written
        :return: one recordset a kind of neighbour, as many whatever the records
        :rtype: list
        """
        return []

    def _reopen(self, reason):
        self._followup_forget_waivers()
        return super()._reopen(reason)

    def _followup_forget_waivers(self):
        """What did not apply is asked again: these records begin anew. The reason stays in the chatter."""
        # sudo: also what others declared not applicable
        self.env['mail.activity'].sudo().search([
            ('res_model', '=', self._name), ('res_id', 'in', self.ids), ('active', '=', False),
            ('qualiopi_step', '!=', False), ('qualiopi_waiver', '!=', False),
        ]).write({'qualiopi_waiver': False})

    def _restrict_audience(self):
        result = super()._restrict_audience()
        # Steps of people without access went with them: somebody else owes them now.
        self._followup_sync()
        return result

    def _followup_sync(self, is_new=False):
        """Create, move, reassign and close the activities of the steps owed, in batch.

        :param bool is_new: whether the caller has just created the records, which have no step yet
        """
        # sudo: the activities of others follow the record, whoever changed it
        records = self.sudo().with_context(
            mail_activity_quick_update=True, mail_notify_author=False,
            qualiopi_followup_pass=Pass(self if is_new else self.browse()),
        )
        context = self.env.context
        if not records or context.get('qualiopi_followup_wait') or context.get('mail_activity_automation_skip'):
            return
        expected = records._followup_expected()
        late = records.browse(key[0] for key in expected if key[1] == 'escalate')
        seen = {key: days for key, days in late._followup_waived().items() if key[1] == 'escalate'}
        current = {
            (activity.res_id, activity.qualiopi_step): activity
            for activity in records.env['mail.activity'].search([
                ('res_model', '=', self._name), ('res_id', 'in', records.ids), ('qualiopi_step', '!=', False),
            ])
        } if not is_new else {}
        # What the lead has looked into is not brought up again; the next lateness is.
        expected = {key: value for key, value in expected.items() if value[1] not in seen.get(key, ())}
        assigned = {key: value for key, value in expected.items() if value[0]}
        records._followup_end([activity for key, activity in current.items() if key not in expected])
        # Owed, but by nobody: the lists have a filter for these records.
        records.env['mail.activity'].union(*(
            activity for key, activity in current.items() if key in expected and key not in assigned
        )).unlink()
        records._followup_move(current, assigned)
        records._followup_create({key: value for key, value in assigned.items() if key not in current})

    def _followup_end(self, activities):
        """Close the steps that were done by whatever way; those of cancelled records are removed."""
        if not activities:
            return
        activities = self.env['mail.activity'].union(*activities)
        cancelled = set(self.filtered(lambda record: record._followup_is_cancelled()).ids)
        removed = activities.filtered(lambda activity: activity.res_id in cancelled)
        done = activities - removed
        removed.unlink()
        done.write({'active': False})
        names = {}
        for activity in done:
            if activity.qualiopi_step != 'escalate':
                names.setdefault(activity.res_id, []).append(activity.summary or activity.activity_type_id.name)
        if names:
            self.browse(names)._log_texts({
                key: self.env._("Step ended: %s", ", ".join(types)) for key, types in names.items()
            })

    def _followup_is_cancelled(self):
        return 'cancelled_on' in self._fields and bool(self.cancelled_on)

    def _followup_move(self, current, expected):
        """Follow the record's own dates and people; what was changed by hand stays until they change."""
        audience = Audience()
        records = dict(self.grouped('id'))
        changes = {}
        for key, (user, due) in expected.items():
            activity = current.get(key)
            if not activity:
                continue
            values = {}
            if activity.qualiopi_due != due:
                values.update(qualiopi_due=due, date_deadline=due)
            if activity.qualiopi_user_id != user or not audience.first(records[key[0]], activity.user_id):
                values.update(qualiopi_user_id=user.id, user_id=user.id)
            if values:
                changes.setdefault(tuple(values.items()), []).append(activity.id)
        for values, ids in changes.items():
            self.env['mail.activity'].browse(ids).write(dict(values))

    def _followup_create(self, missing):
        if not missing:
            return
        types = {code: self._followup_type(code) for code in {code for __, code in missing}}
        langs = {user.lang for user, __ in missing.values()}
        labels = {lang: self.with_context(lang=lang)._followup_labels() for lang in langs}
        self._followup_pass().people.update(user.partner_id.id for user, __ in missing.values())
        model_id = self.env['ir.model']._get_id(self._name)
        names = {record.id: record.display_name for record in self.browse({record_id for record_id, __ in missing})}
        try:
            self.env['mail.activity'].create([{
                'res_model_id': model_id,
                # What Odoo would look up and write afterwards.
                'res_model': self._name,
                'res_name': names[record_id],
                'res_id': record_id,
                'activity_type_id': types[code],
                # In the words of whoever does it.
                'summary': labels[user.lang].get(code),
                'user_id': user.id,
                'date_deadline': due,
                'automated': True,
                'qualiopi_step': code,
                'qualiopi_due': due,
                'qualiopi_user_id': user.id,
            } for (record_id, code), (user, due) in missing.items()])
        except UniqueViolation as error:
            # Somebody else planned the same step in this moment: tried again, theirs is seen.
            raise ConcurrencyError("A step of the follow-up was planned twice at once") from error

    def _message_subscribe(self, partner_ids=None, subtype_ids=None, customer_ids=None):
        if partner_ids and set(partner_ids) <= self._followup_pass().people:
            # Who owes a step is a colleague: Odoo need not look up whether a customer begins to follow.
            customer_ids = []
        return super()._message_subscribe(partner_ids, subtype_ids, customer_ids)

    @api.model
    def _followup_labels(self):
        """What each step is called, in the language of the context."""
        return {
            'acknowledge': self.env._("Acknowledge"),
            'analyse': self.env._("Analyse"),
            'answer': self.env._("Answer"),
            'ask': self.env._("Ask whether it is solved"),
            'close': self.env._("Close the entry"),
            'decide': self.env._("Decide on an action"),
            'plan': self.env._("Plan"),
            'start': self.env._("Begin"),
            'finish': self.env._("Finish"),
            'evidence': self.env._("Add evidence"),
            'check': self.env._("Verify the effectiveness"),
            'escalate': self.env._("Look into what is late"),
        }

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
    def _followup_due_today(self, limit, after=('', 0)):
        """Records that need something today, in one query: steps that escalate, and activities of users who
        are gone.

        :param int limit: how many at most
        :param after: (model, id) to go on behind
        :return: (model, id) pairs in order
        :rtype: list[tuple[str, int]]
        """
        today = fields.Date.context_today(self)
        # Two conditions, not one with OR, which PostgreSQL can only try pair by pair.
        selects = [
            SQL(
                """SELECT %(model)s AS model, r.id
                     FROM %(table)s r
                     JOIN res_company c ON c.id = r.company_id
                     JOIN res_users lead ON lead.id = c.qualiopi_manager_id AND lead.active
                    WHERE r.followup_on <= %(today)s
                      AND r.%(owner)s IS DISTINCT FROM lead.id
                      AND NOT EXISTS (
                        SELECT 1 FROM mail_activity a
                         WHERE a.res_model = %(model)s AND a.res_id = r.id AND a.qualiopi_step = 'escalate'
                           AND a.active)
                      AND NOT EXISTS (
                        SELECT 1 FROM mail_activity a
                         WHERE a.res_model = %(model)s AND a.res_id = r.id AND a.qualiopi_step = 'escalate'
                           AND a.qualiopi_waiver IS NOT NULL AND a.qualiopi_due = r.followup_on)""",
                model=name, table=SQL.identifier(self.env[name]._table), today=today,
                owner=SQL.identifier(self.env[name]._owner_field),
            )
            for name in self._followup_models()
            # Where the lead is the one to act, nothing is brought before the lead.
            if self.env[name]._fields[self.env[name]._owner_field].store
        ]
        selects.append(SQL(
            """SELECT a.res_model AS model, a.res_id AS id FROM mail_activity a
                WHERE a.active AND a.qualiopi_step IS NOT NULL
                  AND a.user_id IN (SELECT id FROM res_users WHERE NOT active)"""
        ))
        return self.env.execute_query(SQL(
            "SELECT model, id FROM (%s) due WHERE (model, id) > %s ORDER BY model, id LIMIT %s",
            SQL(" UNION ").join(selects), after, limit,
        ))

    @api.model
    def _cron_followup(self):
        """Escalate what is past due, batch by batch; a record that fails is reported and left aside."""
        self.env.flush_all()
        progress = self.env['ir.cron']._commit_progress
        # Each record once a run, whether it needed something or not.
        last = ('', 0)
        while due := self._followup_due_today(_CRON_BATCH, last):
            last = due[-1]
            by_model = {}
            for name, record_id in due:
                by_model.setdefault(name, []).append(record_id)
            for name, ids in by_model.items():
                self.env[name].browse(ids)._followup_sync_safely()
            # Without a rest this run would count as complete, and what is left would wait for tomorrow.
            if not progress(len(due), remaining=int(len(due) == _CRON_BATCH)):
                return
            # Memory is bounded by the batch.
            self.env.invalidate_all()

    def _followup_catch_up(self):
        """What the jobs do with records that they hold."""
        self._followup_sync()

    def _followup_sync_safely(self):
        """Reconcile in batch; when that fails, by halves, so that one record does not hold up the others."""
        try:
            with self.env.cr.savepoint():
                # Who holds a record is writing on it, and brings it in step or leaves it to tomorrow.
                self.try_lock_for_update()._followup_catch_up()
            return
        except (ConcurrencyError, TransactionRollbackError, UniqueViolation) as error:
            # A second worker may have planned the same step, or made the same person follow.
            self.env.invalidate_all()
            if len(self) == 1:
                # Somebody else has just done it, or is doing so.
                _logger.info("Follow-up of %s is left to the next run: %s", self, error)
                return
        except Exception:  # whatever one record does, the others are followed up
            self.env.invalidate_all()
            if len(self) == 1:
                _logger.exception("Follow-up of %s could not be brought up to date", self)
                return
        middle = len(self) // 2
        self[:middle]._followup_sync_safely()
        self[middle:]._followup_sync_safely()
