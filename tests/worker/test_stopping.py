"""Signals: when a worker ends, how, and what becomes of what it was running."""

from __future__ import annotations

import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
import pytest

from django_task_worker import registry
from django_task_worker.client import create_tasks
from django_task_worker.models import DatabaseTask, TaskAttempt, Worker
from tests.processes import Process
from tests.waiting import wait_until
from tests.worker.marks import on_postgres, on_sqlite
from tests.worker.outcomes import (
    ended,
    ends,
    enqueue,
    journal_tasks,
    row,
    running,
    seconds_until,
    starts,
    statuses,
)


def test_sigterm_under_load_ends_with_nothing_in_progress(
    worker: Callable[..., Process], journal: Path
) -> None:
    process = worker("--concurrency", 4)
    keys = [f"k{number}" for number in range(3000)]
    create_tasks(journal_tasks(journal, keys))
    wait_until(lambda: len(ends(journal)) > 50, 20)
    assert process.stop(timeout=20) == 0
    left = statuses()
    assert left["PROGRESS"] == 0
    assert left["FAILED"] == 0
    assert left["COMPLETED"] + left["PENDING"] == len(keys)
    assert left["PENDING"] > 0, "not under load"
    assert starts(journal) == ends(journal)
    assert left["COMPLETED"] == len(ends(journal))
    assert set(DatabaseTask.objects.values_list("retry_count", flat=True)) == {0}
    assert Worker.objects.get().state == Worker.State.STOPPED


@on_postgres
def test_an_idle_worker_ends_at_once(worker: Callable[..., Process]) -> None:
    process = worker()
    process.send(signal.SIGTERM)
    assert seconds_until(lambda: not process.running, 10) < 2
    assert process.wait() == 0


@on_postgres
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_first_signal_lets_running_tasks_finish_and_claims_no_more(
    worker: Callable[..., Process], journal: Path, number: int
) -> None:
    process = worker("--concurrency", 1)
    first = enqueue("journal", str(journal), "first", 2)
    running(first)
    second = enqueue("journal", str(journal), "second")
    assert process.stop(number) == 0
    assert row(first).status == "COMPLETED"
    assert row(second).status == "PENDING"
    assert process.line("stopping: waiting up to 30s for 1 running task")


@on_postgres
def test_what_outlasts_the_grace_goes_back_unspent_or_fails(worker: Callable[..., Process]) -> None:
    process = worker("--concurrency", 2, "--grace", "1s")
    spare = enqueue("sleep", 60, max_retries=1)
    single = enqueue("sleep", 60)
    for task in (spare, single):
        running(task)
    process.send(signal.SIGTERM)
    assert seconds_until(lambda: not process.running, 15) < 1 + 2 + 2
    assert process.wait() == 0
    again = row(spare)
    assert (again.status, again.retry_count, again.started_at, again.worker) == ("PENDING", 0, None, None)
    failed = row(single)
    assert (failed.status, failed.error_type) == ("FAILED", "Interrupted")
    assert failed.finished_at is not None
    assert set(TaskAttempt.objects.values_list("outcome", flat=True)) == {"interrupted"}


@on_postgres
@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_second_signal_hands_back_at_once(worker: Callable[..., Process], number: int, code: int) -> None:
    process = worker("--concurrency", 2)
    stubborn = enqueue("refuse_to_end", 60, max_retries=1)
    single = enqueue("sleep", 60)
    for task in (stubborn, single):
        running(task)
    process.send(number)
    process.line("stopping: waiting")

    def ends_on_another() -> bool:
        """Close repeats count as the same key press: so again until it is believed."""
        if process.running and "handed back" not in process.output:
            process.send(number)
        return not process.running

    assert seconds_until(ends_on_another, 15) < 3
    assert process.wait() == code
    assert row(stubborn).status == "PENDING"
    assert (row(single).status, row(single).error_type) == ("FAILED", "Interrupted")
    assert statuses()["PROGRESS"] == 0


@on_postgres
def test_sigquit_hands_back_at_once(worker: Callable[..., Process]) -> None:
    process = worker("--concurrency", 1)
    task = enqueue("sleep", 60, max_retries=1)
    running(task)
    assert process.stop(signal.SIGQUIT) == 128 + signal.SIGQUIT
    assert row(task).status == "PENDING"


@on_postgres
def test_a_closely_repeated_signal_is_one_key_press(worker: Callable[..., Process]) -> None:
    process = worker("--concurrency", 1)
    task = enqueue("sleep", 1.5)
    running(task)
    process.send(signal.SIGINT)
    process.send(signal.SIGINT)
    assert process.wait() == 0
    assert row(task).status == "COMPLETED"


@on_postgres
def test_sigusr1_shows_what_is_running_and_harms_nothing(worker: Callable[..., Process]) -> None:
    process = worker("--concurrency", 2)
    task = enqueue("sleep", 2)
    running(task)
    process.send(signal.SIGUSR1)
    process.line(task.id)
    process.line("in sleep")
    done = ended(task)
    assert done.status == "COMPLETED"
    assert process.stop() == 0


# --- drained ---


@on_postgres
def test_a_drained_worker_finishes_what_it_runs_whatever_its_grace(
    worker: Callable[..., Process], quick: dict[str, Any]
) -> None:
    process = worker("--concurrency", 1, "--grace", "100ms")
    task = enqueue("sleep", 2.5)
    running(task)
    registry.drain([Worker.objects.get().pk])
    process.line("draining: waiting for 1 running task")
    after = enqueue("nothing")
    assert process.wait() == 0
    assert row(task).status == "COMPLETED"
    assert row(after).status == "PENDING"
    assert Worker.objects.get().state == Worker.State.STOPPED


@on_postgres
def test_a_signal_to_a_draining_worker_is_its_first(
    worker: Callable[..., Process], quick: dict[str, Any]
) -> None:
    process = worker("--concurrency", 1, "--grace", "20s")
    task = enqueue("sleep", 2.5)
    running(task)
    registry.drain([Worker.objects.get().pk])
    process.line("draining: waiting for 1 running task")
    assert process.stop() == 0
    assert "stopping: waiting up to 20s for 1 running task" in process.output
    assert row(task).status == "COMPLETED"


@on_sqlite
def test_a_worker_that_waits_for_its_last_task_rests(worker: Callable[..., Process]) -> None:
    """The other child was worn out by its task, and is not replaced any more."""
    process = worker("--concurrency", 2, "--max-tasks", 1)
    first, last = enqueue("sleep", 1), enqueue("sleep", 4)
    for task in (first, last):
        running(task)
    process.send(signal.SIGTERM)
    assert ended(first).status == "COMPLETED"
    before = psutil.Process(process.pid).cpu_times()
    wait_until(lambda: row(last).is_final, 20)
    after = psutil.Process(process.pid).cpu_times()
    assert after.user + after.system - before.user - before.system < 1
    assert process.wait() == 0
