"""Opening a connection to Redis: by hand for a plain address, by redis-py for TLS, Unix sockets and options.

redis-py takes 9 MB and 150 ms to import, which a worker and a command can do without.
"""

from __future__ import annotations

import re
import socket
import time
from contextlib import suppress
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote, urlsplit

from django_task_worker.conf import settings
from django_task_worker.exceptions import TaskWorkerError

PORT = 6379
LEAST_S = 0.01
Address = tuple[socket.AddressFamily, Any]
_addresses: dict[tuple[str, int], Address] = {}


class RedisUnavailable(TaskWorkerError):
    """Redis does not answer."""


@dataclass(frozen=True, kw_only=True)
class Line:
    """An open connection that has not said anything yet, and who is to be said to use which database."""

    socket: socket.socket
    username: str | None = None
    password: str | None = None
    database: int = 0
    owner: Any = None
    """Of redis-py, which closes the socket when it goes."""

    def close(self) -> None:
        if self.owner is not None:
            self.owner.disconnect()
        else:
            self.socket.close()

    def __del__(self) -> None:
        self.close()  # of a thread that has ended, for one


def safe_url(url: str) -> str:
    """The address without what stands before its `@` and without its query."""
    return re.sub(r"//[^/@]*@", "//***@", url).split("?")[0]


def open_line(timeout_s: float) -> Line:
    """Connect to `REDIS_URL` within that time. Raises RedisUnavailable with the reason, without secrets."""
    url, password = settings().redis_url, settings().redis_password
    if url is None:
        raise RedisUnavailable("REDIS_URL is not set")
    try:
        return _plain(url, password, timeout_s) or _by_redis_py(url, password, timeout_s)
    except (OSError, ValueError) as error:
        reason = str(error).replace(url, safe_url(url))
        if password:
            reason = reason.replace(password, "***")
        raise RedisUnavailable(f"{safe_url(url)}: {reason}") from None


def _plain(url: str, password: str | None, timeout_s: float) -> Line | None:
    """None when the address asks for more than host, port, user, password and the number of a database."""
    parts = urlsplit(url)
    number = parts.path.strip("/")
    if parts.scheme != "redis" or parts.query or not (number.isdigit() or not number):
        return None
    connection = _connect(unquote(parts.hostname or "localhost"), parts.port or PORT, timeout_s)
    connection.settimeout(timeout_s)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    return Line(
        socket=connection,
        username=unquote(parts.username) if parts.username else None,
        password=unquote(parts.password) if parts.password else password,
        database=int(number or 0),
    )


def _connect(host: str, port: int, timeout_s: float) -> socket.socket:
    """To where the name led last, if that still works: asking for a name's address has no time limit."""
    known = _addresses.get((host, port))
    if known is not None:
        with suppress(OSError):
            return _dial(known, time.monotonic() + timeout_s)
    reason = OSError(f"{host} has no address")
    found = _resolve(host, port)
    until = time.monotonic() + timeout_s
    for address in found:
        try:
            connection = _dial(address, until)
        except TimeoutError:
            raise TimeoutError(f"no connection to {host}:{port} within {timeout_s:g} s") from None
        except OSError as error:
            reason = error
        else:
            _addresses[host, port] = address
            return connection
    raise reason


def _resolve(host: str, port: int) -> list[Address]:
    # Python imports its tables of international names, 2 MB, for whatever is a str.
    name = host.encode() if host.isascii() else host
    infos = socket.getaddrinfo(name, port, type=socket.SOCK_STREAM)
    return [(family, address) for family, _, _, _, address in infos]


def _dial(address: Address, until: float) -> socket.socket:
    family, where = address
    connection = socket.socket(family, socket.SOCK_STREAM)
    try:
        connection.settimeout(max(LEAST_S, until - time.monotonic()))
        connection.connect(where)
    except BaseException:
        connection.close()
        raise
    return connection


def _by_redis_py(url: str, password: str | None, timeout_s: float) -> Line:
    import redis
    from redis.backoff import NoBackoff
    from redis.retry import Retry

    options: dict[str, Any] = {
        "socket_timeout": timeout_s,
        "socket_connect_timeout": timeout_s,
        "retry": Retry(NoBackoff(), 0),
        "health_check_interval": 0,
        "protocol": 2,
        "redis_connect_func": _say_nothing,
    }
    if password is not None:
        options["password"] = password
    try:
        connection: Any = redis.ConnectionPool.from_url(url, **options).make_connection()
        connection.connect()
    except redis.RedisError as error:
        raise ConnectionError(str(error)) from None
    # redis-py has no public way to its socket, and a selector needs one (kombu does the same).
    return Line(
        socket=connection._sock,
        username=connection.username,
        password=connection.password,
        database=int(connection.db or 0),
        owner=connection,
    )


def _say_nothing(connection: Any) -> None:
    """Keeps redis-py from its own greeting, which waits a timeout for each byte if need be."""
