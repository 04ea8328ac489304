import logging
from datetime import timedelta

from odoo import api, fields, models
from odoo.tools.misc import hmac

_logger = logging.getLogger(__name__)
_KEPT_HOURS = 24


class QualiopiHit(models.Model):
    """What came through a public door, so that floods are held back. Rows are only ever added and counted:
    several workers agree without waiting for each other (quality.md, G11). Who it was cannot be read from a
    row, and rows are gone after a day."""

    _name = 'qualiopi.hit'
    _description = "Attempt at a Public Door"
    _log_access = False
    _order = 'id desc'

    door = fields.Char(required=True)
    key = fields.Char(required=True)
    moment = fields.Datetime(required=True, default=lambda self: self.env.cr.now())

    _window_idx = models.Index('(door, key, moment)')

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
        if not self._is_free(door, subject, limit, hours):
            _logger.info("Qualiopi: limit of the door %s reached", door)
            return False
        # sudo: visitors have no right on the table, which says nothing about them
        self.sudo().create({'door': door, 'key': self._key(door, subject)})
        return True

    @api.model
    def _is_free(self, door, subject, limit, hours):
        """Whether one more attempt would stay within the limit; nothing is counted.

        :return: see _allow()
        :rtype: bool
        """
        since = self.env.cr.now() - timedelta(hours=hours)
        # sudo: visitors have no right on the table, which says nothing about them
        count = self.sudo().search_count([
            ('door', '=', door), ('key', '=', self._key(door, subject)), ('moment', '>', since),
        ], limit=limit + 1)
        return count < limit

    @api.model
    def _key(self, door, subject):
        """The subject made unreadable, with the database's own secret."""
        # sudo: the key that signs is the database's
        return hmac(self.env(su=True), f'qualiopi-hit-{door}', (subject or '').strip().lower())

    @api.autovacuum
    def _gc_hits(self):
        # sudo: hits are nobody's to read or to delete by hand
        self.sudo().search([('moment', '<', self.env.cr.now() - timedelta(hours=_KEPT_HOURS))], limit=100_000).unlink()
