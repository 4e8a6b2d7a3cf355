"""Workers as plain objects, tsv rows and table cells. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django_task_worker.snapshot.rows import LOST, WorkerRow
from taskctl.durations import brief
from taskctl.render.columns import Column, number, plain, text
from taskctl.render.table import Cell

STYLES = {"up": "green", "draining": "yellow", "lost": "red"}


def as_object(row: WorkerRow, *, at: float, status: str, busy: int) -> dict[str, Any]:
    """The JSON object `worker`. `at` is the moment by the database's clock, in seconds since 1970."""
    return {
        "v": 1,
        "type": "worker",
        "name": row.name,
        "host": row.host,
        "pid": row.pid,
        "status": status,
        "queues": list(row.queues),
        "slots": row.slots,
        "busy": busy,
        "seen_s": round(max(0.0, at - row.seen_at), 1),
        "up_s": None if status == LOST else round(at - row.started_at),
        "version": row.version,
        "done": row.completed,
        "failed": row.failed,
        "draining": row.drain_requested,
        "exclude_queues": list(row.exclude_queues),
    }


def takes(row: Mapping[str, Any]) -> str:
    """`default,mail`, `*` for all, `* but imports`."""
    text = ",".join(row["queues"]) or "*"
    return f"{text} but {','.join(row['exclude_queues'])}" if row["exclude_queues"] else text


def _age(key: str) -> Any:
    """In whole seconds."""
    return lambda row, now: Cell("-" if row[key] is None else brief(round(row[key])))


def _status(row: Mapping[str, Any], now: datetime) -> Cell:
    return Cell(row["status"], STYLES.get(row["status"], ""))


COLUMNS = (
    Column("name", ("name",), plain("name"), text("name"), weight=1, least=12),
    Column("status", ("status",), plain("status"), _status),
    Column("slots", ("slots",), plain("slots"), number("slots"), right=True),
    Column("busy", ("busy",), plain("busy"), number("busy"), right=True),
    Column("seen", ("seen_s",), plain("seen_s"), _age("seen_s"), right=True),
    Column("up", ("up_s",), plain("up_s"), _age("up_s"), right=True, drop=1),
    Column("done", ("done",), plain("done"), number("done"), right=True, drop=2),
    Column("failed", ("failed",), plain("failed"), number("failed"), right=True, drop=3),
    Column("version", ("version",), plain("version"), text("version"), drop=4),
    Column("queues", ("queues",), takes, lambda row, now: Cell(takes(row)), weight=2, least=6),
)
MORE = (
    Column("host", ("host",), plain("host"), text("host")),
    Column("pid", ("pid",), plain("pid"), text("pid"), right=True),
    Column("draining", ("draining",), plain("draining"), text("draining")),
    Column(
        "exclude_queues",
        ("exclude_queues",),
        lambda row: ",".join(row["exclude_queues"]),
        lambda row, now: Cell(",".join(row["exclude_queues"]) or "-"),
    ),
)
