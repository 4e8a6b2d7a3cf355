"""Renew what is running: leases, true starting times, and what was asked for meanwhile."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from django_task_worker.events import Event, EventName, announce
from django_task_worker.expressions import DatabaseNow, ago, later
from django_task_worker.lifecycle.values import Claimed
from django_task_worker.models import RUNNING, DatabaseTask


@dataclass(frozen=True, kw_only=True, slots=True)
class Renewal:
    """`held`: ids that are ours still, by lease. `cancelling`: those of them that are to be stopped."""

    held: dict[str, str]
    cancelling: frozenset[str]


def renew(leases: Sequence[str], lease_s: float, using: str) -> Renewal:
    """Extend every task that carries one of these leases, in one UPDATE."""
    mine = DatabaseTask.objects.using(using).filter(RUNNING, lease__in=leases)
    mine.update(lease_expires_at=later(lease_s), updated_at=DatabaseNow())
    rows = list(mine.values_list("pk", "lease", "cancel_requested_at"))
    return Renewal(
        held={task_id: lease or "" for task_id, lease, _ in rows},
        cancelling=frozenset(task_id for task_id, _, requested_at in rows if requested_at is not None),
    )


def cancelling(leases: Sequence[str], using: str) -> frozenset[str]:
    """The running tasks under these leases that somebody wants to have stopped."""
    asked = DatabaseTask.objects.using(using).filter(
        RUNNING, lease__in=leases, cancel_requested_at__isnull=False
    )
    return frozenset(asked.values_list("pk", flat=True))


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
