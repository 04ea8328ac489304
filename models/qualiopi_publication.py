from odoo import api, fields, models
from odoo.exceptions import AccessError, UserError, ValidationError

# One page holds the texts of a course: they are written to be read at a glance.
_SAID_LENGTH = 300
_DONE_LENGTH = 400
_PUBLISHED_FIELDS = {'kind', 'text_said', 'text_done', 'course_id', 'action_id', 'line_id', 'consent', 'company_id'}


class QualiopiPublication(models.Model):
    """A text written for publication and released by itself: what was said and what was done (RNQ, indicators
    30 and 32), or a testimony for the result sheet (indicator 2). Nothing of the registers is shown instead."""

    _name = 'qualiopi.publication'
    _description = "Text for Publication"
    _inherit = ['qualiopi.program.mixin', 'mail.thread']
    _order = 'released_on desc, id desc'
    _rec_name = 'text_said'
    _check_company_auto = True
    _server_fields = frozenset({'state', 'released_by_id', 'released_on'})

    kind = fields.Selection([
        ('change', "You said, we did"),
        ('testimony', "Testimony"),
    ], required=True, default='change', tracking=True)
    company_id = fields.Many2one(
        'res.company', required=True, index=True, ondelete='restrict', default=lambda self: self.env.company,
    )
    course_id = fields.Many2one(
        'qualiopi.course', required=True, index=True, check_company=True, ondelete='restrict', tracking=True,
    )
    text_said = fields.Text(
        "What was said", required=True, tracking=True, compute='_compute_text_said', store=True, readonly=False,
        precompute=True, help="Written for everybody to read: no name, no session, nothing that tells who spoke.",
    )
    text_done = fields.Text("What we did", tracking=True, help="Written for everybody to read.")
    action_id = fields.Many2one(
        'qualiopi.improvement.action', index='btree_not_null', check_company=True, ondelete='restrict', tracking=True,
        help="The action behind \"we did\". It is not published itself.",
    )
    line_id = fields.Many2one(
        'survey.user_input.line', "Comment", index='btree_not_null', ondelete='restrict',
        groups='qualiopi.group_officer', help="A comment whose author agreed to be quoted without name.",
    )
    consent = fields.Char(
        help="For a testimony from elsewhere: how and when its author agreed, such as \"letter of 3 March\".",
    )
    state = fields.Selection([
        ('draft', "Draft"),
        ('released', "Released"),
        ('withdrawn', "Withdrawn"),
    ], required=True, default='draft', readonly=True, copy=False, index=True, tracking=True)
    released_by_id = fields.Many2one('res.users', "Released by", readonly=True, copy=False, tracking=True)
    released_on = fields.Date("Released on", readonly=True, copy=False, tracking=True)

    @api.depends('line_id')
    def _compute_text_said(self):
        for publication in self:
            line = publication.line_id
            publication.text_said = publication.text_said or line.value_text_box or line.value_char_box

    # === CONSTRAINTS === #

    @api.constrains('kind', 'text_said', 'text_done', 'action_id')
    def _check_texts(self):
        for publication in self:
            is_change = publication.kind == 'change'
            if not (publication.text_said or '').strip() or is_change and not (publication.text_done or '').strip():
                raise ValidationError(self.env._("Write what is to be read: what was said, and what you did."))
            if is_change and not publication.action_id:
                raise ValidationError(self.env._("Choose the action behind what you did: it is your evidence."))
            if len(publication.text_said) > _SAID_LENGTH or len(publication.text_done or '') > _DONE_LENGTH:
                raise ValidationError(self.env._(
                    "The page stays readable with short texts: at most %(said)s characters for what was said and"
                    " %(done)s for what you did.", said=_SAID_LENGTH, done=_DONE_LENGTH,
                ))

    @api.constrains('action_id', 'line_id')
    def _check_chain(self):
        if any(publication._is_restricted() for publication in self):
            raise ValidationError(self.env._("What belongs to this chain is never published."))

    @api.constrains('kind', 'line_id', 'consent', 'action_id')
    def _check_consent(self):
        for publication in self.filtered(lambda publication: publication.kind == 'testimony'):
            if not publication._has_consent():
                raise ValidationError(self.env._(
                    "A testimony needs the consent of its author: choose a comment that may be quoted, or note how"
                    " and when its author agreed.",
                ))

    def _is_restricted(self):
        """Whether something before or behind the text has restricted access.

        :rtype: bool
        """
        self.ensure_one()
        # sudo: whether the chain is confidential, whoever may read it; nothing of it is shown
        publication = self.sudo().with_context(active_test=False)
        findings = publication.action_id.finding_ids
        return any((
            publication.action_id.is_confidential, *findings.mapped('is_confidential'),
            *findings.complaint_ids.mapped('is_confidential'), publication.line_id.campaign_id.is_confidential,
        ))

    def _has_consent(self):
        """Whether the author of a testimony agreed, and the answer still counts."""
        self.ensure_one()
        # sudo: whether the author agreed, nothing else of the answer
        line = self.sudo().line_id
        if not line:
            return bool((self.consent or '').strip())
        answer = line.user_input_id
        campaign = answer.campaign_id
        return (
            line.qualiopi_use == 'free' and answer.may_quote and answer.is_counted
            and campaign.company_id == self.company_id and (not campaign.is_anonymous or campaign.is_released)
        )

    # === CRUD === #

    @api.model_create_multi
    def create(self, vals_list):
        if not self.env.su and any(self._server_fields & vals.keys() for vals in vals_list):
            raise UserError(self.env._("A text is released by its button."))
        return super().create(vals_list)

    def write(self, vals):
        if not self.env.su:
            self.check_access('write')
            if self._server_fields & vals.keys():
                raise UserError(self.env._("A text is released by its button."))
            if _PUBLISHED_FIELDS & vals.keys() and 'released' in self.mapped('state'):
                raise UserError(self.env._("This text is public: withdraw it, change it, then have it released again."))
        return super().write(vals)

    @api.ondelete(at_uninstall=False)
    def _unlink_except_released(self):
        if any(publication.released_on for publication in self):
            raise UserError(self.env._("What was public once is withdrawn, not deleted."))

    # === RELEASE === #

    def _check_manager(self):
        self.check_access('write')
        if not self.env.su and not self.env.user.has_group('qualiopi.group_manager'):
            raise AccessError(self.env._("Only the quality lead releases and withdraws texts."))

    def action_release(self):
        """Make the texts public, each by itself, with the day and who decided.

        :raise AccessError: for anybody but the quality lead
        :raise UserError: for a cancelled action
        """
        self._check_manager()
        self._check_chain()
        self._check_consent()
        for publication in self:
            if publication.action_id.cancelled_on:
                raise UserError(self.env._("The action of this text was cancelled: nothing was done."))
        # sudo: the button writes what nobody writes by hand; the right was checked
        self.sudo().write({
            'state': 'released', 'released_by_id': self.env.uid, 'released_on': fields.Date.context_today(self),
        })

    def action_withdraw(self):
        """Take the texts off the page and the sheets."""
        self._check_manager()
        # sudo: the button writes what nobody writes by hand; the right was checked
        self.sudo().filtered(lambda publication: publication.state == 'released').write({'state': 'withdrawn'})

    @api.model
    def _public(self, domain):
        """Released texts that may be shown at this moment: a chain may have become confidential, a consent may
        have been withdrawn since.

        :param domain: on this model
        """
        found = self.search([('state', '=', 'released'), *domain])
        return found.filtered(lambda publication: not publication._is_restricted() and (
            publication.kind != 'testimony' or publication._has_consent()))


