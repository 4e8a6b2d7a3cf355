"""Several workers together: none slows the others down, and none runs what another has run."""

from __future__ import annotations

import sys
from collections import Counter
from contextlib import ExitStack
from functools import partial
from pathlib import Path

from benchmarks.drain import rate
from benchmarks.ours import PROJECT, Project
from benchmarks.processes import Failed, Program
from benchmarks.report import Finding, Goal, Row
from benchmarks.stage import Stage, alternate

WORKERS = (1, 2, 4, 8)
CONCURRENCY = 2


def p10(stage: Stage) -> Finding:
    total = stage.size(20_000, 1_000)
    project = stage.project()
    marks = stage.folder / "marks"

    def together(workers: int) -> float:
        project.empty()
        marks.unlink(missing_ok=True)
        found = _drain(project, workers, total)
        _check_once(marks, total)
        return found

    names = {f"{number} worker{'s' if number > 1 else ''}": number for number in WORKERS}
    found = alternate(stage, {name: partial(together, number) for name, number in names.items()})
    rows = [Row(name=name, unit="tasks/s", figures=figures) for name, figures in found.items()]
    best = max(row.median for row in rows)
    goals = [Goal(text=f"{row.name}, of the best", figure=row.median / best, limit=0.75) for row in rows]
    return Finding(
        number="P10",
        title=f"drain of {total:,} tasks by several workers of concurrency {CONCURRENCY}",
        rows=rows,
        goals=goals,
        notes=["each task noted that it ran, and each had run exactly once"],
    )


def _drain(project: Project, workers: int, total: int) -> float:
    """All workers are ready when the tasks come, in one transaction."""
    with ExitStack() as stack:
        started = [stack.enter_context(project.worker(CONCURRENCY)) for _ in range(workers)]
        for worker in started:
            worker.wait_for(r"\bready\b", 60)
        finished = project.finished()
        command = [sys.executable, "client.py", "numbered", f'{{"count": {total}}}']
        stack.enter_context(Program(command, cwd=PROJECT, env=project.environment))
        return rate(finished, total, started[0])


def _check_once(marks: Path, total: int) -> None:
    runs = Counter(line.split()[0] for line in marks.read_text().splitlines())
    twice = [number for number, times in runs.items() if times > 1]
    if twice or len(runs) != total:
        raise Failed(f"{len(twice)} tasks ran more than once, {total - len(runs)} never")
