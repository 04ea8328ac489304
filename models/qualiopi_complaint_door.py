"""What the doors share: mail, public form and portal record an entry for a stranger, once, and thank them."""

from psycopg2.errors import UniqueViolation

from odoo import SUPERUSER_ID, api, fields, models
from odoo.tools import mute_logger

_ACK_HOURS = 24
# How the entry came and what was told there: the door's to say.
_DOOR_FIELDS = {'text_origin', 'told_when', 'told_training', 'sender_lang'}


class QualiopiComplaint(models.Model):
    _inherit = 'qualiopi.complaint'

    # Composed with those of the other files, whatever their order.
    @property
    def _server_fields(self):
        return super()._server_fields | _DOOR_FIELDS | {'intake_key'}

    intake_key = fields.Char(
        "Key of the message", readonly=True, copy=False, groups='base.group_system',
        help="What makes the message unique: delivered twice, it is recorded once.",
    )

    _intake_key_uniq = models.UniqueIndex(
        '(intake_key) WHERE intake_key IS NOT NULL', "This message was recorded already.",
    )

    @api.model
    def _team_lang(self, company):
        """Language that the team of a company works in. Whoever will speak in its name and be told is read along,
        in two queries instead of six.

        :param company: whose door it is
        :rtype: str
        """
        # sudo: a door asks for a stranger, who is told nothing of it
        company = company.sudo()
        users = self.sudo().env['res.users'].browse([SUPERUSER_ID, *company.qualiopi_manager_id.ids])
        (users.partner_id | company.partner_id).mapped('lang')
        return company.partner_id.lang or self.env.lang

    @api.model
    def _receive(self, company, vals, key):
        """Record an entry that came through a door; letters are left to _thank().

        :param company: whose register it goes to
        :param dict vals: values that the door has chosen itself, never what a stranger sent as it came; with
            its ``text_origin``
        :param str key: what is the same when the same message comes once more
        :return: the entry as superuser; empty when the message was recorded before, be it at this instant
            by another worker
        """
        # sudo: the door acts for a stranger
        model = self.sudo().with_user(SUPERUSER_ID).with_company(company).with_context(
            mail_create_nosubscribe=True, allowed_company_ids=company.ids,
        )
        model._check_server_values([{name: value for name, value in vals.items() if name not in _DOOR_FIELDS}])
        if not vals.get('name') and vals.get('description'):
            vals = {**vals, 'name': model._subject_of(vals['description'])}
        try:
            with self.env.cr.savepoint(), mute_logger('odoo.sql_db'):
                # The unique index alone tells what was recorded before: no look-up sees another worker's row.
                return model._as_server().create({
                    'user_id': False, **vals, 'company_id': company.id, 'intake_key': key,
                })._as_user()
        except UniqueViolation as error:
            if 'intake_key' not in str(error):
                raise
            return model.browse()

    def _thank(self):
        """Queue the acknowledgement of what a door has just recorded, where the company wants it so; at most
        one a day for an address, so that nobody is flooded through us (quality.md, A3). What is withheld
        stays due as its step.

        :return: the entries whose acknowledgement was queued
        """
        queued = self.browse()
        # sudo: a door thanks for a stranger, who has no rights
        for complaint in self.sudo():
            company = complaint.company_id
            if not company.qualiopi_auto_acknowledge or not complaint._awaits_acknowledgement():
                continue
            if self.env['qualiopi.hit']._allow('acknowledgement', complaint.letter_address, 1, _ACK_HOURS):
                queued += complaint._queue_acknowledgement()
        return queued
