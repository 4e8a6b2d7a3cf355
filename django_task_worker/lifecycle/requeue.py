"""Requeue: an operator starts ended tasks over. Their counters begin again; their attempts are kept."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import Q

from django_task_worker.events import EventName
from django_task_worker.expressions import DatabaseNow, later
from django_task_worker.ids import digest
from django_task_worker.lifecycle.routing import alias
from django_task_worker.lifecycle.writing import again, announce_each, chunks, locked, write_transaction
from django_task_worker.models import DatabaseTask, TaskQuerySet
from django_task_worker.states import Status


def requeue(
    ids: Sequence[str],
    *,
    force: bool = False,
    queue: str | None = None,
    spread_s: float = 0.0,
    delay_s: float = 0.0,
    using: str | None = None,
) -> list[str]:
    """Put failed and cancelled tasks back to PENDING, with `force` completed ones too; the ids that changed.

    They are due after `delay_s` seconds, evenly spread over the `spread_s` seconds that follow. A task whose
    unique key is taken by an unfinished task stays as it is.
    """
    database = alias(using)
    done: list[str] = []

    def start_over(chunk: Sequence[str]) -> list[str]:
        with write_transaction(database):
            found = locked(_requeueable(force, database), chunk)
            return _start_over(found, len(done), len(ids), queue, spread_s, delay_s, database)

    for chunk in chunks(ids):
        done += again(partial(start_over, chunk), database)
    return done


def requeueable(ids: Sequence[str], *, force: bool = False, using: str | None = None) -> list[str]:
    """Those of the tasks that `requeue` would take now, in their order."""
    database = alias(using)
    found: set[str] = set()
    for chunk in chunks(ids):
        found |= set(_requeueable(force, database).filter(pk__in=chunk).values_list("pk", flat=True))
    return [task_id for task_id in ids if task_id in found]


def _requeueable(force: bool, using: str) -> TaskQuerySet:
    ended = Q(status=Status.FAILED.value, next_attempt_at__isnull=True) | Q(status=Status.CANCELLED.value)
    if force:
        ended |= Q(status=Status.COMPLETED.value)
    return DatabaseTask.objects.using(using).filter(ended)


def _start_over(
    ids: Sequence[str],
    before: int,
    total: int,
    queue: str | None,
    spread_s: float,
    delay_s: float,
    using: str,
) -> list[str]:
    tasks = DatabaseTask.objects.using(using).filter(pk__in=ids)
    keyed = dict(tasks.filter(unique_key__isnull=False).values_list("pk", "unique_key"))
    changes = _columns(queue)
    done = []
    if not spread_s:
        plain = [pk for pk in ids if pk not in keyed]
        tasks.filter(pk__in=plain).update(due_at=later(delay_s), **changes)
        done += plain
    for position, pk in enumerate(ids):
        if pk in keyed or spread_s:
            due = later(delay_s + spread_s * (before + position) / max(total, 1))
            active = digest(keyed[pk] or "") if pk in keyed else None
            if _try(tasks.filter(pk=pk), {**changes, "due_at": due, "unique_active": active}, using):
                done.append(pk)
    announce_each(EventName.TASK_REQUEUED, done, using, wakes=True)
    return done


def _try(task: TaskQuerySet, changes: dict[str, Any], using: str) -> bool:
    try:
        with transaction.atomic(using=using):
            return bool(task.update(**changes))
    except IntegrityError:
        return False


def _columns(queue: str | None) -> dict[str, Any]:
    cleared = (
        "next_attempt_at",
        "cancel_requested_at",
        "worker",
        "result",
        "result_json",
        "error",
        "error_type",
        "traceback",
        "progress",
        "started_at",
        "finished_at",
        "duration",
    )
    changes: dict[str, Any] = dict.fromkeys(cleared)
    changes |= {
        "status": Status.PENDING.value,
        "retry_count": 0,
        "deferrals": 0,
        "updated_at": DatabaseNow(),
    }
    if queue is not None:
        changes["queue"] = queue
    return changes
