"""A worker without Redis: how late it notices, and what it asks meanwhile."""

from __future__ import annotations

import time
from functools import partial

from benchmarks.latency import Contenders, idle, rows_of
from benchmarks.ours import NAME, Project
from benchmarks.report import Finding, Goal, Row
from benchmarks.servers import CountingPostgres
from benchmarks.stage import Stage, alternate

POLL_S = 1.0


def p6(stage: Stage) -> Finding:
    count, seconds = stage.size(60, 3), stage.size(20, 3)
    project = stage.project(redis=False)
    server = CountingPostgres()
    stage.start(server)
    counted = stage.project(redis=False, server=server)
    contenders: Contenders = {
        NAME: partial(idle, project, stage, count, every_s=POLL_S, spread_s=POLL_S),
        "queries": partial(_queries, counted, seconds),
    }
    found = alternate(stage, contenders)
    rows = [
        *rows_of({f"{NAME} without Redis": found[NAME]}, 0.5, 0.99),
        Row(name="idle worker", unit="queries/s", figures=[f[0] for f in found["queries"]], kind="queries"),
    ]
    return Finding(
        number="P6",
        title="without Redis: idle latency, and what an idle worker asks",
        rows=rows,
        goals=[
            Goal(text="p50, ms", figure=rows[0].median, limit=POLL_S * 500, at_least=False),
            Goal(text="queries a second", figure=rows[-1].median, limit=2.0, at_least=False),
        ],
    )


def _queries(project: Project, seconds: int) -> list[float]:
    """Statements a second of an idle worker; settings and transaction frames are not counted."""
    project.query("CREATE EXTENSION IF NOT EXISTS pg_stat_statements")
    with project.ready_worker():
        project.client("round_trip", count=5)
        time.sleep(2)
        project.query("SELECT pg_stat_statements_reset()")
        time.sleep(seconds)
        statements = project.query(
            "SELECT sum(calls) FROM pg_stat_statements JOIN pg_database d ON d.oid = dbid"
            " WHERE datname = current_database() AND query !~* '^(SET|BEGIN|COMMIT|ROLLBACK)'"
            " AND query !~ 'pg_stat_statements'"
        )
    return [float(statements[0][0] or 0) / seconds]
