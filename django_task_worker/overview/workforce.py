"""The workers that have not signed off."""

from __future__ import annotations

from typing import NamedTuple

from django.db.models import Count

from django_task_worker.conf import settings
from django_task_worker.lifecycle.routing import alias
from django_task_worker.models import RUNNING, DatabaseTask
from django_task_worker.queries import database_now
from django_task_worker.snapshot.counts import Held
from django_task_worker.snapshot.rows import WorkerRow
from django_task_worker.snapshot.workers import read_workers


class WorkersNow(NamedTuple):
    """All of them at one moment: seconds since 1970 by the database's clock."""

    at: float
    lease_s: float
    rows: tuple[WorkerRow, ...]

    def standing(self, row: WorkerRow) -> str:
        """up, draining or lost."""
        return row.standing(self.at, self.lease_s)


def workers(using: str | None = None) -> WorkersNow:
    """By name."""
    database = alias(using)
    running = DatabaseTask.objects.using(database).filter(RUNNING).order_by().values_list("queue", "worker")
    held = [Held(queue, worker or "", number) for queue, worker, number in running.annotate(Count("pk"))]
    at = database_now(database).timestamp()
    return WorkersNow(at, settings().lease_s, read_workers(held, database))
