"""dev/bench loop: creating, moving and opening, beside a bare model with as many rows and columns.

Where ours plans or ends steps in the same call, the floor plans and ends as many activities of the bare
model, by Odoo's own means for a batch (mail_activity_quick_update, _message_log_batch).
Runs in ``odoo shell`` (``env`` is given) on a database of its own, which it leaves to be dropped.
"""
import os
import subprocess
import tempfile
import time

from measure import head, line, run, screen

ROWS = int(os.environ.get('BENCH_ROWS', 100_000))

env = env(context=dict(env.context, lang='fr_FR'))  # noqa: F821
officer = env['res.users'].create({
    'name': "Bench", 'login': 'bench', 'email': 'bench@example.com', 'lang': 'fr_FR',
    'group_ids': [(6, 0, [env.ref('qualiopi.group_officer').id])],
})
Action = env['qualiopi.improvement.action'].with_user(officer)
Finding = env['qualiopi.finding'].with_user(officer)
Complaint = env['qualiopi.complaint'].with_user(officer)
Floor = env['qualiopi.floor'].with_user(officer)
stages = env['qualiopi.action.stage'].search([])
floor_stages = env['qualiopi.floor.stage'].create([
    {'name': stage.name, 'sequence': number, 'fold': stage.fold} for number, stage in enumerate(stages)
])


def plan(records, count):
    """Plan ``count`` activities on each record, in one call."""
    values = {
        'res_model_id': env['ir.model']._get_id(records._name), 'user_id': officer.id, 'date_deadline': '2030-01-01',
        'activity_type_id': env.ref('mail.mail_activity_data_todo').id,
    }
    env['mail.activity'].with_context(mail_activity_quick_update=True).create([
        {**values, 'res_id': record.id, 'summary': f"Step {number}"} for record in records for number in range(count)
    ])


def creating():
    count = 500
    finding = Finding.create({'name': "Bench"})
    for who, user in (("without owner", False), ("with oneself", officer.id)):
        for model, values in (
            (Complaint, {'description': "La salle était froide."}),
            (Finding, {'description': "La salle était froide."}),
            (Action, {'name': "Régler le chauffage", 'finding_ids': [(4, finding.id)]}),
        ):
            ours = run(env, lambda model=model, values=values, user=user: model.create(
                [{**values, 'user_id': user} for __ in range(count)]))
            steps = len(model.search([], order='id desc', limit=1).activity_ids)
            floor = run(env, lambda user=user, steps=steps: plan(Floor.create(
                [{'name': f"Floor {number}", 'user_id': user, 'date_due': '2030-01-01'} for number in range(count)],
            ), steps))
            line(f"create {count} {model._name[9:]}, {who}, steps: {steps}", ours, floor, count)


def moving():
    count = 200
    to_plan, to_do = (Action._stage_of(phase).id for phase in ('plan', 'do'))
    finding = Finding.create({'name': "Bench"})
    actions = Action.create([{
        'name': f"Action {number}", 'finding_ids': [(4, finding.id)], 'user_id': officer.id,
        'date_due': '2030-01-01', 'success_criterion': "Aucune plainte pendant six mois",
    } for number in range(count)])
    floors = Floor.create([{'name': f"Floor {number}"} for number in range(count)])
    plan(floors, 1)
    targets = iter([to_plan, to_do, to_plan])
    # Begin ends Plan; Finish and Add evidence end Begin; and back.
    floor_targets = iter([(floor_stages[1].id, 1), (floor_stages[2].id, 2), (floor_stages[1].id, 1)])

    def move_floors():
        stage, steps = next(floor_targets)
        floors.sudo().activity_ids.write({'active': False})
        floors.write({'stage_id': stage})
        floors._message_log_batch({record.id: "Step ended" for record in floors})
        plan(floors, steps)

    floor = run(env, move_floors)
    line(f"move {count} cards", run(env, lambda: actions.write({'stage_id': next(targets)})), floor, count)


