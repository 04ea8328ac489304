import hashlib
import io
import os

from odoo import api, models
from odoo.tools import SQL

_CHUNK = 1024 * 1024


class IrAttachment(models.Model):
    """Large files go to and from the filestore without passing through memory."""

    _inherit = 'ir.attachment'

    @api.model
    def _qualiopi_part_path(self, name):
        """Path of a file being written, in the filestore: what is left of it by a process that is killed is
        overwritten by the next, and it becomes an attachment without being copied.

        :param str name: without folders
        """
        folder = self._filestore()
        os.makedirs(folder, exist_ok=True)
        return os.path.join(folder, f'{name}.part')

    @api.model
    def _qualiopi_take_file(self, path, vals):
        """Make an attachment of a file that `_qualiopi_part_path` named; the file is moved.

        :param str path: the file
        :param dict vals: values of the attachment, with ``mimetype``
        :return: the attachment
        """
        if self._storage() != 'file':
            with open(path, 'rb') as file:
                attachment = self.create({**vals, 'raw': file.read()})
            os.unlink(path)
            return attachment
        # The name of a file in the filestore, as Odoo gives it.
        digest = hashlib.sha1(usedforsecurity=False)
        with open(path, 'rb') as file:
            while chunk := file.read(_CHUNK):
                digest.update(chunk)
        checksum, size = digest.hexdigest(), os.path.getsize(path)
        store_fname = f'{checksum[:2]}/{checksum}'
        target = self._full_path(store_fname)
        os.makedirs(os.path.dirname(target), exist_ok=True)
        # Should the transaction end badly, Odoo's cleaning finds the file here.
        self._mark_for_gc(store_fname)
        os.replace(path, target)
        attachment = self.create(vals)
        attachment.flush_recordset()
        self.env.cr.execute(SQL(
            "UPDATE ir_attachment SET store_fname = %s, checksum = %s, file_size = %s WHERE id = %s",
            store_fname, checksum, size, attachment.id,
        ))
        attachment.invalidate_recordset()
        return attachment

    def _qualiopi_open(self):
        """The content as a binary file, None when it is not in the filestore."""
        self.ensure_one()
        if not self.store_fname:
            return io.BytesIO(self.raw or b'')
        try:
            return open(self._full_path(self.store_fname), 'rb')
        except OSError:
            return None
