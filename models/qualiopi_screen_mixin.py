from odoo import api, fields, models


class QualiopiScreenMixin(models.AbstractModel):
    """What the screens of the registers share: the chain, the folded columns, who may treat a record."""

    _name = 'qualiopi.screen.mixin'
    _description = "Screens of the Registers"

    # States whose column is folded on a kanban grouped by state.
    _folded_states = ()
    # Whether its owner treats a record without being a quality officer.
    _owner_treats = False

    chain = fields.Json(compute='_compute_chain', export_string_translation=False)
    may_treat = fields.Boolean(compute='_compute_may_treat', export_string_translation=False)

    # === CHAIN === #

    @api.depends_context('uid', 'lang')
    def _compute_chain(self):
        """The records before and after this one in the loop, as far as the user may see them; the
        number of queries does not grow with theirs (design, "The loop")."""
        labels = self._chain_labels()
        for record in self:
            levels = record._origin._chain_levels() if record._origin else {}
            record.chain = [
                {
                    'level': level,
                    'label': label,
                    'total': len(levels.get(level, ())),
                    'nodes': [node._chain_node(current=record._origin) for node in levels.get(level, ())[:8]],
                }
                for level, label in labels.items()
            ]

    @api.model
    def _chain_labels(self):
        return {
            'complaint': self.env._("Register entries"),
            'finding': self.env._("Findings"),
            'action': self.env._("Actions"),
            'check': self.env._("Checks"),
        }

    def _chain_levels(self):
        """Neighbours by level, the record itself included.

        :rtype: dict[str, recordset]
        """
        raise NotImplementedError

    @api.model
    def _chain_visible(self, records):
        """Those of ``records`` that the user may read: a cached link may hold more."""
        return records._filtered_access('read').sorted('id')

    def _chain_following(self, findings):
        actions = self._chain_visible(findings.action_ids)
        checks = self.env['qualiopi.effectiveness.check']
        if actions:
            checks = checks.search_fetch(
                [('action_id', 'in', actions.ids)], ['action_id', 'planned_on', 'done_on', 'verdict', 'state'],
                order='id',
            )
        return {'action': actions, 'check': checks}

    def _chain_node(self, current):
        """What the chain shows of one record: its number, subject, state in words and colour."""
        self.ensure_one()
        state = self._chain_state_field()
        return {
            'model': self._name,
            'id': self.id,
            'reference': self.reference or '',
            'name': self._chain_name() or '',
            'state': dict(self._fields[state]._description_selection(self.env)).get(self[state]) or '',
            'tone': self._chain_tone(),
            'current': self == current,
        }

    def _chain_state_field(self):
        return 'state'

    def _chain_name(self):
        return self.name

    def _chain_tone(self):
        """Bootstrap colour of the state."""
        return {
            'closed': 'success', 'no_action': 'secondary', 'cancelled': 'secondary',
            'received': 'warning', 'new': 'warning',
        }.get(self.state, 'info')

    # === RIGHTS AND COLUMNS === #

    @api.depends('is_confidential')
    @api.depends_context('uid')
    def _compute_may_treat(self):
        officer = self.env.user.has_group('qualiopi.group_officer')
        confidential = self.env.user.has_group('qualiopi.group_confidential')
        for record in self:
            owner = self._owner_treats and record[self._owner_field] == self.env.user
            record.may_treat = officer or owner or confidential and record.is_confidential

    def _web_read_group_format(self, groupby, aggregates, groups):
        result = super()._web_read_group_format(groupby, aggregates, groups)
        if groupby and groupby[0] == 'state' and self._folded_states and self.env.context.get('read_group_expand'):
            for group in result:
                group['__fold'] = group['state'] in self._folded_states
        return result
