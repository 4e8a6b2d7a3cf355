"""A worker that was frozen for longer than its lease wakes up into a world that has gone on without it."""

from __future__ import annotations

import signal
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil
import pytest

from django_task_worker.client import create_tasks
from django_task_worker.models import DatabaseTask, TaskAttempt
from tests.processes import Process
from tests.waiting import wait_until
from tests.worker.marks import on_postgres
from tests.worker.outcomes import all_ended, ended, enqueue, row, running, starts

Freeze = Callable[[Process], None]


def freeze_all(process: Process) -> None:
    for one in [psutil.Process(process.pid), *process.children()]:
        one.send_signal(signal.SIGSTOP)


def thaw_all(process: Process) -> None:
    for one in [psutil.Process(process.pid), *process.children()]:
        with suppress(psutil.NoSuchProcess):  # the first that wakes up may have killed it
            one.send_signal(signal.SIGCONT)


@pytest.fixture
def taken_over(quick: dict[str, Any], worker: Callable[..., Process], journal: Path) -> Callable[..., Any]:
    """A frozen worker, and a second one that runs its task again; also the task."""

    def taken_over(freeze: Freeze, seconds: float) -> Any:
        first = worker("--concurrency", 1, "--name", "first", "--poll", "100ms")
        task = enqueue("fates.journal_and_wait", str(journal), "k", seconds, max_retries=1)
        running(task)
        freeze(first)
        second = worker("--concurrency", 1, "--name", "second", "--poll", "100ms")
        wait_until(lambda: starts(journal)["k"] == 2 and row(task).worker == "second", 20)
        running(task)
        return first, second, task

    return taken_over


def test_a_worker_that_wakes_up_changes_nothing_and_works_again(taken_over: Callable[..., Any]) -> None:
    assert_fenced(*taken_over(freeze_all, 5))


@on_postgres
def test_a_supervisor_that_wakes_up_changes_nothing_and_works_again(taken_over: Callable[..., Any]) -> None:
    assert_fenced(*taken_over(Process.freeze, 5))


def assert_fenced(first: Process, second: Process, task: DatabaseTask) -> None:
    before = row(task)
    old = {child.pid for child in first.children()}
    thaw_all(first)
    wait_until(lambda: not old & {child.pid for child in first.children()}, 2)
    first.line("fenced")
    now = row(task)
    assert (now.status, now.lease, now.worker) == ("PROGRESS", before.lease, "second")
    done = ended(task)
    assert (done.status, done.worker, done.retry_count) == ("COMPLETED", "second", 1)
    assert [attempt.error_type for attempt in TaskAttempt.objects.all()] == ["WorkerLost"]
    assert second.stop() == 0
    again = ended(enqueue("add", 1, 2))
    assert (again.result, again.worker) == ("3", "first")
    assert row(task).updated_at == done.updated_at
    assert first.stop() == 0


@on_postgres
def test_a_worker_that_wakes_up_after_the_end_changes_nothing(taken_over: Callable[..., Any]) -> None:
    first, _, task = taken_over(freeze_all, 2)
    done = ended(task)
    assert (done.status, done.worker) == ("COMPLETED", "second")
    thaw_all(first)
    first.line("fenced")
    assert first.stop() == 0
    assert row(task).updated_at == done.updated_at


@on_postgres
def test_children_of_a_frozen_supervisor_begin_nothing_that_another_may_have(
    quick: dict[str, Any], worker: Callable[..., Process], journal: Path
) -> None:
    first = worker("--concurrency", 1, "--name", "first")
    call = {"name": "fates.journal_and_wait", "max_retries": 1, "check": False}
    create_tasks([call | {"args": [str(journal), "short", 0.0]}] * 40)
    all_ended()
    (child,) = first.children()
    tasks = create_tasks([call | {"args": [str(journal), f"long{n}", 3.0]} for n in range(4)])
    wait_until(lambda: starts(journal).total() == 41)
    first.freeze()
    worker("--concurrency", 4, "--name", "second")
    for done in map(ended, tasks):
        assert (done.status, done.worker, done.retry_count) == ("COMPLETED", "second", 1)
    lines = [line.split() for line in journal.read_text().splitlines()]
    begun = [word for word, key, pid in lines if key != "short" and int(pid) == child.pid]
    assert begun == ["start", "end"]
    thaw_all(first)
    first.line("fenced")
    assert ended(enqueue("add", 1, 2)).status == "COMPLETED"


@on_postgres
def test_an_idle_worker_that_was_frozen_works_again(
    quick: dict[str, Any], worker: Callable[..., Process]
) -> None:
    first = worker("--concurrency", 1, "--name", "first", "--poll", "100ms")
    assert ended(enqueue("add", 1, 2)).worker == "first"
    freeze_all(first)
    second = worker("--concurrency", 1, "--name", "second", "--poll", "100ms")
    task = enqueue("sleep", 3)
    running(task)
    thaw_all(first)
    assert ended(task).worker == "second"
    assert second.stop() == 0
    assert ended(enqueue("add", 1, 2)).worker == "first"
