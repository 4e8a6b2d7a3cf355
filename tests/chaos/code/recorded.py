"""Tasks that leave a record which does not come from the product: who ran what, when, and beside whom."""

from __future__ import annotations

import fcntl
import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


def run(folder: str, key: str, seconds: float = 0.0, fate: str = "end") -> str:
    """Writes `start`, waits, and then meets its fate: end, fail, die, exit or leave_open."""
    with _alone(folder, key):
        note(folder, "start", key)
        time.sleep(seconds)
        if fate == "fail":
            note(folder, "fail", key)
            raise ValueError(f"{key} fails")
        if fate == "die":
            os.kill(os.getpid(), signal.SIGKILL)
        if fate == "exit":
            os._exit(3)
        note(folder, "end", key)
    return key


def die_times(folder: str, key: str, times: int) -> str:
    """Kills its own process in the first so many runs, which a file of the key's counts."""
    with open(f"{folder}/{key}.runs", "a") as file:
        file.write(".")
    died = os.path.getsize(f"{folder}/{key}.runs") <= times
    return run(folder, key, fate="die" if died else "end")


def fail_times(folder: str, key: str, times: int, seconds: float) -> str:
    """Fails at once in the first so many runs, and then takes that long."""
    with open(f"{folder}/{key}.runs", "a") as file:
        file.write(".")
    fails = os.path.getsize(f"{folder}/{key}.runs") <= times
    return run(folder, key, 0.0, "fail") if fails else run(folder, key, seconds)


def wall_clock() -> float:
    return time.time()


def note(folder: str, word: str, key: str, about: str = "-") -> None:
    """One line in one write: whoever appends at the same time does so before or after it."""
    line = f"{word} {key} {os.getpid()} {time.clock_gettime(time.CLOCK_BOOTTIME):.6f} {about}\n"
    descriptor = os.open(f"{folder}/journal", os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o666)
    try:
        os.write(descriptor, line.encode())
    finally:
        os.close(descriptor)


@contextmanager
def _alone(folder: str, key: str) -> Iterator[None]:
    """Holds a lock that the kernel releases with the process; who cannot have it notes who has it."""
    descriptor = os.open(f"{folder}/{key}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.pread(descriptor, 20, 0).decode() or "?"
            note(folder, "overlap", key, f"{holder}:{_state(holder)}")
        else:
            os.ftruncate(descriptor, 0)
            os.pwrite(descriptor, str(os.getpid()).encode(), 0)
        yield
    finally:
        os.close(descriptor)


def _state(pid: str) -> str:
    """The letter of proc(5): T is stopped, Z dead."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return "gone"
