"""Rescue: what becomes of the tasks of a lost worker."""

from __future__ import annotations

import sys
from typing import Any

import pytest

from django_task_worker import lifecycle
from django_task_worker.expressions import DatabaseNow, ago
from django_task_worker.lifecycle import Claimed
from django_task_worker.states import Kind, Transition
from tests.lifecycle.tasks import STATES, Tasks, seconds_between


def lost(tasks: Tasks, *, by_s: float = 1.0, **fields: Any) -> Claimed:
    task = tasks.running(**fields)
    tasks.expire(task.id, by_s=by_s)
    return task


def rescue(tasks: Tasks, **options: Any) -> dict[str, Transition]:
    return {task.id: task.transition for task in lifecycle.rescue(using=tasks.using, **options)}


def test_a_lost_task_with_retries_left_is_retried(tasks: Tasks) -> None:
    task = lost(tasks, max_retries=2, worker="worker-7", unique_key="order-1")
    before = tasks.now()
    (rescued,) = lifecycle.rescue(using=tasks.using)
    row = tasks.row(task.id)

    assert (rescued.id, rescued.name, rescued.transition) == (task.id, "app.tasks.add", Transition.RETRY)
    assert (row.status, row.retry_count, row.error_type) == ("FAILED", 1, "WorkerLost")
    assert "worker-7" in (row.error or "")
    assert (row.lease, row.lease_expires_at) == (None, None)
    assert row.unique_active is not None
    assert 2 <= seconds_between(before, row.next_attempt_at) <= 3
    assert tasks.claim() == []


def test_a_lost_task_without_retries_has_failed_with_the_reason(tasks: Tasks) -> None:
    task = lost(tasks, unique_key="order-1")
    assert rescue(tasks) == {task.id: Transition.FAIL}
    row = tasks.row(task.id)

    assert row.is_final
    assert (row.status, row.error_type, row.unique_active) == ("FAILED", "WorkerLost", None)
    assert "not known to have started" in (row.error or "")
    assert row.finished_at is not None


def test_the_reason_tells_whether_the_task_had_begun(tasks: Tasks) -> None:
    task = tasks.running()
    lifecycle.mark_started([(task, 5.0)], tasks.using)
    tasks.expire(task.id)
    rescue(tasks)

    assert "while it ran this task" in (tasks.row(task.id).error or "")
    assert tasks.row(task.id).started_at is not None


def test_a_lost_run_is_kept_as_an_attempt(tasks: Tasks) -> None:
    task = lost(tasks, worker="worker-7", max_retries=1)
    rescue(tasks)
    (attempt,) = tasks.attempts(task.id)

    assert (attempt.number, attempt.worker, attempt.outcome) == (1, "worker-7", "lost")
    assert attempt.error_type == "WorkerLost"


def test_crash_after_crash_ends_when_the_budget_is_spent(tasks: Tasks) -> None:
    task_id = tasks.add(max_retries=2)
    seen = []
    while tasks.claim():
        tasks.expire(task_id)
        seen += rescue(tasks).values()
        if tasks.row(task_id).next_attempt_at is not None:
            tasks.make_due(task_id)

    assert seen == [Transition.RETRY, Transition.RETRY, Transition.FAIL]
    assert len(tasks.attempts(task_id)) == 3


@pytest.mark.parametrize("state", STATES)
def test_only_expired_leases_are_rescued(tasks: Tasks, state: str) -> None:
    task_id = tasks.in_state(state)
    before = tasks.columns(task_id)

    assert rescue(tasks) == {}
    assert tasks.columns(task_id) == before


@pytest.mark.parametrize("run_s", [100.0, 100_000.0])
def test_no_task_is_rescued_for_running_long(tasks: Tasks, run_s: float) -> None:
    task = tasks.running(timeout=1)
    lifecycle.mark_started([(task, run_s)], tasks.using)

    assert rescue(tasks) == {}


def test_a_lost_task_that_was_to_be_cancelled_is_cancelled(tasks: Tasks) -> None:
    task = tasks.running(max_retries=3, unique_key="order-1")
    lifecycle.cancel([task.id], using=tasks.using)
    tasks.expire(task.id)

    assert rescue(tasks) == {task.id: Transition.CANCEL}
    row = tasks.row(task.id)
    assert (row.status, row.unique_active, row.next_attempt_at) == ("CANCELLED", None, None)


