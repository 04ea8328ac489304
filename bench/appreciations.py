"""dev/bench appreciations: the satisfaction pivot, its graph and a session, with 1,000 sessions, 12,000 learners and
10,000 answers of 15 questions, beside a bare model with as many rows.

A session is opened by the call that the web client makes. Its floor is the same call for the same form whose fields of
ours are bare: as many columns, links and lines, which nobody computes, counts or guards. For information, the form
without them, and what the ORM alone takes of it.

Runs in ``odoo shell`` (``env`` is given) on a database of its own, which it leaves to be dropped.
"""
import time

from measure import head, line, run, screen
from web import Web

SESSIONS, LEARNERS, ANSWERS, QUESTIONS = 1000, 12, 10_000, 15

env = env(context=dict(env.context, lang='fr_FR'))  # noqa: F821
officer = env['res.users'].create({
    'name': "Bench", 'login': 'bench', 'password': 'bench-bench', 'email': 'bench@example.com', 'lang': 'fr_FR',
    'group_ids': [(6, 0, [env.ref('qualiopi.group_officer').id, env.ref('event.group_event_user').id])],
})
Report = env['qualiopi.satisfaction.report'].with_user(officer)
Floor = env['qualiopi.floor'].with_user(officer)


def fill():
    """Rows by plain SQL: what is measured afterwards is reading."""
    start = time.perf_counter()
    cr = env.cr
    company, root = env.company.id, 1
    survey = env.ref('qualiopi.survey_learner_hot')
    courses = env['qualiopi.course'].create([{'name': f"Formation {number}"} for number in range(20)])
    template = env['event.event'].create({
        'name': "Session", 'date_begin': '2026-03-02 08:00:00', 'date_end': '2026-03-03 16:00:00',
        'course_id': courses[0].id,
    })
    env.flush_all()

    def copies(table, record, count, **changed):
        """As many copies of a row, some columns changed by an expression in n."""
        cr.execute("SELECT column_name FROM information_schema.columns WHERE table_name = %s", (table,))
        names = [name for [name] in cr.fetchall() if name != 'id']
        columns = ', '.join(f'"{name}"' for name in names)
        values = ', '.join(changed.get(name, f't."{name}"') for name in names)
        cr.execute(  # pylint: disable=sql-injection
            f"INSERT INTO {table} ({columns}) SELECT {values} FROM {table} t, generate_series(1, {count}) n"
            f" WHERE t.id = {record.id} ORDER BY n RETURNING id")
        return [number for [number] in cr.fetchall()]

    events = copies('event_event', template, SESSIONS - 1, course_id=f"{courses[0].id} + n % 20", access_token="NULL")
    events.append(template.id)
    first = env['event.registration'].create({'event_id': template.id, 'name': "Stagiaire"})
    result = env['qualiopi.result'].create({
        'event_id': template.id, 'name': "Évaluation finale", 'presented': 11, 'passed': 10,
    })
    env.flush_all()
    copies('qualiopi_result', result, SESSIONS - 1, event_id=f"(ARRAY{events})[n]")
    copies('event_registration', first, SESSIONS * LEARNERS - 1,
           event_id=f"(ARRAY{events})[1 + n % {SESSIONS}]", barcode="NULL", access_token="NULL")
    campaign = env['qualiopi.feedback.campaign'].create({
        'stakeholder_id': env.ref('qualiopi.stakeholder_beneficiary').id, 'moment': 'hot', 'event_id': template.id,
        'survey_id': survey.id,
    })
    env.flush_all()
    changed = {
        'reference': "'B/' || n", 'event_id': f"(ARRAY{events})[n]", 'state': "'done'", 'asked_count': str(LEARNERS),
        'answered_count': '10', 'date_from': "date '2026-01-01' + n % 300", 'access_token': 'NULL',
        'course_id': f"{courses[0].id} + n % 20", 'is_automatic': 'false',
    }
    campaigns = copies('qualiopi_feedback_campaign', campaign, SESSIONS, **changed)
    answer = campaign._new_answer()
    env.flush_all()
    answers = copies(
        'survey_user_input', answer, ANSWERS, campaign_id=f"(ARRAY{campaigns})[1 + n % {SESSIONS}]",
        state="'done'",
        is_counted='true', satisfaction='50 + n % 50', satisfaction_count='10', nps='n % 11',
        access_token='gen_random_uuid()::text',
        event_id=f"(ARRAY{events})[1 + n % {SESSIONS}]", feedback_invite_id='NULL')
    cr.execute("""
        INSERT INTO survey_user_input_line (user_input_id, survey_id, question_id, question_sequence, answer_type,
                                            value_scale, qualiopi_use, qualiopi_value, skipped, campaign_id,
                                            create_uid, create_date)
        SELECT u.id, u.survey_id, q.id, q.sequence, 'scale', 4, q.qualiopi_use, 75, false, u.campaign_id, %s, now()
          FROM survey_user_input u, survey_question q
         WHERE u.id = ANY(%s) AND q.survey_id = %s""", (root, answers, survey.id))
    cr.execute("SELECT array_agg(id) FROM (SELECT id FROM res_partner ORDER BY id LIMIT 20) p")
    [partners] = cr.fetchone()
    for relation in ('event_event_trainer_rel', 'event_event_floor_trainer_rel'):
        cr.execute(  # pylint: disable=sql-injection
            f"INSERT INTO {relation} (event_id, partner_id) SELECT e.id, p.id FROM event_event e,"
            " (SELECT id FROM res_partner ORDER BY id LIMIT 2) p")
    # As many lines of a session as ours has; the others belong to none.
    cr.execute("""
        INSERT INTO qualiopi_floor (event_id, kind, company_id, reference, name, priority, due_state, date_due, user_id,
                                    partner_id, progress, create_uid, create_date)
        SELECT (%(events)s)[1 + (n - 1) %% %(sessions)s], (ARRAY['a', 'b', 'c'])[LEAST(1 + (n - 1) / %(sessions)s, 3)],
               %(company)s, 'B/' || n, 'Floor ' || n, '0', 'on_time', current_date, %(user)s,
               (%(partners)s)[1 + n %% array_length(%(partners)s, 1)], n %% 100, %(root)s, now()
          FROM generate_series(1, %(rows)s) n""", {
        'events': events, 'sessions': SESSIONS, 'company': company, 'user': officer.id, 'partners': partners,
        'root': root, 'rows': ANSWERS,
    })
    env['qualiopi.floor.stage'].create({'name': "Stage"})
    cr.execute("""
        UPDATE qualiopi_floor SET stage_id = (SELECT MIN(id) FROM qualiopi_floor_stage), char_1 = 'a', char_2 = 'b';
        UPDATE event_event SET floor_course_id = (SELECT MIN(id) FROM qualiopi_floor) + id % 20""")
    env.invalidate_all()
    cr.commit()
    # As a database that has lived: indexes alone answer for rows that the vacuum has seen.
    with env.registry.cursor() as vacuum:
        vacuum._cnx.autocommit = True
        vacuum._cnx.cursor().execute("VACUUM ANALYZE")
    print(f"{SESSIONS} sessions, {SESSIONS * LEARNERS} learners, {len(answers)} answers of {QUESTIONS} questions in"
          f" {time.perf_counter() - start:.0f} s", flush=True)
    return env['event.event'].browse(events[:1])


