"""The sample drill: sessions drawn at random per category, as an auditor draws them, and what each has to show."""

import random

from dateutil.relativedelta import relativedelta
from markupsafe import Markup

from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.tools.misc import format_date

from .qualiopi_course import ACTION_CATEGORIES

INDICATORS = (30, 31, 32, 12, 11)
# Indicator 12 speaks of training of more than two days.
_LONG_DAYS = 2


class QualiopiDrill(models.Model):
    _name = 'qualiopi.drill'
    _description = "Sample Drill"
    _inherit = 'qualiopi.part.mixin'
    _order = 'id desc'
    _check_company_auto = True
    _server_fields = frozenset({'drawn_on', 'drawn_by_id', 'population'})
    _frozen_fields = frozenset({'company_id'})

    name = fields.Char(compute='_compute_name')
    company_id = fields.Many2one(
        'res.company', required=True, readonly=True, index=True, ondelete='cascade',
        default=lambda self: self.env.company,
    )
    date_from = fields.Date("From", required=True, default=lambda self: self._default_date_from())
    date_to = fields.Date("To", required=True, default=fields.Date.context_today)
    per_category = fields.Integer("Sessions per category", required=True, default=2)
    seed = fields.Integer(
        required=True, default=lambda self: random.SystemRandom().randrange(1, 1000000), aggregator=None,
        help="The same seed on the same sessions draws the same sample: note it to draw it again.",
    )
    drawn_on = fields.Datetime(readonly=True, copy=False)
    drawn_by_id = fields.Many2one('res.users', "Drawn by", readonly=True, copy=False, ondelete='restrict')
    population = fields.Integer("Sessions of the period", readonly=True, copy=False, aggregator=None)
    line_ids = fields.One2many('qualiopi.drill.line', 'drill_id', "Sessions drawn", readonly=True)
    missing_count = fields.Integer("Proofs missing", compute='_compute_missing_count')

    _per_category_range = models.Constraint(
        'CHECK(per_category BETWEEN 1 AND 50)', "Between 1 and 50 sessions per category.")

    def _default_date_from(self):
        return fields.Date.context_today(self) - relativedelta(years=1)

    @api.depends('seed', 'date_from', 'date_to')
    @api.depends_context('lang')
    def _compute_name(self):
        for drill in self:
            drill.name = self.env._(
                "Draw no. %(seed)s, sessions from %(first)s to %(last)s", seed=drill.seed,
                first=format_date(self.env, drill.date_from), last=format_date(self.env, drill.date_to),
            )

    @api.depends('line_ids.missing_count')
    def _compute_missing_count(self):
        for drill in self:
            drill.missing_count = sum(drill.line_ids.mapped('missing_count'))

    @api.model_create_multi
    def create(self, vals_list):
        drills = super().create(vals_list)
        # Other companies' sessions are not drawn: the company is one of the user's.
        drills._check_own_company()
        return drills

    def write(self, vals):
        if not self.env.su and self.filtered('drawn_on'):
            raise UserError(self.env._("A draw stays as it was made: make another one."))
        return super().write(vals)

    def _check_own_company(self):
        for drill in self:
            if not self.env.su and drill.company_id not in self.env.companies:
                raise UserError(self.env._("You have no access to this company."))

    def _draw(self, events):
        """Sessions of the sample, by category: the seed and the sessions alone decide.

        :param events: event.event, all of the period
        :rtype: dict[str, recordset]
        """
        self.ensure_one()
        drawn = {}
        for category in [code for code, __ in ACTION_CATEGORIES] + [False]:
            ids = sorted(events.filtered(lambda event, c=category: event.action_category == c).ids)
            if ids:
                # Each category by itself: sessions of another one change nothing. Nobody is to foresee it for long.
                dice = random.Random(f'{self.seed}-{category}')  # noqa: S311
                drawn[category] = events.browse(sorted(dice.sample(ids, min(self.per_category, len(ids)))))
        return drawn

    def action_draw(self):
        """Draw the sample; what each session has to show is read anew each time it is looked at.

        :raise UserError: when no session ended in the period
        """
        self.ensure_one()
        self.check_access('write')
        if self.drawn_on:
            raise UserError(self.env._("A draw stays as it was made: make another one."))
        if self.date_from > self.date_to:
            raise UserError(self.env._("The period ends before it begins."))
        # sudo: sessions of the company, whatever the user may read of events
        company = self.sudo().company_id
        events = company.env['event.event'].search([
            ('company_id', '=', company.id), ('kanban_state', '!=', 'cancel'),
            ('date_end', '>=', company._qualiopi_end_of_day(self.date_from - relativedelta(days=1))),
            ('date_end', '<=', company._qualiopi_end_of_day(self.date_to)),
            ('date_begin', '<=', fields.Datetime.now()),
        ])
        if not events:
            raise UserError(self.env._("No session of the company ended in this period."))
        lines = [
            {'drill_id': self.id, 'event_id': event.id}
            for drawn in self._draw(events).values() for event in drawn
        ]
        # sudo: the sample is the program's; write access to the drill was checked
        self.env['qualiopi.drill.line'].sudo().create(lines)
        # sudo: as above
        self.sudo()._as_server().write({
            'drawn_on': fields.Datetime.now(), 'drawn_by_id': self.env.uid, 'population': len(events),
        })
        return True


