"""Counts by second and times by bucket over a sliding window, in memory that does not grow. Pure."""

from __future__ import annotations

from bisect import bisect_left
from collections import deque
from collections.abc import Sequence
from itertools import accumulate
from typing import NamedTuple

HISTORY_S = 600
SLICE_S = 30
SLICES = 10
FACTOR = 1.36
BOUNDS_S = tuple(0.001 * FACTOR**number for number in range(59))
"""60 buckets from 1 ms to a day: a quantile is right within 17 %."""


class Meter:
    """How often something happened in each of the last seconds."""

    __slots__ = ("_counts", "_now", "last_at")

    def __init__(self, seconds: int = HISTORY_S) -> None:
        self._counts = [0] * seconds
        self._now = 0
        self.last_at = 0
        """The last second in which something happened."""

    def add(self, number: int, at: float) -> None:
        """At a second that may be a little past; what is older than the history is left out."""
        self._move(int(at))
        if number and self._now - len(self._counts) < int(at):
            self._counts[int(at) % len(self._counts)] += number
            self.last_at = max(self.last_at, int(at))

    def _move(self, second: int) -> None:
        if second <= self._now:
            return
        size = len(self._counts)
        for past in range(max(self._now + 1, second - size + 1), second + 1):
            self._counts[past % size] = 0
        self._now = second

    def totals(self, now: float, *, step_s: int, steps: int) -> list[int]:
        """The counts of the last `steps` spans of `step_s` whole seconds, oldest first.

        Spans begin at multiples of `step_s`, so that they stay the same while time goes on.
        """
        end = int(now) // step_s * step_s
        seconds = self._seconds(end - steps * step_s, end, int(now))
        if step_s == 1:
            return seconds
        return [sum(seconds[at : at + step_s]) for at in range(0, len(seconds), step_s)]

    def rate(self, now: float, over_s: int) -> float:
        """The mean for one second over the last whole seconds."""
        return sum(self._seconds(int(now) - over_s, int(now), int(now))) / over_s

    def _seconds(self, start: int, end: int, now: int) -> list[int]:
        """The counts of these seconds; 0 where the history does not reach."""
        self._move(now)
        counts, first = self._counts, self._now - len(self._counts) + 1
        at = first % len(counts)
        history = counts[at:] + counts[:at]
        missing = max(0, min(first, end) - start)
        return [0] * missing + history[max(0, start - first) : max(0, end - first)]


class Times(NamedTuple):
    """Quantiles of a set of times, in seconds."""

    p50: float
    p90: float
    p95: float
    p99: float
    longest: float


class _Slice:
    __slots__ = ("counts", "longest", "number")

    def __init__(self, number: int) -> None:
        self.number = number
        self.counts = [0] * 60
        self.longest = 0.0


class Spread:
    """How the times of the last five minutes are spread."""

    __slots__ = ("_slices",)

    def __init__(self) -> None:
        self._slices: deque[_Slice] = deque(maxlen=SLICES)

    def add(self, seconds: float, now: float) -> None:
        number = int(now) // SLICE_S
        if not self._slices or self._slices[-1].number < number:
            self._slices.append(_Slice(number))
        last = self._slices[-1]
        last.counts[bisect_left(BOUNDS_S, seconds)] += 1
        if seconds > last.longest:
            last.longest = seconds

    def load(self, counts: Sequence[int], longest: float, now: float) -> None:
        """What others have counted in the same buckets during the whole window."""
        part = _Slice(int(now) // SLICE_S - SLICES // 2)
        part.counts, part.longest = list(counts), longest
        self._slices.appendleft(part)

    def times(self, now: float) -> Times | None:
        """None when there were none."""
        oldest = int(now) // SLICE_S - SLICES
        recent = [part for part in self._slices if part.number > oldest]
        if not recent:
            return None
        counts = list(accumulate(map(sum, zip(*(part.counts for part in recent), strict=True))))
        longest = max(part.longest for part in recent)

        def quantile(share: float) -> float:
            bucket = bisect_left(counts, max(share * counts[-1], 1))
            return min(BOUNDS_S[min(bucket, 58)], longest) if bucket < 59 else longest

        return Times(quantile(0.5), quantile(0.9), quantile(0.95), quantile(0.99), longest)
