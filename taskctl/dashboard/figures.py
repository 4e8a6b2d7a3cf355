"""Numbers, durations and times as the panels write them. Pure but for the time zone of this process."""

from __future__ import annotations

import time

from django_task_worker.snapshot.rows import CAP
from taskctl.durations import brief


def number(value: int) -> str:
    """`1,102`, and `10k+` for what was not counted to its end."""
    return f"{CAP // 1000}k+" if value > CAP else f"{value:,}"


def total(values: list[int]) -> str:
    """The sum; `11k+` when one of them was not counted to its end."""
    found = sum(min(value, CAP) for value in values)
    return f"{found // 1000}k+" if any(value > CAP for value in values) else f"{found:,}"


def rate(value: float) -> str:
    """`41.8`, `1,203`."""
    return f"{value:.1f}" if value < 1000 else f"{value:,.0f}"


def duration(seconds: float | None) -> str:
    return "-" if seconds is None else brief(seconds)


def age(seconds: float | None) -> str:
    """In whole seconds, which do not flicker."""
    return "-" if seconds is None else brief(max(0, int(seconds)))


def elapsed(seconds: float) -> str:
    """`0.1s`, `3.4s`, `12s`, `4m12s`."""
    return f"{seconds:.1f}s" if seconds < 9.95 else brief(int(seconds))


def clock(at: float, *, utc: bool, fraction: bool = False) -> str:
    """`12:04:31`, or with `fraction` `12:04:31.204`."""
    parts = time.gmtime(at) if utc else time.localtime(at)
    text = f"{parts.tm_hour:02}:{parts.tm_min:02}:{parts.tm_sec:02}"
    return f"{text}.{int(at % 1 * 1000):03}" if fraction else text


def date(at: float, *, utc: bool) -> str:
    """`2026-11-25`."""
    return time.strftime("%Y-%m-%d", time.gmtime(at) if utc else time.localtime(at))


def stopwatch(seconds: float) -> str:
    """`0:42`, `1:02:03`."""
    minutes, rest = divmod(max(0, int(seconds)), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def milliseconds(seconds: float | None) -> str:
    """`3ms`; nothing when it is not known."""
    if seconds is None:
        return ""
    return "<1ms" if seconds < 0.001 else brief(seconds)
