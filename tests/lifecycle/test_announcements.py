"""What others are told of a change: after the commit, once, and never of what did not happen."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connections, transaction

from django_task_worker import lifecycle
from django_task_worker.events import announce
from django_task_worker.events.event import Event, EventName
from django_task_worker.lifecycle import Outcome
from django_task_worker.states import Kind
from tests.lifecycle.published import Published
from tests.lifecycle.tasks import Tasks, draft

ENDS = [
    (Kind.COMPLETED, 0, "task_finished"),
    (Kind.FAILED, 0, "task_failed"),
    (Kind.FAILED, 1, "task_requeued"),
    (Kind.TIMED_OUT, 0, "task_failed"),
    (Kind.REFUSED, 5, "task_failed"),
    (Kind.INTERRUPTED, 0, "task_failed"),
]


def test_a_new_task_is_told_and_wakes_workers(tasks: Tasks, published: Published) -> None:
    task_id = tasks.add(queue="mail")
    (event,) = published.all

    assert published.told == [("task_created", task_id)]
    assert (event.name, event.queue, event.wakes) == ("app.tasks.add", "mail", True)


def test_an_announcement_outside_of_a_transaction_opens_no_connection(
    tasks: Tasks, published: Published, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It may be cut off just now: what was done is told nevertheless."""
    connection = connections[tasks.using]
    connection.close()
    monkeypatch.setattr(connection, "connect", pytest.fail)
    announce([Event(event=EventName.TASK_FINISHED, task_id="a")], tasks.using)
    assert published.told == [("task_finished", "a")]


def test_many_new_tasks_are_told_once_a_queue_with_their_number(tasks: Tasks, published: Published) -> None:
    new = [draft(queue="mail"), draft(queue="bulk"), draft(queue="mail")]
    lifecycle.enqueue_many(new, 1, tasks.using)

    told = sorted((event.event.value, event.queue, event.count, event.wakes) for event in published.all)
    assert told == [("tasks_created", "bulk", 1, True), ("tasks_created", "mail", 2, True)]


@pytest.mark.parametrize(("kind", "retries", "name"), ENDS)
def test_every_end_of_an_attempt_is_told(
    tasks: Tasks, published: Published, kind: Kind, retries: int, name: str
) -> None:
    task = tasks.running(max_retries=retries, queue="mail")
    published.clear()
    tasks.settle(task, kind, duration_s=0.5, error_type="ValueError", worker="worker-7")
    (event,) = published.all

    assert published.told == [(name, task.id)]
    assert (event.name, event.queue, event.worker, event.tries) == ("app.tasks.add", "mail", "worker-7", 1)
    assert (event.run_s, event.error_type) == (0.5, "ValueError")


def test_what_goes_back_unspent_wakes_other_workers(tasks: Tasks, published: Published) -> None:
    task = tasks.running()
    published.clear()
    tasks.settle(task, Kind.NOT_STARTED)

    assert published.wake_ups == 1


@pytest.mark.parametrize("state", ["pending", "scheduled", "retrying"])
def test_cancelling_a_waiting_task_is_told(tasks: Tasks, published: Published, state: str) -> None:
    task_id = tasks.in_state(state)
    published.clear()
    lifecycle.cancel([task_id], using=tasks.using)

    assert published.told == [("task_cancelled", task_id)]
    assert (published.all[0].name, published.all[0].queue) == ("app.tasks.add", "default")


def test_asking_for_a_cancellation_only_wakes_the_owner(tasks: Tasks, published: Published) -> None:
    task = tasks.running()
    published.clear()
    lifecycle.cancel([task.id], using=tasks.using)
    assert (published.told, published.wake_ups) == ([], 1)

    tasks.settle(task, Kind.CANCELLED)
    assert published.told == [("task_cancelled", task.id)]


@pytest.mark.parametrize(("retries", "name"), [(0, "task_failed"), (1, "task_requeued")])
def test_a_rescue_is_told(tasks: Tasks, published: Published, retries: int, name: str) -> None:
    task = tasks.running(max_retries=retries)
    tasks.expire(task.id)
    published.clear()
    lifecycle.rescue(using=tasks.using)

    assert published.told == [(name, task.id)]
    assert published.all[0].error_type == "WorkerLost"


def test_a_requeue_is_told_and_wakes_workers(tasks: Tasks, published: Published) -> None:
    ids = [tasks.in_state("failed"), tasks.in_state("cancelled")]
    published.clear()
    lifecycle.requeue(ids, using=tasks.using)

    assert published.told == [("task_requeued", pk) for pk in ids]
    assert {(event.name, event.queue) for event in published.all} == {("app.tasks.add", "default")}
    assert published.wake_ups > 0


