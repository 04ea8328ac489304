"""The chains of a period: the best complete ones, and what the others lack."""

from dateutil.relativedelta import relativedelta

from odoo import api, fields, models
from odoo.exceptions import UserError

# Chains that an auditor reads.
_BEST = 3
# Rows of each list; the register of findings has them all.
_MOST = 200


class QualiopiChains(models.TransientModel):
    _name = 'qualiopi.chains'
    _description = "Chains of a Period"

    company_id = fields.Many2one('res.company', required=True, readonly=True, default=lambda self: self.env.company)
    date_from = fields.Date("From", required=True, default=lambda self: self._default_date_from())
    date_to = fields.Date("To", required=True, default=fields.Date.context_today)
    complete_ids = fields.One2many(
        'qualiopi.chains.line', 'chains_id', "Complete chains", domain=[('is_complete', '=', True)], readonly=True)
    incomplete_ids = fields.One2many(
        'qualiopi.chains.line', 'chains_id', "Incomplete chains", domain=[('is_complete', '=', False)], readonly=True)
    complete_count = fields.Integer("Number of complete chains", readonly=True)
    incomplete_count = fields.Integer("Number of incomplete chains", readonly=True)

    def _default_date_from(self):
        return fields.Date.context_today(self) - relativedelta(years=1)

    @api.depends_context('lang')
    def _compute_display_name(self):
        self.display_name = self.env._("Chains")

    @api.model
    def action_open(self):
        """Open the chains of the last twelve months.

        :rtype: dict
        """
        chains = self.create({})
        return chains.action_refresh()

    def action_refresh(self):
        """List the chains of the period: a finding with all its sources and actions that the user may read.

        :raise UserError: when the period ends before it begins
        """
        self.ensure_one()
        if self.date_from > self.date_to:
            raise UserError(self.env._("The period ends before it begins."))
        findings = self.env['qualiopi.finding'].search([
            ('company_id', '=', self.company_id.id), ('is_confidential', '=', False), ('cancelled_on', '=', False),
            ('state', '!=', 'no_action'), ('date', '<=', self.date_to),
            '|', ('date', '>=', self.date_from), '|', ('closed_on', '=', False), ('closed_on', '>=', self.date_from),
        ], order='date desc, id desc')
        lacks = findings._chain_lacks()
        complete = findings.filtered(lambda finding: not lacks[finding]).sorted(
            lambda finding: (finding._chain_score(), finding.date, finding.id), reverse=True)
        # The nearer to its end, the higher.
        incomplete = (findings - complete).sorted(lambda finding: len(lacks[finding]))
        # sudo: lines of the user's own screen
        lines = self.env['qualiopi.chains.line'].sudo()
        lines.search([('chains_id', '=', self.id)]).unlink()
        lines.create([
            {
                'chains_id': self.id, 'finding_id': finding.id, 'sequence': rank, 'lacks': lacks[finding],
                'is_complete': not lacks[finding], 'is_best': not lacks[finding] and rank <= _BEST,
            }
            for chosen in (complete, incomplete) for rank, finding in enumerate(chosen[:_MOST], start=1)
        ])
        self.write({'complete_count': len(complete), 'incomplete_count': len(incomplete)})
        return {
            'type': 'ir.actions.act_window',
            'name': self.env._("Chains"),
            'res_model': self._name,
            'res_id': self.id,
            'views': [(False, 'form')],
        }

    def action_print_best(self):
        """Print the traceability sheets of the best chains.

        :raise UserError: when no chain is complete
        """
        self.ensure_one()
        best = self.complete_ids.filtered('is_best').finding_id
        if not best:
            raise UserError(self.env._("No chain of the period is complete yet: the list below says what each lacks."))
        return self.env.ref('qualiopi.action_report_traceability').report_action(best, config=False)


class QualiopiChainsLine(models.TransientModel):
    _name = 'qualiopi.chains.line'
    _description = "Chain of a Period"
    _order = 'is_complete desc, sequence, id'

    chains_id = fields.Many2one('qualiopi.chains', required=True, readonly=True, index=True, ondelete='cascade')
    finding_id = fields.Many2one('qualiopi.finding', required=True, readonly=True, ondelete='cascade')
    sequence = fields.Integer(readonly=True)
    is_complete = fields.Boolean("Complete", readonly=True)
    is_best = fields.Boolean("To show", readonly=True)
    lacks = fields.Json(readonly=True, export_string_translation=False)
    lacking = fields.Char("What it lacks", compute='_compute_lacking')
    date = fields.Date(related='finding_id.date')
    sources = fields.Char(compute='_compute_links')
    actions = fields.Char(compute='_compute_links')

    @api.depends('lacks')
    @api.depends_context('lang')
    def _compute_lacking(self):
        labels = {
            'source': self.env._("source"),
            'cause': self.env._("cause"),
            'action': self.env._("action"),
            'evidence': self.env._("evidence of an action"),
            'verdict': self.env._("effectiveness of an action"),
            'closing': self.env._("closing of the finding"),
        }
        for line in self:
            line.lacking = ", ".join(labels[code] for code in line.lacks or [])

    @api.depends('finding_id')
    @api.depends_context('uid')
    def _compute_links(self):
        for line in self:
            finding = line.finding_id
            entries = finding.complaint_ids._filtered_access('read')
            line.sources = ", ".join(entries.mapped('reference')) or finding.source_id.display_name
            line.actions = ", ".join(finding.action_ids._filtered_access('read').mapped('reference'))

    def action_open_finding(self):
        """Open the finding, with its chain."""
        self.ensure_one()
        return {
            'type': 'ir.actions.act_window',
            'res_model': 'qualiopi.finding',
            'res_id': self.finding_id.id,
            'views': [(False, 'form')],
        }
