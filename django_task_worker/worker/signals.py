"""Signals as bytes on a socket: the loop reads them when it is ready, nothing happens inside a handler."""

from __future__ import annotations

import signal
import socket
from types import FrameType

STOP = frozenset((signal.SIGTERM, signal.SIGINT, signal.SIGHUP))
HANDLED = (*STOP, signal.SIGQUIT, signal.SIGUSR1, signal.SIGCHLD)


def _ignore(number: int, frame: FrameType | None) -> None:
    """The wake-up descriptor has already carried the number."""


class Signals:
    """While open, signals arrive at `fileno()`; afterwards the old handlers are back."""

    def __init__(self) -> None:
        self._reader, self._writer = socket.socketpair()
        self._reader.setblocking(False)
        self._writer.setblocking(False)
        self._old_descriptor = signal.set_wakeup_fd(self._writer.fileno(), warn_on_full_buffer=False)
        self._old = {number: signal.signal(number, _ignore) for number in HANDLED}

    def fileno(self) -> int:
        return self._reader.fileno()

    def read(self) -> list[signal.Signals]:
        """What has arrived since the last call, in order."""
        try:
            received = self._reader.recv(4096)
        except BlockingIOError:
            return []
        return [signal.Signals(number) for number in received if number in HANDLED]

    def close(self) -> None:
        signal.set_wakeup_fd(self._old_descriptor)
        for number, handler in self._old.items():
            signal.signal(number, handler)
        self.forget()

    def forget(self) -> None:
        """Close the sockets only: for a forked child, which sets its own handlers."""
        self._reader.close()
        self._writer.close()
