"""Closing an entry: the step that it waits for, what is missing, and the gate."""

from odoo import api, fields, models
from odoo.exceptions import UserError

from ..exceptions import GateError
from .qualiopi_complaint import ANSWERED_NATURES


class QualiopiComplaint(models.Model):
    _inherit = 'qualiopi.complaint'

    next_step = fields.Selection([
        ('acknowledge', "Acknowledge"),
        ('analyse', "Analyse"),
        ('act', "Say what was done"),
        ('respond', "Decide and answer"),
        ('close', "Close the entry"),
    ], compute='_compute_next_step')
    next_deadline = fields.Datetime("Next step before", compute='_compute_next_step')
    missing_for_closing = fields.Text("Missing before closing", compute='_compute_missing_for_closing')

    # === THE NEXT STEP === #

    @api.depends('state', 'nature', 'is_imported', 'ack_date', 'ack_impossible_reason', 'ack_deadline',
                 'analysis_date', 'analysis_deadline', 'correction', 'correction_for', 'decision', 'response',
                 'response_date', 'response_impossible_reason', 'response_deadline')
    def _compute_next_step(self):
        for complaint in self:
            complaint.next_step, complaint.next_deadline = complaint._next_step()

    def _next_step(self):
        """The step that the entry waits for, and its deadline when it has one."""
        self.ensure_one()
        answers = self.nature in ANSWERED_NATURES
        if self._is_ended():
            return False, False
        # What the former register did before the state that an entry comes in is not asked for again, nor an
        # acknowledgement that it did not note: its time is long past.
        former = self.is_imported and self.state
        if former == 'answered':
            return 'close', False
        if answers and not former and not self.ack_date and not self.ack_impossible_reason:
            return 'acknowledge', self.ack_deadline
        # The date stands for the causes, also those of the findings, and costs no query.
        if self.nature != 'safeguarding' and former != 'treatment' and not self.analysis_date:
            return 'analyse', self.analysis_deadline
        if self.nature != 'complaint' and not (self.correction and (answers or self.correction_for)):
            return 'act', False
        answered = self.response and self.response_date or self.response_impossible_reason
        if answers and not answered or self.nature == 'complaint' and not self.decision:
            return 'respond', self.response_deadline
        return 'close', False

    # === THE GATE === #

    @api.depends('state', 'nature', 'ack_date', 'ack_impossible_reason', 'cause_ids', 'finding_ids',
                 'decision', 'correction', 'correction_for', 'response', 'response_date',
                 'response_impossible_reason')
    def _compute_missing_for_closing(self):
        for complaint in self:
            if complaint._is_ended():
                complaint.missing_for_closing = False
            else:
                complaint.missing_for_closing = '\n'.join(complaint._missing_for_closing()) or False

    def _missing_for_closing(self, with_cause=None):
        """What the nature of the entry still needs before it is closed (design, rule 3; RNQ, indicator 31).

        :param with_cause: for a batch, the entries whose cause is known
        :return: sentences in the user's language, empty when nothing is missing
        :rtype: list[str]
        """
        self.ensure_one()
        if self.is_imported:
            return []
        answers = self.nature in ANSWERED_NATURES
        instant = self.nature in ('difficulty', 'unforeseen')
        steps = (
            (answers and not (self.ack_date or self.ack_impossible_reason),
             self.env._("the acknowledgement: its date, or why it was impossible")),
            (self.nature == 'safeguarding' and not self.correction,
             self.env._("the protective measures taken")),
            (self.nature != 'safeguarding' and self not in (self._with_cause() if with_cause is None else with_cause),
             self.env._("the cause, here or in a linked finding")),
            (self.nature == 'complaint' and not self.decision,
             self.env._("the decision: founded or not")),
            (instant and not self.correction,
             self.env._("what was done at once")),
            (instant and not self.correction_for,
             self.env._("for whom it was done")),
            (answers and not (self.response and self.response_date or self.response_impossible_reason),
             self.env._("the response: its text and date, or why it was impossible")),
        )
        return [text for is_missing, text in steps if is_missing]

    def action_close(self):
        """Close the entries that have what their nature needs (RNQ, indicator 31).

        :raise GateError: lists what is missing and offers the screen where it is filled in
        """
        self.check_access('write')
        with_cause = self._with_cause()
        for complaint in self:
            if complaint._is_ended():
                raise UserError(self.env._("%s is closed already.", complaint.display_name))
            missing = complaint._missing_for_closing(with_cause)
            if missing:
                raise GateError(
                    self.env._(
                        "%(record)s cannot be closed yet. Missing: %(missing)s.",
                        record=complaint.reference, missing=" · ".join(missing),
                    ),
                    complaint._treat_window(), self.env._("Fill in"),
                )
        self._close()
        return True

    def action_settle(self):
        """Close from the one-screen form and leave it."""
        self.action_close()
        return {'type': 'ir.actions.act_window_close'}
