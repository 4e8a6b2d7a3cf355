"""Processes that tasks have left behind: the kernel gives them to the supervisor, which ends them."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Collection
from contextlib import suppress

from django_task_worker.worker.kernel import adopt_orphans

SLACK_S = 0.1
"""The start of a process is known to a hundredth of a second, that of a run to some milliseconds."""


class Adopted:
    """Makes this process the one that orphans below it are given to (prctl(2), PR_SET_CHILD_SUBREAPER)."""

    def __init__(self) -> None:
        self._strangers = _children()
        adopt_orphans()

    def kill(self, ours: Collection[int], running_since: float | None) -> bool:
        """End the orphans that no running task can have started; whether there were any.

        `running_since` is when the first of the running tasks began, by the monotonic clock.
        """
        found = False
        for pid in _children() - self._strangers - set(ours):
            if running_since is None or _started(pid) < running_since - SLACK_S:
                with suppress(ProcessLookupError, PermissionError):
                    os.kill(pid, signal.SIGKILL)
                    found = True
        return found


def _children() -> set[int]:
    try:
        with open(f"/proc/self/task/{os.getpid()}/children") as file:
            return {int(pid) for pid in file.read().split()}
    except OSError:
        return set()


def _started(pid: int) -> float:
    """When the process was started, by the monotonic clock; proc(5), field 22 of stat."""
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:
            ticks = int(file.read().rpartition(b")")[2].split()[19])
    except OSError:
        return time.monotonic()
    age_s = time.clock_gettime(time.CLOCK_BOOTTIME) - ticks / os.sysconf("SC_CLK_TCK")
    return time.monotonic() - age_s
