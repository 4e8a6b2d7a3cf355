"""`worker --reload`: starts the worker, and starts it again when code has changed. For development.

start ──▶ running ──file changed──▶ SIGTERM, it finishes what it runs ──▶ start
             └──ended with an error──▶ wait for a change ──▶ start
"""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

LOOK_EVERY_S = 0.5
QUIET_S = 0.2
"""Editors and `git checkout` write many files: the worker starts once nothing has changed for so long."""
STOPS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT)
FORWARDED = (*STOPS, signal.SIGUSR1)
_SKIPPED = frozenset(("__pycache__", "node_modules", "site-packages", "dist-packages"))
_PR_SET_PDEATHSIG = 1
Times = Mapping[str, int]


def command(argv: Sequence[str]) -> list[str]:
    """The command line that started us, without --reload."""
    return [sys.executable, *(word for word in argv[1:] if word != "--reload")]


def times(folder: Path, files: Iterable[str]) -> dict[str, int]:
    """When each Python file in the folder, and each of the files, was last written."""
    found = {}
    for path in (*_python_files(str(folder)), *files):
        try:
            found[path] = os.stat(path).st_mtime_ns
        except OSError:
            continue
    return found


def _python_files(folder: str) -> Iterator[str]:
    """Without hidden folders, virtual environments and what others have installed."""
    try:
        entries = list(os.scandir(folder))
    except OSError:
        return
    if any(entry.name == "pyvenv.cfg" for entry in entries):
        return
    for entry in entries:
        if entry.name.startswith(".") or entry.name in _SKIPPED:
            continue
        if entry.is_dir(follow_symlinks=False):
            yield from _python_files(entry.path)
        elif entry.name.endswith(".py"):
            yield entry.path


def changed(before: Times, now: Times) -> list[str]:
    """What was written, made or removed in between."""
    return sorted(path for path in before.keys() | now.keys() if before.get(path) != now.get(path))


class Reloader:
    """Runs one worker after the other until it is told to stop. `look` gives the times of all files."""

    def __init__(self, worker: Sequence[str], look: Callable[[], Times], tell: Callable[[str], None]) -> None:
        self._worker = worker
        self._look = look
        self._tell = tell
        self._process: subprocess.Popen[bytes] | None = None
        self._stopped_by: int | None = None
        self._times: Times = {}

    def run(self) -> int:
        """The exit code: of the worker when it was stopped, or when it ended well by itself."""
        with self._signals():
            self._times = self._look()
            while True:
                code, is_changed = self._run_one()
                if self._stopped_by is not None or (code == 0 and not is_changed):
                    return code
                if not is_changed:
                    self._tell(f"the worker ended with {code}: it starts again when code has changed")
                    self._wait_for_change()
                    if self._stopped_by is not None:
                        return 0
                self._settle()

    def _run_one(self) -> tuple[int, bool]:
        """From its start to its end: the exit code, and whether a change brought it about."""
        process = self._start()
        is_changed = self._changes_before_the_end_of(process)
        if is_changed:
            process.terminate()
        code = process.wait()
        self._process = None
        return (code if code >= 0 else 128 - code), is_changed

    def _start(self) -> subprocess.Popen[bytes]:
        self._process = process = subprocess.Popen(self._worker, preexec_fn=_end_with_us)
        if self._stopped_by is not None:  # while it was being started
            process.send_signal(self._stopped_by)
        return process

    def _changes_before_the_end_of(self, process: subprocess.Popen[bytes]) -> bool:
        while True:
            try:
                process.wait(LOOK_EVERY_S)
                return False
            except subprocess.TimeoutExpired:
                paths = changed(self._times, self._look()) if self._stopped_by is None else []
            if paths:
                self._announce(paths)
                return True

    def _announce(self, paths: Sequence[str]) -> None:
        more = f" and {len(paths) - 1} more" if len(paths) > 1 else ""
        self._tell(f"{os.path.relpath(paths[0])}{more} changed: starting the worker again")

    def _wait_for_change(self) -> None:
        while self._stopped_by is None and not changed(self._times, self._look()):
            time.sleep(LOOK_EVERY_S)

    def _settle(self) -> None:
        """Until nothing changes any more."""
        before, self._times = self._times, self._look()
        while before != self._times and self._stopped_by is None:
            time.sleep(QUIET_S)
            before, self._times = self._times, self._look()

    @contextmanager
    def _signals(self) -> Iterator[None]:
        before = {number: signal.signal(number, self._forward) for number in FORWARDED}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def _forward(self, number: int, frame: FrameType | None) -> None:
        if number in STOPS:
            self._stopped_by = number
        if self._process is not None:
            self._process.send_signal(number)


def _end_with_us() -> None:
    """Have the kernel stop the worker gracefully when we are killed (prctl(2), PR_SET_PDEATHSIG)."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
