"""The queues: what waits and runs in them, how fast it goes, who listens."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from django_task_worker import statistics
from django_task_worker.conf import settings
from django_task_worker.lifecycle.routing import alias
from django_task_worker.models import Queue
from django_task_worker.snapshot.counts import counts
from django_task_worker.snapshot.rows import LOST, QueueRow, WorkerRow
from django_task_worker.snapshot.workers import read_workers

RATE_S = 60
TIMES_S = 300
REMEMBERED_S = 3600
SHARE = 0.95


class QueueNow(NamedTuple):
    """One queue."""

    row: QueueRow
    rate: float
    """Tasks that ended per second, over the last minute."""
    wait_p95_s: float | None
    """Of the tasks that ended in the last five minutes."""
    run_p95_s: float | None
    workers: int
    """How many that are up listen to it."""


class QueuesNow(NamedTuple):
    """All of them at one moment: seconds since 1970 by the database's clock."""

    at: float
    queues: tuple[QueueNow, ...]


def queues(using: str | None = None) -> QueuesNow:
    """By name: queues in which tasks wait or run, that are or were paused, that a live worker names, or in
    which something ended within an hour.
    """
    database = alias(using)
    counted = counts(database)
    lease_s = settings().lease_s
    live = [row for row in read_workers((), database) if row.standing(counted.at, lease_s) != LOST]
    rows = {name: QueueRow(name, 0, 0, 0, None) for name in _others(live, database)}
    rows |= {row.name: row for row in counted.queues}
    rates = {summary.key: summary.rate for summary in statistics.read(RATE_S, by="queue", using=database)}
    times = {summary.key: summary for summary in statistics.read(TIMES_S, by="queue", using=database)}
    found = []
    for name in sorted(rows):
        seen = times.get(name)
        found.append(
            QueueNow(
                rows[name],
                rates.get(name, 0.0),
                None if seen is None else seen.wait.quantile_s(SHARE),
                None if seen is None else seen.run.quantile_s(SHARE),
                sum(worker.listens(name) for worker in live),
            )
        )
    return QueuesNow(counted.at, tuple(found))


def queue_names(using: str | None = None) -> list[str]:
    """The names of those queues."""
    return [queue.row.name for queue in queues(using).queues]


def _others(live: Iterable[WorkerRow], using: str) -> set[str]:
    """The names of queues in which nothing may be waiting."""
    names = set(Queue.objects.using(using).values_list("name", flat=True))
    for worker in live:
        names.update(worker.queues)
    return names | statistics.queues(REMEMBERED_S, using=using)
