"""What is given back to stakeholders and shown to auditors: matrix, synthesis, funder sheet, result sheet."""

from dateutil.relativedelta import relativedelta

from odoo import fields, models
from odoo.exceptions import UserError
from odoo.fields import Domain
from odoo.tools.misc import format_date

from .report_poster import QualiopiReportDoor

# Rows of a chart: a page is read, not scrolled.
_BARS = 20
_LOWEST = 10
_COMMENTS = 60
# Texts that one page holds.
_SAID_DONE = 5
_TESTIMONIES = 8
# Size of its letters, in pixels, by the number of characters on it.
_SIZES = ((13.5, 1000), (11, 2000), (9, float('inf')))
# Bars that stay on a page with their heading.
_KEPT = 4
# The evaluation of the teaching is another thing than satisfaction (RNQ, indicator 33).
_GENERAL = Domain('is_teaching', '!=', True)
# Said in a meeting or on the telephone; what is hidden may have a mark.
_UNMARKED = Domain('satisfaction_n', '=', 0) & Domain('is_hidden', '!=', True)
# In an interview or a meeting people speak freely; a form has to ask for it.
_SPOKEN = ('meeting', 'webinar', 'interview', 'phone', 'review_site')


class QualiopiReportFeedback(models.AbstractModel):
    _name = 'qualiopi.report.feedback'
    _description = "What Printed Appreciations Share"
    _inherit = ['qualiopi.report']

    def _check_reader(self):
        self.env['qualiopi.satisfaction.report'].check_access('read')

    def _asked_period(self, data):
        """Company and period that the user asked for; this year by default.

        :raise UserError: for a company that is not the user's
        """
        first, last = (fields.Date.to_date((data or {}).get(name) or None) for name in ('date_from', 'date_to'))
        if not first or not last:
            today = fields.Date.context_today(self)
            first, last = today + relativedelta(day=1, month=1), today + relativedelta(day=31, month=12)
        if first > last:
            raise UserError(self.env._("The period ends before it begins."))
        company = self.env['res.company'].browse(int((data or {}).get('company_id') or self.env.company.id))
        if company not in self.env.user.company_ids:
            raise UserError(self.env._("You have no access to this company."))
        return company, first, last

    def _in_company(self, company):
        """The report with the rights on a company of the user that is not switched on."""
        if company in self.env.companies:
            return self
        return self.with_context(allowed_company_ids=[*self.env.companies.ids, company.id])

    def _campaigns(self, domain):
        return self.env['qualiopi.feedback.campaign'].search(Domain(domain) & Domain([
            ('state', 'in', ('running', 'done')), ('cancelled_on', '=', False), ('is_confidential', '=', False),
        ]), order='date_from, id')

    def _result(self, model, docids, documents):
        return {
            'doc_ids': docids, 'doc_model': model, 'docs': self.env[model].browse(docids or ()),
            'documents': documents, 'report_title': documents[0]['sheet']['title'] if documents else '',
        }

    def _texts(self, formats):
        """Functions that say a rate, or that there is none."""
        num = formats['num']
        none = "–"
        return {
            'of100': lambda value: none if value is None else self.env._("%s / 100", num(value, 0)),
            'percent': lambda value: none if value is None else self.env._("%s %%", num(value, 0)),
            'nps': lambda value: none if value is None else self.env['qualiopi.satisfaction.report']._signed(value),
        }

    @staticmethod
    def _bar(label, value, n, text, note=None):
        """One row of a bar chart; ``value`` from 0 to 100, or None."""
        tone = '#8a93a0'
        if value is not None:
            tone = '#2e7d4f' if value >= 75 else '#c98a12' if value >= 50 else '#b3261e'
        return {
            'label': label, 'width': max(0, min(100, round(value or 0))), 'has_value': value is not None,
            'text': text, 'n': n, 'colour': tone, 'note': note,
        }

    def _question_bars(self, campaigns, texts, limit):
        """The mean of each satisfaction question, the lowest first; hidden campaigns left out."""
        totals = {}
        for values in campaigns._question_values().values():
            for question, (total, count) in values.items():
                # sudo: the words of a question, which everybody asked has read
                title = question.sudo().title
                value, number = totals.get(title, (0, 0))
                totals[title] = (value + total, number + count)
        means = sorted((total / n, title, n) for title, (total, n) in totals.items() if n)
        return [self._bar(title, mean, n, texts['of100'](mean)) for mean, title, n in means[:limit]]

    @staticmethod
    def _charts(charts):
        """Charts with a bar, cut where a page may end: the heading stays with the first bars."""
        return [(title, bars[:_KEPT], bars[_KEPT:]) for title, bars in charts if bars]

    def _teaching(self, campaigns):
        # sudo: what sort of questionnaire it is
        return campaigns.filtered(lambda campaign: campaign.sudo().survey_id.qualiopi_is_teaching)

    def _campaign_rows(self, campaigns, texts, formats):
        figures = campaigns._figures_by(lambda campaign: campaign)
        Report = self.env['qualiopi.satisfaction.report']
        words_of = campaigns._moment_words()
        teaching = self._teaching(campaigns)
        rows = []
        for campaign in campaigns:
            own = figures[campaign]
            words = Report._texts(own)
            rows.append({
                # sudo: name of the type of stakeholder
                'stakeholder': campaign.sudo().stakeholder_id.name,
                'moment': words_of.get(campaign.moment),
                'means': formats['label'](campaign, 'means'),
                'is_anonymous': campaign.is_anonymous,
                'is_assisted': campaign.is_assisted,
                'dates': self._period_text(campaign.date_from, campaign.date_to or campaign.date_from),
                'asked': own['asked'], 'n': own['n'], 'reminded': campaign.reminded_count,
                'rate': texts['percent'](own['rate']),
                'satisfaction': words['satisfaction_text'],
                'satisfaction_n': own['satisfaction_n'],
                'nps': words['nps_text'],
                'nps_n': own['nps_n'],
                'reason': own['reason'],
                'is_teaching': campaign in teaching,
                'summary': campaign.summary,
            })
        return rows


