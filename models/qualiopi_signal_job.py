"""The daily job behind the signals: rules are held against what campaigns, sessions and the register say."""

import logging
from collections import Counter
from datetime import timedelta

from psycopg2.errors import UniqueViolation
from psycopg2.extensions import TransactionRollbackError

from odoo import api, fields, models
from odoo.exceptions import ConcurrencyError
from odoo.fields import Domain
from odoo.tools import format_date

from .qualiopi_signal_rule import CAMPAIGN_KINDS, figure_text, limit_text

_logger = logging.getLogger(__name__)

_BATCH = 100
# So often in one run is a campaign tried on which somebody is writing.
_TRIES = 5
# Campaigns and sessions are looked at until so many days after their end; later only when an answer changes.
_LOOK_DAYS = 60


class QualiopiSignal(models.Model):
    _inherit = 'qualiopi.signal'

    @api.model
    def _cron_signals(self):
        """Hold the rules against the figures, in batches: twice a day changes nothing, and a record that fails
        is reported and left aside."""
        progress = self.env['ir.cron']._commit_progress
        Campaign = self.env['qualiopi.feedback.campaign']
        held = Counter()

        def due():
            return Campaign._signal_due_domain() & Domain(
                'id', 'not in', [key for key, times in held.items() if times >= _TRIES])

        while batch := Campaign.search(due(), limit=_BATCH, order='id'):
            held.update(batch._signal_safely().ids)
            remaining = Campaign.search_count(due(), limit=_BATCH)
            if not progress(len(batch), remaining=remaining + 1):
                return
            # Memory is bounded by the batch.
            self.env.invalidate_all()
        for company in self.env['res.company'].search([('active', '=', True)], order='id'):
            for rule in self.env['qualiopi.signal.rule']._applying(company):
                if rule.kind not in CAMPAIGN_KINDS:
                    rule._look_safely(company)
            self.env['qualiopi.improvement.action']._flag_recurrences_safely(company)
            if not progress(1, remaining=1):
                return
            self.env.invalidate_all()
        progress(0, remaining=0)

    @api.model
    def _notice(self, rule, company, vals_list):
        """Make the signals that are not known yet, each on its own: a rule proposes or creates the finding, and
        a finding that is open on the same subject gets the case.

        :param rule: qualiopi.signal.rule
        :param vals_list: values of signals
        :return: the new signals
        """
        known = {
            (signal.subject_key, signal.period_key) for signal in self.search([
                ('rule_id', '=', rule.id), ('company_id', '=', company.id),
                ('subject_key', 'in', [vals['subject_key'] for vals in vals_list]),
            ])
        } if vals_list else set()
        signals = self.browse()
        for vals in vals_list:
            if (vals['subject_key'], vals['period_key']) in known:
                continue
            try:
                with self.env.cr.savepoint():
                    signal = self.create({
                        'rule_id': rule.id, 'company_id': company.id,
                        'date': company._qualiopi_local_date(fields.Datetime.now()),
                        'threshold': rule.threshold, 'latest_value': vals['value'], **vals,
                    })
                    if rule.mode == 'create' or signal._open_finding():
                        signal._to_finding()
                    self.env.flush_all()
                signals |= signal
            except UniqueViolation:
                # Another run noticed it in this moment.
                self.env.invalidate_all()
            except Exception:  # whatever one subject does, the others are noticed
                self.env.invalidate_all()
                _logger.exception("A signal of rule %s could not be recorded", rule)
        return signals


    def _add_safely(self, complaints):
        """Add entries to a signal that is open; a finding that takes none does not hold up other subjects."""
        try:
            with self.env.cr.savepoint():
                self._add_entries(complaints)
        except Exception:  # whatever one subject does, the others are looked at
            self.env.invalidate_all()
            _logger.exception("New entries could not be added to %s", self)


