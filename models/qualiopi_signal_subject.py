"""Signals that many records make together: dropouts of a session, entries of the register on one subject."""

import logging
from datetime import timedelta

from dateutil.relativedelta import relativedelta

from odoo import fields, models
from odoo.fields import Command, Domain
from odoo.tools import format_date

from .qualiopi_signal_job import _LOOK_DAYS
from .qualiopi_signal_rule import ENTRY_KINDS, figure_text, limit_text

_logger = logging.getLogger(__name__)


class QualiopiSignalRule(models.Model):
    _inherit = 'qualiopi.signal.rule'

    def _look_safely(self, company):
        """Hold a rule on sessions or entries against a company; a failure is reported and left aside."""
        self.ensure_one()
        rule = self.with_context(lang=company._qualiopi_signal_lang())
        try:
            with self.env.cr.savepoint():
                if rule.kind in ENTRY_KINDS:
                    rule._look_at_entries(company)
                else:
                    rule._look_at_dropouts(company)
        except Exception:  # whatever one rule does, the others are held
            self.env.invalidate_all()
            _logger.exception("Rule %s could not be held against %s", self, company)

    # === DROPOUTS === #

    def _look_at_dropouts(self, company):
        """Sessions that ended lately, or run, and lost more learners than the threshold says (indicator 12)."""
        now = fields.Datetime.now()
        Event = self.env['event.event']
        lost = self.env['qualiopi.dropout']._read_group([
            ('company_id', '=', company.id), ('is_counted', '=', True),
            ('event_id.date_begin', '<=', now), ('event_id.date_end', '>=', now - timedelta(days=_LOOK_DAYS)),
        ], ['event_id'])
        events = Event.union(*(event for [event] in lost)).filtered(lambda event: event.company_id == company)
        Signal = self.env['qualiopi.signal']
        known = Signal.search([
            ('company_id', '=', company.id), ('kind', '=', 'dropout_rate'), ('state', '!=', 'dismissed'),
            ('event_id.date_end', '>=', now - timedelta(days=_LOOK_DAYS)),
        ])
        figures = (events | known.event_id)._qualiopi_dropout_figures()
        for signal in known:
            signal._revise(figures[signal.event_id]['rate'])
        found = []
        for event in events:
            own = figures[event]
            if own['rate'] is None or own['started'] < self.min_n or own['rate'] <= self.threshold:
                continue
            subject = event.course_id or event
            text = self.env._(
                "Dropout rate %(rate)s %%: %(dropouts)s of %(started)s learners who started, above the threshold of"
                " %(limit)s %%. Source: dropout register, session %(session)s of %(day)s, rule “%(rule)s”.",
                rate=figure_text(self.env, own['rate']), dropouts=own['dropouts'], started=own['started'],
                limit=limit_text(self.env, self.threshold), session=event.name, rule=self.name,
                day=format_date(self.env, event._qualiopi_local_day(event.date_begin)))
            trainers = event.trainer_ids
            found.append({
                'name': self.env._("High dropout rate: %s", event.name), 'text': text, 'value': own['rate'],
                'n': own['started'], 'subject_key': f'event:{event.id}', 'period_key': '',
                'case_key': f'dropout:{subject._name}:{subject.id}', 'event_id': event.id,
                'course_id': event.course_id.id, 'trainer_id': trainers.id if len(trainers) == 1 else False,
                'date_from': event._qualiopi_local_day(event.date_begin),
                'date_to': event._qualiopi_local_day(event.date_end),
            })
        Signal._notice(self, company, found)

    # === ENTRIES OF THE REGISTER === #

    def _entries_domain(self, company):
        """Entries that a rule counts; confidential ones never (design, rule 8)."""
        today = company._qualiopi_local_date(fields.Datetime.now())
        natures = ['complaint']
        if self.with_difficulties and self.kind == 'complaints':
            natures += ['difficulty', 'unforeseen']
        domain = (
            Domain('company_id', '=', company.id) & Domain('nature', 'in', natures)
            & Domain('is_confidential', '=', False) & Domain('is_imported', '=', False)
            & Domain('state', '!=', 'cancelled')
            & Domain('received_date', '>', today - relativedelta(months=self.months))
            & Domain('received_date', '<=', today)
        )
        if self.kind == 'late':
            Complaint = self.env['qualiopi.complaint']
            domain &= Domain('response_timeliness', '=', 'late') | Complaint._late_domain('response')
        return domain

    def _entry_subject(self, entry):
        if self.kind == 'late':
            return entry.company_id
        return {
            'category': entry.category_id, 'trainer': entry.trainer_id, 'course': entry.course_id,
            'site': entry.event_id.address_id,
        }[self.grouping]

    def _look_at_entries(self, company):
        """Entries on one subject: those that no signal has counted yet make a new one, unless one is still
        open, which gets them."""
        Signal = self.env['qualiopi.signal']
        groups = {}
        entries = self.env['qualiopi.complaint'].search(self._entries_domain(company), order='received_date, id')
        for entry in entries:
            subject = self._entry_subject(entry)
            if subject:
                groups.setdefault(subject, []).append(entry.id)
        if not groups:
            return
        keys = {subject: f'{self.grouping if self.kind == "complaints" else "late"}:{subject.id}' for subject in groups}
        known = Signal.search([
            ('rule_id', '=', self.id), ('company_id', '=', company.id), ('subject_key', 'in', list(keys.values())),
        ], order='id').grouped('subject_key')
        found = []
        for subject, ids in groups.items():
            signals = known.get(keys[subject], Signal)
            fresh = entries.browse(ids) - signals.complaint_ids
            still_open = signals.filtered(
                lambda s: s.state == 'proposed' or s.finding_id and not s.finding_id._is_ended())[-1:]
            if fresh and still_open:
                if not still_open.is_confidential:
                    still_open._add_safely(fresh)
            elif len(fresh) >= self.count:
                found.append(self._entries_values(subject, fresh, keys[subject]))
        Signal._notice(self, company, found)

    def _entries_values(self, subject, entries, key):
        labels = dict(self._fields['grouping']._description_selection(self.env))
        first, last = min(entries.mapped('received_date')), max(entries.mapped('received_date'))
        values = {
            'subject_key': key, 'case_key': key,
            # An entry counts once a rule and subject: its first one names the period.
            'period_key': str(min(entries.ids)),
            'date_from': first, 'date_to': last, 'value': len(entries), 'threshold': self.count, 'n': len(entries),
            'complaint_ids': [Command.set(entries.ids)],
        }
        source = self.env._(
            "%(count)s entries received from %(first)s to %(last)s (threshold: %(limit)s in %(months)s months)."
            " Source: register, %(references)s; rule “%(rule)s”.",
            count=len(entries), first=format_date(self.env, first), last=format_date(self.env, last),
            limit=self.count, months=self.months, references=", ".join(entries.mapped('reference')), rule=self.name,
        )
        if self.kind == 'late':
            return {
                **values, 'name': self.env._("Responses to complaints are late"),
                'text': self.env._("Late responses: %s", source),
            }
        label = labels[self.grouping]
        field = {'category': 'category_id', 'trainer': 'trainer_id', 'course': 'course_id', 'site': 'site_id'}
        values[field[self.grouping]] = subject.id
        course = entries.course_id
        if len(course) == 1 and all(entry.course_id for entry in entries):
            values['course_id'] = course.id
        return {
            **values,
            'name': self.env._("Repeated complaints: %s", subject.display_name),
            'text': self.env._(
                "%(label)s “%(subject)s”: %(origin)s", label=label, subject=subject.display_name, origin=source),
        }
