"""Steps of the life of a database, between which dev/test installs and upgrades (quality.md, E3).

Arguments: the step, the file that keeps what was found between steps, then those of Odoo.
"""
import json
import logging
import sys
from datetime import date, datetime, timedelta

import odoo.modules.registry
from odoo import SUPERUSER_ID, Command, api
from odoo.tools import SQL, config

_logger = logging.getLogger(__name__)

# Tables of Odoo's own in which the addon keeps something.
SHARED = (
    'mail_activity', 'mail_message', 'mail_tracking_value', 'mail_followers', 'mail_mail', 'ir_attachment',
    'res_company', 'res_users', 'res_partner', 'event_event', 'event_registration', 'event_type', 'mail_template',
    'resource_calendar', 'resource_calendar_leaves',
)


def before(env):
    """Two companies and a French user, before the addon comes."""
    env['res.company'].create({'name': "Deuxième organisme", 'country_id': env.ref('base.fr').id})
    env['res.users'].with_context(active_test=False).search([('share', '=', False)]).lang = 'fr_FR'


def fill(env):
    """What people of both companies record and set, also in what came with the addon."""
    env.ref('qualiopi.category_harassment').name = "Violences et harcèlement"
    env.ref('qualiopi.stage_do').name = "En travaux"
    env.ref('qualiopi.severity_minor').write({'response_days': 17})
    env.ref('qualiopi.mail_template_acknowledgement').body_html = "<p>Notre propre accusé de réception</p>"
    for company in env['res.company'].search([]):
        user = env['res.users'].with_context(no_reset_password=True).create({
            'name': f"Qualité {company.id}", 'login': f'life{company.id}', 'email': f'life{company.id}@example.com',
            'company_id': company.id, 'company_ids': [Command.set(company.ids)], 'lang': 'fr_FR',
            'group_ids': [Command.set(env.ref('qualiopi.group_manager').ids)],
        })
        own = env(user=user, context={'allowed_company_ids': company.ids, 'lang': 'fr_FR'})
        complaints = own['qualiopi.complaint'].create([
            {'name': f"Salle froide {number}", 'description': "La salle était froide.",
             'received_on': datetime.now() - timedelta(days=20)} for number in range(5)
        ])
        finding = own['qualiopi.finding'].create({
            'name': "Chauffage", 'description': "Les salles ne sont pas chauffées.",
            'complaint_ids': [Command.set(complaints[:2].ids)],
        })
        action = own['qualiopi.improvement.action'].create({
            'name': "Chauffer la veille", 'finding_ids': [Command.set(finding.ids)], 'user_id': user.id,
            'date_due': date.today() + timedelta(days=9), 'success_criterion': "Aucune plainte",
        })
        action.action_plan()
        action.action_start()
        complaints[3].with_user(user).action_cancel("Saisie deux fois")


def stored(env):
    """All rows of the addon and of what it shares, without who wrote them last."""
    env.cr.execute(SQL(
        "SELECT tablename FROM pg_tables WHERE schemaname = 'public' AND (tablename LIKE %s OR tablename IN %s)",
        'qualiopi%', SHARED,
    ))
    result = {}
    for [table] in sorted(env.cr.fetchall()):
        env.cr.execute(SQL(
            "SELECT (to_jsonb(t) - 'write_date' - 'write_uid' - 'write_count')::text FROM %s t",
            SQL.identifier(table),
        ))
        result[table] = sorted(row[0] for row in env.cr.fetchall())
    return result


def snapshot(env, path):
    """Fill the database and keep what it holds."""
    fill(env)
    env.flush_all()
    env.cr.precommit.run()
    # As if the version before were installed: the scripts of migrations/ run at the upgrade.
    env.cr.execute("UPDATE ir_module_module SET latest_version = '19.0.1.0.0' WHERE name = 'qualiopi'")
    with open(path, 'w', encoding='utf-8') as file:
        json.dump(stored(env), file)


def compare(env, path):
    """Whether the upgrade left all rows as they were."""
    with open(path, encoding='utf-8') as file:
        expected = json.load(file)
    found = stored(env)
    for table in sorted(expected.keys() | found.keys()):
        old, new = set(expected.get(table, ())), set(found.get(table, ()))
        if old != new:
            _logger.error(
                "qualiopi: the upgrade changed %s: %d rows gone, such as %s; %d came, such as %s",
                table, len(old - new), sorted(old - new)[:1], len(new - old), sorted(new - old)[:1],
            )


def uninstall(env):
    """Uninstall as the button does, and look for what stays behind."""
    events = env['event.event'].search_count([])
    env['ir.module.module'].search([('name', '=', 'qualiopi')]).button_immediate_uninstall()
    env = api.Environment(odoo.modules.registry.Registry(env.cr.dbname).cursor(), SUPERUSER_ID, {})
    left = {
        'tables': "SELECT tablename FROM pg_tables WHERE tablename LIKE 'qualiopi%'",
        'columns': "SELECT table_name, column_name FROM information_schema.columns WHERE column_name LIKE 'qualiopi%'",
        'models': "SELECT model FROM ir_model WHERE model LIKE 'qualiopi%'",
        'external ids': "SELECT name FROM ir_model_data WHERE module = 'qualiopi'",
        'activities': "SELECT id FROM mail_activity WHERE res_model LIKE 'qualiopi%'",
        'messages': "SELECT id FROM mail_message WHERE model LIKE 'qualiopi%'",
        'attachments': "SELECT id FROM ir_attachment WHERE res_model LIKE 'qualiopi%'",
        'followers': "SELECT id FROM mail_followers WHERE res_model LIKE 'qualiopi%'",
        'scheduled actions': "SELECT id FROM ir_cron WHERE cron_name ILIKE 'qualiopi%'",
        'groups': "SELECT id FROM res_groups WHERE name ->> 'en_US' ILIKE '%qualiopi%'",
    }
    for what, query in left.items():
        env.cr.execute(query)
        if rows := env.cr.fetchall():
            _logger.error("qualiopi: uninstalling left %d %s behind, such as %s", len(rows), what, rows[:5])
    for company in env['res.company'].search([]):
        if not company.resource_calendar_id:
            _logger.error("qualiopi: uninstalling left %s without a calendar", company.name)
    if env['event.event'].search_count([]) < events - DEMO_SESSIONS:
        _logger.error("qualiopi: uninstalling took sessions along that are not of the demo data")
    env.cr.close()


# Sessions that come, and go, with the demo data.
DEMO_SESSIONS = 12


def main():
    """Run one step."""
    step, path, *arguments = sys.argv[1:]
    config.parse_config(arguments, setup_logging=True)
    [database] = config['db_name']
    with odoo.modules.registry.Registry(database).cursor() as cr:
        env = api.Environment(cr, SUPERUSER_ID, {'lang': 'fr_FR'})
        if step in ('snapshot', 'compare'):
            globals()[step](env, path)
        else:
            globals()[step](env)
    _logger.info("Script done")


if __name__ == '__main__':
    main()
