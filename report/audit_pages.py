from datetime import date

from odoo import fields, models
from odoo.fields import Domain

PAGE_SIZE = 50
_PRINTERS = {
    'entries': 'report.qualiopi.report_register',
    'findings': 'report.qualiopi.report_findings',
    'actions': 'report.qualiopi.report_plan',
}
_MODELS = {
    'entries': 'qualiopi.complaint',
    'findings': 'qualiopi.finding',
    'actions': 'qualiopi.improvement.action',
    'checks': 'qualiopi.effectiveness.check',
}
_DOCUMENTS = {
    'register': 'qualiopi.report_register',
    'findings': 'qualiopi.report_findings',
    'plan': 'qualiopi.report_plan',
    'traceability': 'qualiopi.report_traceability',
}
# What stands in the head of a row is not said again below.
_IN_HEAD = {'reference', 'name', 'state', 'status', 'nature'}


class QualiopiAuditPages(models.AbstractModel):
    """What the pages of an auditor's access show, as plain values. See `_pages()` of qualiopi.audit.link: whoever
    calls is the technical user, whom the rules of `ir.rule` keep within the company and the period."""

    _name = 'qualiopi.audit.pages'
    _description = "Pages of an Auditor's Access"

    def _scope(self):
        return self.env['ir.rule']._qualiopi_scope()

    def _company(self):
        return self.env['res.company'].browse(self._scope().company_id)

    def _frame(self):
        """What all pages say."""
        scope, report = self._scope(), self.env['qualiopi.report']
        return {
            **report._formats(self._company()),
            'period': report._period_text(scope.first, scope.last),
            'referential': report._referential_text(scope.first, scope.last),
            'titles': self._titles(),
        }

    def _titles(self):
        return {
            'overview': self.env._("Overview"),
            'entries': self.env._("Register"),
            'findings': self.env._("Findings"),
            'actions': self.env._("Actions"),
            'checks': self.env._("Checks"),
            'chains': self.env._("Chains"),
        }

    def _model(self, kind):
        return self.env[_MODELS[kind]].with_context(active_test=False)

    # === OVERVIEW === #

    def _overview(self):
        """Indicators with what the registers hold on them in the period, and what may be downloaded.

        :rtype: dict
        """
        totals, counts = {}, {}
        for kind in _MODELS:
            totals[kind] = self._model(kind).search_count([])
        for kind in _PRINTERS:
            for indicator, count in self._model(kind)._read_group([], ['indicator_ids'], ['__count']):
                counts.setdefault(indicator, {})[kind] = count
        indicators = self.env['qualiopi.indicator'].search([('number', '>', 0)], order='number')
        return {
            'totals': totals,
            'indicators': [
                {'number': i.number, 'name': i.name, 'counts': counts[i]} for i in indicators if i in counts
            ],
            'empty': ', '.join(str(i.number) for i in indicators if i not in counts),
            'documents': self._documents(totals),
        }

    def _documents(self, totals):
        labels = {
            'register': self.env._("Register of complaints, difficulties and unforeseen events"),
            'findings': self.env._("Finding list"),
            'plan': self.env._("Continuous improvement plan"),
            'traceability': self.env._("Traceability sheets, one page a chain"),
        }
        return [(code, label) for code, label in labels.items() if code != 'traceability' or totals['findings']]

    # === REGISTERS === #

    def _register_page(self, kind, page=1, indicator=None):
        """One page of a register.

        :param str kind: ``entries``, ``findings``, ``actions`` or ``checks``
        :param int page: from 1
        :param int indicator: number of the only indicator shown
        :return: None when there is no such page
        """
        if kind not in _MODELS:
            return None
        Model = self._model(kind)
        domain = Domain.TRUE
        if indicator:
            name = 'action_id.indicator_ids.number' if kind == 'checks' else 'indicator_ids.number'
            domain = Domain(name, '=', indicator)
        total = Model.search_count(domain)
        pages = max(1, -(-total // PAGE_SIZE))
        if not 1 <= page <= pages:
            return None
        printer = self.env[_PRINTERS[kind]] if kind in _PRINTERS else None
        records = Model.search(
            domain, order=printer._list_order if printer is not None else 'planned_on, id',
            offset=(page - 1) * PAGE_SIZE, limit=PAGE_SIZE,
        )
        formats = self.env['qualiopi.report']._formats(self._company())
        return {
            'kind': kind, 'total': total, 'page': page, 'pages': pages, 'indicator': indicator,
            'rows': getattr(self, f'_rows_{kind}')(records, formats),
        }

    def _facts(self, row, headings, formats):
        """(heading, text) of the columns that hold something."""
        facts = []
        for key, heading in headings.items():
            value = row.get(key)
            if key in _IN_HEAD or value in (None, False, ''):
                continue
            if isinstance(value, date):
                value = formats['d'](value)
            elif isinstance(value, (int, float)):
                value = formats['num'](value)
            facts.append((heading, value))
        return facts

    def _rows_entries(self, records, formats):
        printer = self.env[_PRINTERS['entries']]
        headings, label, tone = printer._headings(), formats['label'], formats['tone']
        return [{
            'reference': row['reference'],
            'name': row['name'],
            'date': formats['d'](row['received_on']),
            'chips': [
                (tone(row['record'].nature), row['nature']), (tone(row['record'].state), label(row['record'], 'state')),
            ],
            'facts': self._facts(row, headings, formats),
        } for row in printer._rows(records, formats)]

    def _rows_actions(self, records, formats):
        printer = self.env[_PRINTERS['actions']]
        headings, tone = printer._headings(), formats['tone']
        return [{
            'reference': row['reference'],
            'name': row['name'],
            'date': formats['d'](row['date']),
            'chips': [(tone(row['record'].phase), row['status'])]
            + ([(tone(row['verdict']), row['effectiveness'])] if row['effectiveness'] else []),
            'facts': self._facts(row, headings, formats),
        } for row in printer._rows(records, formats)]

    def _rows_findings(self, records, formats):
        report = self.env['qualiopi.report']
        label, tone, d = formats['label'], formats['tone'], formats['d']
        rows = []
        for finding in records:
            sources, actions, evidence = (
                report._linked(finding, name) for name in ('complaint_ids', 'action_ids', 'evidence_ids'))
            facts = {
                self.env._("Source"): finding.source_id.name,
                self.env._("Facts"): finding.description,
                self.env._("Cause(s)"): report._names(finding.cause_ids),
                self.env._("Analysis"): finding.analysis,
                self.env._("Entries"): ', '.join(sources.mapped('reference')),
                self.env._("Linked action(s)"): ', '.join(actions.mapped('reference')),
                self.env._("No action, because"): finding.no_action_reason,
                self.env._("Indicator(s)"): ', '.join(str(i.number) for i in finding.indicator_ids),
                self.env._("Owner"): report._names(finding.user_id),
                self.env._("Evidence"): ' ; '.join(evidence.mapped('name')),
                self.env._("Closed on"): d(finding.closed_on),
            }
            rows.append({
                'reference': finding.reference,
                'name': finding.name,
                'date': d(finding.date),
                'chips': [(tone(finding.kind), label(finding, 'kind')), (tone(finding.state), label(finding, 'state'))],
                'facts': [(heading, text) for heading, text in facts.items() if text],
                'chain': finding.id,
            })
        return rows

    def _rows_checks(self, records, formats):
        report = self.env['qualiopi.report']
        label, tone, d, num = formats['label'], formats['tone'], formats['d'], formats['num']
        rows = []
        for check in records:
            action = check.action_id
            has_values = self.env[_PRINTERS['actions']]._has_values(action)
            facts = {
                self.env._("Planned on"): d(check.planned_on),
                self.env._("Verified on"): d(check.done_on),
                self.env._("Verified by"): report._names(check.verdict_by_id or check.verifier_id),
                self.env._("Success criterion"): action.success_criterion,
                self.env._("Value before"): has_values and num(action.value_before),
                self.env._("Target value"): has_values and num(action.value_target),
                self.env._("Value measured"): check.has_value and num(check.value_measured),
                self.env._("Conclusion"): check.conclusion,
                self.env._("Remarks"): check.is_self_check and self.env._(
                    "Checked by the owner: one-person organisation"),
                self.env._("Evidence"): ' ; '.join(report._linked(check, 'evidence_ids').mapped('name')),
            }
            chip = (tone(check.verdict), label(check, 'verdict')) if check.verdict else (
                tone(check.state), label(check, 'state'))
            rows.append({
                'reference': action.reference,
                'name': action.name,
                'date': d(check.done_on or check.planned_on),
                'chips': [chip],
                'facts': [(heading, text) for heading, text in facts.items() if text],
            })
        return rows

    # === CHAINS === #

    def _chains(self, page=1):
        """One page of the chains: each finding of the period with what hangs on it."""
        register = self._register_page('findings', page)
        if not register:
            return None
        report = self.env['qualiopi.report']
        findings = self._model('findings').browse([row['chain'] for row in register['rows']])
        for row, finding in zip(register['rows'], findings, strict=True):
            actions = report._linked(finding, 'action_ids')
            row['sources'] = len(report._linked(finding, 'complaint_ids'))
            row['actions'] = len(actions)
            row['verdicts'] = len(report._linked(actions, 'check_ids').filtered('verdict'))
        return register

    def _chain(self, finding_id):
        """The traceability sheet of one finding, as it is printed; None when it is not to be seen here."""
        finding = self._model('findings').search([('id', '=', finding_id)])
        if not finding:
            return None
        [document] = self.env['report.qualiopi.report_traceability']._chains(finding, finding.browse())
        return document

    # === DOWNLOADS === #

    def _pdf(self, code, is_anonymised):
        """A printed document of the period.

        :return: PDF, None when there is no such document
        :rtype: bytes
        :raise UserError: when nothing can be printed
        """
        if code not in dict(self._documents({'findings': self._model('findings').search_count([], limit=1)})):
            return None
        scope = self._scope()
        data = {
            'date_from': scope.first.isoformat(), 'date_to': scope.last.isoformat(), 'company_id': scope.company_id,
            'anonymised': is_anonymised,
        }
        return self.env['ir.actions.report']._render_qweb_pdf(_DOCUMENTS[code], None, data=data)[0]


class QualiopiReport(models.AbstractModel):
    _inherit = 'qualiopi.report'

    def _printed_text(self, company):
        """What an auditor's access prints was printed by nobody of the provider."""
        if not self.env['ir.rule']._qualiopi_scope():
            return super()._printed_text(company)
        formats = self._formats(company)
        return self.env._(
            "Printed on %(moment)s (%(tz)s) through the auditor's access",
            moment=formats['dt'](fields.Datetime.now()), tz=company._qualiopi_tz(),
        )


class ReportQualiopiReportRegister(models.AbstractModel):
    _inherit = 'report.qualiopi.report_register'

    def _numbering(self, selection, records):
        """Behind an auditor's access, from the first to the last number of the period, not of the year."""
        lines = super()._numbering(selection, records)
        if not self.env['ir.rule']._qualiopi_scope():
            return lines
        numbers = {}
        for reference in records.mapped('reference'):
            series, __, number = (reference or '').rpartition('/')
            numbers.setdefault(series, []).append(int(number))
        return [self._numbering_between(selection['company'], line['series'], numbers[line['series']])
                for line in lines if line['series'] in numbers]

    def _numbering_between(self, company, series, own):
        first, last = min(own), max(own)
        span = {f'{series}/{number:04d}' for number in range(first, last + 1)}
        # sudo: whether each number in between has its entry; nothing of those outside the period is shown
        present = self.env['qualiopi.complaint'].sudo().with_context(active_test=False).search_count([
            ('company_id', '=', company.id), ('reference', 'in', list(span)),
        ])
        return {
            'series': series, 'count': len(own), 'first': f'{series}/{first:04d}', 'last': f'{series}/{last:04d}',
            'missing': len(span) - present, 'outside': present - len(own),
        }


class ReportQualiopiReportTraceability(models.AbstractModel):
    _inherit = 'report.qualiopi.report_traceability'

    def _chain(self, finding, without):
        return {**super()._chain(finding, without), 'is_scoped': bool(self.env['ir.rule']._qualiopi_scope())}
