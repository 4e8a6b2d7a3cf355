"""Replies of a Redis subscription, put together from the pieces in which they arrive. Pure and bounded."""

from __future__ import annotations

LONGEST = 1024 * 1024
MOST_PARTS = 16


class Garbled(Exception):
    """Redis sent what no subscription sends."""


class Replies:
    """Each reply is a list of its parts; a number is its digits, an error `[b"-", text]`."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    def feed(self, chunk: bytes) -> list[list[bytes]]:
        """The replies that are complete now. Raises Garbled."""
        self._buffer += chunk
        found: list[list[bytes]] = []
        start = 0
        while (done := self._reply(start)) is not None:
            reply, start = done
            found.append(reply)
        del self._buffer[:start]
        return found

    def _reply(self, at: int) -> tuple[list[bytes], int] | None:
        line = self._line(at)
        if line is None:
            return None
        text, at = line
        if text[:1] == b"-":
            return [b"-", text[1:]], at
        if text[:1] != b"*":
            return [text[1:]], at
        parts: list[bytes] = []
        for _ in range(_number(text, MOST_PARTS)):
            part = self._part(at)
            if part is None:
                return None
            value, at = part
            parts.append(value)
        return parts, at

    def _part(self, at: int) -> tuple[bytes, int] | None:
        line = self._line(at)
        if line is None:
            return None
        text, at = line
        if text[:1] != b"$":
            return text[1:], at
        end = at + _number(text, LONGEST)
        if len(self._buffer) < end + 2:
            return None
        return bytes(self._buffer[at:end]), end + 2

    def _line(self, at: int) -> tuple[bytes, int] | None:
        end = self._buffer.find(b"\r\n", at)
        if end < 0:
            if len(self._buffer) - at > LONGEST:
                raise Garbled("a line without an end")
            return None
        return bytes(self._buffer[at:end]), end + 2


def _number(text: bytes, most: int) -> int:
    digits = text[1:]
    if not digits.isdigit() or int(digits) > most:
        raise Garbled(f"unexpected {text[:20]!r}")
    return int(digits)
