"""Claim: PENDING or retrying → PROGRESS, with a fresh lease. The reference, in portable ORM."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from datetime import datetime
from math import ceil
from typing import Any

from django.db import connections, transaction
from django.db.models import F, Min, Q, TextField, Value
from django.db.models.functions import Cast, Coalesce

from django_task_worker.conf import read_backoff
from django_task_worker.expressions import DatabaseNow, ago, later
from django_task_worker.lifecycle.order import Group, Level, levels
from django_task_worker.lifecycle.values import Claimed, Demand
from django_task_worker.models import DEFAULT_TIMEOUT_S, RETRYING, RUNNING, DatabaseTask, Queue, TaskQuerySet
from django_task_worker.retry import Backoff
from django_task_worker.states import Status

BACKOFF_KEY = "_backoff"
PENDING = Q(status=Status.PENDING.value)


@dataclass(frozen=True, kw_only=True, slots=True)
class Claims:
    """What a claim brought, and the groups that were waiting; None when it did not look."""

    tasks: list[Claimed]
    groups: list[Group] | None


def paused_queues(using: str) -> list[str]:
    """The queues that nobody may claim from now."""
    paused = Queue.objects.using(using).filter(paused_at__isnull=False)
    still = Q(paused_until__isnull=True) | Q(paused_until__gt=DatabaseNow())
    return list(paused.filter(still).values_list("name", flat=True))


def waiting_groups(demand: Demand, using: str) -> list[Group]:
    """The groups this worker may claim from, due or not."""
    tasks = DatabaseTask.objects.using(using)
    if demand.queues:
        tasks = tasks.filter(queue__in=demand.queues)
    if demand.exclude_queues:
        tasks = tasks.exclude(queue__in=demand.exclude_queues)
    found = [*_pending_groups(tasks), *_retry_groups(tasks)]
    if not found:
        return found
    paused = set(paused_queues(using))
    return [group for group in found if group.queue not in paused]


def _pending_groups(tasks: TaskQuerySet) -> Iterator[Group]:
    """One index look-up a group: how many tasks wait makes no difference."""
    pending = tasks.filter(PENDING).annotate(now=DatabaseNow()).order_by("queue", "priority", "due_at")
    columns = "queue", "priority", "due_at", "now"
    row = pending.values_list(*columns).first()
    while row is not None:
        queue, priority, due_at, now = row
        yield Group(queue=queue, priority=priority, due_in_s=_seconds(due_at, now))
        same_queue = pending.filter(queue=queue, priority__gt=priority)
        row = same_queue.values_list(*columns).first()
        if row is None:
            row = pending.filter(queue__gt=queue).values_list(*columns).first()


def _retry_groups(tasks: TaskQuerySet) -> Iterator[Group]:
    retrying = tasks.filter(RETRYING).order_by().values("queue")
    firsts = retrying.annotate(first=Min("next_attempt_at"), now=DatabaseNow())
    for queue, due_at, now in firsts.values_list("queue", "first", "now"):
        yield Group(queue=queue, priority=None, due_in_s=_seconds(due_at, now))


def _seconds(due_at: datetime, now: datetime) -> float:
    return (due_at - now).total_seconds()


def claim(demand: Demand, using: str) -> Claims:
    """Take up to `demand.count` due tasks: ours are those whose row carries `demand.lease`."""
    groups = waiting_groups(demand, using)
    tasks: list[Claimed] = []
    for level in levels(groups, demand.queues):
        wanted = min(demand.count - len(tasks), ceil(demand.count * level.share))
        if wanted > 0:
            due = _due(level, using)
            tasks += _take(due, level.queues, wanted, demand, using)
    return Claims(tasks=tasks, groups=groups)


def _due(level: Level, using: str) -> TaskQuerySet:
    tasks = DatabaseTask.objects.using(using)
    since = ago(level.overdue_s)
    if level.priority is None:
        return tasks.filter(RETRYING, next_attempt_at__lte=since).order_by("next_attempt_at")
    return tasks.filter(PENDING, priority=level.priority, due_at__lte=since).order_by("due_at")


def _take(due: TaskQuerySet, queues: Sequence[str], count: int, demand: Demand, using: str) -> list[Claimed]:
    with _claiming(using):
        ids = _oldest(due, queues, count, using)
        if ids:
            guarded = due.order_by().filter(pk__in=ids)
            guarded.update(
                status=Status.PROGRESS.value,
                lease=demand.lease,
                lease_expires_at=later(demand.lease_s),
                worker=demand.worker,
                max_retries=Coalesce(F("max_retries"), Value(demand.default_retries)),
                started_at=None,
                next_attempt_at=None,
                finished_at=None,
                duration=None,
                progress=None,
                updated_at=DatabaseNow(),
            )
    if not ids:
        return []
    mine = {task.id: task for task in held(demand.lease, using, ids)}
    return [mine[task_id] for task_id in ids if task_id in mine]


def _claiming(using: str) -> AbstractContextManager[Any]:
    """One guarded UPDATE suffices on SQLite, where a transaction would begin with a read and then starve."""
    if connections[using].features.has_select_for_update:
        return transaction.atomic(using=using)
    return nullcontext()


def _oldest(due: TaskQuerySet, queues: Sequence[str], count: int, using: str) -> list[str]:
    """The ids of the first `count`, locked where the database can. Queue by queue, as the index is sorted."""
    features = connections[using].features
    if features.has_select_for_update_skip_locked:
        due = due.select_for_update(skip_locked=True)
    elif features.has_select_for_update:
        due = due.select_for_update()
    time = due.query.order_by[0]
    rows: list[tuple[str, datetime]] = []
    for queue in queues:
        rows += due.filter(queue=queue).values_list("pk", time)[:count]
    rows.sort(key=lambda row: row[1])
    return [task_id for task_id, _ in rows[:count]]


def held(lease: str, using: str, ids: Sequence[str] | None = None) -> list[Claimed]:
    """The running tasks that carry this lease."""
    tasks = DatabaseTask.objects.using(using).filter(RUNNING, lease=lease)
    if ids is not None:
        tasks = tasks.filter(pk__in=ids)
    texts = {f"{name}_text": Cast(name, TextField()) for name in ("args", "kwargs", "metadata")}
    rows = tasks.annotate(**texts, now=DatabaseNow())
    return [_claimed(row, lease) for row in rows.values_list(*_COLUMNS)]


_COLUMNS = (
    "id",
    "name",
    "queue",
    "timeout",
    "retry_count",
    "max_retries",
    "deferrals",
    "args_text",
    "kwargs_text",
    "metadata_text",
    "due_at",
    "now",
)


def _claimed(row: Any, lease: str) -> Claimed:
    task_id, name, queue, timeout, retries, max_retries, deferrals, args, kwargs, metadata, due_at, now = row
    return Claimed(
        id=task_id,
        lease=lease,
        name=name,
        queue=queue,
        timeout_s=timeout_of(timeout),
        retry_count=retries,
        max_retries=max_retries or 0,
        deferrals=deferrals,
        args=args or "[]",
        kwargs=kwargs or "{}",
        backoff=backoff_of(metadata),
        wait_s=max(0.0, _seconds(now, due_at)),
    )


def timeout_of(stored: object) -> int:
    """Seconds; whatever is no positive number counts as the default. SQLite stores text as well."""
    return stored if isinstance(stored, int) and stored > 0 else DEFAULT_TIMEOUT_S


def backoff_of(metadata: str | None) -> Backoff | None:
    """The back-off that `@task` asked for, if the row's metadata, a JSON text, holds a sensible one."""
    if metadata is None or BACKOFF_KEY not in metadata:
        return None
    try:
        return read_backoff(json.loads(metadata)[BACKOFF_KEY])
    except (ValueError, TypeError, LookupError, RecursionError):
        return None
