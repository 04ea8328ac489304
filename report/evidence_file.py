import re
import unicodedata
from datetime import datetime
from typing import NamedTuple

import pytz

from odoo import models


class Snapshot(NamedTuple):
    """The instant that all papers of an evidence file carry. No remote caller can send one."""

    moment: datetime


class QualiopiReport(models.AbstractModel):
    _inherit = 'qualiopi.report'

    def _printed_text(self, company):
        """Papers of an evidence file carry the instant of its snapshot."""
        snapshot = self.env.context.get('qualiopi_snapshot')
        if not isinstance(snapshot, Snapshot):
            return super()._printed_text(company)
        return self.env._(
            "Snapshot of %(moment)s (%(tz)s) by %(user)s",
            moment=self._formats(company)['dt'](snapshot.moment), tz=company._qualiopi_tz(), user=self.env.user.name,
        )


class QualiopiEvidenceFile(models.Model):
    """How a ZIP is made.

    The first step (evidence_gather.py, evidence_originals.py) reads the registers once, in one transaction: it renders
    each document as a page and writes the spreadsheet, so that all of them show the same state. The next ones
    (evidence_pdf.py) turn one page into a PDF each. The last (evidence_assemble.py, evidence_cover.py) copies
    everything into the ZIP. Each is kept when it ends; a job that is killed goes on with the step it was at.
    """

    _inherit = 'qualiopi.evidence.file'

    def _step(self):
        """Run the next step, with the rights of the file's owner.

        :raise UserError: when nothing can be made of what the owner sees
        :raise OSError: when the disk is full or not writable
        """
        self.ensure_one()
        self.check_access('read')
        if not self.is_gathered:
            self._gather()
            return
        documents = self._documents()
        waiting = documents.filtered(lambda piece: piece.state == 'todo')
        if waiting:
            self._print(waiting[0])
            done, count = len(documents) - len(waiting) + 1, len(documents)
            self._tell(10 + 80 * done // count, self.env._("Documents: %(done)s of %(all)s", done=done, all=count))
        else:
            self._assemble()

    def _pieces(self):
        # sudo: the pieces are written by the program; the file is the owner's
        return self.sudo().piece_ids

    def _documents(self):
        """The pieces that are printed: few beside the originals, which no step need read."""
        # sudo: the pieces are written by the program; the file is the owner's
        return self.env['qualiopi.evidence.piece'].sudo().search([
            ('file_id', '=', self.id), ('kind', '=', 'document'),
        ])

    def _record(self, **vals):
        """Write what the program has to say about the file."""
        # sudo: values that nobody writes by hand
        self.sudo()._as_server().write(vals)

    def _tell(self, progress, text):
        self._record(progress=progress, progress_text=text)

    # === WHAT ALL STEPS SHARE === #

    def _report_data(self):
        return {
            'date_from': self.date_from.isoformat(), 'date_to': self.date_to.isoformat(),
            'company_id': self.company_id.id, 'anonymised': self.is_anonymised,
        }

    def _begin(self):
        """The file in the context of its snapshot, its anonymiser (or None), and what keeps the codes given."""
        anonymiser, keep = None, lambda: None
        if self.is_anonymised:
            anonymiser, keep = self.env['qualiopi.pseudonym']._anonymiser(self.company_id)
        file = self.with_context(
            qualiopi_snapshot=Snapshot(self.snapshot_on), qualiopi_anonymiser=anonymiser,
        )
        return file, anonymiser, keep

    def _chosen(self):
        """Numbers of the indicators, all without a choice."""
        indicators = self.indicator_ids or self.env['qualiopi.indicator'].search([('number', '>', 0)])
        return sorted(indicators.mapped('number'))

    def _folder(self, number):
        # The extraction of terms does not look into f-strings.
        name = self.env._("Indicator")
        return f'{self._slug(name)}-{number:02d}'

    @staticmethod
    def _slug(text):
        text = unicodedata.normalize('NFKD', text)
        text = ''.join(char for char in text if not unicodedata.combining(char))
        return re.sub(r'[^a-z0-9]+', '-', text.lower()).strip('-')

    def _local_moment(self):
        """The instant of the snapshot on the company's clock, for the dates of files."""
        zone = pytz.timezone(self.company_id._qualiopi_tz())
        return pytz.utc.localize(self.snapshot_on).astimezone(zone).replace(tzinfo=None)

    def _author(self):
        anonymiser = self.env.context.get('qualiopi_anonymiser')
        return anonymiser.text(self.env.user.name) if anonymiser else self.env.user.name


class QualiopiEvidencePiece(models.Model):
    _inherit = 'qualiopi.evidence.piece'

    def _own(self):
        return self.env['ir.attachment'].search([
            ('res_model', '=', self._name), ('res_field', '=', 'content'), ('res_id', 'in', self.ids),
        ])

    def _put(self, content):
        """Keep what was made for this piece until the ZIP has it.

        :param bytes content: replaces what was kept before
        """
        self.ensure_one()
        self._own().unlink()
        self.env['ir.attachment'].create({
            'name': 'content', 'res_model': self._name, 'res_field': 'content', 'res_id': self.id, 'raw': content,
            # Of no type that Odoo reads for its search.
            'mimetype': 'application/octet-stream', 'company_id': self.company_id.id,
        })
        self.size = len(content)

    def _content(self):
        self.ensure_one()
        return self._own()[:1].raw or b''

    def _open(self):
        """The content as a binary file, None when the filestore has lost it."""
        self.ensure_one()
        attachment = self.attachment_id if self.kind == 'original' else self._own()[:1]
        return attachment._qualiopi_open() if attachment else None

    def _drop_content(self):
        self._own().unlink()
