"""Finish: complete, retry, fail or cancel, and only by whoever holds the lease."""

from __future__ import annotations

import logging
import time
from typing import Any

import pytest

from django_task_worker import lifecycle
from django_task_worker.lifecycle import Claimed, Outcome
from django_task_worker.states import Kind, Transition
from tests.lifecycle.published import Published
from tests.lifecycle.tasks import Tasks, seconds_between

ENDS_BADLY = [kind for kind in Kind if kind is not Kind.COMPLETED]


def outcome(task: Claimed, kind: Kind = Kind.COMPLETED, **fields: Any) -> Outcome:
    return Outcome(task=task, kind=kind, **{"worker": "worker-1", "duration_s": 0.25, **fields})


# Complete


def test_a_completed_task_keeps_its_result_and_nothing_of_the_run(tasks: Tasks) -> None:
    task = tasks.running(unique_key="order-1")
    change = tasks.settle(task, result="{'a': 1}", result_json='{"a": 1}')
    row = tasks.row(task.id)

    assert change is not None
    assert change.transition is Transition.COMPLETE
    assert (row.status, row.result, row.result_json) == ("COMPLETED", "{'a': 1}", {"a": 1})
    assert (row.lease, row.lease_expires_at, row.unique_active, row.worker) == (None, None, None, "worker-1")
    assert (row.error, row.error_type, row.traceback) == (None, None, None)
    assert row.is_final
    assert tasks.attempts(task.id) == []


@pytest.mark.parametrize(
    ("text", "json_text", "value"),
    [
        ("None", "null", None),
        ("6", "6", 6),
        ("1.50", None, None),
        ("", '""', ""),
        ("NULL", '"NULL"', "NULL"),
        ("a'b\"c\\d{},", '"a\'b\\"c\\\\d{},"', "a'b\"c\\d{},"),
        ("naïve 日本 🙂\n\t%s", '"naïve 日本 🙂\\n\\t%s"', "naïve 日本 🙂\n\t%s"),
        ("[1, [2]]", "[1, [2]]", [1, [2]]),
    ],
)
def test_a_result_is_stored_as_it_is(tasks: Tasks, text: str, json_text: str | None, value: Any) -> None:
    task = tasks.running()
    assert tasks.settle(task, result=text, result_json=json_text)
    row = tasks.row(task.id)

    assert row.result == text
    assert row.result_json == value


def test_success_after_a_retry_leaves_no_error_but_the_attempt(tasks: Tasks) -> None:
    task = tasks.running(max_retries=1)
    assert tasks.settle(task, Kind.FAILED)
    tasks.make_due(task.id)
    assert tasks.settle(tasks.take())
    row = tasks.row(task.id)

    assert (row.status, row.retry_count) == ("COMPLETED", 1)
    assert (row.error, row.error_type, row.traceback, row.next_attempt_at) == (None,) * 4
    assert [attempt.error for attempt in tasks.attempts(task.id)] == ["no luck"]


def test_many_outcomes_are_settled_in_one_go(tasks: Tasks) -> None:
    for _ in range(7):
        tasks.add()
    claimed = tasks.claim(7)
    kinds = [Kind.COMPLETED, Kind.FAILED, Kind.NOT_STARTED, Kind.COMPLETED, Kind.REFUSED, Kind.COMPLETED]
    given = [outcome(task, kind) for task, kind in zip(claimed, kinds, strict=False)]
    changes = lifecycle.finish(given, tasks.using)

    assert {change.outcome.task.id for change in changes} == {task.id for task in claimed[:6]}
    assert [tasks.status(task.id) for task in claimed] == [
        "COMPLETED",
        "FAILED",
        "PENDING",
        "COMPLETED",
        "FAILED",
        "COMPLETED",
        "PROGRESS",
    ]


def test_nothing_to_settle_is_no_mistake(tasks: Tasks) -> None:
    assert lifecycle.finish([], tasks.using) == []


# Fail


@pytest.mark.parametrize("kind", [Kind.FAILED, Kind.TIMED_OUT, Kind.LOST, Kind.REFUSED])
def test_a_failure_without_retries_is_final(tasks: Tasks, kind: Kind) -> None:
    task = tasks.running(unique_key="order-1")
    change = tasks.settle(task, kind, error_type="ValueError", error="no luck", traceback="Traceback …")
    row = tasks.row(task.id)

    assert change is not None
    assert change.transition is Transition.FAIL
    assert (row.status, row.next_attempt_at, row.retry_count) == ("FAILED", None, 0)
    assert (row.error_type, row.error, row.traceback) == ("ValueError", "no luck", "Traceback …")
    assert (row.lease, row.lease_expires_at, row.unique_active) == (None, None, None)
    assert row.is_final


