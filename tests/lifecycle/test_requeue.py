"""Requeue: an operator starts ended tasks over."""

from __future__ import annotations

from typing import Any

import pytest

from django_task_worker import client, lifecycle
from django_task_worker.states import Kind
from tests.lifecycle.tasks import STATES, Tasks, draft, seconds_between


def requeue(tasks: Tasks, *ids: str, **options: Any) -> list[str]:
    return lifecycle.requeue(ids, using=tasks.using, **options)


@pytest.mark.parametrize("state", ["failed", "cancelled"])
def test_an_ended_task_starts_over(tasks: Tasks, state: str) -> None:
    task_id = tasks.in_state(state, max_retries=0, unique_key="order-1", priority=3, queue="mail")
    attempts = len(tasks.attempts(task_id))
    before = tasks.now()
    assert requeue(tasks, task_id) == [task_id]
    row = tasks.row(task_id)

    assert (row.status, row.retry_count, row.deferrals, row.max_retries) == ("PENDING", 0, 0, 0)
    assert (row.error, row.error_type, row.traceback, row.result, row.result_json) == (None,) * 5
    assert (row.started_at, row.finished_at, row.duration, row.next_attempt_at) == (None,) * 4
    assert (row.cancel_requested_at, row.worker, row.lease) == (None, None, None)
    assert (row.queue, row.priority) == ("mail", 3)
    assert before <= row.due_at <= tasks.now()
    assert row.unique_active is not None
    assert len(tasks.attempts(task_id)) == attempts
    assert tasks.take().id == task_id


@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("force", [False, True])
def test_only_what_has_ended_is_requeued(tasks: Tasks, state: str, force: bool) -> None:
    task_id = tasks.in_state(state)
    before = tasks.columns(task_id)
    may_be = {"failed", "cancelled"} | ({"completed"} if force else set())

    if state in may_be:
        assert requeue(tasks, task_id, force=force) == [task_id]
        assert tasks.status(task_id) == "PENDING"
    else:
        assert requeue(tasks, task_id, force=force) == []
        assert tasks.columns(task_id) == before


def test_a_requeued_task_has_its_whole_budget_again(tasks: Tasks) -> None:
    task_id = tasks.add(max_retries=1)
    for _ in range(2):
        assert tasks.settle(tasks.take(), Kind.FAILED)
        tasks.make_due(task_id)
    assert requeue(tasks, task_id) == [task_id]
    runs = 0
    while tasks.claim(lease=f"run-{runs}"):
        (task,) = lifecycle.held(f"run-{runs}", tasks.using)
        runs += 1
        assert tasks.settle(task, Kind.FAILED)
        tasks.all.filter(next_attempt_at__isnull=False).update(next_attempt_at=task_due(tasks, task_id))

    assert runs == 2
    assert [attempt.number for attempt in tasks.attempts(task_id)] == [1, 2, 1, 2]


def task_due(tasks: Tasks, task_id: str) -> Any:
    return tasks.row(task_id).created_at


def test_an_outcome_from_before_the_requeue_changes_nothing(tasks: Tasks) -> None:
    zombie = tasks.running()
    tasks.expire(zombie.id)
    lifecycle.rescue(using=tasks.using)
    assert requeue(tasks, zombie.id) == [zombie.id]
    owner = tasks.take(worker="worker-2")
    before = tasks.columns(zombie.id)

    assert owner.retry_count == zombie.retry_count
    assert tasks.settle(zombie) is None
    assert tasks.columns(zombie.id) == before


# Where and when


def test_requeued_tasks_may_move_to_another_queue(tasks: Tasks) -> None:
    task_id = tasks.in_state("failed")
    assert requeue(tasks, task_id, queue="slow") == [task_id]

    assert tasks.row(task_id).queue == "slow"


def test_a_delay_puts_them_off(tasks: Tasks) -> None:
    task_id = tasks.in_state("failed")
    before = tasks.now()
    assert requeue(tasks, task_id, delay_s=100.0) == [task_id]

    assert seconds_between(before, tasks.row(task_id).due_at) == pytest.approx(100, abs=1)
    assert tasks.claim() == []


def test_a_spread_lets_them_come_one_after_the_other(tasks: Tasks) -> None:
    ids = [tasks.in_state("failed", queue=str(n)) for n in range(4)]
    before = tasks.now()
    assert requeue(tasks, *ids, spread_s=100.0, delay_s=10.0) == ids

    waits = [seconds_between(before, tasks.row(pk).due_at) for pk in ids]
    assert waits == pytest.approx([10, 35, 60, 85], abs=2)


def test_thousands_are_requeued_in_chunks(tasks: Tasks) -> None:
    ids = [task.pk for task in lifecycle.enqueue_many([draft() for _ in range(1203)], 500, tasks.using)]
    lifecycle.cancel(ids, using=tasks.using)

    assert requeue(tasks, *ids) == ids
    assert not tasks.all.exclude(status="PENDING").exists()


def test_each_is_requeued_once_however_often_it_is_named(tasks: Tasks) -> None:
    task_id = tasks.in_state("failed")

    assert requeue(tasks, task_id, "unknown", task_id) == [task_id]
    assert requeue(tasks, task_id) == []
    assert requeue(tasks) == []


# The unique key


@pytest.mark.parametrize("state", ["pending", "running", "retrying"])
def test_a_task_whose_key_is_taken_stays_as_it_is(tasks: Tasks, state: str) -> None:
    old = tasks.in_state("failed", unique_key="order-1")
    plain = tasks.in_state("failed", queue="other")
    tasks.in_state(state, unique_key="order-1", queue="mail")
    before = tasks.columns(old)

    assert requeue(tasks, old, plain) == [plain]
    assert tasks.columns(old) == before


def test_of_two_with_one_key_one_starts_over(tasks: Tasks) -> None:
    ids = [tasks.in_state("failed", unique_key="order-1") for _ in range(2)]

    assert len(requeue(tasks, *ids)) == 1
    assert tasks.all.filter(status="PENDING").count() == 1


def test_a_requeued_key_is_taken_again(tasks: Tasks) -> None:
    task_id = tasks.in_state("failed", unique_key="order-1")
    requeue(tasks, task_id)

    assert tasks.add(unique_key="order-1") == task_id


def test_a_requeue_with_a_spread_respects_keys_too(tasks: Tasks) -> None:
    old = tasks.in_state("failed", unique_key="order-1")
    other = tasks.in_state("failed", queue="other")
    tasks.add(unique_key="order-1", queue="mail")

    assert requeue(tasks, old, other, spread_s=10.0) == [other]


@pytest.mark.parametrize("state", STATES)
def test_the_client_tells_whether_the_task_starts_over(tasks: Tasks, state: str) -> None:
    task_id = tasks.in_state(state)

    assert client.requeue(task_id, using=tasks.using) is (state in ("failed", "cancelled"))
    assert client.requeue(task_id, force=True, using=tasks.using) is (state == "completed")
