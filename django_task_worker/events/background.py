"""The publisher of web processes and commands: one daemon thread, so that no caller waits for Redis."""

from __future__ import annotations

import atexit
import os
import threading
from collections import deque
from collections.abc import Sequence
from functools import lru_cache

from django_task_worker.conf import settings
from django_task_worker.events.event import Event

CAPACITY = 10_000
BUDGET_S = 0.25


class BackgroundPublisher:
    """Publishes from a thread that starts with the first event. When the buffer is full the oldest go."""

    def __init__(self) -> None:
        self._events: deque[Event] = deque(maxlen=CAPACITY)
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None
        self._is_busy = False
        self.pid = os.getpid()

    def publish(self, events: Sequence[Event]) -> None:
        if settings().redis_url is None:
            return
        with self._changed:
            self._events.extend(events)
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="task-events", daemon=True)
                self._thread.start()
            self._changed.notify_all()

    def flush(self, timeout_s: float) -> None:
        """Wait until all is sent or given up."""
        if self._thread is None or os.getpid() != self.pid:
            return
        with self._changed:
            self._changed.wait_for(lambda: not self._events and not self._is_busy, timeout_s)

    def _run(self) -> None:
        from django_task_worker.events.redis import Link, Messages

        link, messages = Link(BUDGET_S), Messages()
        while True:
            batch = self._take()
            if link.is_up:
                link.call(messages.commands(batch))
            self._done()

    def _take(self) -> list[Event]:
        with self._changed:
            self._changed.wait_for(lambda: bool(self._events))
            batch = [self._events.popleft() for _ in range(min(len(self._events), 500))]
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
