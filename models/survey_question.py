from odoo import api, fields, models
from odoo.exceptions import ValidationError

USES = [
    ('satisfaction', "Satisfaction"),
    ('nps', "Recommendation (NPS)"),
    ('free', "Free expression"),
    ('insertion', "Situation after the course"),
    ('consent', "Consent to be quoted"),
]
# What gives an answer its sense. The rest (order, page, explanation, mandatory or not) may change.
_MEANING = {
    'title', 'question_type', 'survey_id', 'qualiopi_use', 'qualiopi_is_inverted', 'scale_min', 'scale_max',
    'scale_min_label', 'scale_mid_label', 'scale_max_label', 'matrix_subtype', 'save_as_email', 'save_as_nickname',
}
_CHOICE_MEANING = {'value', 'question_id', 'matrix_question_id', 'qualiopi_is_positive'}


class SurveyQuestion(models.Model):
    _inherit = 'survey.question'

    qualiopi_use = fields.Selection(
        USES,
        "Counts as",
        help="Satisfaction: a scale, brought to 0–100 by its own lowest and highest value. Recommendation: a scale"
        " from 0 to 10. Situation and consent: choices, some of them marked as positive.",
    )
    qualiopi_is_inverted = fields.Boolean(
        "Low is good", help="The scale is upside down: its lowest value is the best one, and counts 100."
    )

    @api.constrains(
        'qualiopi_use', 'qualiopi_is_inverted', 'question_type', 'scale_min', 'scale_max', 'save_as_email',
        'save_as_nickname', 'survey_id',
    )
    def _check_qualiopi_use(self):
        types = {
            'satisfaction': ('scale',), 'nps': ('scale',), 'free': ('text_box', 'char_box'),
            'insertion': ('simple_choice',), 'consent': ('simple_choice',),
        }
        for question in self:
            use = question.qualiopi_use
            if use and question.question_type not in types[use]:
                raise ValidationError(self.env._(
                    "“%(question)s” cannot count as “%(use)s”: satisfaction and recommendation need a scale, free"
                    " expression a text, situation and consent one choice among several.",
                    question=question.title,
                    use=dict(self._fields['qualiopi_use']._description_selection(self.env))[use],
                ))
            if use == 'nps' and (
                question.scale_min, question.scale_max, question.qualiopi_is_inverted) != (0, 10, False):
                raise ValidationError(self.env._(
                    "“%s”: a recommendation is asked on a scale from 0 to 10, 10 being the best.", question.title,
                ))
            if question.survey_id.survey_type == 'qualiopi' and (question.save_as_email or question.save_as_nickname):
                raise ValidationError(self.env._(
                    "“%s”: an appreciation does not ask who answers. Personal links know it, or must not.",
                    question.title,
                ))

    @api.constrains('survey_id')
    def _check_qualiopi_added(self):
        """A figure added later was not asked of those who answered before."""
        self.filtered('qualiopi_use')._qualiopi_ours().survey_id._check_unanswered()

    def _qualiopi_ours(self):
        return self.filtered(lambda question: question.survey_id.survey_type == 'qualiopi')

    def write(self, vals):
        ours = self._qualiopi_ours() if _MEANING & vals.keys() else self.browse()
        for question in ours:
            if any(question._qualiopi_differs(name, vals[name]) for name in _MEANING & vals.keys()):
                question.survey_id._check_unanswered()
        return super().write(vals)

    def _qualiopi_differs(self, name, value):
        field = self._fields[name]
        return field.convert_to_write(self[name], self) != field.convert_to_write(
            field.convert_to_record(field.convert_to_cache(value, self), self), self)

    @api.ondelete(at_uninstall=False)
    def _unlink_except_answered(self):
        self._qualiopi_ours().survey_id._check_unanswered()


class SurveyQuestionAnswer(models.Model):
    _inherit = 'survey.question.answer'

    qualiopi_is_positive = fields.Boolean(
        "Positive", help="Counts as a yes: consent given, or in a job after the course."
    )

    def _qualiopi_surveys(self):
        return (self.question_id | self.matrix_question_id)._qualiopi_ours().survey_id

    def write(self, vals):
        if any(name in vals and any(answer[name] != vals[name] for answer in self) for name in _CHOICE_MEANING):
            self._qualiopi_surveys()._check_unanswered()
        return super().write(vals)

    @api.ondelete(at_uninstall=False)
    def _unlink_except_answered(self):
        self._qualiopi_surveys()._check_unanswered()

    @api.constrains('question_id')
    def _check_qualiopi_unanswered(self):
        """A choice added later was not offered to those who answered before."""
        self._qualiopi_surveys()._check_unanswered()