class QualiopiDrillLine(models.Model):
    _name = 'qualiopi.drill.line'
    _description = "Session of a Sample Drill"
    _order = 'category, id'
    _rec_name = 'event_id'

    drill_id = fields.Many2one('qualiopi.drill', required=True, readonly=True, index=True, ondelete='cascade')
    company_id = fields.Many2one(related='drill_id.company_id', store=True, index=True)
    event_id = fields.Many2one('event.event', "Session", required=True, readonly=True, index=True, ondelete='cascade')
    category = fields.Selection(related='event_id.action_category', store=True, string="Category of action")
    date_end = fields.Datetime(related='event_id.date_end')
    proofs_30 = fields.Html("30 Appreciations", compute='_compute_proofs', sanitize=False)
    proofs_31 = fields.Html("31 Complaints, difficulties, events", compute='_compute_proofs', sanitize=False)
    proofs_32 = fields.Html("32 Improvement", compute='_compute_proofs', sanitize=False)
    proofs_12 = fields.Html("12 Engagement, dropouts", compute='_compute_proofs', sanitize=False)
    proofs_11 = fields.Html("11 Learning assessed", compute='_compute_proofs', sanitize=False)
    missing_count = fields.Integer("Proofs missing", compute='_compute_proofs')

    @api.depends('event_id')
    @api.depends_context('uid', 'lang')
    def _compute_proofs(self):
        proofs = self._proofs()
        found = Markup('<div class="text-wrap"><i class="fa fa-check text-success" title="%s"></i> %s</div>')
        lacking = Markup('<div class="text-wrap"><i class="fa fa-times text-danger" title="%s"></i> %s</div>')
        yes, no = self.env._("Found"), self.env._("Missing")
        for line in self:
            own = proofs[line]
            for number in INDICATORS:
                line[f'proofs_{number}'] = Markup().join(
                    [found % (yes, text) for text in own[number]['found']]
                    + [lacking % (no, text) for text in own[number]['missing']]
                )
            line.missing_count = sum(len(own[number]['missing']) for number in INDICATORS)

    def _proofs(self):
        """What each session has to show, and what is missing, in the user's language; read for all lines at once.
        Confidential records are a number.

        :rtype: dict[recordset, dict[int, dict[str, list[str]]]]
        """
        # sudo: numbers and dates of the company's own registers; of confidential ones, how many
        lines = self.sudo()
        events = lines.event_id
        by_event = {
            name: self._by_event(name, events)
            for name in ('qualiopi.feedback.campaign', 'qualiopi.complaint', 'qualiopi.finding', 'qualiopi.dropout',
                         'qualiopi.result')
        }
        nil = lines.env['qualiopi.nil.statement'].search([
            ('company_id', 'in', lines.company_id.ids), ('state', '=', 'declared'),
        ])
        prevention = {
            company: company._qualiopi_procedure('dropout') for company in lines.company_id
        }
        proofs = {}
        for line, own in zip(self, lines, strict=True):
            event = own.event_id
            records = {name: found.get(event.id, lines.env[name]) for name, found in by_event.items()}
            proofs[line] = {
                30: self._proofs_30(records['qualiopi.feedback.campaign']),
                31: self._proofs_31(event, records['qualiopi.complaint'], nil),
                32: self._proofs_32(records['qualiopi.finding']),
                12: self._proofs_12(event, records['qualiopi.dropout'], prevention[own.company_id]),
                11: self._proofs_11(records['qualiopi.result'], records['qualiopi.finding']),
            }
        return proofs

    def _by_event(self, name, events):
        # sudo: see _proofs()
        Model = self.env[name].sudo()
        domain = [('event_id', 'in', events.ids)]
        if 'cancelled_on' in Model._fields:
            domain.append(('cancelled_on', '=', False))
        return {
            event.id: records
            for event, records in Model._read_group(domain, ['event_id'], ['id:recordset'])
        }

    def _proofs_30(self, campaigns):
        asked = campaigns.filtered(lambda c: c.state in ('running', 'done'))
        found = [
            self.env._(
                "%(reference)s %(name)s: %(asked)s asked, %(reminded)s reminded, %(answered)s answers",
                reference=campaign.reference, name=campaign.stakeholder_id.with_context(lang=self.env.lang).name,
                asked=campaign.asked_count, reminded=campaign.reminded_count, answered=campaign.answered_count,
            ) for campaign in asked
        ]
        beneficiary = self.env.ref('qualiopi.stakeholder_beneficiary', raise_if_not_found=False)
        missing = []
        if not asked.filtered(lambda c: c.stakeholder_id == beneficiary):
            missing.append(self.env._("no solicitation of the beneficiaries"))
        return {'found': found, 'missing': missing}

    def _proofs_31(self, event, entries, statements):
        open_entries = entries.filtered(lambda entry: not entry.is_confidential)
        states = dict(entries._fields['state']._description_selection(self.env))
        found = [f'{entry.reference} ({states[entry.state]})' for entry in open_entries]
        hidden = len(entries) - len(open_entries)
        if hidden:
            found.append(self.env._("%s entries of restricted access", hidden))
        if found:
            return {'found': found, 'missing': []}
        day = event.date_end.date()
        covering = statements.filtered(
            lambda s: s.company_id == event.company_id and s.date_from <= day <= s.date_to)
        if covering:
            return {'found': [
                self.env._("%s: nothing received in the period", covering[0].reference),
            ], 'missing': []}
        return {'found': [], 'missing': [self.env._("no entry, and no nil statement for the period")]}

    def _proofs_32(self, findings):
        own = findings.filtered(lambda finding: not finding.is_confidential)
        found = []
        for finding in own:
            actions = finding.action_ids.filtered(lambda action: not action.is_confidential)
            found.append(" → ".join(filter(None, [finding.reference, ", ".join(actions.mapped('reference'))])))
        missing = []
        if not findings:
            missing.append(self.env._("no finding or action from this session"))
        elif not findings.action_ids and not any(finding.state == 'no_action' for finding in findings):
            missing.append(self.env._("findings without action"))
        return {'found': found, 'missing': missing}

    def _proofs_12(self, event, dropouts, procedure):
        found, missing = [], []
        if procedure:
            found.append(self.env._("Prevention procedure, version %s", procedure.version))
        if event.duration_days and event.duration_days <= _LONG_DAYS:
            found.append(self.env._("Session of two days or less: not looked at"))
        elif not procedure:
            missing.append(self.env._("no procedure for the prevention of dropouts in force"))
        followed = dropouts.filtered(lambda d: d.reason_id and (d.contact_ids or d.form_date or d.solution))
        if followed:
            found.append(self.env._("%s dropouts with reason and follow-up", len(followed)))
        if dropouts - followed:
            missing.append(self.env._("%s dropouts without reason or follow-up", len(dropouts - followed)))
        return {'found': found, 'missing': missing}

    def _proofs_11(self, results, findings):
        found = [
            self.env._(
                "%(name)s: %(passed)s of %(presented)s passed", name=result.name, passed=result.passed,
                presented=result.presented,
            ) for result in results
        ]
        return {'found': found, 'missing': [] if found else [self.env._("no assessment of what was learnt")]}

    def action_open_event(self):
        """Open the session."""
        self.ensure_one()
        return {
            'type': 'ir.actions.act_window',
            'res_model': 'event.event',
            'res_id': self.event_id.id,
            'views': [(False, 'form')],
        }
