"""`taskctl logs`"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import partial
from typing import TYPE_CHECKING, Annotated

import typer

from taskctl import values
from taskctl.options import flag, value
from taskctl.render import logs as render
from taskctl.session import Session, session_of
from taskctl.verb import verb

if TYPE_CHECKING:
    from django_task_worker.models import DatabaseTask
    from django_task_worker.task_logs import Piece


@verb("taskctl logs ID [FLAGS]", "taskctl logs 7h2k9qxd", "taskctl logs 7h2k9qxd --follow | grep -i error")
def logs(
    context: typer.Context,
    task_id: Annotated[str, typer.Argument(metavar="ID", show_default=False)],
    follow: Annotated[
        bool, flag("--follow", "-f", about="and what it goes on to write, until it ends")
    ] = False,
    attempt: Annotated[
        str | None, value("--attempt", metavar="N", about="of this attempt only; 1 is the first")
    ] = None,
) -> int:
    """Show what a task logged and printed, attempt by attempt.

    Kept are the first and the last 32 KiB of each attempt that did not complete; with
    TASK_WORKER["KEEP_LOGS"] = "all" of each. A running task's text is stored now and then, and every second
    while somebody follows. In a pipe, --fields attempt,worker,text gives columns.
    """
    session = session_of(context)
    number = values.whole_or_none("--attempt", attempt, 1)
    alias = session.open()
    from django_task_worker import queries, task_logs

    task = queries.get(queries.find(task_id, alias), alias)
    if session.terminal.form == "id":
        session.terminal.line(session.terminal.clean(task.pk))
        return 0
    if follow:
        _tell_who_listens(task, session)
    printer = Printer(task, session)
    source = _follow(task, number, alias, session) if follow else None
    for piece in source or task_logs.read(task.pk, number=number, using=alias):
        printer.write(piece)
    printer.end()
    if not (follow and printer.count):
        _tell_what_is_missing(queries.get(task.pk, alias), number, session, is_empty=not printer.count)
    return 0


def _follow(task: DatabaseTask, number: int | None, alias: str, session: Session) -> Iterator[Piece]:
    """What it writes until it ends. A database that goes away meanwhile is told of and waited for."""
    from django_task_worker import task_logs
    from taskctl.database import Patience

    seen: dict[str, int] = {}
    source = partial(task_logs.follow, task.pk, number=number, using=alias, seen=seen)
    return Patience(alias, session.terminal.note).go_on(source)


class Printer:
    """Prints pieces in the wanted form, line by line."""

    def __init__(self, task: DatabaseTask, session: Session) -> None:
        self._task = task
        self._terminal = session.terminal
        self._text = render.Lines()
        self._last: Piece | None = None
        self.count = 0

    def write(self, piece: Piece) -> None:
        if piece.begins:
            self.end()
            self._head(piece)
        self._last = piece
        self._print(self._text.add(piece.text))

    def end(self) -> None:
        """Nothing follows the last piece."""
        self._print(self._text.end())

    def _head(self, piece: Piece) -> None:
        from taskctl.render.table import paint
        from taskctl.report import look

        if self._terminal.form == "table" and self._terminal.fields is None:
            text = self._terminal.clean(render.heading(piece))
            self._terminal.line(paint(text, "dim", look(self._terminal)))

    def _print(self, lines: Iterable[str]) -> None:
        from taskctl.report import chosen

        terminal = self._terminal
        for line in lines:
            self.count += 1
            row = chosen(render.as_object(self._task.pk, self._task.name, self._last, line), terminal)
            if terminal.is_json:
                terminal.record(row)
            elif terminal.fields is not None:
                terminal.row(row.values())
            else:
                terminal.line(terminal.clean(render.shown(line), render.LONGEST))
        terminal.flush()


def _tell_who_listens(task: DatabaseTask, session: Session) -> None:
    from taskctl.waiting import nobody_listens

    if task.status == "PENDING":
        notice = nobody_listens(task.pk, task.queue, session.alias or "")
        if notice is not None:
            session.terminal.problem(notice)


def _tell_what_is_missing(
    task: DatabaseTask, number: int | None, session: Session, *, is_empty: bool
) -> None:
    """So that nobody takes silence for the whole story."""
    from django_task_worker.conf import settings

    keeps = settings().keep_logs
    if task.status == "PROGRESS":
        text = "it is running; " + ("nothing is stored so far, " if is_empty else "") + "--follow shows more"
    elif not is_empty:
        return
    elif number is not None:
        text = f"nothing is kept of attempt {number}"
    elif task.status == "PENDING":
        text = "it has not run yet; --follow waits for it"
    elif task.status == "COMPLETED" and keeps == "failed":
        text = 'nothing is kept: that needs TASK_WORKER["KEEP_LOGS"] = "all" for a task that completes'
    elif keeps == "none":
        text = 'nothing is kept: TASK_WORKER["KEEP_LOGS"] is "none"'
    else:
        text = "it has written nothing"
    session.terminal.note(text)