def fill():
    """Rows by plain SQL: what is measured afterwards is reading."""
    start = time.perf_counter()
    cr = env.cr
    company, user = env.company.id, officer.id
    cr.execute("SELECT array_agg(id) FROM (SELECT id FROM res_partner ORDER BY id LIMIT 40) p")
    [partners] = cr.fetchone()
    extra = env['res.partner'].create([{'name': f"Partner {number}"} for number in range(80)])
    partners += extra.ids
    cr.execute("""
        INSERT INTO qualiopi_complaint (company_id, reference, name, nature, text_origin, received_on, received_date,
                                        state, is_confidential, partner_id, user_id, ack_timeliness,
                                        response_timeliness, create_uid, create_date)
        SELECT %(company)s, 'B/' || n, 'Entrée ' || n, 'complaint', 'staff', now() - n * interval '5 minutes',
               current_date, 'received', false, (%(partners)s)[1 + n %% array_length(%(partners)s, 1)], %(user)s,
               'pending', 'pending', %(user)s, now()
          FROM generate_series(1, %(rows)s) n""",
        {'company': company, 'user': user, 'rows': ROWS, 'partners': partners})
    cr.execute("""
        INSERT INTO qualiopi_finding (company_id, reference, name, kind, date, state, is_confidential, user_id,
                                      create_uid, create_date)
        SELECT %s, 'B/' || n, 'Constat ' || n, 'weak_point', current_date, 'action', false, %s, %s, now()
          FROM generate_series(1, %s) n RETURNING id""", (company, user, user, ROWS))
    cr.execute("""
        INSERT INTO qualiopi_improvement_action (company_id, reference, name, action_type, stage_id, phase, priority,
                                                 date_due, user_id, is_confidential, progress, create_uid, create_date)
        SELECT %s, 'B/' || n, 'Action ' || n, 'corrective', s.id, s.phase, '0',
               current_date + (n %% 200 - 100), %s, false, n %% 100, %s, now()
          FROM generate_series(1, %s) n
          JOIN (SELECT id, phase, row_number() OVER (ORDER BY sequence, id) AS rank FROM qualiopi_action_stage) s
            ON s.rank = 1 + n %% %s""", (company, user, user, ROWS, len(stages)))
    cr.execute("""
        INSERT INTO qualiopi_finding_action_rel (finding_id, action_id)
        SELECT f.id, a.id FROM qualiopi_finding f JOIN qualiopi_improvement_action a USING (reference)
         WHERE f.reference LIKE 'B/%'""")
    cr.execute("""
        INSERT INTO qualiopi_complaint_finding_rel (complaint_id, finding_id)
        SELECT c.id, f.id FROM qualiopi_complaint c JOIN qualiopi_finding f USING (reference)
         WHERE c.reference LIKE 'B/%'""")
    cr.execute("""
        INSERT INTO qualiopi_floor (company_id, reference, name, kind, stage_id, priority, due_state, date_due,
                                    user_id, partner_id, progress, create_uid, create_date)
        SELECT %s, 'B/' || n, 'Floor ' || n, 'a', s.id, '0', 'on_time', current_date + (n %% 200 - 100), %s,
               (%s)[1 + n %% array_length(%s, 1)], n %% 100, %s, now()
          FROM generate_series(1, %s) n
          JOIN (SELECT id, row_number() OVER (ORDER BY sequence, id) AS rank FROM qualiopi_floor_stage) s
            ON s.rank = 1 + n %% %s""", (company, user, partners, partners, user, ROWS, len(stages)))
    cr.execute("INSERT INTO qualiopi_floor_rel (left_id, right_id) SELECT id, id FROM qualiopi_floor")
    env.invalidate_all()
    cr.execute("ANALYZE")
    print(f"{ROWS} rows of each in {time.perf_counter() - start:.0f} s", flush=True)
    return extra


def board(model, specification, progress):
    colors = {'on_time': 'success', 'soon': 'warning', 'late': 'danger', 'ended': 'muted'}
    model.read_progress_bar([], 'stage_id', {'field': progress, 'colors': colors})
    return model.web_read_group(
        [], ['stage_id'], auto_unfold=True, unfold_read_specification=specification, unfold_read_default_limit=40)


