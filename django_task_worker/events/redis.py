"""Redis as a transport: bounded connections, batches of commands in one write, and the circuit breaker.

Commands and answers are packed and read here: a pipeline of redis-py costs 42 µs a task, this 5.
"""

from __future__ import annotations

import logging
import random
import select
import ssl
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from typing import ClassVar, TypeVar

from django_task_worker.conf import settings
from django_task_worker.events.address import safe_url
from django_task_worker.events.event import (
    DONE_CHANNEL,
    EVENTS_CHANNEL,
    FINAL_EVENTS,
    MORE_CHANNEL,
    WAKE_CHANNEL,
    Event,
    EventName,
    current_time,
)
from django_task_worker.events.line import Line, RedisRefused, RedisUnavailable, open_line
from django_task_worker.events.names import LookUp, by_thread
from django_task_worker.ids import new_id
from django_task_worker.sockets import widen

T = TypeVar("T")
logger = logging.getLogger("django_task_worker.events")

_REFUSALS = (
    b"-NOAUTH",
    b"-WRONGPASS",
    b"-NOPERM",
    b"-LOADING",
    b"-READONLY",
    b"-MISCONF",
    b"-MASTERDOWN",
    b"-CLUSTERDOWN",
    b"-OOM",
    b"-BUSY ",
    b"-DENIED",
    b"-ERR max number of clients",
    b"-ERR unknown command",
)
"""The beginnings of answers that say: not with you, or not now."""
MOST_OWED = 5000
HEARD_S = 0.05
"""Answers to what was posted are read as seldom as this while one post follows the other."""
MAX_PAUSE_S = 4.0
"""So that wake-ups are back within five seconds of Redis."""
WARN_EVERY_S = 60.0


def pack(*arguments: bytes) -> bytes:
    """One command in Redis's wire format."""
    parts = [b"*%d\r\n" % len(arguments)]
    for argument in arguments:
        parts.append(b"$%d\r\n%b\r\n" % (len(argument), argument))
    return b"".join(parts)


def publish(channel: bytes, payload: bytes) -> bytes:
    """PUBLISH in Redis's wire format."""
    return b"*3\r\n$7\r\nPUBLISH\r\n$%d\r\n%b\r\n$%d\r\n%b\r\n" % (
        len(channel),
        channel,
        len(payload),
        payload,
    )


