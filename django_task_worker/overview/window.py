"""Figures of a window beside what waits and runs now: by queue, by task, by worker, or of all together."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from django.db.models import Count

from django_task_worker import statistics
from django_task_worker.expressions import DatabaseNow
from django_task_worker.lifecycle.routing import alias
from django_task_worker.models import RUNNING, DatabaseTask
from django_task_worker.queries import database_now
from django_task_worker.snapshot.counts import counts
from django_task_worker.snapshot.rows import CAP
from django_task_worker.states import Status
from django_task_worker.statistics import By, Summary

WAITING_CAP = 100_000
Numbers = dict[str | None, int]


@dataclass(frozen=True, kw_only=True)
class Figures:
    """One row. None: unknown, because it has no meaning here or would take too long to count."""

    at: datetime
    summary: Summary
    enqueued: int | None
    pending: int | None
    pending_capped: bool
    """Whether there are more than `pending`."""
    running: int

    def with_all(self, others: Sequence[Figures], key: str | None) -> Figures:
        """These figures and those of the others together, under that key."""
        summary = Summary(key=key, since=self.summary.since, window_s=self.summary.window_s)
        every = [self, *others]
        for figures in every:
            summary.include(figures.summary)
        return Figures(
            at=self.at,
            summary=summary,
            enqueued=_sum(figures.enqueued for figures in every),
            pending=_sum(figures.pending for figures in every),
            pending_capped=any(figures.pending_capped for figures in every),
            running=sum(figures.running for figures in every),
        )


def _sum(numbers: Iterable[int | None]) -> int | None:
    """Unknown as soon as one of them is."""
    found = list(numbers)
    return None if None in found else sum(number or 0 for number in found)


@dataclass(frozen=True, kw_only=True)
class _Standing:
    """What waits and runs now, by the key of the rows; `pending` None: unknown."""

    pending: Numbers | None = None
    capped: set[str | None] = field(default_factory=set)
    running: Numbers = field(default_factory=dict)


def figures(window_s: float, *, by: By | None = None, using: str | None = None) -> list[Figures]:
    """The busiest first; exactly one without `by`. The window is that of `statistics.read`."""
    database = alias(using)
    at = database_now(database)
    summaries = statistics.read(window_s, by=by, using=database)
    standing = _by_task(database) if by == "task" else _by_counts(by, database)
    enqueued = None if by == "worker" else statistics.enqueued(window_s, by=by, using=database)
    known = {summary.key for summary in summaries}
    others = {*standing.running, *(standing.pending or ()), *(enqueued or ())} - known
    since = statistics.begin(window_s, at)
    covered_s = (at - since).total_seconds()
    summaries += [
        Summary(key=key, since=since, window_s=covered_s) for key in sorted(others, key=lambda key: key or "")
    ]
    return [
        Figures(
            at=at,
            summary=summary,
            enqueued=None if enqueued is None else enqueued.get(summary.key, 0),
            pending=None if standing.pending is None else standing.pending.get(summary.key, 0),
            pending_capped=summary.key in standing.capped,
            running=standing.running.get(summary.key, 0),
        )
        for summary in summaries
    ]


def _by_counts(by: By | None, using: str) -> _Standing:
    counted = counts(using)
    if by == "worker":
        running: Counter[str | None] = Counter()
        for held in counted.held:
            running[held.worker] += held.number
        return _Standing(running=dict(running))
    pending: Numbers = {row.name: min(row.pending, CAP) for row in counted.queues}
    capped: set[str | None] = {row.name for row in counted.queues if row.pending > CAP}
    at_work: Numbers = {row.name: row.running for row in counted.queues}
    if by == "queue":
        return _Standing(pending=pending, capped=capped, running=at_work)
    return _Standing(
        pending={None: sum(pending.values())},
        capped={None} if capped else set(),
        running={None: sum(at_work.values())},
    )


def _by_task(using: str) -> _Standing:
    """No index knows the names of waiting tasks: beyond a cap they are not counted."""
    tasks = DatabaseTask.objects.using(using).order_by()
    waiting = tasks.filter(status=Status.PENDING.value, due_at__lte=DatabaseNow())
    running = dict(tasks.filter(RUNNING).values_list("name").annotate(Count("pk")))
    if waiting.values("pk")[: WAITING_CAP + 1].count() > WAITING_CAP:
        return _Standing(running=running)
    return _Standing(pending=dict(waiting.values_list("name").annotate(Count("pk"))), running=running)
