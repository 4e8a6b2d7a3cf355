"""Tasks that take a while: every child is always busy, and no task waits behind a long one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from benchmarks.drain import drain
from benchmarks.ours import TASKS, Project
from benchmarks.report import Finding, Goal, Row
from benchmarks.stage import Stage, alternate

CONCURRENCY = 16
LONG_S, SHORT_S = 1.0, 0.01


@dataclass(frozen=True, kw_only=True)
class Load:
    """Groups of tasks as `[seconds, how many]`."""

    name: str
    groups: Sequence[tuple[float, int]]

    @property
    def count(self) -> int:
        return sum(count for _, count in self.groups)

    @property
    def ideal_s(self) -> float:
        """How long it takes when no child is ever idle."""
        return sum(seconds * count for seconds, count in self.groups) / CONCURRENCY


def p11(stage: Stage) -> Finding:
    loads = _loads(stage.size(4, 1))
    project = stage.project()
    found = alternate(stage, {load.name: partial(_run, project, load) for load in loads})
    rows = [
        Row(name=load.name, unit="of ideal", figures=[used for used, _ in found[load.name]], kind=load.name)
        for load in loads
    ]
    late = Row(
        name="mixed: how long a task was overtaken by later ones",
        unit="s",
        figures=[overtaken for _, overtaken in found["mixed"]],
        kind="late",
    )
    goals = [
        Goal(text=f"{row.name}, of concurrency / duration", figure=row.median, limit=0.95) for row in rows
    ]
    goals.append(Goal(text="mixed, longest hold-up, s", figure=late.median, limit=0.25, at_least=False))
    return Finding(
        number="P11",
        title=f"sleeping tasks, concurrency {CONCURRENCY}",
        rows=[*rows, late],
        goals=goals,
    )


def _loads(seconds: int) -> list[Load]:
    """Loads that keep the children busy for about so long."""
    mixed = [(LONG_S, 1), (SHORT_S, 75)] * (8 * seconds)
    return [
        Load(name="10 ms", groups=[(0.01, 1600 * seconds)]),
        Load(name="100 ms", groups=[(0.1, 160 * seconds)]),
        Load(name="1 s", groups=[(1.0, 16 * seconds)]),
        Load(name="mixed", groups=[*mixed, (SHORT_S, 200 * seconds)]),
    ]


def _run(project: Project, load: Load) -> tuple[float, float]:
    """The part of the ideal speed that was reached, and the longest time that a task was overtaken."""
    project.empty()
    project.client("naps", groups=load.groups)
    drain(project, load.count, CONCURRENCY)
    (span_s,) = project.query(
        f"SELECT extract(epoch FROM max(finished_at) - min(started_at))::float8 FROM {TASKS}"
    )[0]
    started = project.query(
        f"SELECT extract(epoch FROM started_at)::float8 FROM {TASKS} ORDER BY due_at DESC"
    )
    return load.ideal_s / span_s, _overtaken_s([at for (at,) in started])


def _overtaken_s(latest_first: Sequence[float]) -> float:
    """By how much a task started after one that was due later, at worst."""
    worst, earliest = 0.0, latest_first[0]
    for at in latest_first:
        worst = max(worst, at - earliest)
        earliest = min(earliest, at)
    return worst
