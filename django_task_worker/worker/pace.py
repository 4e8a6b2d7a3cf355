"""How much to assign ahead: from measured run times, so that short tasks never wait for a round trip."""

from __future__ import annotations

AHEAD_S = 0.020
MAX_AHEAD = 512
SHORT_S = 0.005
MEMORY = 1000
WEIGHT = 0.2


class Pace:
    """Moving averages of run times, by task name and over all."""

    def __init__(self) -> None:
        self._average_s: dict[str, float] = {}
        self._overall_s = 1.0

    def note(self, name: str, duration_s: float) -> None:
        """A task has run for so long."""
        if len(self._average_s) >= MEMORY and name not in self._average_s:
            self._average_s.clear()
        known = self._average_s.get(name, duration_s)
        self._average_s[name] = known + WEIGHT * (duration_s - known)
        self._overall_s += WEIGHT * (duration_s - self._overall_s)

    @property
    def window(self) -> int:
        """How many tasks each child should have in hand, the running one included."""
        if self._overall_s > SHORT_S:
            return 1
        return max(1, min(MAX_AHEAD, int(AHEAD_S / max(self._overall_s, 1e-6))))

    def is_short(self, name: str) -> bool:
        """Whether tasks of this name may wait behind one another in a child."""
        return self._average_s.get(name, 1.0) <= SHORT_S
