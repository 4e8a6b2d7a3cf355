"""Tasks that end their process, or try to: the attempt fails, the worker and the neighbours go on."""

from __future__ import annotations

import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
import pytest

from django_task_worker.client import cancel, create_tasks, requeue
from tests.processes import Process
from tests.waiting import wait_until
from tests.worker.marks import on_postgres
from tests.worker.outcomes import all_ended, ended, ends, enqueue, row, running, statuses

LOST = {
    "segfault": ([], "SIGSEGV"),
    "kill_self": ([], "SIGKILL"),
    "kill_self abort": ([signal.SIGABRT], "SIGABRT"),
    "kill_self illegal": ([signal.SIGILL], "SIGILL"),
    "kill_self term": ([signal.SIGTERM], "SIGTERM"),
    "leave_at_once": ([0], "exited with code 0"),
    "leave_at_once three": ([3], "exited with code 3"),
}


@pytest.mark.parametrize("call", LOST)
def test_a_task_that_ends_its_process_fails_with_the_reason(resident: Process, call: str) -> None:
    arguments, reason = LOST[call]
    done = ended(enqueue(call.split()[0], *arguments))
    assert (done.status, done.error_type, done.result) == ("FAILED", "WorkerLost", None)
    assert reason in (done.error or "")
    assert resident.running


def test_a_crash_shows_where_it_was(resident: Process) -> None:
    done = ended(enqueue("segfault"))
    assert "in segfault" in (done.traceback or "")


@pytest.mark.parametrize("code", [0, 1])
def test_leaving_by_an_exception_is_a_failure(resident: Process, code: int) -> None:
    done = ended(enqueue("leave", code))
    assert (done.status, done.error_type, done.error) == ("FAILED", "SystemExit", str(code))


def test_a_child_that_dies_with_a_budget_runs_its_task_again(resident: Process, journal: Path) -> None:
    done = ended(enqueue("journal_and_die", str(journal), "k", max_retries=2))
    assert (done.status, done.error_type, done.retry_count) == ("FAILED", "WorkerLost", 2)
    assert len(journal.read_text().splitlines()) == 3


def test_a_killed_child_fails_its_task_only(resident: Process, journal: Path) -> None:
    victim = enqueue("fates.journal_and_wait", str(journal), "victim", 60)
    neighbour = enqueue("fates.journal_and_wait", str(journal), "neighbour", 1)
    for task in (victim, neighbour):
        running(task)
    pid = int(next(line for line in journal.read_text().splitlines() if " victim " in line).split()[2])
    psutil.Process(pid).kill()
    done = ended(victim, 5)
    assert (done.status, done.error_type) == ("FAILED", "WorkerLost")
    assert "SIGKILL" in (done.error or "")
    assert ended(neighbour).status == "COMPLETED"


def test_a_crew_that_is_killed_is_replaced(resident: Process) -> None:
    before = {child.pid for child in resident.children()}
    for child in resident.children():
        child.kill()
    done = ended(enqueue("add", 1, 2))
    assert done.result == "3"
    wait_until(lambda: len(resident.children()) == 4, 15)
    assert not before & {child.pid for child in resident.children()}


def test_a_task_that_its_child_has_not_read_when_it_dies_goes_to_another(resident: Process) -> None:
    """It had no budget, and has spent none."""
    children = resident.children()
    for child in children:
        child.suspend()
    task = enqueue("add", 1, 2)
    wait_until(lambda: row(task).status == "PROGRESS")
    time.sleep(0.2)  # until it lies in the channel
    for child in children:
        child.kill()
    done = ended(task)
    assert (done.status, done.result, done.retry_count) == ("COMPLETED", "3", 0)


def test_tasks_that_kill_their_process_again_and_again_do_not_stop_the_others(
    resident: Process, journal: Path
) -> None:
    poison = [enqueue("kill_self", max_retries=2) for _ in range(6)]
    honest = [enqueue("journal", str(journal), f"k{number}", 0.01) for number in range(40)]
    for task in honest:
        assert ended(task, 40).status == "COMPLETED"
    for task in poison:
        done = ended(task, 40)
        assert (done.error_type, done.retry_count) == ("WorkerLost", 2)
    assert set(ends(journal).values()) == {1}
    began = time.monotonic()
    assert ended(enqueue("add", 1, 2)).result == "3"
    assert time.monotonic() - began < 5, "the crew came back too late"


def test_a_frozen_child_is_ended_at_its_time_limit(resident: Process) -> None:
    done = ended(enqueue("fates.stop_self", timeout=1), 10)
    assert (done.status, done.error_type) == ("FAILED", "TaskTimeout")


