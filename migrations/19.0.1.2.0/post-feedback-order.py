"""Take from anonymous campaigns what earlier versions kept: the order of the invitations, the language of a ballot;
and count as replies of ended ones what was finished."""

from odoo import SUPERUSER_ID, api


def migrate(cr, version):
    env = api.Environment(cr, SUPERUSER_ID, {})
    Campaign = env['qualiopi.feedback.campaign']
    anonymous = Campaign.search([('is_anonymous', '=', True), ('means', '=', 'survey')])
    anonymous._level_marks()
    cr.execute("UPDATE survey_user_input SET lang_id = NULL WHERE is_anonymous AND lang_id IS NOT NULL")
    for name in ('answered_count', 'response_rate'):
        env.add_to_compute(Campaign._fields[name], anonymous.filtered('is_sealed'))
    anonymous.flush_recordset()
