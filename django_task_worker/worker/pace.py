"""How much to assign ahead: from measured run times, so that short tasks never wait for a round trip."""

from __future__ import annotations

from collections import deque

AHEAD_S = 0.020
WAITING_S = 0.010
"""Tasks that are not short wait in the supervisor for the next free child: as many as end in this time."""
MAX_AHEAD = 512
SHORT_S = 0.005
MEMORY = 1000
WEIGHT = 0.2
FIRST = 8
"""Until so many have ended nothing is sure; then the longest of them stands for all."""
RECENT = 64


class Pace:
    """Moving averages of run times, by task name and over all."""

    def __init__(self) -> None:
        self._average_s: dict[str, float] = {}
        self._overall_s = 1.0
        self._first_s: list[float] = []
        self._ends: deque[float] = deque(maxlen=RECENT)

    def note(self, name: str, duration_s: float, now: float) -> None:
        """A task has run for so long until now, by the monotonic clock."""
        self._ends.append(now)
        if len(self._average_s) >= MEMORY and name not in self._average_s:
            self._average_s.clear()
        known = self._average_s.get(name, duration_s)
        self._average_s[name] = known + WEIGHT * (duration_s - known)
        if len(self._first_s) < FIRST:
            self._first_s.append(duration_s)
            if len(self._first_s) == FIRST:
                self._overall_s = max(self._first_s)
        else:
            self._overall_s += WEIGHT * (duration_s - self._overall_s)

    @property
    def window(self) -> int:
        """How many tasks each child should have in hand, the running one included."""
        if self._overall_s > SHORT_S:
            return 1
        return max(1, min(MAX_AHEAD, int(AHEAD_S / max(self._overall_s, 1e-6))))

    def ahead(self, now: float) -> int:
        """How many tasks should wait for the next free child, so that it need not wait for a claim."""
        if self.window > 1 or len(self._ends) < RECENT:
            return 0
        return int(RECENT / max(now - self._ends[0], 1e-6) * WAITING_S)

    def is_short(self, name: str) -> bool:
        """Whether tasks of this name may wait behind one another in a child."""
        return self._average_s.get(name, 1.0) <= SHORT_S