class QualiopiCourse(models.Model):
    _name = 'qualiopi.course'
    _inherit = ['qualiopi.course', 'qualiopi.door.mixin']
    _door_letter = 'k'

    publication_ids = fields.One2many(
        'qualiopi.publication', 'course_id', "Texts for publication",
        groups='qualiopi.group_officer,qualiopi.group_auditor',
    )
    publication_count = fields.Integer(
        "Number of texts", compute='_compute_publication_count',
        groups='qualiopi.group_officer,qualiopi.group_auditor',
    )

    @api.depends('publication_ids')
    @api.depends_context('uid', 'allowed_company_ids')
    def _compute_publication_count(self):
        counts = dict(self.env['qualiopi.publication']._read_group(
            [('course_id', 'in', self.ids)], ['course_id'], ['__count']))
        for course in self:
            course.publication_count = counts.get(course._origin, 0)

    def _is_door_open(self):
        return self.active

    def _door_url(self):
        """Address of the page "you said, we did" of the course.

        :rtype: str
        """
        self.ensure_one()
        return f'{self.get_base_url()}/qualiopi/said-and-done/{self._door_token()}'

    def _said_and_done(self):
        """What the page and the sheet of the course show, newest first."""
        self.ensure_one()
        return self.env['qualiopi.publication']._public([('course_id', '=', self.id), ('kind', '=', 'change')])

    def action_view_publications(self):
        """Open the texts for publication of the course.

        :return: a window action
        :rtype: dict
        """
        self.ensure_one()
        self.check_access('read')
        action = self.env['ir.actions.act_window']._for_xml_id('qualiopi.qualiopi_publication_action')
        return {**action, 'domain': [('course_id', '=', self.id)], 'context': {'default_course_id': self.id}}

    def action_open_said_and_done(self):
        """Open the public page of the course.

        :return: an action that opens an address
        :rtype: dict
        """
        self.ensure_one()
        self.check_access('read')
        return {'type': 'ir.actions.act_url', 'url': self._door_url(), 'target': 'new'}
