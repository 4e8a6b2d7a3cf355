"""What happened before the screen was opened, read once from the statistics."""

from __future__ import annotations

from collections.abc import Sequence

from django_task_worker import statistics
from taskctl.dashboard.messages import History, Past, Spreads
from taskctl.dashboard.rates import HISTORY_S

SPREAD_S = 300
RATE_S = 60


def read(at: float, using: str) -> History:
    """The last ten minutes, and how long tasks took in the last five. Raises the errors of the database."""
    by_queue = statistics.timelines(HISTORY_S, by="queue", using=using)
    summaries = [
        *statistics.read(SPREAD_S, using=using),
        *statistics.read(SPREAD_S, by="queue", using=using),
    ]
    spreads = [
        Spreads(row.key, row.wait.counts, row.wait.max_s, row.run.counts, row.run.max_s)
        for row in summaries
        if row.finished
    ]
    worker_rates = statistics.read(RATE_S, by="worker", using=using)
    return History(
        at,
        _minutes(statistics.timeline(HISTORY_S, using=using)),
        spreads,
        [(queue, _minutes(points)) for queue, points in by_queue.items()],
        [(row.key, row.rate) for row in worker_rates if row.key],
    )


def _minutes(points: Sequence[statistics.Point]) -> list[Past]:
    return [Past(point.at.timestamp(), point.finished, point.failed) for point in points]
