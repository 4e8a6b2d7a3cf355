"""The states of a task and what follows an attempt. Pure: no SQL, no clock.

             claim                    complete
PENDING ───────────────▶ PROGRESS ───────────────▶ COMPLETED
   ▲ ▲   release, defer,  │  ▲  │  fail, time out, rescue
   │ └────────────────────┘  │  ├──────────────────▶ FAILED, final
   │     interrupt           │  │  retry, rescue
   │ requeue           claim └──┼──────────────────▶ FAILED, next_attempt_at set ("retrying")
   └── FAILED, CANCELLED        └──────────────────▶ CANCELLED
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Status(StrEnum):
    """What the column `status` may hold."""

    PENDING = "PENDING"
    PROGRESS = "PROGRESS"
    COMPLETED = "COMPLETED"
    FAILED = "FAILED"
    CANCELLED = "CANCELLED"


class Kind(StrEnum):
    """How an attempt ended, as its supervisor saw it."""

    COMPLETED = "completed"
    FAILED = "failed"
    REFUSED = "refused"
    """The function will fail the same way each time: not allowed, or its result cannot be stored."""
    MISSING = "missing"
    """The module or function is not here; a rolling deploy may still bring it."""
    TIMED_OUT = "timed_out"
    LOST = "lost"
    INTERRUPTED = "interrupted"
    CANCELLED = "cancelled"
    """The child was killed because somebody asked for the cancellation."""
    NOT_STARTED = "not_started"
    """Claimed and given back before it began."""
    BLOCKED = "blocked"
    """Somebody else holds the advisory lock: the task may still be running there."""


class Transition(StrEnum):
    """What the database is told."""

    COMPLETE = "complete"
    RETRY = "retry"
    FAIL = "fail"
    CANCEL = "cancel"
    RELEASE = "release"
    DEFER = "defer"


TARGETS: dict[Transition, Status] = {
    Transition.COMPLETE: Status.COMPLETED,
    Transition.RETRY: Status.FAILED,
    Transition.FAIL: Status.FAILED,
    Transition.CANCEL: Status.CANCELLED,
    Transition.RELEASE: Status.PENDING,
    Transition.DEFER: Status.PENDING,
}

MAX_DEFERRALS = 3
FIRST_DEFERRAL_S = 10.0


@dataclass(frozen=True, kw_only=True)
class Budget:
    """What a task may still spend: retries granted so far, retries allowed, deferrals so far."""

    retry_count: int
    max_retries: int
    deferrals: int = 0

    @property
    def is_left(self) -> bool:
        return self.retry_count < self.max_retries


def decide(kind: Kind, budget: Budget, *, cancel_requested: bool = False) -> Transition:
    """What follows an attempt that ended as `kind`.

    A success stands even if its cancellation was asked for; everything else then ends as cancelled.
    """
    if kind is Kind.COMPLETED:
        return Transition.COMPLETE
    if cancel_requested or kind is Kind.CANCELLED:
        return Transition.CANCEL
    if kind is Kind.NOT_STARTED:
        return Transition.RELEASE
    if kind is Kind.BLOCKED:
        return Transition.DEFER
    if kind is Kind.MISSING:
        return Transition.DEFER if budget.deferrals < MAX_DEFERRALS else Transition.FAIL
    if kind is Kind.INTERRUPTED:
        return Transition.RELEASE if budget.max_retries > 0 else Transition.FAIL
    if kind is Kind.REFUSED:
        return Transition.FAIL
    return Transition.RETRY if budget.is_left else Transition.FAIL


def deferral_s(deferrals: int) -> float:
    """Seconds until the next look for a missing function: 10, 20, 40."""
    return FIRST_DEFERRAL_S * float(2**deferrals)
