"""Indicators 2 (published results), 12 (engagement, dropouts, violence) and 33 (apprenticeship)."""

from .rule import Rule, rule


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
    def check(self):
        situation = self.situation
        results = situation.search('qualiopi.result', [('date', '>=', situation.first)])
        lacking = results.filtered(lambda result: not result.presented)
        return self.none_or('minor', 'some', lacking, len(results))

    def texts(self):
        return {
            'ok': self.env._(
                "Each result says of how many persons (%(total)s results); the papers print method, period and n."),
            'some': self.env._(
                "%(count)s of %(total)s results lack the number of persons: a rate is published with its method, its"
                " period and its n."),
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
