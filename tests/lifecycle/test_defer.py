"""Defer: not here, or not now. It spends nothing, and it does not go on for ever."""

from __future__ import annotations

import pytest

from django_task_worker.states import Kind, Transition
from tests.lifecycle.published import Published
from tests.lifecycle.tasks import Tasks, seconds_between


def missing(tasks: Tasks) -> Transition:
    change = tasks.settle(tasks.take(), Kind.MISSING, error_type="UnknownTask", error="no such function")
    assert change is not None
    return change.transition


def test_a_missing_function_is_looked_for_after_10_20_and_40_seconds(
    tasks: Tasks, published: Published
) -> None:
    task_id = tasks.add(max_retries=5, unique_key="order-1")
    published.clear()
    waits = []
    for deferrals in (1, 2, 3):
        before = tasks.now()
        assert missing(tasks) is Transition.DEFER
        row = tasks.row(task_id)
        assert (row.status, row.deferrals, row.retry_count) == ("PENDING", deferrals, 0)
        assert (row.lease, row.lease_expires_at, row.started_at, row.finished_at) == (None,) * 4
        assert row.unique_active is not None
        waits.append(seconds_between(before, row.due_at))
        assert tasks.claim() == []
        tasks.make_due(task_id)

    assert waits == pytest.approx([10, 20, 40], abs=1)
    assert tasks.attempts(task_id) == []
    assert published.told == []


def test_a_function_that_stays_missing_has_failed_whatever_the_budget(tasks: Tasks) -> None:
    task_id = tasks.add(max_retries=5)
    for _ in range(3):
        assert missing(tasks) is Transition.DEFER
        tasks.make_due(task_id)

    assert missing(tasks) is Transition.FAIL
    row = tasks.row(task_id)
    assert row.is_final
    assert (row.status, row.error_type, row.retry_count) == ("FAILED", "UnknownTask", 0)
    assert len(tasks.attempts(task_id)) == 1


def test_a_function_that_appears_is_run(tasks: Tasks) -> None:
    task_id = tasks.add()
    assert missing(tasks) is Transition.DEFER
    tasks.make_due(task_id)
    assert tasks.settle(tasks.take())

    row = tasks.row(task_id)
    assert (row.status, row.error) == ("COMPLETED", None)


def test_a_task_that_is_locked_elsewhere_waits_as_long_as_it_is_told(tasks: Tasks) -> None:
    task = tasks.running(max_retries=1)
    before = tasks.now()
    change = tasks.settle(task, Kind.BLOCKED, delay_s=1.5)
    row = tasks.row(task.id)

    assert change is not None
    assert change.transition is Transition.DEFER
    assert (row.status, row.deferrals, row.retry_count, row.lease) == ("PENDING", 0, 0, None)
    assert seconds_between(before, row.due_at) == pytest.approx(1.5, abs=0.5)
    assert tasks.attempts(task.id) == []


def test_a_locked_task_may_be_deferred_any_number_of_times(tasks: Tasks) -> None:
    task_id = tasks.add()
    for _ in range(6):
        change = tasks.settle(tasks.take(), Kind.BLOCKED, delay_s=1.0)
        assert change is not None
        assert change.transition is Transition.DEFER
        tasks.make_due(task_id)

    assert tasks.row(task_id).deferrals == 0
