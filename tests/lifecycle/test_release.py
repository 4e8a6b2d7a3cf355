"""Release and interrupt: what a stopping worker gives back."""

from __future__ import annotations

import pytest

from django_task_worker.states import Kind, Transition
from tests.lifecycle.tasks import Tasks


def test_what_had_not_started_goes_back_as_it_came(tasks: Tasks) -> None:
    task_id = tasks.add(unique_key="order-1", priority=5, due_in_s=-100)
    before = tasks.columns(task_id)
    change = tasks.settle(tasks.take(retries=2), Kind.NOT_STARTED)

    assert change is not None
    assert change.transition is Transition.RELEASE
    after = tasks.columns(task_id)
    assert after.pop("max_retries") == 2
    del before["max_retries"], before["updated_at"], after["updated_at"]
    assert after == before
    assert tasks.attempts(task_id) == []


def test_a_released_retry_has_spent_no_more_than_before(tasks: Tasks) -> None:
    task_id = tasks.in_state("retrying")
    tasks.make_due(task_id, ago_s=30)
    due_at = tasks.row(task_id).due_at
    assert tasks.settle(tasks.take(), Kind.NOT_STARTED)
    row = tasks.row(task_id)

    assert (row.status, row.retry_count, row.next_attempt_at) == ("PENDING", 1, None)
    assert row.due_at == due_at
    assert tasks.take().retry_count == 1


def test_a_released_task_is_claimed_before_those_that_came_later(tasks: Tasks) -> None:
    first = tasks.running(queue="mail")
    tasks.add(queue="mail")
    assert tasks.settle(first, Kind.NOT_STARTED)

    assert tasks.claim()[0].id == first.id


@pytest.mark.parametrize("spent", [0, 1])
def test_an_interrupted_task_with_a_budget_goes_back_unspent(tasks: Tasks, spent: int) -> None:
    task_id = tasks.add(max_retries=1)
    tasks.put(task_id, retry_count=spent)
    change = tasks.settle(tasks.take(), Kind.INTERRUPTED, error_type="Interrupted", error="worker stopped")
    row = tasks.row(task_id)

    assert change is not None
    assert change.transition is Transition.RELEASE
    assert (row.status, row.retry_count, row.next_attempt_at) == ("PENDING", spent, None)
    assert (row.started_at, row.finished_at, row.duration, row.lease) == (None, None, None, None)
    assert tasks.take().retry_count == spent


def test_an_interrupted_run_is_kept_as_an_attempt(tasks: Tasks) -> None:
    task = tasks.running(max_retries=1)
    assert tasks.settle(task, Kind.INTERRUPTED, error_type="Interrupted", duration_s=3.0)
    (attempt,) = tasks.attempts(task.id)

    assert (attempt.number, attempt.outcome, attempt.error_type) == (1, "interrupted", "Interrupted")
    assert attempt.duration == 3.0


def test_an_interrupted_task_without_a_budget_has_failed(tasks: Tasks) -> None:
    task = tasks.running(max_retries=0)
    change = tasks.settle(task, Kind.INTERRUPTED, error_type="Interrupted", error="worker stopped")
    row = tasks.row(task.id)

    assert change is not None
    assert change.transition is Transition.FAIL
    assert row.is_final
    assert (row.status, row.error_type, row.error) == ("FAILED", "Interrupted", "worker stopped")
    assert len(tasks.attempts(task.id)) == 1
