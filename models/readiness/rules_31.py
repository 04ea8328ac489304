"""Indicator 31: complaints, difficulties and unforeseen events."""

from dateutil.relativedelta import relativedelta

from odoo.fields import Domain

from ..qualiopi_complaint import ANSWERED_NATURES
from .rule import Rule, rule

# Days after closing in which the complainant may still say whether it is solved.
_VERDICT_DAYS = 30


@rule('31-A')
class ComplaintProcedure(Rule):
    is_organisation = True

    def check(self):
        situation = self.situation
        procedure = situation.procedure('complaint')
        if not procedure:
            return self.verdict('major', 'missing')
        review = procedure.next_review or procedure.date_from + relativedelta(years=1)
        if review < situation.today:
            return self.verdict('watch', 'old', procedure, review_on=review.isoformat())
        return self.verdict('ok', 'ok', procedure, version=procedure.version, since_on=procedure.date_from.isoformat())

    def texts(self):
        return {
            'ok': self.env._("Version %(version)s of the procedure is in force since %(since_on)s."),
            'missing': self.env._("No complaint procedure is in force."),
            'old': self.env._("The complaint procedure was to be looked at again by %(review_on)s."),
        }


class _Delay(Rule):
    _step = None

    def check(self):
        situation = self.situation
        asked = situation.entries.filtered(
            lambda entry: entry.nature in ANSWERED_NATURES
            and entry[f'{self._step}_timeliness'] in ('pending', 'on_time', 'late'))
        waiting = asked.filtered(f'is_{self._step}_late')
        late = asked.filtered(lambda entry: entry[f'{self._step}_timeliness'] == 'late') | waiting
        return self.own('some', late, len(asked), waiting=len(waiting))


@rule('31-B')
class AcknowledgementsLate(_Delay):
    _step = 'ack'

    def texts(self):
        return {
            'ok': self.env._("All acknowledgements are in time (%(total)s entries)."),
            'some': self.env._(
                "%(count)s of %(total)s entries beyond the delay for the acknowledgement, %(waiting)s of them still"
                " without one."),
        }


@rule('31-C')
class ResponsesLate(_Delay):
    _step = 'response'

    def texts(self):
        return {
            'ok': self.env._("All responses are in time (%(total)s entries)."),
            'some': self.env._(
                "%(count)s of %(total)s entries beyond the delay for the response, %(waiting)s of them still"
                " without one."),
        }


@rule('31-D')
class ClosedWithoutItsSteps(Rule):
    def check(self):
        closed = self.situation.entries.filtered(lambda entry: entry.state == 'closed')
        with_cause = closed._with_cause()
        lacking = closed.filtered(lambda entry: entry._missing_for_closing(with_cause))
        return self.own('some', lacking, len(closed))

    def texts(self):
        return {
            'ok': self.env._("Each closed entry has what its nature needs (%(total)s entries)."),
            'some': self.env._("%(count)s of %(total)s closed entries lack a step that their nature needs."),
        }


@rule('31-E')
class EmptyRegister(Rule):
    is_organisation = True

    def check(self):
        situation = self.situation
        if situation.entries:
            # The figure alone: the register is one click away anyway.
            return self.verdict('ok', 'ok', situation.entries)
        if situation.nil_statements.filtered('covers_complaint'):
            return self.verdict('ok', 'nil', situation.nil_statements)
        return self.verdict('watch' if situation.procedure('complaint') else 'major', 'empty')

    def texts(self):
        return {
            'ok': self.env._("%(count)s entries in the last twelve months."),
            'nil': self.env._("Nothing was received, and a nil statement says so."),
            'empty': self.env._("The register is empty and no nil statement says that nothing was received."),
        }


@rule('31-F')
class NoDifficultyNorEvent(Rule):
    is_organisation = True

    def check(self):
        situation = self.situation
        found = situation.entries.filtered(lambda entry: entry.nature in ('difficulty', 'unforeseen'))
        if found:
            return self.verdict('ok', 'ok', found)
        nil = situation.nil_statements.filtered(lambda s: s.covers_difficulty and s.covers_unforeseen)
        if nil:
            return self.verdict('ok', 'nil', nil)
        return self.verdict('watch', 'empty')

    def texts(self):
        return {
            'ok': self.env._("%(count)s difficulties and unforeseen events in the last twelve months."),
            'nil': self.env._("None was received, and a nil statement says so."),
            'empty': self.env._(
                "No difficulty or unforeseen event in the last twelve months, and no nil statement that says so."),
        }


@rule('31-G')
class ResolutionNotConfirmed(Rule):
    def check(self):
        situation = self.situation
        limit = situation.now - relativedelta(days=_VERDICT_DAYS)
        closed = situation.entries.filtered(
            lambda entry: entry.nature == 'complaint' and entry.state == 'closed' and entry.closed_on
            and entry.closed_on < limit and not entry.is_anonymous)
        return self.none_or('watch', 'some', closed.filtered(lambda entry: not entry.verdict), len(closed))

    def texts(self):
        return {
            'ok': self.env._("Complainants were asked whether it is solved (%(total)s complaints)."),
            'some': self.env._(
                "%(count)s of %(total)s closed complaints without the complainant's word on the resolution."),
        }


@rule('31-H')
class MediatorMissing(Rule):
    is_organisation = True

    def check(self):
        situation = self.situation
        if situation.company.qualiopi_mediator:
            return self.verdict('ok', 'ok')
        individual = situation.entries.filtered('stakeholder_id.is_individual')
        learners = situation.env['event.registration'].search_count(
            Domain('event_id', 'in', situation.events.ids) & Domain('state', 'in', ('open', 'done'))
            & (Domain('sponsor_id', '=', False) | Domain('sponsor_id.is_company', '=', False)), limit=1,
        )
        if not individual and not learners:
            return self.verdict('none', 'nobody')
        return self.verdict('watch', 'missing')

    def texts(self):
        return {
            'ok': self.env._("The consumer mediator is named in the settings."),
            'nobody': self.env._("No private person among the customers of the last twelve months."),
            'missing': self.env._(
                "Private persons are customers and no consumer mediator is named: their contact details must be"
                " public (consumer law)."),
        }
