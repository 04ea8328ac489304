from werkzeug.exceptions import NotFound

from odoo.exceptions import AccessError
from odoo.http import Controller, request, route


class QualiopiEvidenceFileController(Controller):

    @route('/qualiopi/evidence-file/<int:file_id>', type='http', auth='user', methods=['GET'])
    def qualiopi_evidence_file(self, file_id, **kwargs):
        """The ZIP of an evidence file, streamed from the disk; the download is noted.

        :return: the file; 404 unless it is done and the user may read it
        """
        if not request.env.user._is_internal() or not 0 < file_id < 2**31:
            raise NotFound
        try:
            file = request.env['qualiopi.evidence.file'].browse(file_id).exists()
            file.check_access('read')
        except AccessError as error:
            raise NotFound from error
        if not file or file.state != 'done':
            raise NotFound
        attachment_sudo = file._attachment()
        if not attachment_sudo:
            raise NotFound
        request.env['qualiopi.access.log']._log(file, 'download')
        try:
            stream = attachment_sudo._to_http_stream()
        except OSError as error:
            raise NotFound from error
        return stream.get_response(as_attachment=True, immutable=False)
