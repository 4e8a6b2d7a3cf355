"""Claim in one statement for Postgres. `claim` beside is the reference."""

from __future__ import annotations

import time
from math import ceil
from operator import attrgetter
from typing import Any

from django_task_worker.lifecycle import postgresql
from django_task_worker.lifecycle.claim import Claims, backoff_of, timeout_of
from django_task_worker.lifecycle.order import Group, Level, levels
from django_task_worker.lifecycle.postgresql import NOW, TASKS, Part
from django_task_worker.lifecycle.values import Claimed, Demand
from django_task_worker.models import Queue

QUEUES = Queue._meta.db_table

_PAUSED = f"""EXISTS (SELECT FROM {QUEUES} p WHERE p.name = {{queue}} AND p.paused_at IS NOT NULL
        AND (p.paused_until IS NULL OR p.paused_until > {NOW}))"""

_NOT_PAUSED = "NOT " + _PAUSED.format(queue="{queue}")


def _bounded(time: str) -> str:
    """Subtracting an infinite time is an error."""
    return f"least(greatest({time}, {NOW} - interval '100 years'), {NOW} + interval '100 years')"


# By ctid: the rows are locked in the same statement, and a join by id costs a fifth more.
_CLAIM = f"""
UPDATE {TASKS} t SET status = 'PROGRESS', lease = %(lease)s, worker = %(worker)s,
    lease_expires_at = {NOW} + %(lease_s)s * interval '1 s',
    max_retries = coalesce(t.max_retries, %(default_retries)s),
    started_at = NULL, next_attempt_at = NULL, finished_at = NULL, duration = NULL, progress = NULL,
    updated_at = {NOW}
WHERE t.ctid = ANY (ARRAY ({{due}}))
RETURNING t.id, t.name, t.queue, t.timeout, t.retry_count, t.max_retries, t.deferrals,
    coalesce(t.args::text, '[]'), coalesce(t.kwargs::text, '{{{{}}}}'), t.metadata::text,
    extract(epoch FROM {NOW} - {_bounded("t.due_at")})::float8
"""
_DUE = f"""
    SELECT w.ctid{{more}} FROM {TASKS} w
    WHERE w.queue = {{queue}} AND {{waiting}}
        AND w.{{time}} <= {NOW} - %(overdue_s)s * interval '1 s'
        AND w.{{time}} >= coalesce({NOW} - %(since_s)s * interval '1 s', '-infinity'){{unless}}
    ORDER BY w.{{time}} LIMIT %(count)s FOR UPDATE SKIP LOCKED"""
_PENDING = {"time": "due_at", "waiting": "w.status = 'PENDING' AND w.priority = %(priority)s"}
_RETRYING = {
    "time": "next_attempt_at",
    "waiting": "w.status = 'FAILED' AND w.next_attempt_at IS NOT NULL",
}


def _of_several_queues(of: dict[str, str]) -> str:
    each = _DUE.format(**of, more=f", w.{of['time']} AS time", queue="q.queue", unless="")
    return f"""
    SELECT due.ctid FROM unnest(%(queues)s::text[]) AS q (queue) CROSS JOIN LATERAL ({each}
    ) AS due
    WHERE {_NOT_PAUSED.format(queue="q.queue")}
    ORDER BY due.time LIMIT %(count)s"""


def _of_one_queue(of: dict[str, str]) -> str:
    """The planner takes a third less time for it, which a task on an idle worker has to wait."""
    unless = f"\n        AND {_NOT_PAUSED.format(queue='%(queue)s')}"
    return _DUE.format(**of, more="", queue="%(queue)s", unless=unless)


# By whether they are waiting for a retry, and whether there are several queues.
_CLAIMS = {
    (of is _RETRYING, due is _of_several_queues): _CLAIM.format(due=due(of)).replace("{{}}", "{}")
    for of in (_PENDING, _RETRYING)
    for due in (_of_one_queue, _of_several_queues)
}

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
SELECT queue, priority, extract(epoch FROM {_bounded("time")} - {NOW})::float8 FROM waiting
WHERE (%(only)s::text[] IS NULL OR queue = ANY (%(only)s::text[]))
    AND queue <> ALL (%(never)s::text[]) AND NOT {_PAUSED.format(queue="waiting.queue")}
"""


def claim(demand: Demand, using: str) -> Claims:
    """Take due tasks: first from the level that the demand knows of, then, if it may look, from all."""
    tasks: list[Claimed] = []
    tried: list[Level] = []
    groups: list[Group] | None = None
    todo = [demand.level] if demand.level else []
    may_look = demand.look or not todo
    looked_at = 0.0
    while True:
        level = todo[0] if todo else None
        now = time.monotonic()
        if level is not None and groups is not None:
            level = level.aged(now - looked_at)
        looked_at = now if may_look else looked_at
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
    parts = []
    if level is not None:
        parts.append(claiming(level, room, demand))
    if may_look:
        parts.append((LOOK, {"only": list(demand.queues) or None, "never": list(demand.exclude_queues)}))
    results = iter(postgresql.run(parts, using))
    tasks = claimed(next(results), demand.lease) if level is not None else []
    groups = [Group(queue=q, priority=p, due_in_s=s) for q, p, s in next(results)] if may_look else None
    return tasks, groups


def claiming(level: Level, room: int, demand: Demand) -> Part:
    """The statement that claims up to `room` tasks of one level; its rows are for `claimed`."""
    return _CLAIMS[level.priority is None, len(level.queues) > 1], {
        "lease": demand.lease,
        "lease_s": demand.lease_s,
        "worker": demand.worker,
        "default_retries": demand.default_retries,
        "queues": list(level.queues),
        "queue": level.queues[0],
        "priority": level.priority,
        "overdue_s": level.overdue_s,
        "since_s": level.since_s,
        "count": min(room, ceil(demand.count * level.share)),
    }


def claimed(rows: list[tuple[Any, ...]], lease: str) -> list[Claimed]:
    """The tasks in the order in which they were due."""
    tasks = [_claimed(row, lease) for row in rows]
    tasks.sort(key=attrgetter("wait_s"), reverse=True)
    return tasks


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
