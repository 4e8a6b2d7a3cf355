"""Rescue: take tasks back from a worker whose lease has expired by the database's clock."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import Literal

from django.db import DatabaseError, connections
from django.db.models import F, Q, TextField
from django.db.models.functions import Cast

from django_task_worker.expressions import DatabaseNow, ago
from django_task_worker.lifecycle.claim import backoff_of, timeout_of
from django_task_worker.lifecycle.finish import columns, record_attempts, report
from django_task_worker.lifecycle.plan import plan
from django_task_worker.lifecycle.routing import alias
from django_task_worker.lifecycle.values import Change, Claimed, Outcome, Rescued
from django_task_worker.lifecycle.writing import again, write_transaction
from django_task_worker.models import RUNNING, DatabaseTask, TaskQuerySet
from django_task_worker.states import Kind, Transition

logger = logging.getLogger("django_task_worker.lifecycle")

LEFT_BEHIND_S = 60.0
"""How long after its time limit a PROGRESS row of version 0.0.7, which has no lease, counts as lost."""


def rescue(
    *,
    older_than_s: float = 0.0,
    queue: str | None = None,
    ids: Sequence[str] | None = None,
    limit: int = 1000,
    lost: Literal["fail", "requeue"] = "fail",
    using: str | None = None,
) -> list[Rescued]:
    """Retry, fail or cancel tasks whose worker is gone; what became of each.

    `older_than_s` is a margin past the lease's end. A task without retries left is failed, or put back
    unspent with `lost="requeue"`. Safe to run from several places at once: each row changes once.
    """
    database = alias(using)
    tasks = _lost(older_than_s, queue, ids, database)
    done: list[Change] = []
    for task in tasks.annotate(now=DatabaseNow(), metadata_text=Cast("metadata", TextField()))[:limit]:
        if task.lease is None and not _is_left_behind(task, getattr(task, "now")):  # noqa: B009
            continue
        change = _planned(task, lost)
        if _try_to_take_back(task, change, database):
            done.append(change)
    return [_rescued(change) for change in done]


def _rescued(change: Change) -> Rescued:
    outcome = change.outcome
    return Rescued(
        id=outcome.task.id,
        name=outcome.task.name,
        worker=outcome.worker,
        transition=change.transition,
    )


def _lost(older_than_s: float, queue: str | None, ids: Sequence[str] | None, using: str) -> TaskQuerySet:
    left = Q(lease__isnull=True, started_at__lt=ago(LEFT_BEHIND_S)) | Q(
        lease__isnull=True, started_at__isnull=True
    )
    tasks = DatabaseTask.objects.using(using).filter(RUNNING)
    tasks = tasks.filter(Q(lease_expires_at__lt=ago(older_than_s)) | left)
    if queue is not None:
        tasks = tasks.filter(queue=queue)
    if ids is not None:
        tasks = tasks.filter(pk__in=ids)
    leases_first = F("lease_expires_at").asc(nulls_last=True), "started_at"
    return tasks.defer("args", "kwargs", "metadata", "result", "result_json").order_by(*leases_first)


def _try_to_take_back(task: DatabaseTask, change: Change, using: str) -> bool:
    """Whether it was. A row that the database refuses to change must not hold up those behind it."""
    try:
        return again(partial(_take_back, task, change, using), using)
    except DatabaseError as error:
        if not connections[using].is_usable():
            raise
        logger.error("cannot take back task %s: %s", task.id, " ".join(str(error).split()))
        return False


def _take_back(task: DatabaseTask, change: Change, using: str) -> bool:
    with write_transaction(using):
        if not _unchanged(task, using).update(**columns(change)):
            return False
        record_attempts([change], using)
        report([change], [change.outcome], using)
        return True


def _unchanged(task: DatabaseTask, using: str) -> TaskQuerySet:
    """The task if it is lost still, and if nobody has asked for its cancellation since we looked."""
    asked = task.cancel_requested_at is not None
    still = _lost(0.0, None, None, using).filter(pk=task.pk, lease=task.lease)
    return still.filter(cancel_requested_at__isnull=not asked)


def _is_left_behind(task: DatabaseTask, now: datetime) -> bool:
    limit = timedelta(seconds=timeout_of(task.timeout) + LEFT_BEHIND_S)
    return (task.started_at or task.due_at) + limit < now


def _planned(task: DatabaseTask, lost: str) -> Change:
    claimed = Claimed(
        id=task.id,
        lease=task.lease or "",
        name=task.name,
        queue=task.queue,
        timeout_s=timeout_of(task.timeout),
        retry_count=task.retry_count,
        max_retries=task.max_retries or 0,
        deferrals=task.deferrals,
        args="",
        kwargs="",
        backoff=backoff_of(getattr(task, "metadata_text")),  # noqa: B009
    )
    outcome = Outcome(
        task=claimed,
        kind=Kind.LOST,
        worker=task.worker or "",
        error_type="WorkerLost",
        error=_reason(task),
    )
    change = plan(outcome, cancel_requested=task.cancel_requested_at is not None)
    if change.transition is Transition.FAIL and lost == "requeue":
        return Change(outcome=outcome, transition=Transition.RELEASE)
    return change


def _reason(task: DatabaseTask) -> str:
    if task.lease is None:
        return "left by version 0.0.7: its worker stopped while it ran this task"
    begun = (
        "while it ran this task" if task.started_at else "with this task, which is not known to have started"
    )
    return f"worker {task.worker} died or was cut off from the database {begun}"
