import ast
import re
import sys
from functools import cached_property
from importlib import import_module
from pathlib import Path
from re import _constants as op
from re import _parser as parser

from odoo.tests import BaseCase, tagged

_ROOT = Path(__file__).parent.parent
_SKIPPED = {'tests', 'dev', 'bench', 'migrations'}
_FUNCTIONS = {'compile', 'match', 'fullmatch', 'search', 'sub', 'subn', 'split', 'findall', 'finditer'}
_ANCHORED = {'match', 'fullmatch'}
# Besides what a pattern itself says: runs of letters, marks and separators that open a repeat and never end it.
_UNITS = ('a!', 'a', 'A', '1', '+1', '.', '-', '_', '@', ' ', '\n', '<', '<a', '(', 'a ', '1 ', '1,', 'a.', 'a@', '06 ')
_RUNS = ('a', '1', '.', ' ', '\n', '<')
_SIZE = 60
# Twice the text is twice the work for a careful pattern, four times for a careless one.
_CARELESS = 2.8


class Counter:
    """A regular expression tried as ``re`` tries it, with each step counted: the work of a pattern without a clock."""

    def __init__(self, pattern, flags=0):
        self._pattern, self._flags = pattern, flags
        self._tree = list(parser.parse(pattern, flags))
        self._known = {}
        self.steps = 0

    @cached_property
    def literals(self):
        """The runs of fixed characters in the pattern."""
        found = set()

        def walk(items):
            run = ''
            for kind, value in items:
                if kind is op.LITERAL:
                    run += chr(value)
                    continue
                found.add(run)
                run = ''
                for child in self._children(kind, value):
                    walk(child)
            found.add(run)

        walk(self._tree)
        return sorted(found - {''})

    @staticmethod
    def _children(kind, value):
        if kind is op.BRANCH:
            return [list(items) for items in value[1]]
        if kind is op.SUBPATTERN:
            return [list(value[3])]
        if kind in (op.MAX_REPEAT, op.MIN_REPEAT):
            return [list(value[2])]
        if kind in (op.ASSERT, op.ASSERT_NOT):
            return [list(value[1])]
        return []

    def spans(self, text, method):
        """What the pattern finds in the text, as (start, end)."""
        found, at = [], 0
        while at <= len(text):
            ends = []
            if self._match(self._tree, 0, text, at, self._keeper(ends, text, method)):
                found.append((at, ends[0]))
                if method in (*_ANCHORED, 'search'):
                    break
                at = max(ends[0], at + 1)
            elif method in _ANCHORED:
                break
            else:
                at += 1
        return found

    @staticmethod
    def _keeper(ends, text, method):
        def keep(position):
            if method == 'fullmatch' and position < len(text):
                return False
            ends.append(position)
            return True
        return keep

    def _match(self, items, index, text, at, then):
        if index == len(items):
            return then(at)
        self.steps += 1
        kind, value = items[index]

        def rest(position):
            return self._match(items, index + 1, text, position, then)

        if kind in (op.MAX_REPEAT, op.MIN_REPEAT):
            return self._repeat(kind, *value, text, at, rest)
        if kind is op.BRANCH:
            return any(self._match(branch, 0, text, at, rest) for branch in value[1])
        if kind is op.SUBPATTERN:
            return self._match(value[3], 0, text, at, rest)
        if kind in (op.ASSERT, op.ASSERT_NOT):
            direction, inner = value
            start = at if direction > 0 else at - inner.getwidth()[0]
            is_there = start >= 0 and self._match(inner, 0, text, start, lambda position: True)
            return is_there == (kind is op.ASSERT) and rest(at)
        if kind is op.AT:
            return self._is_at(value, text, at) and rest(at)
        if at == len(text):
            return False
        key = (id(items[index]), text[at])
        if key not in self._known:
            self._known[key] = self._is_char(kind, value, text[at])
        return self._known[key] and rest(at + 1)

    def _repeat(self, kind, least, most, inner, text, at, rest):
        def again(count, position):
            def more():
                return count < most and self._match(inner, 0, text, position, lambda end: (
                    end > position and again(count + 1, end)))

            def stop():
                return count >= least and rest(position)

            first, second = (more, stop) if kind is op.MAX_REPEAT else (stop, more)
            return first() or second()

        return again(0, at)

    @staticmethod
    def _is_at(value, text, at):
        before, after = text[at - 1:at] if at else '', text[at:at + 1]
        if value is op.AT_BOUNDARY:
            return bool(re.match(r'\w', before)) != bool(re.match(r'\w', after))
        if value in (op.AT_BEGINNING, op.AT_BEGINNING_STRING):
            return at == 0
        if value in (op.AT_END, op.AT_END_STRING):
            return text[at:] in ('', '\n' if value is op.AT_END else '')
        raise NotImplementedError(value)

    def _is_char(self, kind, value, char):
        if kind is op.ANY:
            return bool(self._flags & re.DOTALL) or char != '\n'
        if kind is op.IN:
            is_negated = value[0][0] is op.NEGATE
            return is_negated != any(self._is_char(*each, char) for each in value[is_negated:])
        if kind is op.RANGE:
            return any(value[0] <= ord(form) <= value[1] for form in self._forms(char))
        if kind is op.CATEGORY:
            shape = {op.CATEGORY_DIGIT: r'\d', op.CATEGORY_SPACE: r'\s', op.CATEGORY_WORD: r'\w',
                     op.CATEGORY_NOT_DIGIT: r'\D', op.CATEGORY_NOT_SPACE: r'\S', op.CATEGORY_NOT_WORD: r'\W'}[value]
            return bool(re.match(shape, char))
        if kind not in (op.LITERAL, op.NOT_LITERAL):
            raise NotImplementedError(kind)
        return (chr(value) in self._forms(char)) == (kind is op.LITERAL)

    def _forms(self, char):
        return {char, char.lower(), char.upper()} if self._flags & re.IGNORECASE else {char}


