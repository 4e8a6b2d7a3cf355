"""How a task says how far it is."""

from __future__ import annotations

from math import isfinite

from django_task_worker.worker import context
from django_task_worker.worker.slate import MESSAGE_BYTES
from django_task_worker.worker.text import storable


def progress(done: float, total: float | None = None, message: str = "") -> None:
    """Say how far the running task is: 3 of 10, or 3 of nobody knows how many, and what it is doing.

    Cheap enough to call in a loop: it is stored at most about once a second. `taskctl show` and the waiting
    commands show it. Does nothing outside of a worker. Raises ValueError for what is no number.
    """
    done = float(done)
    total = None if total is None else float(total)
    if not isfinite(done) or not (total is None or isfinite(total)):
        raise ValueError("progress takes finite numbers")
    slate = context.slate
    if slate is not None and context.current() is not None:
        slate.set_progress(done, total, storable(message[:MESSAGE_BYTES]).encode())
