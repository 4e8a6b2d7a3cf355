"""Short tasks wait behind one another in a child. What becomes of the first is not the others' affair."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest

from django_task_worker.client import cancel, create_tasks
from django_task_worker.models import DatabaseTask
from tests.processes import Process
from tests.waiting import wait_until
from tests.worker.marks import on_postgres
from tests.worker.outcomes import row, running, statuses

pytestmark = on_postgres
BEFORE, BEHIND = 40, 7


@pytest.fixture
def task_worker(quick: dict[str, Any]) -> dict[str, Any]:
    quick["ALLOWED"] = [*quick["ALLOWED"], "crowd"]
    return quick


class Crowd:
    """A worker with one child, to which tasks that may not be retried are given many at a time."""

    def __init__(self, worker: Callable[..., Process]) -> None:
        self._start = worker

    def gather(self, stops_to: str, *arguments: object, timeout: int = 300) -> list[DatabaseTask]:
        """One that has begun and stops in this way, and those behind it."""
        call = {"name": "crowd.walk", "check": False, "max_retries": 0}
        create_tasks([call | {"args": [""]}] * BEFORE)
        self.worker = self._start("--concurrency", 1, "--poll", "100ms", *arguments)
        become(COMPLETED=BEFORE)
        ways = [stops_to, *[""] * BEHIND]
        tasks = create_tasks([call | {"args": [way], "timeout": timeout} for way in ways])
        wait_until(lambda: row(tasks[0]).status == "PROGRESS", 20)
        return tasks


@pytest.fixture
def crowd(task_worker: dict[str, Any], worker: Callable[..., Process]) -> Crowd:
    return Crowd(worker)


def become(**expected: int) -> None:
    wait_until(lambda: statuses() == expected, 20, what=statuses)


def test_others_run_when_the_first_belongs_to_somebody_else(crowd: Crowd) -> None:
    first, *_ = crowd.gather("give its row away")
    become(COMPLETED=BEFORE + BEHIND, PROGRESS=1)
    assert row(first).lease == "elsewhere"


@pytest.mark.parametrize("way", ["hear a signal", "sleep"])
def test_others_run_when_the_first_takes_too_long(crowd: Crowd, way: str) -> None:
    """Also where being asked for its stack ends it early, and the next seems to be its turn."""
    first, *_ = crowd.gather(way, timeout=1)
    become(COMPLETED=BEFORE + BEHIND, FAILED=1)
    assert row(first).error_type == "TaskTimeout"


def test_others_run_when_the_first_is_cancelled(crowd: Crowd) -> None:
    first, *_ = crowd.gather("sleep")
    assert cancel(running(first).id)
    become(COMPLETED=BEFORE + BEHIND, CANCELLED=1)


def test_what_was_cancelled_behind_the_first_is_not_run(crowd: Crowd) -> None:
    first, second, *_ = crowd.gather("sleep", timeout=2)
    running(first)
    assert cancel(second.id)
    become(COMPLETED=BEFORE + BEHIND - 1, CANCELLED=1, FAILED=1)
    assert (row(first).error_type, row(second).started_at) == ("TaskTimeout", None)


def test_a_worker_that_stops_hands_back_what_is_behind_the_first(
    crowd: Crowd,
) -> None:
    first, *_ = crowd.gather("sleep", "--grace", "500ms")
    running(first)
    began = time.monotonic()
    assert crowd.worker.stop() == 0
    assert time.monotonic() - began < 8
    assert statuses() == {"COMPLETED": BEFORE, "FAILED": 1, "PENDING": BEHIND}
    assert row(first).error_type == "Interrupted"
