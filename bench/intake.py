"""dev/bench intake: 2,000 e-mails (and form posts) recorded, beside Odoo's own gateway on a plain model.

Runs in ``odoo shell`` (``env`` is given) on a database of its own, which it leaves to be dropped. BENCH_MAILS
and BENCH_FORMS set other numbers.
"""
import logging
import os
import time

from intake_form import forms

COUNT = int(os.environ.get('BENCH_MAILS', 2000))
_BATCH = 200

logging.getLogger('odoo').setLevel(logging.ERROR)
env = env(context=dict(env.context, lang='fr_FR'))  # noqa: F821
company = env.company


def prepare():
    """An address for the registers and one for the plain model, a lead, and people who are looked up."""
    domain = env['mail.alias.domain'].search([], limit=1) or env['mail.alias.domain'].create({
        'name': 'bench.example', 'bounce_alias': 'bounce', 'catchall_alias': 'catchall',
    })
    company.alias_domain_id = domain
    company._set_complaint_address('bench-reclamation')
    env['mail.alias'].create({
        'alias_name': 'bench-plain', 'alias_domain_id': domain.id,
        'alias_model_id': env['ir.model']._get_id('qualiopi.floor'), 'alias_defaults': {'company_id': company.id},
    })
    env['res.partner'].create([
        {'name': f"Person {number}", 'email': f'person{number}@people.example'} for number in range(COUNT)
    ])
    env.cr.commit()
    return domain.name


def raw(number, address, kind):
    text = "Bonjour,\r\n\r\nLa salle était froide pendant deux jours, et personne n'a répondu.\r\n" * 5
    return (
        f'From: Person {number} <person{number}@people.example>\r\nTo: {address}\r\n'
        f'Subject: Salle froide {number}\r\nMessage-ID: <{kind}-{number}@people.example>\r\n'
        'Date: Fri, 20 Nov 2026 09:00:00 +0100\r\nMIME-Version: 1.0\r\n'
        f'Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\n{text}'
    ).encode()


def measure(deliver):
    """Deliver COUNT messages, each in a transaction of its own as a mail server's are.

    :return: seconds of the clock, seconds of this processor, queries
    """
    queries, start, cpu = env.cr.sql_log_count, time.perf_counter(), time.process_time()
    for number in range(COUNT):
        deliver(number)
        env.cr.commit()
        if number % _BATCH == _BATCH - 1:
            env.invalidate_all()
    return time.perf_counter() - start, time.process_time() - cpu, env.cr.sql_log_count - queries


def head():
    print(f"{'':44}{'rate/s':>9}{'ms':>8}{'cpu ms':>8}{'queries':>9}{'ratio':>7}{'cpu':>7}")


def line(label, ours, floor=None):
    seconds, cpu, queries = ours
    text = (
        f'{label:44}{COUNT / seconds:>9.1f}{seconds / COUNT * 1000:>8.1f}{cpu / COUNT * 1000:>8.1f}'
        f'{queries / COUNT:>9.1f}'
    )
    if floor:
        text += f'{seconds / floor[0]:>7.2f}{cpu / floor[1]:>7.2f}'
    print(text, flush=True)


def mails():
    """E-mails to an address of the register, and to an address of a plain model."""
    domain = prepare()
    gateway = env['mail.thread']
    for number in range(20):
        # The caches are filled once, as in a worker that runs.
        gateway.message_process(None, raw(COUNT + number, f'bench-plain@{domain}', 'warm'))
        gateway.message_process(None, raw(COUNT + number, f'bench-reclamation@{domain}', 'warm-up'))
    env.cr.commit()
    floor = measure(lambda number: gateway.message_process(None, raw(number, f'bench-plain@{domain}', 'plain')))
    ours = measure(lambda number: gateway.message_process(None, raw(number, f'bench-reclamation@{domain}', 'ours')))
    made = env['qualiopi.complaint'].search_count([('text_origin', '=', 'mail')])
    assert made == COUNT + 20, f"{made} entries of {COUNT + 20} mails"
    line(f"{COUNT} e-mails to a plain model", floor)
    line(f"{COUNT} e-mails to the register", ours, floor)


head()
mails()
forms(env)
