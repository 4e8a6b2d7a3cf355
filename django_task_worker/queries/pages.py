"""Lists in an order, a page at a time by key; counts that end at a cap."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import DurationField, ExpressionWrapper, F, Q
from django.db.models.expressions import Combinable

from django_task_worker.models import RUNNING, WAITING, DatabaseTask, TaskQuerySet
from django_task_worker.queries.lookup import HEAVY, TaskNotFound

PAGE = 1000
COUNT_CAP = 10_000
LATE = timedelta(minutes=10)
"""How long after the end of a task its worker may still bring the outcome."""
SORTS: dict[str, Combinable | str] = {
    "created": "created_at",
    "due": "due_at",
    "started": "started_at",
    "finished": "finished_at",
    "run": "duration",
    "wait": ExpressionWrapper(F("started_at") - F("due_at"), output_field=DurationField()),
}


@dataclass(frozen=True, kw_only=True)
class Order:
    """What a list is sorted by: a key of SORTS; newest, latest or longest first unless `ascending`."""

    by: str = "created"
    ascending: bool = False


def listing(
    tasks: TaskQuerySet, order: Order, *, limit: int | None, after: str | None = None
) -> Iterator[DatabaseTask]:
    """The tasks in order without their heavy columns, a page at a time by key: memory stays flat.

    `after` is the id that the list goes on behind. Rows without the sort key come last.
    Raises TaskNotFound.
    """
    tasks = _sorted(tasks, order).defer(*HEAVY)
    last = (
        None
        if after is None
        else _sorted(DatabaseTask.objects.using(tasks.db), order).filter(pk=after).first()
    )
    if after is not None and last is None:
        raise TaskNotFound(after)
    left = limit
    while left is None or left > 0:
        size = PAGE if left is None else min(PAGE, left)
        page = list((tasks if last is None else tasks.filter(_behind(last, order)))[:size])
        yield from page
        if len(page) < size:
            return
        last = page[-1]
        left = None if left is None else left - size


def _sorted(tasks: TaskQuerySet, order: Order) -> TaskQuerySet:
    tasks = tasks.annotate(sort_key=_key(order))
    if order.by in ("created", "due"):
        sign = "" if order.ascending else "-"
        return tasks.order_by(f"{sign}{SORTS[order.by]}", f"{sign}id")
    key = F("sort_key")
    if order.ascending:
        return tasks.order_by(key.asc(nulls_last=True), "id")
    return tasks.order_by(key.desc(nulls_last=True), "-id")


def _key(order: Order) -> Combinable:
    key = SORTS[order.by]
    return F(key) if isinstance(key, str) else key


def _behind(last: Any, order: Order) -> Q:
    further = "gt" if order.ascending else "lt"
    same_key = Q(sort_key=last.sort_key) if last.sort_key is not None else Q(sort_key__isnull=True)
    ties = same_key & Q(**{f"id__{further}": last.id})
    if last.sort_key is None:
        return ties
    behind = ties | Q(**{f"sort_key__{further}": last.sort_key})
    if order.by in ("created", "due"):
        return behind & Q(**{f"sort_key__{further}e": last.sort_key})  # one range for the index
    return behind | Q(sort_key__isnull=True)


def ids(tasks: TaskQuerySet, *, limit: int | None = None) -> list[str]:
    """The ids, oldest first."""
    return list(tasks.order_by("created_at", "id").values_list("pk", flat=True)[:limit])


def count(tasks: TaskQuerySet, *, cap: int | None = COUNT_CAP) -> int:
    """How many; `cap + 1` stands for more than `cap`."""
    if cap is None:
        return tasks.count()
    return tasks.order_by().values("pk")[: cap + 1].count()


def changed(tasks: TaskQuerySet, since: datetime) -> TaskQuerySet:
    """Those of the tasks that changed at or after `since`, in the order of their change.

    No index knows when a task changed; others find what is new, has ended of late or has not ended.
    """
    candidates = Q(created_at__gte=since) | Q(finished_at__gte=since - LATE) | WAITING | RUNNING
    return tasks.filter(candidates, updated_at__gte=since).order_by("updated_at", "id").defer(*HEAVY)
