"""The meeting of a review in the calendar: both say the same."""

from datetime import timedelta

from odoo import models
from odoo.fields import Command


class QualiopiReview(models.Model):
    _inherit = 'qualiopi.review'

    _meeting_fields = {'name', 'date', 'duration', 'location', 'participant_ids', 'user_id'}

    def _meeting_values(self):
        self.ensure_one()
        return {
            'name': self.name,
            'start': self.date,
            'stop': self.date + timedelta(hours=self.duration),
            'location': self.location,
            'partner_ids': [Command.set(self.participant_ids.ids)],
            'user_id': self.user_id.id,
        }

    def _meeting_follow(self):
        """Make the meeting of each review that has a date, move it, or take it out of the calendar."""
        if self.env.context.get('qualiopi_no_meeting'):
            return
        for review in self.with_context(qualiopi_no_meeting=True, skip_contact_description=True):
            # sudo: the meeting follows its review, whoever called the meeting
            meeting = review.meeting_id.sudo()
            if review.is_imported or review.state == 'closed':
                continue
            if review.state == 'cancelled' or not review.date:
                if meeting:
                    meeting.active = False
                    review._as_server().meeting_id = False
            elif meeting:
                meeting._qualiopi_follow_review(review._meeting_values())
            else:
                review._as_server().meeting_id = review.env['calendar.event'].create(review._meeting_values()).id
