"""Answering a campaign: opening an answer for a person asked, the urn of anonymous answers, the figures."""

import random
import uuid

from odoo import SUPERUSER_ID, api, fields, models
from odoo.exceptions import UserError, ValidationError
from odoo.tools import SQL

# What a ballot does not keep when it leaves the urn, with what it holds instead.
_BLANKED = {
    'lang_id': None, 'last_displayed_page_id': None, 'start_datetime': None, 'end_datetime': None, 'deadline': None,
    'is_paper': False, 'survey_first_submitted': False,
}


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
            # A cancelled campaign shows nothing, so that opening it again tells nothing.
            if vals.get('state') in ('planned', 'running') and campaign.state == 'done':
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
        return (
            self.means == 'survey' and bool(self.survey_id) and self.survey_id.active
            and (self.state == 'running' or (self.state == 'done' and not self.is_anonymous))
        )

    def _new_answer(self, lang=None, **values):
        """A begun answer to this campaign, written by nobody in particular.

        :param lang: code of the language in which the questions are asked
        :return: survey.user_input, as superuser
        """
        self.ensure_one()
        # sudo: persons asked have no account; the caller checked their link or the officer's rights
        Answer = self.env['survey.user_input'].with_user(SUPERUSER_ID).sudo().with_context(
            mail_create_nolog=True, mail_create_nosubscribe=True, tracking_disable=True, mail_notrack=True)
        codes = self.survey_id.sudo()._get_supported_lang_codes()
        lang = lang if lang in codes else (self.env.lang if self.env.lang in codes else codes[0])
        return Answer.create({
            'survey_id': self.survey_id.id,
            'campaign_id': self.id,
            'is_anonymous': self.is_anonymous,
            'state': 'in_progress',
            'start_datetime': fields.Datetime.now(),
            'lang_id': self.env['res.lang']._get_data(code=lang).id,
            **values,
        })

    def _level_marks(self):
        """Write all invitations of anonymous campaigns anew, so that nothing in the table (transaction, place of
        the row) tells which of them was marked together with which answer."""
        anonymous = self.filtered('is_anonymous')
        if anonymous:
            self.env['qualiopi.feedback.invite'].flush_model()
            self.env.cr.execute(SQL(
                "UPDATE qualiopi_feedback_invite SET state = state WHERE campaign_id IN %s", tuple(anonymous.ids)))

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
        return {'type': 'ir.actions.act_url', 'target': 'new', 'url': answer._feedback_url()}

    # === THE URN === #

    def _seal_answers(self):
        """Open the urn: the answers get new numbers, new keys and one date, in random order, and are shown if there
        are enough of them. What was begun and not finished is destroyed: nobody can finish it."""
        for campaign in self:
            self.env.flush_all()
            self.env.cr.execute(SQL(
                "SELECT id, state, is_paper, is_counted FROM survey_user_input"
                " WHERE campaign_id = %s AND is_anonymous AND test_entry IS NOT TRUE", campaign.id,
            ))
            rows = self.env.cr.fetchall()
            done = [row for row in rows if row[1] == 'done']
            partial = [row[0] for row in rows if row[1] != 'done']
            if partial:
                self.env.cr.execute(SQL("DELETE FROM survey_user_input WHERE id IN %s", tuple(partial)))
            if done:
                self._reissue([row[0] for row in done], campaign._today())
            counted = sum(1 for row in done if row[3])
            campaign._as_server().write({
                'is_sealed': True,
                'is_released': campaign.state == 'done' and counted >= campaign.threshold,
                'partial_count': campaign.partial_count + len(partial),
                'sealed_paper_count': campaign.sealed_paper_count + sum(1 for row in done if row[2]),
            })
            campaign._level_marks()
        self.env.invalidate_all()

    def _reissue(self, ids, day):
        """Replace answers by copies in random order; see ``_seal_answers``."""
        cr = self.env.cr
        Answer, Line = self.env['survey.user_input'], self.env['survey.user_input.line']
        shuffler = random.SystemRandom()

        def numbers(table, count):
            cr.execute(SQL(
                "SELECT nextval(pg_get_serial_sequence(%s, 'id')) FROM generate_series(1, %s)", table, count))
            return sorted(number for [number] in cr.fetchall())

        old = list(ids)
        shuffler.shuffle(old)
        new = numbers('survey_user_input', len(old))
        midnight = fields.Datetime.to_datetime(day)
        held = {
            **_BLANKED, 'answered_on': day, 'create_date': midnight, 'write_date': midnight,
            'create_uid': SUPERUSER_ID, 'write_uid': SUPERUSER_ID,
        }
        kept = [
            name for name, field in Answer._fields.items()
            if field.store and field.column_type and name not in ('id', 'access_token', *held)
        ]
        cr.execute(SQL(
            """INSERT INTO survey_user_input (id, access_token, %(held)s, %(kept)s)
               SELECT m.new_id, m.token, %(values)s, %(kept_values)s
                 FROM unnest(%(old)s, %(new)s, %(tokens)s) AS m(old_id, new_id, token)
                 JOIN survey_user_input u ON u.id = m.old_id
             ORDER BY m.new_id""",
            held=SQL(', ').join(map(SQL.identifier, held)),
            kept=SQL(', ').join(map(SQL.identifier, kept)),
            values=SQL(', ').join(
                SQL("CAST(%s AS %s)", value, SQL.identifier(Answer._fields[name].column_type[0]))
                for name, value in held.items()),
            kept_values=SQL(', ').join(SQL.identifier('u', name) for name in kept),
            old=old, new=new, tokens=[str(uuid.UUID(int=shuffler.getrandbits(128), version=4)) for __ in old],
        ))
        cr.execute(SQL(
            """SELECT l.id FROM survey_user_input_line l
                 JOIN unnest(%s, %s) AS m(old_id, new_id) ON m.old_id = l.user_input_id
             ORDER BY m.new_id, l.question_sequence, l.id""", old, new))
        lines = [line for [line] in cr.fetchall()]
        new_lines = numbers('survey_user_input_line', len(lines))
        cr.execute(SQL(
            """UPDATE survey_user_input_line l
                  SET id = n.new_line, user_input_id = m.new_id, create_uid = %(root)s, write_uid = %(root)s,
                      create_date = %(day)s, write_date = %(day)s
                 FROM unnest(%(old)s, %(new)s) AS m(old_id, new_id),
                      unnest(%(lines)s::int[], %(new_lines)s::int[]) AS n(old_line, new_line)
                WHERE l.user_input_id = m.old_id AND l.id = n.old_line""",
            old=old, new=new, lines=lines, new_lines=new_lines, day=midnight, root=SUPERUSER_ID,
        ))
        asked = Answer._fields['predefined_question_ids']
        cr.execute(SQL(
            "UPDATE %s r SET %s = m.new_id FROM unnest(%s, %s) AS m(old_id, new_id) WHERE r.%s = m.old_id",
            SQL.identifier(asked.relation), SQL.identifier(asked.column1), old, new, SQL.identifier(asked.column1),
        ))
        # What Odoo keeps beside a record of its id: there should be nothing, and nothing stays.
        for model in ('mail.message', 'mail.activity', 'mail.followers', 'ir.attachment'):
            if model in self.env:
                # sudo: they belong to rows that exist no more
                self.env[model].sudo().with_context(active_test=False).search([
                    ('res_model' if model != 'mail.message' else 'model', '=', Answer._name), ('res_id', 'in', old),
                ]).unlink()
        cr.execute(SQL("DELETE FROM survey_user_input WHERE id IN %s", tuple(old)))
        Line.invalidate_model(flush=False)
        Answer.invalidate_model(flush=False)

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
        figures['reason'] = self._hidden_text(hidden) if hidden else ""
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

    def _hidden_text(self, campaigns):
        running = [campaign for campaign in campaigns if not campaign.is_sealed]
        if running:
            return self.env._("Anonymous: results show when the campaign has ended.")
        if all(campaign.state == 'cancelled' for campaign in campaigns):
            return self.env._("Anonymous and cancelled: no result.")
        return self.env._(
            "Anonymous: fewer than %s answers, so no result.", max(campaign.threshold for campaign in campaigns))

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
            self._mark_answered()
            campaign._level_marks()
            return campaign._new_answer(lang=lang, access_token=key, is_paper=is_paper)
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
