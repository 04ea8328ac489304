"""Kills the scheduled actions in their middle, again and again: nothing may be lost and nothing be done twice.

Arguments: those of Odoo, with ``-d DATABASE,COPY``: entries are recorded in the database, and copies of it
made under the other name, one for an unbroken run and one for each round of killed ones. The seed of the
random moments may be given as QUALIOPI_SEED.
"""
import logging
import os
import random
import signal
import sys
import time
from contextlib import closing

import psycopg2
from freezegun import freeze_time

import odoo.modules.registry
from odoo import SUPERUSER_ID, Command, api, sql_db
from odoo.tools import SQL, config

_logger = logging.getLogger(__name__)

SEED = int(os.environ.get('QUALIOPI_SEED', 20261121))
ENTRIES = 300
OWNERS = 15
# Sessions of three learners each who are to be asked, as many who have answered and are unhappy.
SESSIONS = 30
ROUNDS = 3
KILLS = 8
RECORDED = '2026-11-03 10:00:00'
# A Wednesday, after six in Paris.
TODAY = '2026-11-25 10:00:00'
BATCHES = {
    'qualiopi_followup_mixin': ('_CRON_BATCH', 20), 'res_users': ('_DIGEST_BATCH', 2),
    'qualiopi_feedback_job': ('_BATCH', 3), 'qualiopi_signal_job': ('_BATCH', 3),
}

# What somebody would notice, without the ids, the moments and the secrets, by which two equal rows differ.
# Only what was there before the runs has the same number after each of them.
ROWS = {
    'activities': """
        SELECT res_model, CASE WHEN res_model = 'qualiopi.complaint' THEN res_id END, qualiopi_step, user_id,
               date_deadline, active, summary
          FROM mail_activity WHERE qualiopi_step IS NOT NULL""",
    # How many are late is said as far as the follow-up had come by then.
    'mails': """
        SELECT email_to, regexp_replace(subject, '[0-9]+', '', 'g') FROM mail_mail m
          JOIN mail_message ON mail_message.id = m.mail_message_id""",
    'chatter': """
        SELECT model, CASE WHEN model = 'qualiopi.complaint' THEN res_id END, message_type,
               CASE WHEN model <> 'qualiopi.feedback.invite' THEN regexp_replace(body, '[0-9]+', '', 'g') END
          FROM mail_message WHERE model LIKE 'qualiopi.%'""",
    'days': "SELECT id, qualiopi_digest_on FROM res_users WHERE qualiopi_digest_on IS NOT NULL",
    'invitations': """
        SELECT c.event_id, c.state, i.name, i.state, i.sent_on, i.reminder_number
          FROM qualiopi_feedback_invite i JOIN qualiopi_feedback_campaign c ON c.id = i.campaign_id""",
    'signals': "SELECT subject_key, value, state FROM qualiopi_signal",
}
TWICE = {
    'activity': """
        SELECT res_id, qualiopi_step, qualiopi_due FROM mail_activity
         WHERE res_model = 'qualiopi.complaint' AND qualiopi_step IS NOT NULL
           AND res_id IN (SELECT id FROM qualiopi_complaint WHERE name LIKE 'Salle froide%')
         GROUP BY 1, 2, 3 HAVING count(*) > 1""",
    # The demonstration has people who are asked about two sessions.
    'mail': """
        SELECT email_to FROM mail_mail WHERE email_to ~ '(kill|stagiaire)[0-9]' GROUP BY 1 HAVING count(*) > 1""",
    'campaign': """
        SELECT event_id, stakeholder_id, moment FROM qualiopi_feedback_campaign WHERE is_automatic
         GROUP BY 1, 2, 3 HAVING count(*) > 1""",
    'signal': "SELECT subject_key FROM qualiopi_signal WHERE kind = 'answer' GROUP BY 1 HAVING count(*) > 1",
}


def environment(database):
    return api.Environment(odoo.modules.registry.Registry(database).cursor(), SUPERUSER_ID, {})


