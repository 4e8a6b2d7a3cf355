"""Times in 60 buckets, a factor of 1.36 each from 1 ms to a day: a quantile is right within 17 %. Pure."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping
from itertools import accumulate

BUCKETS = 60
FIRST_S = 0.001
FACTOR = 1.36
BOUNDS_S = tuple(FIRST_S * FACTOR**number for number in range(BUCKETS - 1))
"""Where each bucket but the last ends; the last holds whatever is longer."""
_LAST = BUCKETS - 1


class Distribution:
    """How often times of each bucket were seen, with their sum and the longest."""

    __slots__ = ("counts", "max_s", "sum_s")

    def __init__(self) -> None:
        self.counts = [0] * BUCKETS
        self.sum_s = 0.0
        self.max_s = 0.0

    def note_all(self, times_s: list[float]) -> None:
        """More times; sorts the list. Far cheaper for a thousand than one by one."""
        if not times_s:
            return
        times_s.sort()
        position, counts = 0, self.counts
        for bucket, bound in enumerate(BOUNDS_S):
            end = bisect_left(times_s, bound, position)
            counts[bucket] += end - position
            position = end
        counts[_LAST] += len(times_s) - position
        self.sum_s += sum(times_s)
        self.max_s = max(self.max_s, times_s[-1])

    def add(self, counts: Mapping[str, int], sum_s: float, max_s: float) -> None:
        """What `stored_counts` gave for another distribution, with its sum and its longest."""
        for bucket, count in counts.items():
            self.counts[int(bucket)] += count
        self.sum_s += sum_s
        self.max_s = max(self.max_s, max_s)

    def stored_counts(self) -> dict[str, int]:
        """The buckets that are not empty, as JSON takes them."""
        return {str(bucket): count for bucket, count in enumerate(self.counts) if count}

    @property
    def count(self) -> int:
        return sum(self.counts)

    @property
    def mean_s(self) -> float | None:
        count = self.count
        return self.sum_s / count if count else None

    def quantile_s(self, share: float) -> float | None:
        """The time that this share of all (0.95) did not exceed; None when there are none."""
        total = self.count
        if not total:
            return None
        rank = max(share * total, 1.0)
        for bucket, seen in enumerate(accumulate(self.counts)):
            if seen >= rank:
                within = (rank - (seen - self.counts[bucket])) / self.counts[bucket]
                return min(_between(bucket, within), self.max_s)
        return self.max_s


def _between(bucket: int, share: float) -> float:
    """The time at this share of a bucket's width, on the scale of the buckets."""
    if bucket == 0:
        return FIRST_S * share
    return float(BOUNDS_S[bucket - 1] * FACTOR**share)