def test_a_failure_that_would_repeat_itself_is_final_whatever_the_budget(tasks: Tasks) -> None:
    task = tasks.running(max_retries=5)
    assert tasks.settle(task, Kind.REFUSED)

    assert tasks.row(task.id).is_final


def test_a_failed_attempt_is_kept_with_its_traceback(tasks: Tasks) -> None:
    task = tasks.running(worker="worker-7")
    assert tasks.settle(task, Kind.FAILED, worker="worker-7", duration_s=0.5)
    (attempt,) = tasks.attempts(task.id)
    row = tasks.row(task.id)

    assert (attempt.number, attempt.worker, attempt.outcome) == (1, "worker-7", "failed")
    assert (attempt.error_type, attempt.error) == ("ValueError", "no luck")
    assert attempt.traceback == "Traceback: no luck"
    assert attempt.duration == 0.5
    assert abs(seconds_between(attempt.started_at, row.started_at)) < 0.05
    assert abs(seconds_between(attempt.finished_at, row.finished_at)) < 0.05


# Times


@pytest.mark.parametrize("kind", [Kind.COMPLETED, Kind.FAILED, Kind.TIMED_OUT, Kind.REFUSED, Kind.CANCELLED])
@pytest.mark.parametrize("age_s", [0.0, 3.5])
def test_the_times_are_those_of_the_run_however_late_it_is_settled(
    tasks: Tasks, kind: Kind, age_s: float
) -> None:
    task = tasks.running()
    asked = time.monotonic()
    before, begun = tasks.now(), time.monotonic()
    assert tasks.settle(task, kind, duration_s=1.25, ended=begun - age_s)
    took = time.monotonic() - asked
    row = tasks.row(task.id)

    finished = seconds_between(before, row.finished_at)
    assert -age_s - 0.002 <= finished <= took - age_s + 0.01
    assert seconds_between(row.started_at, row.finished_at) == pytest.approx(1.25, abs=0.002)
    assert row.duration == 1.25


def test_a_retry_keeps_the_times_of_its_last_run_but_has_not_ended(tasks: Tasks) -> None:
    task = tasks.running(max_retries=1)
    assert tasks.settle(task, Kind.FAILED, duration_s=2.0)
    row = tasks.row(task.id)

    assert row.finished_at is None
    assert row.duration == 2.0
    assert seconds_between(row.started_at, tasks.now()) == pytest.approx(2.0, abs=1)


def test_an_unknown_run_time_leaves_the_start_as_it_was_marked(tasks: Tasks) -> None:
    task = tasks.running()
    lifecycle.mark_started([(task, 5.0)], tasks.using)
    marked = tasks.row(task.id).started_at
    assert tasks.settle(task, Kind.LOST, duration_s=None)
    row = tasks.row(task.id)

    assert marked is not None
    assert (row.started_at, row.duration) == (marked, None)


# The fence


def test_a_stale_lease_changes_nothing_while_the_new_owner_runs(
    tasks: Tasks, published: Published, caplog: pytest.LogCaptureFixture
) -> None:
    zombie = tasks.running(worker="worker-1", max_retries=3, unique_key="order-1")
    tasks.expire(zombie.id)
    assert lifecycle.rescue(using=tasks.using)
    tasks.make_due(zombie.id)
    owner = tasks.take(worker="worker-2")
    before, attempts = tasks.columns(zombie.id), len(tasks.attempts(zombie.id))
    published.clear()

    with caplog.at_level(logging.INFO, "django_task_worker"):
        for kind in Kind:
            assert tasks.settle(zombie, kind) is None
            assert tasks.columns(zombie.id) == before
    assert len(tasks.attempts(zombie.id)) == attempts
    assert published.all == []
    levels = [record.levelname for record in caplog.records if zombie.id in record.getMessage()]
    assert levels == ["INFO"] * len(Kind)
    assert tasks.settle(owner)
    assert tasks.status(owner.id) == "COMPLETED"


