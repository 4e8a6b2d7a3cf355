"""Waiting for one task: a subscription to its own channel where Redis answers, and polling always."""

from __future__ import annotations

import select
import threading
import time
from types import TracebackType
from typing import TYPE_CHECKING

from django_task_worker.conf import settings
from django_task_worker.events.event import DONE_CHANNEL, MORE_CHANNEL

if TYPE_CHECKING:
    from django_task_worker.events.redis import Wire

POLL_S = 1.0
FIRST_POLL_S = 0.02
CONNECT_S = 0.25
FREE_LOOKS = 5
"""Messages that are answered at once; behind them comes a pause, as in a flood."""
GAP_S = 0.05


class _Subscriber(threading.local):
    """One connection a thread, kept for its next wait."""

    wire: Wire | None = None
    stale: tuple[bytes, ...] = ()
    """Channels that nobody listens to any more: to leave them at once would cost a round trip."""
    retry_at = 0.0


_subscriber = _Subscriber()


def hang_up() -> None:
    """Close what this thread has kept for its next wait."""
    if _subscriber.wire is not None:
        _subscriber.wire.close()
    _subscriber.wire, _subscriber.stale = None, ()


def _has_data(wire: Wire, timeout_s: float) -> bool:
    """Not by `select`, which knows descriptors below 1,024 only."""
    poll = select.poll()
    poll.register(wire, select.POLLIN)
    return bool(poll.poll(max(0.0, timeout_s) * 1000))


class Waiter:
    """Subscribes when entered, so that what happens between a look at the row and `wait` is not missed."""

    def __init__(self, task_id: str, *, hears_more: bool = False) -> None:
        self._task_id = task_id
        self._channels = (DONE_CHANNEL, MORE_CHANNEL) if hears_more else (DONE_CHANNEL,)
        self._names: tuple[bytes, ...] = ()
        self._poll_s = FIRST_POLL_S
        self._looks = 0

    def __enter__(self) -> Waiter:
        self._subscribe()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if kind is not None:
            hang_up()
        elif _subscriber.wire is not None:
            _subscriber.stale += self._names

    def wait(self, timeout_s: float) -> None:
        """Return when it is worth looking at the row again, after `timeout_s` seconds at the latest.

        Whatever arrives only causes a look at the database, so it is read and not believed.
        """
        if self._looks > FREE_LOOKS:
            time.sleep(min(GAP_S, timeout_s))
        wire = _subscriber.wire
        if wire is None:
            time.sleep(min(self._poll_s, timeout_s))
            self._poll_s = min(self._poll_s * 1.5, POLL_S)
        elif _has_data(wire, min(POLL_S, timeout_s)):
            self._looks += 1
            self._read(wire)

    def _read(self, wire: Wire) -> None:
        from django_task_worker.events.line import RedisUnavailable

        try:
            wire.receive()
        except RedisUnavailable:
            hang_up()

    def _subscribe(self) -> None:
        if settings().redis_url is None:
            return
        from django_task_worker.events.line import RedisUnavailable
        from django_task_worker.events.redis import channel, connect

        self._names = tuple(channel(name, self._task_id) for name in self._channels)
        while True:
            was_open = _subscriber.wire is not None
            if not was_open and time.monotonic() < _subscriber.retry_at:
                return
            try:
                if _subscriber.wire is None:
                    _subscriber.wire = connect(CONNECT_S)
                stale = [name for name in _subscriber.stale if name not in self._names]
                _subscriber.wire.subscribe(self._names, instead_of=stale)
            except RedisUnavailable:
                hang_up()
                if not was_open:
                    _subscriber.retry_at = time.monotonic() + POLL_S
            else:
                _subscriber.stale = ()
                return
