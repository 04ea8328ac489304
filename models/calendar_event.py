from datetime import timedelta

from odoo import api, models
from odoo.fields import Command

# What a review and its meeting have in common.
_SHARED = {'name', 'start', 'stop', 'duration', 'location', 'partner_ids', 'attendee_ids', 'user_id', 'active',
           'start_date', 'stop_date', 'allday'}


class CalendarEvent(models.Model):
    _inherit = 'calendar.event'

    def write(self, vals):
        # Odoo's own method takes values out of the dict.
        shared = _SHARED & vals.keys()
        result = super().write(vals)
        if shared and not self.env.context.get('qualiopi_no_meeting'):
            self._qualiopi_to_reviews()
        return result

    @api.ondelete(at_uninstall=False)
    def _unlink_qualiopi_meeting(self):
        self._qualiopi_removed(self._qualiopi_reviews())

    def _qualiopi_reviews(self):
        """Reviews that are still to come or under way and whose meeting is among these."""
        # sudo: whoever keeps the calendar need not see the review that follows it
        return self.env['qualiopi.review'].sudo().search([
            ('meeting_id', 'in', self.ids), ('state', 'in', ('planned', 'open')),
        ]) if self.ids else self.env['qualiopi.review']

    def _qualiopi_to_reviews(self):
        """Bring the reviews in step with their meetings."""
        for review in self._qualiopi_reviews():
            meeting = review.meeting_id
            if not meeting.active:
                self._qualiopi_removed(review)
                continue
            partners = meeting.partner_ids.filtered(lambda p, c=review.company_id: p.company_id.id in (False, c.id))
            values = {
                'name': meeting.name,
                'date': meeting.start,
                'duration': (meeting.stop - meeting.start) / timedelta(hours=1) or review.duration,
                'location': meeting.location,
                'participant_ids': [Command.set(partners.ids)],
            }
            if values['duration'] > 24:
                del values['duration']
            if review._differs_from(values):
                review.with_context(qualiopi_no_meeting=True)._as_server().write(values)

    def _qualiopi_removed(self, reviews):
        """A review whose meeting was taken out of the calendar waits for another date."""
        waiting = reviews.filtered(lambda review: review.state == 'planned')
        waiting.with_context(qualiopi_no_meeting=True)._as_server().write({'date': False, 'meeting_id': False})
        waiting._log_texts({
            review.id: review.env._("The meeting was taken out of the calendar: choose another date.")
            for review in waiting
        })

    def _qualiopi_follow_review(self, values):
        """Write what differs from the review, so that nobody gets a mail for nothing."""
        self.ensure_one()
        changed = {
            name: value for name, value in values.items()
            if (set(self.partner_ids.ids) != set(value[0][2]) if name == 'partner_ids'
                else (self[name].id if name == 'user_id' else self[name]) != value)
        }
        if 'start' in changed:
            changed['stop'] = values['stop']
        if changed:
            self.write(changed)
