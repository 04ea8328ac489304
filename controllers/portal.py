import secrets

from odoo.fields import Domain
from odoo.http import content_disposition, request, route

from odoo.addons.portal.controllers.portal import CustomerPortal
from odoo.addons.portal.controllers.portal import pager as portal_pager

from ..models.qualiopi_complaint_follow import FOLLOW_TEXT_LENGTH
from ..models.qualiopi_complaint_verdict import HOURLY_VERDICTS, VERDICT_ANSWERS, VERDICT_COMMENT_LENGTH
from ..models.qualiopi_guarded_mixin import is_meaningful
from ..models.qualiopi_upload import MAX_FILES, MAX_MEGABYTES

_URL = '/my/complaints/<int:complaint_id>'
_MAX_ID = 2**31 - 1
# Private links that a visitor has opened, so that the secret leaves the address at once.
_LINKS = 'qualiopi_links'
_LINKS_KEPT = 20
_NOTICE = 'qualiopi_notice'
_NATURES = ('complaint', 'difficulty', 'unforeseen', 'safeguarding')
_REMEDY_LENGTH = 2000
_HOURLY_MESSAGES = 20
_DAILY_ENTRIES = 20
_FORM_BYTES = (MAX_FILES * MAX_MEGABYTES + 2) * 1024 * 1024


