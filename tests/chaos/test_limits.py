"""Memory that runs out, processes that cannot be started or die at once: the supervisor goes on."""

from __future__ import annotations

import json
import resource
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from django_task_worker.models import Worker
from tests.chaos.groups import Group
from tests.chaos.oracle import Oracle
from tests.databases import Database
from tests.processes import Process
from tests.waiting import wait_until
from tests.worker.conftest import resident as resident
from tests.worker.marks import on_sqlite
from tests.worker.outcomes import ended, enqueue, running


def proc(pid: int, name: str) -> str:
    return Path(f"/proc/{pid}/{name}").read_text()


def test_children_are_killed_for_memory_before_their_supervisor(resident: Process) -> None:
    ours = int(proc(resident.pid, "oom_score_adj"))
    for child in resident.children():
        assert int(proc(child.pid, "oom_score_adj")) == min(1000, ours + 500)


def test_a_dying_child_leaves_no_memory_image_with_secrets(resident: Process) -> None:
    for child in resident.children():
        assert psutil.Process(child.pid).rlimit(resource.RLIMIT_CORE)[0] == 0


@pytest.fixture
def group(request: pytest.FixtureRequest) -> Iterator[Group]:
    group = Group(request.param)
    yield group
    group.close()


@pytest.fixture
def confined(
    group: Group, start: Callable[..., Process], database: Database, task_worker: dict[str, Any]
) -> Callable[..., Process]:
    """Starts a worker within the group."""

    def confined(*arguments: object) -> Process:
        command = (*group.within, sys.executable, "-m", "taskctl", "worker", *arguments)
        process = start(*command, TEST_DATABASE=database.url, TEST_TASK_WORKER=json.dumps(task_worker))
        process.line(r"\bready\b")
        return process

    return confined


@pytest.mark.slow
@pytest.mark.root
@on_sqlite
@pytest.mark.parametrize("group", ["memory"], indirect=True)
def test_a_task_that_takes_all_memory_is_killed_and_harms_no_other(
    group: Group, confined: Callable[..., Process], oracle: Oracle
) -> None:
    process = confined("--concurrency", 2, "--poll", "100ms")
    group.set(200_000_000)
    stored = oracle.store(6, 0.5)
    done = ended(enqueue("eat_memory", 400), 20)
    assert (done.status, done.error_type) == ("FAILED", "WorkerLost")
    assert "SIGKILL (out of memory?)" in (done.error or "")
    verdict = oracle.assert_holds()
    assert (verdict.ends, verdict.reruns) == ({"COMPLETED": len(stored), "FAILED": 1}, 0)
    group.lift()
    assert process.stop() == 0


@pytest.mark.slow
@pytest.mark.root
@on_sqlite
@pytest.mark.parametrize("group", ["pids"], indirect=True)
def test_a_worker_that_cannot_start_children_waits_and_lives(
    group: Group, confined: Callable[..., Process]
) -> None:
    process = confined("--concurrency", 2, "--poll", "100ms")
    running(enqueue("sleep", 60))
    group.set(1)
    for child in process.children():
        child.kill()
    process.line("cannot start a child process")
    waiting = enqueue("add", 1, 2)
    seen = Worker.objects.get().seen_at
    wait_until(lambda: Worker.objects.get().seen_at > seen, 15, what="no heartbeat")
    group.lift()
    assert ended(waiting, 15).result == "3"
    process.line("child processes start again")
    assert len([line for line in process.lines if "cannot start" in line]) == 1
    assert process.stop() == 0


@pytest.mark.slow
@on_sqlite
def test_children_that_die_at_once_are_replaced_ever_more_slowly(worker: Callable[..., Process]) -> None:
    process = worker("--concurrency", 4)
    killed: set[int] = set()
    end = time.monotonic() + 8
    while time.monotonic() < end:
        for child in process.children():
            killed.add(child.pid)
            child.kill()
        time.sleep(0.005)
    assert len(killed) < 4 * 9, "a storm of forks"
    wait_until(lambda: len(process.children()) == 4, 12)
    assert ended(enqueue("add", 1, 2)).result == "3"
    assert process.stop() == 0
