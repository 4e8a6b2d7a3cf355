"""Figures in the text format of Prometheus, version 0.0.4. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from taskctl.render.stats import SHARES

PREFIX = "django_task_worker_"
MOST_LABELS = 200
OTHER = "other"
Sample = tuple[Mapping[str, str], float | None]


def lines(
    figures: Sequence[Any], by: str | None, queues: Sequence[Mapping[str, Any]], workers: Mapping[str, int]
) -> Iterator[str]:
    """The lines of a file. `queues` are objects of `queues --json`, `workers` their number by status."""
    rows = list(_labelled(figures, by))
    yield from _metric(
        "window_seconds", "Seconds that the figures of what has ended cover.", _window(figures[:1])
    )
    for name, text, value in _COUNTS:
        yield from _metric(name, text, [(labels, value(row)) for labels, row in rows])
    for name, text in (
        ("wait_seconds", "How long tasks had been due when they began, in the window."),
        ("run_seconds", "How long tasks ran, in the window."),
    ):
        kind = name.partition("_")[0]
        yield from _metric(name, text, _quantiles(rows, kind))
    for name, text, key in _QUEUES:
        yield from _metric(
            name, text, [({"queue": escape(row["queue"])}, _number(row[key])) for row in queues]
        )
    yield from _metric(
        "workers", "Workers by status.", [({"status": status}, number) for status, number in workers.items()]
    )


_COUNTS: tuple[tuple[str, str, Any], ...] = (
    ("tasks_enqueued", "Tasks created in the window.", lambda row: row.enqueued),
    ("tasks_completed", "Tasks that completed in the window.", lambda row: row.summary.completed),
    ("tasks_failed", "Tasks that failed for good in the window.", lambda row: row.summary.failed),
    ("tasks_retried", "Attempts that failed and were to be retried.", lambda row: row.summary.retried),
    ("tasks_cancelled", "Running tasks that were cancelled.", lambda row: row.summary.cancelled),
    ("tasks_per_second", "Tasks that ended per second in the window.", lambda row: row.summary.rate),
    ("tasks_pending", "Tasks that are due, counted up to a cap.", lambda row: row.pending),
    ("tasks_running", "Tasks in the hands of workers.", lambda row: row.running),
)
_QUEUES = (
    ("queue_pending", "Tasks that are due, counted up to 10000.", "pending"),
    ("queue_scheduled", "Tasks that are due later, counted up to 10000.", "scheduled"),
    ("queue_running", "Tasks in the hands of workers.", "running"),
    ("queue_oldest_seconds", "Since when the task that waits longest has been due.", "oldest_s"),
    ("queue_paused", "1 while nobody may take tasks from it.", "paused"),
    ("queue_workers", "Workers that are up and listen to it.", "workers"),
)


def _labelled(figures: Sequence[Any], by: str | None) -> Iterator[tuple[Mapping[str, str], Any]]:
    """Each row with its label, no label twice; the less busy beyond MOST_LABELS together as `other`."""
    if by is None:
        yield from (({}, row) for row in figures)
        return
    found: dict[str, list[Any]] = {}
    for row in figures:
        label = escape(row.summary.key or "")
        if label not in found and len(found) >= MOST_LABELS:
            label = OTHER
        found.setdefault(label, []).append(row)
    for label, (first, *others) in found.items():
        yield {by: label}, first.with_all(others, first.summary.key) if others else first


def _window(figures: Sequence[Any]) -> list[Sample]:
    return [({}, row.summary.window_s) for row in figures]


def _quantiles(rows: Iterable[tuple[Mapping[str, str], Any]], kind: str) -> list[Sample]:
    return [
        ({**labels, "quantile": f"{share:g}"}, getattr(row.summary, kind).quantile_s(share))
        for labels, row in rows
        for share in SHARES.values()
    ]


def _metric(name: str, text: str, samples: Iterable[Sample]) -> Iterator[str]:
    """Nothing at all where nothing is known."""
    known = [(labels, value) for labels, value in samples if value is not None]
    if not known:
        return
    yield f"# HELP {PREFIX}{name} {text}"
    yield f"# TYPE {PREFIX}{name} gauge"
    for labels, value in known:
        inside = ",".join(f'{key}="{label}"' for key, label in labels.items())
        braces = f"{{{inside}}}" if inside else ""
        yield f"{PREFIX}{name}{braces} {round(value, 6)!r}"


def _number(value: Any) -> float | None:
    return int(value) if isinstance(value, bool) else value


def escape(text: str) -> str:
    """The value of a label: a backslash before what ends it; what no terminal should see is spelt out."""
    return "".join(_ESCAPES.get(c) or (c if c.isprintable() else _spelt(c)) for c in text)


_ESCAPES = {"\\": "\\\\", '"': '\\"', "\n": "\\n"}


def _spelt(character: str) -> str:
    return character.encode("unicode_escape").decode("ascii").replace("\\", "\\\\")
