"""When to look for tasks, and claiming them: database first, then the advisory locks."""

from __future__ import annotations

import math
import random
import time
from collections.abc import Container, Iterable, Iterator, Sequence
from functools import partial

from django_task_worker import lifecycle
from django_task_worker.events.subscription import Place
from django_task_worker.ids import new_id
from django_task_worker.lifecycle import Claimed, Claims, Demand, Outcome
from django_task_worker.lifecycle.known import Known
from django_task_worker.lifecycle.order import next_due_s
from django_task_worker.locks import Locks
from django_task_worker.states import Kind
from django_task_worker.worker.database import Database, Failed
from django_task_worker.worker.leases import UNSURE_FOR_S, Leases, Unsure
from django_task_worker.worker.options import WorkerOptions

MIN_PAUSE_S = 0.001
MAX_PAUSE_S = 0.05
FREE_LOOKS = 2
"""Looks in a row that find nothing before wake-ups have to wait: the last task leaves one behind."""
LEAST_POLL = 0.7
"""Workers poll after 0.7 to 1 times their interval: those that were started together do not stay so."""
MOST = 10_000
"""Tasks to claim at once."""
AROUND_S = 0.05
"""How long a look around can wait after a claim that has brought tasks where they were expected."""
SETTLE_FIRST_S = 0.005
LOOK_EVERY_S = 1.0
"""A new group that ranks higher is noticed within this time, however busy the known ones are."""
LOOKS_APART = 10
"""Unless looking around takes long, as where nothing can be vacuumed: it may take a tenth of the time."""

Accepted = tuple[list[Claimed], list[Outcome]]
"""Tasks that are ours now, and outcomes of those that are locked elsewhere: they are deferred."""


