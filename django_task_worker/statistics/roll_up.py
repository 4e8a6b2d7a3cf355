"""Minutes into hours: what is kept for long takes little room."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db.models import Min, QuerySet

from django_task_worker.queries import database_now
from django_task_worker.records import HOUR_S, MINUTE_S, MinuteStats
from django_task_worker.statistics import rows
from django_task_worker.statistics.counts import Counts

LATE_S = 20 * MINUTE_S
"""How late a worker that was cut off from the database may bring its minutes."""
MINUTES_KEPT_S = 8 * 24 * HOUR_S


def roll_up(using: str) -> bool:
    """Add up one hour that is over; False when there is none. Its minutes stay."""
    minutes = rows.stats(using, MINUTE_S)
    until = rows.rolled_up_until(using)
    if until is not None:
        minutes = minutes.filter(starts_at__gte=until)
    first: datetime | None = minutes.aggregate(first=Min("starts_at"))["first"]
    if first is None:
        return False
    hour = rows.floor(first, HOUR_S)
    end = hour + timedelta(seconds=HOUR_S)
    if end + timedelta(seconds=LATE_S) > database_now(using):
        return False
    rows.store(_added_up(hour, minutes.filter(starts_at__lt=end)), using)
    return True


def _added_up(hour: datetime, minutes: QuerySet[MinuteStats]) -> list[MinuteStats]:
    found: dict[tuple[str, ...], Counts] = {}
    for subject, counts in rows.values(minutes, "queue", "name", "worker"):
        found.setdefault(subject, Counts()).add(*counts)
    return [
        rows.row(
            counts,
            starts_at=hour,
            span_s=HOUR_S,
            queue=queue,
            name=name,
            worker=worker,
            source=f"name {worker}",
        )
        for (queue, name, worker), counts in found.items()
    ]


def forget(*, hours_before: datetime | None, limit: int, using: str) -> int:
    """Delete up to `limit` rows: minutes after eight days, once added up, and hours before a time."""
    until = rows.rolled_up_until(using)
    deleted = 0
    if until is not None:
        kept_from = min(until, database_now(using) - timedelta(seconds=MINUTES_KEPT_S))
        deleted = _delete(rows.stats(using, MINUTE_S).filter(starts_at__lt=kept_from), limit, using)
    if hours_before is not None and deleted < limit:
        old = rows.stats(using, HOUR_S).filter(starts_at__lt=hours_before)
        deleted += _delete(old, limit - deleted, using)
    return deleted


def _delete(doomed: QuerySet[MinuteStats], limit: int, using: str) -> int:
    ids = list(doomed.order_by("starts_at").values_list("pk", flat=True)[:limit])
    MinuteStats.objects.using(using).filter(pk__in=ids)._raw_delete(using)
    return len(ids)
