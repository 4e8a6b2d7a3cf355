"""Purge for Postgres: the oldest are found, locked and deleted in one statement. `purge` is the reference."""

from __future__ import annotations

from django.db import connections
from django.db.models.expressions import RawSQL

from django_task_worker.lifecycle.literals import array
from django_task_worker.lifecycle.postgresql import TASKS
from django_task_worker.models import TaskAttempt, TaskQuerySet
from django_task_worker.records import TaskLog

_WHAT_BELONGS_TO_THEM = [
    f"DELETE FROM {model._meta.db_table} WHERE task_id = ANY (%s::text[])" for model in (TaskAttempt, TaskLog)
]


def delete(doomed: TaskQuerySet, limit: int, using: str) -> list[str]:
    """Those of them that ended first and that nobody has locked; within a transaction."""
    placed = doomed.annotate(place=RawSQL(f"{TASKS}.ctid", ())).order_by("finished_at")
    oldest = placed.values_list("place")[:limit].select_for_update(skip_locked=True)
    places, parameters = oldest.query.get_compiler(using).as_sql()
    with connections[using].cursor() as cursor:
        cursor.execute(f"DELETE FROM {TASKS} WHERE ctid = ANY (ARRAY ({places})) RETURNING id", parameters)
        ids = [task_id for (task_id,) in cursor.fetchall()]
        for statement in _WHAT_BELONGS_TO_THEM if ids else ():
            cursor.execute(statement, [array(ids)])
    return ids
