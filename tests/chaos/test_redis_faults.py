"""A Redis that refuses, loses, repeats, or is away for long costs time, and never a task."""

from __future__ import annotations

import re
import socket
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import psutil
import pytest
import redis as redis_client

from django_task_worker import events
from django_task_worker.client import create_task, wait_for_completion
from django_task_worker.events import Event, EventName, background, redis, waiter
from django_task_worker.events.redis import Link
from django_task_worker.events.subscription import Subscription
from tests.chaos.oracle import Oracle
from tests.chaos.relay import Relay
from tests.processes import Process
from tests.servers import HOST, Redis
from tests.waiting import wait_until
from tests.worker.marks import on_postgres
from tests.worker.outcomes import ended, enqueue, seconds_until

README = (Path(__file__).parents[2] / "README.md").read_text()


@pytest.fixture(autouse=True)
def _no_old_connection() -> Iterator[None]:
    """This process forgets what other tests have done to Redis."""
    background._of_process.cache_clear()
    waiter._subscriber.__dict__.clear()
    yield
    background._of_process.cache_clear()
    waiter._subscriber.__dict__.clear()


# What a server may answer

REFUSALS = [
    "NOAUTH Authentication required.",
    "WRONGPASS invalid username-password pair or user is disabled.",
    "NOPERM this user has no permissions to run the 'publish' command",
    "LOADING Redis is loading the dataset in memory",
    "READONLY You can't write against a read only replica.",
    "MISCONF Redis is configured to save RDB snapshots, but it is currently not able to persist on disk.",
    "ERR unknown command 'PUBLISH', with args beginning with: 'task_events'",
]


@contextmanager
def refusing(answer: str) -> Iterator[str]:
    """The address of a server that answers everything with that error."""

    def serve(link: socket.socket) -> None:
        with link, suppress(OSError):
            while data := link.recv(65536):
                link.sendall(f"-{answer}\r\n".encode() * data.count(b"*"))

    def accept(listener: socket.socket) -> None:
        with suppress(OSError):
            while True:
                threading.Thread(target=serve, args=(listener.accept()[0],), daemon=True).start()

    with socket.create_server((HOST, 0)) as listener:
        threading.Thread(target=accept, args=(listener,), daemon=True).start()
        yield f"redis://me:canary-77@{HOST}:{listener.getsockname()[1]}/0"
        listener.shutdown(socket.SHUT_RDWR)


@pytest.mark.parametrize("answer", REFUSALS, ids=lambda answer: answer.split()[0])
def test_a_server_that_refuses_counts_as_away_for_the_reason_it_gives(
    answer: str, settings: Any, caplog: pytest.LogCaptureFixture
) -> None:
    with refusing(answer) as settings.REDIS_URL:
        assert not Subscription().open()
        link = Link(0.25)
        assert link.call([b"*1\r\n$4\r\nPING\r\n"]) is None
        assert not link.is_up
        problem = events.redis_problem()
    assert answer.split()[0] in (problem or "")
    assert answer.split()[0] in caplog.text
    assert "canary" not in f"{problem}{caplog.text}"


@pytest.mark.parametrize("using", ["sqlite"], indirect=True)
def test_a_refusing_server_costs_a_caller_nothing(using: str, settings: Any) -> None:
    with refusing("LOADING Redis is loading") as settings.REDIS_URL:
        began = time.monotonic()
        tasks = [create_task("app.tasks.add", [1, 2]) for _ in range(20)]
        assert wait_for_completion(tasks[0].id, 0) is None
        assert time.monotonic() - began < 2


def test_the_memory_stays_flat_however_much_is_told_to_nobody(settings: Any, redis_server: Redis) -> None:
    settings.REDIS_URL = redis_server.url
    redis_server.freeze()
    publisher = background.BackgroundPublisher()
    event = [Event(event=EventName.TASK_CREATED, task_id="x" * 22, name="app.tasks.add", queue="default")]
    for _ in range(background.CAPACITY):
        publisher.publish(event)
    before = psutil.Process().memory_info().rss
    for _ in range(20 * background.CAPACITY):
        publisher.publish(list(event))
    assert psutil.Process().memory_info().rss < before + 10_000_000
    redis_server.thaw()


