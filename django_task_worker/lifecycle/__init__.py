"""Every write of a task's status. Each has its guard in its WHERE, and tells others after the commit.

The functions here pick the fast path where the database has one; the modules beside are the reference.
"""

from __future__ import annotations

from django_task_worker.lifecycle import postgresql, postgresql_claim
from django_task_worker.lifecycle.cancel import cancel
from django_task_worker.lifecycle.claim import Claims, held
from django_task_worker.lifecycle.claim import claim as _claim
from django_task_worker.lifecycle.enqueue import enqueue, enqueue_many
from django_task_worker.lifecycle.finish import finish
from django_task_worker.lifecycle.notes import discard_logs, note_progress, store_logs
from django_task_worker.lifecycle.purge import purge, purgeable
from django_task_worker.lifecycle.renew import (
    Renewal,
    announce_started,
    cancelling,
    mark_started,
    renew,
)
from django_task_worker.lifecycle.requeue import requeue, requeueable
from django_task_worker.lifecycle.rescue import rescue
from django_task_worker.lifecycle.routing import alias
from django_task_worker.lifecycle.turnover import Turnover, begin
from django_task_worker.lifecycle.values import (
    Cancelled,
    Change,
    Claimed,
    Demand,
    Draft,
    Notes,
    Outcome,
    Predicate,
    Rescued,
)

__all__ = [
    "Cancelled",
    "Change",
    "Claimed",
    "Claims",
    "Demand",
    "Draft",
    "Notes",
    "Outcome",
    "Predicate",
    "Renewal",
    "Rescued",
    "Turnover",
    "alias",
    "announce_started",
    "begin",
    "cancel",
    "cancelling",
    "claim",
    "discard_logs",
    "enqueue",
    "enqueue_many",
    "finish",
    "held",
    "mark_started",
    "note_progress",
    "purge",
    "purgeable",
    "renew",
    "requeue",
    "requeueable",
    "rescue",
    "store_logs",
]


def claim(demand: Demand, using: str) -> Claims:
    """Take up to `demand.count` due tasks: ours are those whose row carries `demand.lease`."""
    return postgresql_claim.claim(demand, using) if postgresql.is_supported(using) else _claim(demand, using)
