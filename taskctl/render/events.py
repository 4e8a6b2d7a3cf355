"""Events as plain objects, tsv rows and table cells. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from taskctl.durations import brief
from taskctl.listening.happenings import Happening
from taskctl.render.columns import Column, plain, text
from taskctl.render.table import Cell
from taskctl.render.tasks import STYLES as TASK_STYLES

STYLES = {**TASK_STYLES, "gap": "magenta", "paused": "yellow", "worker_down": "yellow"}


def word(name: str) -> str:
    """A kind of event as it is typed and printed: worker_up."""
    return name.replace(" ", "_")


def as_object(happening: Happening, now: datetime) -> dict[str, Any]:
    """The JSON object `event`; `now` stands in for a time that its publisher did not tell."""
    return {
        "v": 1,
        "type": "event",
        "seq": happening.seq,
        "ts": datetime.fromtimestamp(happening.at, UTC) if happening.at else now,
        "event": word(happening.event),
        "id": happening.id,
        "task": happening.task,
        "queue": happening.queue,
        "worker": happening.worker,
        "wait_s": happening.wait_s,
        "run_s": happening.run_s,
        "tries": happening.tries,
        "error_type": happening.error_type,
        "source": happening.source,
        "count": happening.number,
        "publisher": happening.publisher,
    }


def details(row: Mapping[str, Any]) -> str:
    """What there is to say besides: `run 12ms, wait 40ms`."""
    if row["event"] == "gap":
        return f"{row['count']:,} missed on the way"
    parts = [row["error_type"]] if row["error_type"] else []
    if row["count"] > 1:
        parts.append(f"{row['count']:,} tasks")
    if row["tries"] is not None and row["tries"] > 1:
        parts.append(f"try {row['tries']}")
    for label in ("run", "wait"):
        seconds = row[f"{label}_s"]
        if seconds is not None:
            parts.append(f"{label} {brief(seconds)}")
    return ", ".join(parts)


def _about(row: Mapping[str, Any], now: datetime) -> Cell:
    """The task, or what else it is about, which may have no column of its own."""
    if row["task"] or row["id"]:
        return Cell(row["task"] or "", middle=True)
    if row["worker"]:
        return Cell(row["worker"])
    return Cell(f"queue {row['queue']}" if row["queue"] else "")


def _time(row: Mapping[str, Any], now: datetime) -> Cell:
    """In the time zone of `now`."""
    return Cell(row["ts"].astimezone(now.tzinfo).strftime("%H:%M:%S.%f")[:-3], "dim")


def _event(row: Mapping[str, Any], now: datetime) -> Cell:
    return Cell(row["event"], STYLES.get(row["event"], ""))


def _id(row: Mapping[str, Any], now: datetime) -> Cell:
    return Cell((row["id"] or "")[:8])


def _blank(key: str) -> Any:
    return lambda row, now: Cell(row[key] or "")


# What goes first at a narrow width has the largest number.
TABLE = (
    Column("time", ("ts",), plain("ts"), _time, steady=12),
    Column("event", ("event",), plain("event"), _event, steady=11),
    Column("id", ("id",), plain("id"), _id, steady=8),
    Column("task", ("task",), plain("task"), _about, weight=2, least=18, steady=24),
    Column("queue", ("queue",), plain("queue"), _blank("queue"), weight=1, least=7, steady=8, drop=2),
    Column("worker", ("worker",), plain("worker"), _blank("worker"), weight=1, least=8, steady=12, drop=3),
    Column("details", (), details, lambda row, now: Cell(details(row)), weight=1, least=19, steady=24),
)
_MORE = ("wait_s", "run_s", "tries", "error_type", "source", "seq", "count", "publisher")
MORE = tuple(Column(key, (key,), plain(key), text(key)) for key in _MORE)
LINES = (*TABLE[:-1], *MORE)
"""What tsv shows: the values instead of a sentence about them."""