def hostile(counter, size):
    """Texts of about ``size`` characters that make a careless pattern read them again and again."""
    for unit in (*_UNITS, *counter.literals):
        yield (unit * size)[:size]
        # What no pattern waits for.
        yield (unit * size)[:size - 1] + '\0'
        yield f'{unit} ' * (size // (len(unit) + 1))
    for literal in counter.literals:
        for run in _RUNS:
            yield (literal + run * size)[:size - 1] + '\0'
            yield run * (size - len(literal)) + literal


def growth(counter, method):
    """The text on which the work grows fastest when the text doubles, and by how much."""
    def steps(text):
        counter.steps = 0
        counter.spans(text, method)
        return counter.steps

    return max(
        ((steps(double) / max(steps(single), 2 * _SIZE), double[:40])
         for single, double in zip(hostile(counter, _SIZE), hostile(counter, 2 * _SIZE), strict=True)),
    )


def patterns():
    """(place, pattern, flags, method) of each regular expression of the addon, as its code says it."""
    for path in sorted(_ROOT.rglob('*.py')):
        parts = path.relative_to(_ROOT).with_suffix('').parts
        if parts[0] in _SKIPPED or parts[0].startswith('.') or parts[-1] in ('__init__', '__manifest__'):
            continue
        source = path.read_text(encoding='utf-8')
        if not re.search(r'^import re$', source, re.MULTILINE):
            continue
        module = import_module('.'.join(('odoo.addons.qualiopi', *parts)))
        tree = ast.parse(source)
        calls = [
            node for node in ast.walk(tree)
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in _FUNCTIONS
        ]
        at_top = {node for statement in tree.body if isinstance(statement, ast.Assign) for node in ast.walk(statement)}
        # What is compiled once at the top, by the ways in which it is used.
        for name, value in vars(module).items():
            compiled = value.values() if isinstance(value, dict) else [value]
            methods = {call.func.attr for call in calls if isinstance(call.func.value, ast.Name)
                       and call.func.value.id == name}
            for each in compiled:
                if isinstance(each, re.Pattern):
                    for method in methods or {'sub'}:
                        yield f'{path.name}: {name}', each.pattern, each.flags, method
        # What is written where it is used.
        for call in calls:
            if call not in at_top and isinstance(call.func.value, ast.Name) and call.func.value.id == 're':
                text = _written(call.args[0], module)
                if text is not None:
                    method = 'sub' if call.func.attr == 'compile' else call.func.attr
                    yield f'{path.name}:{call.lineno}', text, _flags(call), method


def _written(node, module):
    """The pattern of a call, with a name in place of what is only known when it runs."""
    if isinstance(node, ast.Constant):
        return node.value
    if isinstance(node, ast.JoinedStr):
        return ''.join(part.value if isinstance(part, ast.Constant) else 'Anne' for part in node.values)
    return getattr(module, node.id) if isinstance(node, ast.Name) and hasattr(module, node.id) else None


def _flags(call):
    text = ' '.join(ast.unparse(argument) for argument in [*call.args[1:], *(k.value for k in call.keywords)])
    return re.IGNORECASE * ('re.I' in text) | re.DOTALL * bool(re.search(r're\.(S|DOTALL)\b', text))


@tagged('post_install', '-at_install')
class TestRegexes(BaseCase):
    """No text makes a pattern of the addon work more than its length asks (quality.md, F5). Counted, not timed:
    dev/bench regexes has the milliseconds."""

    def setUp(self):
        super().setUp()
        self.addCleanup(sys.setrecursionlimit, sys.getrecursionlimit())
        sys.setrecursionlimit(50_000)

    def test_work_is_linear(self):
        found = list(patterns())
        self.assertGreater(len(found), 25)
        for place, pattern, flags, method in found:
            text = pattern.decode('latin-1') if isinstance(pattern, bytes) else pattern
            ratio, shape = growth(Counter(text, flags & (re.IGNORECASE | re.DOTALL)), method)
            self.assertLess(
                ratio, _CARELESS, f'{place}, {method}: twice the text costs {ratio:.1f} times the work: {shape}')

    def test_counter_tells(self):
        """What is counted is what ``re`` does, and careless patterns are found out."""
        for place, pattern, flags, method in patterns():
            if isinstance(pattern, bytes) or method in ('match', 'fullmatch', 'search'):
                continue
            counter = Counter(pattern, flags & (re.IGNORECASE | re.DOTALL))
            compiled = re.compile(pattern, flags & (re.IGNORECASE | re.DOTALL))
            for text in hostile(counter, 24):
                self.assertEqual(
                    [span for span in counter.spans(text, method) if span[0] < span[1]],
                    [match.span() for match in compiled.finditer(text) if match[0]], (place, text))
        for pattern, method in (
            (r'\S+@\S+', 'sub'), (r'<style\b.*?</style\s*>', 'sub'), (r'no[._-]*(?:re)?[._-]*reply', 'fullmatch'),
            (r'\s+\Z', 'sub'),
        ):
            self.assertGreater(growth(Counter(pattern, re.DOTALL), method)[0], _CARELESS, pattern)
        # Exponential: a dozen letters tell enough.
        few, more = Counter(r'(\w+\s?)+!'), Counter(r'(\w+\s?)+!')
        few.spans('a' * 8, 'match')
        more.spans('a' * 16, 'match')
        self.assertGreater(more.steps / few.steps, 100)