@pytest.mark.parametrize("end", [Kind.COMPLETED, Kind.FAILED])
def test_the_second_outcome_of_one_attempt_changes_nothing(tasks: Tasks, end: Kind) -> None:
    task = tasks.running(max_retries=1)
    assert tasks.settle(task, end)
    before, attempts = tasks.columns(task.id), len(tasks.attempts(task.id))

    for kind in Kind:
        assert tasks.settle(task, kind) is None
    assert tasks.columns(task.id) == before
    assert len(tasks.attempts(task.id)) == attempts


@pytest.mark.parametrize("kind", [Kind.COMPLETED, Kind.FAILED])
def test_an_outcome_of_a_deleted_task_is_dropped(tasks: Tasks, kind: Kind) -> None:
    task = tasks.running()
    tasks.all.filter(pk=task.id).delete()

    assert tasks.settle(task, kind) is None
    assert not tasks.all.exists()
    assert tasks.attempts(task.id) == []


@pytest.mark.parametrize("kind", [Kind.COMPLETED, Kind.FAILED])
def test_an_expired_lease_that_nobody_has_taken_still_settles(tasks: Tasks, kind: Kind) -> None:
    task = tasks.running()
    tasks.expire(task.id, by_s=600)

    assert tasks.settle(task, kind)
    assert tasks.row(task.id).is_final


def test_stale_outcomes_do_not_hold_up_their_batch(tasks: Tasks) -> None:
    for _ in range(4):
        tasks.add()
    first, second, third, fourth = tasks.claim(4)
    tasks.expire(first.id, third.id)
    lifecycle.rescue(using=tasks.using)
    given = [outcome(first), outcome(second), outcome(third, Kind.FAILED), outcome(fourth, Kind.FAILED)]
    changes = lifecycle.finish(given, tasks.using)

    assert {change.outcome.task.id for change in changes} == {second.id, fourth.id}
    assert {tasks.row(task.id).error_type for task in (first, third)} == {"WorkerLost"}


@pytest.mark.parametrize("kind", [Kind.COMPLETED, Kind.FAILED])
def test_two_attempts_of_one_task_in_a_batch_are_told_apart(
    tasks: Tasks, published: Published, kind: Kind
) -> None:
    """A worker may claim again what it has lost without knowing it."""
    first = tasks.running(max_retries=1)
    tasks.expire(first.id)
    lifecycle.rescue(using=tasks.using)
    tasks.make_due(first.id)
    second = tasks.take()
    published.clear()
    changes = lifecycle.finish([outcome(first, kind), outcome(second, kind)], tasks.using)

    assert [change.outcome.task.lease for change in changes] == [second.lease]
    assert len(published.told) == 1


# Against a cancellation


def test_a_success_stands_against_a_cancellation(tasks: Tasks) -> None:
    task = tasks.running()
    lifecycle.cancel([task.id], using=tasks.using)

    assert tasks.settle(task)
    assert tasks.status(task.id) == "COMPLETED"


@pytest.mark.parametrize("kind", ENDS_BADLY)
def test_everything_else_ends_as_cancelled_when_that_was_asked_for(tasks: Tasks, kind: Kind) -> None:
    task = tasks.running(max_retries=3, unique_key="order-1")
    lifecycle.cancel([task.id], using=tasks.using)
    change = tasks.settle(task, kind)
    row = tasks.row(task.id)

    assert change is not None
    assert change.transition is Transition.CANCEL
    assert (row.status, row.retry_count, row.next_attempt_at) == ("CANCELLED", 0, None)
    assert (row.lease, row.unique_active) == (None, None)
    assert row.finished_at is not None
    assert row.error_type is not None


def test_a_task_killed_for_its_cancellation_says_so(tasks: Tasks) -> None:
    task = tasks.running()
    lifecycle.cancel([task.id], using=tasks.using)
    assert tasks.settle(task, Kind.CANCELLED)
    (attempt,) = tasks.attempts(task.id)

    assert tasks.row(task.id).error_type == "TaskCancelled"
    assert (attempt.outcome, attempt.error_type) == ("cancelled", "TaskCancelled")


def test_a_task_cancelled_before_it_began_has_no_attempt(tasks: Tasks) -> None:
    task = tasks.running()
    lifecycle.cancel([task.id], using=tasks.using)
    assert tasks.settle(task, Kind.NOT_STARTED)

    assert tasks.status(task.id) == "CANCELLED"
    assert tasks.attempts(task.id) == []
