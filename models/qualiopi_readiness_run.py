"""The readiness check: every rule, each night and on demand, and its history."""

import logging

from odoo import api, fields, models
from odoo.exceptions import AccessError, UserError
from odoo.tools.misc import format_date

from .qualiopi_readiness_result import LEVELS, OPEN_LEVELS
from .readiness import RULES, Situation

_logger = logging.getLogger(__name__)


class QualiopiReadinessRun(models.Model):
    """What the check found on one day: one line a company and day, the last check of the day counts."""

    _name = 'qualiopi.readiness.run'
    _description = "Readiness Check"
    _order = 'day desc, id desc'
    _rec_name = 'day'

    company_id = fields.Many2one('res.company', required=True, readonly=True, index=True, ondelete='cascade')
    day = fields.Date(required=True, readonly=True, index=True)
    checked_on = fields.Datetime(readonly=True)
    checked_by_id = fields.Many2one('res.users', "Checked by", readonly=True, ondelete='restrict')
    referential_id = fields.Many2one('qualiopi.referential', readonly=True, ondelete='restrict')
    date_from = fields.Date("Period from", readonly=True)
    major_count = fields.Integer("Major risks", readonly=True)
    minor_count = fields.Integer("Minor risks", readonly=True)
    watch_count = fields.Integer("To watch", readonly=True)
    set_up_count = fields.Integer("To be set up", readonly=True)
    ok_count = fields.Integer("OK", readonly=True)
    none_count = fields.Integer("Not applicable", readonly=True)
    open_count = fields.Integer("Open points", readonly=True, help="Major and minor risks, to watch and to be set up.")
    details = fields.Json(readonly=True, export_string_translation=False)
    headline = fields.Char(compute='_compute_headline')
    open_result_ids = fields.Many2many(
        'qualiopi.readiness.result', string="What an auditor would object to", compute='_compute_result_ids')
    other_result_ids = fields.Many2many(
        'qualiopi.readiness.result', string="Nothing to object", compute='_compute_result_ids')

    _day_uniq = models.UniqueIndex('(company_id, day)', "This day has its check already.")

    @api.depends('day')
    @api.depends_context('lang')
    def _compute_display_name(self):
        for run in self:
            run.display_name = self.env._("Readiness on %s", format_date(self.env, run.day))

    @api.depends('open_count', 'major_count')
    @api.depends_context('lang')
    def _compute_headline(self):
        for run in self:
            if run.open_count:
                run.headline = self.env._(
                    "%(count)s points that an auditor would raise, of which %(major)s major risks",
                    count=run.open_count, major=run.major_count,
                )
            else:
                run.headline = self.env._("No open point found. Only the certification body decides.")

    @api.depends('company_id', 'checked_on')
    @api.depends_context('uid')
    def _compute_result_ids(self):
        """Where the rules stand now, in two lists; the day of the check makes no difference."""
        results = self.env['qualiopi.readiness.result'].search([('company_id', 'in', self.company_id.ids)])
        for run in self:
            own = results.filtered(lambda result, r=run: result.company_id == r.company_id)
            run.open_result_ids = own.filtered(lambda result: result.level in OPEN_LEVELS)
            run.other_result_ids = own - run.open_result_ids

    # === THE CHECK === #

    @api.model
    def _run(self, company):
        """Check all rules for one company; on the same day the line of the day is written anew.

        :param company: res.company
        :return: qualiopi.readiness.run
        """
        # sudo: the check reads and counts everything of the company, whoever asks for it
        runs = self.sudo().with_context(tracking_disable=False)
        situation = Situation(company)
        rules = runs.env['qualiopi.readiness.rule']._implemented()
        results = runs.env['qualiopi.readiness.result'].search([
            ('company_id', '=', company.id), ('rule_id', 'in', rules.ids),
        ])
        by_rule = {result.rule_id: result for result in results}
        new = rules.filtered(lambda rule: rule not in by_rule)
        created = results.with_context(tracking_disable=True).create([
            {'company_id': company.id, 'rule_id': rule.id} for rule in new
        ])
        by_rule.update({result.rule_id: result for result in created})
        counts = dict.fromkeys((level for level, __ in LEVELS), 0)
        details = []
        for rule in rules:
            result = by_rule[rule]
            verdict = self._verdict(rule, result, situation)
            quiet = result.with_context(tracking_disable=True) if result in created else result
            quiet._keep(verdict, situation.now, situation.today)
            counts[verdict.level] += 1
            details.append({
                'rule_id': rule.id, 'level': verdict.level, 'key': verdict.key, 'params': verdict.params,
                'count': result.record_count, 'hidden': result.hidden_count,
            })
        values = {
            'checked_on': situation.now,
            'checked_by_id': self.env.uid,
            'referential_id': situation.referential.id,
            'date_from': situation.first,
            'details': details,
            'open_count': sum(counts[level] for level in OPEN_LEVELS),
            **{f'{level}_count': count for level, count in counts.items()},
        }
        run = runs.search([('company_id', '=', company.id), ('day', '=', situation.today)])
        if run:
            run.write(values)
        else:
            run = runs.create({**values, 'company_id': company.id, 'day': situation.today})
        return run.with_env(self.env)

    @api.model
    def _verdict(self, rule, result, situation):
        checker = RULES[rule.code](situation.env, situation)
        if result.is_off:
            return checker.verdict(
                'none', '_off', off_on=result.off_on.isoformat(), user=result.off_by_id.name or '',
                reason=result.off_reason or '')
        if not rule._is_in_force(situation.referential):
            return checker.verdict('none', '_version')
        return checker.evaluate()

    @api.model
    def _cron_check(self):
        """Check each company whose registers are in use, one at a time; what fails is reported and left aside."""
        progress = self.env['ir.cron']._commit_progress
        companies = self._companies_in_use()
        left = len(companies)
        for company in companies:
            try:
                with self.env.cr.savepoint():
                    self._run(company)
            except Exception:
                _logger.exception("The readiness of company %s could not be checked", company.id)
                self.env.invalidate_all()
            left -= 1
            if not progress(1, remaining=left):
                return

    @api.model
    def _companies_in_use(self):
        """Companies with a quality lead or a session; those checked today already come again tomorrow."""
        companies = self.env['res.company'].search([('qualiopi_manager_id', '!=', False)], order='id')
        for [company] in self.env['qualiopi.complaint']._read_group([], ['company_id']):
            companies |= company
        now = fields.Datetime.now()
        done = {
            (company.id, day) for company, day in self.search([
                ('company_id', 'in', companies.ids), ('checked_by_id', '=', self.env.uid),
            ], order='day desc', limit=len(companies)).mapped(lambda run: (run.company_id, run.day))
        }
        return companies.filtered(lambda company: (company.id, company._qualiopi_local_date(now)) not in done)

    # === ACTIONS === #

    def action_check(self):
        """Check the company now and open what was found.

        :raise AccessError: for anybody but quality officers
        """
        if not self.env.user.has_group('qualiopi.group_officer'):
            raise AccessError(self.env._("Only quality officers start the check."))
        run = self._run(self.env.company)
        return self._home(run)

    @api.model
    def action_home(self):
        """Open the last check of the company; the first time, an officer's visit makes it.

        :raise UserError: while nobody checked yet
        """
        self.check_access('read')
        run = self.search([('company_id', '=', self.env.company.id)], limit=1)
        if not run and self.env.user.has_group('qualiopi.group_officer'):
            run = self._run(self.env.company)
        if not run:
            raise UserError(self.env._("The readiness was not checked yet: it is each night."))
        return self._home(run)

    def _home(self, run):
        return {
            'type': 'ir.actions.act_window',
            'name': self.env._("Home"),
            'res_model': self._name,
            'res_id': run.id,
            'views': [(self.env.ref('qualiopi.qualiopi_readiness_run_view_form').id, 'form')],
            'target': 'main',
        }

    def action_print(self):
        """Print the readiness report of this check."""
        return self.env.ref('qualiopi.action_report_readiness').report_action(self)