@pytest.mark.parametrize("function", ["refuse_to_end", "fates.block_all_signals"])
def test_a_task_that_ignores_signals_is_ended_at_its_time_limit(resident: Process, function: str) -> None:
    task = enqueue(function, 60, timeout=1)
    pids = {child.pid for child in resident.children()}
    running(task)
    done = ended(task, 10)
    assert (done.status, done.error_type) == ("FAILED", "TaskTimeout")
    assert done.duration is not None
    assert done.duration < 1 + 5
    wait_until(lambda: len(pids - {child.pid for child in resident.children()}) == 1)


def test_a_task_out_of_memory_is_lost_with_a_guess(resident: Process) -> None:
    """The kernel kills like this."""
    done = ended(enqueue("kill_self", signal.SIGKILL))
    assert "out of memory?" in (done.error or "")


def test_a_stack_overflow_ends_the_child_or_only_the_task(resident: Process) -> None:
    """Python 3.12 and later stop recursion through C in time."""
    done = ended(enqueue("fates.overflow_the_stack"))
    assert done.status == "FAILED"
    if sys.version_info < (3, 12):
        assert done.error_type == "WorkerLost"
        assert "SIGSEGV" in (done.error or "")
    else:
        assert done.error_type in ("RecursionError", "WorkerLost")
    assert ended(enqueue("add", 1, 1)).result == "2"


def test_a_thread_left_behind_holds_nothing_up(resident: Process) -> None:
    task = enqueue("fates.leave_a_thread")
    assert ended(task).result == "threaded"
    assert ended(enqueue("add", 1, 1)).result == "2"


@on_postgres
def test_children_are_replaced_after_so_many_tasks(worker: Callable[..., Process]) -> None:
    process = worker("--concurrency", 2, "--max-tasks", 5)
    tasks = [enqueue("process_id") for _ in range(60)]
    assert all_ended() == {"COMPLETED": 60}
    used = [row(task).result for task in tasks]
    counts = [used.count(pid) for pid in set(used)]
    assert max(counts) <= 5
    assert len(counts) >= 12
    assert "child" not in process.output, "recycling is no accident"
    assert process.stop() == 0


@on_postgres
def test_a_worker_whose_children_are_frozen_still_ends(worker: Callable[..., Process]) -> None:
    process = worker("--concurrency", 2, "--grace", "1s")
    task = enqueue("fates.stop_self", max_retries=1)
    running(task)
    began = time.monotonic()
    assert process.stop() == 0
    assert time.monotonic() - began < 8
    assert row(task).status == "PENDING"


@on_postgres
def test_a_retry_does_not_wait_for_the_poll(quick: dict[str, Any], worker: Callable[..., Process]) -> None:
    task = enqueue("fates.fail", "generator_exit")
    worker("--poll", "60s", "--retry", 1)
    done = ended(task)
    assert (done.status, done.retry_count) == ("FAILED", 1)


def test_a_cancelled_task_that_is_put_back_runs(resident: Process) -> None:
    """Also by the worker that was asked to stop it."""
    task = running(enqueue("sleep", 2))
    assert cancel(task.id)
    assert ended(task).status == "CANCELLED"
    assert requeue(task.id)
    assert ended(task).status == "COMPLETED"


@pytest.mark.parametrize("call", [("fates.fail", "memory"), ("recurse",)], ids=["memory", "recursion"])
def test_a_child_that_was_exhausted_is_replaced(resident: Process, call: tuple[str, ...]) -> None:
    """What it lacked it may lack still."""
    before = {child.pid for child in resident.children()}
    assert ended(enqueue(*call)).status == "FAILED"
    wait_until(lambda: {child.pid for child in resident.children()} - before, 5)


@on_postgres
def test_a_task_that_kills_its_child_before_all_behind_it_is_sent_has_begun(
    quick: dict[str, Any], worker: Callable[..., Process]
) -> None:
    """Large arguments wait in the supervisor for a child that reads slowly."""
    call = {"name": "fates.die_or_live", "check": False, "max_retries": 0}
    create_tasks([call | {"args": ["", False]}] * 40)
    worker("--concurrency", 1, "--poll", "100ms")
    wait_until(lambda: statuses() == {"COMPLETED": 40}, 20, what=statuses)
    create_tasks([call | {"args": ["x" * 200_000, number == 0]} for number in range(8)])
    wait_until(lambda: statuses() == {"COMPLETED": 47, "FAILED": 1}, 20, what=statuses)
