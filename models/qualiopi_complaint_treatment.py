"""Treatment of an entry: acknowledged, analysed, corrected, decided, answered, judged by its author."""

from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.fields import Datetime


class QualiopiComplaint(models.Model):
    _inherit = 'qualiopi.complaint'

    # Acknowledgement
    ack_date = fields.Datetime(
        "Acknowledged on", compute='_compute_ack_date', store=True, readonly=False, tracking=True, copy=False,
    )
    ack_message = fields.Text("Acknowledgement", copy=False)
    ack_user_id = fields.Many2one('res.users', "Acknowledged by", copy=False)
    ack_impossible_reason = fields.Char("No acknowledgement possible because", copy=False)

    # Analysis: see qualiopi.analysis.mixin
    analysis_date = fields.Date(
        "Analysed on", compute='_compute_analysis_date', store=True, readonly=False, copy=False,
    )
    shown_cause_ids = fields.Many2many(
        'qualiopi.cause', string="Causes found", compute='_compute_shown_cause_ids',
        help="The entry's own causes, or those of the findings that it is linked with.",
    )

    # Correction, decision
    correction = fields.Text(
        "Immediate correction", tracking=True, copy=False,
        help="What was done at once for this person. What makes sure that it never comes back is a"
             " corrective action: another thing, in the action plan.",
    )
    correction_for = fields.Char("Done for", copy=False, help="The persons or the sessions concerned.")
    correction_date = fields.Date(
        "Corrected on", compute='_compute_correction_date', store=True, readonly=False, copy=False,
    )
    correction_user_id = fields.Many2one('res.users', "Corrected by", copy=False)
    decision = fields.Selection([
        ('founded', "Founded"),
        ('partly', "Partly founded"),
        ('unfounded', "Unfounded"),
        ('out_of_scope', "Out of scope"),
        ('withdrawn', "Withdrawn"),
    ], tracking=True, copy=False)
    decision_date = fields.Date(
        "Decided on", compute='_compute_decision_date', store=True, readonly=False, copy=False,
    )
    decision_reason = fields.Text("Reason for the decision", copy=False)
    remedy_ids = fields.Many2many('qualiopi.remedy', string="Remedy granted", check_company=True, copy=False)
    no_action_reason = fields.Text("Why no corrective action", copy=False)

    # Response
    response = fields.Text(copy=False)
    response_date = fields.Datetime(
        "Answered on", compute='_compute_response_date', store=True, readonly=False, tracking=True, copy=False,
    )
    response_user_id = fields.Many2one('res.users', "Answered by", copy=False)
    response_impossible_reason = fields.Char("No response possible because", copy=False)

    # After the response
    mediation = fields.Selection([
        ('none', "No mediation"),
        ('proposed', "Proposed"),
        ('open', "In progress"),
        ('closed', "Ended"),
    ], default='none', tracking=True, copy=False)
    mediation_date = fields.Date(copy=False)
    mediation_outcome = fields.Text(copy=False)
    verdict = fields.Selection([
        ('yes', "Solved"),
        ('partly', "Partly solved"),
        ('no', "Not solved"),
        ('no_answer', "No answer"),
    ], "Complainant's verdict", tracking=True, copy=False)
    verdict_date = fields.Date(compute='_compute_verdict_date', store=True, readonly=False, copy=False)
    verdict_comment = fields.Text("Complainant's comment", copy=False)

    # === ANALYSIS === #

    @api.depends('cause_ids', 'finding_ids.cause_ids')
    def _compute_analysis_date(self):
        with_cause = self._with_cause()
        for complaint in self:
            if complaint not in with_cause:
                complaint.analysis_date = False
            elif not complaint.analysis_date:
                complaint.analysis_date = fields.Date.context_today(complaint)

    @api.depends('cause_ids', 'finding_ids.cause_ids')
    def _compute_shown_cause_ids(self):
        for complaint in self:
            complaint.shown_cause_ids = complaint.cause_ids | complaint.finding_ids.cause_ids

    def _with_cause(self):
        """Entries whose cause is known, here or in a finding that they are linked with: one analysis
        serves both. Findings count that the user may not see. Asked once a reconciliation."""
        known = self._followup_pass().with_cause
        unknown = self.filtered(lambda complaint: complaint not in known)
        if unknown:
            found = unknown._find_with_cause()
            known.update((complaint, complaint in found) for complaint in unknown)
        return self.filtered(lambda complaint: known[complaint])

    def _find_with_cause(self):
        pairs = self._linked_pairs('finding_ids')
        # sudo: see _all_linked(); the pairs are read once
        linked = self.env['qualiopi.finding'].sudo().browse({other for __, other in pairs})
        analysed = linked.filtered(lambda finding: finding._known_causes())
        ids = {own for own, other in pairs if other in analysed.ids} if analysed else set()
        return self.filtered(lambda complaint: complaint._known_causes() or complaint._origin.id in ids)

    # === WHEN AND BY WHOM === #

    @api.depends('ack_message')
    def _compute_ack_date(self):
        for complaint in self:
            if complaint.ack_message and not complaint.ack_date:
                complaint.ack_date = fields.Datetime.now()

    @api.depends('correction')
    def _compute_correction_date(self):
        for complaint in self:
            if complaint.correction and not complaint.correction_date:
                complaint.correction_date = fields.Date.context_today(complaint)

    @api.depends('decision')
    def _compute_decision_date(self):
        for complaint in self:
            if complaint.decision and not complaint.decision_date:
                complaint.decision_date = fields.Date.context_today(complaint)

    @api.depends('response')
    def _compute_response_date(self):
        for complaint in self:
            if complaint.response and not complaint.response_date:
                complaint.response_date = fields.Datetime.now()

    @api.depends('verdict')
    def _compute_verdict_date(self):
        for complaint in self:
            if complaint.verdict and not complaint.verdict_date:
                complaint.verdict_date = fields.Date.context_today(complaint)

    @api.model
    def default_get(self, fields):
        values = super().default_get(fields)
        if 'ack_date' in fields and self.env.context.get('qualiopi_settle'):
            # Who is settled with on the telephone has been heard: nothing else acknowledges it.
            values['ack_date'] = Datetime.now()
        return values

    # === SIGNATURES AND VERDICT === #

    @api.model_create_multi
    def create(self, vals_list):
        complaints = super().create(vals_list)
        complaints._sign_steps(dict.fromkeys(name for vals in vals_list for name in vals))
        return complaints

    def write(self, vals):
        if not vals.keys() <= {'verdict', 'verdict_date', 'verdict_comment'}:
            result = super().write(vals)
            self._sign_steps(vals)
            return result
        # The complainant's verdict passes the lock; "not solved" reopens (design, rules 3 and 5).
        closed = self.filtered(lambda complaint: complaint.state == 'closed')
        result = super(QualiopiComplaint, self._as_server()).write(vals)
        if vals.get('verdict') == 'no' and closed:
            closed._reopen(self.env._("The complainant says that it is not solved"))
        return result

    def _sign_steps(self, written):
        """Say who acknowledged, corrected and answered: whoever filled it in, where nobody is named.

        :param written: names of the fields that were filled in
        """
        for triggers, step in (
            ({'ack_date', 'ack_message'}, 'ack'),
            ({'correction'}, 'correction'),
            ({'response', 'response_date'}, 'response'),
        ):
            signature = f'{step}_user_id'
            if triggers & written.keys() and signature not in written:
                unsigned = self.filtered(
                    lambda c, step=step, name=signature: c[f'{step}_date'] and not c[name] and not c.is_imported
                )
                if unsigned:
                    unsigned._as_server().write({signature: self.env.uid})

    def action_acknowledge(self):
        """Record the acknowledgement as given now, unless it was before.

        :raise UserError: for a nature that has no acknowledgement, or a closed entry
        """
        for complaint in self:
            if not complaint.has_response_steps:
                raise UserError(self.env._("A difficulty or an unforeseen event is not acknowledged."))
        self.filtered(lambda c: not c.ack_date).write({'ack_date': fields.Datetime.now()})
        return True
