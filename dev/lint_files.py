"""Checks the files that Odoo loads: XML, translations, and that the manifest lists what is there."""
import ast
import subprocess
import sys
from collections import Counter
from pathlib import Path

from lxml import etree

# Folders whose XML files are there to be loaded by the manifest.
LOADED = ("data", "demo", "report", "security", "views", "wizard")


def check_xml(root, files):
    """Yield what is not well-formed, and identifiers given to two records."""
    ids = {}
    for file in files:
        try:
            tree = etree.parse(file)
        except etree.XMLSyntaxError as error:
            yield f"{file.relative_to(root)}: {error}"
            continue
        if tree.getroot().tag not in ("odoo", "openerp"):
            continue
        # The same record may appear twice in one file, as when two need each other's id.
        for tag in ("record", "template", "menuitem"):
            for element in tree.iter(tag):
                if xmlid := element.get("id"):
                    ids.setdefault(xmlid.removeprefix("qualiopi."), set()).add(file)
    for xmlid, places in sorted(ids.items()):
        if len(places) > 1 and "." not in xmlid:
            names = ", ".join(sorted(str(place.relative_to(root)) for place in places))
            yield f"{xmlid} is defined in {names}"


def check_translations(root, files):
    """Yield what gettext finds wrong."""
    for file in files:
        command = ["msgfmt", "--check", "--output-file=/dev/null", str(file)]
        result = subprocess.run(command, capture_output=True, text=True, check=False)
        if result.returncode:
            yield f"{file.relative_to(root)}: {result.stderr.strip()}"


def check_manifest(root):
    """Yield files that the manifest names in vain, names twice or forgets."""
    manifest = ast.literal_eval(Path(root, "__manifest__.py").read_text(encoding="utf-8"))
    listed = [*manifest.get("data", []), *manifest.get("demo", [])]
    for name, count in Counter(listed).items():
        if count > 1:
            yield f"__manifest__.py lists {name} {count} times"
        if not Path(root, name).is_file():
            yield f"__manifest__.py lists {name}, which does not exist"
    for bundle, paths in manifest.get("assets", {}).items():
        for path in paths:
            path = path if isinstance(path, str) else path[-1]
            inside = path.removeprefix("qualiopi/")
            if inside != path and not any(root.glob(inside)):
                yield f"__manifest__.py: {bundle} names {path}, where nothing is"
    for folder in LOADED:
        for file in sorted(Path(root, folder).rglob("*.xml")):
            if str(file.relative_to(root)) not in listed:
                yield f"{file.relative_to(root)} is not in the manifest"


def main():
    """Print the findings and end with 1 if there are any."""
    root = Path(sys.argv[1])
    files = [path for path in sorted(root.rglob("*")) if ".git" not in path.relative_to(root).parts]
    findings = [
        *check_xml(root, [path for path in files if path.suffix in (".xml", ".svg")]),
        *check_translations(root, [path for path in files if path.suffix in (".po", ".pot")]),
        *check_manifest(root),
    ]
    print("\n".join(findings), end="\n" if findings else "")
    sys.exit(bool(findings))


if __name__ == "__main__":
    main()
