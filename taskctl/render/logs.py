"""What attempts have written, as lines and objects. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

COLUMNS = ("attempt", "worker", "text")
LONGEST = 64 * 1024
"""What is still no line after so many characters is taken for one."""


class Lines:
    """Text that comes in pieces, as whole lines."""

    def __init__(self) -> None:
        self._rest = ""

    def add(self, text: str) -> Iterator[str]:
        """The lines that are whole now."""
        *lines, self._rest = (self._rest + text).split("\n")
        yield from lines
        if len(self._rest) > LONGEST:
            yield from self.end()

    def end(self) -> Iterator[str]:
        """What is left of a last line that nobody has ended."""
        rest, self._rest = self._rest, ""
        if rest:
            yield rest


def shown(line: str) -> str:
    """What a terminal shows of a line: the last of what was written over itself, blanks for tabs."""
    return line.rstrip("\r").rpartition("\r")[2].expandtabs(8)


def as_object(task_id: str, name: str, piece: Any, line: str) -> dict[str, Any]:
    """The JSON object `log_line`."""
    return {
        "v": 1,
        "type": "log_line",
        "id": task_id,
        "task": name,
        "attempt": piece.number,
        "worker": piece.worker,
        "text": line,
    }


def heading(piece: Any) -> str:
    """Above what an attempt has written."""
    on = f" on {piece.worker}" if piece.worker else ""
    return f"attempt {piece.number}{on}"
