from odoo import SUPERUSER_ID, api, fields, models
from odoo.exceptions import AccessError, UserError
from odoo.http import request
from odoo.tools import SQL

from .qualiopi_feedback_campaign import MOMENTS
from .survey_question import USES

# Who answered, and exactly when: an anonymous answer never holds it.
_IDENTITY = {'partner_id': False, 'email': False, 'nickname': False, 'feedback_invite_id': False, 'invite_token': False}
_TIMES = ('start_datetime', 'end_datetime')


class SurveyUser_Input(models.Model):  # noqa: N801
    """One answer to one campaign.

    An answer to an anonymous campaign is a ballot: no person, no address, nobody as author, dates cut
    to the day. It lies in the urn, which nobody reads, until the campaign ends; then the ballots get
    new numbers and new keys in random order (see ``qualiopi.feedback.campaign._seal_answers``).
    """

    _inherit = 'survey.user_input'

    campaign_id = fields.Many2one(
        'qualiopi.feedback.campaign', readonly=True, copy=False, index='btree_not_null', ondelete='restrict',
    )
    feedback_invite_id = fields.Many2one(
        'qualiopi.feedback.invite', "Person asked", readonly=True, copy=False, ondelete='set null',
        help="Empty when the campaign is anonymous.",
    )
    is_anonymous = fields.Boolean("Anonymous", readonly=True, copy=False)
    company_id = fields.Many2one(related='campaign_id.company_id', store=True, index='btree_not_null')
    event_id = fields.Many2one(
        related='campaign_id.event_id', store=True, string="Session", index='btree_not_null', ondelete='restrict',
    )
    course_id = fields.Many2one(
        related='campaign_id.course_id', store=True, index='btree_not_null', ondelete='restrict',
    )
    stakeholder_id = fields.Many2one(related='campaign_id.stakeholder_id', store=True, string="Stakeholder")
    trainer_id = fields.Many2one(
        related='campaign_id.trainer_id', store=True, string="Trainer", index='btree_not_null', ondelete='restrict',
    )
    moment = fields.Selection(MOMENTS, compute='_compute_moment', store=True)
    answered_on = fields.Date("Answered on", readonly=True, copy=False)
    is_paper = fields.Boolean("Answered on paper", readonly=True, copy=False)
    excluded_reason = fields.Char(
        "Why not counted", readonly=True, copy=False,
        help="An answer is never deleted: one that came twice or by mistake is set aside, with the reason.",
    )
    is_counted = fields.Boolean(
        "Counted", compute='_compute_is_counted', store=True,
        help="Complete, of a campaign, neither a test nor set aside.",
    )
    satisfaction = fields.Float(
        "Satisfaction (0–100)", compute='_compute_values', store=True, digits=(5, 2), aggregator=None,
        help="Mean of its satisfaction questions, each brought to 0–100 by the lowest and highest value of its scale.",
    )
    satisfaction_count = fields.Integer(
        "Satisfaction questions answered", compute='_compute_values', store=True, aggregator=None,
        help="Zero: the answer has no satisfaction value.",
    )
    nps = fields.Integer(
        "Recommendation (0–10)", compute='_compute_values', store=True, aggregator=None,
        help="-1: not answered.",
    )
    may_quote = fields.Boolean(
        "May be quoted", compute='_compute_values', store=True, help="The person agrees to be quoted without name.",
    )
    insertion = fields.Selection(
        [('yes', "Yes"), ('no', "No")], "In a job", compute='_compute_values', store=True,
        help="From the question on the situation after the course.",
    )

    _feedback_invite_uniq = models.UniqueIndex(
        '(feedback_invite_id) WHERE feedback_invite_id IS NOT NULL', "This person has an answer already.",
    )
    _counted_idx = models.Index('(campaign_id) WHERE is_counted IS TRUE')

    @api.depends('campaign_id.moment')
    def _compute_moment(self):
        for answer in self:
            answer.moment = answer.campaign_id.moment

    @api.depends('state', 'test_entry', 'campaign_id', 'excluded_reason')
    def _compute_is_counted(self):
        for answer in self:
            answer.is_counted = (
                answer.state == 'done' and not answer.test_entry and bool(answer.campaign_id)
                and not answer.excluded_reason
            )

    @api.depends('campaign_id', 'user_input_line_ids.qualiopi_value', 'user_input_line_ids.qualiopi_use')
    def _compute_values(self):
        for answer in self:
            # Odoo's other surveys have no values of ours.
            lines = answer.user_input_line_ids if answer.campaign_id else answer.user_input_line_ids.browse()
            by_use = lines.filtered(lambda line: not line.skipped).grouped('qualiopi_use')
            satisfaction = by_use.get('satisfaction') or ()
            answer.satisfaction_count = len(satisfaction)
            answer.satisfaction = (
                sum(line.qualiopi_value for line in satisfaction) / len(satisfaction) if satisfaction else 0
            )
            recommended = by_use.get('nps')
            answer.nps = recommended[0].value_scale if recommended else -1
            answer.may_quote = any(
                line.suggested_answer_id.qualiopi_is_positive for line in by_use.get('consent') or ()
            )
            situation = by_use.get('insertion')
            answer.insertion = situation and (
                'yes' if any(line.suggested_answer_id.qualiopi_is_positive for line in situation) else 'no'
            )

    def _feedback_url(self, lang=None):
        """Address of the questionnaire with this answer.

        :param str lang: code of the language in which a ballot is asked; it is not stored
        :rtype: str
        """
        self.ensure_one()
        url = f'/survey/{self.survey_id.access_token}/{self.access_token}'
        return self.env['ir.http']._url_for(url, self.lang_id.code or lang) if request else url

    # === NO TRACE OF WHO AND WHEN === #

    @api.model_create_multi
    def create(self, vals_list):
        vals_list = [
            {**self._cut_times(vals), **_IDENTITY} if vals.get('is_anonymous') else vals for vals in vals_list
        ]
        answers = super().create(vals_list)
        if any(vals.get('is_anonymous') for vals in vals_list):
            answers.flush_recordset()
            answers._cut_dates()
        return answers

    def write(self, vals):
        anonymous = self.filtered('is_anonymous')
        if not anonymous or not (vals.keys() & {*_IDENTITY, *_TIMES}):
            return super().write(vals)
        super(SurveyUser_Input, self - anonymous).write(vals)
        return super(SurveyUser_Input, anonymous).write({
            **self._cut_times(vals), **{name: False for name in _IDENTITY if name in vals},
        })

    @staticmethod
    def _cut_times(vals):
        """``vals`` with the moments cut to the day."""
        cut = dict(vals)
        for name in _TIMES:
            if cut.get(name):
                moment = fields.Datetime.to_datetime(cut[name])
                cut[name] = moment.replace(hour=0, minute=0, second=0, microsecond=0)
        return cut

    def _write_multi(self, vals_list):
        result = super()._write_multi(vals_list)
        self._cut_dates()
        return result

    def _cut_dates(self):
        """Take hour and author from what Odoo notes on each row. No effect on other surveys' answers."""
        self.env.cr.execute(SQL(
            """UPDATE survey_user_input
                  SET create_uid = %(root)s, write_uid = %(root)s,
                      create_date = date_trunc('day', create_date), write_date = date_trunc('day', write_date)
                WHERE id IN %(ids)s AND is_anonymous""",
            root=SUPERUSER_ID, ids=tuple(self.ids),
        ))
        if self.env.cr.rowcount:
            self.invalidate_recordset(['create_uid', 'create_date', 'write_uid', 'write_date'], flush=False)

    def _notify_new_participation_subscribers(self):
        """No message on an appreciation: it would keep the minute for ever."""
        others = self.filtered(lambda answer: not answer.campaign_id)
        return super(SurveyUser_Input, others)._notify_new_participation_subscribers()

    def _mark_done(self):
        """Note the day; the invitation of a named answer is answered. Anonymous ones were marked at opening."""
        ours = self.filtered('campaign_id')
        for answer in ours:
            answer.answered_on = fields.Date.context_today(answer.with_context(
                tz=answer.company_id._qualiopi_tz()))
        result = super()._mark_done()
        for invite in ours.feedback_invite_id:
            invite._mark_answered()
        return result

    # === NEVER SILENTLY === #

    @api.ondelete(at_uninstall=False)
    def _unlink_except_counted(self):
        for answer in self:
            if answer.campaign_id and answer.state == 'done' and not answer.test_entry:
                raise UserError(self.env._(
                    "An appreciation is not deleted: set it aside with a reason, and it is no longer counted."))

    def action_exclude(self, reason):
        """Set answers aside: they stay readable and are no longer counted.

        :param str reason: why, to be read beside the answer
        :raise UserError: without a reason
        """
        self._check_officer()
        if not (reason or '').strip():
            raise UserError(self.env._("Say why this answer is not to be counted."))
        self._check_enough_left()
        # sudo: nobody writes on answers; the user may read these, and is a quality officer
        self.sudo().write({'excluded_reason': reason.strip()})
        self._log_on_campaign(self.env._("An answer was set aside: %s", reason.strip()))

    def _check_enough_left(self):
        """An anonymous campaign shows no result below its threshold, at no time."""
        for campaign, answers in self.filtered('is_anonymous').grouped('campaign_id').items():
            # sudo: the threshold, and the number of all its answers
            threshold = campaign.sudo().threshold
            left = self.sudo().search_count([
                ('campaign_id', '=', campaign.id), ('is_counted', '=', True), ('id', 'not in', answers.ids)])
            if left < threshold:
                raise UserError(self.env._(
                    "Fewer than %(threshold)s answers would be left of %(campaign)s, which is anonymous: what remains"
                    " could be told apart. The answer stays with the others.",
                    threshold=threshold, campaign=campaign.display_name,
                ))

    def action_include(self):
        """Count answers again that were set aside."""
        self._check_officer()
        # sudo: nobody writes on answers; the user may read these, and is a quality officer
        self.sudo().excluded_reason = False
        self._log_on_campaign(self.env._("An answer that had been set aside is counted again."))

    def _check_officer(self):
        self.check_access('read')
        if not self.env.user.has_group('qualiopi.group_officer'):
            raise AccessError(self.env._("Only quality officers may do this."))

    def _log_on_campaign(self, body):
        # sudo: the note is the campaign's; the callers have checked the right
        for campaign in self.sudo().campaign_id:
            campaign.message_post(body=body, author_id=self.env.user.partner_id.id)


