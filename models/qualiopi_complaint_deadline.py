"""Deadlines of an entry: what is promised in working days, and what came of it."""

from odoo import api, fields, models
from odoo.fields import Domain
from odoo.tools import SQL, format_date, plaintext2html


class QualiopiComplaint(models.Model):
    _inherit = 'qualiopi.complaint'

    # Deadlines
    ack_deadline = fields.Datetime("Acknowledge before", compute='_compute_deadlines', store=True, copy=False)
    analysis_deadline = fields.Datetime("Analyse before", compute='_compute_deadlines', store=True, copy=False)
    response_deadline = fields.Datetime("Answer before", compute='_compute_deadlines', store=True, copy=False)

    # Late
    is_ack_late = fields.Boolean("Acknowledgement late", compute='_compute_late', search='_search_is_ack_late')
    is_analysis_late = fields.Boolean("Analysis late", compute='_compute_late', search='_search_is_analysis_late')
    is_response_late = fields.Boolean("Response late", compute='_compute_late', search='_search_is_response_late')
    is_late = fields.Boolean("Late", compute='_compute_late', search='_search_is_late')

    # Delays
    ack_delay = fields.Integer(
        "Acknowledgement (working days)", compute='_compute_delays', store=True, aggregator='avg',
    )
    ack_timeliness = fields.Selection(
        selection='_selection_timeliness', string="Acknowledgement in time",
        compute='_compute_delays', store=True,
    )
    response_delay = fields.Integer(
        "Response (working days)", compute='_compute_delays', store=True, aggregator='avg',
    )
    response_timeliness = fields.Selection(
        selection='_selection_timeliness', string="Response in time",
        compute='_compute_delays', store=True,
    )

    _open_idx = models.Index("(response_deadline) WHERE state NOT IN ('closed', 'cancelled')")

    # === WHAT IS PROMISED === #

    # The delays of a severity are read when an entry is recorded or changes its severity: a setting
    # that is edited later does not rewrite what was promised.
    @api.depends('received_on', 'severity_id', 'nature', 'company_id')
    def _compute_deadlines(self):
        for company, complaints in self.grouped('company_id').items():
            wanted = {}
            for complaint in complaints.filtered(lambda c: c.received_on and not c.is_imported):
                steps = ('ack', 'response', 'analysis') if complaint.has_response_steps else ('analysis',)
                for step in steps:
                    days = complaint.severity_id._cached_value(f'{step}_days')
                    wanted[complaint, f'{step}_deadline'] = (complaint.received_on, days)
            deadlines = company._qualiopi_deadlines(set(wanted.values())) if wanted else {}
            for complaint in complaints:
                for name in ('ack_deadline', 'analysis_deadline', 'response_deadline'):
                    complaint[name] = deadlines.get(wanted.get((complaint, name)), False)

    def _promised_days(self, company):
        """Working days promised for the steps that the company's open entries still wait for, counted in
        the calendar as it is now: to be taken before the calendar changes.

        :return: (field, receipt, deadline, number of working days) by entry
        :rtype: dict[recordset, list[tuple]]
        """
        waiting = (('ack_deadline', 'ack_timeliness'), ('response_deadline', 'response_timeliness'))
        entries = self.search([
            ('company_id', '=', company.id), ('state', 'not in', ('closed', 'cancelled')),
            ('is_imported', '=', False),
        ])
        steps = [
            (entry, name, entry.received_on, entry[name])
            for entry in entries
            for name in [
                *(name for name, timeliness in waiting if entry[timeliness] == 'pending'),
                *(() if entry.analysis_date else ('analysis_deadline',)),
            ]
            if entry[name]
        ]
        days = company._qualiopi_working_days_between({(received, due) for __, __, received, due in steps})
        promised = {}
        for entry, name, received, due in steps:
            promised.setdefault(entry, []).append((name, received, due, days[received, due]))
        return promised

    def _keep_promised_days(self, company, promised):
        """Move deadlines so that they keep the number of working days promised, with a note.

        :param promised: what _promised_days() returned before the company's calendar changed
        :return: number of entries that moved
        :rtype: int
        """
        deadlines = company._qualiopi_deadlines({
            (received, days) for steps in promised.values() for __, received, __, days in steps
        })
        groups, notes = {}, {}
        for entry, steps in promised.items():
            values = tuple(
                (name, deadlines[received, days]) for name, received, due, days in steps
                if days and deadlines[received, days] != due
            )
            if values:
                groups.setdefault(values, []).append(entry.id)
                notes[entry.id] = self.env._(
                    "Public holidays were added to the calendar. New deadlines: %s.",
                    ", ".join(
                        f"{self._fields[name]._description_string(self.env)} "
                        f"{format_date(self.env, company._qualiopi_local_date(due))}"
                        for name, due in values
                    ),
                )
        for values, ids in groups.items():
            self.browse(ids)._as_server().write(dict(values))
        if notes:
            self.browse(notes)._followup_sync()
            self.browse(notes)._message_log_batch({key: plaintext2html(note) for key, note in notes.items()})
        return len(notes)

    # === WHAT CAME OF IT === #

    @api.model
    def _selection_timeliness(self):
        return [
            ('pending', self.env._("Pending")),
            ('on_time', self.env._("In time")),
            ('late', self.env._("Late")),
            ('not_applicable', self.env._("Not applicable")),
        ]

    @api.depends('received_on', 'ack_date', 'ack_deadline', 'response_date', 'response_deadline',
                 'ack_impossible_reason', 'response_impossible_reason', 'company_id')
    def _compute_delays(self):
        steps = (('ack', 'ack_impossible_reason'), ('response', 'response_impossible_reason'))
        for company, complaints in self.grouped('company_id').items():
            pairs = {
                (complaint.received_on, complaint[f'{step}_date'])
                for complaint in complaints for step, __ in steps
                if complaint.received_on and complaint[f'{step}_date']
            }
            days = company._qualiopi_working_days_between(pairs) if pairs else {}
            for complaint in complaints:
                for step, impossible in steps:
                    done, deadline = complaint[f'{step}_date'], complaint[f'{step}_deadline']
                    complaint[f'{step}_delay'] = days.get((complaint.received_on, done), 0)
                    if not deadline or complaint[impossible] and not done:
                        complaint[f'{step}_timeliness'] = 'not_applicable'
                    elif not done:
                        complaint[f'{step}_timeliness'] = 'pending'
                    else:
                        complaint[f'{step}_timeliness'] = 'on_time' if done <= deadline else 'late'

    def _read_group_select(self, aggregate_spec, query):
        """Delays are averaged over the entries that have one: a step that is still owed took no 0 days."""
        aggregate = super()._read_group_select(aggregate_spec, query)
        if aggregate_spec not in ('ack_delay:avg', 'response_delay:avg'):
            return aggregate
        timeliness = aggregate_spec.replace('_delay:avg', '_timeliness')
        return SQL(
            "%s FILTER (WHERE %s IN ('on_time', 'late'))",
            aggregate, self._field_to_sql(self._table, timeliness, query),
        )

    # === LATE === #

    @api.depends('state', 'ack_deadline', 'ack_timeliness', 'analysis_deadline', 'analysis_date',
                 'response_deadline', 'response_timeliness')
    def _compute_late(self):
        now = fields.Datetime.now()
        for complaint in self:
            is_open = complaint.state not in ('closed', 'cancelled')
            for step, waiting in (
                ('ack', complaint.ack_timeliness == 'pending'),
                ('analysis', not complaint.analysis_date),
                ('response', complaint.response_timeliness == 'pending'),
            ):
                deadline = complaint[f'{step}_deadline']
                complaint[f'is_{step}_late'] = bool(is_open and waiting and deadline and deadline < now)
            complaint.is_late = (
                complaint.is_ack_late or complaint.is_analysis_late or complaint.is_response_late
            )

    def _late_domain(self, step):
        waiting = (
            Domain('analysis_date', '=', False) if step == 'analysis'
            else Domain(f'{step}_timeliness', '=', 'pending')
        )
        return (
            Domain('state', 'not in', ('closed', 'cancelled')) & waiting
            & Domain(f'{step}_deadline', '<', fields.Datetime.now())
        )

    def _search_is_ack_late(self, operator, value):
        return self._late_domain('ack') if operator == 'in' else NotImplemented

    def _search_is_analysis_late(self, operator, value):
        return self._late_domain('analysis') if operator == 'in' else NotImplemented

    def _search_is_response_late(self, operator, value):
        return self._late_domain('response') if operator == 'in' else NotImplemented

    def _search_is_late(self, operator, value):
        if operator != 'in':
            return NotImplemented
        return Domain.OR(self._late_domain(step) for step in ('ack', 'analysis', 'response'))
