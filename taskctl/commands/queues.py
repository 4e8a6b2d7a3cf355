"""`taskctl queues`: list, pause, resume."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Annotated, Any

import typer

from taskctl import exits, options, selectors, times, values
from taskctl.durations import brief, exact
from taskctl.errors import usage
from taskctl.options import ACT, flag, value
from taskctl.report import Action, count
from taskctl.session import Session, session_of
from taskctl.verb import noun, verb

if TYPE_CHECKING:
    from datetime import datetime

    from django_task_worker.overview import QueueNow, QueuesNow

WHICH, ALARM = "Which ones", "As a check"
Names = Annotated[list[str] | None, typer.Argument(metavar="Q…", show_default=False)]


@verb(
    "taskctl queues list [Q…] [--max-pending N] [--max-age DUR]",
    "taskctl queues list mail reports",
    "taskctl queues list --max-pending 1000 --max-age 5m -q",
)
def list_queues(
    context: typer.Context,
    names: Names = None,
    max_pending: Annotated[
        str | None, value("--max-pending", metavar="N", panel=ALARM, about="exit 1 if more are due in one")
    ] = None,
    max_age: Annotated[
        str | None,
        value("--max-age", metavar="DUR", panel=ALARM, about="exit 1 if a task has been due for longer"),
    ] = None,
) -> int:
    """List the queues: what waits, runs and is paused, how fast it goes, how many workers listen.

    A queue needs no setting up: it is known once a task or a worker names it.
    """
    session = session_of(context)
    most = values.whole_or_none("--max-pending", max_pending)
    oldest_s = values.duration_or_none("--max-age", max_age)
    columns = _columns(session)
    alias = session.open()
    from django_task_worker import overview
    from taskctl.listing import Listing

    _require(names or [], alias)
    found = _only(overview.queues(alias), names)
    Listing(columns, session.terminal, key="queue").show(objects(found), times.from_epoch(found.at))
    if not found.queues and session.terminal.form == "table":
        session.terminal.note("no queues yet: the first task, or taskctl worker --queue Q, makes one")
    complaints = _complaints(found, most, oldest_s, alias)
    for complaint in complaints:
        session.terminal.note(complaint)
    return exits.NEGATIVE if complaints else exits.OK


def _columns(session: Session) -> Sequence[Any]:
    from taskctl.listing import choose
    from taskctl.render.queues import COLUMNS, MORE

    return choose(COLUMNS, MORE, session.terminal)


def _only(found: QueuesNow, names: Sequence[str] | None) -> QueuesNow:
    if not names:
        return found
    return found._replace(queues=tuple(queue for queue in found.queues if queue.row.name in names))


def objects(found: QueuesNow) -> list[dict[str, Any]]:
    """The JSON objects `queue`."""
    from taskctl.render.queues import as_object

    return [
        as_object(
            queue.row,
            at=found.at,
            per_second=queue.rate,
            wait_p95_s=queue.wait_p95_s,
            run_p95_s=queue.run_p95_s,
            workers=queue.workers,
        )
        for queue in found.queues
    ]


def _complaints(found: QueuesNow, most: int | None, oldest_s: float | None, alias: str) -> list[str]:
    complaints = []
    for queue in found.queues:
        row = queue.row
        if most is not None and _has_more(queue, most, alias):
            complaints.append(f"{row.name}: more than {count(most)} due")
        if oldest_s is not None and row.pending and row.oldest_at is not None:
            age_s = found.at - row.oldest_at
            if age_s > oldest_s:
                complaints.append(f"{row.name}: due for {brief(age_s)}, longer than {exact(oldest_s)}")
    return complaints


def _has_more(queue: QueueNow, most: int, alias: str) -> bool:
    """The overview counts up to a cap; beyond that it is counted here."""
    from django_task_worker import queries
    from django_task_worker.snapshot.rows import CAP

    if queue.row.pending <= CAP or most < CAP:
        return queue.row.pending > most
    waiting = queries.select(queries.Selection(queues=(queue.row.name,), statuses=("pending",)), alias)
    return queries.count(waiting.due(), cap=most) > most


def _require(names: Sequence[str], alias: str) -> None:
    """Raises CommandError for a queue that nobody knows."""
    for name in names:
        selectors.require_queue(name, alias)


@verb(
    "taskctl queues pause Q… [--for DUR] [--reason TEXT]",
    "taskctl queues pause mail --for 30m --reason 'the mail server is away'",
    "taskctl queues pause reports imports",
)
def pause(
    context: typer.Context,
    names: Names = None,
    for_: Annotated[
        str | None, value("--for", metavar="DUR", panel=ACT, about="goes on by itself after this")
    ] = None,
    reason: options.Reason = "",
    create: Annotated[bool, flag("--create", panel=ACT, about="also one that nobody has used yet")] = False,
) -> int:
    """Let nobody take tasks from queues, until they are resumed. What runs goes on; new tasks wait."""
    session = session_of(context)
    if not names:
        raise usage("queues pause: say which", tries=["taskctl queues"])
    for_s = values.duration_or_none("--for", for_, bare=False)
    names = list(dict.fromkeys(names))
    alias = session.open()
    from django_task_worker import functions, operation_log, overview, queries, registry

    if create:
        for name in names:
            functions.check_queue(name)
    else:
        _require(names, alias)
    until = None if for_s is None else queries.database_now(alias) + timedelta(seconds=for_s)
    action = Action(session, "pause", matched=len(names), reason=reason)
    for name in names:
        registry.pause(name, by=operation_log.this_user(), reason=reason, until=until, using=alias)
        _remember("pause", name, reason, alias)
    action.tell(names, lambda: objects(_only(overview.queues(alias), names)))
    session.settle()
    action.finish(_paused(names, for_s, until, session))
    return exits.OK


def _paused(names: Sequence[str], for_s: float | None, until: datetime | None, session: Session) -> str:
    text = f"paused {', '.join(names)}"
    if for_s is not None and until is not None:
        text += f" for {exact(for_s)}, until {times.local(until, selectors.zone(session))}"
    return f"{text}; undo: taskctl queues resume {selectors.typed({}, *names)}"


def _remember(verb: str, name: str, reason: str, alias: str) -> None:
    """One entry a queue: who polls the database for events reads them there."""
    from django_task_worker import operation_log

    operation_log.record(verb, matched=1, changed=1, selector=f"queue {name}", reason=reason, using=alias)


@verb("taskctl queues resume Q… | --all", "taskctl queues resume mail", "taskctl queues resume --all")
def resume(
    context: typer.Context,
    names: Names = None,
    everything: Annotated[bool, flag("--all", panel=WHICH, about="all that are paused")] = False,
    reason: options.Reason = "",
) -> int:
    """Let workers take tasks from queues again."""
    session = session_of(context)
    if bool(names) == everything:
        raise usage("queues resume: say which, or --all", tries=["taskctl queues"])
    alias = session.open()
    from django_task_worker import overview, registry

    _require(names or [], alias)
    wanted = list(dict.fromkeys(names or registry.paused_queues(alias)))
    action = Action(session, "resume", matched=len(wanted), reason=reason)
    resumed = [name for name in wanted if registry.resume(name, using=alias)]
    for name in resumed:
        _remember("resume", name, reason, alias)
    action.tell(resumed, lambda: objects(_only(overview.queues(alias), resumed)) if resumed else [])
    session.settle()
    if not resumed:
        action.finish("nothing was paused" if everything else f"{', '.join(wanted)}: not paused")
    else:
        undo = f"; undo: taskctl queues pause {selectors.typed({}, *resumed)}"
        action.finish(f"resumed {', '.join(resumed)}{undo}")
    return exits.OK


queues = noun(
    "taskctl queues [list] [--max-pending N] [--max-age DUR]"
    "  |  taskctl queues pause Q… [--for DUR] [--reason TEXT] [--create]"
    "  |  taskctl queues resume Q… | --all",
    "taskctl queues",
    "taskctl queues pause mail --for 30m --reason 'the mail server is away'",
    list=list_queues,
    pause=pause,
    resume=resume,
)
