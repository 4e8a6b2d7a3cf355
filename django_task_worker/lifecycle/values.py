"""What goes into and comes out of the lifecycle: plain frozen values."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django_task_worker.ids import digest, new_id
from django_task_worker.lifecycle.order import Level
from django_task_worker.retry import Backoff
from django_task_worker.states import Budget, Kind, Transition


@dataclass(frozen=True, kw_only=True, slots=True)
class Draft:
    """A task to be stored, checked already. `args_text` and `kwargs_text` are the arguments as JSON."""

    name: str
    args: list[Any]
    kwargs: dict[str, Any]
    args_text: str
    kwargs_text: str
    timeout: int
    queue: str
    priority: int
    max_retries: int | None = None
    unique_key: str | None = None
    metadata: dict[str, Any] | None = None
    run_after: datetime | timedelta | None = None
    id: str = field(default_factory=new_id)

    @property
    def unique_active(self) -> str | None:
        """What no other unfinished task may have."""
        return None if self.unique_key is None else digest(self.unique_key)


@dataclass(frozen=True, kw_only=True, slots=True)
class Demand:
    """What a supervisor wants to claim, and in whose name. `lease` is made before the statement is sent."""

    count: int
    lease: str
    lease_s: float
    worker: str
    default_retries: int
    queues: tuple[str, ...] = ()
    """In order of preference; empty means all."""
    exclude_queues: tuple[str, ...] = ()
    level: Level | None = None
    """Where tasks were due at the last look: this can save a round trip."""
    look: bool = True
    """Whether to look what else waits; else only if `level` has nothing."""


@dataclass(kw_only=True, slots=True)  # not frozen, as the values below of which each task has one:
class Claimed:  # it would take thrice as long to make one
    """A task in our hands. `args` and `kwargs` are JSON texts."""

    id: str
    lease: str
    name: str
    queue: str
    timeout_s: int
    retry_count: int
    max_retries: int
    deferrals: int
    args: str
    kwargs: str
    backoff: Backoff | None = None
    wait_s: float = 0.0

    @property
    def budget(self) -> Budget:
        return Budget(retry_count=self.retry_count, max_retries=self.max_retries, deferrals=self.deferrals)


Predicate = Callable[[Claimed], bool]


@dataclass(frozen=True, kw_only=True, slots=True)
class Notes:
    """What an attempt leaves beside its outcome: what it wrote, and how far it said it was."""

    log: str | None = None
    """None: nothing is to be kept."""
    log_size: int = 0
    """Bytes that it wrote, kept or not."""
    progress: dict[str, Any] | None = None


@dataclass(kw_only=True, slots=True)
class Outcome:
    """How an attempt ended."""

    task: Claimed
    kind: Kind
    worker: str = ""
    result: str | None = None
    result_json: str | None = None
    error_type: str | None = None
    error: str | None = None
    traceback: str | None = None
    duration_s: float | None = None
    """Of the run; None when its start is unknown or it never started."""
    ended: float = field(default_factory=time.monotonic)
    """When it ended, by the monotonic clock."""
    delay_s: float | None = None
    """For BLOCKED: how long to stay away."""
    notes: Notes | None = None

    @property
    def age_s(self) -> float:
        """Seconds since it ended."""
        return max(0.0, time.monotonic() - self.ended)


@dataclass(kw_only=True, slots=True)
class Change:
    """An outcome and what is made of it. `delay_s` is the wait before the next look, if there is one."""

    outcome: Outcome
    transition: Transition
    delay_s: float = 0.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Rescued:
    """A task taken back from a lost worker, and what became of it."""

    id: str
    name: str
    worker: str
    """Empty for what version 0.0.7 left behind."""
    transition: Transition


@dataclass(frozen=True, kw_only=True, slots=True)
class Cancelled:
    """Ids that are cancelled now, and ids whose worker was asked to stop them."""

    cancelled: list[str]
    requested: list[str]
