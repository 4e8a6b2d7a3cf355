"""How long a task takes that finds an idle worker."""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from statistics import quantiles
from typing import Any

from benchmarks import relay
from benchmarks.ours import HERE, NAME, Project
from benchmarks.peers.peer import Peer
from benchmarks.processes import Failed, Program, until
from benchmarks.report import Finding, Goal, Row
from benchmarks.stage import Stage, alternate

EVERY_S = 0.05
BARE = "bare parts (INSERT, PUBLISH, claim, pipe)"
Contenders = dict[str, Callable[[], list[float]]]


def percentile(figures: list[float], part: float) -> float:
    """The figure below which this part of the figures is."""
    return quantiles(figures, n=1000, method="inclusive")[round(part * 1000) - 1]


def latencies(marks: Path, began: list[int]) -> list[float]:
    """Milliseconds from each call to its function's entry, once all have been entered."""
    for _ in until(60):
        lines = marks.read_text().splitlines() if marks.exists() else []
        if len(lines) >= len(began):
            entered = {int(number): int(at) for number, at in (line.split() for line in lines)}
            return [(entered[number] - at) / 1e6 for number, at in enumerate(began)]
    raise Failed("not all tasks were run")


def idle(project: Project, stage: Stage, count: int, **pace: Any) -> list[float]:
    """Milliseconds until entry, one task now and then, with a worker that has run some before."""
    marks = stage.folder / "marks"
    with project.ready_worker():
        project.client("round_trip", count=5)
        marks.unlink(missing_ok=True)
        return latencies(marks, project.client("marks", count=count, **pace)["began"])


def bare(stage: Stage, measure: Callable[[relay.Client, Path], list[float]]) -> list[float]:
    """The floor: its figures with a fresh relay."""
    marks = stage.folder / "marks"
    url = stage.postgres.create("relay")
    stage.postgres.execute(relay.TABLE, database="relay")
    command = [sys.executable, "-m", "benchmarks.relay", url, stage.redis.port]
    with Program(command, cwd=HERE.parent, env=stage.environment()) as program:
        program.wait_for("ready")
        client = relay.Client(url, stage.redis.port)
        client.round_trips(20)
        return measure(client, marks)


def rows_of(found: dict[str, list[list[float]]], *parts: float) -> list[Row]:
    """A row for each percentile and contender."""
    return [
        Row(
            name=f"{name}, p{part * 100:.0f}",
            unit="ms",
            kind=f"p{part * 100:.0f}",
            figures=[percentile(figures, part) for figures in rounds],
        )
        for part in parts
        for name, rounds in found.items()
    ]


def p4(stage: Stage) -> Finding:
    count = stage.size(200, 20)
    project = stage.project()
    contenders: Contenders = {
        NAME: partial(idle, project, stage, count, every_s=EVERY_S),
        BARE: partial(bare, stage, lambda client, marks: client.idle(count, EVERY_S, marks)),
    }
    contenders |= {peer.name: partial(_idle_peer, peer, stage, count) for peer in stage.peers}
    rows = rows_of(alternate(stage, contenders), 0.5, 0.99)
    goals = [
        Goal(text="p50, ms", figure=_of(rows, NAME, "p50").median, limit=2.0, at_least=False),
        Goal(text="p99, ms", figure=_of(rows, NAME, "p99").median, limit=6.0, at_least=False),
    ]
    title = "idle latency: call of create_task to entry of the function, one every 50 ms"
    return Finding(number="P4", title=title, rows=rows, goals=[*goals, *_beside_celery(stage, rows, 0.6)])


def _idle_peer(peer: Peer, stage: Stage, count: int) -> list[float]:
    marks = stage.folder / "marks"
    with peer.ready_worker():
        marks.unlink(missing_ok=True)
        return latencies(marks, peer.client("marks", count=count, every_s=EVERY_S)["began"])


def _beside_celery(stage: Stage, rows: list[Row], limit: float) -> list[Goal]:
    if not any(peer.name.startswith("Celery") for peer in stage.peers):
        return []
    figure = _of(rows, NAME, "p50").over(_of(rows, "Celery", "p50"))
    return [Goal(text="p50, of Celery's", figure=figure, limit=limit, at_least=False)]


def p5(stage: Stage) -> Finding:
    count = stage.size(300, 20)
    project = stage.project()

    def ours() -> list[float]:
        with project.ready_worker():
            return [taken * 1000 for taken in project.client("round_trip", count=count)["seconds"]]

    contenders: Contenders = {
        NAME: ours,
        BARE: partial(bare, stage, lambda client, _: client.round_trips(count)),
    }
    waiting = [peer for peer in stage.peers if peer.has_round_trip]
    contenders |= {peer.name: partial(_round_trips_of_peer, peer, count) for peer in waiting}
    rows = rows_of(alternate(stage, contenders), 0.5, 0.99)
    goal = Goal(text="p50, ms", figure=_of(rows, NAME, "p50").median, limit=3.0, at_least=False)
    title = "round trip: create_task and wait_for_completion, one after the other"
    return Finding(number="P5", title=title, rows=rows, goals=[goal, *_beside_celery(stage, rows, 1.0)])


def _round_trips_of_peer(peer: Peer, count: int) -> list[float]:
    with peer.ready_worker():
        return [taken * 1000 for taken in peer.client("round_trip", count=count)["seconds"]]


def _of(rows: list[Row], name: str, kind: str) -> Row:
    return next(row for row in rows if row.kind == kind and row.name.startswith(name))