# === STAKEHOLDERS AND THE FOUR AUDIT POINTS === #


class ReportQualiopiReportMatrix(models.AbstractModel):
    """Each kind of stakeholder against what auditors tick for indicator 30: asked, how often, free to speak,
    reminded."""

    _name = 'report.qualiopi.report_matrix'
    _description = "Stakeholder Matrix"
    _inherit = ['qualiopi.report.feedback']

    def _get_report_values(self, docids, data=None):
        self._check_reader()
        company, first, last = self._asked_period(data)
        return self._result(
            'qualiopi.feedback.campaign', docids, [self._in_company(company)._document(company, first, last)])

    def _document(self, company, first, last):
        formats = self._formats(company)
        inside = Domain('company_id', '=', company.id)
        campaigns = self._campaigns(inside & Domain('date_from', '>=', first) & Domain('date_from', '<=', last))
        returns = self.env['qualiopi.feedback.return'].search(
            inside & Domain('date', '>=', first) & Domain('date', '<=', last), order='date, id')
        rules = self.env['qualiopi.feedback.rule'].search(Domain('company_id', 'in', (False, company.id)))
        comments = self._comment_counts(campaigns)
        free_surveys = self._free_surveys(campaigns)
        figures = campaigns._figures_by(lambda campaign: campaign.stakeholder_id)
        stakeholders = self.env['qualiopi.stakeholder'].search([('company_id', 'in', (False, company.id))])
        rows = [
            self._row(
                stakeholder, campaigns.filtered(lambda campaign, own=stakeholder: campaign.stakeholder_id == own),
                figures.get(stakeholder) or campaigns._no_figures(),
                returns.filtered(lambda given, own=stakeholder: given.stakeholder_id == own),
                rules.filtered(lambda rule, own=stakeholder: rule.stakeholder_id == own),
                comments, free_surveys, formats,
            )
            for stakeholder in stakeholders | campaigns.stakeholder_id | returns.stakeholder_id
        ]
        return {
            **formats,
            'sheet': self._sheet(
                company, self.env._("Stakeholder matrix"), self.env._("Stakeholders and the four audit points"),
                kicker=self.env._("Indicator 30"), period=self._period_text(first, last), dates=(first, last),
                lead=self.env._(
                    "Who was asked, how often, free to speak, reminded: from the campaigns of the period."),
            ),
            'asked_rows': [row for row in rows if row['campaigns'] or row['returns']],
            'unasked': [row['stakeholder'] for row in rows if not row['campaigns']],
        }

    def _comment_counts(self, campaigns):
        """Free comments that were received, by campaign; those of hidden campaigns are not counted yet."""
        # sudo: their number alone, for readers of the figures
        lines = self.env['survey.user_input.line'].sudo()
        return {campaign.id: count for campaign, count in lines._read_group([
            ('campaign_id', 'in', campaigns.ids), *campaigns._verbatim_domain(),
            '|', ('campaign_id.is_anonymous', '=', False), ('campaign_id.is_released', '=', True),
        ], ['campaign_id'], ['__count'])}

    def _free_surveys(self, campaigns):
        # sudo: whether a questionnaire has a question of free expression
        questions = self.env['survey.question'].sudo().search(
            [('survey_id', 'in', campaigns.survey_id.ids), ('qualiopi_use', '=', 'free')])
        return set(questions.survey_id.ids)

    def _row(self, stakeholder, campaigns, figures, returns, rules, comments, free_surveys, formats):
        d = formats['d']
        free = campaigns.filtered(lambda campaign: (
            campaign.survey_id.id in free_surveys if campaign.means == 'survey' else campaign.means in _SPOKEN
        ) or (campaign.summary or '').strip())
        days = sorted(campaigns.mapped('date_from') or returns.mapped('date'))
        reminded = sum(campaigns.mapped('reminded_count'))
        all_answered = bool(figures['asked']) and figures['n'] >= figures['asked']
        return {
            # sudo: name of the type of stakeholder
            'stakeholder': stakeholder.sudo().name,
            'campaigns': len(campaigns),
            'means': ', '.join(dict.fromkeys(formats['label'](campaign, 'means') for campaign in campaigns)),
            'asked': figures['asked'],
            'n': figures['n'],
            'rate': figures['rate'],
            'moments': ', '.join(
                word for moment, word in campaigns._moment_words().items() if moment in campaigns.mapped('moment')),
            'sessions': len(campaigns.event_id),
            'days': self._period_text(days[0], days[-1]) if days else None,
            'is_ruled': bool(rules),
            'free': len(free),
            'comments': sum(comments.get(campaign.id, 0) for campaign in campaigns),
            'reminded': reminded,
            'all_answered': all_answered,
            'returns': [
                (d(given.date), given.name, self._names(given.partner_ids)) for given in returns
            ],
            'is_asked': bool(figures['asked']),
        }


