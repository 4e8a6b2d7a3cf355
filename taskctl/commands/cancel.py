"""`taskctl cancel`"""

from __future__ import annotations

from dataclasses import replace

import typer

from taskctl import exits, options, selectors, values
from taskctl.progress import Progress
from taskctl.report import Action, count
from taskctl.session import Session, session_of
from taskctl.verb import verb

UNFINISHED = ("pending", "running", "retrying")


@verb(
    "taskctl cancel ID… | SELECTORS",
    "taskctl cancel 7h2k9qxd",
    "taskctl cancel --queue imports --status pending --yes",
)
def cancel(
    context: typer.Context,
    ids: options.Ids = None,
    status: options.Status = None,
    queue: options.Queue = None,
    task: options.Task = None,
    worker: options.WorkerName = None,
    since: options.Since = None,
    until: options.Until = None,
    older_than: options.OlderThan = None,
    everything: options.All = False,
    limit: options.Limit = None,
    reason: options.Reason = "",
    yes: options.Yes = False,
    dry_run: options.DryRun = False,
) -> int:
    """Cancel waiting tasks at once; ask the worker of a running one to stop it by force.

    Tasks that have finished are skipped.
    """
    session = session_of(context)
    selector = selectors.read(
        ids=ids,
        status=status,
        queue=queue,
        task=task,
        worker=worker,
        since=since,
        until=until,
        older_than=older_than,
        everything=everything,
    )
    selector.require("cancel", "an id, --queue Q, --status pending")
    most = values.limit(limit, None)
    alias = session.open()
    from django_task_worker import queries

    selection = selectors.place(selector, session, alias)
    if not selection.statuses:
        selection = replace(selection, statuses=UNFINISHED)
    tasks = queries.select(selection, alias)
    found = queries.ids(tasks, limit=most)
    action = Action(
        session,
        "cancel",
        dry_run=dry_run,
        matched=len(selection.ids or found),
        selector=selector.words,
        reason=reason,
    )
    if not found:
        action.finish("nothing to cancel" if not selection.ids else "nothing to cancel: it has finished")
        return exits.OK
    if dry_run:
        action.done(found)
        action.finish(f"would cancel {count(len(found))}")
        return exits.OK
    running = queries.count(tasks.filter(queries.STATUS_WORDS["running"]), cap=None)
    if not yes and (len(found) > 1 or running):
        _ask(session, len(found), running)
    return _cancel(session, found, action)


def _ask(session: Session, number: int, running: int) -> None:
    whom = "a running task" if number == running == 1 else count(number)
    if running and number > 1:
        whom += f", {running:,} of them running"
    session.terminal.confirm(f"cancel {whom}? [y/N]", or_else=f"cancel would stop {whom}")


def _cancel(session: Session, ids: list[str], action: Action) -> int:
    from django_task_worker import lifecycle

    cancelled = requested = 0
    with action, Progress(session.terminal, "cancelled", len(ids)) as progress:
        for start in range(0, len(ids), 1000):
            done = lifecycle.cancel(ids[start : start + 1000], using=session.alias)
            cancelled += len(done.cancelled)
            requested += len(done.requested)
            action.done([*done.cancelled, *done.requested])
            progress.update(action.changed)
    session.settle()
    parts = [f"{count(cancelled)} cancelled"] if cancelled or not requested else []
    if requested:
        parts.append(
            f"the worker of {count(requested)} is asked to stop {'it' if requested == 1 else 'them'}"
        )
    action.finish(", ".join(parts))
    return exits.OK
