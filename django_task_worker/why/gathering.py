"""The facts about a task, from the database: bounded reads, however many tasks there are."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

from django.db.models import Q

from django_task_worker import functions, queries, registry, statistics
from django_task_worker.conf import settings
from django_task_worker.exceptions import InvalidTask
from django_task_worker.models import DatabaseTask, Queue, TaskQuerySet, Worker
from django_task_worker.states import Status
from django_task_worker.why.facts import AHEAD_CAP, Facts

RATE_WINDOW_S = 300.0


def gather(task: DatabaseTask, using: str) -> Facts:
    """The facts about this task."""
    now = queries.database_now(using)
    common: dict[str, Any] = {
        "task": task,
        "now": now,
        "lease_s": settings().lease_s,
        "sweep_s": settings().sweep_s,
        "has_log": task.logs.exists(),
    }
    if task.is_final:
        return Facts(**common)
    workers = registry.live_workers(using)
    if task.status == Status.PROGRESS:
        owner = Worker.objects.using(using).filter(name=task.worker or "").order_by("-seen_at").first()
        return Facts(**common, workers=workers, owner=owner)
    listening = [
        worker
        for worker in workers
        if registry.listens(worker, task.queue) and worker.state == Worker.State.UP
    ]
    queues = _shared_queues(listening, task.queue)
    return Facts(
        **common,
        workers=workers,
        listening=listening,
        pause=_pause(task.queue, now, using),
        ahead=_ahead(task, queues, now, using),
        rate=_rate(queues, using),
        misfit=_misfit(task.name),
    )


def _pause(queue: str, now: datetime, using: str) -> Queue | None:
    row = Queue.objects.using(using).filter(pk=queue, paused_at__isnull=False).first()
    if row is None or (row.paused_until is not None and row.paused_until <= now):
        return None
    return row


def _shared_queues(listening: Sequence[Worker], queue: str) -> Collection[str] | None:
    """The queues whose tasks compete for these workers by priority alone; None for all of them.

    A worker that names its queues takes the first before the second, whatever the priorities: then only the
    task's own queue is known to compete.
    """
    if listening and all(not worker.queues for worker in listening):
        return None
    return [queue]


def _ahead(task: DatabaseTask, queues: Collection[str] | None, now: datetime, using: str) -> int:
    tasks: TaskQuerySet = DatabaseTask.objects.using(using).order_by()
    due = tasks.filter(status=Status.PENDING.value, due_at__lte=now).exclude(pk=task.pk)
    if queues is not None:
        due = due.filter(queue__in=queues)
    if task.status == Status.PENDING:
        due = due.filter(Q(priority__gt=task.priority) | Q(priority=task.priority, due_at__lt=task.due_at))
    return due.values("pk")[: AHEAD_CAP + 1].count()


def _rate(queues: Collection[str] | None, using: str) -> float:
    found = statistics.read(RATE_WINDOW_S, by="queue", using=using)
    return sum(summary.rate for summary in found if queues is None or summary.key in queues)


def _misfit(name: str) -> str | None:
    try:
        functions.resolve(name)
    except InvalidTask as error:
        return str(error)
    except Exception as error:
        return f"its module cannot be imported here: {type(error).__name__}: {error}"
    return None
