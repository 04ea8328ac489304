"""Chains: a finding with all its sources and actions, and what it still lacks to be shown whole."""

from odoo import fields, models


class QualiopiFinding(models.Model):
    _inherit = 'qualiopi.finding'

    readiness_rule_id = fields.Many2one(
        'qualiopi.readiness.rule', "Readiness rule", copy=False, index='btree_not_null', ondelete='set null',
        help="The rule of the readiness check that brought the finding up.",
    )

    def _chain_lacks(self):
        """Links that each chain still lacks, in the order of the loop (RNQ, indicator 32).

        :return: codes by finding, none for a complete chain: ``source``, ``cause``, ``action``, ``evidence``,
            ``verdict``, ``closing``
        :rtype: dict[recordset, list[str]]
        """
        actions = self.action_ids
        actions.fetch(['phase', 'last_verdict'])
        proven = {
            action.id for [action] in self.env['qualiopi.evidence']._read_group(
                [('action_id', 'in', actions.ids)], ['action_id'])
        }
        lacks = {}
        for finding in self:
            own = finding.action_ids.filtered(lambda action: action.phase != 'cancelled')
            done = own.filtered(lambda action: action.phase == 'done')
            lacks[finding] = [code for code, is_missing in (
                ('source', not (finding.complaint_ids or finding.source_id)),
                ('cause', finding.kind != 'strength' and not finding._known_causes()),
                ('action', not own),
                ('evidence', bool(own) and any(action.id not in proven for action in own)),
                ('verdict', bool(own) and own != done),
                ('closing', finding.state != 'closed'),
            ) if is_missing]
        return lacks

    def _chain_score(self):
        """How well a complete chain shows the loop: the entry behind it, figures before and after, several proofs."""
        self.ensure_one()
        done = self.action_ids.filtered(lambda action: action.phase == 'done')
        return (
            2 * bool(self.complaint_ids) + 2 * any(done.mapped('has_value_after'))
            + bool(self.event_id) + bool(self.communication_ids or done.communication_ids)
            + min(len(done.evidence_ids), 3)
        )
