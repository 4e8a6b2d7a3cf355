"""Of a long text the beginning and the end are kept, with a line that says how much is missing. Pure."""

from __future__ import annotations

HEAD = TAIL = 32 * 1024
"""Bytes in UTF-8."""


def gap(missing: int) -> str:
    """The line that stands for so many bytes."""
    return f"\n… {missing:,} bytes left out …\n"


def unseen(text: str, size: int, seen: int) -> str:
    """What came after the first `seen` bytes of a text that had `size` bytes before it was cut."""
    if not seen:
        return text
    new = size - seen
    if new <= 0:
        return ""
    if size <= HEAD + TAIL:
        return _end(text, new)
    tail = text.rpartition(gap(size - HEAD - TAIL))[2]
    missing = new - len(tail.encode())
    return gap(missing) + tail if missing > 0 else _end(tail, new)


def _end(text: str, size: int) -> str:
    return text.encode()[-size:].decode("utf-8", "ignore")
