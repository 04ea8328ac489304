"""Indicators 2 (published results), 12 (engagement, dropouts, violence) and 33 (apprenticeship)."""

import re

from .rule import Rule, rule

# A rate in a text, and what belongs beside it: "94 % (n = 17, 2026)".
_RATE = re.compile(r'\d ?%|\d ?/ ?(?:5|10|20)\b')
_N = re.compile(r'\bn ?= ?\d', re.IGNORECASE)
_YEAR = re.compile(r'\b20\d\d\b')


@rule('12-A')
class DropoutsWithoutFollowUp(Rule):
    def check(self):
        situation = self.situation
        dropouts = situation.search('qualiopi.dropout', [
            ('date', '>=', situation.first), ('is_imported', '=', False), ('kind', '=', 'dropout'),
        ])
        lacking = dropouts.filtered(lambda dropout: not dropout.reason_id or not (
            dropout.contact_ids or dropout.form_date or dropout.solution))
        return self.none_or('minor', 'some', lacking, len(dropouts))

    def texts(self):
        return {
            'ok': self.env._("Each dropout has its reason and its follow-up (%(total)s dropouts)."),
            'some': self.env._("%(count)s of %(total)s dropouts without a reason or a follow-up."),
        }


@rule('12-B')
class SafeguardingProcedure(Rule):
    is_organisation = True

    def check(self):
        procedure = self.situation.procedure('safeguarding')
        if not procedure:
            return self.verdict('major', 'missing')
        return self.verdict('ok', 'ok', procedure, version=procedure.version, since_on=procedure.date_from.isoformat())

    def texts(self):
        return {
            'ok': self.env._("Version %(version)s of the procedure is in force since %(since_on)s."),
            'missing': self.env._(
                "No procedure against violence, sexist and sexual violence, harassment and discrimination is in"
                " force."),
        }


@rule('2-A')
class ResultsWithoutMethod(Rule):
    """The result sheet prints method, period and n of what it counts: what can lack is the n of a result, and what
    people wrote into a text that is public."""

    def check(self):
        situation = self.situation
        results = situation.search('qualiopi.result', [('date', '>=', situation.first)])
        released = situation.search('qualiopi.publication', [('state', '=', 'released')])
        quoting = released.filtered(lambda text: _RATE.search(self._text(text)))
        bare = quoting.filtered(lambda text: not (_N.search(self._text(text)) and _YEAR.search(self._text(text))))
        lacking = results.filtered(lambda result: not result.presented)
        if bare:
            return self.verdict('minor', 'text', bare, len(released), results=len(lacking))
        return self.none_or('minor', 'some', lacking, len(results), texts=len(released))

    @staticmethod
    def _text(publication):
        return f'{publication.text_said or ""}\n{publication.text_done or ""}'

    def texts(self):
        return {
            'ok': self.env._(
                "Each result says of how many persons (%(total)s results), and no public text quotes a rate without its"
                " period and n; the papers print method, period and n."),
            'some': self.env._(
                "%(count)s of %(total)s results lack the number of persons: a rate is published with its method, its"
                " period and its n."),
            'text': self.env._(
                "%(count)s of %(total)s public texts quote a rate without saying of how many persons (n = …) and of"
                " which year; results that lack the number of persons: %(results)s."),
        }


@rule('33-A')
class NoTeachingEvaluation(Rule):
    is_organisation = True

    def not_applicable(self):
        return None if 'app' in self.situation.categories else '_apprenticeship'

    def check(self):
        asked = self.situation.asked.filtered('survey_id.qualiopi_is_teaching')
        return self.verdict('ok', 'ok', asked) if asked else self.verdict('watch', 'missing')

    def texts(self):
        return {
            'ok': self.env._("%(count)s evaluations of the teaching by the apprentices, apart from satisfaction."),
            'missing': self.env._(
                "No evaluation of contents and teaching by the apprentices, apart from satisfaction, in the last"
                " twelve months (provisional: the reading guide V10 is not published)."),
        }
