"""wait_for_completion: with Redis and without, honest messages and others."""

from __future__ import annotations

import asyncio
import json
import os
import resource
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest
import redis as redis_client
from django.db import connections
from django.test.utils import CaptureQueriesContext

from django_task_worker.client import await_for_completion, cancel, wait_for_completion
from django_task_worker.events import waiter
from django_task_worker.models import DatabaseTask
from tests.processes import Process
from tests.servers import Redis
from tests.waiting import wait_until
from tests.worker.marks import on_postgres
from tests.worker.outcomes import ended, enqueue, row
from tests.worker.proxy import Mode, Proxy


@pytest.fixture(autouse=True)
def _no_old_connection() -> Iterator[None]:
    """This thread forgets its connection to a Redis that a test has treated badly."""
    waiter._subscriber.__dict__.clear()
    yield
    waiter._subscriber.__dict__.clear()


@pytest.fixture(params=["with Redis", "without Redis"])
def transport(request: pytest.FixtureRequest) -> str:
    """Each test twice."""
    if request.param == "with Redis":
        request.getfixturevalue("redis")
    return str(request.param)


class Later:
    """Calls something in a thread of its own, soon; re-raises what it raised."""

    def __init__(self, delay_s: float, action: Callable[[], object]) -> None:
        self._action = action
        self._error: BaseException | None = None
        self._timer = threading.Timer(delay_s, self._run)
        self._timer.start()

    def _run(self) -> None:
        try:
            self._action()
        except BaseException as error:
            self._error = error
        finally:
            connections.close_all()

    def join(self) -> None:
        self._timer.join()
        if self._error is not None:
            raise self._error


def test_a_task_is_waited_for_until_it_is_final(worker: Callable[..., Process], transport: str) -> None:
    worker("--concurrency", 2)
    good, bad = enqueue("sleep", 0.3), enqueue("fail", "oh")
    done = wait_for_completion(good.id, 20)
    assert done is not None
    assert (done.status, done.result, done.result_json, done.args) == ("COMPLETED", "0.3", 0.3, [0.3])
    assert done.finished_at == row(good).finished_at
    failed = wait_for_completion(bad.id, 20)
    assert failed is not None
    assert (failed.status, failed.error) == ("FAILED", "oh")
    assert str(done) == f"Task {good.id}: app.tasks.sleep (COMPLETED)"


@on_postgres
def test_a_task_that_is_already_final_answers_at_once(worker: Callable[..., Process], transport: str) -> None:
    worker()
    task = ended(enqueue("add", 1, 2))
    began = time.monotonic()
    for _ in range(20):
        done = wait_for_completion(task.id)
        assert done is not None
    assert time.monotonic() - began < 20 * 0.1
    assert done.result == "3"


@on_postgres
def test_of_those_that_were_waited_for_only_the_last_is_still_listened_to(
    database: Any, redis: Redis
) -> None:
    tasks = [enqueue("add", 1, 2) for _ in range(3)]
    for task in [*tasks, tasks[-1]]:
        assert wait_for_completion(task.id, 0) is None
    with redis_client.Redis.from_url(redis.url) as link:
        numbers = link.pubsub_numsub(*(f"task_done:{task.id}" for task in tasks))
    assert [number for _, number in numbers] == [0, 0, 1]


@on_postgres
def test_a_planned_retry_is_not_the_end(
    task_worker: dict[str, Any], worker: Callable[..., Process], transport: str, tmp_path: Any
) -> None:
    task_worker["BACKOFF"] = {"base": 0.5}
    worker()
    task = enqueue("fail_times", 1, str(tmp_path / "counter"), max_retries=1)
    done = wait_for_completion(task.id, 20)
    assert done is not None
    assert (done.status, done.result, done.retry_count) == ("COMPLETED", "2", 1)


def test_none_says_that_the_time_is_over(database: Any, transport: str) -> None:
    task = enqueue("add", 1, 2)
    for timeout in (0, 0.3, -1):
        began = time.monotonic()
        assert wait_for_completion(task.id, timeout) is None
        assert max(0, timeout) <= time.monotonic() - began < timeout + 1.5
    assert row(task).status == "PENDING"


@on_postgres
def test_an_unknown_task_is_said_to_be_unknown(database: Any, transport: str) -> None:
    for task_id in ("nowhere", "", "x" * 500, "a\nb"):
        began = time.monotonic()
        with pytest.raises(DatabaseTask.DoesNotExist):
            wait_for_completion(task_id, 20)
        assert time.monotonic() - began < 2


