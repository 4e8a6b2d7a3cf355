"""Tasks as plain objects, tsv rows and table cells. Pure: no Django, no clock, no I/O."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from math import isfinite
from typing import Any

from taskctl.durations import brief
from taskctl.render.columns import Column, duration, plain, text
from taskctl.render.table import Cell

WORDS = {"PROGRESS": "running"}
STYLES = {
    "completed": "green",
    "failed": "red",
    "running": "cyan",
    "retrying": "yellow",
    "cancelling": "yellow",
    "stale": "magenta",
    "scheduled": "blue",
    "cancelled": "dim",
}


def stored_status(task: Any) -> str:
    """pending, running, completed, failed or cancelled."""
    return str(WORDS.get(task.status, task.status.lower()))


def derived_status(task: Any, now: datetime) -> str | None:
    """scheduled, retrying, cancelling or stale; None when the stored status says it all."""
    if task.status == "PENDING":
        return "scheduled" if task.due_at > now else None
    if task.status == "FAILED":
        return "retrying" if task.next_attempt_at is not None else None
    if task.status != "PROGRESS":
        return None
    if task.lease_expires_at is not None and task.lease_expires_at < now:
        return "stale"
    return "cancelling" if task.cancel_requested_at is not None else None


def status_of(task: Any, now: datetime) -> str:
    """The word that says most."""
    return derived_status(task, now) or stored_status(task)


def as_object(task: Any, now: datetime) -> dict[str, Any]:
    """The JSON object `task`, its times still datetimes."""
    return {
        "v": 1,
        "type": "task",
        "id": task.id,
        "task": task.name,
        "queue": task.queue,
        "status": stored_status(task),
        "derived": derived_status(task, now),
        "priority": task.priority,
        "tries": task.retry_count + 1,
        "max_tries": None if task.max_retries is None else task.max_retries + 1,
        "created_at": task.created_at,
        "due_at": task.due_at,
        "started_at": task.started_at,
        "finished_at": task.finished_at,
        "wait_s": _wait_s(task),
        "run_s": _run_s(task, now),
        "time_limit_s": float(task.timeout) if task.timeout and task.timeout > 0 else 300.0,
        "worker": task.worker,
        "lease_until": task.lease_expires_at,
        "unique_key": task.unique_key,
        "error_type": task.error_type,
        "error": task.error,
    }


def _wait_s(task: Any) -> float | None:
    if task.started_at is None or task.due_at > task.started_at:
        return None if task.started_at is None or task.status == "FAILED" else 0.0
    return round(float((task.started_at - task.due_at).total_seconds()), 3)


def _run_s(task: Any, now: datetime) -> float | None:
    if task.status == "PROGRESS" and task.started_at is not None:
        return round(max(float((now - task.started_at).total_seconds()), 0.0), 3)
    return finite(task.duration)


def finite(seconds: float | None) -> float | None:
    """None for NaN and infinity, which JSON has no words for and Postgres stores."""
    return None if seconds is None or not isfinite(seconds) else round(float(seconds), 6)


def _age(key: str) -> Callable[[Mapping[str, Any], datetime], Cell]:
    return lambda row, now: Cell(ago(row[key], now))


def ago(at: datetime | None, now: datetime) -> str:
    """`2s ago`, `in 5m`, `-`."""
    if at is None:
        return "-"
    seconds = (now - at).total_seconds()
    return f"{_coarse(seconds)} ago" if seconds >= 0 else f"in {_coarse(-seconds)}"


def _coarse(seconds: float) -> str:
    return "0s" if seconds < 0.5 else brief(round(seconds))


def status_word(row: Mapping[str, Any]) -> str:
    return str(row["derived"] or row["status"])


def _tries(row: Mapping[str, Any]) -> str:
    most = row["max_tries"]
    return str(row["tries"]) if most is None else f"{row['tries']}/{most}"


def error_text(row: Mapping[str, Any]) -> str | None:
    parts = [part for part in (row["error_type"], row["error"]) if part]
    return ": ".join(parts) or None


def _first_line(row: Mapping[str, Any], now: datetime) -> Cell:
    return Cell((error_text(row) or "").split("\n")[0])


# What goes first at a narrow width has the largest number.
COLUMNS = (
    Column("id", ("id",), plain("id"), lambda row, now: Cell(row["id"][:8])),
    Column(
        "status",
        ("status",),
        status_word,
        lambda row, now: Cell(status_word(row), STYLES.get(status_word(row), "")),
        steady=10,
    ),
    Column(
        "task", ("task",), plain("task"), lambda row, now: Cell(row["task"], middle=True), weight=2, least=24
    ),
    Column("queue", ("queue",), plain("queue"), text("queue"), weight=1, drop=3),
    Column("created", ("created_at",), plain("created_at"), _age("created_at"), steady=9, drop=1),
    Column("wait", ("wait_s",), plain("wait_s"), duration("wait_s"), right=True, steady=6, drop=5),
    Column("run", ("run_s",), plain("run_s"), duration("run_s"), right=True, steady=6, drop=2),
    Column("tries", ("tries",), _tries, lambda row, now: Cell(_tries(row)), steady=5, drop=4),
    Column("worker", ("worker",), plain("worker"), text("worker"), weight=1, drop=6),
    Column("error", ("error",), error_text, _first_line, weight=3, least=16),
)
MORE = (
    Column("derived", ("derived",), plain("derived"), text("derived")),
    Column("priority", ("priority",), plain("priority"), text("priority"), right=True),
    Column("max_tries", ("max_tries",), plain("max_tries"), text("max_tries"), right=True),
    Column("due", ("due_at",), plain("due_at"), _age("due_at")),
    Column("started", ("started_at",), plain("started_at"), _age("started_at")),
    Column("finished", ("finished_at",), plain("finished_at"), _age("finished_at")),
    Column("time_limit", ("time_limit_s",), plain("time_limit_s"), duration("time_limit_s"), right=True),
    Column("lease_until", ("lease_until",), plain("lease_until"), _age("lease_until")),
    Column("unique_key", ("unique_key",), plain("unique_key"), text("unique_key"), weight=1),
    Column("error_type", ("error_type",), plain("error_type"), text("error_type"), weight=1),
)
