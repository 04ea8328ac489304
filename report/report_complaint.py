from odoo import models


class ReportQualiopiReportComplaint(models.AbstractModel):
    _name = 'report.qualiopi.report_complaint'
    _description = "Complaint Sheet"
    _inherit = ['qualiopi.report']

    def _get_report_values(self, docids, data=None):
        """Values of the template, one sheet an entry: its whole life.

        :raise AccessError: when the user may not read one of the entries
        """
        return self._sheet_values('qualiopi.complaint', docids)

    def _document(self, entry):
        company = entry.company_id
        findings = self._linked(entry, 'finding_ids')
        actions = self._linked(findings, 'action_ids')
        formats = self._formats(company)
        d, label, tone = formats['d'], formats['label'], formats['tone']
        chips = [(tone(entry.nature), label(entry, 'nature')), (tone(entry.state), label(entry, 'state'))]
        if entry.severity_id:
            chips.append((tone(entry.severity_id.level), entry.severity_id.name))
        if entry.is_confidential:
            chips.append(('red', self.env._("Confidential")))
        if entry.is_imported:
            chips.append(('violet', self.env._("Taken over from the former register")))
        answered = entry.has_response_steps
        steps = ['receipt', answered and 'ack', 'analysis', 'correction',
                 (answered or entry.decision) and 'decision', answered and 'response',
                 answered and (entry.mediation or 'none') != 'none' and 'mediation',
                 (answered or entry.verdict) and 'verdict', 'evidence', 'history']
        steps = [step for step in steps if step]
        return {
            **formats,
            'o': entry,
            'sheet': self._sheet(
                company, self.env._("Complaint sheet") if entry.nature == 'complaint'
                else self.env._("Register sheet"),
                entry.name or entry.reference, kicker=entry.reference, reference=entry.reference,
                chips=chips, dates=(entry.received_date, entry.received_date),
                period=self.env._("Received on %s", d(entry.received_date)),
            ),
            'steps': {step: rank for rank, step in enumerate(steps, 1)},
            'identity': self._pairs(self._identity(entry, formats)),
            'findings': [self._causes(finding) for finding in findings],
            'hidden_findings': self._hidden(entry, 'finding_ids', 'complaint_ids'),
            'own_analysis': self._causes(entry),
            'actions': actions,
            'evidence': self._evidence(self._linked(entry, 'evidence_ids'), company),
            'history': self._history(entry, formats),
            'keep': self._keep(entry, findings, actions),
            'names': self._names,
            'may_mediate': answered and entry.stakeholder_id.is_individual,
            # sudo: the mediator is named to every complainant
            'mediator': company.sudo().qualiopi_mediator,
            # sudo: and so is where to write to
            'mediator_contact': company.sudo().qualiopi_mediator_contact,
        }

    @staticmethod
    def _keep(entry, findings, actions):
        """Class of each step: a short one is kept on one page, its title with it."""
        texts = {
            'ack': entry.ack_message,
            'analysis': (entry.analysis or '') + ''.join(findings.mapped(lambda f: f.analysis or '')),
            'correction': (entry.correction or '') + 'x' * 150 * len(actions),
            'decision': entry.decision_reason,
            'response': entry.response,
            'mediation': entry.mediation_outcome,
            'verdict': entry.verdict_comment,
            'evidence': 'x' * 150 * len(entry.evidence_ids),
        }
        return {step: 'q_keep' if len(text or '') < 1500 else None for step, text in texts.items()}

    def _identity(self, entry, formats):
        known = not entry.is_anonymous
        return [
            (self.env._("Received on"), formats['dt'](entry.received_on)),
            (self.env._("Channel"), entry.channel_id.name),
            (self.env._("Written confirmation"), self._confirmation(entry, formats)),
            (self.env._("Complainant"), entry.complainant),
            (self.env._("Stakeholder type"), entry.stakeholder_id.name),
            (self.env._("E-mail"), known and entry.email_from),
            (self.env._("Phone"), known and entry.phone),
            (self.env._("Course"), self._names(entry.course_id)),
            (self.env._("Session"), self._names(entry.event_id)),
            (self.env._("Learner"), known and self._names(entry.registration_id)),
            (self.env._("Trainer"), self._names(entry.trainer_id)),
            (self.env._("Category"), entry.category_id.name),
            (self.env._("Severity"), entry.severity_id.name),
            (self.env._("Owner"), self._names(entry.user_id)),
            (self.env._("Indicator(s)"), ', '.join(str(i.number) for i in entry.indicator_ids)),
            (self.env._("Former number"), entry.old_reference),
            (self.env._("Merged into"), self._linked(entry, 'duplicate_of_id').reference),
            (self.env._("Duplicates"), ', '.join(self._linked(entry, 'duplicate_ids').mapped('reference'))),
        ]

    @staticmethod
    def _confirmation(entry, formats):
        if not entry.written_confirmation:
            return ''
        return ', '.join(filter(None, [
            formats['label'](entry, 'written_confirmation'), formats['d'](entry.confirmation_date),
            formats['label'](entry, 'confirmation_means') if entry.confirmation_means else '',
            entry.confirmation_impossible_reason, entry.confirmation_correction,
        ]))

    def _history(self, entry, formats):
        """(date, what, who) lines in the order of the facts."""
        d, dt, label = formats['d'], formats['dt'], formats['label']
        zone_day = formats['day']
        events = [
            (zone_day(entry.received_on), dt(entry.received_on), self.env._("Received"), ''),
            (zone_day(entry.create_date), dt(entry.create_date), self.env._("Recorded in the register"),
             self._names(entry.create_uid)),
            (zone_day(entry.ack_date), dt(entry.ack_date), self.env._("Acknowledged"), self._names(entry.ack_user_id)),
            (entry.analysis_date, d(entry.analysis_date), self.env._("Causes analysed"), ''),
            (entry.correction_date, d(entry.correction_date), self.env._("Immediate correction"),
             self._names(entry.correction_user_id)),
            (entry.decision_date, d(entry.decision_date),
             self.env._("Decision: %s", label(entry, 'decision')), ''),
            (zone_day(entry.response_date), dt(entry.response_date), self.env._("Answered"),
             self._names(entry.response_user_id)),
            (entry.mediation_date, d(entry.mediation_date),
             self.env._("Mediation: %s", label(entry, 'mediation')), ''),
            (entry.verdict_date, d(entry.verdict_date),
             self.env._("Complainant's verdict: %s", label(entry, 'verdict')), ''),
            (zone_day(entry.cancelled_on), dt(entry.cancelled_on),
             self.env._("Cancelled: %s", entry.cancel_reason or ''), ''),
            (zone_day(entry.closed_on), dt(entry.closed_on), self.env._("Closed"), self._names(entry.closed_by_id)),
        ]
        lines = sorted((event for event in events if event[0]), key=lambda event: event[0])
        if entry.reopen_reason:
            lines.append((None, '', self.env._("Reopened: %s", entry.reopen_reason), ''))
        return [line[1:] for line in lines]
