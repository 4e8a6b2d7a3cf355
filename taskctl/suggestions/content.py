"""What is suggested: gathered by commands that have the project and its database open anyway."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from taskctl.suggestions import cache

if TYPE_CHECKING:
    from collections.abc import Iterable

    from django_task_worker.models import DatabaseTask

IDS = 100
MOST = 5000
Rows = list[list[Any]]


def write(path: str, alias: str | None, *, force: bool = False) -> None:
    """Bring the file up to date where it is older than it may be. Without an alias: the tasks alone.

    It holds names, statuses and times; no arguments, results or errors. Raises what the database raises.
    """
    content, now = cache.load(path), time.time()
    new: cache.Content = {}
    if force or cache.age_s(content, "at", now) > cache.FRESH_S:
        new |= {"command": _commands(), "field": _fields(), "task": _tasks()}
    if alias is not None and (new or force or cache.age_s(content, "ids_at", now) > cache.FRESH_IDS_S):
        tasks = _newest(alias)
        if new:
            new |= {"at": now, "queue": _queues(alias, tasks), "worker": _workers(alias), "schedule": []}
        new |= {"ids_at": now, "id": _ids(tasks, alias)}
    if new:
        cache.save(path, content | new)


def _commands() -> Rows:
    from taskctl.app import COMMANDS

    return [[entry.name, entry.line.split("  ")[0]] for entry in COMMANDS if entry.shown]


def _fields() -> Rows:
    from taskctl.render.tasks import COLUMNS, MORE

    return [[column.name, ""] for column in (*COLUMNS, *MORE)]


def _tasks() -> Rows:
    from django_task_worker import functions

    return [[name, signature] for name, signature in sorted(functions.outline().items())[:MOST]]


def _newest(alias: str) -> list[DatabaseTask]:
    from django_task_worker import queries

    everything = queries.select(queries.Selection(), alias)
    return list(queries.listing(everything, queries.Order(), limit=IDS))


def _ids(tasks: Iterable[DatabaseTask], alias: str) -> Rows:
    from django_task_worker import queries
    from taskctl.render.tasks import status_of

    now = queries.database_now(alias)
    return [[task.pk, status_of(task, now), task.name, round(task.created_at.timestamp())] for task in tasks]


def _queues(alias: str, tasks: Iterable[DatabaseTask]) -> Rows:
    from django_task_worker import registry

    paused = registry.named_queues(alias)
    names = {"default", *paused, *(task.queue for task in tasks)}
    return [[name, "paused" if paused.get(name) else ""] for name in sorted(names)]


def _workers(alias: str) -> Rows:
    from django_task_worker import registry

    return [
        [worker.name, f"{worker.state}, {', '.join(worker.queues) or 'all queues'}"]
        for worker in registry.live_workers(alias)
    ]
