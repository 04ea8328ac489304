from psycopg2.errors import UniqueViolation

from odoo import fields, models
from odoo.tools import SQL


class QualiopiNumber(models.Model):
    _name = 'qualiopi.number'
    _description = "Register Number"
    _order = 'company_id, series, year, number'
    _log_access = False

    company_id = fields.Many2one('res.company', required=True, readonly=True, ondelete='restrict')
    series = fields.Char(required=True, readonly=True)
    year = fields.Integer(required=True, readonly=True, aggregator=None)
    number = fields.Integer(required=True, readonly=True, aggregator=None)

    _number_uniq = models.UniqueIndex('(company_id, series, year, number)')

    def _take(self, company, series, year, count):
        """Take the next numbers of a series, without a hole and without a lock.

        Numbers are rows under a unique index. A writer that meets a number which another has
        inserted waits for that transaction: rolled back, the number is free again; committed, the
        index refuses it and the next one is tried. Since nobody skips a number, a refused one means
        that all before it are taken too.

        :param company: the res.company record of the series
        :param str series: prefix such as ``REG``
        :param int year: year of recording, in the company's time zone
        :param int count: how many numbers
        :return: the numbers, ascending
        :rtype: list[int]
        """
        cr = self.env.cr
        cr.execute(SQL(
            """SELECT COALESCE(MAX(number), 0) FROM qualiopi_number
                WHERE company_id = %s AND series = %s AND year = %s""",
            company.id, series, year,
        ))
        [last] = cr.fetchone()
        while True:
            try:
                # In one round trip, the savepoint included.
                cr.execute(SQL(
                    """SAVEPOINT qualiopi_number;
                       INSERT INTO qualiopi_number (company_id, series, year, number)
                       SELECT %s, %s, %s, generate_series(%s, %s);
                       RELEASE SAVEPOINT qualiopi_number""",
                    company.id, series, year, last + 1, last + count,
                ), log_exceptions=False)
                return list(range(last + 1, last + count + 1))
            except UniqueViolation:
                cr.execute("ROLLBACK TO SAVEPOINT qualiopi_number; RELEASE SAVEPOINT qualiopi_number")
                last += 1
