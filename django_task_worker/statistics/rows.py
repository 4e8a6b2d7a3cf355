"""The rows of statistics: written whole, read as counts."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from hashlib import blake2b
from typing import Any

from django.db import connections, transaction
from django.db.models import Max, QuerySet

from django_task_worker.records import HOUR_S, MinuteStats
from django_task_worker.statistics.counts import Counts

BATCH = 2000
VALUES = (
    "completed",
    "failed",
    "retried",
    "cancelled",
    "wait_counts",
    "wait_sum_s",
    "wait_max_s",
    "run_counts",
    "run_sum_s",
    "run_max_s",
)
"""In the order of `Counts.add`."""


def row(
    counts: Counts,
    *,
    starts_at: datetime,
    span_s: int,
    queue: str,
    name: str,
    worker: str,
    source: str,
) -> MinuteStats:
    """A row with the id that its subject always has. `source` tells workers of the same name apart."""
    subject = "\0".join((starts_at.isoformat(), str(span_s), queue, name, source))
    return MinuteStats(
        id=blake2b(subject.encode(), digest_size=16).hexdigest(),
        starts_at=starts_at,
        span_s=span_s,
        queue=queue,
        name=name,
        worker=worker,
        completed=counts.completed,
        failed=counts.failed,
        retried=counts.retried,
        cancelled=counts.cancelled,
        wait_counts=counts.wait.stored_counts(),
        wait_sum_s=counts.wait.sum_s,
        wait_max_s=counts.wait.max_s,
        run_counts=counts.run.stored_counts(),
        run_sum_s=counts.run.sum_s,
        run_max_s=counts.run.max_s,
    )


def store(rows: Sequence[MinuteStats], using: str) -> None:
    """Insert the rows, or overwrite those with the same ids: one statement, unless there are thousands."""
    can_name_target = connections[using].features.supports_update_conflicts_with_target
    MinuteStats.objects.using(using).bulk_create(
        rows,
        batch_size=BATCH,
        update_conflicts=True,
        update_fields=VALUES,
        unique_fields=["id"] if can_name_target else None,
    )


def stats(using: str, span_s: int) -> QuerySet[MinuteStats]:
    """The rows of minutes, or of hours."""
    return MinuteStats.objects.using(using).filter(span_s=span_s).order_by()


def values(rows: QuerySet[MinuteStats], *columns: str) -> Iterator[tuple[tuple[Any, ...], tuple[Any, ...]]]:
    """Of each row the named columns, and what `Counts.add` takes.

    In a transaction: a cursor that outlives its statement is lost behind a pooler of transactions.
    """
    with transaction.atomic(using=rows.db):
        for found in rows.values_list(*columns, *VALUES).iterator(chunk_size=BATCH):
            yield found[: len(columns)], found[len(columns) :]


def rolled_up_until(using: str) -> datetime | None:
    """The end of the last hour that has rows of its own."""
    last: datetime | None = stats(using, HOUR_S).aggregate(last=Max("starts_at"))["last"]
    return last + timedelta(seconds=HOUR_S) if last else None


def floor(at: datetime, step_s: int) -> datetime:
    """The start of the minute, hour or other step that this time is in."""
    return datetime.fromtimestamp(at.timestamp() // step_s * step_s, UTC)
