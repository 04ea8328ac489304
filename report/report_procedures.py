from odoo import models
from odoo.fields import Domain

from ..models.qualiopi_procedure import KINDS


def _told(report, procedure, day):
    """Who was told of a version, and when: one line a communication."""
    lines = []
    for communication in procedure.communication_ids:
        people = ', '.join(filter(None, [report._names(communication.partner_ids), communication.audience]))
        lines.append(f'{day(communication.date)} {people}'.strip())
    return lines


class ReportQualiopiReportProcedures(models.AbstractModel):
    _name = 'report.qualiopi.report_procedures'
    _description = "Procedures in Force"
    _inherit = ['qualiopi.report.list']

    _list_model = 'qualiopi.procedure'
    _list_order = 'kind, name, date_from, id'

    def _period_domain(self, company, first, last):
        """Versions that were in force on the last day of the period."""
        return (
            Domain('version', '>', 0) & Domain('date_from', '<=', last)
            & (Domain('date_to', '=', False) | Domain('date_to', '>=', last))
        )

    def _own_day(self, record):
        return record.date_from

    def _document(self, selection):
        records = selection['records']
        formats = self._formats(selection['company'])
        self._preload(records, 'communication_ids.partner_ids')
        earlier = self.env['qualiopi.procedure'].search([
            ('company_id', '=', selection['company'].id), ('version', '>', 0), ('id', 'not in', records.ids),
            ('date_from', '<=', selection['last']),
        ], order='version desc')
        rows = [{
            'record': procedure,
            'file': procedure.file_name if procedure.file else '',
            'told': _told(self, procedure, formats['d']),
            'earlier': [
                self.env._(
                    "version %(version)s from %(first)s to %(last)s", version=old.version,
                    first=formats['d'](old.date_from), last=formats['d'](old.date_to),
                )
                for old in earlier.filtered(
                    lambda old, p=procedure: old.kind == p.kind and old.version < p.version
                    and (p.kind != 'other' or old.name == p.name))
                if old.date_to and old.date_to >= old.date_from
            ],
        } for procedure in records.sorted(lambda p: ([key for key, __ in KINDS].index(p.kind), p.name or ''))]
        values = self._list_values(
            selection, self.env._("Procedures"), self.env._("Procedures in force"),
            self.env._("Indicators 12, 27, 31 and 32"),
        )
        if selection['is_period']:
            lead = self.env._("On %s", formats['d'](selection['last']))
            values['sheet'] |= {'lead': lead, 'period': lead}
        return {
            **formats,
            **values,
            'sections': [{'title': '', 'rows': rows}],
            'total': len(rows),
            'names': self._names,
        }


class ReportQualiopiReportProcedure(models.AbstractModel):
    _name = 'report.qualiopi.report_procedure'
    _description = "Procedure"
    _inherit = ['qualiopi.report']

    def _get_report_values(self, docids, data=None):
        return self._sheet_values('qualiopi.procedure', docids)

    def _document(self, procedure):
        formats = self._formats(procedure.company_id)
        tones = {'in_force': 'green', 'coming': 'blue', 'draft': 'amber'}
        lead = self.env._(
            "Version %(version)s, in force from %(date)s", version=procedure.version,
            date=formats['d'](procedure.date_from),
        ) if procedure.version else self.env._("Draft, not in force")
        if procedure.date_to:
            lead = self.env._(
                "Version %(version)s, in force from %(first)s to %(last)s", version=procedure.version,
                first=formats['d'](procedure.date_from), last=formats['d'](procedure.date_to),
            )
        return {
            **formats,
            'record': procedure,
            'sheet': self._sheet(
                procedure.company_id, self.env._("Procedure"), procedure.name,
                kicker=formats['label'](procedure, 'kind'), lead=lead, reference=procedure.reference, period=lead,
                chips=[(tones.get(procedure.state, 'grey'), formats['label'](procedure, 'state'))],
                dates=(procedure.date_from,) * 2 if procedure.date_from else None,
            ),
            'pairs': self._pairs([
                (self.env._("Owner"), self._names(procedure.user_id)),
                (self.env._("Next review"), formats['d'](procedure.next_review)),
                (self.env._("Published on"), formats['dt'](procedure.published_on)),
                (self.env._("Published by"), self._names(procedure.published_by_id)),
                (self.env._("File"), procedure.file_name if procedure.file else None),
                (self.env._("What changes"), procedure.change_note),
            ]),
            'told': _told(self, procedure, formats['d']),
        }
