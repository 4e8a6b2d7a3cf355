"""Events as they come over the wire, and what is taken from them. Anybody may have written them. Pure."""

from __future__ import annotations

import json
import re
from collections import OrderedDict
from collections.abc import Collection
from datetime import datetime
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from django_task_worker.events import Event

LONGEST = 4096
MOST_PUBLISHERS = 1000
MOST_SECONDS = 1e9
_ID = re.compile(r"[A-Za-z0-9]{1,32}")
WORDS = (
    "enqueued",
    "started",
    "completed",
    "failed",
    "retrying",
    "cancelled",
    "requeued",
    "paused",
    "resumed",
    "worker up",
    "worker down",
    "gap",
)
_WORDS = {
    "task_created": "enqueued",
    "tasks_created": "enqueued",
    "task_started": "started",
    "task_finished": "completed",
    "task_failed": "failed",
    "task_requeued": "requeued",
    "task_cancelled": "cancelled",
    "worker_up": "worker up",
    "worker_down": "worker down",
    "queue_paused": "paused",
    "queue_resumed": "resumed",
}


class Happening(NamedTuple):
    """One event. `at` is what its publisher says: seconds since 1970; 0 when it says nothing."""

    event: str
    """One of WORDS."""
    at: float
    id: str | None = None
    task: str | None = None
    queue: str | None = None
    worker: str | None = None
    tries: int | None = None
    wait_s: float | None = None
    run_s: float | None = None
    error_type: str | None = None
    number: int = 1
    """How many tasks, or events."""
    source: str = "redis"
    """redis, or poll for what the database told."""
    publisher: str | None = None
    seq: int | None = None
    """Its place among those of its publisher."""


def parse(payload: bytes) -> Happening | None:
    """The event; None when it is none. Never raises, and takes nothing that is too long or too large."""
    if len(payload) > LONGEST:
        return None
    try:
        fields = json.loads(payload)
    except (ValueError, RecursionError):
        return None
    if not isinstance(fields, dict):
        return None
    name, task_id = fields.get("event"), fields.get("task_id")
    word = _WORDS.get(name) if isinstance(name, str) else None
    if word is None or not (task_id is None or (isinstance(task_id, str) and _ID.fullmatch(task_id))):
        return None
    error_type = _text(fields.get("error_type"))
    if word == "requeued" and error_type is not None:
        word = "retrying"
    return Happening(
        word,
        _epoch(fields.get("at")),
        task_id,
        _text(fields.get("name")),
        _text(fields.get("queue")),
        _text(fields.get("worker")),
        _whole(fields.get("tries")),
        _seconds(fields.get("wait_s")),
        _seconds(fields.get("run_s")),
        error_type,
        _whole(fields.get("count")) or 1,
        publisher=_text(fields.get("publisher")),
        seq=_whole(fields.get("seq")),
    )


def from_row(event: Event) -> Happening:
    """What the database tells of."""
    word = _WORDS[event.event.value]
    return Happening(
        "retrying" if word == "requeued" and event.error_type is not None else word,
        0.0 if event.at is None else event.at.timestamp(),
        event.task_id,
        event.name,
        event.queue,
        event.worker,
        event.tries,
        event.wait_s,
        event.run_s,
        event.error_type,
        event.count or 1,
        source="poll",
    )


def names_of(words: Collection[str]) -> set[str]:
    """The names on the wire of what these words stand for."""
    wanted = {"requeued" if word == "retrying" else word for word in words}
    return {name for name, word in _WORDS.items() if word in wanted}


def _text(value: Any) -> str | None:
    return value[:255] if isinstance(value, str) else None


def _whole(value: Any) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**53 else None


def _seconds(value: Any) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if 0 <= value < MOST_SECONDS else None


def _epoch(value: Any) -> float:
    if not isinstance(value, str):
        return 0.0
    try:
        return datetime.fromisoformat(value).timestamp()
    except (ValueError, OverflowError, OSError):
        return 0.0


class Numbering:
    """Notices what was missed: each publisher numbers its events without a gap."""

    def __init__(self) -> None:
        self._last: OrderedDict[str, int] = OrderedDict()

    def missed(self, heard: Happening) -> int:
        """How many events of this publisher went by unheard just before this one."""
        publisher, seq = heard.publisher, heard.seq
        if publisher is None or seq is None:
            return 0
        last = self._last.get(publisher)
        self._last[publisher] = seq
        self._last.move_to_end(publisher)
        if len(self._last) > MOST_PUBLISHERS:
            self._last.popitem(last=False)
        if last is None or seq <= last:
            return 0
        return seq - last - 1
