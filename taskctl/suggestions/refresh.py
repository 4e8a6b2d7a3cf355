"""Having the cache written by a process of its own, which nobody waits for."""

from __future__ import annotations

import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

EVERY_S = 30.0
LASTS_S = 60


def start(path: str, given: Mapping[str, str], now: float) -> None:
    """Starts it, unless one runs or was started a moment ago. Never fails: Tab must not.

    `given` are the flags that say which project is meant.
    """
    try:
        lock = _lock(path.removesuffix(".json") + ".lock", now)
        if lock is not None:
            _start(_command(given))
            os.close(lock)
    except OSError:
        return


def _lock(path: str, now: float) -> int | None:
    """An open file that is locked until the new process ends; None if it is not our turn."""
    os.makedirs(os.path.dirname(path), mode=0o700, exist_ok=True)
    handle = os.open(path, os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0), 0o600)
    status = os.fstat(handle)
    was_started = status.st_size > 0 and 0 <= now - status.st_mtime < EVERY_S
    if was_started or not _is_free(handle):
        os.close(handle)
        return None
    os.write(handle, b".")  # its time says when
    os.set_inheritable(handle, True)
    return handle


def _is_free(handle: int) -> bool:
    try:
        import fcntl
    except ImportError:  # Windows: the time alone keeps them apart
        return True
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _command(given: Mapping[str, str]) -> list[str]:
    flags = [f"--{name}={value}" for name, value in given.items()]
    # -P: as the script does, it must not take modules from the folder it is started in
    return [sys.executable, "-P", "-m", "taskctl", "completions", "--refresh", "-q", *flags]


def _start(command: list[str]) -> None:
    if not hasattr(os, "fork"):
        import subprocess

        flags = getattr(subprocess, "DETACHED_PROCESS", 0)
        nowhere = subprocess.DEVNULL
        subprocess.Popen(command, stdin=nowhere, stdout=nowhere, stderr=nowhere, creationflags=flags)
    elif not os.fork():
        _become(command)


def _become(command: list[str]) -> None:
    """The child: out of the shell's sight, and gone in a minute whatever it waits for."""
    try:
        import signal

        os.setsid()
        os.nice(10)
        nowhere = os.open(os.devnull, os.O_RDWR)
        for stream in (0, 1, 2):
            os.dup2(nowhere, stream)
        signal.alarm(LASTS_S)  # stays when the program is another
        os.execv(command[0], command)
    finally:
        os._exit(127)
