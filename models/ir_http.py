from werkzeug.exceptions import RequestEntityTooLarge

from odoo import models
from odoo.http import Response, request

from .qualiopi_upload import MAX_FILES, MAX_MEGABYTES

# Pages where strangers hand in files.
_DOORS = ('/qualiopi/complaint', '/my/complaints')


class IrHttp(models.AbstractModel):
    _inherit = 'ir.http'

    @classmethod
    def _handle_error(cls, exception):
        if isinstance(exception, RequestEntityTooLarge) and request.httprequest.path.startswith(_DOORS):
            return cls._qualiopi_too_large()
        return super()._handle_error(exception)

    @classmethod
    def _qualiopi_too_large(cls):
        """A page that says what to do: the form cannot be given back, since it was not read."""
        if not request.env.uid:
            cls._auth_method_public()
        cls._frontend_pre_dispatch()
        html = request.env['ir.ui.view']._render_template('qualiopi.form_too_large', {
            'html_lang': request.env.lang.replace('_', '-'),
            'max_files': MAX_FILES,
            'max_megabytes': MAX_MEGABYTES,
        })
        return Response(html, status=413, content_type='text/html;charset=utf-8')
