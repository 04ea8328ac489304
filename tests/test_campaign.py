from datetime import date, timedelta

from freezegun import freeze_time

from odoo import Command
from odoo.exceptions import UserError, ValidationError
from odoo.tests import Form, tagged

from .common import TODAY, QualiopiCase


class CampaignCase(QualiopiCase):
    """A session with learners of two languages, a questionnaire and the rules that ask them."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        for code in ('en_US', 'fr_FR'):
            cls.env['res.lang']._activate_lang(code)
        cls.survey = cls.env['survey.survey'].create({
            'title': "What do you think?", 'survey_type': 'qualiopi', 'access_mode': 'token',
        })
        cls.beneficiary = cls.env.ref('qualiopi.stakeholder_beneficiary')
        cls.company_stakeholder = cls.env.ref('qualiopi.stakeholder_company')
        cls.trainer_stakeholder = cls.env.ref('qualiopi.stakeholder_trainer')
        cls.customer.lang = 'en_US'
        cls.french = cls.env['res.partner'].create({
            'name': "Test Apprenante", 'email': 'apprenante@example.com', 'lang': 'fr_FR',
        })
        cls.french_registration = cls._make_registration(
            cls.event, name="Test Apprenante", email='apprenante@example.com',
        )

    @classmethod
    def make_campaign(cls, user=None, **values):
        """A questionnaire for the learners of the session, as the officer plans it."""
        return cls.model_as('qualiopi.feedback.campaign', user or cls.officer).create({
            'stakeholder_id': cls.beneficiary.id, 'moment': 'hot', 'event_id': cls.event.id,
            'survey_id': cls.survey.id, **values,
        })

    @classmethod
    def make_rule(cls, **values):
        return cls.env['qualiopi.feedback.rule'].create({
            'company_id': cls.company.id, 'stakeholder_id': cls.beneficiary.id, 'moment': 'hot',
            'survey_id': cls.survey.id, **values,
        })

    @classmethod
    def mails_of(cls, campaign):
        """All mails queued for the persons of a campaign, oldest first."""
        return cls.env['mail.mail'].sudo().search([
            ('model', '=', 'qualiopi.feedback.invite'), ('res_id', 'in', campaign.sudo().invite_ids.ids),
        ], order='id')

    @classmethod
    def invite_of(cls, campaign, name):
        return campaign.sudo().invite_ids.filtered(lambda invite: invite.name == name)

    def at(self, day, hour=10):
        """Another day, in the middle of the morning."""
        return freeze_time(f'{day} {hour:02}:00:00')

    def run_job(self):
        """The daily job, through its scheduled action."""
        with self.enter_registry_test_mode():
            self.env.ref('qualiopi.ir_cron_feedback').method_direct_trigger()
        self.env.invalidate_all()


@tagged('post_install', '-at_install')
@freeze_time(TODAY)
class TestCampaign(CampaignCase):

    # === INVITING === #

    def test_invitations_go_to_the_learners_in_their_language(self):
        campaign = self.make_campaign()
        campaign.action_start()
        mails = self.mails_of(campaign)
        by_address = {mail.email_to: mail for mail in mails}
        self.assertEqual(
            set(by_address),
            {'"Test Learner" <learner@example.com>', '"Test Apprenante" <apprenante@example.com>'},
        )
        english = by_address['"Test Learner" <learner@example.com>']
        french = by_address['"Test Apprenante" <apprenante@example.com>']
        self.assertIn("Your opinion on", english.subject)
        self.assertIn("November 16, 2026", english.subject)
        self.assertIn("Votre avis sur", french.subject)
        self.assertIn("16 novembre 2026", french.subject)
        self.assertEqual(english.state, 'outgoing')
        self.assertFalse(english.auto_delete)
        invite = self.invite_of(campaign, "Test Learner")
        link = f'/qualiopi/feedback/{invite.id}/{invite.token}'
        self.assertIn(link, english.body_html)
        self.assertNotIn(link, french.body_html)
        self.assertNotIn("unsubscribe", english.body_html.lower())
        self.assertNotIn("désabonner", french.body_html.lower())

    def test_figures_follow_the_invitations(self):
        campaign = self.make_campaign()
        self._make_registration(self.event, name="Test Nobody", email=False)
        campaign.action_start()
        self.assertRecordValues(campaign, [{
            'state': 'running', 'asked_count': 2, 'answered_count': 0, 'unreachable_count': 1, 'response_rate': 0.0,
        }])
        self.invite_of(campaign, "Test Learner")._mark_answered()
        self.assertRecordValues(campaign, [{'asked_count': 2, 'answered_count': 1, 'response_rate': 50.0}])

    def test_an_anonymous_campaign_says_how_anonymity_holds(self):
        campaign = self.make_campaign(is_anonymous=True)
        campaign.action_start()
        mail = self.mails_of(campaign)[0]
        self.assertIn("Your answers are anonymous", mail.body_html)
        self.assertIn("nothing links them to this invitation", mail.body_html)
        named = self.make_campaign(moment='cold')
        named.action_start()
        self.assertNotIn("anonymous", self.mails_of(named)[0].body_html)

    def test_an_answered_invitation_tells_no_time(self):
        campaign = self.make_campaign(is_anonymous=True)
        campaign.action_start()
        invite = self.invite_of(campaign, "Test Learner")
        before = {name: invite[name] for name in invite._fields if name not in ('state', 'reason')}
        with self.at('2026-11-25', 15):
            invite._mark_answered()
            self.env.flush_all()
        after = {name: invite[name] for name in before}
        self.assertEqual(before, after)
        self.env.cr.execute("""
            SELECT column_name FROM information_schema.columns
             WHERE table_name = 'qualiopi_feedback_invite' AND data_type LIKE 'timestamp%'
        """)
        self.assertEqual(self.env.cr.fetchall(), [])
        self.env.cr.execute("""
            SELECT column_name FROM information_schema.columns
             WHERE table_name = 'qualiopi_feedback_invite' AND column_name LIKE '%input%'
        """)
        self.assertEqual(self.env.cr.fetchall(), [])

    def test_the_secret_of_a_link_is_read_by_nobody(self):
        campaign = self.make_campaign()
        campaign.action_start()
        for user in (self.officer, self.manager, self.auditor):
            invite = self.user_env(self.invite_of(campaign, "Test Learner"), user)
            with self.assertDenied():
                invite.read(['token'])
            with self.assertDenied():
                self.env['mail.message'].with_user(user).browse(self.mails_of(campaign).mail_message_id.ids).read(['body'])
        invite = self.invite_of(campaign, "Test Learner")
        self.assertTrue(invite._check_token(invite.token))
        for wrong in ('', False, invite.token[:-1], self.invite_of(campaign, "Test Apprenante").token):
            self.assertFalse(invite._check_token(wrong))

    def test_duplicate_registrations_are_one_person(self):
        self._make_registration(self.event)
        self._make_registration(self.event, name="Without contact", email='x@example.com')
        self._make_registration(self.event, name="without  CONTACT", email='X@example.com')
        campaign = self.make_campaign()
        campaign.action_start()
        self.assertEqual(len(self.mails_of(campaign)), 3)

    def test_trainees_who_share_an_address_are_asked_each(self):
        for name in ("First", "Second"):
            self._make_registration(self.event, name=name, email='office@example.com')
        campaign = self.make_campaign()
        campaign.action_start()
        shared = self.mails_of(campaign).filtered(lambda mail: 'office@' in mail.email_to)
        self.assertEqual(sorted(shared.mapped('email_to')), [
            '"First" <office@example.com>', '"Second" <office@example.com>',
        ])

    def test_other_stakeholders_are_found_on_the_session(self):
        employer = self.env['res.partner'].create({'name': "Employer", 'is_company': True, 'email': 'hr@example.com'})
        funder = self.env['res.partner'].create({'name': "Funder", 'is_company': True, 'email': 'funder@example.com'})
        self.registration.write({'partner_id': employer.id, 'funder_id': funder.id})
        expected = {
            'company': ['hr@example.com'], 'sponsor': ['hr@example.com'], 'funder': ['funder@example.com'],
            'trainer': ['trainer@example.com'],
        }
        for kind, emails in expected.items():
            campaign = self.make_campaign(stakeholder_id=self.env.ref(f'qualiopi.stakeholder_{kind}').id)
            campaign.action_start()
            self.assertEqual(campaign.invite_ids.mapped('email'), emails, kind)

    def test_a_campaign_of_the_organisation_asks_whom_one_chooses(self):
        campaign = self.make_campaign(
            event_id=False, stakeholder_id=self.env.ref('qualiopi.stakeholder_partner').id, moment='other',
        )
        with self.assertRefused("nobody to ask"):
            campaign.action_start()
        campaign.partner_ids = [Command.set((self.trainer + self.french).ids)]
        campaign.action_start()
        self.assertEqual(campaign.asked_count, 2)
        self.assertIn(self.company.name, self.mails_of(campaign)[0].subject)

    def test_without_a_questionnaire_nothing_leaves(self):
        campaign = self.make_campaign(survey_id=False)
        with self.assertRefused("Choose the questionnaire"):
            campaign.action_start()
        self.run_job()
        self.assertEqual((campaign.state, len(campaign.invite_ids)), ('planned', 0))

    def test_what_was_asked_does_not_change(self):
        campaign = self.make_campaign()
        campaign.action_start()
        for values in ({'is_anonymous': True}, {'stakeholder_id': self.trainer_stakeholder.id},
                       {'survey_id': self.survey.copy().id}, {'event_id': False}):
            with self.assertRefused("asked in .* already"):
                campaign.write(values)
        with self.assertRefused("counted by the program"):
            campaign.answered_count = 12
        with self.assertRefused("filled in by the program"):
            campaign.state = 'done'
        campaign.write({'is_assisted': True, 'summary': "Short sessions are liked"})

    # === BAD DAYS === #

    def test_who_leaves_is_asked_no_more(self):
        other = self._make_event(self.company)
        gone = self._make_registration(self.event, name="Gone", email='gone@example.com')
        moved = self._make_registration(self.event, name="Moved", email='moved@example.com')
        cancelled = self._make_registration(self.event, name="Cancelled", email='cancelled@example.com')
        campaign = self.make_campaign()
        campaign.action_start()
        self.assertEqual(campaign.asked_count, 5)
        gone.unlink()
        moved.event_id = other
        cancelled.action_cancel()
        with self.at('2026-11-28'):
            self.run_job()
        self.assertEqual(
            {name: (self.invite_of(campaign, name).state, self.invite_of(campaign, name).reason)
             for name in ("Gone", "Moved", "Cancelled", "Test Learner")},
            {
                "Gone": ('excluded', 'gone'), "Moved": ('excluded', 'moved'),
                "Cancelled": ('excluded', 'cancelled'), "Test Learner": ('sent', False),
            },
        )
        self.assertEqual((campaign.asked_count, campaign.reminded_count), (2, 2))
        cancelled.action_set_draft()
        cancelled.action_confirm()
        with self.at('2026-11-29'):
            self.run_job()
        self.assertEqual(self.invite_of(campaign, "Cancelled").state, 'sent')

    def test_merged_contacts_are_asked_once(self):
        twin = self.env['res.partner'].create({'name': "Test Twin", 'email': 'twin@example.com'})
        self._make_registration(self.event, name="Test Twin", email='twin@example.com')
        campaign = self.make_campaign()
        campaign.action_start()
        self.assertEqual(campaign.asked_count, 3)
        self.invite_of(campaign, "Test Twin")._mark_answered()
        self.env['base.partner.merge.automatic.wizard'].create({
            'partner_ids': [Command.set((self.customer + twin).ids)], 'dst_partner_id': self.customer.id,
        }).action_merge()
        self.env.invalidate_all()
        with self.at('2026-11-28'):
            self.run_job()
        self.assertEqual(self.invite_of(campaign, "Test Twin").state, 'answered')
        self.assertEqual(self.invite_of(campaign, "Test Learner").reason, 'duplicate')
        self.assertRecordValues(campaign, [{'asked_count': 2, 'answered_count': 1}])

    def test_a_deleted_contact_leaves_the_figures(self):
        campaign = self.make_campaign()
        campaign.action_start()
        self.invite_of(campaign, "Test Apprenante")._mark_answered()
        self.french.unlink()
        self.env.invalidate_all()
        with self.at('2026-11-21'):
            self.run_job()
        self.assertEqual(len(campaign.invite_ids), 2)
        self.assertRecordValues(campaign, [{'asked_count': 2, 'answered_count': 1}])

    def test_sessions_with_campaigns_are_archived_not_deleted(self):
        self.make_campaign().action_start()
        with self.assertRefused("archive it instead"):
            self.event.unlink()

    def test_a_mended_address_is_invited(self):
        nobody = self._make_registration(self.event, name="Test Nobody", email=False)
        campaign = self.make_campaign()
        campaign.action_start()
        invite = self.invite_of(campaign, "Test Nobody")
        self.assertEqual((invite.state, invite.reason), ('failed', 'no_email'))
        reach = campaign.activity_ids.filtered(lambda activity: activity.qualiopi_step == 'reach')
        self.assertEqual(reach.user_id, self.officer)
        nobody.email = 'found@example.com'
        with self.at('2026-11-21'):
            self.run_job()
        self.assertEqual((invite.state, campaign.unreachable_count), ('sent', 0))
        self.assertIn('found@example.com', self.mails_of(campaign)[-1].email_to)
        self.assertFalse(campaign.activity_ids.filtered(lambda activity: activity.qualiopi_step == 'reach'))

    def test_a_returned_mail_counts_as_not_reached(self):
        campaign = self.make_campaign()
        campaign.action_start()
        invite = self.invite_of(campaign, "Test Learner")
        mail = self.mails_of(campaign).filtered(lambda mail: mail.res_id == invite.id)
        self.env['mail.thread']._routing_handle_bounce(None, {
            'bounced_email': 'learner@example.com', 'bounced_partner': self.customer,
            'bounced_msg_ids': [mail.message_id], 'bounced_message': mail.mail_message_id,
            'email_from': 'mailer-daemon@example.com', 'to': 'bounce@example.com', 'message_id': '<b@example.com>',
            'body': "User unknown",
        })
        self.assertEqual((invite.state, campaign.asked_count, campaign.unreachable_count), ('bounced', 1, 1))

    def test_a_mail_that_the_server_refused_counts_as_not_reached(self):
        campaign = self.make_campaign()
        campaign.action_start()
        self.invite_of(campaign, "Test Learner").mail_id.state = 'exception'
        with self.at('2026-11-21'):
            self.run_job()
        self.assertEqual(self.invite_of(campaign, "Test Learner").reason, 'mail_failed')
        self.assertEqual(campaign.unreachable_count, 1)

    def test_who_is_taken_out_by_hand_stays_out(self):
        campaign = self.make_campaign()
        campaign.action_start()
        invite = self.user_env(self.invite_of(campaign, "Test Learner"), self.officer)
        invite.action_exclude()
        with self.at('2026-11-30'):
            self.run_job()
        self.assertEqual((invite.state, invite.reminder_number), ('excluded', 0))
        invite.action_take_back()
        self.assertEqual(invite.state, 'sent')

    # === OTHER MEANS === #

    def test_a_webinar_is_two_figures_and_a_file(self):
        form = Form(self.model_as('qualiopi.feedback.campaign', self.officer))
        form.means = 'webinar'
        form.stakeholder_id = self.env.ref('qualiopi.stakeholder_funder')
        form.asked_count = 1
        form.answered_count = 1
        campaign = form.save()
        self.env['qualiopi.evidence'].with_user(self.officer).create({
            'campaign_id': campaign.id, 'type': 'link', 'url': 'https://example.com/webinar', 'name': "Programme",
        })
        campaign.action_done()
        self.assertRecordValues(campaign, [{
            'state': 'done', 'asked_count': 1, 'answered_count': 1, 'response_rate': 100.0, 'evidence_count': 1,
        }])
        self.assertEqual(campaign.indicator_ids.mapped('number'), [30])
        self.assertRegex(campaign.reference, r'^ENQ/2026/\d{4}$')
        campaign.summary = "They wish for shorter modules"
        campaign.action_analysed()
        self.assertEqual((campaign.analysed_on, campaign.analysed_by_id), (date(2026, 11, 20), self.officer))

    def test_figures_that_cannot_be_are_refused(self):
        campaign = self.make_campaign(means='meeting', survey_id=False)
        with self.assertRaises(ValidationError):
            campaign.write({'asked_count': 2, 'answered_count': 5})
        with self.assertRefused("how many persons"):
            campaign.action_done()
        campaign.attendee_ids = [Command.set((self.trainer + self.customer).ids)]
        campaign.action_done()
        self.assertRecordValues(campaign, [{'asked_count': 2, 'answered_count': 2}])

    def test_activities_say_what_is_left_to_do(self):
        meeting = self.make_campaign(means='meeting', survey_id=False, asked_count=3)
        self.assertEqual(meeting.activity_ids.mapped('qualiopi_step'), ['hold'])
        meeting.action_done()
        self.assertEqual(meeting.activity_ids.mapped('qualiopi_step'), ['analyse'])
        self.assertEqual(meeting.activity_ids.date_deadline, date(2026, 11, 20) + timedelta(days=21))
        meeting.action_analysed()
        self.assertFalse(meeting.activity_ids)

    def test_an_owner_who_left_is_replaced(self):
        meeting = self.make_campaign(means='meeting', survey_id=False, asked_count=3, user_id=self.officer2.id)
        self.officer2.active = False
        meeting.with_user(self.officer).action_done()
        self.assertEqual(meeting.activity_ids.user_id, self.manager)

    # === LIFE === #

    def test_campaigns_are_cancelled_with_a_reason_and_never_deleted(self):
        campaign = self.make_campaign()
        with self.assertRefused("Only a quality manager"):
            campaign.action_cancel("Not now, thank you")
        by_manager = self.user_env(campaign, self.manager)
        by_manager.action_cancel("Planned twice by mistake")
        self.assertEqual((campaign.state, campaign.cancel_reason), ('cancelled', "Planned twice by mistake"))
        with self.assertRefused("is closed"):
            campaign.action_start()
        with self.assertDenied():
            by_manager.unlink()
        by_manager.action_reopen("It was not, after all")
        self.assertEqual(campaign.state, 'planned')

    def test_a_copy_begins_anew(self):
        campaign = self.make_campaign()
        campaign.action_start()
        copy = campaign.copy()
        self.assertRecordValues(copy, [{'state': 'planned', 'asked_count': 0, 'survey_id': self.survey.id}])
        self.assertNotEqual(copy.reference, campaign.reference)
        self.assertFalse(copy.invite_ids)

    # === RIGHTS === #

    def test_rights_by_role_and_company(self):
        campaign = self.make_campaign()
        campaign.action_start()
        invites = campaign.invite_ids
        for user in (self.officer, self.manager, self.auditor):
            self.assertEqual(len(self.user_env(invites, user).mapped('email')), 2)
            self.assertTrue(self.user_env(campaign, user).web_read({'survey_id': {'fields': {'display_name': {}}}}))
        for user in (self.declarant, self.plain, self.portal, self.other_officer):
            with self.assertDenied():
                self.user_env(campaign, user).read(['name'])
            with self.assertDenied():
                self.user_env(invites, user).read(['name'])
        for user in (self.auditor, self.declarant):
            with self.assertDenied():
                self.model_as('qualiopi.feedback.campaign', user).create({'stakeholder_id': self.beneficiary.id})
            with self.assertDenied():
                self.user_env(campaign, user).action_remind()
        for user in (self.officer, self.manager):
            with self.assertDenied():
                self.user_env(invites, user).write({'state': 'answered'})
        own = self.make_campaign(moment='cold', user_id=self.declarant.id)
        self.assertEqual(self.user_env(own, self.declarant).name, own.name)
        with self.assertDenied():
            self.user_env(own, self.declarant).write({'summary': "Mine"})

    def test_a_session_of_another_company_is_refused(self):
        foreign = self._make_event(self.other_company)
        with self.assertRaises(UserError):
            self.make_campaign(event_id=foreign.id)

    def test_named_in_a_few_words(self):
        """Lists show who, when and about what."""
        campaign = self.make_campaign()
        self.assertEqual(campaign.name, f"Beneficiary, hot – {self.event.name}")
        meeting = self.make_campaign(moment='other', means='meeting', survey_id=False, event_id=False)
        self.assertEqual(meeting.name, "Beneficiary, Meeting")

    def test_the_session_and_the_course_show_their_campaigns(self):
        campaign = self.make_campaign()
        self.assertEqual(campaign.course_id, self.course)
        self.assertEqual(campaign.trainer_id, self.trainer)
        self.assertEqual(self.event.with_user(self.officer).campaign_count, 1)
        self.assertEqual(self.course.with_user(self.officer).campaign_count, 1)
        action = self.event.with_user(self.officer).action_view_campaigns()
        self.assertEqual(self.env[action['res_model']].search(action['domain']), campaign)
        self.assertEqual(self.event.with_user(self.declarant).campaign_count, 0)