class Wire:
    """An open connection that sends batches. A call takes three timeouts of `connect` at most."""

    def __init__(self, line: Line, timeout_s: float) -> None:
        self._line = line
        self._timeout_s = timeout_s
        self._socket = line.socket
        self._owed = 0
        """Answers to what was posted that have not been read."""
        self._unread = b""
        """The beginning of the next one of them."""
        self._heard_at = -HEARD_S
        self._poll = select.poll()
        self._poll.register(self._socket, select.POLLIN)
        widen(self._socket.fileno())

    def greet(self) -> None:
        """Authenticate and select the database, as the address says. Raises RedisUnavailable."""
        line, commands = self._line, []
        if line.password:
            name = [_bytes(line.username)] if line.username else []
            commands.append(pack(b"AUTH", *name, _bytes(line.password)))
        if line.database:
            commands.append(pack(b"SELECT", b"%d" % line.database))
        for answer in self.call(commands) if commands else ():
            if answer.startswith(b"-"):
                raise RedisUnavailable(answer[1:].decode("utf-8", "replace"))

    def fileno(self) -> int:
        return self._socket.fileno()

    def send(self, commands: bytes) -> None:
        """Send without waiting for an answer. Raises RedisUnavailable."""
        try:
            self._socket.sendall(commands)
        except OSError as error:
            raise RedisUnavailable(str(error)) from None

    def call(self, commands: Sequence[bytes]) -> list[bytes]:
        """Send the commands in one write; one line of answer each (`+OK`, `:1`, `$-1`, `-ERR …`).

        Only for commands that answer with a status, a number, nothing or an error. Raises RedisUnavailable,
        also when the server will not serve us at all.
        """
        self.post(commands)
        return self._answers()[-len(commands) :]

    def post(self, commands: Sequence[bytes]) -> bool:
        """The same without waiting: whatever is wrong is told by a later call. Raises RedisUnavailable."""
        now = time.monotonic()
        if self._owed > MOST_OWED:
            self._answers()
        elif now > self._heard_at + HEARD_S and self._poll.poll(0):
            if self._owed:
                self._lines(self.receive())  # this also tells of a connection that was closed meanwhile
            else:
                self._notice_end()
            self._heard_at = now
        if not self._owed:
            self._unread = b""
        self.send(b"".join(commands))
        self._owed += len(commands)
        return True

    def _notice_end(self) -> None:
        """Raises RedisUnavailable when the server has closed an idle connection. TLS has words of its own."""
        self._socket.settimeout(0.0)
        try:
            is_open = bool(self._socket.recv(65536))
        except (BlockingIOError, ssl.SSLWantReadError):
            is_open = True
        except OSError as error:
            raise RedisUnavailable(str(error)) from None
        finally:
            self._socket.settimeout(self._timeout_s)
        if not is_open:
            raise RedisUnavailable("connection closed by the server")

    def stream(self, commands: Sequence[bytes]) -> Iterator[list[bytes]]:
        """As `call`, but the answers as they come: nothing else may be sent before all are there."""
        self.post(commands)
        older = self._owed - len(commands)
        deadline = time.monotonic() + self._timeout_s
        while self._owed > 0:
            answers = self._lines(self.receive())
            if answers[older:]:
                yield answers[older:]
            older = max(0, older - len(answers))
            if self._owed > 0 and time.monotonic() > deadline:
                raise RedisUnavailable("the answer takes too long")

    def settle(self) -> None:
        """Wait for the answers to what was posted. Raises RedisUnavailable."""
        self._answers()

    def subscribe(self, channels: Sequence[bytes], instead_of: Sequence[bytes] = ()) -> None:
        """Listen to these, and no longer to those; returns once it is so. Raises RedisUnavailable."""
        commands = pack(b"UNSUBSCRIBE", *instead_of) if instead_of else b""
        self.send(commands + pack(b"SUBSCRIBE", *channels))
        deadline = time.monotonic() + self._timeout_s
        heard = b""
        while channels[-1] not in heard:  # the server speaks of it only now
            heard = heard[-len(channels[-1]) :] + self.receive()
            if heard.startswith(_REFUSALS) or b"\n-" in heard:
                raise RedisUnavailable("it does not let us subscribe")
            if time.monotonic() > deadline:
                raise RedisUnavailable("the answer takes too long")

    def _answers(self) -> list[bytes]:
        """One line for each command since the last time."""
        deadline = time.monotonic() + self._timeout_s
        answers: list[bytes] = []
        while self._owed > 0:
            answers += self._lines(self.receive())
            if self._owed > 0 and time.monotonic() > deadline:
                raise RedisUnavailable("the answer takes too long")
        return answers

    def _lines(self, chunk: bytes) -> list[bytes]:
        """The answers that are whole now. Raises RedisRefused when one of them refuses us."""
        *answers, self._unread = (self._unread + chunk).split(b"\r\n")
        self._owed = max(0, self._owed - len(answers))
        refused = next((line for line in answers if line.startswith(_REFUSALS)), None)
        if refused is not None:
            raise RedisRefused(refused[1:].decode("utf-8", "replace"))
        return answers

    def receive(self) -> bytes:
        """What has arrived, 64 KiB at most; waits up to the timeout. Raises RedisUnavailable."""
        try:
            chunk = self._socket.recv(65536)
        except OSError as error:
            raise RedisUnavailable(str(error)) from None
        if not chunk:
            raise RedisUnavailable("connection closed by the server")
        return chunk

    def close(self) -> None:
        self._line.close()


def _bytes(text: str) -> bytes:
    """What the environment held, where that was no UTF-8."""
    return text.encode("utf-8", "surrogateescape")


def connect(timeout_s: float, look_up: LookUp = by_thread) -> Wire:
    """A new connection to `REDIS_URL`; each later call on it takes `timeout_s` seconds at most.

    Raises RedisUnavailable with the reason and without secrets.
    """
    wire = Wire(open_line(timeout_s, look_up), timeout_s)
    try:
        wire.greet()
    except RedisUnavailable as error:
        wire.close()
        raise RedisUnavailable(f"{safe_url(settings().redis_url or '')}: {error}") from None
    return wire


def channel(name: str, task_id: str = "") -> bytes:
    """The channel with the project's prefix."""
    return f"{settings().redis_prefix}{name}{task_id}".encode()


class Breaker:
    """Says when Redis may be tried again after failures: 1, 2, 4, 4 … s, with jitter."""

    warned_at: ClassVar[float] = -WARN_EVERY_S
    """Of all breakers: a worker has two connections, and one warning will do."""
    refused_at: ClassVar[float] = -WARN_EVERY_S
    """The same of refusals, which may concern one command: that others succeed does not end them."""

    def __init__(self) -> None:
        self._failures = 0
        self._closed_until = 0.0

    @property
    def is_open(self) -> bool:
        """Whether Redis is to be left alone for now."""
        return time.monotonic() < self._closed_until

    def failed(self, error: Exception) -> None:
        now = time.monotonic()
        if isinstance(error, RedisRefused):
            self._closed_until = now + MAX_PAUSE_S * random.uniform(0.8, 1.0)
            if now - Breaker.refused_at >= WARN_EVERY_S:
                Breaker.refused_at = now
                logger.warning("Redis refuses us (%s); tasks are safe in the database, workers poll", error)
            return
        self._closed_until = now + min(MAX_PAUSE_S, 2.0 ** min(self._failures, 10)) * random.uniform(0.8, 1.0)
        self._failures += 1
        if now - Breaker.warned_at >= WARN_EVERY_S:
            Breaker.warned_at = now
            logger.warning("Redis is not reachable (%s); tasks are safe in the database, workers poll", error)

    def succeeded(self) -> None:
        if self._failures:
            logger.info("Redis answers again")
            Breaker.warned_at = -WARN_EVERY_S
        self._failures = 0
        self._closed_until = 0.0