# === SYNTHESIS === #


class ReportQualiopiReportSatisfaction(models.AbstractModel):
    """Satisfaction of a period, or of chosen sessions, one document each."""

    _name = 'report.qualiopi.report_satisfaction'
    _description = "Satisfaction Synthesis"
    _inherit = ['qualiopi.report.feedback']

    def _get_report_values(self, docids, data=None):
        self._check_reader()
        if docids:
            events = self.env['event.event'].browse(docids).exists()
            events.check_access('read')
            return self._result('event.event', docids, [self._of_session(event) for event in events])
        company, first, last = self._asked_period(data)
        return self._result('event.event', docids, [self._in_company(company)._of_period(company, first, last)])

    def _of_session(self, event):
        company = event.company_id or self.env.company
        formats = self._formats(company)
        texts = self._texts(formats)
        campaigns = self._campaigns([('event_id', '=', event.id)])
        own = Domain('event_id', '=', event.id)
        comments = []
        if self.env['survey.user_input.line'].has_access('read'):
            comments = campaigns._shareable_comments()
        first, last = formats['day'](event.date_begin), formats['day'](event.date_end)
        return {
            **formats, **texts,
            'sheet': self._sheet(
                company, self.env._("Satisfaction"), self.env._("Satisfaction of the session"),
                kicker=self.env._("Indicator 30"), lead=event.name, period=self._period_text(first, last),
                dates=(first, last),
            ),
            **self._rates_of(own),
            'before': None,
            'charts': self._charts([
                (self.env._("By stakeholder"), self._stakeholder_bars(own & _GENERAL, texts)),
                (self.env._("Questions, the lowest first"), self._question_bars(
                    campaigns - self._teaching(campaigns), texts, _BARS)),
                (self.env._("Evaluation of the teaching (indicator 33)"), self._question_bars(
                    self._teaching(campaigns), texts, _BARS)),
            ]),
            'months': [],
            'campaigns': self._campaign_rows(campaigns, texts, formats),
            'comments': comments[:_COMMENTS],
            'comments_left': max(0, len(comments) - _COMMENTS),
            'comment_figures': None,
            'dropout_text': event.dropout_text,
            'success_text': event.success_text,
            'method': self.env['qualiopi.satisfaction.report']._method(),
        }

    def _rates_of(self, domain):
        """The rates, and apart from them those of the evaluation of the teaching (RNQ, indicator 33)."""
        self.env.flush_all()
        Report = self.env['qualiopi.satisfaction.report']
        return {
            'rates': Report._rates(domain & _GENERAL),
            'teaching': Report._rates(domain & Domain('is_teaching', '=', True)),
            'unrated': self._unrated(domain & _GENERAL),
        }

    def _unrated(self, domain):
        """Who said something without a mark, as in meetings and on the telephone."""
        Report = self.env['qualiopi.satisfaction.report']
        return ', '.join(
            self.env._(
                "%(stakeholder)s (replies: %(n)s of %(asked)s)",
                # sudo: name of the type of stakeholder
                stakeholder=stakeholder.sudo().name, n=rates['n'], asked=rates['asked'])
            for (stakeholder,), rates in Report._rates_by(domain & _UNMARKED, ['stakeholder_id'])
            if rates['n']
        )

    def _of_period(self, company, first, last):
        formats = self._formats(company)
        texts = self._texts(formats)
        Report = self.env['qualiopi.satisfaction.report']
        self.env.flush_all()
        own = Domain('company_id', '=', company.id)
        domain = own & Domain('date', '>=', first) & Domain('date', '<=', last)
        length = relativedelta(years=1)
        before = Report._rates(
            own & _GENERAL & Domain('date', '>=', first - length) & Domain('date', '<=', last - length))
        campaigns = self._campaigns(own & Domain('date_from', '>=', first) & Domain('date_from', '<=', last))
        return {
            **formats, **texts,
            'sheet': self._sheet(
                company, self.env._("Satisfaction"), self.env._("Satisfaction synthesis"),
                kicker=self.env._("Indicators 30 and 32"), period=self._period_text(first, last), dates=(first, last),
            ),
            **self._rates_of(domain),
            'before': before if before['n'] else None,
            'charts': self._charts([
                (self.env._("By stakeholder"), self._stakeholder_bars(domain & _GENERAL, texts)),
                (self.env._("By course, the lowest first"), self._course_bars(domain & _GENERAL, texts)),
                (self.env._("Questions, the lowest first"), self._question_bars(
                    campaigns - self._teaching(campaigns), texts, _LOWEST)),
                (self.env._("Evaluation of the teaching (indicator 33)"), self._question_bars(
                    self._teaching(campaigns), texts, _LOWEST)),
            ]),
            'months': self._months(domain & _GENERAL, texts),
            'campaigns': [],
            'comments': [],
            'comments_left': 0,
            'comment_figures': self._comment_figures(campaigns),
            'dropout_text': None,
            'success_text': None,
            'method': Report._method(),
        }

    def _stakeholder_bars(self, domain, texts):
        Report = self.env['qualiopi.satisfaction.report']
        words = self.env['qualiopi.feedback.campaign']._moment_words()
        moments = list(words)
        rows = [
            (stakeholder, moment, rates)
            for (stakeholder, moment), rates in Report._rates_by(domain, ['stakeholder_id', 'moment'])
            if rates['satisfaction'] is not None
        ]
        # sudo: order and name of the type of stakeholder
        rows.sort(key=lambda row: (
            row[0].sudo().sequence, row[0].id, moments.index(row[1]) if row[1] in moments else len(moments)))
        return [
            self._bar(
                # sudo: see above
                ', '.join(filter(None, [stakeholder.sudo().name, words.get(moment)])), rates['satisfaction'],
                rates['satisfaction_n'], texts['of100'](rates['satisfaction']),
                self.env._("Replies: %(n)s of %(asked)s", n=rates['n'], asked=rates['asked']),
            )
            for stakeholder, moment, rates in rows[:_BARS]
        ]

    def _course_bars(self, domain, texts):
        Report = self.env['qualiopi.satisfaction.report']
        rows = [
            # sudo: name of a course of the company
            (course.sudo().name, rates) for (course,), rates in Report._rates_by(domain, ['course_id'])
            if course and rates['satisfaction'] is not None
        ]
        rows.sort(key=lambda row: (row[1]['satisfaction'], row[0]))
        return [
            self._bar(name, rates['satisfaction'], rates['satisfaction_n'], texts['of100'](rates['satisfaction']))
            for name, rates in rows[:_BARS]
        ]

    def _months(self, domain, texts):
        """Columns of the chart over time: at most the last twelve months with a value."""
        Report = self.env['qualiopi.satisfaction.report']
        months = [
            {
                'label': format_date(self.env, month, date_format='MMM yy'),
                'height': round(rates['satisfaction'] * 0.9), 'n': rates['satisfaction_n'],
                'text': texts['of100'](rates['satisfaction']).split(' ')[0],
                'colour': self._bar('', rates['satisfaction'], 0, '')['colour'],
            }
            for (month,), rates in Report._rates_by(domain, ['date:month']) if rates['satisfaction'] is not None
        ]
        return months[-12:]

    def _comment_figures(self, campaigns):
        # sudo: their number, and how many were read, for readers of the figures
        lines = self.env['survey.user_input.line'].sudo()
        domain = Domain([
            ('campaign_id', 'in', campaigns.ids), *campaigns._verbatim_domain(),
            '|', ('campaign_id.is_anonymous', '=', False), ('campaign_id.is_released', '=', True),
        ])
        return lines.search_count(domain), lines.search_count(domain & Domain('analysed_on', '!=', False))


