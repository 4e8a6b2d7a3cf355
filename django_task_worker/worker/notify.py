"""What systemd wants to hear of a service of `Type=notify`, where it asks. See sd_notify(3)."""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Callable
from contextlib import suppress

from django_task_worker.registry import Load
from django_task_worker.worker.maintenance import Chore

STATUS_S = 10.0


class Service:
    """One worker as systemd sees it. Takes the address out of the environment: tasks must not use it."""

    def __init__(self, load: Callable[[], Load], slots: int) -> None:
        address = os.environ.pop("NOTIFY_SOCKET", "")
        self._address = "\0" + address[1:] if address.startswith("@") else address
        microseconds = os.environ.pop("WATCHDOG_USEC", "")
        is_ours = os.environ.pop("WATCHDOG_PID", str(os.getpid())) == str(os.getpid())
        self._watchdog_s = int(microseconds) / 1e6 if is_ours and microseconds.isdecimal() else None
        self._load = load
        self._slots = slots
        self._done, self._looked_at = 0, time.monotonic()

    @property
    def chores(self) -> tuple[Chore, ...]:
        """Done by the loop itself: a loop that is stuck is noticed."""
        every_s = STATUS_S if self._watchdog_s is None else min(STATUS_S, self._watchdog_s / 2)
        return (Chore(every_s=every_s, action=self._tell),) if self._address else ()

    def ready(self) -> None:
        self._say("READY=1")

    def stopping(self) -> None:
        self._say("STOPPING=1")

    def _tell(self, now: float) -> None:
        load = self._load()
        done = load.completed + load.failed
        rate = (done - self._done) / max(now - self._looked_at, 0.001)
        self._done, self._looked_at = done, now
        self._say("WATCHDOG=1", f"STATUS={load.busy}/{self._slots} busy, {rate:.0f}/s")

    def _say(self, *lines: str) -> None:
        if self._address:
            with suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as channel:
                channel.setblocking(False)
                channel.sendto("\n".join(lines).encode(), self._address)
