"""How much ends, and how long it takes: of all tasks, by queue and by worker. Pure; memory is bounded."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Collection, Sequence

from django_task_worker.snapshot.rows import FinishedRow
from taskctl.dashboard.messages import History, Past
from taskctl.dashboard.rates import HISTORY_S, Meter, Spread
from taskctl.listening.happenings import Happening

MOST_NAMES = 200
MOST_ENDED = 5000
SAME_END_S = 10.0
RECENT_S = 60
ENDS = frozenset(("completed", "failed", "cancelled"))


class Series:
    """What the tasks of one queue, or of all, are like."""

    __slots__ = ("failed", "finished", "run", "wait")

    def __init__(self) -> None:
        self.finished = Meter(HISTORY_S + 1)
        self.failed = Meter(HISTORY_S + 1)
        self.wait = Spread()
        self.run = Spread()


class Activity:
    """Rates by the clock of this machine."""

    def __init__(self, started_at: float) -> None:
        self.known_since = started_at
        self._started_at = started_at
        self.all = Series()
        self.by_queue: dict[str, Series] = {}
        self.by_worker: dict[str, Meter] = {}
        self._ended: OrderedDict[str, float] = OrderedDict()

    def note(self, happening: Happening, at: float, now: float) -> None:
        """Something happened at that time; only what has ended counts."""
        if happening.event not in ENDS or happening.id is None:
            return
        self._ended[happening.id] = happening.at or now
        if len(self._ended) > MOST_ENDED:
            self._ended.popitem(last=False)
        if happening.event == "cancelled":
            return
        _measure(self.all, happening, at, now)
        if happening.queue is not None and (series := self._series(happening.queue)) is not None:
            _measure(series, happening, at, now)
        if happening.worker and (meter := self._meter(happening.worker)) is not None:
            meter.add(1, at)

    def knows(self, row: FinishedRow) -> bool:
        """Whether this end was heard of, or seen, before."""
        known = self._ended.get(row.id)
        return known is not None and abs(known - row.at) < SAME_END_S

    def remember(self, history: History, skew_s: float) -> None:
        """What happened before anybody watched."""
        start = int(self._started_at)
        if history.minutes:
            self.known_since = max(int(history.minutes[0].at - skew_s), start - HISTORY_S)
        _load(self.all, history.minutes, skew_s, start)
        for spreads in history.spreads:
            series = self.all if spreads.queue is None else self._series(spreads.queue)
            if series is not None:
                series.wait.load(spreads.waits, spreads.longest_wait_s, start)
                series.run.load(spreads.runs, spreads.longest_run_s, start)
        for queue, minutes in history.queue_minutes:
            if (series := self._series(queue)) is not None:
                _load(series, minutes, skew_s, start)
        for worker, rate in history.worker_rates:
            if (meter := self._meter(worker)) is not None:
                _spread_out(meter, round(rate * RECENT_S), start - RECENT_S, start)

    def forget(self, queues: Collection[str], workers: Collection[str]) -> None:
        """When there is no more room, names that nobody uses any more make some."""
        if len(self.by_worker) == MOST_NAMES:
            self.by_worker = {name: meter for name, meter in self.by_worker.items() if name in workers}
        if len(self.by_queue) == MOST_NAMES:
            self.by_queue = {name: series for name, series in self.by_queue.items() if name in queues}

    def rate(self, meter: Meter, now: float, over_s: int) -> float:
        """For one second over the last seconds, or over as many as are known."""
        return meter.rate(now, max(1, min(over_s, int(now - self.known_since))))

    def _series(self, queue: str) -> Series | None:
        found = self.by_queue.get(queue)
        if found is None and len(self.by_queue) < MOST_NAMES:
            found = self.by_queue[queue] = Series()
        return found

    def _meter(self, worker: str) -> Meter | None:
        found = self.by_worker.get(worker)
        if found is None and len(self.by_worker) < MOST_NAMES:
            found = self.by_worker[worker] = Meter(RECENT_S + 1)
        return found


def _measure(series: Series, happening: Happening, at: float, now: float) -> None:
    series.finished.add(1, at)
    if happening.event == "failed":
        series.failed.add(1, at)
    if happening.wait_s is not None:
        series.wait.add(happening.wait_s, now)
    if happening.run_s is not None:
        series.run.add(happening.run_s, now)


def _load(series: Series, minutes: Sequence[Past], skew_s: float, end: int) -> None:
    """What ended in whole minutes before that second."""
    for past in minutes:
        minute = int(past.at - skew_s)
        _spread_out(series.finished, past.finished, minute, min(minute + 60, end))
        _spread_out(series.failed, past.failed, minute, min(minute + 60, end))


def _spread_out(meter: Meter, number: int, start: int, end: int) -> None:
    """A count over some seconds, shared out evenly among them."""
    seconds = end - start
    for second in range(seconds):
        share = number * (second + 1) // seconds - number * second // seconds
        meter.add(share, start + second)
