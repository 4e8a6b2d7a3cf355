"""What has happened between two times, as far as the rows tell: for those who heard no events.

Nobody numbers it and some of it is gone: of a task only its last start and end are in its row, and what a
requeue has cleared is only where an attempt or the log of operations kept it.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from datetime import datetime, timedelta
from heapq import merge

from django_task_worker.events import Event, EventName
from django_task_worker.models import RUNNING, DatabaseTask, TaskAttempt, TaskQuerySet, Worker
from django_task_worker.queries.selection import Selection, select
from django_task_worker.queries.spans import Span, by_key, by_number
from django_task_worker.records import Operation
from django_task_worker.states import Kind, Status

_ENDS = {
    Status.COMPLETED.value: EventName.TASK_FINISHED,
    Status.FAILED.value: EventName.TASK_FAILED,
    Status.CANCELLED.value: EventName.TASK_CANCELLED,
}
_QUEUES = {"pause": EventName.QUEUE_PAUSED, "resume": EventName.QUEUE_RESUMED}
SAME = timedelta(seconds=1)
"""An attempt and its task were written in one transaction, but not by one reading of the clock."""
QUEUE = "queue "
"""What the log of operations writes before the name of a queue."""


def happened(
    span: Span,
    using: str,
    *,
    names: Collection[EventName] | None = None,
    selection: Selection | None = None,
) -> Iterator[Event]:
    """The events in about their order, each with `at`; memory stays flat, however many there are.

    `names`: only these. `selection` restricts the tasks, as far as it saves reading; its status and times do
    not count. Planned retries are TASK_REQUEUED with an error type, as they are when they are told.
    """
    tasks = select(selection or Selection(), using)
    sources: list[tuple[Collection[EventName], Callable[[], Iterator[Event]]]] = [
        ((EventName.TASK_CREATED,), lambda: _created(tasks, span)),
        ((EventName.TASK_STARTED,), lambda: _started(tasks, span)),
        (tuple(_ENDS.values()), lambda: _ended(tasks, span, names)),
        ((EventName.TASK_REQUEUED, *_ENDS.values()), lambda: _attempted(span, using)),
        ((EventName.TASK_REQUEUED, *_QUEUES.values()), lambda: _operated(span, using)),
        ((EventName.WORKER_UP, EventName.WORKER_DOWN), lambda: _came_and_went(span, using)),
    ]
    streams = [read() for told, read in sources if names is None or set(told) & set(names)]
    for event in merge(*streams, key=lambda event: event.at or span.since):
        if names is None or event.event in names:
            yield event


def _created(tasks: TaskQuerySet, span: Span) -> Iterator[Event]:
    for pk, at, name, queue in by_key(tasks, "created_at", span, "name", "queue"):
        yield Event(event=EventName.TASK_CREATED, at=at, task_id=pk, name=name, queue=queue)


def _started(tasks: TaskQuerySet, span: Span) -> Iterator[Event]:
    """Of those that are running, and of those that have ended since."""
    ended = tasks.filter(finished_at__gte=span.since)
    columns = ("name", "queue", "worker", "retry_count", "due_at")
    streams = [by_key(chosen, "started_at", span, *columns) for chosen in (tasks.filter(RUNNING), ended)]
    for pk, at, name, queue, worker, retries, due_at in merge(*streams, key=lambda row: row[1]):
        yield Event(
            event=EventName.TASK_STARTED,
            at=at,
            task_id=pk,
            name=name,
            queue=queue,
            worker=worker,
            tries=retries + 1,
            wait_s=_wait_s(due_at, at),
        )


def _ended(tasks: TaskQuerySet, span: Span, names: Collection[EventName] | None) -> Iterator[Event]:
    if names is not None:
        tasks = tasks.filter(status__in=[status for status, name in _ENDS.items() if name in names])
    columns = ("name", "queue", "worker", "retry_count", "status", "due_at", "started_at", "duration")
    rows = by_key(tasks, "finished_at", span, *columns, "error_type")
    for pk, at, name, queue, worker, retries, status, due_at, started_at, run_s, error_type in rows:
        yield Event(
            event=_ENDS[status],
            at=at,
            task_id=pk,
            name=name,
            queue=queue,
            worker=worker,
            tries=retries + 1,
            wait_s=_wait_s(due_at, started_at),
            run_s=run_s,
            error_type=error_type,
        )


def _wait_s(due_at: datetime, started_at: datetime | None) -> float | None:
    return None if started_at is None else max(0.0, (started_at - due_at).total_seconds())


def _attempted(span: Span, using: str) -> Iterator[Event]:
    """Attempts after which the task was to run again, and ends that a requeue has cleared from its row."""
    attempts = TaskAttempt.objects.using(using).order_by("id")
    columns = (
        "task_id",
        "task__name",
        "task__queue",
        "worker",
        "number",
        "outcome",
        "error_type",
        "duration",
    )
    more = ("task__max_retries", "task__finished_at")
    for row in by_number(attempts, "finished_at", span, *columns, *more):
        _, at, pk, name, queue, worker, number, outcome, error_type, run_s, budget, ended_at = row
        told = _told(outcome, number, budget or 0)
        if told is not EventName.TASK_REQUEUED and ended_at is not None and abs(ended_at - at) < SAME:
            continue  # the row of the task tells it
        yield Event(
            event=told,
            at=at,
            task_id=pk,
            name=name,
            queue=queue,
            worker=worker,
            tries=number,
            run_s=run_s,
            error_type=error_type or outcome,
        )


def _told(outcome: str, number: int, budget: int) -> EventName:
    """What was told of an attempt that did not complete."""
    if outcome == Kind.CANCELLED.value:
        return EventName.TASK_CANCELLED
    if outcome == Kind.INTERRUPTED.value:
        return EventName.TASK_REQUEUED if budget else EventName.TASK_FAILED
    is_spent = number > budget or outcome == Kind.REFUSED.value
    return EventName.TASK_FAILED if is_spent else EventName.TASK_REQUEUED


def _operated(span: Span, using: str) -> Iterator[Event]:
    """What operators did to queues, and which tasks they started over, as far as the log knows them."""
    operations = Operation.objects.using(using).order_by("id")
    for pk, at, action, selector in by_number(operations, "at", span, "action", "selector"):
        if action in _QUEUES and selector.startswith(QUEUE):
            yield Event(event=_QUEUES[action], at=at, queue=selector.removeprefix(QUEUE))
        elif action == "retry":
            yield from _started_over(pk, at, using)


def _started_over(operation: int, at: datetime, using: str) -> Iterator[Event]:
    targets = Operation.objects.using(using).filter(pk=operation).order_by("targets__id")
    ids = [pk for pk in targets.values_list("targets__task_id", flat=True) if pk is not None]
    tasks = DatabaseTask.objects.using(using).filter(pk__in=ids).values_list("pk", "name", "queue")
    subjects = {pk: (name, queue) for pk, name, queue in tasks}
    for pk in ids:
        name, queue = subjects.get(pk, (None, None))
        yield Event(event=EventName.TASK_REQUEUED, at=at, task_id=pk, name=name, queue=queue)


def _came_and_went(span: Span, using: str) -> Iterator[Event]:
    workers = Worker.objects.using(using)
    up = workers.filter(**span.of("started_at")).values_list("started_at", "name")
    down = workers.filter(state=Worker.State.STOPPED, **span.of("seen_at")).values_list("seen_at", "name")
    found = [(at, EventName.WORKER_UP, name) for at, name in up]
    found += [(at, EventName.WORKER_DOWN, name) for at, name in down]
    yield from (Event(event=event, at=at, worker=name) for at, event, name in sorted(found))
