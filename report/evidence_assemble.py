import json
import os

from odoo import models

from . import evidence_zip


class QualiopiEvidenceFile(models.Model):
    """Last step: the ZIP and its manifest."""

    _inherit = 'qualiopi.evidence.file'

    def _assemble(self):
        file, anonymiser, keep = self._begin()
        file._tell(92, self.env._("Writing the ZIP"))
        # sudo: a place in the filestore, for the program alone
        Attachment = self.env['ir.attachment'].sudo()
        path = Attachment._qualiopi_part_path(f'qualiopi-evidence-{self.id}.zip')
        try:
            with open(path, 'w+b') as target:
                archive = evidence_zip.EvidenceZip(target, file._local_moment())
                file._write_pieces(archive)
                index = file._index_page(anonymiser)
                name = 'index.html'
                sha256, size = archive.add_bytes(name, index)
                # sudo: the pieces are written by the program
                self.env['qualiopi.evidence.piece'].sudo().create({
                    'file_id': self.id, 'kind': 'index', 'state': 'ready', 'path': name, 'sha256': sha256,
                    'size': size, 'title': self.env._("Index"), 'date': file._local_moment().date(),
                    'author': file._author(),
                })
                manifest = file._manifest()
                manifest_sha256, __ = archive.add_bytes(evidence_zip.MANIFEST, manifest)
                pieces = self._pieces()
                file._record(
                    manifest_sha256=manifest_sha256, note=file._notes(),
                    file_count=len(pieces.filtered('path')) + 2,
                    missing_count=len(pieces.filtered(lambda piece: piece.state == 'missing')),
                )
                cover_path, cover = file._cover()
                cover_sha256, __ = archive.add_bytes(cover_path, cover)
                archive.close()
                target.seek(0)
                sha256 = evidence_zip.digest(target)
                size = target.tell()
            attachment = Attachment._qualiopi_take_file(path, {
                'name': file._zip_name(), 'res_model': self._name, 'res_id': self.id, 'res_field': 'zip_file',
                'mimetype': 'application/zip', 'company_id': self.company_id.id,
            })
        except BaseException:
            if os.path.exists(path):
                os.unlink(path)
            raise
        pieces._drop_content()
        keep()
        file._record(
            state='done', progress=100, progress_text=False, finished_on=self.env.cr.now(), sha256=sha256, size=size,
            cover_sha256=cover_sha256,
        )
        return attachment

    def _write_pieces(self, archive):
        """Copy what was made and the originals, a megabyte at a time; what is missing is noted (F4)."""
        pieces = self._pieces().filtered(lambda piece: piece.path or piece.kind == 'original')
        for piece in pieces.sorted(lambda piece: (piece.path or '', piece.id)):
            source = piece._open()
            if source is None:
                piece.write({'state': 'missing', 'path': False, 'sha256': piece.expected_sha256, 'note': self.env._(
                    "Missing: the server has lost the file. Restore it from a backup.")})
                continue
            if piece.state == 'left_out':
                with source:
                    piece.sha256 = evidence_zip.digest(source)
                continue
            sha256, size = archive.add(piece.path, evidence_zip.read_chunks(source), piece.size)
            values = {'sha256': sha256, 'size': size}
            if piece.expected_sha256 and piece.expected_sha256 != sha256:
                values['note'] = self.env._(
                    "Changed on the server since it was added: its fingerprint was %s", piece.expected_sha256)
            piece.write(values)

    def _zip_name(self):
        parts = [self.name, self.company_id.name, self.env._("anonymised") if self.is_anonymised else None]
        return evidence_zip.safe_name(f"{' - '.join(filter(None, parts))}.zip")

    def _listed(self):
        """Pieces as index, manifest and cover list them."""
        pieces = self._pieces().sorted(lambda piece: (piece.path or '', piece.id))
        return pieces.filtered('path'), pieces.filtered(lambda piece: not piece.path)

    def _notes(self):
        notes = [
            f'{piece.path or piece.title} ({piece.record}): {piece.note}' if piece.record
            else f'{piece.path or piece.title}: {piece.note}'
            for piece in self._pieces() if piece.note and piece.state != 'left_out'
        ]
        left_out = self._pieces().filtered(lambda piece: piece.state == 'left_out')
        notes += [f'{piece.title}: {piece.note}' for piece in left_out if piece.kind == 'document']
        left_out = left_out.filtered(lambda piece: piece.kind == 'original')
        if left_out:
            notes.append(self.env._(
                "Left out, with their fingerprints in the manifest: %(count)s originals (%(reason)s)",
                count=len(left_out), reason=' ; '.join(sorted(set(left_out.mapped('note')))),
            ))
        return '\n'.join(notes)

    def _manifest(self):
        company = self.company_id
        listed, absent = self._listed()

        def line(piece, **values):
            return {
                **values, 'sha256': piece.sha256 or None, 'size': piece.size, 'title': piece.title or None,
                'record': piece.record or None, 'date': piece.date and piece.date.isoformat() or None,
                'author': piece.author or None, 'note': piece.note or None,
                'indicators': [int(number) for number in (piece.numbers or '').split(', ') if number],
            }

        manifest = {
            'format': evidence_zip.FORMAT,
            'title': self.name,
            'company': {
                'name': company.name, 'siret': company.company_registry or None, 'nda': company.qualiopi_nda or None,
            },
            'period': {'from': self.date_from.isoformat(), 'to': self.date_to.isoformat()},
            'indicators': self._chosen(),
            'referential': self.env['qualiopi.report']._referential_text(self.date_from, self.date_to),
            'snapshot': f'{self.snapshot_on.isoformat()}Z',
            'author': self._author(),
            'anonymised': self.is_anonymised,
            'totals': [{'document': title, 'rows': count} for title, count in self.totals or ()],
            'not_listed': [self._cover_name()],
            'files': [line(piece, path=piece.path) for piece in listed],
            'left_out': [line(piece, state=piece.state) for piece in absent],
        }
        return (json.dumps(manifest, ensure_ascii=False, indent=1, sort_keys=True) + '\n').encode()
