import re
import threading
from datetime import timedelta

import requests

from odoo import SUPERUSER_ID, Command, api, fields
from odoo.modules.registry import Registry
from odoo.tests import HOST, TransactionCase, tagged
from odoo.tools import config, mute_logger

# What a class leaves behind, in the order in which it goes.
_TABLES = (
    'mail_followers', 'mail_message', 'mail_mail', 'mail_activity', 'survey_user_input', 'qualiopi_feedback_invite',
    'qualiopi_feedback_campaign', 'event_registration', 'event_event', 'survey_survey', 'qualiopi_number',
)


@tagged('post_install', '-at_install')
class TestClassAtOnce(TransactionCase):
    """A class opens an anonymous questionnaire at the same instant, over real connections; what they commit is
    taken away at the end."""

    _learners = 24

    def setUp(self):
        super().setUp()
        # The thread of the tests holds this lock, without which no other thread opens an environment.
        self.patch(Registry, '_lock', threading.RLock())
        self.last = {table: self._rows(f'SELECT COALESCE(MAX(id), 0) FROM {table}')[0][0] for table in _TABLES}
        self.addCleanup(self._clean)

    def _rows(self, query, *params):
        with self.registry.cursor() as cr:
            cr.execute(query, params)
            return cr.fetchall() if cr.description else None

    def _clean(self):
        # The registers refuse to be deleted from: what was committed goes by SQL.
        with self.registry.cursor() as cr:
            for table in _TABLES:
                cr.execute(f'DELETE FROM {table} WHERE id > %s', [self.last[table]])  # pylint: disable=sql-injection

    def _make_campaign(self):
        """Commit a class and its anonymous questionnaire, sent.

        :return: id of the campaign, and the personal links
        """
        with self.registry.cursor() as cr:
            env = api.Environment(cr, SUPERUSER_ID, {'lang': 'en_US', 'mail_create_nolog': True})
            now = fields.Datetime.now()
            event = env['event.event'].create({
                'name': "A class", 'company_id': env.company.id, 'date_tz': 'Europe/Paris',
                'date_begin': now - timedelta(days=1), 'date_end': now - timedelta(hours=1),
            })
            env['event.registration'].create([
                {'event_id': event.id, 'name': f"Learner {number}", 'email': f'learner{number}@example.com'}
                for number in range(self._learners)
            ])
            survey = env['survey.survey'].create({
                'title': "What do you think?", 'survey_type': 'qualiopi', 'question_and_page_ids': [
                    Command.create({'title': "Freely", 'question_type': 'text_box', 'qualiopi_use': 'free'})],
            })
            campaign = env['qualiopi.feedback.campaign'].create({
                'stakeholder_id': env.ref('qualiopi.stakeholder_beneficiary').id, 'moment': 'hot',
                'event_id': event.id, 'survey_id': survey.id, 'is_anonymous': True,
            })
            campaign.action_start()
            return campaign.id, [f'/qualiopi/feedback/{invite.id}/{invite.token}' for invite in campaign.invite_ids]

    def _press(self, path, barrier, seen):
        """Open a link, and press the button together with all others."""
        url = f'http://{HOST}:{config["http_port"]}{path}'
        with requests.Session() as browser:
            try:
                page = browser.get(url, timeout=60)
                form = dict(re.findall(r'name="(csrf_token|key)" value="([^"]+)"', page.text))
            finally:
                barrier.wait(60)
            answer = browser.post(url, data=form, timeout=120, allow_redirects=False)
            seen.append((answer.status_code, answer.headers.get('Location', '').rpartition('/survey/')[2]))

    def test_everybody_begins_once(self):
        """All of them are led to an answer of their own; nobody waits in vain or is told of an error."""
        campaign_id, paths = self._make_campaign()
        self.assertEqual(len(paths), self._learners)
        barrier, seen = threading.Barrier(self._learners), []
        threads = [threading.Thread(target=self._press, args=(path, barrier, seen)) for path in paths]
        # They wait for each other: nobody's work is thrown away and tried again, which has an end.
        with (mute_logger('werkzeug'), self.assertNoLogs('odoo.service.model'),
              self.assertNoLogs('odoo.sql_db', 'ERROR')):
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
        self.assertEqual([code for code, __ in seen], [303] * self._learners)
        self.assertEqual(len({place for __, place in seen}), self._learners, "an answer each")
        self.assertEqual(
            self._rows("SELECT state, count(*) FROM qualiopi_feedback_invite WHERE campaign_id = %s GROUP BY 1",
                       campaign_id),
            [('answered', self._learners)])
        self.assertEqual(
            self._rows("SELECT count(*), count(DISTINCT access_token) FROM survey_user_input WHERE campaign_id = %s",
                       campaign_id),
            [(self._learners, self._learners)])
