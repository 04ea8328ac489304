"""Reads Odoo's log, shows what concerns the addon and counts it: passed and failed, one line a run.

Arguments: what is run (tests, lint, install or script), the file to add the counts to, then the folders
whose names hold the addon's without being about it; the first two are the addon itself.
"""
import re
import sys

RECORD = re.compile(r"\d{4}-\d\d-\d\d [\d:,]+ \d+ (?P<level>[A-Z]+) \S+ (?P<logger>[\w.]+): (?P<text>.*)", re.DOTALL)
SUMMARY = re.compile(r"(\d+) failed, (\d+) error\(s\) of (\d+) tests when loading database")
STARTING = re.compile(r"Starting (\S+) \.\.\.")
LOUD = ("WARNING", "ERROR", "CRITICAL")
ADDON = "qualiopi"


def records(stream):
    """Yield log records whole, with the lines that follow them."""
    record = ""
    for line in stream:
        if RECORD.match(line) and record:
            yield record
            record = ""
        record += line
    if record:
        yield record


class Report:
    """Counts of one run of Odoo."""

    def __init__(self, kind, folders):
        self.kind = kind
        self.own, self.foreign = folders[:2], folders[2:]
        self.run = self.failed = self.skipped = self.noticed = self.foreign_failed = 0
        self.is_finished = False
        self.seen = set()
        self.last = ""

    def concerns_us(self, text):
        """Whether a text names the addon, other than in the path of the cache."""
        for folder in self.own:
            text = text.replace(folder, f"/{ADDON}")
        for folder in self.foreign:
            text = text.replace(folder, "")
        return ADDON in text

    def show(self, record):
        """Print a record under the progress line."""
        if sys.stdout.isatty():
            sys.stdout.write("\r\033[K")
        print(record.rstrip(), flush=True)

    def add(self, record):
        """Count one record."""
        match = RECORD.match(record)
        if not match:
            # Output before logging starts, or a Python that died.
            self.last = record
            if self.concerns_us(record) and "Traceback" in record:
                self.show(record)
                self.noticed += 1
            return
        level, logger, text = match["level"], match["logger"], match["text"]
        summary = SUMMARY.search(text)
        if summary and logger == "odoo.tests.result":
            self.is_finished = True
            self.run += int(summary[3])
            failed = int(summary[1]) + int(summary[2])
            if self.kind == "tests":
                self.failed += failed
            else:
                # Odoo's own modules are no concern of ours: neither passed nor failed.
                self.foreign_failed += failed
            return
        if logger == "odoo.registry" and "Registry loaded" in text or "Modules loaded." in text:
            self.is_finished = self.is_finished or self.kind == "install"
        if self.kind == "script":
            # A script says so itself: Odoo's own registry is loaded at its beginning.
            self.is_finished = self.is_finished or text.startswith("Script done")
            self.last = record
        starting = STARTING.match(text)
        if starting and sys.stdout.isatty():
            sys.stdout.write(f"\r\033[K    {starting[1]}"[:110])
            sys.stdout.flush()
        if text.startswith("skipped "):
            self.skipped += 1
            if self.kind == "tests":
                self.show(record)
        if level not in LOUD:
            return
        self.last = record
        is_test_failure = text.startswith(("FAIL: ", "ERROR: "))
        if is_test_failure and self.kind == "tests":
            self.show(record)
        elif self.concerns_us(f"{logger}: {text}") or logger == "odoo.sql_db" and self.kind in ("install", "script"):
            key = (logger, text)
            if key not in self.seen:
                self.seen.add(key)
                self.show(record)
                self.noticed += 1

    def result(self):
        """Return (passed, failed) and say what is wrong beside the tests."""
        passed = max(0, self.run - self.failed - self.skipped)
        failed = self.failed + self.noticed
        if self.kind == "lint":
            passed = max(0, passed - max(self.noticed, self.foreign_failed))
        elif self.kind in ("install", "script"):
            passed = int(self.is_finished and not failed)
        if not self.is_finished:
            self.show(self.last)
            print("Odoo stopped before it was done; the log has more.")
            failed += 1
        elif not self.run and self.kind in ("tests", "lint"):
            print("No test was run.")
            failed += 1
        return passed, failed


def main():
    """Read the log from standard input."""
    kind, counts, *folders = sys.argv[1:]
    report = Report(kind, folders)
    for record in records(sys.stdin):
        report.add(record)
    if sys.stdout.isatty():
        sys.stdout.write("\r\033[K")
    passed, failed = report.result()
    with open(counts, "a", encoding="utf-8") as file:
        print(passed, failed, file=file)


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        sys.exit(130)
