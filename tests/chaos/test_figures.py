"""How long it takes to get over a fault: the figures that README gives, each of ten or more times."""

from __future__ import annotations

import random
import signal
import statistics
import time
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

import psutil
import pytest
import redis as redis_client
from django.db import connections

from tests.chaos.oracle import Oracle
from tests.databases import Database
from tests.processes import Process
from tests.servers import Postgres, Redis
from tests.waiting import wait_until
from tests.worker.marks import on_postgres
from tests.worker.outcomes import ended, enqueue, running, seconds_until

pytestmark = [pytest.mark.slow, pytest.mark.direct, pytest.mark.timeout(600), on_postgres]
TIMES = 10


def tell(what: str, seconds: list[float]) -> None:
    median, most = statistics.median(seconds), max(seconds)
    print(f"\n{what}: median {median:.2f} s, at most {most:.2f} s, of {len(seconds)}")


@pytest.mark.parametrize("hold", [False, True], ids=["asleep in C", "and holding the interpreter lock"])
def test_overrun_of_a_time_limit(worker: Callable[..., Process], hold: bool) -> None:
    worker("--concurrency", 2, "--poll", "50ms")
    tasks = [enqueue("sleep_in_c", 60, hold, timeout=1) for _ in range(2 * TIMES)]
    overrun = [(ended(task, 60).duration or 0.0) - 1 for task in tasks]
    tell("a time limit was overrun by", overrun)
    assert max(overrun) < 5


def test_fencing_of_a_frozen_worker(worker: Callable[..., Process], oracle: Oracle) -> None:
    """From SIGCONT until its children are gone. Meanwhile a successor runs the task."""
    workers = {name: worker("--concurrency", 1, "--name", name, "--poll", "50ms") for name in ("a", "b")}
    took = []
    for _ in range(TIMES):
        task = running(oracle.store(1, 4, max_retries=1)[0])
        first = workers[str(task.worker)]
        tree = [psutil.Process(first.pid), *first.children()]
        for process in tree:
            process.suspend()
        wait_until(lambda: oracle.words("start")[task.args[1]] == 2, 15)  # noqa: B023
        for process in tree:
            process.resume()
        took.append(seconds_until(lambda: not any(map(is_alive, tree[1:])), 5))  # noqa: B023
        assert ended(task).status == "COMPLETED"
    tell("children of a worker that woke up were gone after", took)
    assert oracle.assert_holds().reruns == TIMES
    assert max(took) < 2


def is_alive(process: psutil.Process) -> bool:
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def test_wake_ups_after_redis_is_back(worker: Callable[..., Process], redis: Redis) -> None:
    worker("--poll", "60s").line("redis=ok")
    took = []

    def is_heard() -> bool:
        with redis_client.Redis.from_url(redis.url, socket_timeout=1) as link:
            return int(link.pubsub_numsub("task_wake")[0][1]) == 1

    for _ in range(TIMES):
        redis.kill()
        time.sleep(random.uniform(1, 12))
        redis.start()
        took.append(seconds_until(is_heard, 20))
    tell("workers heard Redis again after", took)
    assert max(took) < 5


def test_work_after_the_database_is_back(
    database: Database,
    task_worker: dict[str, Any],
    worker: Callable[..., Process],
    postgres_server: Postgres,
    oracle: Oracle,
) -> None:
    task_worker["LEASE"] = 30.0
    name = urlsplit(database.url).path.lstrip("/")
    postgres_server.execute(f"ALTER DATABASE {name} SET synchronous_commit = on")
    connections[database.alias].close()
    worker("--concurrency", 2)
    oracle.store(3000, 0.02)
    took = []
    for _ in range(TIMES):
        done = oracle.words("end").total()
        wait_until(lambda: oracle.words("end").total() > done + 10)  # noqa: B023
        assert postgres_server.process is not None
        postgres_server.process.send_signal(signal.SIGQUIT)
        postgres_server.process.wait(20)
        time.sleep(random.uniform(0, 5))
        done = oracle.words("end").total()
        postgres_server.start()
        took.append(seconds_until(lambda: oracle.words("end").total() > done, 20))  # noqa: B023
    tell("after an immediate restart of the database, work went on after", took)
    connections[database.alias].close()
    assert max(took) < 10
    assert oracle.assert_holds(120).reruns == 0
