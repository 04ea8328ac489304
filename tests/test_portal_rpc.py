import inspect
from contextlib import suppress

from odoo.exceptions import AccessError, MissingError
from odoo.service.model import get_public_method
from odoo.tests import HttpCase, tagged
from odoo.tools import mute_logger

from .common import QualiopiCase

_FIELDS = (
    'description', 'analysis', 'access_token', 'user_id', 'message_follower_ids', 'message_ids', 'shared_partner_ids',
)
# Where an empty list is no argument.
_MAIL = {
    'subject': "Forged", 'body': "Forged", 'from': 'forged@example.com', 'email_from': 'forged@example.com', 'to': '',
}
_RAW = 'From: forged@example.com\nTo: someone@example.com\nSubject: Forged\nMessage-Id: <forged@example.com>\n\nForged'
_ARGUMENTS = {
    'message_new': [_MAIL], 'message_update': [_MAIL, {'color': 1}],
    'message_process': ['qualiopi.complaint', _RAW],
    # Reads the headers of a parsed message, which no remote caller can send.
    'message_route': None,
    # Addresses of empty files, and windows on what the caller may see: nothing.
    'get_import_templates': None, 'action_view_campaigns': None, 'action_view_answers': None,
    'action_view_invites': None, 'action_view_verbatims': None,
    # A text of ours on an empty list.
    'get_empty_list_help': None,
}


