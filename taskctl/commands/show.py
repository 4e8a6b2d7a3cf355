"""`taskctl show`"""

from __future__ import annotations

import time
from functools import partial
from typing import TYPE_CHECKING, Annotated

import typer

from taskctl import options
from taskctl.options import flag
from taskctl.session import Session, session_of
from taskctl.verb import verb

if TYPE_CHECKING:
    from django_task_worker.models import DatabaseTask

INTERVAL_S = 0.5


@verb("taskctl show ID [FLAGS]", "taskctl show 7h2k9qxd", "taskctl show 7h2k9qxd --result | jq .total")
def show(
    context: typer.Context,
    task_id: Annotated[str, typer.Argument(metavar="ID", show_default=False)],
    traceback: Annotated[bool, flag("--traceback", about="the traceback only")] = False,
    attempts: Annotated[bool, flag("--attempts", about="the earlier attempts, with tracebacks")] = False,
    result: Annotated[bool, flag("--result", about="the result only, as JSON")] = False,
    reveal: Annotated[
        bool, flag("--reveal", about="show masked arguments; needs a terminal or --yes")
    ] = False,
    watch: Annotated[bool, flag("--watch", "-w", about="again at each change, until it is final")] = False,
    yes: options.Yes = False,
) -> int:
    """Show everything about one task: its arguments, its times, its result or error, its attempts.

    Arguments whose names look like secrets are masked. ID may be shortened to 6 characters or more.
    """
    session = session_of(context)
    if reveal and not yes and not session.terminal.out_is_tty:
        from taskctl.errors import needs_confirmation

        raise needs_confirmation("show --reveal would print secrets", reason="no terminal", dry_run=False)
    alias = session.open()
    from django_task_worker import queries

    task = queries.get(queries.find(task_id, alias), alias)
    while True:
        _print(task, session, traceback=traceback, attempts=attempts, result=result, reveal=reveal)
        if not watch or task.is_final:
            return 0
        task = _next(task, alias, session)


def _next(task: DatabaseTask, alias: str, session: Session) -> DatabaseTask:
    from django_task_worker import queries
    from taskctl.database import Patience

    patience = Patience(alias, session.terminal.note)
    while True:
        time.sleep(INTERVAL_S)
        current = patience.read(partial(queries.get, task.pk, alias))
        if current is not None and _state(current) != _state(task):
            return current


def _state(task: DatabaseTask) -> object:
    return task.status, task.updated_at, task.progress


def _print(
    task: DatabaseTask, session: Session, *, traceback: bool, attempts: bool, result: bool, reveal: bool
) -> None:
    from django_task_worker import operation_log, queries
    from django_task_worker.conf import settings
    from taskctl.render import details as render
    from taskctl.render.block import block
    from taskctl.report import chosen, look, pairs
    from taskctl.selectors import zone
    from taskctl.terminal import to_json

    terminal = session.terminal
    if result:
        terminal.line(to_json(render.result_of(task), ascii_only=terminal.out_is_tty))
        return
    if traceback:
        for line in (task.traceback or "").splitlines():
            terminal.line(terminal.clean(line))
        if not task.traceback:
            terminal.note("no traceback")
        return
    alias = task._state.db or "default"
    now = queries.database_now(alias)
    tried = list(task.attempts.all())
    operations = operation_log.of_task(task.pk, using=alias)
    redact = () if reveal else settings().redact
    row = chosen(render.details(task, tried, now, redact, operations), terminal)
    if terminal.is_json:
        terminal.record(row)
    elif terminal.form == "id":
        terminal.line(terminal.clean(task.pk))
    elif terminal.form == "table" and terminal.fields is None:
        lines = render.described(row, now, zone=zone(session))
        if attempts:
            lines += render.tried(tried, now)
        for line in block(lines, look(terminal)):
            terminal.line(line)
    else:
        pairs({key: value for key, value in row.items() if key not in ("v", "type")}, terminal)
    terminal.flush()
