"""What is told when a task, a worker or a queue changes. Never arguments, results, errors or log text."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from functools import lru_cache

VERSION = 1
EVENTS_CHANNEL = "task_events"
WAKE_CHANNEL = "task_wake"
DONE_CHANNEL = "task_done:"
MORE_CHANNEL = "task_more:"


class EventName(StrEnum):
    """The names on the channel `task_events`; the first three are those of version 0.0.7."""

    TASK_CREATED = "task_created"
    TASK_FINISHED = "task_finished"
    TASK_FAILED = "task_failed"
    TASKS_CREATED = "tasks_created"
    TASK_STARTED = "task_started"
    TASK_REQUEUED = "task_requeued"
    TASK_CANCELLED = "task_cancelled"
    TASK_MORE = "task_more"
    """A running task has written more or got further: for those only who wait for it."""
    TASK_WATCHED = "task_watched"
    """Somebody wants to see what a running task does: for workers only."""
    WORKER_UP = "worker_up"
    WORKER_DOWN = "worker_down"
    QUEUE_PAUSED = "queue_paused"
    QUEUE_RESUMED = "queue_resumed"


FINAL_EVENTS = (EventName.TASK_FINISHED, EventName.TASK_FAILED, EventName.TASK_CANCELLED)
WAKING_EVENTS = frozenset(
    (EventName.TASK_CREATED, EventName.TASKS_CREATED, EventName.TASK_REQUEUED, EventName.QUEUE_RESUMED)
)


class _Clock:
    """How far the database's clock is ahead of ours, as far as this process has learnt."""

    offset = timedelta(0)


clock = _Clock()


def current_time() -> str:
    """The database's time as far as this process knows it."""
    return (datetime.now(UTC) + clock.offset).isoformat()


def _id(task_id: str | None) -> str:
    if task_id is not None and task_id.isalnum() and task_id.isascii():
        return f'"{task_id}"'
    return json.dumps(task_id)


@lru_cache(maxsize=2048)
def _subject(name: str | None, queue: str | None, worker: str | None, error_type: str | None) -> str:
    fields = {"name": name, "queue": queue, "worker": worker, "error_type": error_type}
    return "".join(f',"{key}":{json.dumps(text)}' for key, text in fields.items() if text is not None)


@lru_cache(maxsize=256)
def _wake_payload(event: EventName, queue: str | None, priority: int | None) -> bytes:
    fields = {"v": VERSION, "event": event, "queue": queue, "priority": priority}
    return json.dumps(fields, separators=(",", ":")).encode()


@dataclass(kw_only=True, slots=True)  # not frozen: it would take thrice as long to make one
class Event:
    """One change. `at` is the database's time of it; durations are seconds; absent fields are None."""

    event: EventName
    task_id: str | None = None
    name: str | None = None
    queue: str | None = None
    priority: int | None = None
    worker: str | None = None
    at: datetime | None = None
    tries: int | None = None
    wait_s: float | None = None
    run_s: float | None = None
    error_type: str | None = None
    count: int | None = None
    wakes: bool = False
    """Workers should look at once: something is due, or a running task's cancellation is asked for."""
    told: bool = True
    """False for a mere wake-up, which nobody else is told of."""

    def payload(self, publisher: str, seq: int, now: str) -> bytes:
        """The event as JSON for the channel `task_events`; `now` stands in for an `at` that is not given.

        Written by hand, what recurs from a cache: it is done twice for each task.
        """
        at = now if self.at is None else self.at.astimezone(UTC).isoformat()
        subject = _subject(self.name, self.queue, self.worker, self.error_type)
        text = f'{{"v":{VERSION},"event":"{self.event}","task_id":{_id(self.task_id)}{subject}'
        if self.tries is not None:
            text += f',"tries":{self.tries}'
        if self.wait_s is not None:
            text += f',"wait_s":{self.wait_s:.6f}'
        if self.run_s is not None:
            text += f',"run_s":{self.run_s:.6f}'
        if self.count is not None:
            text += f',"count":{self.count}'
        return f'{text},"at":"{at}","publisher":"{publisher}","seq":{seq}}}'.encode()

    def wake_payload(self) -> bytes:
        """The event as JSON for the channel `task_wake`."""
        return _wake_payload(self.event, self.queue, self.priority)
