"""Answering a campaign: opening an answer for a person asked, and the figures."""

import uuid

from odoo import SUPERUSER_ID, api, fields, models
from odoo.exceptions import UserError, ValidationError
from odoo.tools import SQL


class QualiopiFeedbackCampaign(models.Model):
    _inherit = 'qualiopi.feedback.campaign'

    answer_ids = fields.One2many('survey.user_input', 'campaign_id', "Answers given")
    is_sealed = fields.Boolean(
        "Urn opened", readonly=True, copy=False,
        help="Anonymous answers are counted while the campaign runs, and read once it has ended.",
    )
    is_released = fields.Boolean(
        "Results shown", readonly=True, copy=False,
        help="The campaign is anonymous, has ended, and reached its number of answers.",
    )
    partial_count = fields.Integer("Answers begun, not finished", readonly=True, copy=False)
    sealed_paper_count = fields.Integer(readonly=True, copy=False, export_string_translation=False)
    paper_count = fields.Integer("Of which on paper", compute='_compute_figures')
    answer_count = fields.Integer("Complete answers", compute='_compute_figures')
    satisfaction = fields.Float("Satisfaction (0–100)", compute='_compute_figures', digits=(5, 1))
    satisfaction_text = fields.Char("Satisfaction", compute='_compute_figures')
    nps_text = fields.Char("NPS", compute='_compute_figures')
    rate_text = fields.Char("Answers out of persons asked", compute='_compute_figures')
    lowest_text = fields.Char("Lowest question", compute='_compute_figures')
    hidden_reason = fields.Char("Why results are hidden", compute='_compute_figures')

    @property
    def _server_fields(self):
        # Whoever wrote them would open the urn, or show what is too few to show.
        return super()._server_fields | {'is_sealed', 'is_released', 'partial_count', 'sealed_paper_count'}

    @api.constrains('survey_id')
    def _check_survey_is_ours(self):
        for campaign in self:
            # sudo: the type alone is read
            survey = campaign.sudo().survey_id
            if survey and survey.survey_type != 'qualiopi':
                raise ValidationError(self.env._(
                    "“%s” is not a questionnaire of appreciations: its answers would be read outside the campaign.",
                    survey.title,
                ))

    def write(self, vals):
        if 'state' in vals or 'is_anonymous' in vals:
            self._check_urn(vals)
        if vals.get('state') in ('planned', 'running'):
            vals = {**vals, 'is_sealed': False}
        result = super().write(vals)
        if vals.get('state') in ('done', 'cancelled'):
            self.filtered(lambda campaign: campaign.is_anonymous and not campaign.is_sealed)._seal_answers()
        return result

    def _check_urn(self, vals):
        """An urn that was opened stays so: one more answer could be told by comparing before and after."""
        for campaign in self.filtered('is_sealed'):
            # Of a campaign that was cancelled before its end nothing was shown: opening it again tells nothing.
            if vals.get('state') in ('planned', 'running') and (campaign.state == 'done' or campaign.is_released):
                raise UserError(self.env._(
                    "%s was anonymous and has ended: its answers were mixed and shown. One more answer could be told"
                    " from them, so make another campaign.",
                    campaign.display_name,
                ))
            if 'is_anonymous' in vals and not vals['is_anonymous']:
                raise UserError(self.env._("What was promised to be anonymous stays so."))

    def _has_to_be_read(self):
        # Below its number of answers, an anonymous campaign shows nothing to anybody.
        return super()._has_to_be_read() and (not self.is_sealed or self.is_released)

    def action_remind(self):
        """Remind those who have not answered; not after an anonymous campaign has ended."""
        for campaign in self:
            if campaign.is_sealed:
                raise UserError(self.env._(
                    "%s was anonymous and has ended: nobody can answer any more.", campaign.display_name))
        return super().action_remind()

    # === OPENING AN ANSWER === #

    def _is_open(self):
        """Whether somebody may still answer: named answers are taken after the end too.

        :rtype: bool
        """
        self.ensure_one()
        # A questionnaire that was archived for a new version is still answered by those whom it was sent to.
        return (
            self.means == 'survey' and bool(self.survey_id) and not self._is_early()
            and (self.state == 'running' or (self.state == 'done' and not self.is_anonymous))
        )

    def _is_early(self):
        """Whether the session was postponed after the invitations, so that there is nothing to say of it yet.

        :rtype: bool
        """
        self.ensure_one()
        return self.state == 'running' and self.date_from > self._today()

    def _new_answer(self, lang=None, **values):
        """A begun answer to this campaign, written by nobody in particular.

        :param lang: code of the language in which the questions are asked
        :return: survey.user_input, as superuser
        """
        self.ensure_one()
        # sudo: persons asked have no account; the caller checked their link or the officer's rights
        Answer = self.env['survey.user_input'].with_user(SUPERUSER_ID).sudo().with_context(
            mail_create_nolog=True, mail_create_nosubscribe=True, tracking_disable=True, mail_notrack=True)
        lang = self._answer_lang(lang)
        return Answer.create({
            'survey_id': self.survey_id.id,
            'campaign_id': self.id,
            'is_anonymous': self.is_anonymous,
            'state': 'in_progress',
            'start_datetime': fields.Datetime.now(),
            # The only one who reads English would be known by it: the browser keeps the language of a ballot.
            'lang_id': not self.is_anonymous and self.env['res.lang']._get_data(code=lang).id,
            **values,
        })

    def _answer_lang(self, lang=None):
        """The language in which questions are asked: ``lang`` when the questionnaire has it.

        :rtype: str
        """
        # sudo: the languages alone, for persons without an account
        codes = self.survey_id.sudo()._get_supported_lang_codes()
        return lang if lang in codes else (self.env.lang if self.env.lang in codes else codes[0])

    def action_paper_answer(self):
        """Type in an answer that came on paper without a name, in the same questionnaire.

        :return: an action that opens the questionnaire
        :rtype: dict
        """
        self.ensure_one()
        self._check_treat()
        self._check_paper()
        return self._paper_action(self._new_answer(lang=self.env.lang, is_paper=True))

    def _check_paper(self):
        if not self._is_open():
            raise UserError(self.env._("%s takes no answers: it has not begun, or has ended.", self.display_name))

    def _paper_action(self, answer):
        url = answer._feedback_url(self._answer_lang(self.env.lang))
        return {'type': 'ir.actions.act_url', 'target': 'new', 'url': url}

    # === FIGURES === #

    def _figures(self):
        """Figures of these campaigns together, from complete and counted answers.

        Anonymous campaigns that still run, or ended below their threshold, add to ``asked`` and ``n`` and to
        nothing else. Values that cannot be given are None.

        :return: ``asked``, ``n`` (complete answers), ``rate`` (%), ``satisfaction`` (0–100), ``satisfaction_n``,
            ``nps`` (-100..100), ``nps_n``, ``lowest`` (dict of question, title, value, n), ``is_hidden`` and
            ``reason``
        :rtype: dict
        """
        return self._figures_by(lambda campaign: True).get(True) or self._no_figures()

    def _satisfaction_text(self):
        """The satisfaction of these campaigns together, in words.

        :rtype: str
        """
        return self.env['qualiopi.satisfaction.report']._texts(self._figures())['satisfaction_text']

    def _no_figures(self):
        return {
            'asked': 0, 'n': 0, 'rate': None, 'satisfaction': None, 'satisfaction_n': 0, 'nps': None, 'nps_n': 0,
            'paper': 0, 'lowest': None, 'is_hidden': False, 'reason': "",
        }

    def _figures_by(self, key):
        """Figures of groups of campaigns, in one query whatever their number.

        :param key: function that gives the group of a campaign
        :return: dict as ``_figures`` gives it, by group
        :rtype: dict
        """
        groups = self.grouped(key)
        if not self.ids:
            return {group: self._no_figures() for group in groups}
        # sudo: figures of campaigns that the user may read; answers that nobody may read yet are left out
        rows = self.env['qualiopi.satisfaction.report'].sudo()._sums(self.ids)
        return {group: self._group_figures(campaigns, rows) for group, campaigns in groups.items()}

    def _group_figures(self, campaigns, rows):
        figures = self._no_figures()
        sums = [rows[campaign.id] for campaign in campaigns if campaign.id in rows]
        total = {name: sum(row[name] for row in sums) for name in (
            'asked_count', 'answer_count', 'paper_count', 'satisfaction_sum', 'satisfaction_n', 'promoters',
            'detractors', 'nps_n')}
        asked, n = total['asked_count'], total['answer_count']
        figures.update(
            asked=asked, n=n, paper=total['paper_count'], satisfaction_n=total['satisfaction_n'], nps_n=total['nps_n'],
            rate=100 * n / asked if asked and n <= asked else None,
            satisfaction=total['satisfaction_sum'] / total['satisfaction_n'] if total['satisfaction_n'] else None,
            nps=(
                100 * (total['promoters'] - total['detractors']) / total['nps_n'] if total['nps_n'] else None
            ),
        )
        hidden = [campaign for campaign in campaigns if campaign.id in rows and rows[campaign.id]['is_hidden']]
        figures['is_hidden'] = bool(hidden) and len(hidden) == len(sums)
        if hidden:
            figures['reason'] = self._hidden_text(hidden, rows)
        elif campaigns and all(campaign.cancelled_on for campaign in campaigns):
            figures['reason'] = self.env._("Cancelled: what was answered is not counted.")
        by_question = {}
        for row in sums:
            for question, (total_value, count, sequence, title) in (row['questions'] or {}).items():
                value, number = by_question.get((sequence, int(question), title), (0, 0))
                by_question[sequence, int(question), title] = (value + total_value, number + count)
        if by_question:
            (__, question, title), (value, number) = min(
                by_question.items(), key=lambda item: (item[1][0] / item[1][1], item[0][:2]))
            figures['lowest'] = {
                'question': self.env['survey.question'].browse(question), 'title': title, 'value': value / number,
                'n': number,
            }
        return figures

    def _hidden_text(self, campaigns, rows):
        running = [campaign for campaign in campaigns if not campaign.is_sealed]
        if running:
            return self.env._("Anonymous: results show when the campaign has ended.")
        threshold = max(campaign.threshold for campaign in campaigns)
        if all(rows[campaign.id]['answer_count'] >= campaign.threshold for campaign in campaigns):
            return self.env._(
                "Anonymous: fewer than %s persons answered by themselves; whoever typed in the answers on paper could"
                " tell theirs from them. So no result.", threshold)
        return self.env._("Anonymous: fewer than %s answers, so no result.", threshold)

    def _question_values(self):
        """Sum and number of the values of each satisfaction question, hidden campaigns left out.

        :return: (sum, number) by question, by campaign id
        :rtype: dict
        """
        values = {}
        shown = self.filtered(lambda campaign: not campaign.is_anonymous or campaign.is_released)
        if not shown.ids:
            return values
        self.env.flush_all()
        self.env.cr.execute(
            self.env['qualiopi.satisfaction.report']._question_sums(SQL("IN %s", tuple(shown.ids))))
        rows = self.env.cr.fetchall()
        questions = self.env['survey.question'].browse({question for __, question, __, __ in rows})
        # sudo: order and words of questions, which everybody asked has read
        questions.sudo().fetch(['sequence', 'title'])
        by_id = {question.id: question for question in questions}
        for campaign, question, total, count in rows:
            values.setdefault(campaign, {})[by_id[question]] = (float(total), count)
        return values

    @api.depends('state', 'asked_count', 'threshold', 'is_anonymous', 'is_released', 'answer_ids.is_counted',
                 'answer_ids.satisfaction', 'answer_ids.nps')
    @api.depends_context('lang')
    def _compute_figures(self):
        by_campaign = self._origin._figures_by(lambda campaign: campaign.id)
        Report = self.env['qualiopi.satisfaction.report']
        for campaign in self:
            figures = by_campaign.get(campaign._origin.id) or self._no_figures()
            campaign.answer_count = figures['n']
            campaign.paper_count = figures['paper']
            campaign.satisfaction = figures['satisfaction'] or 0
            campaign.hidden_reason = figures['reason']
            campaign.update(Report._texts(figures))

    def action_view_verbatims(self):
        """Open the comments of the answers.

        :return: a window action
        :rtype: dict
        """
        self.ensure_one()
        action = self.env['ir.actions.act_window']._for_xml_id('qualiopi.survey_user_input_line_action_verbatims')
        return {**action, 'domain': [('campaign_id', '=', self.id), *self._verbatim_domain()], 'context': {}}

    @api.model
    def _verbatim_domain(self):
        return [('qualiopi_use', '=', 'free'), ('skipped', '=', False), ('user_input_id.is_counted', '=', True)]

    def action_view_answers(self):
        """Open the answers; of an anonymous campaign, once they may be read.

        :return: a window action
        :rtype: dict
        """
        self.ensure_one()
        action = self.env['ir.actions.act_window']._for_xml_id('qualiopi.survey_user_input_action_feedback')
        return {**action, 'domain': [('campaign_id', '=', self.id)], 'context': {}}


