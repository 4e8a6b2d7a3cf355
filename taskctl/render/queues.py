"""Queues as plain objects, tsv rows and table cells. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from django_task_worker.snapshot.rows import CAP, QueueRow
from taskctl.durations import brief
from taskctl.render.columns import Column, duration, number, plain, rate, text
from taskctl.render.table import Cell
from taskctl.times import iso


def as_object(
    row: QueueRow,
    *,
    at: float,
    per_second: float | None,
    wait_p95_s: float | None,
    run_p95_s: float | None,
    workers: int,
) -> dict[str, Any]:
    """The JSON object `queue`. `at` is the moment by the database's clock, in seconds since 1970."""
    is_paused = row.is_paused(at)
    waits_s = None if row.oldest_at is None or not row.pending else at - row.oldest_at
    return {
        "v": 1,
        "type": "queue",
        "queue": row.name,
        "paused": is_paused,
        "paused_by": row.paused_by if is_paused else None,
        "paused_at": _time(row.paused_at) if is_paused else None,
        "pending": min(row.pending, CAP),
        "pending_capped": row.pending > CAP,
        "scheduled": min(row.scheduled, CAP),
        "running": row.running,
        "oldest_s": None if waits_s is None else round(waits_s, 3),
        "rate_1m": None if per_second is None else round(per_second, 3),
        "wait_p95_s": None if wait_p95_s is None else round(wait_p95_s, 6),
        "run_p95_s": None if run_p95_s is None else round(run_p95_s, 6),
        "workers": workers,
        "paused_until": _time(row.paused_until) if is_paused else None,
        "pause_reason": row.pause_reason if is_paused else None,
    }


def _time(at: float | None) -> str | None:
    return None if at is None else iso(datetime.fromtimestamp(at, UTC))


def _pending(row: Mapping[str, Any], now: datetime) -> Cell:
    return Cell(f"{row['pending']:,}{'+' if row['pending_capped'] else ''}")


def _workers(row: Mapping[str, Any], now: datetime) -> Cell:
    return Cell(str(row["workers"]), "" if row["workers"] or not row["pending"] else "yellow")


def paused(row: Mapping[str, Any], now: datetime) -> str:
    """`3m, the mail server is away, 27m left, by ana@web1`."""
    if not row["paused"]:
        return "-"
    parts = [brief(round(max(0.0, _seconds(now, row["paused_at"]))))]
    if row["pause_reason"]:
        parts.append(row["pause_reason"])
    if row["paused_until"] is not None:
        parts.append(f"{brief(round(max(0.0, -_seconds(now, row['paused_until']))))} left")
    if row["paused_by"]:
        parts.append(f"by {row['paused_by']}")
    return ", ".join(parts)


def _seconds(now: datetime, at: str) -> float:
    return (now - datetime.fromisoformat(at)).total_seconds()


def _paused(row: Mapping[str, Any], now: datetime) -> Cell:
    return Cell(paused(row, now), "yellow" if row["paused"] else "")


COLUMNS = (
    Column("queue", ("queue",), plain("queue"), text("queue"), weight=1, least=12),
    Column("pending", ("pending", "pending_capped"), plain("pending"), _pending, right=True),
    Column("scheduled", ("scheduled",), plain("scheduled"), number("scheduled"), right=True, drop=2),
    Column("running", ("running",), plain("running"), number("running"), right=True),
    Column("oldest", ("oldest_s",), plain("oldest_s"), duration("oldest_s"), right=True),
    Column("rate", ("rate_1m",), plain("rate_1m"), rate("rate_1m"), right=True, drop=1),
    Column("wait95", ("wait_p95_s",), plain("wait_p95_s"), duration("wait_p95_s"), right=True, drop=3),
    Column("run95", ("run_p95_s",), plain("run_p95_s"), duration("run_p95_s"), right=True, drop=4),
    Column("workers", ("workers",), plain("workers"), _workers, right=True),
    Column("paused", ("paused",), plain("paused"), _paused, weight=2, least=22),
)
MORE = (
    Column("paused_by", ("paused_by",), plain("paused_by"), text("paused_by"), weight=1),
    Column("paused_at", ("paused_at",), plain("paused_at"), text("paused_at")),
    Column("paused_until", ("paused_until",), plain("paused_until"), text("paused_until")),
    Column("pause_reason", ("pause_reason",), plain("pause_reason"), text("pause_reason"), weight=1),
)
