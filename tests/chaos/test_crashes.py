"""Processes are killed at moments of chance under load: what they held runs again, and nothing else does."""

from __future__ import annotations

import random
import statistics
import time
from collections.abc import Callable
from typing import Any

import psutil
import pytest

from django_task_worker.models import DatabaseTask, TaskAttempt
from tests.chaos.oracle import Oracle
from tests.processes import Process
from tests.waiting import wait_until
from tests.worker.marks import on_postgres
from tests.worker.outcomes import ended, enqueue

SLOTS = 2


def kill_supervisor(process: Process) -> None:
    process.kill()


def kill_machine(process: Process) -> None:
    """All its processes at once."""
    for each in [*process.children(), psutil.Process(process.pid)]:
        each.kill()
    process.wait()


def kill_child(process: Process) -> None:
    for child in random.sample(process.children(), 1):
        child.kill()


@pytest.mark.parametrize(
    ("kind", "kills"),
    [
        ("postgres", 4),
        pytest.param("postgres", 30, marks=[pytest.mark.slow, pytest.mark.timeout(300)]),
        pytest.param("mariadb", 30, marks=[pytest.mark.mariadb, pytest.mark.slow, pytest.mark.timeout(300)]),
        pytest.param("sqlite", 30, marks=[pytest.mark.slow, pytest.mark.timeout(300)]),
    ],
    indirect=["kind"],
)
def test_what_killed_processes_held_runs_again(
    worker: Callable[..., Process], oracle: Oracle, kills: int
) -> None:
    def start() -> Process:
        return worker("--concurrency", SLOTS, "--poll", "100ms")

    workers = [start() for _ in range(3)]
    stored = oracle.store(kills * 25, 0.1, max_retries=kills)
    for number in range(kills):
        time.sleep(random.uniform(0.1, 0.4))  # any moment will do
        kill = (kill_supervisor, kill_child, kill_machine)[number % 3]
        victim = random.choice(workers)
        kill(victim)
        if not victim.running:
            workers.remove(victim)
            workers.append(start())
    verdict = oracle.assert_holds(120)
    assert verdict.ends == {"COMPLETED": len(stored)}
    assert 0 < verdict.reruns <= kills * 4 * SLOTS
    lost = TaskAttempt.objects.filter(error_type="WorkerLost").count()
    assert lost >= verdict.reruns
    assert [process.stop() for process in workers] == [0] * 3


@on_postgres
def test_a_poison_task_ends_when_its_budget_is_spent(worker: Callable[..., Process], oracle: Oracle) -> None:
    """It kills its process in each run; one that does so twice gets through."""
    process = worker("--concurrency", 2)
    poison = [oracle.store(1, fate=fate, max_retries=3)[0] for fate in ("die", "exit")]
    survivor = oracle.call("die_times", 2, max_retries=3)
    honest = oracle.store(30, 0.05)
    verdict = oracle.assert_holds(30)
    assert verdict.ends == {"FAILED": len(poison), "COMPLETED": len(honest) + 1}
    assert verdict.reruns == 3 * len(poison) + 2
    assert ended(survivor).retry_count == 2
    assert process.stop() == 0


@pytest.mark.slow
@pytest.mark.timeout(900)
@on_postgres
def test_a_dead_workers_tasks_begin_again_within_45_seconds(
    worker: Callable[..., Process], task_worker: dict[str, Any], oracle: Oracle
) -> None:
    """With the times that everybody has. A hundred workers die, at all moments of their leases."""
    for name in ("LEASE", "SWEEP", "BACKOFF"):
        del task_worker[name]
    survivor = worker("--concurrency", 30, "--queue", "rescued")
    took = sorted(seconds for _ in range(5) for seconds in after_the_death_of(20, worker, survivor, oracle))
    figures = {"median": statistics.median(took), "p99": took[98], "max": took[-1], "kills": len(took)}
    print(f"\nafter kill -9, seconds until the task began again: {figures}")
    assert took[-1] < 45
    assert survivor.stop() == 0


def after_the_death_of(
    count: int, worker: Callable[..., Process], survivor: Process, oracle: Oracle
) -> list[float]:
    """Starts so many workers with a task each and kills them one by one; how long each task had to wait."""
    doomed = [worker("--concurrency", 1, "--queue", "doomed", ready=False) for _ in range(count)]
    tasks = oracle.store(count, 600, queue="doomed", max_retries=1)
    rows = DatabaseTask.objects.filter(pk__in=[task.pk for task in tasks])
    wait_until(lambda: rows.filter(status="PROGRESS", started_at__isnull=False).count() == count, 60)
    key_of = {name: args[1] for name, args in rows.values_list("worker", "args")}
    time.sleep(random.uniform(0, 10))
    killed_at = {}
    for process in doomed:
        time.sleep(random.uniform(0, 0.5))
        name = process.line(r"ready name=(\S+)")[1]
        killed_at[key_of[name]] = time.clock_gettime(time.CLOCK_BOOTTIME)
        process.kill()
    rows.update(queue="rescued")
    waited = waits_since(killed_at, oracle)
    rows.delete()
    for child in survivor.children():
        child.kill()
    return waited


def waits_since(killed_at: dict[str, float], oracle: Oracle) -> list[float]:
    def waits() -> list[float]:
        starts = [note for note in oracle.notes() if note.word == "start" and note.key in killed_at]
        found = [note.at - killed_at[note.key] for note in starts if note.at > killed_at[note.key]]
        return found if len(found) == len(killed_at) else []

    return wait_until(waits, 60)


@on_postgres
def test_a_dead_childs_task_begins_again_within_a_second_and_its_back_off(
    worker: Callable[..., Process], oracle: Oracle
) -> None:
    process = worker("--concurrency", 2, "--poll", "100ms")
    oracle.store(1, 2, max_retries=9)
    for number in range(5):
        wait_until(lambda: oracle.words("start").total() == number + 1)  # noqa: B023
        (pid,) = oracle.busy_processes() & {child.pid for child in process.children()}
        began = time.monotonic()
        psutil.Process(pid).kill()
        wait_until(lambda: oracle.words("start").total() == number + 2)  # noqa: B023
        assert time.monotonic() - began < 1 + 0.2
    assert oracle.assert_holds().reruns == 5
    assert ended(enqueue("add", 1, 2)).result == "3"
    assert process.stop() == 0
