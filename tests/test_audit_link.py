import re
from datetime import date, timedelta

import lxml.html

from odoo import Command, fields
from odoo.exceptions import UserError, ValidationError
from odoo.tests import HttpCase, freeze_time, tagged
from odoo.tools import SQL, mute_logger

from .common import QualiopiCase
from .test_evidence_file import EvidenceFileCase

_NAME = "Zébulon Quenouille"


class AuditLinkCase(QualiopiCase):

    _file, _run, _make, _bytes = (
        EvidenceFileCase._file, EvidenceFileCase._run, EvidenceFileCase._make, EvidenceFileCase._bytes)

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        today = fields.Date.today()
        cls.first, cls.last = date(2026, 1, 1), today + timedelta(days=30)
        cls.person = cls.env['res.partner'].create({'name': _NAME, 'email': 'zebulon@example.com'})
        cls.inside = cls.make_complaint(
            name="INSIDE-ENTRY", partner_id=cls.person.id, received_on=fields.Datetime.now(),
            description=f"{_NAME} was cold, says Quenouille (zebulon@example.com)")
        cls.outside = cls.make_complaint(name="OUTSIDE-ENTRY", received_on='2025-03-03 10:00:00')
        cls.finding = cls.make_finding(name="INSIDE-FINDING", date='2026-11-10')
        cls.finding.complaint_ids = cls.inside | cls.outside
        cls.old_finding = cls.make_finding(name="OUTSIDE-FINDING", date='2025-03-04')
        cls.action = cls.make_action('check', name="INSIDE-ACTION", finding_ids=[
            Command.set((cls.finding | cls.old_finding).ids)])
        cls.secret = cls.make_confidential(name="SECRET-ENTRY", received_on=fields.Datetime.now())
        cls.secret_finding = cls.env['qualiopi.finding'].with_user(cls.confidential).create({
            'name': "SECRET-FINDING", 'description': "SECRET-FACTS", 'date': '2026-11-10',
            'complaint_ids': [Command.set(cls.secret.ids)],
        })
        cls.foreign = cls.make_complaint(cls.other_officer, name="FOREIGN-ENTRY", received_on=fields.Datetime.now())
        cls.foreign_finding = cls.make_finding(cls.other_officer, name="FOREIGN-FINDING", date='2026-11-10')
        cls.env.flush_all()

    def _link(self, **values):
        return self.env['qualiopi.audit.link'].with_user(self.manager).create({
            'name': "Auditor of the body", 'company_id': self.company.id, 'date_from': self.first,
            'date_to': self.last, **values,
        })

    def _code(self, link):
        return link.action_show_code()['context']['default_code']

    def _path(self, link):
        return re.sub(r'^https?://[^/]+', '', link.url)


