"""Where the processor time of a measure went: what a figure that has no more to give consists of."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import psutil

from benchmarks.processes import Program
from benchmarks.report import Row
from benchmarks.stage import Stage

MACHINE = {"none, idle": ("idle", "iowait"), "other machines": ("steal",)}


class Profile:
    """Processor time of one worker and its servers, from `start` to `stop`."""

    def __init__(self, stage: Stage, worker: Program) -> None:
        self._stage = stage
        self._worker = worker
        self._before: dict[str, float] = {}
        self.spent_s: dict[str, float] = {}

    def start(self) -> None:
        self._before = self._times()

    def stop(self) -> None:
        self.spent_s = {name: spent - self._before.get(name, spent) for name, spent in self._times().items()}

    def _times(self) -> dict[str, float]:
        supervisor, *children = self._worker.tree()
        servers = {"Postgres": self._stage.postgres, "Redis": self._stage.redis}
        times = {"supervisor": _of([supervisor]), "children": _of(children)}
        for name, server in servers.items():
            assert server.process is not None
            root = psutil.Process(server.process.pid)
            times[name] = _of([root, *root.children(recursive=True)])
        machine = psutil.cpu_times()
        return times | {
            name: sum(getattr(machine, part, 0.0) for part in parts) for name, parts in MACHINE.items()
        }


def _of(processes: Sequence[psutil.Process]) -> float:
    return sum(times.user + times.system for times in (process.cpu_times() for process in processes))


def rows_of(spent: Sequence[Mapping[str, float]], tasks: int) -> list[Row]:
    """Microseconds a task, for each part."""
    return [
        Row(
            name=f"processor time: {name}",
            unit="µs/task",
            kind=name,
            figures=[round_[name] / tasks * 1e6 for round_ in spent],
        )
        for name in spent[0]
    ]
