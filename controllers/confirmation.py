from odoo.http import Controller, request, route

from ..models.qualiopi_complaint_confirmation import CONFIRMATION_LENGTH

_URL = '/qualiopi/confirm/<int:complaint_id>/<string:token>'
_MAX_ID = 2**31 - 1
_ANSWERS = ('yes', 'correct')


class ConfirmationController(Controller):
    """The page where a complainant confirms what was noted. Opening it changes nothing, since mail scanners
    open every link: only the button does."""

    @route(_URL, type='http', auth='public', methods=['GET'], website=True, sitemap=False, readonly=True)
    def confirmation(self, complaint_id, token, saved=None, **_kwargs):
        """The text as noted, and the question whether it is right."""
        complaint_sudo, state = self._open(complaint_id, token)
        if not complaint_sudo:
            raise request.not_found()
        return self._page(complaint_sudo, token, state, saved=bool(saved))

    @route(_URL, type='http', auth='public', methods=['POST'], website=True, sitemap=False)
    def confirmation_submit(self, complaint_id, token, answer=None, correction=None, **_kwargs):
        """Record the confirmation."""
        complaint_sudo, state = self._open(complaint_id, token)
        if not complaint_sudo:
            raise request.not_found()
        correction = (correction if isinstance(correction, str) else '').replace('\r\n', '\n').replace('\0', '')
        errors = []
        if answer not in _ANSWERS:
            errors.append('answer')
        if answer == 'correct' and not correction.strip():
            errors.append('empty')
        if len(correction) > CONFIRMATION_LENGTH:
            errors.append('long')
        if errors or state != 'open':
            return self._page(complaint_sudo, token, state, answer, correction, errors)
        # What was typed counts whatever is ticked: nothing that people write is lost.
        complaint_sudo._record_confirmation(correction)
        return request.redirect(f'/qualiopi/confirm/{complaint_id}/{token}?saved=1', code=303)

    def _open(self, complaint_id, token):
        """The entry of a link, as superuser, and what the link opens; nothing when anything is wrong."""
        nothing = request.env['qualiopi.complaint'], None
        if complaint_id > _MAX_ID:
            return nothing
        # sudo: the complainant has no account; the token, checked before anything else is done, is theirs
        complaint_sudo, compared_sudo = request.env['qualiopi.complaint'].sudo().browse(complaint_id)._with_stand_in()
        state = compared_sudo and compared_sudo._confirmation_link_state(token)
        if not complaint_sudo or not state:
            return nothing
        request.update_context(lang=complaint_sudo._letter_lang())
        # sudo: the writings are the program's for the complainant, not those of the account of all visitors.
        return complaint_sudo.with_user(complaint_sudo.env.ref('base.user_root')).with_context(
            lang=request.env.context['lang']), state

    def _page(self, complaint_sudo, token, state, answer=None, correction=None, errors=(), saved=False):
        response = request.render('qualiopi.confirmation_page', {
            'html_lang': request.env.lang.replace('_', '-'),
            'res_company': complaint_sudo.company_id,
            'company_name': complaint_sudo.company_id.name,
            'reference': complaint_sudo.reference,
            'received_date': complaint_sudo.received_date,
            'text': complaint_sudo.confirmation_text,
            'state': state,
            'url': f'/qualiopi/confirm/{complaint_sudo.id}/{token}',
            'answer': answer if answer in _ANSWERS else None,
            'correction': correction or '',
            'max_length': CONFIRMATION_LENGTH,
            'errors': errors,
            'saved': saved and state == 'settled',
            'confirmed_on': complaint_sudo.confirmation_date,
            'given': complaint_sudo.confirmation_correction,
        })
        # The address is a key: it goes to no other site, no cache and no search engine.
        response.headers['Referrer-Policy'] = 'no-referrer'
        response.headers['Cache-Control'] = 'no-store'
        response.headers['X-Robots-Tag'] = 'noindex'
        return response
