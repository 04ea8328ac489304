import hashlib

from odoo import api, fields, models
from odoo.exceptions import UserError

_MIMETYPE = 'message/rfc822'


class QualiopiEvidence(models.Model):
    """The original of a mail, kept whole: the proof of what was received."""

    _inherit = 'qualiopi.evidence'

    @property
    def _server_fields(self):
        return super()._server_fields | {'is_original'}

    is_original = fields.Boolean("Original message", readonly=True, copy=False)

    @api.depends('file', 'is_original')
    def _compute_sha256(self):
        result = super()._compute_sha256()
        self.filtered('is_original').mimetype = _MIMETYPE
        return result

    @api.constrains('type', 'file', 'url', 'statement', 'date')
    def _check_content(self):
        # It is larger than what people add, and no file until the line after.
        return super(QualiopiEvidence, self.filtered(lambda piece: not piece.is_original))._check_content()

    def _log_on(self, name, text):
        # That the entry came by mail stands in its discussion.
        return super(QualiopiEvidence, self.filtered(lambda piece: not piece.is_original))._log_on(name, text)

    @api.ondelete(at_uninstall=False)
    def _unlink_except_original(self):
        if self.filtered('is_original'):
            raise UserError(self.env._(
                "The original message proves what was received: it is not withdrawn."
            ))

    @api.model
    def _add_original(self, complaint, raw):
        """Keep the message that an entry came by.

        :param complaint: the entry, as superuser
        :param bytes raw: the message as it came
        :return: the piece of evidence
        """
        complaint.ensure_one()
        server = self.with_env(complaint.env)._as_server()
        piece = server.create({
            'complaint_id': complaint.id, 'type': 'file', 'is_original': True,
            'name': self.with_env(complaint.env).env._("Original message"),
            'date': complaint.received_date,
            'file_name': f'{(complaint.reference or "").replace("/", "-")}.eml',
            # What would be computed, without reading the file and its entry again.
            'sha256': hashlib.sha256(raw).hexdigest(), 'size': len(raw), 'mimetype': _MIMETYPE,
            'company_id': complaint.company_id.id, 'is_confidential': complaint.is_confidential,
        })
        for name in ('sha256', 'size', 'mimetype'):
            server.env.remove_to_compute(self._fields[name], piece)
        # Not by way of the field, which would copy a large message three times as text.
        server.env['ir.attachment'].create({
            'name': 'file', 'res_model': self._name, 'res_field': 'file', 'res_id': piece.id, 'raw': raw,
            'mimetype': _MIMETYPE, 'company_id': complaint.company_id.id,
        })
        piece.invalidate_recordset(['file'])
        return piece.with_env(complaint.env)
