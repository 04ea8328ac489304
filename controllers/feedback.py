import uuid

from odoo import SUPERUSER_ID
from odoo.http import Controller, request, route
from odoo.tools import SQL

_URL = '/qualiopi/feedback/<int:invite_id>/<string:token>'
_MAX_ID = 2**31 - 1
_COOKIE_DAYS = 120


class FeedbackController(Controller):
    """The personal link of a person asked. Opening it begins nothing, since mail scanners open every link:
    the button does."""

    @route(_URL, type='http', auth='public', methods=['GET'], website=True, sitemap=False)
    def feedback(self, invite_id, token, **_kwargs):
        """Who asks, about what, and what becomes of the answer."""
        invite_sudo = self._open(invite_id, token)
        if not invite_sudo:
            raise request.not_found()
        invite_sudo._follow_registration()
        return self._page(invite_sudo, token)

    @route(_URL, type='http', auth='public', methods=['POST'], website=True, sitemap=False)
    def feedback_start(self, invite_id, token, key=None, **_kwargs):
        """Begin the answer, or go on with it."""
        invite_sudo = self._open(invite_id, token)
        if not invite_sudo:
            raise request.not_found()
        key = self._browser_key(invite_sudo) or key
        if invite_sudo.campaign_id.is_anonymous:
            # Each beginning writes all invitations of an anonymous campaign anew, and a class begins within a
            # minute. A transaction that waits before it looks at anything sees what the one before it left.
            # Until here this one has only read.
            request.env.cr.rollback()
            request.env.cr.execute(SQL("LOCK TABLE qualiopi_feedback_invite IN SHARE ROW EXCLUSIVE MODE"))
        return self._begin(invite_sudo, token, key)

    def _begin(self, invite, token, key):
        """Lead to the answer of a person, or to the page that says why there is none to give."""
        campaign = invite.campaign_id
        invite._follow_registration()
        if self._state(invite, key) in ('early', 'closed'):
            return self._page(invite, token)
        answer = invite._open_answer(key=key)
        if not answer:
            return self._page(invite, token)
        lang = campaign._answer_lang(invite._lang())
        response = request.redirect(answer._feedback_url(lang), code=303)
        if campaign.is_anonymous:
            # The ballot does not say in which language it is asked.
            response.set_cookie('frontend_lang', lang, samesite='Lax')
            # Only this browser can go on: the server does not know whose answer it is.
            response.set_cookie(
                self._cookie(invite), answer.access_token, max_age=_COOKIE_DAYS * 24 * 3600, httponly=True,
                samesite='Lax', path=f'/qualiopi/feedback/{invite.id}',
            )
        return self._private(response)

    def _open(self, invite_id, token):
        """The invitation of a link, as superuser; nothing when anything is wrong."""
        if invite_id > _MAX_ID:
            return None
        # sudo: the person has no account; the token, checked before anything else is done, is theirs
        invite_sudo = request.env['qualiopi.feedback.invite'].sudo().browse(invite_id).exists()
        if not invite_sudo or not invite_sudo._check_token(token):
            return None
        request.update_context(lang=invite_sudo._lang())
        # sudo: the writings are the program's, not those of the account that is logged in on this browser.
        return invite_sudo.with_user(SUPERUSER_ID).with_context(lang=request.env.context['lang'])

    @staticmethod
    def _cookie(invite):
        return f'qualiopi_feedback_{invite.id}'

    def _browser_key(self, invite):
        key = request.cookies.get(self._cookie(invite))
        return key if invite._valid_key(key) else None

    def _state(self, invite, key):
        """What the page says: begin, go on, thank you, begun elsewhere, not yet, over."""
        campaign = invite.campaign_id
        if campaign.is_anonymous:
            # sudo: the invitation's token was checked, and the browser's own secret finds the answer
            answer = invite.env['survey.user_input'].sudo().search(
                [('campaign_id', '=', campaign.id), ('access_token', '=', key)], limit=1) if key else None
        else:
            answer = invite._answer()
        if answer and answer.state == 'done':
            return 'answered'
        if not campaign._is_open():
            return 'early' if campaign._is_early() and invite.state != 'excluded' else 'closed'
        if answer:
            return 'begun'
        if invite.state == 'answered':
            return 'elsewhere' if campaign.is_anonymous else 'answered'
        return 'closed' if invite.state == 'excluded' else 'open'

    def _page(self, invite, token):
        campaign = invite.campaign_id
        key = self._browser_key(invite)
        response = request.render('qualiopi.feedback_page', {
            'html_lang': request.env.lang.replace('_', '-'),
            'res_company': campaign.company_id,
            'company_name': campaign.company_id.name,
            'survey': campaign.survey_id,
            'subject': campaign.event_id.name or campaign.course_id.name,
            'date_begin': campaign.event_id.date_begin,
            'date_tz': campaign.event_id.date_tz,
            'is_anonymous': campaign.is_anonymous,
            'threshold': campaign.threshold,
            'state': self._state(invite, key),
            'opens_on': campaign.date_from,
            'url': f'/qualiopi/feedback/{invite.id}/{token}',
            'key': key or str(uuid.uuid4()),
        })
        return self._private(response)

    @staticmethod
    def _private(response):
        # The address is a key: it goes to no other site, no cache and no search engine.
        response.headers['Referrer-Policy'] = 'no-referrer'
        response.headers['Cache-Control'] = 'no-store'
        response.headers['X-Robots-Tag'] = 'noindex'
        return response
