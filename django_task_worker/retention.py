"""How long what is over is kept: a small batch of what is too old goes at a time, by the workers."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from django.db.models import QuerySet

from django_task_worker import lifecycle, statistics, wishes
from django_task_worker.conf import settings
from django_task_worker.queries import database_now
from django_task_worker.records import Operation, OperationTarget, TaskLog
from django_task_worker.states import Status

BATCH = 500
BUDGET_S = 0.25
Step = Callable[[], bool]


def carry_out(using: str, *, batch: int = BATCH, budget_s: float = BUDGET_S) -> bool:
    """Delete up to `batch` rows of each kind that `TASK_WORKER["RETENTION"]` says are too old.

    True when there may be more to do. One call takes hardly longer than `budget_s`.
    """
    deadline = time.monotonic() + budget_s
    steps = _steps(using, batch)
    random.shuffle(steps)  # a kind of which there is much must not keep the others waiting
    has_more = False
    for number, step in enumerate(steps, 1):
        has_more = step() or has_more
        if time.monotonic() >= deadline:
            return has_more or number < len(steps)
    return has_more


def _steps(using: str, batch: int) -> list[Step]:
    """Each deletes one batch at most, and says whether there may be more."""
    now, kept = database_now(using), settings().retention

    def before(kept_s: float | None) -> datetime | None:
        return None if kept_s is None else now - timedelta(seconds=kept_s)

    candidates = [
        (_purge(Status.COMPLETED), before(kept.completed_s)),
        (_purge(Status.FAILED), before(kept.failed_s)),
        (_purge(Status.CANCELLED), before(kept.cancelled_s)),
        (_forget_logs, before(kept.logs_s)),
        (_forget_operations, before(kept.operations_s)),
    ]
    return [
        partial(statistics.roll_up, using),
        partial(_forget_statistics, before(kept.statistics_s), batch, using),
        partial(_forget_wishes, using),
        *(partial(forget, moment, batch, using) for forget, moment in candidates if moment is not None),
    ]


def _purge(status: Status) -> Callable[[datetime, int, str], bool]:
    def purge(before: datetime, batch: int, using: str) -> bool:
        gone = lifecycle.purge(before=before, statuses=[status], limit=batch, using=using)
        return len(gone) >= batch

    return purge


def _forget_statistics(before: datetime | None, batch: int, using: str) -> bool:
    return statistics.forget(hours_before=before, limit=batch, using=using) >= batch


def _forget_wishes(using: str) -> bool:
    wishes.forget_old(using)
    return False


def _forget_logs(before: datetime, batch: int, using: str) -> bool:
    logs = TaskLog.objects.using(using).order_by("updated_at").filter(updated_at__lt=before)
    return len(_delete(logs, batch, using)) >= batch


def _forget_operations(before: datetime, batch: int, using: str) -> bool:
    gone = _delete(Operation.objects.using(using).order_by("id").filter(at__lt=before), batch, using)
    OperationTarget.objects.using(using).filter(operation_id__in=gone)._raw_delete(using)
    return len(gone) >= batch


def _delete(rows: QuerySet[Any], batch: int, using: str) -> list[Any]:
    ids = list(rows.values_list("pk", flat=True)[:batch])
    rows.model._default_manager.using(using).filter(pk__in=ids)._raw_delete(using)
    return ids
