"""Flags that several commands share, each typed out once."""

from __future__ import annotations

from typing import Annotated, Any

import typer

SELECT = "Which tasks"
ACT = "How"


def flag(*names: str, about: str, panel: str | None = None) -> Any:
    """A flag without a value."""
    return typer.Option(*names, help=about, rich_help_panel=panel, show_default=False)


def value(*names: str, metavar: str, about: str, panel: str | None = None) -> Any:
    """A flag with a value, which reaches the command as text."""
    return typer.Option(*names, metavar=metavar, help=about, rich_help_panel=panel, show_default=False)


Ids = Annotated[list[str] | None, typer.Argument(metavar="ID…", show_default=False)]
Status = Annotated[
    str | None,
    value(
        "--status",
        metavar="S[,S]",
        panel=SELECT,
        about="pending, running, completed, failed, cancelled; also scheduled, retrying, cancelling, stale",
    ),
]
Queue = Annotated[str | None, value("--queue", metavar="Q", panel=SELECT, about="only this queue")]
Task = Annotated[
    str | None, value("--task", metavar="GLOB", panel=SELECT, about="task name, such as 'mail.*'")
]
WorkerName = Annotated[
    str | None, value("--worker", metavar="W", panel=SELECT, about="ran, or runs, on this worker")
]
ErrorText = Annotated[
    str | None,
    value(
        "--error",
        metavar="TEXT",
        panel=SELECT,
        about="text in the error or its type; failed tasks of the last 24h, or of --since",
    ),
]
Since = Annotated[
    str | None,
    value(
        "--since",
        metavar="TIME",
        panel=SELECT,
        about="finished (or, if unfinished, created) at or after this: -2h, today, 2026-11-30T18:00",
    ),
]
Until = Annotated[
    str | None, value("--until", metavar="TIME", panel=SELECT, about="the same, before this time")
]
OlderThan = Annotated[
    str | None, value("--older-than", metavar="DUR", panel=SELECT, about="the same, longer ago than this: 7d")
]
All = Annotated[bool, flag("--all", panel=SELECT, about="all of them")]
Limit = Annotated[str | None, value("--limit", metavar="N", panel=SELECT, about="at most this many")]
Yes = Annotated[bool, flag("--yes", "-y", panel=ACT, about="do not ask")]
DryRun = Annotated[bool, flag("--dry-run", panel=ACT, about="only show what would change")]
Reason = Annotated[
    str, value("--reason", metavar="TEXT", panel=ACT, about="why, for the log of operations and for show")
]
