"""Telling others after the commit. Anything here may be lost: it costs one polling interval, never a task.

Two transports: Redis Pub/Sub (`redis`), and none at all, when everybody polls the database.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from typing import Protocol

from django.db import transaction

from django_task_worker.events.event import Event, EventName

__all__ = ["Event", "EventName", "announce", "flush", "redis_problem", "use_publisher"]

logger = logging.getLogger("django_task_worker.events")


class Publisher(Protocol):
    """Takes events; sends them at once, later, or never. Neither blocks for long nor raises."""

    def publish(self, events: Sequence[Event]) -> None: ...

    def flush(self, timeout_s: float) -> None: ...


_own: Publisher | None = None


def use_publisher(publisher: Publisher | None) -> None:
    """Let this process publish in its own way, as the supervisor does; None for the ordinary one."""
    global _own
    _own = publisher


def _publisher() -> Publisher:
    if _own is not None:
        return _own
    from django_task_worker.events.background import background_publisher

    return background_publisher()


def announce(events: Sequence[Event], using: str) -> None:
    """Publish the events once the current transaction of `using` has committed; at once outside of one.

    Never in a transaction that the caller manages by hand: Django tells nobody when that commits.
    """
    connection = transaction.get_connection(using)
    is_free = not connection.in_atomic_block
    if not events or (is_free and not connection.autocommit and connection.connection is not None):
        return
    publisher = _publisher()

    def publish() -> None:  # not a partial: Django logs the name of what fails here
        publisher.publish(events)

    if is_free and connection.connection is None:  # Django would open one, which can fail or take long
        _robustly(publish)
    else:
        connection.on_commit(publish, robust=True)


def _robustly(publish: Callable[[], None]) -> None:
    try:
        publish()
    except Exception:
        logger.exception("cannot publish what has happened")


def flush(timeout_s: float) -> None:
    """Wait until what was announced is sent, for `timeout_s` seconds at most."""
    _publisher().flush(timeout_s)


def redis_problem(timeout_s: float = 1.0) -> str | None:
    """Why Redis cannot be used, without secrets; None when it answers or none is configured."""
    from django_task_worker.conf import settings
    from django_task_worker.events.address import safe_url
    from django_task_worker.events.line import RedisUnavailable
    from django_task_worker.events.redis import connect, pack

    url = settings().redis_url
    if url is None:
        return None
    try:
        wire = connect(timeout_s)
        try:
            (answer,) = wire.call([pack(b"PING")])
            if answer != b"+PONG":
                return f"{safe_url(url)}: no answer of a Redis server: {answer[:100]!r}"
        finally:
            wire.close()
    except RedisUnavailable as error:
        return str(error)
    return None
