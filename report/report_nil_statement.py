from odoo import models


class ReportQualiopiReportNilStatement(models.AbstractModel):
    _name = 'report.qualiopi.report_nil_statement'
    _description = "Nil Statement"
    _inherit = ['qualiopi.report']

    def _get_report_values(self, docids, data=None):
        return self._sheet_values('qualiopi.nil.statement', docids)

    def _document(self, statement):
        """Values of one sheet; one that fell says so, and what made it fall."""
        formats = self._formats(statement.company_id)
        period = self._period_text(statement.date_from, statement.date_to)
        tones = {'declared': 'green', 'invalidated': 'red', 'cancelled': 'grey'}
        procedure = self.env['qualiopi.procedure']._in_force(statement.company_id, 'complaint', statement.date_to)
        return {
            **formats,
            'record': statement,
            'sheet': self._sheet(
                statement.company_id, self.env._("Nil statement"), self.env._("Nil statement"),
                kicker=self.env._("Indicators 31 and 32"), lead=period, period=period, reference=statement.reference,
                chips=[(tones[statement.state], formats['label'](statement, 'state'))],
                dates=(statement.date_from, statement.date_to),
            ),
            'period': period,
            'declarant': self._names(statement.declared_by_id),
            'declared': formats['dt'](statement.declared_on),
            'tz': statement.company_id._qualiopi_tz(),
            'invalidated': formats['dt'](statement.invalidated_on),
            'procedure': procedure and procedure.display_name,
        }
