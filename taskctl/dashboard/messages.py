"""What the threads tell the loop: plain values, in the order in which they happened. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from django_task_worker.snapshot.rows import Snapshot
from taskctl.listening.messages import DATABASE, DOWN, OFF, OK, REDIS, UNKNOWN, Events, Health

__all__ = [
    "DATABASE",
    "DOWN",
    "OFF",
    "OK",
    "REDIS",
    "UNKNOWN",
    "Events",
    "Health",
    "History",
    "Message",
    "Past",
    "Spreads",
]


class Past(NamedTuple):
    """What ended in one minute."""

    at: float
    finished: int
    failed: int


class Spreads(NamedTuple):
    """How long the tasks of a queue (None: of all) waited and ran: by bucket, and the longest."""

    queue: str | None
    waits: Sequence[int]
    longest_wait_s: float
    runs: Sequence[int]
    longest_run_s: float


class History(NamedTuple):
    """What happened before anybody watched, from the statistics that the workers keep."""

    at: float
    minutes: Sequence[Past] = ()
    spreads: Sequence[Spreads] = ()
    queue_minutes: Sequence[tuple[str, Sequence[Past]]] = ()
    worker_rates: Sequence[tuple[str, float]] = ()


Message = Events | Health | Snapshot | History
"""What changes the state, and what a recording keeps."""
