"""Memory that children share with their supervisor: until when they may begin what they were given."""

from __future__ import annotations

import mmap
import time
from math import inf
from struct import Struct

_TIME = Struct("=d")
CLOSED_S = 0.05


class Gate:
    """Children are given tasks ahead. A supervisor that stands still cannot take them back, this does."""

    def __init__(self) -> None:
        self._memory = mmap.mmap(-1, _TIME.size)
        self.open_until(inf)

    def open_until(self, time_at: float) -> None:
        """By the monotonic clock, which is the same in all processes."""
        _TIME.pack_into(self._memory, 0, time_at)

    @property
    def is_open(self) -> bool:
        (until,) = _TIME.unpack_from(self._memory, 0)
        return time.monotonic() < float(until)

    def wait(self) -> None:
        """Return when it is open; this process may be ended meanwhile, as somebody else has its tasks."""
        while not self.is_open:
            time.sleep(CLOSED_S)
