"""What one worker counts, in memory: nothing here waits for the database. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from django_task_worker.states import Transition
from django_task_worker.statistics.counts import Counts

MINUTE_S = 60
MAX_SERIES = 1000
KEPT_MINUTES = 15
"""Beyond that, what could not be written is given up."""
FOLD_AT = 1000
OTHER = "(other)"
"""Stands for the names beyond the first thousand of a minute."""
_COMPLETE = Transition.COMPLETE


class Series(Counts):
    """The tasks of one name in one queue within a minute."""

    __slots__ = ("is_changed", "runs_s", "waits_s")

    def __init__(self) -> None:
        super().__init__()
        self.waits_s: list[float] = []
        self.runs_s: list[float] = []
        self.is_changed = False

    def fold(self) -> None:
        """Put the times noted since the last call where they belong."""
        self.wait.note_all(self.waits_s)
        self.run.note_all(self.runs_s)
        self.waits_s.clear()
        self.runs_s.clear()


@dataclass(frozen=True, kw_only=True, slots=True)
class Entry:
    """A series and what it is about. `minute` is its start in seconds since 1970."""

    minute: int
    queue: str
    name: str
    series: Series


class Tally:
    """Counts by minute, queue and task name."""

    def __init__(self) -> None:
        self._minutes: dict[int, dict[tuple[str, str], Series]] = {}
        self._current: dict[tuple[str, str], Series] = {}
        self._ends_at = 0.0

    def turn_to(self, time_s: float) -> None:
        """From now on count for the minute that this time is in, in seconds since 1970."""
        if time_s >= self._ends_at or time_s < self._ends_at - MINUTE_S:
            minute = int(time_s // MINUTE_S) * MINUTE_S
            self._current = self._minutes.setdefault(minute, {})
            self._ends_at = minute + MINUTE_S
            self._forget(sorted(self._minutes)[:-KEPT_MINUTES])

    def note(self, transition: Transition, queue: str, name: str, wait_s: float, run_s: float | None) -> None:
        """One attempt has ended. Takes about a microsecond: it is called for each task."""
        series = self._current.get((queue, name)) or self._new(queue, name)
        if transition is _COMPLETE:
            series.completed += 1
        elif transition is Transition.FAIL:
            series.failed += 1
        elif transition is Transition.RETRY:
            series.retried += 1
        elif transition is Transition.CANCEL:
            series.cancelled += 1
        else:
            return
        series.is_changed = True
        waits_s = series.waits_s
        waits_s.append(wait_s)
        if run_s is not None:
            series.runs_s.append(run_s)
        if len(waits_s) >= FOLD_AT:
            series.fold()

    def _new(self, queue: str, name: str) -> Series:
        if len(self._current) >= MAX_SERIES:
            name = OTHER
        return self._current.setdefault((queue, name), Series())

    def changed(self) -> list[Entry]:
        """What is to be written: whatever has changed since `written`."""
        return list(self._changed())

    def _changed(self) -> Iterator[Entry]:
        for minute, all_series in self._minutes.items():
            for (queue, name), series in all_series.items():
                if series.is_changed:
                    series.fold()
                    yield Entry(minute=minute, queue=queue, name=name, series=series)

    def written(self, entries: list[Entry]) -> None:
        """These are in the database as they are now; minutes that are over are forgotten."""
        for entry in entries:
            entry.series.is_changed = False
        newest = max(self._minutes, default=0)
        self._forget([m for m in self._minutes if m < newest and not self._is_changed(m)])

    def _is_changed(self, minute: int) -> bool:
        return any(series.is_changed for series in self._minutes[minute].values())

    def _forget(self, minutes: list[int]) -> None:
        for minute in minutes:
            del self._minutes[minute]
