"""What the threads tell the loop: plain values, in the order in which they happened. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from django_task_worker.snapshot.rows import Snapshot
from taskctl.dashboard.happenings import Happening

OK, DOWN, OFF, UNKNOWN = "ok", "down", "off", "unknown"
REDIS, DATABASE = "redis", "database"


class Events(NamedTuple):
    """What was heard since the last time, and how much was not."""

    happenings: Sequence[Happening]
    missed: int = 0
    """Lost on the way, by the numbers of their publishers."""
    dropped: int = 0
    """Came faster than they could be taken."""


class Health(NamedTuple):
    """How it stands with one of the servers. Times are seconds since 1970 by this machine's clock."""

    server: str
    """REDIS or DATABASE."""
    state: str = UNKNOWN
    """OK, DOWN, OFF (not configured), UNKNOWN (not tried yet)."""
    reason: str = ""
    since: float = 0.0
    retry_at: float = 0.0
    round_trip_s: float | None = None


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
    queue_rates: Sequence[tuple[str, float]] = ()
    worker_rates: Sequence[tuple[str, float]] = ()


Message = Events | Health | Snapshot | History
"""What changes the state, and what a recording keeps."""
