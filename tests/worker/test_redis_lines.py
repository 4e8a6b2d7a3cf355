"""Connecting to Redis: addresses of all forms, names that nobody answers for, and servers of another kind."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from types import SimpleNamespace
from typing import Any

import psutil
import pytest
import redis as redis_client

from django_task_worker.client import create_task, wait_for_completion
from django_task_worker.events import (
    Event,
    EventName,
    background,
    flush,
    line,
    names,
    redis_problem,
    subscription,
    waiter,
)
from django_task_worker.events.line import RedisUnavailable, open_line
from django_task_worker.events.redis import Link
from django_task_worker.events.subscription import Subscription, TurnPublisher
from django_task_worker.locks import Locks
from tests.processes import Process
from tests.servers import HOST, TO_CLIENT, Proxy, Redis
from tests.waiting import wait_until
from tests.worker.marks import on_sqlite
from tests.worker.outcomes import ended, enqueue

BAD = [
    "redis://:canary@127.0.0.1/0?timeout=1",
    "redis://:canary@127.0.0.1:0/",
    "redis://:canary@127.0.0.1:70000/",
    "redis://:can/ary@127.0.0.1/0",
    "redis://:canary@no-such-name.invalid/0",
    "rediss://:canary@no-such-name.invalid/0",
    "redis://:canary@" + "x" * 300,
    "redis://:\udcffcanary@127.0.0.1:1/0",
    "unix://",
]


@pytest.fixture(autouse=True)
def _new_connections() -> Iterator[None]:
    """This process forgets what another test has done to Redis."""

    def forget() -> None:
        background._of_process.cache_clear()
        waiter._subscriber.__dict__.clear()
        line._places.clear()

    forget()
    yield
    forget()


@pytest.mark.parametrize(
    "form",
    [
        "redis://{place}",
        "redis://{place}/3",
        "redis://{place}/0/",
        "redis://localhost:{port}/0",
        "redis://{place}/0?socket_timeout=60&socket_connect_timeout=60",
        "redis://{place}?db=2&health_check_interval=1&protocol=3",
    ],
)
def test_every_form_of_an_address_leads_to_redis_in_our_time_limits(
    redis: Redis, settings: Any, form: str
) -> None:
    settings.REDIS_URL = form.format(place=f"{HOST}:{redis.port}", port=redis.port)
    assert redis_problem() is None
    found = open_line(0.5)
    assert found.socket.gettimeout() == 0.5
    found.close()


@pytest.mark.parametrize("password", ["p@ss/w:o?r#d %", "pä\udcffss"])
def test_a_password_may_hold_anything(settings: Any, password: str) -> None:
    server = Redis(password="first")
    server.start()
    try:
        with socket.create_connection((HOST, server.port), 5) as link:
            name = password.encode("utf-8", "surrogateescape")
            link.sendall(b"AUTH first\r\n")
            link.sendall(
                b"*4\r\n$6\r\nCONFIG\r\n$3\r\nSET\r\n$11\r\nrequirepass\r\n$%d\r\n%b\r\n" % (len(name), name)
            )
            assert link.recv(100)
        settings.REDIS_URL, settings.REDIS_PASSWORD = server.url, password
        assert redis_problem() is None
    finally:
        server.remove()


@on_sqlite
@pytest.mark.parametrize("url", BAD)
def test_an_address_that_leads_nowhere_harms_no_caller(database: Any, settings: Any, url: str) -> None:
    settings.REDIS_URL = url
    began = time.monotonic()
    task = create_task("app.tasks.add", [1, 2])
    assert time.monotonic() - began < 0.25
    flush(5.0)
    assert wait_for_completion(task.id, timeout=0) is None
    problem = redis_problem()
    assert problem
    assert "ary" not in problem


@on_sqlite
def test_a_worker_ends_with_a_sentence_where_the_address_cannot_be_right(
    worker: Callable[..., Process],
) -> None:
    process = worker(REDIS_URL=BAD[0], ready=False)
    process.line("REDIS_URL is not the address of a Redis server: an option")
    assert process.wait() == 78
    assert "canary" not in process.output


@on_sqlite
def test_a_worker_polls_where_the_host_has_no_address(worker: Callable[..., Process]) -> None:
    process = worker(REDIS_URL=BAD[4])
    process.line("ready .*redis=down")
    assert ended(enqueue("add", 1, 2)).result == "3"
    assert process.output.count("Redis is not reachable") == 1
    assert "canary" not in process.output
    assert process.stop() == 0


# Several addresses, and names


class Full:
    """A port that takes no more connections and refuses none: whoever connects waits."""

    def __init__(self) -> None:
        self._open = ExitStack()
        listener = self._open.enter_context(socket.create_server((HOST, 0), backlog=0))
        self.address = listener.getsockname()
        for _ in range(3):
            waiting = self._open.enter_context(socket.socket())
            waiting.setblocking(False)
            waiting.connect_ex(self.address)
        self.close = self._open.close


@pytest.fixture
def full() -> Iterator[Full]:
    found = Full()
    yield found
    found.close()


def test_addresses_that_do_not_answer_leave_time_for_the_one_that_does(
    redis: Redis, settings: Any, full: Full
) -> None:
    began = time.monotonic()
    found = open_line(0.5, lambda *_: [full.address, full.address, (HOST, redis.port)])
    assert time.monotonic() - began < 0.5
    assert found.socket.getpeername() == (HOST, redis.port)
    found.close()


def test_many_addresses_that_do_not_answer_take_no_longer_than_one(
    redis: Redis, settings: Any, full: Full
) -> None:
    began = time.monotonic()
    with pytest.raises(RedisUnavailable, match=r"within 0\.3 s"):
        open_line(0.3, lambda *_: [full.address] * 6)
    assert time.monotonic() - began < 0.5


def test_a_name_that_leads_elsewhere_now_is_followed(redis: Redis, settings: Any, full: Full) -> None:
    with pytest.raises(RedisUnavailable):
        open_line(0.2, lambda *_: [full.address])
    open_line(0.2, lambda *_: [(HOST, redis.port)]).close()


def test_a_name_leads_where_it_led_while_nobody_can_be_asked(
    redis: Redis, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []

    def answer_once(host: str, *_: Any) -> list[tuple[Any, ...]]:
        asked.append(host)
        if len(asked) > 1:
            raise OSError("nobody answers")
        return [(HOST, redis.port)]

    for _ in range(5):
        open_line(0.2, answer_once).close()
    assert len(asked) == 1, "a name was asked for again at once"
    monkeypatch.setattr(line, "FRESH_S", 0.0)
    line._doubt(HOST, redis.port)
    open_line(0.2, answer_once).close()
    assert len(asked) == 2


class Silence:
    """A resolver of the system that does not answer until it is told to."""

    def __init__(self) -> None:
        self.asked = 0
        self.answer = threading.Event()

    def __call__(self, host: str, port: int, *_: Any, **options: Any) -> Any:
        if options.get("flags"):
            raise socket.gaierror("not a number")
        self.asked += 1
        self.answer.wait(20)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (HOST, port))]


def test_a_resolver_that_does_not_answer_is_asked_by_one_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    silence = Silence()
    monkeypatch.setattr(names.socket, "getaddrinfo", silence)
    began = time.monotonic()
    for _ in range(3):
        with pytest.raises(TimeoutError, match="no address of nowhere within"):
            names.by_thread("nowhere", 1, 0.1)
    assert time.monotonic() - began < 1
    assert silence.asked == 1
    silence.answer.set()
    assert names.by_thread("nowhere", 1, 5) == [(HOST, 1)]


def test_a_supervisor_asks_without_a_thread_and_in_limited_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(names, "_without_asking", lambda *_: None)
    assert (HOST, 7) in [tuple(address[:2]) for address in names.by_process("localhost", 7, 5)]
    with pytest.raises(OSError, match="no-such-name"):
        names.by_process("no-such-name.invalid", 7, 20)
    monkeypatch.setattr(names, "_ASK", "import time; time.sleep(60)")
    began, before = time.monotonic(), threading.active_count()
    with pytest.raises(TimeoutError):
        names.by_process("nowhere", 7, 0.2)
    assert time.monotonic() - began < 2
    assert threading.active_count() == before
    assert not [child for child in psutil.Process().children() if "time.sleep(60)" in child.cmdline()]


# Servers of another kind


class Speaker:
    """Answers whatever it is asked by this, and closes the connection."""

    def __init__(self, answer: bytes) -> None:
        self._answer = answer
        self._listener = socket.create_server((HOST, 0))
        self.url = f"redis://{HOST}:{self._listener.getsockname()[1]}/0"
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            with client:
                client.recv(1000)
                client.sendall(self._answer)

    def close(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()


@pytest.fixture(
    params=[
        b"HTTP/1.1 400 Bad Request\r\n\r\n",
        b"-ERR max number of clients reached\r\n",
        b"-DENIED Redis is running in protected mode\r\n",
        b"\x15\x03\x01\x00\x02\x02\n",
        b"",
    ],
    ids=["http", "full", "protected", "tls", "nothing"],
)
def speaker(request: pytest.FixtureRequest, settings: Any) -> Iterator[Speaker]:
    found = Speaker(request.param)
    settings.REDIS_URL = found.url
    yield found
    found.close()


def test_a_server_of_another_kind_counts_as_away_and_is_said_once(
    speaker: Speaker, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    assert redis_problem(0.3)
    heard = Subscription()
    for _ in range(5):
        assert not heard.open()
        monkeypatch.setattr(heard._breaker, "_closed_until", 0.0)
    assert [record.levelname for record in caplog.records] == ["WARNING"]


def test_tls_that_a_plain_server_is_asked_for_is_given_up_in_time(redis: Redis, settings: Any) -> None:
    settings.REDIS_URL = redis.url.replace("redis://", "rediss://:canary@")
    began = time.monotonic()
    problem = redis_problem(0.5)
    assert time.monotonic() - began < 2
    assert problem
    assert "canary" not in problem


# Cancellations


def test_cancellations_are_looked_for_at_once_and_in_a_flood_now_and_then(
    redis: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    heard = Subscription()
    assert heard.open()
    clock = SimpleNamespace(now=1000.0)
    monkeypatch.setattr(subscription, "time", SimpleNamespace(monotonic=lambda: clock.now))
    looks = []
    with redis_client.Redis.from_url(redis.url, socket_timeout=5) as client:
        for _ in range(20):
            client.publish("task_wake", '{"event": "task_cancelled"}')
            heard.read()
            assert heard.cancel_due_at is not None
            if heard.takes_cancel():
                looks.append(clock.now)
                assert heard.cancel_due_at is None
            clock.now += 0.01
    assert looks[0] == 1000.0
    assert len(looks) == 4
    assert heard.cancel_due_at is not None, "the last is not forgotten"
    clock.now = heard.cancel_due_at
    assert heard.takes_cancel()
    heard.close()


# Many locks at once


PAIRS = [(f"task{number}", "lease") for number in range(1000)]
OTHERS = [(task_id, "other") for task_id, _ in PAIRS]


def locked(locks: Locks, pairs: list[tuple[str, str]]) -> list[bool]:
    return [is_locked for portion in locks.acquire(pairs) for is_locked in portion]


def test_many_locks_are_taken_in_order_some_at_a_time(redis: Redis) -> None:
    locks = Locks(Link(5.0))
    assert locked(locks, OTHERS[:10] + OTHERS[500:501]) == [False] * 11
    assert locked(locks, PAIRS) == [True] * 10 + [False] * 490 + [True] + [False] * 499
    assert locks.remaining(PAIRS[9:11]).keys() == {"task9"}


def test_locks_that_are_given_back_are_free_for_the_next_claim(redis: Redis) -> None:
    locks = Locks(Link(5.0))
    locked(locks, PAIRS)
    locks.release(PAIRS)
    assert locked(locks, OTHERS) == [False] * 1000


def test_a_lock_of_somebody_else_is_neither_renewed_nor_given_back(redis: Redis) -> None:
    with redis_client.Redis.from_url(redis.url, socket_timeout=5) as client:
        client.set("task_lock:first", "another lease", px=5000)
        locks = Locks(Link(5.0))
        locks.renew([("first", "lease")])
        locks.release([("first", "lease")])
        assert locked(locks, [("first", "lease")]) == [True]
        assert client.get("task_lock:first") == b"another lease"
        assert client.pttl("task_lock:first") <= 5000


@pytest.mark.parametrize("answers", [0, 1, 500])
def test_locks_whose_answers_are_lost_are_asked_for_again_and_ours(
    redis: Redis, settings: Any, proxy: Callable[[Redis], Proxy], answers: int
) -> None:
    between = proxy(redis)
    settings.REDIS_URL = f"redis://{HOST}:{between.port}/0"
    locks = Locks(Link(5.0))
    locked(locks, [("first", "lease")])
    between.cut_after(len(b"+OK\r\n") * answers, TO_CLIENT)
    found = locked(locks, PAIRS)
    assert len(found) == 1000
    assert locks.remaining([pair for pair, is_locked in zip(PAIRS, found, strict=True) if is_locked]) == {}


def test_without_redis_no_task_is_locked_elsewhere(redis: Redis) -> None:
    locks = Locks(Link(5.0))
    locked(locks, [("first", "lease")])
    redis.stop()
    assert locked(locks, PAIRS) == [False] * 1000


# Events of a worker


def test_the_start_of_a_task_waits_a_moment_for_its_end(redis: Redis) -> None:
    with redis_client.Redis.from_url(redis.url, socket_timeout=5) as client:
        listening = client.pubsub(ignore_subscribe_messages=True)
        listening.subscribe("task_events")
        listening.get_message(timeout=5)
        publisher = TurnPublisher(Link(5.0))
        publisher.publish([Event(event=EventName.TASK_STARTED, task_id="a")])
        assert publisher.due_at is not None
        assert publisher.due_at > time.monotonic() - 1
        publisher.publish([Event(event=EventName.TASK_FINISHED, task_id="a")])
        publisher.send()
        assert publisher.due_at is None
        told = [json.loads(message["data"])["event"] for message in heard(listening, 2)]
        assert told == ["task_started", "task_finished"]


def test_a_start_that_nothing_follows_is_told_too(redis: Redis) -> None:
    publisher = TurnPublisher(Link(5.0))
    publisher.publish([Event(event=EventName.TASK_STARTED, task_id="a")])
    wait_until(lambda: publisher.due_at is not None and publisher.due_at <= time.monotonic())
    publisher.send()
    assert publisher.due_at is None


def heard(listening: Any, count: int) -> list[Any]:
    found: list[Any] = []

    def enough() -> bool:
        message = listening.get_message(timeout=0.1)
        found.extend([message] if message else [])
        return len(found) >= count

    wait_until(enough)
    return found
