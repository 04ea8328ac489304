"""Where each rule stands today: one line a company and rule, kept up to date by the nightly check."""

from markupsafe import Markup

from odoo import api, fields, models
from odoo.exceptions import AccessError, UserError
from odoo.fields import Command

from .qualiopi_guarded_mixin import is_meaningful

# Those of domain.md, section 5: only the certification body says more.
LEVELS = [
    ('major', "Major risk"),
    ('minor', "Minor risk"),
    ('watch', "To watch"),
    ('set_up', "To be set up"),
    ('ok', "OK"),
    ('none', "Not applicable"),
]
OPEN_LEVELS = ('major', 'minor', 'watch', 'set_up')
_RANKS = {level: rank for rank, (level, __) in enumerate(LEVELS)}
_KINDS = {'major': 'major_gap', 'minor': 'minor_gap'}
# Ids kept of the records behind a verdict; the count is always whole.
_MOST_IDS = 500


class QualiopiReadinessResult(models.Model):
    _name = 'qualiopi.readiness.result'
    _description = "Readiness"
    _inherit = ['mail.thread', 'mail.activity.mixin']
    _order = 'level_rank, sequence, id'
    _rec_name = 'rule_id'
    _mail_post_access = 'read'

    company_id = fields.Many2one('res.company', required=True, readonly=True, index=True, ondelete='cascade')
    rule_id = fields.Many2one('qualiopi.readiness.rule', required=True, readonly=True, index=True, ondelete='cascade')
    code = fields.Char(related='rule_id.code', store=True)
    name = fields.Char(related='rule_id.name')
    sequence = fields.Integer(related='rule_id.sequence', store=True)
    advice = fields.Text(related='rule_id.advice')
    indicator_id = fields.Many2one(related='rule_id.indicator_id', store=True, index=True)
    basis = fields.Selection(related='rule_id.basis', store=True, string="Asked by")
    level = fields.Selection(LEVELS, required=True, readonly=True, default='none', index=True, tracking=True)
    level_rank = fields.Integer(compute='_compute_level_rank', store=True, export_string_translation=False)
    since = fields.Date("At this level since", readonly=True)
    checked_on = fields.Datetime(readonly=True)
    facts = fields.Json(readonly=True, export_string_translation=False)
    reason = fields.Text(compute='_compute_reason')
    record_model = fields.Char(readonly=True, export_string_translation=False)
    record_ids = fields.Json(readonly=True, export_string_translation=False)
    record_count = fields.Integer("Records", readonly=True, aggregator=None)
    hidden_count = fields.Integer(
        "Of which restricted", readonly=True, aggregator=None,
        help="Confidential records: their number alone is shown.",
    )
    finding_ids = fields.One2many('qualiopi.finding', compute='_compute_finding_ids', string="Findings")
    finding_count = fields.Integer("Number of findings", compute='_compute_finding_ids')

    # Switched off
    is_off = fields.Boolean("Switched off", readonly=True, tracking=True)
    off_reason = fields.Char("Why it is switched off", readonly=True, tracking=True)
    off_on = fields.Date("Switched off on", readonly=True)
    off_by_id = fields.Many2one('res.users', "Switched off by", readonly=True, ondelete='restrict')

    _rule_uniq = models.UniqueIndex('(company_id, rule_id)', "This rule has its line already.")

    # === COMPUTES === #

    @api.depends('level')
    def _compute_level_rank(self):
        for result in self:
            result.level_rank = _RANKS.get(result.level, len(_RANKS))

    @api.depends('facts', 'rule_id')
    @api.depends_context('lang')
    def _compute_reason(self):
        for result in self:
            facts = result.facts or {}
            result.reason = result.rule_id._render(facts.get('key') or '', facts.get('params'))

    @api.depends('rule_id')
    @api.depends_context('uid')
    def _compute_finding_ids(self):
        """Open findings that the rule brought up."""
        findings = self.env['qualiopi.finding'].search([
            ('readiness_rule_id', 'in', self.rule_id.ids), ('company_id', 'in', self.company_id.ids),
            ('cancelled_on', '=', False), ('closed_on', '=', False),
        ])
        for result in self:
            own = findings.filtered(
                lambda f, r=result: f.readiness_rule_id == r.rule_id and f.company_id == r.company_id)
            result.finding_ids = own
            result.finding_count = len(own)

    # === CRUD === #

    def write(self, vals):
        """People discuss a result and plan activities on it; only the check writes it."""
        written = {
            name for name in vals
            if name in self._fields and not name.startswith(('message_', 'activity_', 'my_activity_'))
        }
        if written and not self.env.su:
            raise AccessError(self.env._("What the readiness check found is written by the program alone."))
        return super().write(vals)

    # === SCREEN === #

    def action_check(self):
        """Check the company now and show the list anew.

        :raise AccessError: for anybody but quality officers
        """
        self.env['qualiopi.readiness.run'].action_check()
        return {'type': 'ir.actions.client', 'tag': 'soft_reload'}

    @api.model
    def get_empty_list_help(self, help_message):
        """An empty list says that nothing was found only where somebody looked."""
        help_message = super().get_empty_list_help(help_message)
        is_checked = self.search_count([('company_id', 'in', self.env.companies.ids)], limit=1)
        if not help_message or is_checked:
            return help_message
        return Markup('<p class="o_view_nocontent_smiling_face">%s</p><p>%s</p>') % (
            self.env._("Not checked yet"),
            self.env._("The rules are checked against the registers each night; \"Check now\" does it at once."),
        )

    # === WHAT IS BEHIND === #

    def _keep(self, verdict, moment, day):
        """Write down what a rule found; counts are whole, confidential records a number."""
        self.ensure_one()
        records = verdict.records
        names, ids, hidden = False, [], 0
        if records:
            visible = records
            if 'is_confidential' in records._fields:
                visible = records.filtered(lambda record: not record.is_confidential)
            elif 'action_id' in records._fields:
                visible = records.filtered(lambda record: not record.action_id.is_confidential)
            hidden = len(records) - len(visible)
            names, ids = records._name, visible.ids[:_MOST_IDS]
        values = {
            'facts': {'key': verdict.key, 'params': verdict.params},
            'record_model': names,
            'record_ids': ids,
            'record_count': len(records) if records else 0,
            'hidden_count': hidden,
            'level': verdict.level,
        }
        changed = {name: value for name, value in values.items() if self[name] != value}
        if 'level' in changed or not self.since:
            changed['since'] = day
        self.write({**changed, 'checked_on': moment})

    def action_view_records(self):
        """Open the records behind the verdict, as far as the user may see them."""
        self.ensure_one()
        model = self.env.get(self.record_model or '')
        if model is None or not self.record_ids:
            raise UserError(self.env._(
                "There is no record to open: what is missing is missing, or access to it is restricted."))
        model.check_access('read')
        return {
            'type': 'ir.actions.act_window',
            'name': self.rule_id.name,
            'res_model': self.record_model,
            'views': [(False, 'list'), (False, 'form')],
            'domain': [('id', 'in', self.record_ids)],
            'context': {'active_test': False, 'create': False},
        }

    def action_create_finding(self):
        """Open a new finding pre-filled with what the rule says."""
        self.ensure_one()
        source = self.env.ref('qualiopi.source_internal_audit', raise_if_not_found=False)
        return {
            'type': 'ir.actions.act_window',
            'name': self.env._("New finding"),
            'res_model': 'qualiopi.finding',
            'views': [(False, 'form')],
            'context': {
                'default_name': self.rule_id.name,
                'default_description': self.reason,
                'default_kind': _KINDS.get(self.level, 'weak_point'),
                'default_source_id': source.id if source else False,
                'default_indicator_ids': [Command.set(self.indicator_id.ids)],
                'default_company_id': self.company_id.id,
                'default_readiness_rule_id': self.rule_id.id,
            },
        }

    def action_create_activity(self):
        """Open Odoo's own dialog that plans an activity on this line."""
        self.ensure_one()
        return {
            'type': 'ir.actions.act_window',
            'name': self.env._("Plan an activity"),
            'res_model': 'mail.activity.schedule',
            'views': [(False, 'form')],
            'target': 'new',
            'context': {
                'active_model': self._name, 'active_ids': self.ids, 'active_id': self.id,
                'default_summary': self.rule_id.name,
            },
        }

    def action_view_findings(self):
        """Open the findings that the rule brought up."""
        self.ensure_one()
        return {
            'type': 'ir.actions.act_window',
            'name': self.env._("Findings"),
            'res_model': 'qualiopi.finding',
            'views': [(False, 'list'), (False, 'form')],
            'domain': [('id', 'in', self.finding_ids.ids)],
        }

    # === SWITCHED OFF === #

    def action_switch_off(self, reason=None):
        """Leave a rule aside, with a reason that is printed.

        :param str reason: why; without it the dialog that asks for it is returned
        :raise UserError: without a meaningful reason, or for anybody but a quality manager
        """
        self._check_manager()
        if reason is None:
            return {
                'type': 'ir.actions.act_window',
                'name': self.env._("Switch the rule off"),
                'res_model': 'qualiopi.readiness.off',
                'views': [(False, 'form')],
                'target': 'new',
                'context': {'default_result_id': self.id},
            }
        if not is_meaningful(reason):
            raise UserError(self.env._("Give a reason in words: it will be printed."))
        for result in self:
            # sudo: the line is the program's; the right of the quality manager was checked
            result.sudo().write({
                'is_off': True, 'off_reason': reason.strip(), 'off_by_id': self.env.uid,
                'off_on': result.company_id._qualiopi_local_date(fields.Datetime.now()),
            })
        self._check_again()
        return True

    def action_switch_on(self):
        """Look at the rule again.

        :raise UserError: for anybody but a quality manager
        """
        self._check_manager()
        # sudo: the line is the program's; the right of the quality manager was checked
        self.sudo().write({'is_off': False, 'off_reason': False, 'off_by_id': False, 'off_on': False})
        self._check_again()
        return True

    def _check_manager(self):
        self.check_access('read')
        if not self.env.user.has_group('qualiopi.group_manager'):
            raise UserError(self.env._("Only a quality manager switches rules off and on."))

    def _check_again(self):
        for company in self.company_id:
            self.env['qualiopi.readiness.run']._run(company)
