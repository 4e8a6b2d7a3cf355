"""Durations as people write them: `7d`, `1h30m`, `1.5h`, `250ms`. Pure."""

from __future__ import annotations

import re

UNITS = {"w": 604800.0, "d": 86400.0, "h": 3600.0, "m": 60.0, "s": 1.0, "ms": 0.001}
LONGEST_S = 100 * 365 * 86400.0
_PART = re.compile(r"(\d+(?:\.\d+)?|\.\d+)(ms|[smhdw])", re.ASCII)
_BARE = re.compile(r"\d+(?:\.\d+)?|\.\d+", re.ASCII)


def parse(text: str, *, bare: bool = True) -> float:
    """Seconds. Raises ValueError with what is wrong, worded to follow `--flag VALUE: `.

    A number without a unit means seconds, and is refused when not `bare`; 0 needs no unit.
    """
    if _BARE.fullmatch(text):
        if not bare and float(text) != 0:
            raise ValueError(f"{text} what? Write {text}d, {text}h, {text}m or {text}s")
        return _bounded(float(text))
    total, position, names = 0.0, 0, list(UNITS)
    while position < len(text):
        part = _PART.match(text, position)
        if part is None:
            raise ValueError("not a duration. Write it like 90s, 1h30m, 7d or 250ms")
        if part[2] not in names:
            raise ValueError("units go from large to small, each once: w d h m s ms")
        names = names[names.index(part[2]) + 1 :]
        total += float(part[1]) * UNITS[part[2]]
        position = part.end()
    if not text:
        raise ValueError("not a duration. Write it like 90s, 1h30m, 7d or 250ms")
    return _bounded(total)


def _bounded(seconds: float) -> float:
    if seconds > LONGEST_S:
        raise ValueError("longer than 100 years")
    return seconds


def brief(seconds: float) -> str:
    """Two units at most, in the grammar that `parse` reads: `180ms`, `2.1s`, `4m12s`, `3h02m`, `1d4h`."""
    if seconds < 0.9995:
        return f"{round(max(seconds, 0) * 1000)}ms" if seconds > 0 else "0s"
    if seconds < 9.95:
        return f"{seconds:.1f}".removesuffix(".0") + "s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole}s"
    if whole < 3600:
        return _pair(whole, 60, "m", 1, "s")
    if whole < 86400:
        return _pair(whole, 3600, "h", 60, "m")
    return _pair(whole, 86400, "d", 3600, "h")


def _pair(seconds: int, large: int, large_name: str, small: int, small_name: str) -> str:
    first, rest = divmod(seconds, large)
    second = rest // small
    if not second:
        return f"{first}{large_name}"
    return f"{first}{large_name}{second:02d}{small_name}" if large < 86400 else f"{first}d{second}h"


def exact(seconds: float) -> str:
    """All of it, in the grammar that `parse` reads: 5400.0 is `1h30m`. Nobody asks for 4w2d, but for 30d."""
    rest_ms = round(seconds * 1000)
    parts = []
    for name, size in list(UNITS.items())[1:]:
        count, rest_ms = divmod(rest_ms, round(size * 1000))
        if count:
            parts.append(f"{count}{name}")
    return "".join(parts) or "0s"