def reading(partners):
    floor_card = {
        'reference': {}, 'name': {}, 'kind': {}, 'priority': {}, 'date_due': {}, 'due_state': {}, 'progress': {},
        'user_id': {'fields': {'display_name': {}}}, 'stage_id': {'fields': {'display_name': {}}},
        'tag_ids': {'fields': {'display_name': {}}},
    }
    card = screen(Action, 'kanban')
    with_activities = {**card, 'activity_ids': {'fields': {}}, 'activity_state': {}}
    floor = run(env, lambda: board(Floor, floor_card, 'due_state'))
    without = {name: sub for name, sub in card.items() if not name.startswith('activity')}
    line(f"open the board on {ROWS} actions", run(env, lambda: board(Action, without, 'due_state')), floor)
    line("  with activities", run(env, lambda: board(Action, with_activities, 'due_state')), floor)
    floor = run(env, lambda: Floor.web_search_read([], floor_card, limit=80, count_limit=10001))
    for model in (Action, Finding, Complaint):
        columns = screen(model, 'list')
        line(f"list of 80 {model._name}", run(
            env, lambda model=model, columns=columns: model.web_search_read([], columns, limit=80, count_limit=10001),
        ), floor)
    floor_form = dict.fromkeys(
        (name for name, field in Floor._fields.items() if field.type not in ('one2many', 'many2many')), {})
    one = Floor.search([], limit=1)
    floor = run(env, lambda: one.web_read(floor_form))
    for model in (Complaint, Finding, Action):
        record = model.search([('reference', '=like', 'B/%')], limit=1)
        form = screen(model, 'form')
        line(f"form of {model._name}", run(env, lambda r=record, f=form: r.web_read(f)), floor)
    counted = env['res.partner'].with_user(officer).browse(partners.ids)
    floor = run(env, lambda: Floor._read_group([('partner_id', 'in', counted.ids)], ['partner_id'], ['__count']))
    line("smart button on a list of 80 partners", run(env, lambda: counted.mapped('complaint_count')), floor)
    plain = run(env, lambda: env.cr.execute(
        "SELECT stage_id, count(*) FROM qualiopi_improvement_action GROUP BY stage_id"))
    line("plain SQL, group by stage", plain)


def printing():
    """The register of 1,000 lines beside wkhtmltopdf alone on the same HTML."""
    count = 1000
    complaints = Complaint.create([{
        'description': f"Entrée {number} : la salle était froide le matin.", 'correction': "Changement de salle.",
        'correction_for': "Le groupe",
    } for number in range(count)])
    report = env['ir.actions.report'].with_user(officer).with_context(force_report_rendering=True)
    name = 'qualiopi.report_register'
    kept = {}
    original = type(report)._run_wkhtmltopdf

    def keep(self, bodies, *args, **kwargs):
        start = time.perf_counter()
        kept['bodies'] = bodies
        content = original(self, bodies, *args, **kwargs)
        kept['seconds'] = time.perf_counter() - start
        return content

    type(report)._run_wkhtmltopdf = keep
    try:
        ours = run(env, lambda: report._render_qweb_pdf(name, complaints.ids), repeat=1)
    finally:
        type(report)._run_wkhtmltopdf = original
    with tempfile.TemporaryDirectory() as folder:
        paths = []
        for number, body in enumerate(kept['bodies']):
            paths.append(f'{folder}/{number}.html')
            with open(paths[-1], 'w', encoding='utf-8') as file:
                file.write(str(body))
        start = time.perf_counter()
        subprocess.run(
            ['wkhtmltopdf', '--quiet', '--disable-local-file-access', '--orientation', 'Landscape',
             *paths, f'{folder}/out.pdf'], check=True, capture_output=True)
        alone = time.perf_counter() - start
    line(f"print the register of {count} lines", ours, (alone, 0))


head()
creating()
moving()
extra_partners = fill()
reading(extra_partners)
printing()
env.cr.rollback()
