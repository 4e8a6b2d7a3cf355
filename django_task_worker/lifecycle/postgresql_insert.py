"""Enqueue for Postgres: one plain INSERT, and one for a whole batch. `enqueue` beside is the reference.

The ORM takes longer to write an INSERT than Postgres to carry it out.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta, tzinfo
from functools import lru_cache
from typing import Any

from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models.base import ModelState
from django.db.models.signals import post_init, post_save, pre_init, pre_save
from django.utils.timezone import get_default_timezone, make_naive

from django_task_worker.lifecycle import postgresql
from django_task_worker.lifecycle.literals import array
from django_task_worker.lifecycle.postgresql import NOW, TASKS
from django_task_worker.lifecycle.values import Draft
from django_task_worker.models import DatabaseTask
from django_task_worker.states import Status

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_SIGNALS = (pre_init, post_init, pre_save, post_save)
_EXTRAS = {"due_at": "%s", "delay_s": f"{NOW} + %s * interval '1 s'"}
"""How the values of some columns are written; the others are given as they are."""


@lru_cache(maxsize=64)
def _insert_with(*extras: str) -> str:
    """The statement for a task that has these beside what all have; the shorter, the sooner it is planned."""
    names = "".join(f", {'due_at' if name == 'delay_s' else name}" for name in extras)
    values = "".join(f", {_EXTRAS.get(name, '%s')}" for name in extras)
    conflict = "ON CONFLICT (unique_active) WHERE unique_active IS NOT NULL DO NOTHING"
    return f"""
INSERT INTO {TASKS} (id, name, args, kwargs, timeout, queue, priority, status, retry_count, created_at,
    updated_at{names}) VALUES (%s, %s, %s, %s, %s, %s, %s, 'PENDING', 0, {NOW}, {NOW}{values})
{conflict if "unique_active" in extras else ""} RETURNING {_micros("created_at")}, {_micros("due_at")}
"""


def _micros(column: str) -> str:
    """As a number, which the driver reads in a tenth of the time."""
    return f"(extract(epoch FROM {column}) * 1000000)::bigint"


_TYPES = {
    "id": "text",
    "name": "text",
    "args": "text",
    "kwargs": "text",
    "timeout": "int",
    "queue": "text",
    "priority": "smallint",
    "max_retries": "int",
    "metadata": "text",
    "due_at": "timestamptz",
    "delay_s": "float8",
}
"""What is given of each of many tasks, and how it travels."""


@lru_cache(maxsize=64)
def _insert_many_with(*varied: str) -> str:
    """The statement for a batch in which only these differ: what all have in common is sent once."""
    given = {
        name: f"d.{name}" if name in varied else f"%({name})s::{sql_type}"
        for name, sql_type in _TYPES.items()
    }
    arrays = ", ".join(f"%({name})s::{_TYPES[name]}[]" for name in varied)
    return f"""
INSERT INTO {TASKS} (id, name, args, kwargs, timeout, queue, priority, max_retries, metadata, due_at, status,
    retry_count, created_at, updated_at)
SELECT {given["id"]}, {given["name"]}, {given["args"]}::jsonb, {given["kwargs"]}::jsonb, {given["timeout"]},
    {given["queue"]}, {given["priority"]}, {given["max_retries"]}, {given["metadata"]}::jsonb,
    coalesce({given["due_at"]}, {NOW} + {given["delay_s"]} * interval '1 s'), 'PENDING', 0, {NOW}, {NOW}
FROM unnest({arrays}) AS d ({", ".join(varied)})
"""


def is_supported(connection: BaseDatabaseWrapper) -> bool:
    """Whether this module may store tasks there: not while somebody listens to the model's signals."""
    if not postgresql.speaks(connection):
        return False
    return not any(signal.receivers and signal.has_listeners(DatabaseTask) for signal in _SIGNALS)


