"""Programs that a measure starts: they end with it, and nothing else is ever ended."""

from __future__ import annotations

import ctypes
import re
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType

import psutil

PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None)


class Failed(Exception):
    """A program did not do what a measure needs of it."""


class Program:
    """A running command; leaving the `with` stops it. Its output goes to a file."""

    def __init__(self, command: Sequence[object], *, cwd: Path, env: Mapping[str, str]) -> None:
        self.command = [str(word) for word in command]
        self._log = tempfile.TemporaryFile()  # noqa: SIM115
        self._popen = subprocess.Popen(
            self.command,
            cwd=cwd,
            env=dict(env),
            stdin=subprocess.DEVNULL,
            stdout=self._log,
            stderr=self._log,
            start_new_session=True,
            preexec_fn=lambda: _libc.prctl(PR_SET_PDEATHSIG, int(signal.SIGTERM), 0, 0, 0),
        )

    def __enter__(self) -> Program:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def is_running(self) -> bool:
        return self._popen.poll() is None

    @property
    def output(self) -> str:
        self._log.seek(0)
        return self._log.read().decode(errors="replace")

    def tree(self) -> list[psutil.Process]:
        """The process and all below it."""
        root = psutil.Process(self._popen.pid)
        return [root, *root.children(recursive=True)]

    def wait_for(self, pattern: str, timeout_s: float = 30.0) -> None:
        """Until its output has a match."""
        for _ in until(timeout_s):
            if re.search(pattern, self.output):
                return
            if not self.is_running:
                break
        raise Failed(f"{self.command} did not say {pattern!r}:\n{self.output[-4000:]}")

    def wait(self, timeout_s: float) -> str:
        """Its output, once it has ended well."""
        code = self._popen.wait(timeout_s)
        if code:
            raise Failed(f"{self.command} ended with {code}:\n{self.output[-4000:]}")
        return self.output

    def stop(self) -> None:
        """SIGTERM, and SIGKILL for whatever of its tree does not mind."""
        tree = self.tree() if self.is_running else []
        if tree:
            self._popen.terminate()
        with suppress(subprocess.TimeoutExpired):
            self._popen.wait(15)
        for process in tree:
            with suppress(psutil.NoSuchProcess):
                process.kill()
        self._popen.wait()
        self._log.close()


def run(command: Sequence[object], *, cwd: Path, env: Mapping[str, str], timeout_s: float = 600.0) -> str:
    """What a command writes to stdout. Raises Failed with the rest when it fails."""
    done = subprocess.run(
        [str(word) for word in command],
        cwd=cwd,
        env=dict(env),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=timeout_s,
        check=False,
    )
    if done.returncode:
        raise Failed(f"{command} ended with {done.returncode}:\n{(done.stdout + done.stderr)[-4000:]}")
    return done.stdout


def until(timeout_s: float, every_s: float = 0.01) -> Iterator[None]:
    """Turns of a loop that waits for a condition, while there is time."""
    deadline = time.monotonic() + timeout_s
    while time.monotonic() < deadline:
        yield
        time.sleep(every_s)
