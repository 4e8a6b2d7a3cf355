"""Where the threads put what they have, and the loop takes it from. Bounded; putting never blocks."""

from __future__ import annotations

import os
import threading
from collections import deque
from collections.abc import Sequence
from contextlib import suppress
from typing import NamedTuple

from taskctl.dashboard.happenings import Happening
from taskctl.dashboard.messages import Events, Message
from taskctl.dashboard.view import Job, Row

CAPACITY = 10_000


class Answer(NamedTuple):
    """What became of a job: a sentence for the footer, or the rows of its page."""

    job: Job
    text: str = ""
    style: str = ""
    rows: Sequence[Row] = ()
    arguments: dict[str, str] | None = None


class Inbox:
    """`wake` becomes readable when something has come that is worth a look at once."""

    def __init__(self) -> None:
        self._waiting: deque[Message | Answer] = deque()
        self._events = 0
        self._dropped = 0
        self._lock = threading.Lock()
        self.wake, self._bell = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)

    @property
    def bell(self) -> int:
        """A byte written here wakes the loop; signals use it."""
        return self._bell

    def put(self, message: Message | Answer) -> None:
        with self._lock:
            self._waiting.append(message)
        self.ring()

    def put_events(self, happenings: Sequence[Happening], missed: int) -> None:
        """Without waking anybody: the next frame is soon enough. When the inbox is full they are dropped."""
        with self._lock:
            if self._events + len(happenings) > CAPACITY:
                self._dropped += len(happenings) + missed
                return
            self._events += len(happenings)
            self._waiting.append(Events(happenings, missed))

    def take(self) -> list[Message | Answer]:
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
