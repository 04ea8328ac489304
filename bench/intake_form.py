"""Form posts for dev/bench intake: through Odoo's own WSGI application, in one process, without a network."""
import os
import time

COUNT = int(os.environ.get('BENCH_FORMS', 2000))


def forms(env):
    """Record COUNT forms, beside one plain tracked row per post; and open the form, beside an empty public page."""
    from werkzeug.test import Client  # noqa: PLC0415

    import odoo.sql_db  # noqa: PLC0415
    from odoo.http import root  # noqa: PLC0415

    company = env.company
    company.write({'qualiopi_form_hourly_limit': 10 * COUNT, 'qualiopi_form_daily_limit': 10 * COUNT})
    env.cr.commit()
    complaints = env['qualiopi.complaint']
    url = f'/qualiopi/complaint/{company._door_token()}'
    client = Client(root)
    text = "La salle était froide pendant deux jours, et personne n'a répondu.\n" * 5

    def visit(path):
        assert client.get(path).status_code == 200, path

    def post_floor(number):
        assert client.post('/qualiopi_floor', data={'name': f"Floor {number}"}).status_code == 303

    def post_form(number):
        answer = client.post(url, data={
            'form_token': complaints._form_token(company, time.time() - 60), 'nature': 'complaint',
            'description': f'{number} {text}', 'name': "Camille Martin", 'email': f'person{number}@people.example',
        })
        assert answer.status_code == 303, answer.status

    def measure(call):
        for number in range(20):
            call(-number - 1)
        queries, start, cpu = odoo.sql_db.sql_counter, time.perf_counter(), time.process_time()
        for number in range(COUNT):
            call(number)
        return time.perf_counter() - start, time.process_time() - cpu, odoo.sql_db.sql_counter - queries

    def line(label, ours, floor=None):
        seconds, cpu, queries = ours
        text = f'{label:44}{COUNT / seconds:>9.1f}{seconds / COUNT * 1000:>8.1f}{cpu / COUNT * 1000:>8.1f}'
        text += f'{queries / COUNT:>9.1f}'
        print(text + (f'{seconds / floor[0]:>7.2f}{cpu / floor[1]:>7.2f}' if floor else ''), flush=True)

    before = complaints.search_count([('text_origin', '=', 'form')])
    floor_page = measure(lambda number: visit('/qualiopi_floor'))
    line(f"{COUNT} visits to an empty public page", floor_page)
    line(f"{COUNT} visits to the form", measure(lambda number: visit(url)), floor_page)
    floor_post = measure(post_floor)
    line(f"{COUNT} posts that make a plain tracked row", floor_post)
    line(f"{COUNT} forms recorded", measure(post_form), floor_post)
    env.cr.rollback()
    made = complaints.search_count([('text_origin', '=', 'form')]) - before
    assert made == COUNT + 20, f"{made} entries of {COUNT + 20} forms"
