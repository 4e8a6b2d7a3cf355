"""Deleting old tasks while others are run."""

from __future__ import annotations

import time

from benchmarks.drain import drain, rate
from benchmarks.ours import PROJECT, TASKS, Project
from benchmarks.processes import Failed, Program
from benchmarks.report import Finding, Goal, Row
from benchmarks.stage import Stage, alternate
from benchmarks.table_size import fill

COMMAND = ("purge", "--older-than", "7d", "--yes")


def p14(stage: Stage) -> Finding:
    total, old = stage.size(60_000, 1_000), stage.size(1_000_000, 5_000)
    project, alone = stage.project("purged"), stage.project()

    def without() -> float:
        alone.empty()
        alone.client("bulk", count=total)
        return drain(alone, total)

    def together() -> dict[str, float]:
        project.empty()
        fill(project, "completed", old)
        project.client("bulk", count=total)
        stage.settle()
        return _together(project, total, old)

    found = alternate(stage, {"alone": lambda: {"drain": without()}, "with a purge": together})
    rows = [
        Row(name="drain while purging", unit="tasks/s", figures=[f["drain"] for f in found["with a purge"]]),
        Row(name="drain alone", unit="tasks/s", figures=[f["drain"] for f in found["alone"]]),
        Row(
            name="purge while draining",
            unit="rows/s",
            figures=[f["purge"] for f in found["with a purge"]],
            kind="purge",
        ),
        Row(name="purge, all", unit="rows/s", figures=[f["all"] for f in found["with a purge"]], kind="all"),
    ]
    return Finding(
        number="P14",
        title=f"taskctl {' '.join(COMMAND)} of {old:,} rows during a drain",
        rows=rows,
        goals=[
            Goal(text="purge while draining, rows/s", figure=rows[2].median, limit=20_000),
            Goal(text="drain, of alone", figure=rows[0].over(rows[1]), limit=0.7),
        ],
    )


def _together(project: Project, total: int, old: int) -> dict[str, float]:
    finished = project.finished()
    with project.worker() as worker:
        while not finished():
            if not worker.is_running:
                raise Failed(worker.output)
            time.sleep(0.01)
        began = time.monotonic()
        with Program(project.taskctl(*COMMAND), cwd=PROJECT, env=project.environment) as purge:
            while _oldest_is_there(project):
                time.sleep(0.01)
            purging = time.monotonic()
            drained = rate(finished, total, worker)
            gone, took_s = old - _left(project), time.monotonic() - purging
            purge.wait(600)
    return {"drain": drained, "purge": gone / took_s, "all": old / (time.monotonic() - began)}


def _oldest_is_there(project: Project) -> bool:
    return bool(project.query(f"SELECT FROM {TASKS} WHERE id = substr(md5('1'), 1, 22)"))


def _left(project: Project) -> int:
    (count,) = project.query(f"SELECT count(*) FROM {TASKS} WHERE finished_at < now() - interval '7 days'")[0]
    return int(count)
