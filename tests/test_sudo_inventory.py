import ast
import re
from pathlib import Path

from odoo.tests import TransactionCase

_FOLDER = Path(__file__).resolve().parent.parent
_PLACES = ('models', 'wizard', 'controllers', 'report', 'hooks.py')
_REASON = re.compile(r'#\s*sudo: \S+ \S+')


def unexplained(source):
    """Lines with a call that lifts the rules, without a reason.

    A call is ``sudo(...)`` other than ``sudo(False)``, ``with_user(...)``, or anything with ``su=True``. Its reason
    is a comment ``# sudo: …`` among the comment lines directly above the call's own line, above the innermost
    statement that holds it, or above the run of statements of the same block to which that statement
    belongs: lines that follow each other without a blank one. A statement with a body counts for its first
    lines alone and ends the run, so a reason above a ``def``, an ``if`` or a ``for`` says nothing of what is
    inside or behind.

    :param str source: Python
    :return: line numbers, sorted
    :rtype: list[int]
    """
    lines = source.splitlines()
    tree = ast.parse(source)
    found = set()
    for block in _blocks(tree):
        explained, end = False, None
        for statement in block:
            start = min([statement.lineno, *(d.lineno for d in getattr(statement, 'decorator_list', ()))])
            comments, blank = _above(lines, start, end or 0)
            if blank or end is None:
                explained = False
            explained = explained or _gives_reason(comments)
            if not explained:
                found.update(line for line in _calls(statement) if not _gives_reason(_above(lines, line, start)[0]))
            end = statement.end_lineno
            if hasattr(statement, 'body'):
                # What is inside has been another story.
                explained = False
    return sorted(found)


def _blocks(tree):
    for node in ast.walk(tree):
        for name in ('body', 'orelse', 'finalbody'):
            block = getattr(node, name, None)
            if isinstance(block, list) and block:
                yield block


def _above(lines, start, end):
    """Comment lines directly above line ``start``, and whether a blank line parts it from line ``end``."""
    comments = []
    number = start - 1
    while number > end and lines[number - 1].lstrip().startswith('#'):
        comments.append(lines[number - 1])
        number -= 1
    return comments, number > end and not lines[number - 1].strip()


def _gives_reason(comments):
    return any(_REASON.match(line.strip()) for line in comments)


def _calls(statement):
    """Lines of the calls in a statement itself, not in the statements of its body."""
    waiting = [statement]
    while waiting:
        node = waiting.pop()
        if _lifts_rules(node):
            yield node.lineno
        waiting.extend(
            child for child in ast.iter_child_nodes(node)
            if not isinstance(child, (ast.stmt, ast.excepthandler, ast.match_case))
        )


def _lifts_rules(node):
    if not isinstance(node, ast.Call):
        return False
    if any(word.arg == 'su' for word in node.keywords):
        return True
    if not isinstance(node.func, ast.Attribute):
        return False
    if node.func.attr == 'with_user':
        return True
    lowered = [arg.value for arg in node.args if isinstance(arg, ast.Constant)] == [False]
    return node.func.attr == 'sudo' and not lowered


class TestSudoInventory(TransactionCase):

    def test_every_sudo_has_a_reason(self):
        files = [
            path for place in _PLACES
            for path in ([_FOLDER / place] if place.endswith('.py') else sorted((_FOLDER / place).rglob('*.py')))
        ]
        self.assertGreater(len(files), 60)
        missing = [
            f"{path.relative_to(_FOLDER)}:{line}"
            for path in files for line in unexplained(path.read_text(encoding='utf-8'))
        ]
        self.assertFalse(missing, "sudo() without a reason:\n" + "\n".join(missing))

    def test_the_inventory_is_not_empty(self):
        """The checker sees the calls that are there."""
        source = (_FOLDER / 'models' / 'qualiopi_guarded_mixin.py').read_text(encoding='utf-8')
        self.assertTrue(unexplained(re.sub(r'# sudo: .*', '# why', source)))

    def test_a_reason_must_be_near(self):
        """What is without a reason is found, and only that."""
        for source, expected in (
            ("a = b.sudo()", [1]),
            ("a = b.with_user(root)", [1]),
            ("# sudo: nothing is shown\na = b.sudo()", []),
            ("# sudo: nothing is shown\na = b.with_user(root)", []),
            ("# Of old.\n# sudo: nothing is shown\n# to anybody\na = b.sudo()", []),
            ("# as superuser\na = b.sudo()", [2]),
            ("# sudo:\na = b.sudo()", [2]),
            ("# sudo: ok\na = b.sudo()", [2]),
            ("'# sudo: nothing is shown'\na = b.sudo()", [2]),
            ("# sudo: nothing is shown\n\na = b.sudo()", [3]),
            ("a = b.sudo()  # sudo: nothing is shown", [1]),
            ("# sudo: nothing is shown\na = 1\nc = b.sudo()", []),
            ("# sudo: nothing is shown\na = 1\n\nc = b.sudo()", [4]),
            ("# sudo: nothing is shown\nif a:\n    c = b.sudo()", [3]),
            ("# sudo: nothing is shown\nif b.sudo():\n    c = b.sudo()", [3]),
            ("# sudo: nothing is shown\nif a:\n    pass\nc = b.sudo()", [4]),
            ("def f_sudo(b):\n    '''# sudo: nothing is shown'''\n    return b.sudo()", [3]),
            ("# sudo: nothing is shown\ndef f(b):\n    return b.sudo()", [3]),
            ("try:\n    a = 1\nexcept E:\n    a = b.sudo()", [4]),
            ("f(\n    1,\n    lambda x: x.sudo(),\n)", [3]),
            ("# sudo: nothing is shown\nf(\n    1,\n    lambda x: x.sudo(),\n)", []),
            ("f(\n    1,\n    # sudo: nothing is shown\n    lambda x: x.sudo(),\n)", []),
            ("f(\n    # sudo: nothing is shown\n    1,\n    lambda x: x.sudo(),\n)", [4]),
            ("a = self.env(su=True)", [1]),
            ("a = b.sudo(False)", []),
            ("a = b.sudo(flag)", [1]),
        ):
            with self.subTest(source):
                self.assertEqual(unexplained(source), expected)
