"""The signals that matter to a screen: noted when they come, acted on by the loop."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

ENDS = (signal.SIGTERM, signal.SIGHUP, signal.SIGINT)
OTHERS = (signal.SIGWINCH, signal.SIGTSTP, signal.SIGCONT)


class Signals:
    """`pending` holds what has come and has not been taken; a byte on `bell` wakes the loop."""

    def __init__(self, bell: int) -> None:
        self._bell = bell
        self.pending: list[int] = []

    @contextmanager
    def caught(self) -> Iterator[None]:
        before = {number: signal.signal(number, self._note) for number in (*ENDS, *OTHERS)}
        # Twice the bell would be full only when the loop is about to read it anyway.
        descriptor = signal.set_wakeup_fd(self._bell, warn_on_full_buffer=False)
        try:
            yield
        finally:
            signal.set_wakeup_fd(descriptor)
            for number, handler in before.items():
                signal.signal(number, handler)

    def take(self) -> list[int]:
        found, self.pending = self.pending, []
        return found

    def stop_here(self) -> None:
        """Suspend this process and those of its group, as Ctrl-Z does; returns when it goes on."""
        handler = signal.signal(signal.SIGTSTP, signal.SIG_DFL)
        try:
            os.killpg(os.getpgrp(), signal.SIGTSTP)
        finally:
            signal.signal(signal.SIGTSTP, handler)

    def _note(self, number: int, frame: FrameType | None) -> None:
        self.pending.append(number)
