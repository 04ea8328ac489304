"""What the doors share: mail, public form and portal record an entry for a stranger, once, and thank them.

Such an entry is completed right afterwards by a job, many entries at a time: its steps are planned, and its
discussion begins. Nobody waits at the door for that, and a flood is worked off in batches.
"""

from datetime import timedelta

from psycopg2.errors import UniqueViolation

from odoo import SUPERUSER_ID, api, fields, models
from odoo.tools import mute_logger

from .qualiopi_list_mixin import shipped_id

_ACK_HOURS = 24
_COMPLETED_AT_ONCE = 200
# Days on which nobody did anything yet: given, they need not be computed.
_UNTREATED = dict.fromkeys((
    'ack_date', 'analysis_date', 'correction_date', 'decision_date', 'response_date', 'verdict_date',
), False)
# How the entry came and what was told there: the door's to say.
_DOOR_FIELDS = {'text_origin', 'told_when', 'told_training', 'sender_lang'}


class QualiopiComplaint(models.Model):
    _inherit = 'qualiopi.complaint'

    # Composed with those of the other files, whatever their order.
    @property
    def _server_fields(self):
        return super()._server_fields | _DOOR_FIELDS | {'intake_key', 'is_just_received'}

    intake_key = fields.Char(
        "Key of the message", readonly=True, copy=False, groups='base.group_system',
        help="What makes the message unique: delivered twice, it is recorded once.",
    )

    is_just_received = fields.Boolean(
        "Just received", readonly=True, copy=False,
        help="It has just come through a door: a job plans its steps within some minutes.",
    )

    _intake_key_uniq = models.UniqueIndex(
        '(intake_key) WHERE intake_key IS NOT NULL', "This message was recorded already.",
    )
    _is_just_received_idx = models.Index('(id) WHERE is_just_received')

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
        job = shipped_id(self.env, 'ir_cron_complete_entries')
        # Whoever is in danger waits for no job.
        is_later = bool(job) and vals.get('nature') != 'safeguarding'
        # sudo: the door acts for a stranger
        model = self.sudo().with_user(SUPERUSER_ID).with_company(company).with_context(
            mail_create_nosubscribe=True, mail_create_nolog=is_later, allowed_company_ids=company.ids,
        )
        model._check_server_values([{name: value for name, value in vals.items() if name not in _DOOR_FIELDS}])
        if not vals.get('name') and vals.get('description'):
            vals = {**vals, 'name': model._subject_of(vals['description'])}
        try:
            with self.env.cr.savepoint(), mute_logger('odoo.sql_db'):
                # The unique index alone tells what was recorded before: no look-up sees another worker's row.
                complaint = model._as_server().create({
                    'user_id': False, **_UNTREATED, **vals,
                    'company_id': company.id, 'intake_key': key, 'is_just_received': is_later,
                })._as_user()
        except UniqueViolation as error:
            if 'intake_key' not in str(error):
                raise
            return model.browse()
        if is_later:
            # sudo: the job's call alone. No worker is woken for each: in a flood, one run completes a minute's entries.
            self.env['ir.cron.trigger'].sudo().create({
                'cron_id': job, 'call_at': fields.Datetime.now() + timedelta(seconds=1),
            })
        return complaint

    # === COMPLETING WHAT CAME === #

    def _followup_sync(self, is_new=False):
        # sudo: whoever writes on it, the job plans what waits for it
        planned = self.sudo().filtered(lambda complaint: not complaint.is_just_received)
        return super(QualiopiComplaint, planned)._followup_sync(is_new)

    def _followup_catch_up(self):
        waiting = self.filtered('is_just_received')
        waiting._as_server().write({'is_just_received': False})
        # The discussion of a mail begins with the mail.
        waiting.filtered(lambda complaint: complaint.text_origin != 'mail')._log_recorded()
        return super()._followup_catch_up()

    def _log_recorded(self):
        """Begin the discussions, each on the moment when the entry was recorded."""
        for company, complaints in self.grouped('company_id').items():
            text = complaints.with_context(lang=company._qualiopi_lang())._creation_message()
            texts = dict.fromkeys(complaints.ids, text)
            for message in complaints._log_texts(texts):
                message.date = complaints.browse(message.res_id).create_date

    @api.model
    def _cron_complete(self):
        """Complete what has come through the doors, many entries at a time. What somebody is just writing on, or
        what fails, is left to the next run."""
        progress = self.env['ir.cron']._commit_progress
        last = 0
        while waiting := self.search(
            [('is_just_received', '=', True), ('id', '>', last)], order='id', limit=_COMPLETED_AT_ONCE,
        ):
            last = waiting[-1].id
            waiting._followup_sync_safely()
            if not progress(len(waiting), remaining=int(len(waiting) == _COMPLETED_AT_ONCE)):
                return
            # Memory is bounded by the batch.
            self.env.invalidate_all()

    # === THANKS === #

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


class QualiopiFollowupMixin(models.AbstractModel):
    _inherit = 'qualiopi.followup.mixin'

    @api.model
    def _cron_followup(self):
        # Also where somebody has switched off the job that the doors call.
        self.env['qualiopi.complaint']._cron_complete()
        return super()._cron_followup()
