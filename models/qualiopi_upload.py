"""Files that strangers hand in with an entry: checked by what they hold, never by what they are called."""

import base64
import io
import re
import unicodedata
import zipfile
import zlib

from odoo import SUPERUSER_ID, api, models
from odoo.exceptions import UserError

MAX_FILES = 5
MAX_MEGABYTES = 10
_MAX_SIZE = MAX_MEGABYTES * 1024 * 1024
# What an archive may hold once unpacked: readers and indexers unpack it.
_MAX_UNPACKED = 100 * 1024 * 1024
_MAX_ENTRIES = 5000
_NAME_BYTES = 150
# Kinds of content, each with the endings that go with it; the first is given where there is none.
_ENDINGS = {
    'pdf': ('pdf',),
    'jpeg': ('jpg', 'jpeg', 'jpe', 'jfif'),
    'png': ('png',),
    'gif': ('gif',),
    'webp': ('webp',),
    'heic': ('heic', 'heif'),
    'tiff': ('tif', 'tiff'),
    'docx': ('docx',),
    'xlsx': ('xlsx',),
    'pptx': ('pptx',),
    'odt': ('odt',),
    'ods': ('ods',),
    'odp': ('odp',),
    'ole': ('doc', 'xls', 'ppt', 'msg'),
    'rtf': ('rtf',),
    'text': ('txt', 'csv', 'md', 'log'),
}
_KNOWN_ENDINGS = {ending for endings in _ENDINGS.values() for ending in endings}
_MAGIC = (
    (b'%PDF-', 'pdf'),
    (b'\xff\xd8\xff', 'jpeg'),
    (b'\x89PNG\r\n\x1a\n', 'png'),
    (b'GIF87a', 'gif'),
    (b'GIF89a', 'gif'),
    (b'II*\0', 'tiff'),
    (b'MM\0*', 'tiff'),
    (b'\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1', 'ole'),
    (b'{\\rtf', 'rtf'),
)
_HEIC_BRANDS = {b'heic', b'heix', b'heif', b'mif1', b'msf1', b'hevc'}
# Where an office document says what it is.
_OFFICE_PARTS = {'word/document.xml': 'docx', 'xl/workbook.xml': 'xlsx', 'ppt/presentation.xml': 'pptx'}
_OPEN_DOCUMENTS = {
    b'application/vnd.oasis.opendocument.text': 'odt',
    b'application/vnd.oasis.opendocument.spreadsheet': 'ods',
    b'application/vnd.oasis.opendocument.presentation': 'odp',
}
_MACRO_STREAM = '_VBA_PROJECT'.encode('utf-16-le')
_MARKUP = re.compile(rb'<\s*(?:!doctype|html|head|body|script|svg|iframe|object|embed|img|style|\?xml|\?php)', re.I)
_RESERVED_NAMES = re.compile(r'(?:con|prn|aux|nul|com\d|lpt\d)', re.I)


def clean_file_name(name):
    """A name that is safe on every system and in every archive, without its ending.

    :param name: what the sender calls the file
    :return: stem and ending, the ending in lower case and perhaps empty
    :rtype: tuple[str, str]
    """
    name = unicodedata.normalize('NFC', str(name or '')[:1000]).replace('\\', '/').rsplit('/', 1)[-1]
    # Controls, and what turns the direction of writing, hide the true ending.
    name = ''.join(char for char in name if unicodedata.category(char)[0] != 'C')
    name = re.sub(r'[<>:"|?*]', '_', name).strip(' .~')
    stem, dot, ending = name.rpartition('.')
    if not dot or not ending.isalnum():
        stem, ending = name, ''
    # A second ending is no ending.
    stem = re.sub(r'\.(?=[^\W\d_])', '_', stem).strip(' .~') or 'file'
    if _RESERVED_NAMES.fullmatch(stem):
        stem = f'_{stem}'
    stem = stem.encode()[:_NAME_BYTES].decode(errors='ignore')
    return stem, ending.lower()


