"""How far something long has come: one line on a terminal, now and then one in a log; and a gentle Ctrl-C."""

from __future__ import annotations

import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType, TracebackType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from taskctl.terminal import Terminal

PATIENCE_S = 1.0
REDRAW_S = 0.1
LOG_S = 10.0


class Progress:
    """Shows itself once the work has passed a second. Never with -q."""

    def __init__(self, terminal: Terminal, word: str = "", total: int = 0) -> None:
        self._terminal = terminal
        self._word = word
        self._total = total
        self._began = self._shown_at = time.monotonic()
        self._is_drawn = False

    def __enter__(self) -> Progress:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.hide()

    def update(self, done: int) -> None:
        """So many are done."""
        self.show(f"{self._word} {done:,}" + (f" of {self._total:,}" if self._total else ""))

    def show(self, text: str) -> None:
        """This, on one line that fits, is how far it is."""
        now = time.monotonic()
        if self._terminal.err_is_tty and self._terminal.verbosity >= 0:
            if now - self._began >= PATIENCE_S and now - self._shown_at >= REDRAW_S:
                self._shown_at, self._is_drawn = now, True
                sys.stderr.write(f"\r\x1b[K{text}")
                sys.stderr.flush()
        elif now - self._shown_at >= LOG_S:
            self._shown_at = now
            self._terminal.detail(text)

    def hide(self) -> None:
        """Make room for something else to be printed."""
        if self._is_drawn:
            self._is_drawn = False
            sys.stderr.write("\r\x1b[K")
            sys.stderr.flush()


@contextmanager
def interrupts() -> Iterator[Callable[[], bool]]:
    """Inside, Ctrl-C is only remembered; the value tells whether it was pressed. A second one is real."""
    pressed = False

    def remember(number: int, frame: FrameType | None) -> None:
        nonlocal pressed
        if pressed:
            raise KeyboardInterrupt
        pressed = True

    before = signal.signal(signal.SIGINT, remember)
    try:
        yield lambda: pressed
    finally:
        signal.signal(signal.SIGINT, before)
