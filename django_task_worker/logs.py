"""How a worker logs: a record is one line on stderr, text or JSON, with nothing a terminal would obey."""

from __future__ import annotations

import json
import logging
import os
import re
import sys
import time
from datetime import UTC, datetime

from django_task_worker.cleaning import clean

FORMATS = ("auto", "text", "json", "journald")
LEVELS = ("debug", "info", "warning", "error")
LIMIT = 16_000
LOGGER = "django_task_worker"
TASK_FIELDS = ("task_id", "task_name", "task_attempt", "task_worker")
"""What each record that is logged inside a task carries."""
_PRIORITIES = {logging.DEBUG: 7, logging.INFO: 6, logging.WARNING: 4, logging.ERROR: 3, logging.CRITICAL: 2}
_COLOURS = {logging.WARNING: "\x1b[33m", logging.ERROR: "\x1b[31m", logging.CRITICAL: "\x1b[31m"}


def configure(format: str = "auto", level: str = "info", *, colour: bool = False) -> None:  # noqa: A002
    """Send the log of this package to stderr, unless the project's LOGGING handles it already.

    `auto` is text; under systemd it is text without a time, with the level as journald reads it. What tasks
    log goes the same way when the project has not said where its own log goes.
    """
    logger = logging.getLogger(LOGGER)
    logger.setLevel(level.upper())
    if logger.handlers:
        return
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_formatter(format, colour))
    logger.addHandler(handler)
    logger.propagate = False
    if not logging.root.handlers:
        logging.root.addHandler(handler)


def silence() -> None:
    """For commands that speak for themselves: what nobody handles is not printed raw on stderr."""
    logger = logging.getLogger(LOGGER)
    if not logger.handlers:
        logger.addHandler(logging.NullHandler())


def _formatter(format: str, colour: bool) -> logging.Formatter:  # noqa: A002
    if format == "json":
        return JSONLines()
    if format == "journald" or (format == "auto" and is_under_journald()):
        return Journal()
    return Text(is_terminal=sys.stderr.isatty(), colour=colour)


def is_under_journald() -> bool:
    """Whether stderr is the stream that systemd connected to the journal."""
    try:
        status = os.fstat(sys.stderr.fileno())
    except (OSError, ValueError):
        return False
    return os.environ.get("JOURNAL_STREAM") == f"{status.st_dev}:{status.st_ino}"


class TaskFields(logging.Filter):
    """For LOGGING of a project whose formats name `task_id` and the like: None where no task is running."""

    def filter(self, record: logging.LogRecord) -> bool:
        for field in TASK_FIELDS:
            record.__dict__.setdefault(field, None)
        return True


def _message(record: logging.LogRecord, formatter: logging.Formatter) -> str:
    text = record.getMessage() + _where(record)
    if record.exc_info:
        text += "\n" + formatter.formatException(record.exc_info)
    return text


def _where(record: logging.LogRecord) -> str:
    """The task in which it was logged."""
    task_id, name, attempt, worker = (record.__dict__.get(field) for field in TASK_FIELDS)
    if not task_id:
        return ""
    parts = [f"task {task_id}"]
    parts += [
        f"{word}{value}" for word, value in ((" ", name), (", attempt ", attempt), (" on ", worker)) if value
    ]
    return f" ({''.join(parts)})"


class Text(logging.Formatter):
    """`12:04:31 warning  message` on a terminal, else with the date, in UTC."""

    def __init__(self, *, is_terminal: bool, colour: bool = False) -> None:
        super().__init__()
        self._is_terminal = is_terminal
        self._colour = colour

    def format(self, record: logging.LogRecord) -> str:
        word = f"{record.levelname.lower():7}"
        if self._colour and record.levelno in _COLOURS:
            word = f"{_COLOURS[record.levelno]}{word}\x1b[0m"
        return f"{self._time(record.created)} {word} {clean(_message(record, self), LIMIT)}"

    def _time(self, created: float) -> str:
        if self._is_terminal:
            return time.strftime("%H:%M:%S", time.localtime(created))
        return _iso(created)


class Journal(logging.Formatter):
    """`<4>message`: systemd takes the level from the prefix and brings its own time."""

    def format(self, record: logging.LogRecord) -> str:
        return f"<{_PRIORITIES.get(record.levelno, 5)}>{clean(_message(record, self), LIMIT)}"


class JSONLines(logging.Formatter):
    """One object a line."""

    def format(self, record: logging.LogRecord) -> str:
        row = {
            "v": 1,
            "type": "log",
            "ts": _iso(record.created),
            "level": record.levelname.lower(),
            "logger": record.name,
            "pid": record.process,
            "message": record.getMessage(),
            **{field: record.__dict__.get(field) for field in TASK_FIELDS},
            "traceback": self.formatException(record.exc_info) if record.exc_info else None,
        }
        text = json.dumps(row, ensure_ascii=False, separators=(",", ":"), default=str)
        return text if text.isprintable() else _UNPRINTABLE.sub(_escape, text)


_UNPRINTABLE = re.compile(r"[^ -~]")


def _escape(match: re.Match[str]) -> str:
    """The character, as JSON escapes it unless it can be printed."""
    character = match[0]
    if character.isprintable():
        return character
    return r"\u007f" if character == "\x7f" else json.dumps(character)[1:-1]


def _iso(created: float) -> str:
    return datetime.fromtimestamp(created, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
