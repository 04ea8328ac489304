"""Measuring for dev/bench intake: several ways of recording, in turns."""
import time
from typing import NamedTuple

import odoo.sql_db

_TURN = 20


class Taken(NamedTuple):
    """What a number of calls took: seconds of the clock and of this processor, and queries."""

    count: int
    seconds: float = 0
    cpu: float = 0
    queries: int = 0


def measure(count, *calls):
    """Make ``count`` calls of each, by turns of a few, so that a machine that is busy for a while burdens all alike;
    the first turn fills the caches, as in a worker that runs, and is not counted.

    :return: Taken for each; its count is that of the calls made, the first turn included
    """
    taken = [Taken(_TURN)] * len(calls)
    for begin in range(-_TURN, count, _TURN):
        for place, call in enumerate(calls):
            made = min(_TURN, count - max(begin, 0))
            queries, start, cpu = odoo.sql_db.sql_counter, time.perf_counter(), time.process_time()
            for number in range(begin, begin + made):
                call(number)
            seconds, cpu = time.perf_counter() - start, time.process_time() - cpu
            queries = odoo.sql_db.sql_counter - queries
            if begin >= 0:
                before = taken[place]
                taken[place] = Taken(
                    before.count + made, before.seconds + seconds, before.cpu + cpu, before.queries + queries)
    return taken


def complete(env, ours):
    """Run the job on all that was received.

    :param ours: what receiving took
    :return: Taken by both
    """
    queries, start, cpu = odoo.sql_db.sql_counter, time.perf_counter(), time.process_time()
    env['qualiopi.complaint']._cron_complete()
    env.cr.commit()
    share = (ours.count - _TURN) / ours.count
    return Taken(
        ours.count, ours.seconds + (time.perf_counter() - start) * share,
        ours.cpu + (time.process_time() - cpu) * share, ours.queries + (odoo.sql_db.sql_counter - queries) * share,
    )


def head():
    print(f"{'':44}{'rate/s':>9}{'ms':>8}{'cpu ms':>8}{'queries':>9}{'ratio':>8}{'cpu':>7}{'to duty':>9}{'cpu':>7}")


def line(label, ours, *floors):
    """Print one measurement, and its ratio to each floor: of the clock, and of the processor."""
    count = ours.count - _TURN
    text = (
        f'{f"{count} {label}" if not label.startswith(" ") else label:44}{count / ours.seconds:>9.1f}'
        f'{ours.seconds / count * 1000:>8.1f}{ours.cpu / count * 1000:>8.1f}{ours.queries / count:>9.1f}'
    )
    for floor, width in zip(floors, (8, 9), strict=False):
        text += f'{ours.seconds / floor.seconds:>{width}.2f}{ours.cpu / floor.cpu:>7.2f}'
    print(text, flush=True)
