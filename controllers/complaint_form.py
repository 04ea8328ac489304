"""The public form: anybody says what is wrong, without an account and without JavaScript."""

import re
import unicodedata

from odoo.exceptions import UserError
from odoo.http import Controller, request, route
from odoo.tools import email_normalize
from odoo.tools.misc import consteq, hmac

from ..models.qualiopi_guarded_mixin import is_meaningful
from ..models.qualiopi_upload import MAX_FILES, MAX_MEGABYTES

_URL = '/qualiopi/complaint'
_MAX_CONTENT = (MAX_FILES * MAX_MEGABYTES + 2) * 1024 * 1024
# What is read of a form that holds more files than it may.
_MOST_FILES = 2 * MAX_FILES
_NATURES = ('complaint', 'difficulty', 'safeguarding')
# Names of the inputs and the most characters each may hold; nothing else of what is sent is looked at.
LENGTHS = {
    'nature': 20, 'stakeholder': 10, 'name': 100, 'email': 200, 'phone': 40, 'anonymous': 5, 'training': 200,
    'when': 200, 'description': 20000, 'remedy': 5000, 'sum': 5,
}
_PARAGRAPHS = ('description', 'remedy')
# What is wrong is listed from the top of the page to its end.
_PAGE_ORDER = (
    'form', 'nature', 'description', 'remedy', 'when', 'training', 'files', 'stakeholder', 'anonymous', 'name', 'email',
    'phone', 'sum',
)
# Left empty by people, who do not see it, and filled in by robots.
_TRAP = 'confirm_url'
# Writing directions that are forced hide what a text says.
_BIDI = re.compile('[\u202a-\u202e\u2066-\u2069\u200e\u200f]')
_LANGUAGES = {'fr': "Français", 'en': "English"}


def _clean(text, is_paragraph):
    """A text as it was typed, without what no keyboard types."""
    text = _BIDI.sub('', text.replace('\r\n', '\n').replace('\r', '\n'))
    kept = '\n\t' if is_paragraph else ''
    text = ''.join(char for char in text if char in kept or unicodedata.category(char) not in ('Cc', 'Cs'))
    return text.strip() if is_paragraph else ' '.join(text.split())