# === FUNDER SHEET === #


class ReportQualiopiReportFunder(models.AbstractModel):
    """Results of one session for who paid for it: rates with their n and method, comments without names."""

    _name = 'report.qualiopi.report_funder'
    _description = "Funder Sheet"
    _inherit = ['qualiopi.report.feedback']

    def _get_report_values(self, docids, data=None):
        self._check_reader()
        wizards = self.env['qualiopi.funder.sheet'].browse(docids).exists()
        wizards.check_access('read')
        wizards.event_id.check_access('read')
        return self._result('qualiopi.funder.sheet', docids, [self._document(wizard) for wizard in wizards])

    def _document(self, wizard):
        event = wizard.event_id
        company = event.company_id or self.env.company
        formats = self._formats(company)
        texts = self._texts(formats)
        campaigns = wizard._campaigns()
        first, last = formats['day'](event.date_begin), formats['day'](event.date_end)
        comments = wizard._comment_lines()
        hours = event.duration_hours if 'duration_hours' in event._fields else 0
        return {
            **formats, **texts,
            'sheet': self._sheet(
                company, self.env._("Results of a session"), event.name,
                kicker=self.env._("Results for the funder"), period=self._period_text(first, last),
                dates=(first, last),
            ),
            'facts': self._pairs([
                # sudo: name of the session's course
                (self.env._("Course"), event.sudo().course_id.name),
                (self.env._("Dates"), self._period_text(first, last)),
                (self.env._("Duration (hours)"), hours and formats['num'](hours)),
                (self.env._("Learners who started"), str(event.started_count)),
            ]),
            # The evaluation of the teaching is listed, and counts apart.
            'figures': (campaigns - self._teaching(campaigns))._figures(),
            'campaigns': self._campaign_rows(campaigns, texts, formats),
            'charts': self._charts([(self.env._("Questions, the lowest first"), self._question_bars(
                campaigns - self._teaching(campaigns), texts, _BARS))]),
            'dropout_text': event.dropout_text,
            'success_text': event.success_text,
            'comments': comments,
            'method': self.env['qualiopi.satisfaction.report']._method(),
        }


