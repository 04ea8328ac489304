from odoo import models
from odoo.fields import Domain

from . import evidence_zip

_MB = 1024 * 1024
# Records whose files are copied, the indicator of those that name none, and the day that decides for those that
# stand in no list of a period.
SOURCES = {
    'qualiopi.complaint': (31, None),
    'qualiopi.finding': (32, None),
    'qualiopi.improvement.action': (32, None),
    'qualiopi.effectiveness.check': (32, None),
    'qualiopi.risk': (32, None),
    'qualiopi.feedback.campaign': (30, 'date_from'),
    'qualiopi.review': (32, 'date'),
    'qualiopi.dropout': (12, 'date'),
}


class QualiopiEvidenceFile(models.Model):
    """First step: the files of evidence and what hangs on the records."""

    _inherit = 'qualiopi.evidence.file'

    def _gather_originals(self, chosen, taken, records, text):
        """Pieces for the files of evidence and what hangs on the records, each content once."""
        for model, (__, day) in SOURCES.items():
            if model == 'qualiopi.effectiveness.check':
                records[model] = records.get('qualiopi.improvement.action', self.env[
                    'qualiopi.improvement.action']).check_ids._filtered_access('read')
            elif model not in records and day and model in self.env:
                records[model] = self.env[model].search(self._period(model, day))
        pieces, by_content, total = [], {}, 0
        # sudo: a limit that the administrator sets
        limit = int(self.env['ir.config_parameter'].sudo().get_param('qualiopi.evidence_file_max_mb') or 1900) * _MB
        for attachment, record, facts in self._originals(records):
            numbers = [number for number in self._numbers_of(record) if number in chosen]
            if not numbers:
                continue
            known = by_content.get(attachment.checksum)
            if known is not None:
                if facts['reference'] not in known['record'].split(', '):
                    known['record'] += f", {facts['reference']}"
                continue
            size = attachment.file_size or 0
            piece = {
                'kind': 'original', 'record': facts['reference'], 'numbers': ', '.join(map(str, numbers)),
                'date': facts['date'], 'author': text(facts['author']), 'size': size,
                'attachment_id': attachment.id, 'expected_sha256': facts['sha256'],
            }
            by_content[attachment.checksum] = piece
            pieces.append(piece)
            if self.is_anonymised:
                piece.update(state='left_out', title=self.env._("File %s", len(pieces)), note=self.env._(
                    "Left out: an original cannot be anonymised"))
            elif total + size > limit:
                piece.update(state='left_out', title=facts['title'], note=self.env._(
                    "Left out: the ZIP would be larger than %s MB", limit // _MB))
            else:
                total += size
                folder = '/'.join((self._folder(numbers[0]), self._slug(self.env._("Files")),
                                   self._slug(facts['reference']).upper() or '-'))
                piece.update(
                    state='ready', title=facts['title'],
                    path=evidence_zip.free_path(folder, attachment_name(facts['title'], attachment), taken),
                )
        return pieces

    def _numbers_of(self, record):
        owner = record.action_id if record._name == 'qualiopi.effectiveness.check' else record
        numbers = sorted(owner.indicator_ids.mapped('number')) if 'indicator_ids' in owner._fields else []
        return numbers or [SOURCES[record._name][0]]

    def _originals(self, records):
        """(attachment, record, facts) of what may be copied: evidence first, then what hangs on the records.

        The rules of the owner decide on pieces and attachments; only the bytes are read beyond them.
        """
        Evidence = self.env['qualiopi.evidence']
        owners = {
            name: field.comodel_name for name, field in Evidence._fields.items()
            if field.type == 'many2one' and field.comodel_name in records
        }
        domain = Domain('type', '=', 'file') & Domain('is_confidential', '=', False) & Domain.OR(
            Domain(name, 'in', records[model].ids) for name, model in owners.items())
        evidence = Evidence.search(domain, order='id')
        # sudo: the files of pieces that the owner of the ZIP may read
        files = self.env['ir.attachment'].sudo().search([
            ('res_model', '=', Evidence._name), ('res_field', '=', 'file'), ('res_id', 'in', evidence.ids),
        ])
        by_piece = {attachment.res_id: attachment for attachment in files}
        for piece in evidence:
            attachment = by_piece.get(piece.id)
            if attachment:
                record = next(piece[name] for name in owners if piece[name])
                yield attachment, record, {
                    'reference': self._reference(record), 'date': piece.date, 'sha256': piece.sha256,
                    # sudo: a name, of who added a piece that may be read
                    'author': piece.user_id.sudo().name or '', 'title': piece.file_name or piece.name,
                }
        for model, own in records.items():
            if model not in SOURCES or not own:
                continue
            found = self.env['ir.attachment'].search([
                ('res_model', '=', model), ('res_id', 'in', own.ids), ('res_field', '=', False),
                ('type', '=', 'binary'),
            ], order='res_id, id')
            for attachment in found:
                # Read with the others, not one by one.
                record = own.browse(attachment.res_id).with_prefetch(own.ids)
                # sudo: the owner may read the attachment; its content is copied
                yield attachment.sudo(), record, {
                    'reference': self._reference(record), 'date': attachment.create_date.date(), 'sha256': False,
                    # sudo: a name, as above
                    'author': attachment.create_uid.sudo().name or '', 'title': attachment.name,
                }

    @staticmethod
    def _reference(record):
        name = record['reference'] if 'reference' in record._fields else None
        return name or record.display_name or ''


def attachment_name(name, attachment):
    """The name of a copied file, with an ending when it has none."""
    name = evidence_zip.safe_name(name)
    if '.' in name:
        return name
    ending = {
        'application/pdf': 'pdf', 'image/png': 'png', 'image/jpeg': 'jpg', 'message/rfc822': 'eml', 'text/plain': 'txt',
    }.get(attachment.mimetype)
    return f'{name}.{ending}' if ending else name
