"""Measuring for the benchmarks: queries, seconds, and the ratio to a floor of the same run."""
import gc
import statistics
import time

import odoo.sql_db


def run(env, call, repeat=3):
    """Call ``call`` some times and return (median seconds, queries of the last call, on whatever connection)."""
    seconds = []
    queries = 0
    for __ in range(repeat):
        env.flush_all()
        env.cr.precommit.run()
        env.invalidate_all()
        gc.collect()
        before = odoo.sql_db.sql_counter
        start = time.perf_counter()
        call()
        env.flush_all()
        env.cr.precommit.run()
        seconds.append(time.perf_counter() - start)
        queries = odoo.sql_db.sql_counter - before
    return statistics.median(seconds), queries


def head():
    print(f"{'':52}{'queries':>9}{'each':>8}{'s':>9}{'floor s':>9}{'ratio':>7}")


def line(label, ours, floor=None, count=1):
    """Print one measurement beside its floor."""
    seconds, queries = ours
    text = f'{label:52}{queries:>9}{queries / count:>8.2f}{seconds:>9.3f}'
    if floor:
        text += f'{floor[0]:>9.3f}{seconds / floor[0]:>7.2f}'
    print(text, flush=True)


def screen(model, view_type, view=False):
    """The read specification that the web client makes of a view."""
    from lxml import etree  # noqa: PLC0415
    views = model.get_views([(view, view_type)])
    arch = etree.fromstring(views['views'][view_type]['arch'])
    fields = views['models'][model._name]['fields']
    return _specification(model.env, arch, model, fields)


def _specification(env, arch, model, fields):
    specification = {}
    own = list(arch.iter('field'))
    for node in own:
        name = node.get('name')
        # Fields of a list inside this view belong to that list.
        inner = any(parent in own for parent in node.iterancestors('field'))
        if inner or name not in model._fields or name in specification:
            continue
        field = model._fields[name]
        if field.type == 'many2one':
            specification[name] = {'fields': {'display_name': {}}}
        elif field.type in ('one2many', 'many2many'):
            comodel = env[field.comodel_name]
            sub = next((child for child in node if child.tag in ('list', 'kanban')), None)
            if sub is not None:
                specification[name] = {'fields': _specification(env, sub, comodel, None), 'limit': 40}
            else:
                specification[name] = {'fields': {'display_name': {}}}
        else:
            specification[name] = {}
    return specification
