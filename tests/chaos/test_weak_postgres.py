"""A Postgres that forgets its last commits, has no room or takes nobody in, on a server of the test's own."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import psycopg
import pytest
from django.db import OperationalError, connections

from tests.chaos.oracle import Oracle
from tests.chaos.servers import CrowdedPostgres, ForgetfulPostgres, PostgresOnSmallDisk
from tests.databases import Database, PostgresDatabases
from tests.processes import Process
from tests.waiting import wait_until
from tests.worker.outcomes import all_ended, ended, enqueue, running, seconds_until

pytestmark = pytest.mark.direct
BACK_WITHIN_S = 10.0


@pytest.fixture
def server(request: pytest.FixtureRequest) -> Iterator[Any]:
    server = request.param()
    yield server
    server.remove()


@pytest.fixture
def database(server: Any, _nothing_left: Any, django_db_blocker: Any) -> Iterator[Database]:
    with django_db_blocker.unblock(), PostgresDatabases(server).fresh() as database:
        yield database


def on(kind: type) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("server", [kind], indirect=True, ids=[kind.__name__])


@on(ForgetfulPostgres)
def test_after_lost_commits_the_lost_part_runs_again(
    server: ForgetfulPostgres, database: Database, worker: Callable[..., Process], oracle: Oracle
) -> None:
    workers = [worker("--concurrency", 2, "--poll", "100ms") for _ in range(2)]
    stored = oracle.store(400, 0.01, max_retries=1)
    server.execute("SET synchronous_commit = on; SELECT txid_current()", database="postgres")
    wait_until(lambda: oracle.words("end").total() > 100)
    server.kill()
    wait_until(lambda: all("cannot " in process.output for process in workers))
    wait_until(lambda: oracle.words("start") == oracle.words("end"))  # they have nothing left in hand
    begun = set(oracle.words("start"))
    connections[database.alias].close()
    server.start()
    assert all_ended() == {"COMPLETED": len(stored)}
    assert set(oracle.words("end")) == set(oracle.words("start"))
    assert len(oracle.words("end")) == len(stored)
    repeated = {key for key, times in oracle.words("start").items() if times > 1}
    assert repeated, "no commit was lost"
    assert repeated <= begun, "what had not begun before was not lost"
    assert [process.stop() for process in workers] == [0, 0]


@pytest.mark.root
@on(PostgresOnSmallDisk)
def test_a_full_disk_refuses_new_tasks_and_loses_none(
    server: PostgresOnSmallDisk, worker: Callable[..., Process], oracle: Oracle
) -> None:
    process = worker("--concurrency", 2, "--poll", "100ms")
    stored = oracle.store(100, 0.1)
    wait_until(lambda: oracle.words("end").total() > 10)
    server.fill()
    refused = fill_up(oracle)
    wait_until(lambda: "cannot " in process.output, 20, what=lambda: process.output)
    server.make_room()
    done = oracle.words("end").total()
    assert seconds_until(lambda: oracle.words("end").total() > done, 20) < BACK_WITHIN_S
    verdict = oracle.assert_holds(60)
    assert verdict.ends["COMPLETED"] >= len(stored)
    assert refused
    assert verdict.reruns == 0
    assert process.stop() == 0


def fill_up(oracle: Oracle) -> bool:
    """Stores large tasks until the database takes no more."""
    for _ in range(2000):
        try:
            oracle.store(1, metadata={"text": "x" * 10_000})
        except OperationalError:
            connections[oracle.alias].close()
            return True
    return False


@on(CrowdedPostgres)
def test_a_worker_takes_no_more_connections_than_it_needs_and_waits_for_them(
    server: CrowdedPostgres,
    database: Database,
    task_worker: dict[str, Any],
    worker: Callable[..., Process],
    oracle: Oracle,
) -> None:
    task_worker["LEASE"] = 30.0
    process = worker("--concurrency", 3, "--poll", "100ms")
    for _ in range(6):
        assert ended(enqueue("fates.use_the_database")).status == "COMPLETED"
    assert used(server) <= 3 + 1 + 1, "children, supervisor, this test"
    asleep = enqueue("sleep", 2)
    running(asleep)
    connections[database.alias].close()
    with ExitStack() as crowd:
        cut_workers(server)
        crowd_out(server, crowd)
        with pytest.raises(OperationalError, match="too many"):
            oracle.store()
        process.line("cannot ")
    assert ended(asleep).status == "COMPLETED"
    assert ended(enqueue("add", 1, 2), BACK_WITHIN_S).result == "3"
    assert len([line for line in process.lines if "cannot " in line]) <= 2
    assert process.stop() == 0


def used(server: CrowdedPostgres) -> int:
    with psycopg.connect(f"{server.url}/postgres") as connection:
        row = connection.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE datname LIKE 'test%' AND backend_type LIKE 'client%'"
        ).fetchone()
    assert row is not None
    return int(row[0])


def cut_workers(server: CrowdedPostgres) -> None:
    server.execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'taskctl worker'"
    )


def crowd_out(server: CrowdedPostgres, crowd: ExitStack) -> None:
    """Takes every connection that there is."""
    for _ in range(2 * server.connections):
        try:
            crowd.enter_context(psycopg.connect(f"{server.url}/postgres", connect_timeout=5))
        except psycopg.OperationalError:
            return
