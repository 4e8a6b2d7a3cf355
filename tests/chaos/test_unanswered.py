"""The line is cut around a COMMIT: nobody hears whether it was carried out, and nothing is counted twice."""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import urlsplit

import pytest

from tests.chaos.oracle import Oracle
from tests.databases import Database
from tests.processes import Process
from tests.waiting import wait_until
from tests.worker.proxy import Proxy

EACH = [
    ("postgres", 0),
    pytest.param("postgres", 1, marks=pytest.mark.slow),
    *(pytest.param("mariadb", n, marks=[pytest.mark.mariadb, pytest.mark.slow]) for n in (0, 1, 2, 3)),
]


@pytest.mark.parametrize(("kind", "number"), EACH, indirect=["kind"])
@pytest.mark.parametrize("deliver", [True, False], ids=["carried out", "not carried out"])
def test_a_commit_of_unknown_fate_charges_each_attempt_once(
    database: Database, worker: Callable[..., Process], oracle: Oracle, deliver: bool, number: int
) -> None:
    parts = urlsplit(database.url)
    assert parts.port
    with Proxy(parts.port) as proxy:
        url = database.url.replace(f":{parts.port}/", f":{proxy.port}/")
        process = worker("--concurrency", 2, "--poll", "100ms", TEST_DATABASE=url)
        proxy.cut_when(b"COMMIT", deliver=deliver, skip=number)
        failing = oracle.store(3, fate="fail", max_retries=1)
        good = oracle.store(3)
        wait_until(lambda: proxy.cuts == 1)
        verdict = oracle.assert_holds()
        assert verdict.ends == {"FAILED": len(failing), "COMPLETED": len(good)}
        assert verdict.reruns == len(failing)
        assert process.stop() == 0
