"""Memory that a child shares with its supervisor: what its task has written, how far it is, what has begun.

It is there before the child and outlives it: what a killed task had printed can still be read. No system
call and no lock is needed for either, so that a task that prints nothing pays nothing.
"""

from __future__ import annotations

import mmap
import time
from math import isfinite, nan
from struct import Struct
from typing import Any

from django_task_worker.excerpt import HEAD, TAIL, gap
from django_task_worker.lifecycle.values import Notes

MESSAGE_BYTES = 800
MAX_SIZE = 2**62
_SIZE = Struct("=Q")
_PROGRESS = Struct("=QddH")
_PROGRESS_AT = _SIZE.size
_MESSAGE_AT = _PROGRESS_AT + _PROGRESS.size
_BLANK = bytes(16)
_BEGUN_AT = _MESSAGE_AT + MESSAGE_BYTES
_HELD_AT = _BEGUN_AT + _SIZE.size
_HEAD_AT = mmap.PAGESIZE
_TAIL_AT = _HEAD_AT + HEAD
HELD_S = 1.0


class Slate:
    """One for each child. Both sides check what they read: user code shares the child's memory."""

    def __init__(self) -> None:
        self._memory = mmap.mmap(-1, _TAIL_AT + TAIL)

    def close(self) -> None:
        self._memory.close()

    @property
    def is_blank(self) -> bool:
        """Whether the task has neither written anything nor told its progress."""
        return self._memory[: len(_BLANK)] == _BLANK

    def wipe(self) -> None:
        """Make it blank, for the next task."""
        self._memory[: len(_BLANK)] = _BLANK

    def notes(self) -> Notes | None:
        """What is on it; None when it is blank."""
        if self.is_blank:
            return None
        return Notes(log=self.text or None, log_size=self.size, progress=self.progress)

    # --- what has begun ---

    @property
    def begun(self) -> int:
        """How many tasks the child has begun: those beyond can go to another child."""
        (count,) = _SIZE.unpack_from(self._memory, _BEGUN_AT)
        return int(count)

    def hold(self) -> None:
        """Let the child begin nothing more: it will be ended."""
        self._memory[_HELD_AT] = 1

    def begin(self) -> None:
        """Called by the child before it reads the next task. Does not return once it is held."""
        while self._memory[_HELD_AT]:
            time.sleep(HELD_S)
        _SIZE.pack_into(self._memory, _BEGUN_AT, self.begun + 1)

    # --- what was written ---

    @property
    def size(self) -> int:
        """How many bytes the task has written."""
        (size,) = _SIZE.unpack_from(self._memory, 0)
        return min(int(size), MAX_SIZE)

    def write(self, data: bytes) -> None:
        """Add text in UTF-8. The first and the last 32 KiB of all are kept."""
        size = self.size
        end = size + len(data)
        if size < HEAD:
            first = data[: HEAD - size]
            self._memory[_HEAD_AT + size : _HEAD_AT + size + len(first)] = first
            size, data = size + len(first), data[len(first) :]
        if data:
            self._write_tail(end - min(len(data), TAIL), data[-TAIL:])
        _SIZE.pack_into(self._memory, 0, end)

    def _write_tail(self, position: int, data: bytes) -> None:
        at = (position - HEAD) % TAIL
        first, rest = data[: TAIL - at], data[TAIL - at :]
        self._memory[_TAIL_AT + at : _TAIL_AT + at + len(first)] = first
        self._memory[_TAIL_AT : _TAIL_AT + len(rest)] = rest

    @property
    def text(self) -> str:
        """What was written, with a line that says how much of the middle is missing."""
        size = self.size
        if size <= HEAD + TAIL:
            return _decoded(self._memory[_HEAD_AT : _HEAD_AT + size])
        at = _TAIL_AT + (size - HEAD) % TAIL
        tail = self._memory[at : _TAIL_AT + TAIL] + self._memory[_TAIL_AT:at]
        return _decoded(self._memory[_HEAD_AT:_TAIL_AT]) + gap(size - HEAD - TAIL) + _decoded(tail)

    # --- progress ---

    def set_progress(self, done: float, total: float | None, message: bytes) -> None:
        message = message[:MESSAGE_BYTES]
        count = self.progress_count + 1
        end = _MESSAGE_AT + len(message)
        self._memory[_MESSAGE_AT:end] = message
        _PROGRESS.pack_into(
            self._memory, _PROGRESS_AT, count, done, nan if total is None else total, len(message)
        )

    @property
    def progress_count(self) -> int:
        """How often the task has told its progress."""
        (count,) = _SIZE.unpack_from(self._memory, _PROGRESS_AT)
        return int(count)

    @property
    def progress(self) -> dict[str, Any] | None:
        """What it told last, as it is stored."""
        count, done, total, length = _PROGRESS.unpack_from(self._memory, _PROGRESS_AT)
        if not count or not isfinite(done):
            return None
        message = self._memory[_MESSAGE_AT : _MESSAGE_AT + min(length, MESSAGE_BYTES)]
        return {
            "done": _plain(done),
            "total": _plain(total) if isfinite(total) else None,
            "message": _decoded(message),
        }


def _decoded(data: bytes) -> str:
    return data.decode("utf-8", "ignore").replace("\0", "?")


def _plain(number: float) -> float:
    return int(number) if abs(number) < 2**53 and number == int(number) else number
