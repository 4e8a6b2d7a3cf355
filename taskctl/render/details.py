"""Everything about one task: the object of `show` and its block for a terminal. Pure."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime, tzinfo
from typing import Any

from taskctl.call import written
from taskctl.durations import brief
from taskctl.render.block import Row
from taskctl.render.progress import words
from taskctl.render.tasks import STYLES, ago, as_object, error_text, status_word
from taskctl.times import local

MASK = "[redacted]"


def details(
    task: Any,
    attempts: Sequence[Any],
    now: datetime,
    redact: Sequence[str],
    operations: Sequence[Any] = (),
) -> dict[str, Any]:
    """The JSON object of `show`. Arguments whose names contain a word of `redact` are masked."""
    return as_object(task, now) | {
        "args": mask(task.args or [], redact),
        "kwargs": mask(task.kwargs or {}, redact),
        "result": result_of(task),
        "traceback": task.traceback,
        "attempts": [attempt_object(attempt) for attempt in attempts],
        "operations": [operation_object(operation) for operation in operations],
        "progress": task.progress,
    }


def attempt_object(attempt: Any) -> dict[str, Any]:
    return {
        "n": attempt.number,
        "worker": attempt.worker,
        "started_at": attempt.started_at,
        "finished_at": attempt.finished_at,
        "outcome": attempt.outcome,
        "error_type": attempt.error_type,
        "error": attempt.error,
    }


def operation_object(operation: Any) -> dict[str, Any]:
    """What an operator did to this task, and to how many others with it."""
    return {
        "at": operation.at,
        "action": operation.action,
        "who": operation.who,
        "via": operation.via,
        "reason": operation.reason or None,
        "selector": operation.selector or None,
        "changed": operation.changed,
    }


def result_of(task: Any) -> Any:
    """The value where it is JSON, else its text."""
    if task.result_json is not None or task.result is None or task.result == "None":
        return task.result_json
    return task.result


def mask(value: Any, redact: Sequence[str]) -> Any:
    """The value with `[redacted]` under every key that contains one of the words, at any depth."""
    if isinstance(value, Mapping):
        return {
            key: MASK if any(word.lower() in key.lower() for word in redact) else mask(item, redact)
            for key, item in value.items()
        }
    if isinstance(value, list | tuple):
        return [mask(item, redact) for item in value]
    return value


def described(row: Mapping[str, Any], now: datetime, *, zone: tzinfo) -> list[Row]:
    """The rows of the block that `show` prints on a terminal: label, text, style."""
    status = status_word(row)
    tries = f"{row['tries']} of {row['max_tries'] or '?'}"
    rows = [
        ("id", row["id"], "bold"),
        ("call", written(row["task"], row["args"], row["kwargs"]), ""),
        ("status", status, STYLES.get(status, "")),
        ("queue", f"{row['queue']}, priority {row['priority']}", ""),
        ("tries", tries, ""),
        ("time limit", brief(row["time_limit_s"]), ""),
    ]
    for label in ("created", "due", "started", "finished"):
        at = row[f"{label}_at"]
        if at is not None:
            rows.append((label, f"{local(at, zone)}   {ago(at, now)}{_span(label, row)}", ""))
    if row["lease_until"] is not None:
        rows.append(
            ("lease until", f"{local(row['lease_until'], zone)}   {ago(row['lease_until'], now)}", "")
        )
    if words(row["progress"]):
        rows.append(("progress", words(row["progress"]), ""))
    for label in ("worker", "unique_key"):
        if row[label]:
            rows.append((label.replace("_", " "), row[label], ""))
    rows += _outcome(row)
    return rows + [(operation["action"], _operation(operation, now), "") for operation in row["operations"]]


def _operation(operation: Mapping[str, Any], now: datetime) -> str:
    others = operation["changed"] - 1
    text = f"{ago(operation['at'], now)} by {operation['who']}"
    if others > 0:
        text += f", with {others:,} other task{'' if others == 1 else 's'}"
    return f"{text}: {operation['reason']}" if operation["reason"] else text


def _span(label: str, row: Mapping[str, Any]) -> str:
    if label == "started" and row["wait_s"] is not None:
        return f", waited {brief(row['wait_s'])}"
    if label == "finished" and row["run_s"] is not None:
        return f", ran {brief(row['run_s'])}"
    return ""


def _outcome(row: Mapping[str, Any]) -> list[Row]:
    rows = []
    if row["status"] == "completed":
        rows.append(("result", json.dumps(row["result"], ensure_ascii=False), "green"))
    if error_text(row):
        rows.append(("error", error_text(row) or "", "red"))
    if row["traceback"]:
        rows.append(("traceback", row["traceback"].rstrip("\n"), ""))
    rows += [(f"attempt {attempt['n']}", _attempt(attempt), "") for attempt in row["attempts"]]
    return rows


def _attempt(attempt: Mapping[str, Any]) -> str:
    error = ": ".join(part for part in (attempt["error_type"], attempt["error"]) if part)
    return f"{attempt['outcome']}  {error.partition(chr(10))[0]}".rstrip()


def tried(attempts: Sequence[Any], now: datetime) -> list[Row]:
    """The tracebacks of the earlier attempts."""
    return [
        (f"attempt {attempt.number}, {ago(attempt.finished_at, now)}, on {attempt.worker or '?'}", text, "")
        for attempt in attempts
        if (text := "\n" + (attempt.traceback or attempt.error or "").rstrip("\n"))
    ]
