from psycopg2.errors import UniqueViolation

from odoo import api, fields, models
from odoo.tools import SQL


class QualiopiAccessLog(models.Model):
    _name = 'qualiopi.access.log'
    _description = "Access Log"
    _order = 'date desc, id desc'
    _rec_name = 'reference'
    _log_access = False

    date = fields.Date(required=True, readonly=True, index=True)
    time = fields.Datetime(required=True, readonly=True)
    user_id = fields.Many2one('res.users', required=True, readonly=True, index=True, ondelete='restrict')
    operation = fields.Selection([
        ('open', "Opened"),
        ('print', "Printed"),
        ('export', "Exported"),
        ('download', "Downloaded"),
    ], required=True, readonly=True)
    res_model = fields.Char("Model", required=True, readonly=True)
    res_id = fields.Many2oneReference("Record", model_field='res_model', required=True, readonly=True)
    reference = fields.Char(readonly=True)
    company_id = fields.Many2one('res.company', required=True, readonly=True, ondelete='restrict')

    _once_a_day = models.UniqueIndex('(res_model, res_id, user_id, date, operation)')

    @api.model
    def _log(self, records, operation):
        """Note that the current user saw confidential records: one line per user, record, day and
        operation, whatever the number of times.

        :param records: register records, all of one model
        :param str operation: ``open``, ``print``, ``export`` or ``download``
        """
        # A record that is being filled in was seen by nobody else yet.
        records = records._origin
        if not records:
            return
        # sudo: what was seen is noted with its number, although the log is nobody's to write
        records = records.sudo()
        now = fields.Datetime.now()
        today = fields.Date.context_today(self)
        cr = self.env.cr
        cr.execute(SQL(
            """SELECT res_id FROM qualiopi_access_log
                WHERE res_model = %s AND res_id IN %s AND user_id = %s AND date = %s AND operation = %s""",
            records._name, tuple(records.ids), self.env.uid, today, operation,
        ))
        known = {row[0] for row in cr.fetchall()}
        for record in records.filtered(lambda r: r.id not in known):
            try:
                with cr.savepoint(flush=False):
                    cr.execute(SQL(
                        """INSERT INTO qualiopi_access_log
                           (date, time, user_id, operation, res_model, res_id, reference, company_id)
                           VALUES (%s, %s, %s, %s, %s, %s, %s, %s)""",
                        today, now, self.env.uid, operation, records._name, record.id,
                        record.reference, record.company_id.id,
                    ), log_exceptions=False)
            except UniqueViolation:
                # The same user opened it in another tab at the same instant.
                continue
