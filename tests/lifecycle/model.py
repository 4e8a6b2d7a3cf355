"""What tasks should be like: a dictionary that is told the same moves as the database. Pure, and its own
judge: it asks nothing of the package.

Its time stands still but for `tick`. All durations are thousands of seconds, and such that nothing ever
becomes due at the very moment of a tick: how long a test really takes makes no difference.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

TICKS = [6_000, 12_000, 50_000]
LEASE_S = 9_000
LATER_S = 3_000
BLOCKED_S = 3_000
DEFERRAL_S = 5_000
BACKOFF = {"base": 7_000, "factor": 2, "cap": 14_000, "jitter": 0.0}

QUEUES = ["a", "b"]
WORKERS: list[dict[str, Any]] = [
    {"worker": "w0", "retries": 0},
    {"worker": "w1", "retries": 1, "queues": ("b", "a")},
    {"worker": "w2", "retries": 2, "exclude": ("a",)},
]
SEEN_BY = [["a", "b"], ["a", "b"], ["b"]]
"""How each of three workers claims, and which queues it then sees."""
ENDED = ["COMPLETED", "FAILED", "CANCELLED"]
FINAL = ("COMPLETED", "CANCELLED")
SPENDING = ("failed", "timed_out", "lost")


@dataclass
class Task:
    queue: str
    priority: int
    max_retries: int | None
    key: str | None
    due: float
    status: str = "PENDING"
    is_retrying: bool = False
    retries: int = 0
    deferrals: int = 0
    lease: str | None = None
    lease_until: float = 0.0
    is_cancelling: bool = False
    attempts: int = 0

    @property
    def is_final(self) -> bool:
        return self.status in FINAL or (self.status == "FAILED" and not self.is_retrying)

    @property
    def is_waiting(self) -> bool:
        return self.status == "PENDING" or self.is_retrying

    @property
    def retries_left(self) -> int:
        return (self.max_retries or 0) - self.retries


@dataclass
class Model:
    tasks: dict[str, Task] = field(default_factory=dict)
    paused: set[str] = field(default_factory=set)
    now: float = 0.0

    def holder(self, key: str | None) -> str | None:
        """The unfinished task with that key."""
        for task_id, task in self.tasks.items():
            if key is not None and task.key == key and not task.is_final:
                return task_id
        return None

    def claimable(self, queues: Iterable[str]) -> set[str]:
        open_queues = set(queues) - self.paused
        return {
            task_id
            for task_id, task in self.tasks.items()
            if task.is_waiting and task.due <= self.now and task.queue in open_queues
        }

    def lost(self) -> set[str]:
        return {
            task_id
            for task_id, task in self.tasks.items()
            if task.status == "PROGRESS" and task.lease_until < self.now
        }

    def claim(self, task_id: str, lease: str, default_retries: int) -> Task:
        task = self.tasks[task_id]
        task.status, task.is_retrying = "PROGRESS", False
        task.lease, task.lease_until = lease, self.now + LEASE_S
        if task.max_retries is None:
            task.max_retries = default_retries
        return task

    def owns(self, task_id: str, lease: str) -> bool:
        task = self.tasks.get(task_id)
        return task is not None and task.status == "PROGRESS" and task.lease == lease

    def finish(self, task_id: str, lease: str, kind: str) -> bool:
        """False, and nothing changes, unless this lease owns the task."""
        if not self.owns(task_id, lease):
            return False
        self.end(task_id, kind)
        return True

    def end(self, task_id: str, kind: str) -> None:
        task = self.tasks[task_id]
        task.lease = None
        if kind == "completed":
            task.status = "COMPLETED"
        elif kind == "cancelled" or task.is_cancelling:
            task.status = "CANCELLED"
            task.attempts += kind not in ("not_started",)
        elif kind in ("not_started", "blocked"):
            task.status = "PENDING"
            task.due = self.now + BLOCKED_S if kind == "blocked" else task.due
        elif kind == "missing" and task.deferrals < 3:
            task.status = "PENDING"
            task.due = self.now + DEFERRAL_S * 2**task.deferrals
            task.deferrals += 1
        elif kind == "interrupted":
            task.status = "PENDING" if (task.max_retries or 0) > 0 else "FAILED"
            task.attempts += 1
        else:
            task.status = "FAILED"
            task.attempts += 1
            if kind in SPENDING and task.retries_left > 0:
                task.is_retrying = True
                task.retries += 1
                wait_s = min(BACKOFF["cap"], BACKOFF["base"] * BACKOFF["factor"] ** (task.retries - 1))
                task.due = self.now + wait_s * (1 + BACKOFF["jitter"])

    def release(self, task_id: str) -> None:
        task = self.tasks[task_id]
        task.status, task.lease = "PENDING", None

    def cancel(self, task_id: str) -> str:
        """cancelled, requested, or nothing."""
        task = self.tasks[task_id]
        if task.is_waiting:
            task.status, task.is_retrying = "CANCELLED", False
            return "cancelled"
        if task.status == "PROGRESS":
            task.is_cancelling = True
            return "requested"
        return "nothing"

    def requeue(self, task_id: str, force: bool) -> bool:
        task = self.tasks[task_id]
        if not task.is_final or (task.status == "COMPLETED" and not force) or self.holder(task.key):
            return False
        task.status, task.due = "PENDING", self.now
        task.retries = task.deferrals = 0
        task.is_cancelling = False
        return True
