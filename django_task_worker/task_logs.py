"""What attempts logged and printed, to read and to follow. Workers store it: see `lifecycle.notes`."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from django_task_worker import wishes
from django_task_worker.events.waiter import Waiter
from django_task_worker.lifecycle.routing import alias
from django_task_worker.models import DatabaseTask
from django_task_worker.records import TaskLog
from django_task_worker.states import Status

LOOK_S = 0.5
LAST_LOOKS = 5


@dataclass(frozen=True, kw_only=True)
class Piece:
    """Text that an attempt has written, and which attempt it was."""

    number: int
    text: str


def of_task(task_id: str, *, using: str | None = None) -> list[TaskLog]:
    """What is kept of a task's attempts, the oldest first."""
    return list(TaskLog.objects.using(alias(using)).filter(task_id=task_id).order_by("id"))


def follow(task_id: str, *, using: str | None = None, timeout_s: float | None = None) -> Iterator[Piece]:
    """What the task's attempts have written, and what they go on to write, until it is final.

    Its worker is asked to store the text each second while somebody follows. Of text that comes faster than
    it is stored the middle may be missing, and a task that completes before its worker knows of the wish may
    leave nothing. Raises DatabaseTask.DoesNotExist.
    """
    database = alias(using)
    end = float("inf") if timeout_s is None else time.monotonic() + timeout_s
    looks_left = LAST_LOOKS
    seen: dict[str, int] = {}
    wish = wishes.Standing(task_id, wishes.LOG, database)
    with Waiter(task_id, hears_more=True) as waiter:
        while True:
            task = DatabaseTask.objects.using(database).only("status", "next_attempt_at").get(pk=task_id)
            if task.status == Status.PROGRESS:
                wish.renew()
            logs = of_task(task_id, using=database)
            for log in logs:
                text = _unseen(log, seen.get(log.lease, 0))
                seen[log.lease] = log.size
                if text:
                    yield Piece(number=log.number, text=text)
            if task.is_final:
                looks_left -= 1
                if not looks_left or _is_whole(task, logs):
                    return
            left_s = end - time.monotonic()
            if left_s <= 0:
                return
            waiter.wait(min(LOOK_S, left_s))


def _is_whole(task: DatabaseTask, logs: Sequence[TaskLog]) -> bool:
    """Whether nothing can follow. The last text of a completed task may come a moment after its outcome."""
    return task.status != Status.COMPLETED or all(log.is_final for log in logs)


def _unseen(log: TaskLog, seen: int) -> str:
    """What came after the first `seen` bytes. The end of the text is always whole."""
    if log.size <= seen:
        return ""
    return log.text.encode()[-(log.size - seen) :].decode("utf-8", "ignore") if seen else log.text
