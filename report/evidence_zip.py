"""Writing and verifying the ZIP of an evidence file: plain functions, which know nothing of Odoo's models."""
import hashlib
import json
import re
import unicodedata
import zipfile
import zlib

FORMAT = 'qualiopi-evidence-file/1'
MANIFEST = 'manifest.json'
# A path that any system unpacks, in any folder (quality.md, G9).
PATH_BYTES = 150
# Already compressed: deflating again costs time and saves nothing.
_STORED = {
    'pdf', 'jpg', 'jpeg', 'png', 'gif', 'webp', 'heic', 'zip', 'xlsx', 'docx', 'pptx', 'odt', 'ods', 'odp', 'mp3',
    'mp4', 'm4a', 'mov', 'avi', 'ogg', '7z', 'gz', 'rar',
}
_RESERVED = {'con', 'prn', 'aux', 'nul', *(f'{port}{n}' for port in ('com', 'lpt') for n in range(10))}
_CHUNK = 1024 * 1024
# What a manifest of 20,000 files takes, and how much a reader unpacks at most.
_MANIFEST_LIMIT = 32 * 1024 * 1024
_ENTRY_LIMIT = 50_000
_DATE = re.compile(rb"/(CreationDate|ModDate) ?\(D:[^()]{0,40}\)")


def safe_name(name, limit=PATH_BYTES, default='document'):
    """A file name that any system accepts, without its folders, within ``limit`` bytes.

    :param str name: what somebody called the file
    :rtype: str
    """
    name = (name or '').replace('\\', '/').rsplit('/', 1)[-1]
    # Its ending counts, however long it is.
    name = unicodedata.normalize('NFC', name if len(name) < 1000 else name[:900] + name[-100:])
    # Controls, invisible and right-to-left marks, private and unassigned characters go.
    name = ''.join(' ' if unicodedata.category(char).startswith('Z') else char for char in name
                   if not unicodedata.category(char).startswith('C'))
    name = re.sub(r'[<>:"|?*]', '-', name).strip(' .~')
    stem, dot, ending = name.rpartition('.')
    if not dot or not 0 < len(ending) <= 8 or not ending.isalnum():
        stem, ending = name, ''
    stem = stem.strip(' .') or default
    if stem.split('.', 1)[0].strip().casefold() in _RESERVED:
        stem = f'_{stem}'
    ending = f'.{ending}' if ending else ''
    room = max(limit - len(ending.encode()), 8)
    stem = stem.encode()[:room].decode(errors='ignore').rstrip(' .') or default
    return stem + ending


def free_path(folder, name, taken):
    """A path in ``folder`` that is not ``taken`` yet, whatever the case of its letters.

    :param dict taken: paths in lower case and how often each was asked for; the new one is added
    """
    room = PATH_BYTES - len(f'{folder}/'.encode()) - 6
    name = safe_name(name, room)
    stem, dot, ending = name.rpartition('.')
    stem, ending = (stem, f'.{ending}') if dot else (name, '')
    path = first = f'{folder}/{stem}{ending}'
    while path.casefold() in taken:
        taken[first.casefold()] += 1
        path = f'{folder}/{stem}-{taken[first.casefold()]}{ending}'
    taken[path.casefold()] = 1
    return path


def same_dates(pdf, moment):
    """A PDF whose dates are the snapshot's, byte for byte as long as before: its index of offsets stays right.

    :param bytes pdf: as wkhtmltopdf wrote it
    :param moment: datetime of the snapshot
    :rtype: bytes
    """
    def replace(match):
        head = b'/' + match[1] + match[0][1 + len(match[1]):match[0].index(b'(')] + b'(D:'
        room = len(match[0]) - len(head) - 1
        return head + moment.strftime('%Y%m%d%H%M%SZ').encode()[:room].ljust(room) + b')'
    return _DATE.sub(replace, pdf)


