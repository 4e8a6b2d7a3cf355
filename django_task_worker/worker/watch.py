"""What must not wait for a statement: a timer that runs while one is under way."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

TICK_S = 0.25


class Watch:
    """Runs `tick(seconds since the statement began)` from a signal handler while a statement is under way."""

    def __init__(self, tick: Callable[[float], None]) -> None:
        self._tick = tick
        self._began = 0.0
        self._old = signal.signal(signal.SIGALRM, self._on_alarm)

    def _on_alarm(self, number: int, frame: FrameType | None) -> None:
        self._tick(time.monotonic() - self._began)

    @contextmanager
    def over(self) -> Iterator[None]:
        """Watch over what happens inside."""
        self._began = time.monotonic()
        signal.setitimer(signal.ITIMER_REAL, TICK_S, TICK_S)
        try:
            yield
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)

    def close(self) -> None:
        signal.signal(signal.SIGALRM, self._old)
