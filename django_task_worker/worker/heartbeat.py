"""Files whose age tells an orchestrator that the loop turns, and that it reaches the database."""

from __future__ import annotations

import logging
import os
from pathlib import Path

logger = logging.getLogger("django_task_worker.worker")

READY_FOR_S = 60.0


class HeartbeatFile:
    """`PATH` is touched while the loop turns; `PATH.ready` while the database has answered of late."""

    def __init__(self, path: Path | None) -> None:
        self._path = path

    def touch(self, now: float, database_ok_at: float) -> None:
        if self._path is None:
            return
        try:
            _touch(self._path)
            if now - database_ok_at <= READY_FOR_S:
                _touch(self._path.with_name(self._path.name + ".ready"))
        except OSError as error:
            logger.error("cannot touch the heartbeat file: %s", error)
            self._path = None


def _touch(path: Path) -> None:
    """Never through a link that somebody else has put there, and never waiting for a pipe's reader."""
    flags = os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
    descriptor = os.open(path, flags, 0o644)
    try:
        os.utime(descriptor)
    finally:
        os.close(descriptor)