class _Strangers(QualiopiCase):
    """An entry of a portal user, its whole chain, and those who have no right on any of it."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.complaint = cls.make_complaint(partner_id=cls.portal.partner_id.id)
        cls.complaint._share_with(cls.portal.partner_id)
        cls.finding = cls.make_finding(complaint_ids=cls.complaint.ids)
        cls.action = cls.make_action('check', finding_ids=cls.finding.ids)
        cls.evidence = cls.add_statement(cls.complaint)
        cls.note = cls.complaint.message_post(body="SECRET-NOTE", subtype_xmlid='mail.mt_note')
        cls.records = {
            record._name: record.id for record in (
                cls.complaint, cls.finding, cls.action, cls.action.check_ids[:1], cls.evidence, cls.course,
            )
        }
        cls.strangers = (cls.portal, cls.public)

    def models(self):
        """Our models, with an id to try."""
        return sorted(
            (name, self.records.get(name, 1)) for name, model in self.env.items()
            if name.startswith('qualiopi.') and not model._abstract
        )


@tagged('post_install', '-at_install')
class TestPortalRpc(_Strangers):
    """Portal users and visitors reach nothing of ours by remote calls, not even of their own entry (B2, B3)."""

    def assertNoAccess(self, call, *message):
        with self.muted(), self.assertRaises(AccessError, msg=message):
            call()

    def test_no_reading_and_writing(self):
        for user in self.strangers:
            for name, number in self.models():
                model = self.model_as(name, user)
                record = model.browse(number)
                field = model._rec_name or 'display_name'
                for operation, call in {
                    'read': lambda r=record: r.read(['display_name']),
                    'read all': lambda r=record: r.read(),
                    'web_read': lambda r=record: r.web_read({'display_name': {}}),
                    'search': lambda m=model: m.search([]),
                    'search_count': lambda m=model: m.search_count([]),
                    'search_read': lambda m=model: m.search_read([], ['display_name']),
                    'web_search_read': lambda m=model: m.web_search_read([], {'display_name': {}}),
                    'name_search': lambda m=model: m.name_search(''),
                    'read_group': lambda m=model: m.formatted_read_group([], ['id'], ['__count']),
                    'web_read_group': lambda m=model: m.web_read_group([], ['id'], ['__count']),
                    'create': lambda m=model: m.create({}),
                    'write': lambda r=record, f=field: r.write({f: False}),
                    'unlink': lambda r=record: r.unlink(),
                    'copy': lambda r=record: r.copy(),
                }.items():
                    self.assertNoAccess(call, user.login, name, operation)

    def test_no_field_of_the_own_entry(self):
        for user in self.strangers:
            complaint, note, own = self.user_env(self.complaint, user), self.user_env(self.note, user), user.partner_id
            for name in _FIELDS:
                self.assertNoAccess(lambda c=complaint, n=name: c.read([n]), name)
                self.assertNoAccess(lambda c=complaint, n=name: c.search([(n, '!=', False)]), name)
            self.assertNoAccess(lambda c=complaint: c.message_post(body="x"))
            with self.assertRefused("rights to export"):
                complaint.export_data(['description'])
            complaint.message_subscribe(own.ids)
            self.assertNotIn(own, self.complaint.message_partner_ids)
            self.assertNoAccess(lambda c=complaint: c.activity_schedule('mail.mail_activity_data_todo'))
            self.assertNoAccess(lambda n=note: n.read(['body']))
            found = self.model_as('mail.message', user).search([('model', '=like', 'qualiopi.%')])
            self.assertFalse(found.filtered(lambda m: 'SECRET' in m.sudo().body))

    def test_every_public_method_refuses(self):
        """All that is ours and may be called from outside, with and without an argument."""
        called, open_to_all = 0, set()
        for user in self.strangers:
            for name, number in self.models():
                record = self.model_as(name, user).browse(number)
                for method in self._own_methods(record):
                    function = getattr(record, method)
                    wanted = [
                        parameter for parameter in inspect.signature(function).parameters.values()
                        if parameter.default is parameter.empty
                        and parameter.kind in (parameter.POSITIONAL_ONLY, parameter.POSITIONAL_OR_KEYWORD)
                    ]
                    called += 1
                    with self.muted(), suppress(AccessError, MissingError), self.env.cr.savepoint():
                        function(*_ARGUMENTS.get(method, [[] for __ in wanted]))
                        open_to_all.add(f'{name}.{method}')
        self.assertGreater(called, 100)
        self.assertFalse(sorted(open_to_all))

    def _own_methods(self, record):
        """Names of the methods that a remote caller may call and that our addon defines."""
        names = set()
        for base in type(record).__mro__:
            if base.__module__.startswith('odoo.addons.qualiopi'):
                names |= {key for key, value in vars(base).items() if inspect.isfunction(value)}
        # Part of Odoo's own interface, tried with its arguments above; or structure, which holds no data.
        tried = {'create', 'write', 'unlink', 'copy', 'read', 'export_data', 'load', 'copy_data', 'default_get'}
        for key in sorted(names - tried):
            if key.startswith('_'):
                continue
            if _ARGUMENTS.get(key, ()) is None:
                continue
            try:
                get_public_method(record, key)
            except AccessError:
                continue
            yield key

    def test_settings_of_the_company(self):
        for user in self.strangers:
            model = self.model_as('qualiopi.settings', user)
            self.assertNoAccess(lambda m=model: m.default_get(list(m._fields)))

    def test_helpers_are_private(self):
        for method in (
            '_follow_url', '_follow_open', '_follow_values', '_follow_write', '_follow_file', '_portal_open',
            '_portal_domain', '_portal_sessions', '_receive', '_for_outside', '_share_with', '_attach_uploads',
        ):
            with self.assertRaises(AccessError):
                get_public_method(self.complaint, method)


@tagged('post_install', '-at_install')
class TestPortalRoutes(HttpCase, _Strangers):
    """Odoo's own routes give nothing of an entry, whatever token comes with them (B3, B4)."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.portal.password = cls.portal.login
        cls.comment = cls.complaint.message_post(
            body="SECRET-COMMENT", subtype_xmlid='mail.mt_comment', message_type='comment',
            attachments=[('secret.txt', b'SECRET-FILE')],
        )
        cls.file = cls.comment.attachment_ids
        cls.complaint._follow_url()
        cls.token = cls.complaint.sudo().access_token
        cls.evidence_file = cls.env['qualiopi.evidence'].create({
            'complaint_id': cls.complaint.id, 'file': 'U0VDUkVULUVWSURFTkNF', 'file_name': 'proof.txt',
        })

    def _sessions(self):
        for user in (None, self.portal):
            self.authenticate(user and user.login, user and user.login)
            yield user

    def test_files_and_images(self):
        for user in self._sessions():
            for path in (
                f'/web/content/{self.file.id}', f'/web/image/{self.file.id}',
                f'/web/content/qualiopi.evidence/{self.evidence_file.id}/file',
                f'/web/image/qualiopi.evidence/{self.evidence_file.id}/file',
                f'/web/content/qualiopi.complaint/{self.complaint.id}/description',
                f'/web/content?model=qualiopi.complaint&id={self.complaint.id}&field=access_token',
                f'/report/html/qualiopi.report_complaint/{self.complaint.id}',
                f'/odoo/qualiopi.complaint/{self.complaint.id}',
            ):
                for token in ('', self.token, 'forged'):
                    join = '&' if '?' in path else '?'
                    with mute_logger('odoo.http', 'odoo.addons.base.models.ir_rule'):
                        answer = self.url_open(f'{path}{join}access_token={token}' if token else path)
                    self.assertNotIn('SECRET', answer.text, (user and user.login, path, token))
                    self.assertNotIn("too cold", answer.text, (user and user.login, path, token))

    def test_redirection_of_mails(self):
        for __ in self._sessions():
            answers = set()
            for number, token in ((self.complaint.id, ''), (self.complaint.id, 'forged'), (2 ** 31 - 1, 'forged')):
                answer = self.url_open(
                    f'/mail/view?model=qualiopi.complaint&res_id={number}&access_token={token}', allow_redirects=False,
                )
                self.assertNotIn("too cold", answer.text)
                answers.add((answer.status_code, answer.headers.get('Location', '').replace(str(number), 'N')))
            # Where to log in or home, the same for what exists and what does not.
            self.assertEqual(len({status for status, __ in answers}), 1)
            self.assertTrue(all('/my/complaints' not in address for __, address in answers), answers)

    def test_discussion_routes(self):
        """With the true token too: Odoo's chatter knows neither its end nor what is whose."""
        signature = self.complaint.sudo()._sign_token(self.portal.partner_id.id)
        keys = (
            {}, {'token': self.token}, {'token': 'forged'}, {'hash': signature, 'pid': self.portal.partner_id.id},
            {'hash': 'forged', 'pid': self.portal.partner_id.id},
        )
        thread = {'thread_model': 'qualiopi.complaint', 'thread_id': self.complaint.id}
        count = len(self.complaint.message_ids)
        for user in self._sessions():
            for key in keys:
                for route, params in (
                    ('/mail/thread/messages', thread),
                    ('/mail/chatter_fetch', thread),
                    ('/portal/chatter_init', thread),
                    ('/mail/thread/recipients', {**thread, 'message_id': self.comment.id}),
                    ('/mail/data', {'fetch_params': [['mail.thread', {
                        **thread, 'request_list': ['followers', 'attachments', 'activities', 'suggestedRecipients'],
                    }]]}),
                    ('/mail/message/post', {**thread, 'post_data': {
                        'body': "forged", 'message_type': 'comment', 'subtype_xmlid': 'mail.mt_comment',
                        'attachment_ids': self.file.ids,
                    }}),
                    ('/mail/message/update_content', {
                        'message_id': self.comment.id, 'update_data': {'body': "forged", 'attachment_ids': []},
                    }),
                    ('/mail/message/reaction', {'message_id': self.comment.id, 'content': "x", 'action': 'add'}),
                ):
                    with mute_logger('odoo.http', 'odoo.addons.base.models.ir_rule'):
                        answer = self.url_open(
                            route, json={'jsonrpc': '2.0', 'method': 'call', 'params': {**params, **key}},
                        )
                    for secret in ('SECRET', "too cold", self.officer.name, 'secret.txt'):
                        self.assertNotIn(secret, answer.text, (user and user.login, route, key))
        self.assertEqual(len(self.complaint.message_ids), count)
        self.assertIn('SECRET-COMMENT', self.comment.body)
        self.assertEqual(self.comment.attachment_ids, self.file)

    def test_upload_to_the_thread(self):
        for user in self._sessions():
            with mute_logger('odoo.http'):
                self.url_open('/mail/attachment/upload', data={
                    'thread_model': 'qualiopi.complaint', 'thread_id': self.complaint.id, 'token': self.token,
                    'csrf_token': 'forged',
                }, files={'ufile': ('forged.txt', b'forged', 'text/plain')})
            self.assertFalse(self.env['ir.attachment'].search_count([('name', '=', 'forged.txt')]), user)
