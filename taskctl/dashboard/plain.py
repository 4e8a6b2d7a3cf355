"""`top` without a screen: one look as plain text, or as a JSON object a line. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from django_task_worker.snapshot.rows import CAP, QueueRow
from taskctl.dashboard.lines import Look
from taskctl.dashboard.panels import failures, frame, queues, running, workers
from taskctl.dashboard.rates import Spread
from taskctl.dashboard.tables import Group, Running, Tables, Work
from taskctl.render.queues import as_object as queue_object
from taskctl.render.workers import as_object as worker_object
from taskctl.times import iso

WINDOW_S = 300
MOST = 10_000
UNKNOWN = None


def lines(tables: Tables, look: Look, width: int) -> list[str]:
    """Counts, queues, workers, running, failures: every row."""
    found = [frame.counts(tables, look, max(width, frame.WIDE)), *frame.notices(tables, look, width)]
    found += queues.lines(tables, look, width, MOST)
    found += workers.lines(tables, look, width, MOST, header=True)
    found += running.lines(tables, look, width, MOST)
    found += failures.lines(tables, look, width, MOST, header=True)
    return [line.rstrip() for line in found]


def objects(tables: Tables) -> Iterator[dict[str, Any]]:
    """`stats`, then `queue`, `worker`, `task`, `failure`."""
    known_s = tables.now - tables.state.activity.known_since
    yield _stats(tables, known_s)
    for queue in tables.queues:
        yield _queue(tables, queue, known_s)
    for work in tables.workers:
        yield _worker(tables, work)
    for task in tables.running:
        yield _task(task)
    for group in tables.failures:
        yield _failure(group)


def _time(at: float | None) -> str | None:
    return None if at is None else iso(datetime.fromtimestamp(at, UTC))


def _stats(tables: Tables, known_s: float) -> dict[str, Any]:
    state, series, is_known = tables.state, tables.series, known_s >= 1
    window_s = int(min(WINDOW_S, known_s))
    counted = [
        meter.totals(tables.now, step_s=1, steps=max(1, window_s))
        for meter in (series.finished, series.failed)
    ]
    finished, failed = (sum(values) for values in counted)
    queues = list(tables.queues)
    return {
        "v": 1,
        "type": "stats",
        "ts": _time(tables.at),
        "window_s": window_s,
        "group": {} if tables.view.queue is None else {"queue": tables.view.queue},
        "enqueued": UNKNOWN,
        "completed": finished - failed if is_known else UNKNOWN,
        "failed": failed if is_known else UNKNOWN,
        "rate": round(finished / window_s, 3) if is_known else UNKNOWN,
        **_quantiles("wait", series.wait, tables.now),
        **_quantiles("run", series.run, tables.now),
        "pending": sum(min(queue.pending, CAP) for queue in queues),
        "pending_capped": any(queue.pending > CAP for queue in queues),
        "scheduled": sum(min(queue.scheduled, CAP) for queue in queues),
        "running": tables.busy_total,
        "retrying": min(state.retrying, CAP) if tables.view.queue is None else UNKNOWN,
        "stale": tables.stale,
        "failed_1h": tables.failed_total,
        "failed_1h_capped": tables.is_failed_total_capped,
        "mode": state.mode.lower().replace(" ", "-"),
    }


def _quantiles(name: str, spread: Spread, now: float) -> dict[str, float | None]:
    times = spread.times(now)
    shares = ("p50", "p95", "p99")
    return {
        f"{name}_{share}_s": None if times is None else round(getattr(times, share), 6) for share in shares
    }


def _queue(tables: Tables, queue: QueueRow, known_s: float) -> dict[str, Any]:
    wait, run = tables.times(queue.name)
    return queue_object(
        queue,
        at=tables.at,
        per_second=tables.queue_rate(queue.name) if known_s >= 1 else UNKNOWN,
        wait_p95_s=None if wait is None else wait.p95,
        run_p95_s=None if run is None else run.p95,
        workers=tables.listeners(queue.name),
    )


def _worker(tables: Tables, work: Work) -> dict[str, Any]:
    return worker_object(work.row, at=tables.at, status=work.status, busy=work.busy)


def _task(task: Running) -> dict[str, Any]:
    row = task.row
    return {
        "v": 1,
        "type": "task",
        "id": row.id,
        "task": row.task,
        "queue": row.queue,
        "status": "running",
        "derived": "cancelling" if row.is_cancelling else None,
        "tries": row.tries,
        "max_tries": row.max_tries,
        "started_at": _time(row.started_at),
        "run_s": None if task.elapsed_s is None else round(task.elapsed_s, 3),
        "time_limit_s": row.limit_s,
        "worker": row.worker or None,
        "lease_until": _time(row.lease_until),
        "progress": row.progress or None,
    }


def _failure(group: Group) -> dict[str, Any]:
    return {
        "v": 1,
        "type": "failure",
        "task": group.task,
        "error_type": group.error_type or None,
        "error": next((row.error for row in reversed(group.rows) if row.error), None),
        "count": len(group.rows),
        "last_at": _time(group.last.at),
        "last_id": group.last.task_id,
    }
