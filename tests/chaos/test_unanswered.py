"""The line is cut: nobody hears whether a statement was carried out, and nothing is counted twice."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.db import connections

from tests.chaos.audit import TASKS
from tests.chaos.oracle import Oracle
from tests.databases import Database
from tests.processes import Process
from tests.servers import TO_CLIENT, TO_SERVER, Server
from tests.servers import Proxy as Line
from tests.waiting import wait_until
from tests.worker.marks import on_postgres
from tests.worker.outcomes import row
from tests.worker.proxy import Proxy

EACH = [
    ("postgres", 0),
    pytest.param("postgres", 1, marks=pytest.mark.slow),
    *(pytest.param("mariadb", n, marks=[pytest.mark.mariadb, pytest.mark.slow]) for n in (0, 1, 2, 3)),
]

ENDS = {"postgres": b"SET LOCAL enable_", "mariadb": b"COMMIT"}
"""What is sent when outcomes are written: on Postgres one message, which is a transaction."""


@pytest.mark.parametrize(("kind", "number"), EACH, indirect=["kind"])
@pytest.mark.parametrize("deliver", [True, False], ids=["carried out", "not carried out"])
def test_a_commit_of_unknown_fate_charges_each_attempt_once(
    database: Database,
    worker: Callable[..., Process],
    oracle: Oracle,
    kind: str,
    deliver: bool,
    number: int,
) -> None:
    parts = urlsplit(database.url)
    assert parts.port
    with Proxy(parts.port) as proxy:
        url = database.url.replace(f":{parts.port}/", f":{proxy.port}/")
        process = worker("--concurrency", 2, "--poll", "100ms", TEST_DATABASE=url)
        proxy.cut_when(ENDS[kind], deliver=deliver, skip=number)
        failing = oracle.store(3, fate="fail", max_retries=1)
        good = oracle.store(3)
        wait_until(lambda: proxy.cuts == 1)
        verdict = oracle.assert_holds()
        assert verdict.ends == {"FAILED": len(failing), "COMPLETED": len(good)}
        assert verdict.reruns == len(failing)
        assert process.stop() == 0


@on_postgres
@pytest.mark.parametrize("deliver", [True, False], ids=["carried out", "not carried out"])
def test_a_message_that_settles_and_claims_at_once_is_settled_whatever_became_of_it(
    database: Database, worker: Callable[..., Process], oracle: Oracle, deliver: bool
) -> None:
    """No retries: a claim that nobody knew of would fail its tasks."""
    parts = urlsplit(database.url)
    assert parts.port
    with Proxy(parts.port) as proxy:
        url = database.url.replace(f":{parts.port}/", f":{proxy.port}/")
        process = worker("--concurrency", 2, "--poll", "100ms", TEST_DATABASE=url)
        proxy.cut_when(b"SKIP LOCKED", ENDS["postgres"], deliver=deliver, skip=1)
        good = oracle.store(24, 0.05, max_retries=0)
        verdict = oracle.assert_holds()
        assert proxy.cuts == 1
        assert verdict.ends == {"COMPLETED": len(good)}
        assert verdict.reruns == 0
        assert process.stop() == 0


@on_postgres
def test_an_outcome_that_is_sent_again_takes_nothing_from_the_next_run(
    database: Database, worker: Callable[..., Process], oracle: Oracle
) -> None:
    """The retry was carried out and nobody heard; the task runs again when its old outcome is tried again.

    The second run lasts longer than a lease.
    """
    parts = urlsplit(database.url)
    assert parts.port
    with Proxy(parts.port) as proxy:
        url = database.url.replace(f":{parts.port}/", f":{proxy.port}/")
        process = worker("--concurrency", 1, "--poll", "100ms", TEST_DATABASE=url)
        proxy.cut_when(ENDS["postgres"], deliver=True)
        task = oracle.call("fail_times", 1, 5, max_retries=2)
        verdict = oracle.assert_holds()
        assert proxy.cuts == 1
        assert verdict.ends == {"COMPLETED": 1}
        assert verdict.reruns == 1
        assert row(task).retry_count == 1
        process.line("stale outcome of task")
        assert process.stop() == 0


@on_postgres
def test_a_worker_that_stops_gives_back_what_an_unanswered_claim_has_brought(
    database: Database, worker: Callable[..., Process], oracle: Oracle
) -> None:
    parts = urlsplit(database.url)
    assert parts.port
    with Proxy(parts.port) as proxy:
        url = database.url.replace(f":{parts.port}/", f":{proxy.port}/")
        process = worker("--concurrency", 2, "--poll", "100ms", TEST_DATABASE=url)
        proxy.cut_when(b"SKIP LOCKED", deliver=True)
        oracle.store(3, max_retries=0)
        wait_until(lambda: proxy.cuts == 1)
        assert process.stop() == 0
        assert oracle.statuses() == {"PENDING": 3}


@on_postgres
def test_a_run_that_was_cut_off_is_not_found_again_by_its_unanswered_claim(
    database: Database,
    worker: Callable[..., Process],
    task_worker: dict[str, Any],
    database_server: Server,
    proxy: Callable[[Server], Line],
    oracle: Oracle,
) -> None:
    """It was ended as the lease ran out: without retries it fails, and never begins again unspent."""
    task_worker["SWEEP"] = 10.0
    line = proxy(database_server)
    with Proxy(line.port) as words:
        url = database.url.replace(f":{database_server.port}/", f":{words.port}/")
        process = worker("--concurrency", 1, "--poll", "100ms", TEST_DATABASE=url)
        words.cut_when(b"SKIP LOCKED", deliver=True)
        oracle.store(1, 20, max_retries=0)
        wait_until(lambda: oracle.words("start").total() == 1)
        assert words.cuts == 1
        line.silence()
        process.line("the lease has run out for")
        line.pass_on()
        verdict = oracle.assert_holds()
        assert verdict.ends == {"FAILED": 1}
        assert verdict.reruns == 0
        assert process.stop() == 0


HANGS = f"""
CREATE SEQUENCE claims;
CREATE FUNCTION hang() RETURNS trigger LANGUAGE plpgsql AS
    $$ BEGIN IF nextval('claims') = 1 THEN PERFORM pg_sleep(18); END IF; RETURN NULL; END $$;
