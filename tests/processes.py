"""Processes that the tests start: collected output, waiting for a line, and nothing left behind."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import threading
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import psutil

from tests.waiting import wait_until

MARK = "TEST_PROCESS_MARK"
"""The environment variable by which a test finds again what it started, and what that started."""


class Process:
    """A running command. Its output, both streams together, is read all the time."""

    def __init__(self, command: Sequence[str], *, cwd: Path, env: Mapping[str, str]) -> None:
        self.command = list(command)
        self.popen = subprocess.Popen(
            self.command,
            cwd=cwd,
            env=dict(env),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        self._lines: list[str] = []
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    @property
    def pid(self) -> int:
        return self.popen.pid

    @property
    def running(self) -> bool:
        return self.popen.poll() is None

    @property
    def returncode(self) -> int | None:
        """As subprocess gives it: None while running, -N when ended by signal N."""
        return self.popen.poll()

    @property
    def lines(self) -> list[str]:
        return list(self._lines)

    @property
    def output(self) -> str:
        return "".join(f"{line}\n" for line in self._lines)

    def children(self) -> list[psutil.Process]:
        """The living processes below this one."""
        try:
            found = psutil.Process(self.pid).children(recursive=True)
            return [child for child in found if child.status() != psutil.STATUS_ZOMBIE]
        except psutil.NoSuchProcess:
            return []

    def send(self, number: int) -> None:
        self.popen.send_signal(number)

    def freeze(self) -> None:
        """SIGSTOP to this process alone."""
        self.send(signal.SIGSTOP)

    def thaw(self) -> None:
        self.send(signal.SIGCONT)

    def kill(self) -> int:
        """`kill -9` to this process alone."""
        self.send(signal.SIGKILL)
        return self.wait()

    def stop(self, number: int = signal.SIGTERM, timeout: float = 40.0) -> int:
        """Sends the signal and waits for the end; the return code."""
        if self.running:
            self.send(number)
        return self.wait(timeout)

    def wait(self, timeout: float = 40.0) -> int:
        """The return code, once the process has ended and all its output is read."""
        wait_until(lambda: not self.running, timeout, what=lambda: f"still runs:\n{self.output}")
        self._reader.join(2)
        return self.popen.wait()

    def line(self, pattern: str, timeout: float = 15.0) -> re.Match[str]:
        """The first line of the output, past or to come, in which the pattern is found."""

        def found() -> re.Match[str] | None:
            return next((m for line in self.lines if (m := re.search(pattern, line))), None)

        def found_or_ended() -> bool:
            return found() is not None or not self.running

        wait_until(found_or_ended, timeout, what=lambda: f"no line with {pattern!r} in:\n{self.output}")
        self._reader.join(0 if self.running else 2)
        match = found()
        assert match is not None, f"ended with {self.returncode} before {pattern!r}:\n{self.output}"
        return match

    def close(self) -> None:
        """Ends it however it is; for the end of a test."""
        if self.running:
            self.send(signal.SIGKILL)
            self.popen.wait()
        self._reader.join(2)
        if self.popen.stdout is not None and not self._reader.is_alive():
            self.popen.stdout.close()

    def _read(self) -> None:
        assert self.popen.stdout is not None
        for line in self.popen.stdout:
            self._lines.append(line.decode(errors="replace").rstrip("\n"))


def marked(mark: str) -> list[psutil.Process]:
    """The living processes that carry the mark in their environment."""
    return [process for process in psutil.process_iter() if _carries(process, mark)]


def end_marked(mark: str) -> list[str]:
    """Kills what carries the mark; the command lines of what had to be killed."""
    killed = []
    for process in marked(mark):
        try:
            killed.append(" ".join(process.cmdline()))
            process.kill()
        except psutil.NoSuchProcess:
            continue
    return killed


def journal_lines(path: Path) -> Iterator[tuple[str, str, int]]:
    """What `app.tasks.journal` wrote: start or end, key, pid."""
    whole, _, _ = path.read_text().rpartition("\n")  # one may be being written
    for line in whole.splitlines():
        word, key, pid = line.split(" ")
        yield word, key, int(pid)


def _carries(process: psutil.Process, mark: str) -> bool:
    if process.pid == os.getpid():
        return False
    try:
        return process.status() != psutil.STATUS_ZOMBIE and process.environ().get(MARK) == mark
    except (psutil.NoSuchProcess, psutil.AccessDenied, OSError):
        return False
