"""What a claim has shown of where tasks are due, for the next one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from django_task_worker.lifecycle.claim import Claims
from django_task_worker.lifecycle.order import SLACK_S, Level, levels


class Known:
    """The level that tasks were claimed from last, or are due in."""

    def __init__(self) -> None:
        self._level: Level | None = None
        self._at = 0.0

    def level(self, now: float) -> Level | None:
        """That level, by the monotonic clock now; None while nothing has been due."""
        return self._level and self._level.aged(now - self._at)

    def holds(self, place: tuple[str, int] | None) -> bool:
        """Whether this queue and priority belong to that level."""
        level = self._level
        return (
            level is not None
            and place is not None
            and place[0] in level.queues
            and place[1] == level.priority
        )

    def note(self, claims: Claims, preference: Sequence[str], sent_at: float) -> None:
        """This is what a claim has brought that was sent at that time."""
        if claims.groups is not None:
            due = levels(claims.groups, preference)
            if due:
                self._level, self._at = due[0], sent_at
        elif claims.tasks and self._level is not None:
            since_s = claims.tasks[0].wait_s + SLACK_S
            self._level, self._at = replace(self._level, since_s=since_s), sent_at
