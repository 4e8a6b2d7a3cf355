"""How attempts ended, how long they had waited, how long they ran. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from django_task_worker.statistics.histogram import Distribution


@dataclass(kw_only=True, slots=True)
class Counts:
    """The attempts of some stretch of time."""

    completed: int = 0
    failed: int = 0
    """For good."""
    retried: int = 0
    """Failed, and planned to run again."""
    cancelled: int = 0
    wait: Distribution = field(default_factory=Distribution)
    """From when a task was due to its claim."""
    run: Distribution = field(default_factory=Distribution)

    @property
    def finished(self) -> int:
        """Tasks that completed or failed for good."""
        return self.completed + self.failed

    def add(
        self,
        completed: int,
        failed: int,
        retried: int,
        cancelled: int,
        waits: Mapping[str, int],
        wait_sum_s: float,
        wait_max_s: float,
        runs: Mapping[str, int],
        run_sum_s: float,
        run_max_s: float,
    ) -> None:
        """The columns of a row of statistics, in this order."""
        self.completed += completed
        self.failed += failed
        self.retried += retried
        self.cancelled += cancelled
        self.wait.add(waits, wait_sum_s, wait_max_s)
        self.run.add(runs, run_sum_s, run_max_s)

    def include(self, other: Counts) -> None:
        """All that the other has counted."""
        self.add(
            other.completed,
            other.failed,
            other.retried,
            other.cancelled,
            other.wait.stored_counts(),
            other.wait.sum_s,
            other.wait.max_s,
            other.run.stored_counts(),
            other.run.sum_s,
            other.run.max_s,
        )
