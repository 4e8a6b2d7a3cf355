"""Cancel: waiting tasks at once; for running ones the wish is recorded and their owner carries it out."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from django_task_worker.events import Event, EventName, announce
from django_task_worker.exceptions import TaskCancelled
from django_task_worker.expressions import DatabaseNow
from django_task_worker.lifecycle.routing import alias
from django_task_worker.lifecycle.values import Cancelled
from django_task_worker.lifecycle.writing import again, announce_each, chunks, locked, write_transaction
from django_task_worker.models import RUNNING, WAITING, DatabaseTask
from django_task_worker.states import Status


def cancel(ids: Sequence[str], *, using: str | None = None) -> Cancelled:
    """Cancel these tasks; those that have ended, or do not exist, stay as they are."""
    database = alias(using)
    cancelled: list[str] = []
    requested: list[str] = []
    for chunk in chunks(ids):
        at_once, by_owner = again(partial(_cancel, chunk, database), database)
        cancelled += at_once
        requested += by_owner
    return Cancelled(cancelled=cancelled, requested=requested)


def _cancel(ids: Sequence[str], using: str) -> tuple[list[str], list[str]]:
    with write_transaction(using):
        return _cancel_waiting(ids, using), _request(ids, using)


def _cancel_waiting(ids: Sequence[str], using: str) -> list[str]:
    waiting = DatabaseTask.objects.using(using).filter(WAITING)
    found = locked(waiting, ids)
    waiting.filter(pk__in=found).update(
        status=Status.CANCELLED.value,
        next_attempt_at=None,
        unique_active=None,
        error_type="TaskCancelled",
        error=str(TaskCancelled()),
        finished_at=DatabaseNow(),
        updated_at=DatabaseNow(),
    )
    announce_each(EventName.TASK_CANCELLED, found, using)
    return found


def _request(ids: Sequence[str], using: str) -> list[str]:
    running = DatabaseTask.objects.using(using).filter(RUNNING)
    found = locked(running, ids)
    new = running.filter(pk__in=found, cancel_requested_at__isnull=True)
    new.update(cancel_requested_at=DatabaseNow(), updated_at=DatabaseNow())
    if found:
        announce([Event(event=EventName.TASK_CANCELLED, wakes=True, count=len(found), told=False)], using)
    return found
