"""What attempts leave beside their outcomes: how far they are, and what they have written."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from django.db import connections
from django.db.models import Q

from django_task_worker.events import Event, EventName, announce
from django_task_worker.expressions import DatabaseNow
from django_task_worker.lifecycle.values import Claimed, Notes, Outcome
from django_task_worker.models import RUNNING, DatabaseTask
from django_task_worker.records import TaskLog

BATCH = 50
"""A text takes up to 64 KiB, and a statement has its limits."""


def keep_notes(outcomes: Sequence[Outcome], using: str) -> None:
    """Store what these attempts have left, before their outcomes: who sees these sees all."""
    noted = [outcome for outcome in outcomes if outcome.notes is not None]
    if not noted:
        return
    note_progress([(o.task, o.notes.progress) for o in noted if o.notes and o.notes.progress], using)
    store_logs(
        [(o.task, o.notes) for o in noted if o.notes], worker=noted[0].worker, is_final=True, using=using
    )


def note_progress(found: Sequence[tuple[Claimed, dict[str, Any]]], using: str) -> None:
    """Write how far these tasks are, those that are still ours."""
    for task, progress in found:
        mine = DatabaseTask.objects.using(using).filter(RUNNING, pk=task.id, lease=task.lease)
        mine.update(progress=progress)
    _tell((task for task, _ in found), using)


def store_logs(found: Sequence[tuple[Claimed, Notes]], *, worker: str, is_final: bool, using: str) -> None:
    """Keep what these attempts have written, in place of what is known of them."""
    logs = [
        TaskLog(
            task_id=task.id,
            lease=task.lease,
            number=task.retry_count + 1,
            worker=worker or None,
            text=notes.log,
            size=notes.log_size,
            is_final=is_final,
            updated_at=DatabaseNow(),
        )
        for task, notes in found
        if notes.log is not None
    ]
    if not logs:
        return
    can_name_target = connections[using].features.supports_update_conflicts_with_target
    TaskLog.objects.using(using).bulk_create(
        logs,
        batch_size=BATCH,
        update_conflicts=True,
        update_fields=["text", "size", "is_final", "updated_at"],
        unique_fields=["task", "lease"] if can_name_target else None,
    )
    _tell((task for task, _ in found), using)


def discard_logs(tasks: Sequence[Claimed], using: str) -> None:
    """Forget what these attempts have written."""
    doomed = Q()
    for task in tasks:
        doomed |= Q(task_id=task.id, lease=task.lease)
    if tasks:
        TaskLog.objects.using(using).filter(doomed)._raw_delete(using)


def _tell(tasks: Iterable[Claimed], using: str) -> None:
    announce([Event(event=EventName.TASK_MORE, task_id=task.id, told=False) for task in tasks], using)
