import logging

from odoo import fields
from odoo.exceptions import AccessError, UserError
from odoo.http import Controller, content_disposition, request, route
from odoo.tools import consteq

_logger = logging.getLogger(__name__)

_URL = '/qualiopi/audit/<int:link_id>/<string:token>'
_SESSION = 'qualiopi_audit'
# The code is asked again after so many seconds.
_VISIT_SECONDS = 12 * 3600
_HOURLY_DOWNLOADS = 60
_OPTIONS = {'type': 'http', 'auth': 'public', 'website': True, 'sitemap': False, 'multilang': False}


class AuditLinkController(Controller):
    """The pages of an auditor without an account, to read only. Whatever is not to be seen is a page that does not
    exist. Reading them changes nothing but the log, and the key of the codes when a new name is met."""

    # === DOOR === #

    @route(_URL, methods=['GET'], **_OPTIONS)
    def audit_link(self, link_id, token, **_kwargs):
        """The overview, after the code."""
        link_sudo = self._open(link_id, token)
        if not self._is_inside(link_sudo):
            return self._door(link_sudo, token)
        pages = link_sudo._pages()
        return self._page(link_sudo, token, 'overview', pages, 'qualiopi.audit_overview', pages._overview())

    @route(_URL, methods=['POST'], **_OPTIONS)
    def audit_link_code(self, link_id, token, code=None, **_kwargs):
        """Compare the code."""
        link_sudo = self._open(link_id, token)
        answer = link_sudo._try_code(code)
        if answer != 'right':
            return self._door(link_sudo, token, answer)
        visits = dict(request.session.get(_SESSION) or {})
        visits[str(link_sudo.id)] = [link_sudo._proof(), fields.Datetime.now().timestamp()]
        request.session[_SESSION] = visits
        return self._closed(request.redirect(link_sudo._path(token), code=303))

    def _open(self, link_id, token):
        """The access of an address, as superuser.

        :raise NotFound: when it does not exist, is over, withdrawn, or the address is wrong: one answer for all
        """
        link_sudo = request.env['qualiopi.audit.link']._opened_by(link_id, token)
        if not link_sudo:
            raise request.not_found()
        request.update_context(lang=link_sudo._lang())
        return link_sudo.with_context(lang=link_sudo._lang())

    def _is_inside(self, link_sudo):
        """Whether this visitor gave the right code, not too long ago."""
        known = (request.session.get(_SESSION) or {}).get(str(link_sudo.id))
        if not isinstance(known, (list, tuple)) or len(known) != 2:
            return False
        proof, moment = known
        return consteq(link_sudo._proof(), str(proof)) and (
            0 <= fields.Datetime.now().timestamp() - moment < _VISIT_SECONDS)

    def _enter(self, link_id, token):
        link_sudo = self._open(link_id, token)
        if not self._is_inside(link_sudo):
            raise request.not_found()
        return link_sudo, link_sudo._pages()

    # === PAGES === #

    @route(_URL + '/<string:kind>', methods=['GET'], **_OPTIONS)
    def audit_link_register(self, link_id, token, kind, page='1', indicator=None, **_kwargs):
        """One page of a register, or the chains."""
        link_sudo, pages = self._enter(link_id, token)
        page, indicator = self._number(page), self._number(indicator) if indicator else None
        if kind == 'chains':
            values, template = pages._chains(page), 'qualiopi.audit_chains'
        else:
            values, template = pages._register(kind, page, indicator), 'qualiopi.audit_register'
        if not values:
            raise request.not_found()
        detail = ', '.join(filter(None, [
            f'{page}/{values["pages"]}' if values['pages'] > 1 else None, f'ind. {indicator}' if indicator else None,
        ]))
        return self._page(link_sudo, token, kind, pages, template, values, detail)

    @route(_URL + '/chain/<int:finding_id>', methods=['GET'], **_OPTIONS)
    def audit_link_chain(self, link_id, token, finding_id, **_kwargs):
        """The traceability sheet of one finding."""
        link_sudo, pages = self._enter(link_id, token)
        document = pages._chain(finding_id) if 0 < finding_id < 2**31 else None
        if not document:
            raise request.not_found()
        return self._page(
            link_sudo, token, 'chain', pages, 'qualiopi.audit_chain', {'document': document}, document['o'].reference)

    @route(_URL + '/download/<string:code>', methods=['GET'], **_OPTIONS)
    def audit_link_download(self, link_id, token, code, **_kwargs):
        """A printed document of the period, or the evidence file; noted before it leaves."""
        link_sudo, pages = self._enter(link_id, token)
        if code == 'file':
            return self._evidence_file(link_sudo)
        if not request.env['qualiopi.hit']._allow('audit-download', str(link_sudo.id), _HOURLY_DOWNLOADS, 1):
            return self._closed(request.make_response('', status=429))
        try:
            content = pages._pdf(code, link_sudo.is_anonymised)
        except (AccessError, UserError) as error:
            _logger.warning("Auditor's access %s: %s could not be printed: %s", link_sudo.id, code, error)
            raise request.not_found() from error
        if not content:
            raise request.not_found()
        name = f'qualiopi-{code}-{link_sudo.date_from}_{link_sudo.date_to}.pdf'
        link_sudo._note('download', name)
        return self._closed(request.make_response(content, headers=[
            ('Content-Type', 'application/pdf'),
            ('Content-Length', len(content)),
            ('Content-Disposition', content_disposition(name)),
        ]))

    def _evidence_file(self, link_sudo):
        file_sudo = link_sudo.evidence_file_id
        attachment_sudo = file_sudo._attachment() if file_sudo else None
        if not attachment_sudo:
            raise request.not_found()
        link_sudo._note('download', attachment_sudo.name)
        try:
            stream = attachment_sudo._to_http_stream()
        except OSError as error:
            raise request.not_found() from error
        return self._closed(stream.get_response(as_attachment=True, immutable=False))

    # === ANSWERS === #

    def _page(self, link_sudo, token, page, pages, template, values, detail=None):
        link_sudo._note(page, detail)
        response = self._render(link_sudo, token, template, {**pages._frame(), **values, 'here': page})
        if link_sudo.is_anonymised:
            anonymiser, keep = pages.env['qualiopi.pseudonym']._anonymiser(pages._company())
            response.set_data(anonymiser.html(response.get_data()))
            keep()
        return response

    def _door(self, link_sudo, token, answer=None):
        return self._render(link_sudo, token, 'qualiopi.audit_door', {'answer': answer})

    def _render(self, link_sudo, token, template, values):
        response = request.render(template, {
            'html_lang': request.env.lang.replace('_', '-'),
            'res_company': link_sudo.company_id,
            'company_name': link_sudo.company_id.name,
            'base': link_sudo._path(token),
            'expires_on': link_sudo.expires_on,
            'is_anonymised': link_sudo.is_anonymised,
            'has_file': bool(link_sudo.evidence_file_id),
            'file_name': link_sudo.evidence_file_id.name,
            'file_size': link_sudo.evidence_file_id.size_text,
            **values,
        })
        response.flatten()
        return self._closed(response)

    @staticmethod
    def _closed(response):
        # The address is half a key, the page is not for keeping: no other site, no cache and no search engine.
        response.headers['Referrer-Policy'] = 'no-referrer'
        response.headers['Cache-Control'] = 'no-store'
        response.headers['X-Robots-Tag'] = 'noindex'
        response.headers['X-Content-Type-Options'] = 'nosniff'
        return response

    @staticmethod
    def _number(text):
        number = int(text) if isinstance(text, str) and text.isascii() and text.isdigit() and len(text) < 7 else 0
        if not number:
            raise request.not_found()
        return number
