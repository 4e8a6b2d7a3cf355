"""Redis only shortens the wait: away, hung, emptied or hostile, it costs latency and never a task."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
import redis as redis_client

from django_task_worker import stack
from django_task_worker.client import cancel, create_task
from django_task_worker.events import background
from tests.processes import Process
from tests.servers import Redis
from tests.waiting import wait_until
from tests.worker.marks import on_postgres
from tests.worker.outcomes import ended, enqueue, row, running
from tests.worker.proxy import Mode, Proxy

pytestmark = on_postgres
POLL = ("--poll", "60s")
"""So that only Redis can have brought a task sooner."""


@pytest.fixture(autouse=True)
def _new_publisher() -> Iterator[None]:
    """This process forgets what the last test has done to Redis."""
    background._of_process.cache_clear()
    yield
    background._of_process.cache_clear()


def client(server: Redis) -> Any:
    return redis_client.Redis.from_url(server.url, socket_timeout=5, password=server.password)


def listeners(server: Redis, channel: str = "task_wake") -> int:
    with client(server) as link:
        return int(link.pubsub_numsub(channel)[0][1])


def heard(server: Redis, count: int = 1, channel: str = "task_wake") -> None:
    """Waits until so many workers listen."""
    wait_until(lambda: listeners(server, channel) == count, 20)


def test_a_worker_without_redis_polls(worker: Callable[..., Process]) -> None:
    process = worker()
    process.line("ready .*redis=off")
    for _ in range(3):
        assert ended(enqueue("add", 1, 2)).result == "3"


def test_redis_wakes_a_worker_long_before_its_poll(worker: Callable[..., Process], redis: Redis) -> None:
    process = worker(*POLL)
    process.line("ready .*redis=ok")
    for _ in range(10):
        assert ended(enqueue("add", 1, 2), 10).result == "3"


def test_redis_wakes_a_worker_that_replaces_its_children(
    worker: Callable[..., Process], redis: Redis
) -> None:
    worker(*POLL, "--max-tasks", 1, "--concurrency", 2)
    for _ in range(6):
        assert ended(enqueue("add", 1, 2), 10).result == "3"


def test_a_task_enqueued_by_a_task_wakes_the_workers(
    worker: Callable[..., Process], redis: Redis, journal: Any
) -> None:
    worker(*POLL, "--max-tasks", 1, "--concurrency", 2)
    for number in range(5):
        outer = ended(enqueue("enqueue_another", str(journal), f"k{number}"), 10)
        wait_until(lambda: f"end k{number} " in journal.read_text(), 10)  # noqa: B023
        assert outer.status == "COMPLETED"


def test_a_worker_starts_without_redis_and_finds_it_later(
    worker: Callable[..., Process], redis: Redis
) -> None:
    redis.kill()
    process = worker()
    process.line("ready .*redis=down")
    assert ended(enqueue("add", 1, 2)).result == "3"
    redis.start()
    heard(redis)
    assert ended(enqueue("add", 1, 2)).result == "3"
    warnings = [line for line in process.lines if "Redis is not reachable" in line]
    assert len(warnings) == 1, "not one for each connection"


@pytest.mark.parametrize("fault", ["restart", "flush", "cut"])
def test_a_worker_is_woken_again_after(worker: Callable[..., Process], redis: Redis, fault: str) -> None:
    worker(*POLL)
    heard(redis)
    assert ended(enqueue("add", 1, 2), 10).result == "3"
    missed = None
    if fault == "restart":
        redis.kill()
        missed = enqueue("add", 2, 2)
        redis.start()
    elif fault == "flush":
        redis.flush()
    else:
        with client(redis) as link:
            link.client_kill_filter(_type="pubsub")
    heard(redis)
    assert missed is None or ended(missed, 10).result == "4", "stored meanwhile: it is looked for at once"
    background._of_process.cache_clear()
    assert ended(enqueue("add", 1, 2), 10).result == "3"


def test_tasks_go_on_while_redis_hangs(worker: Callable[..., Process], redis: Redis) -> None:
    process = worker("--concurrency", 2)
    heard(redis)
    asleep = enqueue("sleep", 60, timeout=2)
    running(asleep)
    redis.freeze()
    began = time.monotonic()
    tasks = [enqueue("add", number, 1) for number in range(30)]
    for number, task in enumerate(tasks):
        assert ended(task).result == str(number + 1)
    assert ended(asleep, 2 + 5).error_type == "TaskTimeout"
    assert time.monotonic() - began < 15
    redis.thaw()
    heard(redis)
    assert process.stop() == 0


def test_a_worker_ends_in_time_while_redis_hangs(worker: Callable[..., Process], redis: Redis) -> None:
    process = worker()
    heard(redis)
    redis.freeze()
    began = time.monotonic()
    assert process.stop() == 0
    assert time.monotonic() - began < 4


@pytest.mark.parametrize("fault", ["kill", "freeze"])
def test_create_task_neither_raises_nor_waits(
    worker: Callable[..., Process], redis: Redis, fault: str
) -> None:
    tasks = [enqueue("add", 1, 1)]
    getattr(redis, fault)()
    took = []
    for _ in range(50):
        began = time.monotonic()
        tasks.append(enqueue("add", 1, 1))
        took.append(time.monotonic() - began)
    assert sorted(took)[25] < 0.05
    assert max(took) < 0.5
    assert [row(task).args for task in tasks] == [[1, 1]] * 51


@pytest.mark.parametrize("mode", [Mode.HANG, Mode.DRIP, Mode.REFUSE])
def test_tasks_go_on_behind_a_bad_line_to_redis(
    worker: Callable[..., Process], redis: Redis, environment: dict[str, str], settings: Any, mode: Mode
) -> None:
    with Proxy(redis.port) as proxy:
        environment["REDIS_URL"] = settings.REDIS_URL = f"redis://127.0.0.1:{proxy.port}/0"
        process = worker()
        heard(redis)
        proxy.set(mode)
        if mode is Mode.REFUSE:
            proxy.cut()
        began = time.monotonic()
        tasks = [enqueue("add", 1, 2) for _ in range(20)]
        assert time.monotonic() - began < 3
        for task in tasks:
            assert ended(task).result == "3"
        assert time.monotonic() - began < 10
        proxy.set(Mode.PASS)
        assert process.stop() == 0


# Passwords


@pytest.fixture
def guarded(environment: dict[str, str], settings: Any) -> Iterator[Redis]:
    server = Redis(password="canary-3141")
    server.start()
    environment["REDIS_URL"] = settings.REDIS_URL = server.url
    yield server
    server.remove()


def test_a_password_in_the_setting_opens_redis(
    worker: Callable[..., Process], guarded: Redis, settings: Any
) -> None:
    settings.REDIS_PASSWORD = guarded.password
    worker(*POLL, REDIS_PASSWORD=str(guarded.password)).line("ready .*redis=ok")
    assert ended(enqueue("add", 1, 2), 10).result == "3"


@pytest.mark.parametrize("password", ["", "canary-2718"])
def test_a_wrong_password_is_said_without_saying_it(
    worker: Callable[..., Process], guarded: Redis, password: str
) -> None:
    process = worker(REDIS_PASSWORD=password)
    process.line("ready .*redis=down")
    process.line("(?i)Redis (is not reachable|refuses us).*(password|auth)")
    assert ended(enqueue("add", 1, 2)).result == "3"
    assert process.stop() == 0
    assert "canary" not in process.output


# Hostile messages

HOSTILE = [
    b"",
    b"\xff\xfe\x00",
    b"{",
    b"[" * 5000,
    b'"task_cancelled"',
    b'{"event": "task_cancelled", "task_id": "x"}' * 100,
    b'{"v": 1, "event": "task_finished", "task_id": "' + b"x" * 1_000_000 + b'"}',
    b"\r\n+OK\r\n$-1\r\n:1\r\n",
]


def test_hostile_messages_are_only_hints(worker: Callable[..., Process], redis: Redis) -> None:
    process = worker("--concurrency", 2)
    heard(redis)
    task = enqueue("sleep", 1)
    running(task)
    with client(redis) as link:
        for _ in range(20):
            for message in HOSTILE:
                for channel in ("task_wake", "task_events", f"task_done:{task.id}"):
                    link.publish(channel, message)
    assert ended(task).status == "COMPLETED"
    assert ended(enqueue("add", 1, 2)).result == "3"
    assert process.stop() == 0


def test_a_flood_of_wake_ups_slows_nothing_down(worker: Callable[..., Process], redis: Redis) -> None:
    process = worker("--concurrency", 2)
    heard(redis)
    supervisor = psutil.Process(process.pid)
    memory = supervisor.memory_info().rss
    sent = 0
    with client(redis) as link:
        tasks = [enqueue("sleep", 0.2) for _ in range(10)]
        used = sum(supervisor.cpu_times()[:2])
        began = time.monotonic()
        while time.monotonic() - began < 3:
            with link.pipeline(transaction=False) as pipe:
                for _ in range(500):
                    pipe.publish("task_wake", b'{"v":1,"event":"task_created"}')
                pipe.execute()
            sent += 500
        wall = time.monotonic() - began
        used = sum(supervisor.cpu_times()[:2]) - used
    for task in tasks:
        assert ended(task).status == "COMPLETED"
    assert used < 0.2 * wall, f"{used:.2f} s of processor time for {sent} messages in {wall:.2f} s"
    assert supervisor.memory_info().rss < memory + 10_000_000
    assert process.stop() == 0


# Locks


def test_a_lock_that_somebody_holds_defers_the_task(worker: Callable[..., Process], redis: Redis) -> None:
    with client(redis) as link:
        task = enqueue("add", 1, 2, queue="later")
        link.set(f"task_lock:{task.id}", "somebody else", px=3000)
        began = time.monotonic()
        worker("--queue", "later")
        done = ended(task)
        assert time.monotonic() - began > 1
        assert (done.status, done.retry_count, done.deferrals) == ("COMPLETED", 0, 0)
        wait_until(lambda: not link.exists(f"task_lock:{task.id}"))


@pytest.mark.parametrize("ttl_ms", [None, 3_600_000])
def test_a_lock_without_a_sensible_end_is_ignored(
    worker: Callable[..., Process], redis: Redis, ttl_ms: int | None
) -> None:
    with client(redis) as link:
        task = enqueue("add", 1, 2)
        link.set(f"task_lock:{task.id}", "nobody", px=ttl_ms)
        worker()
        assert ended(task, 10).status == "COMPLETED"
        assert link.get(f"task_lock:{task.id}") == b"nobody", "only its owner may remove a lock"


def test_a_lock_of_our_own_whose_answer_was_lost_is_ours(
    worker: Callable[..., Process], redis: Redis, environment: dict[str, str]
) -> None:
    with Proxy(redis.port) as proxy:
        environment["REDIS_URL"] = f"redis://127.0.0.1:{proxy.port}/0"
        worker(*POLL)
        heard(redis)
        assert ended(enqueue("add", 1, 2), 10).status == "COMPLETED"
        proxy.cut_when(b"task_lock", deliver=True)
        assert ended(enqueue("add", 1, 2), 10).status == "COMPLETED"
        assert proxy.cuts == 1


def test_a_running_task_keeps_its_lock_and_gives_it_back(
    quick: dict[str, Any], worker: Callable[..., Process], redis: Redis
) -> None:
    worker("--concurrency", 1)
    task = enqueue("sleep", 5)
    running(task)
    with client(redis) as link:
        key = f"task_lock:{task.id}"
        assert link.get(key).decode() == row(task).lease
        while row(task).status == "PROGRESS":
            ttl = link.pttl(key)
            assert 0 < ttl <= 2000 or row(task).status != "PROGRESS"
            time.sleep(0.1)
        wait_until(lambda: not link.exists(key))
    assert row(task).status == "COMPLETED"


def test_two_projects_on_one_redis_do_not_meet(
    task_worker: dict[str, Any], worker: Callable[..., Process], redis: Redis, settings: Any
) -> None:
    task_worker["REDIS_PREFIX"] = "shop:"
    worker(*POLL)
    heard(redis, 1, "shop:task_wake")
    heard(redis, 0, "task_wake")
    settings.TASK_WORKER = {"REDIS_PREFIX": "shop:"}
    with client(redis) as link, link.pubsub(ignore_subscribe_messages=True) as seen:
        seen.psubscribe("*")
        seen.get_message(timeout=1)
        task = enqueue("sleep", 2)
        link.set(f"task_lock:{task.id}", "of another project", px=20_000)
        running(task, 10)
        assert link.exists(f"shop:task_lock:{task.id}")
        assert ended(task, 10).status == "COMPLETED"
        channels = set()
        while message := seen.get_message(timeout=0.5):
            channels.add(message["channel"].decode())
    assert {"shop:task_events", "shop:task_wake", f"shop:task_done:{task.id}"} <= channels
    assert all(name.startswith("shop:") for name in channels)


def test_the_rights_that_the_readme_names_are_enough(
    worker: Callable[..., Process], redis: Redis, settings: Any
) -> None:
    text = " ".join((Path(__file__).parents[2] / "README.md").read_text().split())
    rights = re.search(r"ACL that suffices: `([^`]+)`", text)
    assert rights
    with client(redis) as link:
        link.execute_command("ACL", "LOG", "RESET")
        link.execute_command("ACL", "SETUSER", "shop", "on", ">word", "resetchannels", *rights[1].split())
        try:
            url = redis.url.replace("//", "//shop:word@")
            settings.REDIS_URL = url
            process = worker(*POLL, REDIS_URL=url)
            process.line("ready .*redis=ok")
            task = running(create_task("app.tasks.sleep", [30], check=False), 10)
            assert "in sleep" in (stack.wait(stack.request(task.pk), 5) or "")
            cancel(task.pk)
            assert ended(task, 10).status == "CANCELLED"
            assert link.execute_command("ACL", "LOG") == []
            assert process.stop() == 0
            assert "not reachable" not in process.output
        finally:
            link.execute_command("ACL", "DELUSER", "shop")
