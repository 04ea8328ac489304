"""dev/bench followup: the daily follow-up over many open records, few of which need something.

Runs in ``odoo shell`` (``env`` is given) on a database of its own, which it leaves to be dropped.
"""
import gc
import os
import resource
import time

from odoo.tools import SQL

ROWS = int(os.environ.get('BENCH_ROWS', 100_000))
# One in so many needs something.
SHARE = int(os.environ.get('BENCH_SHARE', 100))

env = env(user=env.ref('base.user_root'))  # noqa: F821
Followup = env['qualiopi.followup.mixin']
officer, lead = env['res.users'].create([{
    'name': name, 'login': name, 'email': f'{name}@example.com', 'group_ids': [(6, 0, [env.ref(group).id])],
} for name, group in (('bench', 'qualiopi.group_officer'), ('lead', 'qualiopi.group_manager'))])
env.company.qualiopi_manager_id = lead


def fill():
    """Open entries with their activities by plain SQL; one in SHARE has been past due for long enough."""
    start = time.perf_counter()
    data = {
        'company': env.company.id, 'user': officer.id, 'rows': ROWS, 'share': SHARE,
        'severity': env.ref('qualiopi.severity_minor').id,
        'model': env['ir.model']._get_id('qualiopi.complaint'),
        'answer': Followup._followup_type('answer'), 'analyse': Followup._followup_type('analyse'),
    }
    env.cr.execute("""
        INSERT INTO qualiopi_complaint (company_id, reference, name, nature, text_origin, received_on, received_date,
                                        state, is_confidential, severity_id, user_id, ack_timeliness,
                                        response_timeliness, ack_date, analysis_deadline, response_deadline,
                                        followup_on, create_uid, create_date)
        SELECT %(company)s, 'B/' || n, 'Entrée ' || n, 'complaint', 'staff', now() - late - interval '5 days',
               current_date - 5, 'acknowledged', false, %(severity)s, %(user)s, 'on_time', 'pending', now(),
               now() - late + interval '10 days', now() - late + interval '15 days',
               (now() - late + interval '17 days')::date, %(user)s, now()
          FROM (SELECT n, CASE WHEN n %% %(share)s = 0 THEN interval '60 days' ELSE interval '0' END AS late
                  FROM generate_series(1, %(rows)s) n) numbers""", data)
    env.cr.execute("""
        INSERT INTO mail_activity (res_model_id, res_model, res_id, res_name, activity_type_id, user_id, date_deadline,
                                   active, automated, qualiopi_step, qualiopi_due, qualiopi_user_id, create_uid,
                                   create_date)
        SELECT %(model)s, 'qualiopi.complaint', c.id, c.reference, s.type, %(user)s, s.due::date, true, true, s.code,
               s.due::date, %(user)s, %(user)s, now()
          FROM qualiopi_complaint c,
               LATERAL (VALUES ('answer', %(answer)s, c.response_deadline),
                               ('analyse', %(analyse)s, c.analysis_deadline)) s(code, type, due)
         WHERE c.reference LIKE 'B/%%'""", data)
    env.cr.commit()
    env.invalidate_all()
    env.cr.execute("ANALYZE")
    print(f"{ROWS} open entries with two activities each in {time.perf_counter() - start:.0f} s", flush=True)


def measure(call):
    """Seconds, queries and result of one call, by a worker that has run before."""
    env.invalidate_all()
    gc.collect()
    before, start = env.cr.sql_log_count, time.perf_counter()
    result = call()
    return time.perf_counter() - start, env.cr.sql_log_count - before, result


def plain():
    """The same records by the shortest SQL."""
    return env.execute_query(SQL(
        """SELECT r.id FROM qualiopi_complaint r
            WHERE r.followup_on <= current_date
              AND NOT EXISTS (SELECT 1 FROM mail_activity a
                               WHERE a.res_model = 'qualiopi.complaint' AND a.res_id = r.id AND a.active
                                 AND a.qualiopi_step = 'escalate')"""))


def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


fill()
Followup._followup_due_today(1)
sql, __, due = measure(plain)
print(f"plain SQL that selects {len(due)} of them: {sql:.3f} s")
memory = peak()
seconds, queries, __ = measure(Followup._cron_followup)
print(f"one daily run: {seconds:.2f} s, {queries} queries, {queries / len(due):.3f} each, "
      f"peak memory {peak():.0f} MiB (+{peak() - memory:.0f}), {seconds / sql:.0f} times the plain SQL")
left = len(plain())
seconds, queries, __ = measure(Followup._cron_followup)
print(f"an idle run: {seconds:.3f} s, {queries} queries; left undone: {left}")
assert not left
