"""Queues, lost tasks, what is due, what could be deleted: reads for commands that look after the whole."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from django.apps import apps
from django.db import connections
from django.db.models import Case, Count, F, Min, Q, QuerySet, When

from django_task_worker import lifecycle
from django_task_worker.expressions import DatabaseNow, ago
from django_task_worker.models import RUNNING, DatabaseTask, Queue, TaskQuerySet, Worker
from django_task_worker.queries.lookup import HEAVY
from django_task_worker.states import Status


def has_queue(name: str, using: str) -> bool:
    """Whether any task, worker or pause knows this queue."""
    if Queue.objects.using(using).filter(name=name).exists():
        return True
    tasks = DatabaseTask.objects.using(using).order_by()
    return (
        tasks.filter(status=Status.PENDING.value, queue=name).exists()
        or any(name in queues for queues in Worker.objects.using(using).values_list("queues", flat=True))
        or tasks.filter(queue=name).exists()
    )


def lost(using: str, *, older_than_s: float = 0.0, queue: str | None = None) -> TaskQuerySet:
    """Running tasks whose lease ended longer than `older_than_s` seconds ago."""
    tasks = DatabaseTask.objects.using(using).filter(RUNNING, lease_expires_at__lt=ago(older_than_s))
    return tasks if queue is None else tasks.filter(queue=queue)


def without_lease(using: str) -> TaskQuerySet:
    """Running tasks that no worker of this version has claimed: of version 0.0.7, or written by hand."""
    return DatabaseTask.objects.using(using).filter(RUNNING, lease__isnull=True)


def oldest_due(using: str) -> datetime | None:
    """Since when the task that waits longest has been due; None when nothing is due."""
    due = DatabaseTask.objects.using(using).filter(status=Status.PENDING.value, due_at__lte=DatabaseNow())
    found: datetime | None = due.aggregate(first=Min("due_at"))["first"]
    return found


def waiting_queues(using: str) -> list[str]:
    """The queues in which tasks are due."""
    due = DatabaseTask.objects.using(using).filter(status=Status.PENDING.value, due_at__lte=DatabaseNow())
    return sorted(due.order_by().values_list("queue", flat=True).distinct())


def missing_indexes(using: str, models: Iterable[Any] | None = None) -> list[str]:
    """Indexes and constraints that our models name and the database does not have."""
    connection = connections[using]
    missing = []
    with connection.cursor() as cursor:
        for model in apps.get_app_config("django_task_worker").get_models() if models is None else models:
            present = connection.introspection.get_constraints(cursor, model._meta.db_table)
            named = [*model._meta.indexes, *model._meta.constraints]
            missing += [each.name for each in named if each.name not in present]
    return missing


def unusable_indexes(using: str) -> list[str]:
    """Indexes that Postgres was building when it was interrupted: they cost writes and serve nobody."""
    connection = connections[using]
    if connection.vendor != "postgresql":
        return []
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT i.indexrelid::regclass::text FROM pg_index i JOIN pg_class t ON t.oid = i.indrelid "
            "WHERE NOT i.indisvalid AND pg_table_is_visible(t.oid) AND starts_with(t.relname, %s)",
            ["django_task_worker_"],
        )
        return sorted(name for (name,) in cursor.fetchall())


def due(using: str, *, queues: Sequence[str] = (), exclude_queues: Sequence[str] = ()) -> TaskQuerySet:
    """What is due in the queues that are not paused, new tasks first, in about the order of a worker."""
    paused = Queue.objects.using(using).filter(paused_at__isnull=False)
    paused = paused.filter(Q(paused_until__isnull=True) | Q(paused_until__gt=DatabaseNow()))
    tasks = DatabaseTask.objects.using(using).due().exclude(queue__in=[*exclude_queues, *_names(paused)])
    if queues:
        tasks = tasks.filter(queue__in=queues)
    rank = Case(*(When(queue=name, then=at) for at, name in enumerate(queues)), default=0)
    return tasks.order_by(F("next_attempt_at").asc(nulls_first=True), rank, "-priority", "due_at").defer(
        *HEAVY
    )


def _names(rows: QuerySet[Queue]) -> list[str]:
    return list(rows.values_list("name", flat=True))


def purgeable(criteria: Mapping[str, Any], using: str) -> int:
    """How many tasks `lifecycle.purge` would delete with these arguments; `keep` is among them."""
    keep = criteria["keep"]
    tasks = lifecycle.purgeable(**{k: v for k, v in criteria.items() if k != "keep"}, using=using)
    if not keep:
        return tasks.count()
    numbers = tasks.order_by().values_list("name").annotate(number=Count("pk"))
    return sum(max(number - keep, 0) for _, number in numbers)