# === RESULT SHEET === #


class ReportQualiopiReportResults(models.AbstractModel):
    """Results to publish, with how they are calculated, period and n (RNQ, indicator 2)."""

    _name = 'report.qualiopi.report_results'
    _description = "Result Sheet"
    _inherit = ['qualiopi.report.feedback']

    def _get_report_values(self, docids, data=None):
        self._check_reader()
        data = data or {}
        company, first, last = self._asked_period(data)
        if not docids and data.get('course_id'):
            docids = [int(data['course_id'])]
        courses = self.env['qualiopi.course'].browse(docids or ()).exists()
        courses.check_access('read')
        if docids and not data.get('date_from'):
            today = fields.Date.context_today(self)
            first, last = today - relativedelta(years=1) + relativedelta(days=1), today
        report = self._in_company(company)
        documents = [report._document(company, course, first, last) for course in courses or [courses]]
        return self._result('qualiopi.course', docids, documents)

    def _document(self, company, course, first, last):
        formats = self._formats(company)
        texts = self._texts(formats)
        Report = self.env['qualiopi.satisfaction.report']
        self.env.flush_all()
        beneficiary = self.env.ref('qualiopi.stakeholder_beneficiary', raise_if_not_found=False)
        domain = (
            Domain('company_id', '=', company.id) & Domain('date', '>=', first) & Domain('date', '<=', last)
            & Domain('stakeholder_id', '=', beneficiary.id if beneficiary else False)
            & Domain('is_teaching', '=', False)
        )
        events = self.env['qualiopi.dropout']._period_events(company, first, last)
        if course:
            domain &= Domain('course_id', '=', course.id)
            events = events.filtered(lambda event: event.course_id == course)
        events = events.with_context(active_test=True)
        dropouts = events._qualiopi_dropout_sum(list(events._qualiopi_dropout_figures().values()))
        results = events.result_ids._filtered_access('read')
        testimonies = self.env['qualiopi.publication']._public(Domain([
            ('kind', '=', 'testimony'), ('company_id', '=', company.id), ('released_on', '<=', last),
        ]) & (Domain('course_id', '=', course.id) if course else Domain.TRUE))
        return {
            **formats, **texts,
            'sheet': self._sheet(
                company, self.env._("Results"),
                course.name if course else self.env._("Results of the centre"),
                kicker=self.env._("Result sheet, indicator 2"), period=self._period_text(first, last),
                dates=(first, last), lead=self._period_text(first, last),
            ),
            'sessions': len(events),
            'started': dropouts['started'],
            'hot': Report._rates(domain & Domain('moment', '=', 'hot')),
            'cold': Report._rates(domain & Domain('moment', '=', 'cold')),
            'dropouts': dropouts,
            'passed': sum(results.mapped('passed')),
            'presented': sum(results.mapped('presented')),
            'text': self.env['qualiopi.result']._text,
            'method': Report._method(),
            'testimonies': testimonies[:_TESTIMONIES].mapped('text_said'),
        }


# === YOU SAID, WE DID === #


class ReportQualiopiReportSaidDone(models.AbstractModel):
    """One page a course, to hang up: what people said and what was done, from released texts alone."""

    _name = 'report.qualiopi.report_said_done'
    _description = "You Said, We Did"
    _inherit = ['qualiopi.report.feedback']

    def _get_report_values(self, docids, data=None):
        courses = self.env['qualiopi.course'].browse(docids).exists()
        courses.check_access('read')
        return self._result('qualiopi.course', docids, [self._document(course) for course in courses])

    def _document(self, course):
        company = course.company_id
        publications = course._said_and_done()
        entries = publications[:_SAID_DONE]
        url = course._door_url()
        return {
            **self._formats(company),
            'sheet': self._sheet(
                company, self.env._("You said, we did"), self.env._("You said, we did"),
                kicker=self.env._("Indicators 30 and 32"), lead=course.name,
            ),
            'entries': entries,
            # To be read on a wall, as large as one page holds.
            'size': next(
                size for size, most in _SIZES if sum(len(e.text_said) + len(e.text_done) for e in entries) <= most),
            'left_out': max(0, len(publications) - _SAID_DONE),
            'url': url,
            'qr': QualiopiReportDoor._door_qr(url),
        }
