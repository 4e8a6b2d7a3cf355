"""Worker rows: who is up, on which queues, and who was asked to leave. Queue pauses."""

from __future__ import annotations

import os
import socket
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from django.db.models import Case, Q, When

from django_task_worker._version import __version__
from django_task_worker.conf import settings
from django_task_worker.events import Event, EventName, announce
from django_task_worker.events.event import clock
from django_task_worker.expressions import DatabaseNow, ago
from django_task_worker.ids import new_id
from django_task_worker.lifecycle.routing import alias
from django_task_worker.models import Queue, Worker

FORGET_S = 3600.0


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


def live_workers(using: str | None = None) -> list[Worker]:
    """The workers that have been seen within a lease and have not signed off."""
    seen = Worker.objects.using(alias(using)).filter(seen_at__gt=ago(settings().lease_s))
    return list(seen.exclude(state=Worker.State.STOPPED).order_by("name"))


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
            "paused_by": by or None,
            "pause_reason": reason or None,
            "paused_until": until,
        },
    )
    announce([Event(event=EventName.QUEUE_PAUSED, queue=name)], database)


def resume(name: str, *, using: str | None = None) -> bool:
    """Let workers claim from the queue again; False if it was not paused."""
    database = alias(using)
    paused = Queue.objects.using(database).filter(pk=name, paused_at__isnull=False)
    changed = paused.update(paused_at=None, paused_by=None, pause_reason=None, paused_until=None)
    if changed:
        announce([Event(event=EventName.QUEUE_RESUMED, queue=name, wakes=True)], database)
    return bool(changed)
