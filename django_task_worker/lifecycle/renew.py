"""Renew what is running: leases, true starting times, and what was asked for meanwhile."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from django_task_worker.events import Event, EventName, announce
from django_task_worker.expressions import DatabaseNow, ago, later
from django_task_worker.lifecycle.values import Claimed
from django_task_worker.models import RUNNING, DatabaseTask, TaskQuerySet

CHUNK = 5000


@dataclass(frozen=True, kw_only=True, slots=True)
class Renewal:
    """`held`: ids that are ours still, by lease. `cancelling`: those of them that are to be stopped."""

    held: dict[str, str]
    cancelling: frozenset[str]


Held = Sequence[tuple[str, str]]
"""Pairs of a task's id and the lease under which we hold it."""


def renew(believed: Held, lease_s: float, using: str) -> Renewal:
    """Extend the leases of these tasks, in one UPDATE for some thousands of them."""
    rows: list[tuple[str, str | None, datetime | None]] = []
    for mine in _mine(believed, using):
        mine.update(lease_expires_at=later(lease_s), updated_at=DatabaseNow())
        rows += mine.values_list("pk", "lease", "cancel_requested_at")
    return Renewal(
        held={task_id: lease or "" for task_id, lease, _ in rows},
        cancelling=frozenset(task_id for task_id, _, requested_at in rows if requested_at is not None),
    )


def cancelling(believed: Held, using: str) -> frozenset[str]:
    """Those of these tasks that somebody wants to have stopped."""
    found: set[str] = set()
    for mine in _mine(believed, using):
        found.update(mine.filter(cancel_requested_at__isnull=False).values_list("pk", flat=True))
    return frozenset(found)


def _mine(believed: Held, using: str) -> Iterator[TaskQuerySet]:
    """What is still ours of it, by primary key: an index on the lease would cost every claim more."""
    for start in range(0, len(believed), CHUNK):
        ids, leases = zip(*believed[start : start + CHUNK], strict=True)
        yield DatabaseTask.objects.using(using).filter(RUNNING, pk__in=ids, lease__in=set(leases))


def announce_started(tasks: Sequence[Claimed], worker: str, using: str) -> None:
    """Tell others which tasks have begun."""
    announce(
        [
            Event(
                event=EventName.TASK_STARTED,
                task_id=task.id,
                name=task.name,
                queue=task.queue,
                worker=worker,
                tries=task.retry_count + 1,
                wait_s=task.wait_s,
            )
            for task in tasks
        ],
        using,
    )


def mark_started(tasks: Sequence[tuple[Claimed, float]], using: str) -> None:
    """Write when tasks began that are still running: pairs of the task and its run time in seconds."""
    for task, run_s in tasks:
        mine = DatabaseTask.objects.using(using).filter(RUNNING, pk=task.id, lease=task.lease)
        mine.filter(started_at__isnull=True).update(started_at=ago(run_s))
