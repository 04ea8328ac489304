from collections import defaultdict
from datetime import datetime

import pytz

from odoo import api, fields, models
from odoo.exceptions import UserError, ValidationError

from .qualiopi_guarded_mixin import is_meaningful


class QualiopiRegisterMixin(models.AbstractModel):
    _name = 'qualiopi.register.mixin'
    _description = "Quality Register"
    _inherit = 'qualiopi.guarded.mixin'
    _check_company_auto = True
    _rec_names_search = ['reference', 'name']

    # Prefix of the numbers; a model that returns another one for some entries overrides _series_of().
    _series = None
    _server_fields = {
        'reference', 'closed_on', 'closed_by_id', 'cancelled_on', 'cancel_reason', 'reopen_reason',
    }
    _frozen_fields = {'is_imported', 'company_id'}
    # What its author may still correct before anybody treats the record.
    _declarant_fields = {'name', 'description', 'event_id', 'registration_id', 'evidence_ids'}
    # Defaults that cost a query: looked up once for a batch.
    _batch_defaults = ('company_id', 'user_id', 'indicator_ids')
    # What an imported record may bring all the same.
    _import_fields = {'closed_on'}

    name = fields.Char("Subject", tracking=True)
    reference = fields.Char(readonly=True, copy=False, index='trigram')
    company_id = fields.Many2one(
        'res.company', required=True, index=True, ondelete='restrict',
        default=lambda self: self.env.company,
    )
    user_id = fields.Many2one(
        'res.users', "Owner", index=True, tracking=True, check_company=True, ondelete='restrict',
        default=lambda self: self._default_user(), domain="[('share', '=', False)]",
    )
    indicator_ids = fields.Many2many('qualiopi.indicator', string="Indicators")
    referential_id = fields.Many2one(
        'qualiopi.referential', compute='_compute_referential_id', store=True, ondelete='restrict',
        help="The version of the referential in force on the record's own date.",
    )
    referential_is_provisional = fields.Boolean(related='referential_id.is_provisional')
    is_confidential = fields.Boolean(
        "Confidential", compute='_compute_is_confidential', store=True, index=True,
    )
    is_imported = fields.Boolean("Taken over from the former register", copy=False)
    old_reference = fields.Char("Former number", copy=False, index='btree_not_null')
    closed_on = fields.Datetime(readonly=True, copy=False)
    closed_by_id = fields.Many2one('res.users', "Closed by", readonly=True, copy=False)
    cancelled_on = fields.Datetime(readonly=True, copy=False)
    cancel_reason = fields.Char("Reason for cancelling", readonly=True, copy=False, tracking=True)
    reopen_reason = fields.Char("Reason for reopening", readonly=True, copy=False, tracking=True)
    evidence_count = fields.Integer(compute='_compute_evidence_count')
    color = fields.Integer()

    # === DEFAULTS AND COMPUTES === #

    def _default_user(self):
        user = self.env.user
        return user if user.active and not user.share and self._has_role(user) else user.browse()

    def _referential_date_field(self):
        """Name of the field that holds the record's own date."""
        raise NotImplementedError

    def _compute_referential_id(self):
        in_force = self.env['qualiopi.referential']._in_force
        field = self._referential_date_field()
        by_date = {day: in_force(day) for day in set(self.mapped(field))}
        for record in self:
            record.referential_id = by_date[record[field]]

    def _compute_is_confidential(self):
        self.is_confidential = False

    def _compute_evidence_count(self):
        field = self._fields['evidence_ids'].inverse_name
        counts = dict(self.env['qualiopi.evidence']._read_group(
            [(field, 'in', self.ids)], [field], ['__count'],
        ))
        for record in self:
            record.evidence_count = counts.get(record._origin, 0)

    @api.depends('reference', 'name', 'is_confidential')
    def _compute_display_name(self):
        for record in self:
            # The name travels with links, mails and activities: that of a confidential record says nothing.
            name = record.name if not record.is_confidential else None
            record.display_name = ' – '.join(filter(None, [record.reference, name]))

    # === CONSTRAINTS === #

    @api.constrains('user_id')
    def _check_user_id(self):
        """An owner is somebody who can open the record (quality.md, G10)."""
        for record in self.filtered('user_id'):
            if record.user_id not in record._filter_audience(record.user_id):
                raise ValidationError(record.env._(
                    "%(user)s cannot own %(record)s: the person must be an active user of the company"
                    " with access to it. Choose somebody else or ask your administrator for the access.",
                    user=record.user_id.name, record=record.reference or record.env._("this record"),
                ))

    # === CRUD === #

    @api.model_create_multi
    def create(self, vals_list):
        self._check_server_values(vals_list)
        numbered = self._with_references(vals_list)
        records = super().create(numbered)
        names = {name for vals in vals_list for name in vals}
        records._check_links([{} for __ in records], records._linked_ids(names))
        # sudo: whoever records a confidential report need not see it afterwards
        records.sudo().filtered('is_confidential')._restrict_audience()
        return records

    def write(self, vals):
        if self._is_server():
            return super().write(vals)
        self.check_access('write')
        if self._closed_to(vals):
            self.filtered(lambda record: record._is_ended() and record._differs_from(vals))._check_unlocked()
        self._check_written_values(vals)
        self._check_declarant(vals)
        # sudo: what becomes confidential may be out of the user's sight once written
        open_before = self.sudo().browse()
        if self._confidentiality_fields() & vals.keys():
            # sudo: as above; write access to them was checked
            open_before = self.sudo().filtered(lambda record: not record.is_confidential)
        links = self._linked_ids(vals)
        result = super().write(vals)
        self._check_links(links, self._linked_ids(vals))
        became_confidential = open_before.filtered('is_confidential')
        if became_confidential:
            self._check_confidential_access()
            became_confidential._restrict_audience()
        if 'excluded_user_ids' in vals:
            # sudo: the persons excluded lose their following, whoever excludes them
            self.sudo().filtered('is_confidential')._restrict_audience()
        return result

    @api.ondelete(at_uninstall=False)
    def _unlink_except_register(self):
        raise UserError(self.env._(
            "Nothing is deleted from a quality register: cancel the record, with a reason."
        ))

    def _check_server_values(self, vals_list):
        super()._check_server_values(vals_list)
        if self.env.su or self._is_server() or self.env.user.has_group('qualiopi.group_officer'):
            return
        if any(vals.get('is_imported') for vals in vals_list):
            raise UserError(self.env._("Only a quality officer takes over a former register."))

    def _given_fields(self, vals):
        # Imported records bring a state of theirs.
        return self._import_fields if vals.get('is_imported') else set()

    def _check_declarant(self, vals):
        """A declarant corrects the own statement until somebody treats it; the owner treats it."""
        if self.env.su or self.env.user.has_group('qualiopi.group_officer') or not self._closed_to(vals):
            return
        self.check_access('write')
        for record in self:
            if record.user_id == self.env.user or record.is_confidential:
                continue
            if not vals.keys() <= self._declarant_fields or not record._is_untreated():
                raise UserError(self.env._(
                    "%s is being treated by the quality team: add a comment instead of changing it.",
                    record.reference,
                ))

    def _is_untreated(self):
        """Whether nobody but its author has worked on the record yet."""
        return True

    # === NUMBERS === #

    def _series_of(self, vals):
        """Prefix of the number of a record to be created from ``vals``."""
        return self._series

    def _with_references(self, vals_list):
        """Copies of the values, each with its reference (design, rule 1: no hole, per company, series
        and year of recording in the company's time zone)."""
        wanted = [name for name in self._batch_defaults if any(name not in vals for vals in vals_list)]
        defaults = self.default_get(wanted)
        now = datetime.now(pytz.utc)
        groups = defaultdict(list)
        numbered = []
        for vals in vals_list:
            vals = {**defaults, **vals}
            company = self.env['res.company'].browse(vals['company_id'])
            year = now.astimezone(pytz.timezone(company._qualiopi_tz())).year
            groups[company, self._series_of(vals), year].append(vals)
            numbered.append(vals)
        # The same order for everybody, so that two batches never wait for each other.
        for company, series, year in sorted(groups, key=lambda key: (key[0].id, *key[1:])):
            group = groups[company, series, year]
            numbers = self.env['qualiopi.number']._take(company, series, year, len(group))
            for vals, number in zip(group, numbers, strict=True):
                vals['reference'] = f'{series}/{year}/{number:04d}'
        return numbered

    # === LOCK === #

    def _linked_ids(self, written):
        """Ids of the register records that each record is linked with, per many2many field.

        :param written: names of the fields that are written
        :return: one dict a record, from field name to set of ids
        :rtype: list[dict]
        """
        names = [
            name for name, field in self._fields.items()
            if field.type == 'many2many' and field.store and not field.compute
            and name in written
            and isinstance(self.env[field.comodel_name], QualiopiRegisterMixin)
        ]
        if not names:
            return [{} for __ in self]
        # sudo: all links are compared, also with records that the user may not see
        return [{name: set(record[name].ids) for name in names} for record in self.sudo()]

    def _check_links(self, before, after):
        """A closed record refuses links from both sides: the other side is checked here."""
        changed = defaultdict(set)
        for old, new in zip(before, after, strict=True):
            for name, ids in new.items():
                changed[name] |= ids ^ old.get(name, set())
        for name, ids in changed.items():
            others = self.env[self._fields[name].comodel_name].browse(ids)
            if not self._is_server():
                others._check_unlocked()
            others._linked_from(self)

    def _linked_from(self, records):
        """Called on the other side of a link that was just made or removed."""

    def _confidentiality_fields(self):
        """Names of the fields that decide whether a record is confidential."""
        return set()

    # === LIFECYCLE === #

    def action_cancel(self, reason=None):
        """Cancel records, never delete them: only a quality manager, with a reason.

        :param str reason: why; without it the wizard that asks for it is returned
        :raise UserError: without the right or a meaningful reason
        """
        return self._with_reason('cancel', reason)

    def action_reopen(self, reason=None):
        """Reopen closed or cancelled records: only a quality manager, with a reason.

        :param str reason: why; without it the wizard that asks for it is returned
        :raise UserError: without the right or a meaningful reason
        """
        return self._with_reason('reopen', reason)

    def _with_reason(self, operation, reason):
        self.check_access('read')
        if reason is None:
            return {
                'type': 'ir.actions.act_window',
                'name': self.env['qualiopi.reason']._title(operation),
                'res_model': 'qualiopi.reason',
                'views': [(False, 'form')],
                'target': 'new',
                'context': {
                    'default_operation': operation,
                    'default_res_model': self._name,
                    'default_res_ids': ','.join(map(str, self.ids)),
                },
            }
        if operation != 'no_action':
            self._check_manager()
        self.check_access('write')
        if not is_meaningful(reason):
            raise UserError(self.env._("Give a reason in words: it will be printed."))
        getattr(self, f'_{operation}')(reason.strip())
        return True

    def _may_decide(self):
        """Whether the user cancels and reopens these records."""
        user = self.env.user
        if self.env.su or user.has_group('qualiopi.group_manager'):
            return True
        # The confidential group treats its entries to their end: managers do not see them.
        return user.has_group('qualiopi.group_confidential') and all(self.mapped('is_confidential'))

    def _check_manager(self):
        # Who has no access at all hears of no role.
        self.check_access('read')
        if not self._may_decide():
            raise UserError(self.env._("Only a quality manager cancels or reopens. Ask yours."))

    def _cancel(self, reason, moment=None):
        """Cancel without asking for the right, which the callers do.

        :param str reason: why
        :param datetime moment: UTC, now by default
        """
        self.filtered(lambda record: record.closed_on)._check_unlocked()
        self.filtered(lambda record: not record.cancelled_on)._as_server().write({
            'cancelled_on': moment or fields.Datetime.now(),
            'cancel_reason': reason,
        })

    def _reopen_values(self, reason):
        return {
            'closed_on': False,
            'closed_by_id': False,
            'cancelled_on': False,
            'cancel_reason': False,
            'reopen_reason': reason,
        }

    def _reopen(self, reason):
        ended = self.filtered(lambda record: record._is_ended())
        ended._as_server().write(self._reopen_values(reason))
        imported = ended.filtered('is_imported')
        if imported and 'state' in self._server_fields:
            # What was taken over as closed has few facts to go back to.
            imported._as_server().write({'state': self._fields['state'].get_values(self.env)[0]})
        ended._log_texts({record.id: record.env._("Reopened: %s", reason) for record in ended})

    def _close(self, moment=None):
        """Close without asking the gates, which the callers do; on a closed record, set the moment right.

        :param datetime moment: UTC, now by default
        """
        opened = self.filtered(lambda record: not record.closed_on)
        self._as_server().write({
            'closed_on': moment or fields.Datetime.now(),
            'closed_by_id': self.env.uid,
        })
        opened._log_texts({record.id: record.env._("Closed") for record in opened})

    def action_inform(self):
        """The wizard that tells people of a decision or an action and keeps whom, when and what."""
        self.check_access('read')
        return self.env['qualiopi.action.inform']._window_for(self)

    # === HELPERS === #

    def _open_records(self, records, name, **context):
        """The window that shows ``records`` of another register: the form when there is only one."""
        action = {
            'type': 'ir.actions.act_window',
            'name': name,
            'res_model': records._name,
            'domain': [('id', 'in', records.ids)],
            'view_mode': 'list,kanban,form',
            'views': [(False, 'list'), (False, 'kanban'), (False, 'form')],
            'context': context,
        }
        if len(records) == 1:
            action.update(res_id=records.id, view_mode='form', views=[(False, 'form')])
        return action
