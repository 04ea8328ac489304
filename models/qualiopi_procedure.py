"""Procedures: what the provider commits itself to, version after version, and which one was in force on any day."""

from dateutil.relativedelta import relativedelta

from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.fields import Domain
from odoo.tools import html2plaintext
from odoo.tools.misc import format_date

from .qualiopi_followup_mixin import Step
from .qualiopi_guarded_mixin import is_meaningful
from .qualiopi_register_mixin import QualiopiRegisterMixin

KINDS = [
    ('complaint', "Complaints, difficulties and unforeseen events"),
    ('safeguarding', "Violence, harassment and discrimination"),
    ('dropout', "Prevention of dropouts"),
    ('subcontracting', "Subcontracting"),
    ('improvement', "Continuous improvement"),
    ('disability', "Disability and accessibility"),
    ('other', "Other"),
]
# Kinds that the program has a text to begin with for.
STARTERS = ('complaint', 'safeguarding')
# Stands around what the user is to complete.
BLANK = '[['
# What may change while a version is in force: who looks after it, and when it is looked at again.
_OPEN_WHEN_PUBLISHED = {'user_id', 'next_review', 'communication_ids'}
_REVIEW_MONTHS = 12
_MAX_SIZE = 25 * 1024 * 1024
# What a browser would run instead of showing.
_REFUSED_ENDINGS = ('.html', '.htm', '.xhtml', '.svg', '.xml', '.js', '.exe', '.bat', '.cmd')


