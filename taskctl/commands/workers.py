"""`taskctl workers`: list, drain, forget."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

from taskctl import exits, options, selectors, times, values
from taskctl.errors import CommandError, usage, worker_not_found
from taskctl.options import ACT, flag, value
from taskctl.progress import Progress
from taskctl.report import Action, count
from taskctl.session import Session, session_of
from taskctl.verb import noun, verb

if TYPE_CHECKING:
    from django_task_worker.models import Worker
    from django_task_worker.overview import WorkersNow

WHICH = "Which ones"
LOOK_EVERY_S = 0.5
MOST_NAMED = 10


@verb("taskctl workers list [--min N]", "taskctl workers list", "taskctl workers list --json | jq .busy")
def list_workers(
    context: typer.Context,
    least: Annotated[
        str | None, value("--min", metavar="N", about="exit 1 if fewer are up; draining ones do not count")
    ] = None,
) -> int:
    """List the workers that have not signed off: slots, busy, when last seen, what they have done.

    A worker that has not been seen for longer than a lease (30 s) is lost.
    """
    session = session_of(context)
    wanted = values.whole_or_none("--min", least)
    columns = _columns(session)
    alias = session.open()
    from django_task_worker import overview
    from taskctl.listing import Listing

    found = overview.workers(alias)
    Listing(columns, session.terminal, key="name").show(_objects(found), times.from_epoch(found.at))
    if not found.rows and session.terminal.form == "table":
        session.terminal.note("no worker is up; start one: taskctl worker")
    up = sum(found.standing(row) == "up" for row in found.rows)
    if wanted is not None and up < wanted:
        session.terminal.note(f"{count(up, 'worker')} up, fewer than {wanted}")
        return exits.NEGATIVE
    return exits.OK


def _columns(session: Session) -> Sequence[Any]:
    from taskctl.listing import choose
    from taskctl.render.workers import COLUMNS, MORE

    return choose(COLUMNS, MORE, session.terminal)


def _objects(found: WorkersNow, ids: Sequence[str] | None = None) -> list[dict[str, Any]]:
    from taskctl.render.workers import as_object

    return [
        as_object(row, at=found.at, status=status, busy=0 if status == "lost" else min(row.held, row.slots))
        for row in found.rows
        if ids is None or row.id in ids
        for status in [found.standing(row)]
    ]


@verb(
    "taskctl workers drain NAME… | --all [--wait] [--timeout DUR]",
    "taskctl workers drain web1-4711",
    "taskctl workers drain --all --timeout 5m",
)
def drain(
    context: typer.Context,
    names: Annotated[list[str] | None, typer.Argument(metavar="NAME…", show_default=False)] = None,
    everything: Annotated[bool, flag("--all", panel=WHICH, about="all that are up")] = False,
    wait: Annotated[bool, flag("--wait", panel=ACT, about="until they have ended")] = False,
    timeout: Annotated[
        str | None, value("--timeout", metavar="DUR", panel=ACT, about="wait, but no longer; exit 124")
    ] = None,
    reason: options.Reason = "",
) -> int:
    """Let workers finish what they run, take no more, and exit. They notice within a heartbeat (10 s).

    Nothing is cut off, however long it runs. Whoever supervises a worker decides whether it starts again:
    one that was drained ends with 0.
    """
    session = session_of(context)
    if bool(names) == everything:
        raise usage("workers drain: say which: a name, or --all", tries=["taskctl workers"])
    timeout_s = values.duration_or_none("--timeout", timeout)
    alias = session.open()
    from django_task_worker import overview, registry

    targets = _named(names or [], registry.live_workers(alias))
    ids = [worker.pk for worker in targets]
    selector = "--all" if everything else selectors.typed({}, *(names or [])[:MOST_NAMED])
    action = Action(session, "drain", matched=len(targets), selector=selector, reason=reason)
    if not targets:
        action.finish("no worker is up")
        return exits.OK
    with action:
        asked = registry.drain(ids, alias)
        drained = [worker.name for worker in targets if worker.pk in asked]
        action.tell(drained, lambda: _objects(overview.workers(alias), asked))
    action.finish(_drained(drained, len(targets) - len(drained), registry.heartbeat_s()))
    if wait or timeout is not None:
        return _wait(session, ids, timeout_s, alias)
    return exits.OK


def _named(names: Sequence[str], live: Sequence[Worker]) -> list[Worker]:
    """Those workers, all of them without names. Raises CommandError for one that is not up."""
    for name in names:
        if name not in {worker.name for worker in live}:
            raise worker_not_found(name, [worker.name for worker in live])
    return [worker for worker in live if not names or worker.name in names]


def _drained(names: Sequence[str], before: int, heartbeat_s: float) -> str:
    already = f"{count(before, 'worker')} had been asked before" if before else ""
    if not names:
        return already
    who = ", ".join(names[:MOST_NAMED]) + (" …" if len(names) > MOST_NAMED else "")
    verbs = "finishes what it runs and ends" if len(names) == 1 else "finish what they run and end"
    text = f"{who} {verbs}, noticed within {heartbeat_s:.0f}s; to have one again: taskctl worker"
    return f"{text}; {already}" if already else text


def _wait(session: Session, ids: Sequence[str], timeout_s: float | None, alias: str) -> int:
    """Until none of them is up; those that are lost are told, and count as a failure."""
    from django_task_worker import overview, registry

    end = None if timeout_s is None else time.monotonic() + timeout_s
    with Progress(session.terminal, "drained", len(ids)) as progress:
        while left := [worker for worker in registry.live_workers(alias) if worker.pk in ids]:
            progress.update(len(ids) - len(left))
            if end is not None and time.monotonic() >= end:
                raise _timed_out(_objects(overview.workers(alias), ids), timeout_s or 0.0)
            time.sleep(LOOK_EVERY_S if end is None else min(LOOK_EVERY_S, max(0.0, end - time.monotonic())))
    lost = [worker.name for worker in registry.lost_workers(alias) if worker.pk in ids]
    if lost:
        session.terminal.note(f"lost before they had ended: {', '.join(lost)}")
        return exits.NEGATIVE
    return exits.OK


def _timed_out(left: Sequence[dict[str, Any]], timeout_s: float) -> CommandError:
    from taskctl.durations import exact

    names = ", ".join(f"{worker['name']} ({worker['busy']} running)" for worker in left[:MOST_NAMED])
    return CommandError(
        "timed-out",
        exits.TIMED_OUT,
        f"not ended after {exact(timeout_s)}: {names}",
        tries=["taskctl workers drain --all --wait      to wait on; taskctl list --status running"],
    )


@verb("taskctl workers forget --lost", "taskctl workers forget --lost", "taskctl workers forget --lost --yes")
def forget(
    context: typer.Context,
    lost: Annotated[bool, flag("--lost", panel=WHICH, about="not seen for ten heartbeats (100 s)")] = False,
    reason: options.Reason = "",
    yes: options.Yes = False,
) -> int:
    """Remove lost workers from the list. Their tasks are taken back by others in any case."""
    session = session_of(context)
    if not lost:
        raise usage("workers forget: say which: --lost", tries=["taskctl workers forget --lost"])
    alias = session.open()
    from django_task_worker import registry

    gone = registry.forgettable(alias)
    action = Action(session, "forget", matched=len(gone), selector="--lost", reason=reason)
    if not gone:
        action.finish("no worker has been lost for so long")
        return exits.OK
    if not yes:
        confirm_forgetting(session, gone, "workers forget")
    names = [worker.name for worker in gone]
    with action:
        registry.forget([worker.pk for worker in gone], alias)
        action.tell(names, lambda: [{"v": 1, "type": "forgotten", "name": name} for name in names])
    action.finish(f"forgot {count(len(gone), 'lost worker')}")
    return exits.OK


def confirm_forgetting(session: Session, gone: Sequence[Worker], command: str) -> None:
    """Raises CommandError when the answer is no, or nobody can be asked."""
    names = ", ".join(worker.name for worker in gone[:MOST_NAMED]) + (" …" if len(gone) > MOST_NAMED else "")
    whom = count(len(gone), "lost worker")
    session.terminal.confirm(
        f"forget {whom} ({names})? [y/N]", or_else=f"{command} would remove {whom}", dry_run=False
    )


workers = noun(
    "taskctl workers [list] [--min N]"
    "  |  taskctl workers drain NAME… | --all [--wait] [--timeout DUR]"
    "  |  taskctl workers forget --lost [--yes]",
    "taskctl workers --min 1",
    "taskctl workers drain --all --timeout 5m",
    list=list_workers,
    drain=drain,
    forget=forget,
)
