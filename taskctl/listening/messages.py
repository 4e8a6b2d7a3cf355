"""What a feed tells: what was heard, and how it stands with a server. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from taskctl.listening.happenings import Happening

OK, DOWN, OFF, UNKNOWN = "ok", "down", "off", "unknown"
REDIS, DATABASE = "redis", "database"


class Events(NamedTuple):
    """What was heard since the last time, and how much was not."""

    happenings: Sequence[Happening]
    missed: int = 0
    """Lost on the way, by the numbers of their publishers."""
    dropped: int = 0
    """Came faster than they could be taken."""


class Health(NamedTuple):
    """How it stands with one of the servers. Times are seconds since 1970 by this machine's clock."""

    server: str
    """REDIS or DATABASE."""
    state: str = UNKNOWN
    """OK, DOWN, OFF (not configured), UNKNOWN (not tried yet)."""
    reason: str = ""
    since: float = 0.0
    retry_at: float = 0.0
    round_trip_s: float | None = None
    at: float = 0.0
    """When it was well."""