class ComplaintForm(Controller):
    """Form, recording and confirmation. No answer tells whether a person or a session exists."""

    @route([_URL, f'{_URL}/<string:token>'], type='http', auth='public', methods=['GET'], website=True,
           multilang=False, sitemap=False, readonly=True)
    def form(self, token=None, lang=None, **_kwargs):
        """The empty form, for a company or one of its sessions."""
        company_sudo, event_sudo = self._door(token)
        self._choose_language(lang)
        return self._page(company_sudo, event_sudo, token, self._known_visitor())

    # csrf: visitors have no rights to be abused and keep what they typed when their session has gone; of
    # people with an account the mark is asked for below.
    @route([_URL, f'{_URL}/<string:token>'], type='http', auth='public', methods=['POST'], website=True,
           multilang=False, sitemap=False, csrf=False, max_content_length=_MAX_CONTENT)
    def submit(self, token=None, **post):
        """Record what was sent, or give it back with what is wrong; nothing typed is lost."""
        company_sudo, event_sudo = self._door(token)
        self._choose_language(post.get('lang'))
        complaints = request.env['qualiopi.complaint']
        if post.get(_TRAP):
            return self._redirect(f'{_URL}/received')
        typed = {
            name: _clean(post[name], name in _PARAGRAPHS) if isinstance(post.get(name), str) else ''
            for name in LENGTHS
        }
        files = self._read_files()
        csrf = post.get('csrf_token')
        if not request.env.user._is_public() and not (isinstance(csrf, str) and request.validate_csrf(csrf)):
            return self._page(company_sudo, event_sudo, token, typed, {'form': self._say('session')}, 400, files=files)
        mark = post.get('form_token')
        state, key = complaints._read_form_token(company_sudo, mark)
        if state != 'ready':
            mark = mark if state == 'early' else None
            errors = {'form': self._say('early' if state == 'early' else 'expired')}
            return self._page(company_sudo, event_sudo, token, typed, errors, 422, mark, files)
        recorded_sudo = complaints._form_recorded(key)
        if recorded_sudo:
            return self._confirm(key, is_other=(recorded_sudo.description or '') != typed['description'])
        hits = request.env['qualiopi.hit']
        windows = hits._windows(self._limits(company_sudo))
        if hits._are_full(windows):
            return self._page(company_sudo, event_sudo, token, typed, {'form': self._say('flood')}, 429, mark, files)
        errors, values = self._read(company_sudo, event_sudo, typed)
        accepted, refused = complaints._check_uploads(files)
        if refused:
            errors['files'] = ' '.join(
                request.env._("%(file)s: %(reason)s", file=name, reason=reason) for name, reason in refused
            )
        if company_sudo.qualiopi_form_captcha and not self._is_person(mark, typed['sum']):
            errors['sum'] = self._say('sum')
        if errors:
            return self._page(company_sudo, event_sudo, token, typed, errors, 422, mark, files)
        if not hits._count(windows):
            return self._page(company_sudo, event_sudo, token, typed, {'form': self._say('flood')}, 429, mark, files)
        complaints._record_form(company_sudo, values, accepted, key)
        return self._confirm(key)

    @route([f'{_URL}/received', f'{_URL}/received/<string:receipt>'], type='http', auth='public', methods=['GET'],
           website=True, multilang=False, sitemap=False)
    def received(self, receipt=None, other=None, lang=None, **_kwargs):
        """What was recorded and what comes next; without a mark, a plain thank-you."""
        self._choose_language(lang)
        complaint_sudo = request.env['qualiopi.complaint']
        if receipt:
            complaint_sudo = complaint_sudo._from_form_receipt(receipt)
        company_sudo = complaint_sudo.company_id or self._door(None)[0]
        is_report = complaint_sudo.is_confidential
        response = request.render('qualiopi.form_received', {
            **self._frame(company_sudo),
            'page_url': request.httprequest.path,
            'complaint': complaint_sudo,
            'is_report': is_report,
            'is_other': bool(other),
            'follow_url': complaint_sudo and complaint_sudo._follow_url(),
            'ack_day': not is_report and complaint_sudo and complaint_sudo._letter_day('ack_deadline'),
            'response_day': not is_report and complaint_sudo and complaint_sudo._letter_day('response_deadline'),
        })
        if receipt and not complaint_sudo:
            response.status_code = 404
        response.headers['Cache-Control'] = 'no-store'
        return self._private(response)

    # === WHERE, AND IN WHICH LANGUAGE === #

    def _door(self, token):
        """Company and session of the address, as superuser; without a good mark, the visited website's company or
        the first whose form is switched on, and no session."""
        # sudo: visitors have no access; what is shown of the company is published with its form
        event_sudo = request.env['event.event']._from_door_token(token)
        company_sudo = event_sudo.company_id or request.env['res.company']._from_door_token(token)
        if not company_sudo:
            website = getattr(request, 'website', None)
            # sudo: what is shown of the company is published with its form
            company_sudo = (website.company_id if website else request.env.company).sudo()
            if not company_sudo.qualiopi_form_enabled:
                company_sudo = company_sudo.search([('qualiopi_form_enabled', '=', True)], order='id', limit=1)
        if not company_sudo.qualiopi_form_enabled:
            raise request.not_found()
        return company_sudo, event_sudo

    def _languages(self):
        """Codes of the languages of the page, by their letters: French where the database has it; English always,
        since the program is written in it."""
        codes = sorted(code for code, __ in request.env['res.lang'].get_installed())
        found = {}
        for letters, preferred in (('fr', 'fr_FR'), ('en', 'en_US')):
            own = [code for code in codes if code.split('_')[0] == letters]
            if own or letters == 'en':
                found[letters] = own[0] if own and preferred not in own else preferred
        return found

    def _choose_language(self, lang):
        """The language asked for, else the visitor's, else French."""
        languages = self._languages()
        asked = lang if lang in languages.values() else None
        current = request.env.lang if request.env.lang in languages.values() else None
        similar = languages.get((request.env.lang or '').split('_')[0])
        code = asked or current or similar or next(iter(languages.values()))
        request.update_context(lang=code)
        data = request.env['res.lang']._get_data(code=code)
        if data and hasattr(request, 'lang'):
            request.lang = data
        if asked:
            request.future_response.set_cookie('frontend_lang', asked)

    # === READING WHAT CAME === #

    def _known_visitor(self):
        """What people with an account need not type."""
        user = request.env.user
        if user._is_public():
            return {}
        # sudo: a user's own name and address
        partner_sudo = user.sudo().partner_id
        return {'name': partner_sudo.name or '', 'email': partner_sudo.email or '', 'phone': partner_sudo.phone or ''}

    def _read_files(self):
        files = []
        for storage in request.httprequest.files.getlist('files')[:_MOST_FILES]:
            # A request that is tried again has been read before.
            storage.stream.seek(0)
            content = storage.stream.read(MAX_MEGABYTES * 1024 * 1024 + 1)
            if storage.filename or content:
                files.append((storage.filename, content))
        return files

    def _read(self, company_sudo, event_sudo, typed):
        """What is wrong with the form, in words by input, and the values of the entry."""
        env = request.env
        errors = {
            name: env._("Please shorten this to %s characters.", LENGTHS[name])
            for name, text in typed.items() if len(text) > LENGTHS[name]
        }
        nature = typed['nature']
        if nature not in self._natures(company_sudo):
            errors['nature'] = env._("Please choose what it is about.")
        if not is_meaningful(typed['description']):
            errors.setdefault('description', env._("Please say in a few words what happened."))
        stakeholder = typed['stakeholder']
        offered = {str(number) for number, __ in self._stakeholders(company_sudo)}
        if stakeholder and stakeholder not in offered:
            errors['stakeholder'] = env._("Please choose one of the list.")
        is_report = nature == 'safeguarding'
        is_anonymous = bool(typed['anonymous']) and (company_sudo.qualiopi_form_anonymous or is_report)
        address = ''
        if not is_anonymous:
            # The address alone: "name <address>" would put words into our letters.
            address = email_normalize(typed['email']) if typed['email'] else ''
            if typed['email'] and (not address or address != typed['email'].lower()):
                errors.setdefault('email', env._("Please check the e-mail address: it looks like name@example.com."))
            if not is_report:
                if not typed['name']:
                    errors['name'] = env._("Please give your name.")
                if not typed['email'] and not typed['phone']:
                    errors['email'] = env._(
                        "Please give an e-mail address or a telephone number, so that we can answer you.",
                    )
        values = {
            'nature': nature,
            'stakeholder_id': int(stakeholder) if stakeholder in offered else False,
            'event_id': event_sudo.id,
            'told_training': not event_sudo and typed['training'],
            'told_when': typed['when'],
            'description': typed['description'],
            'remedy_requested': typed['remedy'],
            'sender_lang': env.lang,
            'is_anonymous': is_anonymous or is_report and not (typed['name'] or address or typed['phone']),
        }
        if not is_anonymous:
            values |= {'contact_name': typed['name'], 'email_from': address, 'phone': typed['phone']}
            user = env.user
            # Who is logged in and gives the own address is who they say.
            partner = user.partner_id
            if not user._is_public() and address and address == partner.email_normalized and (
                partner.company_id <= company_sudo
            ):
                values['partner_id'] = partner.id
        return errors, {name: value or False for name, value in values.items()}

    def _natures(self, company_sudo):
        is_read = request.env['qualiopi.safeguarding.report']._has_audience(company_sudo)
        return _NATURES if is_read else _NATURES[:-1]

    def _stakeholders(self, company_sudo):
        return request.env['qualiopi.stakeholder']._published(company_sudo.id)

    # === FLOODS AND ROBOTS === #

    def _limits(self, company_sudo):
        # The address that the server sees: what the sender claims in a header counts for nothing, unless Odoo
        # is told that a proxy writes it.
        return (
            ('form', request.httprequest.remote_addr, company_sudo.qualiopi_form_hourly_limit, 1),
            ('form-company', str(company_sudo.id), company_sudo.qualiopi_form_daily_limit, 24),
        )

    def _sum(self, mark):
        """Two small numbers that belong to the mark of a form."""
        # sudo: the key that signs is the database's
        number = int(hmac(request.env(su=True), 'qualiopi-sum', mark or '')[:8], 16)
        return 2 + number % 7, 2 + number // 7 % 7

    def _has_captcha(self):
        keys = request.env['ir.http'].get_frontend_session_info().keys()
        return bool({'recaptcha_public_key', 'turnstile_site_key'} & keys)

    def _is_person(self, mark, answer):
        """Whether the question was answered, or Odoo's captcha, which needs JavaScript, is content."""
        if consteq(str(sum(self._sum(mark))).encode(), answer.encode()):
            return True
        if not self._has_captcha() or not {'recaptcha_token_response', 'turnstile_captcha'} & request.params.keys():
            return False
        try:
            request.env['ir.http']._verify_request_recaptcha_token('qualiopi_complaint')
        except UserError:
            return False
        return True

    # === PAGES === #

    def _say(self, what):
        env = request.env
        return {
            'session': lambda: env._("You were logged out meanwhile. Please check your message and send it again."),
            'early': lambda: env._("That was very fast. Please check your message and send it again."),
            'expired': lambda: env._("The form was open for a long time. Please check your message and send it again."),
            'flood': lambda: env._(
                "Too many messages have come in for now. Keep this page open and send it again in an hour, or turn"
                " to us by e-mail, by telephone or on paper."
            ),
            'sum': lambda: env._("Please answer the small question, so that we know that you are a person."),
        }[what]()

    def _frame(self, company_sudo):
        """What every page shows."""
        languages = self._languages()
        return {
            'html_lang': request.env.lang.replace('_', '-'),
            'res_company': company_sudo,
            'company': company_sudo,
            'address': company_sudo.qualiopi_complaint_address or company_sudo.email,
            'is_website': bool(getattr(request, 'website', None)),
            'languages': [(code, _LANGUAGES[letters]) for letters, code in languages.items()],
            'current_lang': request.env.lang,
        }

    def _page(self, company_sudo, event_sudo, token, typed, errors=None, status=200, mark=None, files=()):
        mark = mark or request.env['qualiopi.complaint']._form_token(company_sudo)
        ack_days, response_days = company_sudo._qualiopi_promised_days()
        is_known = event_sudo or request.env['res.company']._from_door_token(token)
        response = request.render('qualiopi.form_page', {
            **self._frame(company_sudo),
            'page_url': f'{_URL}/{event_sudo._door_token()}' if event_sudo else (
                f'{_URL}/{company_sudo._door_token()}' if token and is_known else _URL
            ),
            'event': event_sudo,
            'event_day': event_sudo and company_sudo._qualiopi_local_date(event_sudo.date_begin),
            'is_link_lost': bool(token) and not is_known,
            'natures': self._natures(company_sudo),
            'stakeholders': self._stakeholders(company_sudo),
            'typed': {name: typed.get(name) or '' for name in LENGTHS},
            'lengths': LENGTHS,
            'errors': {name: errors[name] for name in _PAGE_ORDER if name in (errors or {})},
            'had_files': bool(files),
            'mark': mark,
            'trap': _TRAP,
            'asks_sum': company_sudo.qualiopi_form_captcha and self._sum(mark),
            'max_files': MAX_FILES,
            'max_megabytes': MAX_MEGABYTES,
            'ack_days': ack_days,
            'response_days': response_days,
        })
        response.status_code = status
        # Kept for the way back of the browser, and by nobody in between.
        response.headers['Cache-Control'] = 'private, no-cache'
        return self._private(response)

    def _private(self, response):
        response.headers['Referrer-Policy'] = 'same-origin'
        response.headers['X-Robots-Tag'] = 'noindex'
        return response

    def _redirect(self, url):
        return request.redirect(url, code=303)

    def _confirm(self, key, is_other=False):
        receipt = request.env['qualiopi.complaint']._form_receipt(key)
        return self._redirect(f'{_URL}/received/{receipt}{"?other=1" if is_other else ""}')
