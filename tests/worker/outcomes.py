"""Storing tasks and looking at what became of them."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from django_task_worker.client import create_task
from django_task_worker.models import DatabaseTask
from tests.processes import journal_lines
from tests.waiting import wait_until


def enqueue(function: str, *args: Any, **options: Any) -> DatabaseTask:
    """Stores a call of `app.tasks.FUNCTION`, or of a dotted name as it is."""
    name = function if "." in function else f"app.tasks.{function}"
    return create_task(name, list(args), check=False, **options)


def row(task: DatabaseTask) -> DatabaseTask:
    """The task as it is now."""
    return DatabaseTask.objects.get(pk=task.pk)


def ended(task: DatabaseTask, timeout: float = 20) -> DatabaseTask:
    """The task once it is final."""

    def final() -> DatabaseTask | None:
        now = row(task)
        return now if now.is_final else None

    found = wait_until(final, timeout, what=lambda: f"{row(task)}, {row(task).error}")
    assert found is not None
    return found


def running(task: DatabaseTask, timeout: float = 20) -> DatabaseTask:
    """The task once a child has begun to run it, as far as the database knows."""
    wait_until(
        lambda: row(task).started_at and row(task).status == "PROGRESS", timeout, what=lambda: row(task)
    )
    return row(task)


def statuses() -> Counter[str]:
    """How many tasks there are in each status."""
    return Counter(DatabaseTask.objects.values_list("status", flat=True))


def all_ended(timeout: float = 60, *, what: Callable[[], object] = statuses) -> Counter[str]:
    """How many tasks ended how, once all have."""
    wait_until(lambda: not DatabaseTask.objects.exclude(pk__in=_final()).exists(), timeout, what=what)
    return statuses()


def _final() -> Any:
    return DatabaseTask.objects.final().values("pk")


def starts(journal: Path) -> Counter[str]:
    """How often each key was begun."""
    return Counter(key for word, key, _ in journal_lines(journal) if word == "start")


def ends(journal: Path) -> Counter[str]:
    """How often each key was finished."""
    return Counter(key for word, key, _ in journal_lines(journal) if word == "end")


def journal_tasks(
    journal: Path, keys: Sequence[str], seconds: float = 0.0, **options: Any
) -> list[dict[str, Any]]:
    """What `create_tasks` takes to have each key written into the journal."""
    return [
        {"name": "app.tasks.journal", "args": [str(journal), key, seconds], "check": False, **options}
        for key in keys
    ]


def seconds_until(condition: Callable[[], object], timeout: float) -> float:
    """How long it took until the condition held."""
    began = time.monotonic()
    wait_until(condition, timeout)
    return time.monotonic() - began