class Claimer:
    """Claims for one supervisor. `blocked` outcomes go to the completer."""

    def __init__(
        self, options: WorkerOptions, worker: str, database: Database, leases: Leases, locks: Locks
    ) -> None:
        self._options = options
        self._worker = worker
        self._database = database
        self._leases = leases
        self._locks = locks
        self._pause_s = 0.0
        self._in_vain = 0
        self.look_at = 0.0
        """When to look next, by the monotonic clock."""
        self.found_nothing = False
        """Whether the last look found nothing that is due."""
        self.has_looked = False
        self._known = Known()
        self._was_short = True
        self._is_woken = self._is_elsewhere = False
        self._around_at = self._next_due_at = math.inf
        """When to look around, however often tasks are found without; and when something will be due."""
        self._looked_at = -LOOK_EVERY_S
        self._look_every_s = LOOK_EVERY_S
        self._most = MOST
        """How many to claim at once: fewer after a failure, in case it is one of them that is refused."""

    @property
    def is_due(self) -> bool:
        """Whether it is time to look."""
        return time.monotonic() >= self.look_at

    def wake(self, now: float, places: Iterable[Place | None] = (None,)) -> None:
        """Something may be due there; None: anywhere.

        Many wake-ups that lead to nothing are answered ever more slowly.
        """
        self.look_at = min(self.look_at, now + self._pause_s)
        self._is_woken = True
        self._is_elsewhere = self._is_elsewhere or not all(map(self._known.holds, places))

    def expect(self, due_at: float) -> None:
        """Something will be due then, by the monotonic clock: the poll may come too late for it."""
        self._next_due_at = min(self._next_due_at, due_at)
        self.look_at = min(self.look_at, due_at)

    def demand(self, count: int) -> Demand:
        """A claim for so many tasks; `note` must tell what it brought.

        One that is woken for where tasks were due before tries there before it looks around.
        """
        now = time.monotonic()
        is_hasty = not self._was_short or (self._is_woken and not self._is_elsewhere)
        is_time = now >= self._around_at or now - self._looked_at > self._look_every_s
        self._is_woken = self._is_elsewhere = False
        return Demand(
            count=min(count, self._most),
            lease=new_id(),
            lease_s=self._leases.lease_s,
            worker=self._worker,
            default_retries=self._options.max_retries,
            queues=self._options.queues,
            exclude_queues=self._options.exclude_queues,
            level=self._known.level(now) if is_hasty else None,
            look=not is_hasty or is_time,
        )

    def claim(self, count: int, poll_s: float) -> Iterator[Accepted]:
        """As `accept`."""
        demand, sent_at = self.demand(count), time.monotonic()
        using = self._database.using
        claims = self._database.run("claim tasks", lambda: lifecycle.claim(demand, using))
        self.note(demand, claims, sent_at, poll_s)
        if not isinstance(claims, Failed) and claims.tasks:
            yield from self.accept(claims.tasks, demand.lease, sent_at)

    def note(self, demand: Demand, claims: Claims | Failed, sent_at: float, poll_s: float) -> None:
        """Learn from what a claim has brought when to look next, and where."""
        if isinstance(claims, Failed):
            self._leases.unsure[demand.lease] = Unsure(sent_at)
            self._most = max(1, demand.count // 2)
            self.look_at = max(self._database.retry_at, sent_at)
            return
        self.has_looked = True
        self._most = min(MOST, self._most * 2)
        self.found_nothing = not claims.tasks
        self._was_short = len(claims.tasks) < demand.count
        self._known.note(claims, self._options.queues, sent_at)
        if claims.tasks:
            self._pause_s, self._in_vain = 0.0, 0
        if claims.groups is None:  # it has not looked around: there may be more elsewhere
            if claims.tasks and self._was_short:
                self._around_at = min(self._around_at, sent_at + AROUND_S)
                self.look_at = max(sent_at + SETTLE_FIRST_S, min(self._around_at, self._next_due_at))
            else:
                self.look_at = sent_at
            return
        self._looked_at, self._around_at = sent_at, math.inf
        self._look_every_s = max(LOOK_EVERY_S, LOOKS_APART * (time.monotonic() - sent_at))
        due_s = next_due_s(claims.groups)
        self._next_due_at = math.inf if due_s is None else sent_at + due_s
        if claims.tasks:
            self.look_at = sent_at
            return
        self._in_vain += 1
        if self._in_vain > FREE_LOOKS:
            self._pause_s = min(MAX_PAUSE_S, max(MIN_PAUSE_S, self._pause_s * 2))
        poll_s *= random.uniform(LEAST_POLL, 1.0)
        self.look_at = sent_at + (poll_s if due_s is None else min(poll_s, max(due_s, MIN_PAUSE_S)))

    def adopt(self) -> Iterator[Accepted]:
        """What claims that were never answered have brought us after all; as `accept`."""
        for lease, claim in list(self._leases.unsure.items()):
            now = time.monotonic()
            if now < claim.look_at:
                continue
            tasks = self._database.run("look for claims", partial(self._hold, lease, claim.known))
            if isinstance(tasks, Failed):
                break
            claim.looked(now, self._leases.lease_s)
            if tasks:
                claim.known.update(task.id for task in tasks)
                yield from self.accept(tasks, lease, now)
            if now - claim.sent_at > UNSURE_FOR_S:
                del self._leases.unsure[lease]

    def _hold(self, lease: str, known: Container[str]) -> list[Claimed]:
        """The tasks under this lease of which we never knew, renewed: it may be an old one.

        One that we knew and hold no more was cut off: only its rescue counts that attempt.
        """
        using = self._database.using
        tasks = [task for task in lifecycle.held(lease, using) if task.id not in known]
        pairs = _pairs(tasks)
        renewed = lifecycle.renew(pairs, self._leases.lease_s, using).held if pairs else {}
        return [task for task in tasks if renewed.get(task.id) == lease]

    def accept(self, tasks: Sequence[Claimed], lease: str, sent_at: float) -> Iterator[Accepted]:
        """Some at a time, while the others are being locked. The caller must take them all."""
        self._leases.add(tasks, lease, sent_at)
        blocked: list[Claimed] = []
        left = iter(tasks)
        for portion in self._locks.acquire(_pairs(tasks)):
            free: list[Claimed] = []
            for is_locked, task in zip(portion, left, strict=False):
                (blocked if is_locked else free).append(task)
            yield free, []
        if blocked:
            delays_s = self._locks.remaining(_pairs(blocked))
            yield (
                [task for task in blocked if task.id not in delays_s],
                [
                    Outcome(task=task, kind=Kind.BLOCKED, worker=self._worker, delay_s=delays_s[task.id])
                    for task in blocked
                    if task.id in delays_s
                ],
            )


def _pairs(tasks: Iterable[Claimed]) -> list[tuple[str, str]]:
    return [(task.id, task.lease) for task in tasks]
