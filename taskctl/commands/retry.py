"""`taskctl retry` and `taskctl retry-failed`"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Annotated

import typer

from taskctl import exits, options, selectors, values
from taskctl.errors import usage
from taskctl.options import ACT, flag, value
from taskctl.progress import Progress
from taskctl.report import Action, count
from taskctl.selectors import Selector
from taskctl.session import Session, session_of
from taskctl.verb import verb

FAILED = "failed for good"
CHUNK = 1000

QueueTo = Annotated[str | None, value("--queue-to", metavar="Q", panel=ACT, about="move them to this queue")]
Delay = Annotated[str | None, value("--delay", metavar="DUR", panel=ACT, about="not before this has passed")]
Spread = Annotated[
    str | None, value("--spread", metavar="DUR", panel=ACT, about="spread their starts over this time")
]
Force = Annotated[bool, flag("--force", panel=ACT, about="completed ones too")]


@dataclass(frozen=True, kw_only=True)
class How:
    """How to start them over."""

    queue: str | None
    delay_s: float
    spread_s: float
    force: bool
    limit: int | None
    reason: str
    yes: bool
    dry_run: bool


@verb(
    "taskctl retry ID… | --failed | --status failed [SELECTORS]",
    "taskctl retry --failed --since -1h --task 'mail.*'",
    "taskctl retry 7h2k9qxd --delay 5m",
)
def retry(
    context: typer.Context,
    ids: options.Ids = None,
    failed: Annotated[
        bool, flag("--failed", panel=options.SELECT, about="those that failed for good")
    ] = False,
    status: options.Status = None,
    queue: options.Queue = None,
    task: options.Task = None,
    worker: options.WorkerName = None,
    error: options.ErrorText = None,
    since: options.Since = None,
    until: options.Until = None,
    older_than: options.OlderThan = None,
    everything: options.All = False,
    limit: options.Limit = None,
    queue_to: QueueTo = None,
    delay: Delay = None,
    spread: Spread = None,
    force: Force = False,
    reason: options.Reason = "",
    yes: options.Yes = False,
    dry_run: options.DryRun = False,
) -> int:
    """Run failed tasks again: they are put back to pending and their counters start over.

    Only tasks that failed for good are taken, or by id cancelled ones too; others are skipped.
    """
    if ids == ["failed"]:  # people will type it
        ids, failed = None, True
    if failed and status is not None:
        raise usage("--failed and --status: one of them")
    selector = selectors.read(
        ids=ids,
        status=status,
        queue=queue,
        task=task,
        worker=worker,
        error=error,
        since=since,
        until=until,
        older_than=older_than,
        everything=everything,
    )
    if not failed:
        selector.require("retry", "an id, --failed, --status failed")
    how = _how(queue_to, delay, spread, limit, reason, force=force, yes=yes, dry_run=dry_run)
    is_narrow = bool(failed or ids or status)
    return _retry(session_of(context), selector, how, failed=failed, asks_off_terminal=not is_narrow)


@verb(
    "taskctl retry-failed [SELECTORS]",
    "taskctl retry-failed",
    "taskctl retry-failed --since -1h --spread 10m",
)
def retry_failed(
    context: typer.Context,
    queue: options.Queue = None,
    task: options.Task = None,
    worker: options.WorkerName = None,
    error: options.ErrorText = None,
    since: options.Since = None,
    until: options.Until = None,
    older_than: options.OlderThan = None,
    limit: options.Limit = None,
    queue_to: QueueTo = None,
    delay: Delay = None,
    spread: Spread = None,
    reason: options.Reason = "",
    yes: options.Yes = False,
    dry_run: options.DryRun = False,
) -> int:
    """Run again what failed for good. The short form of: taskctl retry --failed"""
    selector = selectors.read(
        queue=queue, task=task, worker=worker, error=error, since=since, until=until, older_than=older_than
    )
    how = _how(queue_to, delay, spread, limit, reason, force=False, yes=yes, dry_run=dry_run)
    return _retry(session_of(context), selector, how, failed=True, asks_off_terminal=False)


def _how(
    queue: str | None,
    delay: str | None,
    spread: str | None,
    limit: str | None,
    reason: str,
    *,
    force: bool,
    yes: bool,
    dry_run: bool,
) -> How:
    return How(
        queue=queue,
        delay_s=values.duration_or_none("--delay", delay) or 0.0,
        spread_s=values.duration_or_none("--spread", spread) or 0.0,
        force=force,
        limit=values.limit(limit, None),
        reason=reason,
        yes=yes,
        dry_run=dry_run,
    )


def _retry(session: Session, selector: Selector, how: How, *, failed: bool, asks_off_terminal: bool) -> int:
    alias = session.open()
    from django_task_worker import functions, lifecycle, queries

    if how.queue is not None:
        functions.check_queue(how.queue)
    selection = selectors.place(selector, session, alias)
    if failed or not (selection.ids or selection.statuses):
        selection = replace(selection, statuses=(FAILED,))
    ids = (
        list(selection.ids)
        if selection.ids is not None and _is_ids_only(selector)
        else queries.ids(queries.select(selection, alias), limit=how.limit)
    )
    words = ["--failed"] if failed else []
    action = Action(
        session,
        "retry",
        dry_run=how.dry_run,
        matched=len(ids),
        selector=" ".join([*words, selector.words]).strip(),
        reason=how.reason,
    )
    if not ids:
        action.finish("nothing to retry")
        return exits.OK
    if how.dry_run:
        would = lifecycle.requeueable(ids, force=how.force, using=alias)
        action.done(would)
        action.finish(f"would retry {count(len(would))}{_skipped(action, ids, alias)}")
        return exits.OK
    if len(ids) > 1 and not how.yes and (session.terminal.can_ask or asks_off_terminal):
        session.terminal.confirm(
            f"retry {count(len(ids))}? [y/N]", or_else=f"retry would start {count(len(ids))} over"
        )
    _start_over(ids, how, alias, action)
    session.settle()
    action.finish(_sentence(action, ids, alias))
    return exits.OK


def _is_ids_only(selector: Selector) -> bool:
    return selector == Selector(ids=selector.ids)


def _start_over(ids: Sequence[str], how: How, alias: str, action: Action) -> None:
    from django_task_worker import lifecycle

    total = len(ids)
    with action, Progress(action.session.terminal, "retried", total) as progress:
        for start in range(0, total, CHUNK):
            part = ids[start : start + CHUNK]
            share = how.spread_s / total
            done = lifecycle.requeue(
                part,
                force=how.force,
                queue=how.queue,
                delay_s=how.delay_s + share * start,
                spread_s=share * len(part),
                using=alias,
            )
            action.done(done)
            progress.update(action.changed)


def _sentence(action: Action, ids: Sequence[str], alias: str) -> str:
    return f"{count(action.changed)} pending again{_skipped(action, ids, alias)}"


def _skipped(action: Action, ids: Sequence[str], alias: str) -> str:
    if not action.skipped:
        return ""
    reason = _reason(ids, alias) if len(ids) == 1 else " (not failed for good)"
    return f", {action.skipped:,} skipped{reason}"


def _reason(ids: Sequence[str], alias: str) -> str:
    from django_task_worker import queries
    from taskctl.render.tasks import status_of

    found = queries.light(ids, alias)
    words = {status_of(task, queries.database_now(alias)) for task in found.values()}
    hint = "; --force retries it all the same" if words == {"completed"} else ""
    return f" (it is {', '.join(words)}{hint})"
