from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.fields import Command

RESULTS = [
    ('strength', "Strong point"),
    ('shown', "Shown"),
    ('watch', "To watch"),
    ('minor', "Minor gap"),
    ('major', "Major gap"),
    ('none', "Not applicable"),
]
_GAPS = ('minor', 'major')
# What is fixed once the grid is made.
_FROZEN = {'audit_id', 'statement_id', 'indicator_id'}


class QualiopiAuditQuestion(models.Model):
    """One line of the grid of an internal or mock audit: what is asked, what was seen."""

    _name = 'qualiopi.audit.question'
    _description = "Audit Question"
    _inherit = 'qualiopi.program.mixin'
    _order = 'audit_id, number, id'
    _check_company_auto = True
    _rec_name = 'name'
    _server_fields = frozenset({'answered_on', 'answered_by_id', 'finding_id'})

    audit_id = fields.Many2one('qualiopi.audit', required=True, index=True, ondelete='restrict', check_company=True)
    company_id = fields.Many2one(related='audit_id.company_id', store=True, index=True, precompute=True, required=True)
    statement_id = fields.Many2one('qualiopi.indicator.statement', ondelete='restrict', index='btree_not_null')
    indicator_id = fields.Many2one(
        'qualiopi.indicator', compute='_compute_indicator_id', store=True, readonly=False, precompute=True,
        required=True, index=True, ondelete='restrict',
    )
    number = fields.Integer(related='indicator_id.number', store=True, aggregator=None)
    criterion_id = fields.Many2one(related='indicator_id.criterion_id', store=True)
    name = fields.Char("Question", compute='_compute_name')
    own_question = fields.Char(help="A question of your own, besides what the referential asks.")
    statement = fields.Text(related='statement_id.statement', string="What the referential asks")
    weighting = fields.Selection(related='statement_id.weighting')
    hint = fields.Text("Look for", compute='_compute_hint')
    result = fields.Selection(RESULTS, index=True)
    comment = fields.Text("Remarks")
    evidence = fields.Text("Evidence seen")
    interviewed = fields.Char("Persons interviewed")
    answered_on = fields.Date(readonly=True, copy=False)
    answered_by_id = fields.Many2one('res.users', "Answered by", readonly=True, copy=False, ondelete='restrict')
    finding_id = fields.Many2one(
        'qualiopi.finding', readonly=True, copy=False, ondelete='restrict', index='btree_not_null',
    )
    is_locked = fields.Boolean(compute='_compute_is_locked')

    _statement_uniq = models.UniqueIndex(
        '(audit_id, statement_id) WHERE statement_id IS NOT NULL', "The grid asks this already.",
    )

    # === COMPUTES === #

    @api.depends('statement_id')
    def _compute_indicator_id(self):
        for question in self:
            question.indicator_id = question.statement_id.indicator_id or question.indicator_id

    @api.depends('statement_id.name', 'indicator_id.name', 'own_question')
    @api.depends_context('lang')
    def _compute_name(self):
        for question in self:
            question.name = question.own_question or question.statement_id.name or question.indicator_id.name

    @api.depends('indicator_id', 'audit_id.new_entrant', 'audit_id.subcontractor_only', 'audit_id.action_category_ids')
    @api.depends_context('lang')
    def _compute_hint(self):
        points = self._points()
        for question in self:
            hints = list(points.get(question.number, ()))
            hints += question._mode_hints()
            question.hint = '\n'.join(f'• {hint}' for hint in hints) or False

    @api.model
    def _points(self):
        """What auditors tick one by one, by number of the indicator (reading guide).

        :rtype: dict[int, tuple]
        """
        return {
            11: (self.env._("The assessment of what was learnt is written down and carried out"),),
            12: (
                self.env._("Measures against dropping out, for trainings of more than two days"),
                self.env._("Prevention and treatment of violence, harassment and discrimination"),
            ),
            30: (
                self.env._("Appreciations are asked for, stakeholder by stakeholder"),
                self.env._("How often is relevant"),
                self.env._("There is room for free expression"),
                self.env._("Reminders are sent"),
            ),
            31: (
                self.env._("How difficulties, complaints and unforeseen events are treated is written down"),
                self.env._("It is put into practice: ask for two or three examples"),
            ),
            32: (
                self.env._("The approach of continuous improvement is formalised"),
                self.env._("Measures that come from appreciations"),
                self.env._("Measures that come from complaints"),
                self.env._("The analysis of the risks to the quality of the trainings"),
            ),
            33: (
                self.env._("The learners assess contents and teaching, apart from general satisfaction"),
                self.env._("The results are shared with the teaching teams"),
                self.env._("How well it works is measured from time to time"),
            ),
        }

    def _mode_hints(self):
        audit = self.audit_id
        hints = []
        if audit.new_entrant and self.statement_id.is_new_entrant_adapted:
            hints.append(self.env._("New entrant: a formalised process is enough, practice is seen at surveillance"))
        if self.number == 30 and audit.subcontractor_only:
            hints.append(self.env._("Subcontractor: beneficiaries and contracting providers are asked"))
        if self.number == 30 and audit._scope_codes() == ['bc']:
            hints.append(self.env._("Skills assessment alone: beneficiaries and teaching teams, at the end and at six"
                                    " months"))
        return hints

    def _compute_is_locked(self):
        for question in self:
            question.is_locked = question.audit_id.is_locked

    # === CRUD === #

    @api.model_create_multi
    def create(self, vals_list):
        self._check_server_values(vals_list)
        questions = super().create([self._with_answer(vals) for vals in vals_list])
        questions.audit_id._check_unlocked()
        return questions

    def write(self, vals):
        self.audit_id._check_unlocked()
        self.check_access('write')
        self._check_written_values(vals)
        if not self._is_server():
            for name in _FROZEN & vals.keys():
                if any(question[name].id != vals[name] for question in self):
                    raise UserError(self.env._("A question stays where it is: add another one."))
        return super().write(self._with_answer(vals))

    def _with_answer(self, vals):
        """The values, with who answered and when: the program says so."""
        if 'result' not in vals:
            return vals
        answered = bool(vals['result'])
        return {
            **vals,
            'answered_on': answered and fields.Date.context_today(self),
            'answered_by_id': answered and self.env.uid,
        }

    @api.ondelete(at_uninstall=False)
    def _unlink_except_answered(self):
        self.audit_id._check_unlocked()
        if self.filtered(lambda question: question.result or question.comment or question.evidence):
            raise UserError(self.env._("A question that was answered stays: say \"Not applicable\", with a remark."))

    # === ACTIONS === #

    def action_next(self):
        """The next question without an answer, in the same window; the audit when there is none."""
        self.ensure_one()
        waiting = self.audit_id.question_ids.filtered(lambda question: not question.result) - self
        following = waiting.filtered(lambda question: (question.number, question.id) > (self.number, self.id))
        target = following[:1] or waiting[:1] or self.audit_id
        return {
            'type': 'ir.actions.act_window',
            'name': target.display_name,
            'res_model': target._name,
            'res_id': target.id,
            'views': [(False, 'form')],
            'target': 'main' if target == self.audit_id else 'current',
        }

    def action_create_finding(self):
        """Make the finding of a gap, or open it when it is there."""
        self.ensure_one()
        if not self.finding_id:
            self._create_findings()
        return self.audit_id._open_records(self.finding_id, self.env._("Findings"))

    def _create_findings(self):
        """Make the findings of these questions in one batch, each with what the grid says."""
        self.audit_id._check_unlocked()
        questions = self.filtered(lambda question: question.result in (*_GAPS, 'watch') and not question.finding_id)
        if not questions:
            raise UserError(self.env._("A finding is made of a gap or of a point to watch that has none yet."))
        findings = self.env['qualiopi.finding'].create([question._finding_values() for question in questions])
        for question, finding in zip(questions, findings, strict=True):
            question._keep_finding(finding)
        return findings

    def _keep_finding(self, finding):
        self._as_server().write({'finding_id': finding.id})

    def _finding_values(self):
        audit = self.audit_id
        facts = [self.comment, self.evidence and self.env._("Evidence seen: %s", self.evidence)]
        return {
            'name': f"{self.number} – {self.name}",
            'description': '\n'.join(filter(None, facts)) or self.name,
            'audit_id': audit.id,
            'company_id': audit.company_id.id,
            'date': self.answered_on or audit.date_from,
            'nc_grade': self.result if self.result in _GAPS else False,
            'kind': f'{self.result}_gap' if self.result in _GAPS else 'weak_point',
            'indicator_ids': [Command.set(self.indicator_id.ids)],
            'user_id': audit.user_id.id,
        }
