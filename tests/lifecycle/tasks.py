"""Short verbs for the tasks of one database: every change goes through the lifecycle, except `put`."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from typing import Any

from django_task_worker import lifecycle
from django_task_worker.expressions import DatabaseNow, ago
from django_task_worker.ids import new_id
from django_task_worker.lifecycle import Change, Claimed, Demand, Outcome
from django_task_worker.lifecycle.values import Draft
from django_task_worker.models import DatabaseTask, Queue, TaskAttempt, TaskQuerySet
from django_task_worker.states import Kind

WAITING = ["pending", "scheduled", "retrying"]
RUNNING = ["running", "cancelling"]
FINAL = ["completed", "failed", "cancelled"]
STATES = [*WAITING, *RUNNING, *FINAL]


def draft(name: str = "app.tasks.add", *, due_in_s: float | None = None, **fields: Any) -> Draft:
    given = {"args": [1, 2], "kwargs": {}, "timeout": 300, "queue": "default", "priority": 0, **fields}
    if due_in_s is not None:
        given["run_after"] = timedelta(seconds=due_in_s)
    texts = {"args_text": json.dumps(given["args"]), "kwargs_text": json.dumps(given["kwargs"])}
    return Draft(name=name, **given, **texts)


class Tasks:
    def __init__(self, using: str) -> None:
        self.using = using

    # Reading

    @property
    def all(self) -> TaskQuerySet:
        return DatabaseTask.objects.using(self.using)

    def row(self, task_id: str) -> DatabaseTask:
        return self.all.get(pk=task_id)

    def columns(self, task_id: str) -> dict[str, Any]:
        """Everything the row holds, to compare."""
        return self.all.values().get(pk=task_id)

    def status(self, task_id: str) -> str:
        return self.all.values_list("status", flat=True).get(pk=task_id)

    def attempts(self, task_id: str) -> list[TaskAttempt]:
        return list(TaskAttempt.objects.using(self.using).filter(task_id=task_id))

    def now(self) -> datetime:
        """The database's clock."""
        clock = Queue.objects.using(self.using)
        clock.get_or_create(name="the clock's own row")
        return clock.values_list(DatabaseNow(), flat=True)[0]

    # Changing

    def put(self, task_id: str, **values: Any) -> None:
        """Write columns behind the lifecycle's back."""
        assert self.all.filter(pk=task_id).update(**values) == 1

    def add(self, name: str = "app.tasks.add", **fields: Any) -> str:
        """Enqueue; `due_in_s` sets the due time from now."""
        return str(lifecycle.enqueue(draft(name, **fields), self.using).pk)

    def claim(
        self,
        count: int = 1,
        *,
        worker: str = "worker-1",
        retries: int = 0,
        lease_s: float = 30.0,
        lease: str = "",
        queues: tuple[str, ...] = (),
        exclude: tuple[str, ...] = (),
    ) -> list[Claimed]:
        demand = Demand(
            count=count,
            lease=lease or new_id(),
            lease_s=lease_s,
            worker=worker,
            default_retries=retries,
            queues=queues,
            exclude_queues=exclude,
        )
        return lifecycle.claim(demand, self.using).tasks

    def claimed_ids(self, count: int = 100, **demand: Any) -> list[str]:
        return [task.id for task in self.claim(count, **demand)]

    def take(self, **demand: Any) -> Claimed:
        """Claim the only task that is due."""
        (task,) = self.claim(2, **demand)
        return task

    def settle(self, task: Claimed, kind: Kind = Kind.COMPLETED, **outcome: Any) -> Change | None:
        """Finish one attempt; None if nothing changed."""
        given: dict[str, Any] = {"worker": "worker-1", "duration_s": 0.25}
        if kind is Kind.COMPLETED:
            given |= {"result": "3", "result_json": "3"}
        elif kind in (Kind.FAILED, Kind.REFUSED, Kind.MISSING):
            given |= {"error_type": "ValueError", "error": "no luck", "traceback": "Traceback: no luck"}
        elif kind in (Kind.NOT_STARTED, Kind.BLOCKED):
            given["duration_s"] = None
        changes = lifecycle.finish([Outcome(task=task, kind=kind, **{**given, **outcome})], self.using)
        assert len(changes) <= 1
        return changes[0] if changes else None

    def expire(self, *task_ids: str, by_s: float = 1.0) -> None:
        """Let the leases have run out `by_s` seconds ago."""
        changed = self.all.filter(pk__in=task_ids, lease__isnull=False).update(lease_expires_at=ago(by_s))
        assert changed == len(task_ids)

    def make_due(self, task_id: str, *, ago_s: float = 1.0) -> None:
        """Let the task have been due since `ago_s` seconds ago."""
        self.put(task_id, due_at=ago(ago_s))
        self.all.filter(pk=task_id, next_attempt_at__isnull=False).update(next_attempt_at=ago(ago_s))

    # Tasks in a given state, reached as a task reaches it. The queue must hold no other task that is due.

    def running(self, *, worker: str = "worker-1", retries: int = 0, **fields: Any) -> Claimed:
        task_id = self.add(**fields)
        task = self.take(worker=worker, retries=retries, queues=(self.row(task_id).queue,))
        assert task.id == task_id
        return task

    def ended(self, kind: Kind = Kind.COMPLETED, *, retries: int = 0, **fields: Any) -> str:
        task = self.running(retries=retries, **fields)
        assert self.settle(task, kind)
        return task.id

    def in_state(self, state: str, **fields: Any) -> str:
        """A task in one of `STATES`."""
        if state == "pending":
            return self.add(**fields)
        if state == "scheduled":
            return self.add(due_in_s=3600, **fields)
        if state == "retrying":
            return self.ended(Kind.FAILED, **{"max_retries": 3, **fields})
        if state == "completed":
            return self.ended(**fields)
        if state == "failed":
            return self.ended(Kind.FAILED, **fields)
        task_id = self.running(**fields).id
        if state in ("cancelling", "cancelled"):
            assert lifecycle.cancel([task_id], using=self.using).requested == [task_id]
        if state == "cancelled":
            assert lifecycle.finish([self._killed(task_id)], self.using)
        return task_id

    def _killed(self, task_id: str) -> Outcome:
        (task,) = lifecycle.held(self.row(task_id).lease or "", self.using)
        return Outcome(task=task, kind=Kind.CANCELLED, worker="worker-1", duration_s=0.25)


def seconds_between(earlier: datetime | None, later: datetime | None) -> float:
    assert earlier is not None
    assert later is not None
    return (later - earlier).total_seconds()


def minutes(count: float) -> timedelta:
    return timedelta(minutes=count)
