"""Workers: slots in use, rate, when last seen; and what happens to the tasks of a lost one."""

from __future__ import annotations

from django_task_worker.snapshot.rows import DRAINING, LOST
from taskctl.dashboard import figures
from taskctl.dashboard.columns import (
    LEAST_NAME,
    Column,
    Fitted,
    first_shown,
    fit,
    heading,
    longest_name,
    row,
)
from taskctl.dashboard.lines import Line, Look, bar, title
from taskctl.dashboard.tables import Tables, Work
from taskctl.dashboard.view import WORKERS

SLOTS, DONE, SEEN, UP, TAKES = "SLOTS", "DONE/S", "SEEN", "UP", "QUEUES"
BAR = 5


def columns(*, header: bool) -> list[Column]:
    """With a line of headings the units stand there."""
    takes = Column(TAKES, 17, drop=2, left=True)
    if header:
        return [Column(SLOTS, 13, left=True), Column(DONE, 8), Column(SEEN, 10), Column(UP, 8, drop=1), takes]
    return [Column(SLOTS, 13, left=True), Column(DONE, 10), Column(SEEN, 12), takes]


def _fitted(works: list[Work], width: int, *, header: bool) -> Fitted:
    """Names take what they need; the queues, where they are shown, the rest."""
    found = fit(columns(header=header), width)
    if TAKES not in found.places:
        return found
    longest = longest_name([work.row.name for work in works], found.name_width)
    return fit(columns(header=header), width, most_name=max(LEAST_NAME, longest + 2))


def wanted(tables: Tables, *, header: bool) -> int:
    missed = sum(work.is_missed for work in tables.workers)
    return 1 + header + max(1, len(tables.workers)) + missed


def lines(tables: Tables, look: Look, width: int, height: int, *, header: bool) -> list[str]:
    view, works = tables.view, tables.workers
    selected = view.selected(WORKERS, tables.keys(WORKERS))
    shown = max(0, height - 1 - header)
    fitted = _fitted(works, width, header=header)
    found = [title("WORKERS", _note(tables), width, look, is_focused=view.focus == WORKERS)]
    if header:
        found.append(heading("WORKER", columns(header=header), fitted, width, look))
    for at, work in enumerate(works[first_shown(selected, shown) :], start=first_shown(selected, shown)):
        is_selected = at == selected and view.focus == WORKERS and view.page is None
        line = row(width, look, is_selected=is_selected).put(work.row.name, most=fitted.name_width - 1)
        _cells(line, work, tables, fitted.places, header=header)
        found.append(line.done())
        if work.is_missed:
            found.append(_fate(work, tables, width, look))
    if not works:
        text = " no worker is up; start one: taskctl worker"
        found.append(Line(width, look).draw(text, "yellow").done())
    return found[:height]


def _note(tables: Tables) -> str:
    works = tables.all_workers
    lost = sum(work.status == LOST for work in works)
    draining = sum(work.status == DRAINING for work in works)
    parts = [f"{len(works) - lost} up"]
    if draining:
        parts.append(f"{draining} draining")
    if lost:
        parts.append(f"{lost} lost")
    return ", ".join(parts)


def _cells(
    line: Line, work: Work, tables: Tables, places: dict[str, tuple[int, int]], *, header: bool
) -> None:
    row = work.row
    line.to(places[SLOTS][0])
    if work.status == LOST:
        line.draw("lost", "red")
        line.right("-", places[DONE][1])
    else:
        share = work.busy / row.slots if row.slots else 0
        track = "░"
        line.bar(bar(share, BAR, line.look, track=track), "cyan").draw(f" {work.busy:>2}/{row.slots}")
        rate = figures.rate(tables.worker_rate(row.name))
        line.right(rate if header else f"{rate}/s", places[DONE][1])
    seen = figures.age(work.seen_s)
    if work.status == DRAINING:
        line.right("draining", places[SEEN][1], "yellow")
    else:
        style = "red" if work.status == LOST else ""
        line.right(seen if header else f"seen {seen}", places[SEEN][1], style)
    if UP in places:
        line.right(figures.age(tables.at - row.started_at), places[UP][1])
    if TAKES in places:  # the last column: it may use all that is left
        takes = ",".join(row.queues) or "*"
        if row.exclude_queues:
            takes += " -" + ",-".join(row.exclude_queues)
        line.to(places[TAKES][0]).put(takes)


def _fate(work: Work, tables: Tables, width: int, look: Look) -> str:
    """By when a live worker has noticed: at the end of its lease, plus one round of looking."""
    snapshot = tables.state.snapshot
    assert snapshot is not None
    leases = [row.lease_until for row in snapshot.running if row.worker == work.row.name and row.lease_until]
    end = max(leases, default=work.row.seen_at + snapshot.lease_s) + 1.3 * snapshot.sweep_s
    by = figures.clock(end - tables.state.skew_s, utc=tables.view.utc)
    tasks = f"{work.row.held} task{'s' if work.row.held > 1 else ''}"
    what = f": {tasks} to be rescued"
    if not tables.slots:
        what += ", when a worker is up"
    elif end > tables.at:
        what += f" by {by}"
    line = Line(width, look).draw("   ! ", "yellow").put(work.row.name, "yellow", most=max(8, width - 43))
    return line.draw(what, "yellow").done()