class QualiopiFeedbackInvite(models.Model):
    _inherit = 'qualiopi.feedback.invite'

    def _answer(self):
        """The answer that this person has begun or given; of an anonymous campaign nobody can say which.

        :return: survey.user_input as superuser
        """
        self.ensure_one()
        # sudo: persons asked have no account; the caller checked their link
        return self.env['survey.user_input'].with_user(SUPERUSER_ID).sudo().search(
            [('feedback_invite_id', '=', self.id)], limit=1)

    @api.model
    def _valid_key(self, key):
        """Whether ``key`` looks like the secret that a browser was given for its ballot.

        :rtype: bool
        """
        try:
            return isinstance(key, str) and str(uuid.UUID(key, version=4)) == key
        except ValueError:
            return False

    def _open_answer(self, key=None, is_paper=False):
        """Open the answer of this person, or the one that they have begun.

        Of an anonymous campaign the invitation is marked at once, and the answer is made apart: nothing stored
        leads from one to the other. Only the browser holds the key of the ballot.

        :param str key: secret of the browser, for anonymous campaigns
        :param bool is_paper: typed in from paper
        :return: survey.user_input as superuser; empty when an anonymous answer was begun elsewhere
        """
        self.ensure_one()
        campaign = self.campaign_id
        # sudo: who answers has no account; nobody in particular writes the answer
        Answer = self.env['survey.user_input'].with_user(SUPERUSER_ID).sudo()
        lang = self._lang()
        if campaign.is_anonymous:
            key = key if self._valid_key(key) else str(uuid.uuid4())
            begun = Answer.search([('campaign_id', '=', campaign.id), ('access_token', '=', key)], limit=1)
            if begun or self.state == 'answered':
                return begun
            # Two at the same time would wait for each other's rows: the second waits here, and is run again.
            self.env.cr.execute(SQL("SELECT FROM qualiopi_feedback_campaign WHERE id = %s FOR UPDATE", campaign.id))
            self._mark_answered()
            campaign._level_marks()
            return campaign._new_answer(access_token=key, is_paper=is_paper)
        answer = self._answer()
        if not answer:
            # A second click at the same time meets this write, is run again, and finds the answer.
            self.env.cr.execute(SQL("UPDATE qualiopi_feedback_invite SET state = state WHERE id = %s", self.id))
            answer = campaign._new_answer(
                lang=lang, feedback_invite_id=self.id, partner_id=self.partner_id.id, email=self.email,
                nickname=self.name, is_paper=is_paper,
            )
        return answer

    def action_paper_answer(self):
        """Type in the answer that this person gave on paper.

        :return: an action that opens the questionnaire
        :rtype: dict
        """
        self.ensure_one()
        campaign = self.campaign_id
        campaign._check_treat()
        campaign._check_paper()
        # sudo: the program writes invitations; the officer's right to treat the campaign was checked
        invite = self.sudo()
        if invite.state == 'answered':
            raise UserError(self.env._("%s has answered already.", self.name))
        answer = invite._open_answer(is_paper=True)
        if answer.state == 'done':
            raise UserError(self.env._("%s has answered already.", self.name))
        answer.is_paper = True
        return campaign._paper_action(answer)
