"""Following tasks as they change, by looking at what changed since the last look."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from datetime import timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from django_task_worker.models import DatabaseTask, TaskQuerySet
    from django_task_worker.queries import Order

INTERVAL_S = 0.5
OVERLAP = timedelta(seconds=5)
"""A change may be committed later than its time says; this much is looked at again."""


def follow(
    tasks: TaskQuerySet, order: Order, limit: int | None, show: Callable[[Iterable[DatabaseTask]], int]
) -> int:
    """Shows the list, oldest at the bottom reversed into reading order, then each change until Ctrl-C."""
    from django_task_worker import queries

    since = queries.database_now(tasks.db)
    seen: dict[str, object] = {}
    found = list(queries.listing(tasks, order, limit=limit))
    seen |= {task.pk: _state(task) for task in found}
    show(reversed(found))
    while True:
        time.sleep(INTERVAL_S)
        now = queries.database_now(tasks.db)
        changes = list(_news(queries.changed(tasks, since - OVERLAP), seen))
        if changes:
            show(changes)
        since = now


def _news(tasks: Iterable[DatabaseTask], seen: dict[str, object]) -> Iterator[DatabaseTask]:
    for task in tasks:
        state = _state(task)
        if seen.get(task.pk) != state:
            seen[task.pk] = state
            yield task


def _state(task: DatabaseTask) -> object:
    return task.status, task.retry_count, task.next_attempt_at, task.cancel_requested_at, task.due_at
