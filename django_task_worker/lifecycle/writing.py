"""Transactions that write what they have read, and that are run again when they were a deadlock's victim."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TypeVar

from django.db import OperationalError, connections, transaction
from django.db.models.functions import Collate

from django_task_worker.events import Event, EventName, announce
from django_task_worker.models import DatabaseTask, TaskQuerySet

T = TypeVar("T")
CHUNK = 500
TRIES = 5
VICTIM = {"40001", "40P01", 1205, 1213}
"""What Postgres and MySQL answer to the transaction that they give up for another one."""


def again(action: Callable[[], T], using: str) -> T:
    """What `action` returns; it is one transaction, and is run again when the database gave it up.

    Not within the caller's own transaction, which is lost then: the caller has to run that again.
    """
    for tries_left in reversed(range(TRIES)):
        try:
            return action()
        except OperationalError as error:
            if not tries_left or connections[using].in_atomic_block or not _is_victim(error):
                raise
            time.sleep(random.uniform(0.0, 0.05))
    raise AssertionError("unreachable")


def _is_victim(error: OperationalError) -> bool:
    cause = error.__cause__
    codes = getattr(cause, "sqlstate", None), getattr(cause, "pgcode", None), *error.args[:1]
    return any(code in VICTIM for code in codes)


@contextmanager
def write_transaction(using: str) -> Iterator[None]:
    """A transaction in which `locked` rows stay as they are until its end.

    On SQLite it begins with a write that matches nothing: a transaction that begins with a read could not
    become a writer once another process has written.
    """
    with transaction.atomic(using=using):
        if not connections[using].features.has_select_for_update:
            DatabaseTask.objects.using(using).filter(pk="").update(deferrals=0)
        yield


def locked(tasks: TaskQuerySet, ids: Sequence[str]) -> list[str]:
    """Those of the ids that are among `tasks`, locked against others, in the order of `ids`.

    They are locked in the order of their letters, as everybody does who locks several.
    """
    connection = connections[tasks.db]
    if connection.features.has_select_for_update:
        tasks = tasks.select_for_update()
    order = Collate("pk", "C") if connection.vendor == "postgresql" else "pk"
    found = set(tasks.order_by(order).filter(pk__in=ids).values_list("pk", flat=True))
    return [task_id for task_id in ids if task_id in found]


def chunks(ids: Sequence[str]) -> Iterator[Sequence[str]]:
    """The distinct ids, a few hundred at a time."""
    distinct = list(dict.fromkeys(ids))
    for start in range(0, len(distinct), CHUNK):
        yield distinct[start : start + CHUNK]


def announce_each(name: EventName, ids: Sequence[str], using: str, *, wakes: bool = False) -> None:
    """Tell what happened to these tasks, an event each, with their names and queues."""
    tasks = DatabaseTask.objects.using(using).filter(pk__in=ids).order_by()
    subjects = {pk: (task, queue) for pk, task, queue in tasks.values_list("pk", "name", "queue")}
    events = []
    for pk in ids:
        task, queue = subjects.get(pk, (None, None))
        events.append(Event(event=name, task_id=pk, name=task, queue=queue, wakes=wakes))
    announce(events, using)
