from odoo import api, fields, models, tools
from odoo.fields import Domain
from odoo.tools import SQL
from odoo.tools.misc import formatLang

from .qualiopi_feedback_campaign import MOMENTS

# Rates of a group of rows: sum of the numerators by sum of the denominators, never a mean of means.
_RATES = {
    'satisfaction': "SUM(%(satisfaction_sum)s) / NULLIF(SUM(%(satisfaction_n)s), 0)",
    'nps': "100.0 * (SUM(%(promoters)s) - SUM(%(detractors)s)) / NULLIF(SUM(%(nps_n)s), 0)",
    'response_rate': "100.0 * SUM(%(survey_answers)s) / NULLIF(SUM(%(survey_asked)s), 0)",
    'insertion_rate': "100.0 * SUM(%(insertion_yes)s) / NULLIF(SUM(%(insertion_n)s), 0)",
}
_SUMS = (
    'asked_count', 'answer_count', 'paper_count', 'satisfaction_sum', 'satisfaction_n', 'promoters', 'detractors',
    'nps_n', 'insertion_yes', 'insertion_n',
)


class QualiopiSatisfactionReport(models.Model):
    """What stakeholders answered: one row a campaign, hidden answers left out of all but their number."""

    _name = 'qualiopi.satisfaction.report'
    _description = "Satisfaction"
    _auto = False
    _order = 'date desc, id desc'
    _rec_name = 'campaign_id'
    _depends = {
        'qualiopi.feedback.campaign': [
            'company_id', 'event_id', 'course_id', 'trainer_id', 'stakeholder_id', 'survey_id', 'moment', 'means',
            'date_from', 'state', 'cancelled_on', 'asked_count', 'answered_count', 'sealed_paper_count', 'is_anonymous',
            'is_released',
        ],
        'survey.survey': ['qualiopi_is_teaching'],
        'survey.user_input': [
            'campaign_id', 'is_counted', 'is_paper', 'satisfaction', 'satisfaction_count', 'nps', 'insertion',
        ],
    }

    campaign_id = fields.Many2one('qualiopi.feedback.campaign', readonly=True)
    company_id = fields.Many2one('res.company', readonly=True)
    event_id = fields.Many2one('event.event', "Session", readonly=True)
    course_id = fields.Many2one('qualiopi.course', readonly=True)
    trainer_id = fields.Many2one('res.partner', readonly=True)
    stakeholder_id = fields.Many2one('qualiopi.stakeholder', readonly=True)
    survey_id = fields.Many2one('survey.survey', "Questionnaire", readonly=True)
    moment = fields.Selection(MOMENTS, readonly=True)
    date = fields.Date(readonly=True, help="Day of the invitations.")
    is_teaching = fields.Boolean("Evaluation of the teaching", readonly=True)
    is_hidden = fields.Boolean("Results hidden", readonly=True)
    asked_count = fields.Integer("Asked", readonly=True)
    answer_count = fields.Integer("Answers (n)", readonly=True)
    paper_count = fields.Integer("Of which on paper", readonly=True)
    survey_asked = fields.Integer(readonly=True, export_string_translation=False)
    survey_answers = fields.Integer(readonly=True, export_string_translation=False)
    satisfaction_sum = fields.Float(readonly=True, export_string_translation=False)
    satisfaction_n = fields.Integer("Answers with satisfaction", readonly=True)
    promoters = fields.Integer(readonly=True)
    detractors = fields.Integer(readonly=True)
    nps_n = fields.Integer("Answers with recommendation", readonly=True)
    insertion_yes = fields.Integer("In a job", readonly=True)
    insertion_n = fields.Integer("Answers on the situation", readonly=True)
    satisfaction = fields.Float(
        "Satisfaction (0–100)", readonly=True, aggregator='avg', digits=(5, 1),
        help="Mean of the satisfaction of the answers. That of an answer is the mean of its satisfaction questions,"
        " each brought to 0–100 by the lowest and highest value of its scale.",
    )
    nps = fields.Float(
        "NPS (-100 to 100)", readonly=True, aggregator='avg', digits=(5, 1),
        help="Share of the answers from 9 to 10 minus share of those from 0 to 6.",
    )
    response_rate = fields.Float(
        "Response rate (%)", readonly=True, aggregator='avg', digits=(5, 1),
        help="Complete answers in a hundred persons asked. Left empty for a campaign with more answers than persons"
        " asked, such as paper handed out.",
    )
    insertion_rate = fields.Float(
        "In a job (%)", readonly=True, aggregator='avg', digits=(5, 1),
        help="Persons in a job in a hundred who said what their situation is.",
    )


    def init(self):
        tools.drop_view_if_exists(self.env.cr, self._table)
        self.env.cr.execute(SQL("CREATE VIEW %s AS (%s)", SQL.identifier(self._table), self._view()))

    @api.model
    def _view(self, campaign_ids=None):
        """The rows, of all campaigns or of some: PostgreSQL does not look for those alone in a view by itself.

        :rtype: SQL
        """
        some = SQL(" AND campaign_id IN %s", tuple(campaign_ids)) if campaign_ids else SQL()
        return SQL("""
            SELECT c.id, c.id AS campaign_id, c.company_id, c.event_id, c.course_id, c.trainer_id, c.stakeholder_id,
                   c.survey_id, c.moment, c.date_from AS date, s.qualiopi_is_teaching AS is_teaching,
                   r.is_hidden, c.asked_count,
                   r.n AS answer_count,
                   COALESCE(c.sealed_paper_count, 0) + COALESCE(a.paper, 0) AS paper_count,
                   CASE WHEN r.n <= c.asked_count THEN c.asked_count END AS survey_asked,
                   CASE WHEN r.n <= c.asked_count THEN r.n END AS survey_answers,
                   CASE WHEN NOT r.is_hidden THEN COALESCE(a.satisfaction_sum, 0) ELSE 0 END AS satisfaction_sum,
                   CASE WHEN NOT r.is_hidden THEN COALESCE(a.satisfaction_n, 0) ELSE 0 END AS satisfaction_n,
                   CASE WHEN NOT r.is_hidden THEN COALESCE(a.promoters, 0) ELSE 0 END AS promoters,
                   CASE WHEN NOT r.is_hidden THEN COALESCE(a.detractors, 0) ELSE 0 END AS detractors,
                   CASE WHEN NOT r.is_hidden THEN COALESCE(a.nps_n, 0) ELSE 0 END AS nps_n,
                   CASE WHEN NOT r.is_hidden THEN COALESCE(a.insertion_yes, 0) ELSE 0 END AS insertion_yes,
                   CASE WHEN NOT r.is_hidden THEN COALESCE(a.insertion_n, 0) ELSE 0 END AS insertion_n,
                   CASE WHEN NOT r.is_hidden THEN a.satisfaction_sum / NULLIF(a.satisfaction_n, 0) END AS satisfaction,
                   CASE WHEN NOT r.is_hidden
                        THEN 100.0 * (a.promoters - a.detractors) / NULLIF(a.nps_n, 0) END AS nps,
                   CASE WHEN r.n <= c.asked_count
                        THEN 100.0 * r.n / NULLIF(c.asked_count, 0) END AS response_rate,
                   CASE WHEN NOT r.is_hidden
                        THEN 100.0 * a.insertion_yes / NULLIF(a.insertion_n, 0) END AS insertion_rate
              FROM qualiopi_feedback_campaign c
         LEFT JOIN survey_survey s ON s.id = c.survey_id
         LEFT JOIN (
                   SELECT campaign_id, COUNT(*) AS n,
                          COUNT(*) FILTER (WHERE is_paper) AS paper,
                          SUM(satisfaction) FILTER (WHERE satisfaction_count > 0) AS satisfaction_sum,
                          COUNT(*) FILTER (WHERE satisfaction_count > 0) AS satisfaction_n,
                          COUNT(*) FILTER (WHERE nps >= 9) AS promoters,
                          COUNT(*) FILTER (WHERE nps BETWEEN 0 AND 6) AS detractors,
                          COUNT(*) FILTER (WHERE nps >= 0) AS nps_n,
                          COUNT(*) FILTER (WHERE insertion = 'yes') AS insertion_yes,
                          COUNT(*) FILTER (WHERE insertion IS NOT NULL) AS insertion_n
                     FROM survey_user_input
                    WHERE is_counted IS TRUE%s
                 GROUP BY campaign_id
                   ) a ON a.campaign_id = c.id AND c.means = 'survey'
        CROSS JOIN LATERAL (
                   SELECT (c.is_anonymous IS TRUE AND c.means = 'survey' AND c.is_released IS NOT TRUE) AS is_hidden,
                          CASE WHEN c.means = 'survey' THEN COALESCE(a.n, 0) ELSE c.answered_count END AS n
                   ) r
             WHERE c.state <> 'planned' AND c.cancelled_on IS NULL
        """, some)

    def _read_group_select(self, aggregate_spec, query):
        name, __, function = aggregate_spec.partition(':')
        if name in _RATES and function == 'avg':
            formula = _RATES[name]
            columns = {
                column: self._field_to_sql(self._table, column, query)
                for column in (*_SUMS, 'survey_asked', 'survey_answers') if f'%({column})s' in formula
            }
            return SQL(formula, **columns)
        return super()._read_group_select(aggregate_spec, query)

    @api.model
    def _sums(self, campaign_ids):
        """Sums of campaigns, straight from the view, with those of their satisfaction questions.

        :param campaign_ids: ids
        :return: dict of column and number, by campaign id; ``questions`` holds (sum, number, place, words) of each
            question by its id, of campaigns that are not hidden
        :rtype: dict
        """
        self.env.flush_all()
        self.env.cr.execute(SQL(
            """SELECT rows.id, rows.is_hidden, %(sums)s, questions.values AS questions
                 FROM (%(view)s) rows
            LEFT JOIN LATERAL (
                      SELECT jsonb_object_agg(q.id, jsonb_build_array(s.total, s.n, q.sequence, COALESCE(
                                 q.title ->> %(lang)s, q.title ->> 'en_US'))) AS values
                        FROM (%(values)s) s
                        JOIN survey_question q ON q.id = s.question_id
                      ) questions ON NOT rows.is_hidden
                WHERE rows.id IN %(ids)s""",
            sums=SQL(', ').join(SQL.identifier('rows', name) for name in _SUMS),
            view=self._view(campaign_ids), lang=self.env.lang or 'en_US',
            values=self._question_sums(SQL("= rows.id")), ids=tuple(campaign_ids),
        ))
        return {row.pop('id'): row for row in self.env.cr.dictfetchall()}

    @api.model
    def _question_sums(self, campaigns):
        """Sum and number of the values of each satisfaction question of campaigns, from the indexes on them: the
        condition is said of the answers too, or PostgreSQL reads all of them.

        :param SQL campaigns: condition on the campaign
        :rtype: SQL
        """
        return SQL(
            """SELECT l.campaign_id, l.question_id, SUM(l.qualiopi_value) AS total, COUNT(*) AS n
                 FROM survey_user_input_line l
                 JOIN survey_user_input u ON u.id = l.user_input_id AND u.is_counted IS TRUE AND u.campaign_id %s
                WHERE l.campaign_id %s AND l.qualiopi_use = 'satisfaction' AND l.skipped IS NOT TRUE
             GROUP BY l.campaign_id, l.question_id""", campaigns, campaigns)

    @api.model
    def _rates(self, domain):
        """Rates of all campaigns of a domain together, with what a reader needs to judge them.

        :param domain: on this model, such as ``[('course_id', '=', 3), ('date', '>=', '2026-01-01')]``
        :return: ``campaigns``, ``asked``, ``n``, ``response_rate`` (%), ``satisfaction`` (0–100) and
            ``satisfaction_n``, ``nps`` and ``nps_n``, ``insertion_rate`` and ``insertion_n``, ``hidden`` (campaigns
            whose results are not shown), ``method`` (text); what cannot be given is None
        :rtype: dict
        """
        names = (
            '__count', 'asked_count:sum', 'answer_count:sum', 'response_rate:avg', 'satisfaction:avg',
            'satisfaction_n:sum', 'nps:avg', 'nps_n:sum', 'insertion_rate:avg', 'insertion_n:sum',
        )
        [(count, asked, n, rate, satisfaction, satisfaction_n, nps, nps_n, insertion, insertion_n)] = self._read_group(
            domain, [], list(names))

        def number(value, known):
            return float(value or 0) if known else None

        # Sums of counts are decimals in PostgreSQL.
        return {
            'campaigns': count, 'asked': int(asked or 0), 'n': int(n or 0),
            'response_rate': None if rate is False else float(rate),
            'satisfaction': number(satisfaction, satisfaction_n), 'satisfaction_n': int(satisfaction_n or 0),
            'nps': number(nps, nps_n), 'nps_n': int(nps_n or 0),
            'insertion_rate': number(insertion, insertion_n), 'insertion_n': int(insertion_n or 0),
            'hidden': self.search_count(Domain(domain) & Domain('is_hidden', '=', True)),
            'method': self._method(),
        }

    @api.model
    def _method(self):
        """How the rates are calculated, to be printed beside them (indicator 2).

        :rtype: str
        """
        return self.env._(
            "Satisfaction: each answered satisfaction question is brought to 0–100 by the lowest and highest value of"
            " its scale (on a scale from 1 to 5, 4 counts 75); an answer's satisfaction is the mean of its questions, a"
            " rate the mean of the answers. NPS: share of 9 and 10 minus share of 0 to 6. Response rate: complete"
            " answers in a hundred persons asked. n is the number of complete answers, paper included; tests,"
            " unfinished answers and answers set aside are not counted. Anonymous campaigns show no result"
            " before their end, nor below their number of answers."
        )

    @api.model
    def _signed(self, nps):
        """An NPS with its sign: it goes below zero. Zero has none.

        :rtype: str
        """
        return f"{nps:+.0f}" if round(nps) else "0"

    @api.model
    def _texts(self, figures):
        """Figures as people read them; what cannot be given says why.

        :param dict figures: see ``qualiopi.feedback.campaign._figures``
        :rtype: dict
        """
        def number(value, digits=0):
            return formatLang(self.env, value, digits=digits)

        none = "–"
        n, asked = figures['n'], figures['asked']
        lowest = figures['lowest']
        if figures['rate'] is not None:
            rate = self.env._(
                "%(n)s of %(asked)s (%(rate)s %%)", n=n, asked=asked, rate=number(figures['rate']))
        elif n and asked:
            rate = self.env._("%(n)s, more than the %(asked)s persons asked", n=n, asked=asked)
        else:
            rate = str(n) if n else none
        return {
            'satisfaction_text': (
                self.env._("Hidden") if figures['is_hidden']
                else self.env._("%s / 100", number(figures['satisfaction'])) if figures['satisfaction'] is not None
                else none
            ),
            'nps_text': (
                self.env._("Hidden") if figures['is_hidden']
                else self._signed(figures['nps']) if figures['nps'] is not None else none
            ),
            'rate_text': rate,
            'lowest_text': lowest and self.env._(
                "%(question)s (%(value)s / 100)", question=lowest['title'], value=number(lowest['value'])),
        }
