from collections import defaultdict

from odoo import api, fields, models
from odoo.tools import email_normalize

from .event_event import _GROUPS


class EventRegistration(models.Model):
    _name = 'event.registration'
    _inherit = ['event.registration', 'qualiopi.referenced.mixin']

    learner_id = fields.Many2one(
        'res.partner',
        compute='_compute_learner_id',
        store=True,
        readonly=False,
        index='btree_not_null',
        check_company=True,
        help="The learner's own contact: the person with this e-mail address, when there is exactly"
        " one. \"Booked by\" is often the employer.",
    )
    sponsor_id = fields.Many2one(
        'res.partner',
        compute='_compute_sponsor_id',
        store=True,
        readonly=False,
        index='btree_not_null',
        check_company=True,
        help="The organisation that ordered the training. Proposed from \"Booked by\".",
    )
    funder_id = fields.Many2one(
        'res.partner',
        index='btree_not_null',
        check_company=True,
        help="The organisation that pays for the training.",
    )
    complaint_ids = fields.One2many(
        'qualiopi.complaint',
        'registration_id',
        "Register entries",
        groups=_GROUPS,
    )
    complaint_count = fields.Integer(
        "Number of register entries",
        compute='_compute_complaint_count',
        groups=_GROUPS,
    )

    @api.depends('email', 'company_id')
    def _compute_learner_id(self):
        emails = {registration: email_normalize(registration.email) for registration in self}
        candidates = defaultdict(list)
        wanted = set(filter(None, emails.values()))
        if wanted:
            persons = (
                self.env['res.partner']
                .with_context(active_test=True)
                .search_fetch(
                    [('email_normalized', 'in', wanted), ('is_company', '=', False)],
                    ['email_normalized', 'company_id'],
                )
            )
            for person in persons:
                candidates[person.email_normalized].append(person)
        for registration, email in emails.items():
            if not email:
                # Nothing to look for: what was chosen by hand stays.
                registration.learner_id = registration.learner_id
                continue
            fitting = [
                person
                for person in candidates[email]
                if not person.company_id or person.company_id in registration.company_id.parent_ids
            ]
            registration.learner_id = fitting[0] if len(fitting) == 1 else False

    @api.depends('partner_id')
    def _compute_sponsor_id(self):
        for registration in self:
            sponsor = registration.partner_id.commercial_partner_id
            fits = (
                not sponsor.company_id or sponsor.company_id in registration.company_id.parent_ids
            )
            if not registration.sponsor_id and sponsor.is_company and fits:
                registration.sponsor_id = sponsor
            else:
                registration.sponsor_id = registration.sponsor_id

    @api.depends('complaint_ids')
    @api.depends_context('uid', 'allowed_company_ids')
    def _compute_complaint_count(self):
        self._qualiopi_count('complaint_count', 'qualiopi.complaint', 'registration_id')

    @api.constrains('learner_id', 'sponsor_id', 'funder_id', 'company_id')
    def _check_qualiopi_company(self):
        self._check_company(['learner_id', 'sponsor_id', 'funder_id'])

    def get_formview_id(self, access_uid=None):
        """The light form for users without the Event application's groups: its own needs more."""
        user = self.env['res.users'].browse(access_uid) if access_uid else self.env.user
        if not user.has_group('event.group_event_registration_desk'):
            return self.env.ref('qualiopi.event_registration_view_form_qualiopi').id
        return super().get_formview_id(access_uid=access_uid)

    def action_view_complaints(self):
        """Open the register entries about the learner's participation.

        :return: a window action
        :rtype: dict
        """
        self.ensure_one()
        defaults = {
            'default_registration_id': self.id,
            'default_event_id': self.event_id.id,
            'default_partner_id': self.learner_id.id,
        }
        if self.company_id in self.env.companies:
            defaults['default_company_id'] = self.company_id.id
        return self._qualiopi_window(
            'qualiopi.complaint',
            self.env._("Register"),
            [('registration_id', '=', self.id)],
            **defaults,
        )
