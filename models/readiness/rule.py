"""What readiness rules share."""

from collections import namedtuple
from datetime import date

from odoo.tools.misc import format_date

# By code, such as 30-A: filled in as the classes are read.
RULES = {}


def rule(code):
    """Class decorator: the rule of this code, as it stands in the data."""
    def register(cls):
        cls.code = code
        RULES[code] = cls
        return cls
    return register


# A departure from the provider's own procedure is repeated from so many cases, or from such a share.
_REPEATED_CASES = 3
_REPEATED_SHARE = 0.2

Verdict = namedtuple('Verdict', 'level key params records total')


class Rule:
    """One objection that an auditor could make. It reads, and never writes.

    ``check()`` returns a verdict whose text stands in ``texts()``: what is kept are the key and the figures, so that
    each reader has the sentence in their own language.
    """

    code = None
    # Missing organisation: reads "to be set up" until there was time for it.
    is_organisation = False
    # In new-entrant mode the question is whether the process is formalised.
    is_formalised_first = False

    def __init__(self, env, situation=None):
        self.env = env
        self.situation = situation

    # === WHAT EACH RULE SAYS === #

    def not_applicable(self):
        """Key of the text that says why the rule does not concern the provider, empty when it does."""
        return ''

    def check(self):
        """What the registers show; each rule says it in its own way.

        :rtype: Verdict
        """
        return self.verdict('ok')

    def texts(self):
        """Sentences by key, in the language of the environment.

        :rtype: dict[str, str]
        """
        raise NotImplementedError

    # === HELPERS === #

    def verdict(self, level, key='ok', records=None, total=None, **params):
        """:param records: what the sentence is about, one click away"""
        if records is not None:
            params.setdefault('count', len(records))
        if total is not None:
            params.setdefault('total', total)
        return Verdict(level, key, params, records, total)

    def none_or(self, level, key, records, total=None, **params):
        """Nothing to object without ``records``, ``level`` with them."""
        if not records:
            return self.verdict('ok', 'ok', total=total)
        return self.verdict(level, key, records, total, **params)

    def own(self, key, records, total, **params):
        """A single departure from the own procedure is to watch; systematic failure of 31 or 32 is a major risk."""
        cases = len(records)
        is_repeated = cases >= _REPEATED_CASES or cases > 1 and cases >= _REPEATED_SHARE * (total or 0)
        return self.none_or('major' if is_repeated else 'watch', key, records, total, **params)

    # === WHAT ALL RULES MAY SAY === #

    def evaluate(self):
        """The verdict with the provider's modes taken into account.

        :rtype: Verdict
        """
        situation = self.situation
        key = self.not_applicable()
        if key:
            return self.verdict('none', key)
        if self.is_formalised_first and situation.new_entrant:
            procedure = situation.procedure('improvement')
            if procedure:
                return self.verdict('ok', '_formalised', procedure)
            found = self.verdict('major', '_not_formalised')
        else:
            found = self.check()
        if self.is_organisation and situation.is_starting and found.level in ('watch', 'minor', 'major'):
            found = found._replace(level='set_up')
        return found

    def _shared_texts(self):
        return {
            '_formalised': self.env._(
                "New entrant: the continuous improvement procedure is formalised; its implementation is looked at"
                " in the surveillance audit."),
            '_not_formalised': self.env._(
                "New entrant: the auditor asks for a formalised process, and no continuous improvement procedure is"
                " in force."),
            '_off': self.env._("Switched off on %(off_on)s by %(user)s: %(reason)s"),
            '_version': self.env._("Not asked by the referential in force."),
            '_apprenticeship': self.env._("Asked of apprenticeship only, which the company does not offer."),
            '_skills_assessment': self.env._("Not asked of providers of skills assessments alone."),
            '_subcontractor': self.env._(
                "Not asked of a provider that works only as a subcontractor."),
        }

    def render(self, key, params):
        """The sentence of a verdict.

        :param dict params: figures and names; days under names that end in ``_on``
        :rtype: str
        """
        text = (self._shared_texts() if key.startswith('_') else self.texts()).get(key) or ''
        values = {
            name: format_date(self.env, date.fromisoformat(value)) if name.endswith('_on') and value else value
            for name, value in params.items()
        }
        try:
            return text % values
        except (KeyError, ValueError, TypeError):
            # A sentence that asks for a figure which an older check did not keep.
            return text
