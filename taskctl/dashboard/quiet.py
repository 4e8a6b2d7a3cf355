"""While the screen is up nobody else writes on the terminal: log records become events, stderr waits."""

from __future__ import annotations

import logging
import os
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout, suppress
from typing import Any

from taskctl.listening.happenings import Happening
from taskctl.listening.inbox import Inbox
from taskctl.terminal import is_a_tty

MOST_BYTES = 20_000


class _ToEvents(logging.Handler):
    """Records as lines among the events."""

    def __init__(self, inbox: Inbox[Any]) -> None:
        super().__init__(logging.WARNING)
        self._inbox = inbox

    def emit(self, record: logging.LogRecord) -> None:
        with suppress(Exception):
            text = f"{record.levelname.lower()}: {record.getMessage()}"
            self._inbox.put_events([Happening("log", time.time(), worker=text)], 0)


@contextmanager
def quiet(inbox: Inbox[Any]) -> Iterator[None]:
    """What is written to stderr inside appears at the end, when the terminal is as it was."""
    handler = _ToEvents(inbox)
    logging.getLogger().addHandler(handler)
    try:
        if is_a_tty(sys.stderr):
            with _kept_back(), redirect_stdout(sys.stderr):
                yield
        else:
            yield
    finally:
        logging.getLogger().removeHandler(handler)


@contextmanager
def _kept_back() -> Iterator[None]:
    descriptor = sys.stderr.fileno()
    before = os.dup(descriptor)
    with tempfile.TemporaryFile() as file:
        sys.stderr.flush()
        os.dup2(file.fileno(), descriptor)
        try:
            yield
        finally:
            sys.stderr.flush()
            os.dup2(before, descriptor)
            os.close(before)
            file.seek(0, os.SEEK_END)
            file.seek(max(0, file.tell() - MOST_BYTES))
            with suppress(OSError):
                os.write(descriptor, file.read())
