"""dev/bench intake: 2,000 e-mails (and form posts) received and completed, beside Odoo's own on a plain model.

Runs in ``odoo shell`` (``env`` is given) on a database of its own, which it leaves to be dropped. BENCH_MAILS
and BENCH_FORMS set other numbers.

Two floors: a plain tracked row, which is the least that Odoo does with a mail or a post; and, as a second line, the
same row with what an entry must leave at the least (three activities for the quality lead, and of a mail the original).

Two figures of ours: what the door does, which is what its rate depends on; and the same with the job that completes the
entries afterwards, in another process, which is what the machine does in all.
"""
import logging
import os

from intake_form import forms
from intake_measure import complete, head, line, measure

COUNT = int(os.environ.get('BENCH_MAILS', 2000))

logging.getLogger('odoo').setLevel(logging.ERROR)
env = env(context=dict(env.context, lang='fr_FR'))  # noqa: F821
company = env.company


def prepare():
    """A lead who owes the steps, an address for the register, two for the plain model, and people to be looked up."""
    company.qualiopi_manager_id = env['res.users'].create({
        'name': "Lead", 'login': 'bench-lead', 'email': 'lead@bench.example', 'lang': 'fr_FR',
        'group_ids': [(4, env.ref('qualiopi.group_manager').id)],
    })
    domain = env['mail.alias.domain'].search([], limit=1) or env['mail.alias.domain'].create({
        'name': 'bench.example', 'bounce_alias': 'bounce', 'catchall_alias': 'catchall',
    })
    company.alias_domain_id = domain
    company._set_complaint_address('bench-reclamation')
    for name, is_duty in (('bench-plain', False), ('bench-duty', True)):
        env['mail.alias'].create({
            'alias_name': name, 'alias_domain_id': domain.id,
            'alias_model_id': env['ir.model']._get_id('qualiopi.floor'),
            'alias_defaults': {'company_id': company.id, 'is_duty': is_duty},
        })
    env['res.partner'].create([
        {'name': f"Person {number}", 'email': f'person{number}@people.example'} for number in range(COUNT)
    ])
    env.cr.commit()
    return domain.name


def raw(number, address):
    text = "Bonjour,\r\n\r\nLa salle était froide pendant deux jours, et personne n'a répondu.\r\n" * 5
    kind = address.partition('@')[0]
    return (
        f'From: Person {number} <person{number}@people.example>\r\nTo: {address}\r\n'
        f'Subject: Salle froide {number}\r\nMessage-ID: <{kind}-{number}@people.example>\r\n'
        'Date: Fri, 20 Nov 2026 09:00:00 +0100\r\nMIME-Version: 1.0\r\n'
        f'Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\n{text}'
    ).encode()


def mails():
    """E-mails to an address of the register, and to addresses of a plain model."""
    domain = prepare()
    gateway = env['mail.thread']

    def deliver(name, save_original=False):
        def call(number):
            gateway.message_process(None, raw(number, f'{name}@{domain}'), save_original=save_original)
            # A transaction and its caches for each, as a mail server's are.
            env.cr.commit()
            env.invalidate_all()
        return call

    ours, floor, duty = measure(
        COUNT, deliver('bench-reclamation'), deliver('bench-plain'), deliver('bench-duty', save_original=True))
    total = complete(env, ours)
    made = env['qualiopi.complaint'].search([('text_origin', '=', 'mail')])
    assert len(made) == ours.count, f"{len(made)} entries of {ours.count} mails"
    assert all(len(entry.activity_ids) >= 3 and entry.evidence_ids for entry in made), "an entry lacks its steps"
    line("e-mails to a plain model", floor)
    line("  the same with steps and original", duty)
    line("e-mails to the register", ours, floor, duty)
    line("  with the job that completes them", total, floor, duty)


head()
mails()
forms(env)
