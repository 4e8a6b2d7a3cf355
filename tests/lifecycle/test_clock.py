"""The database's clock decides what is due and which lease has expired; nobody asks ours."""

from __future__ import annotations

import time
from datetime import timedelta
from pathlib import Path

import pytest
from django.utils import timezone

from django_task_worker import client, lifecycle, registry
from django_task_worker.states import Kind, Transition
from tests.lifecycle.tasks import Tasks, minutes, seconds_between

HOUR = timedelta(hours=1)


@pytest.fixture(params=[-HOUR, HOUR], ids=["slow", "fast"])
def wrong(request: pytest.FixtureRequest, tasks: Tasks, monkeypatch: pytest.MonkeyPatch) -> timedelta:
    """Every wall clock of this process is an hour off."""
    shift: timedelta = request.param
    plain_now, plain_time = timezone.now, time.time
    tasks.now()  # its row is written before
    monkeypatch.setattr(timezone, "now", lambda: plain_now() + shift)
    monkeypatch.setattr(time, "time", lambda: plain_time() + shift.total_seconds())
    return shift


@pytest.mark.parametrize("clock", ["datetime.now(", "timezone.now(", "time.time("])
def test_no_module_of_the_lifecycle_reads_a_wall_clock(clock: str) -> None:
    for module in Path(lifecycle.__file__).parent.glob("*.py"):
        assert clock not in module.read_text(), module.name


def test_a_new_task_is_due_now(tasks: Tasks, wrong: timedelta) -> None:
    task = client.create_task("app.tasks.add", [1, 2], using=tasks.using)

    assert seconds_between(tasks.row(task.id).due_at, tasks.now()) < 10
    assert tasks.take().id == task.id


def test_a_delay_counts_from_the_databases_now(tasks: Tasks, wrong: timedelta) -> None:
    task = client.create_task("app.tasks.add", [1, 2], run_after=minutes(10), using=tasks.using)

    assert seconds_between(tasks.now(), tasks.row(task.id).due_at) == pytest.approx(600, abs=10)
    assert tasks.claim() == []


def test_a_lease_holds_for_its_time(tasks: Tasks, wrong: timedelta) -> None:
    task = tasks.running()
    assert lifecycle.rescue(using=tasks.using) == []
    lifecycle.renew([(task.id, task.lease)], 20.0, tasks.using)
    assert lifecycle.rescue(using=tasks.using) == []
    assert seconds_between(tasks.now(), tasks.row(task.id).lease_expires_at) == pytest.approx(20, abs=5)

    tasks.expire(task.id)
    assert len(lifecycle.rescue(using=tasks.using)) == 1


def test_a_retry_is_due_after_its_back_off(tasks: Tasks, wrong: timedelta) -> None:
    task = tasks.running(max_retries=1)
    change = tasks.settle(task, Kind.FAILED)

    assert change is not None
    assert change.transition is Transition.RETRY
    wait_s = seconds_between(tasks.now(), tasks.row(task.id).next_attempt_at)
    assert wait_s == pytest.approx(2, abs=2)
    assert tasks.claim() == []


@pytest.mark.parametrize("kind", [Kind.COMPLETED, Kind.FAILED])
def test_a_run_has_ended_when_it_ended(tasks: Tasks, wrong: timedelta, kind: Kind) -> None:
    task = tasks.running()
    before = tasks.now()
    tasks.settle(task, kind, duration_s=1.0, ended=time.monotonic() - 30)
    row = tasks.row(task.id)

    assert seconds_between(row.finished_at, before) == pytest.approx(30, abs=5)
    assert seconds_between(row.started_at, row.finished_at) == pytest.approx(1, abs=0.01)
    assert abs(seconds_between(row.updated_at, before)) < 10


def test_a_pause_ends_by_the_databases_clock(tasks: Tasks, wrong: timedelta) -> None:
    tasks.add(queue="mail")
    registry.pause("mail", until=tasks.now() + minutes(30), using=tasks.using)
    assert tasks.claim() == []

    registry.pause("mail", until=tasks.now() - minutes(30), using=tasks.using)
    assert len(tasks.claim()) == 1


def test_an_old_row_is_left_behind_by_the_databases_clock(tasks: Tasks, wrong: timedelta) -> None:
    task_id = tasks.add()
    tasks.put(task_id, status="PROGRESS", started_at=tasks.now() - minutes(10), timeout=900)
    assert lifecycle.rescue(using=tasks.using) == []

    tasks.put(task_id, timeout=300)
    assert len(lifecycle.rescue(using=tasks.using)) == 1


def test_a_new_row_counts_from_now_even_without_a_start(tasks: Tasks, wrong: timedelta) -> None:
    task = client.create_task("app.tasks.add", [1, 2], timeout=1, using=tasks.using)
    tasks.put(task.id, status="PROGRESS")

    assert lifecycle.rescue(using=tasks.using) == []


def test_a_purge_compares_with_the_databases_times(tasks: Tasks, wrong: timedelta) -> None:
    task_id = tasks.ended()
    cut_off = tasks.now()

    assert lifecycle.purge(before=cut_off - minutes(1), using=tasks.using) == []
    assert lifecycle.purge(before=cut_off + minutes(1), using=tasks.using) == [task_id]
