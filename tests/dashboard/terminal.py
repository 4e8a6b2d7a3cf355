"""`taskctl top` in a pseudo-terminal, with a terminal emulator that says what a person would see."""

from __future__ import annotations

import os
import re
import signal
import sys
import termios
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pexpect
import pyte

from tests.waiting import wait_until

ALLOWED = re.compile(
    r"\x1b\[\?(1049|25|7|2004|2026)[hl]"  # alternate screen, cursor, wrapping, paste marks, whole frames
    r"|\x1b\[[0-9]{1,3};1H|\x1b\[H|\x1b\[2J"
    r"|\x1b\[(0|[1237]|3[1-6])(;([1237]|3[1-6]))*m"
)


class Terminal:
    """A running command; `screen` is what it shows, `stream` all that it ever wrote."""

    def __init__(
        self, command: list[str], *, env: Mapping[str, str], cwd: Path, size: tuple[int, int] = (80, 24)
    ) -> None:
        self.size = size
        self._screen = pyte.Screen(*size)
        self._input = pyte.ByteStream(self._screen)
        self.stream = b""
        self._lock = threading.Lock()
        self.child = pexpect.spawn(
            command[0],
            command[1:],
            env={**env, "TERM": "xterm-256color"},
            cwd=str(cwd),
            dimensions=size[::-1],
        )
        self.before = self.attributes()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        while True:
            try:
                data = os.read(self.child.child_fd, 65536)
            except (OSError, ValueError):
                return
            if not data:
                return
            with self._lock:
                self.stream += data
                self._input.feed(data)

    @property
    def pid(self) -> int:
        return int(self.child.pid)

    @property
    def running(self) -> bool:
        return bool(self.child.isalive())

    @property
    def lines(self) -> list[str]:
        with self._lock:
            return list(self._screen.display)

    @property
    def text(self) -> str:
        return "\n".join(line.rstrip() for line in self.lines)

    def attributes(self) -> list[Any]:
        """The modes of the terminal: echo, lines, signals."""
        return termios.tcgetattr(self.child.child_fd)

    def sees(self, pattern: str, timeout: float = 20.0) -> re.Match[str]:
        """Waits until the pattern is on the screen."""

        def found() -> re.Match[str] | None:
            return re.search(pattern, self.text, re.MULTILINE)

        return wait_until(found, timeout, what=lambda: f"no {pattern!r} on:\n{self.text}")  # type: ignore[return-value]

    def press(self, *keys: str) -> None:
        for key in keys:
            os.write(self.child.child_fd, key.encode())

    def resize(self, columns: int, lines: int) -> None:
        with self._lock:
            self._screen.resize(lines, columns)
            self._screen.reset()
        self.size = (columns, lines)
        self.child.setwinsize(lines, columns)

    def send(self, number: int) -> None:
        os.kill(self.pid, number)

    def ends(self, timeout: float = 15.0) -> int:
        """The exit code; negative for the number of a signal that killed it."""
        wait_until(lambda: not self.running, timeout, what=lambda: f"still runs:\n{self.text}")
        self._reader.join(1)
        if self.child.signalstatus is not None:
            return -int(self.child.signalstatus)
        return int(self.child.exitstatus)

    def close(self) -> None:
        if self.running:
            self.child.kill(signal.SIGKILL)
            self.child.wait()
        self._reader.join(1)
        self.child.close(force=True)

    # --- what must hold in the end ---

    def assert_restored(self, *modes: str) -> None:
        """The last word about each mode is the ordinary one."""
        ordinarily = {"1049": "l", "25": "h", "7": "h", "2004": "l"}
        for mode in modes or ordinarily:
            said = re.findall(rf"\x1b\[\?{mode}([hl])".encode(), self.stream)
            assert said, f"mode {mode} was never set"
            assert said[-1].decode() == ordinarily[mode], f"mode {mode} was left"

    def assert_only_allowed(self) -> None:
        """No escape sequence but ours, and no other control character."""
        rest = ALLOWED.sub("", self.stream.decode())
        strange = {c for c in rest if not c.isprintable() and c not in "\r\n"}
        assert not strange, strange


def top(*arguments: object) -> list[str]:
    return [sys.executable, "-m", "taskctl", "top", *map(str, arguments)]
