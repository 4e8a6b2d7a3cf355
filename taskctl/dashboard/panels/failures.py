"""Failures of the last hour by task and type of error, newest first."""

from __future__ import annotations

from taskctl.dashboard import figures
from taskctl.dashboard.columns import first_shown, row
from taskctl.dashboard.lines import Line, Look, title
from taskctl.dashboard.tables import Group, Tables
from taskctl.dashboard.view import FAILURES

WIDE = 120


def wanted(tables: Tables, *, header: bool) -> int:
    return 1 + header + max(1, len(tables.failures))


def lines(tables: Tables, look: Look, width: int, height: int, *, header: bool) -> list[str]:
    view, groups = tables.view, tables.failures
    selected = view.selected(FAILURES, tables.keys(FAILURES))
    shown = max(0, height - 1 - header)
    top = first_shown(selected, shown)
    found = [title(_name(width), _note(tables, width), width, look, is_focused=view.focus == FAILURES)]
    task_at = 22 if header else 12
    error_at = min(task_at + (32 if header else 29), task_at + max(14, (width - task_at) // 2))
    if header:
        line = Line(width, look).draw(" LAST", "dim").right("COUNT", 19, "dim")
        found.append(line.to(task_at).draw("TASK", "dim").to(error_at).draw("ERROR", "dim").done())
    for at, group in enumerate(groups[top : top + shown], start=top):
        is_selected = at == selected and view.focus == FAILURES and view.page is None
        line = row(width, look, is_selected=is_selected)
        line.draw(figures.clock(group.last.at - tables.state.skew_s, utc=view.utc))
        if header:
            line.right(str(len(group.rows)), 19)
        _cells(line, group, task_at, error_at, header=header)
        found.append(line.done())
    if not groups:
        found.append(Line(width, look).draw(" none", "dim").done())
    return found


def _cells(line: Line, group: Group, task_at: int, error_at: int, *, header: bool) -> None:
    times = f" x{len(group.rows)}" if len(group.rows) > 1 and not header else ""
    line.to(task_at).put(group.task, most=error_at - task_at - 2 - len(times), middle=True)
    line.draw(times).to(error_at).put(group.error or "-", "red")


def _name(width: int) -> str:
    return "FAILURES" if width < WIDE else "FAILURES  last 1 h, grouped"


def _note(tables: Tables, width: int) -> str:
    number, kinds = tables.failed_number, len(tables.failures)
    if width < WIDE:
        return f"{number} in 1h"
    return f"{number} task{'' if number == '1' else 's'}, {kinds} kind{'' if kinds == 1 else 's'}"
