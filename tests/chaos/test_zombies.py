"""Workers are frozen under load and wake up among their successors: nobody's work is lost or done twice."""

from __future__ import annotations

import signal
from collections.abc import Callable
from contextlib import suppress

import psutil
import pytest

from django_task_worker.models import DatabaseTask
from tests.chaos.oracle import Oracle
from tests.processes import Process
from tests.waiting import wait_until
from tests.worker.marks import on_postgres

NAMES = ("a", "b", "c")


@pytest.fixture
def three(worker: Callable[..., Process]) -> dict[str, Process]:
    return {name: worker("--concurrency", 2, "--name", name, "--poll", "100ms") for name in NAMES}


def held_by(name: str) -> int:
    return DatabaseTask.objects.filter(worker=name, status="PROGRESS").count()


def send(processes: list[psutil.Process], number: int) -> None:
    for process in processes:
        with suppress(psutil.NoSuchProcess):  # the first that wakes up may have killed it
            process.send_signal(number)


def lose(worker: Process, name: str, oracle: Oracle, *, with_children: bool) -> None:
    """Freezes the worker until others have taken back all that it held, and lets it wake up among them."""
    wait_until(lambda: held_by(name), 10)
    children = worker.children()
    frozen = [psutil.Process(worker.pid), *(children if with_children else [])]
    send(frozen, signal.SIGSTOP)
    pids = oracle.busy_processes()
    wait_until(lambda: not held_by(name), 15)
    send(frozen, signal.SIGCONT)
    busy = [child for child in children if child.pid in pids]
    wait_until(lambda: not any(child.is_running() and child.status() != "zombie" for child in busy), 2)


@on_postgres
def test_frozen_workers_wake_up_among_busy_successors(three: dict[str, Process], oracle: Oracle) -> None:
    stored = oracle.store(80, 0.25, max_retries=4)
    for name, with_children in zip(NAMES, (True, False, True), strict=True):
        lose(three[name], name, oracle, with_children=with_children)
        three[name].line("fenced")
    verdict = oracle.assert_holds(60)
    assert verdict.ends == {"COMPLETED": len(stored)}
    assert verdict.reruns > 0, "nothing was taken over"
    assert [process.stop() for process in three.values()] == [0, 0, 0]


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_workers_are_frozen_again_and_again_on_every_database(
    three: dict[str, Process], oracle: Oracle
) -> None:
    oracle.store(400, 0.25, max_retries=9)
    for turn in range(9):
        name = NAMES[turn % 3]
        lose(three[name], name, oracle, with_children=turn % 2 == 0)
    verdict = oracle.assert_holds(120)
    assert verdict.ends == {"COMPLETED": 400}
    assert [process.stop() for process in three.values()] == [0, 0, 0]
