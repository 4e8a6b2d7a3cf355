"""Cancel: waiting tasks at once, running ones by their owner."""

from __future__ import annotations

import pytest

from django_task_worker import client, lifecycle
from tests.lifecycle.published import Published
from tests.lifecycle.tasks import FINAL, STATES, WAITING, Tasks, draft


@pytest.mark.parametrize("state", WAITING)
def test_a_waiting_task_is_cancelled_at_once(tasks: Tasks, state: str) -> None:
    task_id = tasks.in_state(state, unique_key="order-1")
    done = lifecycle.cancel([task_id], using=tasks.using)
    row = tasks.row(task_id)

    assert (done.cancelled, done.requested) == ([task_id], [])
    assert row.is_final
    assert (row.status, row.error_type, row.next_attempt_at) == ("CANCELLED", "TaskCancelled", None)
    assert row.finished_at is not None
    assert row.unique_active is None
    tasks.put(task_id, due_at=row.created_at)
    assert tasks.claim(10) == []


def test_a_running_task_is_left_to_its_owner(tasks: Tasks) -> None:
    task = tasks.running()
    before = tasks.columns(task.id)
    done = lifecycle.cancel([task.id], using=tasks.using)
    after = tasks.columns(task.id)

    assert (done.cancelled, done.requested) == ([], [task.id])
    assert after.pop("cancel_requested_at") is not None
    del before["cancel_requested_at"], before["updated_at"], after["updated_at"]
    assert after == before


@pytest.mark.parametrize("state", FINAL)
def test_what_has_ended_stays_as_it_is(tasks: Tasks, state: str) -> None:
    task_id = tasks.in_state(state)
    before = tasks.columns(task_id)
    done = lifecycle.cancel([task_id], using=tasks.using)

    assert (done.cancelled, done.requested) == ([], [])
    assert tasks.columns(task_id) == before


def test_asking_twice_is_answered_alike_and_keeps_the_first_time(tasks: Tasks, published: Published) -> None:
    task = tasks.running()
    lifecycle.cancel([task.id], using=tasks.using)
    asked_at = tasks.row(task.id).cancel_requested_at

    assert lifecycle.cancel([task.id], using=tasks.using).requested == [task.id]
    assert client.cancel(task.id, using=tasks.using)
    assert tasks.row(task.id).cancel_requested_at == asked_at


def test_many_are_cancelled_in_the_order_given(tasks: Tasks) -> None:
    running = [tasks.in_state("running", queue=str(n)) for n in range(3)]
    waiting = [tasks.add() for _ in range(5)]
    ended = tasks.ended(queue="other")
    ids = [waiting[3], running[1], ended, waiting[0], "unknown", running[0], waiting[3]]
    done = lifecycle.cancel(ids, using=tasks.using)

    assert done.cancelled == [waiting[3], waiting[0]]
    assert done.requested == [running[1], running[0]]
    assert tasks.all.filter(status="PENDING").count() == 3


def test_thousands_are_cancelled_in_chunks(tasks: Tasks) -> None:
    ids = [task.pk for task in lifecycle.enqueue_many([draft() for _ in range(1203)], 500, tasks.using)]

    assert lifecycle.cancel(ids, using=tasks.using).cancelled == ids
    assert not tasks.all.exclude(status="CANCELLED").exists()


def test_nothing_to_cancel_is_no_mistake(tasks: Tasks) -> None:
    assert lifecycle.cancel([], using=tasks.using).cancelled == []


@pytest.mark.parametrize("state", STATES)
def test_the_client_tells_whether_there_was_something_to_cancel(tasks: Tasks, state: str) -> None:
    task_id = tasks.in_state(state)

    assert client.cancel(task_id, using=tasks.using) is (state not in FINAL)


def test_the_client_knows_no_unknown_task(tasks: Tasks) -> None:
    assert not client.cancel("unknown", using=tasks.using)


def test_a_requeued_task_has_no_cancellation_left(tasks: Tasks) -> None:
    task_id = tasks.in_state("cancelled")
    assert lifecycle.requeue([task_id], using=tasks.using) == [task_id]
    task = tasks.take()

    assert lifecycle.renew([(task.id, task.lease)], 30.0, tasks.using).cancelling == frozenset()
    assert tasks.settle(task)
