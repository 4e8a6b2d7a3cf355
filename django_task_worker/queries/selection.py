"""Which tasks: a selection of them as a queryset, in the words that people use."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from django.db import connections
from django.db.models import Q

from django_task_worker.expressions import DatabaseNow
from django_task_worker.models import RETRYING, RUNNING, DatabaseTask, TaskQuerySet
from django_task_worker.states import Status

STATUS_WORDS = {
    "pending": Q(status=Status.PENDING.value),
    "running": RUNNING,
    "completed": Q(status=Status.COMPLETED.value),
    "failed": Q(status=Status.FAILED.value),
    "cancelled": Q(status=Status.CANCELLED.value),
    "scheduled": Q(status=Status.PENDING.value, due_at__gt=DatabaseNow()),
    "retrying": RETRYING,
    "cancelling": RUNNING & Q(cancel_requested_at__isnull=False),
    "stale": RUNNING & Q(lease_expires_at__lt=DatabaseNow()),
    "failed for good": Q(status=Status.FAILED.value, next_attempt_at__isnull=True),
}
"""Stored and derived states in the words that people use."""


@dataclass(frozen=True, kw_only=True)
class Selection:
    """Which tasks; what is empty does not restrict, but for `ids`: without one there are no tasks.

    `since` and `until` bound the time a task finished or, while it has not, the time it was created.
    """

    ids: tuple[str, ...] | None = None
    statuses: tuple[str, ...] = ()
    """Keys of STATUS_WORDS."""
    queues: tuple[str, ...] = ()
    workers: tuple[str, ...] = ()
    task: str | None = None
    """A glob over the task's name."""
    error: str | None = None
    """Text in the error or its type."""
    since: datetime | None = None
    until: datetime | None = None


def database_now(using: str) -> datetime:
    """The time in UTC by the clock of the database server."""
    compiler = DatabaseTask.objects.using(using).query.get_compiler(using)
    sql, params = compiler.compile(DatabaseNow())
    with connections[using].cursor() as cursor:
        cursor.execute(f"SELECT {sql}", params)
        (value,) = cursor.fetchone()
    at = datetime.fromisoformat(value) if isinstance(value, str) else value
    return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)


def select(selection: Selection, using: str) -> TaskQuerySet:
    """The tasks of a selection, unsorted, with all columns."""
    tasks = DatabaseTask.objects.using(using).order_by()
    if selection.ids is not None:
        tasks = tasks.filter(pk__in=selection.ids)
    if selection.statuses:
        wanted = Q()
        for word in selection.statuses:
            wanted |= STATUS_WORDS[word]
        tasks = tasks.filter(wanted)
    if selection.queues:
        tasks = tasks.filter(queue__in=selection.queues)
    if selection.workers:
        tasks = tasks.filter(worker__in=selection.workers)
    if selection.task is not None:
        tasks = tasks.named(selection.task)
    if selection.error is not None:
        about = Q(error__icontains=selection.error) | Q(error_type__icontains=selection.error)
        tasks = tasks.filter(about, status=Status.FAILED.value)
    return _between(tasks, selection.since, selection.until)


def _between(tasks: TaskQuerySet, since: datetime | None, until: datetime | None) -> TaskQuerySet:
    if since is not None:
        # What was created since has not finished before: two indexed ranges instead of a COALESCE.
        tasks = tasks.filter(Q(finished_at__gte=since) | Q(created_at__gte=since))
    if until is not None:
        tasks = tasks.filter(Q(finished_at__lt=until) | Q(finished_at__isnull=True, created_at__lt=until))
    return tasks
