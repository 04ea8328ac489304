import base64
import binascii
import io

from markupsafe import Markup

from odoo import fields, models
from odoo.exceptions import UserError

from ..report import evidence_zip

_SHOWN = 200


class QualiopiEvidenceVerify(models.TransientModel):
    _name = 'qualiopi.evidence.verify'
    _description = "Verify the ZIP of an Evidence File"

    zip_file = fields.Binary("ZIP", attachment=False)
    file_name = fields.Char()
    state = fields.Selection([
        ('new', "To verify"), ('intact', "Intact"), ('unknown', "Intact, but not made here"), ('changed', "Changed"),
        ('unreadable', "Unreadable"),
    ], default='new', readonly=True)
    count = fields.Integer("Files as they were", readonly=True)
    summary = fields.Text(readonly=True)
    details = fields.Html(readonly=True, sanitize=False)
    file_id = fields.Many2one('qualiopi.evidence.file', "Evidence file", readonly=True)

    def action_verify(self):
        """Compare the ZIP with its manifest, and the manifest with the evidence files kept here.

        :raise UserError: without a file
        """
        self.ensure_one()
        if not self.zip_file:
            raise UserError(self.env._("Choose the ZIP first."))
        try:
            content = base64.b64decode(self.zip_file, validate=False)
        except binascii.Error:
            content = b''
        self.write({**self._verdict(io.BytesIO(content)), 'zip_file': False})
        return {
            'type': 'ir.actions.act_window', 'name': self.env._("Verify a ZIP"), 'res_model': self._name,
            'res_id': self.id, 'views': [(False, 'form')], 'target': 'new',
        }

    def _verdict(self, content):
        """What is to be said of a ZIP.

        :param content: binary file
        :return: values of this model
        :rtype: dict
        """
        covers = ('couverture.pdf', 'couverture.html', 'cover.pdf', 'cover.html')
        result = evidence_zip.verify(content, ignored=covers)
        if result['error'] == 'zip':
            return {'state': 'unreadable', 'summary': self.env._(
                "This is not a ZIP, or a damaged one: nothing in it can be verified.")}
        if result['error'] == 'manifest':
            return {'state': 'unreadable', 'summary': self.env._(
                "The ZIP has no readable manifest: it is no evidence file, or its manifest was changed or removed.")}
        file = self.env['qualiopi.evidence.file'].search([
            ('manifest_sha256', '=', result['manifest_sha256']), ('state', '=', 'done'),
        ], limit=1)
        changed = list(result['changed'])
        for path, sha256 in result['ignored'].items():
            if file and sha256 != file.cover_sha256:
                changed.append(path)
        missing = list(result['missing'])
        if file and not result['ignored']:
            missing.append(self.env._("the cover"))
        lists = [
            (self.env._("Changed"), changed), (self.env._("Missing"), missing), (self.env._("Added"), result['added']),
        ]
        values = {
            'count': result['count'], 'file_id': file.id,
            'details': Markup().join(self._list(title, paths) for title, paths in lists if paths) or False,
        }
        if any(paths for __, paths in lists):
            return {**values, 'state': 'changed', 'summary': self.env._(
                "This ZIP is not as it was made: changed %(changed)s, missing %(missing)s, added %(added)s.",
                changed=len(changed), missing=len(missing), added=len(result['added']),
            )}
        if not file:
            return {**values, 'state': 'unknown', 'summary': self.env._(
                "The files fit the manifest in the ZIP, but no evidence file kept here that you may read has this"
                " manifest. Compare its fingerprint with the one printed on the cover: %s",
                result['manifest_sha256'],
            )}
        return {**values, 'state': 'intact', 'summary': self.env._(
            "Nothing was changed, removed or added since the file was made: %s", file.name)}

    def _list(self, title, paths):
        items = Markup().join(Markup("<li>%s</li>") % path for path in sorted(paths)[:_SHOWN])
        more = ''
        if len(paths) > _SHOWN:
            more = Markup("<li>%s</li>") % self.env._("and %s more", len(paths) - _SHOWN)
        return Markup("<h3>%s (%s)</h3><ul>%s%s</ul>") % (title, len(paths), items, more)
