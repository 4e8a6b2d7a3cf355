"""Connections of redis-py, which are ours in two things: how the host is found, and how long all may take."""

from __future__ import annotations

import socket
from collections.abc import Callable
from typing import Any

import redis
from redis.backoff import NoBackoff
from redis.connection import SSLConnection, UnixDomainSocketConnection
from redis.retry import Retry

from django_task_worker.events.address import split

Dial = Callable[[str, int], socket.socket]


class _Dialling(redis.Connection):
    dial: Dial

    def _connect(self) -> socket.socket:
        """redis-py would ask the name servers without a limit."""
        return self.dial(self.host, self.port)


class _DiallingTLS(SSLConnection, _Dialling):
    """Takes the socket of the next one in line, and wraps it."""


def unconnected(url: str, password: str | None, timeout_s: float) -> Any:
    """A connection that is not open. Time limits are ours, whatever the address says. Raises ValueError."""
    split(url)
    limits = {"socket_timeout": timeout_s, "socket_connect_timeout": timeout_s, "health_check_interval": 0}
    options: dict[str, Any] = {
        "retry": Retry(NoBackoff(), 0),
        "protocol": 2,
        "redis_connect_func": _say_nothing,
        **limits,
    }
    if password is not None:
        options["password"] = password
    pool = redis.ConnectionPool.from_url(url, **options)
    pool.connection_kwargs |= limits
    if issubclass(pool.connection_class, SSLConnection):
        pool.connection_class = _DiallingTLS
    elif not issubclass(pool.connection_class, UnixDomainSocketConnection):
        pool.connection_class = _Dialling
    try:
        return pool.make_connection()
    except (TypeError, redis.RedisError):
        raise ValueError("an option after ? is not one of redis-py's, or its value is wrong") from None


def connect(connection: Any, dial: Dial) -> None:
    """Open it. Raises OSError."""
    connection.dial = dial
    try:
        connection.connect()
    except redis.RedisError as error:
        raise ConnectionError(str(error)) from None


def _say_nothing(connection: Any) -> None:
    """Keeps redis-py from its own greeting, which waits a timeout for each byte if need be."""
