import secrets

from dateutil.relativedelta import relativedelta

from odoo import api, fields, models
from odoo.exceptions import UserError, ValidationError
from odoo.fields import NO_ACCESS
from odoo.tools import consteq, email_normalize
from odoo.tools.misc import hmac

from .ir_rule import AuditScope
from .qualiopi_guarded_mixin import is_meaningful

# Without the letters and digits that are mistaken for each other on paper or on the telephone.
_ALPHABET = '23456789ABCDEFGHJKMNPQRSTUVWXYZ'
_CODE_LENGTH = 10
# Attempts at the code: in an hour, in a day.
_HOURLY_ATTEMPTS, _DAILY_ATTEMPTS = 10, 30
_LONGEST_DAYS = 366
_USER_FIELDS = {
    'name', 'email', 'company_id', 'date_from', 'date_to', 'expires_on', 'is_anonymised', 'named_reason',
    'evidence_file_id', 'audit_id',
}
# What was opened to somebody stays as it was; only its end and its file may be changed.
_CHANGEABLE = {'name', 'email', 'expires_on', 'evidence_file_id', 'audit_id'}


class QualiopiAuditLink(models.Model):
    """A read-only access for an auditor without an account: an address that is hard to guess, and a code that is
    sent apart. Pages are read as a technical user who is an auditor of this company and of nothing else."""

    _name = 'qualiopi.audit.link'
    _description = "Auditor's Access"
    _inherit = ['qualiopi.program.mixin', 'mail.thread']
    _order = 'id desc'
    _check_company_auto = True
    _server_fields = frozenset({'user_id', 'code_given_on', 'revoked_on', 'revoked_by_id'})

    name = fields.Char("For whom", required=True, tracking=True, help="Auditor and certification body.")
    email = fields.Char("E-mail of the auditor", help="Only needed to send the code from here.")
    company_id = fields.Many2one(
        'res.company', required=True, index=True, ondelete='restrict', default=lambda self: self.env.company,
    )
    user_id = fields.Many2one(
        'res.users', "Given by", required=True, readonly=True, copy=False, ondelete='restrict', index=True,
        default=lambda self: self.env.user,
    )
    date_from = fields.Date(
        "From", required=True, tracking=True,
        default=lambda self: fields.Date.context_today(self) - relativedelta(years=1) + relativedelta(days=1),
    )
    date_to = fields.Date("To", required=True, default=fields.Date.context_today, tracking=True)
    expires_on = fields.Date(
        "Valid until", required=True, copy=False, tracking=True,
        default=lambda self: fields.Date.context_today(self) + relativedelta(days=15),
        help="The last day on which the access opens. One year at most.",
    )
    is_anonymised = fields.Boolean(
        "Anonymised", default=True, tracking=True,
        help="Codes stand for names, also inside texts. What the codes stand for is kept apart.",
    )
    named_reason = fields.Text("Why names are shown", tracking=True)
    audit_id = fields.Many2one(
        'qualiopi.audit', check_company=True, ondelete='restrict', index='btree_not_null', copy=False,
    )
    evidence_file_id = fields.Many2one(
        'qualiopi.evidence.file', "Evidence file", check_company=True, ondelete='restrict', index='btree_not_null',
        copy=False, domain="[('state', '=', 'done'), ('company_id', '=', company_id), "
        "('date_from', '>=', date_from), ('date_to', '<=', date_to), ('is_anonymised', 'in', [True, is_anonymised])]",
        help="The ZIP that the auditor may download, of this period.",
    )
    state = fields.Selection([
        ('draft', "Without a code"),
        ('open', "Access open"),
        ('expired', "Expired"),
        ('revoked', "Withdrawn"),
    ], compute='_compute_state')
    url = fields.Char("Link", compute='_compute_url')
    code_given_on = fields.Datetime("Code given on", readonly=True, copy=False)
    revoked_on = fields.Datetime("Withdrawn on", readonly=True, copy=False)
    revoked_by_id = fields.Many2one('res.users', "Withdrawn by", readonly=True, copy=False, ondelete='restrict')
    visit_ids = fields.One2many('qualiopi.audit.visit', 'link_id', "Visits", readonly=True)
    visit_count = fields.Integer("Pages seen", compute='_compute_visits')
    last_visit_on = fields.Datetime("Last visit", compute='_compute_visits')
    # Half of the key is in the address, the other half with the auditor: its fingerprint alone is kept.
    access_token = fields.Char(groups=NO_ACCESS, copy=False)
    code_hash = fields.Char(groups=NO_ACCESS, copy=False)

    # === COMPUTES === #

    @api.depends('code_given_on', 'revoked_on', 'expires_on')
    def _compute_state(self):
        for link in self:
            if link.revoked_on:
                link.state = 'revoked'
            elif link._is_expired():
                link.state = 'expired'
            else:
                link.state = 'open' if link.code_given_on else 'draft'

    def _is_expired(self):
        today = fields.Date.context_today(self.with_context(tz=self.company_id._qualiopi_tz()))
        return not self.expires_on or self.expires_on < today

    @api.depends('state')
    def _compute_url(self):
        for link in self:
            # sudo: managers hand the address out; they read no field of the key
            token = link.sudo().access_token
            is_usable = token and link.state in ('draft', 'open')
            link.url = f'{link.get_base_url()}{link._path(token)}' if is_usable else False

    def _path(self, token):
        return f'/qualiopi/audit/{self.id}/{token}'

    @api.depends('visit_ids')
    def _compute_visits(self):
        found = {
            link: (count, last) for link, count, last in self.env['qualiopi.audit.visit']._read_group(
                [('link_id', 'in', self.ids)], ['link_id'], ['__count', 'moment:max'])
        }
        for link in self:
            link.visit_count, link.last_visit_on = found.get(link, (0, False))

    # === CHECKS === #

    @api.constrains('date_from', 'date_to')
    def _check_dates(self):
        for link in self:
            if link.date_from > link.date_to:
                raise ValidationError(self.env._("The period ends before it begins."))

    @api.constrains('expires_on')
    def _check_expires_on(self):
        for link in self:
            last = fields.Date.context_today(link) + relativedelta(days=_LONGEST_DAYS)
            if link.expires_on > last:
                raise ValidationError(self.env._("An auditor's access lasts one year at most."))

    @api.constrains('is_anonymised', 'named_reason')
    def _check_named_reason(self):
        for link in self:
            if not link.is_anonymised and not is_meaningful(link.named_reason):
                raise ValidationError(self.env._(
                    "Say why the auditor needs the names, or leave the access anonymised.",
                ))

    @api.constrains('evidence_file_id', 'date_from', 'date_to', 'is_anonymised')
    def _check_evidence_file_id(self):
        for link in self.filtered('evidence_file_id'):
            file = link.evidence_file_id
            if file.state != 'done':
                raise ValidationError(self.env._("The evidence file is not ready yet."))
            if file.date_from < link.date_from or file.date_to > link.date_to:
                raise ValidationError(self.env._(
                    "The evidence file goes beyond the period of the access: make one for this period.",
                ))
            if link.is_anonymised and not file.is_anonymised:
                raise ValidationError(self.env._(
                    "The access is anonymised, the evidence file is not: make an anonymised one.",
                ))

    @api.constrains('email')
    def _check_email(self):
        for link in self:
            if link.email and not email_normalize(link.email):
                raise ValidationError(self.env._("\"%s\" is no e-mail address.", link.email))

    # === LOCK === #

    @api.model_create_multi
    def create(self, vals_list):
        if not self._is_server():
            vals_list = [
                {name: value for name, value in vals.items()
                 if name in _USER_FIELDS or name.startswith(('message_', 'activity_'))}
                for vals in vals_list
            ]
        links = super().create(vals_list)
        for link in links:
            # sudo: the key is nobody's to read or to choose
            link.sudo()._as_server().access_token = secrets.token_urlsafe(32)
        return links

    def write(self, vals):
        names = {name for name in vals if not name.startswith(('message_', 'activity_'))}
        if names and not self._is_server():
            if names - _USER_FIELDS:
                raise UserError(self.env._("This is filled in by the program and cannot be set by hand."))
            if any(link.revoked_on for link in self):
                raise UserError(self.env._("This access was withdrawn. Create another one."))
            if names - _CHANGEABLE and any(link.code_given_on for link in self):
                raise UserError(self.env._(
                    "What was opened to an auditor stays as it was given. Withdraw this access and create another one.",
                ))
        return super().write(vals)

    @api.ondelete(at_uninstall=False)
    def _unlink_except_given(self):
        if any(link.code_given_on for link in self):
            raise UserError(self.env._(
                "An access that was given is kept, with what was seen by it. Withdraw it instead.",
            ))

    def _record(self, **vals):
        # sudo: values that nobody writes by hand; the caller has checked who asks
        self.sudo()._as_server().write(vals)

    # === ACTIONS === #

    def action_show_code(self):
        """Make a new code and show it, once; the former one is dead.

        :raise UserError: when the access is over
        """
        self.ensure_one()
        code = self._new_code()
        self._message_log(body=self.env._("A new code was made, and shown on the screen."))
        return {
            'type': 'ir.actions.act_window',
            'name': self.env._("Code of the access"),
            'res_model': 'qualiopi.audit.code',
            'views': [(False, 'form')],
            'target': 'new',
            # The code is in no table: it goes to this screen and nowhere else.
            'context': {'default_code': code},
        }

    def action_send_code(self):
        """Make a new code and send it to the auditor, without the link; the former one is dead.

        :raise UserError: without an address, or when the access is over
        """
        self.ensure_one()
        address = email_normalize(self.email or '')
        if not address:
            raise UserError(self.env._("Fill in the auditor's e-mail address, or show the code and pass it on."))
        code = self._new_code()
        link = self.with_context(lang=self._lang())
        company = link.company_id
        body = self.env['ir.qweb'].with_context(lang=self._lang())._render('qualiopi.audit_code_mail', {
            'company_name': company.name, 'code': code, 'user_name': self.env.user.name,
            'expires_on': self.env['qualiopi.report'].with_context(lang=self._lang())._formats(company)['d'](
                self.expires_on),
        })
        # sudo: managers may not write mails; this one holds the code alone, and is gone once sent
        self.env['mail.mail'].sudo().create({
            'subject': link.env._("Code of your access to the registers of %s", company.name),
            'body_html': body,
            'email_to': address,
            'email_from': company.email_formatted or self.env.user.email_formatted,
            'auto_delete': True,
        })
        # sudo: the queue of mails is started
        self.env.ref('mail.ir_cron_mail_scheduler_action').sudo()._trigger()
        self._message_log(body=self.env._("A new code was sent to %s.", address))
        return {
            'type': 'ir.actions.client',
            'tag': 'display_notification',
            'params': {
                'type': 'success',
                'message': self.env._("A new code is on its way to %s. Send the link apart.", address),
                'next': {'type': 'ir.actions.client', 'tag': 'soft_reload'},
            },
        }

    def action_revoke(self):
        """Withdraw the access at once, also from who is reading."""
        self.check_access('write')
        for link in self.filtered(lambda link: not link.revoked_on):
            link._record(revoked_on=fields.Datetime.now(), revoked_by_id=self.env.uid, code_hash=False)
            link._message_log(body=self.env._("The access was withdrawn."))
        return True

    def action_view_visits(self):
        """What was seen and downloaded by this access."""
        self.ensure_one()
        self.check_access('read')
        action = self.env['ir.actions.act_window']._for_xml_id('qualiopi.qualiopi_audit_visit_action')
        return {**action, 'domain': [('link_id', '=', self.id)], 'context': {'create': False}}

    def _new_code(self):
        self.check_access('write')
        if self.state not in ('draft', 'open'):
            raise UserError(self.env._("This access is over. Prolong it, or create another one."))
        self._prepare_reader()
        code = ''.join(secrets.choice(_ALPHABET) for __ in range(_CODE_LENGTH))
        self._record(code_hash=self._code_fingerprint(code), code_given_on=fields.Datetime.now())
        return f'{code[:_CODE_LENGTH // 2]}-{code[_CODE_LENGTH // 2:]}'

    # === THE KEY === #

    def _code_fingerprint(self, code):
        # sudo: the key that signs is the database's
        env = self.env(su=True)
        return hmac(env, 'qualiopi-audit-code', f'{self.id}-{code}')

    @api.model
    def _opened_by(self, link_id, token):
        """The access that an address opens, as superuser; nothing when it does not exist, is over or has no code.

        :param int link_id: number in the address
        :param str token: what the address holds besides
        """
        nothing = self.browse()
        if not isinstance(token, str) or not token.isascii() or not 0 < link_id < 2**31:
            return nothing
        # sudo: visitors have no account; the token, compared before anything else is done, is theirs
        link = self.sudo().browse(link_id).exists()
        if not link or not consteq(link.access_token or '', token) or not link.access_token:
            return nothing
        return link if link.state == 'open' and link.code_hash else nothing

    def _try_code(self, code):
        """Compare a code that a visitor typed; each attempt counts and is noted.

        :return: ``right``, ``wrong`` or ``later`` when there were too many attempts
        :rtype: str
        """
        self.ensure_one()
        hits = self.env['qualiopi.hit']
        if not hits._allow('audit-code', str(self.id), _HOURLY_ATTEMPTS, 1) or not hits._allow(
                'audit-code-day', str(self.id), _DAILY_ATTEMPTS, 24):
            return 'later'
        typed = ''.join(char for char in str(code or '')[:100].upper() if char in _ALPHABET)
        if not consteq(self.code_hash, self._code_fingerprint(typed)):
            self._note('refused')
            return 'wrong'
        self._note('code')
        return 'right'

    def _proof(self):
        """What a visitor's session keeps once the code was right: dead with the next code."""
        self.ensure_one()
        # sudo: the key that signs is the database's
        env = self.env(su=True)
        return hmac(env, 'qualiopi-audit-session', f'{self.id}-{self.access_token}-{self.code_hash}')

    def _note(self, page, detail=None):
        """Note what was seen.

        :param str page: see qualiopi.audit.visit
        """
        self.ensure_one()
        # sudo: the log is nobody's to write by hand
        self.env['qualiopi.audit.visit'].sudo().create({'link_id': self.id, 'page': page, 'detail': detail})

    # === WHO READS === #

    def _lang(self):
        return self.user_id.lang or self.env.lang or 'en_US'

    def _prepare_reader(self):
        # sudo: the technical user reads in the companies for which an access was given
        reader = self.env.ref('qualiopi.user_audit_reader').sudo()
        if self.company_id not in reader.company_ids:
            reader.write({'company_ids': [fields.Command.link(self.company_id.id)]})

    def _pages(self):
        """The pages of this access, in the hands of who may see nothing else."""
        self.ensure_one()
        # sudo: the technical user has fewer rights than the superuser whom the token let in
        return self.env['qualiopi.audit.pages'].with_user(self.env.ref('qualiopi.user_audit_reader')).with_context(
            allowed_company_ids=self.company_id.ids, lang=self._lang(), tz=self.company_id._qualiopi_tz(),
            qualiopi_audit_scope=AuditScope(self.company_id.id, self.date_from, self.date_to),
        )


class QualiopiAuditVisit(models.Model):
    """One page or download that an auditor's access gave."""

    _name = 'qualiopi.audit.visit'
    _description = "Visit by an Auditor's Access"
    _order = 'moment desc, id desc'
    _rec_name = 'page'
    _log_access = False

    link_id = fields.Many2one('qualiopi.audit.link', "Access", required=True, readonly=True, index=True,
                              ondelete='restrict')
    company_id = fields.Many2one(related='link_id.company_id', store=True, index=True)
    moment = fields.Datetime(required=True, readonly=True, default=lambda self: fields.Datetime.now())
    page = fields.Selection([
        ('code', "Right code"),
        ('refused', "Wrong code"),
        ('overview', "Overview"),
        ('entries', "Register"),
        ('findings', "Findings"),
        ('actions', "Actions"),
        ('checks', "Checks"),
        ('chains', "Chains"),
        ('chain', "Chain"),
        ('download', "Download"),
    ], required=True, readonly=True)
    detail = fields.Char(readonly=True)
