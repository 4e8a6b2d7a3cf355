"""The four statements of a snapshot, five without events: each bounded in rows and in time, none over
finished tasks as a whole.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any, NamedTuple

from django.db import connections, transaction
from django.db.models import F, Max, Min, QuerySet, Subquery
from django.db.models.functions import Substr

from django_task_worker.conf import settings
from django_task_worker.models import DEFAULT_TIMEOUT_S, RUNNING, DatabaseTask, TaskAttempt
from django_task_worker.snapshot.counts import counts
from django_task_worker.snapshot.rows import (
    MOST_RUNNING,
    FailureRow,
    FinishedRow,
    RunningRow,
    Snapshot,
)
from django_task_worker.snapshot.workers import read_workers
from django_task_worker.states import Status

STATEMENT_S = 2.0
MOST_WORKERS = 200
MOST_FAILURES = 500
MOST_FINISHED = 2000
FAILURES_S = 3600.0
FIRST_ATTEMPTS = 2000
"""How many of the newest attempts the first look goes through."""
OVERLAP = 200
"""Attempts may be committed in another order than numbered: this many are looked at again."""
ERROR_CHARS = 500


class Look(NamedTuple):
    """What the last look has seen already."""

    after_failure: int | None = None
    """None: all failures of the last hour."""
    finished_since: float | None = None
    """None: what ended is not wanted, because events tell."""


def read(look: Look, using: str) -> Snapshot:
    """The state of everything now. Raises the errors of the database."""
    began = time.perf_counter()
    with _bounded(using) as round_trip_s:
        counted = counts(using)
        running = _running(using)
        workers = read_workers(counted.held, using, limit=MOST_WORKERS)
        failures, last, failures_since = _failures(look, counted.at, using)
        finished = () if look.finished_since is None else _finished(look.finished_since, using)
    configured = settings()
    return Snapshot(
        at=counted.at,
        queues=counted.queues,
        running=running,
        workers=workers,
        failures=failures,
        retrying=counted.retrying,
        stale=sum(row.lease_until is not None and row.lease_until < counted.at for row in running),
        held=sum(row.number for row in counted.held),
        all_failures=look.after_failure is None,
        finished=finished[:MOST_FINISHED],
        finished_missed=len(finished) > MOST_FINISHED,
        lease_s=configured.lease_s,
        sweep_s=configured.sweep_s,
        took_s=time.perf_counter() - began,
        round_trip_s=round_trip_s,
        last_failure=last,
        failures_since=failures_since,
    )


@contextmanager
def _bounded(using: str) -> Iterator[float]:
    """Statements inside end after STATEMENT_S and write nothing; gives the time of one round trip."""
    connection = connections[using]
    began = time.perf_counter()
    if connection.vendor == "postgresql":
        with transaction.atomic(using=using), connection.cursor() as cursor:
            began = time.perf_counter()
            cursor.execute(
                f"SET TRANSACTION READ ONLY; SET LOCAL statement_timeout = {STATEMENT_S * 1000:.0f}"
            )
            yield time.perf_counter() - began
    elif connection.vendor == "mysql":
        # A variable of the session; every statement of this connection is one of a screen.
        limit = f"max_statement_time = {STATEMENT_S}"
        if not getattr(connection, "mysql_is_mariadb", False):
            limit = f"MAX_EXECUTION_TIME = {STATEMENT_S * 1000:.0f}"
        with connection.cursor() as cursor:
            cursor.execute(f"SET SESSION {limit}")
        yield time.perf_counter() - began
    else:
        # A transaction would be a writer here, and keep others waiting.
        connection.ensure_connection()
        driver: Any = connection.connection
        driver.set_progress_handler(lambda: time.perf_counter() - began > STATEMENT_S, 10_000)
        try:
            yield time.perf_counter() - began
        finally:
            driver.set_progress_handler(None, 0)


def _time(value: datetime | None) -> float | None:
    return None if value is None else value.timestamp()


def _running(using: str) -> tuple[RunningRow, ...]:
    """Those that began first; what was only claimed comes last."""
    tasks = DatabaseTask.objects.using(using).filter(RUNNING)
    rows = tasks.order_by(F("started_at").asc(nulls_last=True), "id").values_list(
        "id",
        "name",
        "queue",
        "worker",
        "retry_count",
        "max_retries",
        "started_at",
        "lease_expires_at",
        "timeout",
        "cancel_requested_at",
        "progress",
    )[:MOST_RUNNING]
    return tuple(_running_row(*row) for row in rows)


def _running_row(
    pk: str,
    name: str,
    queue: str,
    worker: str | None,
    retries: int,
    most: int | None,
    started_at: datetime | None,
    lease_until: datetime | None,
    limit: int | None,
    cancelling: datetime | None,
    progress: Any,
) -> RunningRow:
    return RunningRow(
        pk,
        name,
        queue,
        worker or "",
        retries + 1,
        None if most is None else most + 1,
        _time(started_at),
        _time(lease_until),
        float(limit if limit and limit > 0 else DEFAULT_TIMEOUT_S),
        cancelling is not None,
        progress_text(progress),
    )


def progress_text(progress: Any) -> str:
    """`30% rows` or `3 rows` from what a task told of its progress; empty for anything else."""
    if not isinstance(progress, dict):
        return ""
    done, total, message = progress.get("done"), progress.get("total"), progress.get("message")
    text = ""
    if isinstance(done, int | float):
        if isinstance(total, int | float) and total > 0:
            text = f"{100 * min(done / total, 1):.0f}%"
        else:
            text = f"{done:,}"
    return f"{text} {message}".strip()[:80] if isinstance(message, str) else text


class _Window(NamedTuple):
    """Attempts to go through: of those, the last one's number, and since when they are all there are."""

    attempts: QuerySet[TaskAttempt]
    last: int
    since: float