class QualiopiFeedbackCampaign(models.Model):
    _inherit = 'qualiopi.feedback.campaign'

    @property
    def _server_fields(self):
        return super()._server_fields | {'signal_on', 'is_signal_stale'}

    signal_on = fields.Date(readonly=True, copy=False, export_string_translation=False)
    is_signal_stale = fields.Boolean(readonly=True, copy=False, export_string_translation=False)

    @api.model
    def _signal_due_domain(self):
        """Campaigns that rules were not held against today."""
        now = fields.Datetime.now()
        active = self._read_group([('state', 'in', ('running', 'done'))], ['company_id'])
        wanted = []
        for [company] in active:
            today = company._qualiopi_local_date(now)
            recent = Domain('state', '=', 'running') | Domain('date_to', '>=', today - timedelta(days=_LOOK_DAYS))
            unseen = Domain('signal_on', '=', False) | Domain('signal_on', '<', today)
            wanted.append(
                Domain('company_id', '=', company.id) & (Domain('is_signal_stale', '=', True) | recent & unseen))
        return (
            Domain('state', 'in', ('running', 'done')) & Domain('is_imported', '=', False)
            & (Domain.OR(wanted) if wanted else Domain.FALSE)
        )

    def _signal_safely(self):
        """Hold the rules against campaigns; when that fails, by halves, so that one does not hold up others.

        :return: campaigns on which somebody else was writing: still due, to be tried again after the commit
        """
        try:
            with self.env.cr.savepoint():
                self._hold_against_rules()
                self._signal_seen()
            return self.browse()
        except Exception as error:  # whatever one campaign does, the others are looked at
            self.env.invalidate_all()
            if len(self) == 1 and isinstance(error, (ConcurrencyError, TransactionRollbackError)):
                return self
            if len(self) == 1:
                _logger.exception("The rules could not be held against %s", self)
                self._signal_seen()
                return self.browse()
            middle = len(self) // 2
            return self[:middle]._signal_safely() | self[middle:]._signal_safely()

    def _signal_seen(self):
        for company, campaigns in self.grouped('company_id').items():
            campaigns._as_server().write({
                'signal_on': company._qualiopi_local_date(fields.Datetime.now()), 'is_signal_stale': False,
            })

    def _hold_against_rules(self):
        for company, campaigns in self.grouped('company_id').items():
            # In the words of those who will read it.
            campaigns = campaigns.with_context(lang=company._qualiopi_signal_lang())
            figures = campaigns._figures_by(lambda campaign: campaign.id)
            questions = campaigns._question_values()
            answers = campaigns._signal_answers()
            campaigns._revise_signals(figures, questions)
            for rule in campaigns.env['qualiopi.signal.rule']._applying(company):
                if rule.kind not in CAMPAIGN_KINDS:
                    continue
                concerned = campaigns.filtered(
                    lambda c, rule=rule: not rule.stakeholder_id or c.stakeholder_id == rule.stakeholder_id)
                found = []
                for campaign in concerned:
                    if rule.kind == 'answer':
                        found += campaign._low_answers(rule, answers.get(campaign, ()))
                    elif campaign.state == 'done':
                        found += campaign._low_figures(
                            rule, figures[campaign.id], questions.get(campaign.id, {}))
                campaigns.env['qualiopi.signal']._notice(rule, company, found)

    def _signal_answers(self):
        """Counted answers with a satisfaction, of campaigns whose answers may be read.

        :return: answers by campaign
        :rtype: dict
        """
        return self.env['survey.user_input'].search([
            ('campaign_id', 'in', self.ids), ('is_counted', '=', True), ('satisfaction_count', '>', 0),
            '|', ('is_anonymous', '=', False), ('campaign_id.is_released', '=', True),
        ], order='id').grouped('campaign_id')

    # === WHAT IS BELOW === #

    def _signal_values(self, **values):
        """What the signals of a campaign have in common."""
        return {
            'campaign_id': self.id, 'event_id': self.event_id.id, 'course_id': self.course_id.id,
            'trainer_id': self.trainer_id.id, 'period_key': '', 'date_from': self.date_from, 'date_to': self.date_to,
            **values,
        }

    def _signal_case(self, what):
        """What shares one open finding: the same stakeholder's word on the same course."""
        subject = self.course_id or self.event_id or self
        return f'{what}:{self.stakeholder_id.id}:{subject._name}:{subject.id}'

    def _signal_source(self, rule):
        day = format_date(self.env, self.date_from)
        return self.env._(
            "Source: campaign %(reference)s of %(day)s (%(name)s), rule “%(rule)s”.", reference=self.reference,
            day=day, name=self.name, rule=rule.name)

    def _low_figures(self, rule, figures, questions):
        """What a rule finds in the figures of an ended campaign.

        :return: values of signals
        :rtype: list[dict]
        """
        self.ensure_one()
        limit = limit_text(self.env, rule.threshold)
        if rule.kind == 'response_rate':
            rate = figures['rate']
            if rate is None or figures['asked'] < rule.min_n or rate >= rule.threshold:
                return []
            text = self.env._(
                "Response rate %(rate)s %%: %(n)s answers of %(asked)s persons asked, below the threshold of"
                " %(limit)s %%. %(origin)s",
                rate=figure_text(self.env, rate), n=figures['n'], asked=figures['asked'], limit=limit,
                origin=self._signal_source(rule))
            return [self._signal_values(
                name=self.env._("Low response rate: %s", self.name), text=text, value=rate, n=figures['asked'],
                subject_key=f'campaign:{self.id}', case_key=self._signal_case('response'))]
        if rule.kind == 'session':
            value, n = figures['satisfaction'], figures['satisfaction_n']
            if value is None or n < rule.min_n or value >= rule.threshold:
                return []
            text = self.env._(
                "Satisfaction %(value)s / 100 (n = %(n)s answers of %(asked)s persons asked), below the threshold of"
                " %(limit)s. %(origin)s",
                value=figure_text(self.env, value), n=n, asked=figures['asked'], limit=limit,
                origin=self._signal_source(rule))
            return [self._signal_values(
                name=self.env._("Low satisfaction: %s", self.name), text=text, value=value, n=n,
                subject_key=f'campaign:{self.id}', case_key=self._signal_case('satisfaction'))]
        found = []
        for question, (total, n) in sorted(questions.items(), key=lambda item: item[0].id):
            if rule.question_id and question != rule.question_id:
                continue
            value = total / n
            if n < rule.min_n or value >= rule.threshold:
                continue
            text = self.env._(
                "“%(question)s”: %(value)s / 100 (n = %(n)s answers), below the threshold of %(limit)s. %(origin)s",
                question=question.title, value=figure_text(self.env, value), n=n, limit=limit,
                origin=self._signal_source(rule))
            found.append(self._signal_values(
                name=self.env._(
                    "Low score: %(question)s (%(campaign)s)", question=question.title, campaign=self.name),
                text=text, value=value, n=n, question_id=question.id,
                subject_key=f'campaign:{self.id}:question:{question.id}',
                case_key=self._signal_case(f'question:{question.id}')))
        return found

    def _low_answers(self, rule, answers):
        found = []
        for answer in answers:
            if answer.satisfaction >= rule.threshold:
                continue
            text = self.env._(
                "One answer with a satisfaction of %(value)s / 100 (%(n)s questions), below the threshold of %(limit)s."
                " %(origin)s",
                value=figure_text(self.env, answer.satisfaction), n=answer.satisfaction_count,
                limit=limit_text(self.env, rule.threshold),
                origin=self._signal_source(rule))
            found.append(self._signal_values(
                name=self.env._("An unsatisfied person: %s", self.name), text=text, value=answer.satisfaction, n=1,
                answer_id=answer.id, subject_key=f'answer:{answer.id}', case_key=self._signal_case('satisfaction')))
        return found

    # === FIGURES THAT CHANGE === #

    def _revise_signals(self, figures, questions):
        for signal in self.env['qualiopi.signal'].search([('campaign_id', 'in', self.ids)]):
            own = figures[signal.campaign_id.id]
            if own['is_hidden']:
                continue
            if signal.kind == 'answer':
                answer = signal.answer_id
                value = answer.satisfaction if answer.is_counted and answer.satisfaction_count else None
            elif signal.kind == 'question':
                total, n = questions.get(signal.campaign_id.id, {}).get(signal.question_id, (0, 0))
                value = total / n if n else None
            else:
                value = own['rate' if signal.kind == 'response_rate' else 'satisfaction']
            signal._revise(value)


class SurveyUser_Input(models.Model):  # noqa: N801
    _inherit = 'survey.user_input'

    def _log_on_campaign(self, body):
        """A recorded answer that changes has its campaign looked at again, however old."""
        # sudo: a mark of the program; the caller was checked
        self.sudo().campaign_id._as_server().write({'is_signal_stale': True})
        return super()._log_on_campaign(body)

    def _mark_done(self):
        # sudo: a mark of the program, on campaigns whose persons answer late
        ended = self.sudo().campaign_id.filtered(lambda campaign: campaign.state == 'done')
        if ended:
            ended._as_server().write({'is_signal_stale': True})
        return super()._mark_done()


class ResCompany(models.Model):
    _inherit = 'res.company'

    def _qualiopi_signal_lang(self):
        """The language of those who read what the program notices.

        :rtype: str
        """
        # sudo: the lead's language
        return self.sudo().qualiopi_manager_id.lang or self.sudo().partner_id.lang or self.env.lang
