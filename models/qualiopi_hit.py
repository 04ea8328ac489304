import logging
import time
from datetime import timedelta
from typing import NamedTuple

from psycopg2.errors import UniqueViolation

from odoo import api, fields, models
from odoo.tools import SQL
from odoo.tools.misc import hmac

_logger = logging.getLogger(__name__)
_KEPT_HOURS = 24
_LOG_SECONDS = 60
_last_logged = {}


class Window(NamedTuple):
    """What came through a door for one subject, as far back as its limit looks."""

    door: str
    key: str
    limit: int
    hours: float
    count: int = 0
    last: int = 0


class QualiopiHit(models.Model):
    """What came through a public door, so that floods are held back. Rows are only ever added and counted:
    several workers agree without a serialization error (quality.md, G11), and wait for each other only where they
    count for the same subject at the same instant. Who it was cannot be read from a row, and rows are gone after
    a day."""

    _name = 'qualiopi.hit'
    _description = "Attempt at a Public Door"
    _log_access = False
    _order = 'id desc'

    door = fields.Char(required=True)
    key = fields.Char(required=True)
    moment = fields.Datetime(required=True, default=lambda self: self.env.cr.now())
    # Two workers that count at the same instant would take the same number: the index shows them each other.
    number = fields.Integer(aggregator=None)

    _window_idx = models.Index('(door, key, moment)')
    _number_uniq = models.UniqueIndex('(door, key, number)')

    @api.model
    def _allow(self, door, subject, limit, hours):
        """Count one more attempt, and say whether it stays within the limit.

        :param str door: what is limited ("form", "acknowledgement"…)
        :param str subject: whose attempts are counted together: an address, or '' for all
        :param int limit: attempts allowed; 0 allows none
        :param float hours: length of the window, at most 24
        :return: False when the limit is reached; what is refused is not counted
        :rtype: bool
        """
        return self._count(self._windows([(door, subject, limit, hours)]))

    @api.model
    def _windows(self, limits):
        """What was counted until now; nothing is counted by asking.

        :param list limits: (door, subject, limit, hours), see _allow()
        :return: a Window for each
        :rtype: list[Window]
        """
        return self._read_windows(self.env.cr, [
            Window(door, self._key(door, subject), limit, hours) for door, subject, limit, hours in limits
        ])

    @api.model
    def _read_windows(self, cr, windows):
        self.flush_model()
        # As many rows are read of each as its limit allows, whatever the flood.
        cr.execute(SQL("SELECT %s", SQL(", ").join(
            SQL(
                """(SELECT COUNT(*) FROM (SELECT FROM qualiopi_hit
                     WHERE door = %(door)s AND key = %(key)s AND moment > %(since)s LIMIT %(limit)s) hits),
                   (SELECT COALESCE(MAX(number), 0) FROM qualiopi_hit WHERE door = %(door)s AND key = %(key)s)""",
                door=window.door, key=window.key, since=cr.now() - timedelta(hours=window.hours),
                limit=max(window.limit, 0),
            )
            for window in windows
        )))
        found = iter(cr.fetchone())
        return [window._replace(count=next(found), last=next(found)) for window in windows]

    @api.model
    def _count(self, windows):
        """Count one more attempt in each window, unless one of them is full.

        :param list windows: what _windows() returned
        :return: False when a limit is reached; then nothing is counted
        :rtype: bool
        """
        while True:
            if self._are_full(windows):
                return False
            try:
                # In one round trip, the savepoint included.
                self.env.cr.execute(SQL(
                    "SAVEPOINT qualiopi_hit; INSERT INTO qualiopi_hit (door, key, moment, number) VALUES %s;"
                    " RELEASE SAVEPOINT qualiopi_hit",
                    SQL(", ").join(
                        SQL("%s", (window.door, window.key, self.env.cr.now(), window.last + 1)) for window in windows
                    ),
                ), log_exceptions=False)
                return True
            except UniqueViolation:
                self.env.cr.execute("ROLLBACK TO SAVEPOINT qualiopi_hit; RELEASE SAVEPOINT qualiopi_hit")
                # Another worker has counted one, which this transaction does not see.
                with self.pool.cursor() as cr:
                    windows = [
                        seen._replace(count=max(seen.count, own.count), last=max(seen.last, own.last))
                        for seen, own in zip(self._read_windows(cr, windows), windows, strict=True)
                    ]

    @api.model
    def _are_full(self, windows):
        """Whether one of the limits is reached.

        :param list windows: what _windows() returned
        :rtype: bool
        """
        for window in windows:
            if window.count >= window.limit:
                self._log_full(window.door)
                return True
        return False

    @api.model
    def _log_full(self, door):
        # A flood fills no log: once a minute and process says enough.
        now = time.monotonic()
        if door not in _last_logged or now - _last_logged[door] >= _LOG_SECONDS:
            _last_logged[door] = now
            _logger.info("Qualiopi: limit of the door %s reached", door)

    @api.model
    def _key(self, door, subject):
        """The subject made unreadable, with the database's own secret."""
        # sudo: the key that signs is the database's
        return hmac(self.env(su=True), f'qualiopi-hit-{door}', (subject or '').strip().lower())

    @api.autovacuum
    def _gc_hits(self):
        # sudo: hits are nobody's to read or to delete by hand
        self.sudo().search([('moment', '<', self.env.cr.now() - timedelta(hours=_KEPT_HOURS))], limit=100_000).unlink()
