from odoo import SUPERUSER_ID
from odoo.http import request, route

from odoo.addons.survey.controllers.main import Survey
from odoo.addons.survey.controllers.survey_session_manage import UserInputSession


class QualiopiSurvey(Survey):
    """Odoo's survey pages for our questionnaires: personal links open them, results are read elsewhere.

    Each override looks first whether the survey is ours.
    """

    def _fetch_from_access_token(self, survey_token, answer_token):
        survey_sudo, answer_sudo = super()._fetch_from_access_token(survey_token, answer_token)
        if answer_sudo.campaign_id:
            # sudo: nobody in particular writes the answer, whoever is logged in on this browser.
            answer_sudo = answer_sudo.with_user(SUPERUSER_ID).sudo().with_context(
                mail_create_nolog=True, mail_notrack=True, tracking_disable=True)
        return survey_sudo, answer_sudo

    def _check_validity(self, survey_sudo, answer_sudo, answer_token, ensure_token=True, check_partner=True):
        if answer_sudo.campaign_id:
            # The key in the address is the right to answer, on a shared computer as well.
            check_partner = False
            if answer_sudo.state != 'done' and not answer_sudo.campaign_id._is_open():
                return 'answer_deadline'
        validity = super()._check_validity(
            survey_sudo, answer_sudo, answer_token, ensure_token=ensure_token, check_partner=check_partner)
        if validity == 'survey_closed' and answer_sudo.campaign_id and answer_sudo.campaign_id._is_open():
            # Archived for a new version: those whom it was sent to still answer it.
            return True
        return validity

    @route()
    def survey_retry(self, survey_token, answer_token, **post):
        __, answer_sudo = self._fetch_from_access_token(survey_token, answer_token)
        if answer_sudo.campaign_id:
            return request.redirect(f'/survey/{survey_token}/{answer_token}')
        return super().survey_retry(survey_token, answer_token, **post)

    @route()
    def survey_print(self, survey_token, review=False, answer_token=None, **post):
        __, answer_sudo = self._fetch_from_access_token(survey_token, answer_token)
        if answer_sudo.is_anonymous and not answer_sudo.campaign_id.is_released:
            # On a shared computer, who comes next finds the address in the browser's history.
            return request.redirect(f'/survey/{survey_token}/{answer_token}')
        return super().survey_print(survey_token, review=review, answer_token=answer_token, **post)

    @route()
    def survey_report(self, survey, answer_token=None, **post):
        # sudo: the type alone is read, to close the page to everybody
        if survey.sudo().survey_type == 'qualiopi':
            action = request.env.ref('qualiopi.qualiopi_satisfaction_report_action')
            return request.redirect(f'/odoo/{action.path}')
        return super().survey_report(survey, answer_token=answer_token, **post)


class QualiopiUserInputSession(UserInputSession):

    def _fetch_from_token(self, survey_token):
        survey = super()._fetch_from_token(survey_token)
        # No live session of ours: everybody in the room would see the answers.
        # sudo: the type alone is read
        return survey.browse() if survey.sudo().survey_type == 'qualiopi' else survey
