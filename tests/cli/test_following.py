"""What follows goes on when the database was away for a while."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.db import OperationalError

from django_task_worker import queries, task_logs
from django_task_worker.models import DatabaseTask
from django_task_worker.records import TaskLog
from taskctl import database, watch
from taskctl.commands import show
from tests.cli.conftest import Ctl, Make, on_one

AWAY = "the database does not answer; trying again\nthe database answers again\n"
pytestmark = on_one


@pytest.fixture(autouse=True)
def in_haste(monkeypatch: pytest.MonkeyPatch) -> None:
    for module, name in (
        (watch, "INTERVAL_S"),
        (show, "INTERVAL_S"),
        (task_logs, "LOOK_S"),
        (database, "AGAIN_S"),
    ):
        monkeypatch.setattr(module, name, 0.01)


@pytest.fixture
def script(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """`script(module, name, step, ...)`: before the n-th call of a function its n-th step is taken."""

    def rewrite(module: Any, name: str, *steps: Callable[[], Any] | None) -> None:
        real, left = getattr(module, name), list(steps)

        def call(*words: Any, **options: Any) -> Any:
            step = left.pop(0) if left else None
            if step is not None:
                step()
            return real(*words, **options)

        monkeypatch.setattr(module, name, call)

    return rewrite


def gone() -> None:
    raise OperationalError("server closed the connection unexpectedly")


def ctrl_c() -> None:
    raise KeyboardInterrupt


def test_a_list_is_watched_on(ctl: Ctl, make: Make, script: Any) -> None:
    first, later = make("COMPLETED"), []
    script(queries, "changed", gone, lambda: later.append(make("FAILED")), ctrl_c)
    done = ctl("list", "--watch")
    assert done.code == 130
    assert [line.split("\t")[:2] for line in done.lines] == [
        [first.pk, "completed"],
        [later[0].pk, "failed"],
    ]
    assert done.err == AWAY


def test_a_task_is_watched_on(ctl: Ctl, make: Make, using: str, script: Any) -> None:
    task = make("PENDING")
    tasks = DatabaseTask.objects.using(using)
    script(queries, "get", None, gone, lambda: tasks.update(status="CANCELLED", finished_at=task.due_at))
    done = ctl("show", task.pk, "--watch")
    assert (done.code, done.err) == (0, AWAY)
    assert [line for line in done.lines if line.startswith("status")] == [
        "status\tpending",
        "status\tcancelled",
    ]


def test_logs_are_followed_on_without_a_word_twice(ctl: Ctl, make: Make, using: str, script: Any) -> None:
    task = make("PROGRESS")
    tasks = DatabaseTask.objects.using(using)
    log = TaskLog(task_id=task.pk, number=1, lease="one", worker="web-1", text="a\nb\n", size=4)
    log.save(using=using)

    def end() -> None:
        TaskLog.objects.using(using).update(text="a\nb\nc\n", size=6, is_final=True)
        ended = {"lease": None, "lease_expires_at": None, "finished_at": task.due_at}
        tasks.update(status="FAILED", **ended)

    script(task_logs, "_look", None, gone, end)
    script(queries, "database_now", gone)
    done = ctl("logs", task.pk, "--follow")
    assert (done.code, done.lines, done.err) == (0, ["a", "b", "c"], AWAY)
