from odoo import Command, fields
from odoo.tests import tagged
from odoo.tools import mute_logger

from .test_tours import QualiopiTourCase


@tagged('post_install', '-at_install')
class TestReviewTour(QualiopiTourCase):

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.manager = cls._make_user('revue', 'qualiopi.group_manager')
        cls.company.qualiopi_manager_id = cls.manager
        cls.complaint = cls.env['qualiopi.complaint'].with_user(cls.manager).create({
            'description': "La salle était trop froide",
        })

    @mute_logger('odoo.http')
    def test_review(self):
        """Open a review, read the figures, decide, turn it into an action, close, print, say who received it."""
        self.start_tour('/odoo/quality-reviews', 'qualiopi_review', login=self.manager.login)
        review = self.env['qualiopi.review'].with_user(self.manager).search([('company_id', '=', self.company.id)])
        action = review.item_ids.action_ids
        self.assertRecordValues(action, [{'name': "Programmer le chauffage la veille", 'phase': 'draft'}])
        self.assertEqual(action.finding_ids, review.item_ids.finding_ids)
        for item in review.agenda_ids.filtered(lambda item: item.state == 'open'):
            item.aside_reason = "Vu en réunion d’équipe"
        self.start_tour(f'/odoo/quality-reviews/{review.id}', 'qualiopi_review_close', login=self.manager.login)
        self.assertRecordValues(review, [{'state': 'closed', 'closed_by_id': self.manager.id}])
        self.assertEqual(review.minutes_id.mimetype, 'application/pdf')
        # The day where people are: shortly before midnight UTC it is tomorrow.
        today = fields.Date.context_today(review.with_context(tz=self.manager.tz))
        self.assertRecordValues(review.communication_ids, [{
            'partner_ids': self.manager.partner_id.ids, 'date': today,
        }])
        self.authenticate(self.manager.login, self.manager.login)
        response = self.url_open(review.action_print_minutes()['url'])
        self.assertEqual(response.headers['Content-Type'].split(';')[0], 'application/pdf')
        self.assertTrue(response.content.startswith(b'%PDF'))

    def test_weekly(self):
        """The weekly meeting: one screen, a word on an open entry, minutes in one click."""
        self.start_tour('/odoo/quality-weekly', 'qualiopi_review_weekly', login=self.manager.login)
        review = self.env['qualiopi.review'].search([('company_id', '=', self.company.id)])
        self.assertRecordValues(review, [{'state': 'closed', 'review_type': 'weekly'}])
        self.assertRecordValues(review.word_ids, [{
            'entry_id': self.complaint.id, 'discussion': "Le gardien passe demain",
        }])


@tagged('post_install', '-at_install')
class TestReviewMobile(QualiopiTourCase):
    browser_size = '375x667'
    touch_enabled = True

    def test_mobile(self):
        """The agenda is read on a telephone."""
        manager = self._make_user('revue', 'qualiopi.group_manager')
        review = self.env['qualiopi.review'].with_user(manager).create({
            'participant_ids': [Command.set(manager.partner_id.ids)],
        })
        review.action_open()
        self.start_tour(f'/odoo/quality-reviews/{review.id}', 'qualiopi_review_mobile', login=manager.login)
