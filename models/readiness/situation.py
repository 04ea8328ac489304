"""What the registers of one company hold today, read once for all rules."""

from functools import cached_property

from dateutil.relativedelta import relativedelta

from odoo import fields
from odoo.fields import Domain

# Until then, missing organisation reads "to be set up".
_STARTING_DAYS = 90


class Situation:
    """The last twelve months of one company; each list is read once, whatever the number of rules.

    :param company: res.company; everything is counted, confidential records too, which show as numbers only
    """

    def __init__(self, company):
        # sudo: counts include what a reader may not open; records are shown by the reader's own rights
        self.company = company.sudo().with_context(active_test=False)
        self.env = self.company.env
        self.now = fields.Datetime.now()
        self.today = self.company._qualiopi_local_date(self.now)
        self.first = self.today - relativedelta(years=1)
        self.referential = self.env['qualiopi.referential']._in_force(self.today)
        self.new_entrant = self.company.qualiopi_new_entrant
        self.subcontractor_only = self.company.qualiopi_subcontractor_only

    def search(self, model, *domains, order='id', names=None):
        """Records of the company that nobody cancelled."""
        Model = self.env[model]
        domain = Domain('company_id', '=', self.company.id) & Domain.AND(Domain(part) for part in domains)
        if 'cancelled_on' in Model._fields:
            domain &= Domain('cancelled_on', '=', False)
        return Model.search_fetch(domain, names, order=order)

    @cached_property
    def _midnight(self):
        return self.company._qualiopi_end_of_day(self.first)

    # === THE PROVIDER === #

    @cached_property
    def categories(self):
        """Codes of the categories of action: those of the settings, else those of the year's sessions.

        :rtype: set[str]
        """
        declared = set(self.company.qualiopi_action_categories.mapped('code'))
        return declared or set(self.events.mapped('action_category')) - {False}

    @cached_property
    def is_starting(self):
        """Whether there was no time yet to organise: 90 days, or until the first review."""
        begin = self.company.qualiopi_first_use
        if not begin or self.today >= begin + relativedelta(days=_STARTING_DAYS):
            return False
        return not self.first_review

    # === REGISTERS === #

    @cached_property
    def events(self):
        """Sessions that ended since the registers are in use, in the last twelve months, with a learner."""
        begin = max(filter(None, (self.first, self.company.qualiopi_first_use)))
        ended = self.env['event.event'].search_fetch([
            ('company_id', '=', self.company.id), ('active', '=', True), ('kanban_state', '!=', 'cancel'),
            ('date_end', '>=', self.company._qualiopi_end_of_day(begin)), ('date_end', '<', self.now),
        ], ['name', 'date_begin', 'date_end', 'action_category', 'course_id'], order='date_end, id')
        counts = dict(self.env['event.registration']._read_group(
            [('event_id', 'in', ended.ids), ('state', 'in', ('open', 'done')), ('active', '=', True)],
            ['event_id'], ['__count'],
        ))
        return ended.filtered(counts.get)

    @cached_property
    def entries(self):
        return self.search(
            'qualiopi.complaint', [('received_date', '>=', self.first), ('is_imported', '=', False)],
        )

    @cached_property
    def campaigns(self):
        """Solicitations that began, or were to begin, in the last twelve months."""
        return self.search('qualiopi.feedback.campaign', [
            ('date_from', '>=', self.first), ('state', '!=', 'cancelled'), ('is_imported', '=', False),
        ])

    @cached_property
    def asked(self):
        """Those that really took place."""
        return self.campaigns.filtered(lambda campaign: campaign.state in ('running', 'done'))

    @cached_property
    def actions(self):
        """Actions opened, moved or checked in the last twelve months; drafts are intentions only."""
        return self.search(
            'qualiopi.improvement.action',
            Domain('phase', '!=', 'draft') & Domain.OR(
                Domain(name, '>=', day) for name, day in (
                    ('referential_date', self.first), ('date_start', self.first), ('done_on', self.first),
                    ('last_check_date', self.first), ('closed_on', self._midnight),
                )
            ),
        )

    @cached_property
    def open_actions(self):
        return self.search(
            'qualiopi.improvement.action', [('phase', 'in', ('plan', 'do', 'check')), ('is_imported', '=', False)],
        )

    @cached_property
    def carried_out(self):
        """Actions carried out or ended in the last twelve months."""
        return self.search(
            'qualiopi.improvement.action',
            [('phase', 'in', ('check', 'done')), ('is_imported', '=', False), ('done_on', '>=', self.first)],
        )

    def families(self, actions):
        """Families of the sources of each action's findings, entries included.

        :rtype: dict[recordset, set]
        """
        findings = actions.finding_ids
        findings.fetch(['family', 'complaint_ids'])
        findings.complaint_ids.fetch(['nature'])
        found = {}
        for action in actions:
            own = set(action.finding_ids.mapped('family')) - {False}
            own |= {
                'complaint' if nature in ('complaint', 'safeguarding') else 'difficulty'
                for nature in action.finding_ids.complaint_ids.mapped('nature')
            }
            found[action] = own
        return found

    @cached_property
    def reviews(self):
        """Reviews held in the last twelve months, weekly meetings left out."""
        return self.search('qualiopi.review', [
            ('state', '=', 'closed'), ('review_type', '!=', 'weekly'), ('date_to', '>=', self.first),
        ])

    @cached_property
    def first_review(self):
        return self.search('qualiopi.review', [
            ('state', '=', 'closed'), ('review_type', '!=', 'weekly'),
        ])[:1]

    def procedure(self, kind):
        """The procedure in force today, empty when there is none."""
        return self.company._qualiopi_procedure(kind, self.today)

    @cached_property
    def nil_statements(self):
        """Declared and still true, on a part of the last twelve months."""
        return self.search('qualiopi.nil.statement', [('state', '=', 'declared'), ('date_to', '>=', self.first)])

    def stakeholder(self, name):
        return self.env.ref(f'qualiopi.stakeholder_{name}', raise_if_not_found=False) or (
            self.env['qualiopi.stakeholder'])
