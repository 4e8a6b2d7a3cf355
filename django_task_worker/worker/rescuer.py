"""Taking tasks back from workers that are lost, on a timer."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable
from functools import partial

from django_task_worker import lifecycle
from django_task_worker.cleaning import clean
from django_task_worker.worker.database import Database, Failed
from django_task_worker.worker.maintenance import Chore

logger = logging.getLogger("django_task_worker.worker")

AT_ONCE = 500
"""So few that a slow database does not cut the statement short: each row is a transaction."""


class Rescuer:
    """Any worker may take back any task; `wake` is called when some can be due again."""

    def __init__(self, database: Database, every_s: float, wake: Callable[[float], None]) -> None:
        self._database = database
        self._wake = wake
        self.chore = Chore(every_s=every_s, action=self._sweep, jitter=0.3)

    def _sweep(self, now: float) -> None:
        take_back = partial(lifecycle.rescue, limit=AT_ONCE, using=self._database.using)
        rescued = self._database.run("rescue stale tasks", take_back)
        if isinstance(rescued, Failed) or not rescued:
            return
        for worker, number in Counter(task.worker for task in rescued).items():
            logger.warning("rescued %d tasks of lost worker %s", number, clean(worker) or "of version 0.0.7")
        if len(rescued) == AT_ONCE:
            self.chore.due = now
        self._wake(now)
