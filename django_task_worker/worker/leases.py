"""Which tasks are ours, under which lease, and until when we may believe it by our own monotonic clock."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, field

from django_task_worker.lifecycle.values import Claimed
from django_task_worker.worker.gate import Gate

UNSURE_FOR_S = 600.0
"""A database that hangs may carry out a claim long after we have given it up."""
LOOK_EVERY_S = 1.0


@dataclass(slots=True)
class Unsure:
    """A claim that was not answered: it may be carried out, now or later."""

    sent_at: float
    look_at: float = 0.0
    has_looked: bool = False
    known: set[str] = field(default_factory=set)
    """The tasks that it has turned out to have brought."""

    def looked(self, now: float, lease_s: float) -> None:
        """Look again ever more seldom, but before such a lease would run out."""
        self.has_looked = True
        self.look_at = now + min(max(LOOK_EVERY_S, (now - self.sent_at) / 5), lease_s / 3)


class Leases:
    """The claims of one supervisor."""

    def __init__(self, lease_s: float) -> None:
        self.lease_s = lease_s
        self.tasks: dict[str, Claimed] = {}
        self._until: dict[str, float] = {}
        self._earliest = math.inf
        self.gate = Gate()
        """Open as long as nobody else may have any of the tasks."""
        self.unsure: dict[str, Unsure] = {}
        """By the leases of the claims."""

    def add(self, tasks: Iterable[Claimed], lease: str, sent_at: float) -> None:
        """These tasks were claimed under this lease by a statement sent at that time."""
        self._until[lease] = until = sent_at + self.lease_s
        self._set_earliest(min(self._earliest, until))
        self.tasks.update({task.id: task for task in tasks})

    def remove(self, tasks: Iterable[Claimed]) -> None:
        """These are no longer ours, unless we have claimed them anew meanwhile."""
        for task in tasks:
            if self.holds(task):
                del self.tasks[task.id]

    def holds(self, task: Claimed) -> bool:
        """Whether it is ours under this very lease."""
        mine = self.tasks.get(task.id)
        return mine is not None and mine.lease == task.lease

    def renewed(self, held: Iterable[tuple[str, str]], sent_at: float) -> None:
        """These tasks were renewed, which were all that we held, by a statement sent at that time."""
        until = sent_at + self.lease_s
        self._until = dict.fromkeys((lease for _, lease in held), until)
        self._set_earliest(until if self._until else math.inf)

    def forget_expired(self, now: float) -> None:
        """What we had under leases that have run out was let go of."""
        self._until = {lease: until for lease, until in self._until.items() if until > now}
        self._set_earliest(min(self._until.values(), default=math.inf))

    def _set_earliest(self, until: float) -> None:
        self._earliest = until
        self.gate.open_until(until)

    def is_expired(self, task: Claimed, now: float) -> bool:
        """Whether somebody else may have this task by now."""
        return now >= self._until.get(task.lease, 0.0)

    def has_expired(self, now: float) -> bool:
        """Whether somebody else may have any of them."""
        return now >= self._earliest

    @property
    def is_in_the_dark(self) -> bool:
        """Whether we may hold tasks of which we have not even looked."""
        return any(not claim.has_looked for claim in self.unsure.values())

    @property
    def pairs(self) -> list[tuple[str, str]]:
        """The tasks that we hold: their ids and leases."""
        return [(task.id, task.lease) for task in self.tasks.values()]
