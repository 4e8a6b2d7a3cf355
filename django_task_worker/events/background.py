"""The publisher of web processes and commands: no caller waits for Redis.

Where the connection is open an event goes out on it at once, without waiting for the answer. Opening it, and
whatever else may take time, is left to one daemon thread.
"""

from __future__ import annotations

import atexit
import os
import threading
from collections import deque
from collections.abc import Sequence
from functools import lru_cache
from typing import TYPE_CHECKING

from django_task_worker.conf import settings
from django_task_worker.events.event import Event

if TYPE_CHECKING:
    from django_task_worker.events.redis import Link, Messages

CAPACITY = 10_000
BATCH = 500
BUDGET_S = 0.25


class BackgroundPublisher:
    """Publishes from a thread that starts with the first event. When the buffer is full the oldest go."""

    def __init__(self) -> None:
        self._events: deque[Event] = deque(maxlen=CAPACITY)
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None
        self._is_busy = False
        self._line = threading.Lock()
        """Held by whoever uses the link."""
        self._link: Link | None = None
        self._messages: Messages | None = None
        self.pid = os.getpid()

    def publish(self, events: Sequence[Event]) -> None:
        if settings().redis_url is None or self._post(events):
            return
        with self._changed:
            self._events.extend(events)
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="task-events", daemon=True)
                self._thread.start()
            self._changed.notify_all()

    def _post(self, events: Sequence[Event]) -> bool:
        """Send them now, if that takes no time and no others wait to be sent before them."""
        if self._link is None or self._messages is None or len(events) > BATCH:
            return False
        if self._is_busy or self._events or not self._line.acquire(blocking=False):
            return False
        try:
            return self._link.is_open and self._link.post(self._messages.commands(events), opens=False)
        finally:
            self._line.release()

    def flush(self, timeout_s: float) -> None:
        """Wait until all is sent or given up."""
        if self._thread is None or os.getpid() != self.pid:
            return
        with self._changed:
            self._changed.wait_for(lambda: not self._events and not self._is_busy, timeout_s)
        if self._line.acquire(timeout=timeout_s):
            try:
                if self._link is not None:
                    self._link.settle()
            finally:
                self._line.release()

    def _run(self) -> None:
        from django_task_worker.events.redis import Link, Messages

        self._link, self._messages = Link(BUDGET_S), Messages()
        while True:
            batch = self._take()
            with self._line:
                if self._link.is_up:
                    self._link.call(self._messages.commands(batch))
            self._done()

    def _take(self) -> list[Event]:
        with self._changed:
            self._changed.wait_for(lambda: bool(self._events))
            batch = [self._events.popleft() for _ in range(min(len(self._events), BATCH))]
            self._is_busy = True
            return batch

    def _done(self) -> None:
        with self._changed:
            self._is_busy = False
            self._changed.notify_all()


@lru_cache(maxsize=1)
def _of_process(pid: int) -> BackgroundPublisher:
    publisher = BackgroundPublisher()
    atexit.register(publisher.flush, BUDGET_S)
    return publisher


def background_publisher() -> BackgroundPublisher:
    """The publisher of this process; a forked child gets its own."""
    return _of_process(os.getpid())
