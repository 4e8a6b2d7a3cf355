"""What the rows tell of what has happened, for those who heard no events."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any

import pytest

from django_task_worker import lifecycle, operation_log, registry
from django_task_worker.events import Event, EventName
from django_task_worker.queries import Selection, Span, happened, spans
from django_task_worker.registry import Identity, Load
from django_task_worker.states import Kind
from tests.lifecycle.tasks import Tasks

HOUR = timedelta(hours=1)
Told = list[tuple[str, str | None, int | None]]


@pytest.fixture
def told(tasks: Tasks) -> Callable[..., Told]:
    """Name, task and try of what happened in the last hour."""

    def told(**wanted: Any) -> Told:
        return [(event.event.value, event.task_id, event.tries) for event in events(tasks, **wanted)]

    return told


def events(tasks: Tasks, **wanted: Any) -> list[Event]:
    now = tasks.now()
    return list(happened(Span(since=now - HOUR, until=now + HOUR), tasks.using, **wanted))


def remember(tasks: Tasks, action: str, ids: Sequence[str] = (), selector: str = "") -> None:
    operation_log.record(
        action, ids=ids, matched=1, changed=max(1, len(ids)), selector=selector, using=tasks.using
    )


def test_nothing_has_happened_at_first(told: Callable[..., Told]) -> None:
    assert told() == []


def test_a_task_tells_its_way(tasks: Tasks, told: Callable[..., Told]) -> None:
    task = tasks.running(queue="mail")
    time.sleep(0.02)
    tasks.settle(task, duration_s=0.01)
    pk = task.id
    assert told() == [("task_created", pk, None), ("task_started", pk, 1), ("task_finished", pk, 1)]
    created, started, finished = events(tasks)
    for event in (created, started, finished):
        assert (event.name, event.queue) == ("app.tasks.add", "mail")
    assert (started.worker, finished.worker, finished.run_s) == ("worker-1", "worker-1", 0.01)
    assert started.wait_s is not None
    assert started.at is not None
    assert finished.at is not None
    assert (finished.at - started.at).total_seconds() == pytest.approx(0.01, abs=0.001)


@pytest.mark.parametrize("how", [Kind.FAILED, Kind.TIMED_OUT, Kind.LOST, Kind.REFUSED])
def test_a_failure_tells_its_type_and_once(tasks: Tasks, how: Kind) -> None:
    task = tasks.running(max_retries=3 if how is Kind.REFUSED else 0)
    tasks.settle(task, how, error_type="KeyError")
    found = events(tasks, names=[EventName.TASK_FAILED, EventName.TASK_REQUEUED])
    assert [(event.event, event.task_id, event.tries, event.error_type) for event in found] == [
        (EventName.TASK_FAILED, task.id, 1, "KeyError")
    ]


def test_a_retry_is_told_by_its_attempt(tasks: Tasks, told: Callable[..., Told]) -> None:
    task = tasks.running(max_retries=1)
    tasks.settle(task, Kind.FAILED)
    assert told()[-1] == ("task_requeued", task.id, 1)
    assert events(tasks)[-1].error_type == "ValueError"
    tasks.make_due(task.id, ago_s=0)
    tasks.settle(tasks.take(), Kind.FAILED)
    ends = [row for row in told() if row[0] not in ("task_created", "task_started")]
    assert ends == [("task_requeued", task.id, 1), ("task_failed", task.id, 2)]


def test_a_cancelled_task_is_told_once(tasks: Tasks, told: Callable[..., Told]) -> None:
    waiting, running = tasks.add(), tasks.in_state("cancelled", queue="other")
    lifecycle.cancel([waiting], using=tasks.using)
    cancelled = [pk for name, pk, _ in told() if name == "task_cancelled"]
    assert sorted(cancelled) == sorted([waiting, running])


def test_what_goes_back_after_an_interruption_is_a_retry(tasks: Tasks, told: Callable[..., Told]) -> None:
    task = tasks.running(max_retries=1)
    tasks.settle(task, Kind.INTERRUPTED, error_type="Interrupted")
    assert told()[-1] == ("task_requeued", task.id, 1)
    assert events(tasks)[-1].error_type == "Interrupted"


def test_an_end_that_a_requeue_has_cleared_is_told_all_the_same(
    tasks: Tasks, told: Callable[..., Told]
) -> None:
    pk = tasks.in_state("failed")
    lifecycle.requeue([pk], using=tasks.using)
    remember(tasks, "retry", [pk])
    assert told() == [("task_created", pk, None), ("task_failed", pk, 1), ("task_requeued", pk, None)]
    started_over = events(tasks)[-1]
    assert (started_over.name, started_over.error_type) == ("app.tasks.add", None)


def test_a_running_task_has_started(tasks: Tasks, told: Callable[..., Told]) -> None:
    task = tasks.running()
    assert told() == [("task_created", task.id, None)]
    lifecycle.mark_started([(task, 0.1)], tasks.using)
    assert ("task_started", task.id, 1) in told()


def test_workers_and_queues_tell_too(tasks: Tasks) -> None:
    who = Identity(id="w" * 22, name="web-1", host="h", pid=1)
    registry.register(who, queues=(), exclude_queues=(), slots=1, using=tasks.using)
    remember(tasks, "pause", selector="queue mail")
    remember(tasks, "resume", selector="queue mail")
    registry.sign_off(who, Load(), tasks.using)
    assert {(event.event.value, event.worker, event.queue) for event in events(tasks)} == {
        ("worker_up", "web-1", None),
        ("queue_paused", None, "mail"),
        ("queue_resumed", None, "mail"),
        ("worker_down", "web-1", None),
    }


def test_only_what_is_wanted_is_told(tasks: Tasks, told: Callable[..., Told]) -> None:
    mail, other = tasks.ended(queue="mail", name="app.tasks.send"), tasks.ended()
    assert told(names=[EventName.TASK_FINISHED]) == [
        ("task_finished", mail, 1),
        ("task_finished", other, 1),
    ]
    for selection in (Selection(queues=("mail",)), Selection(task="app.*.send"), Selection(ids=(mail,))):
        assert {pk for _, pk, _ in told(selection=selection)} == {mail}


def test_a_span_begins_and_ends(tasks: Tasks) -> None:
    pk = tasks.add()
    at: datetime = tasks.row(pk).created_at
    second = timedelta(seconds=1)

    def count(since: datetime, until: datetime) -> int:
        return len(list(happened(Span(since=since, until=until), tasks.using)))

    assert count(at, at + second) == 1
    assert count(at - second, at) == 0
    assert count(at + timedelta(microseconds=1), at + second) == 0


def test_many_events_come_in_their_order_from_small_pages(
    tasks: Tasks, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(spans, "PAGE", 3)
    ids = [tasks.ended() for _ in range(5)]
    ids += [tasks.ended(Kind.FAILED, max_retries=1) for _ in range(5)]
    tasks.all.update(created_at=tasks.now())
    found = events(tasks)
    times = [event.at for event in found]
    assert times == sorted(times)  # type: ignore[type-var]
    for name, number in (
        (EventName.TASK_CREATED, 10),
        (EventName.TASK_FINISHED, 5),
        (EventName.TASK_REQUEUED, 5),
    ):
        assert len({event.task_id for event in found if event.event is name}) == number
    assert len(found) == 25
