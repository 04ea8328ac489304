import secrets
from datetime import timedelta

from odoo import SUPERUSER_ID, api, fields, models
from odoo.exceptions import UserError
from odoo.tools import email_normalize, format_date, formataddr
from odoo.tools.misc import consteq

_TEMPLATES = {
    'invitation': 'qualiopi.mail_template_feedback_invitation',
    'reminder': 'qualiopi.mail_template_feedback_reminder',
}


class QualiopiFeedbackInvite(models.Model):
    """One person asked in one campaign. Of an anonymous campaign it says who was asked, reminded and has
    answered, never when, and nothing leads from here to the answer or back."""

    _name = 'qualiopi.feedback.invite'
    _description = "Feedback Invitation"
    _order = 'name, id'
    # The time of the last change would tell when somebody answered.
    _log_access = False
    _check_company_auto = True

    campaign_id = fields.Many2one(
        'qualiopi.feedback.campaign', required=True, readonly=True, index=True, ondelete='restrict',
    )
    company_id = fields.Many2one(related='campaign_id.company_id', store=True, index=True, precompute=True)
    event_id = fields.Many2one(related='campaign_id.event_id')
    partner_id = fields.Many2one('res.partner', "Contact", readonly=True, index='btree_not_null', ondelete='set null')
    registration_id = fields.Many2one(
        'event.registration', readonly=True, index='btree_not_null', ondelete='set null',
    )
    name = fields.Char(required=True, readonly=True)
    email = fields.Char("E-mail", readonly=True)
    phone = fields.Char(compute='_compute_phone')
    person_key = fields.Char(readonly=True, required=True, export_string_translation=False)
    token = fields.Char(
        readonly=True, required=True, copy=False, groups=fields.NO_ACCESS,
        default=lambda self: secrets.token_urlsafe(24),
        export_string_translation=False,
    )
    state = fields.Selection([
        ('waiting', "To be invited"),
        ('sent', "Invited"),
        ('bounced', "Mail returned"),
        ('failed', "Not reachable by mail"),
        ('answered', "Answered"),
        ('excluded', "Not asked any more"),
    ], required=True, readonly=True, default='waiting', index=True)
    reason = fields.Selection([
        ('no_email', "No e-mail address"),
        ('mail_failed', "The mail could not be sent"),
        ('bounced', "The mail came back"),
        ('cancelled', "Registration cancelled"),
        ('moved', "Moved to another session"),
        ('gone', "No longer among the persons concerned"),
        ('duplicate', "Asked already under another name"),
        ('by_hand', "Taken out by hand"),
    ], readonly=True)
    sent_on = fields.Date("Invited on", readonly=True)
    reminder_number = fields.Integer("Reminders", readonly=True, aggregator=None)
    is_reminded = fields.Boolean(compute='_compute_is_reminded', store=True)
    last_reminder = fields.Date("Last reminder on", readonly=True)
    mail_id = fields.Many2one(
        'mail.mail', readonly=True, index='btree_not_null', ondelete='set null', groups='base.group_system',
        export_string_translation=False,
    )

    _person_uniq = models.UniqueIndex('(campaign_id, person_key)', "This person is asked already.")

    # === COMPUTES === #

    @api.depends('reminder_number')
    def _compute_is_reminded(self):
        for invite in self:
            invite.is_reminded = bool(invite.reminder_number)

    @api.depends('partner_id.phone', 'registration_id.phone')
    def _compute_phone(self):
        for invite in self:
            # sudo: the number of the person to call, for those who may see the person
            invite.phone = invite.sudo().registration_id.phone or invite.sudo().partner_id.phone

    @api.model
    def _key(self, partner, name, email, registration=None):
        """What tells persons apart: their contact, else address and name, since trainees of one company are
        often registered with one address.

        :rtype: str
        """
        if partner:
            return f'p{partner.id}'
        address = email_normalize(email or '', strict=False) or ''
        if not address and registration:
            return f'r{registration.id}'
        return f'e{address}|{" ".join((name or "").casefold().split())}'

    def _person_now(self):
        """The key of the person today: contacts are merged and deleted."""
        return f'p{self.partner_id.id}' if self.partner_id else self.person_key

    # === ANSWERING === #

    def _check_token(self, token):
        """Whether ``token`` is the secret of this personal link.

        :rtype: bool
        """
        self.ensure_one()
        # sudo: the secret is nobody's to read; only whether it fits is given away
        return bool(token) and consteq(self.sudo().token, token)

    def _mark_answered(self):
        """Note that the persons have answered, without saying when."""
        self.filtered(lambda invite: invite.state != 'answered').write({'state': 'answered', 'reason': False})

    def _url(self):
        """The personal link.

        :rtype: str
        """
        self.ensure_one()
        # sudo: written into the mail of the person alone
        return f'{self.campaign_id.get_base_url()}/qualiopi/feedback/{self.id}/{self.sudo().token}'

    # === SENDING === #

    def _lang(self):
        """Language of the person, else of the company, else French.

        :return: code of a language that is switched on
        :rtype: str
        """
        self.ensure_one()
        codes = {code for code, __ in self.env['res.lang'].get_installed()}
        # sudo: the languages of the person and the company
        invite = self.sudo()
        wishes = (invite.partner_id.lang, invite.company_id.partner_id.lang, 'fr_FR', self.env.lang)
        return next((code for code in wishes if code in codes), 'en_US')

    def _email_to(self):
        """The recipient: several persons may share one address."""
        self.ensure_one()
        return formataddr((self.name, email_normalize(self.email, strict=False) or self.email or ''))

    def _subject(self):
        """What is asked about, in the language of the letter: the session and its day, the course, or the
        organisation."""
        self.ensure_one()
        lang = self._lang()
        # sudo: the letter names the session, whoever sends it
        campaign = self.sudo().with_context(lang=lang).campaign_id
        event = campaign.event_id
        if event:
            day = event._qualiopi_local_day(event.date_begin)
            day = format_date(self.env, day, lang_code=lang, date_format='long')
            return campaign.env._("“%(session)s” (%(day)s)", session=event.name, day=day)
        return campaign.course_id.name or campaign.company_id.name

    def _last_contact(self):
        self.ensure_one()
        return max(filter(None, (self.sent_on, self.last_reminder)))

    def _remind_from(self):
        """The day from which the next reminder is due."""
        campaign = self.campaign_id
        return max(self._last_contact(), campaign.date_from) + timedelta(days=campaign.reminder_days)

    def _send(self, kind):
        """Queue the mails, each in the person's language, and note the day.

        :param str kind: ``invitation`` or ``reminder``
        """
        if not self:
            return
        template = self.env.ref(_TEMPLATES[kind], raise_if_not_found=False)
        if not template:
            raise UserError(self.env._(
                "The mail template of this letter was deleted. Ask your administrator to update the Qualiopi"
                " module, which brings it back."
            ))
        mail_by_invite = {}
        for company, invites in self.grouped('company_id').items():
            # sudo: the company writes; whoever pressed the button would read the secret links as their author.
            mails = template.with_user(SUPERUSER_ID).send_mail_batch(
                invites.ids, email_values={'author_id': company.partner_id.id},
            )
            mail_by_invite.update((mail.res_id, mail.id) for mail in mails)
        for invite in self:
            today = invite.campaign_id._today()
            values = {'mail_id': mail_by_invite.get(invite.id)}
            if kind == 'invitation':
                values.update(state='sent', sent_on=today, reason=False)
            else:
                values.update(reminder_number=invite.reminder_number + 1, last_reminder=today)
            invite.write(values)

    def _mail_get_operation_for_mail_message_operation(self, message_operation):
        # The mails hold the personal links: nobody reads them but who receives them.
        return dict.fromkeys(self, 'unlink')
