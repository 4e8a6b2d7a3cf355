"""A worker's own counts on their way into the database: it overwrites its rows of the last minutes."""

from __future__ import annotations

import time
from datetime import UTC, datetime

from django_task_worker.queries import database_now
from django_task_worker.records import MINUTE_S
from django_task_worker.statistics import rows
from django_task_worker.statistics.tally import Tally

LOOK_AT_CLOCK_S = 60.0


class Recorder:
    """Counts the attempts of one worker, by the minutes of the database's clock."""

    def __init__(self, worker_id: str, worker: str, using: str) -> None:
        self._worker_id = worker_id
        self._worker = worker
        self._using = using
        self._tally = Tally()
        self.note = self._tally.note
        """One attempt has ended; not a method of its own, for it is called for each task."""
        self._behind_s = 0.0
        self._looked_at = -LOOK_AT_CLOCK_S

    def begin(self) -> None:
        """The attempts that are noted from here on have ended now."""
        self._tally.turn_to(time.time() + self._behind_s)

    def write(self) -> None:
        """Bring the database up to date: one statement, none when nothing has ended.

        What could not be written is written with the next call.
        """
        entries = self._tally.changed()
        if not entries:
            return
        self._look_at_clock()
        found = [
            rows.row(
                entry.series,
                starts_at=datetime.fromtimestamp(entry.minute, UTC),
                span_s=MINUTE_S,
                queue=entry.queue,
                name=entry.name,
                worker=self._worker,
                source=self._worker_id,
            )
            for entry in entries
        ]
        rows.store(found, self._using)
        self._tally.written(entries)

    def _look_at_clock(self) -> None:
        now = time.monotonic()
        if now - self._looked_at >= LOOK_AT_CLOCK_S:
            self._behind_s = database_now(self._using).timestamp() - time.time()
            self._looked_at = now
