"""A task over its time limit is ended by force, and nobody else notices."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

from django_task_worker.models import DatabaseTask
from tests.processes import Process
from tests.worker.marks import on_postgres
from tests.worker.outcomes import ended, ends, enqueue, running


def assert_timed_out(task: DatabaseTask, limit_s: int) -> None:
    assert task.status == "FAILED"
    assert task.error_type == "TaskTimeout"
    assert f"{limit_s} s" in (task.error or "")
    assert task.finished_at is not None
    assert task.started_at is not None
    assert "in sleep_in_c" in (task.traceback or ""), "where it was at the moment of the kill"
    assert limit_s <= (task.finished_at - task.started_at).total_seconds() <= limit_s + 5


def test_a_task_asleep_in_c_fails_in_time_while_its_neighbours_go_on(
    worker: Callable[..., Process], journal: Path
) -> None:
    process = worker("--concurrency", 3)
    began = time.monotonic()
    asleep = enqueue("sleep_in_c", 60, timeout=2)
    deaf = enqueue("sleep_in_c", 60, True, timeout=2)
    running(asleep)
    neighbours = [enqueue("journal", str(journal), f"n{number}", 0.3) for number in range(8)]
    for task in (asleep, deaf):
        assert_timed_out(ended(task), 2)
    assert time.monotonic() - began < 7 + 1
    for task in neighbours:
        assert ended(task).status == "COMPLETED"
    assert set(ends(journal).values()) == {1}
    assert process.stop() == 0


@on_postgres
def test_the_slot_of_a_task_that_timed_out_works_again(worker: Callable[..., Process]) -> None:
    worker("--concurrency", 1)
    first = enqueue("sleep_in_c", 60, True, timeout=1)
    second = enqueue("add", 1, 2)
    assert_timed_out(ended(first), 1)
    assert ended(second).result == "3"
