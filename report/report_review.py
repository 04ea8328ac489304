from odoo import models


class ReportQualiopiReportReview(models.AbstractModel):
    _name = 'report.qualiopi.report_review'
    _description = "Minutes of a Review"
    _inherit = ['qualiopi.report']

    def _get_report_values(self, docids, data=None):
        """Values of the template, one document a review.

        :raise AccessError: when the user may not read one of the reviews
        """
        return self._sheet_values('qualiopi.review', docids)

    def _document(self, review):
        company = review.company_id
        formats = self._formats(company)
        label, d, dt = formats['label'], formats['d'], formats['dt']
        is_weekly = review.review_type == 'weekly'
        chips = [('blue', label(review, 'review_type')), (
            'green' if review.state == 'closed' else 'amber',
            label(review, 'state') if review.state != 'open' else self.env._("Draft, the review is not closed"),
        )]
        if review.is_imported:
            chips.append(('violet', self.env._("Taken over from the former register")))
        period = self._period_text(review.date_from, review.date_to)
        items = [self._item(item) for item in review.agenda_ids]
        return {
            **formats,
            'o': review,
            'is_weekly': is_weekly,
            'sheet': self._sheet(
                company, self.env._("Minutes"), review.name or review.reference, kicker=self.env._("Indicator 32"),
                lead=None if is_weekly else period, reference=review.reference,
                chips=chips, period=period, dates=(review.date_from, review.date_to),
            ),
            'facts': self._pairs([
                (self.env._("Held on"), dt(review.date)),
                (self.env._("Place"), review.location),
                (self.env._("Led by"), self._names(review.user_id)),
                (self.env._("Figures gathered on"), dt(review.figures_on) if not is_weekly else ''),
                (self.env._("Closed on"), dt(review.closed_on)),
                (self.env._("Closed by"), self._names(review.closed_by_id)),
                (self.env._("Review before"), self._linked(review, 'previous_id').reference),
                (self.env._("Next one due on"), d(review.next_date)),
            ]),
            'attendance': self._attendance(review),
            'items': items,
            'actions': self._decided(review),
            'words': [self._word(item) for item in review.word_ids],
            'confidential': self._confidential_count(review) if is_weekly else 0,
            'priorities': list(filter(None, (review.priority_1, review.priority_2, review.priority_3))),
            'evidence': self._evidence(self._linked(review, 'evidence_ids') - review.minutes_id, company),
            'told': self._linked(review, 'communication_ids'),
            'names': self._names,
        }

    def _attendance(self, review):
        # sudo: names and functions, of those whom a review that the user may read names
        present, excused = review.present_ids.sudo(), review.excused_ids.sudo()
        return [
            *({'name': partner.name, 'function': partner.function or '', 'is_present': True} for partner in present),
            *({'name': partner.name, 'function': partner.function or '', 'is_present': False} for partner in excused),
        ]

    def _item(self, item):
        Item = self.env['qualiopi.review.item']
        rows = []
        for figure in item.figures or []:
            values = [figure['value'], figure['previous']]
            # Bars of one figure share their scale: a rate's goes to a hundred.
            scale = 100 if figure['unit'] in ('%', '/ 100') else max([value for value in values if value] or [1])
            rows.append({
                'label': figure['label'],
                'note': figure['note'],
                'value': Item._figure_text(figure),
                'previous': Item._figure_text(figure, 'previous'),
                'change': Item._figure_change(figure),
                # Alone, a bar says nothing.
                'bars': [self._bar(value, scale) for value in values]
                if scale == 100 or values[1] is not None else [0, 0],
            })
        return {
            'record': item,
            'figures': rows,
            'decisions': item.decisions or [],
            'elsewhere': self._elsewhere().get(item.topic_id.code),
            'references': ', '.join([
                *item._shown('finding_ids').mapped('reference'), *item._shown('action_ids').mapped('reference'),
            ]),
        }

    def _elsewhere(self):
        """Items that have a place of their own at the head of the minutes."""
        return {
            'priorities': self.env._("See the priorities at the head of the minutes."),
            'decisions': self.env._("See the decided actions at the head of the minutes."),
        }

    @staticmethod
    def _bar(value, scale):
        """Width of a bar in a hundred, 0 for what is not known or below zero."""
        return max(0, min(100, round(100 * value / scale))) if value and scale else 0

    def _decided(self, review):
        """Actions that came of the decisions, the confidential as numbers alone."""
        rows = []
        counts = review.agenda_ids._linked_count('action_ids')
        for item in review.agenda_ids:
            actions = item._shown('action_ids')
            rows += [{'item': item.name, 'action': action} for action in actions]
            hidden = counts.get(item.id, 0) - len(actions)
            if hidden:
                rows.append({'item': item.name, 'action': None, 'hidden': hidden})
        return rows

    def _word(self, item):
        return {
            'item': item, 'reference': item.name, 'subject': item.subject or '', 'owner': self._names(item.owner_id),
            'due': item.due_on, 'is_late': item.is_late, 'word': item.discussion or '',
        }

    def _confidential_count(self, review):
        # sudo: their number alone (design, rule 8)
        return self.env['qualiopi.complaint'].sudo().search_count([
            ('company_id', '=', review.company_id.id), ('is_confidential', '=', True),
            ('state', 'not in', ('closed', 'cancelled')),
        ])
