"""Who stores tasks, all the time: callers that are refused go on, as web processes do."""

from __future__ import annotations

import random
import threading
import time
from datetime import timedelta
from itertools import count
from typing import Any

from django.db import Error, connections

from django_task_worker.client import create_task
from tests.chaos.oracle import Oracle

# share, seconds of the run, what becomes of it, options
MIX: list[tuple[float, tuple[float, float], str, dict[str, Any]]] = [
    (0.70, (0.0, 0.05), "end", {"max_retries": 9}),
    (0.08, (0.5, 4.0), "end", {"max_retries": 9}),
    (0.08, (0.0, 0.1), "end", {"max_retries": 0}),
    (0.05, (0.0, 0.05), "fail", {"max_retries": 1}),
    (0.01, (0.0, 0.05), "die", {"max_retries": 1}),
    (0.01, (60.0, 60.0), "end", {"max_retries": 0, "timeout": 2}),
    (0.05, (0.0, 0.05), "end", {"max_retries": 9, "run_after": timedelta(seconds=5)}),
    (0.02, (0.0, 0.05), "end", {"max_retries": 9, "priority": 10, "queue": "other"}),
]


def now() -> float:
    return time.clock_gettime(time.CLOCK_BOOTTIME)


class Load:
    """Stores tasks from a thread. `stored` says when each key was, by the clock of the journal."""

    def __init__(self, oracle: Oracle, rate: float) -> None:
        self._oracle = oracle
        self._rate = rate
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._numbers = count()
        self.stored: dict[str, float] = {}
        self.ids: dict[str, str] = {}
        self.refused = 0
        self.slowest_s = 0.0

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._ended.set()
        self._thread.join()

    def _run(self) -> None:
        due = time.monotonic()
        while not self._ended.is_set():
            due = max(due + 1 / self._rate, time.monotonic() - 1.0)
            self._store(f"s{next(self._numbers)}")
            time.sleep(max(0.0, due - time.monotonic()))
        connections.close_all()

    def _store(self, key: str) -> None:
        (chosen,) = random.choices(MIX, [share for share, *_ in MIX])
        _, seconds, fate, options = chosen
        arguments = [str(self._oracle.folder), key, random.uniform(*seconds), fate]
        began = time.monotonic()
        try:
            task = create_task("recorded.run", arguments, check=False, **options)
        except Error:
            self.refused += 1
            connections[self._oracle.alias].close()
            return
        self.slowest_s = max(self.slowest_s, time.monotonic() - began)
        self.stored[key] = now() + options.get("run_after", timedelta()).total_seconds()
        self.ids[key] = task.id