@tagged('post_install', '-at_install')
class TestAuditLink(AuditLinkCase):
    """The access as managers give it."""

    def test_managers_alone(self):
        link = self._link()
        self._code(link)
        for user in (self.officer, self.declarant, self.auditor, self.confidential, self.plain, self.public):
            with self.assertDenied():
                link.with_user(user).read(['name'])
            with self.assertDenied():
                link.with_user(user).action_show_code()
        with self.assertDenied():
            link.read(['access_token'])
        with self.assertDenied():
            link.read(['code_hash'])

    def test_code_is_kept_nowhere(self):
        link = self._link(email='auditor@example.com')
        code = self._code(link)
        self.assertRegex(code, r'^[2-9A-Z]{5}-[2-9A-Z]{5}$')
        self.assertNotIn(code.replace('-', ''), str(link.sudo().read()))
        self.assertEqual(link.state, 'open')
        link.action_send_code()
        mail = self.env['mail.mail'].search([('email_to', '=', 'auditor@example.com')])
        self.assertEqual(len(mail), 1)
        self.assertTrue(mail.auto_delete)
        self.assertNotIn(link.sudo().access_token, mail.body_html)
        sent = re.search(r'[2-9A-Z]{5}-[2-9A-Z]{5}', mail.body_html)[0]
        self.assertEqual(link.sudo()._try_code(code), 'wrong', "the former code is dead")
        self.assertEqual(link.sudo()._try_code(sent.lower().replace('-', ' ')), 'right')
        self.assertNotIn(sent, ' '.join(link.message_ids.mapped('body')))

    def test_refusals(self):
        with self.assertRefused("Say why", ValidationError):
            self._link(is_anonymised=False, named_reason=".")
        with self.assertRefused("ends before", ValidationError):
            self._link(date_from='2026-12-01', date_to='2026-01-01')
        with self.assertRefused("one year", ValidationError):
            self._link(expires_on=fields.Date.today() + timedelta(days=400))
        link = self._link()
        link.date_from = '2026-02-01'
        self._code(link)
        for vals in ({'date_from': '2020-01-01'}, {'is_anonymised': False, 'named_reason': "A good reason"},
                     {'company_id': self.other_company.id}):
            with self.assertRefused("stays as it was given"):
                link.write(vals)
        with self.assertRefused("cannot be set by hand"):
            link.write({'revoked_on': False})
        with self.assertRaises(UserError):
            link.unlink()
        link.expires_on = fields.Date.today() + timedelta(days=2)
        link.action_revoke()
        self.assertEqual((link.state, link.url), ('revoked', False))
        with self.assertRefused("over"):
            link.action_show_code()
        with self.assertRefused("withdrawn"):
            link.expires_on = fields.Date.today()

    def test_who_opens(self):
        link = self._link()
        Link, token = self.env['qualiopi.audit.link'].with_user(self.public), link.sudo().access_token
        self.assertFalse(Link._opened_by(link.id, token), "no code yet")
        self._code(link)
        self.assertEqual(Link._opened_by(link.id, token), link)
        other = self._link()
        self._code(other)
        for wrong in ('', None, False, 5, token[:-1], token + 'x', 'é', other.sudo().access_token):
            self.assertFalse(Link._opened_by(link.id, wrong), wrong)
        for wrong in (0, -1, 2**31, 2**31 - 1):
            self.assertFalse(Link._opened_by(wrong, token))
        with freeze_time(fields.Datetime.now() + timedelta(days=17)):
            link.invalidate_recordset()
            self.assertFalse(Link._opened_by(link.id, token), "expired")
        link.invalidate_recordset()
        self.assertTrue(Link._opened_by(link.id, token))
        link.action_revoke()
        self.assertFalse(Link._opened_by(link.id, token))

    def test_attempts_are_limited(self):
        link = self._link()
        code = self._code(link)
        for __ in range(10):
            self.assertEqual(link.sudo()._try_code("AAAAA-AAAAA"), 'wrong')
        self.assertEqual(link.sudo()._try_code(code), 'later', "even the right one waits")
        self.assertEqual(link.visit_ids.mapped('page'), ['refused'] * 10)

    def test_reader_sees_the_scope_alone(self):
        link = self._link()
        self._code(link)
        self.env.invalidate_all()
        env = link._pages().env
        self.assertFalse(env.su)
        self.assertFalse(env.user.has_group('qualiopi.group_confidential'))
        self.assertFalse(env.user.has_group('qualiopi.group_officer'))
        self.assertFalse(env.user.active)
        entries = self.inside | self.outside | self.secret | self.foreign
        self.assertEqual(env['qualiopi.complaint'].search([]) & entries, self.inside)
        for record in (self.outside, self.secret, self.foreign, self.old_finding, self.secret_finding,
                       self.foreign_finding):
            with self.assertDenied():
                record.with_env(env).read(['name'])
        for record in (self.inside, self.finding, self.action):
            with self.assertDenied():
                record.with_env(env).write({'name': "Changed"})
        self.assertFalse(self.env['ir.rule'].with_context(
            qualiopi_audit_scope=(self.company.id, '2020-01-01', '2030-01-01'))._qualiopi_scope())

    def test_evidence_file_of_the_same_kind(self):
        file = self._make(date_from='2026-01-01', date_to='2026-11-20')
        with self.assertRefused("anonymised one", ValidationError):
            self._link(evidence_file_id=file.id)
        with self.assertRefused("beyond the period", ValidationError):
            self._link(evidence_file_id=file.id, date_from='2026-02-01', is_anonymised=False, named_reason="Asked for")
        self._link(evidence_file_id=file.id, is_anonymised=False, named_reason="Asked for in writing")
        with self.assertRefused("not ready", ValidationError):
            self._link(evidence_file_id=self._file(is_anonymised=True).id)


