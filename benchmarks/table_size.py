"""How fast workers are beside a million other rows, and while nothing can be vacuumed."""

from __future__ import annotations

from functools import partial

import psycopg

from benchmarks.drain import drain
from benchmarks.ours import NAME, TASKS, Project
from benchmarks.report import Finding, Goal, Row
from benchmarks.stage import Stage, alternate, say

COLUMNS = """name, args, kwargs, timeout, retry_count, deferrals, id, created_at, updated_at, queue, priority,
    status, due_at, started_at, finished_at, duration, result"""
ALONE = "in an empty table"
OTHERS = {
    "completed": "'default', 0, 'COMPLETED', {old}, {old}, {old}, 0.001, '3'",
    "pending, lower priority": "'default', -1, 'PENDING', {old}, NULL, NULL, NULL, NULL",
    "scheduled, higher priority": "'default', 1, 'PENDING', {later}, NULL, NULL, NULL, NULL",
    "pending in a paused queue": "'paused', 0, 'PENDING', {old}, NULL, NULL, NULL, NULL",
}


def fill(project: Project, kind: str, count: int) -> None:
    """Put other tasks into the table, a second after each other, and let vacuum see them."""
    say(f"storing {count:,} others: {kind}")
    old, later = (
        "now() - interval '30 days' + i * interval '1 s'",
        "now() + i * interval '1 s' + interval '1 day'",
    )
    values = f"substr(md5(i::text), 1, 22), {old}, {old}, {OTHERS[kind].format(old=old, later=later)}"
    project.query(
        f"INSERT INTO {TASKS} ({COLUMNS}) SELECT 'app.tasks.other', '[]', '{{}}', 300, 0, 0, {values}"
        f" FROM generate_series(1, {count}) AS i"
    )
    project.query("INSERT INTO django_task_worker_queue (name, paused_at) VALUES ('paused', now())")
    project.query(f"VACUUM ANALYZE {TASKS}")


def p8(stage: Stage) -> Finding:
    total, others = stage.size(20_000, 1_000), stage.size(1_000_000, 5_000)
    projects = {ALONE: stage.project()}
    for number, kind in enumerate(OTHERS):
        projects[f"beside {others:,} {kind}"] = project = stage.project(f"others_{number}")
        fill(project, kind, others)

    def measure(name: str) -> float:
        project = projects[name]
        if name == ALONE:
            project.empty()
        project.client("bulk", count=total)
        return drain(project, total)

    found = alternate(stage, {name: partial(measure, name) for name in projects})
    rows = [Row(name=name, unit="tasks/s", figures=figures) for name, figures in found.items()]
    goals = [Goal(text=f"{row.name}, of alone", figure=row.over(rows[0]), limit=0.9) for row in rows[1:]]
    stage.drop(*(f"others_{number}" for number in range(len(OTHERS))))
    return Finding(number="P8", title=f"drain of {total:,} tasks beside others", rows=rows, goals=goals)


def p9(stage: Stage) -> Finding:
    total = stage.size(200_000, 4_000)
    part = total // 10
    project = stage.project()

    def ours() -> dict[str, float]:
        project.empty()
        project.client("bulk", count=total)
        with psycopg.connect(project.database) as snapshot:
            snapshot.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
            snapshot.execute("SELECT count(*) FROM django_task_worker_queue")
            drain(project, total)
        return {"first": part / _span_s(project, part, "ASC"), "last": part / _span_s(project, part, "DESC")}

    found = alternate(stage, {NAME: ours})[NAME]
    rows = [
        Row(name=f"the {key} {part:,}", unit="tasks/s", figures=[figures[key] for figures in found])
        for key in ("last", "first")
    ]
    return Finding(
        number="P9",
        title=f"drain of {total:,} tasks while another session holds a snapshot open",
        rows=rows,
        goals=[Goal(text="the last, of the first", figure=rows[0].over(rows[1]), limit=0.5)],
    )


def _span_s(project: Project, count: int, direction: str) -> float:
    """How long the first or the last `count` tasks took to end."""
    ended = f"SELECT finished_at FROM {TASKS} ORDER BY finished_at {direction} LIMIT {count}"
    span = f"SELECT extract(epoch FROM max(finished_at) - min(finished_at))::float8 FROM ({ended}) AS ended"
    return float(project.query(span)[0][0])