def insert(draft: Draft, connection: BaseDatabaseWrapper) -> DatabaseTask | None:
    """The stored task; None when an unfinished task has the unique key."""
    due_at, delay_s = _due(draft)
    extras = {
        "max_retries": draft.max_retries,
        "unique_key": draft.unique_key,
        "unique_active": draft.unique_active,
        "metadata": _metadata(draft),
        "due_at": due_at,
        "delay_s": delay_s or None,
    }
    given = {name: value for name, value in extras.items() if value is not None}
    parameters = (
        draft.id,
        draft.name,
        draft.args_text,
        draft.kwargs_text,
        draft.timeout,
        draft.queue,
        draft.priority,
        *given.values(),
    )
    micros = _micros_of(_insert_with(*given), parameters, connection)
    if micros is None:
        return None
    created_at, due_at = (_time(each, connection.timezone) for each in micros)
    return _instance(draft, connection, created_at=created_at, updated_at=created_at, due_at=due_at)


def _time(micros: int, zone: tzinfo | None) -> datetime:
    """As Django reads it from a connection in this time zone."""
    at = _EPOCH + timedelta(microseconds=micros)
    if zone is UTC:
        return at
    return at.astimezone(zone) if zone is not None else make_naive(at, get_default_timezone())


def _micros_of(sql: str, parameters: Sequence[Any], connection: BaseDatabaseWrapper) -> Sequence[int] | None:
    if postgresql.is_unobserved(connection):
        return postgresql.Exchange([(sql, parameters)], connection).numbers()
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)
        row: tuple[int, ...] | None = cursor.fetchone()
        return row


def insert_many(drafts: Sequence[Draft], connection: BaseDatabaseWrapper) -> list[DatabaseTask]:
    """The stored tasks; the times that the database gave are read when somebody asks for them."""
    dues = [_due(draft) for draft in drafts]
    columns: dict[str, list[Any]] = {
        "id": [draft.id for draft in drafts],
        "name": [draft.name for draft in drafts],
        "args": [draft.args_text for draft in drafts],
        "kwargs": [draft.kwargs_text for draft in drafts],
        "timeout": [draft.timeout for draft in drafts],
        "queue": [draft.queue for draft in drafts],
        "priority": [draft.priority for draft in drafts],
        "max_retries": [draft.max_retries for draft in drafts],
        "metadata": [_metadata(draft) for draft in drafts],
        "due_at": [due_at for due_at, _ in dues],
        "delay_s": [delay_s for _, delay_s in dues],
    }
    varied = [name for name, values in columns.items() if values.count(values[0]) < len(values)] or ["id"]
    parameters = {name: _array(values) if name in varied else values[0] for name, values in columns.items()}
    with connection.cursor() as cursor:
        cursor.execute(_insert_many_with(*varied), parameters)
    return [_instance(draft, connection) for draft in drafts]


def _array(values: list[Any]) -> str:
    texts = (value.isoformat() if isinstance(value, datetime) else value for value in values)
    return array([None if value is None else str(value) for value in texts])


def _due(draft: Draft) -> tuple[datetime | None, float]:
    if isinstance(draft.run_after, timedelta):
        return None, draft.run_after.total_seconds()
    return draft.run_after, 0.0


def _metadata(draft: Draft) -> str | None:
    return None if draft.metadata is None else json.dumps(draft.metadata)


_FILLED_IN = ("created_at", "updated_at", "due_at")
_BLANK: dict[str, Any] = {
    field.attname: None for field in DatabaseTask._meta.concrete_fields if field.attname not in _FILLED_IN
} | {"status": Status.PENDING.value, "retry_count": 0, "deferrals": 0}


def _instance(draft: Draft, connection: BaseDatabaseWrapper, **filled_in: datetime) -> DatabaseTask:
    """The model's instance, made without its constructor: nobody listens, and it takes 30 times as long."""
    task = DatabaseTask.__new__(DatabaseTask)
    state = ModelState()
    state.adding = False
    state.db = connection.alias
    task.__dict__.update(_BLANK)
    task.__dict__.update(
        _state=state,
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
        **filled_in,
    )
    return task
