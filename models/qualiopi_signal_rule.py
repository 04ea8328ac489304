from odoo import api, fields, models
from odoo.exceptions import ValidationError
from odoo.tools.misc import formatLang

# What a rule looks at: campaigns one by one, sessions, or entries of the register together.
CAMPAIGN_KINDS = ('session', 'question', 'answer', 'response_rate')
ENTRY_KINDS = ('complaints', 'late')


def figure_text(env, value):
    """A figure as people read it."""
    return formatLang(env, value, digits=1)


def limit_text(env, value):
    """A threshold as people typed it."""
    return formatLang(env, value, digits=1 if value % 1 else 0)


class QualiopiSignalRule(models.Model):
    """A threshold: what is beyond it is a weak signal, which becomes a finding (RNQ, indicator 32)."""

    _name = 'qualiopi.signal.rule'
    _description = "Signal Rule"
    _inherit = ['qualiopi.list.mixin']
    _check_company_auto = True

    company_id = fields.Many2one(
        help="Leave empty for the rule of all companies that have none of their own of this kind.",
    )
    kind = fields.Selection([
        ('session', "Satisfaction of a campaign"),
        ('question', "A question of a campaign"),
        ('answer', "One person's answer"),
        ('response_rate', "Response rate of a campaign"),
        ('dropout_rate', "Dropout rate of a session"),
        ('complaints', "Complaints on one subject"),
        ('late', "Late responses to complaints"),
    ], required=True, default='session')
    grouping = fields.Selection([
        ('category', "Category"),
        ('trainer', "Trainer"),
        ('site', "Site"),
        ('course', "Course"),
    ], "Same", default='category')
    threshold = fields.Float(
        digits=(5, 1), help="In percent. Satisfaction is counted from 0 to 100: 4 on a scale from 1 to 5 counts 75.",
    )
    count = fields.Integer("How many", default=3, help="So many complaints in the period are a signal.")
    months = fields.Integer("Within (months)", default=6)
    with_difficulties = fields.Boolean("Difficulties and unforeseen events count too")
    min_n = fields.Integer(
        "At least (n)", default=3,
        help="Below so many answers, or persons asked, or learners, a figure says too little to be a signal.",
    )
    stakeholder_id = fields.Many2one(
        'qualiopi.stakeholder', ondelete='restrict', check_company=True, help="Leave empty for all stakeholders.",
    )
    question_id = fields.Many2one(
        'survey.question', ondelete='cascade',
        domain="[('survey_id.survey_type', '=', 'qualiopi'), ('qualiopi_use', '=', 'satisfaction')]",
        help="Leave empty for each satisfaction question.",
    )
    severity_id = fields.Many2one(
        'qualiopi.severity', ondelete='restrict', check_company=True, help="Of the finding that it makes.",
    )
    mode = fields.Selection([
        ('propose', "Propose a finding"),
        ('create', "Create the finding"),
        ('off', "Do nothing"),
    ], "Then", required=True, default='propose')
    summary = fields.Char("Signal when", compute='_compute_summary')

    @api.depends('kind', 'grouping', 'threshold', 'count', 'months', 'min_n')
    def _compute_summary(self):
        groupings = dict(self._fields['grouping']._description_selection(self.env))
        for rule in self:
            number = limit_text(self.env, rule.threshold)
            if rule.kind == 'dropout_rate':
                rule.summary = self.env._("more than %(number)s %% (n ≥ %(n)s)", number=number, n=rule.min_n)
            elif rule.kind == 'response_rate':
                rule.summary = self.env._("below %(number)s %% (n ≥ %(n)s)", number=number, n=rule.min_n)
            elif rule.kind == 'answer':
                rule.summary = self.env._("below %s / 100", number)
            elif rule.kind in CAMPAIGN_KINDS:
                rule.summary = self.env._("below %(number)s / 100 (n ≥ %(n)s)", number=number, n=rule.min_n)
            elif rule.kind == 'late':
                rule.summary = self.env._("%(count)s in %(months)s months", count=rule.count, months=rule.months)
            else:
                rule.summary = self.env._(
                    "%(count)s in %(months)s months, same %(grouping)s", count=rule.count, months=rule.months,
                    grouping=(groupings.get(rule.grouping) or '').lower(),
                )

    @api.constrains('kind', 'threshold', 'count', 'months', 'min_n', 'grouping')
    def _check_numbers(self):
        for rule in self:
            if rule.kind not in ENTRY_KINDS and not 0 < rule.threshold <= 100:
                raise ValidationError(self.env._("“%s”: the threshold lies between 0 and 100.", rule.name))
            if rule.kind in ENTRY_KINDS and not (1 <= rule.count <= 1000 and 1 <= rule.months <= 36):
                raise ValidationError(self.env._(
                    "“%s”: one complaint or more, within 1 to 36 months.", rule.name))
            if rule.kind == 'complaints' and not rule.grouping:
                raise ValidationError(self.env._("“%s”: say what the complaints have in common.", rule.name))
            if rule.min_n < 1:
                raise ValidationError(self.env._("“%s”: at least 1.", rule.name))

    def _sort_of(self):
        """What makes two rules the same question, asked with two thresholds."""
        self.ensure_one()
        return (self.kind, self.grouping if self.kind == 'complaints' else '', self.stakeholder_id, self.question_id)

    @api.model
    def _applying(self, company):
        """Rules that hold for a company: its own, and the shared ones of which it has none of its own.

        :rtype: recordset
        """
        rules = self.search([('company_id', 'in', [company.id, False])])
        own = {rule._sort_of() for rule in rules if rule.company_id}
        return rules.filtered(
            lambda rule: rule.mode != 'off' and (rule.company_id or rule._sort_of() not in own)
        )