class EvidenceZip:
    """A ZIP written piece by piece to a file: the same pieces at the same instant give the same bytes."""

    def __init__(self, file, moment):
        """
        :param file: seekable binary file
        :param moment: datetime that all entries carry
        """
        self._zip = zipfile.ZipFile(file, 'w', allowZip64=True)
        self._date = max(moment.timetuple()[:6], (1980, 1, 1, 0, 0, 0))
        self.size = 0

    def add(self, path, chunks, size):
        """Write one entry from an iterable of bytes.

        :param int size: expected size, which decides on the form of large entries
        :return: SHA-256 and size of what was written
        :rtype: tuple[str, int]
        """
        info = zipfile.ZipInfo(path, self._date)
        info.create_system = 3
        info.external_attr = 0o644 << 16
        info.file_size = size
        is_stored = path.rpartition('.')[2].lower() in _STORED
        info.compress_type = zipfile.ZIP_STORED if is_stored else zipfile.ZIP_DEFLATED
        digest, written = hashlib.sha256(), 0
        with self._zip.open(info, 'w', force_zip64=size >= 2**31) as entry:
            for chunk in chunks:
                digest.update(chunk)
                written += len(chunk)
                entry.write(chunk)
        self.size += written
        return digest.hexdigest(), written

    def add_bytes(self, path, content):
        return self.add(path, (content,), len(content))

    def close(self):
        self._zip.close()


def read_chunks(file):
    """The content of a binary file, a megabyte at a time; closes it."""
    with file:
        while chunk := file.read(_CHUNK):
            yield chunk


def digest(file):
    """SHA-256 of a binary file, read a megabyte at a time."""
    result = hashlib.sha256()
    while chunk := file.read(_CHUNK):
        result.update(chunk)
    return result.hexdigest()


def verify(file, ignored=()):
    """Compare a ZIP with the manifest in it. Nothing is unpacked to disk, nothing larger than the manifest says
    is read.

    :param file: seekable binary file
    :param ignored: paths that the manifest does not list, such as the cover
    :return: ``error`` (``zip``, ``manifest``, None), ``manifest``, ``manifest_sha256``, ``count`` (files that are as
        they were), and the lists ``changed``, ``missing``, ``added`` of paths
    :rtype: dict
    """
    result = {
        'error': None, 'manifest': None, 'manifest_sha256': None, 'count': 0,
        'changed': [], 'missing': [], 'added': [], 'ignored': {},
    }
    try:
        archive = zipfile.ZipFile(file)
        entries = archive.infolist()
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError, EOFError):
        return {**result, 'error': 'zip'}
    if len(entries) > _ENTRY_LIMIT:
        return {**result, 'error': 'zip'}
    by_path, doubles = {}, []
    for entry in entries:
        if entry.is_dir():
            continue
        if entry.filename in by_path:
            doubles.append(entry.filename)
        by_path[entry.filename] = entry
    manifest = by_path.pop(MANIFEST, None)
    content = manifest and manifest.file_size <= _MANIFEST_LIMIT and _content(archive, manifest)
    expected = _expected(content) if content else None
    if expected is None:
        return {**result, 'error': 'manifest'}
    listed, data = expected
    result.update(manifest=data, manifest_sha256=hashlib.sha256(content).hexdigest())
    for path, (sha256, size) in listed.items():
        entry = by_path.pop(path, None)
        if entry is None:
            result['missing'].append(path)
        elif path in doubles or entry.file_size != size or _digest(archive, entry, size) != sha256:
            result['changed'].append(path)
        else:
            result['count'] += 1
    for path in ignored:
        if path in by_path and path not in doubles:
            entry = by_path.pop(path)
            result['ignored'][path] = _digest(archive, entry, _MANIFEST_LIMIT)
    result['added'] = sorted(by_path)
    if MANIFEST in doubles:
        result['added'].append(MANIFEST)
    return result


def _expected(content):
    try:
        data = json.loads(content)
        if data['format'] != FORMAT:
            return None
        return {str(line['path']): (str(line['sha256']), int(line['size'])) for line in data['files']}, data
    except (ValueError, KeyError, TypeError, RecursionError):
        return None


def _content(archive, entry):
    chunks = []
    return b''.join(chunks) if _read(archive, entry, _MANIFEST_LIMIT, chunks.append) else None


def _digest(archive, entry, size):
    digest = hashlib.sha256()
    return digest.hexdigest() if _read(archive, entry, size, digest.update) else None


def _read(archive, entry, limit, take):
    """Hand an entry's bytes to ``take``; False when it is damaged or longer than ``limit``."""
    read = 0
    try:
        with archive.open(entry) as source:
            while chunk := source.read(_CHUNK):
                read += len(chunk)
                if read > limit:
                    return False
                take(chunk)
    except (zipfile.BadZipFile, zlib.error, OSError, EOFError, RuntimeError, ValueError, NotImplementedError):
        return False
    return True
