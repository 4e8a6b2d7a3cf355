"""Large arguments and results."""

from __future__ import annotations

import secrets

from benchmarks.drain import drain
from benchmarks.floor import Floor
from benchmarks.ours import NAME
from benchmarks.report import Finding, Goal, Row
from benchmarks.stage import Stage, alternate

SIZE = 64 * 1024


def p12(stage: Stage) -> Finding:
    total = stage.size(1_500, 100)
    project, floor = stage.project(), Floor(stage.postgres)
    text = secrets.token_hex(SIZE // 2)

    def ours() -> float:
        project.empty()
        project.client("payload", count=total, size=SIZE)
        return drain(project, total)

    def bare() -> float:
        floor.fill(total, text)
        return floor.drain(total, text=text)

    found = alternate(stage, {NAME: ours, "bare claim + complete, batches of 100": bare})
    rows = [Row(name=name, unit="tasks/s", figures=figures) for name, figures in found.items()]
    return Finding(
        number="P12",
        title=f"drain of {total:,} tasks with arguments and results of {SIZE // 1024} KiB",
        rows=rows,
        goals=[Goal(text="of the bare loop", figure=rows[0].over(rows[1]), limit=0.5)],
    )
