from odoo import api, fields, models

from .readiness import RULES

BASES = [
    ('rnq', "The referential (RNQ)"),
    ('own', "Your own procedure"),
    ('law', "Consumer law"),
]


class QualiopiReadinessRule(models.Model):
    """One objection that an auditor could make: what is asked, by whom, and what to do about it. How it is looked for
    is the class of the same code in ``models/readiness``."""

    _name = 'qualiopi.readiness.rule'
    _description = "Readiness Rule"
    _order = 'sequence, id'
    _rec_names_search = ['code', 'name']

    code = fields.Char(required=True, readonly=True)
    name = fields.Char("What is looked at", required=True, translate=True)
    advice = fields.Text("What to do", translate=True)
    sequence = fields.Integer(default=10)
    indicator_id = fields.Many2one('qualiopi.indicator', required=True, ondelete='restrict', index=True)
    basis = fields.Selection(
        BASES, "Asked by", required=True, default='rnq',
        help="The referential fixes no delay for acknowledgements, checks or reviews: your own procedure does.",
    )
    from_referential_id = fields.Many2one(
        'qualiopi.referential', "Asked from", ondelete='restrict',
        help="Older versions of the referential do not ask it.",
    )

    _code_uniq = models.UniqueIndex('(code)', "This code exists already.")

    @api.depends('code', 'name')
    def _compute_display_name(self):
        for rule in self:
            rule.display_name = " – ".join(filter(None, [rule.code, rule.name]))

    @api.model
    def _implemented(self):
        """Rules that this version of the addon can check, in their order."""
        return self.search([('code', 'in', list(RULES))])

    def _is_in_force(self, referential):
        """Whether a version of the referential asks it."""
        first = self.from_referential_id
        return not first or bool(referential) and referential.valid_from >= first.valid_from

    def _render(self, key, params):
        """The sentence of a verdict of this rule, in the user's language.

        :rtype: str
        """
        self.ensure_one()
        if self.code not in RULES:
            return ''
        return RULES[self.code](self.env).render(key, params or {})