def fill(database):
    """Entries of many owners that are long past due, some of an owner who has left."""
    with freeze_time(RECORDED), closing(environment(database).cr) as cr:
        env = api.Environment(cr, SUPERUSER_ID, {'lang': 'fr_FR', 'no_reset_password': True})
        cr.execute("UPDATE ir_cron SET active = false WHERE id NOT IN %s", [tuple(crons(env).ids)])
        officer, manager = env.ref('qualiopi.group_officer'), env.ref('qualiopi.group_manager')
        users = env['res.users'].create([{
            'name': f"Personne {number}", 'login': f'kill{number}', 'email': f'kill{number}@example.com',
            'lang': 'fr_FR', 'tz': 'Europe/Paris',
            'group_ids': [Command.set((officer if number else manager).ids)],
        } for number in range(OWNERS)])
        env.company.qualiopi_manager_id = users[0]
        env['qualiopi.complaint'].create([{
            'name': f"Salle froide {number}", 'description': "La salle était froide.",
            'user_id': users[1 + number % (OWNERS - 1)].id,
        } for number in range(ENTRIES)])
        ask(env)
        cr.flush()
        # Behind the program's back: steps to hand over.
        cr.execute("UPDATE res_users SET active = false WHERE id = %s", users[-1].ids)
        cr.execute("DELETE FROM mail_mail")
        cr.execute("UPDATE res_users SET qualiopi_digest_on = NULL")
        cr.commit()


def ask(env):
    """Sessions whose learners a rule asks, and answers that are held against the rules of signals."""
    beneficiary, survey = env.ref('qualiopi.stakeholder_beneficiary'), env.ref('qualiopi.survey_learner_hot')
    env['qualiopi.feedback.rule'].search([]).active = False
    env.flush_all()
    env['qualiopi.feedback.rule'].create({
        'stakeholder_id': beneficiary.id, 'moment': 'hot', 'survey_id': survey.id, 'offset_days': 3})
    events = env['event.event'].create([{
        'name': f"Session {number}", 'date_begin': '2026-11-20 08:00:00', 'date_end': '2026-11-21 16:00:00',
        'date_tz': 'Europe/Paris',
    } for number in range(2 * SESSIONS)])
    env['event.registration'].create([{
        'event_id': event.id, 'name': f"Stagiaire {number}", 'email': f'stagiaire{number}.{event.id}@example.com',
    } for event in events for number in range(3)])
    questions = survey.question_ids.filtered(lambda question: question.qualiopi_use == 'satisfaction')
    for event in events[SESSIONS:]:
        campaign = env['qualiopi.feedback.campaign'].create({
            'stakeholder_id': beneficiary.id, 'moment': 'hot', 'event_id': event.id, 'survey_id': survey.id})
        campaign.action_start()
        for invite in campaign.invite_ids:
            answer = invite._open_answer()
            for question in questions:
                answer._save_lines(question, str(question.scale_min))
            answer._mark_done()
        campaign.action_done()


def crons(env):
    names = ('followup', 'digest', 'feedback', 'signals')
    return env['ir.cron'].union(*(env.ref(f'qualiopi.ir_cron_{name}') for name in names))


def by_scheduler(database):
    """As a cron worker of Odoo does it."""
    env = environment(database)
    env.cr.execute(
        """UPDATE ir_cron SET nextcall = '2020-01-01', active = true, failure_count = 0, first_failure_date = NULL
            WHERE id IN (SELECT id FROM ir_cron WHERE id IN %s FOR UPDATE SKIP LOCKED)""", [tuple(crons(env).ids)])
    env.cr.commit()
    env.cr.close()
    env.registry['ir.cron']._process_jobs(database)


def by_itself(database):
    """Without the scheduler, whose lock keeps a second run away."""
    for model, method in (
        ('qualiopi.followup.mixin', '_cron_followup'), ('res.users', '_cron_qualiopi_digest'),
        ('qualiopi.feedback.campaign', '_cron_feedback'), ('qualiopi.signal', '_cron_signals'),
    ):
        env = environment(database)
        try:
            getattr(env[model], method)()
            env.cr.commit()
        except psycopg2.errors.SerializationFailure:
            # Odoo's scheduler notes it and runs again the next time.
            env.cr.rollback()
        finally:
            env.cr.close()


def start(work, database):
    """Run ``work`` in a process of its own, as Odoo forks its workers."""
    pid = os.fork()
    if pid:
        return pid
    status = 1
    try:
        with freeze_time(TODAY, tick=True):
            work(database)
        status = 0
    except Exception:  # noqa: BLE001  a child must end here, whatever happens
        sys.excepthook(*sys.exc_info())
    finally:
        os._exit(status)


