"""The database restarts, cuts connections, hangs or refuses: each task still runs, and runs once."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psycopg
import pytest
from django.db import connections

from django_task_worker.client import create_tasks
from django_task_worker.models import DatabaseTask
from tests.databases import Database
from tests.processes import Process
from tests.servers import MariaDB, Postgres
from tests.waiting import wait_until
from tests.worker.marks import on_postgres, on_sqlite
from tests.worker.outcomes import (
    all_ended,
    ended,
    ends,
    enqueue,
    journal_tasks,
    row,
    running,
    starts,
    statuses,
)
from tests.worker.proxy import Mode, Proxy


def name_of(database: Database) -> str:
    return urlsplit(database.url).path.lstrip("/")


def keys(count: int) -> list[str]:
    return [f"k{number}" for number in range(count)]


def assert_once(journal: Path, count: int) -> None:
    assert all_ended() == {"COMPLETED": count}
    assert set(DatabaseTask.objects.values_list("retry_count", flat=True)) == {0}
    assert starts(journal) == ends(journal) == dict.fromkeys(keys(count), 1)


# Restarts and cut connections


@on_postgres
@pytest.mark.direct
def test_tasks_go_on_after_the_database_was_killed(
    database: Database, worker: Callable[..., Process], postgres_server: Postgres, journal: Path
) -> None:
    postgres_server.execute(f"ALTER DATABASE {name_of(database)} SET synchronous_commit = on")
    workers = [worker("--concurrency", 2) for _ in range(2)]
    asleep = enqueue("fates.journal_and_wait", str(journal), "asleep", 4)
    running(asleep)
    create_tasks(journal_tasks(journal, keys(600), 0.005))
    wait_until(lambda: len(ends(journal)) > 50)
    postgres_server.kill()
    time.sleep(1)
    connections[database.alias].close()
    postgres_server.start()
    assert all_ended() == {"COMPLETED": 601}
    assert starts(journal) == dict.fromkeys([*keys(600), "asleep"], 1)
    assert row(asleep).retry_count == 0
    assert [process.stop() for process in workers] == [0, 0]


def _cut_postgres(server: Postgres, database: Database) -> None:
    server.execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
        f"WHERE datname = '{name_of(database)}' AND application_name = 'taskctl worker'"
    )


def _cut_mariadb(server: MariaDB, database: Database) -> None:
    import pymysql

    for (number,) in server.execute("SELECT id FROM information_schema.processlist WHERE user = 'dj'"):
        try:
            server.execute(f"KILL {number}")
        except pymysql.Error:
            continue


@pytest.mark.parametrize(
    "kind", ["postgres", pytest.param("mariadb", marks=pytest.mark.mariadb)], indirect=True
)
def test_cut_connections_harm_no_task(
    database: Database,
    worker: Callable[..., Process],
    request: pytest.FixtureRequest,
    kind: str,
    journal: Path,
) -> None:
    server = request.getfixturevalue(f"{kind}_server")
    cut = _cut_postgres if kind == "postgres" else _cut_mariadb
    workers = [worker("--concurrency", 2) for _ in range(2)]
    create_tasks(journal_tasks(journal, keys(1000), 0.002))
    for number in range(1, 8):
        wait_until(lambda: len(ends(journal)) > number * 100)  # noqa: B023
        cut(server, database)
        connections[database.alias].close()
    assert_once(journal, 1000)
    assert [process.stop() for process in workers] == [0, 0]


NEEDLES = {
    "postgres": {"claim": b"SKIP LOCKED", "finish": b"status = 'COMPLETED'"},
    "mariadb": {"claim": b"FOR UPDATE", "finish": b"status = 'COMPLETED'"},
}


@pytest.mark.parametrize(
    "kind", ["postgres", pytest.param("mariadb", marks=pytest.mark.mariadb)], indirect=True
)
@pytest.mark.parametrize("deliver", [True, False], ids=["after it", "before it"])
@pytest.mark.parametrize("what", ["claim", "finish"])
def test_an_unanswered_statement_is_settled_without_waiting_for_the_lease(
    database: Database,
    worker: Callable[..., Process],
    kind: str,
    what: str,
    deliver: bool,
    journal: Path,
) -> None:
    """The connection is cut before or after the server carried it out; nobody hears which."""
    with behind_proxy(database) as (proxy, url):
        process = worker("--concurrency", 2, TEST_DATABASE=url)
        proxy.cut_when(NEEDLES[kind][what], deliver=deliver)
        create_tasks(journal_tasks(journal, keys(6)))
        began = time.monotonic()
        assert_once(journal, 6)
        assert time.monotonic() - began < 15
        assert proxy.cuts == 1
        assert process.stop() == 0


@pytest.mark.mariadb
@pytest.mark.parametrize("kind", ["mariadb"], indirect=True)
@pytest.mark.parametrize("number", range(1, 7))
def test_a_commit_whose_answer_is_lost_is_found_again(
    database: Database, worker: Callable[..., Process], journal: Path, number: int
) -> None:
    with behind_proxy(database) as (proxy, url):
        process = worker("--concurrency", 2, TEST_DATABASE=url)
        proxy.cut_when(b"COMMIT", deliver=True, skip=number)
        create_tasks(journal_tasks(journal, keys(6)))
        assert_once(journal, 6)
        wait_until(lambda: proxy.cuts == 1)
        assert process.stop() == 0


@contextmanager
def behind_proxy(database: Database) -> Iterator[tuple[Proxy, str]]:
    """A proxy in front of the database's server, and the URL through it."""
    parts = urlsplit(database.url)
    assert parts.port
    with Proxy(parts.port) as proxy:
        yield proxy, database.url.replace(f":{parts.port}/", f":{proxy.port}/")


