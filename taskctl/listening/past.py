"""What the database tells, each thing once: before we listened, and while Redis is away."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from django_task_worker import queries
from django_task_worker.events import EventName
from taskctl.listening.happenings import Happening, from_row, names_of
from taskctl.listening.wanted import Wanted

OVERLAP = timedelta(seconds=5)
"""A change may be committed later than its time says: this much is looked at again."""
SAME_S = 1.0
"""How far the time of an event on the wire may be from that in the row."""
MOST_NEW = 30_000


class _Known(NamedTuple):
    """When something was, and who told it."""

    at: float
    source: str


class _Memory:
    """The last things that were put in: MOST_NEW of them at least, and twice that at most."""

    def __init__(self) -> None:
        self._new: dict[int, _Known] = {}
        self._old: dict[int, _Known] = {}

    def get(self, key: int) -> _Known | None:
        return self._new.get(key) or self._old.get(key)

    def put(self, key: int, known: _Known) -> None:
        if len(self._new) >= MOST_NEW:
            self._old, self._new = self._new, {}
        self._new[key] = known


class Past:
    """Remembers what has been told of late, by whatever way."""

    def __init__(self, using: str, wanted: Wanted) -> None:
        self.using = using
        names = None if wanted.types is None else names_of(wanted.types)
        self._names = None if names is None else {EventName(name) for name in names}
        ids = None if wanted.id is None else (wanted.id,)
        queues = () if wanted.queue is None else (wanted.queue,)
        self._selection = queries.Selection(ids=ids, queues=queues, task=wanted.task)
        self._memory = _Memory()
        self._begins_at = self._until = queries.database_now(using)
        self._ahead = self._until - _here()
        """How far the database's clock is ahead of ours."""

    def begin(self, since: datetime) -> None:
        """What has happened since then is told too."""
        self._begins_at = self._until = since

    def heard_until(self, at: float) -> None:
        """Up to this time of ours everything has been heard: it need not be read."""
        self._until = datetime.fromtimestamp(at, UTC) + self._ahead

    def note(self, happening: Happening) -> bool:
        """Remember it. False when it has been told already, by another way or by an earlier reading."""
        at = happening.at or (_here() + self._ahead).timestamp()
        known = _Known(at, happening.source)
        key = _key(happening)
        before = self._memory.get(key)
        if before is not None and _is_same(before, known):
            return False
        self._memory.put(key, known)
        return True

    def read(self) -> Iterator[Happening]:
        """What has happened since the last reading. Raises the errors of the database."""
        now = queries.database_now(self.using)
        span = queries.Span(since=max(self._begins_at, self._until - OVERLAP), until=now)
        for event in queries.happened(span, self.using, names=self._names, selection=self._selection):
            happening = from_row(event)
            if self.note(happening):
                yield happening
        self._ahead = now - _here()
        self._until = now


def _here() -> datetime:
    return datetime.fromtimestamp(time.time(), tz=UTC)


def _key(happening: Happening) -> int:
    """A number takes a fifth of the room of what it stands for."""
    about = happening.id or happening.worker or happening.queue
    is_try = happening.event in ("started", "completed", "failed", "retrying")
    return hash((happening.event, about, happening.tries if is_try else None))


def _is_same(before: _Known, now: _Known) -> bool:
    """Whether both are one thing. Redis tells nothing twice, and a row has the same time each time."""
    if before.source != now.source:
        return now.at <= before.at + SAME_S
    return now.source == "poll" and now.at <= before.at
