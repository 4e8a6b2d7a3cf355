"""SQLite."""

from __future__ import annotations

import sqlite3
import time
from contextlib import closing

from benchmarks.drain import drain
from benchmarks.ours import NAME, Project, migrate
from benchmarks.report import Finding, Goal, Row
from benchmarks.stage import Stage, alternate

BATCH = 100


def p13(stage: Stage) -> Finding:
    total = stage.size(20_000, 1_000)
    path = stage.folder / "tasks.sqlite3"
    project = Project(str(path), redis_url=None, environment=stage.environment())
    migrate(project)

    def ours() -> float:
        project.empty()
        project.client("bulk", count=total)
        return drain(project, total)

    found = alternate(stage, {NAME: ours, f"bare loop, batches of {BATCH}": lambda: _bare(stage, total)})
    rows = [Row(name=name, unit="tasks/s", figures=figures) for name, figures in found.items()]
    return Finding(
        number="P13",
        title=f"SQLite (WAL, NORMAL), drain of {total:,} tasks, 4 children",
        rows=rows,
        goals=[Goal(text="tasks/s", figure=rows[0].median, limit=5_000)],
    )


def _bare(stage: Stage, total: int) -> float:
    """Claim and complete in one process, a commit each, tasks a second."""
    path = stage.folder / "bare.sqlite3"
    path.unlink(missing_ok=True)
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.executescript(
            "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;"
            "CREATE TABLE bare (id INTEGER PRIMARY KEY, args TEXT, status TEXT, due REAL, result TEXT);"
            "CREATE INDEX pending ON bare (due) WHERE status = 'PENDING'"
        )
        connection.execute("BEGIN")
        connection.executemany(
            "INSERT INTO bare VALUES (?, '[1,2]', 'PENDING', ?, NULL)", [(n, float(n)) for n in range(total)]
        )
        connection.execute("COMMIT")
        began = time.perf_counter()
        while rows := connection.execute(
            "UPDATE bare SET status = 'RUNNING' WHERE id IN"
            f" (SELECT id FROM bare WHERE status = 'PENDING' ORDER BY due LIMIT {BATCH}) RETURNING id, args"
        ).fetchall():
            connection.execute("BEGIN IMMEDIATE")
            connection.executemany(
                "UPDATE bare SET status = 'COMPLETED', result = '3' WHERE id = ? AND status = 'RUNNING'",
                [(task_id,) for task_id, _ in rows],
            )
            connection.execute("COMMIT")
        return total / (time.perf_counter() - began)
