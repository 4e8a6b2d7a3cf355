"""Opening a connection to Redis: by hand for a plain address, by redis-py for TLS, Unix sockets and options.

redis-py takes 9 MB and 150 ms to import, which a worker and a command can do without.
"""

from __future__ import annotations

import socket
import time
from dataclasses import dataclass, field
from typing import Any

from django_task_worker.conf import settings
from django_task_worker.events.address import Address, plain, safe_url
from django_task_worker.events.names import LookUp, SocketAddress, by_thread
from django_task_worker.exceptions import TaskWorkerError

FRESH_S = 5.0
_places: dict[tuple[str, int], tuple[list[SocketAddress], float]] = {}
"""What names led to when somebody last knew, and until when nobody is asked again."""


class RedisUnavailable(TaskWorkerError):
    """Redis does not answer."""


class RedisRefused(RedisUnavailable):
    """Redis answers that it will not do something, now or for this user."""


@dataclass(frozen=True, kw_only=True)
class Line:
    """An open connection that has not said anything yet, and who is to be said to use which database."""

    socket: socket.socket
    username: str | None = None
    password: str | None = field(default=None, repr=False)
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


def open_line(timeout_s: float, look_up: LookUp = by_thread) -> Line:
    """Connect to `REDIS_URL`: `timeout_s` seconds at most, and as long again to find its host by `look_up`.

    Raises RedisUnavailable with the reason, without secrets.
    """
    url, password = settings().redis_url, settings().redis_password
    if url is None:
        raise RedisUnavailable("REDIS_URL is not set")
    try:
        address = plain(url, password)
        if address is not None:
            return _by_hand(address, timeout_s, look_up)
        return _by_redis_py(url, password, timeout_s, look_up)
    except (OSError, ValueError) as error:
        reason = str(error).replace(url, safe_url(url))
        if password:
            reason = reason.replace(password, "***")
        raise RedisUnavailable(f"{safe_url(url)}: {reason}") from None


def url_problem(url: str) -> str | None:
    """What is wrong with an address, without secrets; None when it can be used. Connects to nothing."""
    try:
        if plain(url) is None:
            from django_task_worker.events.redis_py import unconnected

            unconnected(url, None, 1.0)
    except ValueError as error:
        return str(error)
    return None


def _by_hand(address: Address, timeout_s: float, look_up: LookUp) -> Line:
    return Line(
        socket=_dial(address.host, address.port, timeout_s, look_up),
        username=address.username,
        password=address.password,
        database=address.database,
    )


def _dial(host: str, port: int, timeout_s: float, look_up: LookUp) -> socket.socket:
    addresses = _find(host, port, timeout_s, look_up)
    try:
        connection = _connect(addresses, timeout_s)
    except OSError:
        _doubt(host, port)
        raise
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    return connection


def _find(host: str, port: int, timeout_s: float, look_up: LookUp) -> list[SocketAddress]:
    """Where the name leads, or where it led last while nobody can be asked."""
    found, fresh_until = _places.get((host, port), (None, 0.0))
    if found is not None and time.monotonic() < fresh_until:
        return found
    try:
        found = look_up(host, port, timeout_s)
    except OSError:
        if found is None:
            raise
    _places[host, port] = found, time.monotonic() + FRESH_S
    return found


def _doubt(host: str, port: int) -> None:
    """It did not lead to Redis: ask again the next time."""
    if (host, port) in _places:
        _places[host, port] = _places[host, port][0], 0.0


def _connect(addresses: list[SocketAddress], timeout_s: float) -> socket.socket:
    """To the first that answers. They share the time, so that one that is silent leaves some for the next."""
    deadline = time.monotonic() + timeout_s
    reason: OSError = OSError("the name has no address")
    for tried, address in enumerate(addresses):
        left_s = max(0.01, deadline - time.monotonic()) / (len(addresses) - tried)
        try:
            connection = _connect_to(address, left_s)
        except TimeoutError:
            reason = TimeoutError(f"no connection to {address[0]}:{address[1]} within {timeout_s:g} s")
        except OSError as error:
            reason = error
        else:
            connection.settimeout(timeout_s)
            return connection
    raise reason


def _connect_to(address: SocketAddress, timeout_s: float) -> socket.socket:
    connection = socket.socket(socket.AF_INET6 if ":" in address[0] else socket.AF_INET)
    try:
        connection.settimeout(timeout_s)
        connection.connect(address)
    except BaseException:
        connection.close()
        raise
    return connection


def _by_redis_py(url: str, password: str | None, timeout_s: float, look_up: LookUp) -> Line:
    from django_task_worker.events.redis_py import connect, unconnected

    connection = unconnected(url, password, timeout_s)
    connect(connection, lambda host, port: _dial(host, port, timeout_s, look_up))
    # redis-py has no public way to its socket, and a selector needs one (kombu does the same).
    return Line(
        socket=connection._sock,
        username=connection.username,
        password=connection.password,
        database=int(connection.db or 0),
        owner=connection,
    )