def test_a_task_that_is_deleted_meanwhile_is_said_to_be_unknown(database: Any, transport: str) -> None:
    task = enqueue("add", 1, 2)
    later = Later(0.3, lambda: DatabaseTask.objects.filter(pk=task.pk).delete())
    with pytest.raises(DatabaseTask.DoesNotExist):
        wait_for_completion(task.id, 20)
    later.join()


@on_postgres
def test_a_task_that_is_cancelled_meanwhile_is_final(database: Any, transport: str) -> None:
    task = enqueue("add", 1, 2)
    later = Later(0.3, lambda: cancel(task.id))
    done = wait_for_completion(task.id, 20)
    assert done is not None
    assert done.status == "CANCELLED"
    later.join()


@on_postgres
def test_async_code_waits_too(worker: Callable[..., Process], transport: str) -> None:
    worker()
    task = enqueue("add", 1, 2)

    async def wait() -> DatabaseTask | None:
        return await await_for_completion(task.id, 20)

    done = asyncio.run(wait())
    assert done is not None
    assert done.result == "3"


@on_postgres
def test_many_threads_wait_for_one_task(worker: Callable[..., Process], transport: str) -> None:
    worker()
    task = enqueue("sleep", 1)
    found: list[DatabaseTask | None] = []
    waiting = [Later(0, lambda: found.append(wait_for_completion(task.id, 20))) for _ in range(8)]
    for one in waiting:
        one.join()
    assert [done.status if done else None for done in found] == ["COMPLETED"] * 8


HOSTILE = [
    b"",
    b"null",
    b"[1, 2]",
    b"\xff\x00\xfe",
    b"{" * 10_000,
    json.dumps({"event": "task_finished", "task_id": "somebody"}).encode(),
    b"x" * 1_000_000,
]


@on_postgres
def test_messages_are_not_believed(database: Any, redis: Redis) -> None:
    task = enqueue("add", 1, 2)
    forged = json.dumps({"event": "task_finished", "task_id": task.id}).encode()
    stop = threading.Event()

    def publish() -> None:
        with redis_client.Redis.from_url(redis.url) as link:
            while not stop.is_set():
                for message in [*HOSTILE, forged]:
                    link.publish(f"task_done:{task.id}", message)

    flood = Later(0, publish)
    before = time.process_time()
    began = time.monotonic()
    try:
        with CaptureQueriesContext(connections[database.alias]) as looks:
            assert wait_for_completion(task.id, 2) is None
    finally:
        stop.set()
        flood.join()
    assert len(looks) < 60, "one look for every 50 ms is enough"
    assert time.monotonic() - began < 4
    assert time.process_time() - before < 3
    assert row(task).status == "PENDING"


@on_postgres
def test_a_process_with_many_descriptors_can_wait(database: Any, redis: Redis) -> None:
    limits = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(limits[0], 2048), limits[1]))
    with ExitStack() as files:
        while files.enter_context(open(os.devnull)).fileno() < 1024:
            pass
        assert wait_for_completion(enqueue("add", 1, 2).id, 0.5) is None
    resource.setrlimit(resource.RLIMIT_NOFILE, limits)


@on_postgres
@pytest.mark.parametrize("fault", ["kill", "freeze", "restart", "flush"])
def test_redis_may_go_while_somebody_waits(worker: Callable[..., Process], redis: Redis, fault: str) -> None:
    worker()
    task = enqueue("sleep", 2)
    later = Later(0.5, getattr(redis, fault))
    done = wait_for_completion(task.id, 20)
    assert done is not None
    assert done.status == "COMPLETED"
    later.join()


@on_postgres
@pytest.mark.parametrize("mode", [Mode.HANG, Mode.REFUSE, Mode.DRIP])
def test_a_bad_line_to_redis_costs_a_wait_little(
    worker: Callable[..., Process], redis: Redis, settings: Any, mode: Mode
) -> None:
    worker()
    task = ended(enqueue("add", 1, 2))
    with Proxy(redis.port) as proxy:
        proxy.set(mode)
        settings.REDIS_URL = f"redis://127.0.0.1:{proxy.port}/0"
        began = time.monotonic()
        assert wait_for_completion(task.id) is not None
        assert time.monotonic() - began < 1.5
        assert wait_for_completion(enqueue("add", 1, 2).id, 10) is not None


@on_postgres
def test_waiting_leaves_one_connection_behind(worker: Callable[..., Process], redis: Redis) -> None:
    worker()

    def clients() -> int:
        with redis_client.Redis.from_url(redis.url) as link:
            return len(link.client_list())

    wait_until(lambda: wait_for_completion(enqueue("add", 1, 2).id, 10))
    before = clients()
    for _ in range(10):
        assert wait_for_completion(enqueue("add", 1, 2).id, 10) is not None
    assert clients() <= before + 1
