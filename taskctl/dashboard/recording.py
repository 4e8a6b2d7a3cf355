"""Recordings: what was told, with its time, a line of JSON each; gzip by the file's name.

The first line names the format and the project, then `[seconds, kind, fields...]`.
"""

from __future__ import annotations

import gzip
import json
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from django_task_worker.snapshot.rows import (
    FailureRow,
    FinishedRow,
    QueueRow,
    RunningRow,
    Snapshot,
    WorkerRow,
)
from taskctl.dashboard.messages import Events, Health, History, Message, Past, Spreads
from taskctl.listening.happenings import Happening

FORMAT = "taskctl top"
VERSION = 1
EVENTS, HEALTH, SNAPSHOT, HISTORY = "events", "health", "snapshot", "history"
FLUSH_S = 2.0


class NotARecording(ValueError):
    """This file was not made by `taskctl top --record`."""


class Recorder:
    """Writes a recording. The file is readable by its owner only: it tells what ran."""

    def __init__(self, path: Path, project: str, now: float) -> None:
        self.path = path
        raw = os.fdopen(_private(path), "wb")
        self._file: IO[bytes] = (
            gzip.GzipFile(fileobj=raw, mode="wb", compresslevel=5) if path.suffix == ".gz" else raw  # type: ignore[assignment]
        )
        self._raw = raw
        self._flushed_at = now
        self._line({"format": FORMAT, "v": VERSION, "project": project, "started_at": now})

    def keep(self, message: Message, now: float) -> None:
        at = round(now, 3)
        if isinstance(message, Events):
            self._line([at, EVENTS, message.happenings, message.missed, message.dropped])
        elif isinstance(message, Snapshot):
            self._line([at, SNAPSHOT, message])
        elif isinstance(message, History):
            self._line([at, HISTORY, message])
        else:
            self._line([at, HEALTH, message])
        if now - self._flushed_at >= FLUSH_S:
            self._flushed_at = now
            self._file.flush()
            self._raw.flush()

    def close(self) -> None:
        self._file.close()
        self._raw.close()

    def _line(self, value: Any) -> None:
        self._file.write(json.dumps(value, separators=(",", ":")).encode() + b"\n")


def _private(path: Path) -> int:
    """A descriptor of the emptied file, closed to others before it is written. Never through a link."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    try:
        os.fchmod(descriptor, 0o600)
        os.ftruncate(descriptor, 0)
    except OSError:
        os.close(descriptor)
        raise
    return descriptor


class Recording:
    """A recording that is read back."""

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            with _lines(self.path) as lines:
                head = json.loads(next(lines, b""))
            if head["format"] != FORMAT or head["v"] > VERSION:
                raise KeyError
            self.project = str(head["project"])
            self.started_at = float(head["started_at"])
        except (ValueError, KeyError, TypeError, EOFError, gzip.BadGzipFile):
            raise NotARecording(str(path)) from None

    def messages(self) -> Iterator[tuple[float, Message]]:
        """What was told and when. A last line that was cut off ends it."""
        with _lines(self.path) as lines:
            next(lines, b"")
            for line in lines:
                try:
                    at, kind, *fields = json.loads(line)
                    message = _message(kind, fields)
                except (ValueError, TypeError, IndexError):
                    return
                if message is not None:
                    yield at, message


@contextmanager
def _lines(path: Path) -> Iterator[Iterator[bytes]]:
    """The lines of a file, also of one that is still being written."""
    with path.open("rb") as raw:
        is_compressed = raw.read(2) == b"\x1f\x8b"
        raw.seek(0)
        yield _read(gzip.GzipFile(fileobj=raw) if is_compressed else raw)


def _read(file: Iterable[bytes]) -> Iterator[bytes]:
    try:
        yield from file
    except EOFError:
        return


def _message(kind: str, fields: list[Any]) -> Message | None:
    if kind == EVENTS:
        happenings, missed, dropped = fields
        return Events([Happening(*values) for values in happenings], missed, dropped)
    if kind == HEALTH:
        return Health(*fields[0])
    if kind == HISTORY:
        found = History(*fields[0])
        return found._replace(
            minutes=[Past(*row) for row in found.minutes],
            spreads=[Spreads(*row) for row in found.spreads],
            queue_minutes=[(queue, [Past(*row) for row in rows]) for queue, rows in found.queue_minutes],
        )
    return _snapshot(fields[0]) if kind == SNAPSHOT else None


def _snapshot(values: list[Any]) -> Snapshot:
    found = Snapshot(*values)
    return found._replace(
        queues=tuple(QueueRow(*row) for row in found.queues),
        running=tuple(RunningRow(*row) for row in found.running),
        workers=tuple(_worker(row) for row in found.workers),
        failures=tuple(FailureRow(*row) for row in found.failures),
        finished=tuple(FinishedRow(*row) for row in found.finished),
    )


def _worker(values: Any) -> WorkerRow:
    row = WorkerRow(*values)
    return row._replace(queues=tuple(row.queues), exclude_queues=tuple(row.exclude_queues))
