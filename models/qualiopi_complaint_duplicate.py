"""Duplicates of an entry: those that resemble it, and merging them."""

from datetime import timedelta

from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.fields import Command, Domain
from odoo.tools.sql import escape_psql

_SIMILAR_DAYS = 60


class QualiopiComplaint(models.Model):
    _inherit = 'qualiopi.complaint'

    duplicate_of_id = fields.Many2one(
        'qualiopi.complaint', "Merged into", readonly=True, copy=False, index='btree_not_null',
        ondelete='restrict',
    )
    duplicate_ids = fields.One2many('qualiopi.complaint', 'duplicate_of_id', "Duplicates", readonly=True)
    similar_ids = fields.Many2many('qualiopi.complaint', string="Resembling entries", compute='_compute_similar_ids')
    similar_count = fields.Integer(compute='_compute_similar_ids')

    # === RESEMBLING ENTRIES === #

    @api.depends('partner_id', 'email_from', 'event_id', 'category_id', 'received_on')
    def _compute_similar_ids(self):
        for complaint in self:
            similar = complaint.browse()
            domain = complaint._similar_domain()
            if domain is not None:
                similar = complaint.search(domain, limit=10)
            complaint.similar_ids = similar
            complaint.similar_count = len(similar)

    def _similar_domain(self):
        """Entries of the last weeks that may be the same: one person, or one session and category."""
        self.ensure_one()
        alike = []
        if self.partner_id:
            alike.append(Domain('partner_id', '=', self.partner_id.id))
        if self.email_from:
            alike.append(Domain('email_from', '=ilike', escape_psql(self.email_from.strip())))
        if self.event_id and self.category_id:
            alike.append(Domain('event_id', '=', self.event_id.id) & Domain('category_id', '=', self.category_id.id))
        if not alike or not self.received_on or self._is_ended():
            return None
        return (
            Domain.OR(alike)
            & Domain('id', '!=', self._origin.id)
            & Domain('company_id', '=', self.company_id.id)
            & Domain('state', '!=', 'cancelled')
            & Domain('received_on', '>=', self.received_on - timedelta(days=_SIMILAR_DAYS))
        )

    def action_view_similar(self):
        """Open the entries that resemble this one."""
        return self._open_records(self.similar_ids, self.env._("Resembling entries"))

    # === MERGING === #

    def action_merge(self):
        """The wizard that merges duplicates: these entries and, for one entry, those resembling it."""
        complaints = self | self.similar_ids if len(self) == 1 else self
        return {
            'type': 'ir.actions.act_window',
            'name': self.env._("Merge duplicates"),
            'res_model': 'qualiopi.complaint.merge',
            'views': [(False, 'form')],
            'target': 'new',
            'context': {
                'default_complaint_ids': [Command.set(complaints.ids)],
                'default_kept_id': min(complaints, key=lambda c: (c.received_on, c.id)).id,
            },
        }

    def _merge_into(self, kept):
        """Cancel these entries with a link to the one that is kept; no text changes (design, rule 5).

        :param kept: the entry that goes on
        :raise UserError: across companies, or when one of them is closed
        """
        duplicates = self - kept
        (duplicates | kept)._check_unlocked()
        if duplicates.company_id - kept.company_id:
            raise UserError(self.env._("Only entries of one company can be merged."))
        if any(duplicate.is_confidential != kept.is_confidential for duplicate in duplicates):
            raise UserError(self.env._("A confidential entry cannot be merged with another one."))
        duplicates._as_server().write({'duplicate_of_id': kept.id})
        for duplicate in duplicates:
            duplicate._cancel(self.env._("Duplicate of %s", kept.reference))
        kept.message_post(body=self.env._(
            "Merged into this entry: %s", ", ".join(duplicates.mapped('reference')),
        ))

    def _reopen_values(self, reason):
        return {**super()._reopen_values(reason), 'duplicate_of_id': False}
