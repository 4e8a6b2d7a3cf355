"""Postgres restarts, refuses or stalls under load: by what the tasks wrote, they ran once."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.db import connections

from tests.chaos.oracle import Oracle
from tests.databases import Database
from tests.processes import Process
from tests.servers import Postgres, Proxy
from tests.waiting import wait_until
from tests.worker.marks import on_postgres
from tests.worker.outcomes import ended, enqueue, seconds_until

BACK_WITHIN_S = 10.0


def name_of(database: Database) -> str:
    return urlsplit(database.url).path.lstrip("/")


def ends(oracle: Oracle) -> int:
    return oracle.words("end").total()


@on_postgres
@pytest.mark.parametrize(
    "how",
    [
        pytest.param(signal.SIGINT, id="fast", marks=pytest.mark.slow),
        pytest.param(signal.SIGQUIT, id="immediate"),
    ],
)
@pytest.mark.direct
def test_a_restart_under_load_runs_nothing_twice(
    database: Database,
    task_worker: dict[str, Any],
    worker: Callable[..., Process],
    postgres_server: Postgres,
    oracle: Oracle,
    how: signal.Signals,
) -> None:
    """The commits of the test are on the disk: what is lost with them has a test of its own."""
    task_worker["LEASE"] = 30.0
    postgres_server.execute(f"ALTER DATABASE {name_of(database)} SET synchronous_commit = on")
    workers = [worker("--concurrency", 2) for _ in range(2)]
    stored = oracle.store(500, 0.01)
    wait_until(lambda: ends(oracle) > 50)
    assert postgres_server.process is not None
    postgres_server.process.send_signal(how)
    postgres_server.process.wait(20)
    time.sleep(1)
    connections[database.alias].close()
    postgres_server.start()
    done = ends(oracle)
    assert done < len(stored), "all was done before the restart"
    assert seconds_until(lambda: ends(oracle) > done, 20) < BACK_WITHIN_S
    verdict = oracle.assert_holds(40)
    assert verdict.ends == {"COMPLETED": len(stored)}
    assert verdict.reruns == 0
    assert [process.stop() for process in workers] == [0, 0]


@pytest.mark.slow
@pytest.mark.timeout(180)
@on_postgres
def test_statements_that_take_two_seconds_each_are_no_reason_to_run_anything_twice(
    database: Database,
    task_worker: dict[str, Any],
    worker: Callable[..., Process],
    postgres_server: Postgres,
    proxy: Callable[..., Proxy],
    oracle: Oracle,
) -> None:
    task_worker |= {"LEASE": 30.0, "SWEEP": 10.0}
    slow = proxy(postgres_server)
    url = database.url.replace(f":{postgres_server.port}/", f":{slow.port}/")
    workers = [worker("--concurrency", 2, TEST_DATABASE=url) for _ in range(2)]
    slow.delay_s = 1.0
    stored = [*oracle.store(8, 1), *oracle.store(4, 0.1, fate="fail")]
    overdue = enqueue("sleep_in_c", 90, True, timeout=3)
    time.sleep(40)
    slow.delay_s = 0.0
    assert ended(overdue, BACK_WITHIN_S).error_type == "TaskTimeout"
    verdict = oracle.assert_holds(30)
    assert (verdict.ends["COMPLETED"], verdict.reruns) == (8, 0)
    assert sum(verdict.ends.values()) == len(stored) + 1
    assert [process.stop() for process in workers] == [0, 0]
