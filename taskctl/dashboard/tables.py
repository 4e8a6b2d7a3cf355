"""The rows of the panels, filtered and sorted as the user wants them. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, NamedTuple

from django_task_worker.snapshot.rows import (
    LOST,
    MOST_RUNNING,
    FailureRow,
    QueueRow,
    RunningRow,
    Snapshot,
    WorkerRow,
)
from taskctl.dashboard.activity import Series
from taskctl.dashboard.rates import HISTORY_S, Meter, Times
from taskctl.dashboard.state import FAILURES_S, MOST_FAILURES, State
from taskctl.dashboard.view import EVENTS, FAILURES, QUEUES, RUNNING, WORKERS, View
from taskctl.listening.happenings import Happening

RATE_S = 60


class Running(NamedTuple):
    """A running task with what its bar needs."""

    row: RunningRow
    elapsed_s: float | None
    """None: claimed, but not known to have begun."""
    share: float
    """Of its limit; 0 when it has none."""


class Work(NamedTuple):
    """A worker with how it stands."""

    row: WorkerRow
    status: str
    busy: int
    seen_s: float

    @property
    def is_missed(self) -> bool:
        """Lost, with tasks that have yet to be rescued."""
        return self.status == LOST and self.row.held > 0


@dataclass
class Group:
    """Failures of the same task with the same type of error."""

    task: str
    error_type: str
    rows: list[FailureRow] = field(default_factory=list)

    @property
    def key(self) -> str:
        return f"{self.task} {self.error_type}"

    @property
    def last(self) -> FailureRow:
        return self.rows[-1]

    @property
    def error(self) -> str:
        """Type and first line of the newest error whose text is known."""
        text = next((row.error for row in reversed(self.rows) if row.error), "").partition("\n")[0]
        return ": ".join(part for part in (self.error_type, text) if part)


class Tables:
    """All rows of one moment. `now` is this machine's time."""

    def __init__(self, state: State, view: View, now: float) -> None:
        self.state = state
        self.view = view
        self.now = now
        self.at = state.database_time(now)
        """The same moment by the database's clock."""
        self._needle = (view.filter if view.typed is None else view.typed).casefold()

    def keys(self, panel: str) -> list[str]:
        """What identifies the rows of a panel, in their order."""
        if panel == QUEUES:
            return [row.name for row in self.queues]
        if panel == WORKERS:
            return [work.row.id for work in self.workers]
        if panel == RUNNING:
            return [running.row.id for running in self.running]
        if panel == FAILURES:
            return [group.key for group in self.failures]
        return []

    # --- the panels ---

    @cached_property
    def queues(self) -> list[QueueRow]:
        known = [*self.state.queues.values(), *self._quiet_queues()]
        rows = [row for row in known if self._wanted(row.name, row.name)]
        keys: dict[str, Callable[[QueueRow], Any]] = {
            "pending": lambda row: (-row.pending, row.name),
            "oldest": lambda row: (row.oldest_at or self.at, row.name),
            "done/s": lambda row: (-self.queue_rate(row.name), row.name),
            "name": lambda row: row.name,
        }
        return self._sorted(QUEUES, rows, keys)

    def queue(self, name: str) -> QueueRow:
        return self.state.queues.get(name) or QueueRow(name, 0, 0, 0, None)

    def _quiet_queues(self) -> list[QueueRow]:
        """Of which tasks have ended of late: a queue that is empty for a moment does not come and go."""
        by_queue = self.state.activity.by_queue
        names = [name for name in by_queue if name not in self.state.queues]
        return [self.queue(name) for name in names if by_queue[name].finished.last_at > self.now - HISTORY_S]

    @cached_property
    def workers(self) -> list[Work]:
        if self.state.snapshot is None:
            return []
        rows = [self._work(row) for row in self.state.snapshot.workers if self._wanted(None, row.name)]
        keys: dict[str, Callable[[Work], Any]] = {
            "name": lambda work: (not work.is_missed, work.status == LOST, work.row.name),
            "busy": lambda work: (-work.busy, work.row.name),
            "done/s": lambda work: (-self.worker_rate(work.row.name), work.row.name),
            "seen": lambda work: (-work.seen_s, work.row.name),
        }
        return self._sorted(WORKERS, rows, keys)

    @cached_property
    def running(self) -> list[Running]:
        rows = [
            self._running(row)
            for row in self.state.running.values()
            if self._wanted(row.queue, row.task, row.queue, row.worker, row.id)
        ]
        keys: dict[str, Callable[[Running], Any]] = {
            "used %": lambda task: (-task.share, -(task.elapsed_s or 0), task.row.id),
            "elapsed": lambda task: (-(task.elapsed_s or 0), task.row.id),
            "task": lambda task: (task.row.task, -(task.elapsed_s or 0)),
            "queue": lambda task: (task.row.queue, -(task.elapsed_s or 0)),
            "worker": lambda task: (task.row.worker, -(task.elapsed_s or 0)),
        }
        return self._sorted(RUNNING, rows, keys)

    @cached_property
    def failures(self) -> list[Group]:
        groups: dict[tuple[str, str], Group] = {}
        for row in self.state.failures.values():
            if row.at <= self.at - FAILURES_S:
                continue
            if not self._wanted(row.queue, row.task, row.queue, row.worker, row.error_type, row.error):
                continue
            groups.setdefault((row.task, row.error_type), Group(row.task, row.error_type)).rows.append(row)
        keys: dict[str, Callable[[Group], Any]] = {
            "last": lambda group: (-group.last.at, group.key),
            "count": lambda group: (-len(group.rows), -group.last.at),
            "task": lambda group: (group.task, -group.last.at),
        }
        return self._sorted(FAILURES, list(groups.values()), keys)

    @cached_property
    def events(self) -> list[Happening]:
        """Newest first."""
        found = [
            happening
            for happening in self.state.tail
            if self._wanted(
                happening.queue, happening.task, happening.queue, happening.worker, happening.error_type
            )
        ]
        return found if self.view.backwards[EVENTS] else found[::-1]

    def _sorted(self, panel: str, rows: list[Any], keys: dict[str, Callable[[Any], Any]]) -> list[Any]:
        rows.sort(key=keys[self.view.sort_of(panel)], reverse=self.view.backwards[panel])
        return rows

    def _wanted(self, queue: str | None, *texts: str | None) -> bool:
        if self.view.queue is not None and queue is not None and queue != self.view.queue:
            return False
        return not self._needle or any(self._needle in text.casefold() for text in texts if text)

    def _work(self, row: WorkerRow) -> Work:
        snapshot = self.state.snapshot
        assert snapshot is not None
        seen_s = max(0.0, self.at - row.seen_at)
        # As it was at the snapshot's moment: an old snapshot must not make everybody look lost.
        status = row.standing(snapshot.at, snapshot.lease_s)
        return Work(row, status, self.busy[row.name] if status != LOST else 0, seen_s)

    def _running(self, row: RunningRow) -> Running:
        if row.started_at is None:
            return Running(row, None, 0.0)
        elapsed_s = max(0.0, self.at - row.started_at)
        return Running(row, elapsed_s, elapsed_s / row.limit_s if row.limit_s else 0.0)

    # --- numbers ---

    @cached_property
    def busy(self) -> Counter[str]:
        """Running tasks by worker, without those that were claimed ahead."""
        snapshot = self.state.snapshot
        found: Counter[str] = Counter()
        if snapshot is None:
            return found
        if snapshot.held <= MOST_RUNNING:
            found.update(row.worker for row in self.state.running.values())
        else:
            found.update({row.name: row.held for row in snapshot.workers})
        for row in snapshot.workers:
            found[row.name] = min(found[row.name], row.slots)
        return found

    @cached_property
    def busy_total(self) -> int:
        """Without what lost workers had in hand; one that was started again by that name has its own."""
        lost = {work.row.name for work in self.all_workers if work.status == LOST}
        lost -= {work.row.name for work in self.all_workers if work.status != LOST}
        if self.view.queue is not None:
            rows = self.state.running.values()
            return sum(row.queue == self.view.queue and row.worker not in lost for row in rows)
        return sum(number for name, number in self.busy.items() if name not in lost)

    @cached_property
    def slots(self) -> int:
        """Of the workers that are not lost, and take from the one queue that is shown."""
        queue = self.view.queue
        works = [work for work in self.all_workers if work.status != LOST]
        return sum(work.row.slots for work in works if queue is None or work.row.listens(queue))

    @property
    def stale(self) -> int:
        """Tasks whose worker has let them go without a word."""
        snapshot, queue = self.state.snapshot, self.view.queue
        if snapshot is None or queue is None:
            return snapshot.stale if snapshot else 0
        rows = [row for row in snapshot.running if row.queue == queue]
        return sum(row.lease_until is not None and row.lease_until < snapshot.at for row in rows)

    @cached_property
    def all_workers(self) -> list[Work]:
        snapshot: Snapshot | None = self.state.snapshot
        return [] if snapshot is None else [self._work(row) for row in snapshot.workers]

    def of_worker(self, work: Work) -> list[Running]:
        """What it runs; of several with its name, as after a restart, the newest has all of that name."""
        newest = next(other for other in self.all_workers if other.row.name == work.row.name)
        if newest.row.id != work.row.id:
            return []
        return [task for task in self.running if task.row.worker == work.row.name]

    def listeners(self, queue: str) -> int:
        return sum(work.status != LOST and work.row.listens(queue) for work in self.all_workers)

    @property
    def series(self) -> Series:
        """What the tasks are like: of the one queue that is shown, or of all."""
        activity, queue = self.state.activity, self.view.queue
        return activity.all if queue is None else activity.by_queue.get(queue) or Series()

    def queue_rate(self, queue: str) -> float:
        series = self.state.activity.by_queue.get(queue)
        return 0.0 if series is None else self.rate(series.finished)

    def worker_rate(self, worker: str) -> float:
        meter = self.state.activity.by_worker.get(worker)
        return 0.0 if meter is None else self.rate(meter)

    def rate(self, meter: Meter, over_s: int = RATE_S) -> float:
        return self.state.activity.rate(meter, self.now, over_s)

    def times(self, queue: str) -> tuple[Times | None, Times | None]:
        """How long tasks of the queue waited and ran in the last five minutes."""
        series = self.state.activity.by_queue.get(queue)
        if series is None:
            return None, None
        return series.wait.times(self.now), series.run.times(self.now)

    @cached_property
    def failed_total(self) -> int:
        rows = [row for row in self.state.failures.values() if self.view.queue in (None, row.queue)]
        return sum(row.at > self.at - FAILURES_S for row in rows)

    @property
    def is_failed_total_capped(self) -> bool:
        """Whether more may have failed in the last hour than are known."""
        is_full = len(self.state.failures) >= MOST_FAILURES
        return is_full or self.state.failures_since > self.at - FAILURES_S + 1

    @property
    def failed_number(self) -> str:
        """`12`, or `500+` when there may be more."""
        return f"{self.failed_total:,}{'+' if self.is_failed_total_capped else ''}"
