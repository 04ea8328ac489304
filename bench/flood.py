"""dev/bench flood: 10,000 forms in about a minute from one address, then from many, claimed and real.

Attacks A1 and A2 on a server of two workers, on the loopback alone. Runs in ``odoo shell`` (``env`` is given) on a
database of its own, which it leaves to be dropped. FLOOD_POSTS sets another number. The proxy is nginx: the machine's
own, or Debian's package, unpacked into the cache folder. Fails when a limit is passed, an answer is an error, or the
log swells.
"""
import os
import statistics
import time
from collections import Counter

from flood_client import Client
from flood_server import Proxy, Server, find_nginx

POSTS = int(os.environ.get('FLOOD_POSTS', 10_000))
CLAIMED, REAL = 500, 600
# What a log may say besides its one line a request.
_MOST_LINES = 50

company = env.company  # noqa: F821
complaints = env['qualiopi.complaint']  # noqa: F821
hourly, daily = company.qualiopi_form_hourly_limit, company.qualiopi_form_daily_limit


def prepare():
    """A company with its default limits, whose acknowledgements leave by themselves."""
    company.write({
        'qualiopi_auto_acknowledge': True, 'email': 'quality@bench.example',
        'qualiopi_manager_id': env['res.users'].create({  # noqa: F821
            'name': "Lead", 'login': 'flood-lead', 'email': 'lead@bench.example',
            'group_ids': [(4, env.ref('qualiopi.group_manager').id)],  # noqa: F821
        }).id,
    })
    env.cr.commit()  # noqa: F821


def counted():
    """Entries, acknowledgements queued, and rows of the rate limit."""
    env.cr.rollback()  # noqa: F821
    return Counter(
        entries=complaints.search_count([('text_origin', '=', 'form')]),
        letters=env['mail.mail'].search_count([('model', '=', 'qualiopi.complaint')]),  # noqa: F821
        hits=env['qualiopi.hit'].search_count([]),  # noqa: F821
    )


def forget():
    """The next attack finds an empty rate limit."""
    env.cr.execute("DELETE FROM qualiopi_hit")  # noqa: F821
    env.cr.commit()  # noqa: F821


def attack(label, server, client, posts, most):
    """Send forms, print what came of them, and fail when it is more than it may be."""
    forget()
    before, lines = counted(), server.lines()
    seconds, answers = client.post(posts)
    made = counted()
    made.subtract(before)
    said = server.lines() - lines
    text = ", ".join(f"{count} times {status}" for status, count in sorted(answers.items()))
    print(
        f"{label}\n    {len(posts)} posts in {seconds:.0f} s ({len(posts) / seconds:.0f}/s): {text}\n"
        f"    {made['entries']} entries (at most {most}), {made['letters']} acknowledgements queued,"
        f" {made['hits']} rows of the rate limit, {said} lines of log", flush=True)
    assert made['entries'] == min(most, len(posts)), f"{made['entries']} entries instead of {most}"
    assert made['letters'] <= made['entries'], "more letters than entries"
    assert set(answers) <= {303, 429}, f"answers {answers}"
    assert said <= len(posts) + made['entries'] * 5 + _MOST_LINES, f"{said} lines of log"
    assert not server.errors(), server.errors()[:3]


def ordinary(client, when):
    """Time of an ordinary page and of the form, in milliseconds."""
    pages = ('/web/login', client.url)
    times = {path: statistics.median(client.visit(path) for __ in range(30)) * 1000 for path in pages}
    print(f"    {when}: sign-in page {times['/web/login']:.0f} ms, form {times[client.url]:.0f} ms", flush=True)
    return times


def forms(count):
    """As many forms, each with a mark of its own and another address, as real ones would be."""
    return [{
        'form_token': complaints._form_token(company, time.time() - 60), 'nature': 'complaint',
        'description': f"{number} La salle était froide pendant deux jours.", 'name': "Camille Martin",
        'email': f'person{number}@people.example',
    } for number in range(count)]


prepare()
url = f'/qualiopi/complaint/{company._door_token()}'
env.cr.commit()  # noqa: F821
with Server(env.cr.dbname) as server:  # noqa: F821
    client = Client(server.port, url)
    before = ordinary(client, "before")
    attack("A1: one address", server, client, forms(POSTS), hourly)
    after = ordinary(client, "after")
    assert all(after[path] < 3 * before[path] + 20 for path in before), "the server is slow afterwards"
    attack(f"A2: {CLAIMED} addresses claimed in X-Forwarded-For, without proxy mode", server,
           Client(server.port, url, claims=True), forms(CLAIMED), hourly)
nginx = find_nginx()
if not nginx:
    raise SystemExit("A2 with proxy mode was not tried: there is no nginx, and Debian's package cannot be had")
with Server(env.cr.dbname, '--proxy-mode') as server, Proxy(nginx, server.port) as proxy:  # noqa: F821
    attack(f"A2: {CLAIMED} addresses claimed, behind a proxy (proxy mode on)", server,
           Client(proxy.port, url, claims=True), forms(CLAIMED), hourly)
    attack(f"A2: {REAL} real addresses, behind a proxy: the limit of the day", server,
           Client(proxy.port, url, sources=True), forms(REAL), daily)
    ordinary(Client(proxy.port, url), "after")
