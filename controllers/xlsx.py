from werkzeug.exceptions import NotFound

from odoo.exceptions import AccessError, UserError
from odoo.http import Controller, content_disposition, request, route

_KINDS = {
    'register': 'qualiopi.complaint', 'plan': 'qualiopi.improvement.action', 'dropouts': 'qualiopi.dropout',
    'risks': 'qualiopi.risk',
}
_XLSX_TYPE = 'application/vnd.openxmlformats-officedocument.spreadsheetml.sheet'


class QualiopiXlsxController(Controller):

    @route('/qualiopi/xlsx/<string:kind>', type='http', auth='user', methods=['GET'], readonly=True)
    def qualiopi_xlsx(self, kind, wizard=None, ids=None, date_from=None, date_to=None,
                      company_id=None, **kwargs):
        """The register or the improvement plan as a spreadsheet, as the user sees it.

        :param str kind: ``register``, ``plan`` or ``risks``
        :param str wizard: id of the caller's own qualiopi.print record, which says what is printed
        :param str ids: chosen records, comma-separated; those that the user may not read are left out
        :param str date_from: first day of the period, with ``date_to`` and ``company_id``
        :return: the file; 404 when there is nothing that the user may see
        """
        if kind not in _KINDS or not request.env.user._is_internal():
            raise NotFound
        try:
            data = {'date_from': date_from, 'date_to': date_to,
                    'company_id': self._number(company_id) if company_id else None}
            docids = self._numbers(ids) if ids else None
            if wizard:
                docids, data = self._wizard_selection(kind, wizard)
            if docids is not None:
                model = request.env[_KINDS[kind]]
                docids = model.browse(docids).exists()._filtered_access('read').ids
                if not docids:
                    raise NotFound
            name, content = request.env['qualiopi.xlsx']._workbook(kind, docids, data)
        except (AccessError, UserError, ValueError) as error:
            raise NotFound from error
        return request.make_response(content, headers=[
            ('Content-Type', _XLSX_TYPE),
            ('Content-Length', len(content)),
            ('Content-Disposition', content_disposition(name)),
            ('X-Content-Type-Options', 'nosniff'),
        ])

    def _wizard_selection(self, kind, wizard):
        record = request.env['qualiopi.print'].search([
            ('id', '=', self._number(wizard)), ('create_uid', '=', request.env.uid),
            ('document', '=', kind),
        ])
        if not record:
            raise NotFound
        return record._selected_ids(), record._report_data()

    @staticmethod
    def _number(text):
        number = int(text)
        if not 0 < number < 2**31:
            raise ValueError(text)
        return number

    def _numbers(self, text):
        return [self._number(part) for part in text.split(',')]
