"""`taskctl why`"""

from __future__ import annotations

from typing import Annotated, Any

import typer

from taskctl.session import Session, session_of
from taskctl.verb import verb


@verb("taskctl why ID", "taskctl why 7h2k9qxd", "taskctl why 7h2k9qxd --json | jq -r '.commands[0]'")
def why(
    context: typer.Context, task_id: Annotated[str, typer.Argument(metavar="ID", show_default=False)]
) -> int:
    """Say why a task is not running, or why it failed, and which command helps.

    In a pipe: a line for each reason, what weighs most first: a code, a sentence, a command. The function
    of a waiting task is looked up in this project, so its module is imported.
    """
    session = session_of(context)
    alias = session.open()
    from django_task_worker import queries
    from django_task_worker.why import explain
    from taskctl.render import reasons

    _print(reasons.as_object(explain(queries.find(task_id, alias), using=alias)), session)
    return 0


def _print(row: dict[str, Any], session: Session) -> None:
    from taskctl.render import reasons
    from taskctl.render.block import folded
    from taskctl.report import chosen, look

    terminal = session.terminal
    if terminal.is_json:
        terminal.record(chosen(row, terminal))
    elif terminal.form == "id":
        terminal.line(terminal.clean(row["id"]))
    elif terminal.form == "table" and terminal.fields is None:
        for line in folded(reasons.described(row), look(terminal)):
            terminal.line(line)
    else:
        columns = terminal.fields or reasons.COLUMNS
        if terminal.header:
            terminal.row(columns)
        for reason in row["reasons"]:
            picked = chosen(reason, terminal)
            terminal.row(picked[name] for name in columns)
