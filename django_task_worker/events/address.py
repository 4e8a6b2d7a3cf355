"""What `REDIS_URL` says: read without connecting, and shown without secrets."""

from __future__ import annotations

from dataclasses import dataclass, field
from urllib.parse import SplitResult, unquote, urlsplit

PORT = 6379
SCHEMES = ("redis", "rediss", "unix")


@dataclass(frozen=True, kw_only=True)
class Address:
    """A Redis server that is spoken to without TLS and without options."""

    host: str
    port: int = PORT
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    database: int = 0


def plain(url: str, password: str | None = None) -> Address | None:
    """None when the address asks for more than host, port, user, password and the number of a database.

    The password of the address counts before the other one. Raises ValueError with a reason without secrets.
    """
    parts, port = split(url)
    number = parts.path.strip("/")
    if (
        parts.scheme != "redis"
        or parts.query
        or not (number == "" or (number.isascii() and number.isdigit()))
    ):
        return None
    return Address(
        host=unquote(parts.hostname or "localhost"),
        port=port or PORT,
        username=unquote(parts.username) if parts.username else None,
        password=unquote(parts.password) if parts.password else password,
        database=int(number or 0),
    )


def split(url: str) -> tuple[SplitResult, int | None]:
    """The parts and the port. Raises ValueError with a reason without secrets, which those of Python hold."""
    scheme, found, _ = url.partition("://")
    if not found or scheme.lower() not in SCHEMES:
        raise ValueError("the address must begin with redis://, rediss:// or unix://")
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        port = 0
    if port == 0:
        raise ValueError(
            "host or port are not valid: a port is a number from 1 to 65535, "
            "and what is special in a password must be percent-encoded"
        )
    behind = parts.path + parts.fragment + ("" if parts.hostname else parts.query)
    if parts.scheme != "unix" and "@" in behind:
        raise ValueError("what is special in a password must be percent-encoded")
    return parts, port


def safe_url(url: str) -> str:
    """The address without what stands before its `@` and without its query; less of it when in doubt."""
    try:
        parts, _ = split(url)
    except ValueError:
        scheme, found, _ = url.partition("://")
        return f"{scheme}://***" if found and scheme.lower() in SCHEMES else "***"
    place = parts.netloc.rpartition("@")
    return f"{parts.scheme}://{'***@' if place[1] else ''}{place[2]}{parts.path}"
