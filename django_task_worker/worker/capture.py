"""What a task logs and prints, kept on its slate; and the task's name on every record that it logs.

Records are taken where a logger hands them to its handlers: so loggers that do not propagate are heard too,
the root logger stays as the project left it, and `extra={"task_id": ...}` in a task still works, which a
record factory would break. Printed text goes on to the worker's own output as before.
"""

from __future__ import annotations

import logging
import sys
import threading
from collections.abc import Iterable
from datetime import UTC, datetime
from os import register_at_fork
from typing import Any, TextIO

from django_task_worker.logs import TASK_FIELDS
from django_task_worker.worker import context
from django_task_worker.worker.slate import Slate
from django_task_worker.worker.text import storable

_LOGGING = logging.__file__
_format_exception = logging.Formatter().formatException


class Tee:
    """A standard stream of which the slate gets a copy."""

    def __init__(self, stream: TextIO, capture: Capture) -> None:
        self._stream = stream
        self._capture = capture

    def write(self, text: str) -> int:
        written = self._stream.write(text)
        if sys._getframe(1).f_code.co_filename != _LOGGING:  # a handler's line: we have its record
            self._capture.write(text)
        return written

    def writelines(self, lines: Iterable[str]) -> None:
        for line in lines:
            self.write(line)

    def flush(self) -> None:
        self._stream.flush()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    def __iter__(self) -> Any:
        return iter(self._stream)


class Capture:
    """Copies what the running task writes. One for each child."""

    def __init__(self, slate: Slate, worker: str, *, keeps_text: bool) -> None:
        self._slate = slate
        self._worker = worker
        self._keeps_text = keeps_text
        self._streams = sys.stdout, sys.stderr
        self._tees: tuple[Any, Any] = Tee(sys.stdout, self), Tee(sys.stderr, self)
        self._call_handlers = logging.Logger.callHandlers
        self._forming = threading.local()
        self._renew_lock()
        register_at_fork(after_in_child=self._renew_lock)

    def _renew_lock(self) -> None:
        self._lock = threading.RLock()  # a signal handler of the task may write while it writes

    def install(self) -> None:
        """From now on, until `remove` or the end of this process."""
        capture, call_handlers = self, self._call_handlers

        def noted(logger: logging.Logger, record: logging.LogRecord) -> None:
            capture.note(record)
            call_handlers(logger, record)

        logging.Logger.callHandlers = noted  # type: ignore[method-assign,assignment]
        self.restore_streams()

    def restore_streams(self) -> None:
        """A task may have put other streams in their place."""
        if self._keeps_text and (sys.stdout, sys.stderr) != self._tees:
            sys.stdout, sys.stderr = self._tees

    def remove(self) -> None:
        """As it was before `install`."""
        logging.Logger.callHandlers = self._call_handlers  # type: ignore[method-assign]
        sys.stdout, sys.stderr = self._streams

    def write(self, text: str) -> None:
        """Keep this if a task is running."""
        if context.current() is not None:
            data = storable(text).encode()
            with self._lock:
                self._slate.write(data)

    def note(self, record: logging.LogRecord) -> None:
        """Name the running task on a record, and keep it."""
        task = context.current()
        values = (None,) * 4 if task is None else (task.id, task.name, task.attempt, self._worker)
        for field, value in zip(TASK_FIELDS, values, strict=True):
            record.__dict__.setdefault(field, value)
        if task is None or not self._keeps_text or getattr(self._forming, "is_busy", False):
            return
        self._forming.is_busy = True  # what an argument's own __str__ logs is not for us
        try:
            self.write(line(record))
        finally:
            self._forming.is_busy = False


def _text(message: object) -> str:
    try:
        return str(message)
    except Exception as error:
        return f"<its text form fails: {type(error).__name__}>"


def line(record: logging.LogRecord) -> str:
    """The record as a line of the log, with its traceback below."""
    try:
        message = record.getMessage()
    except Exception:
        message = _text(record.msg)
    at = datetime.fromtimestamp(record.created, UTC).isoformat(sep=" ", timespec="milliseconds")
    parts = [f"{at[:23]} {record.levelname.lower()} {record.name}: {message}"]
    if record.exc_info and record.exc_info[0] is not None:
        parts.append(_format_exception(record.exc_info))
    if record.stack_info:
        parts.append(record.stack_info)
    return "\n".join(parts) + "\n"
