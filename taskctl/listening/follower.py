"""Following what happens: by Redis while it answers, by the database while it does not.

    POLLING ──Redis answers, one last reading──▶ LIVE ──Redis is lost──▶ POLLING

The subscription comes first and the reading afterwards, so that nothing falls between them; what both tell is
told once.
"""

from __future__ import annotations

import os
import select
import stat
import sys
import time
from collections.abc import Callable, Iterator
from itertools import islice
from typing import TYPE_CHECKING

from taskctl.listening.feed import Feed
from taskctl.listening.happenings import Happening, Numbering
from taskctl.listening.inbox import Inbox
from taskctl.listening.messages import DOWN, OK, Events, Health

if TYPE_CHECKING:
    from taskctl.listening.past import Past

POLL_S = 1.0
MOST_AT_ONCE = 500


class Follower:
    """`tell` hears how it stands with Redis whenever that changes, and of the database when it fails."""

    def __init__(self, past: Past, tell: Callable[[Health], None]) -> None:
        self._past = past
        self._tell = tell
        self._inbox = Inbox[Health](rings=True)
        self._feed = Feed(self._inbox, gather_s=0.0)
        self._numbering = Numbering()
        self._state = ""
        self._reads_at = time.monotonic()
        self._is_database_away = False
        self._wakes = select.poll()
        self._wakes.register(self._inbox.wake, select.POLLIN)
        if _is_pipe():
            self._wakes.register(sys.stdout.fileno(), 0)  # an error is told always

    @property
    def is_live(self) -> bool:
        return self._state == OK

    @property
    def _must_read(self) -> bool:
        return not self.is_live or self._is_database_away

    def batches(self, deadline: float | None = None) -> Iterator[list[Happening]]:
        """What has happened, as it comes; an empty list when nothing has for a moment.

        Waits until `deadline` at most, by the monotonic clock. Raises BrokenPipeError when nobody reads what
        we write.
        """
        self._feed.start()
        try:
            while True:
                for message in self._inbox.take():
                    if isinstance(message, Events):
                        yield self._heard(message)
                    else:
                        yield from self._stands(message)
                if self._must_read and time.monotonic() >= self._reads_at:
                    yield from self._read()
                yield []
                self._wait(deadline)
        finally:
            self._feed.stop()

    def _heard(self, events: Events) -> list[Happening]:
        """With a gap before what came behind it."""
        found: list[Happening] = []
        for happening in events.happenings:
            missed = self._numbering.missed(happening)
            if missed:
                found.append(Happening("gap", happening.at, number=missed, publisher=happening.publisher))
            if self._past.note(happening):
                found.append(happening)
        return found

    def _stands(self, health: Health) -> Iterator[list[Happening]]:
        if health.state != self._state:
            self._state = health.state
            self._reads_at = time.monotonic()
            self._tell(health)
            if self.is_live:
                self._numbering = Numbering()
                yield from self._read()
        if self.is_live and not self._is_database_away:
            self._past.heard_until(health.at)

    def _read(self) -> Iterator[list[Happening]]:
        from django.db import InterfaceError, OperationalError, connections

        self._reads_at = time.monotonic() + POLL_S
        happenings = self._past.read()
        try:
            while batch := list(islice(happenings, MOST_AT_ONCE)):
                yield batch
        except (OperationalError, InterfaceError) as error:
            connections[self._past.using].close()
            if not self._is_database_away:
                self._is_database_away = True
                self._tell(Health("database", DOWN, str(error)))
        else:
            if self._is_database_away:
                self._is_database_away = False
                self._tell(Health("database", OK))

    def _wait(self, deadline: float | None) -> None:
        now = time.monotonic()
        seconds = max(0.0, self._reads_at - now) if self._must_read else POLL_S
        if deadline is not None:
            seconds = min(seconds, max(0.0, deadline - now))
        for descriptor, _ in self._wakes.poll(seconds * 1000):
            if descriptor != self._inbox.wake:
                raise BrokenPipeError


def _is_pipe() -> bool:
    try:
        return stat.S_ISFIFO(os.fstat(sys.stdout.fileno()).st_mode)
    except (OSError, ValueError, AttributeError):
        return False
