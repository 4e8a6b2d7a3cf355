"""Worker rows: who is up, on which queues, and who was asked to leave. Queue pauses."""

from __future__ import annotations

import os
import socket
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from django.db.models import Case, Q, When

from django_task_worker._version import __version__
from django_task_worker.cleaning import clean
from django_task_worker.conf import settings
from django_task_worker.events import Event, EventName, announce
from django_task_worker.events.event import clock
from django_task_worker.expressions import DatabaseNow, ago
from django_task_worker.ids import new_id
from django_task_worker.lifecycle.routing import alias
from django_task_worker.models import Queue, Worker

FORGET_S = 3600.0
HEARTBEAT_S = 10.0
BEATS_MISSED = 10
"""So many heartbeats in a row, and a worker may be forgotten: it is not only slow."""


@dataclass(frozen=True, kw_only=True)
class Identity:
    """Who a supervisor is: a name for people, and a random id that no other start ever has."""

    id: str
    name: str
    host: str
    pid: int


def new_identity(name: str | None = None) -> Identity:
    """The identity of this process; the name defaults to host-pid."""
    host = socket.gethostname()
    pid = os.getpid()
    return Identity(id=new_id(), name=name or f"{host}-{pid}", host=host, pid=pid)


@dataclass(frozen=True, kw_only=True)
class Load:
    """What a worker does and has done."""

    busy: int = 0
    completed: int = 0
    failed: int = 0
    is_draining: bool = False


def register(
    who: Identity, *, queues: Sequence[str], exclude_queues: Sequence[str], slots: int, using: str
) -> None:
    """Enter the worker, for the first time or again; rows of workers gone for an hour are cleared away."""
    workers = Worker.objects.using(using)
    workers.filter(seen_at__lt=ago(FORGET_S)).delete()
    if not workers.filter(pk=who.id).update(seen_at=DatabaseNow()):
        workers.create(
            id=who.id,
            name=who.name,
            host=who.host,
            pid=who.pid,
            version=__version__,
            queues=list(queues),
            exclude_queues=list(exclude_queues),
            slots=slots,
        )
    learn_clock(using)
    announce([Event(event=EventName.WORKER_UP, worker=who.name)], using)


def learn_clock(using: str) -> None:
    """Ask the database for its time, so that events carry it."""
    now = Worker.objects.using(using).annotate(now=DatabaseNow()).values_list("now", flat=True).first()
    if now is not None:
        clock.offset = now - datetime.now(UTC)


def heartbeat(who: Identity, load: Load, using: str) -> bool | None:
    """Say that the worker lives. True if it was asked to drain; None if its row is gone."""
    mine = Worker.objects.using(using).filter(pk=who.id)
    found = mine.update(
        seen_at=DatabaseNow(),
        busy=load.busy,
        completed=load.completed,
        failed=load.failed,
        state=Worker.State.DRAINING if load.is_draining else Worker.State.UP,
    )
    if not found:
        return None
    return mine.filter(drain_requested_at__isnull=False).exists()


def sign_off(who: Identity, load: Load, using: str) -> None:
    """The worker has ended in good order."""
    Worker.objects.using(using).filter(pk=who.id).update(
        seen_at=DatabaseNow(),
        busy=0,
        completed=load.completed,
        failed=load.failed,
        state=Worker.State.STOPPED,
    )
    announce([Event(event=EventName.WORKER_DOWN, worker=who.name)], using)


def heartbeat_s() -> float:
    """How often a worker says that it lives."""
    return min(settings().lease_s / 3, HEARTBEAT_S)


def live_workers(using: str | None = None) -> list[Worker]:
    """The workers that have been seen within a lease and have not signed off."""
    seen = Worker.objects.using(alias(using)).filter(seen_at__gt=ago(settings().lease_s))
    return list(seen.exclude(state=Worker.State.STOPPED).order_by("name"))


def lost_workers(using: str | None = None, *, missed_s: float | None = None) -> list[Worker]:
    """The workers that have not signed off and have not been seen for `missed_s`, by default for a lease."""
    silent_s = settings().lease_s if missed_s is None else missed_s
    silent = Worker.objects.using(alias(using)).filter(seen_at__lte=ago(silent_s))
    return list(silent.exclude(state=Worker.State.STOPPED).order_by("name"))


def forgettable(using: str | None = None) -> list[Worker]:
    """The lost workers that have been silent for so long that nobody waits for them any more."""
    return lost_workers(using, missed_s=max(settings().lease_s, BEATS_MISSED * heartbeat_s()))


def forget(worker_ids: Sequence[str], using: str | None = None) -> int:
    """Delete the rows of lost workers; how many. One that lives after all enters itself again."""
    lost = Worker.objects.using(alias(using)).filter(pk__in=worker_ids, seen_at__lte=ago(settings().lease_s))
    return lost._raw_delete(lost.db)


def drain(worker_ids: Sequence[str], using: str | None = None) -> list[str]:
    """Ask workers to take no more, finish what they run, however long that takes, and end.

    The ids of those that had not been asked before. A worker notices with its next heartbeat.
    """
    workers = Worker.objects.using(alias(using)).filter(pk__in=worker_ids, drain_requested_at__isnull=True)
    asked = list(workers.values_list("pk", flat=True))
    workers.filter(pk__in=asked).update(drain_requested_at=DatabaseNow())
    return asked


def listens(worker: Worker, queue: str) -> bool:
    """Whether this worker takes tasks of that queue."""
    if queue in worker.exclude_queues:
        return False
    return not worker.queues or queue in worker.queues


def named_queues(using: str) -> dict[str, bool]:
    """The queues that a worker or a pause has named, and whether they are paused.

    However many tasks there are, these are few; a queue that only tasks have named is not among them.
    """
    is_paused = Q(paused_at__isnull=False) & (
        Q(paused_until__isnull=True) | Q(paused_until__gt=DatabaseNow())
    )
    found = {
        name: False
        for queues in Worker.objects.using(using).values_list("queues", flat=True)
        for name in queues
    }
    rows = Queue.objects.using(using).annotate(is_paused=Case(When(is_paused, then=True), default=False))
    return found | dict(rows.values_list("name", "is_paused"))


def pause(
    name: str, *, by: str = "", reason: str = "", until: datetime | None = None, using: str | None = None
) -> None:
    """Let nobody claim from the queue, until `resume` or the given time. What runs goes on."""
    database = alias(using)
    Queue.objects.using(database).update_or_create(
        name=name,
        defaults={
            "paused_at": DatabaseNow(),
            "paused_by": clean(by, 255) or None,
            "pause_reason": clean(reason, 255) or None,
            "paused_until": until,
        },
    )
    announce([Event(event=EventName.QUEUE_PAUSED, queue=name)], database)


def paused_queues(using: str | None = None) -> list[str]:
    """The names of the queues from which nobody may claim, also of those whose pause has just run out."""
    paused = Queue.objects.using(alias(using)).filter(paused_at__isnull=False)
    return list(paused.order_by("name").values_list("name", flat=True))


def resume(name: str, *, using: str | None = None) -> bool:
    """Let workers claim from the queue again; False if it was not paused."""
    database = alias(using)
    paused = Queue.objects.using(database).filter(pk=name, paused_at__isnull=False)
    changed = paused.update(paused_at=None, paused_by=None, pause_reason=None, paused_until=None)
    if changed:
        announce([Event(event=EventName.QUEUE_RESUMED, queue=name, wakes=True)], database)
    return bool(changed)
