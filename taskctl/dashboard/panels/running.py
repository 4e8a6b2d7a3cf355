"""Running tasks: how much of their time limit is used, and what they were called with."""

from __future__ import annotations

from typing import NamedTuple

from taskctl.dashboard import figures
from taskctl.dashboard.columns import Column, first_shown, heading, longest_name, row
from taskctl.dashboard.columns import fit as fit_columns
from taskctl.dashboard.lines import Line, Look, bar, title
from taskctl.dashboard.tables import Running, Tables
from taskctl.dashboard.view import RUNNING

WIDE = 120
SHOWS_ARGUMENTS = 150
"""From this width on."""
GAP = "  "
LEAST_BAR = 8
LONGEST_WORD = 9
LEAST_WORDS = 5
GAP_CELLS = 2 * len(GAP)
TASK, QUEUE, WORKER, TRY, ELAPSED, ARGS = "TASK", "QUEUE", "WORKER", "TRY", "ELAPSED / LIMIT", "ARGS"


class _Shape(NamedTuple):
    id_width: int
    bar: int
    columns: list[Column]


def _shape(width: int) -> _Shape:
    if width >= SHOWS_ARGUMENTS:
        columns = [Column(TASK, 34, left=True), Column(QUEUE, 12, left=True), Column(WORKER, 18, left=True)]
        columns += [Column(TRY, 6, left=True), Column(ELAPSED, 38, left=True), Column(ARGS, 36, left=True)]
        return _Shape(12, 18, columns)
    if width >= WIDE:
        columns = [Column(TASK, 34, left=True), Column(QUEUE, 12, left=True), Column(WORKER, 18, left=True)]
        columns += [Column(TRY, 6, left=True), Column(ELAPSED, 36, left=True)]
        return _Shape(12, 14, columns)
    if width >= 76:
        return _Shape(
            8,
            12,
            [Column(TASK, 28, left=True), Column(WORKER, 14, left=True), Column(ELAPSED, 28, left=True)],
        )
    return _Shape(8, 6, [Column(TASK, max(12, width - 32), left=True), Column(ELAPSED, 22, left=True)])


def wanted(tables: Tables) -> int:
    return 2 + max(1, len(tables.running))


def lines(tables: Tables, look: Look, width: int, height: int) -> list[str]:
    view, rows = tables.view, tables.running
    selected = view.selected(RUNNING, tables.keys(RUNNING))
    shown = max(0, height - 2)
    has_more = len(rows) > shown > 1
    if has_more:
        shown -= 1
    top = first_shown(selected, shown)
    shape = _shape(width)
    used = 1 + shape.id_width + sum(column.width for column in shape.columns)
    columns = _grown(shape.columns, rows[top : top + shown], width - used)
    fitted = fit_columns(columns, width, most_name=shape.id_width)
    places = fitted.places
    name = "RUNNING" if width < WIDE else f"RUNNING {len(rows)}"
    found = [
        title(name, f"sort: {view.sort_of(RUNNING)}", width, look, is_focused=view.focus == RUNNING),
        heading("ID", columns, fitted, width, look),
    ]
    for at, task in enumerate(rows[top : top + shown], start=top):
        is_selected = at == selected and view.focus == RUNNING and view.page is None
        line = row(width, look, is_selected=is_selected).put(task.row.id[: shape.id_width])
        _cells(line, task, tables, places, shape.bar)
        found.append(line.done())
    if not rows:
        found.append(Line(width, look).draw(" nothing is running", "dim").done())
    if has_more:
        text = f"  {'~' if look.ascii_only else '…'} {len(rows) - shown} more"
        found.append(Line(width, look).draw(text, "dim").done())
    return found


def _grown(columns: list[Column], shown: list[Running], left: int) -> list[Column]:
    """What is left over goes to the tasks' names; where arguments are shown, they have what names leave."""
    task, *others = columns
    more = left
    if others[-1].title == ARGS:
        needed = longest_name([running.row.task for running in shown], task.width + left) + GAP_CELLS
        more = max(0, min(left, needed - task.width))
        others[-1] = others[-1]._replace(width=others[-1].width + left - more)
    return [task._replace(width=task.width + max(0, more)), *others]


def _cells(
    line: Line, task: Running, tables: Tables, places: dict[str, tuple[int, int]], bar_width: int
) -> None:
    row = task.row
    for title_, text, middle in (
        (TASK, row.task, True),
        (QUEUE, row.queue, False),
        (WORKER, row.worker, False),
    ):
        if title_ in places:
            start, end = places[title_]
            line.to(start).put(text, most=end - start, middle=middle)
    if TRY in places:
        most = "?" if row.max_tries is None else row.max_tries
        line.to(places[TRY][0]).draw(f"{row.tries}/{most}")
    start, end = places[ELAPSED]
    line.to(start)
    _used(line, task, bar_width, end - start)
    if ARGS in places:
        line.to(places[ARGS][0]).put(tables.view.arguments.get(row.id, ""), "dim")


def _used(line: Line, task: Running, bar_width: int, room: int) -> None:
    """How much of its time limit it has used, and how far it says it is; the bar gives way to that."""
    row = task.row
    text = _elapsed(task)
    told = ""
    if row.progress:
        beside = room - len(text) - 2 * len(GAP)
        told = _told(row.progress, beside)
        bar_width = _bar_beside(told, bar_width, beside)
    end = line.used + room
    if task.elapsed_s is None:
        line.draw(" " * bar_width)
    elif row.limit_s:
        style = "red" if task.share > 0.9 else "yellow" if task.share > 0.7 else "green"
        line.bar(bar(task.share, bar_width, line.look, track="░"), style)
    else:  # the next look at the database will tell
        line.draw(("." if line.look.ascii_only else "·") * bar_width, "dim")
    if bar_width:
        line.draw(GAP)
    line.draw(text, "yellow" if row.is_cancelling else "dim" if task.elapsed_s is None else "")
    if told:
        line.draw(GAP).put(told, "cyan", most=end - line.used)


def _told(progress: str, room: int) -> str:
    """All of it, or the first word alone, such as 40%, where nothing readable of the others has room."""
    first, _, others = progress.partition(" ")
    left = room - LEAST_BAR - len(first) - 1
    return progress if left >= min(len(others), LEAST_WORDS) else first


def _bar_beside(told: str, width: int, room: int) -> int:
    """How wide the bar can be: the first word, such as 40%, has its place, the others down to LEAST_BAR."""
    first, blank, _ = told.partition(" ")
    width = max(0, min(width, room - min(len(first) + 2 * len(blank), LONGEST_WORD)))
    return max(min(width, LEAST_BAR), min(width, room - len(told)))


def _elapsed(task: Running) -> str:
    row = task.row
    if task.elapsed_s is None:
        return "claimed"
    if row.is_cancelling:
        return "cancelling"
    limit = f" / {figures.duration(row.limit_s)}" if row.limit_s else ""
    return figures.elapsed(task.elapsed_s) + limit
