"""One temporary folder for everything that this process starts; what killed processes left is removed."""

from __future__ import annotations

import atexit
import fcntl
import os
import shutil
import tempfile
from functools import cache
from pathlib import Path

PREFIX = "dtw-tests-"


@cache
def run_folder() -> Path:
    """The folder of this process, readable for the servers' users. It lives as long as its lock is held.

    It gets its name when it is locked: a run that begins at the same moment must not find it abandoned.
    """
    _remove_abandoned()
    unlocked = Path(tempfile.mkdtemp(prefix=f"new-{PREFIX}"))
    unlocked.chmod(0o755)
    _try_to_lock(unlocked)
    folder = unlocked.rename(unlocked.with_name(unlocked.name.removeprefix("new-")))
    atexit.register(_remove, folder, os.getpid())
    return folder


def _remove(folder: Path, owner: int) -> None:
    if os.getpid() == owner:  # not in a child that was forked and ends
        shutil.rmtree(folder, ignore_errors=True)


def _try_to_lock(folder: Path) -> bool:
    """Holds the lock until this process ends, unless another has it."""
    descriptor = os.open(folder / "lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(descriptor)
        return False
    return True


def _remove_abandoned() -> None:
    for folder in Path(tempfile.gettempdir()).glob(f"{PREFIX}*"):
        try:
            abandoned = (folder / "lock").exists() and _try_to_lock(folder)
        except OSError:  # another user's, or just removed by another run
            continue
        if abandoned:
            shutil.rmtree(folder, ignore_errors=True)
