"""`taskctl purge`"""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated

import typer

from taskctl import exits, options, selectors, values
from taskctl.durations import exact
from taskctl.errors import bad_value, usage
from taskctl.options import ACT, SELECT, value
from taskctl.progress import Progress, interrupts
from taskctl.report import Action, count
from taskctl.session import Session, session_of
from taskctl.verb import verb

FINAL = ("completed", "failed", "cancelled")
MANY = 100_000


@dataclass(frozen=True, kw_only=True)
class Doomed:
    """What to delete, how fast."""

    statuses: tuple[str, ...]
    older_than_s: float | None
    queue: str | None
    task: str | None
    keep: int
    limit: int | None
    batch: int
    pause_s: float
    max_time_s: float | None

    @property
    def words(self) -> str:
        """As it may be typed, for the log of operations."""
        given = {
            "--older-than": None if self.older_than_s is None else exact(self.older_than_s),
            "--status": ",".join(self.statuses).lower(),
            "--queue": self.queue,
            "--task": self.task,
            "--keep": str(self.keep) if self.keep else None,
            "--limit": None if self.limit is None else str(self.limit),
        }
        return selectors.typed(given)


@verb(
    "taskctl purge --older-than DUR | --all [FLAGS]",
    "taskctl purge --older-than 7d --yes",
    "taskctl purge --older-than 30d --status failed --keep 100 --dry-run",
)
def purge(
    context: typer.Context,
    older_than: Annotated[
        str | None, value("--older-than", metavar="DUR", panel=SELECT, about="finished longer ago than this")
    ] = None,
    status: Annotated[
        str,
        value(
            "--status",
            metavar="S[,S]",
            panel=SELECT,
            about="completed, failed, cancelled; default completed,cancelled",
        ),
    ] = "completed,cancelled",
    queue: options.Queue = None,
    task: options.Task = None,
    everything: options.All = False,
    keep: Annotated[
        str, value("--keep", metavar="N", panel=SELECT, about="spare the newest N of each task name")
    ] = "0",
    limit: options.Limit = None,
    batch: Annotated[
        str, value("--batch", metavar="N", panel=ACT, about="tasks per transaction; 5000")
    ] = "5000",
    pause: Annotated[str, value("--pause", metavar="DUR", panel=ACT, about="between batches; 50ms")] = "50ms",
    max_time: Annotated[
        str | None, value("--max-time", metavar="DUR", panel=ACT, about="stop after this, exit 0")
    ] = None,
    reason: options.Reason = "",
    yes: options.Yes = False,
    dry_run: options.DryRun = False,
) -> int:
    """Delete tasks that have finished, in small transactions. Ctrl-C stops after the current batch."""
    session = session_of(context)
    older_than_s = values.duration_or_none("--older-than", older_than, bare=False)
    if older_than_s is None and not everything:
        raise usage(
            "purge: say how old: --older-than 7d, or --all", tries=["taskctl purge --older-than 7d --dry-run"]
        )
    doomed = Doomed(
        statuses=_final(status),
        older_than_s=older_than_s,
        queue=queue,
        task=task,
        keep=values.whole("--keep", keep),
        limit=values.limit(limit, None),
        batch=values.whole("--batch", batch, 1, 100_000),
        pause_s=values.duration("--pause", pause),
        max_time_s=values.duration_or_none("--max-time", max_time),
    )
    return _purge(session, doomed, reason, everything=everything, yes=yes, dry_run=dry_run)


def _final(text: str) -> tuple[str, ...]:
    found = selectors.statuses(text)
    for word in found:
        if word not in FINAL:
            raise bad_value("--status", text, f"{word} tasks have not finished; there are {', '.join(FINAL)}")
    return tuple(word.upper() for word in found)


def _purge(
    session: Session, doomed: Doomed, reason: str, *, everything: bool, yes: bool, dry_run: bool
) -> int:
    alias = session.open()
    from django_task_worker import queries

    selectors.require_queue(doomed.queue, alias)
    before = None
    if doomed.older_than_s is not None:
        before = queries.database_now(alias) - timedelta(seconds=doomed.older_than_s)
    action = Action(session, "purge", dry_run=dry_run, selector=doomed.words, reason=reason)
    needs_count = dry_run or not yes or session.terminal.is_json
    if needs_count:
        found = queries.purgeable(_criteria(doomed, before), alias)
        action.matched = found if doomed.limit is None else min(found, doomed.limit)
        if not action.matched:
            action.finish("nothing to purge")
            return exits.OK
    what = _what(doomed, action.matched)
    if dry_run:
        action.changed = action.matched
        action.finish(f"would delete {what}")
        return exits.OK
    if not yes:
        _ask(session, what, action.matched, everything=everything)
    return _delete(doomed, before, action, alias)


def _what(doomed: Doomed, number: int) -> str:
    words = " or ".join(status.lower() for status in doomed.statuses)
    age = "" if doomed.older_than_s is None else f" older than {exact(doomed.older_than_s)}"
    return f"{number:,} {words} task{'' if number == 1 else 's'}{age}"


def _ask(session: Session, what: str, number: int, *, everything: bool) -> None:
    or_else = f"purge would delete {count(number)}"
    if number > MANY or everything:
        session.terminal.confirm(
            f"delete {what}? This cannot be undone. Type {number} to go on:",
            or_else=or_else,
            expect=str(number),
        )
    else:
        session.terminal.confirm(f"delete {what}? [y/N]", or_else=or_else)


def _criteria(doomed: Doomed, before: datetime | None) -> dict[str, object]:
    return {
        "before": before,
        "statuses": doomed.statuses,
        "queue": doomed.queue,
        "names": doomed.task,
        "keep": doomed.keep,
    }


def _delete(doomed: Doomed, before: datetime | None, action: Action, alias: str) -> int:
    from django_task_worker import lifecycle

    ending = ""
    terminal = action.session.terminal
    with action, interrupts() as pressed, Progress(terminal, "deleted", action.matched) as progress:
        while doomed.limit is None or action.changed < doomed.limit:
            size = doomed.batch if doomed.limit is None else min(doomed.batch, doomed.limit - action.changed)
            gone = lifecycle.purge(
                before=before,
                statuses=doomed.statuses,
                limit=size,
                keep=doomed.keep,
                queue=doomed.queue,
                names=doomed.task,
                using=alias,
            )
            action.gone(gone)
            progress.update(action.changed)
            if len(gone) < size:
                break
            if pressed():
                ending = ", stopped by Ctrl-C"
                break
            if doomed.max_time_s is not None and time.monotonic() - action.began >= doomed.max_time_s:
                ending = f", stopped after {exact(doomed.max_time_s)}"
                break
            time.sleep(doomed.pause_s)
    action.matched = max(action.matched, action.changed)
    action.finish(f"deleted {count(action.changed)}{ending}")
    return exits.INTERRUPTED if pressed() else exits.OK
