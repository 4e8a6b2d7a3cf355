"""Figures of a window as plain objects, tsv rows and table cells. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from taskctl.render.columns import Column, duration, number, plain, rate
from taskctl.render.table import Cell

SHARES = {"p50": 0.5, "p95": 0.95, "p99": 0.99}


def as_object(figures: Any, by: str | None) -> dict[str, Any]:
    """The JSON object `stats`."""
    summary = figures.summary
    return {
        "v": 1,
        "type": "stats",
        "ts": figures.at,
        "window_s": round(summary.window_s, 3),
        "group": {} if by is None else {by: summary.key},
        "enqueued": figures.enqueued,
        "completed": summary.completed,
        "failed": summary.failed,
        "rate": round(summary.rate, 6),
        **quantiles("wait", summary.wait),
        **quantiles("run", summary.run),
        "pending": figures.pending,
        "running": figures.running,
        "pending_capped": figures.pending_capped,
        "retried": summary.retried,
        "cancelled": summary.cancelled,
    }


def quantiles(name: str, times: Any) -> dict[str, float | None]:
    found = {f"{name}_{label}_s": times.quantile_s(share) for label, share in SHARES.items()}
    return {key: None if seconds is None else round(seconds, 6) for key, seconds in found.items()}


def group(row: Mapping[str, Any]) -> str:
    """What the row is about; empty for all together."""
    return next(iter(row["group"].values()), None) or ""


def _time(row: Mapping[str, Any], now: datetime) -> Cell:
    return Cell(row["ts"].astimezone(now.tzinfo).strftime("%H:%M:%S"), "dim")


def _failed(row: Mapping[str, Any], now: datetime) -> Cell:
    return Cell(f"{row['failed']:,}", "red" if row["failed"] else "")


def _pending(row: Mapping[str, Any], now: datetime) -> Cell:
    if row["pending"] is None:
        return Cell("-")
    return Cell(f"{row['pending']:,}{'+' if row['pending_capped'] else ''}")


def _seconds(name: str, drop: int) -> Column:
    kind, _, share = name.partition("_p")
    key = f"{name}_s"
    return Column(f"{kind}{share}", (key,), plain(key), duration(key), right=True, steady=6, drop=drop)


TIME = Column("time", ("ts",), plain("ts"), _time, steady=8)
# What goes first at a narrow width has the largest number.
FIGURES = (
    Column("enqueued", ("enqueued",), plain("enqueued"), number("enqueued"), right=True, drop=2),
    Column("done", ("completed",), plain("completed"), number("completed"), right=True),
    Column("failed", ("failed",), plain("failed"), _failed, right=True),
    Column("rate", ("rate",), plain("rate"), rate("rate"), right=True, steady=5),
    _seconds("wait_p50", 4),
    _seconds("wait_p95", 1),
    _seconds("wait_p99", 6),
    _seconds("run_p50", 3),
    _seconds("run_p95", 0),
    _seconds("run_p99", 5),
    Column("pending", ("pending", "pending_capped"), plain("pending"), _pending, right=True, steady=7),
    Column("running", ("running",), plain("running"), number("running"), right=True),
)
MORE = (
    Column("window", ("window_s",), plain("window_s"), duration("window_s"), right=True),
    Column("retried", ("retried",), plain("retried"), number("retried"), right=True),
    Column("cancelled", ("cancelled",), plain("cancelled"), number("cancelled"), right=True),
)


def columns(by: str | None, *, is_table: bool, has_time: bool) -> Sequence[Column]:
    """The usual ones: always the same in lines, what is worth the room in a table."""
    key = Column(
        by or "group",
        ("group",),
        group,
        lambda row, now: Cell(group(row) or "-", middle=by == "task"),
        weight=1,
        least=22 if by == "task" else 12,
        steady=12,
    )
    if not is_table:
        return (TIME, key, *FIGURES, *MORE)
    return (*([TIME] if has_time else []), *([key] if by else []), *FIGURES)
