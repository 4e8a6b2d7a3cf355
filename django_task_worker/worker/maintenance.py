"""What a supervisor does on a timer."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(slots=True)
class Chore:
    """Something to do every so often; with jitter, so that many workers do not do it together."""

    every_s: float
    action: Callable[[float], None]
    jitter: float = 0.0
    due: float = 0.0

    def run_if_due(self, now: float) -> None:
        if now >= self.due:
            self.due = now + self.every_s * random.uniform(1.0 - self.jitter, 1.0)
            self.action(now)


class Maintenance:
    """The chores of one supervisor."""

    def __init__(self, *chores: Chore) -> None:
        self._chores = chores

    def run(self, now: float) -> None:
        for chore in self._chores:
            chore.run_if_due(now)

    @property
    def next_due(self) -> float:
        """By the monotonic clock."""
        return min(chore.due for chore in self._chores)
