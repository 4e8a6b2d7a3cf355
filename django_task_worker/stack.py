"""The Python stack of a running task, wherever it runs, without stopping it."""

from __future__ import annotations

import time
from dataclasses import dataclass

from django_task_worker import wishes
from django_task_worker.events.waiter import Waiter
from django_task_worker.exceptions import TaskWorkerError
from django_task_worker.lifecycle.routing import alias
from django_task_worker.models import DatabaseTask
from django_task_worker.states import Status


class NotRunning(TaskWorkerError):
    """The task is not running."""

    def __init__(self, status: str) -> None:
        super().__init__()
        self.status = status


@dataclass(frozen=True, kw_only=True)
class Request:
    """A stack that was asked for."""

    wish_id: int
    task_id: str
    using: str


def request(task_id: str, *, using: str | None = None) -> Request:
    """Ask the task's worker for the stack. Raises NotRunning, DatabaseTask.DoesNotExist."""
    database = alias(using)
    status = _status(task_id, database)
    if status != Status.PROGRESS:
        raise NotRunning(status)
    return Request(wish_id=wishes.ask(task_id, wishes.STACK, database), task_id=task_id, using=database)


def wait(request: Request, timeout_s: float = 15.0) -> str | None:
    """The stack: within 2 s with Redis, without it within the 10 s between a worker's looks.

    None when it does not come in time, or the task ends before. It can be empty: a task may have no Python
    frame of its own.
    """
    deadline = time.monotonic() + timeout_s
    with Waiter(request.task_id, hears_more=True) as waiter:
        while True:
            is_running = _status(request.task_id, request.using) == Status.PROGRESS
            answer = wishes.answer_to(request.wish_id, request.using)
            left_s = deadline - time.monotonic()
            if answer is not None or not is_running or left_s <= 0:
                return answer
            waiter.wait(left_s)


def _status(task_id: str, using: str) -> str:
    return str(DatabaseTask.objects.using(using).values_list("status", flat=True).get(pk=task_id))
