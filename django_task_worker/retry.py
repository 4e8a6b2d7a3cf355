"""How long a retry waits. Pure: the caller brings the randomness."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Backoff:
    """Retry n waits `min(cap_s, base_s * factor ** (n - 1))` seconds times 1.0 to `1.0 + jitter`."""

    base_s: float = 2.0
    factor: float = 2.0
    cap_s: float = 600.0
    jitter: float = 0.1

    def delay_s(self, retry: int, random: float) -> float:
        """Seconds before retry number `retry` (1 is the first); `random` lies in 0.0 to 1.0."""
        return self._plain_s(retry) * (1.0 + self.jitter * random)

    def _plain_s(self, retry: int) -> float:
        try:
            return min(self.cap_s, self.base_s * self.factor ** (max(retry, 1) - 1))
        except OverflowError:
            return self.cap_s
