"""`taskctl stats`"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, cast

import typer

from taskctl import exits, selectors, values
from taskctl.errors import bad_value, usage
from taskctl.options import flag, value
from taskctl.session import Session, session_of
from taskctl.verb import verb

if TYPE_CHECKING:
    from django_task_worker.overview import Figures
    from django_task_worker.statistics import By
    from taskctl.render.columns import Column

GROUPS = ("queue", "task", "worker", "none")
WINDOW_S, SHORT_WINDOW_S = 3600.0, 60.0
LONGEST_S = 90 * 86400.0
LEAST_INTERVAL_S = 0.1
TITLE_EVERY = 20
AGAIN = "Again and again"


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """What the flags say."""

    by: By | None
    window_s: float
    interval_s: float | None
    count: int | None


@verb("taskctl stats [FLAGS]", "taskctl stats --by task --window 24h", "taskctl stats --interval 5s")
def stats(
    context: typer.Context,
    by: Annotated[
        str | None,
        value("--by", metavar="WHAT", about="queue (default), task, worker, none (default with --interval)"),
    ] = None,
    window: Annotated[
        str | None, value("--window", metavar="DUR", about="how far back; 1h, with --interval 1m")
    ] = None,
    interval: Annotated[
        str | None,
        value("--interval", "-i", metavar="DUR", panel=AGAIN, about="a line each time until Ctrl-C"),
    ] = None,
    count: Annotated[
        str | None, value("--count", metavar="N", panel=AGAIN, about="end after N times")
    ] = None,
    prometheus: Annotated[
        bool, flag("--prometheus", about="text format of Prometheus, for the text-file collector")
    ] = False,
) -> int:
    """Counts, rates and latencies of a window: how long tasks waited and ran, what waits and runs now.

    Read from the statistics that the workers keep; they may be some seconds behind. A window begins at a
    full minute, one of more than 6h at a full hour. Waiting tasks are counted up to 10000 a queue.

    For the node exporter, from cron:

      taskctl stats --prometheus > tasks.prom.new && mv tasks.prom.new tasks.prom
    """
    session = session_of(context)
    wanted = _wanted(by, window, interval, count)
    if prometheus and (wanted.interval_s is not None or session.terminal.is_json):
        raise usage("--prometheus goes with neither --interval nor --json")
    columns = _columns(session, wanted)
    alias = session.open()
    if prometheus:
        return _expose(session, wanted, alias)
    return _show(session, wanted, columns, alias)


def _wanted(by: str | None, window: str | None, interval: str | None, count: str | None) -> Wanted:
    is_repeated = interval is not None
    if count is not None and not is_repeated:
        raise usage("--count goes with --interval", tries=["taskctl stats --interval 1s --count 10"])
    by = by or ("none" if is_repeated else "queue")
    if by not in GROUPS:
        raise bad_value("--by", by, f"choose one of {', '.join(GROUPS)}")
    window_s = values.duration_or_none("--window", window, bare=False)
    if window is not None and not 1 <= (window_s or 0) <= LONGEST_S:
        raise bad_value("--window", window, "must be from 1s to 90d")
    interval_s = values.duration_or_none("--interval", interval)
    if interval_s is not None and interval_s < LEAST_INTERVAL_S:
        raise bad_value("--interval", interval or "", "must be at least 100ms")
    return Wanted(
        by=None if by == "none" else cast("By", by),
        window_s=window_s or (SHORT_WINDOW_S if is_repeated else WINDOW_S),
        interval_s=interval_s,
        count=values.whole_or_none("--count", count, 1),
    )


def _columns(session: Session, wanted: Wanted) -> Sequence[Column]:
    from taskctl.listing import choose
    from taskctl.render.stats import MORE, TIME, columns

    is_table = session.terminal.form == "table"
    usual = columns(wanted.by, is_table=is_table, has_time=wanted.interval_s is not None)
    return choose(usual, [column for column in (TIME, *MORE) if column not in usual], session.terminal)


def _show(session: Session, wanted: Wanted, columns: Sequence[Column], alias: str) -> int:
    from django_task_worker import overview
    from taskctl.database import Patience
    from taskctl.listing import Listing
    from taskctl.render.stats import group

    def read() -> list[Figures]:
        return overview.figures(wanted.window_s, by=wanted.by, using=alias)

    is_repeated = wanted.interval_s is not None
    listing = Listing(columns, session.terminal, key=group, more_to_come=is_repeated)
    if wanted.interval_s is None:
        if not _print(read(), listing, session, wanted) and session.terminal.form == "table":
            session.terminal.note("nothing has happened in this window")
        return exits.OK
    patience = Patience(alias, session.terminal.note)
    shown = times = 0
    due = time.monotonic()
    while wanted.count is None or times < wanted.count:
        found = patience.read(read)
        if found is not None:
            if shown >= TITLE_EVERY:
                shown = 0
                _repeat_titles(listing, session)
            shown += _print(found, listing, session, wanted)
        times += 1
        due = max(due + wanted.interval_s, time.monotonic())
        if wanted.count is None or times < wanted.count:
            time.sleep(due - time.monotonic())
    return exits.OK


def _print(found: Sequence[Figures], listing: Any, session: Session, wanted: Wanted) -> int:
    from taskctl.render.stats import as_object
    from taskctl.times import now

    moment = now().astimezone(selectors.zone(session))
    number: int = listing.show((as_object(figures, wanted.by) for figures in found), moment)
    return number


def _repeat_titles(listing: Any, session: Session) -> None:
    if session.terminal.form == "table":
        for line in listing.table.titles():
            session.terminal.line(line)


def _expose(session: Session, wanted: Wanted, alias: str) -> int:
    from django_task_worker import overview
    from taskctl.commands.queues import objects
    from taskctl.render.prometheus import lines

    workers = overview.workers(alias)
    standing = Counter({"up": 0, "draining": 0, "lost": 0})
    standing.update(workers.standing(row) for row in workers.rows)
    figures = overview.figures(wanted.window_s, by=wanted.by, using=alias)
    for line in lines(figures, wanted.by, objects(overview.queues(alias)), standing):
        session.terminal.line(line)
    session.terminal.flush()
    return exits.OK
