from odoo import models


class ReportQualiopiReportAction(models.AbstractModel):
    _name = 'report.qualiopi.report_action'
    _description = "Action Sheet"
    _inherit = ['qualiopi.report']

    def _get_report_values(self, docids, data=None):
        """Values of the template, one sheet an action.

        :raise AccessError: when the user may not read one of the actions
        """
        return self._sheet_values('qualiopi.improvement.action', docids)

    def _document(self, action):
        company = action.company_id
        findings = self._linked(action, 'finding_ids')
        checks = self._linked(action, 'check_ids')
        formats = self._formats(company)
        label, tone, d = formats['label'], formats['tone'], formats['d']
        chips = [(tone(action.action_type), label(action, 'action_type')),
                 (tone(action.phase), action.stage_id.name)]
        if action.delay_days:
            chips.append(('red', self.env._("Days late: %s", action.delay_days)))
        if action.is_confidential:
            chips.append(('red', self.env._("Confidential")))
        if action.is_imported:
            chips.append(('violet', self.env._("Taken over from the former register")))
        own_day = action.date_start or action.referential_date
        return {
            **formats,
            'o': action,
            'sheet': self._sheet(
                company, self.env._("Action sheet"), action.name or action.reference,
                kicker=action.reference, reference=action.reference, chips=chips,
                dates=(own_day, own_day), period=self.env._("Opened on %s", d(own_day)),
            ),
            'facts': self._pairs(self._facts(action, formats)),
            'has_values': self.env['report.qualiopi.report_plan']._has_values(action),
            'hidden_findings': self._hidden(action, 'finding_ids', 'action_ids'),
            'findings': [(finding, self._linked(finding, 'complaint_ids')) for finding in findings],
            'checks': checks.sorted(lambda check: (check.planned_on, check.id)),
            'evidence': self._evidence(
                self._linked(action, 'evidence_ids') | self._linked(checks, 'evidence_ids'), company),
            'names': self._names,
        }

    def _facts(self, action, formats):
        cost = ''
        if action.cost:
            cost = action.currency_id.format(action.cost)
        return [
            (self.env._("Owner"), self._names(action.user_id)),
            (self.env._("Priority"), formats['label'](action, 'priority')),
            (self.env._("Start"), formats['d'](action.date_start)),
            (self.env._("Due on"), formats['d'](action.date_due)),
            (self.env._("Progress"), f'{action.progress} %'),
            (self.env._("Carried out on"), formats['d'](action.done_on)),
            (self.env._("Carried out by"), self._names(action.carried_out_by_id)),
            (self.env._("Means"), action.means),
            (self.env._("Cost"), cost),
            (self.env._("Session"), self._names(action.event_id)),
            (self.env._("Course"), self._names(action.course_id)),
            (self.env._("Indicator(s)"), ', '.join(str(i.number) for i in action.indicator_ids)),
            (self.env._("Replaces"), ', '.join(self._linked(action, 'replaces_ids').mapped('reference'))),
            (self.env._("Replaced by"), self._linked(action, 'replaced_by_id').reference),
            (self.env._("Former number"), action.old_reference),
            (self.env._("Dropped because"), action.cancel_reason),
        ]
