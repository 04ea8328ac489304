from odoo import api, fields, models
from odoo.exceptions import UserError, ValidationError
from odoo.tools import email_normalize


class QualiopiResult(models.Model):
    """What an assessment of a session gave: presented, passed, partly passed (indicator 11)."""

    _name = 'qualiopi.result'
    _description = "Results of an Assessment"
    _inherit = ['qualiopi.part.mixin', 'mail.thread']
    _order = 'date desc, id desc'
    _check_company_auto = True
    _server_fields = frozenset({'taken_on'})

    name = fields.Char(
        "Assessment", required=True, compute='_compute_name', store=True, readonly=False, precompute=True,
    )
    event_id = fields.Many2one(
        'event.event', "Session", required=True, index=True, check_company=True, ondelete='restrict',
    )
    company_id = fields.Many2one(
        'res.company', compute='_compute_company_id', store=True, precompute=True, required=True, index=True,
        ondelete='restrict',
    )
    course_id = fields.Many2one(
        related='event_id.course_id', store=True, index='btree_not_null', ondelete='restrict',
    )
    kind = fields.Selection([
        ('end', "End-of-course assessment"),
        ('certification', "Certification"),
        ('vae', "VAE jury"),
    ], required=True, compute='_compute_kind', store=True, readonly=False, precompute=True)
    date = fields.Date(required=True, default=fields.Date.context_today)
    source = fields.Selection([
        ('typed', "Typed in"),
        ('survey', "Odoo certification"),
    ], required=True, default='typed')
    survey_id = fields.Many2one(
        'survey.survey', "Certification", ondelete='restrict', domain=[('certification', '=', True)],
        index='btree_not_null',
    )
    taken_on = fields.Datetime("Taken over on", readonly=True, copy=False)
    presented = fields.Integer(tracking=True, help="Learners who took the assessment.")
    passed = fields.Integer(tracking=True)
    partial = fields.Integer("Partly passed", tracking=True, help="Some blocks or skills only: not among the passed.")
    failed = fields.Integer("Not passed", compute='_compute_figures', store=True)
    rate = fields.Float(
        "Success rate (%)", compute='_compute_figures', store=True, digits=(5, 1), aggregator=None,
        help="Passed ÷ presented.",
    )
    rate_text = fields.Char("Success", compute='_compute_rate_text')
    support = fields.Text(
        "Support given", help="For a VAE: hours, meetings, help with the file and with the jury.",
    )

    @api.depends('event_id')
    def _compute_company_id(self):
        for result in self:
            result.company_id = result.event_id.company_id or self.env.company

    @api.depends('event_id')
    def _compute_kind(self):
        for result in self:
            result.kind = result.kind or ('vae' if result.event_id.action_category == 'vae' else 'end')

    @api.depends('survey_id', 'kind')
    def _compute_name(self):
        labels = dict(self._fields['kind']._description_selection(self.env))
        for result in self:
            result.name = result.name or result.survey_id.title or labels.get(result.kind)

    @api.depends('presented', 'passed', 'partial')
    def _compute_figures(self):
        for result in self:
            result.failed = result.presented - result.passed - result.partial
            result.rate = 100 * result.passed / result.presented if result.presented else 0

    @api.depends('presented', 'passed')
    @api.depends_context('lang')
    def _compute_rate_text(self):
        for result in self:
            result.rate_text = result._text(result.passed, result.presented)

    @api.model
    def _text(self, part, total):
        """A rate with its n, as people read it: never a percentage alone."""
        if not total:
            return self.env._("no figure yet")
        return self.env._(
            "%(part)s of %(total)s (%(rate)s %%)", part=part, total=total, rate=round(100 * part / total),
        )

    @api.constrains('presented', 'passed', 'partial')
    def _check_counts(self):
        for result in self:
            if min(result.presented, result.passed, result.partial, result.failed) < 0:
                raise ValidationError(self.env._(
                    "Passed (%(passed)s) and partly passed (%(partial)s) together cannot be more than those who took"
                    " the assessment (%(presented)s).",
                    passed=result.passed, partial=result.partial, presented=result.presented,
                ))

    @api.constrains('source', 'survey_id')
    def _check_survey(self):
        for result in self:
            if result.source == 'survey' and not result.survey_id.certification:
                raise ValidationError(self.env._("Choose the certification whose results are taken over."))

    @api.model_create_multi
    def create(self, vals_list):
        results = super().create(vals_list)
        taken = results.filtered(lambda result: result.source == 'survey')
        if taken:
            taken.action_take_over()
        return results

    def write(self, vals):
        if vals.keys() & {'presented', 'passed', 'partial'} and not self._is_server():
            typed = vals.get('source') == 'typed'
            if not typed and any(result.source == 'survey' for result in self):
                raise UserError(self.env._(
                    "These figures come from the certification's answers: take them over again, or choose"
                    " \"Typed in\".",
                ))
        return super().write(vals)

    def action_take_over(self):
        """Count the certification's answers of the session's own learners: the best of each counts.

        Answers count from the session's first day on; tests and answers under way do not.

        :raise UserError: when the results are typed in
        """
        self.check_access('write')
        for result in self:
            if result.source != 'survey':
                raise UserError(self.env._("These results are typed in: choose the certification first."))
            result.survey_id.check_access('read')
            best = result._best_answers()
            result._as_server().write({
                'presented': len(best), 'passed': sum(best.values()), 'partial': 0,
                'taken_on': fields.Datetime.now(),
            })
        return True

    def _best_answers(self):
        """Whether each learner of the session who took the certification passed it, by registration id."""
        self.ensure_one()
        registrations = self.env['event.registration'].search([
            ('event_id', '=', self.event_id.id), ('state', '!=', 'draft'),
        ])
        by_partner, by_email = {}, {}
        for registration in registrations:
            if registration.learner_id:
                by_partner[registration.learner_id.id] = registration.id
            email = email_normalize(registration.email)
            if email:
                by_email[email] = registration.id
        # sudo: answers of the session's learners alone, of which only the numbers are kept
        answers = self.env['survey.user_input'].sudo().search_fetch([
            ('survey_id', '=', self.survey_id.id), ('state', '=', 'done'), ('test_entry', '=', False),
            ('end_datetime', '>=', self.event_id.date_begin),
            '|', ('partner_id', 'in', list(by_partner)), ('email', '!=', False),
        ], ['partner_id', 'email', 'scoring_success'])
        best = {}
        for answer in answers:
            own = by_partner.get(answer.partner_id.id) or by_email.get(email_normalize(answer.email))
            if own:
                best[own] = best.get(own, False) or answer.scoring_success
        return best
