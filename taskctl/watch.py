"""Following tasks as they change, by looking at what changed since the last look."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from django_task_worker.models import DatabaseTask, TaskQuerySet
    from django_task_worker.queries import Order

Show = Callable[["Iterable[DatabaseTask]"], int]
INTERVAL_S = 0.5
OVERLAP = timedelta(seconds=5)
"""A change may be committed later than its time says; this much is looked at again."""


def follow(
    tasks: TaskQuerySet, order: Order, limit: int | None, show: Show, tell: Callable[[str], None]
) -> int:
    """Shows the list, oldest at the bottom reversed into reading order, then each change until Ctrl-C.

    A database that goes away meanwhile is told of and waited for.
    """
    from django_task_worker import queries
    from taskctl.database import Patience

    since = queries.database_now(tasks.db)
    found = list(queries.listing(tasks, order, limit=limit))
    seen = {task.pk: _state(task) for task in found}
    show(reversed(found))
    patience = Patience(tasks.db, tell)
    while True:
        time.sleep(INTERVAL_S)
        since = patience.read(partial(_look, tasks, since, seen, show)) or since


def _look(tasks: TaskQuerySet, since: datetime, seen: dict[str, object], show: Show) -> datetime:
    """Shows what has changed since then; the time from which to look on."""
    from django_task_worker import queries

    now = queries.database_now(tasks.db)
    changes = [task for task in queries.changed(tasks, since - OVERLAP) if seen.get(task.pk) != _state(task)]
    if changes:
        show(changes)
    seen |= {task.pk: _state(task) for task in changes}
    return now


def _state(task: DatabaseTask) -> object:
    return task.status, task.retry_count, task.next_attempt_at, task.cancel_requested_at, task.due_at