# Hanging statements


@on_postgres
def test_a_time_limit_holds_while_the_table_is_locked(
    database: Database, worker: Callable[..., Process], postgres_server: Postgres
) -> None:
    process = worker("--concurrency", 2)
    asleep = enqueue("sleep_in_c", 60, True, timeout=2)
    running(asleep)
    began = time.monotonic()
    busy = [child.pid for child in process.children() if child.pid != 0]
    with psycopg.connect(database.url, autocommit=False) as other:
        other.execute(f"LOCK TABLE {DatabaseTask._meta.db_table} IN ACCESS EXCLUSIVE MODE")
        wait_until(lambda: set(busy) - {child.pid for child in process.children()}, 2 + 5)
        waiting = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'taskctl worker'"
        while time.monotonic() - began < 12:
            count = other.execute(waiting).fetchone()
            assert count is not None
            assert count[0] <= 3, "statements that nobody waits for any more pile up"
            time.sleep(0.2)
    done = ended(asleep)
    assert (done.status, done.error_type) == ("FAILED", "TaskTimeout")
    assert done.duration is not None
    assert 2 <= done.duration <= 7
    assert ended(enqueue("add", 1, 2)).result == "3"
    assert process.stop() == 0


@on_postgres
def test_a_task_that_ends_in_time_is_in_time_although_a_statement_hangs(
    database: Database, worker: Callable[..., Process]
) -> None:
    """Its report waits to be read for longer than its time limit."""
    process = worker("--concurrency", 2, "--poll", "100ms")
    task = running(enqueue("sleep", 1, timeout=2))
    began = time.monotonic()
    with psycopg.connect(database.url, autocommit=False) as other:
        other.execute(f"LOCK TABLE {DatabaseTask._meta.db_table} IN ACCESS EXCLUSIVE MODE")
        wait_until(lambda: time.monotonic() > began + 4)
    assert ended(task).status == "COMPLETED"
    assert process.stop() == 0


@on_postgres
def test_a_silent_line_to_the_database_hurts_no_time_limit_and_no_task(
    database: Database, worker: Callable[..., Process], journal: Path
) -> None:
    """No reset, no answer, no end: as a firewall that drops packets."""
    with behind_proxy(database) as (proxy, url):
        process = worker("--concurrency", 2, TEST_DATABASE=url)
        asleep = enqueue("sleep_in_c", 60, True, timeout=2)
        honest = enqueue("journal", str(journal), "honest", 6)
        for task in (asleep, honest):
            running(task)
        before = {child.pid for child in process.children()}
        proxy.set(Mode.HANG)
        wait_until(lambda: before - {child.pid for child in process.children()}, 2 + 5)
        wait_until(lambda: ends(journal), 10)
        time.sleep(1)
        proxy.set(Mode.PASS)
        assert ended(asleep).error_type == "TaskTimeout"
        assert ended(honest).status == "COMPLETED"
        assert starts(journal) == {"honest": 1}
        assert ended(enqueue("add", 1, 2)).result == "3"
        assert process.stop() == 0


@on_postgres
def test_a_worker_cut_off_for_a_lease_ends_its_tasks_before_another_begins_them(
    quick: dict[str, Any], database: Database, worker: Callable[..., Process], journal: Path
) -> None:
    with behind_proxy(database) as (proxy, url):
        first = worker("--concurrency", 1, "--name", "first", TEST_DATABASE=url)
        task = enqueue("fates.journal_and_wait", str(journal), "k", 6, max_retries=1)
        running(task)
        children = first.children()
        second = worker("--concurrency", 1, "--name", "second")
        proxy.set(Mode.HANG)
        wait_until(lambda: starts(journal)["k"] == 2, 20)
        assert not any(child.is_running() and child.status() != "zombie" for child in children)
        first.line("fenced")
        done = ended(task)
        assert (done.status, done.worker, done.retry_count) == ("COMPLETED", "second", 1)
        assert ends(journal)["k"] == 1
        proxy.set(Mode.PASS)
        assert second.stop() == 0
        assert ended(enqueue("add", 1, 2)).worker == "first"
        assert first.stop() == 0


