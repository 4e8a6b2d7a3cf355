"""What is asked of Linux alone: to hear of orphans, to die with the parent, to be killed first for memory."""

from __future__ import annotations

import ctypes
import os
import signal
import sys
from contextlib import suppress

_PR_SET_PDEATHSIG = 1
_PR_SET_CHILD_SUBREAPER = 36
# Made before children are forked: each of them would need half a megabyte for it.
_prctl = ctypes.CDLL(None).prctl if sys.platform == "linux" else None


def adopt_orphans() -> None:
    """Be given the orphans of the processes below this one (prctl(2), PR_SET_CHILD_SUBREAPER)."""
    if _prctl is not None:
        _prctl(_PR_SET_CHILD_SUBREAPER, 1)


def die_with_parent(parent_pid: int) -> None:
    """Have the kernel end this process when its parent ends (prctl(2), PR_SET_PDEATHSIG)."""
    if _prctl is not None:
        _prctl(_PR_SET_PDEATHSIG, int(signal.SIGKILL))
    if os.getppid() != parent_pid:
        os._exit(0)


def be_killed_first(by: int) -> None:
    """Raise this process's score for when memory runs out (proc(5), oom_score_adj)."""
    with suppress(OSError, ValueError):
        file = os.open("/proc/self/oom_score_adj", os.O_RDWR | os.O_CLOEXEC)
        try:
            score = int(os.read(file, 16))
            os.pwrite(file, b"%d" % min(1000, score + by), 0)
        finally:
            os.close(file)
