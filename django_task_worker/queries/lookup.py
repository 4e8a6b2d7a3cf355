"""Single tasks: by id, by the beginning of an id."""

from __future__ import annotations

from collections.abc import Sequence

from django.db import connections

from django_task_worker.exceptions import TaskWorkerError
from django_task_worker.models import DatabaseTask

HEAVY = ("args", "kwargs", "metadata", "result", "result_json", "traceback")
"""What a list does not show and would pay for."""
SHORTEST_PREFIX = 6
LONGEST = 22
LETTERS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"


class TaskNotFound(TaskWorkerError):
    """There is no task with this id."""

    def __init__(self, text: str) -> None:
        super().__init__(f"no task with the id {text!r}")
        self.text = text


class AmbiguousId(TaskWorkerError):
    """Several tasks have ids that start like this."""

    def __init__(self, text: str, candidates: Sequence[DatabaseTask], *, more: bool) -> None:
        super().__init__(f"several tasks start with {text!r}")
        self.text = text
        self.candidates = tuple(candidates)
        self.more = more


def find(text: str, using: str) -> str:
    """The id that this is, or of which it is an unambiguous prefix. Raises TaskNotFound, AmbiguousId."""
    tasks = DatabaseTask.objects.using(using).order_by().defer(*HEAVY)
    if any(pk == text for pk in tasks.filter(pk=text).values_list("pk", flat=True)):
        return text
    if len(text) < SHORTEST_PREFIX or not text.isascii() or not text.isalnum():
        raise TaskNotFound(text)
    near = tasks.filter(pk__gte=text, pk__lte=text + _last_letters(using) * LONGEST)
    found = [task for task in near[:100] if task.pk.startswith(text)]
    if not found:
        raise TaskNotFound(text)
    if len(found) > 1:
        newest = sorted(found, key=lambda task: task.created_at, reverse=True)
        raise AmbiguousId(text, newest[:10], more=len(found) > 10)
    return str(found[0].pk)


def _last_letters(using: str) -> str:
    """What sorts behind all that an id can go on with: LIKE cannot use the index of the primary key.

    Not always z: other letters come behind it in Estonian, and two of them together in Danish.
    """
    if connections[using].vendor != "postgresql":
        return "z"
    with connections[using].cursor() as cursor:
        cursor.execute(
            "SELECT max(a || b) FROM unnest(%s::text[]) AS a, unnest(%s::text[]) AS b", [list(LETTERS)] * 2
        )
        (last,) = cursor.fetchone()
    return str(last)


def get(task_id: str, using: str) -> DatabaseTask:
    """The task with all columns. Raises TaskNotFound."""
    task = DatabaseTask.objects.using(using).filter(pk=task_id).first()
    if task is None:
        raise TaskNotFound(task_id)
    return task


def light(task_ids: Sequence[str], using: str) -> dict[str, DatabaseTask]:
    """These tasks by id, without their heavy columns. Ids that do not exist are left out."""
    found: dict[str, DatabaseTask] = {}
    tasks = DatabaseTask.objects.using(using).defer(*HEAVY)
    for start in range(0, len(task_ids), 500):
        found |= {task.pk: task for task in tasks.filter(pk__in=task_ids[start : start + 500])}
    return found
