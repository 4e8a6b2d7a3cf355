"""Workers count what they do."""

from __future__ import annotations

from collections.abc import Callable

from django_task_worker import statistics
from tests.processes import Process
from tests.waiting import wait_until
from tests.worker.marks import on_postgres
from tests.worker.outcomes import ended, enqueue


@on_postgres
def test_attempts_are_in_the_statistics_soon_after_they_ended(worker: Callable[..., Process]) -> None:
    worker("--concurrency", 2, "--name", "first")
    for task in [enqueue("add", 1, 2) for _ in range(5)] + [enqueue("fail"), enqueue("sleep", 0.3)]:
        ended(task)
    (found,) = wait_until(
        lambda: [all_of for all_of in statistics.read(60) if all_of.finished == 7], 15, what="statistics"
    )
    assert (found.completed, found.failed, found.retried) == (6, 1, 0)
    assert found.wait.count == found.run.count == 7
    assert 0.25 < (found.run.quantile_s(1.0) or 0) < 0.6
    assert {by.key: by.completed for by in statistics.read(60, by="task")} == {
        "app.tasks.add": 5,
        "app.tasks.fail": 0,
        "app.tasks.sleep": 1,
    }
    assert [by.key for by in statistics.read(60, by="worker")] == ["first"]


@on_postgres
def test_a_worker_that_ends_leaves_nothing_uncounted(worker: Callable[..., Process]) -> None:
    process = worker("--concurrency", 2)
    for task in [enqueue("add", 1, 2) for _ in range(5)]:
        ended(task)
    assert process.stop() == 0
    assert statistics.read(60)[0].completed == 5
