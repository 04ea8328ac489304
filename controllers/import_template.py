from werkzeug.exceptions import NotFound

from odoo.http import Controller, content_disposition, request, route

from .xlsx import _XLSX_TYPE


class ImportTemplateController(Controller):

    @route('/qualiopi/import_template/<string:model>', type='http', auth='user', methods=['GET'], readonly=True)
    def qualiopi_import_template(self, model, **_kwargs):
        """The spreadsheet to fill in with a former register or action plan.

        :param str model: name of the register's model
        :return: the file; 404 for another model, or when the user may not fill the register
        """
        found = request.env['qualiopi.import.template']._template(model) if request.env.user._is_internal() else None
        if not found:
            raise NotFound
        name, content = found
        return request.make_response(content, headers=[
            ('Content-Type', _XLSX_TYPE),
            ('Content-Length', len(content)),
            ('Content-Disposition', content_disposition(name)),
            ('X-Content-Type-Options', 'nosniff'),
        ])
