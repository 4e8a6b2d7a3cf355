"""The supervisor's side of Redis: a subscription for its selector, and a publisher that sends once a turn."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from functools import lru_cache

from django_task_worker.conf import settings
from django_task_worker.events.event import WAKE_CHANNEL, Event, EventName
from django_task_worker.events.line import RedisUnavailable
from django_task_worker.events.names import by_process
from django_task_worker.events.redis import Breaker, Link, Messages, Wire, channel, connect, pack

TIMEOUT_S = 0.25
PING_EVERY_S = 5.0
SILENCE_S = 8.0
HOLD_S = 0.005
"""A task that is over sooner is told of in one message, and its start takes no time from it."""
_STARTED = EventName.TASK_STARTED
_CANCEL = EventName.TASK_CANCELLED.value.encode()
_WISH = EventName.TASK_WATCHED.value.encode()


GAP_S = 0.05
"""From one look for cancellations to the next, however often they are spoken of."""
LONGEST = 4096
"""Bytes that are read closely; in a flood they would not be worth it."""

Place = tuple[str, int]
"""A queue and a priority."""


@lru_cache(maxsize=256)
def _place(message: bytes) -> Place | None:
    """Where the message says that something is due; None: it may be anywhere."""
    try:
        fields = json.loads(message)
        queue, priority = fields["queue"], fields["priority"]
    except (ValueError, TypeError, KeyError, RecursionError):
        return None
    return (queue, priority) if isinstance(queue, str) and isinstance(priority, int) else None


class Subscription:
    """Wakes the supervisor. What arrives is not believed: it only causes an earlier look at the tasks."""

    def __init__(self, *, is_used: bool = True) -> None:
        self._wire: Wire | None = None
        self._breaker = Breaker()
        self._heard_at = 0.0
        self._pinged_at = 0.0
        self.is_configured = is_used and settings().redis_url is not None
        self.saw_wish = self._saw_cancel = False
        self._cancel_at = 0.0

    @property
    def is_up(self) -> bool:
        return self._wire is not None

    def fileno(self) -> int:
        return -1 if self._wire is None else self._wire.fileno()

    def open(self) -> bool:
        """Connect and subscribe if that is due; True when it has just succeeded."""
        if self._wire is not None or not self.is_configured or self._breaker.is_open:
            return False
        wire: Wire | None = None
        try:
            wire = connect(TIMEOUT_S, by_process)
            name = channel(WAKE_CHANNEL)
            (answer,) = wire.call([pack(b"SUBSCRIBE", name)])
            if answer not in (b"*3", b"$9", b"subscribe", b"$%d" % len(name), name, b":1"):
                raise RedisUnavailable(answer[:200].decode("utf-8", "replace"))
        except RedisUnavailable as error:
            if wire is not None:
                wire.close()
            self._breaker.failed(error)
            return False
        self._wire = wire
        self._heard_at = self._pinged_at = time.monotonic()
        self._breaker.succeeded()
        return True

    def read(self) -> set[Place | None]:
        """Take what has arrived; call it when the selector says so. Where something is said to be due."""
        if self._wire is None:
            return {None}
        try:
            chunk = self._wire.receive()
        except RedisUnavailable as error:
            self._lose(error)
            return {None}
        self._heard_at = time.monotonic()
        self._saw_cancel = self._saw_cancel or _CANCEL in chunk
        self.saw_wish = self.saw_wish or _WISH in chunk
        if len(chunk) > LONGEST:
            return {None}
        return {_place(line) for line in chunk.split(b"\r\n") if line.startswith(b"{")} or {None}

    @property
    def cancel_due_at(self) -> float | None:
        """When to look for cancellations, by the monotonic clock; None while nobody speaks of any."""
        return self._cancel_at if self._saw_cancel else None

    def takes_cancel(self) -> bool:
        """Whether to look for cancellations now; the caller does."""
        now = time.monotonic()
        if not self._saw_cancel or now < self._cancel_at:
            return False
        self._saw_cancel, self._cancel_at = False, now + GAP_S
        return True

    def check(self) -> None:
        """Notice a connection that is only half there: it must answer a PING."""
        if self._wire is None:
            return
        now = time.monotonic()
        if now - self._heard_at > SILENCE_S:
            self._lose(RedisUnavailable("no answer to PING"))
        elif now - self._pinged_at > PING_EVERY_S:
            self._pinged_at = now
            try:
                self._wire.send(pack(b"PING"))
            except RedisUnavailable as error:
                self._lose(error)

    def _lose(self, error: RedisUnavailable) -> None:
        self.close()
        self._breaker.failed(error)

    def close(self) -> None:
        if self._wire is not None:
            self._wire.close()
            self._wire = None


class TurnPublisher:
    """Keeps the events of a turn and sends them in one write. Mere starts wait a moment for what follows."""

    def __init__(self, link: Link) -> None:
        self._link = link
        self._messages = Messages()
        self._events: list[Event] = []
        self._since: float | None = None
        self._is_urgent = False

    @property
    def due_at(self) -> float | None:
        """When to send, by the monotonic clock; None when there is nothing."""
        if self._is_urgent or self._link.has_more:
            return 0.0
        return None if self._since is None else self._since + HOLD_S

    def send(self) -> None:
        """Send what is due."""
        if self.due_at is not None and self.due_at <= time.monotonic():
            self.flush()

    def publish(self, events: Sequence[Event]) -> None:
        if self._link.is_up and events:
            self._events.extend(events)
            self._since = self._since or time.monotonic()
            self._is_urgent = self._is_urgent or any(event.event != _STARTED for event in events)

    def flush(self, timeout_s: float = TIMEOUT_S) -> None:
        """Send all."""
        events, self._events = self._events, []
        self._since, self._is_urgent = None, False
        self._link.post(self._messages.commands(events) if events else [])
