"""Pauses: nobody claims from a paused queue; everything else goes on."""

from __future__ import annotations

from datetime import timedelta

import pytest

from django_task_worker import lifecycle, registry
from django_task_worker.models import Queue
from django_task_worker.states import Kind
from tests.lifecycle.published import Published
from tests.lifecycle.tasks import Tasks, minutes


@pytest.mark.parametrize("state", ["pending", "retrying"])
def test_nothing_is_claimed_from_a_paused_queue(tasks: Tasks, state: str) -> None:
    task_id = tasks.in_state(state, queue="mail")
    tasks.make_due(task_id)
    other = tasks.add()
    registry.pause("mail", using=tasks.using)

    assert tasks.claimed_ids() == [other]
    assert tasks.claimed_ids(queues=("mail",)) == []


def test_a_resumed_queue_is_claimed_from(tasks: Tasks) -> None:
    task_id = tasks.add(queue="mail")
    registry.pause("mail", using=tasks.using)
    assert registry.resume("mail", using=tasks.using)

    assert tasks.claimed_ids() == [task_id]
    assert not registry.resume("mail", using=tasks.using)


def test_a_pause_ends_by_itself_at_its_time(tasks: Tasks) -> None:
    tasks.add(queue="mail")
    bulk = tasks.add(queue="bulk")
    registry.pause("mail", until=tasks.now() + minutes(1), using=tasks.using)
    registry.pause("bulk", until=tasks.now() - timedelta(milliseconds=5), using=tasks.using)

    assert tasks.claimed_ids() == [bulk]


def test_a_pause_is_remembered_with_its_reason(tasks: Tasks) -> None:
    registry.pause("mail", by="ada", reason="provider down", until=None, using=tasks.using)
    registry.pause("mail", by="bob", using=tasks.using)

    queue = Queue.objects.using(tasks.using).get(pk="mail")
    assert (queue.paused_by, queue.pause_reason) == ("bob", None)
    assert queue.paused_at is not None


def test_what_runs_in_a_paused_queue_goes_on(tasks: Tasks) -> None:
    task = tasks.running(queue="mail")
    registry.pause("mail", using=tasks.using)

    assert lifecycle.renew([(task.id, task.lease)], 30.0, tasks.using).held == {task.id: task.lease}
    assert tasks.settle(task)
    assert tasks.status(task.id) == "COMPLETED"


def test_a_paused_queue_takes_new_tasks_and_gives_up_old_ones(tasks: Tasks) -> None:
    registry.pause("mail", using=tasks.using)
    task_id = tasks.add(queue="mail")

    assert lifecycle.cancel([task_id], using=tasks.using).cancelled == [task_id]
    assert lifecycle.requeue([task_id], using=tasks.using) == [task_id]
    assert tasks.claimed_ids() == []


def test_a_paused_queue_hides_no_other_group(tasks: Tasks) -> None:
    for priority in range(5):
        tasks.add(queue="b", priority=priority)
    ids = {tasks.add(queue="a"), tasks.add(queue="c", priority=-5)}
    registry.pause("b", using=tasks.using)

    assert set(tasks.claimed_ids()) == ids


def test_a_retry_of_a_task_from_a_paused_queue_waits_too(tasks: Tasks) -> None:
    task = tasks.running(queue="mail", max_retries=1)
    registry.pause("mail", using=tasks.using)
    assert tasks.settle(task, Kind.FAILED)
    tasks.make_due(task.id, ago_s=500)

    assert tasks.claimed_ids() == []


def test_pausing_and_resuming_are_told(tasks: Tasks, published: Published) -> None:
    registry.pause("mail", using=tasks.using)
    registry.resume("mail", using=tasks.using)

    assert [(event.event.value, event.queue, event.wakes) for event in published.all] == [
        ("queue_paused", "mail", False),
        ("queue_resumed", "mail", True),
    ]
