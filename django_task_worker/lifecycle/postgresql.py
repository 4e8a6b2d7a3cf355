"""Claim and complete as single statements for Postgres. The portable modules beside are the reference.

Each call is one round trip and one transaction: the statements go in one simple query, with their parameters
bound by psycopg, so that PgBouncer in transaction mode will do. The server ends what takes too long.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Sequence
from math import ceil
from operator import attrgetter
from typing import Any

from django.db import connections

from django_task_worker.lifecycle.claim import Claims, backoff_of, timeout_of
from django_task_worker.lifecycle.order import Group, Level, levels
from django_task_worker.lifecycle.values import Claimed, Demand, Outcome
from django_task_worker.models import DatabaseTask, Queue

TASKS = DatabaseTask._meta.db_table
QUEUES = Queue._meta.db_table
LIMIT = "SET LOCAL statement_timeout = 5000; "
NOW = "statement_timestamp()"
# By primary key, whatever the planner thinks: the indexes of what runs also hold all that has run since the
# last vacuum. They do not serve where `status` is part of an expression.
_OFF = ("bitmapscan", "hashjoin", "mergejoin", "seqscan")
BY_KEY = LIMIT + "".join(f"SET LOCAL enable_{what} = off; " for what in _OFF)

_PAUSED = f"""EXISTS (SELECT FROM {QUEUES} p WHERE p.name = {{queue}} AND p.paused_at IS NOT NULL
        AND (p.paused_until IS NULL OR p.paused_until > {NOW}))"""

# By ctid: the rows are locked in the same statement, and a join by id costs a fifth more.
_CLAIM = f"""
UPDATE {TASKS} t SET status = 'PROGRESS', lease = %(lease)s, worker = %(worker)s,
    lease_expires_at = {NOW} + %(lease_s)s * interval '1 s',
    max_retries = coalesce(t.max_retries, %(default_retries)s),
    started_at = NULL, next_attempt_at = NULL, finished_at = NULL, duration = NULL, progress = NULL,
    updated_at = {NOW}
WHERE t.ctid = ANY (ARRAY (
    SELECT due.ctid FROM unnest(%(queues)s::text[]) AS q (queue) CROSS JOIN LATERAL (
        SELECT w.ctid, w.{{time}} AS time FROM {TASKS} w
        WHERE w.queue = q.queue AND {{waiting}} AND w.{{time}} <= {NOW} - %(overdue_s)s * interval '1 s'
        ORDER BY w.{{time}} LIMIT %(count)s FOR UPDATE SKIP LOCKED
    ) AS due
    WHERE NOT {_PAUSED.format(queue="q.queue")}
    ORDER BY due.time LIMIT %(count)s))
RETURNING t.id, t.name, t.queue, t.timeout, t.retry_count, t.max_retries, t.deferrals,
    coalesce(t.args::text, '[]'), coalesce(t.kwargs::text, '{{{{}}}}'), t.metadata::text,
    extract(epoch FROM {NOW} - t.due_at)::float8
"""
_PENDING = "w.status = 'PENDING' AND w.priority = %(priority)s"
_RETRYING = "w.status = 'FAILED' AND w.next_attempt_at IS NOT NULL"
CLAIM_PENDING = _CLAIM.format(time="due_at", waiting=_PENDING).replace("{{}}", "{}")
CLAIM_RETRYING = _CLAIM.format(time="next_attempt_at", waiting=_RETRYING).replace("{{}}", "{}")

# A step from group to group through the index: how many tasks wait makes no difference.
LOOK = f"""
WITH RECURSIVE pending (queue, priority, time) AS (
    (SELECT queue, priority, due_at FROM {TASKS} WHERE status = 'PENDING'
     ORDER BY queue, priority, due_at LIMIT 1)
    UNION ALL
    SELECT following.* FROM pending g CROSS JOIN LATERAL (
        SELECT t.queue, t.priority, t.due_at FROM {TASKS} t
        WHERE t.status = 'PENDING' AND (t.queue, t.priority) > (g.queue, g.priority)
        ORDER BY t.queue, t.priority, t.due_at LIMIT 1) AS following
), retrying (queue, time) AS (
    (SELECT queue, next_attempt_at FROM {TASKS} WHERE status = 'FAILED' AND next_attempt_at IS NOT NULL
     ORDER BY queue, next_attempt_at LIMIT 1)
    UNION ALL
    SELECT following.* FROM retrying g CROSS JOIN LATERAL (
        SELECT t.queue, t.next_attempt_at FROM {TASKS} t
        WHERE t.status = 'FAILED' AND t.next_attempt_at IS NOT NULL AND t.queue > g.queue
        ORDER BY t.queue, t.next_attempt_at LIMIT 1) AS following
), waiting AS (
    SELECT queue, priority, time FROM pending UNION ALL SELECT queue, NULL, time FROM retrying
)
SELECT queue, priority, extract(epoch FROM time - {NOW})::float8 FROM waiting
WHERE (%(only)s::text[] IS NULL OR queue = ANY (%(only)s::text[]))
    AND queue <> ALL (%(never)s::text[]) AND NOT {_PAUSED.format(queue="waiting.queue")}
