"""Points in time as people write them: ISO-8601, `now`, `today`, `-2h`. Pure: now and zone are passed in."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo

from taskctl import durations


@dataclass(frozen=True, kw_only=True)
class Moment:
    """A time that has been read but not yet placed: it may depend on the clock and the time zone."""

    text: str
    ago_s: float | None = None
    midnight: bool = False
    at: datetime | None = None

    @property
    def needs_zone(self) -> bool:
        """Whether the project's time zone decides what this means."""
        return self.at is not None and self.at.tzinfo is None

    def place(self, now: datetime, zone: tzinfo) -> datetime:
        """The time in UTC."""
        if self.ago_s is not None:
            return now - timedelta(seconds=self.ago_s)
        if self.midnight:
            return now.astimezone(zone).replace(hour=0, minute=0, second=0, microsecond=0).astimezone(UTC)
        assert self.at is not None
        aware = self.at.replace(tzinfo=zone) if self.at.tzinfo is None else self.at
        return aware.astimezone(UTC)


def parse(text: str) -> Moment:
    """Raises ValueError, worded to follow `--flag VALUE: `."""
    if text == "now":
        return Moment(text=text, ago_s=0.0)
    if text == "today":
        return Moment(text=text, midnight=True)
    if text.startswith("-"):
        return Moment(text=text, ago_s=durations.parse(text[1:], bare=False))
    try:
        at = datetime.fromisoformat(text)
        at.replace(tzinfo=at.tzinfo or UTC).astimezone(UTC)
    except (ValueError, OverflowError):
        raise ValueError("not a time. Write it like 2026-11-30T18:00, now, today or -2h") from None
    return Moment(text=text, at=at)


def iso(at: datetime) -> str:
    """ISO-8601 in UTC with milliseconds and Z."""
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def from_epoch(seconds: float) -> datetime:
    """Seconds since 1970 as a time in UTC."""
    return datetime.fromtimestamp(seconds, UTC)


def local(at: datetime, zone: tzinfo) -> str:
    """For people: `2026-11-22 12:04:31.204 +01:00`."""
    placed = at.astimezone(zone).isoformat(sep=" ", timespec="milliseconds")
    return f"{placed[:23]} {placed[23:]}".replace("+00:00", "UTC")


def now() -> datetime:
    """The time by this machine's clock."""
    return datetime.now(UTC)
