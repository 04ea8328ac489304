"""Figures of a review: gathered from the registers at opening, kept as they are at closing."""

from datetime import timedelta
from statistics import median

from dateutil.relativedelta import relativedelta

from odoo import api, fields, models
from odoo.fields import Domain

_ENDED = ('closed', 'cancelled')


class QualiopiReview(models.Model):
    _inherit = 'qualiopi.review'

    # === GATHERING === #

    def _gather_figures(self, moment=None):
        """Write the figures of each item as the registers show them now, with those of the period before.

        :param datetime moment: UTC, now by default
        """
        self._check_unlocked()
        for review in self:
            frozen = review._frozen_figures(review.previous_id)
            before = review._period_before()
            for item in review.item_ids.filtered('topic_id.figure'):
                key = item.topic_id.figure
                if key == 'previous_decisions':
                    values = {'figures': None, 'decisions': review._previous_decisions()}
                    values['figures'] = review._figures_previous_decisions(values['decisions'])
                else:
                    method = getattr(review, f'_figures_{key}')
                    values = {'figures': review._compared(
                        method(review.company_id, review.date_from, review.date_to),
                        method(review.company_id, *before), frozen,
                    )}
                review._as_server().env['qualiopi.review.item'].browse(item.id).write(values)
            review._as_server().figures_on = moment or fields.Datetime.now()

    def _period_before(self):
        """First and last day of the period just before, of the same length."""
        year = relativedelta(years=1)
        if self.date_from + year - timedelta(days=1) == self.date_to:
            return self.date_from - year, self.date_from - timedelta(days=1)
        days = (self.date_to - self.date_from).days + 1
        return self.date_from - timedelta(days=days), self.date_from - timedelta(days=1)

    @api.model
    def _frozen_figures(self, review):
        return {figure['key']: figure['value'] for item in review.item_ids for figure in item.figures or []}

    @api.model
    def _compared(self, figures, before, frozen):
        """Figures with what they were: those of a period are counted again for the period before, those of a
        moment are what the review before had kept."""
        known = {figure['key']: figure['value'] for figure in before}
        return [
            {**figure, 'previous': (frozen if figure['is_now'] else known).get(figure['key'])} for figure in figures
        ]

    @api.model
    def _figure(self, key, label, value, unit='', note='', is_now=False):
        """One figure of a review.

        :param str key: what compares it from one review to the next
        :param value: a number, or None when it cannot be given
        :param bool is_now: whether it says how things stand, not what a period brought
        :rtype: dict
        """
        value = round(float(value), 1) if value is not None and value is not False else None
        return {'key': key, 'label': label, 'value': value, 'unit': unit, 'note': note, 'is_now': is_now}

    @api.model
    def _rate(self, part, whole):
        return 100.0 * part / whole if whole else None

    @api.model
    def _between(self, name, company, first, last):
        """Domain on a moment, for the days of a company."""
        begin = company._qualiopi_end_of_day(first - timedelta(days=1)) + timedelta(seconds=1)
        return Domain(name, '>=', begin) & Domain(name, '<=', company._qualiopi_end_of_day(last))

    @api.model
    def _days(self, name, first, last):
        return Domain(name, '>=', first) & Domain(name, '<=', last)

    @api.model
    def _entry_domain(self, company, first, last):
        """Entries of the period as the printed register holds them: the confidential apart."""
        return (
            Domain('company_id', '=', company.id) & Domain('is_confidential', '=', False)
            & self._between('received_on', company, first, last)
        )

    # === COMPLAINTS === #

    def _figures_complaints(self, company, first, last):
        """Entries by nature, delays, and what is still open (RNQ, indicator 31)."""
        Entry = self.env['qualiopi.complaint']
        domain = self._entry_domain(company, first, last)
        counts = dict(Entry._read_group(domain, ['nature'], ['__count']))
        labels = {
            'complaint': self.env._("Complaints"), 'difficulty': self.env._("Difficulties"),
            'unforeseen': self.env._("Unforeseen events"),
        }
        figures = [self._figure('entries', self.env._("Entries received"), sum(counts.values()))]
        figures += [self._figure(nature, label, counts.get(nature, 0)) for nature, label in labels.items()]
        counted = domain & Domain('is_imported', '=', False) & Domain('state', '!=', 'cancelled')
        steps = {'ack': self.env._("Acknowledged in time"), 'response': self.env._("Answered in time")}
        for step, label in steps.items():
            on_time = Entry.search_count(counted & Domain(f'{step}_timeliness', '=', 'on_time'))
            late = Entry.search_count(
                counted & (Domain(f'{step}_timeliness', '=', 'late') | Domain(f'is_{step}_late', '=', True)))
            figures.append(self._figure(
                f'{step}_on_time', label, self._rate(on_time, on_time + late), '%',
                self.env._("%(part)s of %(all)s", part=on_time, all=on_time + late),
            ))
        [(delays,)] = Entry._read_group(
            counted & Domain('response_timeliness', 'in', ('on_time', 'late')), [], ['response_delay:array_agg'])
        figures.append(self._figure(
            'response_delay', self.env._("Median delay of the response"), median(delays) if delays else None,
            self.env._("working days")))
        running = Domain('company_id', '=', company.id) & Domain('is_confidential', '=', False)
        running &= Domain('state', 'not in', _ENDED)
        return [
            *figures,
            self._figure(
                'entries_open', self.env._("Open on the day of the figures"), Entry.search_count(running), is_now=True),
            self._figure(
                'entries_late', self.env._("Late on the day of the figures"),
                Entry.search_count(running & Domain('is_late', '=', True)), is_now=True),
        ]

    def _figures_safeguarding(self, company, first, last):
        """Confidential entries, as counts only (design, rule 8)."""
        domain = (
            Domain('company_id', '=', company.id) & Domain('is_confidential', '=', True)
            & self._between('received_on', company, first, last)
        )
        # sudo: counts alone of what the confidential group treats
        Entry = self.env['qualiopi.complaint'].sudo()
        return [
            self._figure('confidential', self.env._("Confidential entries received"), Entry.search_count(domain)),
            self._figure(
                'confidential_closed', self.env._("of which closed"),
                Entry.search_count(domain & Domain('state', '=', 'closed'))),
        ]

    def _figures_accessibility(self, company, first, last):
        """Entries and findings on accessibility and disability (RNQ, indicators 20 and 26)."""
        return self._by_category('accessibility', company, first, last)

    def _by_category(self, code, company, first, last):
        category = Domain('category_id.code', '=', code)
        return [
            self._figure(
                f'{code}_entries', self.env._("Entries of this category"),
                self.env['qualiopi.complaint'].search_count(self._entry_domain(company, first, last) & category)),
            self._figure(
                f'{code}_findings', self.env._("Findings of this category"),
                self.env['qualiopi.finding'].search_count(self._finding_domain(company, first, last) & category)),
        ]

    # === FINDINGS AND ACTIONS === #

    @api.model
    def _finding_domain(self, company, first, last):
        return (
            Domain('company_id', '=', company.id) & Domain('is_confidential', '=', False)
            & Domain('state', '!=', 'cancelled') & self._days('date', first, last)
        )

    def _findings_of(self, key, label, domain):
        return self._figure(key, label, self.env['qualiopi.finding'].search_count(domain))

    def _figures_findings(self, company, first, last):
        """Findings by origin, and those that wait for a decision (RNQ, indicator 32: two proofs)."""
        Finding = self.env['qualiopi.finding']
        domain = self._finding_domain(company, first, last)
        families = dict(Finding._read_group(domain, ['family'], ['__count']))
        waiting = Domain('company_id', '=', company.id) & Domain('is_confidential', '=', False)
        return [
            self._figure('findings', self.env._("Findings"), sum(families.values())),
            self._figure('from_feedback', self.env._("from feedback"), families.get('appreciation', 0)),
            self._figure(
                'from_complaints', self.env._("from complaints, difficulties and events"),
                families.get('complaint', 0) + families.get('difficulty', 0)),
            self._figure(
                'findings_waiting', self.env._("Without a decision on the day of the figures"),
                Finding.search_count(waiting & Domain('state', 'in', ('new', 'analysed'))), is_now=True),
        ]

    def _figures_audits(self, company, first, last):
        """Gaps found in audits and elsewhere."""
        domain = self._finding_domain(company, first, last)
        return [
            self._findings_of(
                'audit_findings', self.env._("Findings of audits"), domain & Domain('family', '=', 'audit')),
            self._findings_of('minor_gaps', self.env._("Minor gaps"), domain & Domain('kind', '=', 'minor_gap')),
            self._findings_of('major_gaps', self.env._("Major gaps"), domain & Domain('kind', '=', 'major_gap')),
        ]

    def _figures_monitoring(self, company, first, last):
        """Findings from monitoring of law, trades and teaching (RNQ, indicators 23 to 25)."""
        domain = self._finding_domain(company, first, last) & Domain('source_id.code', '=', 'monitoring')
        return [self._findings_of('monitoring', self.env._("Findings from monitoring"), domain)]

    def _figures_subcontracting(self, company, first, last):
        """Entries and findings on subcontractors (RNQ, indicator 27)."""
        domain = self._finding_domain(company, first, last) & Domain('source_id.code', '=', 'subcontractor')
        return [
            *self._by_category('subcontracting', company, first, last),
            self._findings_of('subcontractors', self.env._("Findings on subcontractors"), domain),
        ]

    def _figures_trainers(self, company, first, last):
        """What trainers said, and what was said of the teaching (RNQ, indicators 21, 22 and 33)."""
        domain = self._finding_domain(company, first, last)
        return [
            self._findings_of(
                'trainer_feedback', self.env._("Findings from trainers"),
                domain & Domain('source_id.code', '=', 'trainer_feedback')),
            self._findings_of(
                'teaching', self.env._("Findings from evaluations of the teaching"),
                domain & Domain('source_id.code', '=', 'teaching_evaluation')),
        ]

    def _figures_actions(self, company, first, last):
        """Actions opened, carried out, judged, and what is late (RNQ, indicator 32)."""
        Action = self.env['qualiopi.improvement.action']
        own = Domain('company_id', '=', company.id) & Domain('is_confidential', '=', False)
        verdicts = dict(self.env['qualiopi.effectiveness.check']._read_group(
            own & Domain('state', '=', 'done') & self._days('done_on', first, last), ['verdict'], ['__count']))
        judged = sum(verdicts.values())
        effective = verdicts.get('effective', 0)
        running = own & Domain('phase', 'not in', ('done', 'cancelled'))
        return [
            self._figure('actions', self.env._("Actions opened"), Action.search_count(
                own & Domain('phase', '!=', 'cancelled') & self._days('referential_date', first, last))),
            self._figure('actions_done', self.env._("Actions carried out"), Action.search_count(
                own & self._days('done_on', first, last))),
            self._figure('checks', self.env._("Effectiveness checks given"), judged),
            self._figure(
                'effective', self.env._("Judged effective"), self._rate(effective, judged), '%',
                self.env._("%(part)s of %(all)s", part=effective, all=judged)),
            self._figure('not_effective', self.env._("Judged not effective"), verdicts.get('not', 0)),
            self._figure(
                'actions_open', self.env._("Under way on the day of the figures"),
                Action.search_count(running), is_now=True),
            self._figure('actions_late', self.env._("Late on the day of the figures"), Action.search_count(
                own & Domain('due_state', '=', 'late')), is_now=True),
        ]

    # === SATISFACTION AND RESULTS === #

    def _report_domain(self, company, first, last):
        # The view reads what the database holds.
        self.env.flush_all()
        # The evaluation of the teaching is another thing than satisfaction (RNQ, indicator 33).
        return (
            Domain('company_id', '=', company.id) & Domain('is_teaching', '!=', True)
            & self._days('date', first, last)
        )

    def _figures_satisfaction(self, company, first, last):
        """Satisfaction by stakeholder with the number of answers (RNQ, indicator 30)."""
        Report = self.env['qualiopi.satisfaction.report']
        domain = self._report_domain(company, first, last)
        rates = Report._rates(domain)
        figures = [
            self._figure('answers', self.env._("Answers received"), rates['n']),
            self._figure('response_rate', self.env._("Response rate"), rates['response_rate'], '%'),
            self._figure(
                'satisfaction', self.env._("Satisfaction, all together"), rates['satisfaction'], '/ 100',
                self.env._("n = %s", rates['satisfaction_n'])),
        ]
        for stakeholder, satisfaction, n in Report._read_group(
            domain, ['stakeholder_id'], ['satisfaction:avg', 'satisfaction_n:sum'],
        ):
            figures.append(self._figure(
                f'satisfaction_{stakeholder.id}', stakeholder.name or '', satisfaction if n else None, '/ 100',
                self.env._("n = %s", n or 0)))
        return figures

    def _figures_results(self, company, first, last):
        """Success, recommendation and situation after the course (RNQ, indicators 2 and 11)."""
        results = self._sessions(company, first, last).result_ids._filtered_access('read')
        passed, presented = sum(results.mapped('passed')), sum(results.mapped('presented'))
        rates = self.env['qualiopi.satisfaction.report']._rates(self._report_domain(company, first, last))
        return [
            self._figure(
                'success', self.env._("Success"), self._rate(passed, presented), '%',
                self.env._("%(part)s of %(all)s", part=passed, all=presented)),
            self._figure('nps', self.env._("NPS"), rates['nps'], '', self.env._("n = %s", rates['nps_n'])),
            self._figure(
                'insertion', self.env._("In a job"), rates['insertion_rate'], '%',
                self.env._("n = %s", rates['insertion_n'])),
        ]

    def _figures_communication(self, company, first, last):
        """Who was asked and told (RNQ, indicators 30 and 32)."""
        own = Domain('company_id', '=', company.id)
        return [
            self._figure(
                'campaigns', self.env._("Feedback campaigns"), self.env['qualiopi.feedback.campaign'].search_count(
                    own & Domain('state', 'in', ('running', 'done')) & self._days('date_from', first, last))),
            self._figure(
                'communications', self.env._("Communications to the team"),
                self.env['qualiopi.communication'].search_count(
                    own & Domain('is_confidential', '=', False) & self._days('date', first, last))),
        ]

    # === DROPOUTS, RISKS, PROCEDURES === #

    @api.model
    def _sessions(self, company, first, last):
        """Sessions of the company that ran within the period."""
        begin = company._qualiopi_end_of_day(first - timedelta(days=1))
        return self.env['event.event'].with_context(active_test=False).search([
            ('company_id', '=', company.id), ('date_end', '>', begin),
            ('date_begin', '<=', company._qualiopi_end_of_day(last)),
        ])

    def _figures_dropouts(self, company, first, last):
        """Dropouts of the sessions that ran in the period, as the dropout register counts them (RNQ, indicator 12)."""
        events = self._sessions(company, first, last)
        figures = events._qualiopi_dropout_figures()
        short = events.filtered(lambda event: 0 < event.duration_days <= 2)
        parts = {
            'long': (self.env._("Dropout rate, courses over two days"), events - short),
            'short': (self.env._("Dropout rate, courses of two days or less"), short),
        }
        rows, totals = [], []
        for key, (label, own) in parts.items():
            total = events._qualiopi_dropout_sum([figures[event] for event in own])
            totals.append(total)
            rows.append(self._figure(
                f'dropout_rate_{key}', label, total['rate'], '%',
                self.env._("%(part)s of %(all)s", part=total['dropouts'], all=total['started'])))
        total = events._qualiopi_dropout_sum(totals)
        return [
            *rows,
            self._figure('dropouts', self.env._("Dropouts"), total['dropouts']),
            self._figure('dropout_jobs', self.env._("of which found a job"), total['jobs']),
            self._figure('no_shows', self.env._("No-shows, counted apart"), total['no_shows']),
        ]

    def _figures_risks(self, company, first, last):
        """The risk analysis as it stands."""
        Risk = self.env['qualiopi.risk']
        own = Domain('company_id', '=', company.id) & Domain('is_confidential', '=', False)
        running = own & Domain('state', '=', 'open')
        today = fields.Date.context_today(self)
        return [
            self._figure(
                'risks', self.env._("Risks followed on the day of the figures"), Risk.search_count(running),
                is_now=True),
            self._figure(
                'risks_high', self.env._("of which high or critical"),
                Risk.search_count(running & Domain('band', 'in', ('high', 'critical'))), is_now=True),
            self._figure(
                'risks_bare', self.env._("of which without control"),
                Risk.search_count(running & Domain('controls', 'in', (False, ''))), is_now=True),
            self._figure(
                'risks_due', self.env._("of which past their review"),
                Risk.search_count(running & Domain('review_date', '<', today)), is_now=True),
            self._figure('risks_new', self.env._("Risks identified"), Risk.search_count(
                own & Domain('state', '!=', 'cancelled') & self._days('date', first, last))),
        ]

    def _figures_procedures(self, company, first, last):
        """Procedures in force and nil statements."""
        Procedure, Statement = self.env['qualiopi.procedure'], self.env['qualiopi.nil.statement']
        own = Domain('company_id', '=', company.id)
        in_force = own & Domain('state', '=', 'in_force')
        today = fields.Date.context_today(self)
        return [
            self._figure(
                'procedures', self.env._("Procedures in force on the day of the figures"),
                Procedure.search_count(in_force), is_now=True),
            self._figure(
                'procedures_due', self.env._("of which past their review"),
                Procedure.search_count(in_force & Domain('next_review', '<', today)), is_now=True),
            self._figure(
                'procedures_new', self.env._("Versions that came into force"),
                Procedure.search_count(
                    own & Domain('published_on', '!=', False) & self._days('date_from', first, last))),
            self._figure(
                'nil_statements', self.env._("Nil statements that hold"),
                Statement.search_count(own & Domain('state', '=', 'declared') & self._days('date_to', first, last))),
        ]

    # === PREVIOUS DECISIONS === #

    def _previous_decisions(self):
        """Decisions of the review before, and older ones whose actions go on, with their state.

        :return: ``review``, ``item``, ``decision``, ``reference``, ``state``, ``phase``, ``is_late``
        :rtype: list[dict]
        """
        self.ensure_one()
        Item = self.env['qualiopi.review.item']
        weekly = '=' if self.review_type == 'weekly' else '!='
        reviews = (
            Domain('review_id.company_id', '=', self.company_id.id) & Domain('review_id.state', '=', 'closed')
            & Domain('review_id.review_type', weekly, 'weekly') & Domain('review_id', '!=', self.id)
            & Domain('review_id.date_to', '<=', self.date_to)
        )
        # A decision is one that was written or that came to something.
        decided = Domain('decision', '!=', False) | Domain('finding_ids', '!=', False)
        running = Domain('action_ids.phase', 'not in', ('done', 'cancelled'))
        items = Item.search(reviews & decided & (Domain('review_id', '=', self.previous_id.id) | running))
        stages = dict(self.env['qualiopi.action.stage']._fields['phase']._description_selection(self.env))
        actions, findings = items._shown('action_ids'), items._shown('finding_ids')
        linked = [items._linked_count(name) for name in ('action_ids', 'finding_ids')]
        rows = []
        for item in items:
            told = {'review': item.review_id.reference, 'item': item.name, 'decision': item.decision or ''}
            own = item.action_ids & actions
            for action in own:
                rows.append({
                    **told, 'reference': action.reference, 'phase': action.phase, 'is_late': action.due_state == 'late',
                    'state': self.env._("%s, late", stages[action.phase]) if action.due_state == 'late'
                    else stages[action.phase],
                })
            others = (item.finding_ids & findings).filtered(lambda finding, own=own: not finding.action_ids & own)
            states = dict(findings._fields['state']._description_selection(self.env))
            for finding in others:
                rows.append({
                    **told, 'reference': finding.reference, 'state': states[finding.state],
                    'phase': 'done' if finding._is_ended() else 'do', 'is_late': False,
                })
            if not own and not others:
                rows.append({
                    **told, 'reference': '', 'phase': '', 'is_late': False,
                    'state': self.env._("Restricted access") if any(count.get(item.id) for count in linked)
                    else self.env._("Without an action"),
                })
        return rows

    def _figures_previous_decisions(self, decisions):
        """How many previous decisions, and how many of them came to their end."""
        decided = {(decision['review'], decision['item'], decision['decision']) for decision in decisions}
        figures = [
            self._figure('decisions', self.env._("Decisions followed up"), len(decided), is_now=True),
            self._figure(
                'decisions_done', self.env._("Their actions that are effective and closed"),
                sum(decision['phase'] == 'done' for decision in decisions), is_now=True),
            self._figure(
                'decisions_late', self.env._("Their actions that are late"),
                sum(decision['is_late'] for decision in decisions), is_now=True),
        ]
        return self._compared(figures, [], self._frozen_figures(self.previous_id))
