"""Workers on hosts of their own, cut off from the database, from Redis, or from both, and back again."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import pytest

from django_task_worker.models import DatabaseTask
from tests.chaos.hosts import Cable, Host
from tests.chaos.oracle import Oracle
from tests.databases import Database
from tests.processes import Process
from tests.servers import Redis, Server
from tests.waiting import wait_until
from tests.worker.marks import on_postgres
from tests.worker.outcomes import ended, enqueue, seconds_until

pytestmark = pytest.mark.root
LEASE_S = 3.0
BACK_WITHIN_S = 10.0


@dataclass
class Far:
    """A worker with a cable to the database and one to Redis."""

    worker: Process
    database: Cable
    redis: Cable


@pytest.fixture
def hosts() -> Iterator[Callable[[], Host]]:
    made: list[Host] = []

    def host() -> Host:
        made.append(Host())
        return made[-1]

    yield host
    for each in made:
        each.close()


@pytest.fixture
def far(
    hosts: Callable[[], Host],
    start: Callable[..., Process],
    database: Database,
    redis: Redis,
    kind: str,
    request: pytest.FixtureRequest,
    task_worker: dict[str, Any],
) -> Callable[[str], Far]:
    """Starts a worker of that name on a host of its own."""
    task_worker["LEASE"] = LEASE_S
    server: Server = request.getfixturevalue(f"{kind}_server")

    def far(name: str) -> Far:
        host = hosts()
        to_database, to_redis = host.cable(server), host.cable(redis)
        words = ["-m", "taskctl", "worker", "--concurrency", 2, "--name", name, "--poll", "200ms"]
        process = start(
            *host.within,
            sys.executable,
            *words,
            TEST_DATABASE=to_database.url + urlsplit(database.url).path,
            REDIS_URL=to_redis.url,
            TEST_TASK_WORKER=json.dumps(task_worker),
        )
        process.line(r"\bready\b.*redis=ok")
        return Far(process, to_database, to_redis)

    return far


def held_by(name: str) -> int:
    return DatabaseTask.objects.filter(worker=name, status="PROGRESS").count()


def works_again(name: str) -> bool:
    """Whether a task of this moment is run by that worker."""
    return ended(enqueue("add", 1, 2)).worker == name


@on_postgres
def test_without_redis_work_goes_on(far: Callable[[str], Far], oracle: Oracle) -> None:
    one, two = far("one"), far("two")
    one.redis.pull()
    stored = oracle.store(40, 0.2)
    verdict = oracle.assert_holds(30)
    assert verdict.ends == {"COMPLETED": len(stored)}
    assert verdict.reruns == 0
    assert {task.worker for task in DatabaseTask.objects.all()} == {"one", "two"}
    one.redis.plug()
    assert [each.worker.stop() for each in (one, two)] == [0, 0]


@on_postgres
def test_a_short_cut_from_the_database_interrupts_nothing(far: Callable[[str], Far], oracle: Oracle) -> None:
    one = far("one")
    oracle.store(4, 1.5)
    wait_until(lambda: oracle.words("start").total() >= 2)  # it knows what it holds
    one.database.pull()
    wait_until(lambda: oracle.words("end").total() >= 2, 10)
    one.database.plug()
    verdict = oracle.assert_holds(30)
    assert (verdict.ends, verdict.reruns) == ({"COMPLETED": 4}, 0)
    assert one.worker.stop() == 0


@pytest.mark.parametrize(
    ("kind", "with_redis"),
    [
        ("postgres", True),
        pytest.param("postgres", False, marks=pytest.mark.slow),
        pytest.param("mariadb", True, marks=[pytest.mark.mariadb, pytest.mark.slow]),
    ],
    ids=["both", "the database", "mariadb"],
    indirect=["kind"],
)
def test_a_worker_that_is_cut_off_ends_its_tasks_before_another_begins_them(
    far: Callable[[str], Far], oracle: Oracle, with_redis: bool
) -> None:
    one = far("one")
    stored = oracle.store(2, 4, max_retries=2)
    wait_until(lambda: held_by("one") == 2)
    two = far("two")
    cables = [one.database, one.redis] if with_redis else [one.database]
    for cable in cables:
        cable.pull()
    one.worker.line("fenced")
    wait_until(lambda: held_by("two") == 2, 15)
    for cable in cables:
        cable.plug()
    verdict = oracle.assert_holds(30)
    assert verdict.ends == {"COMPLETED": len(stored)}
    assert verdict.reruns == 2
    assert two.worker.stop() == 0
    assert seconds_until(lambda: works_again("one"), 20) < BACK_WITHIN_S
    assert one.worker.stop() == 0
