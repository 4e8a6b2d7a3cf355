"""What happened before the screen was opened, read once from the statistics."""

from __future__ import annotations

from django_task_worker import statistics
from taskctl.dashboard.messages import History, Past, Spreads
from taskctl.dashboard.rates import HISTORY_S

SPREAD_S = 300
RATE_S = 60


def read(at: float, using: str) -> History:
    """The last ten minutes, and how long tasks took in the last five. Raises the errors of the database."""
    minutes = [
        Past(point.at.timestamp(), point.finished, point.failed)
        for point in statistics.timeline(HISTORY_S, using=using)
    ]
    summaries = [
        *statistics.read(SPREAD_S, using=using),
        *statistics.read(SPREAD_S, by="queue", using=using),
    ]
    spreads = [
        Spreads(row.key, row.wait.counts, row.wait.max_s, row.run.counts, row.run.max_s)
        for row in summaries
        if row.finished
    ]
    return History(
        at,
        minutes,
        spreads,
        _rates("queue", using),
        _rates("worker", using),
    )


def _rates(by: statistics.By, using: str) -> list[tuple[str, float]]:
    return [(row.key, row.rate) for row in statistics.read(RATE_S, by=by, using=using) if row.key]