def end(pid, how=None):
    """Wait for a process, having killed it when ``how`` says so.

    :return: whether it came to its end by itself
    :raise SystemExit: when it failed
    """
    if how:
        os.kill(pid, how)
    __, status = os.waitpid(pid, 0)
    if os.WIFSIGNALED(status) and how:
        return False
    if status:
        sys.exit(f"A run of the follow-up failed with status {status}, seed {SEED}")
    return True


def rows(database, queries):
    with closing(sql_db.db_connect(database).cursor()) as cr:
        result = {}
        for name, query in queries.items():
            cr.execute(query)
            result[name] = sorted(cr.fetchall(), key=repr)
    sql_db.close_all()
    return result


def copy_database(database, copy):
    sql_db.close_all()
    with closing(sql_db.db_connect('postgres').cursor()) as cr:
        cr._cnx.autocommit = True
        cr.execute(SQL("DROP DATABASE IF EXISTS %s WITH (FORCE)", SQL.identifier(copy)))
        cr.execute(SQL("CREATE DATABASE %s TEMPLATE %s", SQL.identifier(copy), SQL.identifier(database)))
    sql_db.close_all()


def kill(database, whole):
    """Run the scheduled actions and kill them, at moments spread over its work, then let it come to its end.

    :param float whole: seconds of an unbroken run
    :return: number of runs that were killed before they were done
    """
    killed = 0
    for number in range(KILLS):
        # One alone; two at once of which one is killed; two at once, both killed.
        pids = [start(by_scheduler, database)]
        if number % 3:
            pids.append(start(by_itself, database))
        time.sleep(random.uniform(0.02, whole * 0.5))
        for which, pid in enumerate(pids):
            killed += not end(pid, signal.SIGKILL if which == 0 or number % 3 == 2 else None)
    for pid in [start(by_scheduler, database), start(by_itself, database)]:
        end(pid)
    # Who was kept out by the other's lock comes the next day; here at once.
    for __ in range(2):
        end(start(by_scheduler, database))
    return killed


def differences(database, expected):
    wrong = [
        f"{len(found)} times the same {name}: {found[:3]}" for name, found in rows(database, TWICE).items() if found
    ]
    for name, found in rows(database, ROWS).items():
        if found != expected[name]:
            missing = [row for row in expected[name] if row not in found][:3]
            more = [row for row in found if row not in expected[name]][:3]
            wrong.append(f"{name}: {len(found)} rows for {len(expected[name])}; missing {missing}; too many {more}")
    return wrong


def main():
    """Compare what is left behind by runs that were killed many times with an unbroken one.

    :return: what is wrong, in words
    """
    random.seed(SEED)
    config.parse_config(sys.argv[1:], setup_logging=True)
    database, copy = config['db_name']
    fill(database)
    for module, (name, size) in BATCHES.items():
        setattr(sys.modules[f'odoo.addons.qualiopi.models.{module}'], name, size)
    odoo.modules.registry.Registry.delete(database)
    copy_database(database, copy)
    # Loaded once, inherited by all processes.
    odoo.modules.registry.Registry(copy)
    sql_db.close_all()

    before = time.monotonic()
    end(start(by_scheduler, copy))
    whole = time.monotonic() - before
    expected = rows(copy, ROWS)
    if not all(expected.values()) or len(expected['mails']) < OWNERS - 1 or len(expected['activities']) < 3 * ENTRIES:
        return [f"The unbroken run did too little: { {name: len(found) for name, found in expected.items()} }"]
    killed = 0
    wrong = []
    for number in range(ROUNDS):
        copy_database(database, copy)
        killed += kill(copy, whole)
        wrong += [f"round {number + 1}: {text}" for text in differences(copy, expected)]
    if killed < ROUNDS:
        wrong.append(f"Only {killed} runs were killed before they were done")
    _logger.info(
        "%d runs killed; %d entries, of which an unbroken run takes care in %.1f s; seed %d",
        killed, ENTRIES, whole, SEED,
    )
    return wrong


if __name__ == '__main__':
    for problem in main():
        _logger.error("qualiopi: %s (QUALIOPI_SEED=%d)", problem, SEED)
    _logger.info("Script done")