def test_a_cancellation_that_comes_while_a_task_is_rescued_is_not_lost(
    tasks: Tasks, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between its look and its UPDATE, somebody asks for the cancellation."""
    module = sys.modules["django_task_worker.lifecycle.rescue"]
    plain = module.write_transaction

    def late(using: str) -> Any:
        lifecycle.cancel([task.id], using=using)
        return plain(using)

    for retries in (0, 3):
        task = lost(tasks, max_retries=retries)
        monkeypatch.setattr(module, "write_transaction", late)
        first = rescue(tasks)
        monkeypatch.setattr(module, "write_transaction", plain)
        again = rescue(tasks)

        assert {**first, **again} == {task.id: Transition.CANCEL}
        assert tasks.status(task.id) == "CANCELLED"


# Which


def test_a_margin_spares_those_that_expired_within_it(tasks: Tasks) -> None:
    old, young = lost(tasks, queue="a", by_s=120), lost(tasks, queue="b", by_s=20)

    assert rescue(tasks, older_than_s=60) == {old.id: Transition.FAIL}
    assert tasks.status(young.id) == "PROGRESS"


def test_a_queue_or_ids_narrow_the_search(tasks: Tasks) -> None:
    mail, bulk, other = lost(tasks, queue="mail"), lost(tasks, queue="bulk"), lost(tasks, queue="other")

    assert set(rescue(tasks, queue="mail")) == {mail.id}
    assert set(rescue(tasks, ids=[bulk.id, "unknown"])) == {bulk.id}
    assert rescue(tasks, ids=[]) == {}
    assert set(rescue(tasks)) == {other.id}


def test_a_limit_leaves_the_rest_for_the_next_time(tasks: Tasks) -> None:
    for _ in range(5):
        tasks.add()
    tasks.expire(*tasks.claimed_ids(5))

    assert [len(rescue(tasks, limit=2)) for _ in range(4)] == [2, 2, 1, 0]


def test_with_lost_requeue_a_task_without_retries_goes_back_unspent(tasks: Tasks) -> None:
    spent = lost(tasks, queue="a", max_retries=0)
    left = lost(tasks, queue="b", max_retries=1)
    assert rescue(tasks, lost="requeue") == {spent.id: Transition.RELEASE, left.id: Transition.RETRY}
    row = tasks.row(spent.id)

    assert (row.status, row.retry_count, row.finished_at, row.lease) == ("PENDING", 0, None, None)
    assert tasks.take().id == spent.id


def test_with_lost_requeue_a_task_to_be_cancelled_is_cancelled_all_the_same(tasks: Tasks) -> None:
    task = tasks.running()
    lifecycle.cancel([task.id], using=tasks.using)
    tasks.expire(task.id)

    assert rescue(tasks, lost="requeue") == {task.id: Transition.CANCEL}


def test_the_database_gives_up_no_row_twice(tasks: Tasks) -> None:
    task = lost(tasks, max_retries=3)

    assert rescue(tasks) == {task.id: Transition.RETRY}
    assert rescue(tasks) == {}
    assert tasks.row(task.id).retry_count == 1


# Rows of version 0.0.7, which knows no leases


def left_behind(tasks: Tasks, *, started_s_ago: float | None, timeout: int | None) -> str:
    task_id = tasks.add()
    started_at = None if started_s_ago is None else ago(started_s_ago)
    tasks.put(task_id, status="PROGRESS", started_at=started_at, timeout=timeout)
    return task_id


@pytest.mark.parametrize(("timeout", "limit_s"), [(10, 70), (None, 360), (0, 360), (-1, 360), (600, 660)])
def test_a_running_row_without_a_lease_has_failed_a_minute_after_its_time_limit(
    tasks: Tasks, timeout: int | None, limit_s: int
) -> None:
    late = left_behind(tasks, started_s_ago=limit_s + 5, timeout=timeout)
    in_time = left_behind(tasks, started_s_ago=limit_s - 5, timeout=timeout)

    assert rescue(tasks) == {late: Transition.FAIL}
    row = tasks.row(late)
    assert row.is_final
    assert "left by version 0.0.7" in (row.error or "")
    assert row.finished_at is not None
    assert tasks.status(in_time) == "PROGRESS"


def test_a_running_row_without_a_lease_and_a_start_counts_from_its_due_time(tasks: Tasks) -> None:
    old = left_behind(tasks, started_s_ago=None, timeout=10)
    tasks.make_due(old, ago_s=75)
    new = left_behind(tasks, started_s_ago=None, timeout=10)

    assert set(rescue(tasks)) == {old}
    assert tasks.status(new) == "PROGRESS"


def test_a_row_without_a_lease_that_a_worker_ends_meanwhile_is_left_alone(tasks: Tasks) -> None:
    task_id = left_behind(tasks, started_s_ago=1000, timeout=10)
    tasks.put(task_id, status="COMPLETED", finished_at=DatabaseNow())
    before = tasks.columns(task_id)

    assert rescue(tasks) == {}
    assert tasks.columns(task_id) == before


def test_rows_without_a_lease_do_not_use_up_the_limit(tasks: Tasks) -> None:
    for _ in range(3):
        left_behind(tasks, started_s_ago=100, timeout=600)
    task = lost(tasks)

    assert rescue(tasks, limit=2) == {task.id: Transition.FAIL}


def test_a_retried_task_that_is_lost_again_has_spent_both(tasks: Tasks) -> None:
    task = tasks.running(max_retries=1)
    assert tasks.settle(task, Kind.FAILED)
    tasks.make_due(task.id)
    tasks.take()
    tasks.expire(task.id)

    assert rescue(tasks) == {task.id: Transition.FAIL}
    assert [attempt.outcome for attempt in tasks.attempts(task.id)] == ["failed", "lost"]