def _newest(horizon: float, using: str) -> _Window:
    """The last FIRST_ATTEMPTS. While much is retried they may reach back for less than an hour."""
    attempts = TaskAttempt.objects.using(using).order_by()
    last = Subquery(attempts.order_by("-id").values("id")[:1])
    newest = attempts.filter(id__gt=last - FIRST_ATTEMPTS)
    edge = newest.aggregate(last=Max("id"), since=Min("finished_at"))
    number = edge["last"] or 0
    since = horizon if number <= FIRST_ATTEMPTS else max(horizon, edge["since"].timestamp())
    return _Window(newest, number, since)


def _failures(look: Look, at: float, using: str) -> tuple[tuple[FailureRow, ...], int, float]:
    """The newest attempt of each task that failed for good, the number to go on from, and since when these
    are all.
    """
    horizon = at - FAILURES_S
    if look.after_failure is None:
        attempts, last, since = _newest(horizon, using)
    else:
        last, since = look.after_failure, at
        attempts = TaskAttempt.objects.using(using).filter(id__gt=last - OVERLAP)
    rows = attempts.filter(
        task__status=Status.FAILED.value,
        task__next_attempt_at__isnull=True,
        number=F("task__retry_count") + 1,  # the last one alone
        finished_at__gt=datetime.fromtimestamp(horizon, UTC),
    ).order_by("-id")
    found: dict[str, FailureRow] = {}
    for number, pk, name, queue, worker, tries, kind, error, ended in rows.values_list(
        "id",
        "task_id",
        "task__name",
        "task__queue",
        "worker",
        "number",
        "error_type",
        Substr("error", 1, ERROR_CHARS),
        "finished_at",
    )[:MOST_FAILURES]:
        last = max(last, number)
        found.setdefault(
            pk,
            FailureRow(pk, name, queue, worker or "", tries, kind or "", error or "", ended.timestamp()),
        )
    return tuple(found.values()), last, since


_WORDS = {"COMPLETED": "completed", "FAILED": "failed", "CANCELLED": "cancelled"}


def _finished(since: float, using: str) -> tuple[FinishedRow, ...]:
    """What ended after that time, oldest first; one more than MOST_FINISHED when there is more."""
    tasks = DatabaseTask.objects.using(using).filter(finished_at__gt=datetime.fromtimestamp(since, UTC))
    rows = tasks.order_by("finished_at").values_list(
        "id",
        "name",
        "queue",
        "worker",
        "status",
        "finished_at",
        "retry_count",
        "due_at",
        "started_at",
        "duration",
        "error_type",
    )
    return tuple(
        FinishedRow(
            pk,
            name,
            queue,
            worker or "",
            _WORDS.get(status, "failed"),
            _time(ended) or 0.0,
            retries + 1,
            None if started is None else max((started - due).total_seconds(), 0.0),
            duration,
            kind,
        )
        for pk, name, queue, worker, status, ended, retries, due, started, duration, kind in rows[
            : MOST_FINISHED + 1
        ]
    )