class QualiopiProcedure(models.Model):
    _name = 'qualiopi.procedure'
    _description = "Procedure"
    _inherit = ['qualiopi.cached.mixin', 'qualiopi.followup.mixin', 'qualiopi.register.mixin']
    _order = 'kind, date_from desc, id desc'
    _series = 'PRO'
    _narrative_fields = {'text'}
    _server_fields = QualiopiRegisterMixin._server_fields | {
        'version', 'date_to', 'published_on', 'published_by_id',
    }
    _import_fields = {'version', 'date_to', 'published_on', 'published_by_id'}
    _declarant_fields = set()
    _followup_fields = frozenset({'user_id', 'next_review', 'version', 'date_to', 'cancelled_on'})

    kind = fields.Selection(KINDS, "Theme", required=True, default='complaint', index=True, tracking=True)
    name = fields.Char("Title", required=True, compute='_compute_name', store=True, readonly=False, precompute=True)
    version = fields.Integer(
        readonly=True, copy=False, aggregator=None, help="Given when the version is published, without a hole.",
    )
    date_from = fields.Date(
        "In force from", copy=False, index=True, tracking=True, help="The day of publication when left empty.",
    )
    date_to = fields.Date("In force until", readonly=True, copy=False, index=True, tracking=True)
    next_review = fields.Date(copy=False, tracking=True, help="One year after coming into force when left empty.")
    text = fields.Html(sanitize_style=True, help="The text itself; or else add the file.")
    file = fields.Binary(attachment=True, copy=False)
    file_name = fields.Char(copy=False)
    change_note = fields.Text("What changes", copy=False, help="Compared with the version before.")
    published_on = fields.Datetime(readonly=True, copy=False)
    published_by_id = fields.Many2one('res.users', "Published by", readonly=True, copy=False)
    communication_ids = fields.One2many('qualiopi.communication', 'procedure_id', "Who was told")
    state = fields.Selection([
        ('draft', "Draft"),
        ('coming', "Published, not yet in force"),
        ('in_force', "In force"),
        ('archived', "No longer in force"),
        ('cancelled', "Cancelled"),
    ], compute='_compute_state', search='_search_state')
    has_starter = fields.Boolean(compute='_compute_hints', export_string_translation=False)
    has_blanks = fields.Boolean(compute='_compute_hints', export_string_translation=False)
    missing_settings = fields.Char(compute='_compute_hints', export_string_translation=False)
    public_url = fields.Char("Public link", compute='_compute_public_url')

    _reference_uniq = models.UniqueIndex('(company_id, reference)', "This number is taken already.")
    _version_uniq = models.UniqueIndex(
        "(company_id, kind, (CASE WHEN kind = 'other' THEN name ELSE '' END), version) WHERE version > 0",
        "Somebody else has just published a version of this procedure: look at it first.",
    )

    # === COMPUTES === #

    def _referential_date_field(self):
        return 'date_from'

    @api.depends('date_from')
    def _compute_referential_id(self):
        today = fields.Date.context_today(self)
        in_force = self.env['qualiopi.referential']._in_force
        for procedure in self:
            procedure.referential_id = in_force(procedure.date_from or today)

    @api.depends('kind')
    def _compute_name(self):
        titles = dict(self._fields['kind']._description_selection(self.env))
        # A title that was proposed for another kind goes with it.
        proposed = {self.env._("Procedure: %s", title) for title in titles.values()}
        for procedure in self:
            if not procedure.name or procedure.name in proposed:
                title = titles.get(procedure.kind)
                procedure.name = (
                    self.env._("Procedure: %s", title) if title and procedure.kind != 'other' else procedure.name
                )

    @api.depends('reference', 'name', 'version')
    def _compute_display_name(self):
        for procedure in self:
            number = self.env._("version %s", procedure.version) if procedure.version else self.env._("draft")
            procedure.display_name = f'{procedure.name or procedure.reference or ""} ({number})'

    @api.depends('version', 'date_from', 'date_to', 'cancelled_on')
    def _compute_state(self):
        today = fields.Date.context_today(self)
        for procedure in self:
            if procedure.cancelled_on:
                state = 'cancelled'
            elif not procedure.version:
                state = 'draft'
            elif procedure.date_to and procedure.date_to < today:
                state = 'archived'
            else:
                state = 'coming' if procedure.date_from > today else 'in_force'
            procedure.state = state

    @api.model
    def _search_state(self, operator, value):
        if operator != 'in':
            return NotImplemented
        today = fields.Date.context_today(self)
        alive = Domain('cancelled_on', '=', False)
        published = alive & Domain('version', '>', 0)
        ended = Domain('date_to', '!=', False) & Domain('date_to', '<', today)
        domains = {
            'cancelled': ~alive,
            'draft': alive & Domain('version', '=', 0),
            'archived': published & ended,
            'coming': published & ~ended & Domain('date_from', '>', today),
            'in_force': published & ~ended & Domain('date_from', '<=', today),
        }
        return Domain.OR(domains[state] for state in value if state in domains)

    @api.depends('kind', 'text', 'file', 'version')
    def _compute_hints(self):
        for procedure in self:
            is_draft = not procedure.version
            procedure.has_starter = is_draft and procedure.kind in STARTERS and not (
                is_meaningful(html2plaintext(procedure.text or '')))
            procedure.has_blanks = is_draft and BLANK in (procedure.text or '')
            missing = procedure.company_id._qualiopi_missing_for_procedure(procedure.kind) if is_draft else []
            procedure.missing_settings = ", ".join(missing) or False

    @api.depends('kind', 'version', 'company_id')
    def _compute_public_url(self):
        for procedure in self:
            procedure.public_url = bool(procedure.version) and procedure.state == 'in_force' and (
                procedure.company_id._qualiopi_procedure_url(procedure.kind))

    def _compute_evidence_count(self):
        self.evidence_count = 0

    def _is_ended(self):
        return self.state in ('archived', 'cancelled')

    @api.depends('state')
    def _compute_is_locked(self):
        return super()._compute_is_locked()

    # === CRUD === #

    @api.constrains('file', 'file_name')
    def _check_file(self):
        for procedure in self:
            if not procedure.file:
                continue
            if (procedure.file_name or '').lower().endswith(_REFUSED_ENDINGS):
                raise UserError(self.env._("Add the procedure as a PDF or an office document."))
            if len(procedure.with_context(bin_size=False).file) * 3 // 4 > _MAX_SIZE:
                raise UserError(self.env._("The file is larger than %s MB.", _MAX_SIZE // 1024 ** 2))

    def write(self, vals):
        if not self._is_server():
            frozen = {
                name: value for name, value in vals.items()
                if name not in _OPEN_WHEN_PUBLISHED and self._closed_to({name: None})
            }
            for procedure in self.filtered('version') if frozen else ():
                if procedure._differs_from(frozen):
                    raise UserError(self.env._(
                        "%s is published and keeps what it says: make a new version to change it.",
                        procedure.display_name,
                    ))
        return super().write(vals)

    # === VERSIONS === #

    def _versions_domain(self):
        """All published versions of the same procedure: of its kind; among the others, of its title."""
        self.ensure_one()
        domain = (
            Domain('company_id', '=', self.company_id.id) & Domain('kind', '=', self.kind)
            & Domain('version', '>', 0)
        )
        return domain & Domain('name', '=', self.name) if self.kind == 'other' else domain

    @api.model
    def _in_force(self, company, kind, day=None):
        """The version of a procedure in force on a day, past days included.

        :param company: res.company
        :param str kind: see the field
        :param date day: today by default, in the company's time zone
        :return: qualiopi.procedure, several for the kind ``other``, or none
        """
        day = day or company._qualiopi_local_date(fields.Datetime.now())
        found = self.search([
            ('company_id', '=', company.id), ('kind', '=', kind), ('version', '>', 0),
            ('date_from', '<=', day), '|', ('date_to', '=', False), ('date_to', '>=', day),
        ], order='date_from desc, version desc')
        return found if kind == 'other' else found[:1]

    def _missing_for_publishing(self):
        """What the version still needs before it is published, in the user's language.

        :rtype: list[str]
        """
        self.ensure_one()
        missing = []
        if not self.user_id:
            missing.append(self.env._("its owner"))
        if not self.file and not is_meaningful(html2plaintext(self.text or '')):
            missing.append(self.env._("its text or its file"))
        if self.has_blanks:
            missing.append(self.env._("what stands between double brackets in the text"))
        return missing

    def action_publish(self):
        """Publish the versions: each archives the one before, the day before it comes into force.

        :raise UserError: without the right, when something is missing, or before the version in force
        """
        self._check_manager()
        for procedure in self:
            procedure._publish()
        return True

    def _publish(self, moment=None):
        """Publish without asking for the right, which the callers do.

        :param datetime moment: UTC, now by default
        """
        self._check_unlocked()
        if self.version:
            raise UserError(self.env._("%s is published already.", self.display_name))
        missing = self._missing_for_publishing()
        if missing:
            raise UserError(self.env._(
                "%(record)s cannot be published yet. Missing: %(missing)s.",
                record=self.name, missing=" · ".join(missing),
            ))
        begin = self.date_from or self.company_id._qualiopi_local_date(moment or fields.Datetime.now())
        # sudo: all versions count, whatever the user may see of them
        earlier = self.sudo().search(self._versions_domain(), order='version desc')
        last = earlier[:1]
        if last and begin < last.date_from:
            raise UserError(self.env._(
                "Version %(version)s is in force from %(date)s: the next one cannot begin before.",
                version=last.version, date=format_date(self.env, last.date_from),
            ))
        replaced = last.filtered(lambda p: not p.date_to or p.date_to >= begin)
        replaced._as_server().write({'date_to': begin - relativedelta(days=1)})
        self._as_server().write({
            'version': (last.version or 0) + 1,
            'date_from': begin,
            'next_review': self.next_review or begin + relativedelta(months=_REVIEW_MONTHS),
            'published_on': moment or fields.Datetime.now(),
            'published_by_id': self.env.uid,
        })
        self._log_texts({self.id: self.env._("Version %s published", self.version)})
        if replaced:
            replaced._log_texts({replaced.id: self.env._("Replaced by version %s", self.version)})

    def action_new_version(self):
        """Open a draft of the next version, with the text of this one.

        :return: the window on the draft
        :rtype: dict
        """
        self.ensure_one()
        draft = self.search([
            ('company_id', '=', self.company_id.id), ('kind', '=', self.kind), ('name', '=', self.name),
            ('state', '=', 'draft'),
        ], limit=1) or self.create({
            'kind': self.kind, 'name': self.name, 'text': self.text, 'user_id': self.user_id.id,
            'company_id': self.company_id.id,
        })
        return self._open_records(draft, draft.display_name)

    def action_withdraw(self):
        """Take published versions out of force: today is their last day.

        :raise UserError: without the right, or when a version is not in force
        """
        self._check_manager()
        self.check_access('write')
        for procedure in self:
            if procedure.state != 'in_force':
                raise UserError(self.env._("%s is not in force.", procedure.display_name))
            today = procedure.company_id._qualiopi_local_date(fields.Datetime.now())
            procedure._as_server().write({'date_to': min(procedure.date_to or today, today)})
            procedure._log_texts({procedure.id: procedure.env._("Taken out of force")})
        return True

    def _cancel(self, reason, moment=None):
        for procedure in self.filtered('version'):
            raise UserError(self.env._(
                "%s was published: make a new version, or take it out of force.", procedure.display_name,
            ))
        return super()._cancel(reason, moment)

    def _reopen(self, reason):
        for procedure in self.filtered('version'):
            raise UserError(self.env._(
                "%s was in force in its time: make a new version instead.", procedure.display_name,
            ))
        return super()._reopen(reason)

    def action_view_versions(self):
        """Open all versions of the procedure, the newest first."""
        self.ensure_one()
        return {
            'type': 'ir.actions.act_window',
            'name': self.env._("Versions"),
            'res_model': self._name,
            'view_mode': 'list,form',
            'views': [(False, 'list'), (False, 'form')],
            'domain': list(self._versions_domain()),
        }

    # === STARTER TEXTS === #

    def action_starter_text(self):
        """Begin the draft with the program's text, which takes delays, contacts and mediator from the settings
        and leaves blanks between double brackets for the rest.

        :raise UserError: when there is no such text, or something is written already
        """
        self.check_access('write')
        for procedure in self:
            if not procedure.has_starter:
                raise UserError(self.env._("There is a starter text for empty drafts on complaints or safeguarding."))
            procedure.text = procedure._starter_text()
        return True

    def _starter_text(self):
        """The starter text of the procedure's kind, in French where the database has it: it is for the learners."""
        self.ensure_one()
        # sudo: what the company says of itself is for everybody to read
        company = self.company_id.sudo()
        codes = {code for code, __ in self.env['res.lang'].get_installed()}
        lang = next((code for code in (company.partner_id.lang, 'fr_FR', self.env.lang) if code in codes), 'en_US')
        company = company.with_context(lang=lang)
        # sudo: the delays are published, whoever asks
        severities = self.env['qualiopi.severity'].sudo().with_context(lang=lang).search([
            ('company_id', 'in', (False, company.id)),
        ])
        ack_days, response_days = company._qualiopi_promised_days()
        return self.env['ir.qweb'].with_context(lang=lang)._render(f'qualiopi.procedure_starter_{self.kind}', {
            'company': company,
            'lead': company.qualiopi_manager_id,
            'officer': company.qualiopi_disability_officer_id,
            'severities': severities,
            'ack_days': ack_days,
            'response_days': response_days,
            'form_url': company.qualiopi_form_enabled and company._door_url(),
            'contacts': [line for line in (company.qualiopi_safeguarding_contacts or '').split('\n') if line.strip()],
            'mediator_lines': [
                line for line in (company.qualiopi_mediator_contact or '').split('\n') if line.strip()
            ],
        }, minimal_qcontext=True)

    # === FOLLOW-UP === #

    @api.depends('version', 'next_review', 'date_to', 'cancelled_on')
    def _compute_followup_on(self):
        return super()._compute_followup_on()

    def _followup_steps(self):
        """Look at what is in force again by its review date."""
        return {
            procedure: [Step('procedure_review', procedure.user_id, procedure.next_review)]
            if procedure.version and not procedure.date_to and procedure.next_review and not procedure.cancelled_on
            else []
            for procedure in self
        }

    @api.model
    def _followup_labels(self):
        return {**super()._followup_labels(), 'procedure_review': self.env._("Review the procedure")}
