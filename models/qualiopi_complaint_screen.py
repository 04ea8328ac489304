"""Screens of an entry: windows of its steps, its place in the chain, the finding and the action made from it."""

from odoo import api, fields, models
from odoo.fields import Command

from .qualiopi_complaint import ANSWERED_NATURES


class QualiopiComplaint(models.Model):
    _inherit = 'qualiopi.complaint'

    offered_natures = fields.Char(compute='_compute_offered_natures', export_string_translation=False)
    finding_count = fields.Integer(compute='_compute_neighbour_counts')
    action_ids = fields.Many2many('qualiopi.improvement.action', string="Actions", compute='_compute_neighbour_counts')
    action_count = fields.Integer(compute='_compute_neighbour_counts')

    # === WHAT THE USER MAY DO === #

    @api.depends('user_id')
    def _compute_may_treat(self):
        return super()._compute_may_treat()

    @api.depends('nature', 'company_id')
    @api.depends_context('uid')
    def _compute_offered_natures(self):
        """The natures that the user may choose: nobody would read a report while the confidential group
        is empty, and outside of it reports go by their own form (design, rule 8)."""
        member = self.env.user.has_group('qualiopi.group_confidential')
        natures = [nature for nature in self._fields['nature'].get_values(self.env) if nature != 'safeguarding']
        for complaint in self:
            own = ['safeguarding'] if member or complaint.nature == 'safeguarding' else []
            complaint.offered_natures = ','.join(natures + own)

    # === WINDOWS === #

    def action_treat(self):
        """The one screen from receipt to closing."""
        self.ensure_one()
        return self._treat_window()

    def action_analyse(self):
        """The window of the analysis: one cause and one line are enough."""
        self.ensure_one()
        return self._treat_window('analyse', self.env._("Analyse %s", self.reference))

    def action_respond(self):
        """The window of the decision and the response."""
        self.ensure_one()
        return self._treat_window('respond', self.env._("Decide and answer %s", self.reference))

    def _treat_window(self, view='treat', name=None):
        return {
            'type': 'ir.actions.act_window',
            'name': name or self.env._("Treat %s", self.reference),
            'res_model': self._name,
            'res_id': self.id,
            'views': [(self.env.ref(f'qualiopi.qualiopi_complaint_view_form_{view}').id, 'form')],
            'target': 'new',
        }

    def action_make_confidential(self):
        """The wizard that hands the entry over to the confidential group."""
        self.ensure_one()
        self.check_access('read')
        return {
            'type': 'ir.actions.act_window',
            'name': self.env._("Hand over as confidential"),
            'res_model': 'qualiopi.complaint.restrict',
            'views': [(False, 'form')],
            'target': 'new',
            'context': {'default_complaint_id': self.id},
        }

    # === THE CHAIN === #

    def _chain_levels(self):
        findings = self._chain_visible(self.finding_ids)
        return {'complaint': self, 'finding': findings, **self._chain_following(findings)}

    @api.depends('finding_ids.action_ids')
    def _compute_neighbour_counts(self):
        # One read for all entries, not one for each entry's findings.
        self.mapped('finding_ids.action_ids')
        for complaint in self:
            complaint.finding_count = len(complaint.finding_ids)
            complaint.action_ids = complaint.finding_ids.action_ids
            complaint.action_count = len(complaint.action_ids)

    def action_view_findings(self):
        """Open the findings of the entry."""
        return self._open_records(self.finding_ids, self.env._("Findings"))

    def action_view_actions(self):
        """Open the actions that came from the entry."""
        return self._open_records(self.action_ids, self.env._("Improvement actions"))

    # === WHAT FOLLOWS FROM IT === #

    def _prepare_finding_values(self):
        """Facts of the entry for the finding that is made from it."""
        self.ensure_one()
        is_complaint = self.nature in ANSWERED_NATURES
        source = self.env.ref(
            'qualiopi.source_complaint' if is_complaint else 'qualiopi.source_difficulty',
            raise_if_not_found=False,
        )
        return {
            'name': self.name,
            'description': self.description or self.name,
            'source_id': source.id if source else False,
            'complaint_ids': [Command.link(self.id)],
            'company_id': self.company_id.id,
            'event_id': self.event_id.id,
            'registration_id': self.registration_id.id,
            'course_id': self.course_id.id,
            'trainer_id': self.trainer_id.id,
            'category_id': self.category_id.id,
            'severity_id': self.severity_id.id,
            'indicator_ids': [Command.set(self.indicator_ids.ids)],
            'cause_ids': [Command.set(self.cause_ids.ids)],
            'analysis': self.analysis,
            'impact': self.impact,
            **{f'why_{number}': self[f'why_{number}'] for number in range(1, 6)},
            'similar_cases': self.similar_cases,
            'similar_details': self.similar_details,
        }

    def _make_finding(self):
        return self.env['qualiopi.finding'].create(self._prepare_finding_values())

    def action_create_finding(self):
        """Make a finding with the facts of the entry and open it."""
        self.ensure_one()
        return self._open_records(self._make_finding(), self.env._("Finding"))

    def action_create_action(self):
        """Open a new action on the entry's finding, which is made in the same click when there is none."""
        self.ensure_one()
        findings = self.finding_ids.filtered(lambda finding: not finding.is_locked) or self._make_finding()
        return findings.action_create_action()
