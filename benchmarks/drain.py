"""How fast workers get through what waits."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial

from benchmarks.floor import Floor
from benchmarks.ours import NAME, Project
from benchmarks.peers.peer import Peer
from benchmarks.processes import Failed, Program
from benchmarks.profile import Profile, rows_of
from benchmarks.report import Finding, Goal, Row
from benchmarks.stage import Stage, alternate

LONGEST_S = 600.0


def rate(finished: Callable[[], int], total: int, worker: Program, profile: Profile | None = None) -> float:
    """Tasks a second, from the first look that sees some finished to the one that sees them all.

    Looks rarely while many are left, so that looking costs next to nothing, but never later than a tenth of
    the time since the first tasks ended: a slow start says little of the speed to come.
    """
    deadline = time.monotonic() + LONGEST_S
    first_at, first = 0.0, 0
    while True:
        count, now = finished(), time.monotonic()
        if count >= total:
            if profile:
                profile.stop()
            return (total - first) / (now - first_at) if first else total / 0.01
        if now > deadline or not worker.is_running:
            raise Failed(f"{count} of {total} tasks in {LONGEST_S:g} s:\n{worker.output[-4000:]}")
        if not first and count:
            first_at, first = now, count
            if profile:
                profile.start()
        speed = (count - first) / (now - first_at) if count > first else 0.0
        left_s = (total - count) / speed if speed else 0.02
        since_s = now - first_at if first else 0.0
        time.sleep(min(max(left_s * 0.6, 0.01), 0.02 + since_s / 10))


def drain(project: Project, total: int, concurrency: int = 4, *flags: object) -> float:
    """Tasks a second that a fresh worker makes of `total` that wait already."""
    finished = project.finished()
    with project.worker(concurrency, *flags) as worker:
        return rate(finished, total, worker)


def p1(stage: Stage) -> Finding:
    total = stage.size(20_000, 2_000)
    project, floor = stage.project(), Floor(stage.postgres)

    profiles: list[Profile] = []

    def ours() -> float:
        project.empty()
        project.client("bulk", count=total)
        finished = project.finished()
        with project.worker(4) as worker:
            profiles.append(Profile(stage, worker))
            return rate(finished, total, worker, profiles[-1])

    def bare() -> float:
        floor.fill(total)
        return floor.drain(total)

    contenders = {NAME: ours, "bare claim + complete, batches of 100": bare}
    found = alternate(
        stage, contenders | {peer.name: partial(drain_peer, peer, total) for peer in stage.peers}
    )
    rows = [Row(name=name, unit="tasks/s", figures=figures) for name, figures in found.items()]
    goals = [Goal(text="of the bare loop", figure=rows[0].over(rows[1]), limit=0.35)]
    goals += goals_beside(rows, {"PgQueuer": 1.2, "Celery": 10.0})
    rows += rows_of([profile.spent_s for profile in profiles], total)
    return Finding(number="P1", title=f"drain of {total:,} no-op tasks, 4 children", rows=rows, goals=goals)


def drain_peer(peer: Peer, total: int) -> float:
    """The same for another task queue; a slow one is given fewer."""
    total = peer.share(total)
    peer.empty()
    peer.client("bulk", count=total)
    with peer.worker() as worker:
        return rate(peer.finished(), total, worker[0])


def goals_beside(rows: list[Row], limits: dict[str, float]) -> list[Goal]:
    """Goals for ours, the first of the rows, as multiples of peers'."""
    return [
        Goal(text=f"of {name}", figure=rows[0].over(row), limit=limit)
        for name, limit in limits.items()
        for row in rows
        if row.name.startswith(name)
    ]
