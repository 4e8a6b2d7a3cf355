"""Tasks as NDJSON on stdin: lines to the arguments of `create_task`. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, BinaryIO

from taskctl import call, values
from taskctl.errors import CommandError, nearest, usage
from taskctl.times import Moment

LONGEST_LINE = 1024 * 1024
KEYS = ("task", "args", "kwargs", "queue", "delay", "at", "priority", "time_limit", "retries", "unique")


@dataclass(frozen=True)
class Line:
    """One line that is not blank, by its number; `error` says why it is none of ours."""

    number: int
    item: dict[str, Any]
    error: CommandError | None = None


def read(
    stream: BinaryIO,
    name: str | None,
    shared: dict[str, Any],
    *,
    skip: int,
    place: Callable[[Moment], datetime],
) -> Iterator[Line]:
    """The lines after the first `skip`. With a name a line holds its args (array) or kwargs (object)."""
    number = 0
    while line := stream.readline(LONGEST_LINE + 1):
        number += 1
        is_long = len(line) > LONGEST_LINE
        while is_long and not line.endswith(b"\n") and (line := stream.readline(LONGEST_LINE)):
            pass
        if number <= skip or (not is_long and not line.strip()):
            continue
        try:
            if is_long:
                raise usage("longer than 1 MiB")
            yield Line(number, shared | _item(_json(line), name, place))
        except CommandError as error:
            yield Line(number, {}, error)


def _json(line: bytes) -> Any:
    try:
        text = line.decode("utf-8-sig").strip()
    except UnicodeDecodeError:
        raise usage("not UTF-8") from None
    return call.strict(text, "not valid JSON")


def _item(value: Any, name: str | None, place: Callable[[Moment], datetime]) -> dict[str, Any]:
    if name is not None:
        if isinstance(value, list):
            return {"name": name, "args": value}
        if isinstance(value, dict):
            return {"name": name, "kwargs": value}
        raise usage("must be an array (args) or an object (kwargs)")
    if not isinstance(value, dict):
        raise usage('must be an object such as {"task": "app.tasks.add", "args": [1, 2]}')
    for key in value:
        if key not in KEYS:
            close = nearest(key, KEYS, 1)
            hint = f"Did you mean {close[0]}?" if close else f"There are {', '.join(KEYS)}"
            raise usage(f"unknown key '{key}'. {hint}")
    if not isinstance(value.get("task"), str):
        raise usage('the key "task" must hold the name of a task')
    return _options(value, place)


def _options(value: dict[str, Any], place: Callable[[Moment], datetime]) -> dict[str, Any]:
    item: dict[str, Any] = {"name": value["task"]}
    if value.get("delay") is not None and value.get("at") is not None:
        raise usage("delay and at: one of them")
    names = {
        "args": "args",
        "kwargs": "kwargs",
        "queue": "queue",
        "priority": "priority",
        "unique": "unique_key",
        "retries": "max_retries",
    }
    for key, name in names.items():
        if value.get(key) is not None:
            item[name] = value[key]
    if value.get("time_limit") is not None:
        item["timeout"] = whole_seconds("time_limit", str(value["time_limit"]))
    if value.get("delay") is not None:
        item["run_after"] = timedelta(seconds=values.duration("delay", str(value["delay"])))
    if value.get("at") is not None:
        moment = values.moment("at", str(value["at"]))
        assert moment is not None
        item["run_after"] = place(moment)
    return item


def whole_seconds(flag: str, text: str) -> int:
    """A time limit: whole seconds, at least 1."""
    seconds = values.duration(flag, text)
    if seconds < 1 or seconds != int(seconds):
        raise usage(f"{flag} {text}: whole seconds, at least 1s")
    return int(seconds)
