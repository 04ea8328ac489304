"""Say of the shipped reason "Found a job" that it is one: the lists are not written again on an upgrade."""

from odoo import SUPERUSER_ID, api


def migrate(cr, version):
    env = api.Environment(cr, SUPERUSER_ID, {})
    reason = env.ref('qualiopi.dropout_reason_job', raise_if_not_found=False)
    if reason and not reason.is_job:
        reason.is_job = True
