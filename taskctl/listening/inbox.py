"""Where the threads put what they have, and the loop takes it from. Bounded; putting never blocks."""

from __future__ import annotations

import os
import threading
from collections import deque
from collections.abc import Sequence
from contextlib import suppress
from typing import Generic, TypeVar

from taskctl.listening.happenings import Happening
from taskctl.listening.messages import Events, Health

CAPACITY = 10_000
T = TypeVar("T")


class Inbox(Generic[T]):
    """`wake` becomes readable when something has come that is worth a look at once.

    Besides events and the health of servers it holds what else its owner wants to be told. With `rings`
    events are worth it too; else they wait for the next look.
    """

    def __init__(self, *, rings: bool = False) -> None:
        self._waiting: deque[Events | Health | T] = deque()
        self._rings = rings
        self._events = 0
        self._dropped = 0
        self._lock = threading.Lock()
        self.wake, self._bell = os.pipe()  # pipe2 is for Linux alone
        for end in (self.wake, self._bell):
            os.set_blocking(end, False)

    @property
    def bell(self) -> int:
        """A byte written here wakes the loop; signals use it."""
        return self._bell

    def put(self, message: Events | Health | T) -> None:
        with self._lock:
            self._waiting.append(message)
        self.ring()

    def put_events(self, happenings: Sequence[Happening], missed: int) -> None:
        """When the inbox is full they are dropped, and counted."""
        with self._lock:
            if self._events + len(happenings) > CAPACITY:
                self._dropped += len(happenings) + missed
                return
            self._events += len(happenings)
            self._waiting.append(Events(happenings, missed))
        if self._rings:
            self.ring()

    def take(self) -> list[Events | Health | T]:
        """All there is, in its order."""
        with suppress(BlockingIOError):
            os.read(self.wake, 4096)
        with self._lock:
            found = list(self._waiting)
            self._waiting.clear()
            if self._dropped:
                found.append(Events((), 0, self._dropped))
            self._events = self._dropped = 0
        return found

    def ring(self) -> None:
        with suppress(BlockingIOError):
            os.write(self._bell, b"\0")

    def close(self) -> None:
        os.close(self.wake)
        os.close(self._bell)
