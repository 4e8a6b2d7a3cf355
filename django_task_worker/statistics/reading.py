"""What has happened: counts, rates and quantiles of a window, from the rows that the workers write."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

from django.db.models import Count

from django_task_worker.lifecycle.routing import alias
from django_task_worker.models import DatabaseTask
from django_task_worker.queries import database_now
from django_task_worker.records import HOUR_S, MINUTE_S
from django_task_worker.statistics.counts import Counts
from django_task_worker.statistics.rows import floor, rolled_up_until, stats, values

LONG_S = 6 * HOUR_S
"""Longer windows are read from the rows of whole hours, as far as there are any."""
By = Literal["queue", "task", "worker"]
_COLUMNS = {"queue": "queue", "task": "name", "worker": "worker"}


@dataclass(kw_only=True, slots=True)
class Summary(Counts):
    """A window. `key` is the queue, the task's name or the worker; None for all together.

    `window_s` is what is really covered: it begins at a full minute, that of a long window at a full hour.
    """

    key: str | None
    since: datetime
    window_s: float

    @property
    def rate(self) -> float:
        """Tasks that completed or failed for good, per second."""
        return self.finished / self.window_s if self.window_s else 0.0


@dataclass(kw_only=True, slots=True)
class Point(Counts):
    """One step of a timeline."""

    at: datetime
    step_s: int


def read(window_s: float, *, by: By | None = None, using: str | None = None) -> list[Summary]:
    """What happened in the last `window_s` seconds, the busiest first.

    Without `by` it is exactly one summary, also when nothing happened. Workers write every few seconds, so
    the newest attempts may be missing.
    """
    database = alias(using)
    now = database_now(database)
    is_long = window_s > LONG_S
    since = begin(window_s, now)
    covered_s = (now - since).total_seconds()
    columns = [_COLUMNS[by]] if by else []
    found: dict[str | None, Summary] = {}
    if by is None:
        found[None] = Summary(key=None, since=since, window_s=covered_s)
    for keys, counts in _since(since, columns, is_long, database):
        key = keys[0] if keys else None
        if key not in found:
            found[key] = Summary(key=key, since=since, window_s=covered_s)
        found[key].add(*counts)
    return sorted(found.values(), key=lambda summary: (-summary.finished, summary.key or ""))


def begin(window_s: float, now: datetime) -> datetime:
    """Where a window of that length begins that ends now."""
    return floor(now - timedelta(seconds=window_s), HOUR_S if window_s > LONG_S else MINUTE_S)


def timeline(window_s: float, *, step_s: int = MINUTE_S, using: str | None = None) -> list[Point]:
    """The last `window_s` seconds in steps of whole minutes, oldest first, without gaps."""
    database = alias(using)
    steps = _Steps.back(window_s, step_s, database)
    points = steps.points()
    for (at,), counts in _since(steps.start, ["starts_at"], steps.are_hours, database):
        steps.add(points, at, counts)
    return points


def timelines(window_s: float, *, by: By, using: str | None = None) -> dict[str, list[Point]]:
    """The same by minute for each queue, task or worker of which an attempt has ended."""
    database = alias(using)
    steps = _Steps.back(window_s, MINUTE_S, database)
    found: dict[str, list[Point]] = {}
    for (at, key), counts in _since(steps.start, ["starts_at", _COLUMNS[by]], False, database):
        if key not in found:
            found[key] = steps.points()
        steps.add(found[key], at, counts)
    return found


@dataclass(frozen=True)
class _Steps:
    """A window that ends now, cut into steps."""

    start: datetime
    number: int
    step_s: int

    @classmethod
    def back(cls, window_s: float, step_s: int, using: str) -> _Steps:
        step_s = max(MINUTE_S, step_s - step_s % MINUTE_S)
        now = database_now(using)
        start = floor(now - timedelta(seconds=window_s), step_s)
        return cls(start, int((now - start).total_seconds()) // step_s + 1, step_s)

    @property
    def are_hours(self) -> bool:
        return self.step_s % HOUR_S == 0

    def points(self) -> list[Point]:
        step = timedelta(seconds=self.step_s)
        return [Point(at=self.start + number * step, step_s=self.step_s) for number in range(self.number)]

    def add(self, points: list[Point], at: datetime, counts: tuple[Any, ...]) -> None:
        position = int((at - self.start).total_seconds()) // self.step_s
        if position < len(points):
            points[position].add(*counts)


def enqueued(
    window_s: float,
    *,
    by: Literal["queue", "task"] | None = None,
    cap: int = 100_000,
    using: str | None = None,
) -> dict[str | None, int] | None:
    """How many tasks were created in the last `window_s` seconds, by key; None when more than `cap`.

    Counted from the tasks themselves: those that are deleted do not count.
    """
    database = alias(using)
    since = database_now(database) - timedelta(seconds=window_s)
    tasks = DatabaseTask.objects.using(database).filter(created_at__gte=since).order_by()
    total = tasks.values("pk")[: cap + 1].count()
    if total > cap:
        return None
    if by is None:
        return {None: total}
    return dict(tasks.values_list(_COLUMNS[by]).annotate(number=Count("pk")))


def queues(window_s: float, *, using: str | None = None) -> set[str]:
    """The queues in which an attempt ended in the last `window_s` seconds."""
    database = alias(using)
    since = floor(database_now(database) - timedelta(seconds=window_s), MINUTE_S)
    rows = stats(database, MINUTE_S).filter(starts_at__gte=since)
    return set(rows.values_list("queue", flat=True).distinct())


def _since(
    since: datetime, columns: list[str], may_use_hours: bool, using: str
) -> Iterator[tuple[tuple[Any, ...], tuple[Any, ...]]]:
    """The rows that cover the time since then, none twice."""
    minutes_from = since
    if may_use_hours:
        minutes_from = max(since, rolled_up_until(using) or since)
        yield from values(stats(using, HOUR_S).filter(starts_at__gte=since), *columns)
    yield from values(stats(using, MINUTE_S).filter(starts_at__gte=minutes_from), *columns)
