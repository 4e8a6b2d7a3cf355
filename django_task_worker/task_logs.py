"""What attempts logged and printed, to read and to follow. Workers store it: see `lifecycle.notes`."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass

from django.db.models import QuerySet

from django_task_worker import wishes
from django_task_worker.events.waiter import Waiter
from django_task_worker.excerpt import unseen
from django_task_worker.lifecycle.routing import alias
from django_task_worker.models import DatabaseTask
from django_task_worker.records import TaskLog
from django_task_worker.states import Status

LOOK_S = 0.5
LAST_LOOKS = 5


@dataclass(frozen=True, kw_only=True)
class Piece:
    """Text that an attempt has written, and which attempt on which worker it was."""

    number: int
    worker: str | None
    text: str
    begins: bool = True
    """Whether it is the first of this attempt."""


def of_task(task_id: str, *, number: int | None = None, using: str | None = None) -> list[TaskLog]:
    """What is kept of a task's attempts, or of those with this number, the oldest first."""
    return list(_logs(task_id, number, alias(using)))


def read(task_id: str, *, number: int | None = None, using: str | None = None) -> Iterator[Piece]:
    """The same, with one text in memory at a time."""
    logs = _logs(task_id, number, alias(using))
    for pk in list(logs.values_list("pk", flat=True)):
        for log in logs.filter(pk=pk):
            yield Piece(number=log.number, worker=log.worker, text=log.text)


def _logs(task_id: str, number: int | None, using: str) -> QuerySet[TaskLog]:
    logs = TaskLog.objects.using(using).filter(task_id=task_id).order_by("id")
    return logs if number is None else logs.filter(number=number)


def follow(
    task_id: str,
    *,
    number: int | None = None,
    using: str | None = None,
    timeout_s: float | None = None,
    seen: dict[str, int] | None = None,
) -> Iterator[Piece]:
    """What the task's attempts have written, and what they go on to write, until it is final.

    With a number only that attempt's, until it has ended. The task's worker is asked to store the text each
    second while somebody follows. Of text that comes faster than it is stored the middle may be missing, and
    a task that completes before its worker knows of the wish may leave nothing. Whoever calls again after
    an error gives the same `seen`, to go on where it broke off. Raises DatabaseTask.DoesNotExist.
    """
    database = alias(using)
    end = float("inf") if timeout_s is None else time.monotonic() + timeout_s
    looks_left = LAST_LOOKS
    seen = {} if seen is None else seen
    wish = wishes.Standing(task_id, wishes.LOG, database)
    with Waiter(task_id, hears_more=True) as waiter:
        while True:
            task = _look(task_id, database)
            if task.status == Status.PROGRESS:
                wish.renew()
            logs = _logs(task_id, number, database)
            yield from _news(logs, seen)
            if _is_over(task, number):
                looks_left -= 1
                if not looks_left or _is_whole(task, logs):
                    return
            left_s = end - time.monotonic()
            if left_s <= 0:
                return
            waiter.wait(min(LOOK_S, left_s))


def _look(task_id: str, using: str) -> DatabaseTask:
    tasks = DatabaseTask.objects.using(using).only("status", "retry_count", "next_attempt_at")
    return tasks.get(pk=task_id)


def _news(logs: QuerySet[TaskLog], seen: dict[str, int]) -> Iterator[Piece]:
    """What was not seen yet. Only texts that have grown are read."""
    for lease, size in list(logs.values_list("lease", "size")):
        before = seen.get(lease, 0)
        if size <= before:
            continue
        for log in logs.filter(lease=lease):
            text = unseen(log.text, log.size, before)
            seen[lease] = log.size
            if text:
                yield Piece(number=log.number, worker=log.worker, text=text, begins=not before)


def _is_over(task: DatabaseTask, number: int | None) -> bool:
    """Whether the attempt, or the task, has ended."""
    return task.is_final or (number is not None and task.retry_count >= number)


def _is_whole(task: DatabaseTask, logs: QuerySet[TaskLog]) -> bool:
    """Whether nothing can follow. The last text of a completed task may come a moment after its outcome."""
    return task.status != Status.COMPLETED or not logs.filter(is_final=False).exists()