"""

COMPLETE = f"""
UPDATE {TASKS} t SET status = 'COMPLETED', result = o.result, result_json = o.result_json::jsonb,
    error = NULL, error_type = NULL, traceback = NULL, lease = NULL, lease_expires_at = NULL,
    unique_active = NULL, duration = o.duration, updated_at = {NOW},
    finished_at = {NOW} - o.age * interval '1 s',
    started_at = {NOW} - (o.age + o.duration) * interval '1 s'
FROM unnest(%s::text[], %s::text[], %s::text[], %s::text[], %s::float8[], %s::float8[])
    AS o (id, lease, result, result_json, duration, age)
WHERE t.id = o.id AND t.lease = o.lease AND t.status || '' = 'PROGRESS'
RETURNING o.id, o.lease
"""


is_enabled = True
"""False makes Postgres take the portable path too, which tests use."""


def speaks(using: str) -> bool:
    """Whether this is Postgres through psycopg 3."""
    if not is_enabled or connections[using].vendor != "postgresql":
        return False
    from django.db.backends.postgresql.psycopg_any import is_psycopg3

    return is_psycopg3


def is_supported(using: str) -> bool:
    """Whether this connection takes the statements of this module, each of which is a transaction."""
    return speaks(using) and not connections[using].in_atomic_block


def claim(demand: Demand, using: str) -> Claims:
    """Take due tasks: first from the levels that the demand knows of, then, if it may look, from all."""
    tasks: list[Claimed] = []
    tried: list[Level] = []
    groups: list[Group] | None = None
    todo = list(demand.levels[:1])
    may_look = demand.look or not todo
    while True:
        level = todo[0] if todo else None
        found, seen = _round(level, demand.count - len(tasks), demand, may_look, using)
        tasks += found
        groups = groups if seen is None else seen
        if len(tasks) >= demand.count or (tasks and groups is None):
            break
        if groups is None:
            may_look, todo = True, []
            continue
        may_look = False
        tried += todo
        todo = [due for due in levels(groups, demand.queues) if due not in tried][:1]
        if not todo:
            break
    return Claims(tasks=tasks, groups=groups)


def _round(
    level: Level | None, room: int, demand: Demand, may_look: bool, using: str
) -> tuple[list[Claimed], list[Group] | None]:
    """One round trip: claim from one level, or look what waits, or both."""
    statements = []
    if level is not None:
        statements.append(CLAIM_RETRYING if level.priority is None else CLAIM_PENDING)
    if may_look:
        statements.append(LOOK)
    parameters = {
        "lease": demand.lease,
        "lease_s": demand.lease_s,
        "worker": demand.worker,
        "default_retries": demand.default_retries,
        "queues": list(level.queues) if level else [],
        "priority": level.priority if level else None,
        "overdue_s": level.overdue_s if level else 0.0,
        "count": min(room, ceil(demand.count * level.share)) if level else 0,
        "only": list(demand.queues) or None,
        "never": list(demand.exclude_queues),
    }
    results = _results(statements, parameters, using)
    tasks = [_claimed(row, demand.lease) for row in next(results)] if level is not None else []
    tasks.sort(key=attrgetter("wait_s"), reverse=True)
    groups = [Group(queue=q, priority=p, due_in_s=s) for q, p, s in next(results)] if may_look else None
    return tasks, groups


def _results(
    statements: Sequence[str], parameters: Any, using: str, before: str = LIMIT
) -> Iterator[list[Any]]:
    """The rows of each statement, all in one transaction with a time limit."""
    with connections[using].cursor() as cursor:
        cursor.execute(before + ";".join(statements), parameters)
        found = []
        while cursor.nextset():
            if cursor.description is not None:
                found.append(cursor.fetchall())
    return iter(found)


def _claimed(row: tuple[Any, ...], lease: str) -> Claimed:
    task_id, name, queue, timeout, retry_count, max_retries, deferrals, args, kwargs, metadata, wait_s = row
    return Claimed(
        id=task_id,
        lease=lease,
        name=name,
        queue=queue,
        timeout_s=timeout_of(timeout),
        retry_count=retry_count,
        max_retries=max_retries,
        deferrals=deferrals,
        args=args,
        kwargs=kwargs,
        backoff=backoff_of(metadata) if metadata else None,
        wait_s=max(0.0, wait_s),
    )


def complete(outcomes: Sequence[Outcome], using: str) -> set[tuple[str, str]]:
    """Settle completed tasks in one statement; ids and leases of those that were still ours."""
    now = time.monotonic()
    parameters = (
        array([outcome.task.id for outcome in outcomes]),
        array([outcome.task.lease for outcome in outcomes]),
        array([outcome.result for outcome in outcomes]),
        array([outcome.result_json for outcome in outcomes]),
        numbers([outcome.duration_s or 0.0 for outcome in outcomes]),
        numbers([max(0.0, now - outcome.ended) for outcome in outcomes]),
    )
    (rows,) = _results([COMPLETE], parameters, using, BY_KEY)
    return {(task_id, lease) for task_id, lease in rows}


def array(texts: Iterable[str | None]) -> str:
    """A Postgres array literal. A driver that is handed a list takes five times as long."""
    return "{" + ",".join(["NULL" if text is None else _quoted(text) for text in texts]) + "}"


def numbers(found: Iterable[float]) -> str:
    """The same for numbers, which need no quotes."""
    return "{" + ",".join(map(repr, found)) + "}"


def _quoted(text: str) -> str:
    if "\\" in text or '"' in text:
        text = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{text}"'
