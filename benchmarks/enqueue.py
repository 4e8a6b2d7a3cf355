"""How fast tasks are stored."""

from __future__ import annotations

import secrets
import time
from functools import partial

import psycopg

from benchmarks.floor import Floor
from benchmarks.ours import NAME, TASKS, Project
from benchmarks.peers.peer import Peer
from benchmarks.report import Finding, Goal, Row
from benchmarks.stage import Stage, alternate


def p2(stage: Stage) -> Finding:
    count = stage.size(3_000, 300)
    project, floor = stage.project(), Floor(stage.postgres)

    def ours() -> float:
        project.empty()
        return float(project.client("single", count=count)["per_second"])

    contenders = {
        NAME: ours,
        "bare INSERT + commit": lambda: floor.single(count),
        "our row, bare, prepared": partial(_same_row, project, count, 5),
        "our row, bare, not prepared": partial(_same_row, project, count, None),
    }
    found = alternate(
        stage, contenders | {peer.name: partial(_peer, peer, "single", count) for peer in stage.peers}
    )
    rows = [Row(name=name, unit="tasks/s", figures=figures) for name, figures in found.items()]
    return Finding(
        number="P2",
        title="create_task one by one, one client, event included",
        rows=rows,
        goals=[Goal(text="of the bare INSERT", figure=rows[0].over(rows[1]), limit=0.6)],
    )


def _same_row(project: Project, count: int, prepare_threshold: int | None) -> float:
    """What Postgres takes for such a row in the table with all its indexes, and nothing else."""
    project.empty()
    columns = "id, name, args, kwargs, timeout, queue, priority, status, retry_count, created_at, updated_at"
    values = "%s, 'app.tasks.add', '[1, 2]', '{}', 300, 'default', 0, 'PENDING', 0, now(), now()"
    statement = f"INSERT INTO {TASKS} ({columns}) VALUES ({values}) RETURNING created_at, due_at"
    with psycopg.connect(project.database, autocommit=True) as connection:
        connection.prepare_threshold = prepare_threshold
        began = time.perf_counter()
        for _ in range(count):
            connection.execute(statement.encode(), (secrets.token_urlsafe(16),)).fetchone()
        return count / (time.perf_counter() - began)


def _peer(peer: Peer, verb: str, count: int) -> float:
    peer.empty()
    return float(peer.client(verb, count=peer.share(count))["per_second"])


def p3(stage: Stage) -> Finding:
    count = stage.size(20_000, 2_000)
    project, floor = stage.project(), Floor(stage.postgres)

    def ours() -> float:
        project.empty()
        return float(project.client("bulk", count=count)["per_second"])

    contenders = {NAME: ours, "bare INSERT of 500 rows": lambda: floor.bulk(count)}
    found = alternate(
        stage, contenders | {peer.name: partial(_peer, peer, "bulk", count) for peer in stage.peers}
    )
    rows = [Row(name=name, unit="tasks/s", figures=figures) for name, figures in found.items()]
    return Finding(
        number="P3",
        title=f"create_tasks with {count:,} tasks in one call",
        rows=rows,
        goals=[Goal(text="of the bare INSERT", figure=rows[0].over(rows[1]), limit=0.5)],
    )