def plain(query):
    def call():
        env.cr.execute(query)  # pylint: disable=sql-injection
        env.cr.fetchall()
    return run(env, call)


event = fill().with_user(officer)
measures = ['answer_count:sum', 'response_rate:avg', 'satisfaction:avg', 'nps:avg']
floor_pivot = run(env, lambda: Floor.formatted_read_grouping_sets(
    [], [[], ['partner_id']], ['progress:avg', '__count']))
head()
line("pivot by stakeholder and moment", run(env, lambda: Report.formatted_read_grouping_sets(
    [], [[], ['stakeholder_id'], ['stakeholder_id', 'moment']], measures)), floor_pivot)
line("pivot by course", run(env, lambda: Report.formatted_read_grouping_sets(
    [], [[], ['course_id']], measures)), floor_pivot)
line("rates of a year", run(env, lambda: Report._rates([('date', '>=', '2026-01-01')])), floor_pivot)
# Opening a session: what the web client reads for its form, and with bare fields in the place of ours.
web = Web(env.cr.dbname, 'bench', 'bench-bench')
context = {'lang': 'fr_FR', 'tz': 'Europe/Paris', 'uid': officer.id, 'allowed_company_ids': env.company.ids}


def opened(forms, read):
    """In turn, the quickest of each: what else the machine does only slows down."""
    turns = [[run(env, lambda form=form: read(form), repeat=1) for form in forms] for __ in range(25)]
    return [min(measured) for measured in zip(*turns, strict=True)]


LINES = {
    'feedback_figure_ids': {'fields': {
        'stage_id': {'fields': {'display_name': {}}}, 'kind': {}, 'char_1': {}, 'char_2': {}, 'char_3': {},
        'text_1': {}, 'text_2': {},
    }},
    'result_ids': {'fields': {
        'date_done': {}, 'name': {}, 'progress': {}, 'value_1': {}, 'value_2': {}, 'char_1': {},
    }},
}
FORMS = {"Odoo's form": 'event.view_event_form', "our light form": 'qualiopi.event_event_view_form_qualiopi'}
for label, view in FORMS.items():
    asked = screen(event.browse(), 'form', env.ref(view).id)
    bare = {
        name: fields for name, fields in asked.items() if set(event._fields[name]._modules) != {'qualiopi'}
    }
    own = {name: fields for name, fields in asked.items() if name not in bare}
    floor = {**bare, **{f'floor_{name}': {**fields, **LINES.get(name, {})} for name, fields in own.items()}}
    without, floor_open, ours_open = opened((bare, floor, asked), lambda form: web.call(
        'event.event', 'web_read', event.ids, specification=form, context=context))
    line(f"open a session, {label} ({len(own)} fields of ours)", ours_open, floor_open)
    line("  for information: without them", without)
    floor_read, ours_read = opened((floor, asked), event.web_read)
    line("  for information: the ORM alone", ours_read, floor_read)
line("for information: one bare row", run(env, lambda: Floor.search([], limit=1).web_read(
    {'name': {}, 'partner_id': {'fields': {}}}), repeat=9))
line("plain SQL: answers by campaign", plain(
    "SELECT campaign_id, count(*), avg(satisfaction) FROM survey_user_input WHERE is_counted GROUP BY 1"))
line("plain SQL: the view by course", plain(
    "SELECT course_id, SUM(satisfaction_sum) / SUM(satisfaction_n) FROM qualiopi_satisfaction_report GROUP BY 1"))
line("plain SQL: one session's answers", plain(
    f"SELECT avg(satisfaction) FROM survey_user_input WHERE event_id = {event.id} AND is_counted"))
env.cr.rollback()
