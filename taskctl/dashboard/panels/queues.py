"""Queues: what waits and for how long, what runs, how fast; pauses, and queues nobody listens to."""

from __future__ import annotations

from django_task_worker.snapshot.rows import CAP, QueueRow
from taskctl.dashboard import figures
from taskctl.dashboard.columns import Column, first_shown, fit, heading, longest_name, row, span
from taskctl.dashboard.lines import Line, Look, fine_bar, title
from taskctl.dashboard.tables import Tables
from taskctl.dashboard.view import QUEUES

PENDING, BAR, RUN, OLDEST, DONE, WAIT, RAN = "PENDING", "", "RUN", "OLDEST", "DONE/S", "WAIT95", "RUN95"
WIDE, LEAST_NAME = 84, 24
OTHERS = 49
"""The cells of all columns but the name and the bar."""
LEAST_FULL = 20
"""So many fill a bar at least: one task that waits for a moment is no long queue."""


def columns(width: int, name: int) -> list[Column]:
    """What a name of that length leaves in a wide window goes to the bars."""
    bar = 12 if width < WIDE else max(12, min(40, width - 2 - max(name + 2, LEAST_NAME) - OTHERS))
    return [
        Column(PENDING, 9),
        Column(BAR, bar, left=True),
        Column(RUN, 6),
        Column(OLDEST, 9),
        Column(DONE, 9, drop=1),
        Column(WAIT, 8, drop=2),
        Column(RAN, 8, drop=3),
    ]


def wanted(tables: Tables) -> int:
    return 2 + max(1, len(tables.queues)) + bool(unheard(tables))


def unheard(tables: Tables) -> list[QueueRow]:
    """Queues with due tasks that no live worker takes; not while the workers are unknown."""
    if tables.state.snapshot is None:
        return []
    return [
        queue
        for queue in tables.queues
        if queue.pending and not queue.is_paused(tables.at) and not tables.listeners(queue.name)
    ]


def lines(tables: Tables, look: Look, width: int, height: int) -> list[str]:
    view, rows = tables.view, tables.queues
    selected = view.selected(QUEUES, tables.keys(QUEUES))
    warned = unheard(tables) if height > 3 else []
    shown = max(0, height - 2 - bool(warned))
    top = first_shown(selected, shown)
    longest = longest_name([queue.name for queue in rows], width // 2)
    note = span(top, shown, len(rows)) if width < WIDE else f"sort: {view.sort_of(QUEUES)}"
    shape = columns(width, longest)
    fitted = fit(shape, width - 1, most_name=max(LEAST_NAME, longest + 2) if width >= WIDE else width)
    found = [
        title("QUEUES", note, width, look, is_focused=view.focus == QUEUES),
        heading("QUEUE", shape, fitted, width, look),
    ]
    most = max([LEAST_FULL, *(min(queue.pending, CAP) for queue in rows)])
    for at, queue in enumerate(rows[top : top + shown], start=top):
        is_selected = at == selected and view.focus == QUEUES and view.page is None
        line = row(width, look, is_selected=is_selected)
        line.put(queue.name, most=fitted.name_width - 1)
        _cells(line, queue, tables, fitted.places, most, look)
        found.append(line.done())
    if not rows:
        found.append(Line(width, look).draw(" no task waits or runs", "dim").done())
    if warned:
        found.append(_warning(warned, tables, width, look))
    return found


def _cells(
    line: Line, queue: QueueRow, tables: Tables, places: dict[str, tuple[int, int]], most: int, look: Look
) -> None:
    is_paused = queue.is_paused(tables.at)
    line.right(figures.number(queue.pending), places[PENDING][1])
    start, end = places[BAR]
    line.to(start)
    if is_paused:
        since = figures.age(tables.at - (queue.paused_at or tables.at))
        text = f"paused {since}"
        line.draw(text if len(text) <= end - start else "paused", "yellow")
    else:
        line.bar(fine_bar(queue.pending / most, end - start, look), "cyan")
    line.right(figures.number(queue.running), places[RUN][1])
    waits_s = None if queue.oldest_at is None or not queue.pending else tables.at - queue.oldest_at
    line.right(figures.age(waits_s), places[OLDEST][1])
    if DONE in places:
        line.right(figures.rate(tables.queue_rate(queue.name)), places[DONE][1])
    if WAIT not in places:
        return
    wait, run = tables.times(queue.name)
    line.right(figures.duration(wait and wait.p95), places[WAIT][1])
    if RAN in places:
        line.right(figures.duration(run and run.p95), places[RAN][1])


def _warning(queues: list[QueueRow], tables: Tables, width: int, look: Look) -> str:
    pending = figures.total([queue.pending for queue in queues])
    who = "listens to it" if len(queues) == 1 else "listens to them"
    if not tables.slots:
        who = "is up"
    names = ", ".join(queue.name for queue in queues[:9])
    line = Line(width, look).draw("   ! ", "yellow").put(names, "yellow", most=max(8, width - 50))
    return line.draw(f": {pending} pending and no worker {who}", "yellow").done()
