"""The terminal of the screen: taken over, drawn on, and given back in every way this process can end."""

from __future__ import annotations

import atexit
import os
import select
import signal
import sys
import termios
import tty
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any

ALTERNATE, ORDINARY = "\x1b[?1049h", "\x1b[?1049l"
HIDE_CURSOR, SHOW_CURSOR = "\x1b[?25l", "\x1b[?25h"
NO_WRAP, WRAP = "\x1b[?7l", "\x1b[?7h"
PASTE_MARKS, NO_PASTE_MARKS = "\x1b[?2004h", "\x1b[?2004l"
CLEAR, HOME, PLAIN, REST_OF_LINE = "\x1b[2J", "\x1b[H", "\x1b[0m", "\x1b[K"
BEGIN_FRAME, END_FRAME = "\x1b[?2026h", "\x1b[?2026l"
WRITE_S = 2.0


class TerminalGone(Exception):
    """Nobody is there any more to draw for."""


class Screen:
    """Draws whole screens and sends only the lines that have changed."""

    def __init__(self, *, alternate: bool = True) -> None:
        self._out = sys.stdout.fileno()
        self._in = sys.stdin.fileno() if sys.stdin is not None and sys.stdin.isatty() else None
        self._alternate = alternate
        self._attributes: list[Any] | None = None
        self._is_open = False
        self._shown: list[str] = []
        self.bytes_written = 0

    @property
    def keyboard(self) -> int | None:
        """The descriptor to read keys from; None when stdin is no terminal."""
        return self._in

    def size(self) -> tuple[int, int]:
        """Columns and lines of the real terminal."""
        try:
            found = os.get_terminal_size(self._out)
        except OSError:
            return 80, 24
        return found.columns or 80, found.lines or 24

    @contextmanager
    def open(self) -> Iterator[None]:
        """Inside, the terminal is ours. It is given back whatever happens."""
        atexit.register(self.restore)
        try:
            self.take()
            yield
        finally:
            self.restore()
            atexit.unregister(self.restore)

    def take(self) -> None:
        self._is_open = True
        if self._in is not None:
            self._attributes = termios.tcgetattr(self._in)
            # No signals from keys: Ctrl-C and Ctrl-Z are keys here, and no business of our parent.
            tty.setcbreak(self._in, termios.TCSADRAIN)
            ours = termios.tcgetattr(self._in)
            ours[3] &= ~termios.ISIG
            termios.tcsetattr(self._in, termios.TCSADRAIN, ours)
        start = [ALTERNATE] if self._alternate else []
        self._write("".join([*start, HIDE_CURSOR, NO_WRAP, PASTE_MARKS, PLAIN, CLEAR, HOME]))
        self._shown = []

    def restore(self) -> None:
        """May be called more than once, and never raises."""
        if not self._is_open:
            return
        self._is_open = False
        end = ORDINARY if self._alternate else f"\x1b[{self.size()[1]};1H\n"
        with suppress(Exception):
            self._write("".join([END_FRAME, PLAIN, NO_PASTE_MARKS, WRAP, end, SHOW_CURSOR]))
        if self._in is not None and self._attributes is not None:
            # Not from the background, where this would stop us instead.
            with suppress(Exception):
                ignored = signal.signal(signal.SIGTTOU, signal.SIG_IGN)
                termios.tcsetattr(self._in, termios.TCSADRAIN, self._attributes)
                signal.signal(signal.SIGTTOU, ignored)

    def forget(self) -> None:
        """The next frame is drawn in full."""
        self._shown = []

    def draw(self, lines: Sequence[str]) -> None:
        """Show these lines. Raises TerminalGone."""
        parts = [BEGIN_FRAME]
        if len(lines) != len(self._shown):
            parts += [PLAIN, CLEAR]
            self._shown = [""] * len(lines)
        for number, (line, shown) in enumerate(zip(lines, self._shown, strict=True), start=1):
            if line != shown:
                parts.append(f"\x1b[{number};1H{line}")
        if len(parts) == 1:
            return
        self._shown = list(lines)
        self._write("".join([*parts, END_FRAME]))

    def _write(self, text: str) -> None:
        data = memoryview(text.encode("utf-8", "replace"))
        self.bytes_written += len(data)
        while data:
            try:
                if not select.select([], [self._out], [], WRITE_S)[1]:
                    self._shown = []  # Ctrl-S, or a line that has gone dead: this frame is lost
                    return
                data = data[os.write(self._out, data) :]
            except InterruptedError:
                continue
            except OSError as error:
                raise TerminalGone(str(error)) from None

    def read(self) -> bytes:
        """What has been typed. Raises TerminalGone."""
        assert self._in is not None
        try:
            data = os.read(self._in, 4096)
        except InterruptedError:
            return b""
        except OSError as error:
            raise TerminalGone(str(error)) from None
        if not data:
            raise TerminalGone("end of input")
        return data
