"""Periods of time as settings give them: seconds, a timedelta, or text such as "30d" and "1h30m". Pure."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

UNITS_S = {"w": 604800.0, "d": 86400.0, "h": 3600.0, "m": 60.0, "s": 1.0}
_TEXT = re.compile(r"(\d+(?:\.\d+)?[wdhms])+")
_PART = re.compile(r"(\d+(?:\.\d+)?)([wdhms])")


def seconds_of(value: Any) -> float:
    """How long that is. Raises ValueError with what it must be."""
    if isinstance(value, timedelta):
        seconds = value.total_seconds()
    elif isinstance(value, str) and _TEXT.fullmatch(value):
        seconds = sum(float(number) * UNITS_S[unit] for number, unit in _PART.findall(value))
    elif isinstance(value, int | float) and not isinstance(value, bool):
        seconds = float(value)
    else:
        raise ValueError('must be a period such as "30d", "12h" or a number of seconds')
    if not 0 < seconds < 1e10:
        raise ValueError("must be longer than 0 seconds and shorter than 300 years")
    return seconds


def in_words(seconds: float) -> str:
    """For people, in two units at most: `3 h 12 m`, `45 s`, `2 d`."""
    whole = round(seconds)
    for large, small in (("d", "h"), ("h", "m"), ("m", "s")):
        count, rest = divmod(whole, int(UNITS_S[large]))
        if count > 0:
            less = rest // int(UNITS_S[small])
            return f"{count} {large} {less} {small}" if less else f"{count} {large}"
    return f"{whole} s" if whole > 0 else "less than a second"
