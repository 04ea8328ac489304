from odoo import models

LEVEL_TONES = {'major': 'red', 'minor': 'amber', 'watch': 'blue', 'set_up': 'violet', 'ok': 'green', 'none': 'grey'}


class ReportQualiopiReportReadiness(models.AbstractModel):
    _name = 'report.qualiopi.report_readiness'
    _description = "Readiness Report"
    _inherit = ['qualiopi.report']

    def _get_report_values(self, docids, data=None):
        """Values of the template, one document a check: what was found that day, by indicator.

        :raise AccessError: when the user may not read one of the checks
        """
        runs = self.env['qualiopi.readiness.run'].browse(docids).exists()
        runs.check_access('read')
        return {
            'doc_ids': docids,
            'doc_model': runs._name,
            'docs': runs,
            'documents': [self._document(run) for run in runs],
            'report_title': self.env._("Readiness"),
        }

    def _document(self, run):
        formats = self._formats(run.company_id)
        d, dt = formats['d'], formats['dt']
        levels = dict(self.env['qualiopi.readiness.result']._fields['level']._description_selection(self.env))
        rules = self.env['qualiopi.readiness.rule'].browse(
            [detail['rule_id'] for detail in run.details or []]).exists()
        by_id = {rule.id: rule for rule in rules}
        sections = {}
        for detail in run.details or []:
            rule = by_id.get(detail['rule_id'])
            if not rule:
                continue
            sections.setdefault(rule.indicator_id, []).append({
                'code': rule.code,
                'name': rule.name,
                'basis': formats['label'](rule, 'basis'),
                'level': levels.get(detail['level']),
                'tone': LEVEL_TONES.get(detail['level'], 'grey'),
                'reason': rule._render(detail['key'], detail['params']),
                'advice': rule.advice if detail['level'] in ('major', 'minor', 'watch', 'set_up') else '',
                'count': detail['count'] or '',
                'hidden': detail['hidden'],
            })
        return {
            **formats,
            'run': run,
            'sheet': self._sheet(
                run.company_id, self.env._("Readiness"), self.env._("Readiness for the audit"),
                kicker=self.env._("What an auditor would object to"),
                lead=self.env._("Checked on %s", dt(run.checked_on)),
                period=self.env._(
                    "From %(first)s to %(last)s", first=d(run.date_from), last=d(run.day)),
                dates=(run.day, run.day),
            ),
            'figures': [
                (levels[level], run[f'{level}_count'])
                for level in ('major', 'minor', 'watch', 'set_up', 'ok', 'none')
            ],
            'sections': [
                {'title': indicator.display_name, 'rows': rows} for indicator, rows in sections.items()
            ],
            'modes': self._modes(run),
        }

    def _modes(self, run):
        # sudo: the modes of the company stand on its own report
        company = run.company_id.sudo()
        categories = company.qualiopi_action_categories.with_context(lang=self.env.lang)
        return ", ".join(filter(None, [
            ", ".join(categories.mapped('name')),
            company.qualiopi_new_entrant and self.env._("new entrant"),
            company.qualiopi_subcontractor_only and self.env._("works only as a subcontractor"),
        ])) or self.env._("all categories of action")

