"""Indicator 30: appreciations are asked of each stakeholder, with reminders and free expression."""

from dateutil.relativedelta import relativedelta

from .rule import Rule, rule

# Days after a session in which nobody wonders yet that learners were not asked.
_GRACE_DAYS = 7
# Days after a campaign to look at its answers.
_ANALYSE_DAYS = 30


@rule('30-A')
class SessionsWithoutSolicitation(Rule):
    is_organisation = True

    def check(self):
        situation = self.situation
        beneficiary = situation.stakeholder('beneficiary')
        of_learners = situation.campaigns.filtered(lambda c: c.stakeholder_id == beneficiary)
        if not of_learners & situation.asked:
            return self.verdict('major', 'nothing', situation.events)
        asked = of_learners.filtered(
            lambda c: c.state in ('running', 'done') or c.date_from >= situation.today).event_id
        limit = situation.now - relativedelta(days=_GRACE_DAYS)
        ended = situation.events.filtered(lambda event: event.date_end < limit)
        return self.none_or('minor', 'some', ended - asked, len(ended))

    def texts(self):
        return {
            'ok': self.env._("Beneficiaries were asked in each session that ended in the last twelve months."),
            'some': self.env._(
                "%(count)s of %(total)s sessions ended in the last twelve months without asking their beneficiaries."),
            'nothing': self.env._("No beneficiary was asked for an appreciation in the last twelve months."),
        }


@rule('30-B')
class StakeholdersWithoutSolicitation(Rule):
    is_organisation = True

    def check(self):
        situation = self.situation
        if situation.subcontractor_only:
            expected = ('beneficiary', 'contracting_provider')
        elif situation.categories == {'bc'}:
            expected = ('beneficiary', 'trainer')
        else:
            expected = ('beneficiary', 'company', 'trainer')
        stakeholders = situation.env['qualiopi.stakeholder'].union(*map(situation.stakeholder, expected))
        missing = stakeholders - situation.asked.stakeholder_id
        missing = missing.with_context(lang=self.env.lang)
        return self.none_or('minor', 'missing', missing, names=missing.ids)

    def render(self, key, params):
        if 'names' in params:
            # sudo: names of stakeholder types are no secret
            names = self.env['qualiopi.stakeholder'].sudo().browse(params['names']).exists().mapped('name')
            params = {**params, 'names': ", ".join(names)}
        return super().render(key, params)

    def texts(self):
        return {
            'ok': self.env._("Each stakeholder that the indicator names was asked in the last twelve months."),
            'missing': self.env._("Not asked in the last twelve months: %(names)s."),
        }


@rule('30-C')
class FundersWithoutContact(Rule):
    is_organisation = True

    def not_applicable(self):
        if self.situation.subcontractor_only:
            return '_subcontractor'
        return '_skills_assessment' if self.situation.categories == {'bc'} else None

    def check(self):
        funder = self.situation.stakeholder('funder')
        contacts = self.situation.asked.filtered(lambda c: c.stakeholder_id == funder)
        if contacts:
            return self.verdict('ok', 'ok', contacts)
        return self.verdict('minor', 'missing')

    def texts(self):
        return {
            'ok': self.env._("%(count)s contacts with funders in the last twelve months."),
            'missing': self.env._(
                "No contact, webinar or meeting with a funder in the last twelve months. Without any funder, switch"
                " this rule off and say so."),
        }


@rule('30-D')
class CampaignsWithoutReminder(Rule):
    def check(self):
        done = self.situation.asked.filtered(
            lambda c: c.state == 'done' and c.means == 'survey' and c.asked_count)
        silent = done.filtered(lambda c: not c.reminded_count and c.answered_count < c.asked_count)
        return self.none_or('watch', 'some', silent, len(done))

    def texts(self):
        return {
            'ok': self.env._("Who did not answer was reminded (%(total)s campaigns ended)."),
            'some': self.env._(
                "%(count)s of %(total)s campaigns ended without any reminder although some did not answer."),
        }


@rule('30-E')
class SurveysWithoutOpenQuestion(Rule):
    def not_applicable(self):
        return None if self.situation.asked.survey_id else 'no_survey'

    def check(self):
        surveys = self.situation.asked.survey_id
        questions = self.situation.env['survey.question'].search([
            ('survey_id', 'in', surveys.ids), '|', ('question_type', 'in', ('text_box', 'char_box')),
            ('comments_allowed', '=', True),
        ])
        return self.none_or('minor', 'some', surveys - questions.survey_id, len(surveys))

    def texts(self):
        return {
            'ok': self.env._("Each questionnaire in use has an open question."),
            'no_survey': self.env._("No questionnaire was sent in the last twelve months."),
            'some': self.env._("%(count)s of %(total)s questionnaires in use leave no room for free expression."),
        }


@rule('30-F')
class ColdSurveysNotSent(Rule):
    def check(self):
        situation = self.situation
        cold = situation.campaigns.filtered(lambda c: c.moment == 'cold')
        late = cold.filtered(lambda c: c.state == 'planned' and c.date_from < situation.today)
        return self.none_or('watch', 'some', late, len(cold))

    def texts(self):
        return {
            'ok': self.env._("No cold survey is due and unsent."),
            'some': self.env._("%(count)s cold surveys are due and were not sent."),
        }


@rule('30-G')
class AnswersNotAnalysed(Rule):
    def check(self):
        situation = self.situation
        limit = situation.today - relativedelta(days=_ANALYSE_DAYS)
        answered = situation.asked.filtered(
            lambda c: c.answered_count and c.state == 'done' and (c.date_to or c.date_from) < limit)
        findings = situation.search('qualiopi.finding', [
            ('family', '=', 'appreciation'), ('date', '>=', situation.first),
        ])
        learnt_events, learnt_courses = findings.event_id, findings.course_id
        reviews = situation.reviews
        silent = answered.filtered(lambda c: not (
            c.analysed_on or c.event_id in learnt_events or c.course_id in learnt_courses
            or any(review.date_from <= (c.date_to or c.date_from) <= review.date_to for review in reviews)
        ))
        return self.none_or('watch', 'some', silent, len(answered))

    def texts(self):
        return {
            'ok': self.env._("The answers were looked at (%(total)s campaigns ended with answers)."),
            'some': self.env._(
                "%(count)s of %(total)s campaigns have answers that nobody analysed: no analysis, finding or review."),
        }
