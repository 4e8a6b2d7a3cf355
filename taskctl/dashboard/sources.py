"""Where a screen gets its messages from: the servers, or a recording. Each comes with its time."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import NamedTuple, Protocol

from taskctl.dashboard.answers import Answer
from taskctl.dashboard.messages import OK, REDIS, UNKNOWN, Events, Health, Message
from taskctl.dashboard.recording import Recorder, Recording
from taskctl.dashboard.view import Job
from taskctl.listening.inbox import Inbox

MOST_AT_ONCE = 2000
"""Messages of a recording between two looks at the keyboard."""


class Told(NamedTuple):
    at: float
    message: Message | Answer


class Source(Protocol):
    """What the loop needs of it."""

    inbox: Inbox[Message | Answer]

    def start(self) -> None: ...

    def now(self) -> float:
        """The time of what is shown."""

    def take(self) -> list[Told]:
        """What has come since the last time."""

    def submit(self, job: Job) -> None: ...

    def reconnect(self) -> None: ...

    def set_interval(self, seconds: float) -> None: ...

    def stop(self) -> None: ...


class Live:
    """The two threads, and the recorder if there is one."""

    def __init__(
        self, using: str, interval_s: float, *, recorder: Recorder | None = None, utc: bool = False
    ) -> None:
        from taskctl.dashboard.reader import Reader
        from taskctl.listening.feed import Feed  # a replay needs neither Redis nor the database

        self.inbox = Inbox[Message | Answer]()
        self._feed = Feed(self.inbox)
        self._reader = Reader(using, self.inbox, interval_s, lambda: self._feed.is_live, utc=utc)
        self._recorder = recorder
        self._redis = UNKNOWN

    def start(self) -> None:
        self._reader.start()
        self._feed.start()

    def now(self) -> float:
        return time.time()

    def take(self) -> list[Told]:
        now = self.now()
        messages = self.inbox.take()
        for message in messages:
            self._heed(message)
        health = self._reader.watch()
        if health is not None:
            messages.append(health)
        if self._recorder is not None:
            for message in messages:
                if not isinstance(message, Answer):
                    self._recorder.keep(message, now)
        return [Told(now, message) for message in messages]

    def _heed(self, message: Message | Answer) -> None:
        """What events did not tell, the database does: at once when they begin to come, or are too many."""
        if isinstance(message, Events):
            if message.missed or message.dropped:
                self._reader.fill_in()
            if message.dropped:
                self._reader.look_now()
        elif isinstance(message, Health) and message.server == REDIS:
            if message.state == OK and self._redis != OK:
                self._reader.look_now()
            self._redis = message.state

    def submit(self, job: Job) -> None:
        self._reader.submit(job)

    def reconnect(self) -> None:
        self._feed.reconnect()
        self._reader.look_now()

    def set_interval(self, seconds: float) -> None:
        self._reader.interval_s = seconds
        self._reader.look_now()

    def stop(self) -> None:
        """The threads are daemons: one that hangs in a server does not keep us."""
        self._feed.stop()
        self._reader.stop()
        self._feed.join(0.5)
        self._reader.join(0.5)
        if self._recorder is not None:
            self._recorder.close()


class Replay:
    """A recording, at any speed, from any second on."""

    def __init__(self, recording: Recording, speed: float = 1.0) -> None:
        self.inbox = Inbox[Message | Answer]()
        self.recording = recording
        self._speed = speed
        self._messages: Iterator[tuple[float, Message]] = iter(())
        self._next: tuple[float, Message] | None = None
        self._at = recording.started_at
        self._since = time.monotonic()
        self._is_held = False

    @property
    def is_over(self) -> bool:
        return self._next is None

    def start(self) -> None:
        self._messages = self.recording.messages()
        self._next = next(self._messages, None)
        self._since = time.monotonic()

    def now(self) -> float:
        if self._is_held:
            return self._at
        return self._at + (time.monotonic() - self._since) * self._speed

    def take(self) -> list[Told]:
        now = self.now()
        found: list[Told] = []
        while self._next is not None and self._next[0] <= now and len(found) < MOST_AT_ONCE:
            found.append(Told(*self._next))
            self._next = next(self._messages, None)
        if self._next is None:
            self.hold(is_held=True)
        return found

    def set_speed(self, speed: float) -> None:
        self._settle(self.now())
        self._speed = speed

    def hold(self, *, is_held: bool) -> None:
        """Stand still, or go on."""
        if is_held != self._is_held:
            self._settle(self.now())
            self._is_held = is_held

    def seek(self, seconds: float) -> bool:
        """Go on elsewhere. True when that is in the past: the state has to be made anew."""
        if seconds > 0 and self.is_over:
            return False
        self._settle(max(self.recording.started_at, self.now() + seconds))
        if seconds >= 0:
            return False
        self._is_held = False
        self.start()
        return True

    def _settle(self, at: float) -> None:
        self._at, self._since = at, time.monotonic()

    def submit(self, job: Job) -> None:
        """There is nobody to do it."""

    def reconnect(self) -> None:
        """There is nothing to connect to."""

    def set_interval(self, seconds: float) -> None:
        """A recording has its own."""

    def stop(self) -> None:
        """Nothing runs."""