def test_whoever_publishes_never_connects(
    settings: Any, redis_server: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not even where an idle connection turns out to have been cut: nothing is lost by that either."""

    def noted(*arguments: Any) -> Any:
        by.add(threading.current_thread().name)
        return connect(*arguments)

    by: set[str] = set()
    connect = redis.connect
    monkeypatch.setattr(redis, "connect", noted)
    monkeypatch.setattr(redis, "HEARD_S", 0.0)
    settings.REDIS_URL = redis_server.url
    publisher = background.BackgroundPublisher()
    event = [Event(event=EventName.TASK_CREATED, task_id="x" * 22, name="app.tasks.add", queue="default")]
    with redis_client.Redis.from_url(redis_server.url) as client, client.pubsub() as listener:
        listener.psubscribe("*")
        for _ in range(3):
            publisher.publish(event)
            wait_until(lambda: (listener.get_message(timeout=0.1) or {}).get("type") == "pmessage")
            publisher.flush(5)
            client.client_kill_filter(_type="normal", skipme=True)
    assert by == {"task-events"}


# What a user may


class GuardedRedis(Redis):
    """Redis with one user who may do just that."""

    def __init__(self, *rules: str) -> None:
        super().__init__()
        self.rules = rules

    def command(self) -> Sequence[str]:
        words = ["on", ">canary-78", *self.rules]
        return [*super().command(), "--user", "worker", *words]

    @property
    def guarded_url(self) -> str:
        return self.url.replace("redis://", "redis://worker:canary-78@")


@on_postgres
def test_the_documented_acl_is_all_a_worker_needs(
    worker: Callable[..., Process], environment: dict[str, str], settings: Any
) -> None:
    documented = re.search(r"An ACL that suffices: `([^`]+)`", README)
    assert documented is not None
    server = GuardedRedis("resetchannels", *documented[1].split())
    server.start()
    try:
        environment["REDIS_URL"] = settings.REDIS_URL = server.guarded_url
        process = worker("--poll", "60s")
        process.line("redis=ok")
        for _ in range(3):
            task = enqueue("add", 1, 2)
            done = wait_for_completion(task.id, 10)
            assert done is not None
            assert done.result == "3"
        assert server.ask("ACL", "LOG") == "*0", "something was refused"
        assert "NOPERM" not in process.output
        assert process.stop() == 0
    finally:
        server.remove()


@on_postgres
@pytest.mark.parametrize("rules", ["-publish", "-set", "-subscribe"])
def test_a_refusal_is_told_once_and_tasks_go_on(
    worker: Callable[..., Process], environment: dict[str, str], rules: str
) -> None:
    """Of one command, while all others are allowed."""
    server = GuardedRedis("~*", "&*", "+@all", rules)
    server.start()
    try:
        environment["REDIS_URL"] = server.guarded_url
        process = worker("--poll", "100ms")
        for _ in range(12):
            assert ended(enqueue("sleep", 0.5)).status == "COMPLETED"
        told = [line for line in process.lines if "tasks are safe in the database" in line]
        assert len(told) == 1, told
        assert "NOPERM" in told[0] or "subscribe" in told[0]
        assert not [line for line in process.lines if "answers again" in line]
        assert process.stop() == 0
    finally:
        server.remove()


# What gets lost


@on_postgres
def test_messages_that_are_lost_repeated_and_late_cost_no_task_and_no_second_run(
    worker: Callable[..., Process],
    redis: Redis,
    environment: dict[str, str],
    oracle: Oracle,
) -> None:
    """Callers and workers each have a Redis of their own; what is between them is unreliable."""
    other = Redis()
    other.start()
    try:
        environment["REDIS_URL"] = other.url
        workers = [worker("--concurrency", 2) for _ in range(2)]
        there = Relay(redis, other, "task_wake", "task_events")
        back = Relay(other, redis, "task_done:*", "task_events")
        with there, back:
            tasks = [task for _ in range(30) for task in oracle.store(2, 0.02)]
            for task in tasks:
                done = wait_for_completion(task.id, 20)
                assert done is not None
                assert done.status == "COMPLETED"
        assert there.lost > 5
        assert back.lost + back.repeated > 5
        verdict = oracle.assert_holds()
        assert (verdict.ends, verdict.reruns) == ({"COMPLETED": len(tasks)}, 0)
        assert [process.stop() for process in workers] == [0, 0]
    finally:
        other.remove()


@pytest.mark.slow
@pytest.mark.timeout(240)
@on_postgres
@pytest.mark.parametrize("fault", ["kill", "freeze"])
def test_after_a_long_outage_wake_ups_are_back_within_five_seconds(
    worker: Callable[..., Process], redis: Redis, oracle: Oracle, fault: str
) -> None:
    process = worker("--concurrency", 2)
    process.line("redis=ok")
    supervisor = psutil.Process(process.pid)
    getattr(redis, fault)()
    before = supervisor.memory_info().rss
    end = time.monotonic() + 90
    while time.monotonic() < end:
        began = time.monotonic()
        oracle.store(5)
        assert time.monotonic() - began < 0.5
        oracle.settled(10)
    assert supervisor.memory_info().rss < before + 5_000_000
    redis.start()

    def is_heard() -> bool:
        with redis_client.Redis.from_url(redis.url, socket_timeout=1) as link:
            return int(link.pubsub_numsub("task_wake")[0][1]) == 1

    assert seconds_until(is_heard, 20) < 5
    wait_until(lambda: "Redis answers again" in process.output, 10)
    warned = [line for line in process.lines if "Redis is not reachable" in line]
    assert len(warned) <= 2 * 2, "more than once a minute"
    assert oracle.assert_holds().reruns == 0
    assert ended(enqueue("add", 1, 2)).result == "3"
    assert process.stop() == 0
