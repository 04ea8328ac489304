"""dev/bench regexes: each regular expression of the addon, and what is built on them, on hostile texts of 100 kB.

The aim is 50 ms each (quality.md, F5). tests/test_regexes.py counts the work of the same patterns on the same texts.
Runs in ``odoo shell``; reads nothing of the database.
"""
import re
import time

from odoo.addons.qualiopi.anonymiser import Anonymiser
from odoo.addons.qualiopi.models.mail_reader import MailReader
from odoo.addons.qualiopi.models.qualiopi_upload import clean_file_name
from odoo.addons.qualiopi.report.evidence_zip import safe_name
from odoo.addons.qualiopi.tests.test_regexes import Counter, hostile, patterns

SIZE, AIM = 100_000, 0.050


def slowest(call, texts):
    """Milliseconds of the slowest text, and how that text begins; the better of two tries."""
    def seconds(text):
        start = time.perf_counter()
        call(text)
        return time.perf_counter() - start

    return max((min(seconds(text), seconds(text)), text[:24]) for text in texts)


def show(place, call, texts):
    seconds, text = slowest(call, texts)
    print(f"{'*' if seconds > AIM else ' '} {1000 * seconds:8.1f} ms  {place:48} {text!r}", flush=True)


print(f"slowest of the hostile texts of {SIZE} characters; * is over the aim of {1000 * AIM:.0f} ms")
for place, pattern, flags, method in patterns():
    is_bytes = isinstance(pattern, bytes)
    counter = Counter(pattern.decode('latin-1') if is_bytes else pattern, flags & (re.IGNORECASE | re.DOTALL))
    compiled = re.compile(pattern, flags)

    def run(text, compiled=compiled, method=method, is_bytes=is_bytes):
        text = text.encode('latin-1') if is_bytes else text
        if method == 'sub':
            compiled.sub(b'' if is_bytes else '', text)
        else:
            # An iterator does its work when it is asked.
            found = getattr(compiled, method)(text)
            if method == 'finditer':
                list(found)

    show(f'{place}, {method}', run, hostile(counter, SIZE))

names = [(True, f'Prénom{number} Nom{number}') for number in range(2000)] + [(True, 'Anne Durand')]
anonymiser = Anonymiser(names, lambda entry: 'P0001', {'name': '[n]', 'email': '[e]', 'phone': '[p]'})
plain = Counter('Anne')
for function in (anonymiser.text, MailReader._from_html, clean_file_name, safe_name):
    show(function.__qualname__, function, list(hostile(plain, SIZE)))
