"""Retry: FAILED with a time for the next attempt."""

from __future__ import annotations

from typing import Any

import pytest

from django_task_worker.retry import Backoff
from django_task_worker.states import Kind, Transition
from tests.lifecycle.tasks import Tasks, seconds_between


@pytest.mark.parametrize("kind", [Kind.FAILED, Kind.TIMED_OUT, Kind.LOST])
def test_a_failure_with_retries_left_waits_for_the_next(tasks: Tasks, kind: Kind) -> None:
    task = tasks.running(max_retries=2, unique_key="order-1")
    change = tasks.settle(task, kind, error_type="ValueError", error="no luck", traceback="Traceback …")
    row = tasks.row(task.id)

    assert change is not None
    assert change.transition is Transition.RETRY
    assert (row.status, row.retry_count, row.max_retries) == ("FAILED", 1, 2)
    assert (row.error_type, row.error, row.traceback) == ("ValueError", "no luck", "Traceback …")
    assert (row.lease, row.lease_expires_at) == (None, None)
    assert row.unique_active is not None
    assert row.next_attempt_at == row.due_at
    assert not row.is_final


@pytest.mark.parametrize(("spent", "least"), [(0, 2), (1, 4), (2, 8), (8, 512), (9, 600), (1000, 600)])
def test_the_wait_doubles_up_to_ten_minutes_with_a_tenth_of_jitter(
    tasks: Tasks, spent: int, least: float
) -> None:
    task_id = tasks.add(max_retries=10_000)
    tasks.put(task_id, retry_count=spent)
    before = tasks.now()
    assert tasks.settle(tasks.take(), Kind.FAILED)
    row = tasks.row(task_id)

    assert row.retry_count == spent + 1
    assert least - 0.01 <= seconds_between(before, row.next_attempt_at) <= least * 1.1 + 1


def test_the_waits_of_many_differ(tasks: Tasks) -> None:
    for _ in range(8):
        tasks.add(max_retries=1)
    waits = {change.delay_s for task in tasks.claim(8) if (change := tasks.settle(task, Kind.FAILED))}

    assert len(waits) == 8


def test_the_back_off_of_the_settings_counts(tasks: Tasks, settings: Any) -> None:
    settings.TASK_WORKER = {"BACKOFF": {"base": 100, "factor": 1, "jitter": 0}}
    task = tasks.running(max_retries=1)
    before = tasks.now()
    assert tasks.settle(task, Kind.FAILED)

    assert seconds_between(before, tasks.row(task.id).next_attempt_at) == pytest.approx(100, abs=1)


def test_a_tasks_own_back_off_comes_first(tasks: Tasks, settings: Any) -> None:
    settings.TASK_WORKER = {"BACKOFF": Backoff(base_s=100)}
    task = tasks.running(max_retries=1, metadata={"_backoff": {"base": 40, "jitter": 0}})
    before = tasks.now()
    assert tasks.settle(task, Kind.FAILED)

    assert seconds_between(before, tasks.row(task.id).next_attempt_at) == pytest.approx(40, abs=1)


def test_each_failed_attempt_is_kept(tasks: Tasks) -> None:
    task_id = tasks.add(max_retries=2)
    for message in ("first", "second", "third"):
        assert tasks.settle(tasks.take(), Kind.FAILED, error=message)
        tasks.make_due(task_id)

    kept = [(attempt.number, attempt.error) for attempt in tasks.attempts(task_id)]
    assert kept == [(1, "first"), (2, "second"), (3, "third")]
    assert tasks.row(task_id).error == "third"
