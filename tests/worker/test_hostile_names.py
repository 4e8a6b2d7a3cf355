"""Rows that somebody else wrote (reliability.md SEC-1, SEC-2): the worker itself decides which names run."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from django_task_worker.models import DatabaseTask
from tests.processes import Process
from tests.waiting import wait_until

NAMES = [
    "os.system",
    "os.mkdir",
    "posix.mkdir",
    "subprocess.call",
    "builtins.eval",
    "app.tasks.os.system",
    "app.tasks.signal.raise_signal",
    "app.tasks.sys.exit",
    "app.tasks.Unprintable",
    "app.tasks.ANSWER",
    "app.tasks.DatabaseTask.objects.all().delete",
    "app.tasks.add.__globals__",
    "app.tasks.__builtins__",
    "django.core.management.call_command",
    "django_task_worker.client.create_task",
    "manage.main",
    "config.settings.entry",
    "app.tasks.add\n",
    "app.tasks.add\x1b[2J",
    "\u0430pp.tasks.add",  # a Cyrillic letter
    "app.tasks.\uff41dd",  # a full-width letter
    "größe",
    "x-" * 127,
    "app tasks add",
    "",
]


@pytest.fixture
def target(tmp_path: Path) -> Path:
    return tmp_path / "made by a task"


def test_a_row_with_a_hostile_name_fails_once_and_runs_nothing(
    worker: Callable[..., Process], target: Path
) -> None:
    for name in NAMES:
        DatabaseTask.objects.create(name=name, args=[str(target)], kwargs={}, max_retries=3)
    good = DatabaseTask.objects.create(name="app.tasks.add", args=[1, 2])
    worker("--concurrency", 2)
    ended = DatabaseTask.objects.filter(status__in=["COMPLETED", "FAILED"], next_attempt_at=None)
    wait_until(lambda: ended.count() == len(NAMES) + 1, 20, what="every task has ended")
    for task in DatabaseTask.objects.exclude(pk=good.pk):
        assert (task.status, task.error_type, task.retry_count) == ("FAILED", "TaskNotAllowed", 0), task.name
        assert task.error.isprintable()
    good.refresh_from_db()
    assert good.result == "3"
    assert not target.exists()