class SurveyUser_InputLine(models.Model):  # noqa: N801
    _inherit = 'survey.user_input.line'

    campaign_id = fields.Many2one(related='user_input_id.campaign_id', store=True, index='btree_not_null')
    event_id = fields.Many2one(related='user_input_id.event_id', string="Session")
    course_id = fields.Many2one(related='user_input_id.course_id')
    stakeholder_id = fields.Many2one(related='user_input_id.stakeholder_id', string="Stakeholder")
    trainer_id = fields.Many2one(related='user_input_id.trainer_id', string="Trainer")
    moment = fields.Selection(related='user_input_id.moment')
    answered_on = fields.Date(related='user_input_id.answered_on')
    may_quote = fields.Boolean(related='user_input_id.may_quote')
    # As the question counted when it was answered: a later change of the question does not turn answers round.
    qualiopi_use = fields.Selection(
        USES, "Counts as", compute='_compute_qualiopi_value', store=True, precompute=True,
    )
    qualiopi_value = fields.Float(
        "Value (0–100)", compute='_compute_qualiopi_value', store=True, precompute=True, digits=(5, 2),
        aggregator='avg', help="Of a satisfaction question: 0 the worst, 100 the best value of its scale.",
    )
    verbatim = fields.Char("Comment", compute='_compute_verbatim')
    analysed_by_id = fields.Many2one('res.users', "Analysed by", readonly=True, copy=False)
    analysed_on = fields.Date("Analysed on", readonly=True, copy=False)

    _satisfaction_idx = models.Index(
        "(campaign_id, question_id, user_input_id, qualiopi_value)"
        " WHERE qualiopi_use = 'satisfaction' AND skipped IS NOT TRUE",
    )
    _verbatim_idx = models.Index("(campaign_id) WHERE qualiopi_use = 'free' AND skipped IS NOT TRUE")

    @api.depends('value_scale', 'answer_type', 'skipped')
    def _compute_qualiopi_value(self):
        for line in self:
            question = line.question_id
            ours = line.user_input_id.campaign_id
            comment = line.answer_type == 'char_box' and question.question_type != 'char_box'
            line.qualiopi_use = ours and ('free' if comment else question.qualiopi_use)
            span = question.scale_max - question.scale_min
            if line.qualiopi_use == 'satisfaction' and line.answer_type == 'scale' and span:
                value = 100 * (line.value_scale - question.scale_min) / span
                line.qualiopi_value = 100 - value if question.qualiopi_is_inverted else value
            else:
                line.qualiopi_value = 0

    @api.depends('value_char_box', 'value_text_box')
    def _compute_verbatim(self):
        for line in self:
            line.verbatim = line.value_text_box or line.value_char_box

    # === NO TRACE OF WHO AND WHEN, AND OF NO CHANGE === #

    @api.model_create_multi
    def create(self, vals_list):
        lines = super().create(vals_list)
        lines._cut_dates()
        return lines

    def write(self, vals):
        ended = self.user_input_id.filtered('is_counted')
        before = {answer: (answer.satisfaction_count, answer.satisfaction, answer.nps) for answer in ended}
        result = super().write(vals)
        for answer, (count, satisfaction, nps) in before.items():
            if (count, satisfaction, nps) != (answer.satisfaction_count, answer.satisfaction, answer.nps):
                answer._log_on_campaign(self.env._(
                    "A recorded answer was changed: satisfaction %(before)s, now %(after)s.",
                    before=f"{satisfaction:.0f}" if count else "–",
                    after=f"{answer.satisfaction:.0f}" if answer.satisfaction_count else "–",
                ))
        return result

    def _write_multi(self, vals_list):
        result = super()._write_multi(vals_list)
        self._cut_dates()
        return result

    def _cut_dates(self):
        """Take hour and author from what Odoo notes on each row. No effect on other surveys' answers."""
        if not self.ids:
            return
        self.env.cr.execute(SQL(
            """UPDATE survey_user_input_line l
                  SET create_uid = %(root)s, write_uid = %(root)s,
                      create_date = date_trunc('day', l.create_date), write_date = date_trunc('day', l.write_date)
                 FROM survey_user_input u
                WHERE l.id IN %(ids)s AND u.id = l.user_input_id AND u.is_anonymous""",
            root=SUPERUSER_ID, ids=tuple(self.ids),
        ))
        if self.env.cr.rowcount:
            self.invalidate_recordset(['create_uid', 'create_date', 'write_uid', 'write_date'], flush=False)

    # === READ STATE === #

    def action_mark_analysed(self):
        """Note that the user has read and analysed these comments today (indicator 32)."""
        self.check_access('read')
        if not self.env.user.has_group('qualiopi.group_officer'):
            raise AccessError(self.env._("Only quality officers may do this."))
        # sudo: nobody writes on answers; the user may read these, and is a quality officer
        self.sudo().filtered(lambda line: line.campaign_id and not line.analysed_on).write({
            'analysed_by_id': self.env.uid, 'analysed_on': fields.Date.context_today(self),
        })

    def action_mark_unanalysed(self):
        """Take back "analysed"."""
        self.check_access('read')
        if not self.env.user.has_group('qualiopi.group_officer'):
            raise AccessError(self.env._("Only quality officers may do this."))
        # sudo: nobody writes on answers; the user may read these, and is a quality officer
        self.sudo().filtered('campaign_id').write({'analysed_by_id': False, 'analysed_on': False})

    @api.ondelete(at_uninstall=False)
    def _unlink_except_counted(self):
        if self.user_input_id.filtered('is_counted'):
            raise UserError(self.env._(
                "An appreciation is not deleted: set it aside with a reason, and it is no longer counted."))
