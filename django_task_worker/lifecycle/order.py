"""In which order a worker takes what is due. Pure.

Waiting tasks form groups: those of one queue and priority, and the retries of one queue. Groups that rank
the same form a level; within a level the task that has been due for longest goes first.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import groupby

OVERDUE_S = 60.0
"""A retry that is overdue for longer is no longer held back by new tasks."""
SLACK_S = 0.1
"""Statements take a while to arrive."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Group:
    """Tasks that wait in one queue with one priority; `priority` None stands for its retries."""

    queue: str
    priority: int | None
    due_in_s: float
    """Until the first of them is due; negative when it has been due for a while."""

    @property
    def is_due(self) -> bool:
        return self.due_in_s <= 0

    @property
    def is_retry(self) -> bool:
        return self.priority is None


@dataclass(frozen=True, kw_only=True, slots=True)
class Level:
    """Groups that rank the same, and the share of a claim that they may take."""

    queues: tuple[str, ...]
    priority: int | None
    share: float = 1.0
    overdue_s: float = 0.0
    """Only tasks that have been due for as long may be taken."""
    since_s: float | None = None
    """For how long the first of them had been due, and some: a claim may pass over what was due before.

    Index entries of what has been run stay until they may be vacuumed. A look at all groups misses nothing.
    """

    def aged(self, seconds: float) -> Level:
        """The same level that much later."""
        return self if self.since_s is None else replace(self, since_s=self.since_s + seconds)


def levels(groups: Iterable[Group], preference: Sequence[str] = ()) -> list[Level]:
    """The due groups in the order in which they are to be claimed."""
    due = [group for group in groups if group.is_due]
    retries = [group for group in due if group.is_retry]
    overdue = [group for group in retries if group.due_in_s < -OVERDUE_S]
    found = [_level(overdue, share=0.5, overdue_s=OVERDUE_S)] if overdue else []
    rank = {queue: position for position, queue in enumerate(preference)}

    def place(group: Group) -> tuple[int, int]:
        return rank.get(group.queue, 0), -(group.priority or 0)

    pending = sorted((group for group in due if not group.is_retry), key=place)
    for _, same in groupby(pending, key=place):
        members = tuple(same)
        found.append(_level(members))
    if retries:
        found.append(_level(retries))
    return found


def _level(groups: Sequence[Group], *, share: float = 1.0, overdue_s: float = 0.0) -> Level:
    return Level(
        queues=tuple(group.queue for group in groups),
        priority=groups[0].priority,
        share=share,
        overdue_s=overdue_s,
        since_s=SLACK_S - min(group.due_in_s for group in groups),
    )


def next_due_s(groups: Iterable[Group]) -> float | None:
    """Seconds until something that waits becomes due; None when nothing waits."""
    return min((max(group.due_in_s, 0.0) for group in groups), default=None)