@tagged('post_install', '-at_install')
class TestAuditLinkPages(AuditLinkCase, HttpCase):
    """The pages, as an auditor without an account sees them."""

    _kinds = ('entries', 'findings', 'actions', 'checks', 'chains')

    def _type(self, path, code):
        page = lxml.html.fromstring(self.url_open(path).content)
        csrf = page.xpath('//input[@name="csrf_token"]')[0].get('value')
        return self.url_open(path, data={'csrf_token': csrf, 'code': code}, allow_redirects=False)

    def _enter(self, **values):
        link = self._link(**values)
        path = self._path(link)
        answer = self._type(path, self._code(link))
        self.assertEqual(answer.status_code, 303, answer.text[:500])
        return link, path

    def _all_paths(self, path):
        return [path, *(f'{path}/{kind}' for kind in self._kinds), f'{path}/chain/{self.finding.id}']

    def _get(self, path, status=200):
        answer = self.url_open(path, allow_redirects=False)
        self.assertEqual(answer.status_code, status, (path, answer.text[:300]))
        return answer

    @mute_logger('odoo.http')
    def test_code_first(self):
        link = self._link()
        path, code = self._path(link), self._code(link)
        door = self._get(path)
        self.assertNotIn('INSIDE', door.text)
        self.assertNotIn(self.inside.reference, door.text)
        for sub in (*self._kinds, f'chain/{self.finding.id}', 'download/register', 'download/file'):
            self._get(f'{path}/{sub}', 404)
        wrong = self._type(path, 'AAAAA-AAAAA')
        self.assertEqual(wrong.status_code, 200)
        self.assertIn("not the code", wrong.text)
        self._get(f'{path}/entries', 404)
        self.assertEqual(self._type(path, code).status_code, 303)
        answer = self._get(f'{path}/entries')
        self.assertIn('INSIDE-ENTRY', answer.text)
        self.assertEqual(answer.headers['Referrer-Policy'], 'no-referrer')
        self.assertEqual(answer.headers['Cache-Control'], 'no-store')
        self.assertEqual(answer.headers['X-Robots-Tag'], 'noindex')
        self._code(link)
        self._get(f'{path}/entries', 404)
        self._get(path)

    def test_scope_of_all_pages(self):
        for named in (False, True):
            values = {'is_anonymised': False, 'named_reason': "Asked for in writing"} if named else {}
            __, path = self._enter(**values)
            text = ''.join(self._get(each).text for each in self._all_paths(path))
            for part in ('INSIDE-ENTRY', 'INSIDE-FINDING', 'INSIDE-ACTION', self.inside.reference):
                self.assertIn(part, text)
            for part in ('OUTSIDE', 'SECRET', 'FOREIGN', self.secret.reference, self.outside.reference,
                         self.old_finding.reference):
                self.assertNotIn(part, text)
            self.assertEqual(named, _NAME in text)

    @mute_logger('odoo.http')
    def test_what_is_outside_does_not_exist(self):
        link, path = self._enter()
        for finding in (self.old_finding, self.secret_finding, self.foreign_finding):
            self._get(f'{path}/chain/{finding.id}', 404)
        for sub in ('chain/0', f'chain/{2**31}', 'evidence', 'entries?page=0', 'entries?page=x', 'entries?page=99',
                    'entries?indicator=x', 'download/nothing', 'download/file'):
            self._get(f'{path}/{sub}', 404)
        other, *__ = (self._link(),)
        self._code(other)
        self._get(f'{self._path(other)}/entries', 404)
        mixed = path.replace(f'/{link.id}/', f'/{other.id}/')
        missing = self._get(mixed, 404)
        link.action_revoke()
        revoked = self._get(path, 404)
        strip = re.compile(r'csrf_token[^,]*,|[0-9a-f]{40}o?\d*')
        self.assertEqual(strip.sub('', missing.text), strip.sub('', revoked.text), "one answer for all")
        self._get(f'{path}/entries', 404)

    @mute_logger('odoo.http')
    def test_expired_while_reading(self):
        link, path = self._enter()
        self._get(f'{path}/entries')
        link.expires_on = fields.Date.today() - timedelta(days=2)
        self.env.flush_all()
        for each in self._all_paths(path):
            self._get(each, 404)

    def test_anonymised(self):
        """No name of a person or customer in any page or document."""
        __, path = self._enter()
        names = [_NAME, 'Quenouille', 'zebulon@', *(
            user.name for user in (self.officer, self.manager, self.auditor, self.declarant))]
        for each in [*self._all_paths(path), *(
                f'{path}/download/{code}' for code in ('register', 'findings', 'plan', 'traceability'))]:
            content = self._get(each).text
            for name in names:
                self.assertNotIn(name, content, each)
        self.assertRegex(self._get(f'{path}/entries').text, r'\bP\d{4}\b')
        self.assertNotIn('Auditor of the body', self._get(path).text)

    def test_downloads(self):
        __, path = self._enter(is_anonymised=False, named_reason="Asked for in writing")
        for code, part in (('register', 'INSIDE-ENTRY'), ('findings', 'INSIDE-FINDING'), ('plan', 'INSIDE-ACTION'),
                           ('traceability', 'INSIDE-FINDING')):
            answer = self._get(f'{path}/download/{code}')
            self.assertIn('attachment', answer.headers['Content-Disposition'])
            self.assertIn(part, answer.text, code)
            for secret in ('OUTSIDE', 'SECRET', 'FOREIGN', self.outside.reference, self.old_finding.reference):
                self.assertNotIn(secret, answer.text, code)
            self.assertIn("through the auditor", answer.text)

    def test_numbers_of_the_period(self):
        """The register says the first and last number of the access's period, not of the year."""
        later = self.make_complaint(name="INSIDE-LATER", received_on=fields.Datetime.now())
        last = self.make_complaint(name="OUTSIDE-LAST", received_on='2025-03-03 10:00:00')
        __, path = self._enter()
        text = ' '.join(lxml.html.fromstring(self._get(f'{path}/download/register').content).text_content().split())
        self.assertIn(
            f"numbers given: 2, from {self.inside.reference} to {later.reference} (numbers in between of entries"
            f" outside the period: 1); no number missing", text)
        self.assertNotIn(self.outside.reference, text)
        self.assertNotIn(last.reference, text)
        self.env.flush_all()
        self.env.cr.execute(SQL("DELETE FROM qualiopi_complaint_finding_rel WHERE complaint_id = %s", self.outside.id))
        self.env.cr.execute(SQL("DELETE FROM qualiopi_complaint WHERE id = %s", self.outside.id))
        self.env.invalidate_all()
        self.assertIn("1 missing", self._get(f'{path}/download/register').text.replace('</t>', ''))

    def test_evidence_file(self):
        file = self._make(date_from='2026-01-01', date_to='2026-11-20', is_anonymised=True)
        link, path = self._enter(evidence_file_id=file.id)
        self.assertIn(file.name, self._get(path).text)
        answer = self._get(f'{path}/download/file')
        self.assertEqual(answer.content, self._bytes(file))
        self.env.invalidate_all()
        self.assertEqual(link.visit_ids[0].page, 'download')

    def test_reading_changes_the_log_alone(self):
        link, path = self._enter()
        paths = self._all_paths(path)
        for each in paths:
            self._get(each)
        self.env.flush_all()

        def stamps():
            return {
                model: self.env.execute_query(SQL(
                    "SELECT count(*), max(id) %s FROM %s",
                    SQL(", max(write_date)") if self.env[model]._log_access else SQL(),
                    SQL.identifier(self.env[model]._table),
                ))
                for model in ('qualiopi.complaint', 'qualiopi.finding', 'qualiopi.improvement.action',
                              'qualiopi.effectiveness.check', 'qualiopi.evidence', 'qualiopi.pseudonym',
                              'qualiopi.audit.link', 'qualiopi.number', 'mail.message', 'mail.activity',
                              'ir.attachment')
            }

        before, visits = stamps(), self.env['qualiopi.audit.visit'].search_count([('link_id', '=', link.id)])
        for each in [*paths, f'{path}/download/register']:
            self._get(each)
        self.assertEqual(stamps(), before)
        self.env.invalidate_all()
        self.assertEqual(len(link.visit_ids), visits + len(paths) + 1, "each page and download is noted")
        self.assertEqual(link.visit_ids[0].page, 'download')
        self.assertEqual(link.visit_ids[1].detail, self.finding.reference)

    def test_without_javascript(self):
        """All that a page offers is plain links and one plain form."""
        __, path = self._enter()
        for each in self._all_paths(path):
            page = lxml.html.fromstring(self._get(each).content)
            body = page.xpath('//div[@id="wrap"]')[0]
            self.assertFalse(body.xpath('.//script | .//*[@onclick] | .//a[not(@href)] | .//a[@href="#"]'))
            for href in body.xpath('.//a/@href'):
                self.assertTrue(href.startswith(path), href)
