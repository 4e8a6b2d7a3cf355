"""`taskctl requeue` and `taskctl requeue-stale`"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from taskctl import exits, options, selectors, values
from taskctl.errors import bad_value, usage
from taskctl.options import ACT, SELECT, flag, value
from taskctl.report import Action, count
from taskctl.session import Session, session_of
from taskctl.verb import verb

if TYPE_CHECKING:
    from django_task_worker.lifecycle import Rescued

OlderThan = Annotated[
    str | None,
    value(
        "--older-than", metavar="DUR", panel=SELECT, about="only if the lease ended longer ago; default 0s"
    ),
]
MaxTries = Annotated[
    str,
    value("--max-tries", metavar="WHAT", panel=ACT, about="with no tries left: fail (default) or requeue"),
]
FailIfAny = Annotated[bool, flag("--fail-if-any", panel=ACT, about="exit 1 if there were any")]


@verb(
    "taskctl requeue --stale | ID…",
    "taskctl requeue --stale",
    "*/5 * * * *  cd ~/shop && .venv/bin/taskctl requeue --stale -q",
)
def requeue(
    context: typer.Context,
    ids: options.Ids = None,
    stale: Annotated[bool, flag("--stale", panel=SELECT, about="running tasks whose worker is gone")] = False,
    older_than: OlderThan = None,
    queue: options.Queue = None,
    limit: options.Limit = None,
    max_tries: MaxTries = "fail",
    reason: options.Reason = "",
    dry_run: options.DryRun = False,
    fail_if_any: FailIfAny = False,
) -> int:
    """Put back tasks whose worker died: with tries left they run again, without they are failed as lost.

    Live workers do this by themselves every 10 s; the command is for cron, CI and when no worker is up.
    Safe to run twice or in parallel. With ids, only those of them that are stale.
    """
    if not stale and not ids:
        raise usage("requeue: say which: --stale, or ids", tries=["taskctl requeue --stale"])
    return _requeue(
        session_of(context),
        ids or (),
        older_than,
        queue,
        limit,
        max_tries,
        reason,
        dry_run=dry_run,
        fail_if_any=fail_if_any,
    )


@verb(
    "taskctl requeue-stale [FLAGS]",
    "taskctl requeue-stale",
    "taskctl requeue-stale --older-than 5m --dry-run",
)
def requeue_stale(
    context: typer.Context,
    older_than: OlderThan = None,
    queue: options.Queue = None,
    limit: options.Limit = None,
    max_tries: MaxTries = "fail",
    reason: options.Reason = "",
    dry_run: options.DryRun = False,
    fail_if_any: FailIfAny = False,
) -> int:
    """Put back tasks whose worker died. The same as: taskctl requeue --stale"""
    return _requeue(
        session_of(context),
        [],
        older_than,
        queue,
        limit,
        max_tries,
        reason,
        dry_run=dry_run,
        fail_if_any=fail_if_any,
    )


def _requeue(
    session: Session,
    texts: Sequence[str],
    older_than: str | None,
    queue: str | None,
    limit: str | None,
    max_tries: str,
    reason: str,
    *,
    dry_run: bool,
    fail_if_any: bool,
) -> int:
    older_than_s = values.duration_or_none("--older-than", older_than, bare=False) or 0.0
    most = values.limit(limit, None)
    lost = _lost(max_tries)
    selector = selectors.read(ids=texts, queue=queue)
    alias = session.open()
    from django_task_worker import lifecycle, queries

    selection = selectors.place(selector, session, alias)
    ids = None if selection.ids is None else list(selection.ids)
    words = selectors.typed({"--queue": queue, "--older-than": older_than}, *(ids or ["--stale"])[:20])
    action = Action(session, "requeue", dry_run=dry_run, selector=words, reason=reason)
    if dry_run:
        tasks = queries.lost(alias, older_than_s=older_than_s, queue=queue)
        found = queries.ids(tasks if ids is None else tasks.filter(pk__in=ids), limit=most)
        action.matched = len(ids or found)
        action.done(found)
        action.finish(f"would put back {count(len(found))}")
        return exits.NEGATIVE if fail_if_any and found else exits.OK
    done: list[Rescued] = []
    with action:
        while most is None or len(done) < most:
            size = 1000 if most is None else min(1000, most - len(done))
            part = lifecycle.rescue(
                older_than_s=older_than_s, queue=queue, ids=ids, limit=size, lost=lost, using=alias
            )
            action.done([task.id for task in part])
            done += part
            if len(part) < size:
                break
    return _finish(session, action, done, ids, alias, fail_if_any=fail_if_any)


def _lost(text: str) -> Literal["fail", "requeue"]:
    if text == "fail":
        return "fail"
    if text == "requeue":
        return "requeue"
    raise bad_value("--max-tries", text, "choose fail or requeue")


def _finish(
    session: Session,
    action: Action,
    done: Sequence[Rescued],
    ids: Sequence[str] | None,
    alias: str,
    *,
    fail_if_any: bool,
) -> int:
    action.matched = len(ids) if ids is not None else len(done)
    skipped = [task_id for task_id in ids or () if task_id not in {task.id for task in done}]
    if skipped:
        _tell_skipped(session, skipped, alias)
    if done:
        session.settle()
        action.finish(_sentence(done))
    elif session.terminal.is_json:
        action.finish("")
    return exits.NEGATIVE if fail_if_any and done else exits.OK


def _sentence(done: Sequence[Rescued]) -> str:
    words = {"retry": "run again", "release": "run again", "fail": "failed as lost", "cancel": "cancelled"}
    numbers: dict[str, int] = {}
    for task in done:
        word = words.get(task.transition.value, task.transition.value)
        numbers[word] = numbers.get(word, 0) + 1
    parts = ", ".join(f"{number:,} {word}" for word, number in numbers.items())
    return f"{count(len(done), 'stale task')}: {parts}"


def _tell_skipped(session: Session, ids: Sequence[str], alias: str) -> None:
    from django_task_worker import queries
    from taskctl.render.tasks import status_of

    now = queries.database_now(alias)
    for task in queries.light(ids, alias).values():
        session.terminal.note(f"skipped {task.pk[:12]}: it is {status_of(task, now)}, not stale")
