"""`taskctl tasks`"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from taskctl.report import chosen, look
from taskctl.session import Session, session_of
from taskctl.verb import verb

if TYPE_CHECKING:
    from django_task_worker.functions import TaskInfo


@verb("taskctl tasks [GLOB]", "taskctl tasks", "taskctl tasks 'mail.*' --json")
def tasks(
    context: typer.Context,
    pattern: Annotated[str, typer.Argument(metavar="GLOB", show_default=False)] = "*",
) -> int:
    """List the task functions of this project: name, signature, queue, time limit, retries, description."""
    session = session_of(context)
    session.set_up()
    from django_task_worker import functions

    def complain(module: str, error: Exception) -> None:
        session.terminal.note(f"{module} cannot be imported: {type(error).__name__}: {error}")

    found = [as_object(info) for info in functions.discover(pattern, on_error=complain)]
    _print(found, session)
    return 0


def as_object(info: TaskInfo) -> dict[str, Any]:
    """The JSON object `function`."""
    options = info.options
    return {
        "v": 1,
        "type": "function",
        "name": info.name,
        "signature": info.signature,
        "queue": options.queue,
        "priority": options.priority,
        "time_limit_s": None if options.timeout is None else float(options.timeout),
        "retries": options.max_retries,
        "doc": info.doc or None,
    }


def _print(rows: list[dict[str, Any]], session: Session) -> None:
    terminal = session.terminal
    if terminal.form == "table":
        _table(rows, session)
        return
    columns = terminal.fields or ("name", "signature", "queue", "time_limit_s", "retries", "doc")
    if terminal.header and terminal.form == "tsv":
        terminal.row(columns)
    for row in rows:
        if terminal.is_json:
            terminal.record(chosen(row, terminal))
        elif terminal.form == "id":
            terminal.line(row["name"])
        else:
            picked = chosen(row, terminal)
            terminal.row(picked[name] for name in columns)


def _table(rows: list[dict[str, Any]], session: Session) -> None:
    from taskctl.durations import brief
    from taskctl.render.table import Cell, Heading, table

    headings = [
        Heading("task", weight=1),
        Heading("queue", weight=1, drop=1),
        Heading("limit", drop=3),
        Heading("retries", drop=2),
        Heading("description", weight=2, drop=4),
    ]
    cells = [
        [
            Cell(row["name"] + row["signature"]),
            Cell(row["queue"] or "-"),
            Cell("-" if row["time_limit_s"] is None else brief(row["time_limit_s"])),
            Cell("-" if row["retries"] is None else str(row["retries"])),
            Cell(row["doc"] or ""),
        ]
        for row in rows
    ]
    if not rows:
        session.terminal.note(
            "no task functions: they are those in <app>/tasks.py, *tasks.py and under @task"
        )
        return
    for line in table(headings, cells, look(session.terminal)):
        session.terminal.line(line)