CREATE CONSTRAINT TRIGGER hang AFTER UPDATE ON {TASKS} DEFERRABLE INITIALLY DEFERRED FOR EACH ROW
    WHEN (NEW.status = 'PROGRESS') EXECUTE FUNCTION hang()
"""


@on_postgres
@pytest.mark.slow
def test_a_claim_that_hangs_in_its_commit_is_found_whenever_it_is_carried_out(
    database: Database, worker: Callable[..., Process], task_worker: dict[str, Any], oracle: Oracle
) -> None:
    """As where a commit waits for a replica. The worker is well: no task may be lost with it."""
    task_worker["LEASE"] = 30.0
    with connections[database.alias].cursor() as cursor:
        cursor.execute(HANGS)
    process = worker("--concurrency", 2)
    stored = oracle.store(6, max_retries=0)
    verdict = oracle.assert_holds(70)
    assert verdict.ends == {"COMPLETED": len(stored)}
    assert verdict.reruns == 0
    process.line("cannot (claim tasks|write outcomes)")
    assert process.stop() == 0


def some_bytes() -> int:
    """From the middle of an answer's first line to some dozens of answers later."""
    return int(2 ** random.uniform(0, 13))


@pytest.mark.parametrize(
    ("kind", "cuts"),
    [
        ("postgres", 12),
        pytest.param("postgres", 150, marks=[pytest.mark.slow, pytest.mark.timeout(300)]),
        pytest.param("mariadb", 150, marks=[pytest.mark.mariadb, pytest.mark.slow, pytest.mark.timeout(300)]),
    ],
    indirect=["kind"],
)
def test_a_line_that_breaks_after_any_number_of_bytes_costs_no_attempt(
    database: Database,
    worker: Callable[..., Process],
    task_worker: dict[str, Any],
    database_server: Server,
    proxy: Callable[[Server], Line],
    oracle: Oracle,
    cuts: int,
) -> None:
    """In either direction: in the middle of a question or of an answer. Then the line holds for a moment."""
    task_worker["LEASE"] = 30.0
    line = proxy(database_server)
    url = database.url.replace(f":{database_server.port}/", f":{line.port}/")
    process = worker("--concurrency", 2, "--poll", "100ms", TEST_DATABASE=url)
    good, bad = 0, 0

    def so_far() -> str:
        return f"{oracle.words('end').total()} of {good}, {oracle.statuses()}, {line.cuts}\n{process.output}"

    for number in range(cuts):
        good += len(oracle.store(8, 0.002))
        bad += len(oracle.store(2, fate="fail", max_retries=1))
        line.cut_after(some_bytes(), random.choice([TO_SERVER, TO_CLIENT]))
        wait_until(lambda: line.cuts == number + 1, 20)  # noqa: B023
        ended = oracle.words("end").total()
        wait_until(lambda: ended == good or oracle.words("end").total() > ended, 20, what=so_far)  # noqa: B023
    verdict = oracle.assert_holds(60)
    assert verdict.ends == {"COMPLETED": good, "FAILED": bad}
    assert verdict.reruns == bad
    assert process.stop() == 0
