"""Between two Redis servers: passes messages on late, twice, in another order, or not at all."""

from __future__ import annotations

import random
import threading
from typing import Any

import redis

from tests.servers import Redis


class Relay:
    """Use it in a `with`. Half of what is published on `source` never arrives on `target`."""

    def __init__(self, source: Redis, target: Redis, *patterns: str) -> None:
        self._source: Any = redis.Redis.from_url(source.url)
        self._target: Any = redis.Redis.from_url(target.url)
        self._patterns = patterns
        self._held: list[tuple[bytes, bytes]] = []
        self._ended = threading.Event()
        self._subscribed = threading.Event()
        self._thread = threading.Thread(target=self._pass_on, daemon=True)
        self.lost = self.repeated = 0

    def __enter__(self) -> Relay:
        self._thread.start()
        assert self._subscribed.wait(5)
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()
        self._source.close()
        self._target.close()

    def _pass_on(self) -> None:
        with self._source.pubsub(ignore_subscribe_messages=True) as ear:
            ear.psubscribe(*self._patterns)
            ear.get_message(timeout=1)
            self._subscribed.set()
            while not self._ended.is_set():
                message = ear.get_message(timeout=0.05)
                if message is not None:
                    self._take(message["channel"], message["data"])
                self._give()

    def _take(self, channel: bytes, data: bytes) -> None:
        if random.random() < 0.5:
            self.lost += 1
            return
        copies = random.choice([1, 1, 10])
        self.repeated += copies - 1
        self._held += [(channel, data)] * copies

    def _give(self) -> None:
        """In any order, and some of it only later."""
        random.shuffle(self._held)
        while self._held and random.random() < 0.8:
            self._target.publish(*self._held.pop())
