"""Clocks of machines that disagree, jump, or change for the summer: the database's clock decides."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from django_task_worker import lifecycle
from django_task_worker.client import create_task
from django_task_worker.ids import new_id
from django_task_worker.lifecycle import Demand
from django_task_worker.models import DatabaseTask
from tests.chaos.clocks import HOOK, Jumping, wrong_by
from tests.chaos.oracle import Oracle
from tests.databases import Database
from tests.processes import Process
from tests.waiting import wait_until
from tests.worker.marks import on_postgres
from tests.worker.outcomes import ended, enqueue, row, running

WAIT = """
import django; django.setup()
import sys, time
from django_task_worker.client import wait_for_completion
print("waiting", flush=True)
began = time.monotonic()
assert wait_for_completion(sys.argv[1], 3) is None
print("waited", time.monotonic() - began)
"""


@pytest.fixture(autouse=True)
def _can_sleep(task_worker: dict[str, Any], environment: dict[str, str]) -> None:
    environment["PYTHONPATH"] = f"{HOOK}{os.pathsep}{environment['PYTHONPATH']}"


def now() -> float:
    return time.clock_gettime(time.CLOCK_BOOTTIME)


def wall_clock() -> float:
    """By how much the clock of whoever runs the next task is wrong."""
    return float(ended(enqueue("recorded.wall_clock")).result or 0) - time.time()


def assert_true_times(task: DatabaseTask, stored_at: datetime) -> None:
    """By the database's clock, whatever the worker's says."""
    assert task.started_at is not None
    assert task.finished_at is not None
    assert task.duration is not None
    assert stored_at - timedelta(seconds=1) < task.started_at < task.finished_at
    assert task.finished_at < stored_at + timedelta(seconds=60)
    assert abs((task.finished_at - task.started_at).total_seconds() - task.duration) < 0.1


@on_postgres
def test_workers_whose_clocks_are_twenty_minutes_apart_take_nothing_from_each_other(
    worker: Callable[..., Process], oracle: Oracle
) -> None:
    stored_at = datetime.now(UTC)
    workers = [
        worker("--concurrency", 4, "--name", offset, "--poll", "100ms", **wrong_by(offset))
        for offset in ("+10m", "-10m")
    ]
    seen: set[int] = set()
    wait_until(lambda: seen.add(round(wall_clock() / 600)) or seen == {-1, 1}, 20)
    long = oracle.store(6, 3)
    failing = oracle.store(2, 0.1, fate="fail", max_retries=1)
    began = now()
    later = oracle.store(2, run_after=timedelta(seconds=2))
    verdict = oracle.assert_holds(30)
    assert verdict.ends["FAILED"] == len(failing)
    assert verdict.reruns == len(failing), "somebody rescued what nobody had lost"
    keys = {row(task).args[1] for task in later}
    first = min(note.at for note in oracle.notes() if note.key in keys)
    assert 2 <= first - began < 4
    for task in long:
        done = row(task)
        assert_true_times(done, stored_at)
        assert done.duration == pytest.approx(3, abs=0.3)
    assert {row(task).worker for task in long} == {"+10m", "-10m"}
    assert [process.stop() for process in workers] == [0, 0]


@on_postgres
def test_a_clock_that_jumps_by_an_hour_changes_nothing(
    worker: Callable[..., Process], oracle: Oracle, tmp_path: Path
) -> None:
    stored_at = datetime.now(UTC)
    clock = Jumping(tmp_path)
    process = worker("--concurrency", 4, "--poll", "100ms", **clock.variables)
    stored = oracle.store(2, 4)
    overdue = enqueue("sleep", 60, timeout=3)
    running(overdue)
    for offset in ("+1h", "-1h", "+0"):
        clock.jump(offset)
        assert wall_clock() == pytest.approx(float(offset.rstrip("h")) * 3600, abs=5)
        assert ended(enqueue("fail_times", 1, str(tmp_path / offset), max_retries=1)).result == "2"
    failed = ended(overdue)
    assert failed.error_type == "TaskTimeout"
    assert failed.duration == pytest.approx(3, abs=1)
    verdict = oracle.assert_holds(30)
    assert verdict.reruns == 0
    for task in stored:
        assert_true_times(row(task), stored_at)
    assert process.stop() == 0


@on_postgres
def test_a_clock_that_jumps_does_not_change_how_long_a_caller_waits(
    database: Database, start: Callable[..., Process], tmp_path: Path
) -> None:
    clock = Jumping(tmp_path)
    task = enqueue("add", 1, 2)
    process = start(sys.executable, "-c", WAIT, task.id, TEST_DATABASE=database.url, **clock.variables)
    process.line("waiting")
    clock.jump("+1h")
    clock.jump("-1h")
    assert 3 <= float(process.line(r"waited (\S+)")[1]) < 4.5
    assert process.wait() == 0


# The calendar

BERLIN = ZoneInfo("Europe/Berlin")
MOMENTS = [
    datetime(2026, 3, 29, 1, 59, tzinfo=BERLIN),
    datetime(2026, 3, 29, 3, 0, tzinfo=BERLIN),
    datetime(2026, 10, 25, 2, 30, tzinfo=BERLIN),
    datetime(2026, 10, 25, 2, 30, tzinfo=BERLIN, fold=1),
    datetime(2028, 2, 29, 12, 0, tzinfo=BERLIN),
]


@pytest.mark.parametrize("zone", ["UTC", "Europe/Berlin", "America/St_Johns"])
def test_moments_around_a_change_of_the_clocks_are_stored_as_they_are(
    using: str, settings: Any, zone: str
) -> None:
    settings.TIME_ZONE = zone
    tasks = [create_task("app.tasks.add", [1, 2], run_after=moment) for moment in MOMENTS]
    stored = dict(DatabaseTask.objects.using(using).values_list("pk", "due_at"))
    assert [stored[task.id].astimezone(UTC) for task in tasks] == [
        moment.astimezone(UTC) for moment in MOMENTS
    ]


@pytest.mark.parametrize("zone", ["UTC", "Europe/Berlin", "America/St_Johns"])
def test_leases_and_delays_do_not_depend_on_the_zone(using: str, settings: Any, zone: str) -> None:
    settings.TIME_ZONE = zone
    task = create_task("app.tasks.add", [1, 2])
    create_task("app.tasks.add", [1, 2], run_after=timedelta(minutes=10))
    demand = Demand(count=5, lease=new_id(), lease_s=30.0, worker="w", default_retries=0)
    assert [claimed.id for claimed in lifecycle.claim(demand, using).tasks] == [task.id]
    assert lifecycle.rescue(using=using) == []
    held = DatabaseTask.objects.using(using).get(pk=task.id)
    assert held.lease_expires_at is not None
    assert 20 < (held.lease_expires_at - datetime.now(UTC)).total_seconds() < 40
