"""Processes that tasks start: they live as long as the task, and no longer."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from tests.processes import Process
from tests.waiting import wait_until
from tests.worker.marks import on_postgres
from tests.worker.outcomes import ended, enqueue, row


@pytest.fixture
def pids(tmp_path: Path) -> Path:
    return tmp_path / "pids"


def read(pids: Path, count: int) -> list[int]:
    def found() -> list[int]:
        return [int(line) for line in pids.read_text().split()] if pids.exists() else []

    wait_until(lambda: len(found()) == count)
    return found()


def is_alive(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def assert_gone(numbers: list[int]) -> None:
    wait_until(lambda: not any(map(is_alive, numbers)), 5)


def test_what_a_task_leaves_behind_ends_after_it(resident: Process, pids: Path) -> None:
    assert ended(enqueue("fates.leave_processes", str(pids))).status == "COMPLETED"
    assert_gone(read(pids, 5))


def test_what_a_task_has_started_ends_with_it_at_its_time_limit(resident: Process, pids: Path) -> None:
    task = enqueue("fates.leave_processes_and_hang", str(pids), timeout=1)
    numbers = read(pids, 6)
    assert (ended(task).error_type, is_alive(numbers[0])) == ("TaskTimeout", False)
    assert_gone(numbers)


def test_what_a_task_has_started_ends_with_its_child(resident: Process, pids: Path) -> None:
    task = enqueue("fates.leave_processes_and_hang", str(pids))
    numbers = read(pids, 6)
    psutil.Process(numbers[0]).kill()
    assert ended(task).error_type == "WorkerLost"
    assert_gone(numbers)


def test_a_daemon_lives_while_the_task_that_started_it_runs(resident: Process, pids: Path) -> None:
    done = ended(enqueue("fates.use_a_daemon", str(pids), 3))
    assert (done.status, done.result) == ("COMPLETED", "alive")
    assert_gone(read(pids, 1))


def test_a_task_does_not_wait_for_processes_that_hold_its_output(resident: Process, pids: Path) -> None:
    task = enqueue("leave_a_process", 60, str(pids), timeout=1)
    assert ended(task).error_type == "TaskTimeout"
    assert_gone(read(pids, 1))


@on_postgres
def test_what_tasks_have_started_ends_with_the_worker(worker: Callable[..., Process], pids: Path) -> None:
    process = worker("--concurrency", 1, "--grace", "1s")
    task = enqueue("fates.leave_processes_and_hang", str(pids), max_retries=1)
    numbers = read(pids, 6)
    assert process.stop() == 0
    assert_gone(numbers)
    assert row(task).status == "PENDING"
