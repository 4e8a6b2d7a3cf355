"""Enqueue: an INSERT in the caller's own transaction. The task exists exactly when that commits."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import timedelta
from functools import partial
from typing import Any

from django.db import IntegrityError, connections, transaction
from django.db.backends.base.base import BaseDatabaseWrapper

from django_task_worker import arguments
from django_task_worker.events import Event, EventName, announce
from django_task_worker.exceptions import InvalidArguments
from django_task_worker.expressions import later
from django_task_worker.lifecycle import postgresql_insert
from django_task_worker.lifecycle.values import Draft
from django_task_worker.lifecycle.writing import again
from django_task_worker.models import DatabaseTask

MARIADB_DEPTH = 31
TRIES = 3
"""The task with the key may end between our INSERT and our look at it: that is no reason to give up."""


def enqueue(draft: Draft, using: str) -> DatabaseTask:
    """Store a new task. With a unique key, the unfinished task that already has it is returned instead."""
    connection = connections[using]
    _check_depth(draft, connection)
    insert = postgresql_insert.insert if postgresql_insert.is_supported(connection) else _insert
    while (task := insert(draft, connection)) is None:
        existing = DatabaseTask.objects.using(using).filter(unique_active=draft.unique_active).first()
        if existing is not None:
            existing.already_existed = True  # type: ignore[misc]
            return existing
    event = Event(
        event=EventName.TASK_CREATED,
        task_id=task.id,
        name=task.name,
        queue=task.queue,
        priority=task.priority,
        tries=1,
        wakes=True,
    )
    announce([event], using)
    return task


def enqueue_many(drafts: Sequence[Draft], batch_size: int, using: str) -> list[DatabaseTask]:
    """Store new tasks: one INSERT a batch, and one event a queue once all are committed."""
    connection = connections[using]
    for draft in drafts:
        _check_depth(draft, connection)
    insert = postgresql_insert.insert_many if postgresql_insert.is_supported(connection) else _insert_many
    tasks: list[DatabaseTask] = []
    with transaction.atomic(using=using):
        for start in range(0, len(drafts), batch_size):
            tasks += insert(drafts[start : start + batch_size], connection)
        counts = Counter(draft.queue for draft in drafts)
        announce(
            [
                Event(event=EventName.TASKS_CREATED, queue=queue, count=count, wakes=True)
                for queue, count in counts.items()
            ],
            using,
        )
    return tasks


def _check_depth(draft: Draft, connection: BaseDatabaseWrapper) -> None:
    """MariaDB takes JSON of 32 levels at most (JSON_DEPTH_LIMIT), and says only that a constraint failed."""
    if connection.vendor == "mysql":
        for value in (draft.args, draft.kwargs, draft.metadata or {}):
            if arguments.is_nested_deeper(value, MARIADB_DEPTH):
                raise InvalidArguments(f"MariaDB stores JSON nested at most {MARIADB_DEPTH} levels deep")


def _insert(draft: Draft, connection: BaseDatabaseWrapper) -> DatabaseTask | None:
    """None when an unfinished task has the unique key."""
    task, using = _task(draft), connection.alias
    if draft.unique_key is None:
        task.save(force_insert=True, using=using)
    elif not again(partial(_insert_unique, task, using), using):
        return None
    return _without_expressions(task)


def _insert_unique(task: DatabaseTask, using: str) -> bool:
    try:
        with transaction.atomic(using=using):
            task.save(force_insert=True, using=using)
    except IntegrityError:
        if DatabaseTask.objects.using(using).filter(unique_active=task.unique_active).exists():
            return False
        # Refused for another reason, unless the other task ended this very moment.
        with transaction.atomic(using=using):
            task.save(force_insert=True, using=using)
    return True


def _insert_many(drafts: Sequence[Draft], connection: BaseDatabaseWrapper) -> list[DatabaseTask]:
    tasks = DatabaseTask.objects.using(connection.alias).bulk_create(_task(draft) for draft in drafts)
    return [_without_expressions(task) for task in tasks]


def _task(draft: Draft) -> DatabaseTask:
    due: dict[str, Any] = {}
    if isinstance(draft.run_after, timedelta):
        due["due_at"] = later(draft.run_after.total_seconds())
    elif draft.run_after is not None:
        due["due_at"] = draft.run_after
    return DatabaseTask(
        id=draft.id,
        name=draft.name,
        args=draft.args,
        kwargs=draft.kwargs,
        timeout=draft.timeout,
        queue=draft.queue,
        priority=draft.priority,
        max_retries=draft.max_retries,
        unique_key=draft.unique_key,
        unique_active=draft.unique_active,
        metadata=draft.metadata,
        **due,
    )


def _without_expressions(task: DatabaseTask) -> DatabaseTask:
    """What the database filled in is read from it when somebody asks."""
    if hasattr(task.__dict__.get("due_at"), "resolve_expression"):
        del task.__dict__["due_at"]
    return task
