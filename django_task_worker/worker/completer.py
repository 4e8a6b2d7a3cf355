"""Outcomes on their way into the database: kept until it has taken them, written in batches."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

from django.db import DataError, IntegrityError

from django_task_worker import lifecycle
from django_task_worker.cleaning import clean
from django_task_worker.lifecycle import Change, Outcome
from django_task_worker.locks import Locks
from django_task_worker.states import Kind, Transition
from django_task_worker.statistics import Recorder
from django_task_worker.worker.database import Database, Failed
from django_task_worker.worker.leases import Leases

logger = logging.getLogger("django_task_worker.worker")

T = TypeVar("T")
SETTLE_S = 0.005
BATCH = 1000
BATCH_CHARACTERS = 8_000_000
KEPT_FOR_LEASES = 10
FIRST_PAUSE_S = 1.0
MAX_PAUSE_S = 3.0
_COMPLETE = Transition.COMPLETE


@dataclass(slots=True)
class Aside:
    """An outcome whose writing has failed when it was alone: tried again now and then, by itself."""

    outcome: Outcome
    due: float
    pause_s: float = FIRST_PAUSE_S


class Refused:
    """The answer of a database that will not store one of the values."""

    def __init__(self, error: Exception) -> None:
        self.reason = " ".join(str(error).split())


def unless_refused(action: Callable[[], T]) -> T | Refused:
    """What the action returns, or why the database will not store what it wrote."""
    try:
        return action()
    except (DataError, IntegrityError) as error:
        return Refused(error)


class Completer:
    """Buffers outcomes and settles them, on size or age."""

    def __init__(
        self,
        database: Database,
        leases: Leases,
        locks: Locks,
        recorder: Recorder,
        expect: Callable[[float], None],
    ) -> None:
        """`expect` is told when something will be due that was settled here, by the monotonic clock."""
        self._database = database
        self._expect = expect
        self._leases = leases
        self._locks = locks
        self._recorder = recorder
        self._outcomes: list[Outcome] = []
        self._taken: list[Outcome] = []
        self._aside: list[Aside] = []
        self._size = BATCH
        self.completed = 0
        self.failed = 0

    def add(self, outcomes: Iterable[Outcome]) -> None:
        self._outcomes.extend(outcomes)

    @property
    def is_empty(self) -> bool:
        return not (self._outcomes or self._taken or self._aside)

    def due_at(self) -> float | None:
        """When to settle, by the monotonic clock; None when there is nothing to."""
        times = [aside.due for aside in self._aside]
        times += [outcome.ended + SETTLE_S for outcome in self._outcomes[:1]]
        return max(self._database.retry_at, min(times)) if times else None

    def settle(self, batch: int) -> None:
        """Write what has ended, unless waiting a moment makes a batch of it.

        An outcome that cannot be written is tried again: its lease guards it, however late. After a failure
        the batches are smaller, and one that fails alone steps aside, so that it holds nobody up. After a
        refusal they go one by one, until the one that is refused is known.
        """
        if self._database.is_away:
            return
        self._settle_aside()
        outcomes = self.take(batch)
        if outcomes:
            done = self._database.run("write outcomes", lambda: self._write(outcomes))
            self.note(outcomes, done)
            if isinstance(done, list):
                self.finish(outcomes, done)

    def take(self, batch: int) -> list[Outcome]:
        """What to write now, if that is not too early; `note` must tell what became of it."""
        if not self._outcomes or self._is_early(batch):
            return []
        self._taken = self._next()
        del self._outcomes[: len(self._taken)]
        return self._taken

    def put_back(self, outcomes: list[Outcome]) -> None:
        """They were taken, and nothing was done with them."""
        self._taken = []
        self._outcomes[:0] = outcomes

    def note(self, outcomes: Sequence[Outcome], done: list[Change] | Refused | Failed) -> None:
        """Learn what became of the outcomes that were taken; those that were not written stay here."""
        self._taken = []
        if isinstance(done, Failed):
            self._size = max(1, len(outcomes) // 2)
            if len(outcomes) == 1:
                self._aside.append(Aside(outcomes[0], time.monotonic() + FIRST_PAUSE_S))
            else:
                self._outcomes[:0] = outcomes
            self._forget_old()
        elif isinstance(done, Refused):
            self._reduce(outcomes, done)
        else:
            self._size = min(BATCH, self._size * 2)

    def _settle_aside(self) -> None:
        """Try one of those that stepped aside, if its time has come."""
        now = time.monotonic()
        aside = next((aside for aside in self._aside if aside.due <= now), None)
        if aside is None:
            return
        done = self._database.run("write outcomes", lambda: self._write([aside.outcome]))
        if isinstance(done, Failed):
            aside.pause_s = min(MAX_PAUSE_S, aside.pause_s * 2)
            aside.due = time.monotonic() + aside.pause_s
            self._forget_old()
            return
        self._aside.remove(aside)
        if isinstance(done, Refused):
            self._outcomes.insert(0, aside.outcome)
            self._size = 1
        else:
            self.finish([aside.outcome], done)

    def finish(self, outcomes: Sequence[Outcome], done: Sequence[Change]) -> None:
        """These outcomes are written, with these changes: let go of their tasks, and count them."""
        self._locks.release([(outcome.task.id, outcome.task.lease) for outcome in outcomes])
        self._leases.remove(outcome.task for outcome in outcomes)
        self._recorder.begin()
        is_debugged = logger.isEnabledFor(logging.DEBUG)
        for change in done:
            outcome, task = change.outcome, change.outcome.task
            self._recorder.note(change.transition, task.queue, task.name, task.wait_s, outcome.duration_s)
            if change.transition is _COMPLETE:
                self.completed += 1
            elif change.transition is Transition.RETRY:
                self._expect(time.monotonic() + change.delay_s)
            if change.transition is not _COMPLETE or is_debugged:
                self._tell(change)

    def _next(self) -> list[Outcome]:
        """The outcomes of the next batch: not too many, and not too much text."""
        found: list[Outcome] = []
        characters = 0
        for outcome in self._outcomes[: self._size]:
            characters += len(outcome.result or "") + len(outcome.result_json or "")
            if outcome.notes is not None:
                characters += len(outcome.notes.log or "")
            if found and characters > BATCH_CHARACTERS:
                break
            found.append(outcome)
        return found

    def _write(self, outcomes: Sequence[Outcome]) -> list[Change] | Refused:
        return unless_refused(lambda: lifecycle.finish(outcomes, self._database.using))

    def _reduce(self, outcomes: Sequence[Outcome], refused: Refused) -> None:
        if len(outcomes) > 1:
            self._outcomes[:0] = outcomes
            self._size = 1
            return
        self._size = BATCH
        (outcome,) = outcomes
        less = _reduced(outcome, refused.reason)
        if less is not None:
            self._outcomes.insert(0, less)
        else:
            self._leases.remove([outcome.task])
        logger.error("the database refuses the outcome of task %s: %s", outcome.task.id, refused.reason)

    def _is_early(self, batch: int) -> bool:
        return len(self._outcomes) < batch and time.monotonic() < self._outcomes[0].ended + SETTLE_S

    def _forget_old(self) -> None:
        """Without its lease, which is renewed no longer, somebody else rescues the task."""
        oldest = time.monotonic() - KEPT_FOR_LEASES * self._leases.lease_s
        waiting = [*self._outcomes, *(aside.outcome for aside in self._aside)]
        old = [outcome for outcome in waiting if outcome.ended <= oldest]
        if old:
            logger.error("gave up writing %d outcomes", len(old))
            self._leases.remove(outcome.task for outcome in old)
            self._outcomes = [outcome for outcome in self._outcomes if outcome.ended > oldest]
            self._aside = [aside for aside in self._aside if aside.outcome.ended > oldest]

    def _tell(self, change: Change) -> None:
        outcome, task = change.outcome, change.outcome.task
        name, reason = clean(task.name), clean(f"{outcome.error_type}: {outcome.error}")
        if change.transition is _COMPLETE:
            logger.debug("task %s %s completed in %.3fs", task.id, name, outcome.duration_s)
        elif change.transition is Transition.FAIL:
            self.failed += 1
            logger.warning("task %s %s failed: %s", task.id, name, reason)
        elif change.transition is Transition.RETRY:
            logger.info("task %s %s is retried in %.1fs: %s", task.id, name, change.delay_s, reason)
        else:
            logger.info("task %s %s: %s (%s)", task.id, name, change.transition, outcome.kind)


def _reduced(outcome: Outcome, reason: str) -> Outcome | None:
    """The outcome without what the database may have refused: its notes, its JSON, its text. None at last."""
    if outcome.notes is not None:
        return replace(outcome, notes=None)
    if outcome.result_json is not None:
        return replace(outcome, result_json=None)
    if outcome.kind is Kind.COMPLETED:
        error = f"the database cannot store the result: {reason}"
        kind, error_type = Kind.REFUSED, "ResultNotSerialisable"
        return replace(outcome, kind=kind, result=None, error_type=error_type, error=error)
    if outcome.traceback is not None:
        return replace(outcome, error="the database cannot store this error", traceback=None)
    return None
