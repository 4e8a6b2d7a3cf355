"""Every read: selections of tasks, pages by key, capped counts, ids by prefix. No writes, no rendering."""

from __future__ import annotations

from django_task_worker.queries.happened import happened
from django_task_worker.queries.lookup import (
    HEAVY,
    SHORTEST_PREFIX,
    AmbiguousId,
    TaskNotFound,
    find,
    get,
    light,
)
from django_task_worker.queries.overview import (
    due,
    has_queue,
    lost,
    missing_indexes,
    oldest_due,
    purgeable,
    unusable_indexes,
    waiting_queues,
    without_lease,
)
from django_task_worker.queries.pages import COUNT_CAP, SORTS, Order, changed, count, ids, listing
from django_task_worker.queries.selection import STATUS_WORDS, Selection, database_now, select
from django_task_worker.queries.spans import Span

__all__ = [
    "COUNT_CAP",
    "HEAVY",
    "SHORTEST_PREFIX",
    "SORTS",
    "STATUS_WORDS",
    "AmbiguousId",
    "Order",
    "Selection",
    "Span",
    "TaskNotFound",
    "changed",
    "count",
    "database_now",
    "due",
    "find",
    "get",
    "happened",
    "has_queue",
    "ids",
    "light",
    "listing",
    "lost",
    "missing_indexes",
    "oldest_due",
    "purgeable",
    "select",
    "unusable_indexes",
    "waiting_queues",
    "without_lease",
]
