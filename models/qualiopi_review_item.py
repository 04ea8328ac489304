from markupsafe import Markup

from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.fields import Command
from odoo.tools import SQL
from odoo.tools.misc import formatLang

from .qualiopi_guarded_mixin import is_meaningful


class QualiopiReviewItem(models.Model):
    """One item of a review: what is looked at, what was said, what was decided and what came of it."""

    _name = 'qualiopi.review.item'
    _description = "Review Item"
    _inherit = 'qualiopi.part.mixin'
    _order = 'review_id, sequence, id'
    _check_company_auto = True
    _server_fields = frozenset({'figures', 'decisions', 'kind', 'entry_id', 'late_action_id'})

    review_id = fields.Many2one('qualiopi.review', required=True, index=True, ondelete='restrict')
    company_id = fields.Many2one(related='review_id.company_id', store=True, index=True)
    is_locked = fields.Boolean(related='review_id.is_locked')
    review_state = fields.Selection(related='review_id.state', string="State of the review")
    topic_id = fields.Many2one(
        'qualiopi.review.topic', ondelete='restrict', index='btree_not_null', check_company=True,
    )
    guidance = fields.Text(related='topic_id.guidance')
    sequence = fields.Integer(default=160)
    name = fields.Char("Item", required=True)

    # A line of the weekly meeting
    kind = fields.Selection([
        ('topic', "Topic"),
        ('entry', "Open entry"),
        ('action', "Late action"),
    ], required=True, default='topic', readonly=True)
    entry_id = fields.Many2one(
        'qualiopi.complaint', "Register entry", readonly=True, index='btree_not_null', ondelete='restrict',
        check_company=True,
    )
    late_action_id = fields.Many2one(
        'qualiopi.improvement.action', "Action", readonly=True, index='btree_not_null', ondelete='restrict',
        check_company=True,
    )
    subject = fields.Char(compute='_compute_subject')
    owner_id = fields.Many2one('res.users', "Who has it", compute='_compute_subject')
    due_on = fields.Date(compute='_compute_subject')
    is_late = fields.Boolean("Late", compute='_compute_subject')

    # Figures
    figures = fields.Json(readonly=True, copy=False, export_string_translation=False)
    decisions = fields.Json("Previous decisions", readonly=True, copy=False, export_string_translation=False)
    figures_html = fields.Html("Figures of the registers", compute='_compute_figures_html', sanitize=False)
    key_figure = fields.Char("Key figure", compute='_compute_figures_html')

    # What came of it
    discussion = fields.Text()
    decision = fields.Text()
    aside_reason = fields.Char("Set aside because")
    state = fields.Selection([
        ('open', "To treat"),
        ('treated', "Treated"),
        ('aside', "Put aside"),
    ], compute='_compute_state', store=True)
    finding_ids = fields.Many2many(
        'qualiopi.finding', 'qualiopi_review_item_finding_rel', 'item_id', 'finding_id', string="Findings",
        check_company=True, copy=False,
    )
    action_ids = fields.Many2many(
        'qualiopi.improvement.action', 'qualiopi_review_item_action_rel', 'item_id', 'action_id', string="Actions",
        check_company=True, copy=False,
    )

    # === COMPUTES === #

    @api.depends('discussion', 'decision', 'aside_reason', 'topic_id.code', 'review_id.priority_1',
                 'review_id.item_ids.decision')
    def _compute_state(self):
        """The state follows the facts: a word said or a decision taken treats an item."""
        for item in self:
            if is_meaningful(item.discussion) or is_meaningful(item.decision) or item._is_treated_elsewhere():
                item.state = 'treated'
            else:
                item.state = 'aside' if is_meaningful(item.aside_reason) else 'open'

    def _is_treated_elsewhere(self):
        """Priorities and decisions have their own places: nobody types them twice."""
        if self.topic_id.code == 'priorities':
            return is_meaningful(self.review_id.priority_1)
        if self.topic_id.code == 'decisions':
            return any(is_meaningful(item.decision) for item in self.review_id.item_ids)
        return False

    @api.depends('entry_id', 'late_action_id', 'name')
    @api.depends_context('uid')
    def _compute_subject(self):
        """What a line of the weekly meeting is about: what became confidential says its number alone, to
        everybody, since minutes are printed for all."""
        entries, actions = self._shown('entry_id'), self._shown('late_action_id')
        for item in self:
            entry, action = item.entry_id & entries, item.late_action_id & actions
            record = entry or action
            item.subject = record.name if record else item.kind != 'topic' and self.env._("Restricted access")
            item.owner_id = record.user_id if record else False
            item.due_on = action.date_due or (
                entry.response_deadline and entry.company_id._qualiopi_local_date(entry.response_deadline)
            )
            item.is_late = bool(action) or entry.is_late

    @api.depends('figures', 'decisions')
    @api.depends_context('lang')
    def _compute_figures_html(self):
        for item in self:
            figures = item.figures or []
            parts = []
            if figures:
                parts.append(item._figures_table(figures))
            if item.decisions:
                parts.append(item._decisions_table(item.decisions))
            item.figures_html = Markup().join(parts) or False
            first = figures[0] if figures else None
            item.key_figure = first and f"{first['label']} : {self._figure_text(first)}"

    @api.model
    def _figure_text(self, figure, name='value'):
        """A figure as people read it.

        :param dict figure: see qualiopi.review._figure
        :param str name: ``value`` or ``previous``
        :rtype: str
        """
        value = figure.get(name)
        if value is None:
            return "–"
        digits = 0 if float(value).is_integer() else 1
        return ' '.join(filter(None, [formatLang(self.env, value, digits=digits), figure.get('unit')]))

    @api.model
    def _figure_change(self, figure):
        """The change against the period before, with its sign; empty when there is nothing to compare."""
        value, previous = figure.get('value'), figure.get('previous')
        if value is None or previous is None:
            return ''
        change = round(value - previous, 1)
        if not change:
            return "="
        digits = 0 if float(change).is_integer() else 1
        return ('+' if change > 0 else '−') + formatLang(self.env, abs(change), digits=digits)

    def _figures_table(self, figures):
        row = Markup(
            '<tr><td>%s<div class="text-muted small">%s</div></td><td class="text-end fw-bold text-nowrap">%s</td>'
            '<td class="text-end text-muted text-nowrap">%s</td>'
            '<td class="text-end text-muted text-nowrap">%s</td></tr>'
        )
        return Markup(
            '<table class="table table-sm mb-2"><thead><tr><th scope="col">%s</th>'
            '<th scope="col" class="text-end">%s</th><th scope="col" class="text-end">%s</th>'
            '<th scope="col" class="text-end">%s</th></tr></thead>'
            '<tbody>%s</tbody></table>'
        ) % (
            self.env._("Figure"), self.env._("This period"), self.env._("Before"), self.env._("Change"),
            Markup().join(
                row % (
                    figure['label'], figure.get('note') or '', self._figure_text(figure),
                    self._figure_text(figure, 'previous'), self._figure_change(figure),
                ) for figure in figures
            ),
        )

    def _decisions_table(self, decisions):
        row = Markup(
            '<tr><td>%s<div class="text-muted small">%s</div></td><td class="text-nowrap">%s</td><td>%s</td></tr>'
        )
        return Markup(
            '<table class="table table-sm mb-2"><thead><tr><th scope="col">%s</th><th scope="col">%s</th>'
            '<th scope="col">%s</th></tr></thead><tbody>%s</tbody></table>'
        ) % (
            self.env._("Decision"), self.env._("Came of it"), self.env._("Where it stands"),
            Markup().join(
                row % (
                    decision['decision'], f"{decision['review']} · {decision['item']}",
                    decision['reference'] or '–', decision['state'],
                ) for decision in decisions
            ),
        )

    # === CRUD === #

    def _server_default(self, name):
        return 'topic' if name == 'kind' else super()._server_default(name)

    @api.model_create_multi
    def create(self, vals_list):
        items = super().create(vals_list)
        items._check_unlocked()
        return items

    def write(self, vals):
        self.check_access('write')
        self._check_unlocked()
        if any(item.review_id.id != vals.get('review_id', item.review_id.id) for item in self):
            raise UserError(self.env._("An item stays with its review."))
        return super().write(vals)

    @api.ondelete(at_uninstall=False)
    def _unlink_except_opened(self):
        self._check_unlocked()
        for item in self:
            is_new = item.review_state == 'open' and not item.topic_id and item.state == 'open'
            if item.review_state != 'planned' and not is_new:
                raise UserError(self.env._(
                    "\"%s\" was on the agenda when the review was opened: set it aside with a word instead.", item.name,
                ))

    def _check_unlocked(self):
        if not self._is_server():
            self.review_id._check_unlocked()

    # === DECISIONS === #

    def action_create_finding(self):
        """Make a finding of the decision, linked with it.

        :raise UserError: without a decision
        """
        self.ensure_one()
        self._check_decided()
        finding = self._make_finding(self._first_line())
        return finding._open_records(finding, finding.display_name)

    def action_create_action(self):
        """Make an action of the decision in one click: with the finding that the plan asks for.

        :raise UserError: without a decision
        """
        self.ensure_one()
        self._check_decided()
        finding = self.finding_ids.filtered(lambda f: not f._is_ended())[-1:] or self._make_finding(self.name)
        action = self.env['qualiopi.improvement.action'].create({
            'name': self._first_line(),
            'description': self.decision,
            'company_id': self.company_id.id,
            'action_type': 'improvement',
            'finding_ids': [Command.link(finding.id)],
        })
        self.action_ids = [Command.link(action.id)]
        return action._open_records(action, action.display_name)

    def _check_decided(self):
        self._check_unlocked()
        if self.review_state != 'open':
            raise UserError(self.env._("Open the review first: decisions are taken with the figures on the table."))
        if not is_meaningful(self.decision):
            raise UserError(self.env._("Write the decision first: it becomes the action or the finding."))

    def _first_line(self):
        return self.decision.strip().split('\n', 1)[0][:200]

    def _make_finding(self, name):
        finding = self.env['qualiopi.finding'].create({
            'name': name,
            'description': self.discussion or self.decision,
            'company_id': self.company_id.id,
            'date': self.review_id._day(),
            'source_id': self.env.ref('qualiopi.source_review').id,
        })
        self.finding_ids = [Command.link(finding.id)]
        return finding

    def _shown(self, name):
        """Linked records that may stand in a review: those that the user reads and that are not confidential."""
        return self[name]._filtered_access('read').filtered(lambda record: not record.is_confidential)

    def _linked_count(self, name):
        """How many findings or actions each item has, the confidential included: their number alone is told.

        :param str name: ``finding_ids`` or ``action_ids``
        :return: number by id of the item
        :rtype: dict
        """
        field = self._fields[name]
        self.flush_model([name])
        if not self.ids:
            return {}
        return dict(self.env.execute_query(SQL(
            "SELECT %(own)s, COUNT(*) FROM %(table)s WHERE %(own)s IN %(ids)s GROUP BY %(own)s",
            own=SQL.identifier(field.column1), table=SQL.identifier(field.relation), ids=tuple(self.ids),
        )))

    # === WALK THROUGH === #

    def action_next(self):
        """The next item of the agenda that waits for a word, or back to the review.

        :return: a window action
        :rtype: dict
        """
        self.ensure_one()
        waiting = self.review_id.agenda_ids.filtered(lambda item: item.state == 'open' and item != self)
        behind = waiting.filtered(lambda item: (item.sequence, item.id) > (self.sequence, self.id))
        following = (behind or waiting)[:1]
        return following.action_treat() if following else {'type': 'ir.actions.act_window_close'}

    def action_treat(self):
        """Open the item by itself: figures, discussion, decision."""
        self.ensure_one()
        return {
            'type': 'ir.actions.act_window',
            'name': self.name,
            'res_model': self._name,
            'res_id': self.id,
            'views': [(self.env.ref('qualiopi.qualiopi_review_item_view_form').id, 'form')],
            'target': 'new',
        }


class QualiopiFinding(models.Model):
    _inherit = 'qualiopi.finding'

    review_ids = fields.Many2many('qualiopi.review', string="Decided in", compute='_compute_review_ids')

    @api.depends_context('uid')
    def _compute_review_ids(self):
        """Reviews in which the finding was decided, as far as the user may read them."""
        if not self.env['qualiopi.review.item'].has_access('read'):
            self.review_ids = False
            return
        items = self.env['qualiopi.review.item'].search([('finding_ids', 'in', self.ids)])
        for finding in self:
            finding.review_ids = items.filtered(
                lambda item, f=finding: f._origin in item.finding_ids,
            ).review_id._filtered_access('read')
