"""Closing a review, and its minutes: made, kept as evidence, sent."""

import base64
import logging

from odoo import fields, models
from odoo.exceptions import UserError

from ..exceptions import GateError

_logger = logging.getLogger(__name__)


class QualiopiReview(models.Model):
    _inherit = 'qualiopi.review'

    def _missing_for_closing(self):
        """What the review still needs before it is closed; a weekly meeting needs nothing.

        :return: sentences in the user's language, empty when nothing is missing
        :rtype: list[str]
        """
        self.ensure_one()
        if self.is_imported or self.review_type == 'weekly':
            return []
        missing = []
        if not self.present_ids:
            missing.append(self.env._("who was present"))
        waiting = self.item_ids.filtered(lambda item: item.state == 'open')
        if waiting:
            missing.append(self.env._(
                "a word on each item, or why it is set aside (%s)", ", ".join(waiting.mapped('name')),
            ))
        return missing

    def action_close(self):
        """Close the reviews: figures and decisions stay as they are, the minutes are made and kept.

        :raise GateError: lists what is missing
        """
        self.check_access('write')
        for review in self:
            if review._is_ended():
                raise UserError(self.env._("%s is closed already.", review.display_name))
            if review.state == 'planned':
                raise UserError(self.env._("%s has not been opened yet.", review.display_name))
            missing = review._missing_for_closing()
            if missing:
                raise GateError(
                    self.env._(
                        "%(record)s cannot be closed yet. Missing: %(missing)s.",
                        record=review.reference, missing=" · ".join(missing),
                    ),
                    review._waiting_window(), self.env._("Fill in"),
                )
        self._finish()
        return True

    def _waiting_window(self):
        waiting = self.agenda_ids.filtered(lambda item: item.state == 'open')[:1]
        return waiting.action_treat() if waiting else {**self._window(), 'target': 'new'}

    def _finish(self, moment=None):
        """Close and make the minutes.

        :param datetime moment: UTC, now by default
        """
        self._close(moment)
        for review in self:
            review._make_minutes()

    # === MINUTES === #

    def action_make_minutes(self):
        """Make the minutes of closed reviews that have none, such as when the PDF program was missing.

        :raise UserError: says why it did not work
        """
        self.check_access('write')
        for review in self:
            if review.state != 'closed':
                raise UserError(self.env._("%s has no minutes before it is closed.", review.display_name))
            review._render_minutes()
        return True

    def _make_minutes(self):
        try:
            with self.env.cr.savepoint():
                self._render_minutes()
        except UserError as error:
            # The review is closed all the same: its minutes can be made again.
            _logger.warning("Minutes of %s could not be made: %s", self, error)
            self._log_texts({self.id: self.env._("The minutes could not be made: %s", error)})

    def _render_minutes(self):
        self.ensure_one()
        content, __ = self.env['ir.actions.report'].with_context(
            force_report_rendering=True)._render_qweb_pdf('qualiopi.action_report_review', self.ids)
        minutes = self._as_server().env['qualiopi.evidence'].create({
            'review_id': self.id,
            'kind': 'minutes',
            'type': 'file',
            'name': self.env._("Minutes of %s", self.name),
            'file': base64.b64encode(content),
            'file_name': f"{(self.reference or '').replace('/', '-')}.pdf",
            'date': self.company_id._qualiopi_local_date(self.closed_on or fields.Datetime.now()),
        })
        self._as_server().minutes_id = minutes.id

    def action_print_minutes(self):
        """Print the minutes: those that were kept once the review is closed, a draft before."""
        self.ensure_one()
        if self.state == 'closed' and self.minutes_id:
            return {
                'type': 'ir.actions.act_url',
                'url': f'/web/content/qualiopi.evidence/{self.minutes_id.id}/file?download=true'
                       f'&filename={self.minutes_id.file_name}',
                'target': 'download',
            }
        return self.env.ref('qualiopi.action_report_review').report_action(self, config=False)

    def action_inform(self):
        """The wizard that sends the minutes and keeps who received them, and when."""
        self.ensure_one()
        self.check_access('read')
        return {
            'type': 'ir.actions.act_window',
            'name': self.env._("Send the minutes"),
            'res_model': 'qualiopi.review.send',
            'views': [(False, 'form')],
            'target': 'new',
            'context': {'default_review_id': self.id},
        }
