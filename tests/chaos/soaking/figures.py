"""What a soak has come to: the oracle's verdict, re-runs, waits, growth, and errors that nothing explains."""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import psutil
import psycopg
from django.db import connections

from django_task_worker.models import DatabaseTask
from tests.chaos.oracle import Verdict
from tests.chaos.soaking.faults import DATABASE
from tests.chaos.soaking.load import Load
from tests.chaos.soaking.stage import Stage

SAMPLE_EVERY_S = 10.0
EXPLAINS_FOR_S = 90.0
SETTLE_S = 240.0
OF_THE_DATABASE = ("cannot ", "the database is away", "gave up writing", "database refuses")
USED = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"


@dataclass
class Sample:
    at: float
    rss: int
    descriptors: int
    connections: int


class Figures:
    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        self._began = time.monotonic()
        self._sample_at = 0.0
        self.samples: list[Sample] = []
        self.faults: list[tuple[float, str]] = []

    def note(self, at: float, kind: str, what: str) -> None:
        """A fault has happened; since `at`, there may be errors because of it."""
        print(f"{time.monotonic() - self._began:7.0f} s  {what}", flush=True)
        self.faults.append((at, kind))

    def sample(self) -> None:
        """Look at the steady worker now and then."""
        if time.monotonic() < self._sample_at:
            return
        self._sample_at = time.monotonic() + SAMPLE_EVERY_S
        steady = psutil.Process(self._stage.crews[0].process.pid)
        with suppress(psycopg.Error):
            self.samples.append(
                Sample(time.monotonic(), steady.memory_info().rss, steady.num_fds(), self._stage.count(USED))
            )

    def report(self, load: Load) -> int:
        """Wait until all has settled, judge, print; 0 if nothing was wrong."""
        stage = self._stage
        connections[stage.database.alias].close()
        stage.oracle.settled(SETTLE_S)
        codes = [crew.process.stop(timeout=60) for crew in stage.crews]
        verdict = stage.oracle.judge()
        wrong = [
            *verdict.wrong,
            *self._lost(load),
            *(f"a worker ended with {code}" for code in codes if code),
        ]
        unexplained = list(self._unexplained())
        found = self._found(load, verdict, unexplained)
        print(json.dumps(found, indent=2))
        for line in [*wrong[:50], *unexplained[:50]]:
            print("WRONG:", line)
        return 1 if wrong or unexplained else 0

    def _found(self, load: Load, verdict: Verdict, unexplained: Sequence[str]) -> dict[str, Any]:
        waits = self._waits(load)
        attempts = Counter(DatabaseTask.objects.values_list("error_type", flat=True))
        return {
            "hours": round((time.monotonic() - self._began) / 3600, 2),
            "tasks": len(load.stored),
            "callers refused": load.refused,
            "slowest create_task, s": round(load.slowest_s, 2),
            "ends": dict(verdict.ends),
            "errors": {key: number for key, number in attempts.items() if key},
            "faults": dict(Counter(kind for _, kind in self.faults)),
            "runs": verdict.runs,
            "reruns": verdict.reruns,
            "waited, s": {
                "median": round(waits[len(waits) // 2], 3),
                "p99": round(waits[int(len(waits) * 0.99)], 2),
                "longest": round(waits[-1], 2),
            },
            "steady worker": {
                "RSS, MB": [round(sample.rss / 1e6, 1) for sample in (self.samples[0], self.samples[-1])],
                "RSS, % an hour": slope([(s.at, s.rss) for s in self.samples]),
                "descriptors": [sample.descriptors for sample in (self.samples[0], self.samples[-1])],
                "connections, % an hour": slope([(s.at, s.connections) for s in self.samples]),
            },
            "wrong": len(verdict.wrong),
            "errors unexplained": len(unexplained),
        }

    def _lost(self, load: Load) -> Iterator[str]:
        """Tasks whose caller was told that they are stored."""
        kept = set(DatabaseTask.objects.values_list("pk", flat=True))
        for key, task_id in load.ids.items():
            if task_id not in kept:
                yield f"{key} was stored and is lost: {task_id}"

    def _waits(self, load: Load) -> list[float]:
        """How long each task was due before it first began."""
        first: dict[str, float] = {}
        for note in self._stage.oracle.notes():
            if note.word == "start":
                first.setdefault(note.key, note.at)
        return sorted(max(0.0, at - load.stored[key]) for key, at in first.items() if key in load.stored) or [
            0.0
        ]

    def _unexplained(self) -> Iterator[str]:
        """Lines of level ERROR that no fault of the database explains."""
        times = [at for at, kind in self.faults if any(word in kind for word in DATABASE)]
        for process in self._stage.processes:
            for line in process.lines:
                with suppress(ValueError):
                    record = json.loads(line)
                    if record.get("level") == "error" and not _is_explained(record, times):
                        yield line


def _is_explained(record: dict[str, Any], times: Sequence[float]) -> bool:
    at = datetime.fromisoformat(record["ts"]).timestamp()
    is_about_it = record["message"].startswith(OF_THE_DATABASE)
    return is_about_it and any(0 <= at - fault < EXPLAINS_FOR_S for fault in times)


def slope(points: Sequence[tuple[float, float]]) -> float:
    """By how many percent of their mean the values grow in an hour; of the later two thirds."""
    points = points[len(points) // 3 :]
    if len(points) < 2:
        return 0.0
    mean_x = sum(x for x, _ in points) / len(points)
    mean_y = sum(y for _, y in points) / len(points)
    spread = sum((x - mean_x) ** 2 for x, _ in points)
    rise = sum((x - mean_x) * (y - mean_y) for x, y in points)
    return round(rise / spread * 3600 / mean_y * 100, 2)
