"""Which task this process is running, for log records and for code that asks."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from django_task_worker.worker.messages import Assignment

if TYPE_CHECKING:
    from django_task_worker.worker.slate import Slate

_current: Assignment | None = None
slate: Slate | None = None
"""Where this process tells its supervisor more about the task; None outside of a worker's child."""


def current() -> Assignment | None:
    """The task that this process is running; None outside of a worker's child."""
    return _current


def begin(task: Assignment | None) -> None:
    """From now on `current()` is this task; None when it has ended."""
    global _current
    _current = task


def id_in(payload: bytes) -> str:
    """The id at the head of an assignment that cannot be read as a whole."""
    found = re.match(rb'\{"id": "([A-Za-z0-9]+)"', payload)
    return found[1].decode() if found else ""
