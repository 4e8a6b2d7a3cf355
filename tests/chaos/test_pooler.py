"""PgBouncer in transaction mode: each transaction may find another server connection behind the same line."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
import pytest
from django.db import connections

from django_task_worker import statistics
from django_task_worker.states import Transition
from django_task_worker.statistics import Recorder
from tests.chaos.oracle import Oracle
from tests.databases import Database
from tests.processes import Process
from tests.servers import PgBouncer
from tests.waiting import wait_until
from tests.worker.marks import on_postgres


@pytest.fixture
def pooled(database: Database, pgbouncer_server: PgBouncer, monkeypatch: pytest.MonkeyPatch) -> str:
    """The alias, with its connections through the pooler."""
    connections[database.alias].close()
    monkeypatch.setitem(connections[database.alias].settings_dict, "PORT", pgbouncer_server.port)
    return database.alias


@contextmanager
def others(url: str) -> Iterator[None]:
    """Somebody else's transactions, who take the connections in turn."""
    ended = threading.Event()

    def hurry() -> None:
        with psycopg.connect(url, autocommit=True, prepare_threshold=None) as link:
            while not ended.is_set():
                link.execute("SELECT pg_sleep(0.001)")

    threads = [threading.Thread(target=hurry) for _ in range(3)]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        ended.set()
        for thread in threads:
            thread.join()


@on_postgres
def test_statistics_are_read_through_a_pooler(
    pooled: str, database: Database, pgbouncer_server: PgBouncer
) -> None:
    recorder = Recorder("id-1", "web1", pooled)
    recorder.begin()
    recorder.note(Transition.COMPLETE, "default", "app.tasks.add", 0.1, 0.1)
    recorder.write()
    with others(f"{pgbouncer_server.url}{database.url[database.url.rindex('/') :]}"):
        for _ in range(40):
            (found,) = statistics.read(60, using=pooled)
            assert found.completed == 1
    connections[pooled].close()


@pytest.mark.slow
@on_postgres
def test_a_pooler_that_restarts_under_load_costs_no_attempt(
    database: Database,
    task_worker: dict[str, Any],
    worker: Callable[..., Process],
    pgbouncer_server: PgBouncer,
    oracle: Oracle,
) -> None:
    task_worker["LEASE"] = 30.0
    url = f"{pgbouncer_server.url}{database.url[database.url.rindex('/') :]}"
    workers = [worker("--concurrency", 2, TEST_DATABASE=url) for _ in range(2)]
    stored = oracle.store(800, 0.01)
    for turn in range(1, 4):
        wait_until(lambda: oracle.words("end").total() > 150 * turn)  # noqa: B023
        pgbouncer_server.kill()
        time.sleep(1)
        pgbouncer_server.start()
    verdict = oracle.assert_holds(40)
    assert (verdict.ends, verdict.reruns) == ({"COMPLETED": len(stored)}, 0)
    assert [process.stop() for process in workers] == [0, 0]
