"""`taskctl stack`"""

from __future__ import annotations

import time
from shlex import quote
from typing import TYPE_CHECKING, Annotated

import typer

from taskctl import exits, values
from taskctl.errors import CommandError
from taskctl.options import value
from taskctl.session import Session, session_of
from taskctl.verb import verb

if TYPE_CHECKING:
    from django_task_worker.models import DatabaseTask

TIMEOUT = "15s"


@verb("taskctl stack ID [FLAGS]", "taskctl stack 7h2k9qxd", "taskctl stack 7h2k9qxd --json | jq -r .stack")
def stack(
    context: typer.Context,
    task_id: Annotated[str, typer.Argument(metavar="ID", show_default=False)],
    timeout: Annotated[
        str, value("--timeout", metavar="DUR", about=f"give up after this, exit 124; {TIMEOUT}")
    ] = TIMEOUT,
) -> int:
    """Show where a running task is in its Python code, wherever it runs, without stopping it.

    Its worker is asked: with Redis it answers within 2 seconds, without within 10. Innermost call first.
    Exit code 1 when the task is not running.
    """
    session = session_of(context)
    timeout_s = values.duration("--timeout", timeout)
    alias = session.open()
    from django_task_worker import queries
    from django_task_worker import stack as stacks

    task = queries.get(queries.find(task_id, alias), alias)
    began = time.monotonic()
    try:
        text = stacks.wait(stacks.request(task.pk, using=alias), timeout_s)
    except stacks.NotRunning:
        raise _not_running(queries.get(task.pk, alias), session) from None
    if text is None:
        raise _no_answer(queries.get(task.pk, alias), timeout_s, session)
    _print(task, text, time.monotonic() - began, session)
    return exits.OK


def _print(task: DatabaseTask, text: str, took_s: float, session: Session) -> None:
    from taskctl.report import chosen

    terminal = session.terminal
    if terminal.is_json:
        row = {
            "v": 1,
            "type": "stack",
            "id": task.pk,
            "task": task.name,
            "worker": task.worker,
            "took_s": round(took_s, 3),
            "stack": text,
        }
        terminal.record(chosen(row, terminal))
        return
    for line in text.splitlines():
        terminal.line(terminal.clean(line))
    if not text.strip():
        terminal.note("no Python code of the task is running")


def _not_running(task: DatabaseTask, session: Session) -> CommandError:
    from django_task_worker.queries import database_now
    from taskctl.render.tasks import status_of

    word = status_of(task, database_now(session.alias or ""))
    return CommandError(
        "not-running",
        exits.NEGATIVE,
        f"{task.name} is not running: it is {word}",
        tries=[f"taskctl why {quote(task.pk[:12])}"],
    )


def _no_answer(task: DatabaseTask, timeout_s: float, session: Session) -> CommandError:
    from taskctl.durations import exact

    if task.status != "PROGRESS":
        return _not_running(task, session)
    return CommandError(
        "timed-out",
        exits.TIMED_OUT,
        f"no answer from its worker {task.worker} after {exact(timeout_s)}",
        tries=[f"taskctl why {quote(task.pk[:12])}"],
    )
