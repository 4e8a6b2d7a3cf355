"""Tasks as plain objects, tsv rows and table cells. Pure: no Django, no clock, no I/O."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from taskctl.durations import brief
from taskctl.render.table import Cell, Heading, Layout, Look, layout, lines, titles
from taskctl.times import iso

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
    return None if task.duration is None else round(float(task.duration), 6)


@dataclass(frozen=True)
class Column:
    """One column of a list: the keys it goes by, its tsv value, its table cell."""

    name: str
    keys: tuple[str, ...]
    value: Callable[[Mapping[str, Any]], Any]
    cell: Callable[[Mapping[str, Any], datetime], Cell]
    weight: int = 0
    """0 keeps its width; larger ones give way first, down to `least`."""
    least: int = 8
    right: bool = False


def _plain(key: str) -> Callable[[Mapping[str, Any]], Any]:
    return lambda row: plain(row[key])


def plain(value: Any) -> Any:
    """For tsv: times in UTC, the rest as it is."""
    return iso(value) if isinstance(value, datetime) else value


def _text(key: str) -> Callable[[Mapping[str, Any], datetime], Cell]:
    return lambda row, now: Cell("-" if row[key] is None else str(row[key]))


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


def _duration(key: str) -> Callable[[Mapping[str, Any], datetime], Cell]:
    return lambda row, now: Cell("-" if row[key] is None else brief(row[key]))


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


COLUMNS = (
    Column("id", ("id",), _plain("id"), lambda row, now: Cell(row["id"][:8])),
    Column(
        "status",
        ("status",),
        status_word,
        lambda row, now: Cell(status_word(row), STYLES.get(status_word(row), "")),
    ),
    Column(
        "task", ("task",), _plain("task"), lambda row, now: Cell(row["task"], middle=True), weight=2, least=24
    ),
    Column("queue", ("queue",), _plain("queue"), _text("queue"), weight=1),
    Column("created", ("created_at",), _plain("created_at"), _age("created_at")),
    Column("wait", ("wait_s",), _plain("wait_s"), _duration("wait_s"), right=True),
    Column("run", ("run_s",), _plain("run_s"), _duration("run_s"), right=True),
    Column("tries", ("tries",), _tries, lambda row, now: Cell(_tries(row))),
    Column("worker", ("worker",), _plain("worker"), _text("worker"), weight=1),
    Column("error", ("error",), error_text, _first_line, weight=3, least=16),
)
MORE = (
    Column("derived", ("derived",), _plain("derived"), _text("derived")),
    Column("priority", ("priority",), _plain("priority"), _text("priority"), right=True),
    Column("max_tries", ("max_tries",), _plain("max_tries"), _text("max_tries"), right=True),
    Column("due", ("due_at",), _plain("due_at"), _age("due_at")),
    Column("started", ("started_at",), _plain("started_at"), _age("started_at")),
    Column("finished", ("finished_at",), _plain("finished_at"), _age("finished_at")),
    Column("time_limit", ("time_limit_s",), _plain("time_limit_s"), _duration("time_limit_s"), right=True),
    Column("lease_until", ("lease_until",), _plain("lease_until"), _age("lease_until")),
    Column("unique_key", ("unique_key",), _plain("unique_key"), _text("unique_key"), weight=1),
    Column("error_type", ("error_type",), _plain("error_type"), _text("error_type"), weight=1),
)
# What the longest usual value takes, for lists that go on.
STEADY = {"status": 10, "created": 9, "wait": 6, "run": 6, "tries": 5}
# At a narrow width these go first, in this order.
DROPS = ("worker", "wait", "tries", "queue", "run", "created")


class Table:
    """A table of tasks that may come in several pieces: titles once, the same widths throughout."""

    def __init__(self, columns: Sequence[Column], look: Look, *, is_chosen: bool = False) -> None:
        self._columns = columns
        self._look = look
        self._layout: Layout | None = None
        self._headings = [
            Heading(
                column.name,
                weight=column.weight,
                least=column.least,
                right=column.right,
                steady=STEADY.get(column.name, 0),
                drop=0 if is_chosen or column.name not in DROPS else len(DROPS) - DROPS.index(column.name),
            )
            for column in columns
        ]

    def cells(self, row: Mapping[str, Any], now: datetime) -> list[Cell]:
        return [column.cell(row, now) for column in self._columns]

    def lines(self, cells: Sequence[Sequence[Cell]], *, spare: bool = False) -> list[str]:
        """The lines of these rows, the first time below their titles. `spare`: more rows may come."""
        found = []
        if self._layout is None:
            self._layout = layout(self._headings, cells, self._look, spare=spare)
            found = [titles(self._headings, self._look, self._layout)] if self._look.header else []
        return found + lines(self._headings, cells, self._look, self._layout)
