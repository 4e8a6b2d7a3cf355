"""The thread that listens to Redis: subscribes, passes events on, and comes back after every loss."""

from __future__ import annotations

import random
import select
import threading
import time
from typing import Any

from django_task_worker.conf import settings
from django_task_worker.events.event import EVENTS_CHANNEL
from django_task_worker.events.line import RedisUnavailable
from django_task_worker.events.redis import Wire, channel, connect, pack
from taskctl.database import redis_in_short
from taskctl.listening.happenings import LONGEST, Happening, Numbering, parse
from taskctl.listening.inbox import Inbox
from taskctl.listening.messages import DOWN, OFF, OK, REDIS, Health
from taskctl.listening.resp import Garbled, Replies

CONNECT_S = 2.0
PING_EVERY_S = 5.0
SILENCE_S = 8.0
MAX_PAUSE_S = 30.0
GATHER_S = 0.1
"""How long a piece waits for more: one wake-up for many events."""


class Feed(threading.Thread):
    """Puts events and the health of Redis into the inbox until `stop`.

    `gather_s` bounds how often it does, and with it how much it takes of a flood.
    """

    def __init__(self, inbox: Inbox[Any], *, gather_s: float = GATHER_S) -> None:
        super().__init__(name="task-feed", daemon=True)
        self.gather_s = gather_s
        self._inbox = inbox
        self._ended = threading.Event()
        self._again = threading.Event()
        self._failures = 0
        self._down_since = 0.0
        self.is_live = False
        """Whether what ends is heard of."""

    def stop(self) -> None:
        self._ended.set()
        self._again.set()

    def reconnect(self) -> None:
        """Do not wait for the next try."""
        self._again.set()

    def run(self) -> None:
        if settings().redis_url is None:
            self._inbox.put(Health(REDIS, OFF))
            return
        while not self._ended.is_set():
            try:
                self._listen()
            except (RedisUnavailable, Garbled) as error:
                self._lost(redis_in_short(str(error)))

    def _listen(self) -> None:
        wire = connect(CONNECT_S)
        try:
            wire.send(pack(b"SUBSCRIBE", channel(EVENTS_CHANNEL)))
            Listener(wire, self).listen()
        finally:
            self.is_live = False
            wire.close()

    def heard(self, happenings: list[Happening], missed: int) -> None:
        self._inbox.put_events(happenings, missed)

    def well(self, round_trip_s: float | None) -> None:
        self._failures, self._down_since, self.is_live = 0, 0.0, True
        self._inbox.put(Health(REDIS, OK, round_trip_s=round_trip_s, at=time.time()))

    @property
    def is_ended(self) -> bool:
        return self._ended.is_set()

    def _lost(self, reason: str) -> None:
        """Say so, and wait: 1, 2, 4 … 30 s, a little less each time so that not all come back at once."""
        now = time.time()
        self._down_since = self._down_since or now
        pause_s = min(MAX_PAUSE_S, 2.0 ** min(self._failures, 5)) * random.uniform(0.8, 1.0)
        self._failures += 1
        self._inbox.put(Health(REDIS, DOWN, reason, self._down_since, now + pause_s))
        self._again.wait(pause_s)
        if not self._ended.is_set():
            self._again.clear()


class Listener:
    """One subscription, from its first reply to its loss."""

    def __init__(self, wire: Wire, feed: Feed) -> None:
        self._wire = wire
        self._feed = feed
        self._replies = Replies()
        self._numbering = Numbering()
        self._heard_at = self._pinged_at = time.monotonic()
        self._ping_is_out = False

    def listen(self) -> None:
        """Until the feed ends. Raises RedisUnavailable, Garbled."""
        while not self._feed.is_ended:
            if select.select([self._wire], [], [], 0.5)[0]:
                self._take(self._wire.receive())
                if not self._ping_is_out:  # a round trip is being measured
                    time.sleep(self._feed.gather_s)
            self._check()

    def _take(self, chunk: bytes) -> None:
        self._heard_at = time.monotonic()
        happenings: list[Happening] = []
        missed = 0
        for reply in self._replies.feed(chunk):
            if reply[:1] == [b"message"] and len(reply) == 3:
                heard = parse(reply[2]) if len(reply[2]) <= LONGEST else None
                if heard is not None:
                    missed += self._numbering.missed(heard)
                    happenings.append(heard)
            elif reply[:1] == [b"pong"]:
                self._ping_is_out = False
                self._feed.well(self._heard_at - self._pinged_at)
            elif reply[:1] == [b"subscribe"]:
                self._pinged_at = 0.0  # measure a round trip at once
                self._feed.well(None)
            elif reply[:1] == [b"-"]:
                raise RedisUnavailable(reply[1].decode("ascii", "replace")[:200])
        if happenings:
            self._feed.heard(happenings, missed)

    def _check(self) -> None:
        """A connection that is only half there answers no PING."""
        now = time.monotonic()
        if now - self._heard_at > SILENCE_S:
            raise RedisUnavailable("no answer to PING")
        if now - self._pinged_at > PING_EVERY_S and not self._ping_is_out:
            self._pinged_at, self._ping_is_out = now, True
            self._wire.send(pack(b"PING"))