class Link:
    """A connection that opens itself when needed and stays away for a while after a failure."""

    def __init__(self, timeout_s: float, *, is_used: bool = True, look_up: LookUp = by_thread) -> None:
        self._timeout_s = timeout_s
        self._look_up = look_up
        self._wire: Wire | None = None
        self._breaker = Breaker()
        self._is_used = is_used and settings().redis_url is not None
        self._later: list[bytes] = []

    @property
    def is_up(self) -> bool:
        """Whether a call is worth making now."""
        return self._is_used and not self._breaker.is_open

    def call(self, commands: Sequence[bytes]) -> list[bytes] | None:
        """The answers, or None when Redis is away. Never raises; takes two timeouts at most."""
        self._send_later()
        answers = self._do(Wire.call, commands)
        if answers is not None:
            self._breaker.succeeded()
        return answers

    def stream(self, commands: Sequence[bytes]) -> Iterator[list[bytes]]:
        """The answers as they come, as long as they do. Nothing else may be sent before. Never raises."""
        self._send_later()
        if self._wire is None or not self.is_up:
            return
        try:
            yield from self._wire.stream(commands)
        except RedisUnavailable:
            self._drop()  # whatever comes next will tell

    @property
    def is_open(self) -> bool:
        """Whether there is a connection to `post` on."""
        return self._wire is not None and self.is_up

    def post(self, commands: Sequence[bytes], *, opens: bool = True) -> bool:
        """Send without waiting for the answers: for what may be lost. Never raises; tells if it was sent.

        With `opens=False` only on the connection that there is, which takes no time.
        """
        later, self._later = self._later, []
        return self._do(Wire.post, [*commands, *later], opens=opens) is not None

    @property
    def has_more(self) -> bool:
        """Whether something is to be sent with the next."""
        return bool(self._later)

    def post_later(self, commands: Sequence[bytes]) -> None:
        """Send with the next that is sent."""
        if self.is_up:
            self._later += commands

    def _send_later(self) -> None:
        if self._later:
            self.post([])

    def settle(self) -> None:
        """Wait until what was posted has been answered. Never raises."""
        try:
            if self._wire is not None:
                self._wire.settle()
        except RedisUnavailable:
            self._drop()  # whatever comes next will tell

    def _do(
        self, verb: Callable[[Wire, Sequence[bytes]], T], commands: Sequence[bytes], *, opens: bool = True
    ) -> T | None:
        if not commands or not self.is_up:
            return None
        was_open = self._wire is not None
        try:
            try:
                return self._try(verb, commands)
            except RedisRefused:
                raise
            except RedisUnavailable:
                if not was_open:
                    raise
                if not opens:
                    return None
                return self._try(verb, commands)  # an idle connection had been cut: once more on a new one
        except RedisUnavailable as error:
            self._breaker.failed(error)
            return None

    def _try(self, verb: Callable[[Wire, Sequence[bytes]], T], commands: Sequence[bytes]) -> T:
        if self._wire is None:
            self._wire = connect(self._timeout_s, self._look_up)
        try:
            return verb(self._wire, commands)
        except RedisUnavailable:
            self._drop()
            raise

    def close(self) -> None:
        """Close the connection once what was posted has arrived, or cannot."""
        self._send_later()
        if self._wire is not None:
            with suppress(RedisUnavailable):
                self._wire.settle()
            self._drop()

    def _drop(self) -> None:
        if self._wire is not None:
            self._wire.close()
            self._wire = None


class Messages:
    """Turns events into PUBLISH commands and numbers them."""

    def __init__(self) -> None:
        self._publisher = new_id()[:8]
        self._seq = 0

    def commands(self, events: Iterable[Event]) -> list[bytes]:
        """One for everybody, one for the waiters of a final event, and one wake-up for all of them."""
        found = []
        waking: Event | None = None
        everybody, done, now = channel(EVENTS_CHANNEL), channel(DONE_CHANNEL), current_time()
        for event in events:
            if event.wakes:
                waking = event
            if not event.told:
                if event.event is EventName.TASK_MORE:
                    more = event.payload(self._publisher, self._seq, now)
                    found.append(publish(channel(MORE_CHANNEL, event.task_id or ""), more))
                continue
            self._seq += 1
            payload = event.payload(self._publisher, self._seq, now)
            found.append(publish(everybody, payload))
            if event.event in FINAL_EVENTS and event.task_id:
                found.append(publish(done + event.task_id.encode(), payload))
        if waking is not None:
            found.insert(0, publish(channel(WAKE_CHANNEL), waking.wake_payload()))
        return found
