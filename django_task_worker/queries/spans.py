"""Rows of a span of time in its order, a page at a time, so that memory stays flat."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Q, QuerySet

from django_task_worker.models import TaskQuerySet

PAGE = 1000
Row = tuple[Any, ...]


@dataclass(frozen=True, kw_only=True)
class Span:
    """From `since` on, until before `until`, by the database's clock."""

    since: datetime
    until: datetime

    def holds(self, at: datetime | None) -> bool:
        return at is not None and self.since <= at < self.until

    def of(self, column: str) -> dict[str, datetime]:
        return {f"{column}__gte": self.since, f"{column}__lt": self.until}


def by_key(tasks: TaskQuerySet, key: str, span: Span, *columns: str) -> Iterator[Row]:
    """Id, key and columns of the tasks whose key is in the span, by key, a page at a time."""
    rows = tasks.filter(**span.of(key)).order_by(key, "id")
    page = list(rows.values_list("id", key, *columns)[:PAGE])
    while page:
        yield from page
        if len(page) < PAGE:
            return
        last_id, last = page[-1][:2]
        behind = Q(**{f"{key}__gt": last}) | Q(**{key: last}, id__gt=last_id)
        page = list(
            rows.filter(behind, **{f"{key}__gte": last}).values_list("id", key, *columns)[:PAGE]
        )  # the second condition is the range for the index


def by_number(rows: QuerySet[Any], key: str, span: Span, *columns: str) -> Iterator[Row]:
    """Id, key and columns of rows that are numbered in about the order of their key, which has no index."""
    first = _first_since(rows, key, span.since)
    last = None
    while first is not None:
        chosen = rows.filter(pk__gte=first) if last is None else rows.filter(pk__gt=last)
        page = list(chosen.values_list("pk", key, *columns)[:PAGE])
        yield from (row for row in page if span.holds(row[1]))
        if len(page) < PAGE:
            return
        last = page[-1][0]


def _first_since(rows: QuerySet[Any], key: str, since: datetime) -> int | None:
    """The number to begin with: looks back a page at a time until all of one is older."""
    found: int | None = None
    last: int | None = None
    while True:
        chosen = rows if last is None else rows.filter(pk__lt=last)
        page = list(chosen.order_by("-pk").values_list("pk", key)[:PAGE])
        recent = [pk for pk, at in page if at >= since]
        if not recent:
            return found
        found, last = min(recent), page[-1][0]
