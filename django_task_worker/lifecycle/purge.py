"""Purge: delete what has ended, a batch at a time."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from itertools import islice

from django_task_worker.lifecycle import postgresql, postgresql_purge
from django_task_worker.lifecycle.routing import alias
from django_task_worker.lifecycle.writing import again, locked, write_transaction
from django_task_worker.models import DatabaseTask, TaskAttempt, TaskQuerySet
from django_task_worker.records import TaskLog
from django_task_worker.states import Status


def purge(
    *,
    before: datetime | None,
    statuses: Sequence[str] = (Status.COMPLETED, Status.CANCELLED),
    limit: int = 1000,
    keep: int = 0,
    queue: str | None = None,
    names: str | None = None,
    using: str | None = None,
) -> list[str]:
    """Delete one batch of ended tasks, with their attempts; the ids that are gone.

    `before`: only what finished before. `names`: a glob. `keep`: spare the newest of each name. Call it until
    the list is empty. Tasks that have not ended are never touched, whatever `statuses` says.
    """
    database = alias(using)
    doomed = purgeable(before=before, statuses=statuses, queue=queue, names=names, using=database)

    is_quick = postgresql.is_supported(database) and not keep

    def delete() -> list[str]:
        with write_transaction(database):
            if is_quick:
                return postgresql_purge.delete(doomed, limit, database)
            ids = locked(doomed, list(islice(_oldest(doomed, keep, limit), limit)))
            doomed.filter(pk__in=ids)._raw_delete(database)
            TaskAttempt.objects.using(database).filter(task_id__in=ids)._raw_delete(database)
            TaskLog.objects.using(database).filter(task_id__in=ids)._raw_delete(database)
        return ids

    return again(delete, database)


def purgeable(
    *,
    before: datetime | None,
    statuses: Sequence[str],
    queue: str | None = None,
    names: str | None = None,
    using: str,
) -> TaskQuerySet:
    """The ended tasks that a purge with these arguments would delete, `keep` aside."""
    tasks = DatabaseTask.objects.using(using).final().filter(status__in=list(statuses))
    if before is not None:
        tasks = tasks.filter(finished_at__lt=before)
    if queue is not None:
        tasks = tasks.filter(queue=queue)
    if names is not None:
        tasks = tasks.named(names)
    return tasks


def _oldest(doomed: TaskQuerySet, keep: int, limit: int) -> Iterable[str]:
    if not keep:
        yield from doomed.order_by("finished_at").values_list("pk", flat=True)[:limit]
        return
    for name in doomed.order_by().values_list("name", flat=True).distinct():
        newest_first = doomed.filter(name=name).order_by("-finished_at", "-pk").values_list("pk", flat=True)
        yield from newest_first[keep : keep + limit]