def test_a_requeue_to_another_queue_tells_that_one(tasks: Tasks, published: Published) -> None:
    task_id = tasks.in_state("failed")
    published.clear()
    lifecycle.requeue([task_id], queue="slow", using=tasks.using)

    assert [event.queue for event in published.all] == ["slow"]


def test_claims_renewals_and_purges_are_told_to_nobody(tasks: Tasks, published: Published) -> None:
    ended = tasks.ended()
    tasks.add()
    published.clear()
    task = tasks.take()
    lifecycle.renew([(task.id, task.lease)], 30.0, tasks.using)
    lifecycle.mark_started([(task, 1.0)], tasks.using)
    lifecycle.purge(before=None, using=tasks.using)

    assert not tasks.all.filter(pk=ended).exists()
    assert published.all == []


# Only after the commit

CHANGES: dict[str, Callable[[Tasks, dict[str, Any]], Any]] = {
    "enqueue": lambda tasks, ids: tasks.add(queue="new"),
    "enqueue with a key": lambda tasks, ids: tasks.add(queue="new", unique_key="order-9"),
    "enqueue many": lambda tasks, ids: lifecycle.enqueue_many([draft(queue="new")], 500, tasks.using),
    "complete": lambda tasks, ids: tasks.settle(ids["running"]),
    "fail": lambda tasks, ids: tasks.settle(ids["running"], Kind.FAILED),
    "cancel": lambda tasks, ids: lifecycle.cancel([ids["pending"]], using=tasks.using),
    "ask for a cancellation": lambda tasks, ids: lifecycle.cancel([ids["running"].id], using=tasks.using),
    "requeue": lambda tasks, ids: lifecycle.requeue([ids["failed"]], using=tasks.using),
    "rescue": lambda tasks, ids: lifecycle.rescue(using=tasks.using),
}


@pytest.fixture
def ids(tasks: Tasks) -> dict[str, Any]:
    """A running, a lost, a failed and a pending task."""
    found: dict[str, Any] = {state: tasks.running(queue=state) for state in ("running", "lost")}
    tasks.expire(found["lost"].id)
    return {**found, "failed": tasks.in_state("failed"), "pending": tasks.add()}


@pytest.mark.parametrize("change", CHANGES)
def test_nothing_is_told_before_the_commit(
    tasks: Tasks, ids: dict[str, Any], published: Published, change: str
) -> None:
    with transaction.atomic(using=tasks.using):
        CHANGES[change](tasks, ids)
        assert published.all == []

    assert published.all != []


@pytest.mark.parametrize("change", CHANGES)
def test_nothing_is_told_of_what_was_rolled_back(
    tasks: Tasks, ids: dict[str, Any], published: Published, change: str
) -> None:
    before = list(tasks.all.order_by("pk").values())
    with transaction.atomic(using=tasks.using):
        with transaction.atomic(using=tasks.using):
            CHANGES[change](tasks, ids)
            transaction.set_rollback(True, using=tasks.using)
        assert list(tasks.all.order_by("pk").values()) == before

    assert published.all == []
    assert list(tasks.all.order_by("pk").values()) == before


@pytest.mark.parametrize("change", CHANGES)
def test_a_broken_transport_harms_no_change(
    tasks: Tasks, ids: dict[str, Any], published: Published, caplog: pytest.LogCaptureFixture, change: str
) -> None:
    before = list(tasks.all.order_by("pk").values())
    published.fails = True
    with caplog.at_level(logging.CRITICAL):
        CHANGES[change](tasks, ids)

    assert list(tasks.all.order_by("pk").values()) != before


# What is in it


def test_no_event_holds_arguments_results_errors_or_metadata(tasks: Tasks, published: Published) -> None:
    secret = {"args": ["canary"], "kwargs": {"x": "canary"}, "metadata": {"x": "canary"}}
    for kind in Kind:
        tasks.add(**secret, max_retries=1, unique_key=f"canary {kind}")
        (task,) = tasks.claim()
        outcome = Outcome(
            task=task,
            kind=kind,
            result="canary",
            result_json='"canary"',
            error="canary",
            traceback="canary",
            error_type="ValueError",
            duration_s=0.1,
        )
        lifecycle.finish([outcome], tasks.using)
        tasks.all.filter(status="PENDING").delete()
    lifecycle.enqueue_many([draft(**secret)], 500, tasks.using)

    assert len(published.all) > len(Kind)
    for event in published.all:
        payloads = [event.payload("me", 1, "now"), event.wake_payload()]
        assert b"canary" not in b"".join(payloads)
        assert all(isinstance(json.loads(payload), dict) for payload in payloads)
