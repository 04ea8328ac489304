from odoo.http import Controller, request, route

from ..models.qualiopi_complaint_verdict import HOURLY_VERDICTS, VERDICT_ANSWERS, VERDICT_COMMENT_LENGTH

_URL = '/qualiopi/verdict/<int:complaint_id>/<string:token>'
_MAX_ID = 2**31 - 1


class VerdictController(Controller):
    """The page where a complainant says whether it is solved. Opening it changes nothing, since mail
    scanners open every link: only the button does."""

    @route(_URL, type='http', auth='public', methods=['GET'], website=True, sitemap=False, readonly=True)
    def verdict(self, complaint_id, token, answer=None, saved=None, **_kwargs):
        """The question, with the answer of the link chosen."""
        complaint_sudo, state = self._open(complaint_id, token)
        if not complaint_sudo:
            raise request.not_found()
        return self._page(complaint_sudo, token, state, answer=answer, saved=bool(saved))

    @route(_URL, type='http', auth='public', methods=['POST'], website=True, sitemap=False)
    def verdict_submit(self, complaint_id, token, answer=None, comment=None, **_kwargs):
        """Record the answer."""
        complaint_sudo, state = self._open(complaint_id, token)
        if not complaint_sudo:
            raise request.not_found()
        # What browsers send for one line break counts as one character, as in their own count.
        comment = (comment if isinstance(comment, str) else '').replace('\r\n', '\n').replace('\0', '')
        errors = []
        if answer not in VERDICT_ANSWERS:
            errors.append('answer')
        if len(comment) > VERDICT_COMMENT_LENGTH:
            errors.append('comment')
        if not errors and not request.env['qualiopi.hit']._allow('verdict', str(complaint_id), HOURLY_VERDICTS, 1):
            errors.append('often')
        if errors or state != 'open':
            return self._page(complaint_sudo, token, state, answer=answer, comment=comment, errors=errors)
        complaint_sudo._record_verdict(answer, comment)
        return request.redirect(f'/qualiopi/verdict/{complaint_id}/{token}?saved=1', code=303)

    def _open(self, complaint_id, token):
        """The entry of a link, as superuser, and what the link opens; nothing when anything is wrong."""
        nothing = request.env['qualiopi.complaint'], None
        if complaint_id > _MAX_ID:
            return nothing
        # sudo: the complainant has no account; the token, checked before anything else is done, is theirs
        complaint_sudo, compared_sudo = request.env['qualiopi.complaint'].sudo().browse(complaint_id)._with_stand_in()
        state = compared_sudo and compared_sudo._verdict_link_state(token)
        if not complaint_sudo or not state:
            return nothing
        request.update_context(lang=complaint_sudo._letter_lang())
        # sudo: the token was checked; the writings are the program's for the complainant, not the
        # visitors' account's.
        return complaint_sudo.with_user(complaint_sudo.env.ref('base.user_root')).with_context(
            lang=request.env.context['lang']), state

    def _page(self, complaint_sudo, token, state, answer=None, comment=None, errors=(), saved=False):
        given = complaint_sudo._has_current_verdict() and complaint_sudo.verdict
        if comment is None:
            comment = given and complaint_sudo.verdict_comment
        response = request.render('qualiopi.verdict_page', {
            'html_lang': request.env.lang.replace('_', '-'),
            'res_company': complaint_sudo.company_id,
            'company_name': complaint_sudo.company_id.name,
            'reference': complaint_sudo.reference,
            'received_date': complaint_sudo.received_date,
            'state': state,
            'url': f'/qualiopi/verdict/{complaint_sudo.id}/{token}',
            'answer': answer if answer in VERDICT_ANSWERS else given,
            'given': given,
            'given_on': complaint_sudo.verdict_date,
            'last_day': complaint_sudo._verdict_last_day(),
            'comment': comment or '',
            'max_length': VERDICT_COMMENT_LENGTH,
            'errors': errors,
            'saved': saved and given,
        })
        # The address is a key: it goes to no other site, no cache and no search engine.
        response.headers['Referrer-Policy'] = 'no-referrer'
        response.headers['Cache-Control'] = 'no-store'
        response.headers['X-Robots-Tag'] = 'noindex'
        return response
