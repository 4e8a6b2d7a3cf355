"""What a supervisor does on a timer beside its tasks: statistics, showing what runs, deleting what is old."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterable

from django_task_worker import retention, turns
from django_task_worker.conf import settings
from django_task_worker.events.subscription import Subscription
from django_task_worker.registry import Identity
from django_task_worker.statistics import Recorder
from django_task_worker.worker.database import Database
from django_task_worker.worker.maintenance import Chore
from django_task_worker.worker.observer import Observer
from django_task_worker.worker.process import Process

STATISTICS_S = 7.0
RETENTION_SWEEPS = 6
"""How many sweeps there are from one look for what is old to the next."""
TURN_S = 300.0
"""How long one worker deletes what is old before another may, if it is gone."""
SHARE = 0.2
"""Of the worker's time that deleting may take while there is much to delete."""


class Upkeep:
    """The chores that no task waits for. All of them may fail: they are tried again."""

    def __init__(
        self,
        who: Identity,
        database: Database,
        subscription: Subscription,
        processes: Callable[[], Iterable[Process]],
    ) -> None:
        self._who = who
        self._database = database
        every_s = RETENTION_SWEEPS * settings().sweep_s
        first = time.monotonic() + random.uniform(0.1, 1.0) * every_s
        self._retaining = Chore(every_s=every_s, action=self._retain, due=first)
        self.recorder = Recorder(who.id, who.name, database.using)
        self._observer = Observer(who.name, database, subscription, processes)
        self.keep = self._observer.keep

    @property
    def chores(self) -> tuple[Chore, ...]:
        statistics = Chore(every_s=STATISTICS_S, action=self._write_statistics, jitter=0.3)
        return statistics, self._retaining, *self._observer.chores

    def finish(self) -> None:
        """The worker ends."""
        self._write_statistics()
        self._observer.finish()

    def _retain(self, now: float) -> None:
        began = time.monotonic()
        has_more = self._database.run("delete what is old", self._delete_old)
        if has_more is True:
            self._retaining.due = began + (time.monotonic() - began) / SHARE

    def _delete_old(self) -> bool:
        using = self._database.using
        return turns.take("retention", self._who.id, TURN_S, using) and retention.carry_out(using)

    def _write_statistics(self, now: float = 0.0) -> None:
        self._database.run("write statistics", self.recorder.write)
