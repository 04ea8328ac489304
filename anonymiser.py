"""Replacing names by codes in texts: plain functions, which know nothing of Odoo's models."""
import re
import unicodedata
from functools import lru_cache

from lxml import html as lxml_html

_WORD = re.compile(r"[^\W\d_]+")
# What may stand between two words of one name.
_BETWEEN = re.compile(r"[\s\W_]{1,3}")
# The lookbehinds let each run of characters be read once, however long it is.
_EMAIL = re.compile(r"(?<![\w.+-])[\w.+-]+@[\w-]+(?:\.[\w-]+)*")
_PHONE = re.compile(r"(?<![\w.+-])(?:(?:\+33|0033) ?\(?0?\)? ?|0)[1-9](?:[ .-]?\d{2}){4}(?![\w])"
                    r"|(?<![\w.+-])\+\d{1,3}(?:[ .-]?\d{1,4}){3,5}(?![\w])")
# Titles and words that stand where a name is asked for; they name nobody.
_NOT_NAMES = {
    'mme', 'mlle', 'madame', 'mademoiselle', 'monsieur', 'messieurs', 'mesdames', 'docteur', 'maitre', 'mrs',
    'miss', 'anonyme', 'anonymous', 'inconnu', 'unknown', 'stagiaire', 'apprenti', 'formateur', 'formatrice',
    'entreprise', 'client', 'collectif', 'groupe', 'session', 'formation', 'qualiopi', 'the', 'les', 'des', 'une',
    'direction', 'directeur', 'directrice', 'responsable', 'referent', 'referente', 'assistant', 'assistante', 'equipe',
    'pedagogique', 'administrative', 'administration', 'comite', 'accueil', 'qualite', 'handicap', 'formateurs',
    'formatrices', 'apprenant', 'apprenants', 'stagiaires', 'apprentis', 'tuteur', 'tutrice', 'salarie', 'salaries',
    'deux', 'trois', 'quatre', 'cinq', 'six', 'sept', 'huit', 'neuf', 'dix', 'plusieurs', 'quelques', 'tous', 'toute',
    'toutes', 'tout', 'un', 'le', 'la', 'du', 'de', 'd', 'l', 'ensemble', 'membres', 'candidats', 'alternants',
    'apprenantes', 'participants', 'participantes', 'personnes', 'employeur', 'employeurs', 'maitres', 'apprentissage',
    'pour', 'van', 'von', 'del', 'der', 'sur', 'par', 'aux', 'est', 'and',
}
_SKIPPED_TAGS = {'style', 'script'}
_ATTRIBUTES = ('title', 'alt', 'content')


@lru_cache(maxsize=65536)
def _fold(word):
    folded = unicodedata.normalize('NFKD', word.casefold())
    return ''.join(char for char in folded if not unicodedata.combining(char))


def fold_name(name):
    """The words of a name, without case and accents: what makes two names the same."""
    return tuple(_fold(word) for word in _WORD.findall(name or ''))


class Anonymiser:
    """Finds known names in texts, however they are written, and puts their codes there instead."""

    def __init__(self, names, code_of, labels, kept=()):
        """
        :param names: (is_person, name) pairs; whole names are looked for, of persons also first and last names
        :param code_of: function that gives the code of (is_person, name)
        :param dict labels: texts for ``name`` (of several persons), ``email``, ``phone``
        :param kept: names that stay, such as the provider's own
        """
        self._code_of, self._labels = code_of, labels
        self._by_first, self._parts = {}, {}
        kept_words = {word for name in kept for word in fold_name(name)} | _NOT_NAMES
        kept_names = {fold_name(name) for name in kept}
        for is_person, name in names:
            words = fold_name(name)
            if not words or words in kept_names or _NOT_NAMES.issuperset(words):
                continue
            entry = (is_person, name)
            if len(words) == 1:
                self._add_part(name, words[0], entry, kept_words)
                continue
            self._add(words, entry)
            if is_person:
                self._add((*words[1:], words[0]), entry)
                self._add((words[-1], *words[:-1]), entry)
                for word in _WORD.findall(name):
                    self._add_part(word, _fold(word), entry, kept_words)
        for entries in self._by_first.values():
            entries.sort(key=lambda item: -len(item[0]))
        self._known = {*self._by_first, *self._parts}

    def _add(self, words, entry):
        entries = self._by_first.setdefault(words[0], [])
        if all(known != words for known, __ in entries):
            entries.append((words, entry))

    def _add_part(self, word, folded, entry, kept_words):
        if len(folded) < 3 or folded in kept_words or not word.strip()[:1].isupper():
            return
        known = self._parts.setdefault(folded, entry)
        if known is not None and fold_name(known[1]) != fold_name(entry[1]):
            self._parts[folded] = None

    def text(self, value):
        """A text with codes instead of names, addresses and telephone numbers.

        :param value: text; anything else comes back as it is
        """
        if not isinstance(value, str) or not value:
            return value
        if not value.isascii():
            value = unicodedata.normalize('NFC', value)
        if '@' in value:
            value = _EMAIL.sub(self._labels['email'], value)
        value = _PHONE.sub(self._labels['phone'], value)
        folded = [_fold(word) for word in _WORD.findall(value)]
        if self._known.isdisjoint(folded):
            return value
        words = list(_WORD.finditer(value))
        pieces, end, index = [], 0, 0
        while index < len(words):
            count, entry = self._match(value, words, folded, index) if folded[index] in self._known else (0, None)
            if count:
                pieces += [value[end:words[index].start()],
                           self._code_of(entry) if entry else self._labels['name']]
                end = words[index + count - 1].end()
            index += count or 1
        if not pieces:
            return value
        return ''.join([*pieces, value[end:]])

    def _match(self, value, words, folded, index):
        for name, entry in self._by_first.get(folded[index], ()):
            count = len(name)
            if tuple(folded[index:index + count]) == name and all(
                _BETWEEN.fullmatch(value, words[at].end(), words[at + 1].start())
                for at in range(index, index + count - 1)
            ):
                return count, entry
        # A first or last name alone counts when it is written as a name: "Petit", not "petit".
        if words[index][0][0].isupper() and folded[index] in self._parts:
            return 1, self._parts[folded[index]]
        return 0, None

    def html(self, content):
        """A whole page, with codes in its texts and titles; style and scripts stay.

        :param content: HTML as bytes or text
        :rtype: bytes
        """
        if isinstance(content, bytes):
            content = content.decode()
        page = lxml_html.document_fromstring(content)
        for node in page.iter():
            if isinstance(node.tag, str) and node.tag not in _SKIPPED_TAGS:
                node.text = self.text(node.text)
                for name in _ATTRIBUTES:
                    if name in node.attrib:
                        node.set(name, self.text(node.get(name)))
            node.tail = self.text(node.tail)
        return lxml_html.tostring(page, encoding='utf-8', doctype='<!DOCTYPE html>')

    def rows(self, rows):
        """Dicts of a printed list, with codes in their texts."""
        return [{key: self.text(value) for key, value in row.items()} for row in rows]