@on_postgres
def test_a_worker_without_a_database_still_ends(database: Database, worker: Callable[..., Process]) -> None:
    with behind_proxy(database) as (proxy, url):
        process = worker("--concurrency", 1, "--grace", "1s", TEST_DATABASE=url)
        task = enqueue("sleep", 60, max_retries=1)
        running(task)
        proxy.set(Mode.HANG)
        children = process.children()
        began = time.monotonic()
        process.send(15)
        wait_until(lambda: not process.running, 40)
        assert time.monotonic() - began < 30
        assert not any(child.is_running() and child.status() != "zombie" for child in children)


# Refusals


@on_postgres
def test_a_row_that_cannot_be_written_holds_no_other_back(
    database: Database, worker: Callable[..., Process], postgres_server: Postgres, journal: Path
) -> None:
    postgres_server.execute(
        "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN IF NEW.result = 'poison' THEN RAISE EXCEPTION 'not this one'; END IF; RETURN NEW; END $$",
        f"CREATE TRIGGER refuse BEFORE UPDATE ON {DatabaseTask._meta.db_table} "
        "FOR EACH ROW EXECUTE FUNCTION refuse()",
        database=name_of(database),
    )
    process = worker("--concurrency", 2, "--poll", "50ms")
    poison = enqueue("journal", str(journal), "poison")
    wait_until(lambda: ends(journal))
    for number in range(5):
        assert ended(enqueue("add", number, 1)).result == str(number + 1)
    assert row(poison).status == "PROGRESS"
    postgres_server.execute(
        f"DROP TRIGGER refuse ON {DatabaseTask._meta.db_table}", database=name_of(database)
    )
    assert ended(poison).result == "poison"
    assert starts(journal) == {"poison": 1}
    assert process.stop() == 0


@on_postgres
@pytest.mark.direct
def test_a_database_that_only_reads_is_waited_for(
    database: Database, worker: Callable[..., Process], postgres_server: Postgres, journal: Path
) -> None:
    process = worker("--concurrency", 2)
    task = enqueue("fates.journal_and_wait", str(journal), "k", 2)
    running(task)
    name = name_of(database)
    postgres_server.execute(f"ALTER DATABASE {name} SET default_transaction_read_only = on")
    _cut_postgres(postgres_server, database)
    process.line("cannot ")
    wait_until(lambda: ends(journal), 10)
    postgres_server.execute(f"ALTER DATABASE {name} SET default_transaction_read_only = off")
    _cut_postgres(postgres_server, database)
    connections[database.alias].close()
    assert ended(task).status == "COMPLETED"
    assert starts(journal) == {"k": 1}
    assert ended(enqueue("add", 1, 2)).result == "3"
    assert process.stop() == 0


@on_postgres
def test_workers_behind_pgbouncer_run_each_task_once(
    database: Database, worker: Callable[..., Process], pgbouncer_server: Any, journal: Path
) -> None:
    url = f"{pgbouncer_server.url}/{name_of(database)}"
    workers = [worker("--concurrency", 2, TEST_DATABASE=url) for _ in range(2)]
    create_tasks(journal_tasks(journal, keys(500)))
    assert_once(journal, 500)
    assert [process.stop() for process in workers] == [0, 0]
    pgbouncer_server.stop()


# SQLite


@on_sqlite
def test_tasks_go_on_after_another_writer_has_locked_the_file(
    database: Database, worker: Callable[..., Process], journal: Path
) -> None:
    workers = [worker("--concurrency", 2) for _ in range(2)]
    create_tasks(journal_tasks(journal, keys(400), 0.002))
    wait_until(lambda: len(ends(journal)) > 50)
    with closing(sqlite3.connect(urlsplit(database.url).path, isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        time.sleep(6)
        other.execute("ROLLBACK")
    assert_once(journal, 400)
    assert statuses() == {"COMPLETED": 400}
    assert [process.stop() for process in workers] == [0, 0]


@on_sqlite
def test_a_time_limit_holds_while_another_writer_has_locked_the_file(
    database: Database, worker: Callable[..., Process]
) -> None:
    process = worker("--concurrency", 1)
    task = enqueue("sleep_in_c", 60, True, timeout=2)
    running(task)
    before = {child.pid for child in process.children()}
    with closing(sqlite3.connect(urlsplit(database.url).path, isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        wait_until(lambda: not before & {child.pid for child in process.children()}, 2 + 5)
        other.execute("ROLLBACK")
    assert ended(task).error_type == "TaskTimeout"
