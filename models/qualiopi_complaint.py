"""The register of entries: what came in, from whom, about what; who owns it and who may see it.

The rest of its life is told in the files beside: treatment, deadline, closing, duplicate, screen, followup, letter.
"""

from datetime import timedelta

from odoo import api, fields, models
from odoo.exceptions import UserError, ValidationError

from .qualiopi_list_mixin import shipped_id

# Natures whose author waits for an acknowledgement and a response (design, rule 3).
ANSWERED_NATURES = ('complaint', 'safeguarding')


class QualiopiComplaint(models.Model):
    _name = 'qualiopi.complaint'
    _description = "Complaint, Difficulty or Unforeseen Event"
    _inherit = [
        'qualiopi.followup.mixin', 'qualiopi.register.mixin', 'qualiopi.subject.mixin', 'qualiopi.analysis.mixin',
        'qualiopi.screen.mixin',
    ]
    _order = 'received_on desc, id desc'
    _folded_states = ('closed', 'cancelled')
    _owner_treats = True
    _primary_email = 'email_from'
    _series = 'REG'
    _server_fields = {
        'reference', 'state', 'closed_on', 'closed_by_id', 'cancelled_on', 'cancel_reason',
        'reopen_reason', 'duplicate_of_id', 'version_ids',
    }
    _import_fields = {'state', 'closed_on', 'cancelled_on', 'cancel_reason'}
    _declarant_fields = {
        'name', 'description', 'remedy_requested', 'event_id', 'registration_id', 'evidence_ids',
    }
    _batch_defaults = ('company_id', 'user_id', 'indicator_ids', 'channel_id', 'severity_id')

    # Receipt
    nature = fields.Selection([
        ('complaint', "Complaint"),
        ('difficulty', "Difficulty"),
        ('unforeseen', "Unforeseen event"),
        ('safeguarding', "Safeguarding report"),
    ], required=True, default='complaint', index=True, tracking=True,
        help="Complaint: somebody asks for what is due, in writing. Difficulty: something hinders the"
             " training. Unforeseen event: something external disrupts it. Safeguarding report:"
             " violence, harassment, discrimination; seen by the confidential group alone.")
    description = fields.Text(
        "What happened", tracking=False,
        help="The words as they came. What arrived by mail, form, portal or survey is never edited.",
    )
    text_origin = fields.Selection([
        ('staff', "Typed by staff"),
        ('mail', "E-mail"),
        ('form', "Public form"),
        ('portal', "Portal"),
        ('survey', "Survey"),
    ], required=True, default='staff', readonly=True, copy=False)
    version_ids = fields.One2many('qualiopi.complaint.version', 'complaint_id', "Former texts", readonly=True)
    remedy_requested = fields.Text("Remedy asked for")
    received_on = fields.Datetime(
        required=True, default=fields.Datetime.now, tracking=True, index=True, copy=False,
    )
    received_date = fields.Date(
        "Received on (date)", compute='_compute_received_date', store=True, index=True,
        help="The day of receipt in the company's time zone.",
    )
    channel_id = fields.Many2one(
        'qualiopi.channel', ondelete='restrict', check_company=True,
        default=lambda self: shipped_id(self.env, 'channel_phone'),
    )
    stakeholder_id = fields.Many2one('qualiopi.stakeholder', ondelete='restrict', check_company=True, index=True)
    is_anonymous = fields.Boolean("Anonymous")
    partner_id = fields.Many2one(
        'res.partner', "Complainant", index='btree_not_null', tracking=True, check_company=True,
        ondelete='restrict',
    )
    contact_name = fields.Char("Complainant's name", compute='_compute_contact', store=True, readonly=False)
    email_from = fields.Char("E-mail", compute='_compute_contact', store=True, readonly=False, index='trigram')
    phone = fields.Char(compute='_compute_contact', store=True, readonly=False)
    complainant = fields.Char("From", compute='_compute_complainant')

    # Context: see qualiopi.subject.mixin
    event_id = fields.Many2one(compute='_compute_event_id', store=True, readonly=False)
    trainer_id = fields.Many2one(compute='_compute_trainer_id', store=True, readonly=False)
    category_id = fields.Many2one(tracking=True)
    severity_color = fields.Integer(
        "Colour of the severity", related='severity_id.color', export_string_translation=False,
    )
    indicator_ids = fields.Many2many(
        default=lambda self: list(filter(None, [shipped_id(self.env, 'indicator_31')])),
    )
    excluded_user_ids = fields.Many2many(
        'res.users', string="Persons excluded", groups='qualiopi.group_confidential', copy=False,
        check_company=True,
        help="Members of the confidential group who are named in the report and must not see it.",
    )

    # Lifecycle and neighbours
    state = fields.Selection([
        ('received', "Received"),
        ('acknowledged', "Acknowledged"),
        ('analysis', "Under analysis"),
        ('treatment', "In treatment"),
        ('answered', "Answered"),
        ('closed', "Closed"),
        ('cancelled', "Cancelled"),
    ], compute='_compute_state', store=True, index=True, copy=False, group_expand=True)
    has_response_steps = fields.Boolean(compute='_compute_has_response_steps')
    finding_ids = fields.Many2many(
        'qualiopi.finding', 'qualiopi_complaint_finding_rel', 'complaint_id', 'finding_id',
        string="Findings", check_company=True, copy=False,
    )
    evidence_ids = fields.One2many('qualiopi.evidence', 'complaint_id')
    communication_ids = fields.One2many('qualiopi.communication', 'complaint_id', "Who was told")

    _reference_uniq = models.UniqueIndex(
        '(company_id, reference)', "This number is taken already.",
    )

    # === RECEIPT AND CONTEXT === #

    def _referential_date_field(self):
        return 'received_date'

    @api.depends('received_date')
    def _compute_referential_id(self):
        return super()._compute_referential_id()

    @api.depends('received_on', 'company_id')
    def _compute_received_date(self):
        for complaint in self:
            complaint.received_date = complaint.received_on and (
                complaint.company_id._qualiopi_local_date(complaint.received_on)
            )

    @api.depends('partner_id')
    def _compute_contact(self):
        for complaint in self:
            partner = complaint.partner_id
            complaint.contact_name = partner.name or complaint.contact_name
            complaint.email_from = partner.email or complaint.email_from
            complaint.phone = partner.phone or complaint.phone

    @api.depends('is_anonymous', 'partner_id', 'contact_name', 'email_from')
    def _compute_complainant(self):
        for complaint in self:
            if complaint.is_anonymous:
                complaint.complainant = complaint.env._("Anonymous")
            else:
                complaint.complainant = (
                    complaint.partner_id.display_name or complaint.contact_name or complaint.email_from
                )

    @api.depends('registration_id')
    def _compute_event_id(self):
        for complaint in self:
            # sudo: the learner's session, which whoever types the entry need not see
            complaint.event_id = complaint.sudo().registration_id.event_id or complaint.event_id

    @api.depends('event_id')
    def _compute_trainer_id(self):
        for complaint in self:
            trainers = complaint.event_id.trainer_ids
            if not complaint.trainer_id and len(trainers) == 1:
                complaint.trainer_id = trainers

    @api.depends('nature')
    def _compute_has_response_steps(self):
        for complaint in self:
            complaint.has_response_steps = complaint.nature in ANSWERED_NATURES

    # === STATE === #

    @api.depends('nature', 'ack_date', 'ack_impossible_reason', 'cause_ids', 'analysis', 'finding_ids',
                 'correction', 'decision', 'response_date', 'response_impossible_reason',
                 'closed_on', 'cancelled_on')
    def _compute_state(self):
        """The state follows the facts, in whatever order they are filled in."""
        states = list(self._fields['state'].get_values(self.env))
        for complaint in self:
            answers = complaint.nature in ANSWERED_NATURES
            if complaint.cancelled_on:
                state = 'cancelled'
            elif complaint.closed_on:
                state = 'closed'
            elif answers and (complaint.response_date or complaint.response_impossible_reason):
                state = 'answered'
            elif complaint.decision or complaint.correction:
                state = 'treatment'
            elif complaint.cause_ids or complaint.analysis or complaint.finding_ids:
                state = 'analysis'
            elif answers and (complaint.ack_date or complaint.ack_impossible_reason):
                state = 'acknowledged'
            else:
                state = 'received'
            if complaint.is_imported and complaint.state and states.index(complaint.state) > states.index(state):
                # A record taken over comes in any state, with few of its facts (design, rule 9).
                state = complaint.state
            complaint.state = state

    def _is_ended(self):
        return self.state in ('closed', 'cancelled')

    def _is_untreated(self):
        return self.state == 'received'

    @api.depends('state')
    def _compute_is_locked(self):
        return super()._compute_is_locked()

    # === CONSTRAINTS === #

    @api.constrains('received_on', 'ack_date', 'response_date')
    def _check_dates(self):
        """Nothing was received, acknowledged or answered in the future."""
        soon = fields.Datetime.now() + timedelta(minutes=5)
        for complaint in self:
            for name in ('received_on', 'ack_date', 'response_date'):
                if complaint[name] and complaint[name] > soon:
                    raise ValidationError(self.env._(
                        "\"%(date)s\" of %(record)s lies in the future.",
                        date=self._fields[name]._description_string(self.env), record=complaint.reference,
                    ))

    @api.onchange('received_on', 'ack_date', 'response_date')
    def _onchange_dates(self):
        received = self.received_on
        for name in ('ack_date', 'response_date'):
            if received and self[name] and self[name].date() < received.date():
                return {'warning': {
                    'title': self.env._("Dates out of order"),
                    'message': self.env._(
                        "\"%s\" comes before the receipt. An auditor will ask: is one of the dates wrong?",
                        self._fields[name]._description_string(self.env),
                    ),
                }}
        return None

    @api.constrains('event_id', 'registration_id')
    def _check_registration_id(self):
        # sudo: learner and session fit or not, whatever the user may read of them
        for complaint in self.sudo():
            if complaint.registration_id and complaint.registration_id.event_id != complaint.event_id:
                raise ValidationError(self.env._(
                    "%(learner)s is not registered for %(session)s.",
                    learner=complaint.registration_id.display_name, session=complaint.event_id.display_name,
                ))

    # === CRUD === #

    @api.model_create_multi
    def create(self, vals_list):
        return super().create(self._with_default_owners(vals_list))

    def write(self, vals):
        if not self._is_server() and 'description' in vals:
            self._keep_versions(vals['description'])
        return super().write(vals)

    def _keep_versions(self, description):
        """Texts of others are never edited; our own only until the acknowledgement, later with the
        former text kept beside (design, rule 2)."""
        changed = self.filtered(lambda c: (c.description or '') != (description or ''))
        for complaint in changed.filtered(lambda c: c.text_origin != 'staff'):
            raise UserError(self.env._(
                "The text of %s is what its author wrote: it is never edited. Add a comment instead.",
                complaint.reference,
            ))
        versions = changed.filtered(lambda c: c.description and c.state != 'received')
        # sudo: nobody writes former texts by hand; the entry itself is written with the user's rights
        self.env['qualiopi.complaint.version'].sudo().create([{
            'complaint_id': complaint.id,
            'description': complaint.description,
            'user_id': self.env.uid,
            'date': fields.Datetime.now(),
        } for complaint in versions])

    def _server_default(self, name):
        return {'state': 'received', 'text_origin': 'staff'}.get(name) or super()._server_default(name)

    def _series_of(self, vals):
        category = self.env['qualiopi.category'].browse(vals.get('category_id'))
        # sudo: whether the category is confidential is asked, not shown
        if vals.get('nature') == 'safeguarding' or category.sudo().is_confidential:
            return 'SIG'
        return self._series

    def _with_references(self, vals_list):
        defaults = self.default_get(['nature', 'category_id'])
        vals_list = [{**defaults, **vals} for vals in vals_list]
        if not self.env.su and not self.env.user.has_group('qualiopi.group_confidential'):
            if any(self._series_of(vals) == 'SIG' for vals in vals_list):
                raise UserError(self.env._(
                    "A safeguarding report goes straight to the confidential group:"
                    " use \"Report a serious situation\"."
                ))
        return super()._with_references(vals_list)

    # === WHO OWNS IT === #

    @api.model
    def _with_default_owners(self, vals_list):
        """Copies of the values with the owner whom the settings name, where somebody who is no quality
        officer, or a door, names nobody. A declarant is only proposed as owner: that names nobody."""
        user = self.env.user
        if not self.env.su and any(user.has_group(f'qualiopi.group_{role}') for role in ('officer', 'confidential')):
            return vals_list
        named = {user.id} if not self.env.su else set()
        waiting = [
            vals for vals in vals_list
            if (not vals.get('user_id') or vals['user_id'] in named)
            and not vals.get('is_imported') and not vals.get('excluded_user_ids')
        ]
        owners = self._default_owner_for(waiting)
        by_vals = {id(vals): owner for vals, owner in zip(waiting, owners, strict=True) if owner}
        return [
            {**vals, 'user_id': by_vals[id(vals)].id} if id(vals) in by_vals else vals
            for vals in vals_list
        ]

    @api.model
    def _default_owner_for(self, vals_list):
        """Owners whom the settings name for new entries, who may open them; one lookup for all.

        :param list vals_list: values of entries to be created
        :return: one user a dict of values, or an empty recordset
        :rtype: list
        """
        if not vals_list:
            return []
        defaults = self.default_get(['company_id', 'nature', 'category_id'])
        keys = [
            tuple({**defaults, **vals}.get(name) or False for name in ('company_id', 'nature', 'category_id'))
            for vals in vals_list
        ]
        # sudo: a declarant's entry finds its owner, whom the declarant need not see
        rules = self.env['qualiopi.default.owner'].sudo()
        companies = {company for company, __, __ in keys} & rules._companies_with_rules()
        if not companies:
            return [rules.user_id] * len(keys)
        rules = rules.search([('company_id', 'in', list(companies))])
        owners = {
            key: rules._owner_of(*key, confidential=self._series_of({'nature': key[1], 'category_id': key[2]}) == 'SIG')
            for key in set(keys)
        }
        return [owners[key] for key in keys]

    # === WHO MAY SEE IT === #

    @api.depends('nature', 'category_id.is_confidential')
    def _compute_is_confidential(self):
        for complaint in self:
            complaint.is_confidential = (
                complaint.nature == 'safeguarding' or complaint.category_id.is_confidential
            )

    def _confidentiality_fields(self):
        return {'nature', 'category_id'}

    def _excluded_users(self):
        # sudo: the field is the confidential group's, and the answer decides on access alone
        return self.sudo().excluded_user_ids

    def _allowed_partners(self, partners):
        # sudo: whether the complainant is among the partners given
        return super()._allowed_partners(partners) | (partners & self.sudo().partner_id)

    def _confidential_neighbours(self):
        return self._all_linked('finding_ids')