class ComplaintPortal(CustomerPortal):
    """Entries as their authors follow them: with a portal account, or one of them by its private link."""

    def _prepare_home_portal_values(self, counters):
        values = super()._prepare_home_portal_values(counters)
        if 'complaint_count' in counters:
            model = request.env['qualiopi.complaint']
            values['complaint_count'] = model._portal_entries(request.env.user).search_count(
                model._portal_domain(request.env.user),
            )
        return values

    # === LIST === #

    @route(['/my/complaints', '/my/complaints/page/<int:page>'], type='http', auth='user', website=True,
           methods=['GET'], readonly=True)
    def portal_complaints(self, page=1, sortby=None, filterby=None, **_kwargs):
        """The entries that the user follows."""
        model = request.env['qualiopi.complaint']
        sortings = {
            'date': {'label': request.env._("Newest"), 'order': 'received_on desc, id desc'},
            'reference': {'label': request.env._("Number"), 'order': 'reference desc'},
            'state': {'label': request.env._("How far it is"), 'order': 'state, received_on desc'},
        }
        ended = Domain('state', 'in', ('closed', 'cancelled'))
        filters = {
            'all': {'label': request.env._("All"), 'domain': Domain.TRUE},
            'open': {'label': request.env._("Open"), 'domain': ~ended},
            'ended': {'label': request.env._("Finished"), 'domain': ended},
        }
        sortby = sortby if sortby in sortings else 'date'
        filterby = filterby if filterby in filters else 'all'
        entries = model._portal_entries(request.env.user)
        domain = model._portal_domain(request.env.user) & filters[filterby]['domain']
        pager = portal_pager(
            url='/my/complaints', url_args={'sortby': sortby, 'filterby': filterby},
            total=entries.search_count(domain), page=page, step=20,
        )
        found = entries.search(domain, order=sortings[sortby]['order'], limit=20, offset=pager['offset'])
        labels = model._follow_labels()
        partner = request.env.user.partner_id
        return self._private(request.render('qualiopi.portal_my_complaints', {
            **self._frame(),
            'page_name': 'qualiopi_complaint',
            'default_url': '/my/complaints',
            'pager': pager,
            'searchbar_sortings': sortings, 'sortby': sortby,
            'searchbar_filters': filters, 'filterby': filterby,
            'complaints': [{
                'url': f'/my/complaints/{complaint.id}',
                'reference': complaint.reference,
                'received_date': complaint.received_date,
                'title': complaint._follow_title(),
                'state': complaint._follow_state(),
                'state_label': labels[complaint._follow_state()],
                'is_shared': complaint.partner_id.id != partner.id,
            } for complaint in found],
        }))

    # === ONE ENTRY === #

    @route(_URL, type='http', auth='public', website=True, methods=['GET'], sitemap=False, readonly=True)
    def portal_complaint(self, complaint_id, access_token=None, **_kwargs):
        """One entry; a private link is remembered for the visit and its secret leaves the address."""
        complaint_sudo, partner = self._open(complaint_id, access_token)
        if access_token is not None:
            if partner is None:
                links = {**request.session.get(_LINKS, {}), str(complaint_id): access_token}
                request.session[_LINKS] = dict(list(links.items())[-_LINKS_KEPT:])
            return self._private(request.redirect(f'/my/complaints/{complaint_id}', code=303))
        return self._page(complaint_sudo, partner)

    @route(f'{_URL}/message', type='http', auth='public', website=True, methods=['POST'], sitemap=False,
           max_content_length=_FORM_BYTES)
    def portal_complaint_message(self, complaint_id, message=None, **_kwargs):
        """Add a message and files."""
        complaint_sudo, partner = self._open(complaint_id)
        text = self._text(message)
        files = self._files()
        errors = []
        if len(text) > FOLLOW_TEXT_LENGTH:
            errors.append('message_long')
        elif not text and not files:
            errors.append('message')
        elif not request.env['qualiopi.hit']._allow('portal', str(complaint_id), _HOURLY_MESSAGES, 1):
            errors.append('often')
        if errors:
            return self._page(complaint_sudo, partner, errors=errors, message=text)
        refused = complaint_sudo._follow_write(text, files, partner)
        is_lost = not text and len(refused) == len(files)
        return self._back(complaint_sudo, None if is_lost else 'message', refused)

    @route(f'{_URL}/verdict', type='http', auth='public', website=True, methods=['POST'], sitemap=False)
    def portal_complaint_verdict(self, complaint_id, answer=None, comment=None, **_kwargs):
        """Record whether it is solved, from the author alone."""
        complaint_sudo, partner = self._open(complaint_id)
        is_author = partner is None or partner == complaint_sudo.partner_id
        if not is_author or not complaint_sudo._may_judge():
            return self._back(complaint_sudo, None)
        comment = self._text(comment)
        errors = []
        if answer not in VERDICT_ANSWERS:
            errors.append('answer')
        if len(comment) > VERDICT_COMMENT_LENGTH:
            errors.append('comment')
        if not errors and not request.env['qualiopi.hit']._allow('verdict', str(complaint_id), HOURLY_VERDICTS, 1):
            errors.append('verdict_often')
        if errors:
            return self._page(complaint_sudo, partner, errors=errors, answer=answer, comment=comment)
        complaint_sudo._record_verdict(answer, comment)
        return self._back(complaint_sudo, 'verdict')

    @route(f'{_URL}/files/<int:attachment_id>', type='http', auth='public', website=True, methods=['GET'],
           sitemap=False, readonly=True)
    def portal_complaint_file(self, complaint_id, attachment_id, **_kwargs):
        """A file of the entry, to be saved and never shown in the browser."""
        complaint_sudo, partner = self._open(complaint_id)
        file_sudo, name = complaint_sudo._follow_file(attachment_id, partner)
        if not file_sudo:
            raise request.not_found()
        return self._private(request.make_response(file_sudo.raw or b'', [
            ('Content-Type', 'application/octet-stream'),
            ('Content-Disposition', content_disposition(name)),
            ('X-Content-Type-Options', 'nosniff'),
            ('Content-Security-Policy', "default-src 'none'; sandbox"),
        ]))

    # === NEW ENTRY === #

    @route('/my/complaints/new', type='http', auth='user', website=True, methods=['GET'], readonly=True)
    def portal_complaint_new(self, **_kwargs):
        """The form of a new entry."""
        return self._form({'key': secrets.token_urlsafe(16), 'nature': 'complaint'})

    @route('/my/complaints/new', type='http', auth='user', website=True, methods=['POST'],
           max_content_length=_FORM_BYTES)
    def portal_complaint_create(self, **kwargs):
        """Record a new entry of the user, and thank for it."""
        form = {name: self._text(kwargs.get(name)) for name in (
            'key', 'nature', 'stakeholder', 'session', 'description', 'remedy',
        )}
        errors = self._form_errors(form)
        user = request.env.user
        if not errors and not request.env['qualiopi.hit']._allow('portal_new', str(user.id), _DAILY_ENTRIES, 24):
            errors.append('often')
        if errors:
            return self._form(form, errors)
        registration = self._chosen(form['session'], request.env['qualiopi.complaint']._portal_sessions(user))
        event = registration.event_id
        company = event.company_id or user.company_id
        stakeholder = self._chosen(form['stakeholder'], self._stakeholders())
        is_learner = registration.learner_id == user.partner_id
        complaint_sudo = request.env['qualiopi.complaint']._receive(company, {
            'text_origin': 'portal',
            'channel_id': self._channel().id,
            'nature': form['nature'],
            'partner_id': user.partner_id.id,
            'stakeholder_id': stakeholder.id,
            'event_id': event.id,
            'registration_id': registration.id if is_learner else False,
            'description': form['description'],
            'remedy_requested': form['remedy'] or False,
        }, f"portal-{user.id}-{form['key'][:64]}")
        if not complaint_sudo:
            # Sent twice by an impatient click: it is in the list.
            return request.redirect('/my/complaints', code=303)
        complaint_sudo = complaint_sudo._for_outside()
        refused = complaint_sudo.with_context(qualiopi_sender=user.partner_id.id)._attach_uploads(self._files())
        complaint_sudo._thank()
        return self._back(complaint_sudo, 'created', refused)

    def _form(self, form, errors=()):
        env = request.env
        return self._private(request.render('qualiopi.portal_complaint_new', {
            **self._frame(),
            'page_name': 'qualiopi_complaint_new',
            # sudo: whom to call is for everybody to read
            'company': env.user.company_id.sudo(),
            'form': form,
            'errors': errors,
            'natures': self._natures(),
            'stakeholders': [(str(record.id), record.name) for record in self._stakeholders()],
            'sessions': [
                (str(registration.id), registration.event_id.display_name)
                for registration in env['qualiopi.complaint']._portal_sessions(env.user)
            ],
            'max_length': FOLLOW_TEXT_LENGTH, 'max_remedy': _REMEDY_LENGTH,
            'max_files': MAX_FILES, 'max_megabytes': MAX_MEGABYTES,
        }))

    def _form_errors(self, form):
        errors = []
        if form['nature'] not in dict(self._natures()):
            errors.append('nature')
        if not is_meaningful(form['description']):
            errors.append('description')
        if len(form['description']) > FOLLOW_TEXT_LENGTH:
            errors.append('description_long')
        if len(form['remedy']) > _REMEDY_LENGTH:
            errors.append('remedy_long')
        if not form['key']:
            errors.append('key')
        return errors

    def _natures(self):
        """The natures that are offered: a report only where somebody will read it (design, rule 8)."""
        env = request.env
        labels = dict(env['qualiopi.complaint']._fields['nature']._description_selection(env))
        has_readers = env['qualiopi.safeguarding.report']._has_audience(env.user.company_id)
        return [(key, labels[key]) for key in _NATURES if key != 'safeguarding' or has_readers]

    def _stakeholders(self):
        # sudo: the names of a list, offered for choice
        return request.env['qualiopi.stakeholder'].sudo().search([
            ('company_id', 'in', [False, request.env.user.company_id.id]),
        ])

    def _channel(self):
        channel = request.env.ref('qualiopi.channel_portal', raise_if_not_found=False)
        return channel or request.env['qualiopi.channel']

    def _chosen(self, key, records):
        """The record of a list that was chosen; empty for any other value."""
        return next((record for record in records if str(record.id) == key), records.browse())

    # === HELPERS === #

    def _frame(self):
        # Odoo's portal does not say to screen readers in which language its pages are.
        return {**self._prepare_portal_layout_values(), 'html_lang': request.env.lang.replace('_', '-')}

    def _open(self, complaint_id, access_token=None):
        """The entry that the visitor follows, by account or private link.

        :return: the entry as superuser, and the partner of the account, None by the link
        :raise NotFound: the same whatever is wrong (quality.md, B1)
        """
        if complaint_id > _MAX_ID:
            raise request.not_found()
        complaint = request.env['qualiopi.complaint'].browse(complaint_id)
        user = request.env.user
        complaint_sudo, partner = complaint.browse(), None
        if not user._is_public():
            complaint_sudo, partner = complaint._portal_open(user), user.partner_id
        if not complaint_sudo:
            token = access_token or request.session.get(_LINKS, {}).get(str(complaint_id))
            complaint_sudo, partner = complaint._follow_open(token), None
        if not complaint_sudo:
            raise request.not_found()
        if partner is None and user._is_public():
            request.update_context(lang=complaint_sudo._letter_lang())
        return complaint_sudo.with_context(lang=request.env.lang), partner

    def _page(self, complaint_sudo, partner, errors=(), **form):
        notice = request.session.get(_NOTICE) or {}
        if notice.get('id') == complaint_sudo.id:
            del request.session[_NOTICE]
        else:
            notice = {}
        values = complaint_sudo._follow_values(partner)
        return self._private(request.render('qualiopi.portal_complaint', {
            **self._frame(),
            'page_name': 'qualiopi_complaint',
            'res_company': complaint_sudo.company_id,
            'is_link': partner is None,
            'url': f'/my/complaints/{complaint_sudo.id}',
            'entry': values,
            'errors': errors,
            'done': notice.get('done'),
            'refused': notice.get('refused') or [],
            'message': form.get('message') or '',
            'answer': form.get('answer') or values.get('verdict'),
            'comment': form.get('comment', values.get('verdict_comment', '')),
            'max_length': FOLLOW_TEXT_LENGTH, 'max_comment': VERDICT_COMMENT_LENGTH,
            'max_files': MAX_FILES, 'max_megabytes': MAX_MEGABYTES,
        }))

    def _back(self, complaint_sudo, done, refused=()):
        if done or refused:
            request.session[_NOTICE] = {
                'id': complaint_sudo.id, 'done': done, 'refused': [list(one) for one in refused],
            }
        return self._private(request.redirect(f'/my/complaints/{complaint_sudo.id}', code=303))

    def _text(self, value):
        return value.replace('\r\n', '\n').replace('\0', '').strip() if isinstance(value, str) else ''

    def _files(self):
        """Files of the request as (name, bytes); one more than is accepted, so that the others are named."""
        uploads = [file for file in request.httprequest.files.getlist('files') if file.filename]
        return [(file.filename, file.read()) for file in uploads[:MAX_FILES * 4]]

    def _private(self, response):
        # The address may hold a key: it goes to no other site, no cache and no search engine.
        response.headers['Referrer-Policy'] = 'no-referrer'
        response.headers['Cache-Control'] = 'no-store'
        response.headers['X-Robots-Tag'] = 'noindex'
        return response
