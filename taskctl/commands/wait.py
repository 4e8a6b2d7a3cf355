"""`taskctl wait`"""

from __future__ import annotations

from collections.abc import Sequence
from shlex import quote
from typing import TYPE_CHECKING, Annotated

import typer

from taskctl import exits, options, selectors, values
from taskctl.errors import CommandError, bad_value, usage
from taskctl.options import flag, value
from taskctl.session import Session, session_of
from taskctl.verb import verb

if TYPE_CHECKING:
    from django_task_worker.models import DatabaseTask

TARGETS = ("final", "running", "completed")


@verb(
    "taskctl wait ID… | -",
    "taskctl wait 7h2k9qxd",
    "taskctl list --status pending -o id | taskctl wait - --timeout 10m",
)
def wait(
    context: typer.Context,
    ids: options.Ids = None,
    timeout: Annotated[
        str | None, value("--timeout", metavar="DUR", about="give up after this, exit 124; default: never")
    ] = None,
    any_: Annotated[bool, flag("--any", about="until the first of them")] = False,
    target: Annotated[
        str, value("--for", metavar="WHAT", about="final (default), running or completed")
    ] = "final",
    fail_fast: Annotated[bool, flag("--fail-fast", about="end with the first one that failed")] = False,
) -> int:
    """Wait until tasks have finished; prints a line for each: id, status, run time, task.

    Exit code 0 when all completed, 1 when any failed or was cancelled, 124 on timeout. `-` reads ids
    from stdin.
    """
    session = session_of(context)
    if target not in TARGETS:
        raise bad_value("--for", target, f"choose one of {', '.join(TARGETS)}")
    timeout_s = values.duration_or_none("--timeout", timeout)
    wanted = selectors.expand(ids or ())
    if not wanted and "-" in (ids or ()):
        return exits.OK
    if not wanted:
        raise usage("wait: say which: an id, or - for ids on stdin", tries=["taskctl wait --help"])
    alias = session.open()
    from django_task_worker import queries

    found = list(dict.fromkeys(queries.find(text, alias) for text in wanted))
    return _wait(session, found, timeout_s, target, first=any_, fail_fast=fail_fast)


def _wait(
    session: Session,
    ids: Sequence[str],
    timeout_s: float | None,
    target: str,
    *,
    first: bool,
    fail_fast: bool,
) -> int:
    from taskctl import waiting

    until = waiting.has_started if target == "running" else waiting.is_final
    code = exits.OK
    left = dict.fromkeys(ids)
    try:
        for task in waiting.Wait(session, ids, timeout_s, until).tasks():
            del left[task.pk]
            _print(task, session)
            if task.is_final and task.status != "COMPLETED":
                code = exits.NEGATIVE
            if first or (code and (fail_fast or target == "completed")):
                break
    except waiting.TimedOut as over:
        raise timed_out(over.ids, timeout_s or 0.0) from None
    except KeyboardInterrupt:
        session.terminal.note(f"still running; {resume(list(left))} to resume")
        raise
    return code


def _print(task: DatabaseTask, session: Session) -> None:
    from taskctl import report

    terminal = session.terminal
    if terminal.is_json:
        for row in report.objects([task.pk], session):
            terminal.record(row)
    elif terminal.form == "id":
        terminal.line(terminal.clean(task.pk))
    else:
        from taskctl.durations import brief
        from taskctl.render.tasks import finite, stored_status

        run = finite(task.duration)
        if terminal.form == "table":
            shown = "-" if run is None else brief(run)
            terminal.line(terminal.clean(f"{task.pk[:8]}  {stored_status(task):9}  {shown:>6}  {task.name}"))
        else:
            terminal.row([task.pk, stored_status(task), run, task.name])
    terminal.flush()


def timed_out(ids: Sequence[str], timeout_s: float) -> CommandError:
    from taskctl.durations import exact

    goes_on = "the task goes on" if len(ids) == 1 else f"{len(ids)} tasks go on"
    return CommandError(
        "timed-out", exits.TIMED_OUT, f"not finished after {exact(timeout_s)}; {goes_on}", tries=[resume(ids)]
    )


def resume(ids: Sequence[str]) -> str:
    """The command that waits on."""
    shorts = " ".join(quote(task_id[:12]) for task_id in ids[:5])
    return f"taskctl wait {shorts}{' …' if len(ids) > 5 else ''}"
