"""Words from the command line to values, with errors that name the flag. Pure."""

from __future__ import annotations

import re

from taskctl import durations, times
from taskctl.errors import bad_value

_SIZE = re.compile(r"([0-9]+(?:\.[0-9]+)?)\s*([kmgt]?)i?b?", re.IGNORECASE)


def whole(flag: str, text: str, least: int = 0, most: int = 2**31 - 1) -> int:
    """A whole number."""
    if not re.fullmatch(r"[+-]?[0-9]{1,18}", text) or not least <= int(text) <= most:
        top = "" if most == 2**31 - 1 else f" and at most {most}"
        raise bad_value(flag, text, f"must be a whole number of at least {least}{top}")
    return int(text)


def whole_or_none(flag: str, text: str | None, least: int = 0, most: int = 2**31 - 1) -> int | None:
    return None if text is None else whole(flag, text, least, most)


def limit(text: str | None, default: int | None) -> int | None:
    """How many at most; 0 stands for all, which is None."""
    number = whole_or_none("--limit", text)
    return default if number is None else number or None


def duration(flag: str, text: str, *, bare: bool = True) -> float:
    """Seconds."""
    try:
        return durations.parse(text, bare=bare)
    except ValueError as error:
        raise bad_value(flag, text, error) from None


def duration_or_none(flag: str, text: str | None, *, bare: bool = True) -> float | None:
    return None if text is None else duration(flag, text, bare=bare)


def moment(flag: str, text: str | None) -> times.Moment | None:
    """A point in time, not yet placed."""
    try:
        return None if text is None else times.parse(text)
    except ValueError as error:
        raise bad_value(flag, text or "''", error) from None


def size(flag: str, text: str) -> int:
    """Bytes: 200M, 1.5G, 4096."""
    found = _SIZE.fullmatch(text)
    if found is None:
        raise bad_value(flag, text, "not a size. Write it like 200M or 1.5G")
    return int(float(found[1]) * 1024 ** " kmgt".index(found[2].lower() or " "))
