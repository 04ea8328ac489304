"""The procedures that are for everybody: how to complain, and what is done against violence."""

import base64
import mimetypes

from odoo.http import Controller, content_disposition, request, route

_INLINE = 'application/pdf'


class QualiopiProcedureController(Controller):

    @route('/qualiopi/procedure/<string:token>', type='http', auth='public', methods=['GET'], website=True,
           multilang=False, sitemap=False, readonly=True)
    def procedure(self, token, **_kwargs):
        """The version in force: its file, else its text as a page.

        :param str token: what the public link holds
        :return: 404 when the link is not ours or nothing is in force
        """
        procedure_sudo = request.env['res.company']._from_procedure_token(token)
        if not procedure_sudo:
            raise request.not_found()
        response = self._file(procedure_sudo) if procedure_sudo.file else request.render('qualiopi.procedure_page', {
            'procedure': procedure_sudo,
            'company': procedure_sudo.company_id,
            'res_company': procedure_sudo.company_id,
            'is_website': bool(getattr(request, 'website', None)),
        })
        response.headers['Referrer-Policy'] = 'same-origin'
        response.headers['X-Content-Type-Options'] = 'nosniff'
        response.headers['Cache-Control'] = 'private, no-cache'
        return response

    def _file(self, procedure_sudo):
        content = base64.b64decode(procedure_sudo.with_context(bin_size=False).file)
        name = procedure_sudo.file_name or 'procedure'
        kind = mimetypes.guess_type(name)[0] or 'application/octet-stream'
        is_pdf = kind == _INLINE and content.startswith(b'%PDF')
        return request.make_response(content, headers=[
            ('Content-Type', _INLINE if is_pdf else 'application/octet-stream'),
            ('Content-Length', len(content)),
            ('Content-Disposition', content_disposition(name, 'inline' if is_pdf else 'attachment')),
        ])
