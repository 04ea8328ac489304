"""Form posts for dev/bench intake: through Odoo's own WSGI application, in one process, without a network."""
import os
import time

from intake_measure import complete, line, measure

COUNT = int(os.environ.get('BENCH_FORMS', 2000))


def forms(env):
    """Record COUNT forms, beside one plain tracked row per post; and open the form, beside an empty public page."""
    from werkzeug.test import Client  # noqa: PLC0415

    from odoo.http import root  # noqa: PLC0415

    company = env.company
    company.write({'qualiopi_form_hourly_limit': 10 * COUNT + 100, 'qualiopi_form_daily_limit': 10 * COUNT + 100})
    env.cr.commit()
    complaints = env['qualiopi.complaint']
    url = f'/qualiopi/complaint/{company._door_token()}'
    client = Client(root)
    text = "La salle était froide pendant deux jours, et personne n'a répondu.\n" * 5

    def visit(path):
        def call(_number):
            assert client.get(path).status_code == 200, path
        return call

    def post_floor(**data):
        def call(number):
            assert client.post('/qualiopi_floor', data={'name': f"Floor {number}", **data}).status_code == 303
        return call

    def post_form(number):
        answer = client.post(url, data={
            'form_token': complaints._form_token(company, time.time() - 60), 'nature': 'complaint',
            'description': f'{number} {text}', 'name': "Camille Martin", 'email': f'person{number}@people.example',
        })
        assert answer.status_code == 303, answer.status

    page, floor_page = measure(COUNT, visit(url), visit('/qualiopi_floor'))
    line("visits to an empty public page", floor_page)
    line("visits to the form", page, floor_page)
    ours, floor, duty = measure(COUNT, post_form, post_floor(), post_floor(duty='1'))
    line("posts that make a plain tracked row", floor)
    line("  the same with steps", duty)
    line("forms recorded", ours, floor, duty)
    env.cr.rollback()
    line("  with the job that completes them", complete(env, ours), floor, duty)
    made = complaints.search([('text_origin', '=', 'form')])
    assert len(made) == ours.count, f"{len(made)} entries of {ours.count} forms"
    assert all(len(entry.activity_ids) >= 3 for entry in made), "an entry lacks its steps"
