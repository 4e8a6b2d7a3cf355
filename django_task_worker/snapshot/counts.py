"""All counts of a snapshot in one portable statement.

Waiting tasks are counted group by group (queue and priority), because that is how their index is sorted:
the first of each group is found in one step, and counting ends at CAP.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, NamedTuple

from django.db import connections

from django_task_worker.expressions import DatabaseNow
from django_task_worker.models import DatabaseTask, Queue
from django_task_worker.snapshot.rows import CAP, QueueRow

MOST_GROUPS = 500
_TASKS, _QUEUES = DatabaseTask._meta.db_table, Queue._meta.db_table
_PENDING = f"{_TASKS} {{0}} WHERE {{0}}.status = 'PENDING'"


def _first(where: str, order: str) -> str:
    return f"(SELECT x.id FROM {_PENDING.format('x')}{where} ORDER BY {order} LIMIT 1)"


def _capped(rows: str, *, reaches_in: bool) -> str:
    """A count of at most CAP + 1 rows, as a subquery.

    `reaches_in`: a derived table may name columns of the outer statement; MySQL and MariaDB refuse that.
    """
    if reaches_in:
        return f"(SELECT count(*) FROM (SELECT 1 FROM {rows} LIMIT {CAP + 1}) c)"
    beyond = f"(SELECT 1 FROM {rows} LIMIT 1 OFFSET {CAP})"
    return f"(CASE WHEN {beyond} IS NULL THEN (SELECT count(*) FROM {rows}) ELSE {CAP + 1} END)"


def _counting(now: str, *, reaches_in: bool) -> str:
    """One statement for all counts. Each row: kind, queue, text, three numbers, three times."""
    group = f"{_PENDING.format('p')} AND p.queue = t.queue AND p.priority = t.priority AND p.due_at"
    due = _capped(f"{group} <= {now}", reaches_in=reaches_in)
    later = _capped(f"{group} > {now}", reaches_in=reaches_in)
    retries = _capped(
        f"{_TASKS} r WHERE r.status = 'FAILED' AND r.next_attempt_at IS NOT NULL", reaches_in=reaches_in
    )
    following = (
        f"COALESCE({_first(' AND x.queue = t.queue AND x.priority > t.priority', 'x.priority, x.due_at')},"
        f" {_first(' AND x.queue > t.queue', 'x.queue, x.priority, x.due_at')})"
    )
    return f"""
WITH RECURSIVE heads(id, n) AS (
    SELECT {_first("", "x.queue, x.priority, x.due_at")}, 1
    UNION ALL
    SELECT {following}, heads.n + 1 FROM heads JOIN {_TASKS} t ON t.id = heads.id
    WHERE heads.n < {MOST_GROUPS}
)
SELECT 'paused', name, paused_by, 0, 0, paused_at, paused_until, {now}, pause_reason
FROM {_QUEUES} WHERE paused_at IS NOT NULL
UNION ALL
SELECT 'waiting', t.queue, NULL, {due}, {later}, t.due_at, NULL, {now}, NULL
FROM heads JOIN {_TASKS} t ON t.id = heads.id
UNION ALL
SELECT 'held', queue, worker, count(*), 0, NULL, NULL, {now}, NULL
FROM {_TASKS} WHERE status = 'PROGRESS' GROUP BY queue, worker
UNION ALL
SELECT 'retrying', NULL, NULL, {retries}, 0, NULL, NULL, {now}, NULL
"""


class Held(NamedTuple):
    """How many tasks of a queue a worker has in hand."""

    queue: str
    worker: str
    number: int


class Counts(NamedTuple):
    """What the statement brought; `at` is the time by the database's clock."""

    at: float
    queues: tuple[QueueRow, ...]
    held: list[Held]
    retrying: int


def counts(using: str) -> Counts:
    """Waiting and running tasks by queue, with what is paused. Raises the errors of the database."""
    compiler = DatabaseTask.objects.using(using).query.get_compiler(using)
    now, params = compiler.compile(DatabaseNow())
    assert not params
    connection = connections[using]
    with connection.cursor() as cursor:
        cursor.execute(_counting(now, reaches_in=connection.vendor != "mysql"), ())
        rows = cursor.fetchall()
    at, retrying = 0.0, 0
    held: list[Held] = []
    queues: dict[str, QueueRow] = {}
    for kind, name, text, first, second, time_1, time_2, now, reason in rows:
        at = _epoch(now)
        if kind == "retrying":
            retrying = first
            continue
        row = queues.get(name) or QueueRow(name, 0, 0, 0, None)
        if kind == "waiting":
            row = _with_group(row, first, second, _epoch(time_1))
        elif kind == "held":
            row = row._replace(running=row.running + first)
            held.append(Held(name, text or "", first))
        else:
            until = None if time_2 is None else _epoch(time_2)
            row = QueueRow(name, 0, 0, 0, None, _epoch(time_1), text, reason, until)
        queues[name] = row
    return Counts(at, tuple(sorted(queues.values())), held, retrying)


def _with_group(row: QueueRow, pending: int, scheduled: int, first_at: float) -> QueueRow:
    oldest_at = row.oldest_at
    if pending and (oldest_at is None or first_at < oldest_at):
        oldest_at = first_at
    return row._replace(
        pending=min(row.pending + pending, CAP + 1),
        scheduled=min(row.scheduled + scheduled, CAP + 1),
        oldest_at=oldest_at,
    )


def _epoch(value: Any) -> float:
    """Raw SQL gives text on SQLite and naive times on MySQL; all of them are UTC."""
    at: datetime = datetime.fromisoformat(value) if isinstance(value, str) else value
    return (at.replace(tzinfo=UTC) if at.tzinfo is None else at).timestamp()
