from odoo import api, fields, models
from odoo.exceptions import UserError, ValidationError
from odoo.fields import Domain

from .qualiopi_feedback_campaign import MOMENTS


class SurveySurvey(models.Model):
    """Questionnaires of the appreciation campaigns: surveys of a type of their own.

    Odoo's own rules give the answers of a type that they do not know to nobody; ours give them to
    quality officers, and those of an anonymous campaign only once they are released.
    """

    _inherit = 'survey.survey'

    survey_type = fields.Selection(
        selection_add=[('qualiopi', "Appreciations")], ondelete={'qualiopi': 'set default'}
    )
    qualiopi_stakeholder_id = fields.Many2one(
        'qualiopi.stakeholder',
        "Asked stakeholder",
        ondelete='restrict',
        help="Proposed when a campaign or a rule asks this type of stakeholder.",
    )
    qualiopi_moment = fields.Selection(MOMENTS, "Asked when")
    qualiopi_is_teaching = fields.Boolean(
        "Evaluation of the teaching",
        help="Evaluation of content and teaching by apprentices, apart from their satisfaction (indicator 33).",
    )
    qualiopi_answer_count = fields.Integer("Counted answers", compute='_compute_qualiopi_answer_count')

    @api.depends('survey_type')
    @api.depends_context('uid')
    def _compute_allowed_survey_types(self):
        result = super()._compute_allowed_survey_types()
        if self.env.user.has_group('qualiopi.group_officer'):
            for survey in self:
                survey.allowed_survey_types = (survey.allowed_survey_types or []) + ['qualiopi']
        return result

    def _compute_qualiopi_answer_count(self):
        # sudo: a number, of answers that the user may not read one by one
        counts = dict(self.env['survey.user_input'].sudo()._read_group(
            [('survey_id', 'in', self.ids), ('is_counted', '=', True)], ['survey_id'], ['__count'],
        ))
        for survey in self:
            survey.qualiopi_answer_count = counts.get(survey._origin, 0)

    # === WHAT OURS CANNOT BE === #

    @api.constrains(
        'survey_type', 'access_mode', 'scoring_type', 'certification', 'is_time_limited', 'is_attempts_limited',
        'session_state', 'users_login_required', 'questions_selection',
    )
    def _check_qualiopi_settings(self):
        for survey in self:
            if survey.survey_type == 'qualiopi' and (
                survey.access_mode != 'token' or survey.scoring_type != 'no_scoring' or survey.certification
                or survey.is_time_limited or survey.is_attempts_limited or survey.session_state
                or survey.users_login_required or survey.questions_selection != 'all'
            ):
                raise ValidationError(self.env._(
                    "“%s” collects appreciations: it is answered by personal links of a campaign, by everybody in"
                    " full, without account, score, time limit or live session.",
                    survey.title,
                ))

    @api.onchange('survey_type')
    def _onchange_survey_type(self):
        if self.survey_type != 'qualiopi':
            return super()._onchange_survey_type()
        self.update(self._qualiopi_settings())
        return None

    @api.model
    def _qualiopi_settings(self):
        """What a questionnaire of ours is made of.

        :rtype: dict
        """
        return {
            'access_mode': 'token', 'scoring_type': 'no_scoring', 'certification': False, 'is_time_limited': False,
            'is_attempts_limited': False, 'users_login_required': False, 'questions_layout': 'one_page',
            'questions_selection': 'all',
        }

    @api.model_create_multi
    def create(self, vals_list):
        ours = self._qualiopi_settings()
        return super().create([
            {**ours, 'lang_ids': False, **vals} if vals.get('survey_type') == 'qualiopi' else vals
            for vals in vals_list
        ])

    def write(self, vals):
        if 'survey_type' in vals:
            changed = self.filtered(
                lambda survey: survey.survey_type != vals['survey_type']
                and 'qualiopi' in (survey.survey_type, vals['survey_type'])
            )
            # sudo: answers that the user cannot see count as well
            answered = changed and self.env['survey.user_input'].sudo().search(
                [('survey_id', 'in', changed.ids), ('test_entry', '=', False)], limit=1).survey_id
            if answered:
                raise UserError(self.env._(
                    "“%s” has answers: its type cannot change, since it decides who may read them.", answered.title,
                ))
        return super().write(vals)

    @api.ondelete(at_uninstall=False)
    def _unlink_except_answered(self):
        self.filtered(lambda survey: survey.survey_type == 'qualiopi')._check_unanswered()

    def _check_unanswered(self):
        """Refuse what would change the sense of answers that came already.

        :raise UserError: names the questionnaire
        """
        if not self:
            return
        # sudo: answers that the user cannot see count as well
        answered = self.env['survey.user_input'].sudo().search(
            Domain('survey_id', 'in', self.ids) & Domain('campaign_id', '!=', False), limit=1).survey_id
        if answered:
            raise UserError(self.env._(
                "“%s” has been answered: its questions, scales and choices stay as they were read, or the figures"
                " would lie. Make a new version: this one keeps its answers, and new campaigns use the other.",
                answered.title,
            ))

    # === ACTIONS === #

    def get_formview_id(self, access_uid=None):
        """Our own light form: Odoo's speaks of scores, badges and live sessions."""
        if self.survey_type == 'qualiopi':
            return self.env.ref('qualiopi.survey_survey_view_form_qualiopi').id
        return super().get_formview_id(access_uid=access_uid)

    def action_qualiopi_new_version(self):
        """Copy an answered questionnaire, archive it and open the copy. Rules go over to the copy.

        :return: a window action on the copy
        :rtype: dict
        """
        self.ensure_one()
        title = self.title
        new = self.copy()
        new.title = title
        self.env['qualiopi.feedback.rule'].with_context(active_test=False).search(
            [('survey_id', '=', self.id)]).survey_id = new
        # Who was asked already answers what was sent; the others get the new version.
        # sudo: campaigns of all companies that use the questionnaire
        self.env['qualiopi.feedback.campaign'].sudo().search([
            ('survey_id', '=', self.id), ('state', '=', 'planned'), ('invite_ids', '=', False),
            ('answer_ids', '=', False),
        ])._as_server().write({'survey_id': new.id, 'checked_on': False})
        self.action_archive()
        return new._qualiopi_form_action()

    def _qualiopi_form_action(self):
        return {
            'type': 'ir.actions.act_window',
            'res_model': 'survey.survey',
            'res_id': self.id,
            'views': [(self.env.ref('qualiopi.survey_survey_view_form_qualiopi').id, 'form')],
        }

    def action_send_survey(self):
        """Ours are sent by campaigns only: an answer without campaign would count nowhere."""
        for survey in self:
            if survey.survey_type == 'qualiopi':
                raise UserError(self.env._("“%s” is sent by a campaign, to each person asked.", survey.title))
        return super().action_send_survey()

    def action_start_session(self):
        """No live session for ours: everybody would see the answers at once."""
        for survey in self:
            if survey.survey_type == 'qualiopi':
                raise UserError(self.env._("“%s” cannot be answered in a live session.", survey.title))
        return super().action_start_session()

    def action_result_survey(self):
        """The results of ours are the figures of the campaigns, hidden answers left out."""
        self.ensure_one()
        if self.survey_type == 'qualiopi':
            return self._qualiopi_results_action()
        return super().action_result_survey()

    def _qualiopi_results_action(self):
        action = self.env['ir.actions.act_window']._for_xml_id('qualiopi.qualiopi_satisfaction_report_action')
        return {**action, 'domain': [('survey_id', 'in', self.ids)], 'context': {}}