def content_kind(content):
    """What a file holds, whatever it is called.

    :param bytes content: the whole file
    :return: a key of _ENDINGS, or None for what is not accepted
    """
    if content.startswith(b'PK\x03\x04'):
        return _archive_kind(content)
    if content[:4] == b'RIFF' and content[8:12] == b'WEBP':
        return 'webp'
    if content[4:8] == b'ftyp' and content[8:12] in _HEIC_BRANDS:
        return 'heic'
    for magic, kind in _MAGIC:
        if content.startswith(magic):
            return None if kind == 'ole' and _MACRO_STREAM in content else kind
    return 'text' if _is_plain_text(content) else None


def _archive_kind(content):
    """Which office document an archive is; None for plain archives, for macros and for what would burst."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            entries = archive.infolist()
            names = {entry.filename for entry in entries}
            if len(entries) > _MAX_ENTRIES or sum(entry.file_size for entry in entries) > _MAX_UNPACKED:
                return None
            if any(name.lower().endswith(('vbaproject.bin', '.exe', '.js')) for name in names):
                return None
            if '[Content_Types].xml' in names:
                return next((kind for part, kind in _OFFICE_PARTS.items() if part in names), None)
            if 'mimetype' in names and not any(name.startswith('Basic/') for name in names):
                with archive.open('mimetype') as part:
                    return _OPEN_DOCUMENTS.get(part.read(100).strip())
    except (zipfile.BadZipFile, zlib.error, OSError, ValueError, RuntimeError, NotImplementedError, EOFError):
        return None
    return None


def _is_plain_text(content):
    if b'\0' in content or _MARKUP.search(content[:65536]) or content.lstrip()[:1] == b'<':
        return False
    if content.startswith((b'MZ', b'#!', b'\x7fELF')):
        return False
    try:
        text = content.decode('utf-8-sig')
    except UnicodeDecodeError:
        # Excel writes its CSV so in French.
        text = content.decode('cp1252', errors='replace')
    return not any(char < ' ' and char not in '\t\n\r\f' or char == '\ufffd' for char in text)


class QualiopiComplaint(models.Model):
    _inherit = 'qualiopi.complaint'

    @api.model
    def _check_uploads(self, files):
        """Tell the files that may be kept from those that may not (quality.md, A5).

        :param list files: (name, bytes) as they came
        :return: the accepted ones as (clean name, bytes), and the others as (clean name, reason), the reason
            in the user's language
        :rtype: tuple[list, list]
        """
        accepted, refused = [], []
        for name, content in files:
            stem, ending = clean_file_name(name)
            shown = f'{stem}.{ending}' if ending else stem
            kind = content_kind(content) if 0 < len(content) <= _MAX_SIZE else None
            if not content:
                refused.append((shown, self.env._("The file is empty.")))
            elif len(content) > _MAX_SIZE:
                refused.append((shown, self.env._("The file is larger than %s MB.", MAX_MEGABYTES)))
            elif not kind or ending and ending not in _KNOWN_ENDINGS:
                refused.append((shown, self.env._(
                    "Files of this type are not accepted: send a PDF, a photo, a text or an office document"
                    " without macros.",
                )))
            elif len(accepted) >= MAX_FILES:
                refused.append((shown, self.env._("At most %s files are accepted.", MAX_FILES)))
            else:
                endings = _ENDINGS[kind]
                accepted.append((f'{stem}.{ending if ending in endings else endings[0]}', content))
        return accepted, refused

    def _attach_uploads(self, files):
        """Keep files from a stranger as evidence of the entry.

        :param list files: (name, bytes) as they came
        :return: those that were not kept, as (clean name, reason in the user's language)
        :rtype: list[tuple[str, str]]
        """
        self.ensure_one()
        if not files:
            return []
        accepted, refused = self._check_uploads(files)
        # sudo: the stranger has no right on evidence, and what is kept was checked above; nothing in it is run
        pieces = self.env['qualiopi.evidence'].sudo().with_user(SUPERUSER_ID).with_context(
            lang=self.env.lang, allowed_company_ids=self.sudo().company_id.ids, attachments_mime_plainxml=True,
        )
        for name, content in accepted:
            try:
                with self.env.cr.savepoint():
                    pieces.create({
                        'complaint_id': self.id, 'type': 'file', 'kind': 'other', 'file_name': name,
                        'file': base64.b64encode(content),
                    })
            except UserError as error:
                refused.append((name, str(error)))
        return refused
