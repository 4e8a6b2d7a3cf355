"""What a look at the database brings: plain tuples. Times are seconds since 1970 by the database's clock."""

from __future__ import annotations

from typing import NamedTuple

CAP = 10_000
"""Counts of waiting tasks end here; CAP + 1 stands for more."""
MOST_RUNNING = 200
"""Running tasks that a snapshot lists."""
UP, DRAINING, LOST = "up", "draining", "lost"


class QueueRow(NamedTuple):
    """A queue that has waiting or running tasks, or is paused."""

    name: str
    pending: int
    """Due now."""
    scheduled: int
    """Due later."""
    running: int
    oldest_at: float | None
    """Since when the task that waits longest has been due."""
    paused_at: float | None = None
    paused_by: str | None = None
    pause_reason: str | None = None
    paused_until: float | None = None

    def is_paused(self, now: float) -> bool:
        return self.paused_at is not None and (self.paused_until is None or self.paused_until > now)


class RunningRow(NamedTuple):
    """A task in the hands of a worker."""

    id: str
    task: str
    queue: str
    worker: str
    tries: int
    max_tries: int | None
    started_at: float | None
    """Unknown for a task that was claimed a moment ago."""
    lease_until: float | None
    limit_s: float | None
    is_cancelling: bool = False
    progress: str = ""
    """`30% rows`, as far as the task tells."""


class WorkerRow(NamedTuple):
    """A worker that has not been forgotten."""

    id: str
    name: str
    host: str
    pid: int
    version: str
    queues: tuple[str, ...]
    exclude_queues: tuple[str, ...]
    slots: int
    busy: int
    completed: int
    failed: int
    state: str
    started_at: float
    seen_at: float
    drain_requested: bool
    held: int = 0
    """Its rows that are running, among them tasks it has claimed ahead."""

    def standing(self, at: float, lease_s: float) -> str:
        """UP, DRAINING, or LOST when nothing has been heard of it for a lease."""
        if at - self.seen_at > lease_s:
            return LOST
        return DRAINING if self.drain_requested or self.state == DRAINING else UP

    def listens(self, queue: str) -> bool:
        return queue not in self.exclude_queues and (not self.queues or queue in self.queues)


class FailureRow(NamedTuple):
    """A task that failed for good and has not been started over."""

    task_id: str
    task: str
    queue: str
    worker: str
    tries: int
    error_type: str
    error: str
    at: float


class FinishedRow(NamedTuple):
    """A task that ended, for those who hear no events."""

    id: str
    task: str
    queue: str
    worker: str
    status: str
    """completed, failed or cancelled."""
    at: float
    tries: int
    wait_s: float | None
    run_s: float | None
    error_type: str | None


class Snapshot(NamedTuple):
    """One look at everything."""

    at: float
    queues: tuple[QueueRow, ...]
    running: tuple[RunningRow, ...]
    workers: tuple[WorkerRow, ...]
    failures: tuple[FailureRow, ...]
    retrying: int
    stale: int
    held: int
    """How many rows are running; `running` holds those that began first."""
    all_failures: bool
    """Whether `failures` are all since `failures_since` rather than the new ones."""
    finished: tuple[FinishedRow, ...] = ()
    finished_missed: bool = False
    """Whether more tasks ended than `finished` holds."""
    lease_s: float = 30.0
    sweep_s: float = 10.0
    took_s: float = 0.0
    round_trip_s: float = 0.0
    last_failure: int = 0
    """Where the next look at failures goes on."""
    failures_since: float = 0.0
    """An hour ago, or later when there was too much to go through."""
